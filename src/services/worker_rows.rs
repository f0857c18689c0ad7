//! Lists of workers to be registered, as those who begin a class or a session have them: each row is that row's affair, and a list that
//! is sent again finds everybody of the first time.

use super::Registry;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::issuing::ROUNDS_MAX;
use super::workers::{NewWorkers, is_document_conflict, refuse_other_name};
use crate::domain::access::{Act, Actor};
use crate::domain::document::{IdDocumentType, IdentityDocument};
use crate::domain::person_name::PersonName;
use crate::domain::rule::{Malformed, Violation, invalid};
use crate::domain::text::Text;
use crate::store::backend::Conn;
use crate::store::merges;
use crate::store::workers as store;
use crate::table::{self, Format, Shape};
use chrono::NaiveDate;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Cursor;
use std::sync::Arc;

/// `name` and `document_number`; `document_type` is `resident_id` when it is left empty, and a passport has its `country`.
pub const WORKERS: Shape =
    Shape { columns: &[("name", "姓名"), ("document_number", "证件号码"), ("document_type", "证件类型"), ("country", "签发国")], required: &[&["name"], &["document_number"]], rows_max: 10_000 };

/// Rows that are decided on one reading of the database and written in one transaction.
const STEP: usize = 1_000;

/// One row: its place in the file, and the worker or what is wrong.
pub struct WorkerOrder {
    pub row: usize,
    pub content: Result<(PersonName, IdentityDocument), Vec<Violation>>,
}

/// What became of a row: the worker, who has no identifier where nothing is written, and whether they are new; or why it is not taken.
type Outcome = Result<(Option<String>, bool), Vec<Violation>>;

/// A document as the registry knows it: keyed hash of the number, type, country.
type DocumentKey = (Vec<u8>, String, String);

/// Whose documents are known: the record that stands for each worker, and its name.
type KnownWorkers = HashMap<DocumentKey, (String, PersonName)>;

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

/// A row and its place in the list: two rows may stand in one line of a damaged file, but not in one place.
type PlacedOrder = (usize, WorkerOrder);

/// The rows that name a document for the first time, or nobody; and the place of each row that names one again, with the place of the row
/// that did before. That is the same worker; another name is a fault of the later row (PR-1).
fn compare_rows(orders: Vec<WorkerOrder>) -> (Vec<PlacedOrder>, Vec<(usize, usize)>) {
    let mut named: HashMap<(IdDocumentType, String, String), (PersonName, usize)> = HashMap::new();
    let (mut first, mut again) = (Vec::with_capacity(orders.len()), Vec::new());
    for (place, mut order) in orders.into_iter().enumerate() {
        if let Ok((name, document)) = &order.content {
            let key = (document.kind(), document.country().unwrap_or_default().to_owned(), document.number().to_owned());
            match named.get(&key) {
                None => {
                    named.insert(key, (name.clone(), place));
                }
                Some((known, earlier)) if known == name => {
                    again.push((place, *earlier));
                    continue;
                }
                Some(_) => {
                    let detail = Text::new("an earlier row has the same document under another name", "前面的行已用该证件登记了另一姓名");
                    order.content = Err(vec![Violation::deny("PR-1", detail).at("name")]);
                }
            }
        }
        first.push((place, order));
    }
    (first, again)
}

/// A fault of a list of documents is here a fault of the row.
fn findings_of(error: Error) -> Result<Vec<Violation>, Error> {
    let (Error::Refused(findings) | Error::Invalid(findings)) = error else { return Err(error) };
    Ok(findings.into_iter().map(|finding| if finding.field.as_deref() == Some("name") { finding } else { finding.at("document_number") }).collect())
}

impl Registry {
    /// Registers the workers of a list, or only asks the rules. Who is known already is found, and nothing is done twice.
    pub async fn register_workers(&self, actor: &Actor, orders: Vec<WorkerOrder>, is_dry_run: bool, intent: &Intent<RegisteredWorkers>) -> Result<Answer, Error> {
        self.authorise(actor, Act::RegisterWorker)?;
        let rows: Vec<usize> = orders.iter().map(|order| order.row).collect();
        let (first, again) = compare_rows(orders);
        let taken: Vec<(usize, Outcome)> = stream::iter(first).chunks(STEP).then(|step| self.take_workers(actor, step.into(), is_dry_run)).try_concat().await?;
        let mut outcomes: BTreeMap<usize, Outcome> = taken.into_iter().collect();
        for (place, earlier) in again {
            let outcome = super::existing(outcomes.get(&earlier), "the row that named a worker first")?.clone();
            outcomes.insert(place, outcome.map(|(id, _)| (id, false)));
        }
        let mut registered = RegisteredWorkers::default();
        // Every place has its outcome.
        for (row, outcome) in rows.into_iter().zip(outcomes.into_values()) {
            match outcome {
                Ok((id, is_new)) => registered.workers.push((row, id, is_new)),
                Err(findings) => registered.refused.push((row, findings)),
            }
        }
        self.answer_known(intent, &registered).await
    }

