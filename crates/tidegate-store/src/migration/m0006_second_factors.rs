//! Second factors of sign-in: their sealed secrets, recovery codes, and sign-ins that wait for one.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0006_second_factors"
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
    // `sealed` counts; `offered` was shown and waits for a code. `step` is that of the last code.
    "create table second_factors (
        operator_id {int} not null primary key references operators (id),
        sealed text,
        enrolled_at {int},
        step {int} not null default 0,
        offered text,
        offered_at {int},
        check ((sealed is null) = (enrolled_at is null)),
        check ((offered is null) = (offered_at is null))
    ){strict}",
    "create table recovery_codes (
        id {id},
        operator_id {int} not null references operators (id),
        hash text not null unique,
        used_at {int}
    ){strict}",
    "create index recovery_codes_by_operator on recovery_codes (operator_id, id)",
    "create table second_steps (
        id {id},
        operator_id {int} not null references operators (id),
        hash text not null unique,
        created_at {int} not null,
        expires_at {int} not null
    ){strict}",
    "create index second_steps_by_operator on second_steps (operator_id, id)",
    // Whoever a provider vouches for was asked there for whatever the provider asks for.
    "alter table sessions add column is_vouched {int} not null default 0 \
        check (is_vouched in (0, 1))",
];
