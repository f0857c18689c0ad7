//! What a worker takes away: the whole record as JSON, CSV, XLSX or a Comprehensive Learner Record; and how anybody checks such a file.

use super::AppState;
use super::auth::OwnCaller;
use super::certificates::CertificateDocument;
use super::credits::CreditsDocument;
use super::history_paper::history_paper;
use super::log::InclusionProof;
use super::problem::{Problem, Problems, language};
use super::records::RecordEntryDocument;
use super::reply::{accepts, instant_of, json_bytes, place_headers, read};
use super::words::word;
use super::workers::DocumentDocument;
use crate::domain::access::SignedInWorker;
use crate::domain::calendar::china;
use crate::domain::certificate::CertificateState;
use crate::domain::level::SkillLevel;
use crate::domain::text::Language;
use crate::services::Registry;
use crate::services::error::Error;
use crate::services::history::{ExportedHistory, History, HistoryForm, ProvenExport};
use crate::table;
use crate::table::write::{Cell, Sheet, csv_sheet, workbook};
use actix_web::http::header;
use actix_web::web::{Bytes, Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};

const JSON: &str = "application/json";
const VC_JWT: &str = "application/vc+jwt";
const PDF: &str = "application/pdf";
/// Bytes that leave at a time.
const CHUNK: usize = 64 * 1024;

/// How a file is written.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// Whether CSV begins with a byte order mark, by which some spreadsheets know UTF-8.
    #[serde(default)]
    pub bom: bool,
}

/// A certificate with its signed credential.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeldCertificate {
    #[serde(flatten)]
    pub certificate: CertificateDocument,
    /// The credential as it was signed (VC-JWT).
    pub credential: String,
}

/// The whole record of a worker.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryDocument {
    /// Identifier of this file.
    pub export_id: String,
    /// When it was made.
    pub exported_at: String,
    /// The worker.
    pub worker_id: String,
    /// The name, in clear.
    pub name: String,
    /// Documents, masked.
    pub documents: Vec<DocumentDocument>,
    /// Credits by source.
    pub credits: CreditsDocument,
    /// Every certificate, in order of issue.
    pub certificates: Vec<HeldCertificate>,
    /// Every entry of the record, in the order of time.
    pub entries: Vec<RecordEntryDocument>,
    /// The log's checkpoint when it was read.
    pub checkpoint: String,
}

/// What is known of a file, and the proof that the log has it.
///
/// Whoever has the file takes its SHA-256, compares it with `sha256` in `fact`, SHA-256(salt || fact) with the entry, and the entry
/// with the signed checkpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryExportDocument {
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// `json`, `csv`, `xlsx`, `clr` or `pdf`.
    pub form: String,
    /// Its length.
    pub bytes: i64,
    /// Entries of the record in it.
    pub entries: i32,
    /// When it was made.
    pub exported_at: String,
    /// The bytes that the entry of the log commits to.
    pub fact: String,
    /// The proof.
    pub proof: InclusionProof,
}

/// Columns of the record as a table: key, English and Chinese heading.
const COLUMNS: [(&str, &str, &str); 19] = [
    ("at", "time", "时间"),
    ("kind", "entry", "事项"),
    ("organisation", "organisation", "机构"),
    ("name", "name", "名称"),
    ("occupation_code", "occupation_code", "职业代码"),
    ("level", "level", "等级"),
    ("mode", "mode", "授课方式"),
    ("part", "part", "内容"),
    ("minutes", "minutes", "分钟"),
    ("credited_hours", "credited_hours", "认定课时"),
    ("theory", "theory", "理论成绩"),
    ("practical", "practical", "实操成绩"),
    ("comprehensive", "comprehensive", "综合评审成绩"),
    ("place", "place", "名次"),
    ("certificate_number", "certificate_number", "证书编号"),
    ("state", "state", "状态"),
    ("credits", "credits", "学分"),
    ("balance", "balance", "学分余额"),
    ("reason", "reason", "说明"),
];

/// A code as a table has it: in English as programs know it, in Chinese in words.
fn coded(code: &str, language: Language) -> Cell {
    Cell::text(if language == Language::Chinese { word(code, language) } else { code.to_owned() })
}

/// The same of a certificate's state.
fn state_cell(state: &str, language: Language) -> Cell {
    match state.parse::<CertificateState>() {
        Ok(known) if language == Language::Chinese => Cell::text(known.name().zh),
        _ => Cell::text(state),
    }
}

