//! What is found again and again when documents are checked, in words; the words of a stranger's document are never among them.

use super::{Check, check};
use crate::domain::calendar::china;
use crate::domain::text::Text;
use crate::services::organisations::Body;
use chrono::{DateTime, Utc};

/// Members of a credential that an answer may name (VCDM, section 4).
const MEMBERS: [&str; 14] =
    ["@context", "id", "type", "issuer", "validFrom", "validUntil", "credentialSubject", "credentialStatus", "credentialSchema", "name", "description", "evidence", "termsOfUse", "relatedResource"];

/// A moment in Beijing time; whoever writes it says so beside it.
pub(super) fn beijing(at: DateTime<Utc>) -> String {
    china(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// A JWS of another kind than the one that was asked for.
pub(super) fn wrong_typ(expected: &str) -> Check {
    check("proof", false, format!("another typ found in the header, {expected} expected"), format!("头部 typ 不是 {expected}"))
}

/// Of a badge as JWT.
pub(super) fn foreign_header() -> Check {
    check("proof", false, "another member found in the header, none but alg, kid, jwk and typ expected", "头部含有其他成员，只应有 alg、kid、jwk 和 typ")
}

/// What looks like a receipt of this registry.
pub(super) fn foreign_receipt() -> Check {
    check("proof", false, "a receipt that this registry did not sign found, or one that was changed", "不是本登记系统签署的回执，或已被改动")
}

/// Signed by a key that was stolen, so that a copy proves nothing.
pub(super) fn stolen() -> Check {
    check("key", false, "signed by a key that was stolen, and nothing says when; a copy that is taken now is signed by another one", "由已被盗用的密钥签署，且无法证明签署时间；请重新下载")
}

/// A check that failed, and why.
pub(super) fn because(name: &'static str, en: &str, zh: &str, fault: &Text) -> Check {
    check(name, false, format!("{en}: {}", fault.en), format!("{zh}：{}", fault.zh))
}

/// What stops a document that should be one of ours from being read.
pub(super) fn unread(en: &str, zh: &str, fault: &Text) -> Vec<Check> {
    vec![because("proof", en, zh, fault)]
}

/// Nothing in what was shown could be a credential.
pub(super) fn no_document(fault: &Text) -> Vec<Check> {
    vec![because("document", "not a credential that can be verified", "不是可验证的凭证", fault)]
}

/// Whoever finds out how a certificate stands has found its document in the log.
pub(super) fn logged() -> Check {
    check("log", true, "the document is in the public log, under a checkpoint that the log signed", "文件在公开日志中，并由日志签署的检查点覆盖")
}

pub(super) fn registered(issuer: &Body) -> Check {
    check("issuer", true, format!("the issuing body is registered here: {}", issuer.name), format!("发证机构已在本系统登记：{}", issuer.name))
}

/// No rule of the form is broken.
pub(super) fn schema_kept() -> Check {
    check("schema", true, "the document follows VC 2.0 and Open Badges 3.0", "文件符合 VC 2.0 与 Open Badges 3.0")
}

/// That rules of a standard are broken, how many, and in which members. The words of a stranger's document do not belong in an answer that
/// the registry signs, so only names of the data model are told.
pub(super) fn broken<'a>(standards: &str, faults: impl Iterator<Item = &'a str>) -> Check {
    let (mut count, mut members, mut has_others) = (0, Vec::new(), false);
    for fault in faults {
        count += 1;
        match MEMBERS.iter().find(|member| Some(**member) == fault.split([':', '.', '[']).next()) {
            Some(member) if !members.contains(member) => members.push(*member),
            Some(_) => {}
            None => has_others = true,
        }
    }
    let told = |others: &'static str, separator: &str| members.iter().copied().chain(has_others.then_some(others)).collect::<Vec<_>>().join(separator);
    let (en, zh) = (told("other members", ", "), told("其他成员", "、"));
    check("schema", false, format!("{count} rules of {standards} broken, none expected; look at {en}"), format!("违反 {} 的规则 {count} 处：{zh}", standards.replace(" and ", "、")))
}
