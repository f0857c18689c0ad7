//! Documents of other issuers: everything that can be checked without the record of this registry.
//!
//! The registry vouches for no other issuer. So a document counts only if its issuer is one that the operator trusts; for everybody
//! else the checks are reported, and the outcome is that this registry knows nothing of it.

use super::document::{Content, Said, check_validity, dates_of, failed, items, text_of};
use super::{Check, CheckOutcome, Verdict, check};
use crate::credential::data_integrity::{self, Expectation};
use crate::credential::jws::{CREDENTIAL_TYP, CompactJws};
use crate::credential::presented::{Presented, has_type};
use crate::credential::sd_jwt::SdJwt;
use crate::credential::token_status::{self, TokenStatus};
use crate::credential::{badge_jwt, linked_data, status_list, strict_json};
use crate::domain::text::Text;
use crate::domain::verification::Outcome;
use crate::services::Registry;
use crate::services::error::Error;
use chrono::{DateTime, Utc};
use serde_json::Value;

impl Registry {
    pub(super) async fn verify_elsewhere(&self, presented: &Presented, issuer: &str, now: DateTime<Utc>) -> Result<Verdict, Error> {
        let is_trusted = self.is_trusted_issuer(issuer);
        let said = self.read_elsewhere(presented, issuer, now).await;
        let mut checks = vec![said.proof];
        checks.push(check(
            "issuer",
            is_trusted,
            if is_trusted { "the issuer is one that this registry trusts; the document is not of this registry" } else { "the issuer is not one that this registry trusts, whatever the proof says" },
            if is_trusted { "签发者为本登记系统信任的机构；该文件不由本登记系统签发" } else { "签发者不在本登记系统信任的机构之列，无论签名是否有效" },
        ));
        if let Some(document) = said.content.document() {
            checks.push(match linked_data::check_lossless(document) {
                Ok(()) => check("schema", true, "every term of the document is defined by contexts that are known here", "文件中的术语均由已知语境定义"),
                Err(fault) => check("schema", false, fault.to_string(), format!("文件含义不完整：{fault}")),
            });
        }
        let validity = check_validity(&said.content, now);
        let (status, state) = self.check_status_elsewhere(&said.content, issuer, now).await;
        let has_ended = dates_of(&said.content).1.is_some_and(|until| until.is_some_and(|until| until < now));
        let is_valid_now = validity.outcome == CheckOutcome::Passed;
        let is_genuine = checks.iter().all(|check| check.outcome == CheckOutcome::Passed);
        checks.extend([validity, status]);
        if !is_genuine {
            return Ok(failed(checks, now));
        }
        let outcome = match state {
            Some(outcome) => outcome,
            None if is_valid_now => Outcome::Valid,
            None if has_ended => Outcome::Expired,
            // One that has not begun is not there yet.
            None => Outcome::NotFound,
        };
        Ok(Verdict { outcome, ..failed(checks, now) })
    }

