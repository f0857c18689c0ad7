//! Completion certificates that follow from a class: to everybody who completed it, as its closing worked out.

use super::Registry;
use super::bulk_issuing::{RowResult, refusal_of};
use super::error::Error;
use super::intent::{Answer, Intent};
use super::issuing::{IssueSubject, OrderContent};
use super::jobs::{KIND_ISSUE_CLASS, OrderedRow, RowName, STEP};
use super::training::{ClassView, refuse_annulled};
use crate::domain::access::{Act, Actor};
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{ClassId, JobId};
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::jobs::JobRow;
use crate::store::training::{self as store, ClassResultRow};
use serde_json::{Value, json};

impl Registry {
    /// Asks for completion certificates for everybody who completed a closed class.
    pub async fn start_class_issue(&self, actor: &Actor, id: &ClassId, is_dry_run: bool, intent: &Intent<JobRow>) -> Result<Answer, Error> {
        let (class, provider) = self.own_class(actor, id).await?;
        self.authorise(actor, Act::IssueCertificate { issuer: &provider, kind: CertificateKind::TrainingCompletion })?;
        refuse_annulled(&class)?;
        let Some(closing) = &class.closing else {
            return Err(Error::Refused(vec![Violation::deny("HR-6", Text::new("the class is open; who completed it is known when it is closed", "培训班尚未结班，结班后才知道谁结业"))]));
        };
        let input = json!({ "class_id": id.as_str() });
        let row = self.new_job(self.new_id(JobId::new).to_string(), KIND_ISSUE_CLASS, &provider, &input, i64::from(closing.trainees), is_dry_run, actor);
        self.ask_for_job(row, &provider, intent).await
    }

    /// The class that a job issues to, as it stands now; None for any other job.
    pub(super) async fn class_of_job(&self, job: &JobRow) -> Result<Option<ClassView>, Error> {
        if job.kind != KIND_ISSUE_CLASS {
            return Ok(None);
        }
        let input: Value = super::stored_json(&job.input)?;
        self.load_class(&super::stored(input["class_id"].as_str().unwrap_or_default())?).await.map(Some)
    }

    /// The next trainees of the class, in the order of their identifiers: an order for each who completed it.
    pub(super) async fn next_trainees(&self, job: &JobRow, row: i32, after: Option<String>) -> Result<Vec<OrderedRow>, Error> {
        let class = self.class_of_job(job).await?.ok_or_else(|| Error::Internal("a job of another kind".to_owned()))?;
        let id: ClassId = super::stored(&class.row.id)?;
        let wanted = class.row.id.clone();
        let trainees = self.store.read(move |conn| store::list_enrolments(conn, &wanted, after.as_deref(), STEP)).await?;
        let ordered = trainees.into_iter().zip(row + 1..).map(|((trainee, result), number)| {
            let result = super::existing(result, "what a trainee of a closed class reached")?;
            let order = match result.completed {
                true => {
                    let subject = IssueSubject::Completion { project: class.row.name.clone(), taught_minutes: Some(result.credited_minutes), class: Some(id.clone()) };
                    let content = OrderContent { subject, issued_on: None, certificate_number: None, form_serial: None, cures: None };
                    Ok(content.for_worker(super::stored(&trainee.worker_id)?))
                }
                false => Err(not_completed(&result)?),
            };
            Ok((RowName { number, subject: trainee.worker_id }, order))
        });
        ordered.collect()
    }
}

/// The rules that were against a trainee's completion, as the closing kept them.
fn not_completed(result: &ClassResultRow) -> Result<RowResult, Error> {
    let mut working: Value = super::stored_json(&result.working)?;
    Ok(refusal_of(working["findings"].take()))
}
