//! Results of a session: scores as a list or a CSV file, all rows or none.

use super::Registry;
use super::references::WorkerReference;
use super::error::Error;
use crate::domain::rule::invalid;
use super::intent::{Answer, Intent};
use crate::domain::access::Actor;
use crate::domain::assessment::{Score, Scores};
use crate::domain::id::SessionId;
use crate::domain::rule::Violation;
use crate::domain::text::Text;
use crate::store::assessments::{self as store, ScoreRow};
use crate::store::counters;
use crate::store::log::Fact;
use std::collections::{HashMap, HashSet};

/// One candidate's scores.
#[derive(Debug, Clone)]
pub struct ResultOrder {
    pub worker: WorkerReference,
    pub scores: Scores,
}

/// What became of a list of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordedResults {
    pub recorded: usize,
    /// Rows that say what was recorded already.
    pub unchanged: usize,
}

/// Reads a CSV file of scores: `worker_id` or `document_number`, then `theory`, `practical` and, where it is held, `comprehensive`.
///
/// # Errors
/// Every fault with its row and column. Numbers of documents are never repeated.
pub fn parse_results_csv(bytes: &[u8]) -> Result<Vec<ResultOrder>, Vec<Violation>> {
    const COLUMNS: [&str; 5] = ["worker_id", "document_number", "theory", "practical", "comprehensive"];
    let text = decode_csv(bytes)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let headers = reader.headers().cloned().map_err(|error| vec![invalid("header", Text::new(error.to_string(), "表头无法读取"))])?;
    let mut faults: Vec<Violation> = headers
        .iter()
        .filter(|name| !COLUMNS.contains(name))
        // A file without a header has a worker's number where the names should be, so a foreign cell is not repeated.
        .map(|name| invalid("header", Text::new(format!("a column of {} characters found that is none of {}", name.chars().count(), COLUMNS.join(", ")), format!("表头有未知列，只应有 {}", COLUMNS.join("、")))))
        .collect();
    let mut names: Vec<&str> = headers.iter().collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        faults.push(invalid("header", Text::new("a column stands twice in the header", "表头有重复的列")));
    }
    let column = |name: &str| headers.iter().position(|header| header == name);
    let (worker, document) = (column("worker_id"), column("document_number"));
    if worker.is_none() && document.is_none() {
        faults.push(invalid("header", Text::new("a column worker_id or document_number expected", "应有 worker_id 或 document_number 列")));
    }
    for required in ["theory", "practical"] {
        if column(required).is_none() {
            faults.push(invalid("header", Text::new(format!("a column {required} expected"), format!("应有 {required} 列"))));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut orders = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let row = index + 2;
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                let found = match error.kind() {
                    csv::ErrorKind::UnequalLengths { len, .. } => format!("{len} columns found, "),
                    _ => String::new(),
                };
                let detail = Text::new(format!("{found}{} columns expected, as in the header", headers.len()), format!("应与表头一致，共 {} 列", headers.len()));
                faults.push(invalid(format!("row {row}"), detail));
                continue;
            }
        };
        let cell = |at: Option<usize>| at.and_then(|at| record.get(at)).filter(|cell| !cell.is_empty());
        let reference = match (cell(worker), cell(document)) {
            (Some(id), _) => Some(WorkerReference::Id(id.to_owned())),
            (None, Some(number)) => Some(WorkerReference::DocumentNumber(crate::domain::number::normalised(number))),
            (None, None) => {
                faults.push(invalid(format!("row {row}"), Text::new("neither worker_id nor document_number found", "缺少 worker_id 或 document_number")));
                None
            }
        };
        let mut score = |name: &str| -> Option<Score> {
            let cell = cell(column(name))?;
            cell.parse().map_err(|fault: crate::domain::rule::Malformed| {
                let shown = if cell.chars().count() <= 6 { cell } else { "a longer text" };
                let detail = Text::new(format!("{shown:?} found, {}", fault.0.en), format!("发现 {shown:?}，{}", fault.0.zh));
                faults.push(invalid(format!("row {row}, {name}"), detail));
            }).ok()
        };
        let scores = Scores { theory: score("theory"), practical: score("practical"), comprehensive: score("comprehensive") };
        orders.extend(reference.map(|worker| ResultOrder { worker, scores }));
    }
    if orders.is_empty() && faults.is_empty() {
        faults.push(invalid("file", Text::new("no rows found, at least one expected", "没有数据行")));
    }
    if faults.is_empty() { Ok(orders) } else { Err(faults) }
}

