//! A page of a list that is ordered by identifier, and so by time.

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOrder {
    /// As programs read on.
    OldestFirst,
    /// As people look.
    NewestFirst,
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// The identifier behind which the page begins, in its order; None for the first page.
    pub after: Option<String>,
    pub order: ListOrder,
    pub limit: i64,
}

/// A query's rows of a page, by the column of its identifiers.
macro_rules! stretch {
    ($query:expr, $id:expr, $stretch:expr) => {{
        use $crate::store::stretch::ListOrder;
        let query = $query.limit($stretch.limit).into_boxed();
        match ($stretch.order, $stretch.after.as_deref()) {
            (ListOrder::OldestFirst, after) => query.filter($id.gt(after.unwrap_or(""))).order($id.asc()),
            (ListOrder::NewestFirst, None) => query.order($id.desc()),
            (ListOrder::NewestFirst, Some(after)) => query.filter($id.lt(after)).order($id.desc()),
        }
    }};
}
pub(crate) use stretch;
