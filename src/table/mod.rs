//! Tables that people hand in and take away: NDJSON, CSV and XLSX. Read row by row, whatever their length, in the memory of one row.
//!
//! A file is refused as a whole only when it is damaged or its header is not understood; a faulty row is that row's affair.

pub mod corrections;
mod csv;
mod ndjson;
pub mod write;
mod xlsx;

use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::io::{Cursor, Read, Seek};

/// A form that a table may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Ndjson,
    Csv,
    Xlsx,
}

pub const NDJSON: &str = "application/x-ndjson";
pub const CSV: &str = "text/csv";
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

impl Format {
    /// By media type, without parameters.
    pub fn of(media_type: &str) -> Option<Self> {
        match media_type {
            NDJSON | "application/ndjson" => Some(Format::Ndjson),
            CSV => Some(Format::Csv),
            XLSX => Some(Format::Xlsx),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
        }
    }
}

/// What columns a table may have, and how many rows.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Name, and the Chinese heading that may stand in its place.
    pub columns: &'static [(&'static str, &'static str)],
    /// Of each of these, at least one.
    pub required: &'static [&'static [&'static str]],
    pub rows_max: usize,
}

/// One row: its place in the file as its reader counts, and its cells by column; or what is wrong with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub number: usize,
    pub cells: Result<Map<String, Value>, Violation>,
}

/// Hands every row to `visit`; empty cells are left away. An error of `visit` ends the reading.
///
/// # Errors
/// The file is damaged, its header is not understood, or it has no rows or too many. Rows may have been visited by then.
pub fn read(format: Format, file: &mut (impl Read + Seek), shape: &Shape, visit: &mut dyn FnMut(Row) -> Result<(), Violation>) -> Result<(), Vec<Violation>> {
    let mut count = 0;
    let mut counting = |mut row: Row| {
        count += 1;
        // Lines of JSON have no columns that a clerk was told to leave in.
        if format != Format::Ndjson
            && let Ok(cells) = &mut row.cells
        {
            cells.shift_remove(corrections::PROBLEM.0);
        }
        if count > shape.rows_max {
            let most = shape.rows_max;
            return Err(invalid("file", Text::new(format!("more than {most} rows found, at most {most} expected; cut the file"), format!("超过 {most} 行，请拆分文件"))));
        }
        visit(row)
    };
    match format {
        Format::Ndjson => ndjson::read(file, &mut counting)?,
        Format::Csv => csv::read(file, shape, &mut counting)?,
        Format::Xlsx => xlsx::read(file, shape, &mut counting)?,
    }
    if count == 0 {
        return Err(vec![damaged("no rows found, at least one expected", "没有数据行")]);
    }
    Ok(())
}

/// What a list says, and the rows of the file that it came from.
#[derive(Debug, Clone)]
pub struct Rows<T> {
    pub items: Vec<T>,
    /// Of each item, as the reader of the file counts.
    numbers: Vec<usize>,
}

impl<T> Rows<T> {
    /// The list, and the rows that it came from.
    pub fn split(self) -> (Vec<T>, Vec<usize>) {
        (self.items, self.numbers)
    }
}

/// Says of rows what was said of items: `results[3].worker_id` becomes `row 5, worker_id`, also where the detail names another item.
pub fn in_rows(mut fault: Violation, numbers: &[usize]) -> Violation {
    let Some(field) = fault.field.take() else { return fault };
    let Some((list, rest)) = field.split_once('[') else { return fault.at(field) };
    let row = |text: &str| -> Option<(usize, String)> {
        let (index, rest) = text.split_once(']')?;
        Some((*numbers.get(index.parse::<usize>().ok()?)?, rest.to_owned()))
    };
    let Some((number, rest)) = row(rest) else { return fault.at(field) };
    for (text, name) in [(&mut fault.detail.en, "row "), (&mut fault.detail.zh, "行 ")] {
        while let Some((before, after)) = text.split_once(&format!("{list}["))
            && let Some((other, after)) = row(after)
        {
            *text = format!("{before}{name}{other}{after}").into();
        }
    }
    // A column has the last part of its member's name: `trainees[3].particulars.agreement_number` is `agreement_number`.
    let at = rest.rsplit_once('.').map_or_else(|| format!("row {number}"), |(_, column)| format!("row {number}, {column}"));
    fault.at(at)
}

