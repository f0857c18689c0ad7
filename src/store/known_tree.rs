//! The tree over the log as it is read again and again: its nodes from tiles, and its tip.

use super::backend::Conn;
use super::error::StoreError;
use super::log::{Tip, corrupt, find_tip, tile_hashes};
use crate::merkle::Hash;
use crate::merkle::tile::{HEIGHT, WIDTH};
use crate::merkle::tree::{Frontier, Nodes, node_hash};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// What was read of the tree and stays true: tiles with all their inner nodes, whose first hashes never change, and the tip of a moment
/// ago, whose checkpoint was signed and covers what was there then.
pub struct KnownTree {
    /// By level, index and number of hashes.
    nodes: quick_cache::sync::Cache<(u32, u64, u64), Arc<TileNodes>>,
    tip: RwLock<Option<(Arc<Tip>, Instant)>>,
}

/// How old a tip may be that a proof rests on, so that proofs stay near to the newest checkpoint.
const TIP_KNOWN_FOR: Duration = Duration::from_secs(1);

/// Some 16 KiB each.
const TILES_KNOWN_MAX: usize = 1024;

impl Default for KnownTree {
    fn default() -> Self {
        KnownTree { nodes: quick_cache::sync::Cache::new(TILES_KNOWN_MAX), tip: RwLock::default() }
    }
}

impl KnownTree {
    /// A tree that holds the entry at a position: the one of a moment ago, or the newest. None while the log is empty. Its reader must
    /// not be in a snapshot: another one may have seen a newer tree, whose leaves the snapshot does not have.
    pub fn find_tip_over(&self, conn: &mut Conn, position: i64) -> Result<Option<Arc<Tip>>, StoreError> {
        let known = self.tip.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((tip, _)) = known.filter(|(tip, at)| at.elapsed() < TIP_KNOWN_FOR && position < tip.checkpoint.size) {
            return Ok(Some(tip));
        }
        let Some(tip) = find_tip(conn)?.map(Arc::new) else { return Ok(None) };
        *self.tip.write().unwrap_or_else(PoisonError::into_inner) = Some((Arc::clone(&tip), Instant::now()));
        Ok(Some(tip))
    }

    /// Whether the log has this leaf at a position, as far as a full tile says that a signed checkpoint was found to cover; None when
    /// no such tile is known. The log only grows, so what one checkpoint covers, all later ones do.
    pub fn is_in_proven_tile(&self, position: u64, leaf: &Hash) -> Option<bool> {
        let tile = self.leaves(position).filter(|tile| tile.is_proven.load(Ordering::Acquire))?;
        Some(tile.find(0, position % WIDTH).as_ref() == Some(leaf))
    }

    /// The path of a leaf has led to the root of a signed checkpoint. Where it goes through the tile that is known here, each of its
    /// other leaves has such a path too.
    pub fn believe_tile(&self, position: u64, leaf: &Hash, path: &[Hash]) {
        let Some(tile) = self.leaves(position) else { return };
        let place = position % WIDTH;
        let is_on_path = |level: u32| tile.find(level, (place >> level) ^ 1).is_some_and(|sibling| path.get(level as usize) == Some(&sibling));
        if tile.find(0, place).as_ref() == Some(leaf) && (0..HEIGHT).all(is_on_path) {
            tile.is_proven.store(true, Ordering::Release);
        }
    }

    /// The full tile of leaves that has a position, if it is known.
    fn leaves(&self, position: u64) -> Option<Arc<TileNodes>> {
        self.nodes.get(&(0, position / WIDTH, WIDTH))
    }
}

/// The nodes over the hashes of one tile, level by level, the hashes themselves first.
struct TileNodes {
    levels: Vec<Vec<Hash>>,
    /// Whether a signed checkpoint was found to cover them.
    is_proven: AtomicBool,
}

impl TileNodes {
    fn over(hashes: Vec<Hash>) -> Self {
        let mut levels = vec![hashes];
        while let Some(below) = levels.last().filter(|below| below.len() > 1) {
            // What stands alone at the end is no complete subtree.
            let above = below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            levels.push(above);
        }
        TileNodes { levels, is_proven: AtomicBool::new(false) }
    }

    fn find(&self, level: u32, index: u64) -> Option<Hash> {
        self.levels.get(level as usize)?.get(usize::try_from(index).ok()?).copied()
    }
}

/// The nodes of the tree under a frontier, read from tiles; each tile is read once.
pub struct StoredNodes<'a> {
    conn: &'a mut Conn,
    frontier: &'a Frontier,
    known: &'a KnownTree,
}

impl<'a> StoredNodes<'a> {
    pub fn new(conn: &'a mut Conn, frontier: &'a Frontier, known: &'a KnownTree) -> Self {
        StoredNodes { conn, frontier, known }
    }

    fn tile(&mut self, level: u32, index: u64) -> Result<Arc<TileNodes>, StoreError> {
        let width = ((self.frontier.size() >> (level * HEIGHT)) - index * WIDTH).min(WIDTH);
        if let Some(tile) = self.known.nodes.get(&(level, index, width)) {
            return Ok(tile);
        }
        let tile = Arc::new(TileNodes::over(tile_hashes(self.conn, level, index, width)?));
        self.known.nodes.insert((level, index, width), Arc::clone(&tile));
        Ok(tile)
    }
}

