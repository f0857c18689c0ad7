//! Documents of other issuers: everything that can be checked without the record of this registry.
//!
//! The registry vouches for no other issuer. So a document counts only if its issuer is one that the operator trusts. About everybody
//! else nobody is asked, and the outcome is that this registry knows nothing of it; a did:key, which is its own key, is checked all the
//! same.

use super::document::{Content, Said, check_validity, dates_of, failed, items, text_of};
use super::findings::{because, broken, foreign_header, wrong_typ};
use super::{Check, CheckOutcome, Verdict, check};
use crate::credential::data_integrity::{self, Expectation};
use crate::credential::jws::{CREDENTIAL_TYP, CompactJws};
use crate::credential::jwt_claims::Claims;
use crate::credential::presented::{Presented, has_type};
use crate::credential::sd_jwt::SdJwt;
use crate::credential::token_status::{self, TokenStatus};
use crate::credential::{badge, badge_jwt, data_model, linked_data, status_list, strict_json};
use crate::domain::text::Text;
use crate::domain::verification::Outcome;
use crate::services::Registry;
use crate::services::error::Error;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// More than anybody needs: each is a question to somebody's server.
const STATUS_ENTRIES_MAX: usize = 8;
/// How far another's clock may be ahead of ours.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(60);

impl Registry {
    pub(super) async fn verify_elsewhere(&self, presented: &Presented, issuer: &str, now: DateTime<Utc>) -> Result<Verdict, Error> {
        let is_trusted = self.is_trusted_issuer(issuer);
        if !is_trusted && !issuer.starts_with("did:key:") {
            // Whatever else it says, it counts for nothing here, and to learn more would be to ask somebody.
            let issuer = check("issuer", false, "the issuer is not one that this registry trusts, whatever the proof says", "签发者不在本登记系统信任的机构之列，无论签名是否有效");
            let proof = Check { name: "proof", outcome: CheckOutcome::Pending, detail: Text::new("not checked, since the issuer is not trusted", "签发者不受信任，未检查签名") };
            return Ok(failed(vec![proof, issuer], now));
        }
        let said = self.read_elsewhere(presented, issuer, now).await;
        let mut checks = vec![said.proof];
        checks.push(if is_trusted {
            check("issuer", true, "the issuer is one that this registry trusts; the document is not of this registry", "签发者为本登记系统信任的机构；该文件不由本登记系统签发")
        } else {
            check("issuer", false, "the issuer is a key of unknown hands (did:key), one that this registry trusts expected", "签发者是归属不明的密钥（did:key），不在本登记系统信任的机构之列")
        });
        checks.push(check_form(&said.content));
        checks.push(check_validity(&said.content, now));
        let is_genuine = checks.iter().all(|check| check.outcome == CheckOutcome::Passed || check.name == "validity");
        if !is_genuine {
            return Ok(failed(checks, now));
        }
        let is_valid_now = checks.iter().all(|check| check.outcome == CheckOutcome::Passed);
        let has_ended = dates_of(&said.content).1.is_some_and(|until| until.is_some_and(|until| until < now));
        let found = self.check_status_elsewhere(&said.content, issuer, now).await;
        checks.push(status_check(found));
        let outcome = match found {
            Found::Set(outcome) => outcome,
            // One whose status is not known, and one that has not begun, do not count.
            Found::Unknown => Outcome::NotFound,
            Found::NotSet if is_valid_now => Outcome::Valid,
            Found::NotSet if has_ended => Outcome::Expired,
            Found::NotSet => Outcome::NotFound,
        };
        Ok(Verdict { outcome, ..failed(checks, now) })
    }

    /// Understands a form and checks its signature by a key that resolves.
    async fn read_elsewhere(&self, presented: &Presented, issuer: &str, now: DateTime<Utc>) -> Said {
        match presented {
            Presented::VcJwt(text) => self.read_jwt_elsewhere(text, issuer, CREDENTIAL_TYP, now).await,
            Presented::BadgeJwt(text) => self.read_jwt_elsewhere(text, issuer, "", now).await,
            Presented::SdJwt(text) => self.read_sd_jwt_elsewhere(text, issuer).await,
            Presented::Embedded(document) => {
                let proof = self.check_embedded(document, issuer, now).await;
                let mut unsecured = document.as_object().cloned().unwrap_or_default();
                unsecured.shift_remove("proof");
                let document = Value::Object(unsecured);
                Said { proof, credential_id: text_of(&document, "id"), content: Content::Document(document) }
            }
        }
    }

