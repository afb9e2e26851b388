//! Statements with bound values, the same text on both databases.
//!
//! Parameters are written `$1`: SQLite's driver understands them as PostgreSQL does. Numbers and
//! flags are 64-bit integers, times microseconds since 1970, documents text.

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbErr, QueryResult, Statement, TryGetable, Value,
};

use crate::error::StoreError;

/// A transaction that writes, and what it knows of itself.
pub(crate) struct Tx {
    pub(crate) inner: DatabaseTransaction,
    /// The database's clock when the transaction began, in microseconds.
    pub(crate) now: i64,
    /// Number of the first entry that this change will append. The head that the database has is
    /// older where changes share the transaction.
    pub(crate) next_seq: i64,
}

impl Tx {
    /// Runs a statement; gives back the rows it touched.
    pub(crate) async fn execute(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<u64, DbErr> {
        let statement = statement(&self.inner, sql, values);
        Ok(self.inner.execute_raw(statement).await?.rows_affected())
    }

    /// Runs a statement that gives one row, or none.
    pub(crate) async fn row(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<QueryResult>, DbErr> {
        self.inner.query_one_raw(statement(&self.inner, sql, values)).await
    }

    /// Runs a statement that gives rows.
    pub(crate) async fn rows(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, DbErr> {
        self.inner.query_all_raw(statement(&self.inner, sql, values)).await
    }
}

/// A statement for the database behind `connection`.
pub(crate) fn statement(
    connection: &impl ConnectionTrait,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), sql, values)
}

/// Reads a column.
pub(crate) fn get<T: TryGetable>(row: &QueryResult, column: &str) -> Result<T, StoreError> {
    Ok(row.try_get("", column)?)
}

/// Reads a document.
pub(crate) fn get_json<T: serde::de::DeserializeOwned>(
    row: &QueryResult,
    column: &str,
    what: &'static str,
) -> Result<T, StoreError> {
    let text: String = get(row, column)?;
    serde_json::from_str(&text).map_err(|_| StoreError::Corrupt { what })
}

/// A document as text.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("our documents have text keys")
}
