//! Keyset pages: `?limit=` and `?cursor=`, never an offset.

use super::problem::Problem;
use crate::store::stretch::{ListOrder, Stretch};
use actix_web::HttpRequest;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub const LIMIT_MAX: i64 = 500;
const LIMIT_DEFAULT: i64 = 50;

/// Which part of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// Items of a page, 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// A parsed [`PageQuery`].
pub struct Window {
    pub after: Option<String>,
    pub limit: i64,
}

impl PageQuery {
    pub fn wrong_cursor() -> Problem {
        Problem::invalid("cursor", "the next_cursor of an earlier page expected", "应为上一页的 next_cursor")
    }

    pub fn window(&self) -> Result<Window, Problem> {
        let limit = self.limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::invalid("limit", format!("{limit} found, 1 to {LIMIT_MAX} expected"), format!("limit 为 {limit}，应为 1 至 {LIMIT_MAX}")));
        }
        let after = match &self.cursor {
            None => None,
            Some(cursor) => {
                let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Self::wrong_cursor())?;
                Some(String::from_utf8(bytes).ok().filter(|text| text.len() <= 100 && text.bytes().all(|b| b.is_ascii_graphic())).ok_or_else(Self::wrong_cursor)?)
            }
        };
        Ok(Window { after, limit })
    }
}

impl Window {
    /// The same of a list that is ordered by identifier.
    pub fn of(&self, order: ListOrder) -> Stretch {
        Stretch { after: self.after.clone(), order, limit: self.fetch() }
    }

    /// One more than a page holds tells whether there is another page.
    pub fn fetch(&self) -> i64 {
        self.limit + 1
    }

    /// Cuts a fetched list to a page; `key` names an item's place in the list.
    pub fn page<R, T>(&self, mut rows: Vec<R>, key: impl Fn(&R) -> String, item: impl Fn(R) -> T) -> Page<T> {
        let has_more = rows.len() as i64 > self.limit;
        rows.truncate(usize::try_from(self.limit).unwrap_or(usize::MAX));
        let next_cursor = rows.last().filter(|_| has_more).map(|last| URL_SAFE_NO_PAD.encode(key(last)));
        Page { items: rows.into_iter().map(item).collect(), next_cursor }
    }
}

/// The `Link` header of a page that is not the last (RFC 8288).
pub fn link(request: &HttpRequest, cursor: Option<&str>, limit: i64) -> Option<(header::HeaderName, String)> {
    let path = request.path();
    let kept: String = form_urlencoded::parse(request.query_string().as_bytes())
        .filter(|(name, _)| name != "cursor" && name != "limit")
        .map(|(name, value)| format!("{}&", form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish()))
        .collect();
    cursor.map(|cursor| (header::LINK, format!("<{path}?{kept}limit={limit}&cursor={cursor}>; rel=\"next\"")))
}
