//! What a worker takes away: the whole record as one file, whose digest is an entry of the log.
//!
//! A file is made whole before its first byte leaves, because its digest must be durable by then: whoever is handed a file can ask
//! whether the registry made it, and when. A life of work is a few megabytes.

use super::Registry;
use super::credits::CreditBalance;
use super::error::Error;
use super::issuing::IssuedCertificate;
use super::log::ProvenEntry;
use super::workers::Worker;
use crate::domain::access::SignedInWorker;
use crate::domain::id::{ExportId, OrganisationId};
use crate::domain::organisation::names;
use crate::domain::text::Text;
use crate::store::backend::Conn;
use crate::store::certificates as certificate_store;
use crate::store::history::{self as store, HistoryExportRow};
use crate::store::log::{self as log_store, Fact};
use crate::store::merges;
use crate::store::records::{self, RecordPlace, RecordRow};
use crate::store::writer::PlaceSlot;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryForm {
    Json,
    Csv,
    Xlsx,
    /// Comprehensive Learner Record 2.0 as a VC-JWT.
    Clr,
    /// A paper to read and to show.
    Pdf,
}

names!(HistoryForm {
    Json => "json",
    Csv => "csv",
    Xlsx => "xlsx",
    Clr => "clr",
    Pdf => "pdf",
});

/// Everything that goes into a file. Entries, certificates, credits and checkpoint are of one moment.
pub struct History {
    pub export: ExportId,
    pub exported_at: i64,
    pub worker: Worker,
    pub credits: CreditBalance,
    /// Each with its signed credential, in order of issue.
    pub certificates: Vec<(IssuedCertificate, String)>,
    pub entries: Vec<RecordRow>,
    /// Names of the organisations that the entries and certificates name.
    pub organisations: HashMap<String, String>,
    /// Entries of the log at that moment, and the checkpoint over them.
    pub log_size: u64,
    pub checkpoint: String,
}

/// A file with its digest, and where that stands in the log.
pub struct ExportedHistory {
    pub row: HistoryExportRow,
    pub file: Vec<u8>,
    pub place: PlaceSlot,
}

/// What was made with a digest, and the proof that the log has it.
pub struct ProvenExport {
    pub row: HistoryExportRow,
    /// The bytes that the entry commits to: the row as JSON.
    pub fact: String,
    pub entry: ProvenEntry,
}

/// Entries of one record that a file holds; nobody's life has more.
const ENTRIES_MAX: i64 = 1_000_000;

impl Registry {
    /// Makes a file of the worker's whole record. `render` writes it; a learner record is composed and signed here.
    pub async fn export_history(&self, own: &SignedInWorker, form: HistoryForm, render: impl FnOnce(&History) -> Result<Vec<u8>, Error> + Send + 'static) -> Result<ExportedHistory, Error> {
        let history = self.gather_history(own).await?;
        let (export, log_size, entries) = (history.export.to_string(), history.log_size, history.entries.len());
        let exported_at = history.exported_at;
        let file = match form {
            HistoryForm::Clr => self.sign_history(history).await?,
            HistoryForm::Json | HistoryForm::Csv | HistoryForm::Xlsx | HistoryForm::Pdf => on_another_thread(move || render(&history)).await?,
        };
        let row = HistoryExportRow {
            id: export,
            worker_id: own.record.to_string(),
            form: form.as_str().to_owned(),
            sha256: hex::encode(Sha256::digest(&file)),
            bytes: i64::try_from(file.len()).unwrap_or(i64::MAX),
            entries: i32::try_from(entries).unwrap_or(i32::MAX),
            log_size: i64::try_from(log_size).unwrap_or(i64::MAX),
            exported_at,
        };
        let (place, inserted) = (PlaceSlot::default(), row.clone());
        let slot = place.clone();
        self.store
            .write(move |tx| {
                tx.tell_place(&slot);
                store::insert_export(tx.conn, &inserted)?;
                tx.record(Fact::of(None, &inserted)?);
                Ok(())
            })
            .await?;
        Ok(ExportedHistory { row, file, place })
    }

    /// What was exported with this digest. Whoever has the file knows the digest; nobody can guess one.
    pub async fn find_export(&self, sha256: &str) -> Result<ProvenExport, Error> {
        let wanted = sha256.to_ascii_lowercase();
        let row = self.store.read(move |conn| store::find_export(conn, &wanted)).await?.ok_or(Error::NotFound)?;
        let fact = log_store::fact_bytes(&row)?;
        let entry = self.prove_fact_of_export(&row.id).await?;
        Ok(ProvenExport { fact: String::from_utf8(fact).map_err(|error| Error::Internal(error.to_string()))?, row, entry })
    }

    async fn gather_history(&self, own: &SignedInWorker) -> Result<History, Error> {
        let (wanted, read_ledgers) = (own.worker.to_string(), self.ledger_reader());
        let read = move |conn: &mut Conn| {
            let of_person = merges::person_of(conn, &wanted)?;
            let entries = records::list_record(conn, &of_person, RecordPlace { at: i64::MIN, seen: 0 }, ENTRIES_MAX)?;
            let certificates = certificate_store::list_by_workers(conn, &of_person)?;
            Ok((entries, certificates, read_ledgers(conn, &of_person)?, log_store::find_tip(conn)?))
        };
        let (entries, standings, ledgers, tip) = self.store.read_snapshot(read).await?;
        let tip = tip.ok_or_else(|| Error::Unavailable(Text::new("the log has no checkpoint yet", "日志尚无检查点")))?;
        let mut history = History {
            export: self.new_id(ExportId::new),
            exported_at: self.now_micros(),
            worker: self.load_worker(&own.worker).await?,
            credits: self.balance_from(ledgers),
            certificates: Vec::with_capacity(standings.len()),
            organisations: HashMap::new(),
            log_size: tip.frontier.size(),
            checkpoint: tip.checkpoint.note,
            entries,
        };
        let named: HashSet<String> = history.entries.iter().filter_map(|row| row.organisation().cloned()).chain(standings.iter().map(|(row, ..)| row.issuer_id.clone())).collect();
        for id in named {
            let organisation: OrganisationId = super::stored(&id)?;
            let name = self.get_body(&organisation).await?.name.clone();
            history.organisations.insert(id, name);
        }
        for standing in standings {
            let credential = self.open_credential(&standing.1)?;
            let issuer = history.organisations.get(&standing.0.issuer_id).cloned().unwrap_or_default();
            history.certificates.push((self.open_issued(standing, issuer)?, credential));
        }
        Ok(history)
    }
}

/// Writing a long file would keep a worker of the server from everybody else.
async fn on_another_thread<T: Send + 'static>(job: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(job).await.map_err(|error| Error::Internal(error.to_string()))?
}
