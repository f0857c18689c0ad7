//! How the demo calls the registry: over HTTP, like anybody else.

use serde_json::{Value, json};

/// A caller with its credentials; tokens are fetched when they are needed.
pub struct Client {
    agent: ureq::Agent,
    base_url: String,
    pub client_id: String,
    pub client_secret: String,
    token: String,
}

impl Client {
    pub fn new(base_url: &str, client_id: &str, client_secret: &str) -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        Client { agent: config.into(), base_url: base_url.to_owned(), client_id: client_id.to_owned(), client_secret: client_secret.to_owned(), token: String::new() }
    }

    /// A caller whose token is known: a worker who has signed in.
    pub fn with_token(base_url: &str, token: &str) -> Self {
        Client { token: token.to_owned(), ..Client::new(base_url, "", "") }
    }

    /// Fetches an access token; called again whenever the demo's clock has moved.
    pub fn sign_in(&mut self) -> Result<(), String> {
        let form = [("grant_type", "client_credentials"), ("client_id", &self.client_id), ("client_secret", &self.client_secret)];
        let mut response = self.agent.post(format!("{}/oauth/token", self.base_url)).send_form(form).map_err(|error| error.to_string())?;
        let answer: Value = response.body_mut().read_json().map_err(|error| error.to_string())?;
        self.token = answer["access_token"].as_str().ok_or_else(|| format!("no access token: {answer}"))?.to_owned();
        Ok(())
    }

    pub fn get(&self, path: &str, accept: &str) -> Result<String, String> {
        let request = self.agent.get(format!("{}{path}", self.base_url)).header("authorization", format!("Bearer {}", self.token)).header("accept", accept);
        request.call().and_then(|mut response| response.body_mut().read_to_string()).map_err(|error| format!("GET {path}: {error}"))
    }

    pub fn get_json(&self, path: &str) -> Result<Value, String> {
        serde_json::from_str(&self.get(path, "application/json")?).map_err(|error| format!("GET {path}: {error}"))
    }

    /// Sends JSON and expects success.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.send(path, "application/json", body.to_string().as_bytes())
    }

    /// Sends bytes of a media type and expects success.
    pub fn send(&self, path: &str, media_type: &str, body: &[u8]) -> Result<Value, String> {
        self.send_with(path, media_type, &[], body)
    }

    /// The same with further headers.
    pub fn send_with(&self, path: &str, media_type: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Value, String> {
        let mut request = self.agent.post(format!("{}{path}", self.base_url)).header("content-type", media_type);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let mut response = request.send(body).map_err(|error| format!("POST {path}: {error}"))?;
        let status = response.status();
        let text = response.body_mut().read_to_string().map_err(|error| format!("POST {path}: {error}"))?;
        if !status.is_success() {
            return Err(format!("POST {path}: {status} {text}"));
        }
        Ok(serde_json::from_str(&text).unwrap_or(json!(null)))
    }
}
