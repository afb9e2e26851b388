//! SQL that is built once for every dialect.
//!
//! [`Plan`] turns a [`tidegate_model::query::Query`] into statements; a [`Dialect`] says what is
//! different in one database. Values never become text of a statement: they go through the
//! [`Binder`]. Names come from the query alone, which took them from the configuration.

mod bind;
mod catalog;
mod condition;
mod dialect;
mod plan;
mod seek;
#[cfg(test)]
mod tests;

pub(crate) use bind::{Bind, Binder, Statement};
pub(crate) use catalog::{Catalog, describe_union, relation_name};
pub(crate) use condition::any_of;
pub(crate) use dialect::{
    Dialect, JsonPlace, Lines, Operand, Purpose, comparison_operator, constant, is_in_list,
    keys_in_list, like_pattern,
};
pub(crate) use plan::{Plan, own_column};
