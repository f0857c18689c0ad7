//! `jilu audit`: everything recomputed from the rows up. Nothing that is stored is believed because it is stored.
//!
//! Entries → leaf hashes → tree → every tile, checkpoint and signature → the head. Every row that is a fact against the commitment of
//! its entry, and every entry against its row. Every credential against its digest, its signature and the log. What follows from
//! facts (states, status lists, credited hours, credits and balances) against the facts. Numbers against each other.
//!
//! Signatures cost the most. A checkpoint of an earlier clean audit vouches for those before it: if the tree still has its root, the
//! bytes that were checked then are the bytes that are compared now, so that only newer credentials need their signatures checked.

mod facts;
mod ledger;
mod studies;

use super::Registry;
use super::error::Error;
use super::signing::version_place;
use crate::credential::jws::CompactJws;
use crate::credential::status_list;
use crate::domain::certificate::CertificateState;
use crate::domain::text::Text;
use crate::merkle::Hash;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::leaf::commitment;
use crate::merkle::note::{Note, NoteKey};
use crate::merkle::tile::WIDTH;
use crate::merkle::tree::{Frontier, root_of};
use crate::store::backend::Conn;
use crate::store::certificates::{CertificateRow, CertificateStateRow, CertificateVersionRow};
use crate::store::error::StoreError;
use crate::store::facts::{self as pages, IssuedFact, Recorded, for_each};
use crate::store::log::{self as store, CREDENTIAL_SIGNED, CheckpointRow, fact_bytes};
use crate::store::status_lists;
use crate::store::witnesses::{self, CosignatureRow};
use crate::vault::Sealed;
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};

/// Entries and checkpoints of one read.
const PAGE: i64 = 5_000;
/// Cosignatures of one read; their sizes are parameters of a statement.
const COSIGNATURES: i64 = 500;

/// What an audit rests on, and who watches it.
pub struct AuditOptions {
    /// The checkpoint of an earlier clean audit, as a signed note.
    pub since: Option<String>,
    /// Hears how far the audit is.
    pub progress: Progress,
}

/// What is being looked at, how many are done, and of how many.
pub type Progress = Box<dyn Fn(&str, u64, u64) + Send + Sync>;

/// What an audit found.
#[derive(Debug, Default)]
pub struct AuditReport {
    pub entries: u64,
    pub checkpoints: u64,
    pub facts: u64,
    pub credentials: u64,
    /// Signatures of credentials that were checked.
    pub signatures: u64,
    /// The newest checkpoint, which covers all that was looked at.
    pub checkpoint: Option<String>,
    /// Each names the row that is wrong and what is wrong with it.
    pub faults: Vec<String>,
}

/// A commitment that waits for its fact.
struct Commitment {
    position: i64,
    salt: Hash,
    commitment: Vec<u8>,
}

/// Certificates as far as they are read: row, newest version, and what was done to them.
#[derive(Default)]
struct Known {
    certificates: HashMap<String, (CertificateRow, i32)>,
    states: HashMap<String, (String, Option<chrono::NaiveDate>)>,
    /// Status entries that must be set, by list: index, revocation, suspension; every other must be clear.
    entries: Vec<(String, i32, i64, u32)>,
    /// Joins of records that stand: merge, joined record, record that stands for it; and every record that was ever part of one.
    joined: Vec<(String, String, String)>,
    once_joined: HashSet<String>,
    /// Places in competitions: whether each was taken back.
    results: HashMap<String, bool>,
}

/// How a fact compares with its entry.
enum Verdict {
    Fits,
    /// No entry says it.
    Missing,
    /// The entry at this position commits to something else.
    Differs(i64),
}

/// What a look at one version of a certificate found, apart from what must be done in order.
struct Looked {
    fact: Option<Verdict>,
    /// None when the sealed document does not open.
    credential: Option<Verdict>,
    holder_opens: bool,
    /// None when an earlier audit vouches for the signature.
    is_signed: Option<bool>,
}

struct Audit<'a> {
    registry: &'a Registry,
    key: NoteKey,
    /// Size and root that an earlier audit vouches for; size 0 without one.
    since: (u64, Hash),
    /// Entries of the log, as the head says.
    expected: u64,
    waiting: HashMap<(String, String), Commitment>,
    known: Known,
    report: AuditReport,
    progress: &'a (dyn Fn(&str, u64, u64) + Send + Sync),
}

