//! PostgreSQL.

mod address;
mod cast;
mod catalog;
mod check;
mod connector;
pub(crate) mod dialect;
mod fault;
mod nul;
mod portal;
mod reader;
mod scan;
mod session;
mod shares;
mod socket;
mod statement;
mod stop;
mod stream;
mod tls;
mod types;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tidegate_batch::{RowBatch, Schema};
use tidegate_model::{
    catalog::{Description, Relation, TableName},
    field::Reference,
    nearest::nearest,
    query::Query,
};
use tokio_postgres::types::ToSql;

use self::{
    connector::Connector,
    dialect::Postgres,
    fault::Fault,
    reader::{PostgresReader, Work},
    session::{AsText, Session, Transaction},
    shares::{Pace, Scan, Shares},
    statement::{ShareStatement, values_of},
    stop::{Listener, Stop},
    stream::{Opening, check_layout},
};
use crate::{
    Page, Reader, Report, RowStream, Source, SourceError, SourceKind, SourceSettings,
    StreamOptions,
    look::LOOK_SECONDS_MAX,
    sql::{Catalog, Plan, describe_union, relation_name},
};

/// Name of the sessions that read no export.
const APPLICATION: &str = "tidegate";
/// Bytes that one cell of a page may have: a page is for people to look at.
const PAGE_CELL_BYTES_MAX: usize = 16 << 20;

/// What finding all rows that match may cost, in the planner's measure: reading so many pages of a
/// table in a row. It takes about a tenth of a second.
const FOUND_COST_MAX: f64 = 50_000.0;

/// A transaction for somebody who waits for the answer.
const LOOK: Transaction<'_> = Transaction::Look(LOOK_SECONDS_MAX * 1000);

/// The kind of source.
pub(crate) struct PostgresKind;

impl SourceKind for PostgresKind {
    fn slug(&self) -> &'static str {
        "postgres"
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["postgres", "postgresql"]
    }

    fn example_url(&self) -> &'static str {
        "postgres://user:password@host:5432/database"
    }

    fn connect(&self, settings: SourceSettings) -> Result<Box<dyn Source>, SourceError> {
        Ok(Box::new(PostgresSource::new(settings)?))
    }
}

/// One database of a server.
struct PostgresSource {
    connector: Arc<Connector>,
    /// A session that has answered a question and waits for the next, its knowledge of the catalog
    /// with it; an export takes it over.
    idle: Mutex<Option<Session>>,
    is_snapshot_shared: bool,
}

impl PostgresSource {
    fn new(settings: SourceSettings) -> Result<Self, SourceError> {
        let connector = Arc::new(Connector::new(settings)?);
        Ok(Self { connector, idle: Mutex::default(), is_snapshot_shared: true })
    }

    /// Asks something in a transaction of its own.
    fn ask<T>(
        &self,
        what: &str,
        question: impl Fn(&Session) -> Result<T, Fault>,
    ) -> Result<T, SourceError> {
        self.ask_in(Transaction::Short, what, question)
    }

    /// The same, in a transaction of this kind.
    fn ask_in<T>(
        &self,
        transaction: Transaction<'_>,
        what: &str,
        question: impl Fn(&Session) -> Result<T, Fault>,
    ) -> Result<T, SourceError> {
        if let Some(session) = self.take_idle() {
            match session.briefly(transaction, &question) {
                // The server may have ended it since; that says nothing about a new one.
                Err(fault) if fault.is_loss() => {}
                answer => return self.told(session, what, answer),
            }
        }
        let session = Session::open(&self.connector, APPLICATION, Listener::of_nobody())?;
        let answer = session.briefly(transaction, &question);
        self.told(session, what, answer)
    }

    fn told<T>(
        &self,
        session: Session,
        what: &str,
        answer: Result<T, Fault>,
    ) -> Result<T, SourceError> {
        let is_lost = answer.as_ref().is_err_and(Fault::is_loss);
        let answer = answer.map_err(|fault| session.doing(what).error(fault));
        if !is_lost {
            *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
        }
        answer
    }

    fn take_idle(&self) -> Option<Session> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Source for PostgresSource {
    fn kind(&self) -> &'static str {
        PostgresKind.slug()
    }

