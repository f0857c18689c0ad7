//! Batches of certificates: a file of orders, received whole or not at all, then issued as a job.
//!
//! A file is read row by row and kept in sealed pieces, each as large as a step of the job, so that memory does not grow with the
//! file. The batch exists when its job is queued; until then its pieces belong to nothing and are forgotten after a day.

use super::Registry;
use super::bulk_issuing::{RowResult, refusal};
use super::error::Error;
use super::intent::{Answer, Intent};
use super::issuing::OrderContent;
use super::jobs::{KIND_CHANGE_BATCH_STATUS, KIND_ISSUE_BATCH, OrderedRow, RowName, STEP};
use super::references::WorkerReference;
use super::status::StatusOrder;
use crate::domain::access::{Act, Actor, CHANGE_CERTIFICATE, holds_any};
use crate::domain::certificate::StatusChange;
use crate::domain::certificate_kind::CertificateKind;
use crate::domain::id::{BatchId, JobId, OrganisationId};
use crate::domain::rule::{Violation, invalid};
use crate::domain::text::Text;
use crate::store::batches::{self as store, ChunkRow};
use crate::store::certificates::{self, Standing};
use crate::store::jobs::{self as job_store, JobRow};
use crate::table::{self, Format, Row, Shape};
use crate::vault::Sealed;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::fs::File;

/// A row of a batch: who is to get what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BatchOrder {
    pub worker: WorkerReference,
    pub content: OrderContent,
}

/// Reads the cells of a row.
pub type ParseRow = fn(Map<String, Value>) -> Result<BatchOrder, Vec<Violation>>;

/// A file as it came.
pub struct BatchUpload {
    pub file: File,
    pub format: Format,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    pub columns: &'static [(&'static str, &'static str)],
    pub required: &'static [&'static [&'static str]],
    pub parse: ParseRow,
    pub is_dry_run: bool,
}

/// A row as it is kept: the order, or why it is none.
#[derive(Debug, Serialize, Deserialize)]
enum KeptRow {
    Order(BatchOrder),
    Refused(Value),
}

/// A change of status of a whole batch (SV-7).
pub(super) struct BatchChange {
    pub batch: String,
    pub order: StatusOrder,
}

fn chunk_place(batch: &str, chunk: i32) -> String {
    format!("{batch}/{chunk}")
}

impl Registry {
    /// The body in whose name an actor may send batches; to be asked before a file is taken.
    pub fn authorise_batch(&self, actor: &Actor) -> Result<OrganisationId, Error> {
        let issuer = self.own_organisation(actor)?;
        // The kind for which the most actors may; each row is asked for its own.
        self.authorise(actor, Act::IssueCertificate { issuer: &issuer, kind: CertificateKind::TrainingCompletion })?;
        Ok(issuer)
    }

    /// Receives a batch and queues its job. Faulty rows are results of their own; a damaged file is refused as a whole (SV-8).
    pub async fn receive_batch(&self, actor: &Actor, upload: BatchUpload, intent: &Intent<JobRow>) -> Result<Answer, Error> {
        let issuer = self.authorise_batch(actor)?;
        let id = self.new_id(BatchId::new).to_string();
        let (format, digest, is_dry_run) = (upload.format, upload.digest, upload.is_dry_run);
        let received = match self.receive_rows(actor, &issuer, &id, upload).await {
            Ok(received) => received,
            Err(error) => {
                // What came so far belongs to nothing. If this fails too, it is forgotten later.
                let _ = self.store.write(move |tx| store::delete_chunks(tx.conn, &id)).await;
                return Err(error);
            }
        };
        let input = json!({ "format": format.as_str(), "sha256": hex::encode(digest) });
        let row = self.new_job(id, KIND_ISSUE_BATCH, &issuer, &input, received, is_dry_run, actor);
        self.ask_for_job(row, &issuer, intent).await
    }

