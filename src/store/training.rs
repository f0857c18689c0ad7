//! Training classes, their trainees, closings, results and annulments.

use super::backend::{Conn, on};
pub use super::bulk::{insert_class_results, insert_enrolments};
use super::error::StoreError;
use super::stretch::{Stretch, stretch};
use super::schema::training::{class_annulments, class_closings, class_enrolments, class_results, training_classes};
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::Serialize;

/// A class. `modules`, `instructors` and `particulars` are JSON texts.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = training_classes, treat_none_as_default_value = false)]
pub struct ClassRow {
    pub id: String,
    pub organisation_id: String,
    pub class_type: String,
    pub name: String,
    pub project_code: Option<String>,
    pub occupation_edition: Option<String>,
    pub occupation_code: Option<String>,
    pub level: Option<String>,
    pub first_on: NaiveDate,
    pub last_on: NaiveDate,
    pub planned_theory_minutes: i32,
    pub planned_practical_minutes: i32,
    pub method: String,
    pub site: Option<String>,
    pub modules: String,
    pub instructors: String,
    pub particulars: String,
    pub registered_at: i64,
    pub registered_by: String,
}

/// A trainee of a class. `particulars` is a JSON text.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = class_enrolments, treat_none_as_default_value = false)]
pub struct EnrolmentRow {
    pub class_id: String,
    pub worker_id: String,
    pub reason: Option<String>,
    pub particulars: String,
    pub enrolled_at: i64,
    pub enrolled_by: String,
}

/// The closing of a class, by the version `rules` of the list of training rules.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = class_closings, treat_none_as_default_value = false)]
pub struct ClosingRow {
    pub class_id: String,
    pub rules: i32,
    pub trainees: i32,
    pub completed: i32,
    pub closed_on: NaiveDate,
    pub recorded_at: i64,
    pub recorded_by: String,
}

/// What a trainee reached in a closed class. `working` is a JSON text.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = class_results, treat_none_as_default_value = false)]
pub struct ClassResultRow {
    pub class_id: String,
    pub worker_id: String,
    pub assessment: String,
    pub credited_minutes: i32,
    pub credited_hours: i32,
    pub completed: bool,
    pub working: String,
    pub recorded_at: i64,
}

/// A class that was declared false.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, Serialize)]
#[diesel(table_name = class_annulments, treat_none_as_default_value = false)]
pub struct AnnulmentRow {
    pub class_id: String,
    pub reason: String,
    pub decision_document: String,
    pub recorded_at: i64,
    pub recorded_by: String,
}

pub fn insert_class(conn: &mut Conn, row: &ClassRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(training_classes::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_class(conn: &mut Conn, id: &str) -> Result<Option<ClassRow>, StoreError> {
    Ok(on!(conn, |c| training_classes::table.find(id).select(ClassRow::as_select()).get_result(c).optional())?)
}

/// A page of classes, of one organisation or of all.
pub fn list_classes(conn: &mut Conn, organisation_id: Option<&str>, page: &Stretch) -> Result<Vec<ClassRow>, StoreError> {
    Ok(on!(conn, |c| {
        let mut query = stretch!(training_classes::table, training_classes::id, page);
        if let Some(organisation_id) = organisation_id {
            query = query.filter(training_classes::organisation_id.eq(organisation_id));
        }
        query.select(ClassRow::as_select()).load(c)
    })?)
}

pub fn count_enrolments(conn: &mut Conn, class_id: &str) -> Result<i64, StoreError> {
    Ok(on!(conn, |c| class_enrolments::table.filter(class_enrolments::class_id.eq(class_id)).count().get_result(c))?)
}

/// Every trainee of a class.
pub fn list_all_enrolments(conn: &mut Conn, class_id: &str) -> Result<Vec<EnrolmentRow>, StoreError> {
    Ok(on!(conn, |c| class_enrolments::table.filter(class_enrolments::class_id.eq(class_id)).order(class_enrolments::worker_id).select(EnrolmentRow::as_select()).load(c))?)
}

/// Whether one of these workers is on the list of a class.
pub fn has_trainee(conn: &mut Conn, class_id: &str, worker_ids: &[String]) -> Result<bool, StoreError> {
    let listed = class_enrolments::table.filter(class_enrolments::class_id.eq(class_id)).filter(class_enrolments::worker_id.eq_any(worker_ids));
    Ok(on!(conn, |c| diesel::select(diesel::dsl::exists(listed.clone())).get_result(c))?)
}

/// Every trainee of a class, by worker alone.
pub fn list_trainees(conn: &mut Conn, class_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on!(conn, |c| class_enrolments::table.filter(class_enrolments::class_id.eq(class_id)).select(class_enrolments::worker_id).load(c))?)
}

/// A page of trainees in the order of their identifiers, with what they reached.
pub fn list_enrolments(conn: &mut Conn, class_id: &str, after: Option<&str>, limit: i64) -> Result<Vec<(EnrolmentRow, Option<ClassResultRow>)>, StoreError> {
    let after = after.unwrap_or("");
    Ok(on!(conn, |c| class_enrolments::table
        .left_join(class_results::table.on(class_results::class_id.eq(class_enrolments::class_id).and(class_results::worker_id.eq(class_enrolments::worker_id))))
        .filter(class_enrolments::class_id.eq(class_id))
        .filter(class_enrolments::worker_id.gt(after))
        .order(class_enrolments::worker_id)
        .limit(limit)
        .select((EnrolmentRow::as_select(), Option::<ClassResultRow>::as_select()))
        .load(c))?)
}

/// How many trainees each mentor has in the classes of one organisation that are not over: particulars of their enrolments.
pub fn list_apprentice_particulars(conn: &mut Conn, organisation_id: &str, on: NaiveDate) -> Result<Vec<String>, StoreError> {
    Ok(on!(conn, |c| class_enrolments::table
        .inner_join(training_classes::table.on(training_classes::id.eq(class_enrolments::class_id)))
        .filter(training_classes::organisation_id.eq(organisation_id))
        .filter(training_classes::class_type.eq("new_type_apprenticeship"))
        .filter(training_classes::last_on.ge(on))
        .select(class_enrolments::particulars)
        .load(c))?)
}

pub fn insert_closing(conn: &mut Conn, row: &ClosingRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(class_closings::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_closing(conn: &mut Conn, class_id: &str) -> Result<Option<ClosingRow>, StoreError> {
    Ok(on!(conn, |c| class_closings::table.find(class_id).select(ClosingRow::as_select()).get_result(c).optional())?)
}

pub fn find_class_result(conn: &mut Conn, class_id: &str, worker_id: &str) -> Result<Option<ClassResultRow>, StoreError> {
    Ok(on!(conn, |c| class_results::table.find((class_id, worker_id)).select(ClassResultRow::as_select()).get_result(c).optional())?)
}

pub fn insert_annulment(conn: &mut Conn, row: &AnnulmentRow) -> Result<(), StoreError> {
    on!(conn, |c| diesel::insert_into(class_annulments::table).values(row).execute(c))?;
    Ok(())
}

pub fn find_annulment(conn: &mut Conn, class_id: &str) -> Result<Option<AnnulmentRow>, StoreError> {
    Ok(on!(conn, |c| class_annulments::table.find(class_id).select(AnnulmentRow::as_select()).get_result(c).optional())?)
}
