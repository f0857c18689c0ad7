//! A file that was refused, as a workbook to be corrected: every row as it was sent, and beside it what is wrong with it.

use super::write::{Cell, Sheet, workbook};
use super::{Format, Row, Shape, read};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::Cursor;

/// The column that says what is wrong. Every reader of CSV and XLSX leaves it aside, so that the corrected file can be sent as it is.
pub const PROBLEM: (&str, &str) = ("problem", "问题");

/// Where a fault stands in a table: its row, and the column if there is one; `row 3` and `row 3, theory`.
pub fn place_of(field: &str) -> Option<(usize, Option<&str>)> {
    let rest = field.strip_prefix("row ")?;
    let (number, column) = rest.split_once(", ").map_or((rest, None), |(number, column)| (number, Some(column)));
    Some((number.parse().ok()?, column))
}

/// The workbook; `notes` are by row. None for a file with a row that cannot be taken apart: it would come back without what stood there.
pub fn corrections(format: Format, bytes: &[u8], shape: &Shape, notes: &BTreeMap<usize, String>) -> Option<Vec<u8>> {
    let mut rows: Vec<Row> = Vec::new();
    let whole = read(format, &mut Cursor::new(bytes), shape, &mut |row| {
        rows.push(row);
        Ok(())
    });
    whole.ok()?;
    let rows: Vec<(usize, Map<String, Value>)> = rows.into_iter().map(|row| row.cells.map(|cells| (row.number, cells))).collect::<Result<_, _>>().ok()?;
    let is_used = |name: &str| rows.iter().any(|(_, cells)| cells.contains_key(name));
    let columns: Vec<&(&str, &str)> = shape.columns.iter().filter(|(name, _)| is_used(name)).collect();
    let cell = |cells: &Map<String, Value>, name: &str| match cells.get(name) {
        None | Some(Value::Null) => Cell::Empty,
        Some(Value::String(text)) => Cell::text(text),
        Some(Value::Number(number)) => Cell::Decimal(number.to_string()),
        Some(other) => Cell::text(other.to_string()),
    };
    let heading = columns.iter().map(|(_, heading)| *heading).chain([PROBLEM.1]).collect();
    let lines = rows.iter().map(|(number, cells)| columns.iter().map(|(name, _)| cell(cells, name)).chain([notes.get(number).map_or(Cell::Empty, Cell::from)]).collect()).collect();
    workbook(&[Sheet { name: "更正", heading, rows: lines }]).ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::SHAPE;
    use super::*;

    #[test]
    fn a_refused_file_comes_back_with_notes_and_is_read_again() {
        let file = "劳动者,theory\nw1,80\n=1+1,101\n".as_bytes();
        let notes = BTreeMap::from([(3, "理论：应为 0 至 100".to_owned())]);
        let workbook = corrections(Format::Csv, file, &SHAPE, &notes).unwrap();
        let mut rows = Vec::new();
        read(Format::Xlsx, &mut Cursor::new(&workbook), &SHAPE, &mut |row| {
            rows.push(row.cells.unwrap());
            Ok(())
        })
        .unwrap();
        let cells: Vec<(String, String)> = rows.iter().map(|cells| (cells["worker_id"].as_str().unwrap().to_owned(), cells["theory"].as_str().unwrap().to_owned())).collect();
        assert_eq!(cells, [("w1".into(), "80".into()), ("=1+1".into(), "101".into())], "and the column of problems is left aside");
        for lost in ["worker_id,theory,age\n1,2,3\n", "worker_id,theory\nw1,80\nw2,80,x\n"] {
            assert!(corrections(Format::Csv, lost.as_bytes(), &SHAPE, &notes).is_none(), "nothing of what was sent may be lost: {lost}");
        }
    }

    #[test]
    fn faults_know_their_row_and_column() {
        assert_eq!((place_of("row 3"), place_of("row 12, theory"), place_of("header")), (Some((3, None)), Some((12, Some("theory"))), None));
    }
}
