//! A certificate on one page, A4 lying: what was achieved, who says so, and what makes it checkable.
//!
//! The look is that of vocational certificates in China (names and order of the fields: certificate-formats.md, section 12). The page
//! proves nothing by itself; it carries the credential, and its seal covers the whole file.

use super::attachments::Attachment;
use super::fields::{self, Field, Row, SetField};
use super::fonts::{Face, Fonts};
use super::portrait::{self, Portrait};
use super::sheet::{A4, About, Branch, Drawn, GREEN, GREY, INK, Mark, Sheet, Side, TINT, WHITE, label, lines, rectangle, rule};
use super::stamp::{self, Stamp};
use super::text::{self, Style};
use super::{PrintFault, ornament};
use chrono::{DateTime, Utc};
use krilla::geom::Transform;
use krilla::tagging::Tag;
use std::num::NonZeroU16;

/// Everything on the page.
#[derive(Debug, Clone)]
pub struct CertificateSheet {
    /// Name of the kind, which is the title: 职业技能等级证书.
    pub kind_zh: String,
    pub kind_en: String,
    /// What the certificate states of its holder, in a sentence; may be empty.
    pub statement_zh: String,
    pub statement_en: String,
    pub holder_name: String,
    pub document_type_zh: String,
    pub document_type_en: String,
    /// Document number, masked by the caller.
    pub document_masked: String,
    /// As it is written on the kinds that have it.
    pub holder_sex: Option<String>,
    pub photograph: Photograph,
    /// In the order of the page; the certificate number is added behind them.
    pub fields: Vec<Field>,
    pub certificate_number: String,
    /// Day of issue as it is written.
    pub issued_on: String,
    pub issuer_name: String,
    /// What the QR code opens.
    pub qr_url: String,
    /// Where a reader verifies this file: the registry's own address.
    pub verify_url: String,
    /// Where anybody reads who the body is and what it may issue, on the papers that say so.
    pub issuer_url: Option<String>,
    /// Identifier of the key that signed the credential.
    pub key_id: String,
    pub log: LogPlace,
    /// How the certificate stood when the paper was made, where it did not count.
    pub stamp: Option<Stamp>,
    pub attachments: Vec<Attachment>,
    /// Stands for the JWS that seals the file, which must be exactly as long.
    pub seal_placeholder: Vec<u8>,
    /// For the metadata.
    pub created_at: DateTime<Utc>,
}

/// Whether a paper has a place for the holder's photograph, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Photograph {
    /// The kind has none.
    NoPlace,
    /// The body has put in none.
    EmptyPlace,
    Printed(Portrait),
}

/// Where the certificate's entry stands in the transparency log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    pub origin: String,
    pub index: u64,
    pub tree_size: u64,
    /// As it is written in checkpoints.
    pub root_hash: String,
}

/// Width and height of the page.
const PAGE: [f32; 2] = [A4[1], A4[0]];
/// Edges of everything that is text.
const LEFT: f32 = 64.0;
const RIGHT: f32 = PAGE[0] - 64.0;
/// The fields, left.
const FIELDS_TOP: f32 = 152.0;
const FIELDS_WIDTH: f32 = 506.0;
/// Between the fields and the photograph.
const PORTRAIT_GAP: f32 = 18.0;
/// How much rows beside the photograph may be spread so that they are as high.
const SLACK: f32 = 18.0;
/// QR code, issuer and seal, right.
const SIDE_LEFT: f32 = RIGHT - 176.0;
const SIDE_WIDTH: f32 = 176.0;
/// 35 mm with its margin; the code itself is never smaller than 25 mm.
const QR_SIDE: f32 = 99.0;
const SEAL_RADIUS: f32 = 49.0;
/// The block at the foot.
const FOOT_TOP: f32 = 460.0;
const FOOT_BOTTOM: f32 = PAGE[1] - 46.0;
/// Sizes of values, from comfortable to the smallest that is readable on paper.
const VALUE_SIZES: [f32; 11] = [16.0, 15.0, 14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.5];
/// A row with few neighbours grows by at most this.
const ROW_EXTRA_MAX: f32 = 11.0;

