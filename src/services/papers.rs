//! Certificates as paper: typeset as PDF/A with the signed credential and its proof inside, and sealed as a whole.

use super::Registry;
use super::certificates::CertificateName;
use super::error::Error;
use super::forms::SignedPayload;
use super::issuing::IssuedCertificate;
use super::keys::PURPOSE_CREDENTIALS;
use super::looks::Looked;
use super::pictures::PORTRAITS;
use super::log::ProvenEntry;
use crate::clock::from_micros;
use crate::credential::keys::IssuingKey;
use crate::credential::offline::PaperEvidence;
use crate::credential::paper_seal;
use crate::domain::access::{Act, Actor};
use crate::domain::assessment::Score;
use crate::domain::certificate::member_name;
use crate::domain::credit::class_hours;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::document::{IdDocumentType, ResidentIdNumber, mask_number};
use crate::domain::id::OrganisationId;
use crate::domain::issue::issuer_findings;
use crate::domain::level::SkillLevel;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::domain::verification::{Ground, Outcome};
use crate::merkle::checkpoint::Checkpoint;
use crate::print::attachments::{self, Attachment};
use crate::print::certificate::{CertificateSheet, LogPlace, Photograph, certificate};
use crate::print::fields::Field;
use crate::print::fonts::Fonts;
use crate::print::portrait::{self, NoPortrait, Portrait};
use crate::print::stamp::Stamp;
use crate::print::{PrintFault, seal};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{Datelike, NaiveDate};
use std::sync::Arc;

/// Name of the credential in a paper.
const CREDENTIAL: &str = "certificate.jwt";
/// Name of its proof from the log.
const PROOF: &str = "certificate.tlog-proof";
/// How a PDF begins.
pub const PDF: &[u8] = b"%PDF-";

/// A paper taken apart. Nothing is checked yet.
pub struct OpenedPaper {
    /// The credential inside, in whatever form.
    pub credential: Vec<u8>,
    /// Its `.tlog-proof` file.
    pub proof: Option<String>,
    /// The seal over the file.
    pub seal: PaperEvidence,
}

/// Why a file is no paper of ours.
#[derive(Debug, thiserror::Error)]
pub enum NoPaper {
    #[error("not a PDF that can be verified: {0}")]
    Unreadable(PrintFault),
    #[error("a PDF with one credential inside expected, as this registry makes them; a scan or a print to PDF carries none")]
    NotOneCredential,
}

/// Takes a paper apart.
///
/// # Errors
/// It is no PDF that can be read, or has no credential inside, or more than one: then nobody could say which one the page shows.
pub fn open_paper(file: &[u8]) -> Result<OpenedPaper, NoPaper> {
    let inside = attachments::read(file).map_err(NoPaper::Unreadable)?;
    let mut credentials = inside.iter().filter(|attachment| attachment.name == CREDENTIAL);
    let (Some(credential), None) = (credentials.next(), credentials.next()) else { return Err(NoPaper::NotOneCredential) };
    let proof = inside.iter().find(|attachment| attachment.name == PROOF).and_then(|attachment| String::from_utf8(attachment.bytes.clone()).ok());
    let place = attachments::seal_place(file);
    let digest = paper_seal::digest_without(file, place.clone().unwrap_or(0..0));
    let seal = PaperEvidence { seal: place.map(|place| String::from_utf8_lossy(&file[place]).into_owned()), digest };
    Ok(OpenedPaper { credential: credential.bytes.clone(), proof, seal })
}

impl From<PrintFault> for Error {
    fn from(fault: PrintFault) -> Self {
        match fault {
            PrintFault::MissingCharacter(character) => {
                let code = u32::from(character);
                let detail = Text::new(
                    format!("the character U+{code:04X} is in no font of this program, so no paper can be made; every other form can"),
                    format!("本程序的字体中没有字符 U+{code:04X}，无法生成 PDF；其他格式均可下载"),
                );
                Error::Refused(vec![Violation::deny("FORM", detail)])
            }
            other => Error::Internal(other.to_string()),
        }
    }
}

