//! Platforms that collect a worker's badges, and what they may ask for (Open Badges 3.0, sections 6 and 7; CLR 2.0).

use super::organisation::names;
use super::rule::{Violation, invalid};
use super::sharing::SharePart;
use super::text::Text;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// What a platform may do by a worker's consent. The names are those of the specifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum PlatformScope {
    /// Read the certificates as badges (Open Badges 3.0, 6.2.1).
    ReadBadges,
    /// Read who their holder is (Open Badges 3.0, 6.2.1).
    ReadProfile,
    /// Read the whole record as a learner record (CLR 2.0, 5.2.1).
    ReadLearnerRecord,
    /// Go on reading until the consent ends, by a refresh token.
    OfflineAccess,
}

names!(PlatformScope {
    ReadBadges => "https://purl.imsglobal.org/spec/ob/v3p0/scope/credential.readonly",
    ReadProfile => "https://purl.imsglobal.org/spec/ob/v3p0/scope/profile.readonly",
    ReadLearnerRecord => "https://purl.imsglobal.org/spec/clr/v2p0/scope/credential.readonly",
    OfflineAccess => "offline_access",
});

impl TryFrom<String> for PlatformScope {
    type Error = super::rule::Malformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<PlatformScope> for &'static str {
    fn from(scope: PlatformScope) -> Self {
        scope.as_str()
    }
}

impl PlatformScope {
    /// What it lets a platform do, as a worker reads it. None where nothing is read by it.
    pub fn meaning(self) -> Option<Text> {
        match self {
            PlatformScope::ReadBadges => Some(Text::new("your certificates, with your name as it stands on them", "您的证书（含证书上的姓名）")),
            PlatformScope::ReadProfile => Some(Text::new("your name", "您的姓名")),
            PlatformScope::ReadLearnerRecord => Some(Text::new("your whole record: classes, hours, assessments, credits, certificates, competitions", "您的完整档案：培训班、课时、考核、学分、证书、竞赛")),
            PlatformScope::OfflineAccess => None,
        }
    }

    /// The parts of the record that these scopes open.
    pub fn parts(scopes: &[PlatformScope]) -> Vec<SharePart> {
        if scopes.contains(&PlatformScope::ReadLearnerRecord) {
            return SharePart::ALL.to_vec();
        }
        if scopes.contains(&PlatformScope::ReadBadges) { vec![SharePart::Certificates] } else { Vec::new() }
    }
}

/// The scopes in a list separated by spaces that there are here, each once; a server may leave others away (RFC 6749, 3.3).
pub fn known_scopes(text: &str) -> Vec<PlatformScope> {
    let named: Vec<&str> = text.split_whitespace().collect();
    PlatformScope::ALL.iter().copied().filter(|scope| named.contains(&scope.as_str())).collect()
}

/// Scopes as they are written on the wire.
pub fn scope_text(scopes: &[PlatformScope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// A platform as it registered itself (RFC 7591, 2). The names are short, because they travel in the client identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    #[serde(rename = "n")]
    pub name: String,
    /// Where workers are sent back to; at least one.
    #[serde(rename = "r")]
    pub redirect_uris: Vec<String>,
    #[serde(rename = "s", with = "scope_bits")]
    pub scopes: Vec<PlatformScope>,
    /// Seconds since 1970.
    #[serde(rename = "t")]
    pub registered_at: i64,
}

/// Scopes as a number, a bit for each.
mod scope_bits {
    use super::PlatformScope;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(scopes: &[PlatformScope], serializer: S) -> Result<S::Ok, S::Error> {
        let bits = PlatformScope::ALL.iter().enumerate().filter(|(_, scope)| scopes.contains(scope)).fold(0, |bits, (index, _)| bits | 1_u8 << index);
        serializer.serialize_u8(bits)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<PlatformScope>, D::Error> {
        let bits = u8::deserialize(deserializer)?;
        Ok(PlatformScope::ALL.iter().enumerate().filter(|(index, _)| bits & 1 << index != 0).map(|(_, scope)| *scope).collect())
    }
}

/// Hosts whose platforms may register.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PlatformHosts {
    #[default]
    Any,
    /// These only; an empty list is nobody.
    Only(Vec<String>),
}

impl std::str::FromStr for PlatformHosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // Both words are told as hosts are written, which are mapped: `NONE` and full-width letters are the same host.
        let parse = |host: &str| Host::parse(host.trim()).map(|host| host.to_string()).map_err(|_| format!("hosts separated by commas, `*` or `none` expected, {host:?} found"));
        let hosts: Vec<String> = text.split([',', '，']).map(parse).collect::<Result<_, _>>()?;
        Ok(match hosts.as_slice() {
            [word] if word == "*" => PlatformHosts::Any,
            [word] if word == "none" => PlatformHosts::Only(Vec::new()),
            _ => PlatformHosts::Only(hosts),
        })
    }
}

impl std::fmt::Display for PlatformHosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PlatformHosts::Any => f.write_str("*"),
            PlatformHosts::Only(hosts) if hosts.is_empty() => f.write_str("none"),
            PlatformHosts::Only(hosts) => f.write_str(&hosts.join(",")),
        }
    }
}

const REDIRECTS_MAX: usize = 5;
const REDIRECT_LENGTH_MAX: usize = 300;

