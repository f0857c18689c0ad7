//! The catalogue for the authority: every list with its version, its entries, and for the registrar a new version from a file.

use super::console_tables::{Said, answered, is_dry_run};
use super::forms::Form;
use super::signed_in::{ConsoleForm, ConsolePage, submit};
use crate::domain::access::{Act, authorise};
use crate::domain::text::Text;
use crate::http::AppState;
use crate::http::catalogue::{CatalogueQuery, ImportAnswer, import_answer, import_order, page_of_list};
use crate::http::problem::Problem;
use crate::services::catalogue::LISTS;
use crate::services::error::Error;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query, ServiceConfig};
use actix_web::{HttpResponse, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

pub fn pages(config: &mut ServiceConfig) {
    config.service(show_catalogue).service(show_list).service(import_list);
}

/// Which entries of a list.
#[derive(Debug, Deserialize)]
pub struct ListQuery {
    /// A text that stands anywhere in the entry.
    text: Option<String>,
    cursor: Option<String>,
}

fn catalogue_page(state: &AppState, page: &ConsolePage, status: StatusCode, form: Option<&Form>, said: &Said) -> Result<HttpResponse, Problem> {
    authorise(page.actor(), Act::ReadSignals).map_err(Error::from)?;
    let (catalogue, today) = (state.registry.catalogue(), state.registry.clock.today());
    let lists: Vec<Value> = LISTS
        .iter()
        .filter_map(|profile| {
            let import = &catalogue.list_on(profile.name, today)?.import;
            let coming: Vec<Value> = catalogue.coming_after(profile.name, today).iter().map(|version| json!({ "version": version.import.version, "valid_from": version.import.valid_from })).collect();
            Some(json!({ "name": profile.name, "version": import.version, "valid_from": import.valid_from, "entries": import.entries, "coming": coming }))
        })
        .collect();
    let given = |name: &str| form.map_or("", |form| form.text(name)).to_owned();
    let content = json!({ "lists": lists, "may_write": authorise(page.actor(), Act::AdministerRegistry).is_ok(), "given": { "list": given("list"), "valid_from": given("valid_from") }, "said": said });
    page.reader.at("/console/catalogue".to_owned()).page(status, "console-catalogue.html", content)
}

/// Every list, as it is in force today.
#[get("/console/catalogue")]
pub async fn show_catalogue(state: Data<AppState>, page: ConsolePage) -> Result<HttpResponse, Problem> {
    catalogue_page(&state, &page, StatusCode::OK, None, &Said::default())
}

/// The entries of a list that are in force today.
#[get("/console/catalogue/{list}")]
pub async fn show_list(state: Data<AppState>, page: ConsolePage, list: Path<String>, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    authorise(page.actor(), Act::ReadSignals).map_err(Error::from)?;
    let text = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (_, listed) = page_of_list(&state, &list, &CatalogueQuery { text: text.clone(), cursor: query.cursor.clone(), ..CatalogueQuery::default() })?;
    let columns: Vec<&String> = listed.items.first().into_iter().flat_map(|entry| entry.members.keys()).collect();
    let rows: Vec<Vec<&Value>> = listed.items.iter().map(|entry| entry.members.values().collect()).collect();
    let next = listed.next_cursor.as_ref().map(|cursor| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(text.iter().map(|text| ("text", text))).append_pair("cursor", cursor);
        format!("/console/catalogue/{list}?{}", query.finish())
    });
    page.reader.page(StatusCode::OK, "console-list.html", json!({ "list": list.as_str(), "columns": columns, "rows": rows, "next": next, "text": text }))
}

/// A new version of a list from a file, or only whether it would be taken.
#[post("/console/catalogue")]
pub async fn import_list(state: Data<AppState>, sent: ConsoleForm) -> Result<HttpResponse, Problem> {
    let (page, form) = (sent.page, sent.form);
    let imported = async {
        let file = form.file("file").ok_or_else(|| Problem::invalid("file", "a file expected", "请选择文件"))?;
        let (valid_from, text) = import_order(form.text("valid_from"), &file.bytes)?;
        let answer = submit(&state, page.actor().client.as_str(), "catalogue", &form, import_answer, async |intent| state.registry.import_catalogue(page.actor(), form.text("list"), valid_from, text, is_dry_run(&form), intent).await).await?;
        answered::<ImportAnswer>(&answer)
    };
    match imported.await {
        Ok(ImportAnswer { version, entries, valid_from, .. }) if !is_dry_run(&form) => {
            let done = page.reader.say(&Text::new(format!("Version {version} with {entries} entries is in force from {valid_from} on."), format!("第 {version} 版已导入，共 {entries} 条，自 {valid_from} 起施行。")));
            catalogue_page(&state, &page, StatusCode::OK, None, &Said { done: Some(done), ..Said::default() })
        }
        Ok(ImportAnswer { version, entries, .. }) => {
            let checked = page.reader.say(&Text::new(format!("It would be version {version} with {entries} entries."), format!("将作为第 {version} 版导入，共 {entries} 条。")));
            catalogue_page(&state, &page, StatusCode::OK, Some(&form), &Said { checked: Some(checked), ..Said::default() })
        }
        Err(problem) if problem.status().is_client_error() => catalogue_page(&state, &page, problem.status(), Some(&form), &Said::refused(&problem, page.reader.language)),
        Err(problem) => Err(problem),
    }
}
