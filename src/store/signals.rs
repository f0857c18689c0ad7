//! Signals: signs of fraud that a supervisor should look at (SV-9).

use super::backend::{Conn, on};
use super::error::StoreError;
use super::stretch::{Stretch, stretch};
use super::schema::training::signals;
use diesel::prelude::*;
use serde::Serialize;

/// One signal. `signal_key` lets the same sign be raised once; `facts` is a JSON text without personal data.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = signals, treat_none_as_default_value = false)]
pub struct SignalRow {
    pub id: String,
    pub signal_key: String,
    pub kind: String,
    pub rule: String,
    /// The organisation whose act raised it.
    pub organisation_id: String,
    pub worker_id: Option<String>,
    pub facts: String,
    pub raised_at: i64,
}

/// Inserts those that were not raised before; tells which.
pub fn insert_new_signals(conn: &mut Conn, rows: Vec<SignalRow>) -> Result<Vec<SignalRow>, StoreError> {
    let mut inserted = Vec::new();
    for row in rows {
        let count = on!(conn, |c| diesel::insert_into(signals::table).values(&row).on_conflict(signals::signal_key).do_nothing().execute(c))?;
        if count == 1 {
            inserted.push(row);
        }
    }
    Ok(inserted)
}

/// A page of signals, in the order in which they were raised.
pub fn list_signals(conn: &mut Conn, page: &Stretch) -> Result<Vec<SignalRow>, StoreError> {
    Ok(on!(conn, |c| stretch!(signals::table, signals::id, page).select(SignalRow::as_select()).load(c))?)
}
