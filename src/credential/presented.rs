//! What somebody shows to be verified: any form that this registry hands out, told apart by what it is, not by what it is called.

use super::baked::{self, BakedFault};
use super::jws::CompactJws;
use super::strict_json;
use crate::domain::text::Text;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A credential in one of its forms. Nothing is checked yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Presented {
    /// VC-JOSE-COSE.
    VcJwt(String),
    /// The JWT profile of Open Badges.
    BadgeJwt(String),
    SdJwt(String),
    /// A document with embedded proofs.
    Embedded(Value),
}

/// Why nothing can be verified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresentedFault {
    #[error("bytes that are neither a text nor a picture found")]
    NotText,
    #[error("something else found, JSON without duplicate members expected")]
    BadJson,
    #[error("{0}")]
    Picture(BakedFault),
    #[error("an envelope of another kind found, an enveloped credential with a data: URL of application/vc+jwt or application/dc+sd-jwt expected")]
    BadEnvelope,
    #[error("no credential found; expected is a JWT of three parts, an SD-JWT, JSON with a proof, or a picture with one of them in it")]
    Unknown,
}

impl PresentedFault {
    /// The same in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            PresentedFault::NotText => "既不是文本，也不是图片",
            PresentedFault::BadJson => "不是 JSON，或含有重复成员",
            PresentedFault::Picture(fault) => return fault.text(),
            PresentedFault::BadEnvelope => "封装内容应为 application/vc+jwt 或 application/dc+sd-jwt 的 data: 地址",
            PresentedFault::Unknown => "应为三部分的 JWT、SD-JWT、带证明的 JSON，或含有其中之一的图片",
        };
        Text::new(self.to_string(), zh)
    }
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

impl Presented {
    /// Tells what was shown.
    ///
    /// # Errors
    /// It is no form that is known here.
    pub fn read(bytes: &[u8]) -> Result<Self, PresentedFault> {
        if bytes.starts_with(PNG) {
            return Self::from_text(&baked::read_png(bytes).map_err(PresentedFault::Picture)?, false);
        }
        Self::from_text(std::str::from_utf8(bytes).map_err(|_| PresentedFault::NotText)?, true)
    }

    /// `may_wrap`: whether a picture or an envelope may be around it; there is never one in another.
    fn from_text(text: &str, may_wrap: bool) -> Result<Self, PresentedFault> {
        let text = text.trim_start_matches('\u{feff}').trim();
        match text.as_bytes().first() {
            Some(b'<') if may_wrap => Self::from_text(&baked::read_svg(text).map_err(PresentedFault::Picture)?, false),
            Some(b'{') => {
                let document = strict_json::parse(text.as_bytes()).map_err(|_| PresentedFault::BadJson)?;
                if has_type(&document, "EnvelopedVerifiableCredential") && may_wrap { Self::from_envelope(&document) } else { Ok(Presented::Embedded(document)) }
            }
            _ if text.contains('~') => Ok(Presented::SdJwt(text.to_owned())),
            _ if text.split('.').count() == 3 => {
                let is_badge = CompactJws::parse(text).is_ok_and(|jws| jws.typ().is_none_or(|typ| typ == "JWT"));
                Ok(if is_badge { Presented::BadgeJwt(text.to_owned()) } else { Presented::VcJwt(text.to_owned()) })
            }
            _ => Err(PresentedFault::Unknown),
        }
    }

    fn from_envelope(document: &Value) -> Result<Self, PresentedFault> {
        let (media_type, data) = document["id"].as_str().and_then(|id| id.strip_prefix("data:")?.split_once(',')).ok_or(PresentedFault::BadEnvelope)?;
        let decoded;
        let (media_type, data) = match media_type.strip_suffix(";base64") {
            Some(media_type) => {
                decoded = STANDARD.decode(data).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(PresentedFault::BadEnvelope)?;
                (media_type, decoded.as_str())
            }
            None => (media_type, data),
        };
        match (media_type, Self::from_text(data, false)?) {
            ("application/vc+jwt", found @ Presented::VcJwt(_)) | ("application/dc+sd-jwt", found @ Presented::SdJwt(_)) => Ok(found),
            _ => Err(PresentedFault::BadEnvelope),
        }
    }
}

/// Whether a document carries a type.
pub fn has_type(document: &Value, wanted: &str) -> bool {
    match &document["type"] {
        Value::String(found) => found == wanted,
        Value::Array(found) => found.iter().any(|found| found == wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn jws(header: Value) -> String {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        format!("{}.e30.AA", URL_SAFE_NO_PAD.encode(header.to_string()))
    }

    #[test]
    fn every_form_is_told_by_what_it_is() {
        let (vc, badge) = (jws(json!({ "alg": "EdDSA", "typ": "vc+jwt" })), jws(json!({ "alg": "EdDSA" })));
        let read = |text: &str| Presented::read(text.as_bytes());
        assert_eq!(read(&format!("\u{feff} {vc}\n")), Ok(Presented::VcJwt(vc.clone())));
        assert_eq!(read(&badge), Ok(Presented::BadgeJwt(badge.clone())));
        assert_eq!(read(&format!("{vc}~")), Ok(Presented::SdJwt(format!("{vc}~"))));
        assert_eq!(read(r#"{"a":1}"#), Ok(Presented::Embedded(json!({ "a": 1 }))));
        let envelope = |id: String| json!({ "type": "EnvelopedVerifiableCredential", "id": id }).to_string();
        assert_eq!(read(&envelope(format!("data:application/vc+jwt,{vc}"))), Ok(Presented::VcJwt(vc.clone())));
        assert_eq!(read(&envelope(format!("data:application/vc+jwt;base64,{}", STANDARD.encode(&vc)))), Ok(Presented::VcJwt(vc.clone())));
        assert_eq!(read(&envelope(format!("data:text/plain,{vc}"))), Err(PresentedFault::BadEnvelope));
        assert_eq!(read(&envelope(format!("data:application/vc+jwt,{}", envelope(format!("data:application/vc+jwt,{vc}"))))), Err(PresentedFault::BadEnvelope));
        assert_eq!(read(r#"{"a":1,"a":2}"#), Err(PresentedFault::BadJson));
        assert_eq!(read("hello"), Err(PresentedFault::Unknown));
        assert_eq!(Presented::read(&[0xff, 0xfe]), Err(PresentedFault::NotText));
    }
}
