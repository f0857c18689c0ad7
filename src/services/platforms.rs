//! Platforms that collect a worker's badges and learner record: OAuth 2.0 with PKCE, as Open Badges 3.0 asks for it (section 7).
//!
//! A platform registers itself, and nothing is kept of it: its identifier carries what it registered under a keyed hash, its secret
//! follows from that (RFC 7591, appendix A.5.2). What a worker consents to is a link like any other, listed and withdrawn like one;
//! a platform gets it for a code that serves once, which a constraint decides, and each of its readings is a fact that the worker sees.

use super::Registry;
use super::error::Error;
use super::history::{ExportedHistory, HistoryForm};
use super::intent::{Answer, Intent};
use super::refusal::GrantRefusal;
use super::workers::Worker;
use crate::credential::form::CredentialForm;
use crate::domain::access::SignedInWorker;
use crate::domain::id::ShareId;
use crate::domain::platform::{Platform, PlatformScope, known_scopes, platform_faults, redirect_url, scope_text};
use crate::domain::sharing::{PlatformTerms, ShareTerms};
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::shares::{self as store, ShareEndRow, ShareRedemptionRow, ShareRow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How long an authorization code serves (RFC 6749, 4.1.2: at most ten minutes).
const CODE_SECONDS: i64 = 120;
/// How long a platform reads by one consent when the worker did not let it go on.
const ONCE_SECONDS: i64 = 3_600;
const CLIENT_ID_LENGTH_MAX: usize = 4_096;

/// A platform that has just registered; the secret is not kept.
#[derive(Debug, Clone)]
pub struct RegisteredPlatform {
    pub client_id: String,
    pub client_secret: String,
    pub platform: Platform,
}

/// What a worker consents to.
#[derive(Debug, Clone)]
pub struct Consent {
    pub client_id: String,
    pub platform: Platform,
    pub redirect_uri: String,
    pub scopes: Vec<PlatformScope>,
    /// `S256` challenge (RFC 7636, 4.2).
    pub code_challenge: String,
    /// Until when the platform may read; an hour when it asked for no more.
    pub until: DateTime<Utc>,
}

/// Tokens of a platform (RFC 6749, 5.1).
#[derive(Debug, Clone)]
pub struct PlatformTokens {
    pub access_token: String,
    /// Where the worker let it go on.
    pub refresh_token: Option<String>,
    pub expires_in: u64,
    pub scope: String,
}

/// A page of badges.
pub struct CollectedBadges {
    /// With embedded proofs.
    pub credentials: Vec<Value>,
    /// All that there are.
    pub total: usize,
}

/// A share of a platform with its terms.
struct Access {
    row: ShareRow,
    terms: ShareTerms,
    platform: PlatformTerms,
    ended_at: Option<i64>,
}

impl Access {
    fn is_open(&self, now: i64) -> bool {
        self.ended_at.is_none() && self.row.expires_at > now
    }

    fn may_go_on(&self) -> bool {
        self.platform.scopes.contains(&PlatformScope::OfflineAccess)
    }
}

fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

impl Registry {
    /// Registers a platform (RFC 7591).
    ///
    /// # Errors
    /// Every fault of what it sent.
    pub fn register_platform(&self, mut platform: Platform) -> Result<RegisteredPlatform, Error> {
        platform.registered_at = self.clock.now().timestamp();
        let faults = platform_faults(&platform, &self.config.platform_hosts);
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let text = serde_json::to_vec(&platform).map_err(|error| Error::Internal(error.to_string()))?;
        let text = URL_SAFE_NO_PAD.encode(text);
        let client_id = format!("{text}.{}", self.platform_seal(&text));
        Ok(RegisteredPlatform { client_secret: self.platform_secret(&client_id), client_id, platform })
    }

    fn platform_seal(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(&self.vault.blind_index("platform", text)[..16])
    }

    fn platform_secret(&self, client_id: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.vault.blind_index("platform secret", client_id))
    }

    /// The platform behind an identifier that was made here, and that may still come.
    pub fn find_platform(&self, client_id: &str) -> Option<Platform> {
        let (text, seal) = client_id.split_once('.').filter(|_| client_id.len() <= CLIENT_ID_LENGTH_MAX)?;
        if !same(seal, &self.platform_seal(text)) {
            return None;
        }
        let platform: Platform = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        platform_faults(&platform, &self.config.platform_hosts).is_empty().then_some(platform)
    }

    fn check_platform(&self, client_id: &str, secret: &str) -> Result<Platform, GrantRefusal> {
        const WRONG: GrantRefusal = GrantRefusal::Client("unknown client or wrong secret");
        let platform = self.find_platform(client_id).ok_or(WRONG)?;
        if same(secret, &self.platform_secret(client_id)) { Ok(platform) } else { Err(WRONG) }
    }

    /// Lets a platform in. The answer holds the address that the worker is sent back to, with the code; `state` is the platform's own.
    pub async fn consent_to_platform(&self, own: &SignedInWorker, consent: Consent, state: Option<&str>, intent: &Intent<String>) -> Result<Answer, Error> {
        let go_on = consent.scopes.contains(&PlatformScope::OfflineAccess);
        let until = if go_on { consent.until } else { self.clock.now() + chrono::Duration::seconds(ONCE_SECONDS) };
        let platform = PlatformTerms {
            client_id: consent.client_id,
            name: consent.platform.name.clone(),
            code: hex::encode(self.entropy.bytes::<16>()),
            code_challenge: consent.code_challenge,
            redirect_uri: consent.redirect_uri,
            scopes: consent.scopes,
        };
        let terms = ShareTerms { purpose: consent.platform.name, parts: PlatformScope::parts(&platform.scopes), certificates: None, token: hex::encode(self.entropy.bytes::<16>()), platform: Some(platform.clone()) };
        let row = self.share_row(own, &terms, until)?;
        let mut back = redirect_url(&platform.redirect_uri, &self.config.platform_hosts).map_err(|fault| Error::Internal(fault.en.into_owned()))?;
        back.query_pairs_mut().append_pair("code", &format!("{}.{}", row.id, platform.code)).append_pair("scope", &scope_text(&platform.scopes)).append_pair("iss", &self.config.public_url);
        if let Some(state) = state {
            back.query_pairs_mut().append_pair("state", state);
        }
        let (answer, kept) = self.answer(intent, &back.to_string());
        self.write_share(row, kept).await?;
        Ok(answer)
    }

    async fn find_access(&self, id: &str) -> Result<Option<Access>, Error> {
        let Ok(id) = id.parse::<ShareId>() else { return Ok(None) };
        let found = self.store.read(move |conn| store::find_share(conn, id.as_str())).await?;
        self.access_of(found)
    }

    fn access_of(&self, found: Option<store::FoundShare>) -> Result<Option<Access>, Error> {
        let Some((row, ended_at)) = found else { return Ok(None) };
        let terms = self.open_terms(&row)?;
        Ok(terms.platform.clone().map(|platform| Access { row, terms, platform, ended_at }))
    }

    /// Exchanges an authorization code for tokens (RFC 6749, 4.1.3; RFC 7636, 4.6).
    ///
    /// # Errors
    /// `invalid_grant` for every kind of wrong code: one answer for all of them. A code that comes twice ends the access, since one of
    /// the two has stolen it (RFC 6749, 4.1.2).
    pub async fn redeem_platform_code(&self, client: (&str, &str), code: &str, redirect_uri: &str, verifier: &str) -> Result<PlatformTokens, GrantRefusal> {
        const WRONG: GrantRefusal = GrantRefusal::Word("invalid_grant", "the code is wrong, was used, has expired, or belongs to another client, redirect_uri or code_verifier");
        self.check_platform(client.0, client.1)?;
        let (id, secret) = code.split_once('.').unwrap_or_default();
        let Some(access) = self.find_access(id).await? else { return Err(WRONG) };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let is_its_own = same(secret, &access.platform.code) && access.platform.client_id == client.0 && access.platform.redirect_uri == redirect_uri && same(&challenge, &access.platform.code_challenge);
        let now = self.now_micros();
        if !is_its_own || !access.is_open(now) || access.row.made_at + CODE_SECONDS * 1_000_000 < now {
            return Err(WRONG);
        }
        let row = ShareRedemptionRow { share_id: access.row.id.clone(), redeemed_at: now };
        let redeemed = self
            .store
            .write(move |tx| {
                store::insert_share_redemption(tx.conn, &row)?;
                tx.record(Fact::of(None, &row)?);
                Ok(())
            })
            .await;
        match redeemed {
            Ok(()) => self.platform_tokens(&access, &access.platform.scopes).await,
            Err(StoreError::Conflict(Constraint::ShareRedemption)) => {
                self.end_access(&access).await?;
                Err(WRONG)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn platform_tokens(&self, access: &Access, scopes: &[PlatformScope]) -> Result<PlatformTokens, GrantRefusal> {
        let left = u64::try_from((access.row.expires_at - self.now_micros()) / 1_000_000).unwrap_or(0);
        let (seconds, scope) = (self.config.token_seconds.min(left), scope_text(scopes));
        let access_token = self.sign_access_token(&access.row.id, &scope, self.entropy.uuid(), seconds).await?;
        Ok(PlatformTokens { access_token, refresh_token: access.may_go_on().then(|| access.terms.token.clone()), expires_in: seconds, scope })
    }

    /// A new access token for a refresh token, for the same scopes or fewer (RFC 6749, 6).
    pub async fn refresh_platform_token(&self, client: (&str, &str), refresh_token: &str, scope: Option<&str>) -> Result<PlatformTokens, GrantRefusal> {
        self.check_platform(client.0, client.1)?;
        let found = self.find_access_by_token(refresh_token).await?.filter(|access| access.platform.client_id == client.0 && access.may_go_on() && access.is_open(self.now_micros()));
        let access = found.ok_or(GrantRefusal::Word("invalid_grant", "the refresh token is wrong, was withdrawn, or has expired"))?;
        let scopes: Vec<PlatformScope> = match scope {
            None => access.platform.scopes.clone(),
            Some(text) => known_scopes(text).into_iter().filter(|scope| access.platform.scopes.contains(scope)).collect(),
        };
        if scopes.is_empty() {
            return Err(GrantRefusal::Word("invalid_scope", "something that the worker consented to expected"));
        }
        self.platform_tokens(&access, &scopes).await
    }

    async fn find_access_by_token(&self, token: &str) -> Result<Option<Access>, Error> {
        let hash = self.share_hash(token);
        let found = self.store.read(move |conn| store::find_share_by_token(conn, &hash)).await?;
        self.access_of(found)
    }

    /// Ends an access by one of its tokens (RFC 7009). A token that is not this platform's is not told from one that is not there.
    pub async fn revoke_platform_token(&self, client: (&str, &str), token: &str) -> Result<(), GrantRefusal> {
        self.check_platform(client.0, client.1)?;
        let access = match self.verify_token(token).await? {
            Some(claims) => self.find_access(&claims.sub).await?,
            None => self.find_access_by_token(token).await?,
        };
        match access.filter(|access| access.platform.client_id == client.0) {
            Some(access) => Ok(self.end_access(&access).await?),
            None => Ok(()),
        }
    }

    async fn end_access(&self, access: &Access) -> Result<(), Error> {
        self.withdraw_share(ShareEndRow { share_id: access.row.id.clone(), ended_at: self.now_micros() }).await
    }

    /// The worker behind a platform's token, if it may read this. The reading is recorded first.
    async fn read_by_platform(&self, token: &str, wanted: PlatformScope) -> Result<(Access, SignedInWorker), GrantRefusal> {
        let Some(claims) = self.verify_token(token).await? else { return Err(GrantRefusal::Token) };
        let access = self.find_access(&claims.sub).await?.filter(|access| access.is_open(self.now_micros())).ok_or(GrantRefusal::Token)?;
        // The list of hosts may have become shorter.
        if self.find_platform(&access.platform.client_id).is_none() {
            return Err(GrantRefusal::Token);
        }
        if !known_scopes(&claims.scope).contains(&wanted) {
            return Err(GrantRefusal::Scope(wanted.as_str()));
        }
        let holder = self.record_view(&access.row).await?;
        Ok((access, holder))
    }

    /// A page of the worker's certificates as badges, in order of issue; those that were issued behind `since` only.
    pub async fn collect_badges(&self, token: &str, since: Option<DateTime<Utc>>, offset: usize, limit: usize) -> Result<CollectedBadges, GrantRefusal> {
        let (_, holder) = self.read_by_platform(token, PlatformScope::ReadBadges).await?;
        let mut certificates = self.list_own_certificates(&holder).await?;
        certificates.retain(|certificate| since.is_none_or(|since| certificate.standing.1.issued_at > since.timestamp_micros()));
        let mut credentials = Vec::new();
        for certificate in certificates.iter().skip(offset).take(limit) {
            let bytes = self.form_of(certificate, CredentialForm::DataIntegrity).await?;
            credentials.push(serde_json::from_slice(&bytes).map_err(|error| Error::Internal(error.to_string()))?);
        }
        Ok(CollectedBadges { credentials, total: certificates.len() })
    }

    /// The worker, and a name of theirs that this platform alone knows.
    pub async fn collect_profile(&self, token: &str) -> Result<(Worker, String), GrantRefusal> {
        let (access, holder) = self.read_by_platform(token, PlatformScope::ReadProfile).await?;
        let hash = self.vault.blind_index("platform profile", &format!("{} {}", access.platform.client_id, holder.worker));
        let bytes: [u8; 16] = hash[..16].try_into().expect("sixteen bytes of thirty-two");
        let name = uuid::Builder::from_custom_bytes(bytes).into_uuid().hyphenated();
        Ok((self.get_own_worker(&holder).await?, format!("urn:uuid:{name}")))
    }

    /// The worker's whole record as a learner record of this moment; None when there is no certificate to put into it.
    pub async fn collect_learner_record(&self, token: &str) -> Result<Option<ExportedHistory>, GrantRefusal> {
        let (_, holder) = self.read_by_platform(token, PlatformScope::ReadLearnerRecord).await?;
        match self.export_history(&holder, HistoryForm::Clr, |_| Ok(Vec::new())).await {
            Ok(exported) => Ok(Some(exported)),
            Err(Error::Refused(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
