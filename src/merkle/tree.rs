//! The tree: hashes of leaves and nodes, the frontier that grows by leaves, and proofs made from stored nodes.

use super::Hash;
use sha2::{Digest, Sha256};

/// RFC 6962, 2.1: a leaf is hashed behind a zero byte.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(entry).finalize().into()
}

/// RFC 6962, 2.1: a node is hashed behind a one, so that no leaf can be taken for a node.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The root of the empty tree.
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// The roots of the complete subtrees that make up a tree, largest first: all that is needed to append and to know the root.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Reads a stored frontier: as many hashes as `size` has one-bits. None when the length does not fit.
    pub fn from_bytes(size: u64, bytes: &[u8]) -> Option<Self> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        (rest.is_empty() && hashes.len() == size.count_ones() as usize).then(|| Frontier { size, roots: hashes.to_vec() })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        self.roots.concat()
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the complete subtree `index` at `level`, if it is one of those that make up the tree.
    pub fn find(&self, level: u32, index: u64) -> Option<Hash> {
        // The subtrees stand in the order of the one-bits of the size, largest first; each begins where the larger ones end.
        let is_here = level < u64::BITS && self.size >> level & 1 == 1 && index == (self.size >> level) - 1;
        is_here.then(|| self.roots[(self.size >> level).count_ones() as usize - 1])
    }

    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Every one-bit at the end of the size is a subtree as large as the new one.
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("there is a root for every one-bit of the size");
            hash = node_hash(&left, &hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return empty_root() };
        roots.fold(*last, |right, left| node_hash(left, &right))
    }
}

/// The root of a run of leaf hashes.
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

/// Where proofs take nodes from: the node `index` at `level` is the root of the complete subtree of the leaves from
/// `index << level` to `(index + 1) << level`.
pub trait Nodes {
    type Error;

    fn node(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The root of the leaves from `from` to `to`, as the tree splits them (RFC 6962, 2.1).
fn subtree<N: Nodes>(nodes: &mut N, from: u64, to: u64) -> Result<Hash, N::Error> {
    let count = to - from;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        return nodes.node(level, from >> level);
    }
    let split = from + largest_power_below(count);
    Ok(node_hash(&subtree(nodes, from, split)?, &subtree(nodes, split, to)?))
}

/// The largest power of two below `count`, which is at least 2.
fn largest_power_below(count: u64) -> u64 {
    1 << (63 - (count - 1).leading_zeros())
}

/// The root of the first `size` leaves.
pub fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(empty_root()) } else { subtree(nodes, 0, size) }
}

/// The inclusion proof of leaf `index` in the tree of `size` leaves, from the leaf upwards (RFC 6962, 2.1.1). `index < size`.
pub fn inclusion_proof<N: Nodes>(nodes: &mut N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to, mut proof) = (0, size, Vec::new());
    while to - from > 1 {
        let split = from + largest_power_below(to - from);
        if index < split {
            proof.push(subtree(nodes, split, to)?);
            to = split;
        } else {
            proof.push(subtree(nodes, from, split)?);
            from = split;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of `old` leaves is a prefix of that of `new` leaves (RFC 6962, 2.1.2). `0 < old <= new`.
pub fn consistency_proof<N: Nodes>(nodes: &mut N, old: u64, new: u64) -> Result<Vec<Hash>, N::Error> {
    let (mut from, mut to, mut is_whole, mut proof) = (0, new, true, Vec::new());
    while to > old {
        let split = from + largest_power_below(to - from);
        if old <= split {
            proof.push(subtree(nodes, split, to)?);
            to = split;
        } else {
            proof.push(subtree(nodes, from, split)?);
            from = split;
            is_whole = false;
        }
    }
    if !is_whole {
        proof.push(subtree(nodes, from, to)?);
    }
    proof.reverse();
    Ok(proof)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Nodes computed from all leaves.
    pub struct Leaves(pub Vec<Hash>);

    impl Nodes for Leaves {
        type Error = Infallible;

        fn node(&mut self, level: u32, index: u64) -> Result<Hash, Infallible> {
            let (from, to) = ((index << level) as usize, ((index + 1) << level) as usize);
            Ok(root_of(&self.0[from..to]))
        }
    }

    pub fn leaves(count: u64) -> Leaves {
        Leaves((0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect())
    }

    #[test]
    fn frontier_and_recursion_agree() {
        let mut nodes = leaves(300);
        let mut frontier = Frontier::default();
        for size in 0..300 {
            assert_eq!(frontier.root(), root(&mut nodes, size).unwrap(), "{size}");
            assert_eq!(Frontier::from_bytes(size, &frontier.to_bytes()).unwrap(), frontier);
            let mut found = 0;
            for (level, index) in (0..10).flat_map(|level| (0..size.max(1) >> level).map(move |index| (level, index))) {
                if let Some(root) = frontier.find(level, index) {
                    assert_eq!(root, nodes.node(level, index).unwrap(), "{size}: {level}/{index}");
                    found += 1;
                }
            }
            assert_eq!(found, size.count_ones());
            frontier.push(nodes.0[size as usize]);
        }
        assert!(Frontier::from_bytes(3, &[0; 32]).is_none());
    }

    #[test]
    fn the_roots_of_the_reference_implementation_hold() {
        // transparency-dev/merkle, testonly/constants.go: roots of 0 to 8 of its leaf inputs.
        let inputs: [&[u8]; 8] = [b"", &[0], &[0x10], &[0x20, 0x21], &[0x30, 0x31], &[0x40, 0x41, 0x42, 0x43], b"PQRSTUVW", b"`abcdefghijklmno"];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        ];
        let mut frontier = Frontier::default();
        for (input, root) in inputs.iter().zip(roots) {
            assert_eq!(hex::encode(frontier.root()), root);
            frontier.push(leaf_hash(input));
        }
        assert_eq!(hex::encode(frontier.root()), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }
}
