//! What a session says, in memory while nobody changes it.
//!
//! Everybody of a session gets a certificate within minutes, from one set of facts: the session, its notice, its candidates and
//! their scores. They are read once. A certificate is written only if the stamp of the facts is still the one in the database, so
//! that no certificate rests on old facts; and a refusal is given only after the stamp was compared, so that no refusal does.

use super::Registry;
use super::error::Error;
use crate::domain::id::SessionId;
use crate::store::assessments::{self as store, CandidateRow, PublicationRow, ScoreRow, SessionRow};
use crate::store::counters;
use std::collections::HashMap;
use std::sync::Arc;

/// Candidates of all sessions in memory together: some 100 MB.
const CANDIDATES_MAX: u64 = 200_000;
const SESSIONS_EXPECTED: usize = 1_000;

/// A session as the rules of issuing look at it.
#[derive(Debug)]
pub struct SessionFacts {
    pub row: SessionRow,
    /// The newest publication.
    pub publication: Option<PublicationRow>,
    /// By worker, each with the newest scores.
    pub candidates: HashMap<String, (CandidateRow, Option<ScoreRow>)>,
    /// Grows with every change of candidates, scores or publications.
    pub stamp: i64,
}

/// Counts a session by its candidates.
#[derive(Debug, Clone)]
struct Candidates;

impl quick_cache::Weighter<String, Arc<SessionFacts>> for Candidates {
    fn weight(&self, _: &String, facts: &Arc<SessionFacts>) -> u64 {
        facts.candidates.len() as u64 + 1
    }
}

/// The sessions that were asked for last.
pub struct SessionCache(quick_cache::sync::Cache<String, Arc<SessionFacts>, Candidates>);

impl Default for SessionCache {
    fn default() -> Self {
        // One shard: a shard takes nothing larger than its own share, and a large session read again for each certificate would cost
        // its size every time.
        let options = quick_cache::OptionsBuilder::new().shards(1).estimated_items_capacity(SESSIONS_EXPECTED).weight_capacity(CANDIDATES_MAX).build().expect("every option is given");
        SessionCache(quick_cache::sync::Cache::with_options(options, Candidates, quick_cache::DefaultHashBuilder::default(), quick_cache::sync::DefaultLifecycle::default()))
    }
}

impl Registry {
    /// The facts of a session, remembered or read; None when there is no such session.
    pub(super) async fn session_facts(&self, id: &SessionId) -> Result<Option<Arc<SessionFacts>>, Error> {
        if let Some(known) = self.sessions.0.get(id.as_str()) {
            return Ok(Some(known));
        }
        let wanted = id.to_string();
        let read = self
            .store
            .read_snapshot(move |conn| {
                let stamp = counters::read_stamp(conn, &counters::stamp_of(&wanted))?;
                let Some(row) = store::find_session(conn, &wanted)? else { return Ok(None) };
                let publication = store::find_publication(conn, &wanted)?;
                Ok(Some((stamp, row, publication, store::list_all_candidates(conn, &wanted)?, store::list_all_scores(conn, &wanted)?)))
            })
            .await?;
        let Some((stamp, row, publication, candidates, scores)) = read else { return Ok(None) };
        // Oldest first, so the newest stays.
        let mut newest: HashMap<String, ScoreRow> = scores.into_iter().map(|row| (row.worker_id.clone(), row)).collect();
        let candidates = candidates
            .into_iter()
            .map(|candidate| {
                let scores = newest.remove(&candidate.worker_id);
                (candidate.worker_id.clone(), (candidate, scores))
            })
            .collect();
        let facts = Arc::new(SessionFacts { row, publication, candidates, stamp });
        self.sessions.0.insert(id.to_string(), Arc::clone(&facts));
        Ok(Some(facts))
    }

    pub(super) fn forget_session(&self, id: &str) {
        self.sessions.0.remove(id);
    }
}
