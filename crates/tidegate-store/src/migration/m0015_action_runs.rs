//! The actions that a site was asked to do: a second click is the same one.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0015_action_runs"
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
    // The outcome is not there before the site has answered, nor if nobody was there to hear it.
    "create table action_runs (
        id {id},
        activity_seq {int} not null unique,
        operator_id {int} not null references operators (id),
        key text,
        request_hash text,
        subject text not null,
        codename text not null,
        name text not null,
        records {int} not null,
        outcome text,
        status {int},
        created_at {int} not null,
        ended_at {int},
        unique (operator_id, key),
        check ((outcome is null) = (ended_at is null))
    ){strict}",
    "create index action_runs_by_time on action_runs (created_at)",
    // What people were told of is forgotten by its age.
    "create index outbox_by_time on outbox (created_at)",
];
