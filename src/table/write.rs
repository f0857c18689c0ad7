//! Tables that people take away: CSV and XLSX.

use rust_xlsxwriter::{Format, Workbook, XlsxError};
use std::borrow::Cow;

/// The first column is as wide as a number, the others as a name.
const WIDTH: f64 = 22.0;

/// What a cell holds; a longer receipt is left to the other forms.
const CELL_MAX: usize = 32_767;

/// A text that no spreadsheet takes for a formula (OWASP ASVS 1.2.10): full-width forms of the signs are taken for them too.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0', '＝', '＋', '－', '＠']) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Rows as lines of CSV.
pub fn csv_lines<'a>(rows: impl IntoIterator<Item = &'a [String]>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(|cell| harmless(cell).into_owned())).expect("memory takes every row of one length");
    }
    writer.into_inner().expect("memory takes every byte")
}

/// A workbook of one sheet: a bold heading that stays in sight, and texts that are never formulas.
pub fn workbook(sheet_name: &str, heading: &[&str], rows: &[Vec<String>]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(sheet_name)?.set_freeze_panes(1, 0)?;
    let bold = Format::new().set_bold();
    for (column, text) in (0..).zip(heading) {
        sheet.set_column_width(column, WIDTH)?;
        sheet.write_string_with_format(0, column, *text, &bold)?;
    }
    for (line, row) in (1..).zip(rows) {
        for (column, text) in (0..).zip(row) {
            sheet.write_string(line, column, if text.len() > CELL_MAX { "…" } else { text })?;
        }
    }
    workbook.save_to_buffer()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_in_csv_and_texts_in_workbooks() {
        let rows = [vec!["=1+1".to_owned(), "张三, 李四".to_owned()], vec!["＠x".to_owned(), "a".to_owned()]];
        assert_eq!(String::from_utf8(csv_lines(rows.iter().map(Vec::as_slice))).unwrap(), "'=1+1,\"张三, 李四\"\r\n'＠x,a\r\n");
        let file = workbook("结果", &["a", "b"], &rows).unwrap();
        let mut found = Vec::new();
        let shape = super::super::Shape { columns: &[("a", ""), ("b", "")], required: &[], rows_max: 9 };
        super::super::read(super::super::Format::Xlsx, &mut std::io::Cursor::new(file), &shape, &mut |row| {
            found.push(row.cells.unwrap()["a"].as_str().unwrap().to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(found, ["=1+1", "＠x"]);
    }
}
