//! Verification of a paper: the credential inside as any other, and the file as a whole, so that a page that was edited around a genuine
//! credential does not pass.

use super::document::failed;
use super::findings::stolen;
use super::{Check, CheckOutcome, Verdict, check};
use crate::credential::jws::CompactJws;
use crate::credential::paper_seal;
use crate::credential::strict_json;
use crate::domain::text::Text;
use crate::services::Registry;
use crate::services::error::Error;
use crate::services::keys::PURPOSE_CREDENTIALS;
use crate::services::papers::{NoPaper, OpenedPaper, open_paper};

impl Registry {
    /// Verifies a PDF that carries a credential.
    pub(super) async fn verify_paper(&self, file: &[u8]) -> Result<Verdict, Error> {
        let now = self.clock.now();
        let paper = match open_paper(file) {
            Ok(paper) => paper,
            Err(fault) => {
                let zh = match fault {
                    NoPaper::Unreadable(_) => "不是可核验的 PDF 文件",
                    NoPaper::NotOneCredential => "PDF 中应附有证书凭证；扫描件或另存的 PDF 不含凭证，请提供下载的原始文件",
                };
                return Ok(failed(vec![check("file", false, fault.to_string(), zh)], now));
            }
        };
        let mut verdict = self.verify_credential(&paper.credential).await?;
        let whole = self.check_whole(&paper).await?;
        if whole.outcome == CheckOutcome::Failed {
            // What the page shows need not be what the credential says.
            verdict = failed(verdict.checks, now);
        }
        verdict.checks.insert(0, whole);
        Ok(verdict)
    }

    async fn check_whole(&self, paper: &OpenedPaper) -> Result<Check, Error> {
        let said = std::str::from_utf8(&paper.credential).ok().and_then(|text| CompactJws::parse(text.trim()).ok()).and_then(|jws| strict_json::parse(&jws.payload).ok());
        let issuer = said.as_ref().and_then(|document| document["issuer"]["id"].as_str()).unwrap_or_default();
        if !self.is_own_issuer(issuer) {
            let detail = Text::new("not checked: only papers of this registry are known here; the credential inside was", "未检查：仅检查本登记系统的文件；其中的凭证已检查");
            return Ok(Check { name: "file", outcome: CheckOutcome::Pending, detail });
        }
        let Some(text) = &paper.seal.seal else {
            return Ok(check("file", false, "the seal of the file is missing", "文件缺少整体签名"));
        };
        let key = match paper_seal::key_id(text) {
            Some(key_id) => self.find_key(&key_id).await?,
            None => None,
        };
        let is_whole = key.as_ref().is_some_and(|key| key.purpose == PURPOSE_CREDENTIALS && key.owner == issuer && paper_seal::is_of(text, &key.public, &paper.seal.digest));
        if is_whole && key.is_some_and(|key| key.revoked_at.is_some()) {
            // A stolen key could seal anything; a copy that is taken now has another seal.
            return Ok(stolen());
        }
        Ok(if is_whole {
            check("file", true, "every byte is as the issuing body sealed it", "文件自签发以来未被改动")
        } else {
            check("file", false, "the file was changed after it was made: what the page shows need not be what was issued", "文件生成后被改动：页面所示可能与所发证书不符")
        })
    }
}
