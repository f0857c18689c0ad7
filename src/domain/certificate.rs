//! The life of a certificate (IS-7).

use super::organisation::names;
use super::rule::Violation;
use super::text::Text;

/// The stored states of an issued certificate. `expired` and `review_overdue` are computed from dates and never stored;
/// a superseded version is known by its number in the lineage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateState {
    Issued,
    Suspended,
    Revoked,
    Cancelled,
    Withdrawn,
}

names!(CertificateState {
    Issued => "issued",
    Suspended => "suspended",
    Revoked => "revoked",
    Cancelled => "cancelled",
    Withdrawn => "withdrawn",
});

/// What can be done to an issued certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StatusChange {
    Suspend,
    Resume,
    Revoke,
    Cancel,
    Withdraw,
}

names!(StatusChange {
    Suspend => "suspend",
    Resume => "resume",
    Revoke => "revoke",
    Cancel => "cancel",
    Withdraw => "withdraw",
});

impl CertificateState {
    /// IS-7: `issued` and `suspended` lead everywhere; the three ends lead nowhere. A wrongful revocation is cured by a new issue.
    pub fn after(self, change: StatusChange) -> Result<CertificateState, Violation> {
        use CertificateState::{Cancelled, Issued, Revoked, Suspended, Withdrawn};
        match (self, change) {
            (Issued, StatusChange::Suspend) => Ok(Suspended),
            (Suspended, StatusChange::Resume) => Ok(Issued),
            (Issued | Suspended, StatusChange::Revoke) => Ok(Revoked),
            (Issued | Suspended, StatusChange::Cancel) => Ok(Cancelled),
            (Issued | Suspended, StatusChange::Withdraw) => Ok(Withdrawn),
            _ => {
                let (state, change) = (self.as_str(), change.as_str());
                let detail = Text::new(format!("{change} does not lead on from {state}"), format!("状态 {state} 不能执行 {change}"));
                Err(Violation::deny("IS-7", detail).at("change").fact("state", state).fact("change", change))
            }
        }
    }

    /// Bits of the status lists: revocation is final, suspension can be lifted (Bitstring Status List v1.0, purposes).
    pub fn revocation_bit(self) -> bool {
        matches!(self, CertificateState::Revoked | CertificateState::Cancelled | CertificateState::Withdrawn)
    }

    pub fn suspension_bit(self) -> bool {
        self == CertificateState::Suspended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_are_exactly_those_of_is_7() {
        use CertificateState::*;
        let allowed = [
            (Issued, StatusChange::Suspend, Suspended),
            (Suspended, StatusChange::Resume, Issued),
            (Issued, StatusChange::Revoke, Revoked),
            (Suspended, StatusChange::Revoke, Revoked),
            (Issued, StatusChange::Cancel, Cancelled),
            (Suspended, StatusChange::Cancel, Cancelled),
            (Issued, StatusChange::Withdraw, Withdrawn),
            (Suspended, StatusChange::Withdraw, Withdrawn),
        ];
        for state in CertificateState::ALL {
            for change in StatusChange::ALL {
                let expected = allowed.iter().find(|(from, by, _)| from == state && by == change).map(|(_, _, to)| *to);
                assert_eq!(state.after(*change).ok(), expected, "{state:?} {change:?}");
            }
        }
    }

    #[test]
    fn the_ends_set_the_revocation_bit_and_only_suspension_sets_the_other() {
        let bits: Vec<_> = CertificateState::ALL.iter().map(|state| (state.revocation_bit(), state.suspension_bit())).collect();
        assert_eq!(bits, [(false, false), (false, true), (true, false), (true, false), (true, false)]);
    }
}
