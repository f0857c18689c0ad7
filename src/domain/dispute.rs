//! Contested entries of a record.

use super::organisation::names;

/// What a worker contests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisputeSubject {
    /// Name or documents.
    Identity,
    /// A class with its hours and result.
    Class,
    /// One interval of attendance.
    Attendance,
    /// An assessment session with its scores.
    Session,
    Certificate,
    /// An entry of the credit ledger.
    CreditEntry,
    /// A place in a skills competition.
    CompetitionResult,
}

names!(DisputeSubject {
    Identity => "identity",
    Class => "class",
    Attendance => "attendance",
    Session => "session",
    Certificate => "certificate",
    CreditEntry => "credit_entry",
    CompetitionResult => "competition_result",
});

/// How a dispute was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DisputeOutcome {
    /// The worker is right; the entry is put right by the means that it has: a void, a correction, a reversal, a new score.
    Upheld,
    /// The entry stands.
    Rejected,
}

names!(DisputeOutcome {
    Upheld => "upheld",
    Rejected => "rejected",
});
