//! The list of kinds of source.

pub(crate) mod mysql;
pub(crate) mod postgres;
pub(crate) mod sqlite;

use secrecy::ExposeSecret;

use crate::{Source, SourceError, SourceKind, SourceSettings};

/// Every kind of source.
pub static SOURCES: &[&dyn SourceKind] =
    &[&sqlite::SqliteKind, &postgres::PostgresKind, &mysql::MySqlKind];

/// Makes the source that the scheme of the URL names.
///
/// # Errors
///
/// If no kind of source takes the scheme, or the URL is wrong.
pub fn connect(settings: SourceSettings) -> Result<Box<dyn Source>, SourceError> {
    let scheme = settings.url.expose_secret().split(':').next().unwrap_or_default().to_owned();
    match SOURCES.iter().find(|kind| kind.schemes().contains(&scheme.as_str())) {
        Some(kind) => kind.connect(settings),
        None => {
            let known: Vec<&str> = SOURCES.iter().map(|kind| kind.example_url()).collect();
            Err(SourceError::BadUrl {
                source_name: settings.name,
                detail: format!("it begins like none of {}", known.join(", ")),
            })
        }
    }
}
