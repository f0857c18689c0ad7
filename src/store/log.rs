//! The log: one entry for every recorded fact, in one order for all nodes, under a Merkle tree whose newest root is signed with
//! every commit.
//!
//! An entry (`merkle/leaf.rs`) says kind, time and organisation and commits to the fact's bytes with a salt; the row here keeps the
//! salt and what the fact is about. Leaf hashes are not stored: they follow from the rows. Full tiles are, so that a proof reads a
//! few of them whatever the size of the log.

use super::backend::{Conn, on};
use super::error::StoreError;
use super::facts::Recorded;
use super::schema::{log_checkpoints, log_entries, log_head, log_tiles};
use crate::domain::id::OrganisationId;
use crate::merkle::Hash;
use crate::merkle::checkpoint::Checkpoint;
use crate::merkle::leaf::{Entry, commitment};
use crate::merkle::note::NoteSigner;
use crate::merkle::tile::{Content, TileAddress, WIDTH};
use crate::merkle::tree::{Frontier, leaf_hash, root_of};
use chrono::DateTime;
use diesel::backend::Backend;
use diesel::expression::{AppearsOnTable, Expression, ValidGrouping, is_aggregate};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::Bool;
use std::marker::PhantomData;
use std::sync::Arc;

/// A fact that a job recorded, waiting for its position.
#[derive(Debug, Clone)]
pub struct Fact {
    kind: &'static str,
    organisation_id: Option<String>,
    subject: String,
    said: Said,
}

/// What a fact says.
#[derive(Debug, Clone)]
enum Said {
    Bytes(Arc<[u8]>),
    /// Salt and commitment.
    Committed(Hash, Hash),
}

impl Fact {
    /// `row` is what was inserted; its JSON is what the log commits to.
    pub fn of(organisation: Option<&OrganisationId>, row: &impl Recorded) -> Result<Self, StoreError> {
        Ok(Self::of_bytes(row.kind(), organisation, row.subject(), fact_bytes(row)?))
    }

    /// A fact that is its own bytes, such as a signed document.
    pub fn of_bytes(kind: &'static str, organisation: Option<&OrganisationId>, subject: impl ToString, bytes: Vec<u8>) -> Self {
        Fact { kind, organisation_id: organisation.map(ToString::to_string), subject: subject.to_string(), said: Said::Bytes(bytes.into()) }
    }

    /// The same fact, committed to with a fresh salt on the caller's thread: with many facts the writer's time is everybody's.
    #[must_use]
    pub fn committed(self, salt: Hash) -> Self {
        match self.said {
            Said::Bytes(bytes) => Fact { said: Said::Committed(salt, commitment(&salt, &bytes)), ..self },
            Said::Committed(..) => self,
        }
    }
}

/// The bytes of a row's fact.
pub fn fact_bytes(row: &impl Recorded) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(row).map_err(|error| StoreError::Corrupt(error.to_string()))
}

/// An entry with what only the registry knows of it: the salt, and what the fact is about.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = log_entries, treat_none_as_default_value = false)]
pub struct EntryRow {
    pub position: i64,
    pub kind: String,
    pub organisation_id: Option<String>,
    pub subject: String,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    pub salt: Vec<u8>,
    pub commitment: Vec<u8>,
}

impl EntryRow {
    /// The entry as everybody sees it.
    pub fn entry(&self) -> Result<Entry, StoreError> {
        let at = DateTime::from_timestamp_micros(self.recorded_at).ok_or_else(|| corrupt("the time of a log entry"))?;
        let commitment = self.commitment.as_slice().try_into().map_err(|_| corrupt("the commitment of a log entry"))?;
        Ok(Entry { kind: self.kind.clone(), recorded_at: at, organisation: self.organisation_id.clone(), commitment })
    }

    pub fn leaf_hash(&self) -> Result<Hash, StoreError> {
        Ok(leaf_hash(self.entry()?.text().as_bytes()))
    }
}

/// A full tile of hashes, with its root.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = log_tiles, treat_none_as_default_value = false)]
pub struct TileRow {
    pub level: i32,
    pub tile_index: i64,
    pub hashes: Vec<u8>,
    pub root: Vec<u8>,
}

/// A signed checkpoint.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = log_checkpoints, treat_none_as_default_value = false)]
pub struct CheckpointRow {
    pub size: i64,
    pub recorded_at: i64,
    pub note: String,
}

#[derive(QueryableByName)]
struct Head {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    size: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    last_recorded_at: i64,
    #[diesel(sql_type = diesel::sql_types::Binary)]
    frontier: Vec<u8>,
}

