//! Opens a consistent snapshot, and says which point in time it is.

use mysql_async::Error;

use super::session::{Session, text};
use crate::Snapshot;

/// The snapshot is taken at once, not at the first read, and nothing can be written in it.
const BEGIN: &str = "start transaction with consistent snapshot, read only";
const TAKEN_AT: &str = "select date_format(utc_timestamp(6), '%Y-%m-%dT%H:%i:%s.%fZ')";
/// MariaDB's position in the binary log that belongs to the snapshot itself.
const BINLOG_SNAPSHOT: &str = "show status where variable_name in \
    ('binlog_snapshot_file', 'binlog_snapshot_position')";

/// Opens the snapshot of the session's transaction.
pub(super) fn begin(session: &mut Session, is_consistent: bool) -> Result<Snapshot, Error> {
    session.run(BEGIN)?;
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