fn level_cell(level: Option<&str>, language: Language) -> Cell {
    let known: Option<SkillLevel> = level.and_then(|level| level.parse().ok());
    match (level, known) {
        (_, Some(known)) if language == Language::Chinese => Cell::text(known.name_zh()),
        (Some(level), _) => Cell::text(level),
        (None, _) => Cell::Empty,
    }
}

fn instant_cell(micros: i64) -> Cell {
    Cell::Instant(china(crate::clock::from_micros(micros)))
}

/// One entry as a row of the table.
fn row_of(entry: &RecordEntryDocument, at: i64, history: &History, classes: &HashMap<String, String>, language: Language) -> Vec<Cell> {
    let facts = &entry.facts;
    let text = |value: &Value| value.as_str().map_or(Cell::Empty, Cell::text);
    let spoken = |value: &Value| value.as_str().map_or(Cell::Empty, |text| coded(text, language));
    let first = |names: &[&str]| names.iter().find_map(|name| facts[*name].as_str()).map_or(Cell::Empty, Cell::text);
    let decimal = |value: &Value| value.as_str().map_or(Cell::Empty, |text| Cell::Decimal(text.to_owned()));
    // Of a certificate, scores are tenths of a point.
    let score = |value: &Value| value.as_i64().map_or_else(|| decimal(value), |tenths| Cell::Decimal(format!("{}.{}", tenths / 10, tenths % 10)));
    COLUMNS
        .iter()
        .map(|(key, ..)| match *key {
            "at" => instant_cell(at),
            "kind" => coded(entry.kind, language),
            "organisation" => entry.organisation_id.as_ref().and_then(|id| history.organisations.get(id)).map_or(Cell::Empty, Cell::from),
            "name" => match first(&["name", "ability", "project", "occupation_name", "category"]) {
                Cell::Empty => facts["class_id"].as_str().and_then(|id| classes.get(id)).map_or(Cell::Empty, Cell::from),
                found => found,
            },
            "occupation_code" => first(&["occupation_code", "occupation"]),
            "level" => level_cell(facts["level"].as_str(), language),
            "mode" | "part" => spoken(&facts[*key]),
            "state" => facts["state"].as_str().map_or_else(|| spoken(&facts["assessment"]), |state| state_cell(state, language)),
            "minutes" | "credited_hours" | "place" => facts[*key].as_i64().map_or(Cell::Empty, Cell::Whole),
            "theory" | "practical" | "comprehensive" => score(&facts[*key]),
            "credits" | "balance" => decimal(&facts[*key]),
            "reason" => match &facts["void"] {
                Value::Null => text(&facts["reason"]),
                void => text(&void["reason"]),
            },
            other => text(&facts[other]),
        })
        .collect()
}

fn record_sheet(history: &History, language: Language) -> Sheet<'static> {
    let entries: Vec<(RecordEntryDocument, i64)> = history.entries.iter().map(|row| (RecordEntryDocument::new(row), row.at())).collect();
    let named = entries.iter().filter_map(|(entry, _)| Some((entry.facts["class_id"].as_str()?.to_owned(), entry.facts["name"].as_str()?.to_owned())));
    let classes: HashMap<String, String> = named.collect();
    let heading = COLUMNS.iter().map(|(_, en, zh)| if language == Language::Chinese { *zh } else { *en }).collect();
    let rows = entries.iter().map(|(entry, at)| row_of(entry, *at, history, &classes, language)).collect();
    Sheet { name: if language == Language::Chinese { "培训档案" } else { "Record" }, heading, rows }
}

fn certificate_sheet(history: &History, language: Language) -> Sheet<'static> {
    let is_chinese = language == Language::Chinese;
    let heading = if is_chinese { vec!["证书编号", "证书类别", "职业（工种）/ 项目", "等级", "发证机构", "发证日期", "有效期至", "状态"] } else { vec!["certificate_number", "kind", "occupation or project", "level", "issuer", "issued_on", "valid_to", "outcome"] };
    let rows = history.certificates.iter().map(|(certificate, _)| {
        let (row, version, _) = &certificate.standing;
        let facts = &certificate.facts;
        let what = [&facts.occupation_name, &facts.ability, &facts.project, &facts.item].into_iter().flatten().next();
        let kind: Option<crate::domain::certificate_kind::CertificateKind> = row.kind.parse().ok();
        let kind = kind.map_or(row.kind.as_str(), |kind| if is_chinese { kind.name_zh() } else { kind.name_en() });
        vec![
            Cell::from(&facts.certificate_number),
            Cell::text(kind),
            what.map_or(Cell::Empty, Cell::from),
            level_cell(facts.level.as_deref(), language),
            Cell::from(&certificate.issuer_name),
            Cell::Date(version.issued_on),
            version.valid_to.map_or(Cell::Empty, Cell::Date),
            Cell::text(if is_chinese { certificate.outcome.name().zh } else { certificate.outcome.as_str().into() }),
        ]
    });
    Sheet { name: if is_chinese { "证书" } else { "Certificates" }, rows: rows.collect(), heading }
}

