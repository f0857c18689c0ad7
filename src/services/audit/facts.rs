//! Rows against the entries of the log that commit to them.

use super::Audit;
use crate::services::disputes::answer_place;
use crate::services::groups::end_place;
use crate::store::backend::Conn;
use crate::store::error::StoreError;
use crate::store::facts::{self, for_each};
use crate::store::merges;
use crate::vault::Sealed;
use std::collections::HashSet;

impl Audit<'_> {
    /// Every row that is a fact by itself, against its entry.
    pub(super) fn facts(&mut self, conn: &mut Conn) -> Result<(), StoreError> {
        for_each(conn, facts::page_keys, |row| self.fact("signing_keys", &row))?;
        for_each(conn, facts::page_key_revocations, |row| self.fact("key_revocations", &row))?;
        for_each(conn, facts::page_imports, |row| self.fact("catalogue_imports", &row))?;
        for_each(conn, facts::page_organisations, |row| self.fact("organisations", &row))?;
        for_each(conn, facts::page_organisation_versions, |row| self.fact("organisation_versions", &row))?;
        for_each(conn, facts::page_number_prefixes, |row| self.fact("number_prefixes", &row))?;
        for_each(conn, facts::page_filings, |row| self.fact("filing_versions", &row))?;
        for_each(conn, facts::page_clients, |row| self.fact("clients", &row))?;
        for_each(conn, facts::page_client_revocations, |row| self.fact("client_revocations", &row))?;
        for_each(conn, facts::page_workers, |row| self.fact("workers", &row))?;
        for_each(conn, facts::page_worker_names, |row| self.fact("worker_names", &row))?;
        for_each(conn, facts::page_worker_documents, |row| self.fact("worker_documents", &row))?;
        for_each(conn, facts::page_merges, |row| {
            self.fact("worker_merges", &row)?;
            self.known.once_joined.extend([row.worker_id.clone(), row.merged_worker_id.clone()]);
            self.known.joined.push((row.id, row.merged_worker_id, row.worker_id));
            Ok(())
        })?;
        let mut ended = HashSet::new();
        for_each(conn, facts::page_merge_ends, |row| {
            self.fact("worker_merge_ends", &row)?;
            ended.insert(row.merge_id);
            Ok(())
        })?;
        self.known.joined.retain(|(merge, ..)| !ended.contains(merge));
        self.known.joined.sort_by(|one, other| one.1.cmp(&other.1));
        let projected: Vec<(String, String, String)> = merges::list_merged(conn)?.into_iter().map(|row| (row.merge_id, row.worker_id, row.into_worker_id)).collect();
        if projected != self.known.joined {
            self.fault("merged_workers: it does not follow from the joins and their ends".to_owned());
        }
        for_each(conn, facts::page_sessions, |row| self.fact("assessment_sessions", &row))?;
        for_each(conn, facts::page_candidates, |row| self.fact("session_candidates", &row))?;
        for_each(conn, facts::page_scores, |row| self.fact("session_scores", &row))?;
        for_each(conn, facts::page_publications, |row| self.fact("session_publications", &row))?;
        for_each(conn, facts::page_classes, |row| self.fact("training_classes", &row))?;
        for_each(conn, facts::page_enrolments, |row| self.fact("class_enrolments", &row))?;
        self.attendance(conn)?;
        self.statements(conn)?;
        for_each(conn, facts::page_statement_voids, |row| self.fact("statement_voids", &row))?;
        for_each(conn, facts::page_voids, |row| self.fact("attendance_voids", &row))?;
        for_each(conn, facts::page_closings, |row| self.fact("class_closings", &row))?;
        for_each(conn, facts::page_annulments, |row| self.fact("class_annulments", &row))?;
        for_each(conn, facts::page_competition_results, |row| {
            self.fact("competition_results", &row)?;
            self.known.results.insert(row.id, false);
            Ok(())
        })?;
        for_each(conn, facts::page_competition_annulments, |row| {
            self.fact("competition_annulments", &row)?;
            self.known.results.insert(row.result_id, true);
            Ok(())
        })?;
        for_each(conn, facts::page_signals, |row| self.fact("signals", &row))?;
        for_each(conn, facts::page_groups, |row| {
            self.fact("worker_groups", &row)?;
            // The fact holds a hash of what is sealed.
            let membership = self.registry.vault.open_text(Sealed::Membership, &row.id, &row.sealed_membership);
            if !membership.is_ok_and(|text| self.registry.membership_hash(&row.id, &text) == row.membership_hash) {
                self.fault(format!("worker_groups {}: what is sealed is not what was recorded", row.id));
            }
            Ok(())
        })?;
        for_each(conn, facts::page_group_ends, |row| {
            self.fact("worker_group_ends", &row)?;
            let reason = self.registry.vault.open_text(Sealed::Membership, &end_place(&row.group_id), &row.sealed_reason);
            if !reason.is_ok_and(|text| self.registry.membership_hash(&end_place(&row.group_id), &text) == row.reason_hash) {
                self.fault(format!("worker_group_ends {}: what is sealed is not what was recorded", row.group_id));
            }
            Ok(())
        })?;
        for_each(conn, facts::page_wallet_offers, |row| self.fact("wallet_offers", &row))?;
        for_each(conn, facts::page_wallet_pickups, |row| self.fact("wallet_pickups", &row))?;
        for_each(conn, facts::page_wallet_credentials, |row| self.fact("wallet_credentials", &row))?;
        for_each(conn, facts::page_access_codes, |row| self.fact("access_codes", &row))?;
        for_each(conn, facts::page_worker_sessions, |row| self.fact("worker_sessions", &row))?;
        for_each(conn, facts::page_session_ends, |row| self.fact("worker_session_ends", &row))?;
        for_each(conn, facts::page_status_proposals, |row| self.fact("status_proposals", &row))?;
        for_each(conn, facts::page_status_decisions, |row| self.fact("status_decisions", &row))?;
        for_each(conn, facts::page_client_sessions, |row| self.fact("client_sessions", &row))?;
        for_each(conn, facts::page_client_session_ends, |row| self.fact("client_session_ends", &row))?;
        for_each(conn, facts::page_shares, |row| {
            self.fact("shares", &row)?;
            self.sealed("shares", Sealed::ShareTerms, &row.id, &row.sealed_terms, &row.terms_hash);
            Ok(())
        })?;
        for_each(conn, facts::page_share_ends, |row| self.fact("share_ends", &row))?;
        for_each(conn, facts::page_share_redemptions, |row| self.fact("share_redemptions", &row))?;
        for_each(conn, facts::page_share_views, |row| self.fact("share_views", &row))?;
        for_each(conn, facts::page_disputes, |row| {
            self.fact("disputes", &row)?;
            self.sealed("disputes", Sealed::Dispute, &row.id, &row.sealed_statement, &row.statement_hash);
            Ok(())
        })?;
        for_each(conn, facts::page_dispute_answers, |row| {
            self.fact("dispute_answers", &row)?;
            self.sealed("dispute_answers", Sealed::Dispute, &answer_place(&row.dispute_id), &row.sealed_answer, &row.answer_hash);
            Ok(())
        })?;
        for_each(conn, facts::page_exports, |row| self.fact("history_exports", &row))?;
        for_each(conn, facts::page_record_lookups, |row| self.fact("record_lookups", &row))?;
        for_each(conn, facts::page_lookups, |row| self.fact("lookups", &row))?;
        for_each(conn, facts::page_jobs, |row| self.fact("jobs", &row.as_requested()))?;
        for_each(conn, facts::page_status_changes, |row| {
            self.fact("status_changes", &row)?;
            // In order of sequence, so the last one stays.
            self.known.states.entry(row.certificate_id).or_insert_with(|| (String::new(), None)).0 = row.state_after;
            Ok(())
        })?;
        for_each(conn, facts::page_reviews, |row| {
            self.fact("permit_reviews", &row)?;
            self.known.states.entry(row.certificate_id).or_insert_with(|| (String::new(), None)).1 = Some(row.reviewed_on);
            Ok(())
        })
    }

    /// What is sealed, against the hash that its row commits to.
    pub(super) fn sealed(&mut self, table: &str, what: Sealed, place: &str, sealed: &[u8], hash: &[u8]) {
        let text = self.registry.vault.open_text(what, place, sealed);
        if !text.is_ok_and(|text| self.registry.vault.commitment(what, place, &text) == hash) {
            self.fault(format!("{table} {place}: what is sealed is not what was recorded"));
        }
    }
}
