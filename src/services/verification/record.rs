//! Verification of a learner record (CLR 2.0): the registry's signature around it, its entry in the log, and every certificate in it by
//! itself. A record tells what was so on the day when it was taken; how its certificates stand is told as of today.

use super::document::{check_dates_in, failed};
use super::findings::broken;
use super::genuine::digest_of;
use super::{Check, CheckOutcome, Verdict, check};
use crate::credential::conformance;
use crate::credential::jws::{CREDENTIAL_TYP, CompactJws};
use crate::credential::presented::Presented;
use crate::domain::verification::Outcome;
use crate::services::Registry;
use crate::services::error::Error;
use crate::services::log::Logged;
use crate::store::history as store;
use crate::store::log::{HistoryExported, fact_bytes};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

impl Registry {
    /// Verifies a record of this registry. It is genuine as a whole or `not_found`; of a genuine one the certificate that counts least
    /// decides the outcome.
    pub(super) async fn verify_record(&self, text: &str, record: &Value, now: DateTime<Utc>) -> Result<Verdict, Error> {
        let Ok(jws) = CompactJws::parse(text) else { return Ok(failed(vec![check("proof", false, "not a JWS that can be verified", "不是可验证的 JWS")], now)) };
        let mut checks = vec![self.check_jws(&jws, CREDENTIAL_TYP, jws.key_id(), record["issuer"]["id"].as_str().unwrap_or_default(), false).await?, schema_of(record), check_dates_in(record, now)];
        let logged = self.find_logged_export(text).await?;
        checks.push(match logged {
            Some(_) => check("record", true, "the registry handed out exactly this record, and the public log has it", "本登记系统出具了该档案原件，公开日志已收录"),
            None => check("record", false, "the registry has handed out no such record", "本登记系统没有出具过该档案"),
        });
        let (Some(logged), true) = (logged, checks.iter().all(|check| check.outcome == CheckOutcome::Passed)) else { return Ok(failed(checks, now)) };
        checks.extend(self.check_witnesses(logged.index));

        let mut whole = Verdict { outcome: Outcome::Valid, checks, certificates: Vec::new(), log_index: Some(logged.index), status_as_of: now };
        let inside = record["credentialSubject"]["verifiableCredential"].as_array().map_or(&[][..], Vec::as_slice);
        let mut out_of_force = Vec::new();
        for credential in inside {
            let verdict = self.verify_own(&Presented::Embedded(credential.clone()), None, digest_of(credential.to_string().as_bytes()), now).await?;
            if verdict.outcome != Outcome::Valid {
                // The number as printed, which is masked: a permit's own number is that of the holder's identity document.
                let number = verdict.certificates.first().map_or("?", |certificate| &certificate.standing.printed.certificate_number);
                out_of_force.push(format!("{number} {}", verdict.outcome.as_str()));
            }
            whole.outcome = whole.outcome.or_worse(verdict.outcome);
            whole.certificates.extend(verdict.certificates);
        }
        let (all, left) = (inside.len(), out_of_force.join(", "));
        whole.checks.push(match out_of_force.len() {
            0 => check("certificates", true, format!("all {all} certificates in it are as they were issued, and in force today"), format!("所含 {all} 份证书均与签发原件一致，今日有效")),
            count => check("certificates", false, format!("{count} of {all} certificates in it do not count today: {left}"), format!("所含 {all} 份证书中 {count} 份今日无效：{left}")),
        });
        Ok(whole)
    }

    /// Where the log took in the digest of a file that was handed out.
    async fn find_logged_export(&self, text: &str) -> Result<Option<Logged>, Error> {
        let digest = hex::encode(Sha256::digest(text));
        let Some(row) = self.store.read(move |conn| store::find_export(conn, &digest)).await? else { return Ok(None) };
        self.find_logged_fact::<HistoryExported>(row.id.clone(), &fact_bytes(&row)?).await
    }
}

fn schema_of(record: &Value) -> Check {
    match conformance::check_learner_record(record) {
        Ok(_) => check("schema", true, "the record follows VC 2.0 and the Comprehensive Learner Record 2.0", "档案符合 VC 2.0 与 CLR 2.0"),
        Err(breaches) => {
            broken("VC 2.0 and CLR 2.0", breaches.iter().map(|breach| breach.path.as_str()))
        }
    }
}
