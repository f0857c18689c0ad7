//! Results of a session: scores as a list or a file, all rows or none.

use super::Registry;
use super::references::{WorkerReference, nobody_named};
use super::error::Error;
use super::intent::{Answer, Intent};
use crate::domain::access::Actor;
use crate::domain::assessment::{Score, Scores};
use crate::domain::id::SessionId;
use crate::domain::rule::{Malformed, Violation, invalid};
use crate::domain::text::Text;
use crate::store::assessments::{self as store, ScoreRow};
use crate::store::counters;
use crate::store::log::Fact;
use crate::table::{self, Format, Rows, Shape};
use serde_json::{Map, Value};
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

/// `worker_id` or `document_number`, then `theory`, `practical` and, where it is held, `comprehensive`.
pub const RESULTS: Shape = Shape {
    columns: &[("worker_id", "劳动者标识"), ("document_number", "证件号码"), ("theory", "理论知识"), ("practical", "操作技能"), ("comprehensive", "综合评审")],
    required: &[&["worker_id", "document_number"], &["theory"], &["practical"]],
    rows_max: 100_000,
};

/// Reads a file of scores.
///
/// # Errors
/// Every fault with its row and column. Numbers of documents are never repeated.
pub fn parse_results(format: Format, bytes: &[u8]) -> Result<Rows<ResultOrder>, Vec<Violation>> {
    table::parse_all(format, bytes, &RESULTS, parse_cells)
}

fn parse_cells(cells: Map<String, Value>) -> Result<ResultOrder, Vec<Violation>> {
    let cell = |name: &str| cells.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let mut faults: Vec<Violation> = cells.keys().filter(|name| !RESULTS.columns.iter().any(|(known, _)| known == name)).map(|_| invalid("row", Text::new("an unknown member found", "字段未知"))).collect();
    let mut score = |name: &str| -> Option<Score> {
        let cell = cell(name)?;
        cell.parse()
            .map_err(|fault: Malformed| {
                let shown = if cell.chars().count() <= 6 { cell.as_str() } else { "a longer text" };
                let detail = Text::new(format!("{shown:?} found, {}", fault.0.en), format!("发现 {shown:?}，{}", fault.0.zh));
                faults.push(invalid(name, detail));
            })
            .ok()
    };
    let scores = Scores { theory: score("theory"), practical: score("practical"), comprehensive: score("comprehensive") };
    let worker = WorkerReference::of_cells(cell("worker_id"), cell("document_number"));
    if worker.is_none() {
        faults.push(nobody_named());
    }
    match worker.filter(|_| faults.is_empty()) {
        Some(worker) => Ok(ResultOrder { worker, scores }),
        None => Err(faults),
    }
}

impl Registry {
    /// Records scores, or only asks the rules. Changing one that is recorded needs a reason, and after publication a new publication.
    pub async fn record_results(&self, actor: &Actor, id: &SessionId, orders: &[ResultOrder], reason: Option<&str>, is_dry_run: bool, intent: &Intent<RecordedResults>) -> Result<Answer, Error> {
        super::again_when_stale(async || self.try_record_results(actor, id, orders, reason, is_dry_run, intent).await).await
    }

    async fn try_record_results(&self, actor: &Actor, id: &SessionId, orders: &[ResultOrder], reason: Option<&str>, is_dry_run: bool, intent: &Intent<RecordedResults>) -> Result<Answer, Error> {
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
        let workers = self.as_listed(workers, |worker| candidates.contains(worker)).await?;
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
        let recorded = RecordedResults { recorded: rows.len(), unchanged };
        if is_dry_run {
            return self.answer_known(intent, &recorded).await;
        }
        let session_id = id.to_string();
        let (answer, kept) = self.answer(intent, &recorded);
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
        parse_results(Format::Csv, bytes).unwrap_err().into_iter().map(|fault| fault.field.unwrap()).collect()
    }

    #[test]
    fn a_file_with_a_byte_order_mark_is_read() {
        let orders = parse_results(Format::Csv, "\u{feff}worker_id,theory,practical\r\nwkr_1,86,90.5\r\n".as_bytes()).unwrap().items;
        assert_eq!(orders[0].worker, WorkerReference::Id("wkr_1".into()));
        assert_eq!(orders[0].scores.practical, "90.5".parse().ok());
        assert_eq!(orders[0].scores.comprehensive, None);
    }

    #[test]
    fn numbers_of_other_forms_are_scores_too() {
        let orders = parse_results(Format::Ndjson, br#"{"worker_id":"wkr_1","theory":86,"practical":"90.5"}"#).unwrap().items;
        assert_eq!((orders[0].scores.theory, orders[0].scores.practical), ("86".parse().ok(), "90.5".parse().ok()));
    }

    #[test]
    fn every_fault_is_named_with_row_and_column() {
        let file = b"worker_id,theory,practical\nwkr_1,101,abc\nwkr_2,60\n,60,60\n";
        assert_eq!(fields(file), ["row 2, theory", "row 2, practical", "row 3", "row 4"]);
        assert_eq!(fields(b"worker_id,theory,practical,age\nw,1,2,3\n"), ["header"]);
        assert_eq!(fields(b"theory\n1\n"), ["header", "header"]);
        assert_eq!(fields(b"worker_id,theory,practical\n"), ["file"]);
    }
}
