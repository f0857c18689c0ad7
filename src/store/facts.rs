//! Which rows are facts: how the log names each, and how an audit reads them all again.

use super::assessments::{CandidateRow, PublicationRow, ScoreRow, SessionRow};
use super::attendance::{IntervalRow, VoidRow};
use super::backend::{Conn, on};
use super::catalogue::ImportRow;
use super::certificates::{CertificateRow, CertificateStateRow, CertificateVersionRow, PermitReviewRow, StatusChangeRow};
use super::client_sessions::{ClientSessionEndRow, ClientSessionRow};
use super::competitions::{CompetitionAnnulmentRow, CompetitionResultRow};
use super::credits::CreditEntryRow;
use super::disputes::{DisputeAnswerRow, DisputeRow};
use super::error::StoreError;
use super::history::HistoryExportRow;
use super::groups::{WorkerGroupEndRow, WorkerGroupRow};
use super::jobs::JobRow;
use super::keys::{KeyRevocationRow, SigningKeyRow};
use super::merges::{WorkerMergeEndRow, WorkerMergeRow};
use super::lookups::{LookupRow, RecordLookupRow};
use super::organisations::{ClientRevocationRow, ClientRow, FilingVersionRow, NumberPrefixRow, OrganisationRow, OrganisationVersionRow};
use super::proposals::{StatusDecisionRow, StatusProposalRow};
use super::schema::client_access::*;
use super::schema::competitions::*;
use super::schema::merges::*;
use super::schema::own_affairs::*;
use super::schema::platforms::*;
use super::schema::proposals::*;
use super::schema::training::*;
use super::schema::wallets::*;
use super::schema::worker_access::*;
use super::schema::*;
use super::shares::{ShareEndRow, ShareRedemptionRow, ShareRow, ShareViewRow};
use super::signals::SignalRow;
use super::statements::{StatementRow, StatementVoidRow};
use super::training::{AnnulmentRow, ClassResultRow, ClassRow, ClosingRow, EnrolmentRow};
use super::wallets::{WalletCredentialRow, WalletOfferRow, WalletPickupRow};
use super::worker_access::{AccessCodeRow, WorkerSessionEndRow, WorkerSessionRow};
use super::workers::{WorkerDocumentRow, WorkerNameRow, WorkerRow};
use diesel::prelude::*;
use serde::Serialize;

/// A row that is a fact. The log commits to its JSON, members in the order of the table.
pub trait Recorded: Serialize {
    /// The kind that its entry has.
    fn kind(&self) -> &'static str;

    /// What tells it from every other fact of its kind.
    fn subject(&self) -> String;
}

/// A certificate with its first version: one fact.
#[derive(Serialize)]
pub struct IssuedFact<'a>(pub &'a CertificateRow, pub &'a CertificateVersionRow);

macro_rules! recorded {
    ($row:ty, $kind:literal, |$of:ident| $subject:expr) => {
        impl Recorded for $row {
            fn kind(&self) -> &'static str {
                $kind
            }

            fn subject(&self) -> String {
                let $of = self;
                $subject
            }
        }
    };
}

