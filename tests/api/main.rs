//! Whole jobs over HTTP, on both databases, with a real server and a clock that the test sets.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

#[path = "../support/mod.rs"]
mod support;

mod access;
mod archival;
mod assessments;
mod bad_input;
mod batches;
mod bulk_verification;
mod catalogue;
mod certificates;
mod competitions;
mod concurrency;
mod credits;
mod discovery;
mod disputes;
mod forms;
mod groups;
mod history;
mod idempotency;
mod keys;
mod log;
mod merges;
mod oidc;
mod organisations;
mod status;
mod own;
mod papers;
mod photographs;
mod platforms;
mod proposals;
mod records;
mod shares;
mod storage;
mod strangers;
mod training;
mod verification;
mod wallets;
mod workers;
mod xapi;
