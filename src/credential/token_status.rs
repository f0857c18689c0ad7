//! Token Status List: the status of credentials that are tokens (draft-ietf-oauth-status-list), for SD-JWT VC.
//!
//! The same entries as in the bitstring lists, two bits each: 0 valid, 1 invalid, 2 suspended (section 7.1). The first entry stands in
//! the *least* significant bits of the first byte, unlike there.

use super::jws;
use super::keys::{IssuingKey, SigningFault};
use super::status_list::{ENTRIES, TTL_SECONDS, bit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde_json::json;
use std::io::{Read, Write};

/// `typ` of the list.
pub const TYP: &str = "statuslist+jwt";
pub const MEDIA_TYPE: &str = "application/statuslist+jwt";
const BITS: u32 = 2;
const BYTES: usize = (ENTRIES * BITS / 8) as usize;

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenStatus {
    Valid,
    Invalid,
    Suspended,
    /// A value that the registry does not use.
    Other(u8),
}

/// The list that follows from the bits of the revocation list and of the suspension list.
pub fn combine(revoked: &[u8], suspended: &[u8]) -> Vec<u8> {
    let mut list = vec![0u8; BYTES];
    for index in 0..ENTRIES {
        let value = match (bit(revoked, index), bit(suspended, index)) {
            (true, _) => 1,
            (false, true) => 2,
            (false, false) => continue,
        };
        list[(index * BITS / 8) as usize] |= value << (index * BITS % 8);
    }
    list
}

/// The list as a signed token; `url` is where it stands.
///
/// # Errors
/// The key does not sign.
pub fn signed_list(key: &IssuingKey, url: &str, list: &[u8], changed_at: DateTime<Utc>) -> Result<String, SigningFault> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(list).expect("writing to memory does not fail");
    let packed = URL_SAFE_NO_PAD.encode(encoder.finish().expect("writing to memory does not fail"));
    let claims = json!({ "sub": url, "iat": changed_at.timestamp(), "ttl": TTL_SECONDS, "status_list": { "bits": BITS, "lst": packed } });
    jws::sign(key, TYP, None, claims.to_string().as_bytes())
}

/// Reads an entry of the `status_list` claim of a list; None for a list that cannot be read or has no such entry.
pub fn read_entry(status_list: &serde_json::Value, index: u32) -> Option<TokenStatus> {
    let bits = u32::try_from(status_list["bits"].as_u64()?).ok().filter(|bits| [1, 2, 4, 8].contains(bits))?;
    let packed = URL_SAFE_NO_PAD.decode(status_list["lst"].as_str()?).ok()?;
    let mut list = Vec::new();
    flate2::read::ZlibDecoder::new(packed.as_slice()).take(1 << 24).read_to_end(&mut list).ok()?;
    let at = u64::from(index) * u64::from(bits);
    let byte = *list.get(usize::try_from(at / 8).ok()?)?;
    let mask = if bits == 8 { u8::MAX } else { (1u8 << bits) - 1 };
    Some(match byte >> (at % 8) & mask {
        0 => TokenStatus::Valid,
        1 => TokenStatus::Invalid,
        2 => TokenStatus::Suspended,
        other => TokenStatus::Other(other),
    })
}

#[cfg(test)]
mod tests {
    use super::super::jws::CompactJws;
    use super::super::status_list::{self, set_bit};
    use super::*;

    #[test]
    fn what_is_set_is_read_back_and_revocation_weighs_more() {
        let (mut revoked, mut suspended) = (vec![0; status_list::BYTES], vec![0; status_list::BYTES]);
        set_bit(&mut revoked, 5, true);
        set_bit(&mut suspended, 6, true);
        set_bit(&mut revoked, 131_071, true);
        set_bit(&mut suspended, 131_071, true);
        let key = IssuingKey::from_secret("did:web:registry.example", &[1; 32]);
        let text = signed_list(&key, "https://registry.example/status/token/1", &combine(&revoked, &suspended), "2026-03-10T02:00:00Z".parse().unwrap()).unwrap();
        let jws = CompactJws::parse(&text).unwrap();
        assert_eq!(jws.typ(), Some(TYP));
        let claims: serde_json::Value = serde_json::from_slice(&jws.payload).unwrap();
        let read = |index| read_entry(&claims["status_list"], index);
        assert_eq!([read(4), read(5), read(6), read(131_071), read(131_072)], [Some(TokenStatus::Valid), Some(TokenStatus::Invalid), Some(TokenStatus::Suspended), Some(TokenStatus::Invalid), None]);
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        // draft-ietf-oauth-status-list, section 4.1: sixteen one-bit entries in B9 A3.
        let list = json!({ "bits": 1, "lst": "eNrbuRgAAhcBXQ" });
        let values: Vec<bool> = (0..16).map(|index| read_entry(&list, index) == Some(TokenStatus::Invalid)).collect();
        assert_eq!(values, [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1].map(|bit| bit == 1));
        // The same section, two bits an entry.
        let list = json!({ "bits": 2, "lst": "eNo76fITAAPfAgc" });
        assert_eq!([0, 1, 2, 3].map(|index| read_entry(&list, index).unwrap()), [TokenStatus::Invalid, TokenStatus::Suspended, TokenStatus::Valid, TokenStatus::Other(3)]);
    }
}