recorded!(SigningKeyRow, "key_added", |of| of.key_id.clone());
recorded!(KeyRevocationRow, "key_revoked", |of| of.key_id.clone());
recorded!(ImportRow, "catalogue_imported", |of| of.id.clone());
recorded!(OrganisationRow, "organisation_registered", |of| of.id.clone());
recorded!(OrganisationVersionRow, "organisation_changed", |of| format!("{}/{}", of.organisation_id, of.version));
recorded!(NumberPrefixRow, "number_prefix_assigned", |of| of.prefix.clone());
recorded!(FilingVersionRow, "filing_recorded", |of| format!("{}/{}", of.filing_id, of.version));
recorded!(ClientRow, "client_registered", |of| of.id.clone());
recorded!(ClientRevocationRow, "client_revoked", |of| of.client_id.clone());
recorded!(WorkerRow, "worker_registered", |of| of.id.clone());
recorded!(WorkerNameRow, "worker_name_recorded", |of| format!("{}/{}", of.worker_id, of.version));
recorded!(WorkerDocumentRow, "worker_document_added", |of| of.id.clone());
recorded!(WorkerMergeRow, "workers_merged", |of| of.id.clone());
recorded!(WorkerMergeEndRow, "workers_parted", |of| of.merge_id.clone());
recorded!(SessionRow, "session_registered", |of| of.id.clone());
recorded!(CandidateRow, "candidate_registered", |of| format!("{}/{}", of.session_id, of.worker_id));
recorded!(PublicationRow, "results_published", |of| format!("{}/{}", of.session_id, of.version));
recorded!(IssuedFact<'_>, "certificate_issued", |of| of.0.id.clone());
recorded!(CertificateVersionRow, "certificate_corrected", |of| format!("{}/{}", of.certificate_id, of.version));
recorded!(StatusChangeRow, "status_changed", |of| format!("{}/{}", of.certificate_id, of.sequence));
recorded!(PermitReviewRow, "permit_reviewed", |of| format!("{}/{}", of.certificate_id, of.sequence));
recorded!(JobRow, "job_requested", |of| of.id.clone());
recorded!(ClassRow, "class_registered", |of| of.id.clone());
recorded!(EnrolmentRow, "trainee_enrolled", |of| format!("{}/{}", of.class_id, of.worker_id));
recorded!(IntervalRow, "attendance_recorded", |of| format!("{}/{}/{}", of.worker_id, of.started_at, of.revision));
recorded!(StatementRow, "statement_received", |of| format!("{}/{}", of.organisation_id, of.id));
recorded!(StatementVoidRow, "statement_voided", |of| format!("{}/{}", of.organisation_id, of.statement_id));
recorded!(VoidRow, "attendance_voided", |of| format!("{}/{}/{}", of.worker_id, of.started_at, of.revision));
recorded!(ClosingRow, "class_closed", |of| of.class_id.clone());
recorded!(ClassResultRow, "class_result_recorded", |of| format!("{}/{}", of.class_id, of.worker_id));
recorded!(AnnulmentRow, "class_annulled", |of| of.class_id.clone());
recorded!(CreditEntryRow, "credits_posted", |of| of.id.clone());
recorded!(CompetitionResultRow, "competition_result_recorded", |of| of.id.clone());
recorded!(CompetitionAnnulmentRow, "competition_result_annulled", |of| of.result_id.clone());
recorded!(SignalRow, "signal_raised", |of| of.id.clone());
recorded!(WorkerGroupRow, "group_recorded", |of| of.id.clone());
recorded!(WorkerGroupEndRow, "group_ended", |of| of.group_id.clone());
recorded!(WalletOfferRow, "wallet_offered", |of| of.id.clone());
recorded!(WalletPickupRow, "wallet_offer_taken", |of| of.offer_id.clone());
recorded!(WalletCredentialRow, "wallet_credential_taken", |of| hex::encode(&of.nonce_hash));
recorded!(AccessCodeRow, "access_code_made", |of| hex::encode(&of.code_hash));
recorded!(WorkerSessionRow, "worker_signed_in", |of| of.id.clone());
recorded!(WorkerSessionEndRow, "worker_signed_out", |of| of.session_id.clone());
recorded!(StatusProposalRow, "status_change_proposed", |of| of.id.clone());
recorded!(StatusDecisionRow, "status_proposal_decided", |of| of.proposal_id.clone());
recorded!(ClientSessionRow, "client_signed_in", |of| of.id.clone());
recorded!(ClientSessionEndRow, "client_signed_out", |of| of.session_id.clone());
recorded!(ShareRow, "share_made", |of| of.id.clone());
recorded!(ShareEndRow, "share_ended", |of| of.share_id.clone());
recorded!(ShareRedemptionRow, "share_redeemed", |of| of.share_id.clone());
recorded!(ShareViewRow, "share_viewed", |of| of.id.clone());
recorded!(DisputeRow, "dispute_filed", |of| of.id.clone());
recorded!(DisputeAnswerRow, "dispute_answered", |of| of.dispute_id.clone());
recorded!(HistoryExportRow, "history_exported", |of| of.id.clone());
recorded!(RecordLookupRow, "record_looked_up", |of| of.id.clone());
recorded!(LookupRow, "certificate_looked_up", |of| of.id.clone());

impl Recorded for ScoreRow {
    /// A change of scores that were recorded before has a kind of its own: it is what supervisors look for.
    fn kind(&self) -> &'static str {
        if self.version == 1 { "scores_recorded" } else { "scores_changed" }
    }

    fn subject(&self) -> String {
        format!("{}/{}/{}", self.session_id, self.worker_id, self.version)
    }
}

/// Rows of one page of an audit.
const PAGE: i64 = 2000;

