//! The pauses that there were, the newest first.

use sea_orm::QueryResult;
use tidegate_model::{ids::OperatorId, pause::Pause};

use crate::{connection::Store, error::StoreError, sql::get};

/// A pause that began, and how it ended if it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastPause {
    /// The pause.
    pub pause: Pause,
    /// Who ended it, and when, in microseconds since 1970; none where it holds.
    pub ended: Option<(String, i64)>,
}

/// A pause, of a row that has its columns and the `email` of who began it.
pub(crate) fn pause_of_row(row: &QueryResult) -> Result<Pause, StoreError> {
    Ok(Pause {
        id: get(row, "id")?,
        subject: get(row, "subject")?,
        reason: get(row, "reason")?,
        paused_by: OperatorId(get(row, "paused_by")?),
        name: get(row, "email")?,
        paused_at: get(row, "paused_at")?,
    })
}

impl Store {
    /// The pauses that there were, the newest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn pauses(&self, limit: u32) -> Result<Vec<PastPause>, StoreError> {
        const PAUSES: &str = "\
            select p.id, p.subject, p.reason, p.paused_by, o.email, p.paused_at, \
                e.email as ended_by, p.ended_at \
            from pauses p join operators o on o.id = p.paused_by \
                left join operators e on e.id = p.ended_by \
            order by p.id desc limit $1";
        let mut pauses = Vec::new();
        for row in self.ask(PAUSES, [i64::from(limit).into()]).await? {
            let ended_by: Option<String> = get(&row, "ended_by")?;
            let ended = ended_by.zip(get(&row, "ended_at")?);
            pauses.push(PastPause { pause: pause_of_row(&row)?, ended });
        }
        Ok(pauses)
    }
}