/// Typesets a certificate.
///
/// # Errors
/// A character is in no font, a text or the address is too long for the page, or an attachment has no plain name.
pub fn certificate(fonts: &Fonts, sheet: &CertificateSheet) -> Result<Vec<u8>, PrintFault> {
    let mut page = Sheet::new(PAGE);
    // What every certificate has alike is one object, packed once for all of them.
    let ground = std::iter::once(ornament::rosette([PAGE[0] / 2.0, 300.0], 148.0)).chain(ornament::frame(PAGE)).collect();
    page.ornament(vec![Mark::Repeated { marks: ground, places: vec![Transform::identity()] }]);
    title(&mut page, fonts, sheet)?;
    body(&mut page, fonts, sheet)?;
    side(&mut page, fonts, sheet)?;
    foot(&mut page, fonts, sheet)?;
    if let Some(said) = &sheet.stamp {
        let [zh, en] = stamp::stamp(fonts, [PAGE[0] / 2.0, PAGE[1] / 2.0 - 12.0], said)?;
        page.hang_marks(Tag::P, zh, None);
        page.hang_marks(Tag::P, en, Some("en"));
    }
    let about = About {
        title: format!("{} {}", sheet.kind_zh, sheet.certificate_number),
        author: sheet.issuer_name.clone(),
        identity: sheet.certificate_number.clone(),
        created_at: sheet.created_at,
    };
    page.finish(fonts, &about, &sheet.attachments, Some(&sheet.seal_placeholder))
}

fn title(page: &mut Sheet, fonts: &Fonts, sheet: &CertificateSheet) -> Result<(), PrintFault> {
    const WIDTH: f32 = 620.0;
    let left = (PAGE[0] - WIDTH) / 2.0;
    let zh = text::fit(fonts, Style::fixed(Face::Title, 33.0, GREEN).sized(33.0, 16.0).tracked(0.22).led(1.15), &sheet.kind_zh, WIDTH, 1)?;
    let en = text::fit(fonts, Style::fixed(Face::Form, 10.5, GREY).sized(10.5, 6.5).tracked(0.08).led(1.2), &sheet.kind_en, WIDTH, 1)?;
    let top = 82.0 - zh.height() / 2.0;
    if zh.lines.len() > 2 || en.lines.len() > 2 {
        return Err(PrintFault::DoesNotFit("the kind of the certificate"));
    }
    let heading = NonZeroU16::MIN;
    page.hang_marks(Tag::Hn(heading, Some(sheet.kind_zh.clone())), lines(&zh, [left, top], WIDTH, Side::Middle), None);
    let below = top + zh.height() + 2.0;
    page.hang_marks(Tag::P, lines(&en, [left, below], WIDTH, Side::Middle), Some("en"));
    let [middle, y] = [PAGE[0] / 2.0, below + en.height() + 7.0];
    page.ornament(vec![
        rule([middle - 120.0, y], [middle - 8.0, y], TINT, 0.8),
        rule([middle + 8.0, y], [middle + 120.0, y], TINT, 0.8),
        ornament::lozenge([middle, y], 3.4, Drawn::Filled(GREEN)),
    ]);
    Ok(())
}