    async fn read_jwt_elsewhere(&self, text: &str, issuer: &str, typ: &str, now: DateTime<Utc>) -> Said {
        // Parsed before, to learn the issuer.
        let jws = CompactJws::parse(text).ok();
        let payload = jws.as_ref().and_then(|jws| strict_json::parse(&jws.payload).ok()).unwrap_or_default();
        let payload_issued_at = payload["iat"].as_i64();
        let document = if typ.is_empty() { badge_of(&payload) } else { without_claims(payload, issuer) };
        let (document, fault) = match document {
            Ok(document) => (document, None),
            Err(fault) => (Value::Null, Some(fault)),
        };
        let is_of_the_future = payload_issued_at.is_some_and(|at| at > (now + CLOCKS_DIFFER).timestamp());
        let proof = match jws {
            Some(jws) if typ.is_empty() && !badge_jwt::is_of_profile(&jws.header) => foreign_header(),
            Some(_) if is_of_the_future => Check { name: "proof", outcome: CheckOutcome::Pending, detail: Text::new("not checked: the signature says that it was made in the future (iat)", "未检查：签名时间（iat）在将来") },
            Some(jws) => match &fault {
                Some(fault) => because("proof", "a JWS whose claims agree with its document expected", "应为声明与文件一致的 JWS", fault),
                None => self.check_jws_elsewhere(&jws, issuer, typ).await,
            },
            None => check("proof", false, "no JWS that can be verified found", "不是可验证的 JWS"),
        };
        Said { proof, credential_id: text_of(&document, "id"), content: Content::Document(document) }
    }

    async fn check_jws_elsewhere(&self, jws: &CompactJws<'_>, issuer: &str, typ: &str) -> Check {
        if !typ.is_empty() && jws.typ() != Some(typ) {
            return wrong_typ(typ);
        }
        let shown_key = jws.header.get("jwk").filter(|_| typ.is_empty());
        let resolved = match jws.key_id() {
            _ if let Some(jwk) = shown_key => self.resolve_shown_key(jwk, issuer).await,
            Some(url) if typ.is_empty() && url.contains("://") && !issuer.starts_with("did:key:") => self.resolve_addressed_key(url, issuer).await,
            Some(key_id) if is_of(issuer, key_id) => self.resolve_key(key_id).await,
            Some(key_id) if key_id.starts_with("did:") => return check("proof", false, "the issuer is not the controller of the key", "签发者不是密钥的控制者"),
            Some(_) => None,
            None => None,
        };
        match resolved {
            Some((key, controller)) if controller == issuer && jws.is_signed_by(&key) => check("proof", true, "signed by a key that its issuer publishes", "由签发者公布的密钥签署"),
            Some((_, controller)) if controller != issuer => check("proof", false, "the issuer is not the controller of the key", "签发者不是密钥的控制者"),
            Some(_) => check("proof", false, "the signature does not fit the document", "签名与文件不符"),
            None => unresolved(),
        }
    }

    async fn read_sd_jwt_elsewhere(&self, text: &str, issuer: &str) -> Said {
        let Ok(shown) = SdJwt::parse(text) else {
            let proof = check("proof", false, "no SD-JWT that can be verified found", "不是可验证的 SD-JWT");
            return Said { proof, credential_id: String::new(), content: Content::Claims(serde_json::Map::new()) };
        };
        let proof = match self.resolve_plain_key(issuer, shown.jws.key_id()).await {
            Some(key) if shown.jws.is_signed_by(&key) && shown.check_key_binding(None).is_ok() => check("proof", true, "signed by a key that its issuer publishes", "由签发者公布的密钥签署"),
            Some(_) => check("proof", false, "the signature or the key binding does not fit what was shown", "签名或密钥绑定与出示内容不符"),
            None => unresolved(),
        };
        Said { proof, credential_id: shown.claims.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(), content: Content::Claims(shown.claims) }
    }

    async fn check_embedded(&self, document: &Value, issuer: &str, now: DateTime<Utc>) -> Check {
        let mut keys = Vec::new();
        // Nobody but the issuer is asked for a key, and no more often than there may be proofs.
        let methods = items(&document["proof"]).iter().filter_map(|proof| proof["verificationMethod"].as_str()).filter(|method| is_of(issuer, method));
        for method in methods.take(data_integrity::PROOFS_MAX) {
            if let Some((key, _)) = self.resolve_key(method).await {
                keys.push((method, key));
            }
        }
        let mut find_key = |wanted: &str| keys.iter().find(|(method, _)| *method == wanted).map(|(_, key)| key.clone());
        match data_integrity::verify(document, &Expectation::assertion(now), &mut find_key) {
            Ok(_) => check("proof", true, "proved by keys that its issuer publishes", "由签发者公布的密钥证明"),
            Err(data_integrity::ProofFault::UnknownKey) => unresolved(),
            Err(fault) if fault.is_unchecked() => Check { name: "proof", outcome: CheckOutcome::Pending, detail: fault.text() },
            Err(fault) => because("proof", "no proof that counts", "内嵌证明无效", &fault.text()),
        }
    }

