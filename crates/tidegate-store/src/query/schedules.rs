//! Schedules: one, those that somebody may see, and those whose time has come.

use sea_orm::{QueryResult, Value};
use serde_json::Value as Document;
use tidegate_model::{
    ids::{JobId, OperatorId, ScheduleId},
    pointer::Pointer,
    schedule::{Fire, FireOutcome, Schedule, ScheduleState, Timing},
};

use super::among;
use crate::{
    connection::Store,
    error::StoreError,
    sql::{get, get_json},
};

pub(crate) const SCHEDULE: &str = "select * from schedules where id = $1";

/// Which schedules to list.
#[derive(Clone, Debug, Default)]
pub struct ScheduleFilter {
    /// Only of this operator.
    pub owner: Option<OperatorId>,
    /// Only of these subjects.
    pub subjects: Vec<String>,
    /// Only those in this state; none means all but those that were deleted.
    pub state: Option<ScheduleState>,
    /// Only those before this number.
    pub behind: Option<ScheduleId>,
}

impl Store {
    /// A schedule.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn schedule(&self, id: ScheduleId) -> Result<Option<Schedule>, StoreError> {
        self.ask_one(SCHEDULE, [id.0.into()]).await?.as_ref().map(schedule_of).transpose()
    }

    /// The schedule that a request with this idempotency key made, with the hash of that request.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn schedule_of_key(
        &self,
        operator: OperatorId,
        key: &str,
    ) -> Result<Option<(ScheduleId, String)>, StoreError> {
        const USED: &str = "\
            select schedule_id, request_hash from schedule_keys \
            where operator_id = $1 and key = $2";
        let row = self.ask_one(USED, [operator.0.into(), key.into()]).await?;
        let used = |row| Ok((ScheduleId(get(&row, "schedule_id")?), get(&row, "request_hash")?));
        row.map(used).transpose()
    }

    /// Schedules whose next fire is due, but for those of some subjects.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn schedules_due(
        &self,
        now: i64,
        but: &[&str],
        limit: u32,
    ) -> Result<Vec<Schedule>, StoreError> {
        let mut values: Vec<Value> = vec![now.into()];
        let left_out = among("subject", but.iter().copied(), &mut values);
        let sql = format!(
            "select * from schedules where state = 'active' and due_at <= $1 and not ({left_out}) \
             order by due_at limit {limit}"
        );
        self.ask(&sql, values).await?.iter().map(schedule_of).collect()
    }

    /// Schedules, newest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn schedules(
        &self,
        filter: &ScheduleFilter,
        limit: u32,
    ) -> Result<Vec<Schedule>, StoreError> {
        let mut values: Vec<Value> = Vec::new();
        let mut conditions =
            vec![among("subject", filter.subjects.iter().map(String::as_str), &mut values)];
        let mut say = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(format!("{condition} ${}", values.len()));
        };
        match filter.state {
            Some(state) => say("state =", state.slug().into()),
            None => say("state <>", ScheduleState::Deleted.slug().into()),
        }
        if let Some(owner) = filter.owner {
            say("owner =", owner.0.into());
        }
        if let Some(behind) = filter.behind {
            say("id <", behind.0.into());
        }
        let all = conditions.join(" and ");
        let sql = format!("select * from schedules where {all} order by id desc limit {limit}");
        self.ask(&sql, values).await?.iter().map(schedule_of).collect()
    }

    /// The last fires of a schedule, newest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn fires_of(
        &self,
        schedule: ScheduleId,
        limit: u32,
    ) -> Result<Vec<Fire>, StoreError> {
        const FIRES: &str = "\
            select * from fires where schedule_id = $1 order by fire_at desc limit $2";
        let rows = self.ask(FIRES, [schedule.0.into(), i64::from(limit).into()]).await?;
        rows.iter().map(fire_of).collect()
    }
}

/// Reads a schedule from its row.
pub(crate) fn schedule_of(row: &QueryResult) -> Result<Schedule, StoreError> {
    let corrupt = |what| StoreError::Corrupt { what };
    let state: String = get(row, "state")?;
    let timing: Document = get_json(row, "timing", "schedule")?;
    let timing = Timing::read(&timing, None, &Pointer::ROOT).map_err(|_| corrupt("schedule"))?;
    Ok(Schedule {
        id: ScheduleId(get(row, "id")?),
        request: get_json(row, "request", "request of a schedule")?,
        timing,
        has_pii: get::<i64>(row, "has_pii")? == 1,
        state: ScheduleState::find(&state).ok_or(corrupt("state of a schedule"))?,
        state_reason: get(row, "state_reason")?,
        state_by: get::<Option<i64>>(row, "state_by")?.map(OperatorId),
        state_at: get(row, "state_at")?,
        owner: OperatorId(get(row, "owner")?),
        created_at: get(row, "created_at")?,
        next_fire_at: get(row, "next_fire_at")?,
        failures: get(row, "failures")?,
        watermark: get(row, "watermark")?,
        version: get(row, "version")?,
    })
}

fn fire_of(row: &QueryResult) -> Result<Fire, StoreError> {
    let outcome: String = get(row, "outcome")?;
    let corrupt = StoreError::Corrupt { what: "fire" };
    Ok(Fire {
        fire_at: get(row, "fire_at")?,
        outcome: FireOutcome::find(&outcome).ok_or(corrupt)?,
        job: get::<Option<i64>>(row, "job_id")?.map(JobId),
        detail: get(row, "detail")?,
        noted_at: get(row, "noted_at")?,
    })
}
