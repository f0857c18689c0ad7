//! Who may do what, decided in this one place.
//!
//! An actor is known by an access token. Every service asks [`authorise`] before it does anything; handlers never decide.

use super::certificate_kind::CertificateKind;
use super::id::{ClientId, OrganisationId, WorkerId, WorkerSessionId};
use super::organisation::{OrganisationKind, names};

/// The part an actor plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Registrar,
    TrainingProvider,
    AssessmentBody,
    Employer,
    Supervisor,
    Auditor,
}

names!(Role {
    Registrar => "registrar",
    TrainingProvider => "training_provider",
    AssessmentBody => "assessment_body",
    Employer => "employer",
    Supervisor => "supervisor",
    Auditor => "auditor",
});

/// What a token may be used for. An access token carries a subset of its role's scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    RegistryAdmin,
    TrainingWrite,
    AssessmentWrite,
    CertificateIssue,
    CertificateStatus,
    VerificationBulk,
    WorkPermissionCheck,
    SupervisionRead,
    SupervisionAct,
    SubsidyDecide,
    AuditRead,
}

names!(Scope {
    RegistryAdmin => "registry.admin",
    TrainingWrite => "training.write",
    AssessmentWrite => "assessment.write",
    CertificateIssue => "certificate.issue",
    CertificateStatus => "certificate.status",
    VerificationBulk => "verification.bulk",
    WorkPermissionCheck => "work_permission.check",
    SupervisionRead => "supervision.read",
    SupervisionAct => "supervision.act",
    SubsidyDecide => "subsidy.decide",
    AuditRead => "audit.read",
});

impl Role {
    /// The most that a client of this role can be granted.
    pub fn scopes(self) -> &'static [Scope] {
        match self {
            Role::Registrar => &[Scope::RegistryAdmin],
            Role::TrainingProvider => &[Scope::TrainingWrite],
            Role::AssessmentBody => &[Scope::AssessmentWrite, Scope::CertificateIssue, Scope::CertificateStatus],
            Role::Employer => &[Scope::VerificationBulk, Scope::WorkPermissionCheck],
            Role::Supervisor => &[Scope::SupervisionRead, Scope::SupervisionAct, Scope::SubsidyDecide],
            Role::Auditor => &[Scope::AuditRead],
        }
    }
}

