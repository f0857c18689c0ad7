//! Verification by document, in every form that the registry hands out. Each check is reported by itself; none is skipped silently.
//!
//! A form that was made later carries no secret of its own: it holds when its signature does *and* it says exactly what the log
//! committed to on the day of issue. So a stolen key can neither date back nor change anything.

use super::findings::{because, beijing, broken, foreign_header, foreign_receipt, logged, no_document, registered, schema_kept, stolen, unread, wrong_typ};
use super::genuine::{Genuine, digest_of};
use super::original::key_and_last_day;
use super::{Check, CheckOutcome, Standing, StandingRows, Verdict, VerifiedCertificate, check, standing_checks};
use crate::credential::badge_jwt;
use crate::credential::conformance;
use crate::credential::data_integrity::{self, Expectation, key_of_multikey};
use crate::credential::jws::{CREDENTIAL_TYP, CompactJws};
use crate::credential::presented::{Presented, has_type};
use crate::credential::receipt;
use crate::credential::sd_jwt::SdJwt;
use crate::credential::strict_json;
use crate::domain::text::Text;
use crate::domain::verification::{Outcome, StandingFacts, standing_on};
use crate::services::Registry;
use crate::services::error::Error;
use crate::services::issuing::CertificateFacts;
use crate::services::log::{FoundEntry, Logged, find_path};
use crate::services::keys::{KnownKey, PURPOSE_CREDENTIALS};
use crate::services::papers::PDF;
use crate::store::backend::Conn;
use crate::store::certificates::{self as store, ShownRow};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What a document says, once its form is understood.
pub(super) struct Said {
    /// The signature, or the proofs.
    pub proof: Check,
    pub content: Content,
    /// `id` of the credential.
    pub credential_id: String,
}

/// Where the newest version stands, the right to issue, where the document stands in the log, the key of the certificate's number, and the
/// version that was shown.
pub(super) type OnRecord = (Arc<Standing>, Check, u64, String, i32);

/// The version that was shown, with what the database has of its certificate and of its entry in the log, in one reading.
pub(super) struct Issued {
    pub shown: ShownRow,
    entry: Option<FoundEntry>,
}

/// What is compared with the record.
pub(super) enum Content {
    /// The text itself is what was issued.
    Text(String, Value),
    /// The document without its proofs.
    Document(Value),
    /// Plain claims, of which some may not be shown.
    Claims(Map<String, Value>),
}

impl Content {
    pub(super) fn document(&self) -> Option<&Value> {
        match self {
            Content::Text(_, document) | Content::Document(document) => Some(document),
            Content::Claims(_) => None,
        }
    }
}

pub(super) fn failed(checks: Vec<Check>, status_as_of: DateTime<Utc>) -> Verdict {
    Verdict { outcome: Outcome::NotFound, checks, certificates: Vec::new(), log_index: None, status_as_of }
}

impl Registry {
    /// Verifies a credential in any of its forms.
    pub async fn verify_document(&self, shown: &[u8]) -> Result<Verdict, Error> {
        if shown.starts_with(PDF) { self.verify_paper(shown).await } else { self.verify_credential(shown).await }
    }

    pub(super) async fn verify_credential(&self, shown: &[u8]) -> Result<Verdict, Error> {
        let (now, digest) = (self.clock.now(), digest_of(shown));
        if let Some(verdict) = self.verify_known(&digest, now).await? {
            return Ok(verdict);
        }
        if let Some(text) = std::str::from_utf8(shown).ok().map(str::trim).filter(|text| text.starts_with("eyJ")) {
            let text_digest = if text.len() == shown.len() { digest } else { digest_of(text.as_bytes()) };
            if let Some(verdict) = self.verify_original(text, text_digest, now).await? {
                return Ok(verdict);
            }
        }
        let presented = match Presented::read(shown) {
            Ok(presented) => presented,
            Err(fault) => return Ok(failed(no_document(&fault.text()), now)),
        };
        if let Presented::VcJwt(text) = &presented
            && CompactJws::parse(text).is_ok_and(|jws| jws.typ() == Some(receipt::TYP))
        {
            let checks = if self.open_receipt(text).await?.is_some() { no_document(&Text::new("a receipt of this registry found, which is no credential", "这是本登记系统的回执，不是凭证")) } else { vec![foreign_receipt()] };
            return Ok(failed(checks, now));
        }
        let payload = payload_of(&presented);
        match issuer_of(&presented, payload.as_ref()) {
            None if payload.is_some() || matches!(presented, Presented::Embedded(_)) => Ok(failed(no_document(&Text::new("it names no issuer", "未注明签发者")), now)),
            Some(issuer) if !self.is_own_issuer(&issuer) => self.verify_elsewhere(&presented, &issuer, now).await,
            _ => match (&presented, payload) {
                (Presented::VcJwt(text), Some(record)) if has_type(&record, "ClrCredential") => self.verify_record(text, &record, now).await,
                (_, payload) => self.verify_own(&presented, payload, digest, now).await,
            },
        }
    }

