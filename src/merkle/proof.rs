//! Checking proofs (RFC 9162, 2.1.3.2 and 2.1.4.2).

use super::Hash;
use super::tree::node_hash;

/// Whether `proof` shows that `leaf` is the leaf `index` of the tree of `size` leaves with this root.
pub fn is_included(leaf: &Hash, index: u64, size: u64, proof: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `proof` shows that the tree of `old` leaves is a prefix of the tree of `new` leaves. The empty tree is a prefix of every
/// tree, which no proof can show, so `old` is at least 1.
pub fn is_consistent(old: u64, new: u64, proof: &[Hash], old_root: &Hash, new_root: &Hash) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    // A complete old tree is its own first node.
    let mut hashes = if old.is_power_of_two() { vec![*old_root] } else { Vec::new() };
    hashes.extend_from_slice(proof);
    let Some((first, rest)) = hashes.split_first() else { return false };
    let (mut node, mut last) = (old - 1, new - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

#[cfg(test)]
mod tests {
    use super::super::tree::tests::leaves;
    use super::super::tree::{consistency_proof, inclusion_proof, root};
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::Deserialize;
    use serde_json::Number;

    /// A case of transparency-dev/merkle, `testdata`, as one file (see tests/vectors/SOURCES.md).
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Case {
        file: String,
        leaf_idx: Option<Number>,
        tree_size: Option<Number>,
        leaf_hash: Option<String>,
        root: Option<String>,
        size1: Option<Number>,
        size2: Option<Number>,
        root1: Option<String>,
        root2: Option<String>,
        proof: Option<Vec<String>>,
        want_err: bool,
    }

    fn hash(text: &Option<String>) -> Option<Hash> {
        STANDARD.decode(text.as_deref().unwrap_or_default()).ok()?.try_into().ok()
    }

    /// Some roots are short words that stand for any root; only whether two are equal counts.
    fn root_hash(text: &Option<String>) -> Option<Hash> {
        let mut bytes = STANDARD.decode(text.as_deref().unwrap_or_default()).ok()?;
        bytes.resize(32, 0);
        bytes.try_into().ok()
    }

    #[test]
    fn the_vectors_of_the_reference_implementation_hold() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/vectors/merkle.json")).unwrap();
        assert_eq!(cases.len(), 196);
        for case in cases {
            let proof: Option<Vec<Hash>> = case.proof.clone().unwrap_or_default().into_iter().map(|text| hash(&Some(text))).collect();
            // Some numbers are larger than any tree; they are no numbers of ours.
            let number = |text: &Option<Number>| text.as_ref().and_then(Number::as_u64);
            let verdict = (|| {
                let proof = proof?;
                Some(if case.file.starts_with("inclusion") {
                    is_included(&hash(&case.leaf_hash)?, number(&case.leaf_idx)?, number(&case.tree_size)?, &proof, &root_hash(&case.root)?)
                } else {
                    is_consistent(number(&case.size1)?, number(&case.size2)?, &proof, &root_hash(&case.root1)?, &root_hash(&case.root2)?)
                })
            })();
            assert_eq!(verdict.unwrap_or(false), !case.want_err, "{}", case.file);
        }
    }

    #[test]
    fn every_proof_that_is_made_holds_and_no_other() {
        let mut nodes = leaves(70);
        for size in 1..=70 {
            let whole = root(&mut nodes, size).unwrap();
            for index in 0..size {
                let mut proof = inclusion_proof(&mut nodes, index, size).unwrap();
                let leaf = nodes.0[index as usize];
                assert!(is_included(&leaf, index, size, &proof, &whole), "{index} of {size}");
                assert!(!is_included(&leaf, index + 1, size, &proof, &whole));
                assert!(!is_included(&nodes.0[((index + 1) % 70) as usize], index, size, &proof, &whole));
                if let Some(first) = proof.first_mut() {
                    first[0] ^= 1;
                    assert!(!is_included(&leaf, index, size, &proof, &whole));
                }
            }
            for old in 1..=size {
                let proof = consistency_proof(&mut nodes, old, size).unwrap();
                let prefix = root(&mut nodes, old).unwrap();
                assert!(is_consistent(old, size, &proof, &prefix, &whole), "{old} in {size}");
                assert!(!is_consistent(old, size, &proof, &whole, &prefix) || prefix == whole);
                let longer: Vec<Hash> = proof.iter().copied().chain([whole]).collect();
                assert!(!is_consistent(old, size, &longer, &prefix, &whole));
            }
        }
    }
}
