//! The first schema: jobs, people, links, and the activity log.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0001_control_state"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let backend = connection.get_database_backend();
        let triggers = match backend {
            DbBackend::Sqlite => SQLITE_TRIGGERS,
            _ => POSTGRES_TRIGGERS,
        };
        for statement in TABLES.iter().chain(triggers).chain(ROWS) {
            connection.execute_unprepared(&spelled(statement, backend)).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the activity log is never taken down".to_owned()))
    }
}

/// Puts in what the two databases spell differently.
fn spelled(statement: &str, backend: DbBackend) -> String {
    let (id, int, strict) = match backend {
        DbBackend::Sqlite => ("integer primary key autoincrement", "integer", " strict"),
        _ => ("bigint generated always as identity primary key", "bigint", ""),
    };
    let differ = |columns: &[&str]| -> String {
        let each = columns.iter().map(|name| format!("old.{name} is distinct from new.{name}"));
        each.collect::<Vec<_>>().join(" or ")
    };
    statement
        .replace("{id}", id)
        .replace("{int}", int)
        .replace("{strict}", strict)
        .replace("{asked}", &differ(ASKED))
        .replace("{file}", &differ(FILE))
}

/// Columns of a job that say what it was asked for.
const ASKED: &[&str] = &[
    "id",
    "subject",
    "kind",
    "scope",
    "fields",
    "format",
    "options",
    "has_pii",
    "time_zone",
    "reason",
    "via",
    "rerun_of",
    "created_by",
    "created_at",
];

/// Columns of a job that say what its file is.
const FILE: &[&str] = &["artifact_key", "file_name", "size_bytes", "sha256"];

const TABLES: &[&str] = &[
    "create table policy (
        id {int} primary key check (id = 1),
        version {int} not null
    ){strict}",
    "create table roles (
        slug text primary key,
        label text not null,
        capabilities text not null,
        limits text not null
    ){strict}",
    "create table operators (
        id {id},
        email text not null unique,
        name text not null,
        role text not null references roles (slug),
        password_hash text,
        created_at {int} not null,
        disabled_at {int}
    ){strict}",
    "create table tokens (
        id {id},
        operator_id {int} not null references operators (id),
        name text not null,
        hash text not null unique,
        scopes text,
        created_at {int} not null,
        expires_at {int} not null,
        revoked_at {int},
        last_used_at {int}
    ){strict}",
    "create table settings (
        id {int} primary key check (id = 1),
        document text not null
    ){strict}",
    "create table jobs (
        id {id},
        subject text not null,
        kind text,
        scope text not null,
        fields text not null,
        format text not null,
        options text not null,
        status text not null check (status in
            ('pending', 'building', 'ready', 'failed', 'cancelled', 'expired', 'deleted')),
        has_pii {int} not null check (has_pii in (0, 1)),
        progress {int} not null default 0 check (progress between 0 and 100),
        rows_done {int} not null default 0,
        rows_estimated {int},
        size_bytes {int},
        sha256 text,
        file_name text,
        artifact_key text,
        notify_email text,
        time_zone text not null,
        reason text,
        via text not null,
        cancel_requested {int} not null default 0 check (cancel_requested in (0, 1)),
        hold text,
        run_after {int} not null,
        attempt {int} not null default 0,
        attempts_spent {int} not null default 0,
        attempts_max {int} not null check (attempts_max > 0),
        lease_token text,
        lease_expires {int},
        worker text,
        host text,
        error_reason text,
        error_detail text,
        fault text,
        rerun_of {int} references jobs (id),
        created_by {int} not null references operators (id),
        created_at {int} not null,
        started_at {int},
        completed_at {int},
        expires_at {int},
        purged_at {int},
        check ((status in ('ready', 'expired', 'deleted')) = (artifact_key is not null)),
        check ((progress = 100) = (status in ('ready', 'expired', 'deleted'))),
        check ((status = 'failed') = (error_reason is not null)),
        check ((status in ('pending', 'building')) = (completed_at is null)),
        check (lease_token is null or status = 'building'),
        check ((lease_token is null) = (lease_expires is null))
    ){strict}",
    "create index jobs_open on jobs (status, run_after) where status in ('pending', 'building')",
    "create index jobs_by_creator on jobs (created_by, id)",
    "create index jobs_by_expiry on jobs (expires_at) where status = 'ready'",
    "create index jobs_to_purge on jobs (id)
     where status in ('expired', 'deleted') and purged_at is null",
    "create table idempotency (
        operator_id {int} not null references operators (id),
        key text not null,
        request_hash text not null,
        job_id {int} not null references jobs (id),
        created_at {int} not null,
        primary key (operator_id, key)
    ){strict}",
    "create table attempts (
        job_id {int} not null references jobs (id),
        attempt {int} not null,
        lease_token text not null,
        object_key text not null unique,
        worker text not null,
        host text not null,
        started_at {int} not null,
        ended_at {int},
        outcome text,
        detail text,
        primary key (job_id, attempt)
    ){strict}",
    "create table transitions (
        id {id},
        job_id {int} not null references jobs (id),
        transition text not null,
        status_from text not null,
        status_to text not null,
        at {int} not null,
        activity_seq {int} not null
    ){strict}",
    "create index transitions_by_job on transitions (job_id, id)",
    "create table links (
        id {id},
        job_id {int} not null references jobs (id),
        operator_id {int} not null references operators (id),
        nonce text not null unique,
        is_bearer {int} not null check (is_bearer in (0, 1)),
        created_at {int} not null,
        expires_at {int} not null,
        revoked_at {int}
    ){strict}",
    "create table activity (
        seq {int} primary key,
        prev text not null,
        hash text not null unique,
        at {int} not null,
        commit_id text not null,
        action text not null,
        outcome text not null,
        actor text not null,
        operator_id {int},
        name text not null,
        subject text,
        job_id {int},
        tags text not null,
        entry text not null
    ){strict}",
    "create index activity_by_commit on activity (commit_id)",
    "create index activity_by_job on activity (job_id, seq)",
    "create index activity_by_operator on activity (operator_id, seq)",
    "create table activity_head (
        id {int} primary key check (id = 1),
        seq {int} not null,
        hash text not null
    ){strict}",
    "create table checkpoints (
        number {int} primary key,
        seq {int} not null,
        at {int} not null,
        document text not null,
        key_id text not null,
        signature text not null
    ){strict}",
    "create table streamed (
        sink text primary key,
        seq {int} not null,
        holder text,
        held_until {int}
    ){strict}",
    "create table outbox (
        id {id},
        topic text not null,
        job_id {int},
        payload text not null,
        created_at {int} not null
    ){strict}",
];

