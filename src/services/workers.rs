//! Workers: registered once for life, known by any of their documents.

use super::Registry;
use super::error::Error;
use crate::domain::rule::invalid;
use super::intent::{Answer, Intent};
use crate::domain::access::{Act, Actor};
use crate::domain::document::{IdentityDocument, age_on, mask_number};
use crate::domain::id::{DocumentId, WorkerId};
use crate::domain::person_name::PersonName;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::merges;
use crate::store::workers::{self as store, WorkerDocumentRow, WorkerNameRow, WorkerRow};
use crate::store::writer::Tx;
use crate::vault::Sealed;
use chrono::NaiveDate;
use std::collections::HashMap;

/// A worker in clear, for the services only.
#[derive(Debug, Clone)]
pub struct Worker {
    pub id: WorkerId,
    pub name: PersonName,
    pub name_version: i32,
    pub documents: Vec<KnownDocument>,
    pub registered_at: i64,
}

/// A document in clear, for the services only.
#[derive(Debug, Clone)]
pub struct KnownDocument {
    pub id: DocumentId,
    pub document: IdentityDocument,
}

/// A worker with what is worth a warning about the documents.
#[derive(Debug, Clone)]
pub struct WorkerView {
    pub worker: Worker,
    pub warnings: Vec<Violation>,
    /// The record that stands for this one, if it was joined to another.
    pub merged_into: Option<WorkerId>,
    pub is_new: bool,
}

/// The write of workers who are new: all stand, or none does.
#[derive(Default)]
pub(super) struct NewWorkers {
    rows: Vec<WorkerRow>,
    names: Vec<WorkerNameRow>,
    documents: Vec<WorkerDocumentRow>,
    facts: Vec<Fact>,
}

impl NewWorkers {
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Documents in one order everywhere: two nodes that write one list from two ends would else each wait for the other.
    pub(super) fn in_order(mut self) -> Self {
        self.documents.sort_by(|one, other| (&one.number_hash, &one.document_type, &one.country).cmp(&(&other.number_hash, &other.document_type, &other.country)));
        self
    }

    pub(super) fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        store::insert_workers(tx.conn, &self.rows, &self.names, &self.documents)?;
        self.facts.iter().for_each(|fact| tx.record(fact.clone()));
        Ok(())
    }
}

impl Worker {
    /// The date of birth, where a document tells it.
    pub fn birth(&self) -> Option<NaiveDate> {
        self.documents.iter().rev().find_map(|known| known.document.resident().map(|resident| resident.birth_date()))
    }
}

fn name_place(worker: &str, version: i32) -> String {
    format!("{worker}/{version}")
}

impl Registry {
    /// The keyed hash by which a document number is found, whatever kind it is of.
    pub(super) fn number_hash(&self, number: &str) -> [u8; 32] {
        self.vault.blind_index("document number", number)
    }