    /// Understands a form and checks its signature by a key that resolves.
    async fn read_elsewhere(&self, presented: &Presented, issuer: &str, now: DateTime<Utc>) -> Said {
        match presented {
            Presented::VcJwt(text) => self.read_jwt_elsewhere(text, issuer, CREDENTIAL_TYP).await,
            Presented::BadgeJwt(text) => self.read_jwt_elsewhere(text, issuer, "").await,
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

    async fn read_jwt_elsewhere(&self, text: &str, issuer: &str, typ: &str) -> Said {
        // Parsed before, to learn the issuer.
        let jws = CompactJws::parse(text).ok();
        let payload = jws.as_ref().and_then(|jws| strict_json::parse(&jws.payload).ok()).unwrap_or_default();
        let document = if typ.is_empty() { badge_jwt::strip(&payload).unwrap_or_default() } else { payload };
        let proof = match jws {
            Some(jws) if document.is_object() => self.check_jws_elsewhere(&jws, issuer, typ).await,
            _ => check("proof", false, "a JWS whose claims agree with its document expected", "应为声明与文件一致的 JWS"),
        };
        Said { proof, credential_id: text_of(&document, "id"), content: Content::Document(document) }
    }

    async fn check_jws_elsewhere(&self, jws: &CompactJws<'_>, issuer: &str, typ: &str) -> Check {
        if !typ.is_empty() && jws.typ() != Some(typ) {
            return check("proof", false, format!("typ {typ} expected in the header"), format!("头部 typ 应为 {typ}"));
        }
        let resolved = match jws.key_id() {
            Some(key_id) => self.resolve_key(key_id).await,
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
            let proof = check("proof", false, "an SD-JWT expected", "应为 SD-JWT");
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
        for method in items(&document["proof"]).iter().filter_map(|proof| proof["verificationMethod"].as_str()) {
            if let Some((key, controller)) = self.resolve_key(method).await
                && controller == issuer
            {
                keys.push((method, key));
            }
        }
        let mut find_key = |wanted: &str| keys.iter().find(|(method, _)| *method == wanted).map(|(_, key)| key.clone());
        match data_integrity::verify(document, &Expectation::assertion(now), &mut find_key) {
            Ok(_) => check("proof", true, "proved by keys that its issuer publishes", "由签发者公布的密钥证明"),
            Err(data_integrity::ProofFault::UnknownKey) => unresolved(),
            Err(fault) => check("proof", false, fault.to_string(), format!("内嵌证明无效：{fault}")),
        }
    }

    /// What the lists of the issuer say. Lists are asked for only where the operator trusts their host.
    async fn check_status_elsewhere(&self, content: &Content, issuer: &str, now: DateTime<Utc>) -> (Check, Option<Outcome>) {
        let passed = || (check("status", true, "no list of its issuer says that it was revoked or suspended", "签发者的状态列表未显示撤销或暂停"), None);
        let unknown = || (Check { name: "status", outcome: CheckOutcome::Pending, detail: Text::new("the list of its issuer could not be read, so whether it was revoked is not known", "签发者的状态列表无法读取，是否撤销未知") }, None);
        let set = |outcome: Outcome| (check("status", false, format!("{} by its issuer", outcome.as_str()), "已被签发者撤销或暂停"), Some(outcome));
        let document = match content {
            Content::Claims(claims) => {
                let reference = &claims.get("status").cloned().unwrap_or_default()["status_list"];
                let (Some(url), Some(index)) = (reference["uri"].as_str(), reference["idx"].as_u64()) else { return passed() };
                return match self.read_token_status(url, u32::try_from(index).unwrap_or(u32::MAX), issuer).await {
                    Some(TokenStatus::Valid) => passed(),
                    Some(TokenStatus::Suspended) => set(Outcome::Suspended),
                    Some(TokenStatus::Invalid | TokenStatus::Other(_)) => set(Outcome::Revoked),
                    None => unknown(),
                };
            }
            Content::Text(_, document) | Content::Document(document) => document,
        };
        let mut is_known = true;
        for entry in items(&document["credentialStatus"]) {
            let purpose = entry["statusPurpose"].as_str().unwrap_or_default();
            match self.read_bitstring_status(entry, now).await {
                Some(true) if purpose == "suspension" => return set(Outcome::Suspended),
                Some(true) if purpose == "revocation" => return set(Outcome::Revoked),
                Some(_) => {}
                None => is_known = false,
            }
        }
        if is_known { passed() } else { unknown() }
    }

    /// Whether the bit of an entry is set in its list; None when the list cannot be read or believed (BSL, 3.2).
    async fn read_bitstring_status(&self, entry: &Value, now: DateTime<Utc>) -> Option<bool> {
        let url = entry["statusListCredential"].as_str()?;
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
        if said.proof.outcome != CheckOutcome::Passed || !self.is_trusted_issuer(&issuer) || !is_list || check_validity(&said.content, now).outcome != CheckOutcome::Passed {
            return None;
        }
        let bits = status_list::decode(subject["encodedList"].as_str()?)?;
        // An index beyond the list is an error, not a zero.
        (usize::try_from(index).ok()? < bits.len() * 8).then(|| status_list::bit(&bits, index))
    }

    async fn read_token_status(&self, url: &str, index: u32, issuer: &str) -> Option<TokenStatus> {
        let body = self.ask_issuer(url).await?;
        let text = std::str::from_utf8(&body).ok()?.trim();
        let jws = CompactJws::parse(text).ok()?;
        let claims = strict_json::parse(&jws.payload).ok()?;
        // A list may be signed by another party than the credential, as ours are; then its key is a DID that is trusted.
        let key = match self.resolve_plain_key(issuer, jws.key_id()).await {
            Some(key) if jws.is_signed_by(&key) => key,
            _ => self.resolve_key(jws.key_id()?).await.filter(|(_, controller)| self.is_trusted_issuer(controller))?.0,
        };
        let is_believed = jws.typ() == Some(token_status::TYP) && claims["sub"] == url && jws.is_signed_by(&key);
        if is_believed { token_status::read_entry(&claims["status_list"], index) } else { None }
    }
}

fn unresolved() -> Check {
    check("proof", false, "the key of the proof does not resolve: its address is not one that this registry asks, or does not list it", "签名密钥无法解析：其地址不在本登记系统查询范围内，或未列出该密钥")
}

fn named_issuer(document: &Value) -> Option<String> {
    document["issuer"]["id"].as_str().or_else(|| document["issuer"].as_str()).map(str::to_owned)
}
