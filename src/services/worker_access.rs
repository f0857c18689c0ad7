//! How workers sign in: a one-time code, made for them by somebody who knows them, and part of their document number.
//!
//! A code opens one session, which the table's constraint decides. Five wrong document numbers end a code, on all nodes together.
//! Whoever makes a code for a worker is recorded as a look, so that the worker sees it.

use super::Registry;
use super::access::SELF_SCOPE;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::records::RecordPart;
use crate::domain::access::{Act, Actor, Scope, SignedInWorker};
use crate::domain::id::{WorkerId, WorkerSessionId};
use crate::domain::text::Text;
use crate::store::counters;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::worker_access::{self as store, AccessCodeRow, WorkerSessionEndRow, WorkerSessionRow};
use subtle::ConstantTimeEq;

/// Digits and letters that nobody mistakes for each other (Crockford's base 32): five bits each.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_LENGTH: usize = 10;
/// Wrong document numbers that a code survives.
const TRIES_MAX: i64 = 5;
/// Characters of the document number that are asked for: two more than a masked number shows.
pub const NUMBER_END_LENGTH: usize = 6;

/// A code as it is handed to the worker; it is not kept.
#[derive(Debug, Clone)]
pub struct NewAccessCode {
    pub code: String,
    pub expires_at: i64,
}

/// A session with its token.
#[derive(Debug, Clone)]
pub struct OpenedSession {
    pub token: String,
    pub expires_in: u64,
    pub worker: WorkerId,
}

/// Why no session was opened.
#[derive(Debug)]
pub enum SignInRefusal {
    /// Unknown, used, expired or worn out code, or another worker's number: one answer for all of them.
    Wrong,
    /// Seconds to wait.
    TooMany(u64),
    Other(Error),
}

impl From<Error> for SignInRefusal {
    fn from(error: Error) -> Self {
        SignInRefusal::Other(error)
    }
}

/// Reads a code as people type it.
fn normalised(code: &str) -> Option<String> {
    let plain = |c: char| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').map(plain).collect();
    (code.len() == CODE_LENGTH && code.bytes().all(|b| ALPHABET.contains(&b))).then_some(code)
}

impl Registry {
    fn code_hash(&self, code: &str) -> Vec<u8> {
        self.vault.blind_index("access code", code).to_vec()
    }

