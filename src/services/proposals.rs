//! Changes of status by two persons (promise H4): one proposes, another of the same body, or of the authority, decides. The table
//! refuses a decision by whoever proposed, and a second decision; the change and the decision are one write.

use super::Registry;
use super::certificates::CertificateName;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::issuing::IssuedCertificate;
use super::status::StatusOrder;
use crate::domain::access::{Act, Actor, CHANGE_CERTIFICATE, holds_any, reaches_all};
use crate::domain::id::{OrganisationId, StatusProposalId};
use crate::domain::text::Text;
use crate::store::backend::Conn;
use crate::store::certificates::{self as certificate_store, Standing};
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::organisations::list_client_names;
use crate::store::proposals::{self as store, StatusDecisionRow, StatusProposalRow};
use std::collections::HashMap;

/// A change that waits or was decided on, with what whoever decides has to know.
#[derive(Debug, Clone)]
pub struct ProposedChange {
    pub proposal: StatusProposalRow,
    pub decision: Option<StatusDecisionRow>,
    pub certificate: IssuedCertificate,
    /// What the clients of the two persons are called.
    pub proposer: String,
    pub decider: Option<String>,
}

impl Registry {
    /// Proposes a change of status. What the rules would refuse is refused now, not by the second person.
    pub async fn propose_status_change(&self, actor: &Actor, name: &CertificateName, order: StatusOrder, intent: &Intent<StatusProposalRow>) -> Result<Answer, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let standing = self.find_standing(name).await?;
        let issuer: OrganisationId = super::stored(&standing.0.issuer_id)?;
        self.authorise(actor, Act::ChangeCertificate { issuer: &issuer })?;
        let (_, mut refusals) = self.decide_changes(&issuer, vec![standing.clone()], &order, actor.client.as_str()).await?;
        if let Some((_, violation)) = refusals.pop() {
            return Err(Error::Refused(vec![violation]));
        }
        let id: StatusProposalId = self.new_id(StatusProposalId::new);
        let row = StatusProposalRow {
            id: id.to_string(),
            certificate_id: standing.0.id,
            issuer_id: standing.0.issuer_id,
            change: order.change.as_str().to_owned(),
            reason: order.reason,
            decision_document: order.decision_document,
            proposed_at: self.now_micros(),
            proposed_by: actor.client.to_string(),
        };
        let (answer, kept) = self.answer(intent, &row);
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_status_proposal(tx.conn, &row)?;
                tx.record(Fact::of(Some(&issuer), &row)?);
                Ok(())
            })
            .await?;
        Ok(answer)
    }

    /// A page of proposals that the actor may decide on, or made: of the own body, of all for the authority. The newest first.
    pub async fn list_status_proposals(&self, actor: &Actor, before: Option<String>, limit: i64) -> Result<Vec<ProposedChange>, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let issuer = if reaches_all(actor, CHANGE_CERTIFICATE) { None } else { Some(self.own_organisation(actor)?.to_string()) };
        let read = move |conn: &mut Conn| {
            let proposals = store::list_status_proposals(conn, issuer.as_deref(), before.as_deref(), limit)?;
            let certificates: Vec<String> = proposals.iter().map(|(proposal, _)| proposal.certificate_id.clone()).collect();
            let people: Vec<String> = proposals.iter().flat_map(|(proposal, decision)| [Some(&proposal.proposed_by), decision.as_ref().map(|decision| &decision.decided_by)]).flatten().cloned().collect();
            Ok((proposals, certificate_store::list_by_ids(conn, &certificates)?, list_client_names(conn, &people)?))
        };
        let (proposals, standings, names) = self.store.read_snapshot(read).await?;
        let names: HashMap<String, String> = names.into_iter().collect();
        let name = |client: &str| names.get(client).cloned().unwrap_or_else(|| client.to_owned());
        let standings: HashMap<String, Standing> = standings.into_iter().map(|standing| (standing.0.id.clone(), standing)).collect();
        let mut changes = Vec::with_capacity(proposals.len());
        for (proposal, decision) in proposals {
            let standing = standings.get(&proposal.certificate_id).cloned().ok_or_else(|| Error::Internal("a change is proposed of a certificate that is not there".to_owned()))?;
            let body = self.get_body(&super::stored(&proposal.issuer_id)?).await?;
            let certificate = self.open_issued(standing, body.name.clone())?;
            changes.push(ProposedChange { proposer: name(&proposal.proposed_by), decider: decision.as_ref().map(|decision| name(&decision.decided_by)), certificate, proposal, decision });
        }
        Ok(changes)
    }

    /// Approves or rejects what another person proposed. An approval changes the certificate in the same write.
    ///
    /// # Errors
    /// `Conflict` when it is decided already, or the same person decides; `Refused` when the rules do not allow the change any more.
    pub async fn decide_status_proposal(&self, actor: &Actor, id: &StatusProposalId, is_approved: bool, intent: &Intent<StatusDecisionRow>) -> Result<Answer, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let wanted = id.to_string();
        let (proposal, decision) = self.store.read(move |conn| store::find_status_proposal(conn, &wanted)).await?.ok_or(Error::NotFound)?;
        let issuer: OrganisationId = super::stored(&proposal.issuer_id)?;
        self.authorise(actor, Act::ChangeCertificate { issuer: &issuer })?;
        if decision.is_some() {
            // Said now, in its own words; the primary key would say it later.
            return Err(not_decided(StoreError::Conflict(Constraint::StatusDecision)));
        }
        let standing = self.find_standing(&CertificateName::parse(&proposal.certificate_id)?).await?;
        let order = StatusOrder { change: super::stored(&proposal.change)?, reason: proposal.reason, decision_document: proposal.decision_document };
        let number_key = standing.0.number_key.clone();
        let (write, mut refusals) = self.decide_changes(&issuer, vec![standing], &order, actor.client.as_str()).await?;
        if let Some((_, violation)) = refusals.pop().filter(|_| is_approved) {
            return Err(Error::Refused(vec![violation]));
        }
        let row = StatusDecisionRow { proposal_id: id.to_string(), approved: is_approved, decided_at: self.now_micros(), decided_by: actor.client.to_string() };
        let (answer, kept) = self.answer(intent, &row);
        self.store
            .write(move |tx| {
                kept.keep(tx)?;
                store::insert_status_decision(tx.conn, &row)?;
                tx.record(Fact::of(Some(&issuer), &row)?);
                if is_approved { write.run(tx) } else { Ok(()) }
            })
            .await
            .map_err(not_decided)?;
        self.standings.forget(&number_key);
        Ok(answer)
    }
}

/// Why a decision was not taken.
fn not_decided(error: StoreError) -> Error {
    match error {
        StoreError::Conflict(Constraint::StatusDecision) => Error::Conflict(Text::new("the proposal was decided on already", "该申请已有审批结论")),
        StoreError::Conflict(Constraint::SamePerson) => Error::Conflict(Text::new("whoever proposed a change does not decide on it; another person has to", "申请人不能审批自己的申请，须由另一人审批")),
        other => super::status::changed_meanwhile(other),
    }
}
