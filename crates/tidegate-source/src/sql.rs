//! SQL that is built once for every dialect.