impl Role {
    /// The kind of organisation that a client of this role belongs to.
    pub fn organisation_kind(self) -> OrganisationKind {
        match self {
            Role::Registrar | Role::Supervisor | Role::Auditor => OrganisationKind::LabourAuthority,
            Role::TrainingProvider => OrganisationKind::TrainingProvider,
            Role::AssessmentBody => OrganisationKind::AssessmentBody,
            Role::Employer => OrganisationKind::Employer,
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub client: ClientId,
    /// None for the first registrar, who was there before any organisation.
    pub organisation: Option<OrganisationId>,
    pub role: Role,
    pub scopes: Vec<Scope>,
}

/// A worker who has signed in; may see and do what is their own (scope `self`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInWorker {
    /// The record that stands for the person.
    pub worker: WorkerId,
    /// The record that the person signed in with; what they make stays with it when records are parted.
    pub record: WorkerId,
    pub session: WorkerSessionId,
    /// Whether the registry itself made the code. Another organisation that makes one could use it; sensitive data stay hidden then.
    pub by_registrar: bool,
}

/// What somebody wants to do, with whose things.
#[derive(Debug, Clone, Copy)]
pub enum Act<'a> {
    /// Organisations, filings, clients, catalogue, keys.
    AdministerRegistry,
    /// Register a worker or find one by document.
    RegisterWorker,
    ReadWorker,
    WriteAssessment { body: &'a OrganisationId },
    ReadAssessment { body: &'a OrganisationId },
    IssueCertificate { issuer: &'a OrganisationId, kind: CertificateKind },
    ChangeCertificate { issuer: &'a OrganisationId },
    ReadCertificate { issuer: &'a OrganisationId },
    ReadJob { organisation: &'a OrganisationId },
    /// Classes, enrolments, attendance, closings of one provider.
    WriteTraining { provider: &'a OrganisationId },
    ReadTraining { provider: &'a OrganisationId },
    /// Declare a class false.
    AnnulClass,
    /// Look at a worker's training record and credits.
    ReadRecord,
    /// Results of competitions.
    RecordCompetition,
    /// Recognise achievements, reverse and convert credits.
    PostCredits,
    ReadSignals,
    /// Join two records of one person, and part them.
    MergeWorkers,
    /// Contested entries of workers.
    ReadDisputes,
    AnswerDisputes,
    /// Memberships of priority groups.
    ManageGroups,
    ReadGroups,
    /// Make a code by which a worker signs in.
    MakeAccessCode,
    /// Verify a list at once.
    VerifyInBulk { organisation: &'a OrganisationId },
}

/// Why an actor may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The token lacks every scope that would allow the act.
    MissingScope(&'static [Scope]),
    /// The thing belongs to somebody else; answered as if it did not exist.
    Foreign,
}

/// Scopes that let their holder see or change a certificate, an assessment, a job.
pub const READ_CERTIFICATE: &[Scope] =
    &[Scope::CertificateIssue, Scope::CertificateStatus, Scope::AssessmentWrite, Scope::TrainingWrite, Scope::RegistryAdmin, Scope::SupervisionRead, Scope::AuditRead];
pub const CHANGE_CERTIFICATE: &[Scope] = &[Scope::CertificateStatus, Scope::TrainingWrite, Scope::RegistryAdmin, Scope::SupervisionAct];
pub const READ_ASSESSMENT: &[Scope] = &[Scope::AssessmentWrite, Scope::RegistryAdmin, Scope::SupervisionRead, Scope::AuditRead];
pub const WRITE_ASSESSMENT: &[Scope] = &[Scope::AssessmentWrite];
pub const READ_JOB: &[Scope] = &[Scope::AssessmentWrite, Scope::TrainingWrite, Scope::CertificateIssue, Scope::CertificateStatus, Scope::SupervisionAct, Scope::RegistryAdmin];

pub const READ_TRAINING: &[Scope] = &[Scope::TrainingWrite, Scope::RegistryAdmin, Scope::SupervisionRead, Scope::AuditRead];
pub const WRITE_TRAINING: &[Scope] = &[Scope::TrainingWrite];
pub const READ_RECORD: &[Scope] = &[Scope::RegistryAdmin, Scope::TrainingWrite, Scope::AssessmentWrite, Scope::SupervisionRead, Scope::AuditRead];

/// Organisations see and answer what is disputed of theirs, the authority everything; supervisors look on.
pub const READ_DISPUTES: &[Scope] = &[Scope::RegistryAdmin, Scope::TrainingWrite, Scope::AssessmentWrite, Scope::CertificateStatus, Scope::SupervisionRead, Scope::AuditRead];
pub const ANSWER_DISPUTES: &[Scope] = &[Scope::RegistryAdmin, Scope::TrainingWrite, Scope::AssessmentWrite, Scope::CertificateStatus];

/// Whether the actor holds any of the scopes. Asked before anything is looked up, so that a missing scope says nothing about what exists.
pub fn holds_any(actor: &Actor, scopes: &'static [Scope]) -> Result<(), Denial> {
    if actor.scopes.iter().any(|scope| scopes.contains(scope)) { Ok(()) } else { Err(Denial::MissingScope(scopes)) }
}

/// Whether one of the held scopes among `scopes` reaches beyond the actor's own organisation.
pub fn reaches_all(actor: &Actor, scopes: &[Scope]) -> bool {
    let is_wide = |scope: &Scope| matches!(scope, Scope::RegistryAdmin | Scope::SupervisionRead | Scope::SupervisionAct | Scope::AuditRead);
    actor.scopes.iter().any(|scope| scopes.contains(scope) && is_wide(scope))
}

/// Decides whether `actor` may do `act`.
pub fn authorise(actor: &Actor, act: Act<'_>) -> Result<(), Denial> {
    let (scopes, owner): (&'static [Scope], Option<&OrganisationId>) = match act {
        Act::AdministerRegistry => (&[Scope::RegistryAdmin], None),
        Act::RegisterWorker => (&[Scope::RegistryAdmin, Scope::TrainingWrite, Scope::AssessmentWrite, Scope::CertificateIssue], None),
        Act::ReadWorker => (&[Scope::RegistryAdmin, Scope::TrainingWrite, Scope::AssessmentWrite, Scope::CertificateIssue, Scope::SupervisionRead, Scope::AuditRead], None),
        Act::WriteAssessment { body } => (WRITE_ASSESSMENT, Some(body)),
        Act::ReadAssessment { body } => (READ_ASSESSMENT, Some(body)),
        Act::IssueCertificate { issuer, kind: CertificateKind::TrainingCompletion } => (&[Scope::CertificateIssue, Scope::TrainingWrite], Some(issuer)),
        Act::IssueCertificate { issuer, .. } => (&[Scope::CertificateIssue], Some(issuer)),
        Act::ChangeCertificate { issuer } => (CHANGE_CERTIFICATE, Some(issuer)),
        Act::ReadCertificate { issuer } => (READ_CERTIFICATE, Some(issuer)),
        Act::ReadJob { organisation } => (READ_JOB, Some(organisation)),
        Act::WriteTraining { provider } => (WRITE_TRAINING, Some(provider)),
        Act::ReadTraining { provider } => (READ_TRAINING, Some(provider)),
        Act::AnnulClass => (&[Scope::SupervisionAct, Scope::RegistryAdmin], None),
        Act::ReadRecord => (READ_RECORD, None),
        Act::RecordCompetition => (&[Scope::RegistryAdmin], None),
        Act::PostCredits => (&[Scope::RegistryAdmin], None),
        Act::ManageGroups => (&[Scope::RegistryAdmin], None),
        Act::ReadGroups => (&[Scope::RegistryAdmin, Scope::SupervisionRead, Scope::SubsidyDecide], None),
        Act::MakeAccessCode => (&[Scope::RegistryAdmin, Scope::TrainingWrite, Scope::AssessmentWrite], None),
        Act::MergeWorkers => (&[Scope::RegistryAdmin], None),
        Act::ReadDisputes => (READ_DISPUTES, None),
        Act::AnswerDisputes => (ANSWER_DISPUTES, None),
        Act::ReadSignals => (&[Scope::SupervisionRead, Scope::RegistryAdmin, Scope::AuditRead], None),
        Act::VerifyInBulk { organisation } => (&[Scope::VerificationBulk], Some(organisation)),
    };
    holds_any(actor, scopes)?;
    let Some(owner) = owner else { return Ok(()) };
    if reaches_all(actor, scopes) || actor.organisation.as_ref() == Some(owner) { Ok(()) } else { Err(Denial::Foreign) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role, organisation: &OrganisationId) -> Actor {
        Actor { client: ClientId::new(1, 1), organisation: Some(organisation.clone()), role, scopes: role.scopes().to_vec() }
    }

    #[test]
    fn a_body_touches_only_its_own() {
        let (own, other) = (OrganisationId::new(1, 1), OrganisationId::new(1, 2));
        let body = actor(Role::AssessmentBody, &own);
        let issue = |issuer| authorise(&body, Act::IssueCertificate { issuer, kind: CertificateKind::SkillLevel });
        assert_eq!(issue(&own), Ok(()));
        assert_eq!(issue(&other), Err(Denial::Foreign));
        assert_eq!(authorise(&body, Act::ReadCertificate { issuer: &other }), Err(Denial::Foreign));
    }

    #[test]
    fn nobody_issues_for_a_body_but_the_body() {
        let own = OrganisationId::new(1, 1);
        for role in [Role::Registrar, Role::Supervisor, Role::Auditor, Role::Employer] {
            let issue = authorise(&actor(role, &own), Act::IssueCertificate { issuer: &own, kind: CertificateKind::SkillLevel });
            assert!(matches!(issue, Err(Denial::MissingScope(_))), "{role:?}");
        }
    }

    #[test]
    fn an_auditor_reads_everything_and_writes_nothing() {
        let (own, other) = (OrganisationId::new(1, 1), OrganisationId::new(1, 2));
        let auditor = actor(Role::Auditor, &own);
        assert!(authorise(&auditor, Act::ReadCertificate { issuer: &other }).is_ok());
        assert!(authorise(&auditor, Act::ChangeCertificate { issuer: &other }).is_err());
        assert!(authorise(&auditor, Act::AdministerRegistry).is_err());
        assert!(authorise(&auditor, Act::RegisterWorker).is_err());
    }
}
