//! Workers as files and requests name them: by identifier or by the number of a document.

use super::Registry;
use super::error::Error;
use crate::domain::number::normalised;
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::store::backend::Conn;
use crate::store::merges;
use crate::store::workers as store;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// What is wrong with a row that names nobody.
pub(super) fn nobody_named() -> Violation {
    invalid("row", Text::new("neither worker_id nor document_number found", "缺少劳动者标识（worker_id）或证件号码（document_number）"))
}

/// How a file or a request names a worker.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerReference {
    Id(String),
    /// In normal form; personal data.
    DocumentNumber(String),
}

impl WorkerReference {
    /// From a row's cells: by identifier, or by document number; None when there is neither.
    pub(super) fn of_cells(id: Option<String>, number: Option<String>) -> Option<Self> {
        id.map(WorkerReference::Id).or_else(|| number.map(|number| WorkerReference::DocumentNumber(normalised(&number))))
    }
}

impl Registry {
    /// Finds the worker of each reference, in their order; or says why there is none.
    pub(super) async fn find_referenced(&self, references: &[&WorkerReference]) -> Result<Vec<Result<String, Text>>, Error> {
        let hash = |reference: &WorkerReference| match reference {
            WorkerReference::Id(_) => None,
            WorkerReference::DocumentNumber(number) => Some(self.number_hash(number).to_vec()),
        };
        let hashes: Vec<Vec<u8>> = references.iter().filter_map(|reference| hash(reference)).collect();
        let ids: Vec<String> = references.iter().filter_map(|reference| if let WorkerReference::Id(id) = reference { Some(id.clone()) } else { None }).collect();
        let read = move |conn: &mut Conn| {
            let by_number = store::list_owners_of_numbers(conn, &hashes)?;
            let owners: Vec<String> = by_number.iter().map(|owner| owner.worker_id.clone()).collect();
            Ok((merges::list_persons(conn, &owners)?, by_number, store::list_existing(conn, &ids)?))
        };
        let (persons, by_number, existing) = self.store.read_snapshot(read).await?;
        let mut owners: HashMap<Vec<u8>, HashSet<String>> = HashMap::new();
        for owner in by_number {
            owners.entry(owner.number_hash).or_default().insert(persons.root_of(&owner.worker_id).to_owned());
        }
        let existing: HashSet<String> = existing.into_iter().collect();
        let nobody = || Text::new("no registered worker found; register the worker first", "未找到已登记的劳动者，请先登记");
        let find = |reference: &WorkerReference| match reference {
            WorkerReference::Id(id) => existing.get(id).cloned().ok_or_else(nobody),
            WorkerReference::DocumentNumber(_) => {
                let mut owners = hash(reference).and_then(|hash| owners.get(&hash)).into_iter().flatten();
                match (owners.next(), owners.next()) {
                    (Some(owner), None) => Ok(owner.clone()),
                    (Some(_), Some(_)) => Err(Text::new("documents of several workers have this number; give worker_id", "多名劳动者的证件使用该号码，请给出 worker_id")),
                    (None, _) => Err(nobody()),
                }
            }
        };
        Ok(references.iter().map(|reference| find(reference)).collect())
    }

    /// Under which of a person's records each of these workers stands on a list; itself where none does.
    pub(super) async fn as_listed(&self, workers: Vec<String>, is_listed: impl Fn(&str) -> bool) -> Result<Vec<String>, Error> {
        let missing: Vec<String> = workers.iter().filter(|worker| !is_listed(worker)).cloned().collect();
        if missing.is_empty() {
            return Ok(workers);
        }
        let persons = self.store.read(move |conn| merges::list_persons(conn, &missing)).await?;
        let listed = |worker: String| if is_listed(&worker) { worker } else { persons.records_of(&worker).into_iter().find(|other| is_listed(other)).unwrap_or(worker) };
        Ok(workers.into_iter().map(listed).collect())
    }

    /// Finds the persons that a list names, by the record that stands for each; every name that finds nobody, and every worker named twice, is a fault of its row.
    pub(super) async fn resolve_workers(&self, references: &[&WorkerReference], field: &str) -> Result<Vec<String>, Error> {
        let (mut found, mut faults, mut seen) = (Vec::new(), Vec::new(), HashMap::new());
        let named = self.find_referenced(references).await?;
        let known: Vec<String> = named.iter().flatten().cloned().collect();
        let persons = self.store.read(move |conn| merges::list_persons(conn, &known)).await?;
        for (index, worker) in named.into_iter().map(|worker| worker.map(|worker| persons.root_of(&worker).to_owned())).enumerate() {
            let at = format!("{field}[{index}]");
            match worker {
                Err(why) => faults.push(invalid(at, why)),
                Ok(worker) => {
                    if let Some(first) = seen.insert(worker.clone(), index) {
                        faults.push(invalid(at, Text::new(format!("the same worker stands at {field}[{first}] already"), format!("与 {field}[{first}] 为同一人"))));
                    }
                    found.push(worker);
                }
            }
        }
        if faults.is_empty() { Ok(found) } else { Err(Error::Invalid(faults)) }
    }
}