/// Takes a byte order mark away; says which encoding was found where UTF-8 was expected; notices a file cut inside quotes.
fn decode_csv(bytes: &[u8]) -> Result<&str, Vec<Violation>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let fault = |en: &str, zh: &str| Err(vec![invalid("file", Text::new(en, zh))]);
    if bytes.is_empty() {
        return fault("an empty file found, a header row and at least one row expected", "文件为空，应有表头和至少一行数据");
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return fault("UTF-16 found, UTF-8 expected; save the file as “CSV UTF-8”", "文件为 UTF-16 编码，应为 UTF-8；请另存为“CSV UTF-8”");
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return fault("an XLSX or zip file found, CSV expected", "这是 XLSX 或 zip 文件，应为 CSV");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        let (_, _, is_broken) = encoding_rs::GB18030.decode(bytes);
        return if is_broken {
            fault("bytes that are not UTF-8 found, UTF-8 expected", "文件不是 UTF-8 编码")
        } else {
            fault("GBK (GB 18030) found, UTF-8 expected; save the file as “CSV UTF-8”", "文件为 GBK（GB 18030）编码，应为 UTF-8；请另存为“CSV UTF-8”")
        };
    };
    if text.contains('\0') {
        return fault("a NUL character found; the file is damaged", "文件含有 NUL 字符，可能已损坏");
    }
    if !text.matches('"').count().is_multiple_of(2) {
        return fault("the file ends inside a quoted value; it seems to be cut off", "文件在引号内结束，可能不完整");
    }
    Ok(text)
}

impl Registry {
    /// Records scores. Changing one that is recorded needs a reason, and after publication a new publication.
    pub async fn record_results(&self, actor: &Actor, id: &SessionId, orders: Vec<ResultOrder>, reason: Option<String>, intent: &Intent<RecordedResults>) -> Result<Answer, Error> {
        super::again_when_stale(async || self.try_record_results(actor, id, &orders, reason.as_deref(), intent).await).await
    }

    async fn try_record_results(&self, actor: &Actor, id: &SessionId, orders: &[ResultOrder], reason: Option<&str>, intent: &Intent<RecordedResults>) -> Result<Answer, Error> {
        let (session, body) = self.own_session(actor, id).await?;
        let today = self.clock.today();
        if session.row.held_on > today {
            let held_on = session.row.held_on;
            let detail = Text::new(format!("the session is held on {held_on}; scores before that day cannot be"), format!("场次于 {held_on} 举行，此前不能有成绩"));
            return Err(Error::Refused(vec![Violation::deny("SV-9", detail).fact("held_on", held_on).fact("today", today)]));
        }
        let workers = self.resolve_workers(&orders.iter().map(|order| &order.worker).collect::<Vec<_>>(), "results").await?;
        let wanted = id.to_string();
        let (stamp, candidates, earlier, certified) = self
            .store
            .read(move |conn| {
                let stamp = counters::read_stamp(conn, &counters::stamp_of(&wanted))?;
                Ok((stamp, store::list_candidate_workers(conn, &wanted)?, store::list_all_scores(conn, &wanted)?, crate::store::certificates::list_certified_workers(conn, &wanted)?))
            })
            .await?;
        let certified: HashSet<String> = certified.into_iter().collect();
        let candidates: HashSet<String> = candidates.into_iter().collect();
        let newest: HashMap<String, ScoreRow> = earlier.into_iter().map(|row| (row.worker_id.clone(), row)).collect();
        // Clocks of two nodes may differ; the order of scores and publications must not.
        let published_at = session.publication.as_ref().map_or(0, |row| row.recorded_at);
        let (now, by) = (self.now_micros().max(published_at + 1), actor.client.to_string());
        let (mut rows, mut faults, mut unchanged) = (Vec::new(), Vec::new(), 0);
        for (index, (worker, order)) in workers.into_iter().zip(orders).enumerate() {
            let at = format!("results[{index}]");
            if !candidates.contains(&worker) {
                faults.push(invalid(at, Text::new("the worker is not a candidate of this session", "该劳动者不是本场次考生")));
                continue;
            }
            let tenths = |score: Option<Score>| score.map(Score::tenths);
            let before = newest.get(&worker);
            let row = ScoreRow {
                session_id: id.to_string(),
                version: before.map_or(1, |row| row.version + 1),
                theory_tenths: tenths(order.scores.theory),
                practical_tenths: tenths(order.scores.practical),
                comprehensive_tenths: tenths(order.scores.comprehensive),
                reason: before.and(reason).map(str::to_owned),
                recorded_at: now,
                recorded_by: by.clone(),
                worker_id: worker,
            };
            match before {
                Some(before) if same_scores(before, &row) => unchanged += 1,
                Some(_) if certified.contains(&row.worker_id) => {
                    faults.push(invalid(at, Text::new("a certificate was issued on the recorded scores; revoke it first", "已依据原成绩发证，应先撤销证书")));
                }
                Some(_) if reason.is_none() => faults.push(invalid(at, Text::new("other scores are recorded already; a change needs a reason", "已有不同成绩，变更须说明理由"))),
                _ => rows.push(row),
            }
        }
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let session_id = id.to_string();
        let (answer, kept) = self.answer(intent, &RecordedResults { recorded: rows.len(), unchanged });
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                tx.move_stamp_from(&session_id, stamp)?;
                store::insert_scores(tx.conn, &rows)?;
                for row in &rows {
                    tx.record(Fact::of(Some(&body), row)?);
                }
                Ok(())
            })
            .await?;
        self.forget_session(id.as_str());
        Ok(answer)
    }
}