/// The last line of a CSV file: when it was made, and its identifier.
fn file_row(history: &History, language: Language) -> Vec<Cell> {
    let cell = |(key, ..): &(&str, &str, &str)| match *key {
        "at" => instant_cell(history.exported_at),
        "kind" => coded("exported", language),
        "reason" => Cell::text(history.export.as_str()),
        _ => Cell::Empty,
    };
    COLUMNS.iter().map(cell).collect()
}

/// Whose record it is, when it was made, and how somebody else checks the file.
fn about_sheet(history: &History, public_url: &str, language: Language) -> Sheet<'static> {
    let is_chinese = language == Language::Chinese;
    let pick = |en: &str, zh: &str| Cell::text(if is_chinese { zh } else { en });
    let row = |en: &str, zh: &str, value: Cell| vec![pick(en, zh), value];
    let mut rows = vec![row("name", "姓名", Cell::text(history.worker.name.as_str()))];
    rows.extend(history.worker.documents.iter().map(|known| row("document", "证件号码", Cell::text(crate::services::workers::masked(known)))));
    rows.push(row("made at", "生成时间", instant_cell(history.exported_at)));
    rows.push(row("credits", "学分余额", Cell::Decimal(history.credits.balance.to_string())));
    rows.push(row("file", "文件编号", Cell::text(history.export.as_str())));
    rows.push(row("log entries", "日志条目数", Cell::Whole(i64::try_from(history.log_size).unwrap_or(i64::MAX))));
    let how = (
        format!("Take the SHA-256 of this file and open {public_url}/v1/history_exports/ followed by it: the registry proves from its public log that it made exactly this file."),
        format!("计算本文件的 SHA-256，访问 {public_url}/v1/history_exports/ 加该值：登记系统以公开日志证明本文件由其生成且未经改动。"),
    );
    rows.push(row("check", "核验方法", pick(&how.0, &how.1)));
    Sheet { name: if is_chinese { "说明" } else { "About" }, heading: if is_chinese { vec!["项目", "内容"] } else { vec!["about", "this file"] }, rows }
}

fn history_document(history: &History, public_url: &str, language: Language) -> HistoryDocument {
    let certificates = history.certificates.iter().map(|(issued, credential)| HeldCertificate { certificate: CertificateDocument::new(issued, public_url, language), credential: credential.clone() });
    HistoryDocument {
        export_id: history.export.to_string(),
        exported_at: instant_of(history.exported_at),
        worker_id: history.worker.id.to_string(),
        name: history.worker.name.as_str().to_owned(),
        documents: history.worker.documents.iter().map(DocumentDocument::new).collect(),
        credits: CreditsDocument::new(&history.worker.id, history.credits.clone()),
        certificates: certificates.collect(),
        entries: history.entries.iter().map(RecordEntryDocument::new).collect(),
        checkpoint: history.checkpoint.clone(),
    }
}

fn write_file(history: &History, form: HistoryForm, with_bom: bool, public_url: &str, language: Language) -> Result<Vec<u8>, Error> {
    match form {
        HistoryForm::Json => Ok(json_bytes(&history_document(history, public_url, language))),
        HistoryForm::Csv => {
            let mut sheet = record_sheet(history, language);
            // Without it two files of one unchanged record would be the same file.
            sheet.rows.push(file_row(history, language));
            let lines = csv_sheet(&sheet);
            Ok(if with_bom { [b"\xef\xbb\xbf".as_slice(), &lines].concat() } else { lines })
        }
        HistoryForm::Xlsx => {
            let sheets = [record_sheet(history, language), certificate_sheet(history, language), about_sheet(history, public_url, language)];
            workbook(&sheets).map_err(|error| Error::Internal(error.to_string()))
        }
        HistoryForm::Pdf => history_paper(history, public_url),
        HistoryForm::Clr => Err(Error::Internal("a learner record is signed, not written".to_owned())),
    }
}

