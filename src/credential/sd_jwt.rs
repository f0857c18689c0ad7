//! SD-JWT (RFC 9901) and SD-JWT VC: a credential of plain claims of which the holder shows only some.
//!
//! Every claim stands in the signed part as a digest of its disclosure; whoever sees the disclosure can check that the digest is there.
//! Only flat objects are made and read: what we issue has no claims inside claims, and a digest anywhere else is refused.

use super::holder::{HolderJws, HolderKey};
use super::jws::{self, CompactJws, JwsFault};
use super::keys::{IssuingKey, SigningFault};
use super::strict_json;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crate::domain::text::Text;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// `typ` of the signed part (SD-JWT VC, section 2.2.1).
pub const TYP: &str = "dc+sd-jwt";
/// `typ` of the part in which the holder proves to have the key (RFC 9901, 4.3).
pub const KEY_BINDING_TYP: &str = "kb+jwt";
/// Claims that steer verification and must never be hidden (SD-JWT VC, section 2.2.2.2).
const NEVER_HIDDEN: &[&str] = &["iss", "nbf", "exp", "cnf", "vct", "vct#integrity", "aka_vcts", "status"];

/// A claim that the holder may show or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Disclosable {
    pub name: &'static str,
    pub value: Value,
    /// 128 bits at least, base64url (RFC 9901, 9.3).
    pub salt: String,
}

/// Why a text is not an SD-JWT that can be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SdJwtFault {
    #[error("a JWS, disclosures and a closing tilde expected; of the JWS: {0}")]
    Jws(JwsFault),
    #[error("the end of the text is neither a tilde nor a key binding")]
    NotClosed,
    #[error("another typ found in the header, dc+sd-jwt expected")]
    WrongType,
    #[error("another payload found, an object without duplicate members, with _sd_alg sha-256, expected")]
    BadPayload,
    #[error("a disclosure of another form found, [salt, name, value] expected")]
    BadDisclosure,
    #[error("a digest or a disclosure stands twice")]
    Twice,
    #[error("a disclosure that no digest names")]
    Unreferenced,
    #[error("a disclosed claim that stands there already, or that must not be hidden")]
    ForbiddenName,
    #[error("digests inside of claims")]
    Nested,
    #[error("the key binding does not fit what was shown")]
    WrongKeyBinding,
}

impl SdJwtFault {
    /// The same in both languages.
    pub fn text(&self) -> Text {
        let zh = match self {
            SdJwtFault::Jws(fault) => return Text::new(self.to_string(), format!("应为 JWS、披露项和结尾的波浪号：{}", fault.text().zh)),
            SdJwtFault::NotClosed => "结尾既不是波浪号，也不是密钥绑定",
            SdJwtFault::WrongType => "头部 typ 不是 dc+sd-jwt",
            SdJwtFault::BadPayload => "载荷应为无重复成员的 JSON 对象，_sd_alg 应为 sha-256",
            SdJwtFault::BadDisclosure => "披露项应为 [盐, 名称, 值] 的形式",
            SdJwtFault::Twice => "摘要或披露项重复出现",
            SdJwtFault::Unreferenced => "有披露项不对应任何摘要",
            SdJwtFault::ForbiddenName => "披露的声明已经存在，或属于不得隐藏的声明",
            SdJwtFault::Nested => "声明内部含有摘要",
            SdJwtFault::WrongKeyBinding => "密钥绑定与出示内容不符",
        };
        Text::new(self.to_string(), zh)
    }
}

fn digest(disclosure: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(disclosure))
}

