//! MySQL and MariaDB, by the binary protocol, over one connection an export.

mod address;
mod anchor;
mod calendar;
mod catalog;
mod cell;
mod check;
mod consistency;
pub(crate) mod dialect;
mod digits;
mod fault;
mod geometry;
mod interrupt;
mod lines;
mod native;
mod progress;
mod row_name;
mod session;
mod snapshot;
mod stream;
mod types;

use std::{sync::Arc, time::Duration};

use mysql_async::{Error, Statement as Prepared, Value};
use tidegate_batch::{RowBatch, Schema};
use tidegate_model::{
    catalog::{Description, Relation, TableName},
    field::Reference,
    nearest::nearest,
    query::Query,
};

use self::{
    address::{Address, EXAMPLE_URL, SCHEMES},
    dialect::MySql,
    interrupt::Stop,
    progress::{Progress, position_key, with_position},
    session::Session,
    snapshot::Isolation,
    stream::{MySqlReader, Parts, RowShape, RowWriter},
};
use crate::{
    Page, Report, RowStream, Snapshot, Source, SourceError, SourceKind, SourceSettings,
    StreamOptions,
    look::LOOK_SECONDS_MAX,
    sql::{Bind, Catalog, Plan, Statement, describe_union, relation_name},
};

/// Name of the sessions that only look into the catalog.
const APPLICATION: &str = "tidegate";
/// Bytes that one cell of a page may have: a page is for people to look at.
const PAGE_CELL_BYTES_MAX: usize = 16 << 20;
/// Parameters that a statement of the server may have.
const PARAMETERS_MAX: usize = 65_535;

/// The kind of source.
pub(crate) struct MySqlKind;

impl SourceKind for MySqlKind {
    fn slug(&self) -> &'static str {
        "mysql"
    }

    fn schemes(&self) -> &'static [&'static str] {
        SCHEMES
    }

    fn example_url(&self) -> &'static str {
        EXAMPLE_URL
    }

    fn connect(&self, settings: SourceSettings) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(MySqlSource::new(settings, Isolation::Snapshot)?))
    }
}

/// One database of a server.
struct MySqlSource {
    address: Address,
    settings: SourceSettings,
    isolation: Isolation,
}

impl MySqlSource {
    fn new(settings: SourceSettings, isolation: Isolation) -> Result<Self, SourceError> {
        Ok(Self { address: Address::parse(&settings)?, settings, isolation })
    }

    /// The same source for somebody who waits for the answer.
    fn looking(&self) -> Self {
        let own = self.settings.statement_seconds_max.unwrap_or(u64::MAX);
        let statement_seconds_max = Some(own.min(LOOK_SECONDS_MAX));
        let settings = SourceSettings { statement_seconds_max, ..self.settings.clone() };
        Self { address: self.address.clone(), settings, isolation: self.isolation }
    }

    /// A session that nobody stops.
    fn session(&self) -> Result<Session, SourceError> {
        let stop = Stop::new(self.address.clone(), APPLICATION);
        Session::open(&self.address, &self.settings, APPLICATION, Arc::new(stop))
    }

    /// Runs something on a connection of its own.
    fn ask<T>(
        &self,
        what: &str,
        question: impl FnOnce(&mut Session) -> Result<T, Error>,
    ) -> Result<T, SourceError> {
        let mut session = self.session()?;
        let answer = question(&mut session).map_err(|error| self.fault(what, error))?;
        session.close();
        Ok(answer)
    }

    fn fault(&self, what: &str, error: Error) -> SourceError {
        session::doing(&self.settings, what).fault(error)
    }

    fn describe_in(
        &self,
        session: &mut Session,
        relation: &Relation,
    ) -> Result<Description, SourceError> {
        let what = format!("describe `{}`", relation_name(relation));
        match relation {
            Relation::Table(table) => {
                let found = catalog::describe(session, table, &self.address.database)
                    .map_err(|error| self.fault(&what, error))?;
                match found {
                    Some(description) => Ok(description),
                    None => Err(self.unknown(session, table)),
                }
            }
            Relation::Statement(statement) => catalog::describe_statement(session, statement)
                .map_err(|error| self.fault(&what, error)),
            Relation::Union(members) => {
                describe_union(members, &mut |relation| self.describe_in(session, relation))
            }
        }
    }

    fn unknown(&self, session: &mut Session, table: &TableName) -> SourceError {
        let tables = catalog::tables(session, &self.address.database).unwrap_or_default();
        let names: Vec<String> = tables.iter().map(ToString::to_string).collect();
        let name = table.to_string();
        let meant = nearest(&name, names.iter().map(String::as_str));
        SourceError::UnknownTable {
            source_name: self.settings.name.clone(),
            table: name.clone(),
            hint: meant.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default(),
        }
    }