    /// Whether an issuer's keys are held here: the registry itself, or one of its organisations.
    pub(super) fn is_own_issuer(&self, issuer: &str) -> bool {
        let (did, url) = (self.registry_did(), &self.config.public_url);
        [did, url.as_str()].into_iter().any(|own| issuer.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with(":organisations:") || rest.starts_with("/organisations/")))
    }

    pub(super) async fn verify_own(&self, presented: &Presented, payload: Option<Value>, digest: [u8; 32], now: DateTime<Utc>) -> Result<Verdict, Error> {
        let generation = self.genuine.generation();
        let said = match self.read_own(presented, payload, now).await? {
            Ok(said) => said,
            Err(checks) => return Ok(failed(checks, now)),
        };
        let form = vec![said.proof.clone(), schema_check(&said.content)];
        let dates = dates_of(&said.content);
        let (record, on_record) = self.check_record(&said).await?;
        Ok(self.conclude(form, dates, record, on_record, (digest, generation), now))
    }

    /// The verdict on a document of this registry by what was found; a genuine one is remembered by the digest of what was shown, unless
    /// the generation has changed.
    pub(super) fn conclude(&self, form: Vec<Check>, dates: Dates, record: Vec<Check>, on_record: Option<OnRecord>, (digest, generation): ([u8; 32], u64), now: DateTime<Utc>) -> Verdict {
        let Some((standing, right, log_index, number_key, version)) = on_record else {
            return failed(form.into_iter().chain([check_dates(dates, now)]).chain(record).collect(), now);
        };
        let genuine = Genuine { form, dates, record, right, log_index, number_key, certificate_id: standing.certificate_id.clone(), version };
        let verdict = self.verdict_of(&genuine, &standing, now);
        // Without an intact proof and record nothing else counts; acts and dates of a genuine document decide the outcome.
        let is_genuine = verdict.checks.iter().all(|check| check.outcome != CheckOutcome::Failed || ["status", "validity", "review"].contains(&check.name));
        if !is_genuine {
            return failed(verdict.checks, now);
        }
        self.genuine.remember(digest, genuine, generation);
        verdict
    }

    /// What is answered of a genuine document, where its certificate stands now.
    fn verdict_of(&self, genuine: &Genuine, standing: &Arc<Standing>, now: DateTime<Utc>) -> Verdict {
        let facts = StandingFacts { is_superseded: standing.version != genuine.version, ..standing.facts };
        let outcome = standing_on(&facts, self.clock.today());
        let mut checks = genuine.form.clone();
        checks.push(check_dates(genuine.dates, now));
        checks.extend(genuine.record.iter().cloned());
        checks.extend(self.check_witnesses(genuine.log_index));
        checks.push(genuine.right.clone());
        checks.extend(standing_checks(outcome, &facts));
        Verdict { outcome, checks, certificates: vec![VerifiedCertificate { outcome, standing: Arc::clone(standing) }], log_index: Some(genuine.log_index), status_as_of: now }
    }

    /// A document that was found genuine a moment ago, and where its certificate stands now.
    async fn verify_known(&self, digest: &[u8; 32], now: DateTime<Utc>) -> Result<Option<Verdict>, Error> {
        let Some(genuine) = self.genuine.find(digest) else { return Ok(None) };
        let standings = self.standings_of_number(&genuine.number_key).await?;
        Ok(standings.iter().find(|standing| standing.certificate_id == genuine.certificate_id).map(|standing| self.verdict_of(&genuine, standing, now)))
    }

    /// Understands a form and checks its signature by the keys that the registry holds.
    async fn read_own(&self, presented: &Presented, payload: Option<Value>, now: DateTime<Utc>) -> Result<Result<Said, Vec<Check>>, Error> {
        Ok(match presented {
            Presented::VcJwt(text) | Presented::BadgeJwt(text) => self.read_own_jwt(text, payload, matches!(presented, Presented::BadgeJwt(_))).await?,
            Presented::Embedded(document) => Ok(self.read_own_embedded(document, now).await?),
            Presented::SdJwt(text) => self.read_own_sd_jwt(text).await?,
        })
    }

    async fn read_own_jwt(&self, text: &str, payload: Option<Value>, is_badge: bool) -> Result<Result<Said, Vec<Check>>, Error> {
        let jws = match CompactJws::parse(text) {
            Ok(jws) => jws,
            Err(fault) => return Ok(Err(unread("not a JWS that can be verified", "不是可验证的 JWS", &fault.text()))),
        };
        let Some(payload @ Value::Object(_)) = payload else {
            return Ok(Err(vec![check("proof", false, "the payload is not one JSON object without duplicate members", "载荷不是无重复成员的 JSON 对象")]));
        };
        let issuer = payload["issuer"]["id"].as_str().unwrap_or_default();
        if !is_badge {
            let proof = self.check_jws(&jws, CREDENTIAL_TYP, jws.key_id(), issuer, true).await?;
            let credential_id = text_of(&payload, "id");
            return Ok(Ok(Said { proof, credential_id, content: Content::Text(text.to_owned(), payload) }));
        }
        if !badge_jwt::is_of_profile(&jws.header) {
            return Ok(Err(vec![foreign_header()]));
        }
        // The header names the address of the key, whose last part is the key's name behind the issuer's DID.
        let key_id = jws.key_id().and_then(|url| url.strip_prefix(&format!("{}/keys/", self.config.public_url))).map(|thumbprint| format!("{issuer}#{thumbprint}"));
        let proof = self.check_jws(&jws, "", key_id.as_deref(), issuer, false).await?;
        match badge_jwt::strip(&payload) {
            Ok(document) => Ok(Ok(Said { proof, credential_id: text_of(&document, "id"), content: Content::Document(document) })),
            Err(fault) => Ok(Err(vec![proof, because("schema", "the claims of the JWT and the document disagree", "JWT 声明与文件不一致", &fault)])),
        }
    }

    async fn read_own_embedded(&self, secured: &Value, now: DateTime<Utc>) -> Result<Said, Error> {
        let mut document = secured.as_object().cloned().unwrap_or_default();
        let proofs = document.shift_remove("proof").unwrap_or_default();
        let issuer = document.get("issuer").map(|issuer| text_of(issuer, "id")).unwrap_or_default();
        let mut keys: Vec<Arc<KnownKey>> = Vec::new();
        for method in items(&proofs).iter().filter_map(|proof| proof["verificationMethod"].as_str()) {
            if let Some(key_id) = key_of_multikey(method) {
                keys.extend(self.find_key(key_id).await?.filter(|key| key.purpose == PURPOSE_CREDENTIALS && key.owner == issuer));
            }
        }
        let mut find_key = |method: &str| keys.iter().find(|key| key_of_multikey(method) == Some(&key.public.key_id)).map(|key| key.public.clone());
        let is_stolen = keys.iter().any(|key| key.revoked_at.is_some());
        let document = Value::Object(document);
        if !conformance::find_breaches(&document).is_empty() {
            // No document of ours; whatever it means is not worth finding out.
            let proof = check("proof", false, "a document of this registry expected", "不是本登记系统格式的文件");
            return Ok(Said { proof, credential_id: text_of(&document, "id"), content: Content::Document(document) });
        }
        let proof = match data_integrity::verify(secured, &Expectation::assertion(now), &mut find_key) {
            Ok(_) if is_stolen => stolen(),
            Ok(found) => {
                let named: Vec<String> = found.iter().map(|proof| format!("{} ({})", proof.method, proof.suite.as_str())).collect();
                let named = named.join(", ");
                check("proof", true, format!("proved by {named}"), format!("由 {named} 证明"))
            }
            Err(fault) => because("proof", "no proof that counts", "内嵌证明无效", &fault.text()),
        };
        Ok(Said { proof, credential_id: text_of(&document, "id"), content: Content::Document(document) })
    }

    async fn read_own_sd_jwt(&self, text: &str) -> Result<Result<Said, Vec<Check>>, Error> {
        let shown = match SdJwt::parse(text) {
            Ok(shown) => shown,
            Err(fault) => return Ok(Err(unread("not an SD-JWT that can be verified", "不是可验证的 SD-JWT", &fault.text()))),
        };
        let issuer = shown.claims.get("iss").and_then(Value::as_str).unwrap_or_default();
        let did = issuer.strip_prefix(&format!("{}/organisations/", self.config.public_url)).map(|id| format!("{}:organisations:{id}", self.registry_did()));
        let mut proof = self.check_jws(&shown.jws, crate::credential::sd_jwt::TYP, shown.jws.key_id(), &did.unwrap_or_default(), false).await?;
        if let Err(fault) = shown.check_key_binding(None) {
            proof = because("proof", "not shown by its holder", "并非由持有人出示", &fault.text());
        }
        let credential_id = shown.claims.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Ok(Said { proof, credential_id, content: Content::Claims(shown.claims) }))
    }

    /// A signature, strictly, by a published key that the issuer controls. An empty `typ` stands for none. `is_original`: whether the
    /// text itself may be in the log, which says when it was signed; a stolen key proves nothing otherwise.
    pub(super) async fn check_jws(&self, jws: &CompactJws<'_>, typ: &str, key_id: Option<&str>, issuer: &str, is_original: bool) -> Result<Check, Error> {
        let failed = |en: &'static str, zh: &'static str| Ok(check("proof", false, en, zh));
        if !typ.is_empty() && jws.typ() != Some(typ) {
            return Ok(wrong_typ(typ));
        }
        let Some(key_id) = key_id else { return failed("no key identifier of this registry found in the header", "头部没有本登记系统的密钥标识") };
        let Some(key) = self.find_key(key_id).await?.filter(|key| key.purpose == PURPOSE_CREDENTIALS) else {
            return failed("the key is not one that this registry published", "签名密钥不是本登记系统公布的密钥");
        };
        if issuer != key.owner {
            return failed("the issuer is not the controller of the key", "签发者不是密钥的控制者");
        }
        if !jws.is_signed_by(&key.public) {
            return failed("the signature does not fit the document: it was changed, or signed by somebody else", "签名与文件不符：文件被改动，或由他人签署");
        }
        if key.revoked_at.is_some() && !is_original {
            return Ok(stolen());
        }
        Ok(check("proof", true, format!("signed by {key_id}"), format!("由 {key_id} 签署")))
    }

    /// Whether the registry issued exactly this, and whether the body had the right to on that day.
    async fn check_record(&self, said: &Said) -> Result<(Vec<Check>, Option<OnRecord>), Error> {
        let Some(mut issued) = self.find_issued(&said.credential_id).await? else {
            return Ok((vec![check("record", false, "no credential with this identifier found among those that the registry issued", "本登记系统未签发过带有该标识的凭证")], None));
        };
        let (certificate, version) = (issued.shown.certificate_id.clone(), issued.shown.version);
        let whole = self.store.read(move |conn| store::find_with_version(conn, &certificate, version)).await?.ok_or_else(|| Error::Internal("a version was there and is gone".to_owned()))?;
        let stored = self.open_credential(&whole.1)?;
        let signed = key_and_last_day(&stored).filter(|(key_id, _)| *key_id == whole.1.key_id);
        let is_same = signed.is_some() && hex::encode(Sha256::digest(&stored)) == whole.1.document_digest && self.says_what_was_issued(&said.content, &stored, whole)?;
        if !is_same {
            return Ok((vec![check("record", false, "the document differs from the one that was issued", "文件与签发的原件不一致")], None));
        }
        issued.shown.valid_to = signed.and_then(|(_, last)| last);
        // Only the very text stands in the log with its time; the same words under the same key may have been signed by a thief.
        let is_original = !matches!(&said.content, Content::Text(text, _) if *text != stored && self.is_signed_by_stolen(text));
        self.check_issued(&stored, is_original, issued).await
    }

    /// What the database has of a credential with this `id`, and of its place in the log.
    pub(super) async fn find_issued(&self, credential_id: &str) -> Result<Option<Issued>, Error> {
        // PostgreSQL refuses a NUL in a text, and no identifier has one.
        if credential_id.contains('\0') {
            return Ok(None);
        }
        let (credential_id, tiles) = (credential_id.to_owned(), Arc::clone(&self.tiles));
        let read = move |conn: &mut Conn| {
            let Some((shown, entry)) = store::find_by_credential(conn, &credential_id)? else { return Ok(None) };
            let entry = entry.map_or(Ok(None), |row| find_path(conn, &tiles, row))?;
            Ok(Some(Issued { shown, entry }))
        };
        // Neither a version nor its entry ever changes, and the entry is there when the version is: a snapshot would only cost.
        Ok(self.store.read(read).await?)
    }

    /// Of a document that says what `issued` says: whether the log has it, under a key that was good, and whether the body had the right
    /// to issue it. `text` is what was issued; a document that is not the original may have been signed by whoever stole the key.
    pub(super) async fn check_issued(&self, text: &str, is_original: bool, Issued { shown, entry }: Issued) -> Result<(Vec<Check>, Option<OnRecord>), Error> {
        let record = check("record", true, "the registry issued exactly this document", "本登记系统签发了该文件原件");
        let Some(logged_at) = self.check_logged(entry, text.as_bytes()).await? else {
            return Ok((vec![record, check("log", false, "the document is not in the public log, so it was never issued", "文件不在公开日志中，视为未签发")], None));
        };
        let logged = logged();
        let key = self.check_key(is_original, &shown.key_id, logged_at);
        if key.as_ref().is_some_and(|key| key.outcome == CheckOutcome::Failed) {
            return Ok(([record, logged].into_iter().chain(key).collect(), None));
        }
        let facts: CertificateFacts = crate::services::stored_json(&shown.facts)?;
        let (issuer, right) = self.right_of(&shown, &facts).await?;
        let checks: Vec<Check> = [record, logged, registered(&issuer)].into_iter().chain(key).collect();
        let (number_key, version) = (shown.number_key.clone(), shown.version);
        let newest = if shown.state.version == version { self.standing_logged(shown, facts, issuer, right.clone(), logged_at)? } else { self.newest_standing(&shown.certificate_id).await? };
        Ok((checks, newest.map(|standing| (standing, right, logged_at.index, number_key, version))))
    }

    /// How a certificate stands with its newest version.
    async fn newest_standing(&self, id: &str) -> Result<Option<Arc<Standing>>, Error> {
        let wanted = id.to_owned();
        let Some(rows) = self.store.read(move |conn| store::find_by_id(conn, &wanted)).await? else { return Ok(None) };
        self.standing_of(rows).await
    }

    /// Whether the log had a document before its key was stolen; None for a key that was not.
    fn check_key(&self, is_original: bool, key_id: &str, logged: Logged) -> Option<Check> {
        let stolen_at = self.known_key(key_id)?.revoked_at?;
        let was_before = !self.is_doubtful(key_id, logged) && is_original;
        let at = beijing(stolen_at);
        Some(if was_before {
            check("key", true, format!("the issuer's key was stolen at {at} (Beijing time); the log had the document before"), format!("签发密钥于 {at}（北京时间）被盗；日志在此之前已收录该文件"))
        } else {
            check("key", false, format!("the issuer's key was stolen at {at} (Beijing time), and the log did not have the document before"), format!("签发密钥于 {at}（北京时间）被盗，且日志在此之前未收录该文件"))
        })
    }

    fn is_signed_by_stolen(&self, text: &str) -> bool {
        CompactJws::parse(text).ok().and_then(|jws| self.known_key(jws.key_id()?)).is_none_or(|key| key.revoked_at.is_some())
    }

    fn says_what_was_issued(&self, content: &Content, stored: &str, whole: StandingRows) -> Result<bool, Error> {
        let payload = || CompactJws::parse(stored).ok().and_then(|jws| strict_json::parse(&jws.payload).ok()).unwrap_or_default();
        Ok(match content {
            Content::Text(text, document) => text == stored || *document == payload(),
            Content::Document(document) => *document == payload(),
            Content::Claims(claims) => {
                let issued = self.open_issued(whole, String::new())?;
                let facts = self.plain_facts(&issued, &payload())?;
                let always = facts.claims();
                let is_said = |(name, value): (&String, &Value)| name == "cnf" || always.get(name) == Some(value) || facts.shown.iter().any(|(shown, known)| shown == name && known == value);
                always.keys().all(|name| claims.contains_key(name)) && claims.iter().all(is_said)
            }
        })
    }
}