/// Signs `claims`, with `disclosable` hidden. The digests stand in the order of their own text, which tells nothing.
///
/// # Errors
/// The key does not sign.
pub fn issue(key: &IssuingKey, mut claims: Map<String, Value>, disclosable: &[Disclosable]) -> Result<String, SigningFault> {
    let disclosures: Vec<String> = disclosable.iter().map(|claim| URL_SAFE_NO_PAD.encode(json!([claim.salt, claim.name, claim.value]).to_string())).collect();
    let mut digests: Vec<String> = disclosures.iter().map(|disclosure| digest(disclosure)).collect();
    digests.sort();
    claims.insert("_sd".to_owned(), json!(digests));
    claims.insert("_sd_alg".to_owned(), json!("sha-256"));
    let mut text = jws::sign(key, TYP, None, Value::Object(claims).to_string().as_bytes())?;
    for disclosure in disclosures {
        text.push('~');
        text.push_str(&disclosure);
    }
    text.push('~');
    Ok(text)
}

/// An SD-JWT taken apart; its signature is not yet checked.
#[derive(Debug, Clone)]
pub struct SdJwt<'a> {
    pub jws: CompactJws<'a>,
    /// The claims that were shown and those that always are, without digests (RFC 9901, 7.1).
    pub claims: Map<String, Value>,
    /// Names of the claims that were shown.
    pub disclosed: Vec<String>,
    /// Text up to and with the last tilde, and the key binding behind it.
    shown: &'a str,
    key_binding: Option<&'a str>,
}

/// What the verifier asked for, when the holder is to prove to have the key.
#[derive(Debug, Clone, Copy)]
pub struct KeyBinding<'a> {
    pub audience: &'a str,
    pub nonce: &'a str,
}

impl<'a> SdJwt<'a> {
    /// Takes a text apart by every rule of RFC 9901, section 7.1.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn parse(text: &'a str) -> Result<Self, SdJwtFault> {
        let end = text.rfind('~').ok_or(SdJwtFault::NotClosed)?;
        let (shown, binding) = text.split_at(end + 1);
        let mut parts = shown[..end].split('~');
        let jws = CompactJws::parse(parts.next().unwrap_or_default()).map_err(SdJwtFault::Jws)?;
        if jws.typ() != Some(TYP) {
            return Err(SdJwtFault::WrongType);
        }
        let Ok(Value::Object(mut claims)) = strict_json::parse(&jws.payload) else { return Err(SdJwtFault::BadPayload) };
        if claims.shift_remove("_sd_alg").is_some_and(|algorithm| algorithm != "sha-256") {
            return Err(SdJwtFault::BadPayload);
        }
        let mut digests: HashSet<String> = HashSet::new();
        if let Some(listed) = claims.shift_remove("_sd") {
            for digest in listed.as_array().ok_or(SdJwtFault::BadPayload)? {
                if !digests.insert(digest.as_str().ok_or(SdJwtFault::BadPayload)?.to_owned()) {
                    return Err(SdJwtFault::Twice);
                }
            }
        }
        if claims.values().any(hides_something) {
            return Err(SdJwtFault::Nested);
        }
        let mut disclosed = Vec::new();
        for part in parts {
            let (name, value) = read_disclosure(part)?;
            if !digests.remove(&digest(part)) {
                return Err(SdJwtFault::Unreferenced);
            }
            if claims.contains_key(&name) || NEVER_HIDDEN.contains(&name.as_str()) {
                return Err(SdJwtFault::ForbiddenName);
            }
            if hides_something(&value) {
                return Err(SdJwtFault::Nested);
            }
            claims.insert(name.clone(), value);
            disclosed.push(name);
        }
        Ok(SdJwt { jws, claims, disclosed, shown, key_binding: (!binding.is_empty()).then_some(binding) })
    }

    /// Checks the key binding, where there is one: by the key of `cnf`, over exactly what was shown. With `expected` there must be one,
    /// for this audience and nonce.
    ///
    /// # Errors
    /// It is missing, or does not fit.
    pub fn check_key_binding(&self, expected: Option<KeyBinding<'_>>) -> Result<bool, SdJwtFault> {
        let Some(text) = self.key_binding else {
            return if expected.is_some() { Err(SdJwtFault::WrongKeyBinding) } else { Ok(false) };
        };
        let wrong = || SdJwtFault::WrongKeyBinding;
        let binding = HolderJws::parse(text).ok_or_else(wrong)?;
        let key = self.claims.get("cnf").and_then(|cnf| HolderKey::from_jwk(cnf.get("jwk")?)).ok_or_else(wrong)?;
        let claims = &binding.claims;
        let fits = binding.typ() == Some(KEY_BINDING_TYP)
            && claims["sd_hash"] == digest(self.shown)
            && claims["iat"].is_i64()
            && claims["aud"].is_string()
            && claims["nonce"].is_string()
            && expected.is_none_or(|expected| claims["aud"] == expected.audience && claims["nonce"] == expected.nonce);
        if fits && binding.is_signed_by(&key) { Ok(true) } else { Err(wrong()) }
    }
}

