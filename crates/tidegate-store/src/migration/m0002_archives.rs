//! Archives of the activity log: which ranges of entries stand in signed files.
//!
//! From here on an entry can be deleted in one way: where a row of `archives` covers it. Such a row
//! is appended only, begins behind the one before, ends at an entry of that hash for which there is
//! a checkpoint, and leaves a later checkpoint and its entry in place. All this keeps mistakes out;
//! whoever can drop triggers cannot sign, so what such a row is worth its signature says.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager, async_trait};

/// The migration.
pub(super) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_archives"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let (int, strict, triggers) = match connection.get_database_backend() {
            DbBackend::Sqlite => ("integer", " strict", SQLITE),
            _ => ("bigint", "", POSTGRES),
        };
        for statement in std::iter::once(&TABLE).chain(triggers) {
            let spelled = statement
                .replace("{int}", int)
                .replace("{strict}", strict)
                .replace("{fits}", FITS)
                .replace("{is_archived}", IS_ARCHIVED);
            connection.execute_unprepared(&spelled).await?;
        }
        Ok(())
    }

    async fn down(&self, _manager: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Migration("the activity log is never taken down".to_owned()))
    }
}

const TABLE: &str = "create table archives (
    number {int} primary key,
    seq_from {int} not null,
    seq_to {int} not null,
    head text not null,
    at {int} not null,
    document text not null,
    key_id text not null,
    signature text not null,
    check (seq_from <= seq_to)
){strict}";

/// What a new archive has to fit to.
const FITS: &str = "
    new.number = (select coalesce(max(number), 0) + 1 from archives)
    and new.seq_from = (select coalesce(max(seq_to), 0) + 1 from archives)
    and exists (select 1 from activity where seq = new.seq_to and hash = new.head)
    and exists (select 1 from checkpoints where seq = new.seq_to)
    and exists (select 1 from checkpoints where seq > new.seq_to)";

/// Whether an entry stands in an archive.
const IS_ARCHIVED: &str =
    "exists (select 1 from archives where old.seq between seq_from and seq_to)";

const SQLITE: &[&str] = &[
    "create trigger archives_fit before insert on archives when not ({fits})
     begin select raise(abort, 'an archive follows the one before and ends at a checkpoint'); end",
    "create trigger archives_appended before update on archives
     begin select raise(abort, 'archives are appended only'); end",
    "create trigger archives_kept before delete on archives
     begin select raise(abort, 'archives are kept'); end",
    "drop trigger activity_kept",
    "create trigger activity_kept before delete on activity when not {is_archived}
     begin select raise(abort, 'activity is kept'); end",
    "create trigger activity_archived before insert on activity
     when new.seq <= (select coalesce(max(seq_to), 0) from archives)
     begin select raise(abort, 'activity is appended only'); end",
];

const POSTGRES: &[&str] = &[
    "create function refuse_unfit_archive() returns trigger language plpgsql as
     $$ begin
         if not ({fits}) then
             raise exception 'an archive follows the one before and ends at a checkpoint';
         end if;
         return new;
     end $$",
    "create function refuse_unless_archived() returns trigger language plpgsql as
     $$ begin
         if not {is_archived} then raise exception 'activity is kept'; end if;
         return old;
     end $$",
    "create function refuse_archived() returns trigger language plpgsql as
     $$ begin
         if new.seq <= (select coalesce(max(seq_to), 0) from archives) then
             raise exception 'activity is appended only';
         end if;
         return new;
     end $$",
    "create trigger archives_fit before insert on archives for each row
     execute function refuse_unfit_archive()",
    "create trigger archives_appended before update or delete on archives for each row
     execute function refuse('archives are appended only')",
    "create trigger archives_emptied before truncate on archives
     execute function refuse('archives are kept')",
    "drop trigger activity_appended on activity",
    "create trigger activity_appended before update on activity for each row
     execute function refuse('activity is appended only')",
    "create trigger activity_kept before delete on activity for each row
     execute function refuse_unless_archived()",
    "create trigger activity_archived before insert on activity for each row
     execute function refuse_archived()",
];
