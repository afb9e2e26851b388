//! What an administrator should know about a source.

use tidegate_model::catalog::TableName;

use super::{
    address::SslMode,
    catalog::{self, quoted},
    connector::Connector,
    fault::Fault,
    session::Session,
};
use crate::Report;

/// First version that lets several readers share a table without reading all of it each.
const VERSION_SCANS_PAGES: u32 = 14;

const SERVER: &str = "\
    select version(), pg_is_in_recovery(), r.rolsuper, r.rolconnlimit::int8,
           current_setting('hot_standby_feedback') = 'off'
             and current_setting('max_standby_streaming_delay') <> '-1',
           coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false),
           inet_server_addr() is null or inet_server_addr() << '127.0.0.0/8'
             or inet_server_addr() = '::1',
           current_database()::text
    from pg_roles r where r.rolname = current_user";

/// Tables of those named, or of all, whose rows the account can change.
const WRITABLE_TABLES: &str = "\
    select n.nspname || '.' || c.relname
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'f')
      and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_'
      and (cardinality($1::text[]) = 0 or c.oid = any (
            select to_regclass(name)::oid from unnest($1::text[]) as given (name)))
      and has_schema_privilege(n.oid, 'usage')
      and has_table_privilege(c.oid, 'insert, update, delete, truncate')
    order by 1";

/// Schemas in which the account can make things.
const WRITABLE_SCHEMAS: &str = "\
    select nspname::text from pg_namespace
    where nspname not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_'
      and has_schema_privilege(oid, 'create')
    order by 1";

/// Schema and name of a table.
const PLACE: &str = "\
    select n.nspname::text, c.relname::text
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.oid = to_regclass($1)";

/// Names that a warning lists.
const LISTED_MAX: usize = 5;

/// Looks at the server, the account and the tables.
pub(super) fn report(
    session: &Session,
    connector: &Connector,
    tables: &[TableName],
) -> Result<Report, Fault> {
    let server = session.row(SERVER, &[])?;
    let mut warnings = Vec::new();
    warnings.extend(writing_warnings(session, server.get(2), tables)?);
    if !server.get::<_, bool>(6) {
        warnings.extend(encryption_warning(connector, server.get(5)));
    }
    if session.version < VERSION_SCANS_PAGES {
        warnings.push(format!(
            "the server has version {}; since {VERSION_SCANS_PAGES} several readers share a table",
            session.version
        ));
    }
    if server.get(1) && server.get(4) {
        warnings.push(
            "the server is a standby that cancels long exports; set `hot_standby_feedback = on` \
             or `max_standby_streaming_delay = -1` there"
                .to_owned(),
        );
    }
    let (limit, readers): (i64, _) = (server.get(3), connector.settings.readers);
    if usize::try_from(limit).is_ok_and(|limit| limit < readers) {
        warnings.push(format!(
            "the account may have {limit} connections and an export opens {readers}; raise its \
             `connection limit` or lower `readers` of the source"
        ));
    }
    for table in tables {
        warnings.extend(table_warning(session, table)?);
    }
    let database: String = server.get(7);
    Ok(Report { version: server.get(0), warnings, grants: grants(session, &database, tables)? })
}

/// Says what the account can do beyond reading.
fn writing_warnings(
    session: &Session,
    is_superuser: bool,
    tables: &[TableName],
) -> Result<Vec<String>, Fault> {
    const REMEDY: &str = "give Tidegate an account of its own";
    if is_superuser {
        return Ok(vec![format!("the account is a superuser; {REMEDY}")]);
    }
    let names: Vec<String> = tables.iter().map(quoted).collect();
    let list = |statement: &str, values: &[&(dyn tokio_postgres::types::ToSql + Sync)]| {
        let rows = session.rows(statement, values)?;
        Ok::<_, Fault>(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>())
    };
    let mut warnings = Vec::new();
    let writable = list(WRITABLE_TABLES, &[&names])?;
    if !writable.is_empty() {
        warnings.push(format!("the account can write to {}; {REMEDY}", listed(&writable)));
    }
    let creatable = list(WRITABLE_SCHEMAS, &[])?;
    if !creatable.is_empty() {
        warnings.push(format!(
            "the account can create tables in {}; `revoke create on schema … from public` or \
             {REMEDY}",
            listed(&creatable)
        ));
    }
    Ok(warnings)
}

fn encryption_warning(connector: &Connector, is_encrypted: bool) -> Option<String> {
    match (is_encrypted, connector.address.ssl_mode) {
        (false, _) => Some(
            "the connection is not encrypted; set up TLS on the server and add \
             `?sslmode=verify-full` to the URL"
                .to_owned(),
        ),
        (true, SslMode::Disable | SslMode::Prefer | SslMode::Require) => Some(
            "the connection is encrypted, but anybody could pose as the server; add \
             `?sslmode=verify-full&sslrootcert=…` to the URL"
                .to_owned(),
        ),
        (true, SslMode::VerifyCa | SslMode::VerifyFull) => None,
    }
}

fn table_warning(session: &Session, table: &TableName) -> Result<Option<String>, Fault> {
    if catalog::describe(session, table)?.is_none() {
        return Ok(Some(format!("`{table}` is not there, or the account may not read it")));
    }
    let hides_rows = catalog::relation(session, table)?.is_some_and(|found| found.hides_rows);
    Ok(hides_rows.then(|| {
        format!("row-level security hides rows of `{table}` from the account; exports lack them")
    }))
}

/// Statements that create an account which suffices.
fn grants(session: &Session, database: &str, tables: &[TableName]) -> Result<Vec<String>, Fault> {
    const ACCOUNT: &str = "tidegate";
    let name = |name: &str| quoted(&TableName { schema: None, name: name.to_owned() });
    let mut places = Vec::new();
    let readable = if tables.is_empty() { catalog::tables(session)? } else { tables.to_vec() };
    for table in &readable {
        places.extend(
            session
                .rows(PLACE, &[&quoted(table)])?
                .first()
                .map(|row| TableName { schema: Some(row.get(0)), name: row.get(1) }),
        );
    }
    let mut schemas: Vec<&str> =
        places.iter().filter_map(|place| place.schema.as_deref()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    let mut grants = vec![
        format!("create role {ACCOUNT} login password '…';"),
        format!("grant connect on database {} to {ACCOUNT};", name(database)),
    ];
    for schema in &schemas {
        grants.push(format!("grant usage on schema {} to {ACCOUNT};", name(schema)));
    }
    for place in &places {
        grants.push(format!("grant select on {} to {ACCOUNT};", quoted(place)));
    }
    Ok(grants)
}

/// A few names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> =
        names.iter().take(LISTED_MAX).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(LISTED_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let names: Vec<String> = (0..7).map(|number| format!("t{number}")).collect();
        assert_eq!(listed(&names[..2]), "`t0`, `t1`");
        assert_eq!(listed(&names), "`t0`, `t1`, `t2`, `t3`, `t4` and 2 more");
    }
}
