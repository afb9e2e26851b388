//! Figures of the site, for whoever watches over it.

use tidegate_model::{notice::DeliveryState, status::Status};

use super::notices::DeliveryCount;
use crate::{connection::Store, error::StoreError, sql::get};

/// Figures of the site at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Jobs in each state that any is in.
    pub jobs: Vec<(Status, i64)>,
    /// Failed jobs by their reason.
    pub failures: Vec<(String, i64)>,
    /// Rows of all files that were ever made: it only grows, as jobs are kept.
    pub rows_out: i64,
    /// Bytes of all files that were ever made.
    pub bytes_out: i64,
    /// Attempts that ended because their worker no longer held the lease.
    pub leases_lost: i64,
    /// Microseconds that the oldest job has waited which nobody holds up.
    pub oldest_wait_micros: i64,
    /// Entries of the activity log that no checkpoint covers yet.
    pub entries_unsigned: i64,
    /// Microseconds since the last checkpoint.
    pub checkpoint_age_micros: i64,
    /// Deliveries of notices, by way and state.
    pub deliveries: Vec<DeliveryCount>,
    /// Microseconds that the oldest notice has waited that somebody is to be sent.
    pub oldest_delivery_micros: i64,
}

impl Store {
    /// Figures of the site.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        // One pass over all jobs, however many figures it gives.
        const JOBS: &str = "\
            select status, error_reason, count(*) as n, \
                cast(sum(case when artifact_key is null then 0 else rows_done end) as bigint) \
                    as rows_out, \
                cast(sum(coalesce(size_bytes, 0)) as bigint) as bytes_out \
            from jobs group by status, error_reason order by status, error_reason";
        const LOST: &str = "select count(*) as n from attempts where outcome = 'lost'";
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
            let jobs: i64 = get(&row, "n")?;
            match figures.jobs.last_mut() {
                Some((last, count)) if *last == status => *count += jobs,
                _ => figures.jobs.push((status, jobs)),
            }
            if let Some(reason) = get::<Option<String>>(&row, "error_reason")? {
                figures.failures.push((reason, jobs));
            }
            figures.rows_out += get::<i64>(&row, "rows_out")?;
            figures.bytes_out += get::<i64>(&row, "bytes_out")?;
        }
        if let Some(row) = self.ask_one(LOST, []).await? {
            figures.leases_lost = get(&row, "n")?;
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
        figures.deliveries = self.delivery_counts().await?;
        let waits = |one: &&DeliveryCount| one.state == DeliveryState::Pending;
        let oldest = figures.deliveries.iter().filter(waits).map(|one| one.oldest).min();
        figures.oldest_delivery_micros = oldest.map_or(0, |at| (now - at).max(0));
        Ok(figures)
    }
}
