//! Jilu (技录), the registry of skills. Nobody has to trust it.
//!
//! Reading order: `domain` (the field, pure), `credential` (signed documents, pure), `merkle` (the log's mathematics, pure), `print`
//! (paper, pure), `table` (files of rows), `store` (the database), `remote` (other people's servers), `services` (the jobs), `http` (the outside).

pub mod clock;
pub mod config;
pub mod credential;
pub mod domain;
pub mod entropy;
pub mod http;
pub mod key_module;
pub mod merkle;
pub mod print;
pub mod remote;
pub mod services;
pub mod store;
pub mod table;
pub mod vault;
pub mod whole_file;

/// Requests are many small values that live for a moment, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
