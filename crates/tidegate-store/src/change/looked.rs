//! Counts the rows that operators look at, so that looking does not become taking.

use serde_json::json;
use tidegate_model::{action::Action, ids::OperatorId, notice::Topic};

use super::{Applied, outbox::tell};
use crate::{
    chain::Line,
    error::StoreError,
    sql::{Tx, get},
};

/// Microseconds of a minute.
const MINUTE_MICROS: i64 = 60_000_000;
/// Minutes that count.
const WINDOW_MINUTES: i64 = 60;

/// Counts `rows` for an operator. Where that passes the ceiling they are not counted, and the first
/// time within an hour leaves an entry. What was made is the number that may still be seen, or a
/// negative one if these may not.
pub(crate) async fn note_rows(
    tx: &Tx,
    operator: OperatorId,
    subject: Option<String>,
    [rows, ceiling]: [i64; 2],
) -> Result<Applied, StoreError> {
    const SEEN: &str = "\
        select cast(coalesce(sum(seen), 0) as bigint) as seen, \
            cast(coalesce(max(is_told), 0) as bigint) as is_told \
        from rows_seen where operator_id = $1 and minute > $2";
    const COUNT: &str = "\
        insert into rows_seen (operator_id, minute, seen, is_told) values ($1, $2, $3, $4) \
        on conflict (operator_id, minute) do update set \
            seen = rows_seen.seen + excluded.seen, \
            is_told = case when excluded.is_told = 1 then 1 else rows_seen.is_told end";
    const FORGET: &str = "delete from rows_seen where operator_id = $1 and minute <= $2";
    let minute = tx.now / MINUTE_MICROS;
    let window = [operator.0.into(), (minute - WINDOW_MINUTES).into()];
    let row = tx.row(SEEN, window.clone()).await?;
    let row = row.ok_or(StoreError::Corrupt { what: "count of rows seen" })?;
    // A sum is a decimal to PostgreSQL unless it is asked for as an integer.
    let (seen, is_told): (i64, i64) = (get(&row, "seen")?, get(&row, "is_told")?);
    tx.execute(FORGET, window).await?;
    let left = ceiling.saturating_sub(seen).saturating_sub(rows);
    let is_over = left < 0;
    let counted = if is_over { 0 } else { rows };
    let values = [operator.0.into(), minute.into(), counted.into(), i64::from(is_over).into()];
    tx.execute(COUNT, values).await?;
    let details = json!({ "rows_seen": seen, "rows_asked": rows, "view_rows_max": ceiling });
    let is_first = is_over && is_told == 0;
    if is_first {
        let payload = json!({ "subject": subject, "operator": operator, "view_rows_max": ceiling });
        tell(tx, Topic::EgressVolume, None, payload).await?;
    }
    let lines = match is_first {
        true => vec![Line { action: Action::VolumeReach, job: None, details }],
        false => Vec::new(),
    };
    Ok(Applied { lines, id: Some(left) })
}
