//! Runs the statements of a migration, with what the two databases spell differently put in.

use sea_orm::{ConnectionTrait, DbBackend, DbErr};
use sea_orm_migration::SchemaManager;

/// Some statements, in order.
type Statements = &'static [&'static str];

/// Runs them in order: `{id}` is a primary key that numbers itself, `{int}` 64 bits, and `{strict}`
/// the end of a table that takes no value of another type.
pub(super) async fn run(manager: &SchemaManager<'_>, groups: &[Statements]) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let (id, int, strict) = match connection.get_database_backend() {
        DbBackend::Sqlite => ("integer primary key autoincrement", "integer", " strict"),
        _ => ("bigint generated always as identity primary key", "bigint", ""),
    };
    let spelled = |statement: &str| {
        statement.replace("{id}", id).replace("{int}", int).replace("{strict}", strict)
    };
    for group in groups {
        for statement in *group {
            connection.execute_unprepared(&spelled(statement)).await?;
        }
    }
    Ok(())
}

/// Those of the database behind `manager`.
pub(super) fn of(
    manager: &SchemaManager<'_>,
    sqlite: Statements,
    postgres: Statements,
) -> Statements {
    match manager.get_connection().get_database_backend() {
        DbBackend::Sqlite => sqlite,
        _ => postgres,
    }
}