pub(super) fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt(format!("{what} cannot be read"))
}

fn hash_of(bytes: &[u8]) -> Result<Hash, StoreError> {
    bytes.try_into().map_err(|_| corrupt("a stored hash"))
}

/// Gives the facts of a group their positions and signs the new checkpoint. The row lock on the head is the sequencer between
/// nodes; time never runs backwards. Returns the first position and the checkpoint; None when there are no facts.
pub(super) fn append(conn: &mut Conn, facts: Vec<Fact>, now_micros: i64, mut salt: impl FnMut() -> Hash, signer: Option<&dyn NoteSigner>) -> Result<Option<(u64, String)>, StoreError> {
    if facts.is_empty() {
        return Ok(None);
    }
    let signer = signer.ok_or_else(|| StoreError::Unusable("there is no key to sign the log with; run `jilu init`".to_owned()))?;
    let sql = format!("SELECT size, last_recorded_at, frontier FROM log_head WHERE id = 1{}", conn.row_lock());
    let head: Head = on!(conn, |c| diesel::sql_query(&sql).get_result(c))?;
    let recorded_at = now_micros.max(head.last_recorded_at + 1);
    let old_size = u64::try_from(head.size).map_err(|_| corrupt("the size of the log"))?;
    let mut frontier = Frontier::from_bytes(old_size, &head.frontier).ok_or_else(|| corrupt("the frontier of the log"))?;
    let rows: Vec<EntryRow> = facts
        .into_iter()
        .zip(head.size..)
        .map(|(fact, position)| {
            let (salt, commitment) = match fact.said {
                Said::Committed(salt, commitment) => (salt, commitment),
                Said::Bytes(bytes) => {
                    let salt = salt();
                    (salt, commitment(&salt, &bytes))
                }
            };
            EntryRow { position, kind: fact.kind.to_owned(), organisation_id: fact.organisation_id, subject: fact.subject, recorded_at, salt: salt.to_vec(), commitment: commitment.to_vec() }
        })
        .collect();
    let hashes: Vec<Hash> = rows.iter().map(EntryRow::leaf_hash).collect::<Result<_, _>>()?;
    hashes.iter().for_each(|hash| frontier.push(*hash));
    super::bulk::insert_log_entries(conn, &rows)?;
    complete_tiles(conn, old_size, &hashes)?;
    let checkpoint = Checkpoint { origin: signer.key().name.clone(), size: frontier.size(), root: frontier.root() };
    let size = i64::try_from(frontier.size()).map_err(|_| corrupt("the size of the log"))?;
    let row = CheckpointRow { size, recorded_at, note: checkpoint.sign(signer) };
    on!(conn, |c| diesel::insert_into(log_checkpoints::table).values(&row).execute(c))?;
    let frontier = frontier.to_bytes();
    on!(conn, |c| diesel::update(log_head::table.find(1))
        .set((log_head::size.eq(size), log_head::last_recorded_at.eq(recorded_at), log_head::frontier.eq(&frontier)))
        .execute(c))?;
    Ok(Some((old_size, row.note)))
}

/// Stores the tiles that become full by `added` leaves behind `old_size`.
fn complete_tiles(conn: &mut Conn, old_size: u64, added: &[Hash]) -> Result<(), StoreError> {
    let new_size = old_size + added.len() as u64;
    let first = old_size / WIDTH;
    if first == new_size / WIDTH {
        return Ok(());
    }
    // The beginning of the first tile came with earlier commits.
    let mut hashes = list_leaf_hashes(conn, first * WIDTH, old_size)?;
    hashes.extend_from_slice(added);
    let (mut level, mut tile_index) = (0, first);
    loop {
        let tiles: Vec<TileRow> = hashes
            .chunks_exact(WIDTH as usize)
            .zip(tile_index..)
            .map(|(tile, index)| TileRow { level, tile_index: index as i64, hashes: tile.concat(), root: root_of(tile).to_vec() })
            .collect();
        if tiles.is_empty() {
            return Ok(());
        }
        super::bulk::insert_log_tiles(conn, &tiles)?;
        // The roots of these tiles are hashes of the next level, behind those of its unfinished tile.
        let parent = tile_index / WIDTH;
        let earlier = list_tile_roots(conn, level, parent * WIDTH, tile_index)?;
        hashes = earlier.into_iter().map(Ok).chain(tiles.iter().map(|tile| hash_of(&tile.root))).collect::<Result<_, _>>()?;
        (level, tile_index) = (level + 1, parent);
    }
}

