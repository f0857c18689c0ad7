//! The signature over a whole file. A PDF is made with a placeholder as its attachment `seal.jws`; the caller signs all other bytes
//! and writes the JWS over the placeholder. No checksum covers the attachment, so the file stays valid.

use super::attachments::Attachment;
use memchr::memmem;
use std::ops::Range;

/// Name of the attachment.
pub const NAME: &str = "seal.jws";
const MEDIA_TYPE: &str = "application/jose";

pub(super) fn attachment(placeholder: &[u8]) -> Attachment {
    Attachment {
        name: NAME.to_owned(),
        media_type: MEDIA_TYPE.to_owned(),
        description: "对本文件其余全部字节的签名 / signature over all other bytes of this file".to_owned(),
        bytes: placeholder.to_vec(),
    }
}

/// Where the placeholder stands, when it stands there exactly once.
#[must_use]
pub fn place_of(bytes: &[u8], placeholder: &[u8]) -> Option<Range<usize>> {
    // An empty one stands everywhere.
    let at = memmem::find(bytes, placeholder).filter(|_| !placeholder.is_empty())?;
    // Two that overlap are two.
    memmem::find(&bytes[at + 1..], placeholder).is_none().then(|| at..at + placeholder.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_only_when_there_is_one() {
        assert_eq!(place_of(b"xxabcyy", b"abc"), Some(2..5));
        assert_eq!(place_of(b"xxabcabc", b"abc"), None);
        assert_eq!(place_of(b"aaaa", b"aaa"), None);
        assert_eq!(place_of(b"xxab", b"abc"), None);
        assert_eq!(place_of(b"xx", b""), None);
    }
}
