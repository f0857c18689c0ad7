//! Opaque identifiers with a kind prefix, sortable by creation.
//!
//! The part behind the prefix is a ULID in lower case: 48 bits of milliseconds and 80 bits of chance. It is never a row number,
//! so that nobody can count what the registry holds.

use super::rule::Malformed;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What the identifier that was made last was made of: milliseconds, and 80 bits that keep it apart from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LastId {
    pub at_millis: u64,
    pub chance: u128,
}

impl LastId {
    const CHANCE_MAX: u128 = (1 << 80) - 1;

    /// What the next one is made of. Within a millisecond it stands behind the last by a distance that nobody knows, so that identifiers
    /// are in the order in which they were made and still neither count anything nor can be guessed.
    #[must_use]
    pub fn next(self, at_millis: u64, chance: u128) -> Self {
        let behind = self.chance + (chance & u128::from(u64::MAX)) + 1;
        if self.at_millis == at_millis && behind <= Self::CHANCE_MAX {
            return LastId { chance: behind, ..self };
        }
        // The lower half leaves room for those that follow.
        LastId { at_millis, chance: chance & (Self::CHANCE_MAX >> 1) }
    }
}

macro_rules! identifier {
    ($(#[$meta:meta])* $name:ident, $prefix:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl TryFrom<String> for $name {
            type Error = Malformed;

            fn try_from(text: String) -> Result<Self, Malformed> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl $name {
            /// `at_millis` orders identifiers by creation; `chance` keeps them apart and unguessable.
            pub fn new(at_millis: u64, chance: u128) -> Self {
                let ulid = ulid::Ulid::from_parts(at_millis, chance);
                $name(format!("{}{}", $prefix, ulid.to_string().to_lowercase()))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Malformed> {
                let malformed = || {
                    Malformed::new(
                        format!("expected an identifier of the form {}…, 26 characters after the prefix", $prefix),
                        format!("应为 {}… 形式的标识，前缀后 26 个字符", $prefix),
                    )
                };
                let tail = text.strip_prefix($prefix).ok_or_else(malformed)?;
                let canonical = tail.len() == 26
                    && tail.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
                    && ulid::Ulid::from_string(tail).is_ok();
                if canonical { Ok($name(text.to_owned())) } else { Err(malformed()) }
            }
        }
    };
}

identifier!(/// A worker's record.
    WorkerId, "wkr_");
identifier!(/// One document of a worker.
    DocumentId, "doc_");
identifier!(/// An organisation: provider, assessment body, employer or authority.
    OrganisationId, "org_");
identifier!(/// A filing of an assessment body with the labour authority.
    FilingId, "fil_");
identifier!(/// A program that calls in the name of an organisation.
    ClientId, "cli_");
identifier!(/// An assessment session.
    SessionId, "ses_");
identifier!(/// A certificate, whatever its number.
    CertificateId, "crt_");
identifier!(/// A long-running job.
    JobId, "job_");
identifier!(/// A batch of certificates, which is a job too.
    BatchId, "bat_");
identifier!(/// A training class.
    ClassId, "cls_");
identifier!(/// An entry of the credit ledger.
    CreditEntryId, "crd_");
identifier!(/// A place in a skills competition.
    CompetitionResultId, "cmp_");
identifier!(/// A sign of fraud.
    SignalId, "sig_");
identifier!(/// A membership of a priority group.
    GroupId, "grp_");
identifier!(/// A worker's session.
    WorkerSessionId, "wse_");
identifier!(/// A session of a client in a browser.
    ClientSessionId, "cse_");
identifier!(/// A change of status that waits for a second person.
    StatusProposalId, "spr_");
identifier!(/// One look at a certificate.
    LookupId, "lku_");
identifier!(/// A file that a worker took away.
    ExportId, "exp_");
identifier!(/// A link by which a worker shows parts of their record.
    ShareId, "shr_");
identifier!(/// An offer of a certificate to a wallet.
    WalletOfferId, "wof_");
identifier!(/// Two records that were joined.
    MergeId, "mrg_");
identifier!(/// A contested entry.
    DisputeId, "dsp_");
identifier!(/// One import of a catalogue list.
    ImportId, "imp_");
identifier!(/// One recorded fact: an entry of the log.
    FactId, "fct_");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_reads_back_and_sorts_by_creation() {
        let early = WorkerId::new(1, u128::MAX);
        let late = WorkerId::new(2, 0);
        assert!(early < late);
        assert_eq!(early.to_string().parse::<WorkerId>().unwrap(), early);
    }

    #[test]
    fn identifiers_of_one_millisecond_stand_in_their_order_and_far_apart() {
        let mut last = LastId::default().next(7, u128::MAX);
        for chance in [0, 1, u128::MAX, 5] {
            let next = last.next(7, chance);
            assert!(WorkerId::new(last.at_millis, last.chance) < WorkerId::new(next.at_millis, next.chance));
            last = next;
        }
        assert!(last.chance - LastId::default().next(7, u128::MAX).chance > u128::from(u64::MAX), "the distance is chance");
        // Another millisecond begins anew.
        assert_eq!(last.next(8, 3), LastId { at_millis: 8, chance: 3 });
        // What would not fit begins anew too.
        let full = LastId { at_millis: 7, chance: (1 << 80) - 1 };
        assert_eq!(full.next(7, 9), LastId { at_millis: 7, chance: 9 });
    }

    #[test]
    fn another_prefix_length_or_case_is_refused() {
        let text = WorkerId::new(1, 7).to_string();
        for wrong in [text.replace("wkr_", "org_"), text[..29].to_owned(), text.to_uppercase(), format!("{text}0"), String::new()] {
            assert!(wrong.parse::<WorkerId>().is_err(), "{wrong}");
        }
    }
}
