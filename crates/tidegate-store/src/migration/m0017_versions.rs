//! Which of two versions counts: of the rules and budgets the one that was seen, of what a site
//! says about somebody the later one.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0017_versions"
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
    "alter table governance add column approval_version {int} not null default 1",
    "alter table governance add column budgets_version {int} not null default 1",
    // The last word of each site about each of its people: an older one that comes later is none.
    "create table grant_words (
        operator_id {int} not null references operators (id),
        source text not null,
        signed_at {int} not null,
        primary key (operator_id, source)
    ){strict}",
];
