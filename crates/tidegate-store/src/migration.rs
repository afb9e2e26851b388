//! Brings the schema up to date, one process at a time, and refuses a newer one.

mod m0001_control_state;
mod m0002_archives;
mod m0003_artifact_store;
mod m0004_sessions;
mod m0005_traces;
mod m0006_second_factors;
mod m0007_lists;
mod m0008_schedules;
mod m0009_notifications;
mod m0010_exposure;
mod m0011_actions;
mod m0012_approvals;
mod m0013_pauses;
mod m0015_action_runs;
mod m0016_makers;
mod m0017_versions;
mod statements;

use sea_orm::ConnectionTrait;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::{
    connection::{Store, StoreKind},
    error::StoreError,
    sql::{get, statement},
};

/// Every migration, oldest first. One that was released is never changed.
struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_control_state::Migration),
            Box::new(m0002_archives::Migration),
            Box::new(m0003_artifact_store::Migration),
            Box::new(m0004_sessions::Migration),
            Box::new(m0005_traces::Migration),
            Box::new(m0006_second_factors::Migration),
            Box::new(m0007_lists::Migration),
            Box::new(m0008_schedules::Migration),
            Box::new(m0009_notifications::Migration),
            Box::new(m0010_exposure::Migration),
            Box::new(m0011_actions::Migration),
            Box::new(m0012_approvals::Migration),
            Box::new(m0013_pauses::Migration),
            Box::new(m0015_action_runs::Migration),
            Box::new(m0016_makers::Migration),
            Box::new(m0017_versions::Migration),
        ]
    }
}

/// Names the lock under which PostgreSQL's schema is changed.
const LOCK: i64 = 0x7469_6465_6761_7465;

/// Migrates. Processes that start together wait for one another: SQLite's writer is alone anyway,
/// and PostgreSQL has a lock for it. All of it is one transaction, so a crash leaves the schema as
/// it was.
///
/// Gives whether the schema was another one when the connections were made.
pub(crate) async fn migrate(store: &Store) -> Result<bool, StoreError> {
    let connections = store.inner.clone();
    // A look first: whoever only opens the database must not take the writer's lock. A process that
    // is stopped while it has that keeps all others out.
    if is_current(&connections.reader, connections.kind).await? {
        return Ok(false);
    }
    let work = tokio::spawn(async move {
        let transaction = connections.begin().await?;
        if connections.kind == StoreKind::Postgres {
            let lock = statement(&transaction, "select pg_advisory_xact_lock($1)", [LOCK.into()]);
            transaction.query_one_raw(lock).await?;
        }
        if !is_current(&transaction, connections.kind).await? {
            Migrator::up(&transaction, None).await?;
        }
        transaction.commit().await?;
        Ok(true)
    });
    work.await
        .map_err(|_| StoreError::Unfit("its schema could not be brought up to date".into()))?
}

/// Whether every migration is done. An older program must not touch what a newer one has made.
async fn is_current(
    connection: &impl ConnectionTrait,
    kind: StoreKind,
) -> Result<bool, StoreError> {
    let tables = match kind {
        StoreKind::Sqlite => "select name from sqlite_schema where name = 'seaql_migrations'",
        StoreKind::Postgres => {
            "select tablename::text as name from pg_tables \
             where tablename = 'seaql_migrations' and schemaname = current_schema()"
        }
    };
    if connection.query_one_raw(statement(connection, tables, [])).await?.is_none() {
        return Ok(false);
    }
    let mut waiting: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let sql = "select version from seaql_migrations order by version";
    for row in connection.query_all_raw(statement(connection, sql, [])).await? {
        let version: String = get(&row, "version")?;
        let Some(place) = waiting.iter().position(|name| *name == version) else {
            return Err(StoreError::Newer { newest: version });
        };
        waiting.remove(place);
    }
    Ok(waiting.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_current_database_opens_while_somebody_writes() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("control.db").display());
        let writing = Store::open(&url).await.unwrap();
        let transaction = writing.inner.begin().await.unwrap();
        Store::open(&url).await.unwrap();
        transaction.rollback().await.unwrap();
    }
}
