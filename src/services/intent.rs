//! A request that changes something, and the answer that is kept for it.
//!
//! The answer is made before the write and kept in the same transaction, sealed, so that whoever asks again with the same key gets
//! the same bytes, whatever died in between. The key's primary key decides between two equal requests, on one node or on two.

use super::Registry;
use super::error::Error;
use crate::store::error::StoreError;
use crate::store::idempotency::{self, AnswerRow};
use crate::store::writer::{PlaceSlot, Tx};
use crate::vault::Sealed;

/// An answer as it is kept and sent: status, `Location`, body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub location: Option<String>,
    pub body: Vec<u8>,
    /// Where its facts stand in the log, once they are durable; empty for an answer that was kept earlier.
    pub place: PlaceSlot,
}

impl Answer {
    pub fn new(status: u16, location: Option<String>, body: Vec<u8>) -> Self {
        Answer { status, location, body, place: PlaceSlot::default() }
    }
}

/// A client's claim on one effect: who asks, where, under which key, with which body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claim {
    pub caller: String,
    pub route: String,
    pub key: String,
    /// SHA-256 of the request's target, media type and body.
    pub body_hash: [u8; 32],
}

type Render<T> = Box<dyn Fn(&T) -> Answer + Send + Sync>;

/// The intent to have one effect: its claim, and how its result is written as an answer.
pub struct Intent<T> {
    pub claim: Option<Claim>,
    pub render: Render<T>,
}

/// What is already known of a claim.
#[derive(Debug, PartialEq, Eq)]
pub enum Earlier {
    None,
    Same(Answer),
    /// The key was used for another request.
    OtherBody,
}

/// An answer on its way into the transaction.
#[derive(Clone)]
pub struct KeptAnswer {
    row: Option<AnswerRow>,
    place: PlaceSlot,
}

impl KeptAnswer {
    /// Keeps the answer together with the effect; a key that is taken makes the whole job fail.
    pub fn keep(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.tell_place(&self.place);
        match &self.row {
            Some(row) => idempotency::insert_answer(tx.conn, row),
            None => Ok(()),
        }
    }
}

fn place(claim: &Claim) -> String {
    format!("{}\0{}\0{}", claim.caller, claim.route, claim.key)
}

impl Registry {
    /// Writes a result as an answer, ready to be kept.
    pub(super) fn answer<T>(&self, intent: &Intent<T>, result: &T) -> (Answer, KeptAnswer) {
        let answer = (intent.render)(result);
        let row = intent.claim.as_ref().map(|claim| self.answer_row(claim, &answer));
        let place = answer.place.clone();
        (answer, KeptAnswer { row, place })
    }

    fn answer_row(&self, claim: &Claim, answer: &Answer) -> AnswerRow {
        AnswerRow {
            caller: claim.caller.clone(),
            route: claim.route.clone(),
            idempotency_key: claim.key.clone(),
            body_hash: claim.body_hash.to_vec(),
            status: i32::from(answer.status),
            location: answer.location.clone(),
            sealed_body: self.vault.seal(Sealed::Answer, &place(claim), &answer.body, &self.entropy),
            answered_at: self.now_micros(),
        }
    }

    /// Keeps an answer that has no effect: what the rules refused under a key stays refused under it.
    pub async fn keep_answer(&self, claim: &Claim, answer: &Answer) -> Result<(), Error> {
        let kept = KeptAnswer { row: Some(self.answer_row(claim, answer)), place: answer.place.clone() };
        Ok(self.store.write(move |tx| kept.keep(tx)).await?)
    }

    /// Answers with what stands already, and keeps that answer for the key too.
    pub(super) async fn answer_known<T>(&self, intent: &Intent<T>, result: &T) -> Result<Answer, Error> {
        let (answer, kept) = self.answer(intent, result);
        if kept.row.is_some() {
            self.store.write(move |tx| kept.keep(tx)).await?;
        }
        Ok(answer)
    }

    /// Looks for the answer that an equal request was given before.
    pub async fn find_answer(&self, claim: &Claim) -> Result<Earlier, Error> {
        let wanted = claim.clone();
        let found = self.store.read(move |conn| idempotency::find_answer(conn, &wanted.caller, &wanted.route, &wanted.key)).await?;
        let Some(row) = found else { return Ok(Earlier::None) };
        if row.body_hash != claim.body_hash {
            return Ok(Earlier::OtherBody);
        }
        let body = self.vault.open(Sealed::Answer, &place(claim), &row.sealed_body)?;
        Ok(Earlier::Same(Answer::new(u16::try_from(row.status).unwrap_or(200), row.location, body)))
    }

    /// Forgets answers that are older than the setting says.
    pub async fn forget_old_answers(&self) -> Result<usize, Error> {
        let before = self.now_micros() - i64::from(self.config.idempotency_days) * 86_400_000_000;
        Ok(self.store.write(move |tx| idempotency::delete_before(tx.conn, before)).await?)
    }
}