    /// Decides the rows of a step and writes the workers who are new.
    async fn take_workers(&self, actor: &Actor, orders: Arc<[PlacedOrder]>, is_dry_run: bool) -> Result<Vec<(usize, Outcome)>, Error> {
        for _ in 0..ROUNDS_MAX {
            let known = self.find_known_workers(&orders).await?;
            let (registry, actor, orders) = (self.clone(), actor.clone(), Arc::clone(&orders));
            let (outcomes, new) = tokio::task::spawn_blocking(move || registry.decide_workers(&actor, &orders, &known, is_dry_run)).await.map_err(|error| Error::Internal(error.to_string()))??;
            if new.is_empty() {
                return Ok(outcomes);
            }
            match self.store.write(move |tx| new.run(tx)).await {
                Ok(()) => return Ok(outcomes),
                // Somebody else has registered one of them, who is found in the next round.
                Err(error) if is_document_conflict(&error) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Unavailable(Text::new("workers of the list were registered elsewhere eight times meanwhile", "名单中的人员连续八次在别处被登记")))
    }

    fn document_key(&self, document: &IdentityDocument) -> DocumentKey {
        (self.number_hash(document.number()).to_vec(), document.kind().as_str().to_owned(), document.country().unwrap_or_default().to_owned())
    }

    async fn find_known_workers(&self, orders: &[PlacedOrder]) -> Result<KnownWorkers, Error> {
        let hashes: Vec<Vec<u8>> = orders.iter().filter_map(|(_, order)| order.content.as_ref().ok()).map(|(_, document)| self.number_hash(document.number()).to_vec()).collect();
        let read = move |conn: &mut Conn| {
            let owners = store::list_owners_of_numbers(conn, &hashes)?;
            let ids: Vec<String> = owners.iter().map(|owner| owner.worker_id.clone()).collect();
            let persons = merges::list_persons(conn, &ids)?;
            let roots: BTreeSet<String> = ids.iter().map(|id| persons.root_of(id).to_owned()).collect();
            let found = store::find_workers(conn, &roots.into_iter().collect::<Vec<_>>())?;
            Ok((owners, persons, found))
        };
        let (owners, persons, found) = self.store.read_snapshot(read).await?;
        let mut known = KnownWorkers::new();
        for owner in owners {
            let root = persons.root_of(&owner.worker_id).to_owned();
            let (_, name, _) = super::existing(found.get(&root), "a worker whose document is known")?;
            let name = self.open_name(name)?;
            known.insert((owner.number_hash, owner.document_type, owner.country), (root, name));
        }
        Ok(known)
    }

    fn decide_workers(&self, actor: &Actor, orders: &[PlacedOrder], known: &KnownWorkers, is_dry_run: bool) -> Result<(Vec<(usize, Outcome)>, NewWorkers), Error> {
        let (mut outcomes, mut new) = (Vec::with_capacity(orders.len()), NewWorkers::default());
        for (place, order) in orders {
            let outcome = match &order.content {
                Err(faults) => Err(faults.clone()),
                Ok((name, document)) => match self.judge_row(name, document, known) {
                    Err(refused) => Err(findings_of(refused)?),
                    Ok(Some(id)) => Ok((Some(id), false)),
                    Ok(None) if is_dry_run => Ok((None, true)),
                    Ok(None) => Ok((Some(self.new_worker(actor, name, std::slice::from_ref(document), &mut new)?.id.to_string()), true)),
                },
            };
            outcomes.push((*place, outcome));
        }
        Ok((outcomes, new.in_order()))
    }

    /// The worker whose document it is; nobody where they would be new.
    fn judge_row(&self, name: &PersonName, document: &IdentityDocument, known: &KnownWorkers) -> Result<Option<String>, Error> {
        self.check_documents(std::slice::from_ref(document))?;
        let Some((id, known_name)) = known.get(&self.document_key(document)) else { return Ok(None) };
        refuse_other_name(known_name, name)?;
        Ok(Some(id.clone()))
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