fn list_leaf_hashes(conn: &mut Conn, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
    list_entries(conn, from as i64, to as i64)?.iter().map(EntryRow::leaf_hash).collect()
}

fn list_tile_roots(conn: &mut Conn, level: i32, from: u64, to: u64) -> Result<Vec<Hash>, StoreError> {
    let roots: Vec<Vec<u8>> = on!(conn, |c| log_tiles::table
        .filter(log_tiles::level.eq(level))
        .filter(log_tiles::tile_index.ge(from as i64))
        .filter(log_tiles::tile_index.lt(to as i64))
        .order(log_tiles::tile_index)
        .select(log_tiles::root)
        .load(c))?;
    roots.iter().map(|root| hash_of(root)).collect()
}

/// Entries in order, from a position to before another.
pub fn list_entries(conn: &mut Conn, from: i64, to: i64) -> Result<Vec<EntryRow>, StoreError> {
    Ok(on!(conn, |c| log_entries::table
        .filter(log_entries::position.ge(from))
        .filter(log_entries::position.lt(to))
        .order(log_entries::position)
        .select(EntryRow::as_select())
        .load(c))?)
}

/// Entries from a position on, whatever positions are missing.
pub fn page_entries(conn: &mut Conn, from: i64, limit: i64) -> Result<Vec<EntryRow>, StoreError> {
    Ok(on!(conn, |c| log_entries::table.filter(log_entries::position.ge(from)).order(log_entries::position).limit(limit).select(EntryRow::as_select()).load(c))?)
}

/// Size and frontier as the head has them.
pub fn find_head(conn: &mut Conn) -> Result<(i64, Vec<u8>), StoreError> {
    Ok(on!(conn, |c| log_head::table.find(1).select((log_head::size, log_head::frontier)).get_result(c))?)
}

/// The newest checkpoint; None while the log is empty.
pub fn find_checkpoint(conn: &mut Conn) -> Result<Option<CheckpointRow>, StoreError> {
    // By its key: PostgreSQL would send every row of a query that only its first row is wanted of.
    let (size, _) = find_head(conn)?;
    find_checkpoint_of(conn, size)
}

/// The checkpoint of a tree of `size` entries.
pub fn find_checkpoint_of(conn: &mut Conn, size: i64) -> Result<Option<CheckpointRow>, StoreError> {
    Ok(on!(conn, |c| log_checkpoints::table.find(size).select(CheckpointRow::as_select()).get_result(c).optional())?)
}

/// The checkpoints of these sizes.
pub fn list_checkpoints_of(conn: &mut Conn, sizes: &[i64]) -> Result<Vec<CheckpointRow>, StoreError> {
    Ok(on!(conn, |c| log_checkpoints::table.filter(log_checkpoints::size.eq_any(sizes)).select(CheckpointRow::as_select()).load(c))?)
}

/// The newest tree: its signed checkpoint, and the frontier, whose roots a proof would else have to make from unfinished tiles.
pub struct Tip {
    pub checkpoint: CheckpointRow,
    pub frontier: Frontier,
}

/// The newest tree; None while the log is empty.
pub fn find_tip(conn: &mut Conn) -> Result<Option<Tip>, StoreError> {
    let (size, frontier) = find_head(conn)?;
    let frontier = Frontier::from_bytes(size as u64, &frontier).ok_or_else(|| corrupt("the frontier of the log"))?;
    Ok(find_checkpoint_of(conn, size)?.map(|checkpoint| Tip { checkpoint, frontier }))
}

/// Checkpoints in order of size, behind one of them.
pub fn list_checkpoints(conn: &mut Conn, after_size: i64, limit: i64) -> Result<Vec<CheckpointRow>, StoreError> {
    Ok(on!(conn, |c| log_checkpoints::table.filter(log_checkpoints::size.gt(after_size)).order(log_checkpoints::size).limit(limit).select(CheckpointRow::as_select()).load(c))?)
}

/// Full tiles of a level in order, from an index on.
pub fn list_tiles(conn: &mut Conn, level: i32, from: i64, limit: i64) -> Result<Vec<TileRow>, StoreError> {
    Ok(on!(conn, |c| log_tiles::table
        .filter(log_tiles::level.eq(level))
        .filter(log_tiles::tile_index.ge(from))
        .order(log_tiles::tile_index)
        .limit(limit)
        .select(TileRow::as_select())
        .load(c))?)
}

/// The kind of entries that commit to a signed credential; their subject is the certificate's identifier and version.
pub const CREDENTIAL_SIGNED: &str = "credential_signed";