impl Registry {
    /// A paper with the holder's photograph, as the body that issued the certificate hands it in. The photograph is in the paper and
    /// nowhere else (PR-6: face images never in the registry); that such a paper was made is a fact, which its holder sees.
    ///
    /// # Errors
    /// The certificate is another body's or was never issued, its kind has no photograph, the file is none that can be printed, the body is
    /// suspended or has exited (SV-6), or too many photographs wait.
    pub async fn make_paper(&self, actor: &Actor, name: &CertificateName, file: impl AsRef<[u8]> + Send + 'static) -> Result<Vec<u8>, Error> {
        let issued = self.get_certificate(actor, name, None).await?;
        let kind: CertificateKind = super::stored(&issued.standing.0.kind)?;
        let issuer: OrganisationId = super::stored(&issued.standing.0.issuer_id)?;
        self.authorise(actor, Act::IssueCertificate { issuer: &issuer, kind })?;
        if !kind.has_photograph() {
            let detail = Text::new("certificates of this kind have no photograph", "该类证书不设照片");
            return Err(Error::invalid("photograph", detail));
        }
        let read = PORTRAITS.read(move || Portrait::read(file.as_ref())).await?.unwrap_or(Err(NoPortrait::Unreadable));
        let portrait = read.map_err(|fault| Error::invalid("photograph", told(&fault)))?;
        // Asked when its turn has come.
        if let Some(finding) = issuer_findings(self.get_body(&issuer).await?.state) {
            return Err(Error::Refused(vec![finding]));
        }
        let signed = self.signed_payload(&issued).await?.ok_or(Error::NotFound)?;
        let key = self.current_key(&self.organisation_did(&issuer), PURPOSE_CREDENTIALS).await?;
        let paper = self.paper_of(&issued, &signed, key, Some(portrait)).await?;
        // Nobody has it before the look is recorded.
        let looked = Looked { worker_id: &issued.standing.0.worker_id, certificate_id: &issued.standing.0.id, ground: Ground::Photograph };
        self.record_looks(actor, issuer, std::iter::once(looked)).await?;
        Ok(paper)
    }

    /// A certificate as a sealed PDF. It carries the newest proof, so it is made anew when it was not asked for in a while.
    pub(super) async fn paper_of(&self, issued: &IssuedCertificate, signed: &SignedPayload, key: Arc<IssuingKey>, portrait: Option<Portrait>) -> Result<Vec<u8>, Error> {
        let proven = self.prove_version(&issued.standing.1).await?;
        let checkpoint = self.open_checkpoint(&proven.proof.checkpoint).await?.ok_or_else(|| Error::Internal("a checkpoint that the log did not sign".to_owned()))?;
        let mut sheet = self.sheet_of(issued, signed, &key, (&proven, &checkpoint))?;
        if let Some(portrait) = portrait {
            sheet.photograph = Photograph::Printed(portrait);
        }
        tokio::task::spawn_blocking(move || sealed(&key, &sheet)).await.map_err(|error| Error::Internal(error.to_string()))?
    }

