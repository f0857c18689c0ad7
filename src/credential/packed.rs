//! A signed credential in few bytes, for keeping: what base64url adds is left away, and what every credential says is left to a
//! dictionary (LZ4, block format). The text comes back byte for byte, or it is kept as it is.
//!
//! `packed-v1.txt` is part of what is kept: whoever changes a byte of it can read no certificate any more. A better dictionary gets a
//! mark of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lz4_flex::block::{compress_with_dict, decompress_with_dict};

static DICTIONARY: &[u8] = include_bytes!("packed-v1.txt");
/// First byte of what is packed with the first dictionary; a text begins with a letter.
const MARK: u8 = 1;
/// Bytes of an Ed25519 signature.
const SIGNATURE: usize = 64;
/// More than any credential has; a length beyond it is no length.
const LENGTH_MAX: usize = 1 << 20;

/// Packs a compact JWS.
pub fn pack(jws: &str) -> Vec<u8> {
    let packed = taken_apart(jws).and_then(|(plain, header)| {
        let compressed = compress_with_dict(&plain, DICTIONARY);
        // The bytes are looked at again, the text is not: base64url as it is read here has one text for the same bytes.
        let is_whole = decompress_with_dict(&compressed, plain.len(), DICTIONARY).is_ok_and(|again| again == plain);
        is_whole.then(|| [&[MARK], (plain.len() as u32).to_be_bytes().as_slice(), &(header as u32).to_be_bytes(), &compressed].concat())
    });
    packed.unwrap_or_else(|| jws.as_bytes().to_vec())
}

/// Header, payload and signature behind each other, and how long the header is.
fn taken_apart(jws: &str) -> Option<(Vec<u8>, usize)> {
    let mut parts = jws.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let (Some(header), Some(payload), Some(signature), None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let plain = [header.as_slice(), &payload, &signature].concat();
    (signature.len() == SIGNATURE && plain.len() <= LENGTH_MAX).then_some((plain, header.len()))
}

/// The text that was packed; None when it was not packed by [`pack`].
pub fn unpack(packed: Vec<u8>) -> Option<String> {
    if packed.first() != Some(&MARK) {
        return String::from_utf8(packed).ok();
    }
    let number = |at: usize| packed.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(|bytes| u32::from_be_bytes(bytes) as usize);
    let (length, header) = (number(1).filter(|length| *length <= LENGTH_MAX)?, number(5)?);
    let plain = decompress_with_dict(packed.get(9..)?, length, DICTIONARY).ok().filter(|plain| plain.len() == length)?;
    let signature = length.checked_sub(SIGNATURE).filter(|signature| header <= *signature)?;
    let mut text = String::with_capacity(length * 4 / 3 + 8);
    for (number, part) in [&plain[..header], &plain[header..signature], &plain[signature..]].into_iter().enumerate() {
        if number > 0 {
            text.push('.');
        }
        URL_SAFE_NO_PAD.encode_string(part, &mut text);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::sample;
    use super::super::keys::IssuingKey;
    use super::super::{conformance, jws};
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    fn signed() -> String {
        let facts = sample();
        let key = IssuingKey::from_secret(&facts.shared.issuer_did, &[7; 32]);
        jws::sign_credential(&key, &conformance::check(&facts.compose()).unwrap()).unwrap()
    }

    #[test]
    fn a_credential_comes_back_from_a_fifth_of_its_bytes() {
        let text = signed();
        let packed = pack(&text);
        assert!(packed.len() * 5 < text.len(), "{} of {}", packed.len(), text.len());
        assert_eq!(unpack(packed), Some(text));
    }

    #[test]
    fn the_dictionary_is_the_one_that_certificates_were_kept_with() {
        assert_eq!(hex::encode(Sha256::digest(DICTIONARY)), "ec7af49d90fa1624121b2198ab7a83a1061955f024306d8711ac4176c5ac92ea");
    }

    #[test]
    fn what_cannot_be_packed_is_kept_as_it_is() {
        // The last of 86 characters holds four bits that say nothing: with them set, the text is another one for the same bytes.
        let mut same_bytes = signed();
        let last = same_bytes.pop().unwrap();
        same_bytes.push(char::from(last as u8 + 1));
        let too_long = format!("e30.{}.{}", URL_SAFE_NO_PAD.encode(vec![b' '; LENGTH_MAX]), URL_SAFE_NO_PAD.encode([5; SIGNATURE]));
        for text in [same_bytes.as_str(), too_long.as_str(), "", "a.b", "eyJ9.e30.AAAA", "eyJ9.e30=.", &format!("{}.", signed()), &signed().replace('.', "..")] {
            assert_eq!(pack(text), text.as_bytes(), "{text}");
            assert_eq!(unpack(pack(text)).as_deref(), Some(text));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(bytes.clone());
            let _ = unpack([&[MARK, 0, 0, 0, 100, 0, 0, 0, 10], bytes.as_slice()].concat());
        }

        #[test]
        fn every_text_comes_back(header in "\\PC{0,40}", payload in "\\PC{0,300}") {
            let text = [header.as_bytes(), payload.as_bytes(), &[5; SIGNATURE]].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".");
            prop_assert_eq!(unpack(pack(&text)), Some(text));
        }
    }
}
