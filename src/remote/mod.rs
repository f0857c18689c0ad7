//! Other people's servers: witnesses of our log, and logs that a monitor follows. Only addresses that the operator wrote down are
//! ever asked; answers have limits of size and time. Blocks the calling thread.

pub mod log_reader;

use std::sync::{Arc, OnceLock};
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

const WITHIN: Duration = Duration::from_secs(10);

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {why}")]
pub struct Unreachable {
    pub url: String,
    pub why: String,
}

/// One agent for the process: connections are kept, the machine's own roots are trusted, redirects are not followed.
fn agent() -> &'static Agent {
    static AGENT: OnceLock<Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        let roots: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs().certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        Agent::config_builder().tls_config(tls).http_status_as_error(false).max_redirects(0).max_redirects_will_error(false).timeout_global(Some(WITHIN)).build().into()
    })
}

fn read(url: &str, bytes_max: u64, answered: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, Unreachable> {
    let unreachable = |error: ureq::Error| Unreachable { url: url.to_owned(), why: error.to_string() };
    let mut response = answered.map_err(unreachable)?;
    let body = response.body_mut().with_config().limit(bytes_max).read_to_vec().map_err(unreachable)?;
    Ok(Answer { status: response.status().as_u16(), body })
}

/// Asks for a resource of at most `bytes_max` bytes.
pub fn get(url: &str, bytes_max: u64) -> Result<Answer, Unreachable> {
    read(url, bytes_max, agent().get(url).call())
}

/// Sends a text.
pub fn post_text(url: &str, text: &str, bytes_max: u64) -> Result<Answer, Unreachable> {
    read(url, bytes_max, agent().post(url).content_type("text/plain; charset=utf-8").send(text))
}