impl Registry {
    /// Audits the database on one snapshot.
    ///
    /// # Errors
    /// `Invalid` when the checkpoint of the earlier audit is not one that this log's key signed.
    pub async fn audit(&self, options: AuditOptions) -> Result<AuditReport, Error> {
        let key = self.log_key().await?;
        let since = match &options.since {
            None => (0, Hash::default()),
            Some(note) => {
                let earlier = Checkpoint::open(note, &key).map_err(|error| Error::invalid("since", Text::new(format!("not a checkpoint of this log: {error}"), format!("不是本日志的检查点：{error}"))))?;
                (earlier.size, earlier.root)
            }
        };
        let registry = self.clone();
        let read = move |conn: &mut Conn| {
            let (size, _) = store::find_head(conn)?;
            let report = AuditReport { checkpoint: store::find_checkpoint_of(conn, size)?.map(|row| row.note), ..AuditReport::default() };
            let mut audit = Audit { registry: &registry, key, since, expected: size as u64, waiting: HashMap::new(), known: Known::default(), report, progress: &options.progress };
            audit.log(conn)?;
            audit.cosignatures(conn)?;
            audit.facts(conn)?;
            audit.ledger(conn)?;
            audit.certificates(conn)?;
            audit.leftovers();
            audit.states(conn)?;
            audit.status_lists(conn)?;
            Ok(audit.report)
        };
        Ok(self.store.read_snapshot(read).await?)
    }
}

fn hash_of(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}

