//! What a verification asks and answers (VE-1 to VE-5).

use super::certificate::CertificateState;
use super::organisation::names;
use super::permit::is_review_overdue;
use super::rule::{Malformed, Violation};
use super::text::Text;
use chrono::NaiveDate;

/// The answers of VE-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Valid,
    Expired,
    ReviewOverdue,
    Suspended,
    Revoked,
    Withdrawn,
    Cancelled,
    Superseded,
    NotFound,
}

names!(Outcome {
    Valid => "valid",
    Expired => "expired",
    ReviewOverdue => "review_overdue",
    Suspended => "suspended",
    Revoked => "revoked",
    Withdrawn => "withdrawn",
    Cancelled => "cancelled",
    Superseded => "superseded",
    NotFound => "not_found",
});

impl Outcome {
    /// Of two certificates shown together, how the one stands that counts less.
    pub fn or_worse(self, other: Outcome) -> Outcome {
        let weight = |outcome: Outcome| match outcome {
            Outcome::Valid => 0,
            Outcome::ReviewOverdue => 1,
            Outcome::Expired => 2,
            Outcome::Superseded => 3,
            Outcome::Suspended => 4,
            Outcome::Cancelled => 5,
            Outcome::Withdrawn => 6,
            Outcome::Revoked => 7,
            Outcome::NotFound => 8,
        };
        if weight(other) > weight(self) { other } else { self }
    }

    /// The outcome as a person reads it.
    pub fn name(self) -> Text {
        let (en, zh) = match self {
            Outcome::Valid => ("Valid", "有效"),
            Outcome::Expired => ("Expired", "已过有效期"),
            Outcome::ReviewOverdue => ("Review overdue", "逾期未复审"),
            Outcome::Suspended => ("Suspended", "已暂停"),
            Outcome::Revoked => ("Revoked", "已撤销"),
            Outcome::Withdrawn => ("Withdrawn", "已撤回"),
            Outcome::Cancelled => ("Cancelled", "已注销"),
            Outcome::Superseded => ("Superseded", "已被新版替代"),
            Outcome::NotFound => ("Not found", "未查到"),
        };
        Text::new(en, zh)
    }

    /// What the outcome means for whoever asked, in one sentence.
    pub fn meaning(self) -> Text {
        let (en, zh) = match self {
            Outcome::Valid => ("The certificate was issued by a body that had the right to, and it is in force today.", "该证书由具备资格的机构颁发，今日有效。"),
            Outcome::Expired => ("The certificate is genuine, but its last valid day has passed.", "该证书真实，但有效期已过。"),
            Outcome::ReviewOverdue => ("The permit is genuine, but its review is overdue: it must not be used for work until the review is passed.", "该操作证真实，但逾期未复审，复审合格前不得凭此上岗。"),
            Outcome::Suspended => ("The certificate is genuine, but it does not count for the time being.", "该证书真实，但目前暂停使用。"),
            Outcome::Revoked => ("The certificate was taken back and does not count.", "该证书已被撤销，不再有效。"),
            Outcome::Withdrawn => ("The record was withdrawn by the authority and does not count.", "该证书信息已被主管部门撤回，不再有效。"),
            Outcome::Cancelled => ("The certificate was cancelled and does not count.", "该证书已注销，不再有效。"),
            Outcome::Superseded => ("What was shown is an older version. A corrected one has taken its place: that one counts, as it stands.", "所出示的是旧版本，已有更正后的新版本，请以新版本及其状态为准。"),
            Outcome::NotFound => ("Nothing in this registry fits what was given. That does not mean that it is false.", "本登记系统没有与所给信息全部相符的证书，但这不等于证书为假。"),
        };
        Text::new(en, zh)
    }
}