/// What a JWT says, if it is one and says anything.
fn payload_of(presented: &Presented) -> Option<Value> {
    match presented {
        Presented::VcJwt(text) | Presented::BadgeJwt(text) => strict_json::parse(&CompactJws::parse(text).ok()?.payload).ok(),
        Presented::Embedded(_) | Presented::SdJwt(_) => None,
    }
}

/// The issuer that a document names: a DID, or a URL. Unsigned, so it only tells whom to ask.
fn issuer_of(presented: &Presented, payload: Option<&Value>) -> Option<String> {
    let named = |document: &Value| document["issuer"]["id"].as_str().or_else(|| document["issuer"].as_str()).map(str::to_owned);
    match presented {
        Presented::VcJwt(_) | Presented::BadgeJwt(_) => payload.and_then(named),
        Presented::Embedded(document) => named(document),
        Presented::SdJwt(text) => SdJwt::parse(text).ok().and_then(|shown| shown.claims.get("iss").and_then(Value::as_str).map(str::to_owned)),
    }
}

pub(super) fn text_of(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

pub(super) fn items(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        Value::Null => &[],
        other => std::slice::from_ref(other),
    }
}

fn schema_check(content: &Content) -> Check {
    let Some(document) = content.document() else { return check("schema", true, "the claims follow SD-JWT VC", "声明符合 SD-JWT VC") };
    let breaches = conformance::find_breaches(document);
    match breaches.len() {
        0 => schema_kept(),
        _ => broken("VC 2.0 and Open Badges 3.0", breaches.iter().map(|breach| breach.path.as_str())),
    }
}

