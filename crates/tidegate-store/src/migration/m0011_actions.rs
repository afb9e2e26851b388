//! The registry of actions, what other sites grant, and the requests that they have signed.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0011_actions"
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
    // What is declared no more stays, so that its capability is known as one that grants nothing.
    "create table actions (
        id {id},
        origin text not null,
        model text not null,
        codename text not null,
        name text not null,
        kind text not null,
        scope text not null,
        capability text not null,
        retired_at {int},
        changed_at {int} not null,
        unique (origin, model, codename)
    ){strict}",
    "create index actions_by_capability on actions (capability, retired_at)",
    "create table grants (
        id {id},
        operator_id {int} not null references operators (id),
        source text not null,
        capability text not null,
        renewed_at {int} not null,
        expires_at {int} not null,
        unique (operator_id, source, capability)
    ){strict}",
    "create index grants_by_end on grants (expires_at)",
    // A signed request is taken once: its nonce stays for as long as it would be good.
    "create table hand_overs (
        id {id},
        nonce text not null unique,
        operator_id {int} not null references operators (id),
        ticket text unique,
        created_at {int} not null,
        expires_at {int} not null,
        used_at {int}
    ){strict}",
    "create index hand_overs_by_end on hand_overs (expires_at)",
];