/// What stands above the answer of a verification, for people. The interface has one word, `not_found`, for four things that nobody may
/// take for each other when a document was shown, and for a certificate that nobody had the right to issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heading {
    Outcome(Outcome),
    /// What was shown was changed, or was never issued by whom it names.
    Forged,
    /// Genuine, but by a body that no filing gave the right to issue it on that day.
    NoRight,
    /// Signed by a key that was stolen, and nothing says before when.
    StolenKey,
    /// There is no certificate in what was shown.
    NoDocument,
}

impl Heading {
    /// By the outcome, and by each check with whether it failed.
    pub fn of<'a>(outcome: Outcome, checks: impl Iterator<Item = (&'a str, bool)> + Clone) -> Self {
        let has = |wanted: &[&str]| checks.clone().any(|(name, _)| wanted.contains(&name));
        let has_failed = |wanted: &[&str]| checks.clone().any(|(name, has_failed)| has_failed && wanted.contains(&name));
        if outcome != Outcome::NotFound || !has(&["proof", "file", "key", "document", "right_to_issue"]) {
            Heading::Outcome(outcome)
        } else if has_failed(&["document"]) || checks.clone().all(|(name, has_failed)| name == "file" && has_failed) {
            Heading::NoDocument
        } else if has_failed(&["file", "proof", "record", "log"]) {
            Heading::Forged
        } else if has_failed(&["right_to_issue"]) {
            Heading::NoRight
        } else if has_failed(&["key"]) {
            Heading::StolenKey
        } else {
            Heading::Outcome(outcome)
        }
    }

    /// Names its shape and its colour.
    pub fn code(self) -> &'static str {
        match self {
            Heading::Outcome(outcome) => outcome.as_str(),
            Heading::Forged => "forged",
            Heading::NoRight => "no_right",
            Heading::StolenKey => "stolen_key",
            Heading::NoDocument => "no_document",
        }
    }

    pub fn name(self) -> Text {
        match self {
            Heading::Outcome(outcome) => outcome.name(),
            Heading::Forged => Text::new("Do not trust this file", "请勿采信此文件"),
            Heading::NoRight => Text::new("Issued without the right to", "发证机构当日无此资格"),
            Heading::StolenKey => Text::new("Signed by a stolen key", "由被盗用的密钥签署"),
            Heading::NoDocument => Text::new("No certificate in this file", "文件中没有可核验的证书"),
        }
    }

    /// What it means for whoever asked, in one sentence.
    pub fn meaning(self) -> Text {
        match self {
            Heading::Outcome(outcome) => outcome.meaning(),
            Heading::Forged => Text::new("It was changed, or it is not by whom it names. Do not rely on what it says.", "文件被改动，或并非由其所称的机构签发，其内容不可信。"),
            Heading::NoRight => Text::new("On the day of issue no filing gave the body the right to issue it. Do not rely on it.", "发证当日没有备案赋予该机构颁发此证书的资格，不予采信。"),
            Heading::StolenKey => Text::new("Nothing shows that it was signed before the theft, so it does not count. A copy that is taken now is signed by another key.", "无法证明其签署于密钥被盗之前，因此不予采信；现在重新下载的文件由新密钥签署。"),
            Heading::NoDocument => Text::new("Nothing that can be verified was found in it, which says nothing about the certificate itself.", "文件中没有可以核验的内容；这不说明证书本身的真假。"),
        }
    }
}

/// What the outcome of a learner record means: it is genuine, and its outcome is that of the certificate in it that counts least.
pub fn meaning_of_record(outcome: Outcome) -> Text {
    match outcome {
        Outcome::Valid => Text::new("This registry handed out the record, and every certificate in it is in force today.", "该档案由本登记系统出具，所含证书今日全部有效。"),
        _ => Text::new("The record is genuine, but not every certificate in it counts today: see each below.", "该档案真实，但所含证书今日并非全部有效，请逐一查看。"),
    }
}

/// The checks that there are.
pub const CHECKS: [&str; 14] =
    ["record", "log", "witnesses", "key", "proof", "issuer", "schema", "right_to_issue", "status", "validity", "review", "file", "document", "certificates"];

