//! The ways in which a job can end without its result.

use crate::credential::data_integrity::ProofFault;
use crate::credential::jws::SecuringFault;
use crate::credential::keys::SigningFault;
use crate::domain::access::{Denial, Scope};
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::store::error::StoreError;
use crate::vault::SealBroken;

/// Why a service did not do what it was asked. `http/problem.rs` alone turns these into answers.
#[derive(Debug)]
pub enum Error {
    /// No such thing, or somebody else's.
    NotFound,
    /// The token lacks every scope that would allow it.
    Forbidden(&'static [Scope]),
    /// The request is not of the form it should have; one violation per fault.
    Invalid(Vec<Violation>),
    /// The request is well formed, and rules say no.
    Refused(Vec<Violation>),
    /// It collides with what is recorded.
    Conflict(Text),
    /// Somebody changed the thing since it was read; read it again.
    PreconditionFailed,
    /// Somebody else changed it at the same moment.
    Stale,
    /// An equal request was answered meanwhile; its answer is kept.
    AnsweredMeanwhile,
    /// Not now.
    Unavailable(Text),
    /// A fault of the program or its data. The text goes to the log, never to the client.
    Internal(String),
}

impl Error {
    /// One fault of form at one field.
    pub fn invalid(field: impl Into<String>, detail: Text) -> Self {
        Error::Invalid(vec![invalid(field, detail)])
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(crate::store::error::Constraint::IdempotencyKey) => Error::AnsweredMeanwhile,
            StoreError::Stale => Error::Stale,
            StoreError::Conflict(constraint) => Error::Conflict(Text::new(format!("it collides with what is recorded ({constraint:?})"), format!("与已有记录冲突（{constraint:?}）"))),
            StoreError::QueueFull => Error::Unavailable(Text::new("too many writes are waiting", "等待写入的请求过多")),
            StoreError::Unavailable(why) => {
                tracing::error!(%why, "the database is unavailable");
                Error::Unavailable(Text::new("the database cannot be reached, or the outcome is not known; send the same request with the same key again", "数据库暂不可用或结果未知，请用同一幂等键重发"))
            }
            other => Error::Internal(other.to_string()),
        }
    }
}

impl From<SigningFault> for Error {
    fn from(fault: SigningFault) -> Self {
        tracing::error!(%fault, "a key does not sign");
        Error::Unavailable(Text::new("the keys of the registry cannot be used now; send the same request with the same key again", "签名密钥暂不可用，请用同一幂等键重发"))
    }
}

impl From<SecuringFault> for Error {
    fn from(fault: SecuringFault) -> Self {
        match fault {
            SecuringFault::Signing(fault) => fault.into(),
            SecuringFault::ForeignKey => Error::Internal(fault.to_string()),
        }
    }
}

/// Of making proofs: what is wrong with the registry's own document is a fault of the program, a key that does not sign is not.
impl From<ProofFault> for Error {
    fn from(fault: ProofFault) -> Self {
        match fault {
            ProofFault::Signing(fault) => fault.into(),
            other => Error::Internal(other.to_string()),
        }
    }
}

impl From<SealBroken> for Error {
    fn from(error: SealBroken) -> Self {
        Error::Internal(error.to_string())
    }
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::MissingScope(scopes) => Error::Forbidden(scopes),
            Denial::Foreign => Error::NotFound,
        }
    }
}
