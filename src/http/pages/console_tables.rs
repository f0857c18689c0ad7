//! Tables that clerks upload on pages: read as the API reads them, and given back with their faults marked.

use super::bulk::media_type_of;
use super::forms::Form;
use crate::domain::rule::Violation;
use crate::domain::text::{Language, Text};
use crate::http::assessments::parse_table;
use crate::http::body::Body;
use crate::http::problem::{Problem, ProblemDocument, ViolationDocument};
use crate::services::error::Error;
use crate::services::intent::Answer;
use crate::table::corrections::{corrections, place_of};
use crate::table::{Format, Rows, Shape, XLSX};
use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// Larger tables are not given back in the page; their faults are named all the same.
const CORRECTED_BYTES_MAX: usize = 4 << 20;

/// What a page says of what was just sent.
#[derive(Default, Serialize)]
pub struct Said {
    pub problem: Option<ProblemDocument>,
    /// The refused file with its faults beside their rows, as an address that holds it.
    pub corrections: Option<String>,
    /// What a dry run found.
    pub checked: Option<String>,
    /// What was done.
    pub done: Option<String>,
}

impl Said {
    /// Something was refused.
    pub fn refused(problem: &Problem, language: Language) -> Self {
        Said { problem: Some(problem.document(language, "")), ..Said::default() }
    }

    /// Rows of a table were refused: each fault has its row as people say it, and the table can be taken back with its faults marked.
    pub async fn faulty_table(mut problem: ProblemDocument, form: &Form, shape: &'static Shape, language: Language) -> Self {
        let corrections = corrections_of(form, &problem, shape, language).await;
        for violation in &mut problem.violations {
            violation.field = violation.field.take().map(|field| place_name(&field, shape, language));
        }
        Said { problem: Some(problem), corrections, ..Said::default() }
    }
}

/// The table in a form's file, as the API would have been sent it.
pub fn body_of(form: &Form) -> Result<Body, Problem> {
    let file = form.file("file").ok_or_else(|| Problem::invalid("file", "a file expected", "请选择文件"))?;
    let media_type = media_type_of(&file.name).ok_or_else(|| Problem::invalid("file", "a file that ends in .csv or .xlsx expected", "应为 .csv 或 .xlsx 文件"))?;
    Ok(Body { media_type: media_type.to_owned(), bytes: file.bytes.clone().into() })
}

/// What that table says.
pub async fn table_of<T: Send + 'static>(form: &Form, parse: fn(Format, &[u8]) -> Result<Rows<T>, Vec<Violation>>) -> Result<Rows<T>, Problem> {
    parse_table(&body_of(form)?, parse).await
}

fn heading<'a>(column: &'a str, shape: &Shape) -> &'a str {
    shape.columns.iter().find(|(name, _)| *name == column).map_or(column, |(_, heading)| *heading)
}

/// Where a fault stands in a table, as people say it.
fn place_name(field: &str, shape: &Shape, language: Language) -> String {
    match (place_of(field), language) {
        (Some((row, None)), Language::Chinese) => format!("第 {row} 行"),
        (Some((row, Some(column))), Language::Chinese) => format!("第 {row} 行，{}", heading(column, shape)),
        _ => field.to_owned(),
    }
}

/// The file that was sent, with what is wrong beside its rows. It stands in the page itself: what was refused is kept nowhere.
async fn corrections_of(form: &Form, problem: &ProblemDocument, shape: &'static Shape, language: Language) -> Option<String> {
    let file = form.file("file").filter(|file| file.bytes.len() <= CORRECTED_BYTES_MAX)?;
    let format = Format::of(media_type_of(&file.name)?)?;
    let (colon, semicolon) = if language == Language::Chinese { ("：", "；") } else { (": ", "; ") };
    let mut notes: BTreeMap<usize, String> = BTreeMap::new();
    for violation in &problem.violations {
        let Some((row, column)) = violation.field.as_deref().and_then(place_of) else { continue };
        let note = column.map_or_else(|| violation.detail.clone(), |column| format!("{}{colon}{}", heading(column, shape), violation.detail));
        notes.entry(row).and_modify(|known| *known = format!("{known}{semicolon}{note}")).or_insert(note);
    }
    if notes.is_empty() {
        return None;
    }
    let bytes = file.bytes.clone();
    let workbook = tokio::task::spawn_blocking(move || corrections(format, &bytes, shape, &notes)).await.ok()??;
    Some(format!("data:{XLSX};base64,{}", STANDARD.encode(workbook)))
}

/// Whether a form only asks the rules.
pub fn is_dry_run(form: &Form) -> bool {
    form.text("dry_run") == "yes"
}

/// What the answer of a form says.
pub fn answered<T: DeserializeOwned>(answer: &Answer) -> Result<T, Problem> {
    serde_json::from_slice(&answer.body).map_err(|error| Error::Internal(error.to_string()).into())
}

/// Refused rows as a refusal, each fault at its row.
pub fn refused_rows(rows: Vec<(usize, Vec<ViolationDocument>)>, language: Language) -> ProblemDocument {
    let title = Text::new(format!("rows refused: {}", rows.len()), format!("{} 行不予登记", rows.len()));
    let violations = rows.into_iter().flat_map(|(row, violations)| {
        let at = move |violation: ViolationDocument| {
            let field = violation.field.as_deref().filter(|field| *field != "row").map_or_else(|| format!("row {row}"), |field| format!("row {row}, {field}"));
            ViolationDocument { field: Some(field), ..violation }
        };
        violations.into_iter().map(at)
    });
    let problem = Problem::new(StatusCode::OK, "refused", title, Text::new("", ""));
    ProblemDocument { violations: violations.collect(), ..problem.document(language, "") }
}
