//! What anybody may know of a body: who it is, and what it may issue.

use super::reader::Reader;
use crate::domain::occupation::{Occupation, OccupationCode};
use crate::http::AppState;
use crate::http::organisations::{FilingDocument, OrganisationDocument, filing_cursor, filing_place, path_id};
use crate::http::page::PageQuery;
use crate::http::problem::Problem;
use crate::store::organisations::FilingVersionRow;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpResponse, get};
use serde_json::{Value, json};

/// A filing with the names that its occupations have today.
pub fn named_filing(state: &AppState, row: &FilingVersionRow) -> Value {
    let mut filing = serde_json::to_value(FilingDocument::new(row)).unwrap_or_default();
    let (catalogue, today) = (state.registry.catalogue(), state.registry.clock.today());
    for filed in filing["occupations"].as_array_mut().into_iter().flatten() {
        let code: Option<OccupationCode> = filed["occupation_code"].as_str().and_then(|code| code.parse().ok());
        let occupation = filed["occupation_edition"].as_str().zip(code).map(|(edition, code)| Occupation { edition: edition.to_owned(), code });
        filed["name"] = json!(occupation.and_then(|occupation| catalogue.find_occupation_name(&occupation, today)));
    }
    filing
}

/// A body with its filings, for whoever wants to know whom a certificate is from.
#[get("/organisations/{organisation_id}")]
pub async fn show_organisation(state: Data<AppState>, reader: Reader, id: Path<String>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    let id = path_id(&id)?;
    let organisation = OrganisationDocument::new(&state.registry.get_organisation(&id).await?);
    let window = query.window()?;
    let rows = state.registry.list_filings(&id, filing_place(&window)?, window.fetch()).await?;
    let listed = window.page(rows, filing_cursor, |row| named_filing(&state, &row));
    reader.page(StatusCode::OK, "organisation.html", json!({ "organisation": organisation, "filings": listed.items, "next_cursor": listed.next_cursor }))
}
