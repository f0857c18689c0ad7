//! XLSX (ISO/IEC 29500): the first sheet of a workbook.
//!
//! A workbook is a zip of XML, so a small file can grow without bound. Every part that is read is first unpacked into nothing,
//! with a limit on what comes out; the declared sizes are not believed. Cells are read one after the other, never as a rectangle,
//! so that a single cell in the last corner costs nothing.

use super::{Row, Shape, columns_of, damaged};
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use calamine::{DataRef, Reader, Xlsx};
use serde_json::{Map, Value};
use std::io::{Read, Seek, SeekFrom, copy, sink};

/// Parts of the archive; a sheet of a clerk has a dozen.
const PARTS_MAX: usize = 500;
/// Bytes of unpacked XML: texts are kept in memory, rows are not.
const TEXTS_MAX: u64 = 16 << 20;
const SHEET_MAX: u64 = 128 << 20;
const OTHERS_MAX: u64 = 32 << 20;
/// Of all parts together.
const TOTAL_MAX: u64 = 160 << 20;
const COLUMNS_MAX: u32 = 100;
/// Beyond this a binary fraction has no digits left, and Excel has rounded what was typed.
const DIGITS_LOST: f64 = 1e15;

pub(super) fn read(file: &mut (impl Read + Seek), shape: &Shape, visit: &mut dyn FnMut(Row) -> Result<(), Violation>) -> Result<(), Vec<Violation>> {
    check_size(file).map_err(|fault| vec![fault])?;
    let broken = |error: &calamine::XlsxError| {
        // The library's words may quote the file.
        tracing::debug!(%error, "a workbook cannot be read");
        vec![damaged("not an XLSX workbook that can be read", "不是可读取的 XLSX 工作簿")]
    };
    file.seek(SeekFrom::Start(0)).map_err(|_| vec![damaged("the file cannot be read", "文件无法读取")])?;
    let mut workbook: Xlsx<_> = Xlsx::new(file).map_err(|error| broken(&error))?;
    let Some(sheet) = workbook.sheet_names().first().cloned() else { return Err(vec![damaged("a workbook without a sheet found", "工作簿没有工作表")]) };
    let mut cells = workbook.worksheet_cells_reader(&sheet).map_err(|error| broken(&error))?;
    let mut lines = Lines { shape, visit, header: None, line: None };
    while let Some(cell) = cells.next_cell().map_err(|error| broken(&error))? {
        let (line, column) = cell.get_position();
        if column >= COLUMNS_MAX {
            return Err(vec![damaged(format!("a cell in column {} found, at most {COLUMNS_MAX} columns expected", column + 1), format!("最多 {COLUMNS_MAX} 列"))]);
        }
        lines.take(line, column, cell.get_value())?;
    }
    lines.end_line()?;
    if lines.header.is_none() {
        return Err(vec![damaged("an empty sheet found, a header row and at least one row expected", "工作表为空，应有表头和至少一行数据")]);
    }
    Ok(())
}

/// The cells of one line, until the next one begins.
type Line = (u32, Vec<(u32, Result<Value, Violation>)>);

struct Lines<'a> {
    shape: &'a Shape,
    visit: &'a mut dyn FnMut(Row) -> Result<(), Violation>,
    /// Columns of the sheet with their names.
    header: Option<Vec<(u32, &'static str)>>,
    line: Option<Line>,
}

