//! Lists of workers to be registered, as those who begin a class or a session have them: each row is that row's affair, and a list that
//! is sent again finds everybody of the first time.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::workers::WorkerView;
use crate::domain::access::{Act, Actor};
use crate::domain::document::{IdDocumentType, IdentityDocument};
use crate::domain::person_name::PersonName;
use crate::domain::rule::{Malformed, Violation, invalid};
use crate::domain::text::Text;
use crate::table::{self, Format, Shape};
use chrono::NaiveDate;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::io::Cursor;

/// `name` and `document_number`; `document_type` is `resident_id` when it is left empty, and a passport has its `country`.
pub const WORKERS: Shape =
    Shape { columns: &[("name", "姓名"), ("document_number", "证件号码"), ("document_type", "证件类型"), ("country", "签发国")], required: &[&["name"], &["document_number"]], rows_max: 10_000 };

/// Workers that are registered at the same time; the writer takes them into one transaction.
const AT_ONCE: usize = 64;

/// One row: its place in the file, and the worker or what is wrong.
pub struct WorkerOrder {
    pub row: usize,
    pub content: Result<(PersonName, IdentityDocument), Vec<Violation>>,
}

/// What became of a list.
#[derive(Debug, Clone, Default)]
pub struct RegisteredWorkers {
    /// Row, identifier and whether the worker is new; of a dry run, new workers have no identifier.
    pub workers: Vec<(usize, Option<String>, bool)>,
    /// Rows that were not taken, with every reason.
    pub refused: Vec<(usize, Vec<Violation>)>,
}

/// Reads a file of workers. A faulty row is that row's affair; numbers of documents are never repeated.
///
/// # Errors
/// The file is damaged, its header is not understood, or it has no rows or too many.
pub fn parse_workers(format: Format, bytes: &[u8], today: NaiveDate) -> Result<Vec<WorkerOrder>, Vec<Violation>> {
    let mut orders = Vec::new();
    table::read(format, &mut Cursor::new(bytes), &WORKERS, &mut |row| {
        orders.push(WorkerOrder { row: row.number, content: row.cells.map_err(|fault| vec![fault]).and_then(|cells| parse_cells(&cells, today)) });
        Ok(())
    })?;
    Ok(orders)
}

/// A code, or its name as a clerk writes it.
fn document_type_of(text: &str) -> Result<IdDocumentType, Malformed> {
    IdDocumentType::ALL.into_iter().find(|kind| kind.name_zh() == text).map_or_else(|| text.parse(), Ok)
}

fn parse_cells(cells: &Map<String, Value>, today: NaiveDate) -> Result<(PersonName, IdentityDocument), Vec<Violation>> {
    let cell = |name: &str| cells.get(name).filter(|value| !value.is_null()).map(|value| value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned()));
    let mut faults: Vec<Violation> = cells.keys().filter(|name| !WORKERS.columns.iter().any(|(known, _)| known == name)).map(|_| invalid("row", Text::new("an unknown member found", "字段未知"))).collect();
    let missing = || Malformed::new("a value expected", "缺少该字段");
    let name = cell("name").ok_or_else(missing).and_then(|text| text.parse::<PersonName>());
    let kind = cell("document_type").map_or(Ok(IdDocumentType::ResidentId), |text| document_type_of(&text));
    let number = cell("document_number").ok_or_else(missing);
    let document = match (&kind, number) {
        (Ok(kind), Ok(number)) => Some(IdentityDocument::parse(*kind, cell("country").as_deref(), &number, today)),
        (_, Err(fault)) => Some(Err(fault)),
        (Err(_), Ok(_)) => None,
    };
    let mut fault_of = |field: &str, fault: Malformed| faults.push(invalid(field, fault.0));
    let name = name.map_err(|fault| fault_of("name", fault)).ok();
    kind.map_err(|fault| fault_of("document_type", fault)).ok();
    let document = document.and_then(|document| document.map_err(|fault| fault_of("document_number", fault)).ok());
    name.zip(document).filter(|_| faults.is_empty()).ok_or(faults)
}