    /// What the lists of the issuer say. Lists are asked for only where the operator trusts their host. Every entry is read, and a
    /// revocation weighs more than a suspension.
    async fn check_status_elsewhere(&self, content: &Content, issuer: &str, now: DateTime<Utc>) -> Found {
        let document = match content {
            Content::Claims(claims) => {
                let Some(status) = claims.get("status") else { return Found::NotSet };
                let reference = &status["status_list"];
                let (Some(url), Some(index)) = (reference["uri"].as_str(), reference["idx"].as_u64().and_then(|index| u32::try_from(index).ok())) else { return Found::Unknown };
                return match self.read_token_status(url, index, issuer, now).await {
                    Some(TokenStatus::Valid) => Found::NotSet,
                    Some(TokenStatus::Suspended) => Found::Set(Outcome::Suspended),
                    Some(TokenStatus::Invalid | TokenStatus::Other(_)) => Found::Set(Outcome::Revoked),
                    None => Found::Unknown,
                };
            }
            Content::Text(_, document) | Content::Document(document) => document,
        };
        let entries = items(&document["credentialStatus"]);
        if entries.len() > STATUS_ENTRIES_MAX {
            return Found::Unknown;
        }
        let mut found = Found::NotSet;
        for entry in entries {
            let read = match (entry["statusPurpose"].as_str(), self.read_bitstring_status(entry, now).await) {
                (Some("revocation"), Some(true)) => Found::Set(Outcome::Revoked),
                (Some("suspension"), Some(true)) => Found::Set(Outcome::Suspended),
                // Other purposes tell nothing about whether it counts.
                (Some(purpose), None) if !["revocation", "suspension"].contains(&purpose) => Found::NotSet,
                (_, None) => Found::Unknown,
                (_, Some(_)) => Found::NotSet,
            };
            found = found.max(read);
        }
        found
    }

    /// Whether the bit of an entry is set in its list; None when the list cannot be read or believed (BSL, 3.2).
    async fn read_bitstring_status(&self, entry: &Value, now: DateTime<Utc>) -> Option<bool> {
        let url = entry["statusListCredential"].as_str()?;
        // Purposes with fixed meaning have one bit.
        if !has_type(entry, "BitstringStatusListEntry") || entry.get("statusSize").is_some_and(|size| *size != 1) {
            return None;
        }
        let (purpose, index) = (entry["statusPurpose"].as_str()?, entry["statusListIndex"].as_str()?.parse().ok()?);
        let presented = Presented::read(&self.ask_issuer(url).await?).ok()?;
        let (document, issuer) = match &presented {
            Presented::VcJwt(text) => {
                let payload = strict_json::parse(&CompactJws::parse(text).ok()?.payload).ok()?;
                let issuer = named_issuer(&payload)?;
                (payload, issuer)
            }
            Presented::Embedded(document) => (document.clone(), named_issuer(document)?),
            _ => return None,
        };
        let said = self.read_elsewhere(&presented, &issuer, now).await;
        let subject = &document["credentialSubject"];
        let has_purpose = items(&subject["statusPurpose"]).iter().any(|found| found == purpose);
        let is_list = has_type(&document, "BitstringStatusListCredential") && document["id"] == url && has_purpose;
        let is_plain = said.content.document().is_some_and(data_model::is_plainly_written);
        if !is_plain || said.proof.outcome != CheckOutcome::Passed || !self.is_trusted_issuer(&issuer) || !is_list || check_validity(&said.content, now).outcome != CheckOutcome::Passed {
            return None;
        }
        let bits = status_list::decode(subject["encodedList"].as_str()?)?;
        // An index beyond the list is an error, not a zero.
        (usize::try_from(index).ok()? < bits.len() * 8).then(|| status_list::bit(&bits, index))
    }

    async fn read_token_status(&self, url: &str, index: u32, issuer: &str, now: DateTime<Utc>) -> Option<TokenStatus> {
        let body = self.ask_issuer(url).await?;
        let text = std::str::from_utf8(&body).ok()?.trim();
        let jws = CompactJws::parse(text).ok()?;
        let claims = strict_json::parse(&jws.payload).ok()?;
        // A list may be signed by another party than the credential, as ours are; then its key is a DID that is trusted.
        let key = match self.resolve_plain_key(issuer, jws.key_id()).await {
            Some(key) if jws.is_signed_by(&key) => key,
            _ => self.resolve_key(jws.key_id()?).await.filter(|(_, controller)| self.is_trusted_issuer(controller))?.0,
        };
        let is_believed = jws.typ() == Some(token_status::TYP) && claims["sub"] == url && jws.is_signed_by(&key) && claims.get("exp").is_none_or(|exp| exp.as_i64().is_some_and(|exp| now.timestamp() < exp));
        if is_believed { token_status::read_entry(&claims["status_list"], index) } else { None }
    }
}

