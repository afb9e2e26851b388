//! Approvals, and the rules and budgets of the site.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0012_approvals"
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
        for statement in STATEMENTS {
            let statement = statement.replace("{int}", int).replace("{strict}", strict);
            connection.execute_unprepared(&statement).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the control state is never taken down".to_owned()))
    }
}

const STATEMENTS: &[&str] = &[
    "create table governance (
        id {int} primary key check (id = 1),
        approval text not null,
        budgets text not null
    ){strict}",
    "insert into governance (id, approval, budgets) values (1, '{}', '{}')",
    "create table approvals (
        job_id {int} primary key references jobs (id),
        rule text not null,
        definition_hash text not null,
        requested_at {int} not null,
        good_micros {int} not null,
        expires_at {int} not null,
        state text not null check (state in
            ('waiting', 'granted', 'broken_glass', 'used', 'denied', 'lapsed', 'void')),
        decided_by {int} references operators (id),
        decided_at {int},
        note text,
        is_broken {int} not null default 0,
        reviewed_by {int} references operators (id),
        reviewed_at {int},
        review_note text,
        check ((decided_by is null) = (decided_at is null)),
        check ((reviewed_by is null) = (reviewed_at is null)),
        check (decided_by is not null or state not in
            ('granted', 'broken_glass', 'used', 'denied'))
    ){strict}",
    "create index approvals_open on approvals (expires_at)
        where state in ('waiting', 'granted', 'broken_glass')",
    "create index approvals_to_review on approvals (job_id)
        where is_broken = 1 and reviewed_by is null",
    // What has left within a day is added up at every create.
    "create index jobs_by_day on jobs (created_at)",
];
