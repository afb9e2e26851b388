//! Brings the schema up to date, one process at a time, and refuses a newer one.

mod m0001_control_state;

use sea_orm::{ConnectionTrait, DatabaseTransaction};
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
        vec![Box::new(m0001_control_state::Migration)]
    }
}

/// Names the lock under which PostgreSQL's schema is changed.
const LOCK: i64 = 0x7469_6465_6761_7465;

/// Migrates. Processes that start together wait for one another: SQLite's writer is alone anyway,
/// and PostgreSQL has a lock for it. All of it is one transaction, so a crash leaves the schema as
/// it was.
pub(crate) async fn migrate(store: &Store) -> Result<(), StoreError> {
    let connections = store.inner.clone();
    let work = tokio::spawn(async move {
        let transaction = connections.begin().await?;
        if connections.kind == StoreKind::Postgres {
            let lock = statement(&transaction, "select pg_advisory_xact_lock($1)", [LOCK.into()]);
            transaction.query_one_raw(lock).await?;
        }
        refuse_newer(&transaction, connections.kind).await?;
        Migrator::up(&transaction, None).await?;
        transaction.commit().await?;
        Ok(())
    });
    work.await
        .map_err(|_| StoreError::Unfit("its schema could not be brought up to date".into()))?
}

/// An older program must not touch what a newer one has made.
async fn refuse_newer(
    transaction: &DatabaseTransaction,
    kind: StoreKind,
) -> Result<(), StoreError> {
    let tables = match kind {
        StoreKind::Sqlite => "select name from sqlite_schema where name = 'seaql_migrations'",
        StoreKind::Postgres => {
            "select tablename::text as name from pg_tables \
             where tablename = 'seaql_migrations' and schemaname = current_schema()"
        }
    };
    if transaction.query_one_raw(statement(transaction, tables, [])).await?.is_none() {
        return Ok(());
    }
    let known: Vec<String> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let sql = "select version from seaql_migrations order by version";
    for row in transaction.query_all_raw(statement(transaction, sql, [])).await? {
        let version: String = get(&row, "version")?;
        if !known.contains(&version) {
            return Err(StoreError::Newer { newest: version });
        }
    }
    Ok(())
}
