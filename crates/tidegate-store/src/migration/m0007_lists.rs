//! What finds the few among the many entries of the activity log that people filter it for.

use sea_orm::{ConnectionTrait, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0007_lists"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for index in INDEXES {
            manager.get_connection().execute_unprepared(index).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the control state is never taken down".to_owned()))
    }
}

/// Each ends with what the list is sorted by.
const INDEXES: &[&str] = &[
    "create index activity_by_name on activity (name, seq)",
    "create index activity_by_subject on activity (subject, seq)",
    "create index activity_by_action on activity (action, seq)",
    "create index activity_tagged on activity (seq) where tags <> ''",
];