    /// Reads the file on a thread of its own and keeps its rows piece by piece. Returns their number.
    async fn receive_rows(&self, actor: &Actor, issuer: &OrganisationId, batch: &str, upload: BatchUpload) -> Result<i64, Error> {
        let BatchUpload { mut file, format, columns, required, parse, .. } = upload;
        let shape = Shape { columns, required, rows_max: self.config.batch_rows_max };
        // Two pieces under way: reading and writing overlap, and neither runs ahead of the other.
        let (sender, mut pieces) = tokio::sync::mpsc::channel::<Vec<KeptRow>>(2);
        let reading = tokio::task::spawn_blocking(move || {
            let mut piece = Vec::with_capacity(STEP as usize);
            let gone = || invalid("file", Text::new("the upload was given up", "上传已中止"));
            table::read(format, &mut file, &shape, &mut |row: Row| {
                let number = row.number;
                let kept = match row.cells.map_err(|fault| vec![fault]).and_then(parse) {
                    Ok(order) => KeptRow::Order(order),
                    Err(faults) => KeptRow::Refused(refusal(&faults.into_iter().map(|fault| fault.fact("line", number)).collect::<Vec<_>>())),
                };
                piece.push(kept);
                if piece.len() == STEP as usize {
                    return sender.blocking_send(std::mem::replace(&mut piece, Vec::with_capacity(STEP as usize))).map_err(|_| gone());
                }
                Ok(())
            })?;
            if piece.is_empty() { Ok(()) } else { sender.blocking_send(piece).map_err(|_| vec![gone()]) }
        });
        let (mut received, mut chunk) = (0, 0);
        while let Some(rows) = pieces.recv().await {
            for row in &rows {
                if let KeptRow::Order(order) = row {
                    self.authorise(actor, Act::IssueCertificate { issuer, kind: order.content.subject.kind() })?;
                }
            }
            received += rows.len() as i64;
            let text = serde_json::to_vec(&rows).map_err(|error| Error::Internal(error.to_string()))?;
            let sealed_rows = self.vault.seal(Sealed::BatchRows, &chunk_place(batch, chunk), &text, &self.entropy);
            let row = ChunkRow { batch_id: batch.to_owned(), chunk, sealed_rows, received_at: self.now_micros() };
            self.store.write(move |tx| store::insert_chunk(tx.conn, &row)).await?;
            chunk += 1;
        }
        reading.await.map_err(|error| Error::Internal(error.to_string()))?.map_err(Error::Invalid)?;
        Ok(received)
    }

    /// The rows of a batch behind a row, with the workers that they name.
    pub(super) async fn next_batch_rows(&self, job: &JobRow, after: i32) -> Result<Vec<OrderedRow>, Error> {
        // A piece may be done in part: its rows may have gone one by one.
        let (chunk, done, batch) = (after / STEP as i32, (after % STEP as i32) as usize, job.id.clone());
        let Some(found) = self.store.read(move |conn| store::find_chunk(conn, &batch, chunk)).await? else {
            // A batch ends when all its rows are done, not when they are gone.
            return if after >= job.total { Ok(Vec::new()) } else { Err(Error::Internal(format!("rows {after} and after of a batch are missing"))) };
        };
        let text = self.vault.open_text(Sealed::BatchRows, &chunk_place(&job.id, chunk), &found.sealed_rows)?;
        let mut rows: Vec<KeptRow> = super::stored_json(&text)?;
        rows.drain(..done.min(rows.len()));
        let references: Vec<&WorkerReference> = rows.iter().filter_map(|row| if let KeptRow::Order(order) = row { Some(&order.worker) } else { None }).collect();
        let mut workers = self.find_referenced(&references).await?.into_iter();
        let rows = rows.into_iter().zip(after + 1..).map(|(row, number)| {
            let order = match row {
                KeptRow::Refused(result) => return Ok((RowName { number, subject: String::new() }, Err(RowResult { outcome: "refused", result: result.to_string() }))),
                KeptRow::Order(order) => order,
            };
            let worker = workers.next().ok_or_else(|| Error::Internal("a reference without an answer".to_owned()))?;
            Ok(match worker {
                Ok(worker) => (RowName { number, subject: worker.clone() }, Ok(order.content.for_worker(super::stored(&worker)?))),
                Err(why) => (RowName { number, subject: String::new() }, Err(RowResult::refused(&[invalid("worker_id", why)]))),
            })
        });
        rows.collect()
    }

