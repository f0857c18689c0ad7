//! A worker's history as paper, in both languages at once.

use super::words::word;
use crate::clock::from_micros;
use crate::domain::calendar::china;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::credit::Credits;
use crate::domain::level::SkillLevel;
use crate::domain::text::Language;
use crate::print::fields::Field;
use crate::print::fonts::Fonts;
use crate::print::record::{Competition, CreditEntry, HeldCertificate, RecordSheet, Training, record};
use crate::services::error::Error;
use crate::services::history::History;
use crate::store::records::RecordRow;

/// Typesets a history.
///
/// # Errors
/// A character is in no font of this program.
pub fn history_paper(history: &History, public_url: &str) -> Result<Vec<u8>, Error> {
    let organisation = |id: Option<&String>| id.and_then(|id| history.organisations.get(id)).cloned().unwrap_or_default();
    let mut sheet = RecordSheet {
        holder_name: history.worker.name.as_str().to_owned(),
        document_masked: history.worker.documents.iter().map(crate::services::workers::masked).collect::<Vec<_>>().join("  "),
        made_at: china(from_micros(history.exported_at)).format("%Y-%m-%d %H:%M:%S（北京时间 Beijing time）").to_string(),
        export_id: history.export.to_string(),
        totals: Vec::new(),
        trainings: Vec::new(),
        credits: Vec::new(),
        certificates: history.certificates.iter().map(|(issued, _)| held(issued)).collect(),
        competitions: Vec::new(),
        verify_zh: format!("计算本文件的 SHA-256，访问 {public_url}/v1/history_exports/ 加该值：登记系统以公开日志证明本文件由其生成且未经改动。"),
        verify_en: format!("Take the SHA-256 of this file and open {public_url}/v1/history_exports/ followed by it: the registry proves from its public log that it made exactly this file."),
        foot: format!("{public_url} · {}", history.export),
        attachments: Vec::new(),
        seal_placeholder: None,
        created_at: from_micros(history.exported_at),
    };
    let mut hours = 0;
    for entry in &history.entries {
        match entry {
            RecordRow::ClassResult(row, class, is_annulled) => {
                let counted = !is_annulled && row.completed;
                hours += if counted { row.credited_hours } else { 0 };
                let outcome = if *is_annulled { "（已撤销 annulled）" } else if row.completed { "" } else { "（未完成 not completed）" };
                sheet.trainings.push(Training { period: format!("{} – {}", class.first_on, class.last_on), provider: organisation(entry.organisation()), project: format!("{}{outcome}", class.name), hours: row.credited_hours.to_string() });
            }
            RecordRow::Credits(row) => sheet.credits.push(CreditEntry { day: row.earned_on.to_string(), what: format!("{} · {}", word(&row.source, Language::Chinese), row.rule), credits: Credits::from_tenths(row.tenths).to_string() }),
            RecordRow::Competition(row, is_annulled) => sheet.competitions.push(Competition {
                day: row.held_on.to_string(),
                name: format!("{} {}{}", row.competition, row.event, if *is_annulled { "（已撤回 withdrawn）" } else { "" }),
                level: row.competition_level.clone(),
                place: row.place.to_string(),
            }),
            _ => {}
        }
    }
    sheet.totals = vec![
        Field::new("认定课时", "Credited hours", &hours.to_string()),
        Field::new("学分余额", "Credits", &history.credits.balance.to_string()),
        Field::new("证书", "Certificates", &history.certificates.len().to_string()),
    ];
    Ok(record(Fonts::shipped(), &sheet)?)
}

fn held(issued: &crate::services::issuing::IssuedCertificate) -> HeldCertificate {
    let (row, version, _) = &issued.standing;
    let facts = &issued.facts;
    let named = [&facts.occupation_name, &facts.ability, &facts.project, &facts.item].into_iter().flatten().next().cloned().unwrap_or_default();
    let level = facts.level.as_deref().and_then(|level| level.parse::<SkillLevel>().ok());
    HeldCertificate {
        day: version.issued_on.to_string(),
        kind: row.kind.parse::<CertificateKind>().map_or_else(|_| row.kind.clone(), |kind| kind.name_zh().to_owned()),
        title: level.map_or(named.clone(), |level| format!("{named} {}", level.name_zh())),
        number: facts.certificate_number.clone(),
        issuer: issued.issuer_name.clone(),
        state: issued.outcome.name().zh.into_owned(),
    }
}
