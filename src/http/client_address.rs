//! Whom a request is counted for: the address behind the proxies that the operator trusts.

use crate::config::Config;
use actix_web::HttpRequest;
use std::net::IpAddr;

/// The nearest address that is not a trusted proxy. `X-Forwarded-For` is believed only as far as trusted proxies wrote it: read from
/// the right, until an address that is none of them.
pub fn of(request: &HttpRequest, config: &Config) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| config.trusted_proxies.0.iter().any(|net| net.contains(&address.to_canonical()));
    let peer = request.peer_addr()?.ip();
    if !is_trusted(&peer) {
        return Some(peer);
    }
    let headers: Vec<&str> = request.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok()).collect();
    let mut nearest = peer;
    for hop in headers.iter().rev().flat_map(|value| value.rsplit(',')) {
        // What is not an address was not written by a proxy that we trust.
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        nearest = address;
        if !is_trusted(&address) {
            break;
        }
    }
    Some(nearest.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawSettings;
    use actix_web::test::TestRequest;

    fn counted(peer: &str, forwarded: &[&str]) -> String {
        let mut raw = RawSettings::default();
        raw.add("trusted_proxies", "10.0.0.0/8, 192.0.2.1".to_owned(), "test");
        let config = Config::from_settings(raw).unwrap();
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1234").parse().unwrap());
        for value in forwarded {
            request = request.append_header(("x-forwarded-for", *value));
        }
        of(&request.to_http_request(), &config).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, forwarded, expected) in [
            ("203.0.113.7", vec!["198.51.100.1"], "203.0.113.7"),
            ("10.1.2.3", vec!["198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", vec!["1.1.1.1, 198.51.100.1, 192.0.2.1"], "198.51.100.1"),
            ("10.1.2.3", vec!["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", vec!["nonsense"], "10.1.2.3"),
            ("10.1.2.3", vec![], "10.1.2.3"),
        ] {
            assert_eq!(counted(peer, &forwarded), expected, "{peer} {forwarded:?}");
        }
    }
}
