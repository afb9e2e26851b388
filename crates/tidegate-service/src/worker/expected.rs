//! How many rows a build is said to have before it has them.

use super::build::{Build, number};

impl Build<'_> {
    /// Rows that the source expects; none within a row limit. What a database expects of a filter
    /// follows from all rows of the table, also from those that the limit hides.
    pub(super) fn rows_expected(&self, expected: Option<u64>) -> Option<i64> {
        let exposure = self.exposure.get()?;
        expected.filter(|_| exposure.row_limit.is_none()).map(number)
    }
}
