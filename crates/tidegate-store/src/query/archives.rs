//! Archives of the activity log: ranges of entries that stand in files.

use sea_orm::QueryResult;
use tidegate_model::audit::SignedArchive;

use crate::{connection::Store, error::StoreError, sql::get};

impl Store {
    /// Archives behind a number, oldest first.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn archives(
        &self,
        behind: i64,
        limit: u32,
    ) -> Result<Vec<(i64, SignedArchive)>, StoreError> {
        const ARCHIVES: &str = "\
            select number, document, key_id, signature from archives \
            where number > $1 order by number limit $2";
        let rows = self.ask(ARCHIVES, [behind.into(), i64::from(limit).into()]).await?;
        rows.iter().map(|row| Ok((get(row, "number")?, archive_of(row)?))).collect()
    }

    /// The archive that was made last.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn last_archive(&self) -> Result<Option<SignedArchive>, StoreError> {
        const LAST: &str = "\
            select document, key_id, signature from archives order by number desc limit 1";
        self.ask_one(LAST, []).await?.as_ref().map(archive_of).transpose()
    }

    /// The sink that is behind all others, and the number of the last entry that it has; none if
    /// nothing is streamed.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn slowest_stream(&self) -> Result<Option<(String, i64)>, StoreError> {
        const SLOWEST: &str = "select sink, seq from streamed order by seq limit 1";
        let row = self.ask_one(SLOWEST, []).await?;
        row.map(|row| Ok((get(&row, "sink")?, get(&row, "seq")?))).transpose()
    }
}

fn archive_of(row: &QueryResult) -> Result<SignedArchive, StoreError> {
    Ok(SignedArchive {
        archive: get(row, "document")?,
        key: get(row, "key_id")?,
        signature: get(row, "signature")?,
    })
}
