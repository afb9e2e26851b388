//! Opens a consistent snapshot, and says which point in time it is.

use mysql_async::Error;

use super::session::{Session, text};
use crate::Snapshot;

/// What an export sees of transactions that end beside it. Anything but a snapshot is there to
/// show that the tests would find it out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Isolation {
    /// Nothing: one point in time.
    Snapshot,
    /// All, also of those that have not ended.
    #[cfg(test)]
    None,
}

impl Isolation {
    fn begin(self) -> &'static str {
        match self {
            // It is taken at once, not at the first read, and nothing can be written in it.
            Self::Snapshot => "start transaction with consistent snapshot, read only",
            #[cfg(test)]
            Self::None => {
                "set session transaction isolation level read uncommitted; \
                 start transaction read only"
            }
        }
    }
}

const TAKEN_AT: &str = "select date_format(utc_timestamp(6), '%Y-%m-%dT%H:%i:%s.%fZ')";
/// MariaDB's position in the binary log that belongs to the snapshot itself.
const BINLOG_SNAPSHOT: &str = "show status where variable_name in \
    ('binlog_snapshot_file', 'binlog_snapshot_position')";

/// Opens the snapshot of the session's transaction.
pub(super) fn begin(
    session: &mut Session,
    isolation: Isolation,
    is_consistent: bool,
) -> Result<Snapshot, Error> {
    session.run(isolation.begin())?;
    let taken_at = session.value(TAKEN_AT)?.unwrap_or_default();
    let identity = match binlog_position(session)? {
        Some(position) => position,
        None => other_identity(session, &taken_at),
    };
    Ok(Snapshot { identity, taken_at, is_consistent })
}

/// Position of the snapshot in the binary log; none without such a log, and none in MySQL.
fn binlog_position(session: &mut Session) -> Result<Option<String>, Error> {
    let mut file = String::new();
    let mut position = String::new();
    for row in session.text_rows(BINLOG_SNAPSHOT)? {
        let value = text(&row, 1).unwrap_or_default();
        match text(&row, 0).unwrap_or_default().to_lowercase().as_str() {
            "binlog_snapshot_file" => file = value,
            _ => position = value,
        }
    }
    Ok((!file.is_empty()).then(|| format!("binlog {file}:{position}")))
}

/// InnoDB has no name for a snapshot that clients may know. What comes near, in the order of its
/// worth: the transactions that the server had committed, the transaction's own number (which
/// takes the right `process`, and MariaDB gives none to one that only reads), the connection.
fn other_identity(session: &mut Session, taken_at: &str) -> String {
    if !session.is_mariadb()
        && let Ok(Some(executed)) = session.value("select @@global.gtid_executed")
        && !executed.is_empty()
    {
        return format!("gtid_executed {}", executed.replace('\n', ""));
    }
    let transaction = "select trx_id from information_schema.innodb_trx \
                       where trx_mysql_thread_id = connection_id()";
    if let Ok(Some(id)) = session.value(transaction)
        && id != "0"
    {
        return format!("innodb transaction {id} at {taken_at}");
    }
    format!("connection {} at {taken_at}", session.id())
}

#[cfg(test)]
mod tests {
    use std::{io::Write, process::Stdio};

    use tidegate_testkit::mariadb::MariaDb;

    use super::*;
    use crate::{
        SourceSettings,
        conformance::{Site, finds_half_a_transfer, spelling_of_accounts},
        sources::mysql::MySqlSource,
    };

    #[test]
    fn a_reader_without_a_snapshot_sees_half_of_a_transfer() {
        let database = MariaDb::shared().database();
        let settings = SourceSettings::new("shop", database.url());
        let source = MySqlSource::new(settings, Isolation::None).unwrap();
        let execute = |script: &str| {
            let mut client = database.client().stdin(Stdio::piped()).spawn().unwrap();
            client.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
            assert!(client.wait().unwrap().success());
        };
        let spelling = spelling_of_accounts(|name| format!("`{name}`"), "start transaction");
        let site = Site { source: &source, execute: &execute, spelling };
        assert!(finds_half_a_transfer(&site), "the check of the suite would find nothing");
    }
}