impl Nodes for StoredNodes<'_> {
    type Error = StoreError;

    fn node(&mut self, level: u32, index: u64) -> Result<Hash, StoreError> {
        if let Some(root) = self.frontier.find(level, index) {
            return Ok(root);
        }
        let (tile_level, inner) = (level / HEIGHT, level % HEIGHT);
        let first = index << inner;
        self.tile(tile_level, first / WIDTH)?.find(inner, (first % WIDTH) >> inner).ok_or_else(|| corrupt("a node of the log"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::{Fact, append, find_checkpoint, list_entries, list_tiles};
    use super::*;
    use crate::merkle::checkpoint::Checkpoint;
    use crate::merkle::note::NoteSigner;
    use crate::merkle::note::tests::TestSigner;
    use crate::merkle::proof::{is_consistent, is_included};
    use crate::merkle::tree::{consistency_proof, inclusion_proof, root};

    /// Beyond 65,536 entries, where a tile of the second level becomes full and the third level begins.
    #[test]
    fn tiles_of_every_level_give_the_tree_that_was_signed() {
        const SIZES: [usize; 5] = [200, 300, 65_000, 1_000, 300];
        let directory = tempfile::tempdir().unwrap();
        let mut conn = Conn::open(&format!("sqlite:{}", directory.path().join("log.db").display()).parse().unwrap()).unwrap();
        conn.apply_migrations().unwrap();
        let signer = TestSigner::new("log.example");
        let (known, mut signed) = (KnownTree::default(), Vec::new());
        for (group, count) in SIZES.into_iter().enumerate() {
            let facts = (0..count).map(|n| Fact::of_bytes("test", None, format!("{group}/{n}"), n.to_be_bytes().to_vec())).collect();
            conn.begin().unwrap();
            append(&mut conn, facts, 1, || [7; 32], Some(&signer)).unwrap();
            conn.execute_script("COMMIT").unwrap();
            let checkpoint = Checkpoint::open(&find_checkpoint(&mut conn).unwrap().unwrap().note, signer.key()).unwrap();
            // What is known of a smaller tree stays true, and what was not full then is read again. A tip that does not hold the newest
            // entry is not the one for it, however young.
            let size = checkpoint.size;
            let tip = known.find_tip_over(&mut conn, size as i64 - 1).unwrap().unwrap();
            for index in [0, size / 2, size - 1] {
                let proof = inclusion_proof(&mut StoredNodes::new(&mut conn, &tip.frontier, &known), index, size).unwrap();
                let leaf = list_entries(&mut conn, index as i64, index as i64 + 1).unwrap()[0].leaf_hash().unwrap();
                assert!(is_included(&leaf, index, size, &proof, &checkpoint.root), "{index} of {size}");
            }
            signed.push(checkpoint);
        }
        let newest = signed.last().unwrap().clone();
        assert_eq!((newest.size, list_tiles(&mut conn, 1, 0, 9).unwrap().len(), list_tiles(&mut conn, 0, 0, 999).unwrap().len()), (66_800, 1, 260));
        let frontier = find_tip(&mut conn).unwrap().unwrap().frontier;
        let mut nodes = StoredNodes::new(&mut conn, &frontier, &known);
        assert_eq!(root(&mut nodes, newest.size).unwrap(), newest.root);
        for old in &signed {
            assert_eq!(root(&mut nodes, old.size).unwrap(), old.root, "{}", old.size);
            let proof = consistency_proof(&mut nodes, old.size, newest.size).unwrap();
            assert!(is_consistent(old.size, newest.size, &proof, &old.root, &newest.root), "{}", old.size);
        }
        for index in [0, 255, 256, 65_535, 65_536, 66_559, 66_799] {
            let proof = inclusion_proof(&mut StoredNodes::new(&mut conn, &frontier, &known), index, newest.size).unwrap();
            let leaf = list_entries(&mut conn, index as i64, index as i64 + 1).unwrap()[0].leaf_hash().unwrap();
            assert!(is_included(&leaf, index, newest.size, &proof, &newest.root), "{index}");
        }
        let leaf = |conn: &mut Conn, index: u64| list_entries(conn, index as i64, index as i64 + 1).unwrap()[0].leaf_hash().unwrap();
        let path = |conn: &mut Conn, index: u64| inclusion_proof(&mut StoredNodes::new(conn, &frontier, &known), index, newest.size).unwrap();
        // A full tile is believed once a path leads through it, and then tells of its other leaves; not of foreign ones.
        let (of_300, of_301, way) = (leaf(&mut conn, 300), leaf(&mut conn, 301), path(&mut conn, 300));
        known.believe_tile(300, &of_301, &way);
        known.believe_tile(300, &of_300, &path(&mut conn, 302));
        known.believe_tile(300, &of_300, &way[..7]);
        assert_eq!(known.is_in_proven_tile(300, &of_300), None);
        known.believe_tile(300, &of_300, &way);
        assert_eq!([known.is_in_proven_tile(300, &of_300), known.is_in_proven_tile(301, &of_301), known.is_in_proven_tile(301, &of_300), known.is_in_proven_tile(600, &of_300)], [Some(true), Some(true), Some(false), None]);
        // A tile that still grows is never believed.
        let (last, way) = (leaf(&mut conn, 66_799), path(&mut conn, 66_799));
        known.believe_tile(66_799, &last, &way);
        assert_eq!(known.is_in_proven_tile(66_799, &last), None);
    }
}