    /// What the query touches, as the catalog has it, and the relations that it consists of.
    fn catalog(
        &self,
        session: &mut Session,
        query: &Query,
    ) -> Result<(Catalog, Vec<Relation>), SourceError> {
        let mut touched = Vec::new();
        let catalog = Catalog::read(query, |relation| {
            touched.push(relation.clone());
            self.describe_in(session, relation)
        })?;
        Ok((catalog, touched))
    }

    fn values(&self, what: &str, statement: &Statement) -> Result<Vec<Value>, SourceError> {
        if statement.values.len() > PARAMETERS_MAX {
            return Err(SourceError::Refused {
                source_name: self.settings.name.clone(),
                doing: what.to_owned(),
                cause: format!(
                    "the filter has {} values and a statement takes {PARAMETERS_MAX}; select fewer \
                     keys",
                    statement.values.len()
                )
                .into(),
            });
        }
        Ok(statement.values.iter().map(value).collect())
    }

    /// Refuses what has no snapshot, unless the query admits it. Gives what to warn of, and
    /// whether all is consistent.
    fn consistency(
        &self,
        session: &mut Session,
        query: &Query,
        touched: &[Relation],
    ) -> Result<(Vec<String>, bool), SourceError> {
        let findings = consistency::inspect(session, touched, &self.address.database)
            .map_err(|error| self.fault("look at the engines of the tables", error))?;
        let mut warnings = findings.warnings;
        match findings.inconsistent {
            None => Ok((warnings, true)),
            Some((table, why)) if query.is_consistent => {
                Err(SourceError::NotConsistent { table, why })
            }
            Some((table, why)) => {
                warnings.push(format!("`{table}` was read without a consistent snapshot: {why}"));
                Ok((warnings, false))
            }
        }
    }

    /// Opens the snapshot, and has the server look the statement over inside it.
    fn open(
        &self,
        session: &mut Session,
        query: &Query,
        catalog: &Catalog,
        is_consistent: bool,
    ) -> Result<Opened, SourceError> {
        let what = format!("read `{}`", relation_name(&query.relation));
        let fault = |error| self.fault(&what, error);
        let key = position_key(query, catalog.own());
        let plan = Plan::new(query, catalog, &MySql);
        let schema = plan.schema()?;
        let shape = RowShape::new(&query.key, &plan.fields());
        let positioned = key.clone().map(|key| with_position(query, key));
        let statement = match &positioned {
            Some(query) => Plan::new(query, catalog, &MySql).stream(None)?,
            None => plan.stream(None)?,
        };
        let values = self.values(&what, &statement)?;
        let snapshot = snapshot::begin(session, self.isolation, is_consistent);
        let snapshot = snapshot.map_err(fault)?;
        let position = key.as_ref().map(|key| (key, schema.width()));
        let progress = Progress::plan(session, &statement, values.clone(), query, position);
        let progress = progress.map_err(fault)?;
        let prepared = session.prepare_statement(&statement.text).map_err(fault)?;
        Ok(Opened { snapshot, schema, shape, progress, prepared, values })
    }

    fn open_stream(
        &self,
        query: &Query,
        options: &StreamOptions,
        stop: &Arc<Stop>,
    ) -> Result<RowStream, SourceError> {
        let (address, settings) = (&self.address, &self.settings);
        let mut session = Session::open(address, settings, &options.application, Arc::clone(stop))?;
        let (catalog, touched) = self.catalog(&mut session, query)?;
        let (warnings, is_consistent) = self.consistency(&mut session, query, &touched)?;
        let opened = self.open(&mut session, query, &catalog, is_consistent)?;
        let extent = opened.progress.extent();
        let rows_estimated = opened.progress.expected();
        let schema = Arc::clone(&opened.schema);
        let (conn, runtime) = session.into_parts();
        let reader = MySqlReader::new(Parts {
            conn,
            runtime,
            rows: RowWriter::new(
                opened.schema,
                &opened.prepared,
                opened.shape,
                options.cell_bytes_max,
            ),
            statement: opened.prepared,
            values: session::positional(opened.values),
            progress: opened.progress,
            stop: Arc::clone(stop),
            settings: self.settings.clone(),
            relation: relation_name(&query.relation),
            batch_bytes: options.batch_bytes,
        });
        Ok(RowStream {
            schema,
            snapshot: opened.snapshot,
            extent,
            rows_estimated,
            readers: vec![Box::new(reader)],
            warnings,
        })
    }
}

