//! The life of a certificate (IS-7).

use super::organisation::names;
use super::rule::Violation;
use super::text::Text;
use super::verification::Outcome;

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

impl CertificateState {
    /// The state as a person reads it.
    pub fn name(self) -> Text {
        match self {
            CertificateState::Issued => Text::new("In force", "正常"),
            CertificateState::Suspended => Outcome::Suspended.name(),
            CertificateState::Revoked => Outcome::Revoked.name(),
            CertificateState::Cancelled => Outcome::Cancelled.name(),
            CertificateState::Withdrawn => Outcome::Withdrawn.name(),
        }
    }
}

/// What a member of a certificate is called where people read it (certificate-formats, section 12). A member without a name keeps its own.
pub fn member_name(member: &str) -> Text {
    let (en, zh) = match member {
        "certificate_number" => ("Certificate number", "证书编号"),
        "occupation_name" => ("Occupation", "职业名称"),
        "job_type" => ("Job type", "工种/职业方向"),
        "ability" => ("Specific ability", "专项职业能力"),
        "project" => ("Training project", "培训项目"),
        "category" => ("Category of operation", "作业类别"),
        "item" => ("Operation item", "操作项目"),
        "level" => ("Skill level", "职业技能等级"),
        "sex" => ("Sex", "性别"),
        "class_hours" => ("Class hours", "课时"),
        "theory" => ("Theory score", "理论成绩"),
        "practical" => ("Practical score", "技能成绩"),
        "comprehensive" => ("Comprehensive review", "综合评审"),
        "issued_on" => ("Issued on", "发证日期"),
        "valid_from" => ("Valid from", "有效期起"),
        "valid_to" => ("Valid to", "有效期至"),
        "review_due_on" => ("Review due by", "应复审日期"),
        "issuer_name" => ("Issued by", "发证机构"),
        other => return Text::new(other.to_owned(), other.to_owned()),
    };
    Text::new(en, zh)
}

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