/// What a check is called where people read it.
pub fn check_name(check: &str) -> Text {
    let (en, zh) = match check {
        "record" => ("On record", "登记记录"),
        "log" => ("In the public log", "公开日志"),
        "witnesses" => ("Witnesses", "第三方见证"),
        "key" => ("Key", "签名密钥"),
        "proof" => ("Signature", "数字签名"),
        "issuer" => ("Issuer", "签发者"),
        "schema" => ("Form of the document", "文件格式"),
        "right_to_issue" => ("Right to issue on that day", "发证当日资格"),
        "status" => ("Status", "证书状态"),
        "validity" => ("Period of validity", "有效期"),
        "review" => ("Review", "复审"),
        "file" => ("The file as a whole", "文件完整性"),
        "document" => ("A document that can be verified", "可核验的文件"),
        "certificates" => ("Certificates in it", "所含证书"),
        other => return Text::new(other.to_owned(), other.to_owned()),
    };
    Text::new(en, zh)
}

/// VE-1: two of three facts. One alone is refused, whatever it is.
pub fn query_findings(has_number: bool, has_name: bool, has_document: bool) -> Option<Violation> {
    let given = [has_number, has_name, has_document].iter().filter(|given| **given).count();
    (given < 2).then(|| {
        let detail = Text::new(
            format!("{given} of certificate_number, name and document_number given, at least two expected"),
            format!("证书编号、姓名、证件号码中给出 {given} 项，至少需要两项"),
        );
        Violation::deny("VE-1", detail).fact("given", given)
    })
}

/// What to do next when a check did not pass, in an answer of this outcome. None for one that was not made because another one failed,
/// which says it.
pub fn next_step(check: &str, is_pending: bool, outcome: Outcome) -> Option<Text> {
    // A proof that was not checked waits for nothing; the check of the issuer says what to do.
    if is_pending {
        return (check != "proof" && check != "file").then(|| Text::new("Ask again in a minute; if it stays so, ask the issuer.", "请一分钟后再查；如仍如此，请向签发者核实。"));
    }
    Some(match check {
        "record" => Text::new(
            "Compare every character with the paper, and ask the holder for the file as it was downloaded. If all is right, ask the issuing body, or look it up at 技能人才评价证书全国联网查询 (zscx.osta.org.cn).",
            "请与证书逐字核对，并请持证人提供下载的原始文件；无误的，请向发证机构核实，或查询技能人才评价证书全国联网查询（zscx.osta.org.cn）。",
        ),
        "file" => Text::new("Ask the holder for the file as it was downloaded; believe what the credential says, not what the page shows.", "请持证人提供下载的原始文件；以凭证内容为准，勿以页面所示为准。"),
        "proof" | "document" => Text::new("Ask the holder for the file as it was downloaded, or verify by certificate number and name.", "请持证人提供下载的原始文件，或按证书编号和姓名查询。"),
        "schema" => Text::new("Ask the issuing body for a document that follows the standard.", "请向发证机构索取符合标准的文件。"),
        "issuer" => Text::new("Ask the issuer itself; whoever runs this registry can list it as trusted.", "请向签发者核实；本登记系统运营方可将其列为信任机构。"),
        "key" => Text::new("Ask the holder for a copy that is taken now; if that does not count either, the issuing body has to issue the certificate again.", "请持证人重新下载后再核验；如仍不予采信，须由发证机构重新签发。"),
        "log" | "right_to_issue" => Text::new("Do not rely on it. Report it to the supervising authority.", "请勿采信，并向监管部门反映。"),
        "certificates" => Text::new("Look at each certificate below; the record itself is genuine.", "请逐一查看下列证书；档案本身真实。"),
        "status" => match outcome {
            Outcome::Suspended => Text::new("Do not rely on it for now. Ask the issuing body for the reason, and ask here again: a suspension can end.", "暂勿采信。请向发证机构了解原因，并可再次查询：暂停可能解除。"),
            Outcome::Superseded => Text::new("Ask the holder for the file or paper of today, or verify by certificate number and the name on their identity document: the new version answers.", "请持证人提供今日下载的文件或证书，或按证书编号和身份证件上的姓名查询新版本。"),
            Outcome::Withdrawn => Text::new("Do not rely on it. Ask the supervising authority for the reason, and the holder for a certificate that is in force.", "请勿采信。请向监管部门了解撤回原因，并请持证人提供有效证书。"),
            _ => Text::new("Do not rely on it. Ask the issuing body for the reason, and the holder for a certificate that is in force.", "请勿采信。请向发证机构了解原因，并请持证人提供有效证书。"),
        },
        "validity" => Text::new("Ask the holder for a certificate that is valid today.", "请持证人提供当前有效的证书。"),
        "review" => Text::new("The holder must pass the review before working with this permit.", "持证人须通过复审后方可凭此证作业。"),
        _ => return None,
    })
}

