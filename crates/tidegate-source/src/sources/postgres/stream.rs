//! Opens an export: one snapshot, and readers that share it.

use std::{sync::Arc, thread};

use tidegate_batch::Schema;
use tidegate_model::{
    catalog::{Relation, TableName},
    query::Query,
};

use super::{
    catalog::{self, CatalogRelation},
    connector::Connector,
    describe,
    dialect::Postgres,
    fault::Fault,
    nul,
    reader::{PostgresReader, Work},
    scan::{self, Choice},
    session::{Session, Transaction},
    shares::{Pace, Scan, Shares},
    statement::ShareStatement,
    stop::Stop,
    types::is_layout_of,
};
use crate::{
    Reader, RowStream, Snapshot, SourceError, StreamOptions,
    sql::{Catalog, Plan, relation_name},
};

/// What identifies the snapshot, and when it was taken by the server's clock. The
/// session may have had another name so far.
const SNAPSHOT: &str = "\
    select pg_current_snapshot()::text,
           to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),
           set_config('application_name', $1, true)";
/// First version that has these names for it.
const VERSION_NAMES_SNAPSHOT: u32 = 13;

/// Whether a table that the transaction has locked is not the one that its snapshot knows: it was
/// truncated, rewritten or replaced after the snapshot and before the lock. Its rows are then newer
/// than the snapshot, which would see none of them.
const REPLACED: &str = "\
    select exists (
      select from pg_locks l left join pg_class c on c.oid = l.relation
      where l.pid = pg_backend_pid() and l.locktype = 'relation'
        and (c.oid is null
             or c.relkind in ('r', 'm') and c.relfilenode <> 0
                and c.relfilenode is distinct from pg_relation_filenode(c.oid)))";
/// SQLSTATE of a lock that was not to be had in time.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// Snapshots that are taken until one knows all tables as they are.
const SNAPSHOTS_MAX: usize = 5;

/// Opens an export.
pub(super) struct Opening<'a> {
    pub(super) connector: &'a Arc<Connector>,
    pub(super) query: &'a Query,
    pub(super) options: &'a StreamOptions,
    /// Stops its sessions, from the first one on.
    pub(super) stop: &'a Stop,
    /// Whether readers share the snapshot of the first one. Off only in the test that shows that
    /// it would be missed.
    pub(super) is_snapshot_shared: bool,
}

/// A table that the query touches.
struct Touched {
    name: TableName,
    relation: CatalogRelation,
}

/// An open snapshot, with locks on all that is read in it.
struct Opened {
    snapshot: Snapshot,
    choice: Choice,
    statement: ShareStatement,
}

impl Opening<'_> {
    /// Opens the sessions, has the server look the statement over, and gives each session a reader.
    /// A session that is there already becomes the first one.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached or the query cannot be run.
    pub(super) fn open(&self, idle: Option<Session>) -> Result<RowStream, SourceError> {
        let doing = format!("read `{}`", relation_name(&self.query.relation));
        if let Some(mut leader) = idle {
            leader.listen(self.stop.listener());
            match leader.briefly(Transaction::Short, |leader| self.describe(leader)) {
                // The server may have ended it since; that says nothing about a new one.
                Err(fault) if fault.is_loss() => {}
                described => return self.open_with(leader, described, &doing),
            }
        }
        let leader = self.session()?;
        let described = leader.briefly(Transaction::Short, |leader| self.describe(leader));
        self.open_with(leader, described, &doing)
    }

    fn session(&self) -> Result<Session, SourceError> {
        Session::open(self.connector, &self.options.application, self.stop.listener())
    }

    fn open_with(
        &self,
        leader: Session,
        described: Result<(Catalog, Vec<Touched>), Fault>,
        doing: &str,
    ) -> Result<RowStream, SourceError> {
        let told = |fault| leader.doing(doing).error(fault);
        let (catalog, touched) = described.map_err(told)?;
        let plan = Plan::new(self.query, &catalog, &Postgres);
        let schema = plan.schema()?;
        let Opened { snapshot, choice, statement } =
            self.snapshot(&leader, &plan, &schema, &touched).map_err(told)?;
        let mut warnings: Vec<String> = touched.iter().filter_map(row_security_warning).collect();
        let extent = choice.scan.extent();
        let pace = || Pace::new(self.options.batch_bytes, choice.bytes, extent.total);
        let count = choice.scan.readers(self.options.readers, pace().wanted());
        let followers = self.followers(&leader, &statement, count - 1, doing)?;
        if followers.len() + 1 < count {
            warnings.push(left_out_warning(count, followers.len() + 1));
        }
        let work = Arc::new(Work {
            schema: Arc::clone(&schema),
            marked: nul::places(&plan, &catalog),
            key: self.query.key.clone(),
            statement,
            shares: Shares::new(choice.scan.clone(), followers.len() + 1),
            batch_bytes: self.options.batch_bytes,
            cell_bytes_max: self.options.cell_bytes_max,
            doing: doing.to_owned(),
        });
        let mut readers: Vec<Box<dyn Reader>> = Vec::with_capacity(followers.len() + 1);
        for session in std::iter::once(leader).chain(followers) {
            self.stop.watch_over(&session);
            readers.push(Box::new(PostgresReader::new(session, Arc::clone(&work), pace())?));
        }
        let rows_estimated = Some(choice.rows);
        Ok(RowStream { schema, snapshot, extent, rows_estimated, readers, warnings })
    }

    /// Begins the transaction that the export reads in.
    fn snapshot(
        &self,
        leader: &Session,
        plan: &Plan<'_>,
        schema: &Schema,
        touched: &[Touched],
    ) -> Result<Opened, Fault> {
        let own = match &self.query.relation {
            Relation::Table(table) => touched.iter().find(|known| known.name == *table),
            Relation::Statement(_) | Relation::Union(_) => None,
        };
        let own = own.map(|own| own.relation);
        let whole = ShareStatement::whole(plan)?;
        for _ in 0..SNAPSHOTS_MAX {
            leader.begin(Transaction::Snapshot)?;
            let snapshot = identity(leader, &self.options.application)?;
            check_layout(leader, schema, &whole.text)?;
            let choice = scan::choose(leader, self.query, own, &whole, self.options.readers)?;
            if !leader.row(REPLACED, &[])?.get::<_, bool>(0) {
                let statement = match choice.scan {
                    Scan::Whole { .. } => whole,
                    Scan::Pages { .. } => ShareStatement::of_pages(plan)?,
                };
                return Ok(Opened { snapshot, choice, statement });
            }
            leader.run("rollback")?;
        }
        Err(Fault::Unsettled)
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

    /// Sessions that see what the leader sees and hold the same locks, opened at the same time,
    /// each on a thread; fewer if somebody waits to change a table.
    fn followers(
        &self,
        leader: &Session,
        statement: &ShareStatement,
        count: usize,
        doing: &str,
    ) -> Result<Vec<Session>, SourceError> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let row = leader.row("select pg_export_snapshot()", &[]);
        let snapshot: String = row.map_err(|fault| leader.doing(doing).error(fault))?.get(0);
        let transaction = match self.is_snapshot_shared {
            true => Transaction::Shared(&snapshot),
            false => Transaction::Snapshot,
        };
        let follow = || {
            let session = self.session()?;
            let begun = session.begin(transaction).and_then(|()| scan::lock(&session, statement));
            match begun {
                Ok(()) => Ok(Some(session)),
                // Who waits to change a table waits for the leader, and would be waited for here.
                // Once the leader has gone, they would change it under the readers.
                Err(Fault::Server(told)) if told.code == LOCK_NOT_AVAILABLE => Ok(None),
                Err(fault) => Err(session.doing(doing).error(fault)),
            }
        };
        thread::scope(|scope| {
            let opening: Vec<_> = (0..count).map(|_| scope.spawn(follow)).collect();
            opening
                .into_iter()
                .filter_map(|thread| {
                    thread.join().expect("opening a session does not panic").transpose()
                })
                .collect()
        })
    }
}

