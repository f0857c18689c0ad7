//! A verification receipt: what was asked, what was found, check by check, and how anybody can check the receipt itself.

use super::PrintFault;
use super::attachments::Attachment;
use super::fields::Field;
use super::flow::{Column, Entry, Flow, LEFT, WIDTH};
use super::fonts::{Face, Fonts};
use super::sheet::{About, Drawn, GREY, INK, Mark, Side, lines, rectangle};
use super::signs::Sign;
use super::text::{self, Style};
use chrono::{DateTime, Utc};
use krilla::tagging::Tag;
use std::num::NonZeroU16;

/// Everything on a receipt.
#[derive(Debug, Clone)]
pub struct ReceiptSheet {
    pub sign: Sign,
    /// The outcome in words, as large as they fit.
    pub outcome_zh: String,
    pub outcome_en: String,
    /// What the outcome means for the reader; may be empty.
    pub meaning_zh: String,
    pub meaning_en: String,
    /// Moment of the verification as it is written.
    pub verified_at: String,
    /// What is known of the certificate.
    pub facts: Vec<Field>,
    pub checks: Vec<Check>,
    pub receipt_id: String,
    /// The key that signed the receipt.
    pub key_id: String,
    /// Where a receipt can be checked.
    pub verify_url: String,
    /// Among them `receipt.jws`, the signed receipt.
    pub attachments: Vec<Attachment>,
    /// For the metadata.
    pub created_at: DateTime<Utc>,
}

/// One check with what it found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub name_zh: String,
    pub name_en: String,
    pub outcome: Sign,
    /// What was found and what was expected; may be empty.
    pub detail: String,
}

const COLUMNS: [Column; 3] = [
    Column { zh: "核验项目", en: "Check", width: 178.0, side: Side::Left },
    Column { zh: "结果", en: "Outcome", width: 104.0, side: Side::Left },
    Column { zh: "说明", en: "Detail", width: WIDTH - 282.0, side: Side::Left },
];

/// Typesets a receipt.
///
/// # Errors
/// A character is in no font, a text is longer than a page, or an attachment has no plain name.
pub fn receipt(fonts: &Fonts, sheet: &ReceiptSheet) -> Result<Vec<u8>, PrintFault> {
    let mut flow = Flow::new(fonts);
    let small = Style::fixed(Face::Text, 8.0, GREY).led(1.4);
    flow.paragraph(small, "技录 Jilu · 核验回执 Verification receipt", None)?;
    flow.y += 6.0;
    outcome(&mut flow, sheet)?;
    let mut facts = vec![Field::new("核验时间", "Verified at", &sheet.verified_at), Field::new("回执编号", "Receipt number", &sheet.receipt_id)];
    facts.extend(sheet.facts.iter().cloned());
    flow.heading(2, "证书信息", "What is known of the certificate")?;
    flow.fields(&facts, 10.0)?;
    flow.heading(2, "逐项结果", "Check by check")?;
    flow.table(&COLUMNS, sheet.checks.iter().map(row))?;
    flow.heading(2, "如何核验本回执", "How to check this receipt")?;
    let zh = format!("本回执由密钥 {} 签名，签名文件为附件 receipt.jws。将本文件提交至 {}，或以任何支持 JWS 的工具用登记系统公布的公钥核验附件。页面文字仅供阅读，以附件所签内容为准。", sheet.key_id, sheet.verify_url);
    let en = format!("This receipt was signed with the key {}; the signature is the attachment receipt.jws. Give this file to {}, or check the attachment with any JWS tool and the registry's published key. The page is for reading; what counts is what the attachment signs.", sheet.key_id, sheet.verify_url);
    flow.paragraph(Style::fixed(Face::Text, 8.6, INK).led(1.5), &zh, None)?;
    flow.y += 2.0;
    flow.paragraph(Style::fixed(Face::Text, 7.6, GREY).led(1.45), &en, Some("en"))?;
    let about = About {
        title: format!("核验回执 {}", sheet.receipt_id),
        author: "技录 Jilu".to_owned(),
        identity: sheet.receipt_id.clone(),
        created_at: sheet.created_at,
    };
    let foot = format!("核验回执 Verification receipt {}", sheet.receipt_id);
    flow.finish(&about, &foot, &sheet.attachments, None)
}