fn body(page: &mut Sheet, fonts: &Fonts, sheet: &CertificateSheet) -> Result<(), PrintFault> {
    let mut top = FIELDS_TOP;
    let mut bottom = FOOT_TOP - 14.0;
    let statement = |size: f32| Style::fixed(Face::Form, size, GREY).led(1.35);
    let zh = text::fit(fonts, statement(9.5).sized(9.5, 7.5), &sheet.statement_zh, FIELDS_WIDTH, 2)?;
    let en = text::fit(fonts, statement(7.0).sized(7.0, 5.6), &sheet.statement_en, FIELDS_WIDTH, 2)?;
    bottom -= zh.height() + en.height() + if zh.lines.is_empty() { 0.0 } else { 8.0 };
    let name = fields::set(fonts, &Field::new("姓名", "Name", &sheet.holder_name))?;
    let (of_holder, others) = (holder_fields(sheet), other_fields(sheet));
    let all = of_holder.iter().chain(&others).map(|field| fields::set(fonts, field)).collect::<Result<Vec<SetField>, _>>()?;
    let (beside, head_least) = if sheet.photograph == Photograph::NoPlace { (FIELDS_WIDTH, 0.0) } else { (FIELDS_WIDTH - portrait::SIZE[0] - PORTRAIT_GAP, portrait::SIZE[1] + 8.0) };
    let height = |rows: &[Row]| rows.iter().map(|row| row.height).sum::<f32>();
    let mut chosen: Option<[Vec<Row>; 2]> = None;
    for size in VALUE_SIZES {
        let name_style = Style::fixed(Face::Text, size * 1.75, INK).sized(size * 1.75, size * 0.75).led(1.2);
        let head_of = |count: usize| -> Vec<Row> { std::iter::once(fields::row(&name, name_style, beside)).chain(fields::rows(&all[..count], fields::value_style(size), beside)).collect() };
        // Who the holder is stands beside the photograph; where that is not as high, what follows does too.
        let count = (of_holder.len()..all.len()).find(|count| height(&head_of(*count)) + SLACK >= head_least).unwrap_or(all.len());
        let (head, rest) = (head_of(count), fields::rows(&all[count..], fields::value_style(size), FIELDS_WIDTH));
        if height(&head).max(head_least) + height(&rest) <= bottom - top {
            chosen = Some([head, rest]);
            break;
        }
    }
    let [head, rest] = chosen.ok_or(PrintFault::DoesNotFit("a field of the certificate"))?;
    let count = (head.len() + rest.len()) as f32;
    let free = bottom - top - height(&head).max(head_least) - height(&rest);
    let extra = (free / count).min(ROW_EXTRA_MAX);
    let head_extra = extra.max((head_least - height(&head)) / head.len() as f32);
    top += ((free - extra * count) * 0.4).min(44.0);
    photograph(page, fonts, &sheet.photograph, [LEFT + FIELDS_WIDTH - portrait::SIZE[0], top])?;
    let mut table = fields::draw(page, &head, [LEFT, top], beside, head_extra);
    table.extend(fields::draw(page, &rest, [LEFT, top + height(&head) + head_extra * head.len() as f32], FIELDS_WIDTH, extra));
    page.hang(Branch::Group(Tag::Table.into(), table));
    let statement_top = bottom + 6.0;
    if !zh.lines.is_empty() {
        page.hang_marks(Tag::P, lines(&zh, [LEFT, statement_top], FIELDS_WIDTH, Side::Left), None);
        page.hang_marks(Tag::P, lines(&en, [LEFT, statement_top + zh.height()], FIELDS_WIDTH, Side::Left), Some("en"));
    }
    Ok(())
}

/// Who the holder is, behind the name.
fn holder_fields(sheet: &CertificateSheet) -> Vec<Field> {
    let type_of_document = format!("{} {}", sheet.document_type_zh, sheet.document_type_en);
    let sex = sheet.holder_sex.as_ref().map(|sex| Field::new("性别", "Sex", sex));
    let document = [Field::shared("证件类型", "Identity document", type_of_document.trim()), Field::new("证件号码", "Document number", &sheet.document_masked)];
    sex.into_iter().chain(document).collect()
}

fn other_fields(sheet: &CertificateSheet) -> Vec<Field> {
    let number = Field::new("证书编号", "Certificate number", &sheet.certificate_number);
    sheet.fields.iter().cloned().chain([number]).collect()
}

