//! Saves the whole control state as one file, while others use it.

use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

use sea_orm::ConnectionTrait;
use secrecy::ExposeSecret;
use tokio::process::Command;
use url::Url;

use crate::{
    connection::{Store, StoreKind},
    error::StoreError,
    sql::statement,
};

/// PostgreSQL's own program for it.
const PG_DUMP: &str = "pg_dump";

impl Store {
    /// Saves the state of one moment: of SQLite a database file, of PostgreSQL an archive that
    /// `pg_restore` reads. Only the owner may read it.
    ///
    /// # Errors
    ///
    /// If the file exists or cannot be written, or `pg_dump` is missing or fails.
    pub async fn save_to(&self, file: &Path) -> Result<(), StoreError> {
        let unfit = |cause: &dyn std::fmt::Display| {
            StoreError::Unfit(format!("it cannot be saved as `{}`: {cause}", file.display()))
        };
        if file.exists() {
            return Err(unfit(&io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        // Made by us first, so that nobody else can read it even for a moment.
        fs::File::create_new(file).map_err(|cause| unfit(&cause))?;
        let owner_only = fs::Permissions::from_mode(0o600);
        fs::set_permissions(file, owner_only).map_err(|cause| unfit(&cause))?;
        match self.inner.kind {
            StoreKind::Sqlite => {
                let reader = &self.inner.reader;
                let path = file.to_string_lossy().into_owned();
                let save = statement(reader, "vacuum into $1", [path.into()]);
                reader.execute_raw(save).await?;
            }
            StoreKind::Postgres => {
                let mut dump = Command::new(PG_DUMP);
                dump.args(["--format=custom", "--no-owner", "--no-privileges", "--file"]);
                dump.arg(file);
                let (address, password) = without_password(self.inner.url.expose_secret());
                dump.arg(format!("--dbname={address}")).env("PGPASSWORD", password);
                let ended = dump.output().await.map_err(|cause| unfit(&cause))?;
                if !ended.status.success() {
                    let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
                    return Err(unfit(&said));
                }
            }
        }
        Ok(())
    }
}

/// An address as the arguments of a program may show it, and the password that they may not.
fn without_password(url: &str) -> (String, String) {
    let Ok(mut url) = Url::parse(url) else { return (url.to_owned(), String::new()) };
    let password = url.password().unwrap_or_default().to_owned();
    let password = percent_encoding::percent_decode_str(&password).decode_utf8_lossy().into_owned();
    // Fails only for addresses that have no place for a password.
    let _ = url.set_password(None);
    (url.into(), password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_stand_among_the_arguments() {
        let (address, password) =
            without_password("postgres://ada:p%40ss@host:5433/db?sslmode=require");
        assert_eq!(address, "postgres://ada@host:5433/db?sslmode=require");
        assert_eq!(password, "p@ss");
    }
}
