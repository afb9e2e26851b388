//! What an administrator should know about a database file.

use rusqlite::Error;

use super::{client::Client, snapshot::journal_mode};
use crate::{Report, SourceError};

/// Looks at the file and at how it is written.
pub(super) fn check(client: &Client) -> Result<Report, SourceError> {
    let connection = client.session.connection();
    let look = || -> Result<(String, String), Error> {
        let version = connection.query_row("select sqlite_version()", [], |row| row.get(0))?;
        Ok((version, journal_mode(connection)?))
    };
    let (version, journal) = look().map_err(|error| client.fault("look at the file", error))?;
    let mut warnings = Vec::new();
    let address = &client.database().address;
    if journal != "wal" && !address.is_immutable {
        warnings.push(format!(
            "the file is in `{journal}` journal mode: writers wait while an export reads; \
             `pragma journal_mode = wal` lets both go on"
        ));
    }
    if rustix::fs::access(&address.path, rustix::fs::Access::WRITE_OK).is_ok() {
        warnings.push(
            "this account may write to the file; reading it is enough (tidegate opens it for \
             reading only)"
                .to_owned(),
        );
    }
    Ok(Report { version: format!("SQLite {version}"), warnings, grants: Vec::new() })
}
