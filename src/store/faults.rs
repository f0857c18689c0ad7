//! Where storage can be made to fail. Every statement is a site, named by its place in the source; tests tell sites to fail before
//! the statement ran, or after it. Without the feature `faults` nothing of this is compiled.

#![allow(dead_code, unused_variables, reason = "the fail points are empty without the feature")]

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error};

/// Runs a statement at a site.
pub(super) fn at<T>(before: &'static str, after: &'static str, run: impl FnOnce() -> QueryResult<T>) -> QueryResult<T> {
    fail::fail_point!(before, |fault| Err(fault_of(fault)));
    let done = run()?;
    fail::fail_point!(after, |fault| Err(fault_of(fault)));
    Ok(done)
}

/// What SQLite says of these errors of the system.
fn fault_of(fault: Option<String>) -> Error {
    let text = match fault.as_deref() {
        Some("ENOSPC") => "database or disk is full",
        Some("EINTR") => "interrupted",
        _ => "disk I/O error",
    };
    Error::DatabaseError(DatabaseErrorKind::Unknown, Box::new(text.to_owned()))
}

/// A statement as a site of its own.
macro_rules! site {
    ($run:expr) => {
        $crate::store::faults::at(concat!("before ", file!(), ":", line!()), concat!("after ", file!(), ":", line!()), || $run)
    };
}
pub(crate) use site;
