//! Lists of trainees, and how their assessments ended, as providers send them in tables.

use super::references::{WorkerReference, nobody_named};
use super::training::EnrolmentOrder;
use crate::domain::credit::ClassAssessment;
use crate::domain::rule::{Malformed, Violation, invalid};
use crate::domain::text::Text;
use crate::domain::training::EnrolmentParticulars;
use crate::table::{self, Format, Rows, Shape};
use chrono::NaiveDate;
use serde_json::{Map, Value};

/// `worker_id` or `document_number`, and what the type of the class asks of a trainee.
pub const TRAINEES: Shape = Shape {
    columns: &[
        ("worker_id", "劳动者标识"),
        ("document_number", "证件号码"),
        ("employer_code", "用人单位信用代码"),
        ("user_enterprise_code", "用工单位信用代码"),
        ("agreement_number", "协议编号"),
        ("agreement_from", "协议起始日期"),
        ("agreement_to", "协议终止日期"),
        ("mentor_number", "导师编号"),
        ("target_level", "目标等级"),
        ("student_number", "学号"),
        ("voucher_number", "培训券号"),
        ("home_region_code", "户籍地区代码"),
    ],
    required: &[&["worker_id", "document_number"]],
    rows_max: 10_000,
};

/// `worker_id` or `document_number`, and `assessment`.
pub const ASSESSMENTS: Shape =
    Shape { columns: &[("worker_id", "劳动者标识"), ("document_number", "证件号码"), ("assessment", "考核结果")], required: &[&["worker_id", "document_number"], &["assessment"]], rows_max: 10_000 };

/// Assessments as clerks write them.
const IN_CHINESE: [(&str, ClassAssessment); 3] = [("合格", ClassAssessment::Passed), ("不合格", ClassAssessment::Failed), ("缺考", ClassAssessment::Absent)];

/// The text of a cell, whatever kind of cell it is.
fn cell(cells: &Map<String, Value>, name: &str) -> Option<String> {
    cells.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned()))
}

/// Every cell that belongs to no column: lines of JSON may have such.
fn strangers(cells: &Map<String, Value>, shape: &Shape) -> Vec<Violation> {
    cells.keys().filter(|name| !shape.columns.iter().any(|(known, _)| known == name)).map(|_| invalid("row", Text::new("an unknown member found", "字段未知"))).collect()
}

fn worker_of(cells: &Map<String, Value>, faults: &mut Vec<Violation>) -> Option<WorkerReference> {
    let worker = WorkerReference::of_cells(cell(cells, "worker_id"), cell(cells, "document_number"));
    if worker.is_none() {
        faults.push(nobody_named());
    }
    worker
}

/// Reads a file of trainees.
///
/// # Errors
/// Every fault with its row and column. Numbers of documents are never repeated.
pub fn parse_trainees(format: Format, bytes: &[u8]) -> Result<Rows<EnrolmentOrder>, Vec<Violation>> {
    table::parse_all(format, bytes, &TRAINEES, |cells| {
        let mut faults = strangers(&cells, &TRAINEES);
        let worker = worker_of(&cells, &mut faults);
        let mut day = |name: &str| -> Option<NaiveDate> {
            let text = cell(&cells, name)?;
            text.parse().map_err(|_| faults.push(invalid(name, Text::new("a day as 2026-03-09 expected", "应为日期，例如 2026-03-09")))).ok()
        };
        let (agreement_from, agreement_to) = (day("agreement_from"), day("agreement_to"));
        let text = |name: &str| cell(&cells, name);
        let particulars = EnrolmentParticulars {
            employer_code: text("employer_code"),
            user_enterprise_code: text("user_enterprise_code"),
            agreement_number: text("agreement_number"),
            agreement_from,
            agreement_to,
            mentor_number: text("mentor_number"),
            target_level: text("target_level"),
            student_number: text("student_number"),
            voucher_number: text("voucher_number"),
            home_region_code: text("home_region_code"),
        };
        worker.filter(|_| faults.is_empty()).map(|worker| EnrolmentOrder { worker, particulars }).ok_or(faults)
    })
}

/// Reads a file of assessments.
///
/// # Errors
/// Every fault with its row and column. Numbers of documents are never repeated.
pub fn parse_assessments(format: Format, bytes: &[u8]) -> Result<Rows<(WorkerReference, ClassAssessment)>, Vec<Violation>> {
    table::parse_all(format, bytes, &ASSESSMENTS, |cells| {
        let mut faults = strangers(&cells, &ASSESSMENTS);
        let worker = worker_of(&cells, &mut faults);
        let assessment = match cell(&cells, "assessment") {
            None => Err(Text::new("a value expected", "缺少该字段")),
            Some(text) => match IN_CHINESE.iter().find(|(chinese, _)| *chinese == text) {
                Some((_, assessment)) => Ok(*assessment),
                None => text.parse().map_err(|Malformed(detail)| Text::new(detail.en, "应为 合格、不合格、缺考 之一")),
            },
        };
        let assessment: Option<ClassAssessment> = assessment.map_err(|detail| faults.push(invalid("assessment", detail))).ok();
        worker.zip(assessment).filter(|_| faults.is_empty()).ok_or(faults)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trainees_are_read_with_what_their_class_asks() {
        let file = "证件号码,协议编号,协议起始日期,导师编号,问题\n32010219000101001x,A-1,2026-03-09,M7,（已更正）\n".as_bytes();
        let (orders, rows) = parse_trainees(Format::Csv, file).unwrap().split();
        assert_eq!(rows, [2]);
        assert_eq!(orders[0].worker, WorkerReference::DocumentNumber("32010219000101001X".to_owned()));
        let expected = EnrolmentParticulars { agreement_number: Some("A-1".to_owned()), agreement_from: NaiveDate::from_ymd_opt(2026, 3, 9), mentor_number: Some("M7".to_owned()), ..EnrolmentParticulars::default() };
        assert_eq!(orders[0].particulars, expected);
    }

    #[test]
    fn every_fault_has_its_row_and_column() {
        let fields = |faults: Vec<Violation>| faults.into_iter().map(|fault| fault.field.unwrap()).collect::<Vec<_>>();
        let trainees = parse_trainees(Format::Csv, b"worker_id,agreement_from,agreement_to\nw,2026-02-30,soon\n,2026-03-09,\n").unwrap_err();
        assert_eq!(fields(trainees), ["row 2, agreement_from", "row 2, agreement_to", "row 3"]);
        let assessments = parse_assessments(Format::Csv, "worker_id,assessment\na,合格\nb,passed\nc,优秀\nd,\n".as_bytes()).unwrap_err();
        assert_eq!(fields(assessments), ["row 4, assessment", "row 5, assessment"]);
    }

    #[test]
    fn assessments_are_read_in_words_and_codes() {
        let (items, _) = parse_assessments(Format::Csv, "劳动者标识,考核结果\na,合格\nb,failed\nc,缺考\n".as_bytes()).unwrap().split();
        assert_eq!(items.into_iter().map(|(_, assessment)| assessment).collect::<Vec<_>>(), [ClassAssessment::Passed, ClassAssessment::Failed, ClassAssessment::Absent]);
    }
}
