//! Opens an export: one snapshot, and readers that share it.

use std::{sync::Arc, thread};

use sea_query::{BinOper, Expr, ExprTrait};
use tidegate_batch::Schema;
use tidegate_model::{
    catalog::{Relation, TableName},
    query::Query,
};

use super::{
    catalog::{self, CatalogRelation, quoted},
    connector::Connector,
    describe,
    dialect::Postgres,
    fault::Fault,
    reader::{PostgresReader, Work},
    scan::{self, Choice, WholeStatement},
    session::{Session, Transaction},
    shares::{Pace, Scan, Shares},
    stop::Stop,
    types::is_layout_of,
    values_of,
};
use crate::{
    Reader, RowStream, Snapshot, SourceError, StreamOptions,
    sql::{Catalog, Plan, own_column, relation_name},
};

/// What identifies the snapshot, and when it was taken by the server's clock.
const SNAPSHOT: &str = "\
    select pg_current_snapshot()::text,
           to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
/// Before version 13 the function has another name.
const SNAPSHOT_BEFORE_13: &str = "\
    select txid_current_snapshot()::text,
           to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
/// Bounds that the condition of a share has.
const SHARE_BOUNDS: usize = 2;

/// Opens an export.
pub(super) struct Opening<'a> {
    pub(super) connector: &'a Arc<Connector>,
    pub(super) query: &'a Query,
    pub(super) options: &'a StreamOptions,
    /// Whether readers share the snapshot of the first one. Off only in the test that shows that
    /// it would be missed.
    pub(super) is_snapshot_shared: bool,
}

/// A table that the query touches.
struct Touched {
    name: TableName,
    relation: CatalogRelation,
}

impl Opening<'_> {
    /// Opens the sessions, has the server look the statement over, and gives each session a reader.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached or the query cannot be run.
    pub(super) fn open(&self) -> Result<RowStream, SourceError> {
        let leader = Session::open(self.connector, &self.options.application)?;
        let doing = format!("read `{}`", relation_name(&self.query.relation));
        self.open_with(leader, &doing)
    }

    fn open_with(&self, leader: Session, doing: &str) -> Result<RowStream, SourceError> {
        let told = |fault| leader.doing(doing).error(fault);
        let (catalog, touched) = leader.briefly(|leader| self.describe(leader)).map_err(told)?;
        let plan = Plan::new(self.query, &catalog, &Postgres);
        let schema = plan.schema()?;
        begin(&leader, &touched).map_err(told)?;
        let snapshot = snapshot(&leader).map_err(told)?;
        let choice = self.choose(&leader, &plan, &touched)?;
        let statement = match choice.scan {
            Scan::Whole { .. } => plan.stream(None)?,
            Scan::Pages { .. } => plan.stream(Some(share_condition()))?,
        };
        check_layout(&leader, &schema, &statement.text).map_err(told)?;
        let mut values = values_of(&statement);
        if let Scan::Pages { .. } = choice.scan {
            values.truncate(values.len() - SHARE_BOUNDS);
        }
        let extent = choice.scan.extent();
        let pace = || Pace::new(self.options.batch_bytes, choice.bytes, extent.total);
        let readers = choice.scan.readers(self.options.readers, pace().wanted());
        let work = Arc::new(Work {
            schema: Arc::clone(&schema),
            key: self.query.key.clone(),
            statement: statement.text,
            values,
            shares: Shares::new(choice.scan.clone(), readers),
            scan: choice.scan.clone(),
            batch_bytes: self.options.batch_bytes,
            cell_bytes_max: self.options.cell_bytes_max,
            doing: doing.to_owned(),
        });
        let followers = self.followers(&leader, readers - 1, doing)?;
        let stop = Arc::new(Stop::new());
        let mut readers: Vec<Box<dyn Reader>> = Vec::with_capacity(readers);
        for session in std::iter::once(leader).chain(followers) {
            stop.watch_over(&session);
            let work = Arc::clone(&work);
            readers.push(Box::new(PostgresReader::new(session, work, pace(), stop.listen())?));
        }
        let warnings = touched.iter().filter_map(row_security_warning).collect();
        Ok(RowStream { schema, snapshot, extent, readers, interrupt: stop, warnings })
    }

    /// Describes all that the query touches.
    fn describe(&self, leader: &Session) -> Result<(Catalog, Vec<Touched>), Fault> {
        let mut names = Vec::new();
        let catalog = Catalog::read(self.query, |relation| {
            if let Relation::Table(table) = relation {
                names.push(table.clone());
            }
            describe(leader, relation)
        })?;
        let mut touched: Vec<Touched> = Vec::new();
        for name in names {
            if touched.iter().any(|known| known.name == name) {
                continue;
            }
            if let Some(relation) = catalog::relation(leader, &name)? {
                touched.push(Touched { name, relation });
            }
        }
        Ok((catalog, touched))
    }

    /// Chooses how to read.
    fn choose(
        &self,
        leader: &Session,
        plan: &Plan<'_>,
        touched: &[Touched],
    ) -> Result<Choice, SourceError> {
        let own = match &self.query.relation {
            Relation::Table(table) => touched.iter().find(|known| known.name == *table),
            Relation::Statement(_) | Relation::Union(_) => None,
        };
        let whole = plan.stream(None)?;
        let values = values_of(&whole);
        let whole = WholeStatement { text: &whole.text, values: &values };
        let own = own.map(|own| own.relation);
        let readers = self.options.readers;
        scan::choose(leader, self.query, own, &whole, readers).map_err(|fault| {
            let what = format!("plan the reading of `{}`", relation_name(&self.query.relation));
            leader.doing(&what).error(fault)
        })
    }

    /// Sessions that see what the leader sees, opened at the same time, each on a thread.
    fn followers(
        &self,
        leader: &Session,
        count: usize,
        doing: &str,
    ) -> Result<Vec<Session>, SourceError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let row = leader.row("select pg_export_snapshot()", &[]);
        let snapshot: String = row.map_err(|fault| leader.doing(doing).error(fault))?.get(0);
        let follow = || {
            let session = Session::open(self.connector, &self.options.application)?;
            let begun = session.begin(match self.is_snapshot_shared {
                true => Transaction::Shared(&snapshot),
                false => Transaction::Snapshot,
            });
            begun.map_err(|fault| session.doing(doing).error(fault))?;
            Ok(session)
        };
        thread::scope(|scope| {
            let opening: Vec<_> = (0..count).map(|_| scope.spawn(follow)).collect();
            opening
                .into_iter()
                .map(|thread| thread.join().expect("opening a session does not panic"))
                .collect()
        })
    }
}

