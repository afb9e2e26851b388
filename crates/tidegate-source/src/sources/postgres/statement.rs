//! The statement of an export, and what it takes to read one share by it.

use std::io;

use bytes::BytesMut;
use sea_query::{BinOper, Expr, ExprTrait};

use super::{portal::request, shares::Share};
use crate::{
    SourceError,
    sql::{Bind, Plan, Statement, own_column},
};

/// Behind every row of every table.
const END: &str = "(4294967295,65535)";

/// A statement that reads all rows, or those of a share of pages.
pub(super) struct ShareStatement {
    /// Its text.
    pub(super) text: String,
    values: Vec<String>,
    has_bounds: bool,
}

impl ShareStatement {
    /// Reads all rows in their order.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(super) fn whole(plan: &Plan<'_>) -> Result<Self, SourceError> {
        Ok(Self::new(plan.stream(None)?, false))
    }

    /// Reads the rows on the pages of a share.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation.
    pub(super) fn of_pages(plan: &Plan<'_>) -> Result<Self, SourceError> {
        let bound = || Expr::Value(String::new().into()).cast_as("text").cast_as("tid");
        let from = own_column("ctid").binary(BinOper::GreaterThanOrEqual, bound());
        let condition = from.and(own_column("ctid").binary(BinOper::SmallerThan, bound()));
        Ok(Self::new(plan.stream(Some(condition))?, true))
    }

    /// Reads what a statement gives.
    pub(super) fn new(statement: Statement, has_bounds: bool) -> Self {
        let mut values = values_of(&statement);
        if has_bounds {
            // The bounds come last; each share has its own.
            values.truncate(values.len() - 2);
        }
        Self { text: statement.text, values, has_bounds }
    }

    /// Values that make it read all rows.
    pub(super) fn all(&self) -> Vec<String> {
        self.values_between("(0,0)".to_owned(), END.to_owned())
    }

    /// Messages that make the server read a share.
    pub(super) fn request(&self, share: Share) -> io::Result<BytesMut> {
        let (first, end) = share.range;
        let end = if share.is_last { END.to_owned() } else { format!("({end},0)") };
        request(&self.text, &self.values_between(format!("({first},0)"), end))
    }

    /// Length of a request, to within a few bytes for each value.
    pub(super) fn request_bytes(&self) -> usize {
        self.text.len() + self.values.iter().map(String::len).sum::<usize>()
    }

    fn values_between(&self, first: String, end: String) -> Vec<String> {
        let mut values = self.values.clone();
        if self.has_bounds {
            values.extend([first, end]);
        }
        values
    }
}

/// Values of a statement in the text form that the server reads.
pub(super) fn values_of(statement: &Statement) -> Vec<String> {
    let text = |value: &Bind| match value {
        Bind::Boolean(value) => value.to_string(),
        Bind::Integer(value) => value.to_string(),
        Bind::Float(value) => value.to_string(),
        Bind::Text(value) => value.clone(),
        Bind::Bytes(value) => {
            let digits: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\\x{digits}")
        }
    };
    statement.values.iter().map(text).collect()
}
