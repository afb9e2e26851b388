//! Keeps the signed checkpoints of the activity log beside it.

use sea_orm::ConnectionTrait;
use tidegate_model::{
    action::Action,
    audit::{Checkpoint, SignedCheckpoint},
    policy::Permit,
};

use crate::{connection::Store, door::spend_on_log, error::StoreError, sql::statement};

impl Store {
    /// Keeps a signed checkpoint, if it is the next one: of several processes that try at once one
    /// is told true. What counts is the copy outside the database.
    ///
    /// # Errors
    ///
    /// If the permit is for something else, or the database fails.
    pub async fn keep_checkpoint(
        &self,
        permit: Permit,
        checkpoint: &Checkpoint,
        signed: &SignedCheckpoint,
    ) -> Result<bool, StoreError> {
        spend_on_log(&permit, Action::CheckpointKeep)?;
        let now = self.inner.now();
        let sql = format!(
            "insert into checkpoints (number, seq, at, document, key_id, signature) \
             select $1, $2, {now}, $3, $4, $5 \
             where (select coalesce(max(number), 0) + 1 from checkpoints) = $1 \
             on conflict (number) do nothing"
        );
        let values = [
            checkpoint.number.into(),
            checkpoint.seq.into(),
            signed.checkpoint.clone().into(),
            signed.key.clone().into(),
            signed.signature.clone().into(),
        ];
        let writer = &self.inner.writer;
        let kept = writer.execute_raw(statement(writer, &sql, values)).await?;
        Ok(kept.rows_affected() == 1)
    }
}
