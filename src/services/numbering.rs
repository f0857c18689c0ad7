//! Numbers for certificates: the next of a series, one of the registry's own scheme, or one that the body chose (IS-5).

use super::Registry;
use super::error::Error;
use super::issuing::{IssueOrder, Subject};
use super::workers::Worker;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::filing::FilingVersion;
use crate::domain::level::SkillLevel;
use crate::domain::number::checked::CheckedNumber;
use crate::domain::number::qualification::{self, QualificationNumber, TestingBodyCode};
use crate::domain::number::skill_level::{self, SkillLevelNumber, SkillLevelPrefix};
use crate::domain::number::special_operation::PermitNumber;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use chrono::{Datelike, NaiveDate};

/// A number, and how it is kept.
pub(super) struct Numbered {
    pub printed: String,
    pub key: String,
}

impl Registry {
    /// IS-5 for a number that the body chose.
    pub(super) fn number_findings(&self, filing: &FilingVersion, subject: &Subject, text: &str, issued_on: NaiveDate) -> Vec<Violation> {
        let malformed = |fault: crate::domain::rule::Malformed| vec![Violation::deny("IS-5", fault.0).at("certificate_number")];
        let tables = &self.catalogue().numbers;
        let prefix = filing.number_prefix.as_deref().unwrap_or_default();
        match (subject.kind, subject.level) {
            (CertificateKind::SkillLevel, Some(level)) => match (SkillLevelNumber::parse(text, tables), SkillLevelPrefix::parse(prefix, tables)) {
                (Ok(number), Ok(assigned)) => number.disagreements(&assigned, issued_on, level),
                (Err(fault), _) | (_, Err(fault)) => malformed(fault),
            },
            (CertificateKind::VocationalQualification, Some(level)) => match (text.parse::<QualificationNumber>(), prefix.parse::<TestingBodyCode>()) {
                (Ok(number), Ok(assigned)) => number.disagreements(&assigned, issued_on, level),
                (Err(fault), _) | (_, Err(fault)) => malformed(fault),
            },
            _ => vec![Violation::deny("IS-5", Text::new("the registry gives the numbers of this kind; none expected", "该类证书编号由系统生成，不应自带编号")).at("certificate_number")],
        }
    }

    pub(super) async fn take_number(&self, order: &IssueOrder, subject: &Subject, filing: &FilingVersion, worker: &Worker) -> Result<Numbered, Error> {
        let issued_on = order.issued_on.unwrap_or_else(|| self.clock.today());
        let plain = |printed: String| Numbered { key: printed.clone(), printed };
        if let Some(text) = &order.certificate_number {
            return Ok(plain(crate::domain::number::normalised(text)));
        }
        let prefix = filing.number_prefix.as_deref().unwrap_or_default();
        let level_character = subject.level.and_then(SkillLevel::number_character).unwrap_or('-');
        let series = format!("number {prefix}/{:02}/{level_character}", issued_on.year() % 100);
        let exhausted = |most: u32| {
            let detail = Text::new(format!("the series {series} is used up: its last serial is {most}"), format!("编号序列 {series} 已用尽，最大流水号为 {most}"));
            Error::Refused(vec![Violation::deny("IS-5", detail).fact("series", &series)])
        };
        match (subject.kind, subject.level) {
            (CertificateKind::SkillLevel, Some(level)) => {
                let assigned = SkillLevelPrefix::parse(prefix, &self.catalogue().numbers).map_err(|fault| Error::Internal(fault.to_string()))?;
                let serial = u32::try_from(self.next_number(&series).await?).unwrap_or(u32::MAX);
                SkillLevelNumber::compose(&assigned, issued_on, level, serial).map(|number| plain(number.to_string())).ok_or_else(|| exhausted(skill_level::SERIAL_MAX))
            }
            (CertificateKind::VocationalQualification, Some(level)) => {
                let assigned: TestingBodyCode = super::stored(prefix)?;
                let serial = u32::try_from(self.next_number(&series).await?).unwrap_or(u32::MAX);
                QualificationNumber::compose(&assigned, issued_on, level, serial).map(|number| plain(number.to_string())).ok_or_else(|| exhausted(qualification::SERIAL_MAX))
            }
            (CertificateKind::SpecialOperation, _) => {
                let resident = worker.documents.iter().rev().find_map(|known| known.document.resident());
                let number = PermitNumber::of_holder(resident.ok_or_else(|| Error::Internal("IS-10 passed without a resident number".to_owned()))?);
                Ok(Numbered { printed: number.masked(), key: self.permit_number_key(&number.clear()) })
            }
            (kind, _) => {
                let series = CheckedNumber::series(kind, issued_on).ok_or_else(|| Error::Internal("a kind without a number scheme".to_owned()))?;
                let serial = self.next_number(&format!("number {series}")).await?.unsigned_abs();
                let number = CheckedNumber::compose(&series, serial, u64::from_be_bytes(self.entropy.bytes()));
                number.map(|number| plain(number.to_string())).ok_or_else(|| Error::Internal(format!("the series {series} is used up")))
            }
        }
    }

    /// A permit's number discloses an identity number, so it is kept and found as a keyed hash.
    pub(super) fn permit_number_key(&self, clear: &str) -> String {
        format!("T#{}", hex::encode(self.vault.blind_index("permit number", clear)))
    }
}

/// The refusal of a number that was used before.
pub(super) fn number_taken() -> Error {
    let detail = Text::new("the number was used before; numbers are never used twice, also not after revocation", "该编号已被使用；编号永不重复，撤销后也不例外");
    Error::Refused(vec![Violation::deny("IS-5", detail).at("certificate_number")])
}