/// Where a worker is sent back to: `https`, or `http` on the worker's own machine (RFC 8252, 7.3); no user, no fragment (RFC 6749, 3.1.2).
pub fn redirect_url(text: &str, hosts: &PlatformHosts) -> Result<Url, Text> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= REDIRECT_LENGTH_MAX);
    let Some((url, host)) = url.and_then(|url| url.host().map(|host| host.to_owned()).map(|host| (url, host))) else {
        return Err(Text::new(format!("an address of at most {REDIRECT_LENGTH_MAX} characters expected"), format!("应为不超过 {REDIRECT_LENGTH_MAX} 个字符的网址")));
    };
    let is_own_machine = match &host {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => name == "localhost",
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_own_machine);
    if !is_safe || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(Text::new("https (http on one's own machine only), without user and fragment, expected", "应为 https 网址（仅本机可用 http），不含用户名和片段"));
    }
    match hosts {
        PlatformHosts::Any => Ok(url),
        PlatformHosts::Only(known) if known.contains(&host.to_string()) => Ok(url),
        PlatformHosts::Only(_) => Err(Text::new(format!("{host} may not collect badges from this registry; ask its operator"), format!("{host} 未获准从本登记系统收集证书，请联系运营方"))),
    }
}

/// Every fault of a platform that registers.
pub fn platform_faults(platform: &Platform, hosts: &PlatformHosts) -> Vec<Violation> {
    let mut faults = Vec::new();
    let length = platform.name.chars().count();
    if !(1..=60).contains(&length) || platform.name.chars().any(char::is_control) {
        faults.push(invalid("client_name", Text::new(format!("1 to 60 characters expected, {length} found"), format!("应为 1 至 60 个字符，现为 {length} 个"))));
    }
    if !(1..=REDIRECTS_MAX).contains(&platform.redirect_uris.len()) {
        let found = platform.redirect_uris.len();
        faults.push(invalid("redirect_uris", Text::new(format!("1 to {REDIRECTS_MAX} addresses expected, {found} found"), format!("应为 1 至 {REDIRECTS_MAX} 个网址，现为 {found} 个"))));
    }
    let wrong = platform.redirect_uris.iter().enumerate().filter_map(|(index, text)| redirect_url(text, hosts).err().map(|fault| invalid(format!("redirect_uris[{index}]"), fault)));
    faults.extend(wrong);
    if !platform.scopes.iter().any(|scope| scope.meaning().is_some()) {
        faults.push(invalid("scope", Text::new("a scope that reads something expected", "应至少含一项读取权限")));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_go_to_https_or_to_ones_own_machine() {
        let any = PlatformHosts::Any;
        for good in ["https://badges.example/cb", "https://badges.example:8443/cb?x=1", "http://localhost:3000/cb", "http://127.0.0.1/cb", "http://[::1]:9/cb"] {
            assert!(redirect_url(good, &any).is_ok(), "{good}");
        }
        for bad in ["http://badges.example/cb", "https://badges.example/cb#x", "https://me:secret@badges.example/cb", "javascript:alert(1)", "data:text/html,x", "badges.example", "/cb", "http://127.0.0.1.evil.example/cb", ""] {
            assert!(redirect_url(bad, &any).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_listed_hosts_register() {
        let hosts: PlatformHosts = "badges.example, xn--fiq228c.example".parse().unwrap();
        assert!(redirect_url("https://BADGES.example/cb", &hosts).is_ok());
        assert!(redirect_url("https://中文.example/cb", &hosts).is_ok());
        assert!(redirect_url("https://evil.example/cb", &hosts).is_err());
        assert!(redirect_url("https://badges.example.evil.example/cb", &hosts).is_err());
        assert!(redirect_url("https://badges.example/cb", &"none".parse().unwrap()).is_err());
        assert_eq!(hosts.to_string().parse::<PlatformHosts>().unwrap(), hosts);
        assert_eq!("badges.example，xn--fiq228c.example".parse::<PlatformHosts>().unwrap(), hosts);
        for nobody in ["none", "NONE", " ｎｏｎｅ"] {
            assert_eq!(nobody.parse::<PlatformHosts>().unwrap(), PlatformHosts::Only(Vec::new()), "{nobody}");
        }
        assert_eq!("*".parse::<PlatformHosts>().unwrap(), PlatformHosts::Any);
        assert!("https://badges.example".parse::<PlatformHosts>().is_err());
    }

    #[test]
    fn a_platform_travels_in_few_bytes_and_comes_back() {
        let platform = Platform { name: "徽章".into(), redirect_uris: vec!["https://badges.example/cb".into()], scopes: vec![PlatformScope::ReadBadges, PlatformScope::OfflineAccess], registered_at: 1 };
        let text = serde_json::to_string(&platform).unwrap();
        assert_eq!(text, r#"{"n":"徽章","r":["https://badges.example/cb"],"s":9,"t":1}"#);
        assert_eq!(serde_json::from_str::<Platform>(&text).unwrap(), platform);
        assert!(platform_faults(&platform, &PlatformHosts::Any).is_empty());
        let empty = Platform { name: String::new(), redirect_uris: vec![], scopes: vec![PlatformScope::OfflineAccess], registered_at: 1 };
        assert_eq!(platform_faults(&empty, &PlatformHosts::Any).len(), 3);
    }

    #[test]
    fn scopes_that_are_not_here_are_left_away() {
        let text = format!("offline_access https://purl.imsglobal.org/spec/ob/v3p0/scope/credential.upsert {0} {0}", PlatformScope::ReadBadges.as_str());
        assert_eq!(known_scopes(&text), [PlatformScope::ReadBadges, PlatformScope::OfflineAccess]);
        assert_eq!(known_scopes("self"), []);
        assert_eq!(PlatformScope::parts(&[PlatformScope::ReadProfile]), []);
    }
}
