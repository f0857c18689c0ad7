//! Bitstring Status List v1.0: the bits, their encoding and the credential that carries them.

use super::data_integrity::{ProofFault, ProofOptions, Suite, add_proof, multikey_id};
use super::document::VC_CONTEXT;
use super::jws;
use super::keys::{IssuingKey, SigningFault};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};

/// Entries of one list. BSL demands at least this many, so that one holder cannot be told from the crowd.
pub const ENTRIES: u32 = 131_072;
/// Bytes of one list: 16 KiB.
pub const BYTES: usize = (ENTRIES / 8) as usize;
/// The largest list that is read.
const BYTES_MAX: usize = 16 << 20;
/// How long readers may keep a list.
pub const TTL_SECONDS: u32 = 60;

/// Sets or clears a bit. Index 0 is the most significant bit of the first byte (BSL 3.3).
pub fn set_bit(bits: &mut [u8], index: u32, value: bool) {
    let mask = 0x80 >> (index % 8);
    let byte = &mut bits[(index / 8) as usize];
    *byte = if value { *byte | mask } else { *byte & !mask };
}

/// Reads a bit; false beyond the end.
pub fn bit(bits: &[u8], index: u32) -> bool {
    bits.get((index / 8) as usize).is_some_and(|byte| byte & (0x80 >> (index % 8)) != 0)
}

/// `u` + base64url without padding of gzip of the bits (BSL 2.2).
pub fn encode(bits: &[u8]) -> String {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bits).expect("writing to memory does not fail");
    let compressed = encoder.finish().expect("writing to memory does not fail");
    format!("u{}", URL_SAFE_NO_PAD.encode(compressed))
}

/// Reads what [`encode`] writes; None for anything else, for fewer entries than a list must have, and for more than anybody needs.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let compressed = URL_SAFE_NO_PAD.decode(text.strip_prefix('u')?).ok()?;
    let mut bits = Vec::new();
    let limit = BYTES_MAX as u64 + 1;
    flate2::read::GzDecoder::new(compressed.as_slice()).take(limit).read_to_end(&mut bits).ok()?;
    (BYTES..=BYTES_MAX).contains(&bits.len()).then_some(bits)
}

/// What a status of the message list means, by its value (BSL, `statusMessage`).
pub const MESSAGES: [(&str, &str); 4] = [("0x0", "in force"), ("0x1", "suspended"), ("0x2", "revoked, cancelled, withdrawn or superseded"), ("0x3", "not used")];

/// The message list that follows from both others: two bits an entry, the first ones left-most.
pub fn combine(revoked: &[u8], suspended: &[u8]) -> Vec<u8> {
    let mut list = vec![0; BYTES * 2];
    for index in 0..ENTRIES {
        match (bit(revoked, index), bit(suspended, index)) {
            (true, _) => set_bit(&mut list, index * 2, true),
            (false, true) => set_bit(&mut list, index * 2 + 1, true),
            (false, false) => {}
        }
    }
    list
}

/// The entries of a credential in all lists, as `credentialStatus` would name them.
pub fn entries(public_url: &str, list: i64, index: i32) -> Vec<Value> {
    let entry = |purpose: &str| {
        let url = format!("{public_url}/status/{purpose}/{list}");
        json!({ "id": format!("{url}#{index}"), "type": "BitstringStatusListEntry", "statusPurpose": purpose, "statusListIndex": index.to_string(), "statusListCredential": url })
    };
    let mut message = entry("message");
    message["statusSize"] = json!(2);
    message["statusMessage"] = MESSAGES.iter().map(|(status, message)| json!({ "status": status, "message": message })).collect();
    vec![entry("revocation"), entry("suspension"), message]
}

/// The list as a JWT, secured like the credentials that point at it. `key` is the key of its issuer.
///
/// # Errors
/// The key does not sign.
pub fn sign(key: &IssuingKey, credential: &Value) -> Result<String, SigningFault> {
    jws::sign(key, jws::CREDENTIAL_TYP, Some("vc"), credential.to_string().as_bytes())
}

