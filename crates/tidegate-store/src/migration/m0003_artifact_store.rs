//! Whose the artifact store is, and the files in it that this database does not know.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use crate::door::random_word;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0003_artifact_store"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let (int, strict) = match connection.get_database_backend() {
            DbBackend::Sqlite => ("integer", " strict"),
            _ => ("bigint", ""),
        };
        // A backup of this database has the same word, so that it knows its artifact store again.
        let identity = random_word();
        for statement in STATEMENTS {
            let statement = statement
                .replace("{int}", int)
                .replace("{strict}", strict)
                .replace("{identity}", &identity);
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the control state is never taken down".to_owned()))
    }
}

const STATEMENTS: &[&str] = &[
    "create table artifact_store (
        id {int} primary key check (id = 1),
        identity text not null,
        claimed_at {int}
    ){strict}",
    "insert into artifact_store (id, identity) values (1, '{identity}')",
    "create table quarantine (
        object_key text primary key,
        bytes {int} not null,
        found_at {int} not null,
        outcome text check (outcome in ('released', 'deleted')),
        ended_at {int},
        check ((outcome is null) = (ended_at is null))
    ){strict}",
    "create index quarantine_held on quarantine (object_key) where outcome is null",
];