/// The document of a payload, valid no longer than its claims say; or what the two disagree about.
fn without_claims(payload: Value, issuer: &str) -> Result<Value, Text> {
    let Value::Object(mut document) = payload else { return Err(Text::new("something else found as payload, an object expected", "载荷应为 JSON 对象")) };
    let claims = Claims::take(&mut document);
    let mut document = Value::Object(document);
    if let Some(fault) = claims.disagreement(&document, Some(issuer)) {
        return Err(fault);
    }
    if let Some(members) = document.as_object_mut() {
        claims.narrow(members);
    }
    Ok(document)
}

/// The badge of a payload, whose subject keeps its identifier; or what its claims and the document disagree about.
fn badge_of(payload: &Value) -> Result<Value, Text> {
    let mut document = badge_jwt::strip(payload)?;
    if let Some(subject) = payload["credentialSubject"].get("id") {
        document["credentialSubject"]["id"] = subject.clone();
    }
    Ok(document)
}

/// What lists say of a credential; what weighs more stands behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    NotSet,
    Unknown,
    Set(Outcome),
}

impl Found {
    fn weight(self) -> u8 {
        match self {
            Found::NotSet => 0,
            Found::Unknown => 1,
            Found::Set(Outcome::Revoked) => 3,
            Found::Set(_) => 2,
        }
    }

    fn max(self, other: Found) -> Found {
        if other.weight() > self.weight() { other } else { self }
    }
}

fn status_check(found: Found) -> Check {
    match found {
        Found::NotSet => check("status", true, "no list of its issuer says that it was revoked or suspended", "签发者的状态列表未显示撤销或暂停"),
        Found::Unknown => Check { name: "status", outcome: CheckOutcome::Pending, detail: Text::new("the list of its issuer could not be read, so whether it was revoked is not known", "签发者的状态列表无法读取，是否撤销未知") },
        Found::Set(outcome) => check("status", false, format!("{} by its issuer", outcome.as_str()), "已被签发者撤销或暂停"),
    }
}

/// Whether readers of JSON and of linked data read the same in a document, and nothing of it would be lost.
fn check_form(content: &Content) -> Check {
    let Some(document) = content.document() else {
        let has_type = matches!(content, Content::Claims(claims) if claims.get("vct").is_some_and(Value::is_string));
        return check("schema", has_type, if has_type { "the claims follow SD-JWT VC" } else { "no vct found, the type of the credential expected" }, if has_type { "声明符合 SD-JWT VC" } else { "缺少凭证类型（vct）" });
    };
    let (mut faults, is_badge) = (data_model::check_credential(document, true), badge::is_badge(document));
    if is_badge {
        faults.extend(badge::check(document));
    }
    let standards = if is_badge { "VC 2.0 and Open Badges 3.0" } else { "VC 2.0" };
    match linked_data::check_lossless(document) {
        Err(fault) => because("schema", "a meaning that would be lost", "文件含义不完整", &fault.text()),
        Ok(()) if !faults.is_empty() => broken(standards, faults.iter().map(String::as_str)),
        Ok(()) if !data_model::is_plainly_written(document) => check("schema", false, "names, keywords or contexts that not every reader sees found", "含有并非所有读取方都能识别的名称、关键字或语境"),
        Ok(()) => check("schema", true, format!("the document follows {standards}, and every term is defined by contexts that are known here"), format!("文件符合 {}，术语均由已知语境定义", standards.replace(" and ", "、"))),
    }
}

/// A key that nobody could show: nothing was checked, so nothing is said against the document.
fn unresolved() -> Check {
    let detail = Text::new("not checked: the key of the proof does not resolve. Its issuer does not answer or does not list it, or its address is not one that this registry asks", "未检查：签名密钥无法解析。签发者没有应答或未列出该密钥，或其地址不在本登记系统查询范围内");
    Check { name: "proof", outcome: CheckOutcome::Pending, detail }
}

/// Whether a verification method is one of this DID.
fn is_of(issuer: &str, method: &str) -> bool {
    method.split_once('#').is_some_and(|(did, _)| did == issuer)
}

fn named_issuer(document: &Value) -> Option<String> {
    document["issuer"]["id"].as_str().or_else(|| document["issuer"].as_str()).map(str::to_owned)
}
