//! The very text that the registry issued, shown again: what most people show, and the shortest way to an answer.
//!
//! Its form was checked against every rule before it was signed, and a text with that digest is that text. So it is not taken apart
//! again; signature, log, right to issue and standing are checked as for any other form, over the bytes that were shown.

use super::document::dates_of_texts;
use super::findings::schema_kept;
use super::Verdict;
use crate::credential::jws::{CREDENTIAL_TYP, CompactJws};
use crate::services::Registry;
use crate::services::error::Error;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use std::borrow::Cow;

/// The members that say which credential this is and when it is valid; the others are not read. They are asked of the document and not
/// of the database, where a row that somebody edited by hand says what it likes.
#[derive(Deserialize)]
struct Claims<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    issuer: Issuer<'a>,
    #[serde(borrow, rename = "validFrom")]
    valid_from: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "validUntil")]
    valid_until: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Issuer<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// The last valid day of a document whose member `validUntil` is this: a legal day, as it stands there.
fn last_day(valid_until: Option<&str>) -> Option<NaiveDate> {
    Some(DateTime::parse_from_rfc3339(valid_until?).ok()?.date_naive())
}

/// What a text that was issued says of its key and of its last valid day; None when it is no such text.
pub(super) fn key_and_last_day(text: &str) -> Option<(String, Option<NaiveDate>)> {
    let jws = CompactJws::parse(text).ok()?;
    let claims: Claims<'_> = serde_json::from_slice(&jws.payload).ok()?;
    Some((jws.key_id()?.to_owned(), last_day(claims.valid_until.as_deref())))
}

impl Registry {
    /// Verifies a text if it is what the registry issued, byte for byte; None when it is anything else. `digest` is that of the text.
    pub(super) async fn verify_original(&self, text: &str, digest: [u8; 32], now: DateTime<Utc>) -> Result<Option<Verdict>, Error> {
        let Ok(jws) = CompactJws::parse(text) else { return Ok(None) };
        let Ok(claims) = serde_json::from_slice::<Claims<'_>>(&jws.payload) else { return Ok(None) };
        if jws.typ() != Some(CREDENTIAL_TYP) || !self.is_own_issuer(&claims.issuer.id) {
            return Ok(None);
        }
        let generation = self.genuine.generation();
        let Some(mut issued) = self.find_issued(&claims.id).await? else { return Ok(None) };
        if issued.shown.document_digest != hex::encode(digest) {
            return Ok(None);
        }
        if jws.key_id() != Some(&issued.shown.key_id) {
            return Ok(None);
        }
        issued.shown.valid_to = last_day(claims.valid_until.as_deref());
        let proof = self.check_jws(&jws, CREDENTIAL_TYP, jws.key_id(), &claims.issuer.id, true).await?;
        let form = vec![proof, schema_kept()];
        let dates = dates_of_texts(claims.valid_from.as_deref(), claims.valid_until.as_deref());
        let (record, on_record) = self.check_issued(text, true, issued).await?;
        Ok(Some(self.conclude(form, dates, record, on_record, (digest, generation), now)))
    }
}