impl Lines<'_> {
    fn take(&mut self, line: u32, column: u32, value: &DataRef<'_>) -> Result<(), Vec<Violation>> {
        if self.line.as_ref().is_some_and(|(current, _)| *current != line) {
            self.end_line()?;
        }
        let (_, cells) = self.line.get_or_insert((line, Vec::new()));
        // Otherwise a line could repeat its cells for ever.
        if cells.last().is_some_and(|(last, _)| *last >= column) {
            return Err(vec![damaged(format!("the cells of line {} are not in order", line + 1), format!("第 {} 行单元格顺序错误", line + 1))]);
        }
        if let Some(value) = value_of(value) {
            cells.push((column, value));
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Vec<Violation>> {
        let Some((line, cells)) = self.line.take().filter(|(_, cells)| !cells.is_empty()) else { return Ok(()) };
        let Some(header) = &self.header else {
            let texts: Vec<String> = cells.iter().map(|(_, cell)| cell.as_ref().ok().and_then(Value::as_str).unwrap_or_default().to_owned()).collect();
            let names = columns_of(texts.iter().map(String::as_str), self.shape)?;
            self.header = Some(cells.iter().map(|(column, _)| *column).zip(names).collect());
            return Ok(());
        };
        let named = cells.into_iter().map(|(column, cell)| {
            let Some((_, name)) = header.iter().find(|(known, _)| *known == column) else {
                return Err(invalid("row", Text::new(format!("a value in column {} found, which has no heading", column + 1), format!("第 {} 列没有表头", column + 1))));
            };
            Ok(((*name).to_owned(), cell.map_err(|fault| fault.at(*name))?))
        });
        let cells = named.collect::<Result<Map<_, _>, _>>();
        (self.visit)(Row { number: line as usize + 1, cells }).map_err(|fault| vec![fault])
    }
}

/// A cell as its reader sees it; None when it is empty.
fn value_of(cell: &DataRef<'_>) -> Option<Result<Value, Violation>> {
    let text = |text: &str| (!text.trim().is_empty()).then(|| Ok(Value::from(text.trim())));
    match cell {
        DataRef::Empty => None,
        DataRef::String(found) | DataRef::DateTimeIso(found) | DataRef::DurationIso(found) => text(found),
        DataRef::SharedString(found) => text(found),
        DataRef::Int(number) => text(&number.to_string()),
        DataRef::Float(number) if number.abs() >= DIGITS_LOST => Some(Err(invalid(
            "row",
            Text::new("a number of more than 15 digits found in a number cell, where Excel has rounded it; format the column as text and type it again", "数字单元格超过 15 位，Excel 已四舍五入；请将该列设为文本格式后重新填写"),
        ))),
        DataRef::Float(number) => text(&number.to_string()),
        DataRef::Bool(found) => text(&found.to_string()),
        DataRef::DateTime(at) => {
            let (year, month, day, ..) = at.to_ymd_hms_milli();
            text(&format!("{year:04}-{month:02}-{day:02}"))
        }
        DataRef::Error(_) => Some(Err(invalid("row", Text::new("a formula that failed found", "单元格公式出错")))),
    }
}

/// Unpacks into nothing what a reader will unpack into memory, and stops at the limits.
fn check_size(file: &mut (impl Read + Seek)) -> Result<(), Violation> {
    let not_a_workbook = |_| damaged("not an XLSX workbook that can be read", "不是可读取的 XLSX 工作簿");
    let mut archive = zip::ZipArchive::new(file).map_err(not_a_workbook)?;
    if archive.len() > PARTS_MAX {
        return Err(damaged(format!("a workbook of {} parts found, at most {PARTS_MAX} expected", archive.len()), format!("工作簿部件超过 {PARTS_MAX} 个")));
    }
    let too_large = |most: u64| damaged(format!("a workbook that unpacks to more than {} MiB found; cut the file", most >> 20), format!("工作簿解压后超过 {} MiB，请拆分文件", most >> 20));
    let mut total = 0;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(not_a_workbook)?;
        let name = part.name().map_err(not_a_workbook)?.to_ascii_lowercase();
        let most = match name.as_str() {
            name if name.ends_with("sharedstrings.xml") => TEXTS_MAX,
            name if name.contains("worksheets/") => SHEET_MAX,
            // Whatever its name says: the workbook may call any part a sheet.
            _ => OTHERS_MAX,
        };
        let broken = |_| damaged("a damaged workbook found", "工作簿已损坏");
        let unpacked = if most == TEXTS_MAX {
            let mut texts = Vec::new();
            part.take(most + 1).read_to_end(&mut texts).map_err(broken)?;
            if counts_more_than_it_holds(&texts) {
                return Err(damaged("a workbook that counts more texts than it holds found", "工作簿声明的文本数与内容不符"));
            }
            texts.len() as u64
        } else {
            copy(&mut part.take(most + 1), &mut sink()).map_err(broken)?
        };
        total += unpacked;
        if unpacked > most {
            return Err(too_large(most));
        }
        if total > TOTAL_MAX {
            return Err(too_large(TOTAL_MAX));
        }
    }
    Ok(())
}