    fn tables(&self) -> Result<Vec<TableName>, SourceError> {
        self.ask("list its tables", catalog::tables)
    }

    fn describe(&self, relation: &Relation) -> Result<Description, SourceError> {
        let what = format!("describe `{}`", relation_name(relation));
        self.ask(&what, |session| match relation {
            Relation::Table(_) | Relation::Statement(_) => Ok(describe(session, relation)?),
            Relation::Union(members) => {
                Ok(describe_union(members, &mut |relation| describe(session, relation))?)
            }
        })
    }

    fn references(&self, table: &TableName) -> Result<Vec<Reference>, SourceError> {
        self.ask("list its foreign keys", |session| catalog::references(session, table))
    }

    fn stream(&self, query: &Query, options: &StreamOptions) -> Result<RowStream, SourceError> {
        let stop = Arc::new(Stop::new());
        options.interrupt.pass_on_to(Arc::clone(&stop) as _);
        let opening = Opening {
            connector: &self.connector,
            query,
            options,
            stop: &stop,
            is_snapshot_shared: self.is_snapshot_shared,
        };
        opening.open(self.take_idle())
    }

    fn count(&self, query: &Query, patience: Duration) -> Result<u64, SourceError> {
        let what = format!("count the rows of `{}`", relation_name(&query.relation));
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        self.ask_in(Transaction::Look(millis), &what, |session| {
            let catalog = Catalog::read(query, |relation| describe(session, relation))?;
            let statement = Plan::new(query, &catalog, &Postgres).count()?;
            let values: Vec<AsText> = values_of(&statement).into_iter().map(AsText).collect();
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
            let count: i64 = session.row(&statement.text, &values)?.get(0);
            Ok(u64::try_from(count).unwrap_or(0))
        })
    }

    fn expected(&self, query: &Query) -> Result<Option<u64>, SourceError> {
        let what = format!("plan to read `{}`", relation_name(&query.relation));
        self.ask_in(LOOK, &what, |session| {
            let catalog = Catalog::read(query, |relation| describe(session, relation))?;
            let statement = ShareStatement::whole(&Plan::new(query, &catalog, &Postgres))?;
            scan::expected(session, &statement).map(Some)
        })
    }

    fn rows(&self, query: &Query, page: &Page) -> Result<(Arc<Schema>, RowBatch), SourceError> {
        let what = format!("read a page of `{}`", relation_name(&query.relation));
        let session = Session::open(&self.connector, APPLICATION, Listener::of_nobody())?;
        let prepared = session.begin(LOOK).and_then(|()| {
            let catalog = Catalog::read(query, |relation| describe(&session, relation))?;
            let plan = Plan::new(query, &catalog, &Postgres).for_page(page);
            let (schema, statement) = (plan.schema()?, page_statement(&session, &plan, page)?);
            check_layout(&session, &schema, &statement.text)?;
            Ok((schema, statement, nul::places(&plan, &catalog)))
        });
        let (schema, statement, marked) =
            prepared.map_err(|fault| session.doing(&what).error(fault))?;
        let work = Work {
            schema: Arc::clone(&schema),
            marked,
            key: query.key.clone(),
            statement,
            shares: Shares::new(Scan::Whole { rows: page.limit }, 1),
            batch_bytes: usize::MAX,
            cell_bytes_max: PAGE_CELL_BYTES_MAX,
            doing: what,
        };
        let mut batch = RowBatch::default();
        PostgresReader::new(session, Arc::new(work), Pace::new(0, 0, 0))?.read(&mut batch)?;
        batch.seal();
        Ok((schema, batch))
    }

    fn check(&self, tables: &[TableName]) -> Result<Report, SourceError> {
        self.ask("look at its settings", |session| check::report(session, &self.connector, tables))
    }
}

impl Drop for PostgresSource {
    fn drop(&mut self) {
        let idle = self.idle.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        // A session says goodbye on a runtime of its own, and whoever drops the source may already
        // be inside one.
        if let Some(session) = idle {
            drop(std::thread::spawn(|| drop(session)).join());
        }
    }
}