/// The list with embedded proofs.
///
/// # Errors
/// The key does not sign.
pub fn with_proofs(key: &IssuingKey, mut credential: Value, created: DateTime<Utc>) -> Result<String, ProofFault> {
    let method = multikey_id(&key.public.key_id);
    let proof = |suite| add_proof(key, &credential, &ProofOptions { suite, created, method: &method, purpose: "assertionMethod" });
    let proofs = [proof(Suite::Rdfc)?, proof(Suite::Jcs)?];
    credential["proof"] = json!(proofs);
    Ok(credential.to_string())
}

/// The list as a credential without proof.
pub fn credential(list_url: &str, issuer: &str, purpose: &str, bits: &[u8], valid_from: DateTime<Utc>) -> Value {
    json!({
        "@context": [VC_CONTEXT],
        "id": list_url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": issuer,
        "validFrom": valid_from.to_rfc3339_opts(SecondsFormat::Secs, true),
        "credentialSubject": {
            "id": format!("{list_url}#list"),
            "type": "BitstringStatusList",
            "statusPurpose": purpose,
            "encodedList": encode(bits),
            "ttl": TTL_SECONDS * 1000,
        },
    })
}

/// The index of the `position`-th entry of a list: a permutation of all entries, chosen by the list's secret seed.
///
/// A random index that is never given twice, without trying: a Feistel network over 18 bits whose round function is SHA-256, and
/// a walk along its cycle until the value fits in 17 bits. Neighbours in time are strangers in the list (BSL 5.3).
pub fn index_of(seed: &[u8], position: u32) -> u32 {
    debug_assert!(position < ENTRIES);
    let mut value = position;
    loop {
        value = feistel(seed, value);
        if value < ENTRIES {
            return value;
        }
    }
}

fn feistel(seed: &[u8], value: u32) -> u32 {
    const HALF_MASK: u32 = 0x1ff;
    let (mut left, mut right) = (value >> 9 & HALF_MASK, value & HALF_MASK);
    for round in 0u8..6 {
        let digest = Sha256::new().chain_update(seed).chain_update([round]).chain_update(right.to_be_bytes()).finalize();
        let mixed = left ^ (u32::from(u16::from_be_bytes([digest[0], digest[1]])) & HALF_MASK);
        (left, right) = (right, mixed);
    }
    left << 9 | right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_zero_is_the_left_most_bit() {
        let mut bits = vec![0; BYTES];
        set_bit(&mut bits, 0, true);
        set_bit(&mut bits, 9, true);
        assert_eq!(bits[..2], [0x80, 0x40]);
        assert!(bit(&bits, 9));
        set_bit(&mut bits, 9, false);
        assert!(!bit(&bits, 9));
        assert!(!bit(&bits, ENTRIES));
    }

    /// The example list of the specification (BSL, section 2.2): nobody is revoked.
    #[test]
    fn the_list_of_the_specification_is_read() {
        let bits = decode("uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA").unwrap();
        assert_eq!((bits.len(), bits.iter().all(|byte| *byte == 0)), (BYTES, true));
    }

    #[test]
    fn the_encoding_reads_back() {
        let mut bits = vec![0; BYTES];
        set_bit(&mut bits, 94_567, true);
        assert_eq!(decode(&encode(&bits)), Some(bits));
        assert_eq!(decode(&encode(&[0; 10])), None);
        assert!(decode(&encode(&vec![0; BYTES * 2])).is_some());
        assert_eq!(decode(&encode(&vec![0; BYTES_MAX + 1])), None);
    }

    #[test]
    fn the_message_list_says_what_both_others_say() {
        let (mut revoked, mut suspended) = (vec![0; BYTES], vec![0; BYTES]);
        set_bit(&mut revoked, 0, true);
        set_bit(&mut suspended, 1, true);
        set_bit(&mut revoked, 3, true);
        set_bit(&mut suspended, 3, true);
        // Values 2, 1, 0, 2 from the left.
        assert_eq!(combine(&revoked, &suspended)[..2], [0b1001_0010, 0]);
    }

    #[test]
    fn every_entry_is_given_once_in_an_order_that_depends_on_the_seed() {
        let mut seen = vec![false; ENTRIES as usize];
        for position in 0..ENTRIES {
            let index = index_of(b"seed", position) as usize;
            assert!(!seen[index]);
            seen[index] = true;
        }
        assert!(seen.iter().all(|given| *given));
        assert_ne!((0..8).map(|n| index_of(b"seed", n)).collect::<Vec<_>>(), (0..8).map(|n| index_of(b"other", n)).collect::<Vec<_>>());
    }
}