/// The holder's photograph from this corner, or the place for it.
fn photograph(page: &mut Sheet, fonts: &Fonts, photograph: &Photograph, corner: [f32; 2]) -> Result<(), PrintFault> {
    let frame = |drawn: Drawn| rectangle(corner, portrait::SIZE, drawn);
    match photograph {
        Photograph::NoPlace => {}
        Photograph::Printed(portrait) => {
            let picture = Mark::Picture { jpeg: portrait.jpeg().to_vec(), corner, size: portrait::SIZE };
            page.hang_figure("持证人照片 Photograph of the holder".to_owned(), vec![picture, frame(Drawn::Stroked(TINT, 0.8))], None);
        }
        Photograph::EmptyPlace => {
            page.ornament(vec![frame(Drawn::Filled(WHITE)), frame(Drawn::Stroked(TINT, 0.8))]);
            let [zh, en] = [("照　片", 10.5), ("Photograph", 6.6)].map(|(text, size)| text::fit(fonts, Style::fixed(Face::Form, size, GREY).led(1.4), text, portrait::SIZE[0], 1));
            let (zh, en) = (zh?, en?);
            let top = corner[1] + (portrait::SIZE[1] - zh.height() - en.height()) / 2.0;
            page.hang_marks(Tag::P, lines(&zh, [corner[0], top], portrait::SIZE[0], Side::Middle), None);
            page.hang_marks(Tag::P, lines(&en, [corner[0], top + zh.height()], portrait::SIZE[0], Side::Middle), Some("en"));
        }
    }
    Ok(())
}

fn side(page: &mut Sheet, fonts: &Fonts, sheet: &CertificateSheet) -> Result<(), PrintFault> {
    let middle = SIDE_LEFT + SIDE_WIDTH / 2.0;
    let qr_left = middle - QR_SIDE / 2.0;
    let mut code = vec![rectangle([qr_left - 2.0, FIELDS_TOP - 2.0], [QR_SIDE + 4.0, QR_SIDE + 4.0], Drawn::Stroked(TINT, 0.8))];
    code.extend(ornament::qr(&sheet.qr_url, [qr_left, FIELDS_TOP], QR_SIDE, INK)?);
    page.hang_figure(format!("二维码，打开 {}", sheet.qr_url), code, None);
    let caption = text::fit(fonts, Style::fixed(Face::Form, 7.5, GREY), "扫码核验 Scan to verify", SIDE_WIDTH, 1)?;
    page.hang_marks(Tag::P, lines(&caption, [SIDE_LEFT, FIELDS_TOP + QR_SIDE + 5.0], SIDE_WIDTH, Side::Middle), None);

    let seal_middle = FIELDS_TOP + QR_SIDE + 26.0 + SEAL_RADIUS;
    let seal = ornament::signature_ring(fonts, [middle, seal_middle], SEAL_RADIUS, &sheet.issuer_name)?;
    let reading = format!("{} 电子签名 ELECTRONIC SIGNATURE", sheet.issuer_name);
    page.hang_figure(format!("电子签名标记：{}", sheet.issuer_name), seal, Some(reading));

    let issuer_top = seal_middle + SEAL_RADIUS + 7.0;
    let room = FOOT_TOP - 12.0 - issuer_top;
    let small = Style::fixed(Face::Form, 6.6, GREY).led(1.3);
    let heads = ["发证机构 Issued by", "发证日期 Date of issue"].map(|head| text::fit(fonts, small, head, SIDE_WIDTH, 1));
    let [issuer_head, date_head] = heads;
    let (issuer_head, date_head) = (issuer_head?, date_head?);
    let issuer = text::fit(fonts, Style::fixed(Face::Title, 12.0, INK).sized(12.0, 7.0).led(1.2), &sheet.issuer_name, SIDE_WIDTH, 2)?;
    let date = text::fit(fonts, Style::fixed(Face::Shared, 11.0, INK).sized(11.0, 7.0).led(1.2), &sheet.issued_on, SIDE_WIDTH, 1)?;
    let parts = [(issuer_head, None), (issuer, Some(3.0)), (date_head, None), (date, None)];
    let height: f32 = parts.iter().map(|(part, gap)| part.height() + gap.unwrap_or(0.0)).sum();
    if height > room {
        return Err(PrintFault::DoesNotFit("the name of the issuer"));
    }
    let mut at = issuer_top + (room - height) / 2.0;
    for (part, gap) in parts {
        page.hang_marks(Tag::P, lines(&part, [SIDE_LEFT, at], SIDE_WIDTH, Side::Middle), None);
        at += part.height() + gap.unwrap_or(0.0);
    }
    Ok(())
}

