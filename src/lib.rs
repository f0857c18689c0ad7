//! Jilu (技录), the registry of skills. Nobody has to trust it.

pub mod domain;
pub mod credential;
