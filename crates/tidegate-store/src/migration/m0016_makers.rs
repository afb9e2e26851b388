//! Who has had a hand in a run of a schedule: none of them is a second person.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0016_makers"
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
    // Who has said last what it asks for, and who has given it to its owner: none where it is as
    // its owner has made it, or from before this was written down.
    "alter table schedules add column asked_by {int} references operators (id)",
    "alter table schedules add column given_by {int} references operators (id)",
    "create table job_makers (
        job_id {int} not null references jobs (id),
        operator_id {int} not null references operators (id),
        primary key (job_id, operator_id)
    ){strict}",
];

const SQLITE_TRIGGERS: &[&str] = &[
    "create trigger job_makers_appended before update on job_makers
     begin select raise(abort, 'makers are appended only'); end",
    "create trigger job_makers_kept before delete on job_makers
     begin select raise(abort, 'makers are kept'); end",
];

const POSTGRES_TRIGGERS: &[&str] = &[
    "create trigger job_makers_appended before update or delete on job_makers for each row
     execute function refuse('makers are appended only')",
    "create trigger job_makers_emptied before truncate on job_makers
     execute function refuse('makers are kept')",
];