/// A statement that is ready to run in its snapshot.
struct Opened {
    snapshot: Snapshot,
    schema: Arc<Schema>,
    shape: RowShape,
    progress: Progress,
    prepared: Prepared,
    values: Vec<Value>,
}

impl Source for MySqlSource {
    fn kind(&self) -> &'static str {
        MySqlKind.slug()
    }

    fn tables(&self) -> Result<Vec<TableName>, SourceError> {
        self.ask("list its tables", |session| catalog::tables(session, &self.address.database))
    }

    fn describe(&self, relation: &Relation) -> Result<Description, SourceError> {
        let mut session = self.session()?;
        let description = self.describe_in(&mut session, relation)?;
        session.close();
        Ok(description)
    }

    fn references(&self, table: &TableName) -> Result<Vec<Reference>, SourceError> {
        self.ask("list its foreign keys", |session| {
            catalog::references(session, table, &self.address.database)
        })
    }

    fn stream(&self, query: &Query, options: &StreamOptions) -> Result<RowStream, SourceError> {
        let stop = Arc::new(Stop::new(self.address.clone(), &options.application));
        options.interrupt.pass_on_to(Arc::clone(&stop) as _);
        // Whatever broke on the way, it broke because someone asked to stop.
        self.open_stream(query, options, &stop).map_err(|error| match stop.is_asked_for() {
            true => SourceError::Interrupted,
            false => error,
        })
    }

    fn count(&self, query: &Query, patience: Duration) -> Result<u64, SourceError> {
        let looking = self.looking();
        let mut session = looking.session()?;
        let (catalog, _) = looking.catalog(&mut session, query)?;
        let what = format!("count the rows of `{}`", relation_name(&query.relation));
        let fault = |error| looking.fault(&what, error);
        let statement = Plan::new(query, &catalog, &MySql).count()?;
        let values = looking.values(&what, &statement)?;
        if patience < Duration::from_secs(LOOK_SECONDS_MAX) {
            let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
            session.limit_statements(millis).map_err(fault)?;
        }
        let rows = session.rows(&statement.text, values).map_err(fault)?;
        session.close();
        Ok(rows.first().and_then(|row| session::number(row, 0)).unwrap_or(0))
    }

    fn expected(&self, query: &Query) -> Result<Option<u64>, SourceError> {
        let looking = self.looking();
        let mut session = looking.session()?;
        let (catalog, _) = looking.catalog(&mut session, query)?;
        let what = format!("plan to read `{}`", relation_name(&query.relation));
        // Without its list and its order, which may need tables of their own.
        let bare = Query { fields: Vec::new(), sort: Vec::new(), ..query.clone() };
        let statement = Plan::new(&bare, &catalog, &MySql).stream(None)?;
        let values = looking.values(&what, &statement)?;
        let rows = progress::expected(&mut session, &statement, values);
        let rows = rows.map_err(|error| looking.fault(&what, error))?;
        session.close();
        Ok(rows)
    }

    fn rows(&self, query: &Query, page: &Page) -> Result<(Arc<Schema>, RowBatch), SourceError> {
        let looking = self.looking();
        let mut session = looking.session()?;
        let (catalog, _) = looking.catalog(&mut session, query)?;
        let what = format!("read a page of `{}`", relation_name(&query.relation));
        let plan = Plan::new(query, &catalog, &MySql).for_page(page);
        let schema = plan.schema()?;
        let shape = RowShape::new(&query.key, &plan.fields());
        let statement = plan.page(page)?;
        let values = looking.values(&what, &statement)?;
        let fault = |error| looking.fault(&what, error);
        let prepared = session.prepare_statement(&statement.text).map_err(fault)?;
        let mut writer = RowWriter::new(Arc::clone(&schema), &prepared, shape, PAGE_CELL_BYTES_MAX);
        let mut batch = RowBatch::default();
        for row in session.prepared_rows(prepared, values).map_err(fault)? {
            writer.put(&row, &mut batch)?;
        }
        session.close();
        batch.seal();
        Ok((schema, batch))
    }

    fn check(&self, tables: &[TableName]) -> Result<Report, SourceError> {
        self.ask("look at its settings", |session| check::report(session, &self.address, tables))
    }
}

/// A value as the driver takes it.
fn value(bind: &Bind) -> Value {
    match bind {
        Bind::Boolean(value) => Value::from(*value),
        Bind::Integer(value) => Value::from(*value),
        Bind::Float(value) => Value::from(*value),
        Bind::Text(value) => Value::from(value.as_str()),
        Bind::Bytes(value) => Value::from(value.as_slice()),
    }
}