/// Takes the snapshot: this is the transaction's first statement that sees rows.
fn identity(leader: &Session, application: &str) -> Result<Snapshot, Fault> {
    let statement = match leader.version >= VERSION_NAMES_SNAPSHOT {
        true => SNAPSHOT.to_owned(),
        false => SNAPSHOT.replace("pg_current_snapshot", "txid_current_snapshot"),
    };
    let row = leader.row(&statement, &[&application])?;
    Ok(Snapshot { identity: row.get(0), taken_at: row.get(1), is_consistent: true })
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

fn left_out_warning(wanted: usize, readers: usize) -> String {
    format!("read by {readers} instead of {wanted} readers: somebody waits to change a table of it")
}

fn row_security_warning(table: &Touched) -> Option<String> {
    table.relation.hides_rows.then(|| {
        format!("row-level security hides rows of `{}` from the account of the source", table.name)
    })
}

#[cfg(test)]
mod tests {
    use tidegate_model::query::Predicate;
    use tidegate_testkit::postgres::Postgres;

    use super::*;
    use crate::{
        SourceSettings,
        conformance::{Site, finds_half_a_transfer, spelling_of_accounts},
        sources::postgres::PostgresSource,
        sql::Statement,
    };

    #[test]
    fn somebody_who_waits_to_change_a_table_is_not_waited_for() {
        let database = Postgres::shared().database();
        database.execute("create table t (id int)");
        let source = PostgresSource::new(SourceSettings::new("shop", database.url()));
        let source = source.expect("a source");
        let query = Query {
            relation: Relation::Table(TableName::parse("t")),
            fields: Vec::new(),
            key: Vec::new(),
            predicate: Predicate::everything(),
            sort: Vec::new(),
            is_consistent: true,
        };
        let options = StreamOptions {
            application: String::new(),
            readers: 4,
            batch_bytes: 1,
            cell_bytes_max: 1,
            interrupt: crate::Interrupt::default(),
        };
        let (connector, query) = (&source.connector, &query);
        let stop = &Stop::new();
        let opening =
            Opening { connector, query, options: &options, stop, is_snapshot_shared: true };
        let statement = ShareStatement::new(
            Statement { text: "select id from t".to_owned(), values: Vec::new() },
            false,
        );
        let leader = opening.session().expect("a session");
        leader.begin(Transaction::Snapshot).expect("a snapshot");
        scan::lock(&leader, &statement).expect("a lock");
        thread::scope(|scope| {
            let alter = scope.spawn(|| database.execute("alter table t add more int"));
            let waiting = "select count(*) from pg_locks where not granted";
            while database.query(waiting).trim() == "0" {
                thread::yield_now();
            }
            let followers = opening.followers(&leader, &statement, 2, "read").expect("an answer");
            assert!(followers.is_empty());
            drop(leader);
            alter.join().expect("the change comes after the leader");
        });
    }

    #[test]
    fn readers_that_do_not_share_a_snapshot_see_half_of_a_transfer() {
        let database = Postgres::shared().database();
        let settings = SourceSettings::new("shop", database.url());
        let mut source = PostgresSource::new(settings).expect("a source");
        source.is_snapshot_shared = false;
        let execute = |script: &str| database.execute(script);
        let spelling = spelling_of_accounts(|name| format!("\"{name}\""), "begin");
        let site = Site { source: &source, execute: &execute, spelling };
        assert!(finds_half_a_transfer(&site), "the check of the suite would find nothing");
    }
}
