//! A query whose text is written out once.
//!
//! diesel walks through all of a query each time it runs: to find it among those that are prepared, and to collect what is bound. Of a query
//! over many columns and tables that takes as long as half of its work in SQLite, so the one that every verified document waits for is
//! [`fixed`].

use diesel::backend::Backend;
use diesel::connection::Connection;
use diesel::debug_query;
use diesel::query_builder::{AstPass, DebugQuery, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Text};
use diesel::RunQueryDsl;
use std::fmt::Display;
use std::marker::PhantomData;
use std::sync::OnceLock;

/// The text of a query before and behind its one parameter.
pub type FixedText = OnceLock<[String; 2]>;

/// A query of the same columns as `Q`.
#[derive(Debug)]
pub struct Fixed<'a, Q> {
    text: &'static [String; 2],
    parameter: &'a str,
    query: PhantomData<Q>,
}

/// `query` with another text for its one parameter. `text` belongs to this query on this kind of database alone.
///
/// # Panics
/// The query has not exactly one parameter.
pub fn fixed<'a, C, Q>(_: &C, text: &'static FixedText, query: &Q, parameter: &'a str) -> Fixed<'a, Q>
where
    C: Connection,
    for<'q> DebugQuery<'q, Q, C::Backend>: Display,
{
    let text = text.get_or_init(|| {
        let whole = debug_query::<C::Backend, _>(query).to_string();
        let (words, _) = whole.rsplit_once(" -- binds: ").expect("diesel shows a query with what is bound");
        let parts: Vec<&str> = words.split(if words.contains("$1") { "$1" } else { "?" }).collect();
        parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>().try_into().expect("a query of one parameter")
    });
    Fixed { text, parameter, query: PhantomData }
}

impl<Q: Query> Query for Fixed<'_, Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for Fixed<'_, Q> {}

impl<Q: QueryId> QueryId for Fixed<'_, Q> {
    type QueryId = Fixed<'static, Q::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<Q, DB> QueryFragment<DB> for Fixed<'_, Q>
where
    DB: Backend + HasSqlType<Text>,
    str: ToSql<Text, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(&self.text[0]);
        out.push_bind_param::<Text, str>(self.parameter)?;
        out.push_sql(&self.text[1]);
        Ok(())
    }
}