/// When a document begins and ceases to be valid; None inside for a date that cannot be read.
pub(super) type Dates = (Option<Option<DateTime<Utc>>>, Option<Option<DateTime<Utc>>>);

/// The dates of a document.
pub(super) fn dates_of(content: &Content) -> Dates {
    match content {
        Content::Claims(claims) => {
            let seconds = |name: &str| claims.get(name).map(|value| value.as_i64().and_then(|seconds| DateTime::from_timestamp(seconds, 0)));
            (seconds("nbf"), seconds("exp"))
        }
        Content::Text(_, document) | Content::Document(document) => dates_in(document),
    }
}

fn instant(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}

/// The dates of a document whose members `validFrom` and `validUntil` are these.
pub(super) fn dates_of_texts(from: Option<&str>, until: Option<&str>) -> Dates {
    (from.map(instant), until.map(instant))
}

fn dates_in(document: &Value) -> Dates {
    let member = |name: &str| document.get(name).map(|value| value.as_str().and_then(instant));
    (member("validFrom"), member("validUntil"))
}

/// The check of a document's own dates.
pub(super) fn check_dates_in(document: &Value, now: DateTime<Utc>) -> Check {
    check_dates(dates_in(document), now)
}

pub(super) fn check_validity(content: &Content, now: DateTime<Utc>) -> Check {
    check_dates(dates_of(content), now)
}