/// A page of a table behind a row, in the order of its key of one, two or three columns. The first column is compared twice, so that
/// the key's index is used whatever the database.
macro_rules! page {
    ($(#[$meta:meta])* $name:ident, $table:ident, $row:ty, $a:ident) => {
        $(#[$meta])*
        pub fn $name(conn: &mut Conn, after: Option<&$row>) -> Result<Vec<$row>, StoreError> {
            Ok(on!(conn, |c| {
                let mut query = $table::table.order($table::$a).limit(PAGE).select(<$row>::as_select()).into_boxed();
                if let Some(row) = after {
                    query = query.filter($table::$a.gt(&row.$a));
                }
                query.load(c)
            })?)
        }
    };
    ($(#[$meta:meta])* $name:ident, $table:ident, $row:ty, $a:ident, $b:ident, $c:ident) => {
        $(#[$meta])*
        pub fn $name(conn: &mut Conn, after: Option<&$row>) -> Result<Vec<$row>, StoreError> {
            Ok(on!(conn, |c| {
                let mut query = $table::table.order(($table::$a, $table::$b, $table::$c)).limit(PAGE).select(<$row>::as_select()).into_boxed();
                if let Some(row) = after {
                    let behind = $table::$b.gt(&row.$b).or($table::$b.eq(&row.$b).and($table::$c.gt(&row.$c)));
                    query = query.filter($table::$a.ge(&row.$a)).filter($table::$a.gt(&row.$a).or(behind));
                }
                query.load(c)
            })?)
        }
    };
    ($(#[$meta:meta])* $name:ident, $table:ident, $row:ty, $a:ident, $b:ident) => {
        $(#[$meta])*
        pub fn $name(conn: &mut Conn, after: Option<&$row>) -> Result<Vec<$row>, StoreError> {
            Ok(on!(conn, |c| {
                let mut query = $table::table.order(($table::$a, $table::$b)).limit(PAGE).select(<$row>::as_select()).into_boxed();
                if let Some(row) = after {
                    query = query.filter($table::$a.ge(&row.$a)).filter($table::$a.gt(&row.$a).or($table::$b.gt(&row.$b)));
                }
                query.load(c)
            })?)
        }
    };
}

page!(/// Keys.
    page_keys, signing_keys, SigningKeyRow, key_id);
page!(/// Stolen keys.
    page_key_revocations, key_revocations, KeyRevocationRow, key_id);
page!(/// Imports of lists.
    page_imports, catalogue_imports, ImportRow, id);
page!(/// Organisations.
    page_organisations, organisations, OrganisationRow, id);
page!(/// Versions of organisations.
    page_organisation_versions, organisation_versions, OrganisationVersionRow, organisation_id, version);
page!(/// Number prefixes.
    page_number_prefixes, number_prefixes, NumberPrefixRow, prefix);
page!(/// Versions of filings.
    page_filings, filing_versions, FilingVersionRow, filing_id, version);
page!(/// Clients.
    page_clients, clients, ClientRow, id);
page!(/// Ended clients.
    page_client_revocations, client_revocations, ClientRevocationRow, client_id);
page!(/// Workers.
    page_workers, workers, WorkerRow, id);
page!(/// Versions of names.
    page_worker_names, worker_names, WorkerNameRow, worker_id, version);
page!(/// Documents of workers.
    page_worker_documents, worker_documents, WorkerDocumentRow, id);
page!(/// Joined records.
    page_merges, worker_merges, WorkerMergeRow, id);
page!(/// Joins that were undone.
    page_merge_ends, worker_merge_ends, WorkerMergeEndRow, merge_id);
page!(/// Sessions.
    page_sessions, assessment_sessions, SessionRow, id);
page!(/// Candidates.
    page_candidates, session_candidates, CandidateRow, session_id, worker_id);
page!(/// Publications.
    page_publications, session_publications, PublicationRow, session_id, version);
page!(/// Certificates.
    page_certificates, certificates, CertificateRow, id);
page!(/// Where certificates stand.
    page_states, certificate_states, CertificateStateRow, certificate_id);
page!(/// Versions of certificates.
    page_certificate_versions, certificate_versions, CertificateVersionRow, certificate_id, version);
page!(/// Changes of status.
    page_status_changes, status_changes, StatusChangeRow, certificate_id, sequence);
page!(/// Reviews of permits.
    page_reviews, permit_reviews, PermitReviewRow, certificate_id, sequence);
page!(/// Classes.
    page_classes, training_classes, ClassRow, id);
page!(/// Trainees.
    page_enrolments, class_enrolments, EnrolmentRow, class_id, worker_id);
page!(/// Closings of classes.
    page_closings, class_closings, ClosingRow, class_id);
page!(/// What trainees reached.
    page_class_results, class_results, ClassResultRow, class_id, worker_id);
page!(/// Classes that were declared false.
    page_annulments, class_annulments, AnnulmentRow, class_id);
page!(/// The credit ledger, worker by worker.
    page_credit_entries, credit_entries, CreditEntryRow, worker_id, sequence);
page!(/// Places in competitions.
    page_competition_results, competition_results, CompetitionResultRow, id);
page!(/// Results that were taken back.
    page_competition_annulments, competition_annulments, CompetitionAnnulmentRow, result_id);
page!(/// Signals.
    page_signals, signals, SignalRow, id);
page!(/// Memberships of priority groups.
    page_groups, worker_groups, WorkerGroupRow, id);
page!(/// Ends of memberships.
    page_group_ends, worker_group_ends, WorkerGroupEndRow, group_id);
page!(/// Offers to wallets.
    page_wallet_offers, wallet_offers, WalletOfferRow, id);
page!(/// Wallets that came for an offer.
    page_wallet_pickups, wallet_pickups, WalletPickupRow, offer_id);
page!(/// What wallets took.
    page_wallet_credentials, wallet_credentials, WalletCredentialRow, nonce_hash);
page!(/// Access codes.
    page_access_codes, access_codes, AccessCodeRow, code_hash);
page!(/// Sessions of workers.
    page_worker_sessions, worker_sessions, WorkerSessionRow, id);
page!(/// Ended sessions of workers.
    page_session_ends, worker_session_ends, WorkerSessionEndRow, session_id);
page!(/// Changes of status that were proposed.
    page_status_proposals, status_proposals, StatusProposalRow, id);
page!(/// Decisions on them.
    page_status_decisions, status_decisions, StatusDecisionRow, proposal_id);
page!(/// Sessions of clients.
    page_client_sessions, client_sessions, ClientSessionRow, id);
page!(/// Ended sessions of clients.
    page_client_session_ends, client_session_ends, ClientSessionEndRow, session_id);
page!(/// Links of workers.
    page_shares, shares, ShareRow, id);
page!(/// Withdrawn links.
    page_share_ends, share_ends, ShareEndRow, share_id);
page!(/// Codes of platforms that were exchanged.
    page_share_redemptions, share_redemptions, ShareRedemptionRow, share_id);
page!(/// Openings of links.
    page_share_views, share_views, ShareViewRow, id);
page!(/// Contested entries.
    page_disputes, disputes, DisputeRow, id);
page!(/// Answers to disputes.
    page_dispute_answers, dispute_answers, DisputeAnswerRow, dispute_id);
page!(/// Files that workers took away.
    page_exports, history_exports, HistoryExportRow, id);
page!(/// Looks at records.
    page_record_lookups, record_lookups, RecordLookupRow, id);
page!(/// Looks at certificates.
    page_lookups, lookups, LookupRow, id);
page!(/// Jobs.
    page_jobs, jobs, JobRow, id);

page!(/// Scores.
    page_scores, session_scores, ScoreRow, session_id, worker_id, version);
page!(/// Statements of online platforms.
    page_statements, statements, StatementRow, organisation_id, id);
page!(/// Statements that were voided.
    page_statement_voids, statement_voids, StatementVoidRow, organisation_id, statement_id);
page!(/// Attendance.
    page_intervals, attendance_intervals, IntervalRow, worker_id, started_at, revision);
page!(/// Voided attendance.
    page_voids, attendance_voids, VoidRow, worker_id, started_at, revision);

/// Every row of a table, page by page.
pub fn for_each_page<R: Clone>(
    conn: &mut Conn,
    page: impl Fn(&mut Conn, Option<&R>) -> Result<Vec<R>, StoreError>,
    mut take: impl FnMut(Vec<R>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut last: Option<R> = None;
    loop {
        let rows = page(conn, last.as_ref())?;
        let Some(end) = rows.last() else { return Ok(()) };
        last = Some(end.clone());
        take(rows)?;
    }
}

/// The same, row by row.
pub fn for_each<R: Clone>(conn: &mut Conn, page: impl Fn(&mut Conn, Option<&R>) -> Result<Vec<R>, StoreError>, mut take: impl FnMut(R) -> Result<(), StoreError>) -> Result<(), StoreError> {
    for_each_page(conn, page, |rows| rows.into_iter().try_for_each(&mut take))
}
