//! The catalogue: official lists, dated, public to read.

use super::AppState;
use super::auth::Caller;
use super::body::Body;
use super::fields::Fields;
use super::once::once;
use super::page::{Page, PageQuery, Window};
use super::problem::{Problem, Problems};
use super::reply::{kept, read, read_page};
use crate::services::catalogue::{ImportedList, LISTS};
use crate::services::intent::Answer;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, get, post};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// Filters of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CatalogueQuery {
    /// The day for which the list is asked; today when absent.
    #[param(example = "2026-03-01")]
    pub on: Option<String>,
    /// Edition of the classification, for `occupations`.
    #[param(example = "2022")]
    pub edition: Option<String>,
    /// First characters of the code.
    #[param(example = "6-31")]
    pub code_prefix: Option<String>,
    /// A text that stands anywhere in the entry.
    #[param(example = "电工")]
    pub text: Option<String>,
    /// Kept for links from credentials; does not filter.
    pub level: Option<String>,
    /// Kept for links from credentials; does not filter.
    pub ability: Option<String>,
    /// Kept for links from credentials; does not filter.
    pub project: Option<String>,
    /// Kept for links from credentials; does not filter.
    pub category: Option<String>,
    /// Kept for links from credentials; does not filter.
    pub item: Option<String>,
    /// Items of a page, 1 to 500; 50 when absent.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// One entry of a list. Its members are the columns of the list, as texts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"key": "2022/6-31-01-03", "code": "6-31-01-03", "edition": "2022", "name": "电工"}))]
pub struct CatalogueEntry {
    /// The entry's key in its list, for example `2022/6-31-01-03`.
    pub key: String,
    /// The columns of the list.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub members: Map<String, Value>,
}

/// What an import did.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportAnswer {
    /// The import.
    pub import_id: String,
    /// The list.
    pub list: String,
    /// The new version of the list.
    pub version: i32,
    /// The first day on which it is in force.
    pub valid_from: String,
    /// How many entries it has.
    pub entries: i32,
    /// SHA-256 of the file.
    pub digest: String,
    /// Whether nothing was recorded.
    pub dry_run: bool,
}

/// Where an import goes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ImportQuery {
    /// The list, for example `occupations` or `holidays`.
    #[param(example = "holidays")]
    pub list: String,
    /// The first day on which the new version is in force.
    #[param(example = "2027-01-01")]
    pub valid_from: String,
    /// Check the file and record nothing.
    #[serde(default)]
    pub dry_run: bool,
}

fn wanted_day(state: &AppState, on: Option<&str>) -> Result<NaiveDate, Problem> {
    let mut fields = Fields::default();
    let day = fields.date_opt("on", on);
    fields.finish()?;
    Ok(day.unwrap_or_else(|| state.registry.clock.today()))
}

/// A page of a list.
///
/// # Errors
/// There is no such list, or a filter is not what is expected.
pub fn page_of_list(state: &AppState, list: &str, query: &CatalogueQuery) -> Result<(Window, Page<CatalogueEntry>), Problem> {
    if !LISTS.iter().any(|profile| profile.name == list) {
        return Err(Problem::not_found());
    }
    let day = wanted_day(&state, query.on.as_deref())?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let window: Window = page.window()?;
    let catalogue = state.registry.catalogue();
    let version = catalogue.list_on(list, day).ok_or_else(Problem::not_found)?;
    let text_of = |members: &Map<String, Value>, name: &str| members.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    // The cursor is a place in one version of the list, and says which.
    let after: usize = match window.after.as_deref().map(|text| text.split_once('.')) {
        None => 0,
        Some(Some((of, place))) if of == version.import.version.to_string() => place.parse().map_err(|_| PageQuery::wrong_cursor())?,
        Some(Some(_)) => return Err(Problem::invalid("cursor", "the list has a new version since that page; begin again", "目录已有新版本，请从第一页重新开始")),
        Some(None) => return Err(PageQuery::wrong_cursor()),
    };
    let fits = |members: &Map<String, Value>| {
        query.edition.as_ref().is_none_or(|edition| &text_of(members, "edition") == edition)
            && query.code_prefix.as_ref().is_none_or(|prefix| text_of(members, "code").starts_with(prefix.as_str()))
            && query.text.as_ref().is_none_or(|text| members.values().any(|value| value.as_str().is_some_and(|value| value.contains(text.as_str()))))
    };
    let rows: Vec<(usize, CatalogueEntry)> = version
        .entries
        .iter()
        .enumerate()
        .skip(after)
        .filter(|(_, entry)| fits(entry.members()))
        .take(usize::try_from(window.fetch()).unwrap_or(usize::MAX))
        .map(|(index, entry)| (index + 1, CatalogueEntry { key: entry.key.clone(), members: entry.members().clone() }))
        .collect();
    let page = window.page(rows, |(next, _)| format!("{}.{next}", version.import.version), |(_, entry)| entry);
    Ok((window, page))
}