/// Begins the transaction with locks on the tables, before its snapshot: after a `truncate` in
/// between, the snapshot would see an empty table. The locks are those of any `select`.
fn begin(leader: &Session, touched: &[Touched]) -> Result<(), Fault> {
    leader.begin(Transaction::Snapshot)?;
    let lockable = touched.iter().filter(|table| table.relation.is_lockable());
    let lockable: Vec<String> = lockable.map(|table| quoted(&table.name)).collect();
    match lockable.is_empty() {
        true => Ok(()),
        false => leader.run(&format!("lock table {} in access share mode", lockable.join(", "))),
    }
}

/// Takes the snapshot: it is the transaction's first statement that sees rows.
fn snapshot(leader: &Session) -> Result<Snapshot, Fault> {
    let statement = if leader.version >= 13 { SNAPSHOT } else { SNAPSHOT_BEFORE_13 };
    let row = leader.row(statement, &[])?;
    Ok(Snapshot { identity: row.get(0), taken_at: row.get(1), is_consistent: true })
}

/// Rows on the pages of a share. Its bounds are the last values of the statement.
fn share_condition() -> Expr {
    let bound = || Expr::Value(String::new().into()).cast_as("text").cast_as("tid");
    let from = own_column("ctid").binary(BinOper::GreaterThanOrEqual, bound());
    from.and(own_column("ctid").binary(BinOper::SmallerThan, bound()))
}

/// Has the server look the statement over. It must give what the schema says, which decodes the
/// cells: a column could have changed its type since it was described. From here on our locks keep
/// it as it is.
pub(super) fn check_layout(
    session: &Session,
    schema: &Schema,
    statement: &str,
) -> Result<(), Fault> {
    let prepared = session.prepare(statement)?;
    let found = prepared.columns();
    if found.len() != schema.width() {
        return Err(Fault::Protocol("a statement with more or fewer columns than asked for"));
    }
    for (column, found) in schema.columns().iter().zip(found) {
        let found = found.type_();
        if !is_layout_of(column, found.oid()) {
            let field = column.slug.clone();
            return Err(Fault::Changed { field, found: found.to_string() });
        }
    }
    Ok(())
}

fn row_security_warning(table: &Touched) -> Option<String> {
    table.relation.hides_rows.then(|| {
        format!("row-level security hides rows of `{}` from the account of the source", table.name)
    })
}

#[cfg(test)]
mod tests {
    use tidegate_testkit::postgres::Postgres;

    use super::*;
    use crate::{
        SourceSettings,
        conformance::{Cell, Site, Spelling, accounts, drain, exports_under_writers},
        sources::postgres::PostgresSource,
    };

    /// Exports that may pass before one of them sees half a transfer.
    const ROUNDS_MAX: usize = 20;

    #[test]
    fn readers_that_do_not_share_a_snapshot_see_half_of_a_transfer() {
        let database = Postgres::shared().database();
        let settings = SourceSettings::new("shop", database.url());
        let source = PostgresSource {
            is_snapshot_shared: false,
            ..PostgresSource::new(settings).expect("a source")
        };
        let execute = |script: &str| database.execute(script);
        let spelling = Spelling {
            quote: |name| format!("\"{name}\""),
            type_name: |data_type| data_type.to_string(),
            literal: |cell| match cell {
                Cell::Integer(value) => value.to_string(),
                Cell::Text(text) => format!("'{text}'"),
                other => panic!("accounts have no {other:?}"),
            },
            begin: "begin",
            slow: "",
            holds_nul: false,
        };
        let site = Site { source: &source, execute: &execute, spelling };
        let accounts = accounts();
        accounts.create(&site);
        let options = StreamOptions {
            application: String::new(),
            readers: 4,
            batch_bytes: 4 << 10,
            cell_bytes_max: 1 << 20,
        };
        let broken = (0..ROUNDS_MAX).find_map(|_| {
            let broken = exports_under_writers(&site, &accounts, |query| {
                let stream = crate::Source::stream(&source, query, &options).expect("a stream");
                drain(stream).expect("an end").rows
            });
            (broken > 0).then_some(broken)
        });
        assert!(broken.is_some(), "the check of the suite would find nothing");
    }
}