const ROWS: &[&str] = &[
    "insert into policy (id, version) values (1, 1)",
    "insert into settings (id, document) values (1, '{}')",
    "insert into activity_head (id, seq, hash) values
        (1, 0, '0000000000000000000000000000000000000000000000000000000000000000')",
];

const SQLITE_TRIGGERS: &[&str] = &[
    "create trigger jobs_begin before insert on jobs
     when new.status <> 'pending'
     begin select raise(abort, 'a job begins as pending'); end",
    "create trigger jobs_status before update of status on jobs
     when old.status <> new.status and (old.status || ' ' || new.status) not in
        ('pending building', 'building ready', 'building failed', 'pending failed',
         'pending cancelled', 'building cancelled', 'ready expired', 'ready deleted')
     begin select raise(abort, 'there is no such transition'); end",
    "create trigger jobs_frozen before update on jobs when {asked}
     begin select raise(abort, 'what a job was asked for does not change'); end",
    "create trigger jobs_published before update on jobs
     when old.artifact_key is not null and ({file})
     begin select raise(abort, 'what a file is does not change'); end",
    // `insert or replace` deletes a row without a word to the triggers on deletion.
    "create trigger jobs_once before insert on jobs
     when exists (select 1 from jobs where id = new.id)
     begin select raise(abort, 'jobs are kept'); end",
    "create trigger jobs_kept before delete on jobs
     begin select raise(abort, 'jobs are kept'); end",
    "create trigger transitions_once before insert on transitions
     when exists (select 1 from transitions where id = new.id)
     begin select raise(abort, 'transitions are appended only'); end",
    "create trigger transitions_appended before update on transitions
     begin select raise(abort, 'transitions are appended only'); end",
    "create trigger transitions_kept before delete on transitions
     begin select raise(abort, 'transitions are kept'); end",
    "create trigger activity_once before insert on activity
     when exists (select 1 from activity where seq = new.seq or hash = new.hash)
     begin select raise(abort, 'activity is appended only'); end",
    "create trigger activity_appended before update on activity
     begin select raise(abort, 'activity is appended only'); end",
    "create trigger activity_kept before delete on activity
     begin select raise(abort, 'activity is kept'); end",
    "create trigger checkpoints_once before insert on checkpoints
     when exists (select 1 from checkpoints where number = new.number)
     begin select raise(abort, 'checkpoints are appended only'); end",
    "create trigger checkpoints_appended before update on checkpoints
     begin select raise(abort, 'checkpoints are appended only'); end",
    "create trigger checkpoints_kept before delete on checkpoints
     begin select raise(abort, 'checkpoints are kept'); end",
];

const POSTGRES_TRIGGERS: &[&str] = &[
    "create function refuse() returns trigger language plpgsql as
     $$ begin raise exception '%', tg_argv[0]; end $$",
    "create trigger jobs_begin before insert on jobs for each row
     when (new.status <> 'pending') execute function refuse('a job begins as pending')",
    "create trigger jobs_status before update on jobs for each row
     when (old.status <> new.status and (old.status || ' ' || new.status) not in
        ('pending building', 'building ready', 'building failed', 'pending failed',
         'pending cancelled', 'building cancelled', 'ready expired', 'ready deleted'))
     execute function refuse('there is no such transition')",
    "create trigger jobs_frozen before update on jobs for each row when ({asked})
     execute function refuse('what a job was asked for does not change')",
    "create trigger jobs_published before update on jobs for each row
     when (old.artifact_key is not null and ({file}))
     execute function refuse('what a file is does not change')",
    "create trigger jobs_kept before delete on jobs for each row
     execute function refuse('jobs are kept')",
    "create trigger transitions_appended before update or delete on transitions for each row
     execute function refuse('transitions are appended only')",
    "create trigger activity_appended before update or delete on activity for each row
     execute function refuse('activity is appended only')",
    "create trigger checkpoints_appended before update or delete on checkpoints for each row
     execute function refuse('checkpoints are appended only')",
    "create trigger jobs_emptied before truncate on jobs
     execute function refuse('jobs are kept')",
    "create trigger transitions_emptied before truncate on transitions
     execute function refuse('transitions are kept')",
    "create trigger activity_emptied before truncate on activity
     execute function refuse('activity is kept')",
    "create trigger checkpoints_emptied before truncate on checkpoints
     execute function refuse('checkpoints are kept')",
];