fn check_dates((begins, ends): Dates, now: DateTime<Utc>) -> Check {
    // A date that cannot be read is not one that has come.
    let has_begun = begins.is_none_or(|from| from.is_some_and(|from| from <= now));
    let has_not_ended = ends.is_none_or(|until| until.is_some_and(|until| now <= until));
    let told = |end: Option<DateTime<Utc>>, en: &str, zh: [&str; 2]| match end {
        Some(at) => Text::new(format!("{en} {}", beijing(at)), format!("{}{}{}", zh[0], beijing(at), zh[1])),
        None => Text::new(format!("{en} a date that cannot be read"), format!("{}无法识别的日期{}", zh[0], zh[1])),
    };
    let from = begins.map(|at| told(at, "from", ["自 ", " 起"]));
    let until = ends.map_or_else(|| Text::new("without an end", "不设截止"), |at| told(at, "until", ["至 ", " 止"]));
    let (from_en, from_zh) = from.map_or_else(Default::default, |from| (format!("{} ", from.en), format!("{}，", from.zh)));
    let now = beijing(now);
    Check {
        name: "validity",
        outcome: if has_begun && has_not_ended { CheckOutcome::Passed } else { CheckOutcome::Failed },
        detail: Text::new(format!("valid {from_en}{}; asked at {now} (Beijing time)", until.en), format!("有效期{from_zh}{}；查询时间 {now}（北京时间）", until.zh)),
    }
}