/// The facts that decide how a certificate stands on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingFacts {
    pub state: CertificateState,
    /// Whether a newer version of the same certificate exists than the one that was shown.
    pub is_superseded: bool,
    pub valid_to: Option<NaiveDate>,
    pub review_due_on: Option<NaiveDate>,
    pub reviewed_on: Option<NaiveDate>,
}

/// How a certificate stands on `day`. What was done to it weighs more than what time did.
pub fn standing_on(facts: &StandingFacts, day: NaiveDate) -> Outcome {
    match facts.state {
        CertificateState::Revoked => return Outcome::Revoked,
        CertificateState::Withdrawn => return Outcome::Withdrawn,
        CertificateState::Cancelled => return Outcome::Cancelled,
        CertificateState::Suspended => return Outcome::Suspended,
        _ if facts.is_superseded => return Outcome::Superseded,
        CertificateState::Issued => {}
    }
    if facts.valid_to.is_some_and(|last| day > last) {
        return Outcome::Expired;
    }
    if facts.review_due_on.is_some_and(|due| is_review_overdue(due, facts.reviewed_on, day)) {
        return Outcome::ReviewOverdue;
    }
    Outcome::Valid
}

/// Why somebody looked at another person's certificate: the legal ground that was given (Personal Information Protection Law, article 13),
/// or what was done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ground {
    /// The holder agreed.
    Consent,
    /// Needed for a contract with the holder, or for managing staff.
    Employment,
    /// A duty by law, such as certified staff for special operations.
    LegalDuty,
    /// The body that issued it set the holder's photograph into a paper. Nobody gives this ground in a request.
    Photograph,
}

impl Ground {
    pub fn as_str(self) -> &'static str {
        match self {
            Ground::Consent => "consent",
            Ground::Employment => "employment",
            Ground::LegalDuty => "legal_duty",
            Ground::Photograph => "photograph",
        }
    }
}

