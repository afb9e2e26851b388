//! The artifact store: whose it is, and what lies in quarantine.

use serde::Serialize;

use crate::{connection::Store, error::StoreError, sql::get};

/// Files of a page at most.
const PAGE_FILES_MAX: u32 = 500;

/// What this database knows of its artifact store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnStore {
    /// The word that the store holds if it is this database's.
    pub identity: String,
    /// Whether it was seen to hold it.
    pub is_claimed: bool,
}

/// A file in quarantine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantined {
    /// Its key in the artifact store.
    pub key: String,
    /// Its size.
    pub bytes: i64,
    /// When it was found, in microseconds since 1970.
    pub found_at: i64,
}

impl Store {
    /// What this database knows of its artifact store.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn own_store(&self) -> Result<OwnStore, StoreError> {
        const OWN: &str = "select identity, claimed_at from artifact_store where id = 1";
        let row = self.ask_one(OWN, []).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "row of the artifact store" })?;
        let is_claimed = get::<Option<i64>>(&row, "claimed_at")?.is_some();
        Ok(OwnStore { identity: get(&row, "identity")?, is_claimed })
    }

    /// Files in quarantine behind a key, in the order of their keys.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn quarantined(
        &self,
        behind: &str,
        limit: u32,
    ) -> Result<Vec<Quarantined>, StoreError> {
        const HELD: &str = "\
            select object_key, bytes, found_at from quarantine \
            where outcome is null and object_key > $1 order by object_key limit $2";
        let limit = i64::from(limit.clamp(1, PAGE_FILES_MAX));
        let rows = self.ask(HELD, [behind.into(), limit.into()]).await?;
        let files = rows.iter().map(|row| {
            let (key, bytes) = (get(row, "object_key")?, get(row, "bytes")?);
            Ok(Quarantined { key, bytes, found_at: get(row, "found_at")? })
        });
        files.collect()
    }

    /// How many files are in quarantine.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn count_quarantined(&self) -> Result<i64, StoreError> {
        const COUNT: &str = "select count(*) as n from quarantine where outcome is null";
        let row = self.ask_one(COUNT, []).await?;
        get(&row.ok_or(StoreError::Corrupt { what: "count" })?, "n")
    }
}
