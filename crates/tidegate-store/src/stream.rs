//! Holds a sink of the activity log for one process at a time, with how far it got.

use sea_orm::{ConnectionTrait, Value};
use tidegate_model::{action::Action, policy::Permit};

use crate::{
    connection::Store,
    door::spend_on_log,
    error::StoreError,
    sql::{get, statement},
};

/// Who wants to hold a sink.
#[derive(Clone, Copy, Debug)]
pub struct HoldRequest<'a> {
    /// Name of the sink.
    pub sink: &'a str,
    /// A name that no other process has.
    pub holder: &'a str,
    /// How long, in microseconds.
    pub hold_micros: i64,
}

/// The right to note how far a sink is. A permit takes it, and it cannot be copied.
#[derive(Debug)]
pub struct StreamHold {
    sink: String,
    holder: String,
    seq: i64,
}

impl StreamHold {
    /// Number of the last entry that the sink was known to have when it was taken.
    pub fn seq(&self) -> i64 {
        self.seq
    }
}

impl Store {
    /// Takes a sink for a while, or keeps it: one process at a time writes to it. None if another
    /// process holds it. A clock that was ahead when it was taken does not make it taken for ever.
    ///
    /// # Errors
    ///
    /// If the permit is for something else, or the database fails.
    pub async fn hold_stream(
        &self,
        permit: Permit,
        request: HoldRequest<'_>,
    ) -> Result<Option<StreamHold>, StoreError> {
        const NEW: &str =
            "insert into streamed (sink, seq) values ($1, 0) on conflict (sink) do nothing";
        spend_on_log(&permit, Action::StreamHold)?;
        let HoldRequest { sink, holder, hold_micros } = request;
        let now = self.inner.now();
        let hold = format!(
            "update streamed set holder = $2, held_until = {now} + $3 \
             where sink = $1 and (holder is null or holder = $2 \
                or held_until not between {now} and {now} + $3) \
             returning seq"
        );
        let writer = &self.inner.writer;
        let values: [Value; 3] = [sink.into(), holder.into(), hold_micros.into()];
        let taken = statement(writer, &hold, values);
        let mut row = writer.query_one_raw(taken.clone()).await?;
        if row.is_none() {
            let made = writer.execute_raw(statement(writer, NEW, [sink.into()])).await?;
            if made.rows_affected() == 1 {
                row = writer.query_one_raw(taken).await?;
            }
        }
        let Some(row) = row else { return Ok(None) };
        let (sink, holder) = (sink.to_owned(), holder.to_owned());
        Ok(Some(StreamHold { sink, holder, seq: get(&row, "seq")? }))
    }

    /// Notes that a sink has all entries up to a number; false if somebody else holds the sink by
    /// now.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn note_streamed(&self, hold: &StreamHold, seq: i64) -> Result<bool, StoreError> {
        const NOTE: &str = "\
            update streamed set seq = $3 where sink = $1 and holder = $2 and seq <= $3";
        let writer = &self.inner.writer;
        let values = [hold.sink.clone().into(), hold.holder.clone().into(), seq.into()];
        let noted = writer.execute_raw(statement(writer, NOTE, values)).await?;
        Ok(noted.rows_affected() == 1)
    }

    /// Gives a sink back, so that the next process need not wait.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn leave_stream(&self, hold: StreamHold) -> Result<(), StoreError> {
        const LEAVE: &str = "\
            update streamed set holder = null, held_until = null \
            where sink = $1 and holder = $2";
        let writer = &self.inner.writer;
        let values = [hold.sink.into(), hold.holder.into()];
        writer.execute_raw(statement(writer, LEAVE, values)).await?;
        Ok(())
    }
}
