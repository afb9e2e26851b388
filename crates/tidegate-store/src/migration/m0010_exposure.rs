//! What roles are shown of personal data, and what a file was made to show.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0010_exposure"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let triggers = statements::of(manager, SQLITE_TRIGGERS, POSTGRES_TRIGGERS);
        statements::run(manager, &[STATEMENTS, triggers]).await
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the control state is never taken down".to_owned()))
    }
}

const STATEMENTS: &[&str] = &[
    "alter table roles add column masks text not null default '[]'",
    // Whether whoever asked could see personal data as it is: a token may not where its owner may.
    // Before there were masks, everybody could.
    "alter table jobs add column is_unmasked {int} not null default 1
        check (is_unmasked in (0, 1))",
    "alter table jobs add column exposure text",
];

const SQLITE_TRIGGERS: &[&str] = &[
    "create trigger jobs_masked before update on jobs
     when old.is_unmasked is distinct from new.is_unmasked
     begin select raise(abort, 'what a job was asked for does not change'); end",
    "create trigger jobs_exposed before update on jobs
     when old.artifact_key is not null and old.exposure is distinct from new.exposure
     begin select raise(abort, 'what a file is does not change'); end",
];

const POSTGRES_TRIGGERS: &[&str] = &[
    "create trigger jobs_masked before update on jobs for each row
     when (old.is_unmasked is distinct from new.is_unmasked)
     execute function refuse('what a job was asked for does not change')",
    "create trigger jobs_exposed before update on jobs for each row
     when (old.artifact_key is not null and old.exposure is distinct from new.exposure)
     execute function refuse('what a file is does not change')",
];