/// The outcome in a box of its own: sign, words, meaning.
fn outcome(flow: &mut Flow<'_>, sheet: &ReceiptSheet) -> Result<(), PrintFault> {
    const SIGN: f32 = 58.0;
    const PADDING: f32 = 16.0;
    let left = LEFT + PADDING + SIGN + 20.0;
    let width = LEFT + WIDTH - PADDING - left;
    let fit = |style: Style, content: &str, wanted: usize| text::fit(flow.fonts, style, content, width, wanted);
    let parts = [
        (fit(Style::fixed(Face::Title, 30.0, sheet.sign.color()).sized(30.0, 14.0).led(1.2), &sheet.outcome_zh, 1)?, None),
        (fit(Style::fixed(Face::Text, 14.0, INK).sized(14.0, 9.0).led(1.3), &sheet.outcome_en, 1)?, Some("en")),
        (fit(Style::fixed(Face::Text, 9.0, INK).led(1.45), &sheet.meaning_zh, usize::MAX)?, None),
        (fit(Style::fixed(Face::Text, 8.0, GREY).led(1.4), &sheet.meaning_en, usize::MAX)?, Some("en")),
    ];
    let height = parts.iter().map(|(part, _)| part.height()).sum::<f32>().max(SIGN) + 2.0 * PADDING;
    if flow.make_room(height) || height > 400.0 {
        return Err(PrintFault::DoesNotFit("the outcome"));
    }
    let top = flow.y;
    let [color, ground] = sheet.sign.colors();
    let ground = vec![rectangle([LEFT, top], [WIDTH, height], Drawn::Filled(ground)), rectangle([LEFT, top], [5.0, height], Drawn::Filled(color))];
    flow.sheet.ornament(ground);
    let text_height: f32 = parts.iter().map(|(part, _)| part.height()).sum();
    let sign = sheet.sign.draw([LEFT + PADDING, top + (height - SIGN) / 2.0], SIGN);
    let [zh, en] = sheet.sign.words();
    flow.sheet.hang_figure(format!("{zh} / {en}"), sign, None);
    let mut y = top + (height - text_height) / 2.0;
    for (number, (part, language)) in parts.iter().enumerate() {
        let marks: Vec<Mark> = lines(part, [left, y], width, Side::Left);
        if number == 0 {
            flow.sheet.hang_marks(Tag::Hn(NonZeroU16::MIN, Some(sheet.outcome_zh.clone())), marks, *language);
        } else if !marks.is_empty() {
            flow.sheet.hang_marks(Tag::P, marks, *language);
        }
        y += part.height();
    }
    flow.y += height;
    Ok(())
}

fn row(check: &Check) -> Vec<Entry> {
    let [zh, en] = check.outcome.words();
    let name = format!("{} {}", check.name_zh, check.name_en);
    let outcome = Entry { text: format!("{zh} {en}"), sign: Some(check.outcome) };
    vec![name.trim().into(), outcome, check.detail.as_str().into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::attachments::read;
    use crate::print::fonts::tests::fonts;
    use crate::print::reader::tests::keys_of;

    const SIGNS: [Sign; 15] = [
        Sign::Passed, Sign::Failed, Sign::Revoked, Sign::Withdrawn, Sign::Cancelled, Sign::Forged, Sign::NoRight, Sign::StolenKey, Sign::Suspended, Sign::Expired, Sign::ReviewOverdue, Sign::Replaced, Sign::NoDocument,
        Sign::Unknown, Sign::Skipped,
    ];

    fn sample(sign: Sign, checks: usize) -> ReceiptSheet {
        let check = |number: usize| Check { name_zh: "凭证签名".to_owned(), name_en: "Signature".to_owned(), outcome: SIGNS[number % SIGNS.len()], detail: "密钥 key-1".to_owned() };
        ReceiptSheet {
            sign,
            outcome_zh: "证书有效".to_owned(),
            outcome_en: "The certificate is valid".to_owned(),
            meaning_zh: "签名有效。".to_owned(),
            meaning_en: String::new(),
            verified_at: "2026-03-11 09:30:12".to_owned(),
            facts: vec![Field::new("姓名", "Name", "欧阳娜娜")],
            checks: (0..checks).map(check).collect(),
            receipt_id: "01JQ8Z6M3T7V9KQ2XW4Y5Z6A7B".to_owned(),
            key_id: "did:web:registry.example#receipts".to_owned(),
            verify_url: "https://registry.example/verify".to_owned(),
            attachments: vec![Attachment { name: "receipt.jws".to_owned(), media_type: "application/jose".to_owned(), description: "回执 / receipt".to_owned(), bytes: b"a.b.c".to_vec() }],
            created_at: DateTime::from_timestamp(1_773_100_000, 0).unwrap(),
        }
    }

    #[test]
    fn a_receipt_carries_its_signed_form() {
        let sheet = sample(Sign::Passed, 7);
        let made = receipt(fonts(), &sheet).unwrap();
        assert_eq!(read(&made).unwrap(), sheet.attachments);
        assert_eq!(made, receipt(fonts(), &sheet).unwrap());
    }

    #[test]
    fn every_outcome_has_a_shape_of_its_own() {
        let mut made: Vec<Vec<u8>> = SIGNS.iter().map(|sign| receipt(fonts(), &sample(*sign, 0)).unwrap()).collect();
        made.sort();
        made.dedup();
        assert_eq!(made.len(), SIGNS.len());
    }

    #[test]
    fn many_checks_flow_on_to_further_pages() {
        let pages = |checks: usize| keys_of(&receipt(fonts(), &sample(Sign::Failed, checks)).unwrap(), &["MediaBox"]).len();
        assert_eq!(pages(5), 1);
        assert!((4..8).contains(&pages(150)), "{}", pages(150));
    }

    #[test]
    fn a_detail_that_is_longer_than_a_page_is_refused() {
        let mut sheet = sample(Sign::Failed, 1);
        sheet.checks[0].detail = "说".repeat(9000);
        assert_eq!(receipt(fonts(), &sheet), Err(PrintFault::DoesNotFit("a row of a table")));
        sheet.checks[0].detail = "张\u{202e}三".to_owned();
        assert_eq!(receipt(fonts(), &sheet), Err(PrintFault::MissingCharacter('\u{202e}')));
    }
}
