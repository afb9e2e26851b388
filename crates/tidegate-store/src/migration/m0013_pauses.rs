//! Pauses of egress: one row each, and those that hold something back beside the policy.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0013_pauses"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        statements::run(manager, &[STATEMENTS]).await
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the control state is never taken down".to_owned()))
    }
}

const STATEMENTS: &[&str] = &[
    "create table pauses (
        id {id},
        subject text,
        reason text not null,
        paused_by {int} not null references operators (id),
        paused_at {int} not null,
        ended_by {int} references operators (id),
        ended_at {int},
        check ((ended_by is null) = (ended_at is null))
    ){strict}",
    "create unique index pauses_open on pauses (coalesce(subject, '')) where ended_at is null",
    // Beside the version, so that one look gives both: whoever is asked by a policy is asked by its
    // pauses, too.
    "alter table policy add column pauses text not null default '[]'",
];
