//! Schedules, the fires that were, and which job is a run of which schedule.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

use super::statements;

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0008_schedules"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let triggers = statements::of(manager, SQLITE_TRIGGERS, POSTGRES_TRIGGERS);
        statements::run(manager, &[TABLES, triggers]).await
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the control state is never taken down".to_owned()))
    }
}

const TABLES: &[&str] = &[
    // `due_at` is the next fire with its jitter, `watermark` up to where `since_last` has gone.
    "create table schedules (
        id {id},
        subject text not null,
        request text not null,
        timing text not null,
        has_pii {int} not null check (has_pii in (0, 1)),
        state text not null check (state in ('active', 'paused', 'held', 'done', 'deleted')),
        state_reason text,
        state_by {int} references operators (id),
        state_at {int} not null,
        owner {int} not null references operators (id),
        created_at {int} not null,
        next_fire_at {int},
        due_at {int},
        failures {int} not null default 0,
        watermark {int},
        version {int} not null default 1,
        check ((state = 'active') = (next_fire_at is not null)),
        check ((next_fire_at is null) = (due_at is null))
    ){strict}",
    "create index schedules_due on schedules (due_at) where state = 'active'",
    "create index schedules_by_owner on schedules (owner, id)",
    "create table schedule_keys (
        operator_id {int} not null references operators (id),
        key text not null,
        request_hash text not null,
        schedule_id {int} not null references schedules (id),
        primary key (operator_id, key)
    ){strict}",
    "create table fires (
        schedule_id {int} not null references schedules (id),
        fire_at {int} not null,
        outcome text not null check (outcome in ('made', 'missed', 'refused', 'held')),
        job_id {int} references jobs (id),
        detail text,
        noted_at {int} not null,
        primary key (schedule_id, fire_at),
        check ((outcome = 'made') = (job_id is not null))
    ){strict}",
    "alter table jobs add column schedule_id {int} references schedules (id)",
    "create index jobs_by_schedule on jobs (schedule_id, id) where schedule_id is not null",
];

const SQLITE_TRIGGERS: &[&str] = &[
    "create trigger jobs_scheduled before update on jobs
     when old.schedule_id is distinct from new.schedule_id
     begin select raise(abort, 'what a job was asked for does not change'); end",
    "create trigger schedules_kept before delete on schedules
     begin select raise(abort, 'schedules are kept'); end",
    "create trigger fires_once before insert on fires
     when exists (select 1 from fires where schedule_id = new.schedule_id
        and fire_at = new.fire_at)
     begin select raise(abort, 'fires are appended only'); end",
    "create trigger fires_appended before update on fires
     begin select raise(abort, 'fires are appended only'); end",
    "create trigger fires_kept before delete on fires
     begin select raise(abort, 'fires are kept'); end",
];

const POSTGRES_TRIGGERS: &[&str] = &[
    "create trigger jobs_scheduled before update on jobs for each row
     when (old.schedule_id is distinct from new.schedule_id)
     execute function refuse('what a job was asked for does not change')",
    "create trigger schedules_kept before delete on schedules for each row
     execute function refuse('schedules are kept')",
    "create trigger fires_appended before update or delete on fires for each row
     execute function refuse('fires are appended only')",
    "create trigger schedules_emptied before truncate on schedules
     execute function refuse('schedules are kept')",
    "create trigger fires_emptied before truncate on fires
     execute function refuse('fires are kept')",
];
