//! The actions that a site was asked to do, and what became of them.

use sea_orm::QueryResult;
use tidegate_model::ids::OperatorId;

use crate::{connection::Store, error::StoreError, sql::get};

/// An action that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRun {
    /// Number of the entry of its beginning.
    pub seq: i64,
    /// Slug of the subject.
    pub subject: String,
    /// Codename of the action.
    pub codename: String,
    /// Name that people read, as it was.
    pub name: String,
    /// Records that it is about.
    pub records: i64,
    /// What became of it, in a word; none as long as nobody knows.
    pub outcome: Option<String>,
    /// Status of the site's answer.
    pub status: Option<i64>,
    /// When it was begun, in microseconds since 1970.
    pub created_at: i64,
}

impl Store {
    /// The action that a request with this key began, with the hash of that request.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn run_of_key(
        &self,
        operator: OperatorId,
        key: &str,
    ) -> Result<Option<(KnownRun, String)>, StoreError> {
        const USED: &str = "select * from action_runs where operator_id = $1 and key = $2";
        let row = self.ask_one(USED, [operator.0.into(), key.into()]).await?;
        row.map(|row| Ok((run_of(&row)?, get(&row, "request_hash")?))).transpose()
    }

    /// An action that this operator had done, by the number of its entry.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn action_run(
        &self,
        operator: OperatorId,
        seq: i64,
    ) -> Result<Option<KnownRun>, StoreError> {
        const ONE: &str = "select * from action_runs where operator_id = $1 and activity_seq = $2";
        let row = self.ask_one(ONE, [operator.0.into(), seq.into()]).await?;
        row.as_ref().map(run_of).transpose()
    }
}

fn run_of(row: &QueryResult) -> Result<KnownRun, StoreError> {
    Ok(KnownRun {
        seq: get(row, "activity_seq")?,
        subject: get(row, "subject")?,
        codename: get(row, "codename")?,
        name: get(row, "name")?,
        records: get(row, "records")?,
        outcome: get(row, "outcome")?,
        status: get(row, "status")?,
        created_at: get(row, "created_at")?,
    })
}