    /// Registers a worker. The same document finds the same worker; documents not yet known are added.
    pub async fn register_worker(&self, actor: &Actor, name: PersonName, documents: Vec<IdentityDocument>, intent: &Intent<WorkerView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::RegisterWorker)?;
        self.check_documents(&documents)?;
        // Two nodes may register one person at once; whoever is second meets the constraint and finds the first.
        for _ in 0..3 {
            let known = self.find_worker_of_any(&documents).await?;
            let done = match known {
                Some(worker) => self.add_to_known(actor, worker, &name, &documents, intent).await,
                None => self.insert_worker(actor, &name, &documents, intent).await,
            };
            match done {
                Err(Error::Conflict(_)) => {}
                other => return other,
            }
        }
        Err(Error::Conflict(Text::new("one of the documents belongs to another worker", "其中一份证件已属于另一名劳动者")))
    }

    pub(super) fn check_documents(&self, documents: &[IdentityDocument]) -> Result<(), Error> {
        if documents.is_empty() {
            return Err(Error::invalid("documents", Text::new("at least one document expected", "至少应有一份证件")));
        }
        let (today, least) = (self.clock.today(), self.config.rules.worker_age_years_min);
        for (index, document) in documents.iter().enumerate() {
            let Some(resident) = document.resident() else { continue };
            let age = age_on(resident.birth_date(), today);
            if age < least {
                let detail = Text::new(format!("the worker is {age} years old, at least {least} expected"), format!("年龄 {age} 周岁，应不低于 {least} 周岁"));
                return Err(Error::Refused(vec![Violation::deny("PR-4", detail).at(format!("documents[{index}]")).fact("age_min", least)]));
            }
        }
        Ok(())
    }

    /// The worker that any of the documents belongs to; two different ones are a case for merging.
    async fn find_worker_of_any(&self, documents: &[IdentityDocument]) -> Result<Option<Worker>, Error> {
        let mut found: Option<WorkerId> = None;
        for document in documents {
            let Some(id) = self.find_worker_by_document(document).await? else { continue };
            let id = self.root_of(&id).await?;
            if found.as_ref().is_some_and(|other| other != &id) {
                return Err(Error::Refused(vec![Violation::deny("FORM", Text::new("the documents belong to two different workers; their records have to be merged", "这些证件属于两名不同的劳动者，应先合并档案")).at("documents")]));
            }
            found = Some(id);
        }
        match found {
            Some(id) => self.load_worker(&id).await.map(Some),
            None => Ok(None),
        }
    }

    async fn find_worker_by_document(&self, document: &IdentityDocument) -> Result<Option<WorkerId>, Error> {
        let hash = self.number_hash(document.number());
        let rows = self.store.read(move |conn| store::list_documents_by_number(conn, &hash)).await?;
        let row = rows.iter().find(|row| row.document_type == document.kind().as_str() && row.country == document.country().unwrap_or_default());
        row.map(|row| super::stored(&row.worker_id)).transpose()
    }

    async fn insert_worker(&self, actor: &Actor, name: &PersonName, documents: &[IdentityDocument], intent: &Intent<WorkerView>) -> Result<Answer, Error> {
        let mut new = NewWorkers::default();
        let worker = self.new_worker(actor, name, documents, &mut new)?;
        let view = WorkerView { warnings: self.document_warnings(&worker), worker, merged_into: None, is_new: true };
        let (answer, kept) = self.answer(intent, &view);
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                new.run(tx)
            })
            .await?;
        Ok(answer)
    }

    /// A worker nobody knows yet, whose rows join those that are to be written.
    pub(super) fn new_worker(&self, actor: &Actor, name: &PersonName, documents: &[IdentityDocument], new: &mut NewWorkers) -> Result<Worker, StoreError> {
        let id = self.new_id(WorkerId::new);
        let (now, by) = (self.now_micros(), actor.client.to_string());
        let row = WorkerRow { id: id.to_string(), registered_at: now, registered_by: by.clone() };
        let name_row = self.name_row(&id, 1, name, None, &by);
        let (known, sealed): (Vec<KnownDocument>, Vec<WorkerDocumentRow>) = documents.iter().map(|document| self.document_row(&id, document, &by)).unzip();
        let mut facts = vec![Fact::of(None, &row)?, Fact::of(None, &name_row)?];
        for document in &sealed {
            facts.push(Fact::of(None, document)?);
        }
        new.facts.extend(facts.into_iter().map(|fact| fact.committed(self.entropy.bytes())));
        new.rows.push(row);
        new.names.push(name_row);
        new.documents.extend(sealed);
        Ok(Worker { id, name: name.clone(), name_version: 1, documents: known, registered_at: now })
    }

    async fn add_to_known(&self, actor: &Actor, worker: Worker, name: &PersonName, documents: &[IdentityDocument], intent: &Intent<WorkerView>) -> Result<Answer, Error> {
        refuse_other_name(&worker.name, name)?;
        let missing: Vec<IdentityDocument> = documents.iter().filter(|document| !worker.documents.iter().any(|known| &known.document == *document)).cloned().collect();
        self.append_documents(actor, worker, missing, intent).await
    }

    /// Adds a document to a worker, for example a new passport.
    pub async fn add_document(&self, actor: &Actor, id: &WorkerId, document: IdentityDocument, intent: &Intent<WorkerView>) -> Result<Answer, Error> {
        self.authorise(actor, Act::RegisterWorker)?;
        self.check_documents(std::slice::from_ref(&document))?;
        let worker = self.load_worker(id).await?;
        let is_known = worker.documents.iter().any(|known| known.document == document);
        let missing = if is_known { Vec::new() } else { vec![document] };
        match self.append_documents(actor, worker, missing, intent).await {
            Err(Error::Conflict(_)) => Err(Error::Conflict(Text::new("the document belongs to another worker", "该证件已属于另一名劳动者"))),
            other => other,
        }
    }

    async fn append_documents(&self, actor: &Actor, mut worker: Worker, missing: Vec<IdentityDocument>, intent: &Intent<WorkerView>) -> Result<Answer, Error> {
        let by = actor.client.to_string();
        let sealed: Vec<(KnownDocument, WorkerDocumentRow)> = missing.iter().map(|document| self.document_row(&worker.id, document, &by)).collect();
        worker.documents.extend(sealed.iter().map(|(known, _)| known.clone()));
        let view = WorkerView { warnings: self.document_warnings(&worker), worker, merged_into: None, is_new: false };
        if sealed.is_empty() {
            return self.answer_known(intent, &view).await;
        }
        let (answer, kept) = self.answer(intent, &view);
        let rows: Vec<WorkerDocumentRow> = sealed.into_iter().map(|(_, row)| row).collect();
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                add_documents(tx, &rows)
            })
            .await?;
        self.standings.forget_all();
        Ok(answer)
    }

    /// PR-1: warnings about region codes and order codes; never a reason to refuse.
    fn document_warnings(&self, worker: &Worker) -> Vec<Violation> {
        let catalogue = self.catalogue();
        let today = self.clock.today();
        let is_known_region = |code: &str| {
            catalogue.find_entry("regions", code, today).is_some()
                || catalogue.list_on("former_regions", today).is_some_and(|list| list.entries.iter().any(|entry| entry.member("code") == code))
                || code.starts_with('8')
        };
        let mut warnings = Vec::new();
        for resident in worker.documents.iter().filter_map(|known| known.document.resident()) {
            if !is_known_region(resident.region_code()) {
                warnings.push(Violation::warn("PR-1", Text::new("region_unknown: the region code is in no list, present or past", "region_unknown：地区代码不在现行或历史目录中")).at("documents"));
            }
            if resident.has_unusual_order() {
                warnings.push(Violation::warn("PR-1", Text::new("the order code is 000, which does not occur", "顺序码为 000，通常不会出现")).at("documents"));
            }
        }
        warnings
    }

    pub(super) fn name_row(&self, id: &WorkerId, version: i32, name: &PersonName, reason: Option<String>, by: &str) -> WorkerNameRow {
        let sealed_name = self.vault.seal(Sealed::Name, &name_place(id.as_str(), version), name.as_str().as_bytes(), &self.entropy);
        WorkerNameRow { worker_id: id.to_string(), version, sealed_name, reason, recorded_at: self.now_micros(), recorded_by: by.to_owned() }
    }

    pub(super) fn document_row(&self, id: &WorkerId, document: &IdentityDocument, by: &str) -> (KnownDocument, WorkerDocumentRow) {
        let known = KnownDocument { id: self.new_id(DocumentId::new), document: document.clone() };
        let row = WorkerDocumentRow {
            id: known.id.to_string(),
            worker_id: id.to_string(),
            document_type: document.kind().as_str().to_owned(),
            country: document.country().unwrap_or_default().to_owned(),
            sealed_number: self.vault.seal(Sealed::DocumentNumber, known.id.as_str(), document.number().as_bytes(), &self.entropy),
            number_hash: self.number_hash(document.number()).to_vec(),
            recorded_at: self.now_micros(),
            recorded_by: by.to_owned(),
        };
        (known, row)
    }

    /// A worker in clear, with the documents of every record that was joined to this one.
    pub(super) async fn load_worker(&self, id: &WorkerId) -> Result<Worker, Error> {
        let wanted = id.to_string();
        let (found, joined) = self.store.read(move |conn| Ok((store::find_worker(conn, &wanted)?, merges::list_persons(conn, &[wanted])?))).await?;
        let (row, name, mut documents) = found.ok_or(Error::NotFound)?;
        let below: Vec<String> = if joined.root_of(id.as_str()) == id.as_str() { joined.records_of(id.as_str()).split_off(1) } else { Vec::new() };
        if !below.is_empty() {
            let (ids, mut all) = (below.clone(), Vec::new());
            let mut others = self.store.read(move |conn| store::find_workers(conn, &ids)).await?;
            all.extend(below.iter().filter_map(|id| others.remove(id)).flat_map(|(_, _, documents)| documents));
            // The record's own stand last, where the newest one is looked for.
            all.append(&mut documents);
            documents = all;
        }
        self.open_worker(&row, &name, &documents)
    }

    pub(super) fn open_name(&self, name: &WorkerNameRow) -> Result<PersonName, Error> {
        super::stored(&self.vault.open_text(Sealed::Name, &name_place(&name.worker_id, name.version), &name.sealed_name)?)
    }

    pub(super) fn open_worker(&self, row: &WorkerRow, name: &WorkerNameRow, documents: &[WorkerDocumentRow]) -> Result<Worker, Error> {
        let documents = documents.iter().map(|row| self.open_document(row)).collect::<Result<_, _>>()?;
        Ok(Worker { id: super::stored(&row.id)?, name: self.open_name(name)?, name_version: name.version, documents, registered_at: row.registered_at })
    }

    fn open_document(&self, row: &WorkerDocumentRow) -> Result<KnownDocument, Error> {
        let number = self.vault.open_text(Sealed::DocumentNumber, &row.id, &row.sealed_number)?;
        let country = (!row.country.is_empty()).then_some(row.country.as_str());
        // The day of registration, because ages are judged against it.
        let recorded_on = crate::domain::calendar::legal_date(crate::clock::from_micros(row.recorded_at));
        let document = IdentityDocument::parse(super::stored(&row.document_type)?, country, &number, recorded_on)
            .map_err(|_| Error::Internal("a stored document number is not of its form".to_owned()))?;
        Ok(KnownDocument { id: super::stored(&row.id)?, document })
    }

    pub async fn get_worker(&self, actor: &Actor, id: &WorkerId) -> Result<WorkerView, Error> {
        self.authorise(actor, Act::ReadWorker)?;
        let worker = self.load_worker(id).await?;
        let root = self.root_of(id).await?;
        Ok(WorkerView { warnings: self.document_warnings(&worker), worker, merged_into: Some(root).filter(|root| root != id), is_new: false })
    }

    /// The masked names of workers on a list, by their identifiers (PR-2).
    pub async fn masked_names(&self, actor: &Actor, ids: Vec<String>) -> Result<HashMap<String, String>, Error> {
        self.authorise(actor, Act::ReadWorker)?;
        let found = self.store.read(move |conn| store::find_workers(conn, &ids)).await?;
        found.into_iter().map(|(id, (_, name, _))| Ok((id, self.open_name(&name)?.masked()))).collect()
    }

    /// Workers known by a document number, of any kind of document.
    pub async fn search_workers(&self, actor: &Actor, number: &str) -> Result<Vec<WorkerView>, Error> {
        self.authorise(actor, Act::ReadWorker)?;
        let normal = crate::domain::number::normalised(number);
        if normal.is_empty() || normal.chars().count() > 64 {
            return Err(Error::Invalid(vec![invalid("document_number", Text::new("1 to 64 characters expected", "应为 1 至 64 个字符"))]));
        }
        let hash = self.number_hash(&normal);
        let rows = self.store.read(move |conn| store::list_documents_by_number(conn, &hash)).await?;
        let mut views = Vec::new();
        for row in rows {
            let root = self.root_of(&super::stored(&row.worker_id)?).await?;
            if views.iter().any(|view: &WorkerView| view.worker.id == root) {
                continue;
            }
            let worker = self.load_worker(&root).await?;
            views.push(WorkerView { warnings: Vec::new(), worker, merged_into: None, is_new: false });
        }
        Ok(views)
    }
}

/// PR-1: a document that is known under another name.
pub(super) fn refuse_other_name(known: &PersonName, name: &PersonName) -> Result<(), Error> {
    if known == name {
        return Ok(());
    }
    let detail = Text::new("the document is known under another name; a misspelt name is corrected, not registered again", "该证件已登记在另一姓名下；姓名有误应办理更正");
    Err(Error::Refused(vec![Violation::deny("PR-1", detail).at("name")]))
}

/// Inserts documents and records each.
pub(super) fn add_documents(tx: &mut Tx<'_>, rows: &[WorkerDocumentRow]) -> Result<(), StoreError> {
    for row in rows {
        store::insert_document(tx.conn, row)?;
        tx.record(Fact::of(None, row)?);
    }
    Ok(())
}

/// A document number as answers show it.
pub fn masked(known: &KnownDocument) -> String {
    mask_number(known.document.number())
}

/// Whether a write failed because a document is somebody else's.
pub(super) fn is_document_conflict(error: &StoreError) -> bool {
    matches!(error, StoreError::Conflict(Constraint::WorkerDocument))
}