/// Every row of a file as `parse` understands its cells.
///
/// # Errors
/// Every fault, each with its row and column; then nothing of the file counts.
pub fn parse_all<T>(format: Format, bytes: &[u8], shape: &Shape, parse: impl Fn(Map<String, Value>) -> Result<T, Vec<Violation>>) -> Result<Rows<T>, Vec<Violation>> {
    let (mut items, mut numbers, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    read(format, &mut Cursor::new(bytes), shape, &mut |row| {
        match row.cells.map_err(|fault| vec![fault]).and_then(&parse) {
            Ok(item) => {
                items.push(item);
                numbers.push(row.number);
            }
            Err(found) => faults.extend(found.into_iter().map(|fault| {
                let at = match fault.field.as_deref() {
                    Some("row") | None => format!("row {}", row.number),
                    Some(column) => format!("row {}, {column}", row.number),
                };
                fault.at(at)
            })),
        }
        Ok(())
    })?;
    if faults.is_empty() { Ok(Rows { items, numbers }) } else { Err(faults) }
}

/// A sheet of a clerk has a dozen.
const COLUMNS_MAX: usize = 100;

/// A NUL is no part of any text, and PostgreSQL refuses it.
pub fn has_nul(cells: &Map<String, Value>) -> bool {
    cells.iter().any(|(name, value)| name.contains('\0') || value.as_str().is_some_and(|text| text.contains('\0')))
}

fn damaged(en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Violation {
    invalid("file", Text::new(en, zh))
}

/// The columns of a header row by their names.
fn columns_of<'a>(header: impl IntoIterator<Item = &'a str>, shape: &Shape) -> Result<Vec<&'static str>, Vec<Violation>> {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for text in header {
        if found.len() + faults.len() >= COLUMNS_MAX {
            return Err(vec![invalid("header", Text::new(format!("more than {COLUMNS_MAX} columns found"), format!("超过 {COLUMNS_MAX} 列")))]);
        }
        match shape.columns.iter().chain([&corrections::PROBLEM]).find(|(name, heading)| text == *name || text == *heading) {
            Some((name, _)) if found.contains(name) => faults.push(invalid("header", Text::new(format!("column {name} stands twice in the header"), format!("表头有重复的列 {name}")))),
            Some((name, _)) => found.push(*name),
            // A file without a header has a worker's number where the names should be, so a foreign cell is not repeated.
            None => {
                let names = shape.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
                let length = text.chars().count();
                faults.push(invalid("header", Text::new(format!("a column of {length} characters found that is none of {names}"), format!("表头有未知列，只应有 {names}"))));
            }
        }
    }
    for alternatives in shape.required.iter().filter(|alternatives| !alternatives.iter().any(|name| found.contains(name))) {
        let names = alternatives.join(" or ");
        faults.push(invalid("header", Text::new(format!("a column {names} expected"), format!("应有 {} 列", alternatives.join(" 或 ")))));
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    pub(super) const SHAPE: Shape = Shape { columns: &[("worker_id", "劳动者"), ("theory", "理论"), ("note", "备注")], required: &[&["worker_id"], &["theory"]], rows_max: 3 };

    pub(super) fn rows(format: Format, bytes: &[u8]) -> Result<Vec<Row>, Vec<Violation>> {
        let mut found = Vec::new();
        read(format, &mut Cursor::new(bytes), &SHAPE, &mut |row| {
            found.push(row);
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn says(format: Format, bytes: &[u8]) -> String {
        rows(format, bytes).unwrap_err().iter().map(|fault| fault.detail.en.clone()).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn the_same_rows_come_out_of_ndjson_and_csv() {
        let ndjson = rows(Format::Ndjson, b"{\"worker_id\":\"w1\",\"theory\":\"80\"}\n\n{\"worker_id\":\"w2\",\"theory\":\"70\",\"note\":\"\\u7532\"}").unwrap();
        let csv = rows(Format::Csv, "\u{feff}劳动者,theory,note\r\nw1,80,\r\nw2,70,甲\r\n".as_bytes()).unwrap();
        let cells = |rows: &[Row]| rows.iter().map(|row| Value::Object(row.cells.clone().unwrap())).collect::<Vec<_>>();
        assert_eq!(cells(&ndjson), cells(&csv));
        assert_eq!((ndjson[1].number, csv[1].number), (3, 3));
    }

    #[test]
    fn what_is_said_of_an_item_is_said_of_its_row() {
        let said = |field: &str| {
            let fault = in_rows(invalid(field, Text::new("results[0] already names this worker", "results[0] 已有")), &[2, 4]);
            (fault.field.unwrap(), fault.detail.en, fault.detail.zh)
        };
        assert_eq!(said("results[1].worker_id"), ("row 4, worker_id".into(), "row 2 already names this worker".into(), "行 2 已有".into()));
        assert_eq!(said("results[1]").0, "row 4");
        assert_eq!((said("results[7]").0, said("reason").0, said("results[x]").0), ("results[7]".into(), "reason".into(), "results[x]".into()));
    }

    #[test]
    fn too_many_rows_and_none_are_refused() {
        assert!(says(Format::Csv, b"worker_id,theory\na,1\nb,1\nc,1\nd,1\n").contains("more than 3 rows"));
        assert!(says(Format::Ndjson, b"{}\n{}\n{}\n{}\n").contains("more than 3 rows"));
        assert!(says(Format::Csv, b"worker_id,theory\n").contains("no rows"));
        assert!(says(Format::Ndjson, b"\n \n").contains("no rows"));
    }
}
