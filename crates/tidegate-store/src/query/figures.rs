//! Figures of the site, for whoever watches over it.

use tidegate_model::status::Status;

use crate::{connection::Store, error::StoreError, sql::get};

/// Figures of the site at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Jobs in each state that any is in.
    pub jobs: Vec<(Status, i64)>,
    /// Failed jobs by their reason.
    pub failures: Vec<(String, i64)>,
    /// Microseconds that the oldest job has waited which nobody holds up.
    pub oldest_wait_micros: i64,
    /// Entries of the activity log that no checkpoint covers yet.
    pub entries_unsigned: i64,
    /// Microseconds since the last checkpoint.
    pub checkpoint_age_micros: i64,
}

impl Store {
    /// Figures of the site.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        const JOBS: &str = "select status, count(*) as n from jobs group by status order by status";
        const FAILURES: &str = "\
            select error_reason, count(*) as n from jobs \
            where status = 'failed' and error_reason is not null \
            group by error_reason order by error_reason";
        const WAIT: &str = "\
            select min(run_after) as since from jobs where status = 'pending' and hold is null";
        const SIGNED: &str = "\
            select h.seq - coalesce(max(c.seq), 0) as behind, max(c.at) as at \
            from activity_head h left join checkpoints c on 1 = 1 where h.id = 1 group by h.seq";
        let now = self.now().await?;
        let mut figures = Figures::default();
        for row in self.ask(JOBS, []).await? {
            let status: String = get(&row, "status")?;
            let status = status.parse().map_err(|_| StoreError::Corrupt { what: "status" })?;
            figures.jobs.push((status, get(&row, "n")?));
        }
        for row in self.ask(FAILURES, []).await? {
            figures.failures.push((get(&row, "error_reason")?, get(&row, "n")?));
        }
        if let Some(row) = self.ask_one(WAIT, []).await? {
            let since: Option<i64> = get(&row, "since")?;
            figures.oldest_wait_micros = since.map_or(0, |since| (now - since).max(0));
        }
        if let Some(row) = self.ask_one(SIGNED, []).await? {
            figures.entries_unsigned = get(&row, "behind")?;
            let at: Option<i64> = get(&row, "at")?;
            figures.checkpoint_age_micros = at.map_or(0, |at| (now - at).max(0));
        }
        Ok(figures)
    }
}
