//! The worker's history on paper: training, credits, certificates, competitions, in tables over as many pages as a life takes.

use super::PrintFault;
use super::attachments::Attachment;
use super::fields::Field;
use super::flow::{Column, Flow, WIDTH};
use super::fonts::{Face, Fonts};
use super::sheet::{About, GREY, INK, Side};
use super::text::Style;
use chrono::{DateTime, Utc};

/// Everything in a record. All texts are written by the caller: days, hours and credits with their units.
#[derive(Debug, Clone)]
pub struct RecordSheet {
    pub holder_name: String,
    /// Document number, masked by the caller.
    pub document_masked: String,
    /// Moment of the export as it is written.
    pub made_at: String,
    /// Identifier of the export.
    pub export_id: String,
    /// Credited hours, credits, and other sums.
    pub totals: Vec<Field>,
    pub trainings: Vec<Training>,
    pub credits: Vec<CreditEntry>,
    pub certificates: Vec<HeldCertificate>,
    pub competitions: Vec<Competition>,
    /// How the record is checked: stands at its end in both languages.
    pub verify_zh: String,
    pub verify_en: String,
    /// One line for the foot of every page, such as the log's root hash at that moment.
    pub foot: String,
    pub attachments: Vec<Attachment>,
    /// Stands for the JWS that seals the file.
    pub seal_placeholder: Option<Vec<u8>>,
    /// For the metadata.
    pub created_at: DateTime<Utc>,
}

/// A class that was attended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Training {
    pub period: String,
    pub provider: String,
    pub project: String,
    pub hours: String,
}

/// An award or a reversal of credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditEntry {
    pub day: String,
    pub what: String,
    pub credits: String,
}

/// A certificate with its state in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldCertificate {
    pub day: String,
    pub kind: String,
    /// Occupation and level, ability or project.
    pub title: String,
    pub number: String,
    pub issuer: String,
    pub state: String,
}

/// A place in a skills competition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Competition {
    pub day: String,
    pub name: String,
    /// Who held it, in words.
    pub level: String,
    pub place: String,
}

const fn left(zh: &'static str, en: &'static str, width: f32) -> Column {
    Column { zh, en, width, side: Side::Left }
}

const fn right(zh: &'static str, en: &'static str, width: f32) -> Column {
    Column { zh, en, width, side: Side::Right }
}

const TRAININGS: [Column; 4] = [left("起止", "Period", 92.0), left("培训机构", "Provider", 150.0), left("培训项目", "Project", WIDTH - 300.0), right("课时", "Hours", 58.0)];
const CREDITS: [Column; 3] = [left("日期", "Day", 92.0), left("事由", "What for", WIDTH - 162.0), right("学分", "Credits", 70.0)];
const CERTIFICATES: [Column; 6] = [
    left("发证日期", "Issued on", 56.0),
    left("证书类别", "Kind", 78.0),
    left("职业/等级或项目", "Occupation and level, or project", 94.0),
    left("证书编号", "Number", 116.0),
    left("发证机构", "Issuer", WIDTH - 386.0),
    left("状态", "State", 42.0),
];
const COMPETITIONS: [Column; 4] = [left("日期", "Day", 92.0), left("竞赛", "Competition", WIDTH - 262.0), left("级别", "Level", 90.0), right("名次", "Place", 80.0)];

