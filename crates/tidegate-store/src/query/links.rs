//! Download links.

use tidegate_model::ids::{JobId, LinkId, OperatorId};

use crate::{connection::Store, error::StoreError, sql::get};

/// A link to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Number.
    pub id: LinkId,
    /// The job whose file it is.
    pub job: JobId,
    /// Whose link.
    pub operator: OperatorId,
    /// Random bits that the link carries.
    pub nonce: String,
    /// Whether whoever holds it may use it.
    pub is_bearer: bool,
    /// When it ends, in microseconds since 1970.
    pub expires_at: i64,
    /// Whether it was taken back.
    pub is_revoked: bool,
}

impl Store {
    /// A link.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn link(&self, id: LinkId) -> Result<Option<Link>, StoreError> {
        const LINK: &str = "select * from links where id = $1";
        let Some(row) = self.ask_one(LINK, [id.0.into()]).await? else { return Ok(None) };
        Ok(Some(Link {
            id,
            job: JobId(get(&row, "job_id")?),
            operator: OperatorId(get(&row, "operator_id")?),
            nonce: get(&row, "nonce")?,
            is_bearer: get::<i64>(&row, "is_bearer")? == 1,
            expires_at: get(&row, "expires_at")?,
            is_revoked: get::<Option<i64>>(&row, "revoked_at")?.is_some(),
        }))
    }
}