impl std::str::FromStr for Ground {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        [Ground::Consent, Ground::Employment, Ground::LegalDuty]
            .into_iter()
            .find(|ground| ground.as_str() == text)
            .ok_or_else(|| Malformed::new("one of consent, employment, legal_duty expected", "应为 consent、employment 或 legal_duty"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forged_file_is_not_taken_for_a_slip_of_the_pen() {
        let heading = |outcome: Outcome, checks: &[(&str, bool)]| Heading::of(outcome, checks.iter().copied());
        let of_document = [("proof", true), ("schema", false), ("validity", false), ("record", true)];
        assert_eq!(heading(Outcome::NotFound, &of_document), Heading::Forged);
        assert_eq!(heading(Outcome::NotFound, &[("file", true), ("proof", false), ("schema", false)]), Heading::Forged);
        assert_eq!(heading(Outcome::NotFound, &[("proof", false), ("schema", false), ("record", false), ("log", true)]), Heading::Forged);
        assert_eq!(heading(Outcome::NotFound, &[("proof", true)]), Heading::Forged, "a signature or a disclosure that fits nothing");
        assert_eq!(heading(Outcome::NotFound, &[("document", true)]), Heading::NoDocument);
        assert_eq!(heading(Outcome::NotFound, &[("file", false), ("document", true)]), Heading::NoDocument);
        assert_eq!(heading(Outcome::NotFound, &[("file", false), ("proof", false), ("key", true)]), Heading::StolenKey);
        assert_eq!(heading(Outcome::NotFound, &[("key", true), ("record", true)]), Heading::Forged);
        assert_eq!(heading(Outcome::NotFound, &[("file", true)]), Heading::NoDocument);
        assert_eq!(heading(Outcome::NotFound, &[("record", true)]), Heading::Outcome(Outcome::NotFound));
        assert_eq!(heading(Outcome::NotFound, &[("proof", false), ("issuer", true)]), Heading::Outcome(Outcome::NotFound));
        assert_eq!(heading(Outcome::Revoked, &[("proof", false), ("status", true)]), Heading::Outcome(Outcome::Revoked));
    }

    #[test]
    fn whoever_is_refused_is_told_what_to_do_in_both_languages() {
        for name in CHECKS {
            assert!(check_name(name).zh.chars().any(|c| c > '\u{4e00}') && check_name(name).en != name, "{name}");
            // Witnesses are waited for; they never fail.
            let step = next_step(name, name == "witnesses", Outcome::NotFound).unwrap_or_else(|| panic!("{name}"));
            assert!(step.zh.chars().any(|c| c > '\u{4e00}') && step.en.ends_with('.'), "{name}");
        }
        let pending = |name| next_step(name, true, Outcome::Valid);
        assert!(pending("witnesses").is_some() && pending("status").is_some());
        assert!(pending("proof").is_none() && pending("file").is_none(), "nothing is waited for");
        let of_status = |outcome| next_step("status", false, outcome).unwrap();
        assert!(of_status(Outcome::Suspended).en.contains("can end") && !of_status(Outcome::Revoked).en.contains("can end"), "nobody waits for a revoked certificate");
        assert!(of_status(Outcome::Superseded).en.contains("new version") && of_status(Outcome::Withdrawn).zh.contains("监管部门"));
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn one_fact_alone_is_refused() {
        assert_eq!(query_findings(true, false, false).unwrap().rule, "VE-1");
        assert!(query_findings(false, false, false).is_some());
        for (number, name, document) in [(true, true, false), (true, false, true), (false, true, true), (true, true, true)] {
            assert!(query_findings(number, name, document).is_none());
        }
    }

    #[test]
    fn acts_weigh_more_than_dates() {
        let facts = StandingFacts { state: CertificateState::Issued, is_superseded: false, valid_to: Some(day("2028-05-09")), review_due_on: Some(day("2025-05-10")), reviewed_on: None };
        assert_eq!(standing_on(&facts, day("2025-05-10")), Outcome::Valid);
        assert_eq!(standing_on(&facts, day("2025-05-11")), Outcome::ReviewOverdue);
        assert_eq!(standing_on(&facts, day("2028-05-10")), Outcome::Expired);
        assert_eq!(standing_on(&StandingFacts { reviewed_on: Some(day("2025-05-01")), ..facts }, day("2026-01-01")), Outcome::Valid);
        assert_eq!(standing_on(&StandingFacts { is_superseded: true, ..facts }, day("2025-01-01")), Outcome::Superseded);
        for (state, outcome) in [
            (CertificateState::Revoked, Outcome::Revoked),
            (CertificateState::Withdrawn, Outcome::Withdrawn),
            (CertificateState::Cancelled, Outcome::Cancelled),
            (CertificateState::Suspended, Outcome::Suspended),
        ] {
            assert_eq!(standing_on(&StandingFacts { state, is_superseded: true, ..facts }, day("2030-01-01")), outcome);
        }
        assert_eq!(standing_on(&StandingFacts { state: CertificateState::Suspended, ..facts }, day("2030-01-01")), Outcome::Suspended);
    }
}