/// The rows that name a document for the first time, or nobody, and those that name one again. That is the same worker; another name is a
/// fault of the later row (PR-1).
fn compare_rows(orders: Vec<WorkerOrder>) -> (Vec<WorkerOrder>, Vec<WorkerOrder>) {
    let mut names: HashMap<(IdDocumentType, String, String), PersonName> = HashMap::new();
    let (mut first, mut again) = (Vec::with_capacity(orders.len()), Vec::new());
    for mut order in orders {
        let Ok((name, document)) = &order.content else {
            first.push(order);
            continue;
        };
        let key = (document.kind(), document.country().unwrap_or_default().to_owned(), document.number().to_owned());
        match names.get(&key) {
            None => {
                names.insert(key, name.clone());
                first.push(order);
            }
            Some(known) if known == name => again.push(order),
            Some(_) => {
                let detail = Text::new("an earlier row has the same document under another name", "前面的行已用该证件登记了另一姓名");
                order.content = Err(vec![Violation::deny("PR-1", detail).at("name")]);
                first.push(order);
            }
        }
    }
    (first, again)
}

impl Registry {
    /// Registers the workers of a list, or only asks the rules. Who is known already is found, and nothing is done twice.
    pub async fn register_workers(&self, actor: &Actor, orders: Vec<WorkerOrder>, is_dry_run: bool, intent: &Intent<RegisteredWorkers>) -> Result<Answer, Error> {
        self.authorise(actor, Act::RegisterWorker)?;
        let (first, again) = compare_rows(orders);
        let take = |orders: Vec<WorkerOrder>| stream::iter(orders).map(|order| self.take_row(actor, order, is_dry_run)).buffered(AT_ONCE).try_collect::<Vec<_>>();
        let mut taken = take(first).await?;
        // Of a dry run nobody is there to be found again.
        taken.extend(take(again).await?.into_iter().map(|(row, outcome)| (row, outcome.map(|(id, _)| (id, false)))));
        taken.sort_by_key(|(row, _)| *row);
        let mut registered = RegisteredWorkers::default();
        for (row, outcome) in taken {
            match outcome {
                Ok((id, is_new)) => registered.workers.push((row, id, is_new)),
                Err(findings) => registered.refused.push((row, findings)),
            }
        }
        self.answer_known(intent, &registered).await
    }

    /// One row: the worker and whether they are new; or why the row is not taken.
    async fn take_row(&self, actor: &Actor, order: WorkerOrder, is_dry_run: bool) -> Result<(usize, Result<(Option<String>, bool), Vec<Violation>>), Error> {
        let row = order.row;
        let done = match order.content {
            Err(faults) => return Ok((row, Err(faults))),
            Ok((name, document)) if is_dry_run => self.judge_worker(&name, &[document]).await,
            Ok((name, document)) => self.register_and_tell(actor, name, document).await,
        };
        Ok((row, match done {
            Ok(taken) => Ok(taken),
            // A fault of a list of documents is here a fault of the row.
            Err(Error::Refused(findings) | Error::Invalid(findings)) => Err(findings.into_iter().map(|finding| if finding.field.as_deref() == Some("name") { finding } else { finding.at("document_number") }).collect()),
            Err(Error::Conflict(detail)) => Err(vec![invalid("document_number", detail)]),
            Err(other) => return Err(other),
        }))
    }

    async fn register_and_tell(&self, actor: &Actor, name: PersonName, document: IdentityDocument) -> Result<(Option<String>, bool), Error> {
        // What the answer would say is all that is wanted of it.
        let intent = Intent { claim: None, render: Box::new(|view: &WorkerView| Answer::new(if view.is_new { 201 } else { 200 }, Some(view.worker.id.to_string()), Vec::new())) };
        let answer = self.register_worker(actor, name, vec![document], &intent).await?;
        Ok((answer.location, answer.status == 201))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clerks_write_kinds_of_documents_in_words_and_every_fault_has_its_column() {
        let today = NaiveDate::from_ymd_opt(2026, 3, 9).unwrap();
        let file = "姓名,证件号码,证件类型,签发国\n张三,32010219000101001X,,\n李四,E12345678,护照,CN\n王五,32010219000101001A,居民身份证,\n,32010219000101001X,工作证,\n".as_bytes();
        let rows = parse_workers(Format::Csv, file, today).unwrap();
        let fields = |row: &WorkerOrder| row.content.as_ref().err().map(|faults| faults.iter().map(|fault| fault.field.clone().unwrap()).collect::<Vec<_>>());
        assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert_eq!((fields(&rows[0]), fields(&rows[1])), (None, None));
        assert_eq!(fields(&rows[2]).unwrap(), ["document_number"]);
        assert_eq!(fields(&rows[3]).unwrap(), ["name", "document_type"]);
    }
}
