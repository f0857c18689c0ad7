//! Changes of status by two persons (promise H4): one proposes, another of the same body, or of the authority, decides. The table
//! refuses a decision by whoever proposed, and a second decision; the change and the decision are one write.

use super::Registry;
use super::certificates::CertificateName;
use super::error::Error;
use super::intent::{Answer, Intent};
use super::status::StatusOrder;
use crate::domain::access::{Act, Actor, CHANGE_CERTIFICATE, holds_any, reaches_all};
use crate::domain::id::{OrganisationId, StatusProposalId};
use crate::domain::text::Text;
use crate::store::error::{Constraint, StoreError};
use crate::store::log::Fact;
use crate::store::proposals::{self as store, Proposal, StatusDecisionRow, StatusProposalRow};

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
    pub async fn list_status_proposals(&self, actor: &Actor, before: Option<String>, limit: i64) -> Result<Vec<Proposal>, Error> {
        holds_any(actor, CHANGE_CERTIFICATE)?;
        let issuer = if reaches_all(actor, CHANGE_CERTIFICATE) { None } else { Some(self.own_organisation(actor)?.to_string()) };
        Ok(self.store.read(move |conn| store::list_status_proposals(conn, issuer.as_deref(), before.as_deref(), limit)).await?)
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
