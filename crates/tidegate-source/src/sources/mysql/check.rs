//! What an administrator should know about a source.

use mysql_async::Error;
use tidegate_model::catalog::{Relation, TableName};

use super::{
    address::{Address, SslMode},
    catalog::schema_of,
    consistency,
    session::{Session, text},
};
use crate::Report;

/// Rights that change nothing in the data. `process` and the like show what others do, which an
/// export does not need, but they write nothing.
const READING_RIGHTS: &[&str] = &[
    "USAGE",
    "SELECT",
    "SHOW VIEW",
    "SHOW DATABASES",
    "PROCESS",
    "REPLICATION CLIENT",
    "BINLOG MONITOR",
    "SLAVE MONITOR",
    "REPLICA MONITOR",
    "REFERENCES",
];

/// Looks at the server, the account and the tables.
pub(super) fn report(
    session: &mut Session,
    address: &Address,
    tables: &[TableName],
) -> Result<Report, Error> {
    let mut warnings = Vec::new();
    warnings.extend(rights_warning(session)?);
    warnings.extend(encryption_warning(session, address)?);
    for table in tables {
        let relation = Relation::Table(table.clone());
        let findings = consistency::inspect(session, &[relation], &address.database)?;
        warnings.extend(findings.warnings);
        warnings.extend(findings.inconsistent.map(|(below, why)| {
            format!(
                "`{table}` has no consistent snapshot (`{below}`: {why}); convert it with `alter \
                 table … engine = InnoDB`, or set `consistent = false` in its subject"
            )
        }));
    }
    Ok(Report { version: version(session)?, warnings, grants: grants(session, address, tables)? })
}

fn version(session: &mut Session) -> Result<String, Error> {
    let comment = session.value("select @@version_comment")?.unwrap_or_default();
    let product = if session.is_mariadb() { "MariaDB" } else { "MySQL" };
    Ok(format!("{product} {} ({comment})", session.version))
}

/// Says which rights the account has that an export does not need.
fn rights_warning(session: &mut Session) -> Result<Option<String>, Error> {
    let rows = session.text_rows("show grants")?;
    let grants: Vec<String> = rows.iter().filter_map(|row| text(row, 0)).collect();
    let rights = writing_rights(&grants);
    Ok((!rights.is_empty()).then(|| {
        format!(
            "the account may do more than read ({}); give Tidegate an account of its own",
            rights.join(", ")
        )
    }))
}

/// Rights beyond reading that the lines of `show grants` hold.
fn writing_rights(grants: &[String]) -> Vec<String> {
    let mut rights = Vec::new();
    for grant in grants {
        let Some(granted) = grant.strip_prefix("GRANT ") else { continue };
        // Without an `on` a role or a proxy is granted, whose own lines follow.
        let Some((granted, _)) = granted.split_once(" ON ") else { continue };
        for right in split_outside_parentheses(granted) {
            let name = right.split('(').next().unwrap_or_default().trim().to_owned();
            if !READING_RIGHTS.contains(&name.as_str())
                && name != "PROXY"
                && !rights.contains(&name)
            {
                rights.push(name);
            }
        }
    }
    rights
}

/// `SELECT (a, b), INSERT` into its two rights.
fn split_outside_parentheses(list: &str) -> Vec<&str> {
    let mut depth = 0;
    list.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
    .collect()
}

fn encryption_warning(session: &mut Session, address: &Address) -> Result<Option<String>, Error> {
    if address.is_local() {
        return Ok(None);
    }
    let rows = session.text_rows("show session status like 'Ssl_cipher'")?;
    let cipher = rows.first().and_then(|row| text(row, 1)).unwrap_or_default();
    Ok(match address.ssl_mode {
        _ if cipher.is_empty() => Some(
            "the connection is not encrypted; set up TLS on the server and add \
             `?ssl-mode=verify-identity` to the URL"
                .to_owned(),
        ),
        SslMode::Disabled | SslMode::Preferred | SslMode::Required => Some(
            "the connection is encrypted, but anybody could pose as the server; add \
             `?ssl-mode=verify-identity&ssl-ca=…` to the URL"
                .to_owned(),
        ),
        SslMode::VerifyIdentity => None,
    })
}

/// Statements that create an account which suffices.
fn grants(
    session: &mut Session,
    address: &Address,
    tables: &[TableName],
) -> Result<Vec<String>, Error> {
    const ACCOUNT: &str = "'tidegate'@'%'";
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let mut grants = vec![format!("CREATE USER {ACCOUNT} IDENTIFIED BY '…';")];
    if tables.is_empty() {
        let database = quoted(&address.database);
        grants.push(format!("GRANT SELECT, SHOW VIEW ON {database}.* TO {ACCOUNT};"));
    }
    for table in tables {
        let schema = schema_of(table, &address.database);
        let kind = session.rows(
            "select table_type from information_schema.tables \
             where table_schema = ? and table_name = ?",
            vec![schema.into(), table.name.as_str().into()],
        )?;
        let is_view = kind.first().and_then(|row| text(row, 0)).as_deref() == Some("VIEW");
        let rights = if is_view { "SELECT, SHOW VIEW" } else { "SELECT" };
        let (schema, name) = (quoted(schema), quoted(&table.name));
        grants.push(format!("GRANT {rights} ON {schema}.{name} TO {ACCOUNT};"));
    }
    Ok(grants)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_that_write_are_found_among_those_that_read() {
        let lines = [
            "GRANT USAGE ON *.* TO `t`@`%` IDENTIFIED BY PASSWORD '*X'",
            "GRANT SELECT (`a, b`, `c`), SHOW VIEW, INSERT (`d`) ON `shop`.`orders` TO `t`@`%`",
            "GRANT SELECT, UPDATE, DELETE ON `shop`.* TO `t`@`%` WITH GRANT OPTION",
            "GRANT `reader` TO `t`@`%`",
        ]
        .map(str::to_owned);
        assert_eq!(writing_rights(&lines), ["INSERT", "UPDATE", "DELETE"]);
        assert!(writing_rights(&lines[..1]).is_empty());
        let all = ["GRANT ALL PRIVILEGES ON *.* TO `root`@`%`".to_owned()];
        assert_eq!(writing_rights(&all), ["ALL PRIVILEGES"]);
    }
}
