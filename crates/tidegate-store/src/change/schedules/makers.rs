//! Who has had a hand in a run: whoever decides about it is somebody else.

use tidegate_model::{
    ids::{JobId, OperatorId, ScheduleId},
    policy::Permit,
};

use crate::{
    error::StoreError,
    query::approvals::IS_MAKER,
    sql::{Tx, get},
};

/// Writes down who made a run what it is: who has said what it asks for, who has given the schedule
/// to its owner, and who has started it, where somebody has.
pub(super) async fn note(
    tx: &Tx,
    job: JobId,
    schedule: ScheduleId,
    started_by: Option<OperatorId>,
) -> Result<(), StoreError> {
    const OF: &str = "select asked_by, given_by, owner from schedules where id = $1";
    const NOTE: &str = "\
        insert into job_makers (job_id, operator_id) values ($1, $2) on conflict do nothing";
    let row = tx.row(OF, [schedule.0.into()]).await?;
    let row = row.ok_or(StoreError::Missing { what: "schedule" })?;
    let started_by = started_by.map(|operator| operator.0);
    let makers = [get(&row, "asked_by")?, get(&row, "given_by")?, get(&row, "owner")?, started_by];
    for maker in makers.into_iter().flatten() {
        tx.execute(NOTE, [job.0.into(), i64::into(maker)]).await?;
    }
    Ok(())
}

/// Whoever has made it has no say in it. The service has asked before: this is for what became of
/// the schedule meanwhile.
pub(in crate::change) async fn refuse_maker(
    tx: &Tx,
    permit: &Permit,
    job: JobId,
) -> Result<(), StoreError> {
    let Some(operator) = permit.caller().operator() else { return Ok(()) };
    match tx.row(IS_MAKER, [job.0.into(), operator.0.into()]).await? {
        Some(_) => Err(StoreError::Overtaken { what: "approval" }),
        None => Ok(()),
    }
}