/// The statement of a page: along the order, or where an index finds the rows that match at once,
/// from all of these.
fn page_statement(
    session: &Session,
    plan: &Plan<'_>,
    page: &Page,
) -> Result<ShareStatement, Fault> {
    if let Some(found) = plan.found(page)? {
        let found = ShareStatement::new(found, false);
        if scan::costs_by_index_at_most(session, &found, FOUND_COST_MAX)? {
            return Ok(found);
        }
    }
    Ok(ShareStatement::new(plan.page(page)?, false))
}

/// Columns and key of a table or statement.
fn describe(session: &Session, relation: &Relation) -> Result<Description, SourceError> {
    let what = format!("describe `{}`", relation_name(relation));
    let doing = session.doing(&what);
    match relation {
        Relation::Table(table) => {
            let found = catalog::describe(session, table).map_err(|fault| doing.error(fault))?;
            found.ok_or_else(|| unknown_table(session, table))
        }
        Relation::Statement(text) => {
            catalog::describe_statement(session, text).map_err(|fault| doing.error(fault))
        }
        Relation::Union(members) => {
            describe_union(members, &mut |relation| describe(session, relation))
        }
    }
}

/// Says that the table is not there, and which one may be meant or what would make it visible.
fn unknown_table(session: &Session, table: &TableName) -> SourceError {
    let name = table.to_string();
    let is_there = catalog::relation(session, table).is_ok_and(|found| found.is_some());
    let known = if is_there { Vec::new() } else { catalog::tables(session).unwrap_or_default() };
    let known: Vec<String> = known.iter().map(TableName::to_string).collect();
    let hint = match nearest(&name, known.iter().map(String::as_str)) {
        Some(candidate) => format!("; did you mean `{candidate}`?"),
        None => format!("; `grant select on {}` would allow it", catalog::quoted(table)),
    };
    SourceError::UnknownTable { source_name: session.source_name().to_owned(), table: name, hint }
}

#[cfg(test)]
mod tests {
    use tidegate_model::query::{Comparison, Literal, Predicate, Selected, SortKey};
    use tidegate_testkit::postgres::Postgres as Server;

    use super::*;
    use crate::{Anchor, Seek, Start, Stretch};

    /// A question about the table `orders`.
    fn query(source: &PostgresSource, sort: &[(&str, bool)], predicate: Predicate) -> Query {
        let relation = Relation::Table(TableName::parse("orders"));
        let described = source.describe(&relation).expect("a description");
        let key = |(name, is_descending): &(&str, bool)| SortKey {
            field: field(&described, name),
            is_descending: *is_descending,
        };
        Query {
            fields: Vec::new(),
            key: vec![field(&described, "id")],
            predicate,
            sort: sort.iter().map(key).collect(),
            is_consistent: true,
            relation,
        }
    }

    fn field(described: &Description, name: &str) -> tidegate_model::field::Field {
        let mut columns = described.columns.iter();
        let column = columns.find(|column| column.name == name).expect("a column");
        tidegate_model::field::Field::new(
            name,
            column.data_type.clone(),
            tidegate_model::field::Origin::Column(name.to_owned()),
        )
    }

    fn source(database: &tidegate_testkit::postgres::PostgresDatabase<'_>) -> PostgresSource {
        PostgresSource::new(SourceSettings::new("shop", database.url())).expect("a source")
    }

    /// A page of 51 rows in the values of an order.
    fn page(anchor: Option<&[&str]>, is_backward: bool) -> Page {
        let parts = |parts: &[&str]| parts.iter().map(|part| Some((*part).to_owned())).collect();
        let anchor = anchor.map(|anchor| Anchor(parts(anchor)));
        let seek = Seek { stretch: Stretch::Values, anchor, is_backward };
        Page { start: Start::Seek(seek), limit: 51 }
    }

    /// The plan of a page in the middle of the order.
    fn plan(
        database: &tidegate_testkit::postgres::PostgresDatabase<'_>,
        sort: &[(&str, bool)],
    ) -> String {
        let source = source(database);
        let query = query(&source, sort, Predicate::everything());
        let catalog = Catalog::read(&query, |relation| source.describe(relation));
        let catalog = catalog.expect("a catalog");
        let page = page(Some(&["2024-01-05 00:00:00", "15000"]), false);
        let statement = Plan::new(&query, &catalog, &Postgres).for_page(&page).page(&page);
        let statement = statement.expect("a statement");
        let values: Vec<String> =
            values_of(&statement).iter().map(|value| format!("'{value}'")).collect();
        database.query(&format!(
            "set plan_cache_mode = force_custom_plan; prepare p as {}; \
             explain (costs off) execute p({})",
            statement.text,
            values.join(", ")
        ))
    }

