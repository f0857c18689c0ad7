//! Rows of attendance as providers send them: JSON arrays, NDJSON, CSV, XLSX.

use super::attendance::AttendanceOrder;
use super::references::{WorkerReference, nobody_named};
use crate::domain::attendance::{Interval, Mode, Part};
use crate::domain::rule::{Malformed, Violation, invalid};
use crate::domain::text::Text;
use crate::table::{self, Format, Shape};
use chrono::{DateTime, FixedOffset, NaiveDateTime, Utc};
use serde_json::{Map, Value};
use std::io::Cursor;

/// `worker_id` or `document_number`, then `mode`, `part`, `started_at`, `ended_at`.
const COLUMNS: &[(&str, &str)] = &[("worker_id", "劳动者标识"), ("document_number", "证件号码"), ("mode", "方式"), ("part", "内容"), ("started_at", "开始时间"), ("ended_at", "结束时间")];
const REQUIRED: &[&[&str]] = &[&["worker_id", "document_number"], &["mode"], &["part"], &["started_at"], &["ended_at"]];
/// Most rows of one upload.
const ROWS_MAX: usize = 200_000;
pub const ATTENDANCE: Shape = Shape { columns: COLUMNS, required: REQUIRED, rows_max: ROWS_MAX };

/// Modes and parts as clerks write them.
const IN_CHINESE: [(&str, &str); 6] = [("线上", "online"), ("线下", "in_person"), ("理论", "theory"), ("实操", "practical"), ("理论知识", "theory"), ("操作技能", "practical")];

/// Reads a file of intervals. A faulty row is that row's affair.
///
/// # Errors
/// The file is damaged, its header is not understood, or it has no rows or too many.
pub fn parse_attendance(format: Format, bytes: &[u8]) -> Result<Vec<AttendanceOrder>, Vec<Violation>> {
    let mut orders = Vec::new();
    table::read(format, &mut Cursor::new(bytes), &ATTENDANCE, &mut |row| {
        orders.push(AttendanceOrder { row: row.number, content: row.cells.map_err(|fault| vec![fault]).and_then(parse_cells) });
        Ok(())
    })?;
    Ok(orders)
}

/// Reads the items of a JSON array; the first is row 1.
pub fn parse_attendance_items(items: Vec<Value>) -> Vec<AttendanceOrder> {
    let parse = |item: Value| match item {
        Value::Object(cells) => parse_cells(cells),
        _ => Err(vec![invalid("row", Text::new("another JSON value found, an object expected", "应为 JSON 对象"))]),
    };
    items.into_iter().zip(1..).map(|(item, row)| AttendanceOrder { row, content: parse(item) }).collect()
}

fn parse_cells(cells: Map<String, Value>) -> Result<(WorkerReference, Interval), Vec<Violation>> {
    let cell = |name: &str| cells.get(name).filter(|value| !value.is_null()).map(|value| value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned()));
    let mut faults: Vec<Violation> = cells.keys().filter(|name| !COLUMNS.iter().any(|(known, _)| known == name)).map(|_| invalid("row", Text::new("an unknown member found", "字段未知"))).collect();
    let missing = |name: &str| invalid(name, Text::new("a value expected", "缺少该字段"));
    let mut instant = |name: &str| match cell(name) {
        None => {
            faults.push(missing(name));
            None
        }
        Some(text) => instant_of(&text).or_else(|| {
            faults.push(invalid(name, Text::new("a moment with its offset expected, such as 2026-03-02T09:00:00+08:00; or the time in China as 2026-03-02 09:00", "应为带时区的时间，例如 2026-03-02T09:00:00+08:00，或北京时间 2026-03-02 09:00")));
            None
        }),
    };
    let (started_at, ended_at) = (instant("started_at"), instant("ended_at"));
    let mode: Option<Mode> = word(&cell, "mode", &mut faults);
    let part: Option<Part> = word(&cell, "part", &mut faults);
    let worker = WorkerReference::of_cells(cell("worker_id"), cell("document_number"));
    if worker.is_none() {
        faults.push(nobody_named());
    }
    match (worker, started_at, ended_at, mode, part) {
        (Some(worker), Some(started_at), Some(ended_at), Some(mode), Some(part)) if faults.is_empty() => Ok((worker, Interval { started_at, ended_at, mode, part })),
        _ => Err(faults),
    }
}

fn word<T: std::str::FromStr<Err = Malformed>>(cell: &impl Fn(&str) -> Option<String>, name: &str, faults: &mut Vec<Violation>) -> Option<T> {
    let code = |text: String| IN_CHINESE.iter().find(|(chinese, _)| *chinese == text).map_or(text, |(_, code)| (*code).to_owned());
    match cell(name).map(|text| code(text).parse()) {
        Some(Ok(value)) => Some(value),
        Some(Err(Malformed(detail))) => {
            faults.push(invalid(name, detail));
            None
        }
        None => {
            faults.push(invalid(name, Text::new("a value expected", "缺少该字段")));
            None
        }
    }
}

/// RFC 3339; or, as clerks write it, the time in China without an offset. Seconds are whole: nobody takes attendance by less.
fn instant_of(text: &str) -> Option<DateTime<Utc>> {
    let china = FixedOffset::east_opt(8 * 3600).expect("eight hours are a legal offset");
    let local = |form: &str| NaiveDateTime::parse_from_str(text, form).ok().and_then(|time| time.and_local_timezone(china).single());
    let at = DateTime::parse_from_rfc3339(text).ok().or_else(|| ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"].iter().find_map(|form| local(form)))?;
    let years = 1900..=2200;
    let seconds = DateTime::from_timestamp(at.timestamp(), 0)?;
    years.contains(&chrono::Datelike::year(&seconds)).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_interval_reads_the_same_in_every_form() {
        let csv = parse_attendance(Format::Csv, "证件号码,方式,内容,开始时间,结束时间\n32010219000101001x,线下,理论,2026-03-02 09:00,2026-03-02T10:30:00+08:00\n".as_bytes()).unwrap();
        let ndjson = parse_attendance(Format::Ndjson, br#"{"document_number":"32010219000101001X","mode":"in_person","part":"theory","started_at":"2026-03-02T01:00:00.400Z","ended_at":"2026-03-02T02:30:00Z"}"#).unwrap();
        assert_eq!(csv[0].content, ndjson[0].content);
        assert!(csv[0].content.is_ok());
    }

    #[test]
    fn every_fault_of_a_row_is_named_and_other_rows_stay() {
        let file = b"worker_id,mode,part,started_at,ended_at\nw,on_foot,theory,2026-02-30T00:00:00Z,\nw,online,theory,2026-03-02T01:00:00Z,2026-03-02T02:00:00+01:00\n,online,practical,2026-03-02T01:00:00Z,2026-03-02T02:00:00Z\n";
        let rows = parse_attendance(Format::Csv, file).unwrap();
        let fields = |row: &AttendanceOrder| row.content.as_ref().err().map(|faults| faults.iter().map(|fault| fault.field.clone().unwrap()).collect::<Vec<_>>());
        assert_eq!(fields(&rows[0]).unwrap(), ["started_at", "ended_at", "mode"]);
        assert_eq!(fields(&rows[1]), None, "an interval of no time is a matter of the rules, not of form");
        assert_eq!((rows[2].row, fields(&rows[2]).unwrap()), (4, vec!["row".to_owned()]));
    }
}
