//! What every source owes, as a suite that every source runs.
//!
//! A [`Site`] is a database of one kind with a client of its own. The suite makes its tables
//! there through that client, reads them through the [`Source`], and compares with what it put in
//! and with an evaluator that never saw SQL.

mod cell;
mod drain;
mod evaluate;
mod filters;
mod names;
mod origins;
mod pages;
mod random;
mod shapes;
mod streams;
mod table;

use tidegate_batch::DataType;

pub use cell::Cell;
pub use drain::{Drained, drain};
pub use table::{Column, Table};

#[cfg(test)]
pub(crate) use streams::{finds_half_a_transfer, spelling_of_accounts};

use crate::Source;

/// A database to run the suite in. It must be empty and writable by the client.
pub struct Site<'a> {
    /// The source under test.
    pub source: &'a dyn Source,
    /// Runs statements, separated by semicolons, by a client that is not ours. May be called from
    /// several threads at once.
    pub execute: &'a (dyn Fn(&str) + Sync),
    /// How the database spells what the suite says.
    pub spelling: Spelling,
}

/// How a database spells what the suite says.
#[derive(Clone, Copy)]
pub struct Spelling {
    /// A name in quotes.
    pub quote: fn(&str) -> String,
    /// A column type that holds every value of ours, to the last digit.
    pub type_name: fn(&DataType) -> String,
    /// A value, as text of a statement.
    pub literal: fn(&Cell) -> String,
    /// Begins a transaction that is going to write.
    pub begin: &'static str,
    /// A `select` that runs for minutes and gives one column `n`, if anything.
    pub slow: &'static str,
    /// Whether a text can hold NUL.
    pub holds_nul: bool,
}

/// A thing that every source owes.
pub type Check = fn(&Site<'_>);

/// The suite: what is owed, and the check for it.
pub const CHECKS: &[(&str, Check)] = &[
    ("values of every type come back as they are", shapes::values_come_back),
    ("an empty table has columns and no rows", shapes::an_empty_table),
    ("hidden columns come last", shapes::hidden_columns),
    ("a missing table or column is named", shapes::what_is_missing),
    ("names may hold anything", names::names_that_need_quotes),
    ("filters find what the evaluator finds", filters::random_filters),
    ("each operator keeps the two-valued logic", filters::each_operator),
    ("text is sought without letter case, compared with it", filters::letter_case),
    ("trailing spaces count", filters::trailing_spaces),
    ("ten thousand keys select and except", filters::ten_thousand_keys),
    ("keys of several columns select", filters::wide_keys),
    ("sorts put NULLs last, ties by key", filters::random_sorts),
    ("a joined field is that of the one row", origins::joined),
    ("lines are a list in their order", origins::lines),
    ("a place inside JSON is a field", origins::json_paths),
    ("a union tells its kinds apart", origins::union),
    ("a statement of the configuration is a relation", origins::statement),
    ("tickets are dense and in order", streams::tickets),
    ("a page is a slice of the stream", pages::slices),
    ("pages by the order give every row once, both ways", pages::by_the_order),
    ("few rows are counted, not guessed", pages::expectations),
    ("an interrupt ends a slow statement", streams::interrupt),
    ("concurrent writers change nothing", streams::concurrent_writers),
];

/// Runs the whole suite.
///
/// # Panics
///
/// At the first thing that the source does not give.
pub fn run(site: &Site<'_>) {
    for (owed, check) in CHECKS {
        eprintln!("{}: {owed}", site.source.kind());
        check(site);
    }
}