    #[test]
    fn a_page_far_behind_is_a_range_of_an_index() {
        let database = Server::shared().database();
        database.execute(
            "create table orders (id int primary key, placed_at timestamp not null, \
               paid_at timestamp); \
             insert into orders select n, timestamp '2024-01-01' + n * interval '1 minute', \
               case when n % 3 > 0 then timestamp '2024-01-01' + n * interval '1 minute' end \
               from generate_series(1, 30000) n; \
             create index by_placed on orders (placed_at, id); \
             create index by_paid on orders (paid_at, id); analyze orders;",
        );
        for (is_descending, way) in [(false, "Index Only Scan using by_placed"), (true, "Backward")]
        {
            let sort = [("placed_at", is_descending), ("id", is_descending)];
            let told = plan(&database, &sort);
            assert!(told.contains(way) && told.contains("Index Cond: (ROW("), "{told}");
            assert!(!told.contains("Sort") && !told.contains("Filter"), "{told}");
        }
        // A field that may be NULL, and keys that go different ways.
        for sort in [
            [("paid_at", false), ("id", false)],
            [("paid_at", true), ("id", true)],
            [("placed_at", true), ("id", false)],
        ] {
            let told = plan(&database, &sort);
            assert!(told.contains("Index Cond: ") && !told.contains("Seq Scan"), "{told}");
        }
    }

    /// The numbers of the rows of a page, as their anchors tell them.
    fn ids(source: &PostgresSource, query: &Query, page: &Page) -> Vec<i64> {
        let (schema, batch) = source.rows(query, page).expect("rows");
        let number = |cell: Option<&[u8]>| {
            String::from_utf8_lossy(cell.expect("a key")).parse().expect("a number")
        };
        batch.rows(schema.width()).map(|cells| number(cells.last().expect("a cell"))).collect()
    }

    #[test]
    fn rows_that_match_at_the_far_end_of_an_order_are_found_by_their_own_index() {
        let database = Server::shared().database();
        database.execute(
            "create table orders (id int primary key, placed_at timestamp not null, note text); \
             insert into orders select n, timestamp '2024-01-01' + n * interval '1 minute', \
               repeat('x', 100) from generate_series(1, 60000) n; \
             create index by_placed on orders (placed_at, id); vacuum analyze orders;",
        );
        let source = source(&database);
        let described = source.describe(&Relation::Table(TableName::parse("orders"))).unwrap();
        let last_days = Predicate::Compare {
            field: field(&described, "placed_at"),
            comparison: Comparison::Gte,
            value: Literal::Timestamp("2024-02-10T06:40:00".parse().unwrap()),
        };
        let mut query = query(&source, &[("id", false)], last_days);
        let id = field(&described, "id");
        query.fields = vec![Selected { field: id, alias: None, is_hidden: false }];
        let statement = |query: &Query, page: &Page| {
            let chosen = source.ask("plan", |session| {
                let catalog = Catalog::read(query, |relation| describe(session, relation))?;
                let plan = Plan::new(query, &catalog, &Postgres).for_page(page);
                page_statement(session, &plan, page)
            });
            chosen.unwrap().text
        };
        for (anchor, is_backward, expected) in [
            (None, false, (58_000..58_051).collect::<Vec<i64>>()),
            (None, true, (59_950..=60_000).rev().collect()),
            (Some(&["59000"][..]), false, (59_001..=59_051).collect()),
            (Some(&["59000"]), true, (58_949..59_000).rev().collect()),
        ] {
            let page = page(anchor, is_backward);
            assert_eq!(ids(&source, &query, &page), expected, "{anchor:?} {is_backward}");
            assert!(statement(&query, &page).contains("OFFSET"), "{anchor:?} {is_backward}");
        }
        // Without an index of its own, a filter is held against the rows along the order.
        database.execute("drop index by_placed");
        let page = page(None, false);
        assert!(!statement(&query, &page).contains("OFFSET"));
        assert_eq!(ids(&source, &query, &page)[..2], [58_000, 58_001]);
    }
}