/// How many entries the log has: the same number is the same state of every fact.
pub fn read_size(conn: &mut Conn) -> Result<i64, StoreError> {
    Ok(on!(conn, |c| log_head::table.select(log_head::size).get_result(c).optional())?.unwrap_or(0))
}

/// A file that a worker took away.
const HISTORY_EXPORTED: &str = "history_exported";

/// A kind whose entries are found by what they are about: each has an index of its own.
pub trait FoundKind: 'static {
    const NAME: &'static str;
}

/// Found by `certificate/version`.
#[derive(Debug, Clone, Copy)]
pub struct CredentialSigned;

impl FoundKind for CredentialSigned {
    const NAME: &'static str = CREDENTIAL_SIGNED;
}

/// Found by the export.
#[derive(Debug, Clone, Copy)]
pub struct HistoryExported;

impl FoundKind for HistoryExported {
    const NAME: &'static str = HISTORY_EXPORTED;
}

/// `kind = '…'` with the kind as a literal: SQLite would parse a statement anew for each value that is bound to what chooses an index,
/// and diesel for each of its own literals.
#[derive(Debug, Clone, Copy)]
pub struct IsOfKind<K>(PhantomData<K>);

impl<K> IsOfKind<K> {
    pub fn new() -> Self {
        IsOfKind(PhantomData)
    }
}

impl<K> Expression for IsOfKind<K> {
    type SqlType = Bool;
}

impl<K, Source> AppearsOnTable<Source> for IsOfKind<K> where log_entries::kind: AppearsOnTable<Source> {}

impl<K> ValidGrouping<()> for IsOfKind<K> {
    type IsAggregate = is_aggregate::Never;
}

impl<K: FoundKind> QueryId for IsOfKind<K> {
    type QueryId = IsOfKind<K>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<K: FoundKind, DB: Backend> QueryFragment<DB> for IsOfKind<K> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_identifier("log_entries")?;
        out.push_sql(".");
        out.push_identifier("kind")?;
        ["= '", K::NAME, "'"].into_iter().for_each(|part| out.push_sql(part));
        Ok(())
    }
}

/// The entry of a kind about a subject.
pub fn find_entry_of<K: FoundKind>(conn: &mut Conn, subject: &str) -> Result<Option<EntryRow>, StoreError> {
    Ok(on!(conn, |c| log_entries::table
        .filter(IsOfKind::<K>::new())
        .filter(log_entries::subject.eq(subject))
        .order(log_entries::position)
        .select(EntryRow::as_select())
        .get_result(c)
        .optional())?)
}

/// The bytes of a tile that the log has: hashes, or entries behind their lengths.
pub fn read_tile(conn: &mut Conn, address: &TileAddress) -> Result<Vec<u8>, StoreError> {
    let (from, to) = (address.index * WIDTH, address.index * WIDTH + address.width);
    match address.content {
        Content::Entries => {
            let mut bundle = Vec::new();
            for row in list_entries(conn, from as i64, to as i64)? {
                let text = row.entry()?.text();
                let length = u16::try_from(text.len()).map_err(|_| corrupt("the length of a log entry"))?;
                bundle.extend_from_slice(&length.to_be_bytes());
                bundle.extend_from_slice(text.as_bytes());
            }
            Ok(bundle)
        }
        Content::Hashes(level) => Ok(tile_hashes(conn, u32::from(level), address.index, address.width)?.concat()),
    }
}

/// The first `width` hashes of a tile.
pub(super) fn tile_hashes(conn: &mut Conn, level: u32, index: u64, width: u64) -> Result<Vec<Hash>, StoreError> {
    let level = i32::try_from(level).map_err(|_| corrupt("a level"))?;
    let full: Option<Vec<u8>> =
        on!(conn, |c| log_tiles::table.filter(log_tiles::level.eq(level)).filter(log_tiles::tile_index.eq(index as i64)).select(log_tiles::hashes).get_result(c).optional())?;
    let hashes = match full {
        Some(bytes) => bytes.as_chunks::<32>().0[..].iter().take(width as usize).copied().collect(),
        None if level == 0 => list_leaf_hashes(conn, index * WIDTH, index * WIDTH + width)?,
        None => list_tile_roots(conn, level - 1, index * WIDTH, index * WIDTH + width)?,
    };
    if hashes.len() as u64 == width { Ok(hashes) } else { Err(StoreError::Corrupt(format!("tile {level}/{index} of the log is not whole"))) }
}
