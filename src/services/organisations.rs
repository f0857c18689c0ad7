//! Organisations, their filings, and the programs that call for them.

use super::Registry;
use super::error::Error;
use crate::domain::rule::invalid;
use super::intent::{Answer, Intent};
use super::keys::{PURPOSE_CREDENTIALS, add_key};
use super::setup::{NewClient, scope_text};
use crate::domain::access::{Act, Actor, Role, Scope};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::credit_code::UnifiedSocialCreditCode;
use crate::domain::filing::{BodyKind, FiledOccupation, FilingVersion};
use crate::domain::id::{ClientId, FilingId, OrganisationId};
use crate::domain::number::qualification::TestingBodyCode;
use crate::domain::number::skill_level::SkillLevelPrefix;
use crate::domain::occupation::Occupation;
use crate::domain::organisation::{OrganisationKind, OrganisationState};
use crate::domain::text::Text;
use crate::store::backend::Conn;
use crate::store::counters;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::organisations::{self as store, ClientRevocationRow, ClientRow, FilingVersionRow, NumberPrefixRow, OrganisationRow, OrganisationVersionRow};
use crate::store::writer::Tx;
use chrono::NaiveDate;
use serde_json::json;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is registered of an organisation.
#[derive(Debug, Clone)]
pub struct OrganisationOrder {
    pub credit_code: UnifiedSocialCreditCode,
    pub name: String,
    pub kinds: Vec<OrganisationKind>,
    pub region_code: Option<String>,
}

/// What changes; None leaves a member as it is.
#[derive(Debug, Clone)]
pub struct OrganisationChange {
    pub name: Option<String>,
    pub kinds: Option<Vec<OrganisationKind>>,
    pub region_code: Option<String>,
    pub state: Option<OrganisationState>,
    pub reason: String,
    /// The version that the change was decided on, from `If-Match`.
    pub expected_version: Option<i32>,
}

/// An organisation as it stands.
#[derive(Debug, Clone)]
pub struct OrganisationView {
    pub row: OrganisationRow,
    pub version: OrganisationVersionRow,
    pub did: String,
}

/// What is filed.
#[derive(Debug, Clone)]
pub struct FilingOrder {
    pub body_kind: BodyKind,
    pub kinds: Vec<CertificateKind>,
    pub occupations: Vec<FiledOccupation>,
    pub abilities: Vec<String>,
    pub sites: Vec<String>,
    pub number_prefix: Option<String>,
    pub valid_from: NaiveDate,
    pub valid_to: NaiveDate,
    pub decision_document: Option<String>,
}

/// A body with all its filings: what the rules on issuing ask for.
#[derive(Debug)]
pub struct Body {
    pub organisation: OrganisationId,
    pub name: String,
    pub state: OrganisationState,
    pub filings: Vec<FilingVersion>,
    /// The stamp of the organisation when this was read.
    pub stamp: i64,
}

/// Bodies that issued a moment ago. Two seconds is how long another node's change may take to count here.
pub struct BodyCache(quick_cache::sync::Cache<String, (Arc<Body>, Instant)>);

const BODY_BELIEVED_FOR: Duration = Duration::from_secs(2);

impl Default for BodyCache {
    fn default() -> Self {
        BodyCache(quick_cache::sync::Cache::new(1000))
    }
}

/// The filing that gets a new version, and the version that this was decided on.
#[derive(Debug, Clone)]
pub struct AmendedFiling {
    pub filing: FilingId,
    pub expected_version: Option<i32>,
}

/// Somebody else's version came between: it is another one than was expected, or whoever expected none asks again.
fn overtaken(expected_version: Option<i32>) -> Error {
    if expected_version.is_some() { Error::PreconditionFailed } else { Error::Stale }
}

/// The first of a list that stands in it before.
fn twice<T: PartialEq>(list: &[T]) -> Option<&T> {
    list.iter().enumerate().find(|(index, item)| list[..*index].contains(item)).map(|(_, item)| item)
}

