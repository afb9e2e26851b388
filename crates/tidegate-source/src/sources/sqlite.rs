//! SQLite: a file, read through SQLite itself, by several readers where row ids allow it.

mod address;
mod anchor;
mod catalog;
mod cell;
mod check;
mod client;
pub(crate) mod dialect;
mod functions;
mod iso;
mod json;
mod number;
mod ranges;
mod reader;
mod session;
mod snapshot;
mod stream;
mod types;

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret;
use tidegate_batch::{RowBatch, Schema};
use tidegate_model::{
    catalog::{Description, Relation, TableName},
    field::Reference,
    nearest::nearest,
    query::Query,
};

use self::{
    catalog::TableFacts,
    client::{Client, Database},
    dialect::Sqlite,
    reader::WholeReader,
    snapshot::Sharing,
};
use crate::{
    Interrupt, Page, Reader, Report, RowStream, Source, SourceError, SourceKind, SourceSettings,
    StreamOptions,
    look::LOOK_SECONDS_MAX,
    sql::{Catalog, Plan},
};

/// Bytes that a cell of a page may have; a page is looked at, and has 100 rows.
const PAGE_CELL_BYTES_MAX: usize = 16 << 20;

/// The kind of source that SQLite is.
#[derive(Debug)]
pub(crate) struct SqliteKind;

impl SourceKind for SqliteKind {
    fn slug(&self) -> &'static str {
        "sqlite"
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["sqlite"]
    }

    fn example_url(&self) -> &'static str {
        "sqlite:shop.db"
    }

    fn connect(&self, settings: SourceSettings) -> Result<Box<dyn Source>, SourceError> {
        let database = Database::new(&settings, settings.url.expose_secret())?;
        Ok(Box::new(SqliteSource { database, sharing: Sharing::Proven }))
    }
}

/// A SQLite database.
#[derive(Debug)]
struct SqliteSource {
    database: Database,
    sharing: Sharing,
}

impl SqliteSource {
    fn client(&self) -> Result<Client, SourceError> {
        self.database.open(&Interrupt::default())
    }

    /// A client for somebody who waits for the answer.
    fn looking(&self) -> Result<Client, SourceError> {
        let own = self.database.statement_seconds_max.unwrap_or(u64::MAX);
        let statement_seconds_max = Some(own.min(LOOK_SECONDS_MAX));
        Database { statement_seconds_max, ..self.database.clone() }.open(&Interrupt::default())
    }

    /// What the catalog says of a table.
    fn facts(&self, client: &Client, table: &TableName) -> Result<TableFacts, SourceError> {
        let connection = client.session.connection();
        let fault = |error| client.fault(&format!("describe `{table}`"), error);
        if let Some(facts) = catalog::table(connection, table).map_err(fault)? {
            return Ok(facts);
        }
        let known = catalog::tables(connection).map_err(fault)?;
        let near = nearest(&table.name, known.iter().map(|known| known.name.as_str()));
        Err(SourceError::UnknownTable {
            source_name: self.database.source_name.clone(),
            table: table.to_string(),
            hint: near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default(),
        })
    }

    fn describe_with(
        &self,
        client: &Client,
        relation: &Relation,
    ) -> Result<Description, SourceError> {
        match relation {
            Relation::Table(table) => Ok(self.facts(client, table)?.description),
            Relation::Statement(text) => catalog::statement(client.session.connection(), text)
                .map_err(|error| client.fault("describe the query of the subject", error)),
            Relation::Union(members) => {
                crate::sql::describe_union(members, &mut |relation: &Relation| {
                    self.describe_with(client, relation)
                })
            }
        }
    }

    /// What the catalog says of all that the query touches.
    fn catalog(&self, client: &Client, query: &Query) -> Result<Catalog, SourceError> {
        Catalog::read(query, |relation| self.describe_with(client, relation))
    }
}

impl Source for SqliteSource {
    fn kind(&self) -> &'static str {
        SqliteKind.slug()
    }

    fn tables(&self) -> Result<Vec<TableName>, SourceError> {
        let client = self.client()?;
        catalog::tables(client.session.connection())
            .map_err(|error| client.fault("list its tables", error))
    }

    fn describe(&self, relation: &Relation) -> Result<Description, SourceError> {
        self.describe_with(&self.client()?, relation)
    }

    fn references(&self, table: &TableName) -> Result<Vec<Reference>, SourceError> {
        let client = self.client()?;
        catalog::references(client.session.connection(), table)
            .map_err(|error| client.fault(&format!("list the references of `{table}`"), error))
    }

    fn stream(&self, query: &Query, options: &StreamOptions) -> Result<RowStream, SourceError> {
        stream::open(self, query, options)
    }

    fn count(&self, query: &Query, patience: Duration) -> Result<u64, SourceError> {
        let mut client = self.looking()?;
        let catalog = self.catalog(&client, query)?;
        let statement = Plan::new(query, &catalog, &Sqlite).count()?;
        let millis_max = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        stream::counted(&mut client, &statement, millis_max)
    }

    fn expected(&self, query: &Query) -> Result<Option<u64>, SourceError> {
        let Relation::Table(table) = &query.relation else { return Ok(None) };
        if !query.predicate.is_everything() {
            return Ok(None);
        }
        let client = self.looking()?;
        catalog::analyzed_rows(client.session.connection(), table)
            .map_err(|error| client.fault(&format!("look up the size of `{table}`"), error))
    }

    fn rows(&self, query: &Query, page: &Page) -> Result<(Arc<Schema>, RowBatch), SourceError> {
        let client = self.looking()?;
        let catalog = self.catalog(&client, query)?;
        let plan = Plan::new(query, &catalog, &Sqlite).for_page(page);
        let options = StreamOptions {
            application: String::new(),
            readers: 1,
            batch_bytes: usize::MAX,
            cell_bytes_max: PAGE_CELL_BYTES_MAX,
            interrupt: Interrupt::default(),
        };
        let form = Arc::new(stream::row_form(&plan, query, &options)?);
        let mut batch = RowBatch::default();
        let mut reader = WholeReader::new(client, form, &plan.page(page)?)?;
        while reader.read(&mut batch)?.is_some() {}
        batch.seal();
        Ok((plan.schema()?, batch))
    }

    fn check(&self, tables: &[TableName]) -> Result<Report, SourceError> {
        let client = self.client()?;
        for table in tables {
            self.facts(&client, table)?;
        }
        check::check(&client)
    }
}