    /// Makes a code for a worker whom the actor has to do with.
    pub async fn make_access_code(&self, actor: &Actor, worker: &WorkerId, intent: &Intent<NewAccessCode>) -> Result<Answer, Error> {
        self.authorise(actor, Act::MakeAccessCode)?;
        self.look_at_record(actor, worker, RecordPart::AccessCode).await?;
        let chance = self.entropy.number();
        let code: String = (0..CODE_LENGTH).map(|place| char::from(ALPHABET[(chance >> (5 * place)) as usize & 31])).collect();
        let now = self.now_micros();
        let row = AccessCodeRow {
            code_hash: self.code_hash(&code),
            worker_id: worker.to_string(),
            organisation_id: actor.organisation.as_ref().map(ToString::to_string),
            by_registrar: actor.scopes.contains(&Scope::RegistryAdmin),
            expires_at: now + i64::from(self.config.access_code_hours) * 3_600_000_000,
            made_at: now,
            made_by: actor.client.to_string(),
        };
        let shown = NewAccessCode { code: format!("{}-{}", &code[..5], &code[5..]), expires_at: row.expires_at };
        let (answer, kept) = self.answer(intent, &shown);
        let organisation = actor.organisation.clone();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_access_code(tx.conn, &row)?;
                tx.record(Fact::of(organisation.as_ref(), &row)?);
                Ok(())
            })
            .await?;
        Ok(answer)
    }

    /// Exchanges a code and the end of a document number for a session.
    pub async fn open_worker_session(&self, code: &str, number_end: &str, source: &str) -> Result<OpenedSession, SignInRefusal> {
        let attempt = format!("access code {source}");
        if let Some(seconds) = self.wait_for_client(&attempt) {
            return Err(SignInRefusal::TooMany(seconds));
        }
        match self.try_open_worker_session(code, number_end).await? {
            Some(opened) => Ok(opened),
            None => {
                self.count_wrong_secret(&attempt);
                Err(SignInRefusal::Wrong)
            }
        }
    }

    async fn try_open_worker_session(&self, code: &str, number_end: &str) -> Result<Option<OpenedSession>, Error> {
        let Some(code) = normalised(code) else { return Ok(None) };
        let (hash, wanted) = (self.code_hash(&code), self.code_hash(&code));
        let found = self.store.read(move |conn| store::find_access_code(conn, &wanted)).await?;
        let Some(row) = found.filter(|row| row.expires_at > self.now_micros()) else { return Ok(None) };
        // Counted before anything is compared: whoever asks many times at once gets no more than five answers.
        let counter = format!("tries {}", hex::encode(&hash));
        let tries = self.store.write(move |tx| counters::reserve(tx.conn, &counter, 1)).await?.start;
        if tries > TRIES_MAX || !self.has_document_end(&row.worker_id, number_end).await? {
            return Ok(None);
        }
        self.start_worker_session(&super::stored(&row.worker_id)?, hash, None).await
    }

    /// Opens a session by a code, or by what stands in for one and is recorded with it. None when it has opened one before.
    pub(super) async fn start_worker_session(&self, worker: &WorkerId, code_hash: Vec<u8>, code: Option<AccessCodeRow>) -> Result<Option<OpenedSession>, Error> {
        let id: WorkerSessionId = self.new_id(WorkerSessionId::new);
        let (now, seconds) = (self.now_micros(), self.config.worker_session_seconds);
        let session = WorkerSessionRow {
            id: id.to_string(),
            worker_id: worker.to_string(),
            code_hash,
            started_at: now,
            expires_at: now + i64::try_from(seconds).unwrap_or(0) * 1_000_000,
        };
        let opened = self
            .store
            .write(move |tx| {
                if let Some(code) = &code {
                    store::insert_access_code(tx.conn, code)?;
                    tx.record(Fact::of(None, code)?);
                }
                store::insert_worker_session(tx.conn, &session)?;
                tx.record(Fact::of(None, &session)?);
                Ok(())
            })
            .await;
        match opened {
            Ok(()) => {}
            Err(StoreError::Conflict(Constraint::AccessCodeUsed)) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let token = self.sign_access_token(worker.as_str(), SELF_SCOPE, id.to_string(), seconds).await?;
        Ok(Some(OpenedSession { token, expires_in: seconds, worker: worker.clone() }))
    }

    /// Whether one of the worker's documents ends so; every document is compared, in constant time.
    async fn has_document_end(&self, worker: &str, end: &str) -> Result<bool, Error> {
        let end = crate::domain::number::normalised(end);
        let worker = match self.load_worker(&self.root_of(&super::stored(worker)?).await?).await {
            Err(Error::NotFound) => return Ok(false),
            other => other?,
        };
        let is_end = |number: &str| number.len().checked_sub(NUMBER_END_LENGTH).and_then(|at| number.get(at..)).is_some_and(|tail| tail.as_bytes().ct_eq(end.as_bytes()).into());
        Ok(worker.documents.iter().map(|known| is_end(known.document.number())).fold(false, |found, is_this| found | is_this))
    }

    /// Ends this session of a worker, or every session of theirs, with whichever of their records it was opened; within two seconds on every
    /// node.
    pub async fn end_worker_sessions(&self, worker: &SignedInWorker, is_everywhere: bool) -> Result<(), Error> {
        let now = self.now_micros();
        let ids = if is_everywhere {
            let records = self.person_of(&worker.worker).await?;
            self.store.read(move |conn| store::list_open_sessions(conn, &records, now)).await?
        } else {
            vec![worker.session.to_string()]
        };
        let ended = ids.clone();
        self.store
            .write(move |tx| {
                for id in &ids {
                    let row = WorkerSessionEndRow { session_id: id.clone(), ended_at: now };
                    if store::insert_session_end(tx.conn, &row)? {
                        tx.record(Fact::of(None, &row)?);
                    }
                }
                Ok::<_, StoreError>(())
            })
            .await?;
        self.forget_worker_sessions(&ended);
        Ok(())
    }

    /// What a refused worker is told.
    pub fn wrong_code() -> Text {
        Text::new(
            "this code with this document number opens no session: it may be mistyped, used, expired or worn out; ask for a new code",
            "验证码与证件号码不符，或验证码已使用、过期、失效；请重新获取",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        assert_eq!(normalised(" abcde-1234o "), Some("ABCDE12340".to_owned()));
        assert_eq!(normalised("il000 00000"), Some("1100000000".to_owned()));
        for wrong in ["", "ABCDE-1234", "ABCDE-12345-6", "ABCDE-1234U", "ABCDE-1234é"] {
            assert_eq!(normalised(wrong), None, "{wrong}");
        }
    }
}