/// Read a list of the catalogue
#[utoipa::path(tag = "catalogue", operation_id = "list_catalogue", params(("list" = String, Path, description = "`occupations`, `levels`, `certificate_kinds`, `regions`, `former_regions`, `provinces`, `entry_class_items`, `special_operations`, `holidays`, `assessment_body_letters` or `qualification_number_provinces`", example = "occupations"), CatalogueQuery),
    responses((status = 200, description = "A page of the list", body = Page<CatalogueEntry>), Problems), security(()))]
#[get("/v1/catalogue/{list}")]
pub async fn list_catalogue(state: Data<AppState>, request: HttpRequest, list: Path<String>, query: Query<CatalogueQuery>) -> Result<HttpResponse, Problem> {
    let (window, page) = page_of_list(&state, &list, &query)?;
    Ok(read_page(&request, &window, &page))
}

/// Read one occupation
#[utoipa::path(tag = "catalogue", operation_id = "get_occupation", params(("edition" = String, Path, description = "Edition of the classification", example = "2022"), ("code" = String, Path, description = "Code in that edition", example = "6-31-01-03"), CatalogueQuery),
    responses((status = 200, description = "The occupation", body = CatalogueEntry), Problems), security(()))]
#[get("/v1/catalogue/occupations/{edition}/{code}")]
pub async fn get_occupation(state: Data<AppState>, request: HttpRequest, path: Path<(String, String)>, query: Query<CatalogueQuery>) -> Result<HttpResponse, Problem> {
    let day = wanted_day(&state, query.on.as_deref())?;
    let key = format!("{}/{}", path.0, path.1);
    let members = state.registry.catalogue().find_entry("occupations", &key, day).ok_or_else(Problem::not_found)?;
    Ok(read(&request, &CatalogueEntry { key, members }))
}

/// The first day of a new version, and its file.
///
/// # Errors
/// It is no day, or the file is no text.
pub fn import_order<'a>(valid_from: &str, file: &'a [u8]) -> Result<(NaiveDate, &'a str), Problem> {
    let mut fields = Fields::default();
    let valid_from = fields.date("valid_from", valid_from);
    fields.finish()?;
    let file = std::str::from_utf8(file).map_err(|_| Problem::invalid("file", "bytes that are not UTF-8 found, UTF-8 expected", "文件不是 UTF-8 编码"))?;
    Ok((valid_from.expect(Fields::PARSED), file))
}

/// What an import is answered with.
pub fn import_answer(imported: &ImportedList) -> Answer {
    let import = &imported.import;
    let answer = ImportAnswer {
        import_id: import.id.clone(),
        list: import.list.clone(),
        version: import.version,
        valid_from: import.valid_from.to_string(),
        entries: import.entries,
        digest: import.digest.clone(),
        dry_run: imported.is_dry_run,
    };
    kept(if imported.is_dry_run { StatusCode::OK } else { StatusCode::CREATED }, Some(format!("/v1/catalogue/{}", import.list)), &answer)
}

/// Import a new version of a list
#[utoipa::path(tag = "catalogue", operation_id = "import_catalogue", params(ImportQuery, ("Idempotency-Key" = Option<String>, Header, description = "One key, one effect")), request_body(content = String, content_type = "text/csv", description = "The whole list as CSV with a header row, UTF-8", example = "date,kind,name_zh,name_en\n2027-01-01,holiday,元旦,New Year's Day\n"),
    responses((status = 201, description = "The new version", body = ImportAnswer), (status = 200, description = "What a dry run found", body = ImportAnswer), Problems), security(("bearer" = []), ("oauth" = ["registry.admin"])))]
#[post("/v1/catalogue/imports")]
pub async fn import_catalogue(state: Data<AppState>, request: HttpRequest, caller: Caller, query: Query<ImportQuery>, body: Body) -> Result<HttpResponse, Problem> {
    if body.media_type != "text/csv" {
        return Err(Problem::unsupported_media_type(&body.media_type, "text/csv"));
    }
    let ((valid_from, file), registry) = (import_order(&query.valid_from, &body.bytes)?, &state.registry);
    once(&request, &state, caller.0.client.as_str(), &body, import_answer, async |intent| registry.import_catalogue(&caller.0, &query.list, valid_from, file, query.dry_run, intent).await).await
}