fn read_disclosure(part: &str) -> Result<(String, Value), SdJwtFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| SdJwtFault::BadDisclosure)?;
    let Ok(Value::Array(items)) = strict_json::parse(&bytes) else { return Err(SdJwtFault::BadDisclosure) };
    let Ok([Value::String(_), Value::String(name), value]) = <[Value; 3]>::try_from(items) else { return Err(SdJwtFault::BadDisclosure) };
    if name == "_sd" || name == "..." {
        return Err(SdJwtFault::ForbiddenName);
    }
    Ok((name, value))
}

/// Whether something inside of a claim is hidden in turn.
fn hides_something(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.contains_key("_sd") || members.contains_key("...") || members.values().any(hides_something),
        Value::Array(items) => items.iter().any(hides_something),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> IssuingKey {
        IssuingKey::from_secret("did:web:registry.example", &[7; 32])
    }

    fn disclosable() -> Vec<Disclosable> {
        [("name", "张三"), ("level", "level3"), ("occupation", "电工")].into_iter().map(|(name, value)| Disclosable { name, value: json!(value), salt: format!("salt of {name}, long enough") }).collect()
    }

    fn issued() -> String {
        issue(&key(), json!({ "vct": "https://registry.example/type" }).as_object().unwrap().clone(), &disclosable()).unwrap()
    }

    /// The text with only these disclosures.
    fn showing(names: &[&str]) -> String {
        let text = issued();
        let parts: Vec<&str> = text.trim_end_matches('~').split('~').collect();
        let kept = parts[1..].iter().filter(|part| names.contains(&read_disclosure(part).unwrap().0.as_str()));
        format!("{}~{}", parts[0], kept.map(|part| format!("{part}~")).collect::<String>())
    }

    fn signed(claims: Value, disclosures: &[&str]) -> String {
        let listed: String = disclosures.iter().map(|disclosure| format!("{disclosure}~")).collect();
        format!("{}~{listed}", jws::sign(&key(), TYP, None, claims.to_string().as_bytes()).unwrap())
    }

    fn encoded(disclosure: Value) -> String {
        URL_SAFE_NO_PAD.encode(disclosure.to_string())
    }

    #[test]
    fn the_holder_shows_what_they_want() {
        let text = showing(&["level", "occupation"]);
        let read = SdJwt::parse(&text).unwrap();
        assert!(read.jws.is_signed_by(&key().public));
        assert_eq!((read.claims.get("level"), read.claims.get("name")), (Some(&json!("level3")), None));
        assert!(!text.contains(&encoded(json!(["salt of name, long enough", "name", "张三"]))));
        assert_eq!(SdJwt::parse(&issued()).unwrap().disclosed, ["name", "level", "occupation"]);
    }

    #[test]
    fn the_digest_is_the_one_of_the_specification() {
        // RFC 9901, section 4.2.3.
        assert_eq!(digest("WyI2cU1RdlJMNWhhaiIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"), "uutlBuYeMDyjLLTpf6Jxi7yNkEF35jdyWMn9U7b_RYY");
    }

    #[test]
    fn every_rule_of_processing_is_kept() {
        let one = encoded(json!(["c2FsdHNhbHRzYWx0c2FsdA", "level", "level3"]));
        let claims = |extra: Value| {
            let mut claims = json!({ "vct": "x", "_sd": [digest(&one)], "_sd_alg": "sha-256" });
            claims.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            claims
        };
        assert!(SdJwt::parse(&signed(claims(json!({})), &[&one])).is_ok());
        let hidden_name = |name: &str| encoded(json!(["c2FsdHNhbHRzYWx0c2FsdA", name, "x"]));
        let hidden = |name: &str| signed(json!({ "vct": "x", "_sd": [digest(&hidden_name(name))] }), &[&hidden_name(name)]);
        let short = encoded(json!(["c2FsdA", "x"]));
        for (text, fault) in [
            (signed(claims(json!({})), &[&one, &one]), SdJwtFault::Unreferenced),
            (signed(claims(json!({ "_sd": [digest(&one), digest(&one)] })), &[&one]), SdJwtFault::Twice),
            (signed(claims(json!({ "_sd": [] })), &[&one]), SdJwtFault::Unreferenced),
            (signed(claims(json!({ "level": "level1" })), &[&one]), SdJwtFault::ForbiddenName),
            (signed(claims(json!({ "_sd_alg": "md5" })), &[&one]), SdJwtFault::BadPayload),
            (signed(claims(json!({ "address": { "_sd": [] } })), &[&one]), SdJwtFault::Nested),
            (signed(claims(json!({ "list": [{ "...": "x" }] })), &[&one]), SdJwtFault::Nested),
            (hidden("_sd"), SdJwtFault::ForbiddenName),
            (hidden("..."), SdJwtFault::ForbiddenName),
            (hidden("status"), SdJwtFault::ForbiddenName),
            (signed(json!({ "_sd": [digest(&short)] }), &[&short]), SdJwtFault::BadDisclosure),
            (signed(json!({}), &["not base64url!"]), SdJwtFault::BadDisclosure),
            (format!("{}~", jws::sign(&key(), "vc+sd-jwt", None, b"{}").unwrap()), SdJwtFault::WrongType),
            (jws::sign(&key(), TYP, None, b"{}").unwrap(), SdJwtFault::NotClosed),
        ] {
            assert_eq!(SdJwt::parse(&text).unwrap_err(), fault, "{text}");
        }
    }

    #[test]
    fn a_key_binding_is_for_one_verifier_and_for_what_was_shown() {
        let holder = IssuingKey::from_secret("holder", &[9; 32]);
        let cnf = json!({ "jwk": { "kty": "OKP", "crv": "Ed25519", "x": holder.public.jwk_x() } });
        let text = issue(&key(), json!({ "vct": "x", "cnf": cnf }).as_object().unwrap().clone(), &disclosable()).unwrap();
        let bind = |shown: &str, nonce: &str, by: &IssuingKey| {
            let claims = json!({ "iat": 1, "aud": "https://verifier.example", "nonce": nonce, "sd_hash": digest(shown) });
            format!("{text}{}", jws::sign(by, KEY_BINDING_TYP, None, claims.to_string().as_bytes()).unwrap())
        };
        let expected = Some(KeyBinding { audience: "https://verifier.example", nonce: "n-1" });
        assert_eq!(SdJwt::parse(&bind(&text, "n-1", &holder)).unwrap().check_key_binding(expected), Ok(true));
        for wrong in [bind(&text, "n-2", &holder), bind("other~", "n-1", &holder), bind(&text, "n-1", &key()), text.clone()] {
            assert_eq!(SdJwt::parse(&wrong).unwrap().check_key_binding(expected), Err(SdJwtFault::WrongKeyBinding));
        }
        assert_eq!(SdJwt::parse(&text).unwrap().check_key_binding(None), Ok(false));
    }
}
