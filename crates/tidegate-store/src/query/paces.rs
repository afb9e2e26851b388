//! How fast exports were built of late: what the next one will take follows from it.

use crate::{connection::Store, error::StoreError, sql::get};

/// Exports that are looked back on.
const JOBS_MAX: i64 = 200;
/// Rows below which a build tells what it takes to begin, and not how fast it goes.
const ROWS_MIN: i64 = 1_000;

/// How fast an export was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Slug of its format.
    pub format: String,
    /// Whether it was of the subject that was asked for.
    pub is_of_subject: bool,
    /// Rows of its file.
    pub rows: i64,
    /// Microseconds from the beginning of the build to the finished file.
    pub micros: i64,
}

impl Store {
    /// How fast the last exports were built that have made a file, those of a
    /// subject and those of the others.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn paces(&self, subject: &str) -> Result<Vec<Pace>, StoreError> {
        let mut paces = Vec::new();
        for (sign, is_of_subject) in [("=", true), ("<>", false)] {
            let query = format!(
                "select format, rows_done, completed_at - started_at as micros from jobs \
                 where subject {sign} $1 and status in ('ready', 'expired', 'deleted') \
                     and started_at is not null and rows_done >= $2 order by id desc limit $3"
            );
            let values = [subject.into(), ROWS_MIN.into(), JOBS_MAX.into()];
            for row in self.ask(&query, values).await? {
                let micros: i64 = get(&row, "micros")?;
                paces.push(Pace {
                    format: get(&row, "format")?,
                    is_of_subject,
                    rows: get(&row, "rows_done")?,
                    micros: micros.max(1),
                });
            }
        }
        Ok(paces)
    }
}
