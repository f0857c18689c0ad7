//! What the sources leave open: figures that the registry's operator decides, each with its rule and default.

/// Figures of rules that are marked DECIDE in the domain book. `config.rs` reads them; rules only receive them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSettings {
    /// IS-3: least score of each part, in tenths of a point out of 1,000.
    pub pass_score_tenths_min: u16,
    /// IS-4: working days of public notice, counted from the day after publication.
    pub notice_working_days: u32,
    /// Working days in which an organisation answers a contested entry.
    pub dispute_working_days: u32,
    /// SV-3: least number of assessors in a panel.
    pub panel_members_min: usize,
    /// How many days before today a certificate may be dated. Back-dating is what forgers need, so it is 0 by default.
    pub issue_backdate_days_max: u32,
    /// IS-10: years that a special operation permit is valid.
    pub permit_valid_years: u32,
    /// IS-10: years after which a permit's review is due.
    pub permit_review_years: u32,
    /// PR-4: least age of a worker in full years.
    pub worker_age_years_min: u32,
}

impl RuleSettings {
    /// The defaults of the domain book.
    pub fn standard() -> Self {
        RuleSettings {
            pass_score_tenths_min: 600,
            notice_working_days: 5,
            dispute_working_days: 15,
            panel_members_min: 3,
            issue_backdate_days_max: 0,
            permit_valid_years: 6,
            permit_review_years: 3,
            worker_age_years_min: 14,
        }
    }
}