/// Typesets a record.
///
/// # Errors
/// A character is in no font, a text is longer than a page, or an attachment has no plain name.
pub fn record(fonts: &Fonts, sheet: &RecordSheet) -> Result<Vec<u8>, PrintFault> {
    let mut flow = Flow::new(fonts);
    flow.heading(1, "电子培训档案", "Electronic training record")?;
    let mut head = vec![
        Field::new("姓名", "Name", &sheet.holder_name),
        Field::new("证件号码", "Document number", &sheet.document_masked),
        Field::new("生成时间", "Made at", &sheet.made_at),
        Field::new("导出编号", "Export", &sheet.export_id),
    ];
    head.extend(sheet.totals.iter().cloned());
    flow.fields(&head, 11.0)?;
    let none = Style::fixed(Face::Text, 8.6, GREY);
    flow.heading(2, "培训经历", "Training")?;
    if sheet.trainings.is_empty() {
        flow.paragraph(none, "无记录 none recorded", None)?;
    } else {
        flow.table(&TRAININGS, sheet.trainings.iter().map(|row| [&row.period, &row.provider, &row.project, &row.hours].map(|text| text.as_str().into()).into()))?;
    }
    flow.heading(2, "学分", "Learning credits")?;
    if sheet.credits.is_empty() {
        flow.paragraph(none, "无记录 none recorded", None)?;
    } else {
        flow.table(&CREDITS, sheet.credits.iter().map(|row| [&row.day, &row.what, &row.credits].map(|text| text.as_str().into()).into()))?;
    }
    flow.heading(2, "证书", "Certificates")?;
    if sheet.certificates.is_empty() {
        flow.paragraph(none, "无记录 none recorded", None)?;
    } else {
        let rows = sheet.certificates.iter().map(|row| [&row.day, &row.kind, &row.title, &row.number, &row.issuer, &row.state].map(|text| text.as_str().into()).into());
        flow.table(&CERTIFICATES, rows)?;
    }
    if !sheet.competitions.is_empty() {
        flow.heading(2, "职业技能竞赛", "Skills competitions")?;
        flow.table(&COMPETITIONS, sheet.competitions.iter().map(|row| [&row.day, &row.name, &row.level, &row.place].map(|text| text.as_str().into()).into()))?;
    }
    flow.heading(2, "如何核验", "How to verify")?;
    flow.paragraph(Style::fixed(Face::Text, 8.6, INK).led(1.5), &sheet.verify_zh, None)?;
    flow.paragraph(Style::fixed(Face::Text, 7.6, GREY).led(1.45), &sheet.verify_en, Some("en"))?;
    let about = About {
        title: format!("电子培训档案 {}", sheet.export_id),
        author: "技录 Jilu".to_owned(),
        identity: sheet.export_id.clone(),
        created_at: sheet.created_at,
    };
    flow.finish(&about, &sheet.foot, &sheet.attachments, sheet.seal_placeholder.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::attachments::seal_place;
    use crate::print::fonts::tests::fonts;
    use crate::print::reader::tests::keys_of;

    fn sample(rows: usize) -> RecordSheet {
        let text = |text: &str| text.to_owned();
        RecordSheet {
            holder_name: text("𠮷䶮㛃"),
            document_masked: text("320***********001X"),
            made_at: text("2026-03-11 09:30:12"),
            export_id: text("01JQ8Z6M3T7V9KQ2XW4Y5Z6A7B"),
            totals: vec![Field::new("学分", "Learning credits", "12.6")],
            trainings: vec![Training { period: text("2025-01-01 至 2025-01-20"), provider: text("示例培训学校"), project: text("电工（三级）培训"), hours: text("40") }; rows],
            credits: vec![CreditEntry { day: text("2025-01-21"), what: text("完成培训"), credits: text("+4.0") }; rows],
            certificates: vec![
                HeldCertificate { day: text("2026-03-10"), kind: text("职业技能等级证书"), title: text("电工 三级/高级工"), number: text("S000032000001263000001"), issuer: text("示例评价中心"), state: text("有效") };
                rows
            ],
            competitions: vec![Competition { day: text("2025-10-01"), name: text("示例大赛"), level: text("省级"), place: text("2") }; rows],
            verify_zh: text("在登记系统核验。"),
            verify_en: text("Verify at the registry."),
            foot: text("registry.example"),
            attachments: Vec::new(),
            seal_placeholder: Some(b"0123456789".repeat(30)),
            created_at: DateTime::from_timestamp(1_773_100_000, 0).unwrap(),
        }
    }

    #[test]
    fn a_record_of_any_length_is_made_and_can_be_sealed() {
        for (rows, pages) in [(0, 1), (1, 1), (100, 14)] {
            let made = record(fonts(), &sample(rows)).unwrap();
            assert_eq!(keys_of(&made, &["MediaBox"]).len(), pages, "{rows}");
            let place = seal_place(&made).unwrap();
            assert_eq!(made[place], b"0123456789".repeat(30));
            assert_eq!(made, record(fonts(), &sample(rows)).unwrap());
        }
    }

    #[test]
    fn a_table_has_a_head_for_every_column_and_a_cell_for_every_value() {
        let count = |sheet: &RecordSheet, what: &str| crate::print::reader::tests::names_of(&record(fonts(), sheet).unwrap(), what);
        assert_eq!(count(&sample(3), "TH"), 4 + 3 + 6 + 4 + 5);
        assert_eq!(count(&sample(3), "TD"), 3 * (4 + 3 + 6 + 4) + 5);
    }
}
