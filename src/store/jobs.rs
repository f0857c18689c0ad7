//! Long work: what was asked, how far it is, and what became of each row.

use super::backend::{Conn, on};
use super::error::{Constraint, StoreError};
use super::schema::{job_rows, jobs};
use diesel::prelude::*;
use serde::Serialize;

/// A job. `input` is a JSON text.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = jobs, treat_none_as_default_value = false)]
pub struct JobRow {
    pub id: String,
    pub kind: String,
    pub organisation_id: String,
    pub input: String,
    pub dry_run: bool,
    pub state: String,
    pub total: i32,
    pub done: i32,
    pub failed: i32,
    pub created_at: i64,
    pub created_by: String,
    pub started_at: Option<i64>,
    pub finished_at: Option<i64>,
    pub lease_until: Option<i64>,
    pub lease_holder: Option<String>,
}

/// What became of one row of a job. `result` is a JSON text.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = job_rows, treat_none_as_default_value = false)]
pub struct JobRowRow {
    pub job_id: String,
    pub row_number: i32,
    pub subject: String,
    pub outcome: String,
    pub result: String,
}

impl JobRow {
    /// Whether it may still do something.
    pub fn is_open(&self) -> bool {
        matches!(self.state.as_str(), "queued" | "running")
    }

    /// The job as it was asked for, without its progress: what the log commits to.
    pub fn as_requested(&self) -> Self {
        JobRow { state: "queued".to_owned(), total: 0, done: 0, failed: 0, started_at: None, finished_at: None, lease_until: None, lease_holder: None, ..self.clone() }
    }
}

pub fn insert_job(conn: &mut Conn, row: &JobRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(jobs::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_job(conn: &mut Conn, id: &str) -> Result<Option<JobRow>, StoreError> {
    Ok(on!(conn, |c| jobs::table.find(id).select(JobRow::as_select()).get_result(c).optional())?)
}

/// Whether there is a job that nobody works on.
pub fn has_free_job(conn: &mut Conn, now: i64) -> Result<bool, StoreError> {
    let free = jobs::state.eq("queued").or(jobs::state.eq("running").and(jobs::lease_until.lt(now)));
    let count: i64 = on!(conn, |c| jobs::table.filter(free).count().get_result(c))?;
    Ok(count > 0)
}

/// The last row that a job has recorded.
pub fn find_last_job_row(conn: &mut Conn, job_id: &str) -> Result<Option<JobRowRow>, StoreError> {
    Ok(on!(conn, |c| job_rows::table
        .filter(job_rows::job_id.eq(job_id))
        .order(job_rows::row_number.desc())
        .limit(1)
        .select(JobRowRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Takes the oldest job that nobody works on: a new one, or one whose worker has died. None when there is none.
pub fn claim_job(conn: &mut Conn, holder: &str, now: i64, lease_until: i64) -> Result<Option<JobRow>, StoreError> {
    let free = jobs::state.eq("queued").or(jobs::state.eq("running").and(jobs::lease_until.lt(now)));
    let found: Option<JobRow> = on!(conn, |c| jobs::table.filter(free).order(jobs::created_at).limit(1).select(JobRow::as_select()).get_result(c).optional())?;
    let Some(job) = found else { return Ok(None) };
    let taken = on!(conn, |c| diesel::update(jobs::table.find(&job.id).filter(free))
        .set((jobs::state.eq("running"), jobs::lease_holder.eq(holder), jobs::lease_until.eq(lease_until), jobs::started_at.eq(job.started_at.unwrap_or(now))))
        .execute(c))?;
    Ok((taken == 1).then_some(job))
}

/// Adds row results and moves the job on, if this worker still holds it and nobody cancelled it; otherwise the conflict is `JobLease`.
pub fn advance_job(conn: &mut Conn, job: &JobRow, holder: &str, rows: &[JobRowRow], lease_until: i64) -> Result<(), StoreError> {
    let moved = on!(conn, |c| diesel::update(jobs::table.find(&job.id).filter(jobs::state.eq("running")).filter(jobs::lease_holder.eq(holder)))
        .set((jobs::total.eq(job.total), jobs::done.eq(job.done), jobs::failed.eq(job.failed), jobs::lease_until.eq(lease_until)))
        .execute(c))?;
    if moved != 1 {
        return Err(StoreError::Conflict(Constraint::JobLease));
    }
    super::bulk::insert_job_rows(conn, rows)
}

/// Ends a job that is queued or running; with a holder, only while it still has the job. Returns whether it ended.
pub fn finish_job(conn: &mut Conn, id: &str, holder: Option<&str>, state: &str, now: i64) -> Result<bool, StoreError> {
    let open = jobs::state.eq("queued").or(jobs::state.eq("running"));
    let ended = on!(conn, |c| match holder {
        Some(holder) => diesel::update(jobs::table.find(id).filter(open).filter(jobs::lease_holder.eq(holder))).set((jobs::state.eq(state), jobs::finished_at.eq(now))).execute(c),
        None => diesel::update(jobs::table.find(id).filter(open)).set((jobs::state.eq(state), jobs::finished_at.eq(now))).execute(c),
    })?;
    Ok(ended == 1)
}

pub fn list_job_rows(conn: &mut Conn, job_id: &str, after: i32, limit: i64) -> Result<Vec<JobRowRow>, StoreError> {
    Ok(on!(conn, |c| job_rows::table
        .filter(job_rows::job_id.eq(job_id))
        .filter(job_rows::row_number.gt(after))
        .order(job_rows::row_number)
        .limit(limit)
        .select(JobRowRow::as_select())
        .load(c))?)
}

/// Certificates that a batch has issued, behind a row: row number and certificate.
pub fn list_issued_rows(conn: &mut Conn, job_id: &str, after: i32, limit: i64) -> Result<Vec<JobRowRow>, StoreError> {
    Ok(on!(conn, |c| job_rows::table
        .filter(job_rows::job_id.eq(job_id))
        .filter(job_rows::row_number.gt(after))
        .filter(job_rows::outcome.eq("issued"))
        .order(job_rows::row_number)
        .limit(limit)
        .select(JobRowRow::as_select())
        .load(c))?)
}

/// How many certificates a batch has issued.
pub fn count_issued_rows(conn: &mut Conn, job_id: &str) -> Result<i64, StoreError> {
    Ok(on!(conn, |c| job_rows::table.filter(job_rows::job_id.eq(job_id)).filter(job_rows::outcome.eq("issued")).count().get_result(c))?)
}