/// The file in pieces, with its digest (RFC 9530) and its place in the log.
pub fn send_file(exported: ExportedHistory, media_type: &str) -> HttpResponse {
    let digest = hex::decode(&exported.row.sha256).map(|bytes| STANDARD.encode(bytes)).unwrap_or_default();
    let mut response = HttpResponse::Ok();
    let extension = if exported.row.form == "clr" { "jwt" } else { &exported.row.form };
    response
        .content_type(media_type)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "Accept, Accept-Language, Authorization"))
        .insert_header(("repr-digest", format!("sha-256=:{digest}:")))
        .insert_header((header::LINK, format!("</v1/history_exports/{}>; rel=\"describedby\"", exported.row.sha256)))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.{extension}\"", exported.row.id)));
    place_headers(&mut response, &exported.place);
    let file = Bytes::from(exported.file);
    let pieces: Vec<Result<Bytes, Problem>> = (0..file.len()).step_by(CHUNK).map(|at| Ok(file.slice(at..file.len().min(at + CHUNK)))).collect();
    response.streaming(stream::iter(pieces))
}

/// Take one's whole history away
///
/// Every file's SHA-256 is an entry of the public log: `Repr-Digest` tells it, `Link` leads to the proof.
#[utoipa::path(tag = "workers' own", operation_id = "export_own_history", params(HistoryQuery),
    responses((status = 200, description = "The whole record in the form that `Accept` asks for: JSON, CSV, an XLSX workbook (Chinese unless `Accept-Language` asks for English), a Comprehensive Learner Record 2.0 signed as a VC-JWT with every certificate inside, or PDF in both languages",
        content((HistoryDocument = "application/json"), (String = "text/csv"), (String = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (String = "application/vc+jwt"), (Vec<u8> = "application/pdf"))), Problems), security(("bearer" = [])))]
#[get("/v1/me/history")]
pub async fn export_own_history(state: Data<AppState>, request: HttpRequest, own: OwnCaller, query: Query<HistoryQuery>) -> Result<HttpResponse, Problem> {
    let forms = [(JSON, HistoryForm::Json), (table::CSV, HistoryForm::Csv), (table::XLSX, HistoryForm::Xlsx), (VC_JWT, HistoryForm::Clr), (PDF, HistoryForm::Pdf)];
    let best = forms.into_iter().rev().max_by(|one, other| accepts(&request, one.0).total_cmp(&accepts(&request, other.0))).filter(|(media_type, _)| accepts(&request, media_type) > 0.0);
    let (_, form) = best.ok_or_else(|| Problem::not_acceptable(&forms.map(|(media_type, _)| media_type).join(", ")))?;
    // A workbook is for people, and people here read Chinese unless they say otherwise.
    let language = if form == HistoryForm::Xlsx && !request.headers().contains_key(header::ACCEPT_LANGUAGE) { Language::Chinese } else { language(&request) };
    let (exported, media_type) = export_file(&state.registry, &own.0, form, query.bom, language).await?;
    Ok(send_file(exported, media_type))
}

/// A worker's history as a file, and its media type.
pub async fn export_file(registry: &Registry, own: &SignedInWorker, form: HistoryForm, with_bom: bool, language: Language) -> Result<(ExportedHistory, &'static str), Error> {
    let public_url = registry.config.public_url.clone();
    let exported = registry.export_history(own, form, move |history| write_file(history, form, with_bom, &public_url, language)).await?;
    let media_type = match form {
        HistoryForm::Json => JSON,
        HistoryForm::Csv => "text/csv; charset=utf-8",
        HistoryForm::Xlsx => table::XLSX,
        HistoryForm::Clr => VC_JWT,
        HistoryForm::Pdf => PDF,
    };
    Ok((exported, media_type))
}

/// Check a file that a worker took away
#[utoipa::path(tag = "verification", operation_id = "find_history_export", params(("sha256" = String, Path, description = "SHA-256 of the file, in hex")),
    responses((status = 200, description = "What the registry made with this digest, and the proof that the log has it; 404 when it made no such file", body = HistoryExportDocument), Problems), security(()))]
#[get("/v1/history_exports/{sha256}")]
pub async fn find_history_export(state: Data<AppState>, request: HttpRequest, sha256: Path<String>) -> Result<HttpResponse, Problem> {
    if sha256.len() != 64 || !sha256.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Problem::invalid("sha256", "64 hexadecimal digits expected", "应为 64 位十六进制数"));
    }
    let ProvenExport { row, fact, entry } = state.registry.find_export(&sha256).await?;
    let proof = InclusionProof::from(&entry);
    Ok(read(&request, &HistoryExportDocument { sha256: row.sha256, form: row.form, bytes: row.bytes, entries: row.entries, exported_at: instant_of(row.exported_at), fact, proof }))
}
