//! Why a token or a credential is not handed out, by the words of OAuth 2.0 and of what builds on it.

use super::error::Error;
use crate::store::error::StoreError;

/// A refusal as wallets and platforms hear it.
#[derive(Debug)]
pub enum GrantRefusal {
    /// The word of the specification (RFC 6749, 5.2; OpenID4VCI, 6.3 and 8.3.1.2), and what was expected.
    Word(&'static str, &'static str),
    /// Unknown client or wrong secret, and what was expected.
    Client(&'static str),
    /// No token, or one that is unknown, expired or withdrawn.
    Token,
    /// The token is good, but not for this: the scope that it lacks (RFC 6750, 3.1).
    Scope(&'static str),
    Other(Error),
}

impl From<Error> for GrantRefusal {
    fn from(error: Error) -> Self {
        GrantRefusal::Other(error)
    }
}

impl From<StoreError> for GrantRefusal {
    fn from(error: StoreError) -> Self {
        GrantRefusal::Other(error.into())
    }
}