/// A filing version from its row.
pub fn filing_of(row: &FilingVersionRow) -> Result<FilingVersion, Error> {
    let texts = |text: &str| super::stored_json::<Vec<String>>(text);
    let occupations: Vec<(String, Vec<String>)> = super::stored_json(&row.occupations)?;
    Ok(FilingVersion {
        filing: super::stored(&row.filing_id)?,
        version: row.version,
        body_kind: super::stored(&row.body_kind)?,
        kinds: texts(&row.kinds)?.iter().map(|kind| super::stored(kind)).collect::<Result<_, _>>()?,
        occupations: occupations
            .iter()
            .map(|(occupation, levels)| {
                let levels = levels.iter().map(|level| super::stored(level)).collect::<Result<_, Error>>()?;
                Ok(FiledOccupation { occupation: super::stored(occupation)?, levels })
            })
            .collect::<Result<_, Error>>()?,
        abilities: texts(&row.abilities)?,
        number_prefix: row.number_prefix.clone(),
        valid_from: row.valid_from,
        valid_to: row.valid_to,
    })
}

fn words<T: Copy>(items: &[T], word: impl Fn(T) -> &'static str) -> String {
    json!(items.iter().map(|item| word(*item)).collect::<Vec<_>>()).to_string()
}

impl Registry {
    /// Registers an organisation. The same code returns the same organisation.
    pub async fn register_organisation(&self, actor: &Actor, order: OrganisationOrder, intent: &Intent<(OrganisationView, bool)>) -> Result<Answer, Error> {
        self.authorise(actor, Act::AdministerRegistry)?;
        self.refuse_unknown_region(order.region_code.as_deref())?;
        let now = self.now_micros();
        let by = actor.client.to_string();
        let row = OrganisationRow { id: self.new_id(OrganisationId::new).to_string(), credit_code: order.credit_code.to_string(), registered_at: now, registered_by: by.clone() };
        let version = OrganisationVersionRow {
            organisation_id: row.id.clone(),
            version: 1,
            name: order.name,
            kinds: words(&order.kinds, OrganisationKind::as_str),
            region_code: order.region_code,
            state: OrganisationState::Active.as_str().to_owned(),
            reason: None,
            recorded_at: now,
            recorded_by: by,
        };
        let id: OrganisationId = super::stored(&row.id)?;
        let view = OrganisationView { did: self.organisation_did(&id), row: row.clone(), version: version.clone() };
        let key = self.make_key(&view.did, PURPOSE_CREDENTIALS)?;
        let (answer, kept) = self.answer(intent, &(view, true));
        let written = self
            .store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_organisation(tx.conn, &row)?;
                store::insert_organisation_version(tx.conn, &version)?;
                tx.record(Fact::of(Some(&id), &row)?);
                tx.record(Fact::of(Some(&id), &version)?);
                add_key(tx, &key, Some(&id))
            })
            .await;
        if let Err(StoreError::Conflict(Constraint::CreditCode)) = written {
            let code = order.credit_code.to_string();
            let id = self.store.read(move |conn| store::find_organisation_by_code(conn, &code)).await?.ok_or(Error::NotFound)?;
            let view = self.get_organisation(&super::stored(&id)?).await?;
            return self.answer_known(intent, &(view, false)).await;
        }
        written?;
        self.refresh_keys().await?;
        Ok(answer)
    }

    fn refuse_unknown_region(&self, region: Option<&str>) -> Result<(), Error> {
        let Some(region) = region else { return Ok(()) };
        match self.catalogue().find_entry("regions", region, self.clock.today()) {
            Some(_) => Ok(()),
            None => Err(Error::invalid("region_code", Text::new(format!("{region} is not in the catalogue list regions"), format!("地区代码 {region} 不在目录 regions 中")))),
        }
    }

    pub async fn get_organisation(&self, id: &OrganisationId) -> Result<OrganisationView, Error> {
        let wanted = id.to_string();
        let (row, version) = self.store.read(move |conn| store::find_organisation(conn, &wanted)).await?.ok_or(Error::NotFound)?;
        Ok(OrganisationView { row, version, did: self.organisation_did(id) })
    }

    pub async fn list_organisations(&self, after: Option<String>, limit: i64) -> Result<Vec<OrganisationView>, Error> {
        let rows = self.store.read(move |conn| store::list_organisations(conn, after.as_deref(), limit)).await?;
        rows.into_iter().map(|(row, version)| Ok(OrganisationView { did: self.organisation_did(&super::stored(&row.id)?), row, version })).collect()
    }

    /// Records a new version of an organisation.
    pub async fn change_organisation(&self, actor: &Actor, id: &OrganisationId, change: OrganisationChange, intent: &Intent<OrganisationView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::AdministerRegistry)?;
        self.refuse_unknown_region(change.region_code.as_deref())?;
        let before = self.get_organisation(id).await?;
        if change.expected_version.is_some_and(|expected| expected != before.version.version) {
            return Err(Error::PreconditionFailed);
        }
        let version = OrganisationVersionRow {
            version: before.version.version + 1,
            name: change.name.unwrap_or(before.version.name),
            kinds: change.kinds.map_or(before.version.kinds, |kinds| words(&kinds, OrganisationKind::as_str)),
            region_code: change.region_code.or(before.version.region_code),
            state: change.state.map_or(before.version.state, |state| state.as_str().to_owned()),
            reason: Some(change.reason),
            recorded_at: self.now_micros(),
            recorded_by: actor.client.to_string(),
            organisation_id: before.version.organisation_id,
        };
        let (answer, kept) = self.answer(intent, &OrganisationView { row: before.row, version: version.clone(), did: before.did });
        let owner = id.clone();
        let written = self
            .store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_organisation_version(tx.conn, &version)?;
                tx.move_stamp(&version.organisation_id)?;
                tx.record(Fact::of(Some(&owner), &version)?);
                Ok(())
            })
            .await;
        written.map_err(|error| if matches!(error, StoreError::Conflict(Constraint::OrganisationVersion)) { overtaken(change.expected_version) } else { error.into() })?;
        self.bodies.0.remove(id.as_str());
        Ok(answer)
    }

    /// Files what a body may issue, or a new version of a filing when that is given.
    ///
    /// # Errors
    /// The filing has another newest version than the one that the change was decided on.
    pub async fn record_filing(&self, actor: &Actor, id: &OrganisationId, amended: Option<AmendedFiling>, order: FilingOrder, intent: &Intent<FilingVersionRow>) -> Result<Answer, Error> {
        self.authorise(actor, Act::AdministerRegistry)?;
        let organisation = self.get_organisation(id).await?;
        self.check_filing(&order)?;
        let earlier = self.list_all_filings(id).await?;
        let expected_version = amended.as_ref().and_then(|amended| amended.expected_version);
        let (filing_id, number) = match amended {
            None => (self.new_id(FilingId::new), 1),
            Some(AmendedFiling { filing, .. }) => {
                let newest = earlier.iter().filter(|row| row.filing_id == filing.as_str()).map(|row| row.version).max().ok_or(Error::NotFound)?;
                if expected_version.is_some_and(|expected| expected != newest) {
                    return Err(Error::PreconditionFailed);
                }
                // Two at once meet in the primary key.
                (filing, newest + 1)
            }
        };
        let occupations: Vec<(String, Vec<&str>)> =
            order.occupations.iter().map(|filed| (filed.occupation.to_string(), filed.levels.iter().map(|level| level.as_str()).collect())).collect();
        let row = FilingVersionRow {
            filing_id: filing_id.to_string(),
            version: number,
            organisation_id: organisation.row.id,
            body_kind: order.body_kind.as_str().to_owned(),
            kinds: words(&order.kinds, CertificateKind::as_str),
            occupations: json!(occupations).to_string(),
            abilities: json!(order.abilities).to_string(),
            sites: json!(order.sites).to_string(),
            number_prefix: order.number_prefix,
            valid_from: order.valid_from,
            valid_to: order.valid_to,
            decision_document: order.decision_document,
            recorded_at: self.now_micros(),
            recorded_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &row);
        let owner = id.clone();
        let written = self
            .store
            .write(move |tx| {
                kept.keep(tx)?;
                if let Some(prefix) = &row.number_prefix {
                    let assigned = NumberPrefixRow { prefix: prefix.clone(), organisation_id: row.organisation_id.clone(), assigned_at: row.recorded_at };
                    if store::assign_number_prefix(tx.conn, &assigned)? {
                        tx.record(Fact::of(Some(&owner), &assigned)?);
                    }
                }
                store::insert_filing_version(tx.conn, &row)?;
                tx.move_stamp(&row.organisation_id)?;
                tx.record(Fact::of(Some(&owner), &row)?);
                Ok(())
            })
            .await;
        written.map_err(|error| match error {
            StoreError::Conflict(Constraint::NumberPrefix) => Error::Conflict(Text::new("the number prefix is assigned to another organisation", "该编号前缀已分配给其他机构")),
            StoreError::Conflict(Constraint::FilingVersion) => overtaken(expected_version),
            other => other.into(),
        })?;
        self.bodies.0.remove(id.as_str());
        Ok(answer)
    }

    /// Faults of form in a filing, all at once.
    fn check_filing(&self, order: &FilingOrder) -> Result<(), Error> {
        let (catalogue, mut faults) = (self.catalogue(), Vec::new());
        let mut add = |field: &str, en: Cow<'static, str>, zh: Cow<'static, str>| faults.push(invalid(field, Text::new(en, zh)));
        if order.kinds.is_empty() {
            add("certificate_kinds", "at least one kind expected".into(), "至少应有一种证书".into());
        }
        if order.valid_to < order.valid_from {
            add("valid_to", format!("{} lies before valid_from {}", order.valid_to, order.valid_from).into(), "有效期止早于有效期起".into());
        }
        for filed in &order.occupations {
            if catalogue.find_occupation_name(&filed.occupation, order.valid_from.max(self.clock.today())).is_none() {
                add("occupations", format!("{} is not in the catalogue", filed.occupation).into(), format!("职业 {} 不在目录中", filed.occupation).into());
            }
            if filed.levels.is_empty() {
                add("occupations", format!("no level found for {}", filed.occupation).into(), format!("{} 未注明等级", filed.occupation).into());
            }
            if let Some(level) = twice(&filed.levels) {
                add("occupations", format!("{} twice for {}", level.as_str(), filed.occupation).into(), format!("{} 的等级 {} 重复", filed.occupation, level.name_zh()).into());
            }
        }
        let occupations: Vec<&Occupation> = order.occupations.iter().map(|filed| &filed.occupation).collect();
        if let Some(occupation) = twice(&occupations) {
            add("occupations", format!("{occupation} twice; each once with all its levels expected").into(), format!("职业 {occupation} 重复，每个职业应只列一次并注明全部等级").into());
        }
        let has = |kind| order.kinds.contains(&kind);
        if order.kinds.iter().any(|kind| kind.has_level()) && order.occupations.is_empty() {
            add("occupations", "at least one occupation expected for these kinds".into(), "该类证书至少应备案一个职业".into());
        }
        if has(CertificateKind::SpecificAbility) && order.abilities.is_empty() {
            add("abilities", "at least one ability expected for specific_ability".into(), "专项职业能力至少应备案一项".into());
        }
        if has(CertificateKind::SkillLevel) && has(CertificateKind::VocationalQualification) {
            add("certificate_kinds", "skill_level and vocational_qualification have number prefixes of different forms; file each by itself".into(), "两类证书编号前缀不同，应分别备案".into());
        }
        let prefix = order.number_prefix.as_deref();
        if has(CertificateKind::SkillLevel) {
            match prefix.map(|text| SkillLevelPrefix::parse(text, &catalogue.numbers)) {
                None => add("number_prefix", "the 13 characters that the labour authority assigned expected".into(), "应填写人社部门分配的 13 位前缀".into()),
                Some(Err(fault)) => add("number_prefix", fault.0.en, fault.0.zh),
                Some(Ok(parsed)) if parsed.letter() != order.body_kind.letter() => {
                    let (found, expected) = (parsed.letter(), order.body_kind.letter());
                    add("number_prefix", format!("letter {found} found, {expected} expected for {}", order.body_kind.as_str()).into(), format!("首字母为 {found}，应为 {expected}").into());
                }
                Some(Ok(_)) => {}
            }
        } else if has(CertificateKind::VocationalQualification) {
            match prefix.map(str::parse::<TestingBodyCode>) {
                None => add("number_prefix", "the 8 digits of the testing body expected".into(), "应填写 8 位鉴定机构代码".into()),
                Some(Err(fault)) => add("number_prefix", fault.0.en, fault.0.zh),
                Some(Ok(_)) => {}
            }
        } else if prefix.is_some() {
            add("number_prefix", "no prefix expected: these kinds have numbers without one".into(), "该类证书编号没有前缀".into());
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
    }

    /// The versions of one filing of a body, oldest first.
    ///
    /// # Errors
    /// The body has no such filing.
    pub async fn list_filing_versions(&self, id: &OrganisationId, filing: &FilingId) -> Result<Vec<FilingVersionRow>, Error> {
        let mut rows = self.list_all_filings(id).await?;
        rows.retain(|row| row.filing_id == filing.as_str());
        rows.sort_by_key(|row| row.version);
        if rows.is_empty() { Err(Error::NotFound) } else { Ok(rows) }
    }

    async fn list_all_filings(&self, id: &OrganisationId) -> Result<Vec<FilingVersionRow>, Error> {
        let wanted = id.to_string();
        Ok(self.store.read(move |conn| store::list_filing_versions(conn, &wanted)).await?)
    }

    /// A page of an organisation's filings with all their versions, behind a filing and version.
    pub async fn list_filings(&self, id: &OrganisationId, after: Option<(FilingId, i32)>, limit: i64) -> Result<Vec<FilingVersionRow>, Error> {
        self.get_organisation(id).await?;
        let wanted = id.to_string();
        let read = move |conn: &mut Conn| store::page_filing_versions(conn, &wanted, after.as_ref().map(|(filing, version)| (filing.as_str(), *version)), limit);
        Ok(self.store.read(read).await?)
    }

    /// Forgets a body that has turned out to be older than it should be.
    pub(super) fn forget_body(&self, id: &OrganisationId) {
        self.bodies.0.remove(id.as_str());
    }

    /// What an organisation is called now.
    pub async fn organisation_name(&self, id: &OrganisationId) -> Result<String, Error> {
        Ok(self.get_body(id).await?.name.clone())
    }

    /// The body behind an organisation, from memory when it was read a moment ago.
    pub(super) async fn get_body(&self, id: &OrganisationId) -> Result<Arc<Body>, Error> {
        if let Some((body, at)) = self.bodies.0.get(id.as_str())
            && at.elapsed() < BODY_BELIEVED_FOR
        {
            return Ok(body);
        }
        let wanted = id.to_string();
        // The stamp is read first: a change in between makes the body look older than it is, never newer.
        let (stamp, organisation, filings) = self
            .store
            .read(move |conn| Ok((counters::read_stamp(conn, &counters::stamp_of(&wanted))?, store::find_organisation(conn, &wanted)?, store::list_filing_versions(conn, &wanted)?)))
            .await?;
        let (_, version) = organisation.ok_or(Error::NotFound)?;
        let filings = filings.iter().map(filing_of).collect::<Result<_, _>>()?;
        let body = Arc::new(Body { organisation: id.clone(), state: super::stored(&version.state)?, name: version.name, filings, stamp });
        self.bodies.0.insert(id.to_string(), (Arc::clone(&body), Instant::now()));
        Ok(body)
    }

    /// Registers a program that calls for an organisation. Its secret is in this answer and nowhere else.
    pub async fn register_client(&self, actor: &Actor, id: &OrganisationId, name: String, role: Role, scopes: Option<Vec<Scope>>, intent: &Intent<NewClient>) -> Result<Answer, Error> {
        self.authorise(actor, Act::AdministerRegistry)?;
        let organisation = self.get_organisation(id).await?;
        let kinds: Vec<String> = super::stored_json(&organisation.version.kinds)?;
        if !kinds.iter().any(|kind| kind == role.organisation_kind().as_str()) {
            let (role, kind) = (role.as_str(), role.organisation_kind().as_str());
            return Err(Error::invalid("role", Text::new(format!("the role {role} belongs to organisations of the kind {kind}; this one is {}", kinds.join(", ")), format!("角色 {role} 应属于 {kind} 类机构"))));
        }
        let scopes = scopes.unwrap_or_else(|| role.scopes().to_vec());
        if let Some(foreign) = scopes.iter().find(|scope| !role.scopes().contains(scope)) {
            let detail = Text::new(
                format!("{} is not a scope of a {}; its scopes are {}", foreign.as_str(), role.as_str(), scope_text(role)),
                format!("{} 不是角色 {} 的权限，可用：{}", foreign.as_str(), role.as_str(), scope_text(role)),
            );
            return Err(Error::invalid("scopes", detail));
        }
        let (secret, secret_hash) = self.make_secret();
        let row = ClientRow {
            id: self.new_id(ClientId::new).to_string(),
            organisation_id: Some(id.to_string()),
            name,
            role: role.as_str().to_owned(),
            scopes: scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
            secret_hash,
            registered_at: self.now_micros(),
            registered_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &NewClient { row: row.clone(), secret });
        let owner = id.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_client(tx.conn, &row)?;
                tx.record(Fact::of(Some(&owner), &row)?);
                Ok(())
            })
            .await?;
        Ok(answer)
    }

    /// A page of an organisation's clients, in order of registration.
    pub async fn list_clients(&self, actor: &Actor, id: &OrganisationId, after: Option<String>, limit: i64) -> Result<Vec<(ClientRow, Option<ClientRevocationRow>)>, Error> {
        self.authorise(actor, Act::AdministerRegistry)?;
        self.get_organisation(id).await?;
        let wanted = id.to_string();
        Ok(self.store.read(move |conn| store::list_clients(conn, &wanted, after.as_deref(), limit)).await?)
    }

    /// Ends a client; its tokens stop within seconds on every node. Ending it twice is the same as once.
    pub async fn revoke_client(&self, actor: &Actor, id: &OrganisationId, client: &ClientId, reason: String) -> Result<(), Error> {
        self.authorise(actor, Act::AdministerRegistry)?;
        let wanted = (id.to_string(), client.to_string());
        let (_, revocation) = self.store.read(move |conn| store::find_client_of(conn, &wanted.0, &wanted.1)).await?.ok_or(Error::NotFound)?;
        if revocation.is_some() {
            return Ok(());
        }
        let row = ClientRevocationRow { client_id: client.to_string(), reason, revoked_at: self.now_micros(), revoked_by: actor.client.to_string() };
        let owner = id.clone();
        let write = move |tx: &mut Tx<'_>| {
            store::insert_client_revocation(tx.conn, &row)?;
            tx.record(Fact::of(Some(&owner), &row)?);
            Ok(())
        };
        match self.store.write(write).await {
            // Somebody else was faster.
            Err(StoreError::Conflict(_)) => Ok(()),
            written => Ok(written?),
        }
    }
}