impl Audit<'_> {
    fn fault(&mut self, fault: String) {
        self.report.faults.push(fault);
    }

    /// The tree from its entries, and everything that was said of it.
    fn log(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let (mut frontier, mut last_time, mut tile, mut roots) = (Frontier::default(), 0, Vec::new(), vec![Vec::new()]);
        let (mut checkpoints, mut next, mut is_whole) = (Checkpoints::default(), 0, true);
        let mut to_open: Vec<(CheckpointRow, Hash, i64)> = Vec::new();
        loop {
            let rows = store::page_entries(conn, next, PAGE)?;
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if row.position != next {
                    self.fault(format!("log_entries: position {next} is missing"));
                    is_whole = false;
                }
                next = row.position + 1;
                if row.recorded_at < last_time {
                    self.fault(format!("log_entries {}: its time lies before that of the entry before", row.position));
                }
                last_time = row.recorded_at;
                // A tree with a hole says nothing about what stands behind it; the facts are still compared.
                if is_whole {
                    let leaf = row.leaf_hash()?;
                    frontier.push(leaf);
                    tile.push(leaf);
                    if tile.len() as u64 == WIDTH {
                        roots[0].push(root_of(&tile));
                        self.tile(conn, 0, roots[0].len() as i64 - 1, &tile)?;
                        tile.clear();
                    }
                    if let Some(checkpoint) = checkpoints.at(conn, next)? {
                        to_open.push((checkpoint, frontier.root(), last_time));
                    }
                    if frontier.size() == self.since.0 && frontier.root() != self.since.1 {
                        self.fault(format!("log_entries: the first {next} are not those of the earlier audit"));
                        // Nothing vouches for anything.
                        self.since.0 = 0;
                    }
                }
                let salt = hash_of(&row.salt).unwrap_or_default();
                let commitment = Commitment { position: row.position, salt, commitment: row.commitment };
                if let Some(earlier) = self.waiting.insert((row.kind, row.subject), commitment) {
                    self.fault(format!("log_entries {}: the same fact was entered again later", earlier.position));
                }
            }
            self.checkpoints(&to_open);
            to_open.clear();
            (self.progress)("entries", next as u64, self.expected);
        }
        self.report.entries = next as u64;
        if self.report.entries < self.since.0 {
            self.fault(format!("log_entries: {next} found, the earlier audit saw {}", self.since.0));
            self.since.0 = 0;
        }
        if !is_whole {
            return Ok(());
        }
        // Tiles above the first level.
        for level in 0.. {
            let next: Vec<Hash> = roots[level].chunks_exact(WIDTH as usize).map(root_of).collect();
            for (index, hashes) in roots[level].chunks_exact(WIDTH as usize).enumerate() {
                let hashes = hashes.to_vec();
                self.tile(conn, level as i32 + 1, index as i64, &hashes)?;
            }
            if next.is_empty() {
                break;
            }
            roots.push(next);
        }
        for beyond in store::list_checkpoints(conn, frontier.size() as i64, 10)? {
            self.fault(format!("log_checkpoints {}: the log has only {} entries", beyond.size, frontier.size()));
        }
        let (size, stored) = store::find_head(conn)?;
        if size != frontier.size() as i64 || stored != frontier.to_bytes() {
            self.fault(format!("log_head: size {size} and its frontier are not those of the {} entries", frontier.size()));
        }
        if checkpoints.last_size != frontier.size() as i64 {
            self.fault(format!("log_checkpoints: the newest is of size {}, the log has {} entries", checkpoints.last_size, frontier.size()));
        }
        Ok(())
    }

    fn tile(&mut self, conn: &mut Conn, level: i32, index: i64, hashes: &[Hash]) -> Result<(), StoreError> {
        let stored = store::list_tiles(conn, level, index, 1)?.pop().filter(|row| row.tile_index == index);
        let is_right = stored.is_some_and(|row| row.hashes == hashes.concat() && row.root == root_of(hashes));
        if !is_right {
            self.fault(format!("log_tiles {level}/{index}: it does not hold the hashes that follow from the entries"));
        }
        Ok(())
    }

    /// Checkpoints against the roots of the tree at their sizes; signatures on every core.
    fn checkpoints(&mut self, rows: &[(CheckpointRow, Hash, i64)]) {
        let key = &self.key;
        let fault = |(row, root, last_time): &(CheckpointRow, Hash, i64)| match Checkpoint::open(&row.note, key) {
            Ok(checkpoint) if checkpoint.size != row.size as u64 || checkpoint.root != *root => Some(format!("log_checkpoints {}: it was signed for another tree", row.size)),
            Ok(_) if row.recorded_at != *last_time => Some(format!("log_checkpoints {}: its time is not that of its last entry", row.size)),
            Ok(_) => None,
            Err(error) => Some(format!("log_checkpoints {}: {error}", row.size)),
        };
        let faults: Vec<String> = rows.par_iter().filter_map(fault).collect();
        self.report.checkpoints += rows.len() as u64;
        self.report.faults.extend(faults);
    }

    /// What witnesses have cosigned, each under the checkpoint of its size and by the key that it names.
    fn cosignatures(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let mut last = None;
        loop {
            let rows = witnesses::page_cosignatures(conn, last.as_ref(), COSIGNATURES)?;
            let sizes: Vec<i64> = rows.iter().map(|row| row.size).collect();
            let notes: HashMap<i64, String> = store::list_checkpoints_of(conn, &sizes)?.into_iter().map(|row| (row.size, row.note)).collect();
            let is_right = |row: &CosignatureRow| {
                let (note, key) = (notes.get(&row.size)?.clone() + &row.line, row.witness.parse().ok()?);
                Some(Note::parse(&note).ok()?.cosigned_at(&key) == Ok(row.cosigned_at.unsigned_abs()))
            };
            let wrong = rows.par_iter().filter(|row| is_right(row) != Some(true));
            self.report.faults.par_extend(wrong.map(|row| format!("log_cosignatures {} {}: it is not under the checkpoint of its size", row.size, row.witness)));
            let Some(end) = rows.into_iter().last() else { return Ok(()) };
            last = Some(end);
        }
    }

    /// One fact against its entry.
    fn fact(&mut self, table: &str, row: &impl Recorded) -> Result<(), StoreError> {
        self.committed(table, row.kind(), row.subject(), &fact_bytes(row)?);
        Ok(())
    }

    fn committed(&mut self, table: &str, kind: &str, subject: String, bytes: &[u8]) {
        let verdict = self.compare(kind, &subject, bytes);
        self.settle(table, kind, subject, verdict);
    }

    fn entry_of(&self, kind: &str, subject: &str) -> Option<&Commitment> {
        self.waiting.get(&(kind.to_owned(), subject.to_owned()))
    }

    fn compare(&self, kind: &str, subject: &str, bytes: &[u8]) -> Verdict {
        match self.entry_of(kind, subject) {
            None => Verdict::Missing,
            Some(entry) if commitment(&entry.salt, bytes).as_slice() != entry.commitment => Verdict::Differs(entry.position),
            Some(_) => Verdict::Fits,
        }
    }

    fn compare_row(&self, row: &impl Recorded) -> Result<Verdict, StoreError> {
        Ok(self.compare(row.kind(), &row.subject(), &fact_bytes(row)?))
    }

    /// An entry speaks for one row.
    fn settle(&mut self, table: &str, kind: &str, subject: String, verdict: Verdict) {
        self.report.facts += 1;
        if self.report.facts.is_multiple_of(10_000) {
            (self.progress)("facts", self.report.facts, self.expected);
        }
        let is_there = self.waiting.remove(&(kind.to_owned(), subject.clone())).is_some();
        match verdict {
            Verdict::Fits if !is_there => self.fault(format!("{table} {subject}: another row has its entry")),
            Verdict::Missing => self.fault(format!("{table} {subject}: no entry of the log says {kind}")),
            Verdict::Differs(position) => self.fault(format!("{table} {subject}: it is not what entry {position} of the log committed to")),
            Verdict::Fits => {}
        }
    }

    fn certificates(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let mut numbers = HashSet::new();
        for_each(conn, pages::page_certificates, |row| {
            if !numbers.insert((row.number_key.clone(), row.permit_scope.clone())) {
                self.fault(format!("certificates {}: its number is used twice", row.id));
            }
            self.known.certificates.insert(row.id.clone(), (row, 0));
            Ok(())
        })?;
        pages::for_each_page(conn, pages::page_certificate_versions, |page| {
            let looked: Vec<Looked> = page.par_iter().map(|version| self.look_at(version)).collect::<Result<_, _>>()?;
            page.iter().zip(looked).for_each(|(version, looked)| self.version(version, looked));
            Ok(())
        })?;
        let bare: Vec<String> = self.known.certificates.iter().filter(|(_, (_, newest))| *newest == 0).map(|(id, _)| id.clone()).collect();
        bare.into_iter().for_each(|id| self.fault(format!("certificates {id}: it has no version")));
        Ok(())
    }

    /// Everything about one version that needs no order; many are looked at at once.
    fn look_at(&self, version: &CertificateVersionRow) -> Result<Looked, StoreError> {
        let place = version_place(&version.certificate_id, version.version);
        let fact = match (version.version, self.known.certificates.get(&version.certificate_id)) {
            (1, None) => None,
            (1, Some((row, _))) => Some(self.compare_row(&IssuedFact(row, version))?),
            _ => Some(self.compare_row(version)?),
        };
        let vault = &self.registry.vault;
        let holder_opens = vault.open(Sealed::Holder, &place, &version.sealed_holder).is_ok();
        let Ok(document) = self.registry.open_credential(version) else {
            return Ok(Looked { fact, credential: None, holder_opens, is_signed: None });
        };
        let credential = self.compare(CREDENTIAL_SIGNED, &place, document.as_bytes());
        let is_vouched_for = matches!(credential, Verdict::Fits) && self.entry_of(CREDENTIAL_SIGNED, &place).is_some_and(|entry| (entry.position as u64) < self.since.0);
        let is_signed = (!is_vouched_for).then(|| {
            let key = self.registry.known_key(&version.key_id);
            key.is_some_and(|key| CompactJws::parse(&document).is_ok_and(|jws| jws.key_id() == Some(version.key_id.as_str()) && jws.is_signed_by(&key.public)))
        });
        Ok(Looked { fact, credential: Some(credential), holder_opens, is_signed })
    }

    fn version(&mut self, version: &CertificateVersionRow, looked: Looked) {
        let place = version_place(&version.certificate_id, version.version);
        match looked.fact {
            Some(verdict) if version.version == 1 => self.settle("certificates", "certificate_issued", version.certificate_id.clone(), verdict),
            Some(verdict) => self.settle("certificate_versions", version.kind(), version.subject(), verdict),
            None => self.fault(format!("certificate_versions {place}: its certificate is gone")),
        }
        if let Some((_, newest)) = self.known.certificates.get_mut(&version.certificate_id) {
            *newest = version.version.max(*newest);
        }
        self.known.entries.push((version.certificate_id.clone(), version.version, version.status_list, u32::try_from(version.status_index).unwrap_or(u32::MAX)));
        let Some(credential) = looked.credential else {
            self.fault(format!("certificate_versions {place}: its sealed document does not open"));
            return;
        };
        if !looked.holder_opens {
            self.fault(format!("certificate_versions {place}: its sealed holder does not open"));
        }
        self.report.credentials += 1;
        self.settle("certificate_versions", CREDENTIAL_SIGNED, place.clone(), credential);
        self.report.signatures += u64::from(looked.is_signed.is_some());
        if looked.is_signed == Some(false) {
            self.fault(format!("certificate_versions {place}: its document is not signed by {}", version.key_id));
        }
    }

    /// Entries whose facts are gone.
    fn leftovers(&mut self) {
        let mut left: Vec<_> = self.waiting.drain().collect();
        left.sort_by_key(|(_, entry)| entry.position);
        for ((kind, subject), entry) in left {
            self.report.faults.push(format!("log_entries {}: the fact is gone: {kind} {subject}", entry.position));
        }
    }

    /// States follow from changes, reviews and versions.
    fn states(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let mut seen = HashSet::new();
        for_each(conn, pages::page_states, |row: CertificateStateRow| {
            let (state, reviewed_on) = self.known.states.get(&row.certificate_id).cloned().unwrap_or_default();
            let expected = if state.is_empty() { CertificateState::Issued.as_str().to_owned() } else { state };
            match self.known.certificates.get(&row.certificate_id) {
                Some((_, newest)) if *newest == row.version && row.state == expected && row.reviewed_on == reviewed_on => {}
                Some((_, newest)) => {
                    let found = format!("version {} {}", row.version, row.state);
                    self.fault(format!("certificate_states {}: {found} found, version {newest} {expected} follows from the facts", row.certificate_id));
                }
                None => self.fault(format!("certificate_states {}: there is no such certificate", row.certificate_id)),
            }
            seen.insert(row.certificate_id);
            Ok(())
        })?;
        let missing: Vec<String> = self.known.certificates.keys().filter(|id| !seen.contains(*id)).cloned().collect();
        missing.into_iter().for_each(|id| self.fault(format!("certificate_states {id}: it is missing")));
        Ok(())
    }

    /// Every bit of every list follows from states and versions.
    fn status_lists(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        let mut expected: HashMap<(i64, &str), Vec<u8>> = HashMap::new();
        for (certificate, version, list, index) in &self.known.entries {
            let newest = self.known.certificates.get(certificate).map_or(0, |(_, newest)| *newest);
            let state = self.known.states.get(certificate).map(|(state, _)| state.as_str()).filter(|state| !state.is_empty());
            let state: CertificateState = state.and_then(|state| state.parse().ok()).unwrap_or(CertificateState::Issued);
            let is_newest = *version == newest;
            for (purpose, bit) in [("revocation", !is_newest || state.revocation_bit()), ("suspension", is_newest && state.suspension_bit())] {
                let bits = expected.entry((*list, purpose)).or_insert_with(|| vec![0; status_list::BYTES]);
                if bit && (*index as usize) < status_list::BYTES * 8 {
                    status_list::set_bit(bits, *index, true);
                }
            }
        }
        let mut faults = Vec::new();
        for ((list, purpose), bits) in expected {
            let stored = status_lists::find_list(conn, list, purpose)?.map(|row| row.bits).unwrap_or_default();
            let wrong: Vec<u32> = (0..status_list::ENTRIES).filter(|index| status_list::bit(&stored, *index) != status_list::bit(&bits, *index)).take(5).collect();
            if stored.len() != bits.len() || !wrong.is_empty() {
                faults.push(format!("status_lists {purpose}/{list}: the bits at {wrong:?} do not follow from the facts"));
            }
        }
        faults.into_iter().for_each(|fault| self.fault(fault));
        Ok(())
    }
}

/// Checkpoints in the order of their sizes, read a page at a time.
#[derive(Default)]
struct Checkpoints {
    page: std::collections::VecDeque<CheckpointRow>,
    last_size: i64,
    is_over: bool,
}

impl Checkpoints {
    /// The checkpoint of exactly this size, if there is one.
    fn at(&mut self, conn: &mut Conn, size: i64) -> Result<Option<CheckpointRow>, StoreError> {
        if self.page.is_empty() && !self.is_over {
            self.page = store::list_checkpoints(conn, self.last_size, PAGE)?.into();
            self.is_over = self.page.is_empty();
        }
        if self.page.front().is_none_or(|row| row.size != size) {
            return Ok(None);
        }
        self.last_size = size;
        Ok(self.page.pop_front())
    }
}