fn same_scores(a: &ScoreRow, b: &ScoreRow) -> bool {
    (a.theory_tenths, a.practical_tenths, a.comprehensive_tenths) == (b.theory_tenths, b.practical_tenths, b.comprehensive_tenths)
}

/// Scores from their row.
pub(super) fn scores_of(row: &ScoreRow) -> Scores {
    let score = |tenths: Option<i32>| tenths.and_then(Score::from_tenths);
    Scores { theory: score(row.theory_tenths), practical: score(row.practical_tenths), comprehensive: score(row.comprehensive_tenths) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Vec<String> {
        parse_results_csv(bytes).unwrap_err().into_iter().map(|fault| fault.field.unwrap()).collect()
    }

    #[test]
    fn a_file_with_a_byte_order_mark_is_read() {
        let orders = parse_results_csv("\u{feff}worker_id,theory,practical\r\nwkr_1,86,90.5\r\n".as_bytes()).unwrap();
        assert_eq!(orders[0].worker, WorkerReference::Id("wkr_1".into()));
        assert_eq!(orders[0].scores.practical, "90.5".parse().ok());
        assert_eq!(orders[0].scores.comprehensive, None);
    }

    #[test]
    fn every_fault_is_named_with_row_and_column() {
        let file = b"worker_id,theory,practical\nwkr_1,101,abc\nwkr_2,60\n,60,60\n";
        assert_eq!(fields(file), ["row 2, theory", "row 2, practical", "row 3", "row 4"]);
        assert_eq!(fields(b"worker_id,theory,practical,age\nw,1,2,3\n"), ["header"]);
        assert_eq!(fields(b"theory\n1\n"), ["header", "header"]);
        assert_eq!(fields(b"worker_id,theory,practical\n"), ["file"]);
    }

    #[test]
    fn foreign_encodings_and_cut_files_are_recognised() {
        let say = |bytes: &[u8]| parse_results_csv(bytes).unwrap_err()[0].detail.en.clone();
        let (gbk, _, _) = encoding_rs::GBK.encode("worker_id,theory,practical,姓名\nw,1,2,张三\n");
        assert!(say(&gbk).contains("GBK"));
        assert!(say(b"\xff\xfew\0").contains("UTF-16"));
        assert!(say(b"worker_id,theory,practical\n\"wkr").contains("cut off"));
        assert!(say(b"").contains("empty"));
        assert!(say(b"PK\x03\x04....").contains("XLSX"));
    }
}