    fn sheet_of(&self, issued: &IssuedCertificate, signed: &SignedPayload, key: &IssuingKey, (proven, checkpoint): (&ProvenEntry, &Checkpoint)) -> Result<CertificateSheet, Error> {
        let (row, version, _) = &issued.standing;
        let kind: CertificateKind = super::stored(&row.kind)?;
        let document_type: IdDocumentType = super::stored(&issued.holder.document_type)?;
        let (statement_zh, statement_en) = statement(kind);
        let attachment = |name: &str, media_type: &str, description: &str, bytes: Vec<u8>| Attachment { name: name.to_owned(), media_type: media_type.to_owned(), description: description.to_owned(), bytes };
        Ok(CertificateSheet {
            kind_zh: kind.name_zh().to_owned(),
            kind_en: kind.name_en().to_owned(),
            statement_zh: statement_zh.to_owned(),
            statement_en: statement_en.to_owned(),
            holder_name: issued.holder.name.clone(),
            document_type_zh: document_type.name_zh().to_owned(),
            document_type_en: document_type.name_en().to_owned(),
            document_masked: mask_number(&issued.holder.document_number),
            holder_sex: sex_of(kind, issued).map(str::to_owned),
            photograph: if kind.has_photograph() { Photograph::EmptyPlace } else { Photograph::NoPlace },
            fields: fields_of(issued)?,
            certificate_number: issued.facts.certificate_number.clone(),
            issued_on: long_date(version.issued_on),
            // As it was when the certificate was issued.
            issuer_name: signed.value["issuer"]["name"].as_str().unwrap_or(&issued.issuer_name).to_owned(),
            qr_url: format!("{}/v/{}", self.config.public_url, row.token),
            verify_url: self.config.public_url.clone(),
            // Level certificates say where to look (certificate-formats, section 12).
            issuer_url: (kind == CertificateKind::SkillLevel).then(|| format!("{}/organisations/{}", self.config.public_url, row.issuer_id)),
            key_id: version.key_id.clone(),
            log: LogPlace { origin: checkpoint.origin.clone(), index: proven.proof.index, tree_size: checkpoint.size, root_hash: STANDARD.encode(checkpoint.root) },
            stamp: stamp_of(issued.outcome),
            attachments: vec![
                attachment(CREDENTIAL, "application/vc+jwt", "签名的证书凭证 / the signed credential", signed.text.clone().into_bytes()),
                attachment(PROOF, "text/plain", "证书在公开日志中的证明 / proof that the public log has it", proven.proof.text().into_bytes()),
            ],
            seal_placeholder: paper_seal::placeholder(key),
            created_at: from_micros(version.issued_at),
        })
    }
}

/// What stands across the paper of a certificate that does not count; its days stand on the paper anyway.
fn stamp_of(outcome: Outcome) -> Option<Stamp> {
    let counts = matches!(outcome, Outcome::Valid | Outcome::Expired | Outcome::ReviewOverdue);
    (!counts).then(|| {
        let name = outcome.name();
        Stamp { zh: name.zh.into_owned(), en: name.en.to_uppercase() }
    })
}

/// Typesets a sheet and seals the file.
fn sealed(key: &IssuingKey, sheet: &CertificateSheet) -> Result<Vec<u8>, Error> {
    let mut file = certificate(Fonts::shipped(), sheet)?;
    let place = seal::place_of(&file, &sheet.seal_placeholder).ok_or_else(|| Error::Internal("a paper has no place for its seal".to_owned()))?;
    let seal = paper_seal::sign(key, &paper_seal::digest_without(&file, place.clone()))?;
    file[place].copy_from_slice(seal.as_bytes());
    Ok(file)
}

fn long_date(day: NaiveDate) -> String {
    format!("{}年{}月{}日", day.year(), day.month(), day.day())
}

fn statement(kind: CertificateKind) -> (&'static str, &'static str) {
    match kind {
        CertificateKind::VocationalQualification => ("持证人经国家职业资格鉴定，考试合格，具备本证书所载职业的从业资格。", "The holder has passed the national vocational qualification test for the occupation stated."),
        CertificateKind::SkillLevel => ("持证人经职业技能等级认定，考核合格，具备本证书所载职业（工种）及等级的技能水平。", "The holder has been assessed and has the skills of the occupation and level stated."),
        CertificateKind::SpecificAbility => ("持证人经专项职业能力考核，考核合格，具备本证书所载专项职业能力。", "The holder has been assessed and has the specific ability stated."),
        CertificateKind::SpecialOperation => ("持证人经安全技术培训并考核合格，准予从事本证所载作业类别和操作项目。", "The holder has been trained and tested, and may do the operations stated."),
        CertificateKind::TrainingCompletion => ("持证人参加本证书所载培训，完成规定课时，考核合格，准予结业。", "The holder has completed the training stated and passed its assessment."),
    }
}