fn foot(page: &mut Sheet, fonts: &Fonts, sheet: &CertificateSheet) -> Result<(), PrintFault> {
    const FACTS_WIDTH: f32 = 400.0;
    const HEAD_WIDTH: f32 = 92.0;
    const HOW_LEFT: f32 = LEFT + FACTS_WIDTH + 24.0;
    page.ornament(vec![rule([LEFT, FOOT_TOP], [RIGHT, FOOT_TOP], GREEN, 0.8)]);
    let log = &sheet.log;
    let lookups = sheet.issuer_url.as_ref().map(|url| [("证书查询网址 Certificate", sheet.verify_url.clone(), Face::Shared), ("机构信息查询网址 Issuer", url.clone(), Face::Shared)]);
    let proofs = [
        ("签名密钥 Signing key", sheet.key_id.clone(), Face::Shared),
        ("透明日志 Log", log.origin.clone(), Face::Shared),
        ("条目/规模 Entry / tree size", format!("{} / {}", log.index, log.tree_size), Face::Text),
        ("根哈希 Root hash", log.root_hash.clone(), Face::Text),
    ];
    let mut at = FOOT_TOP + 6.0;
    let mut table = Vec::new();
    for (head, value, face) in lookups.into_iter().flatten().chain(proofs) {
        let style = Style::fixed(face, 6.8, INK).sized(6.8, 5.0).led(1.32);
        let value = text::fit(fonts, style, &value, FACTS_WIDTH - HEAD_WIDTH, 1)?;
        let head = label(fonts, head, [LEFT, at + value.baseline(0)], 6.4, GREY)?;
        let [head, cell] = [vec![head], lines(&value, [LEFT + HEAD_WIDTH, at], FACTS_WIDTH - HEAD_WIDTH, Side::Left)].map(|marks| page.leaf(marks, None));
        let scope = krilla::tagging::TableHeaderScope::Row;
        table.push(Branch::Group(Tag::TR.into(), vec![Branch::Group(Tag::TH(scope).into(), vec![head]), Branch::Group(Tag::TD.into(), vec![cell])]));
        at += value.height() + 3.4;
    }
    page.hang(Branch::Group(Tag::Table.into(), table));
    let width = RIGHT - HOW_LEFT;
    let zh = format!("核验：扫描二维码，或将本文件提交至 {}；离线可用附件核验。请确认网址属登记系统。", sheet.verify_url);
    let en = format!("To verify: scan the code, or give this file to {}, or check the attached credential and log proof offline by their public formats. Make sure that the address is the registry's own.", sheet.verify_url);
    let zh = text::fit(fonts, Style::fixed(Face::Form, 6.8, INK).sized(6.8, 5.4).led(1.4), &zh, width, 4)?;
    let en = text::fit(fonts, Style::fixed(Face::Form, 6.4, GREY).sized(6.4, 5.2).led(1.32), &en, width, 4)?;
    let how_top = FOOT_TOP + 6.0;
    if at > FOOT_BOTTOM + 2.0 || how_top + zh.height() + en.height() + 3.0 > FOOT_BOTTOM + 2.0 {
        return Err(PrintFault::DoesNotFit("what makes the certificate checkable"));
    }
    page.hang_marks(Tag::P, lines(&zh, [HOW_LEFT, how_top], width, Side::Left), None);
    page.hang_marks(Tag::P, lines(&en, [HOW_LEFT, how_top + zh.height() + 3.0], width, Side::Left), Some("en"));
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::print::attachments::{read, seal_place};
    use crate::print::fonts::tests::fonts;
    use crate::print::seal;

    pub(in crate::print) fn sample() -> CertificateSheet {
        CertificateSheet {
            kind_zh: "职业技能等级证书".to_owned(),
            kind_en: "Certificate of Vocational Skill Level".to_owned(),
            statement_zh: "持证人经职业技能等级认定合格。".to_owned(),
            statement_en: "The holder has been assessed.".to_owned(),
            holder_name: "欧阳𬭚𫖯".to_owned(),
            document_type_zh: "居民身份证".to_owned(),
            document_type_en: "Resident identity card".to_owned(),
            document_masked: "320***********001X".to_owned(),
            holder_sex: Some("男 Male".to_owned()),
            photograph: Photograph::EmptyPlace,
            fields: vec![Field::shared("职业名称", "Occupation", "电工"), Field::shared("职业技能等级", "Skill level", "三级/高级工")],
            certificate_number: "S000032000001263000001".to_owned(),
            issued_on: "2026年3月10日".to_owned(),
            issuer_name: "示例市职业技能评价中心".to_owned(),
            qr_url: "https://registry.example/v/abcdefghijklmnopqrstuv".to_owned(),
            verify_url: "https://registry.example/verify".to_owned(),
            issuer_url: Some("https://registry.example/organisations/org_01kjp0y9m0ez5te7jw6psdq8z3".to_owned()),
            key_id: "did:web:registry.example#key-1".to_owned(),
            log: LogPlace { origin: "registry.example/log".to_owned(), index: 7, tree_size: 9, root_hash: "9f86d081884c7d65".to_owned() },
            stamp: None,
            attachments: vec![Attachment { name: "credential.jwt".to_owned(), media_type: "application/vc+jwt".to_owned(), description: "凭证 / credential".to_owned(), bytes: b"a.b.c".to_vec() }],
            seal_placeholder: b"0123456789".repeat(60),
            created_at: DateTime::from_timestamp(1_773_100_000, 0).unwrap(),
        }
    }

    #[test]
    fn the_same_sheet_gives_the_same_bytes() {
        let made = certificate(fonts(), &sample()).unwrap();
        assert_eq!(made, certificate(&Fonts::new(), &sample()).unwrap());
        let other = CertificateSheet { holder_name: "李四".to_owned(), ..sample() };
        assert_ne!(made, certificate(fonts(), &other).unwrap());
    }

    /// The packed fonts of a file.
    fn fonts_of(file: &[u8]) -> Vec<&[u8]> {
        let end = |bytes: &[u8]| memchr::memmem::find(bytes, b"endstream").unwrap();
        let begins: Vec<usize> = memchr::memmem::find_iter(file, b"/CIDFontType0C>>").collect();
        begins.into_iter().map(|begin| &file[begin..begin + end(&file[begin..])]).collect()
    }

    #[test]
    fn papers_of_one_class_differ_in_one_font() {
        let paper = |holder: &str, number: &str, score: &str, index: u64| {
            let fields = [sample().fields, vec![Field::new("理论知识考试成绩", "Theory score", score)]].concat();
            let own = CertificateSheet { holder_name: holder.to_owned(), document_masked: format!("320***********00{index}X"), certificate_number: number.to_owned(), ..sample() };
            let log = LogPlace { index, tree_size: 2 * index, root_hash: number.chars().rev().collect(), ..sample().log };
            certificate(fonts(), &CertificateSheet { fields, log, ..own }).unwrap()
        };
        let papers = [paper("张三", "S000032000001263000001", "81.5", 7), paper("欧阳娜娜", "S000032000001263000946", "70.0", 8)];
        let [one, two] = papers.each_ref().map(|file| fonts_of(file));
        assert_eq!((one.len(), two.len()), (4, 4));
        assert_eq!(one.iter().filter(|font| two.contains(font)).count(), 3);
    }

    #[test]
    fn what_is_attached_comes_out_and_the_seal_has_its_place() {
        let sheet = sample();
        let mut made = certificate(fonts(), &sheet).unwrap();
        let place = seal::place_of(&made, &sheet.seal_placeholder).unwrap();
        assert_eq!(seal_place(&made), Some(place.clone()));
        let jws = b"x".repeat(sheet.seal_placeholder.len());
        made[place.clone()].copy_from_slice(&jws);
        assert_eq!(seal_place(&made), Some(place));
        let found = read(&made).unwrap();
        assert_eq!(found[0], sheet.attachments[0]);
        assert_eq!((found[1].name.as_str(), &found[1].bytes), (seal::NAME, &jws));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn a_photograph_is_in_the_paper_and_every_text_still_has_room() {
        let printed = |photograph: Photograph| certificate(fonts(), &CertificateSheet { photograph, ..sample() }).unwrap();
        let portrait = portrait::tests::portrait();
        let made = printed(Photograph::Printed(portrait.clone()));
        assert!(memchr::memmem::find(&made, portrait.jpeg()).is_some());
        for other in [Photograph::EmptyPlace, Photograph::NoPlace] {
            assert!(memchr::memmem::find(&printed(other), b"/Subtype/Image").is_none());
        }
        let crowded = Field::new("职业名称", "Occupation", &"电".repeat(60));
        let sheet = CertificateSheet { holder_name: "阿卜杜拉·买买提江·吐尔逊·".repeat(4), fields: vec![crowded; 6], photograph: Photograph::Printed(portrait), ..sample() };
        assert!(certificate(fonts(), &sheet).is_ok());
    }

    #[test]
    fn hostile_text_stays_text() {
        let hostile = "(/JavaScript) <</S/JavaScript/JS(app.alert(1))>> endstream endobj %%EOF\n<script>]]>&".to_owned();
        let sheet = CertificateSheet { holder_name: hostile.clone(), kind_zh: hostile.clone(), issuer_name: hostile.clone(), certificate_number: hostile, ..sample() };
        let made = certificate(fonts(), &sheet).unwrap();
        assert_eq!(crate::print::reader::tests::keys_of(&made, &["JavaScript", "JS", "OpenAction", "AA", "Launch", "URI"]), Vec::<String>::new());
        assert_eq!(made.windows(7).filter(|window| *window == b"<script").count(), 0);
        assert_eq!(read(&made).unwrap().len(), 2);
        for character in ['\u{202e}', '\u{2067}', '\u{7}'] {
            let sheet = CertificateSheet { holder_name: format!("张{character}三"), ..sample() };
            assert_eq!(certificate(fonts(), &sheet), Err(PrintFault::MissingCharacter(character)));
        }
    }

    #[test]
    fn long_texts_fit_and_endless_ones_are_refused() {
        let long = |character: &str, count: usize| character.repeat(count);
        let mut sheet = CertificateSheet { holder_name: "阿卜杜拉·买买提江·吐尔逊·".repeat(4), issuer_name: long("评", 50), ..sample() };
        sheet.fields = (0..10).map(|number| Field::new("职业名称", "Occupation", &long("电", if number < 6 { 60 } else { 10 }))).collect();
        assert!(certificate(fonts(), &sheet).is_ok());
        assert_eq!(certificate(fonts(), &CertificateSheet { issuer_name: long("评", 900), ..sample() }), Err(PrintFault::DoesNotFit("the name of the issuer")));
        sheet.fields = vec![Field::new("职业名称", "Occupation", &long("电", 5000))];
        assert_eq!(certificate(fonts(), &sheet), Err(PrintFault::DoesNotFit("a field of the certificate")));
    }

    #[test]
    fn attachments_with_other_names_are_refused() {
        for (name, media_type) in [("a/b", "text/plain"), ("", "text/plain"), ("a", "text"), ("credential.jwt", "text/plain"), ("seal.jws", "text/plain"), ("名", "text/plain")] {
            let mut sheet = sample();
            sheet.attachments.push(Attachment { name: name.to_owned(), media_type: media_type.to_owned(), description: "x".to_owned(), bytes: Vec::new() });
            assert!(matches!(certificate(fonts(), &sheet), Err(PrintFault::BadAttachment(_))), "{name} {media_type}");
        }
    }
}
