//! Finds out whether all that a query reads comes from one snapshot.

use std::collections::{BTreeSet, VecDeque};

use mysql_async::{Error, Value};
use tidegate_model::catalog::{Relation, TableName};

use super::{
    catalog::schema_of,
    session::{Session, text},
};

/// The one engine whose tables `start transaction with consistent snapshot` freezes.
const CONSISTENT_ENGINE: &str = "InnoDB";
/// Tables that are looked into at most: views upon views end somewhere.
const TABLES_MAX: usize = 1000;

const PLACE: &str = "\
    select table_type, coalesce(engine, '') from information_schema.tables \
    where table_schema = ? and table_name = ?";
const DEFINITION: &str = "\
    select view_definition from information_schema.views \
    where table_schema = ? and table_name = ?";
const NAMES: &str = "select table_schema, table_name from information_schema.tables";

/// What was found out.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// A table without a snapshot, and why.
    pub(super) inconsistent: Option<(String, String)>,
    /// What could not be looked into.
    pub(super) warnings: Vec<String>,
}

/// A table's schema and name.
type Place = (String, String);

/// Looks into all that the relations read, views and statements included.
pub(super) fn inspect(
    session: &mut Session,
    relations: &[Relation],
    database: &str,
) -> Result<Findings, Error> {
    let mut inspection = Inspection::default();
    for relation in relations {
        match relation {
            Relation::Table(table) => inspection.await_table(table, database),
            Relation::Statement(statement) => {
                let mentioned = inspection.mentioned(session, statement, database)?;
                inspection.awaited.extend(mentioned);
            }
            Relation::Union(members) => {
                members.iter().for_each(|member| inspection.await_table(&member.table, database));
            }
        }
    }
    inspection.run(session)?;
    Ok(inspection.findings)
}

/// A search through tables, views, and the views below them.
#[derive(Default)]
struct Inspection {
    awaited: VecDeque<Place>,
    seen: BTreeSet<Place>,
    names: Option<Vec<Place>>,
    findings: Findings,
}

impl Inspection {
    fn await_table(&mut self, table: &TableName, database: &str) {
        self.awaited.push_back((schema_of(table, database).to_owned(), table.name.clone()));
    }

    fn run(&mut self, session: &mut Session) -> Result<(), Error> {
        while let Some(place) = self.awaited.pop_front() {
            if self.seen.len() < TABLES_MAX && self.seen.insert(place.clone()) {
                self.look_into(session, place)?;
            }
        }
        Ok(())
    }

    fn look_into(&mut self, session: &mut Session, (schema, name): Place) -> Result<(), Error> {
        let values = vec![Value::from(schema.as_str()), Value::from(name.as_str())];
        let rows = session.rows(PLACE, values.clone())?;
        let Some(row) = rows.first() else { return Ok(()) };
        let (kind, engine) = (text(row, 0), text(row, 1).unwrap_or_default());
        if kind.as_deref() != Some("VIEW") {
            if engine != CONSISTENT_ENGINE && self.findings.inconsistent.is_none() {
                let why = format!("its engine is {engine}, only {CONSISTENT_ENGINE} has snapshots");
                self.findings.inconsistent = Some((name, why));
            }
            return Ok(());
        }
        let rows = session.rows(DEFINITION, values)?;
        match rows.first().and_then(|row| text(row, 0)).filter(|text| !text.is_empty()) {
            Some(definition) => {
                let mentioned = self.mentioned(session, &definition, &schema)?;
                self.awaited.extend(mentioned);
            }
            None => self.findings.warnings.push(format!(
                "the account may not see what view `{name}` reads, so nobody checked that its \
                 tables have snapshots; grant `show view` on it"
            )),
        }
        Ok(())
    }

    /// Tables whose names stand in the statement: at least those that it reads.
    fn mentioned(
        &mut self,
        session: &mut Session,
        statement: &str,
        database: &str,
    ) -> Result<Vec<Place>, Error> {
        let names = match self.names.take() {
            Some(names) => names,
            None => {
                let rows = session.rows(NAMES, Vec::new())?;
                let place = |row| Some((text(row, 0)?, text(row, 1)?));
                rows.iter().filter_map(place).collect()
            }
        };
        let words = words(statement);
        let is_mentioned = |(schema, name): &&Place| {
            let is_near = schema == database || words.contains(&schema.to_lowercase());
            is_near && words.contains(&name.to_lowercase())
        };
        let mentioned = names.iter().filter(is_mentioned).cloned().collect();
        self.names = Some(names);
        Ok(mentioned)
    }
}

/// Words of a statement that may be names, in lower case; none from inside a string.
fn words(statement: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut word = String::new();
    let mut quote = None;
    for character in statement.chars() {
        match quote {
            Some(open) if character == open => quote = None,
            Some('`') => word.push(character),
            Some(_) => {}
            None if character.is_alphanumeric() || matches!(character, '_' | '$') => {
                word.push(character);
                continue;
            }
            None if matches!(character, '`' | '\'' | '"') => quote = Some(character),
            None => {}
        }
        if quote.is_none() && !word.is_empty() {
            words.insert(std::mem::take(&mut word).to_lowercase());
        }
    }
    words.insert(word.to_lowercase());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_bare_and_quoted_but_not_in_strings() {
        let found = words("select `a b`.id, 'logs' from Orders o join s.`x``y` on 1=1 -- tail");
        for word in ["a b", "orders", "s", "tail", "o"] {
            assert!(found.contains(word), "{word} in {found:?}");
        }
        assert!(!found.contains("logs"));
    }
}