    /// Changes the status of every certificate of a batch (SV-7), as a job.
    pub async fn change_batch_status(&self, actor: &Actor, id: &BatchId, order: StatusOrder, is_dry_run: bool, intent: &Intent<JobRow>) -> Result<Answer, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let wanted = id.to_string();
        let (batch, issued) = self.store.read(move |conn| Ok((job_store::find_job(conn, &wanted)?, job_store::count_issued_rows(conn, &wanted)?))).await?;
        let batch = batch.ok_or(Error::NotFound)?;
        let issuer: OrganisationId = super::stored(&batch.organisation_id)?;
        self.authorise(actor, Act::ChangeCertificate { issuer: &issuer })?;
        if batch.is_open() {
            let detail = Text::new("the batch is still being issued; cancel it or wait", "该批次仍在签发，请先取消或等待完成");
            return Err(Error::Conflict(detail));
        }
        let input = json!({ "batch_id": id.as_str(), "change": order.change.as_str(), "reason": order.reason, "decision_document": order.decision_document });
        let row = self.new_job(self.new_id(JobId::new).to_string(), KIND_CHANGE_BATCH_STATUS, &issuer, &input, issued, is_dry_run, actor);
        self.ask_for_job(row, &issuer, intent).await
    }

    pub(super) fn batch_change(&self, job: &JobRow) -> Result<BatchChange, Error> {
        let input: Value = super::stored_json(&job.input)?;
        let text = |name: &str| input[name].as_str().map(str::to_owned);
        let change: StatusChange = super::stored(&text("change").unwrap_or_default())?;
        Ok(BatchChange { batch: text("batch_id").unwrap_or_default(), order: StatusOrder { change, reason: text("reason").unwrap_or_default(), decision_document: text("decision_document") } })
    }

    /// Certificates that a batch has issued, behind a row: number and certificate, and how each stands.
    pub(super) async fn next_issued(&self, batch: &str, issuer: &str, after: i32) -> Result<(Vec<(i32, String)>, Vec<Standing>), Error> {
        let wanted = batch.to_owned();
        let rows = self.store.read(move |conn| job_store::list_issued_rows(conn, &wanted, after, STEP)).await?;
        let mut issued = Vec::with_capacity(rows.len());
        for row in rows {
            let result: Value = super::stored_json(&row.result)?;
            issued.push((row.row_number, result["certificate_id"].as_str().unwrap_or_default().to_owned()));
        }
        let ids: Vec<String> = issued.iter().map(|(_, id)| id.clone()).collect();
        let standings = self.store.read(move |conn| certificates::list_by_ids(conn, &ids)).await?;
        let mut by_id: HashMap<String, Standing> = standings.into_iter().map(|standing| (standing.0.id.clone(), standing)).collect();
        let standings: Vec<Standing> = issued.iter().filter_map(|(_, id)| by_id.remove(id)).collect();
        // Row results are no facts: whoever edits one must not reach another body's certificate.
        if standings.len() != issued.len() || standings.iter().any(|(row, ..)| row.issuer_id != issuer) {
            return Err(Error::Internal(format!("the rows of batch {batch} name certificates that it has not issued")));
        }
        Ok((issued, standings))
    }

    /// Forgets pieces of files that never became a batch.
    pub async fn forget_abandoned_batches(&self) -> Result<usize, Error> {
        let before = self.now_micros() - 86_400_000_000;
        Ok(self.store.write(move |tx| store::delete_abandoned(tx.conn, before)).await?)
    }
}
