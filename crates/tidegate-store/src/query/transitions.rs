//! Transitions of jobs, in their order; and jobs as they are now.

use tidegate_model::{ids::JobId, job::Job, status::Status};

use super::among_numbers;
use crate::{connection::Store, error::StoreError, query::jobs::job_of, sql::get};

/// Transitions that are given at once: more than a life has.
const TRANSITIONS_MAX: i64 = 100;

/// A change of a job's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitionRow {
    /// Grows with every transition.
    pub id: i64,
    /// Its name.
    pub transition: String,
    /// State before.
    pub from: Status,
    /// State after.
    pub to: Status,
    /// When, in microseconds since 1970.
    pub at: i64,
}

impl Store {
    /// Transitions of a job behind a number, oldest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn transitions(
        &self,
        job: JobId,
        behind: i64,
    ) -> Result<Vec<TransitionRow>, StoreError> {
        const TRANSITIONS: &str = "\
            select * from transitions where job_id = $1 and id > $2 order by id limit $3";
        let values = [job.0.into(), behind.into(), TRANSITIONS_MAX.into()];
        let rows = self.ask(TRANSITIONS, values).await?;
        let status = |row, column| -> Result<Status, StoreError> {
            let word: String = get(row, column)?;
            word.parse().map_err(|_| StoreError::Corrupt { what: "status" })
        };
        rows.iter()
            .map(|row| {
                Ok(TransitionRow {
                    id: get(row, "id")?,
                    transition: get(row, "transition")?,
                    from: status(row, "status_from")?,
                    to: status(row, "status_to")?,
                    at: get(row, "at")?,
                })
            })
            .collect()
    }

    /// Some jobs as they are now.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn jobs_now(&self, jobs: &[JobId]) -> Result<Vec<Job>, StoreError> {
        let mut values = Vec::with_capacity(jobs.len());
        let wanted = among_numbers("id", jobs.iter().map(|job| job.0), &mut values);
        let sql = format!("select * from jobs where {wanted}");
        self.ask(&sql, values).await?.iter().map(job_of).collect()
    }
}
