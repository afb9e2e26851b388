//! Sign-ins in browsers, links by which passwords are set, and rows that were looked at.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0004_sessions"
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
    "create table sessions (
        id {id},
        operator_id {int} not null references operators (id),
        hash text not null unique,
        address text,
        agent text,
        created_at {int} not null,
        seen_at {int} not null,
        expires_at {int} not null,
        ended_at {int}
    ){strict}",
    "create index sessions_by_operator on sessions (operator_id, id)",
    "create table invitations (
        id {id},
        operator_id {int} not null references operators (id),
        hash text not null unique,
        created_at {int} not null,
        expires_at {int} not null,
        used_at {int}
    ){strict}",
    "create table rows_seen (
        operator_id {int} not null references operators (id),
        minute {int} not null,
        seen {int} not null,
        is_told {int} not null default 0 check (is_told in (0, 1)),
        primary key (operator_id, minute)
    ){strict}",
];