/// Whether the table of texts declares more of them than it has bytes: readers take memory by what it declares.
fn counts_more_than_it_holds(texts: &[u8]) -> bool {
    const NAME: &[u8] = b"uniqueCount";
    texts.windows(NAME.len()).enumerate().filter(|(_, found)| *found == NAME).any(|(at, _)| {
        let digits = texts[at + NAME.len()..].iter().skip_while(|byte| byte.is_ascii_whitespace() || b"=\"'".contains(byte)).take_while(|byte| byte.is_ascii_digit());
        let declared = digits.fold(0_u64, |number, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        declared > texts.len() as u64
    })
}

#[cfg(test)]
mod tests {
    use super::super::Format;
    use super::super::tests::{rows, says};
    use super::*;
    use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Workbook};
    use std::io::{Cursor, Write};
    use zip::write::SimpleFileOptions;

    fn workbook(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
        let mut workbook = Workbook::new();
        fill(workbook.add_worksheet());
        workbook.save_to_buffer().unwrap()
    }

    fn headed(sheet: &mut rust_xlsxwriter::Worksheet) {
        sheet.write(0, 0, "劳动者").unwrap().write(0, 1, "theory").unwrap().write(0, 2, "note").unwrap();
    }

    /// A workbook whose `part` is replaced by a text repeated until it has `length` bytes.
    fn bomb(part: &str, text: &str, length: usize) -> Vec<u8> {
        let sound = workbook(|sheet| {
            headed(sheet);
            sheet.write(1, 0, "w1").unwrap();
        });
        let mut parts = zip::ZipArchive::new(Cursor::new(sound)).unwrap();
        let mut out = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for index in 0..parts.len() {
            let mut found = parts.by_index(index).unwrap();
            let name = found.name().unwrap().into_owned();
            out.start_file(&name, SimpleFileOptions::default()).unwrap();
            if name.ends_with(part) {
                let block = text.repeat((1 << 20) / text.len());
                (0..length >> 20).for_each(|_| out.write_all(block.as_bytes()).unwrap());
            } else {
                copy(&mut found, &mut out).unwrap();
            }
        }
        out.finish().unwrap().into_inner()
    }

    #[test]
    fn numbers_dates_and_texts_come_as_their_reader_sees_them() {
        let file = workbook(|sheet| {
            headed(sheet);
            sheet.write(2, 0, "w1").unwrap().write(2, 1, 90.5).unwrap();
            sheet.write_with_format(2, 2, ExcelDateTime::from_ymd(2026, 3, 1).unwrap(), &CellFormat::new().set_num_format("yyyy-mm-dd")).unwrap();
            sheet.write(3, 0, 17).unwrap().write(3, 1, 1.1e17).unwrap();
        });
        let found = rows(Format::Xlsx, &file).unwrap();
        let cells = found[0].cells.as_ref().unwrap();
        assert_eq!((cells["worker_id"].as_str(), cells["theory"].as_str(), cells["note"].as_str()), (Some("w1"), Some("90.5"), Some("2026-03-01")));
        assert_eq!(found[0].number, 3);
        let fault = found[1].cells.as_ref().unwrap_err();
        assert_eq!(fault.field.as_deref(), Some("theory"));
        assert!(fault.detail.en.contains("more than 15 digits"));
    }

    #[test]
    fn what_is_no_workbook_or_has_no_heading_is_refused() {
        assert!(says(Format::Xlsx, b"worker_id,theory\n").contains("not an XLSX"));
        assert!(says(Format::Xlsx, &workbook(|_| {})).contains("empty sheet"));
        assert!(says(Format::Xlsx, &workbook(|sheet| drop(sheet.write(0, 0, "age")))).contains("none of"));
        let corner = workbook(|sheet| {
            headed(sheet);
            sheet.write(1_048_575, 16_383, "x").unwrap();
        });
        assert!(says(Format::Xlsx, &corner).contains("at most 100 columns"));
    }

    #[test]
    fn what_a_workbook_declares_is_not_believed() {
        let file = bomb("sharedStrings.xml", "<sst xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" count=\"1\" uniqueCount=\"10000000000000\"><si><t>a</t></si></sst>", 1 << 20);
        assert!(says(Format::Xlsx, &file).contains("counts more texts"));
        let cells = bomb("sheet1.xml", "<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"A1\"><v>1</v></c></row></sheetData>", 1 << 20);
        assert!(says(Format::Xlsx, &cells).contains("not in order"));
    }

    #[test]
    fn bombs_are_refused_before_they_are_read() {
        for (part, text, length) in [("sheet1.xml", "<row r=\"1\"/>", 200 << 20), ("sharedStrings.xml", "<si><t>a</t></si>", 20 << 20), ("styles.xml", " ", 40 << 20)] {
            let file = bomb(part, text, length);
            assert!(file.len() < length / 50, "{part}: not much of a bomb");
            assert!(says(Format::Xlsx, &file).contains("unpacks to more than"), "{part}");
        }
    }
}
