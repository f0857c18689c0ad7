//! How people of organisations sign in: with a client's identifier and secret, for a browser, until they sign out, are idle, or the day
//! is over (promise H5). Each person has a client of their own; what they do is done in its name.

use super::Registry;
use super::access::TokenRefusal;
use super::error::Error;
use crate::domain::access::Actor;
use crate::domain::id::ClientSessionId;
use crate::store::client_sessions::{self as store, ClientSessionEndRow, ClientSessionRow};
use crate::store::error::StoreError;
use crate::store::log::Fact;

/// A session of a client, with the token for the browser.
#[derive(Debug, Clone)]
pub struct ClientSession {
    pub actor: Actor,
    pub session: ClientSessionId,
    /// What the client is called.
    pub name: String,
    /// The token to be kept from now on; it is a new one when the old one was half through its life.
    pub token: String,
    /// Seconds for which it serves without another request.
    pub idle_seconds: u64,
}

impl Registry {
    /// Opens a session by a client's secret.
    pub async fn open_client_session(&self, client_id: &str, secret: &str, source: &str) -> Result<ClientSession, TokenRefusal> {
        let client = self.check_secret(client_id, secret, source).await?;
        let actor = self.actor_of_client(&client).ok_or(TokenRefusal::InvalidClient)?;
        let session: ClientSessionId = self.new_id(ClientSessionId::new);
        let now = self.now_micros();
        let row = ClientSessionRow { id: session.to_string(), client_id: client.id.clone(), started_at: now, expires_at: now + i64::try_from(self.config.client_session_seconds).unwrap_or(0) * 1_000_000 };
        let organisation = actor.organisation.clone();
        self.store
            .write(move |tx| {
                store::insert_client_session(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                Ok(())
            })
            .await
            .map_err(Error::from)?;
        let idle_seconds = self.config.client_idle_seconds;
        let token = self.sign_access_token(&client.id, &client.scopes, session.to_string(), idle_seconds).await?;
        Ok(ClientSession { actor, session, name: client.name, token, idle_seconds })
    }

    /// The session behind the token of a browser; None when it has ended, was idle for too long, or the client is no more.
    pub async fn find_client_session(&self, token: &str) -> Result<Option<ClientSession>, Error> {
        let Some((actor, session, issued_at)) = self.find_session_actor(token).await? else { return Ok(None) };
        let wanted = actor.client.to_string();
        let Some(client) = self.store.read(move |conn| crate::store::organisations::find_client(conn, &wanted)).await? else { return Ok(None) };
        let idle_seconds = self.config.client_idle_seconds;
        let is_half_through = self.clock.now().timestamp() - issued_at > i64::try_from(idle_seconds / 2).unwrap_or(i64::MAX);
        let token = if is_half_through { self.sign_access_token(&client.id, &client.scopes, session.to_string(), idle_seconds).await? } else { token.to_owned() };
        Ok(Some(ClientSession { actor, session, name: client.name, token, idle_seconds }))
    }

    /// Ends this session, or every session of the client. On this node at once, on others within two seconds.
    pub async fn end_client_sessions(&self, session: &ClientSession, is_everywhere: bool) -> Result<(), Error> {
        let (client, id, now) = (session.actor.client.to_string(), session.session.to_string(), self.now_micros());
        let ids = if is_everywhere { self.store.read(move |conn| store::list_open_client_sessions(conn, &client, now)).await? } else { vec![id] };
        let organisation = session.actor.organisation.clone();
        self.store
            .write(move |tx| {
                for id in &ids {
                    let row = ClientSessionEndRow { session_id: id.clone(), ended_at: now };
                    if store::insert_client_session_end(tx.conn, &row)? {
                        tx.record(Fact::of(organisation.as_ref(), &row)?);
                    }
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        self.forget_actors();
        Ok(())
    }
}
