//! Tables that people take away: CSV and XLSX.

use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use std::borrow::Cow;

/// The first column is as wide as a number, the others as a name.
const WIDTH: f64 = 22.0;

/// What a cell holds; a longer receipt is left to the other forms.
const CELL_MAX: usize = 32_767;

/// One cell with its type. Texts are never formulas; instants are those of a clock in China, which spreadsheets show as they are.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Whole(i64),
    /// A number with so many decimals as it is written.
    Decimal(String),
    Date(NaiveDate),
    Instant(DateTime<FixedOffset>),
}

/// One sheet: its name, its bold heading that stays in sight, and its rows.
pub struct Sheet<'a> {
    pub name: &'a str,
    pub heading: Vec<&'a str>,
    pub rows: Vec<Vec<Cell>>,
}

/// A text that no spreadsheet takes for a formula (OWASP ASVS 1.2.10): full-width forms of the signs are taken for them too.
pub fn harmless(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0', '＝', '＋', '－', '＠']) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// Rows as lines of CSV.
pub fn csv_lines<'a>(rows: impl IntoIterator<Item = &'a [String]>) -> Vec<u8> {
    records(rows.into_iter().map(|row| row.iter().map(|cell| harmless(cell))))
}

/// Records by RFC 4180; their cells are harmless already.
fn records<'a>(rows: impl IntoIterator<Item = impl IntoIterator<Item = Cow<'a, str>>>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.into_iter().map(Cow::into_owned)).expect("memory takes every row of one length");
    }
    writer.into_inner().expect("memory takes every byte")
}

impl Cell {
    /// As CSV writes it: instants and dates by ISO 8601. A number keeps its sign; no spreadsheet takes digits for a formula.
    pub fn as_csv(&self) -> Cow<'_, str> {
        match self {
            Cell::Empty => Cow::Borrowed(""),
            Cell::Text(text) => harmless(text),
            Cell::Whole(number) => Cow::Owned(number.to_string()),
            Cell::Decimal(text) => Cow::Borrowed(text),
            Cell::Date(day) => Cow::Owned(day.to_string()),
            Cell::Instant(at) => Cow::Owned(at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        }
    }

    pub fn text(text: impl Into<String>) -> Self {
        Cell::Text(text.into())
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Cell::Text(text.clone())
    }
}

/// A sheet as CSV, its heading first.
pub fn csv_sheet(sheet: &Sheet<'_>) -> Vec<u8> {
    let heading: Vec<Cow<'_, str>> = sheet.heading.iter().map(|text| Cow::Borrowed(*text)).collect();
    records(std::iter::once(heading).chain(sheet.rows.iter().map(|row| row.iter().map(Cell::as_csv).collect())))
}

/// How cells of each type look.
struct Looks {
    heading: Format,
    date: Format,
    instant: Format,
}

/// A workbook of some sheets.
pub fn workbook(sheets: &[Sheet<'_>]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let looks = Looks { heading: Format::new().set_bold(), date: Format::new().set_num_format("yyyy-mm-dd"), instant: Format::new().set_num_format("yyyy-mm-dd hh:mm") };
    for sheet in sheets {
        let page = workbook.add_worksheet();
        page.set_name(sheet.name)?.set_freeze_panes(1, 0)?;
        for (column, text) in (0..).zip(&sheet.heading) {
            page.set_column_width(column, WIDTH)?;
            page.write_string_with_format(0, column, *text, &looks.heading)?;
        }
        for (line, row) in (1..).zip(&sheet.rows) {
            for (column, cell) in (0..).zip(row) {
                write_cell(page, line, column, cell, &looks)?;
            }
        }
    }
    workbook.save_to_buffer()
}

fn moment(text: &str) -> Result<ExcelDateTime, XlsxError> {
    ExcelDateTime::parse_from_str(text)
}

fn write_cell(page: &mut Worksheet, line: u32, column: u16, cell: &Cell, looks: &Looks) -> Result<(), XlsxError> {
    match cell {
        Cell::Empty => {}
        Cell::Text(text) => {
            page.write_string(line, column, if text.len() > CELL_MAX { "…" } else { text })?;
        }
        // Exact far beyond any count of minutes.
        Cell::Whole(number) => {
            page.write_number(line, column, *number as f64)?;
        }
        Cell::Decimal(text) => match text.parse::<f64>() {
            Ok(number) => {
                page.write_number(line, column, number)?;
            }
            Err(_) => {
                page.write_string(line, column, text)?;
            }
        },
        Cell::Date(day) => {
            page.write_datetime_with_format(line, column, &moment(&day.format("%Y-%m-%d").to_string())?, &looks.date)?;
        }
        Cell::Instant(at) => {
            page.write_datetime_with_format(line, column, &moment(&at.naive_local().format("%Y-%m-%dT%H:%M:%S").to_string())?, &looks.instant)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_in_csv_and_texts_in_workbooks() {
        let rows = [vec!["=1+1".to_owned(), "张三, 李四".to_owned()], vec!["＠x".to_owned(), "a".to_owned()]];
        assert_eq!(String::from_utf8(csv_lines(rows.iter().map(Vec::as_slice))).unwrap(), "'=1+1,\"张三, 李四\"\r\n'＠x,a\r\n");
        let file = workbook(&[Sheet { name: "结果", heading: vec!["a", "b"], rows: rows.iter().map(|row| row.iter().map(Cell::from).collect()).collect() }]).unwrap();
        let mut found = Vec::new();
        let shape = super::super::Shape { columns: &[("a", ""), ("b", "")], required: &[], rows_max: 9 };
        super::super::read(super::super::Format::Xlsx, &mut std::io::Cursor::new(file), &shape, &mut |row| {
            found.push(row.cells.unwrap()["a"].as_str().unwrap().to_owned());
            Ok(())
        })
        .unwrap();
        assert_eq!(found, ["=1+1", "＠x"]);
    }

    #[test]
    fn each_type_has_its_form_in_csv() {
        let at = DateTime::parse_from_rfc3339("2026-03-09T09:00:00+08:00").unwrap();
        let rows = vec![vec![Cell::text("-1+1"), Cell::Whole(-3), Cell::Decimal("-2.0".to_owned()), Cell::Date("2026-03-09".parse().unwrap()), Cell::Instant(at), Cell::Empty]];
        let sheet = Sheet { name: "记录", heading: vec!["a", "b", "c", "d", "e", "f"], rows };
        assert_eq!(String::from_utf8(csv_sheet(&sheet)).unwrap(), "a,b,c,d,e,f\r\n'-1+1,-3,-2.0,2026-03-09,2026-03-09T09:00:00+08:00,\r\n");
    }
}