/// What a photograph is refused with: what was found, and what is expected.
fn told(fault: &NoPortrait) -> Text {
    let [least_width, least_height] = portrait::LEAST;
    match fault {
        NoPortrait::Unreadable => Text::new(
            "a JPEG or PNG picture expected; this file is none, or is not whole, or takes too much memory",
            "应为 JPEG 或 PNG 图片；该文件不是此类图片，或不完整，或占用内存过大",
        ),
        NoPortrait::TooLarge { width, height } => Text::new(
            format!("a picture of {width} × {height} pixels found, at most {} million in all expected", portrait::PIXELS_MAX / 1_000_000),
            format!("图片为 {width} × {height} 像素，总像素应不超过 {} 万", portrait::PIXELS_MAX / 10_000),
        ),
        NoPortrait::TooSmall { width, height } => Text::new(
            format!("a picture of {width} × {height} pixels found, at least {least_width} × {least_height} expected"),
            format!("图片为 {width} × {height} 像素，应不小于 {least_width} × {least_height} 像素"),
        ),
        NoPortrait::WrongProportions { width, height } => Text::new(
            format!("a picture of {width} × {height} pixels found, an upright one expected, of 26 by 32 mm as on identity cards, or of one inch (25 by 35 mm)"),
            format!("图片为 {width} × {height} 像素，应为竖幅证件照：26×32 毫米（身份证照）或 25×35 毫米（一寸）"),
        ),
    }
}

/// The holder's sex where the paper of the kind has it, by the number of their identity card; other documents do not tell.
fn sex_of(kind: CertificateKind, issued: &IssuedCertificate) -> Option<&'static str> {
    let has_sex = matches!(kind, CertificateKind::VocationalQualification | CertificateKind::SpecificAbility | CertificateKind::SpecialOperation);
    if !has_sex || issued.holder.document_type != IdDocumentType::ResidentId.as_str() {
        return None;
    }
    let number = ResidentIdNumber::parse(&issued.holder.document_number, issued.standing.1.issued_on).ok();
    number.map(|number| if number.is_female() { "女 Female" } else { "男 Male" })
}

/// The fields of a kind in the order of the paper (certificate-formats, section 12).
fn fields_of(issued: &IssuedCertificate) -> Result<Vec<Field>, Error> {
    let (facts, version) = (&issued.facts, &issued.standing.1);
    let level: Option<SkillLevel> = facts.level.as_deref().map(super::stored).transpose()?;
    let occupation = facts.occupation_name.as_ref().map(|name| match facts.occupation.as_deref().and_then(|text| text.split_once('/')) {
        Some((_, code)) => format!("{name}（{code}）"),
        None => name.clone(),
    });
    let score = |tenths: Option<i32>| tenths.filter(|_| facts.held_on.is_some()).and_then(Score::from_tenths).map(|score| score.to_string());
    let day = |day: Option<NaiveDate>| day.map(long_date);
    // What a class has alike is shared; scores are somebody's own.
    let field = |make: fn(&str, &str, &str) -> Field, member: &str, value: Option<String>| {
        let label = member_name(member);
        value.map(|value| make(&label.zh, &label.en, &value))
    };
    let all = [
        field(Field::shared, "occupation_name", occupation),
        field(Field::shared, "job_type", facts.job_type.clone()),
        field(Field::shared, "ability", facts.ability.clone()),
        field(Field::shared, "project", facts.project.clone()),
        field(Field::shared, "category", facts.category.clone()),
        field(Field::shared, "item", facts.item.clone()),
        field(Field::shared, "level", level.map(|level| format!("{} {}", level.name_zh(), level.name_en()))),
        field(Field::shared, "class_hours", facts.taught_minutes.map(|minutes| class_hours(minutes).to_string())),
        field(Field::new, "theory", score(facts.theory)),
        field(Field::new, "practical", score(facts.practical)),
        field(Field::new, "comprehensive", score(facts.comprehensive)),
        // Only permits have a last day; they hold from the day of their issue.
        field(Field::shared, "valid_from", day(version.valid_to.map(|_| version.issued_on))),
        field(Field::shared, "valid_to", day(version.valid_to)),
        field(Field::shared, "review_due_on", day(version.review_due_on)),
    ];
    Ok(all.into_iter().flatten().collect())
}
