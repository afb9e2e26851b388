//! Reads the rows of one statement, straight into batches.

use std::{sync::Arc, time::Duration};

use mysql_async::{
    BinaryProtocol, Conn, Error, Params, QueryResult, Row, Statement, prelude::Queryable,
};
use tidegate_batch::{RowBatch, Schema};
use tidegate_model::{
    field::{Field, Origin},
    query::Selected,
};
use tokio::runtime::Runtime;

use super::{
    cell::CellWriter,
    fault::{self, Doing},
    interrupt::Stop,
    progress::Progress,
    row_name::RowNames,
    session::bid_farewell,
};
use crate::{Reader, SourceError, SourceSettings, Ticket};

/// Silence after which we ask, over another connection, whether ours still lives: a network that
/// swallows packets gives no other sign. Long enough that a sort is not asked about all the time.
const SILENCE_SECONDS: u64 = 30;
/// Warnings of the server that mean a value was cut: the list of a `group_concat`, and a value
/// beyond `max_allowed_packet`.
const CUT_WARNINGS: &[u16] = &[1260, 1301];

/// Warnings of MariaDB that a document is no JSON, met where no row can be told: in a comparison.
const NO_DOCUMENT_WARNINGS: std::ops::RangeInclusive<u16> = 4035..=4040;

/// What is known of the rows beside their schema.
pub(super) struct RowShape {
    names: RowNames,
    /// Whether a column is a part of a JSON document.
    parts: Vec<bool>,
}

impl RowShape {
    /// Of rows that have these fields, and a key that may be among them.
    pub(super) fn new(key: &[Field], fields: &[&Selected]) -> Self {
        let is_part =
            |selected: &&Selected| matches!(selected.field.origin, Origin::JsonPath { .. });
        Self { names: RowNames::new(key, fields), parts: fields.iter().map(is_part).collect() }
    }
}

/// Turns the driver's rows into rows of a batch.
pub(super) struct RowWriter {
    schema: Arc<Schema>,
    cells: Vec<CellWriter>,
    names: RowNames,
    rows: u64,
}

impl RowWriter {
    /// A writer of the rows that the statement gives; it may give more cells than the schema has.
    pub(super) fn new(
        schema: Arc<Schema>,
        statement: &Statement,
        shape: RowShape,
        cell_bytes_max: usize,
    ) -> Self {
        let RowShape { names, parts } = shape;
        let columns = statement.columns();
        let cells = schema.columns().iter().zip(columns.iter());
        // Behind the fields come the anchors of a page, which are texts of ours.
        let parts = parts.into_iter().chain(std::iter::repeat(false));
        let cells = cells.zip(parts);
        let cells = cells
            .map(|((ours, theirs), is_part)| {
                CellWriter::new(&ours.data_type, theirs, cell_bytes_max).of_parts(is_part)
            })
            .collect();
        Self { schema, cells, names, rows: 0 }
    }

    /// Appends a row to the batch.
    ///
    /// # Errors
    ///
    /// If a value is not of its column's type. The batch may then hold half a row.
    pub(super) fn put(&mut self, row: &Row, batch: &mut RowBatch) -> Result<(), SourceError> {
        for (at, cell) in self.cells.iter().enumerate() {
            let value = row.as_ref(at).expect("a row has a cell for each column");
            cell.put(value, batch).map_err(|unfit| SourceError::BadValue {
                field: self.schema.columns()[at].slug.clone(),
                row: self.names.name(row, self.rows),
                detail: unfit.0,
            })?;
        }
        batch.end_row();
        self.rows += 1;
        Ok(())
    }
}

/// What a reader is made of.
pub(super) struct Parts {
    pub(super) conn: Conn,
    pub(super) runtime: Runtime,
    pub(super) statement: Statement,
    pub(super) values: Params,
    pub(super) rows: RowWriter,
    pub(super) progress: Progress,
    pub(super) stop: Arc<Stop>,
    pub(super) settings: SourceSettings,
    pub(super) relation: String,
    pub(super) batch_bytes: usize,
}

/// The one reader of a stream.
pub(super) struct MySqlReader {
    // Goes before its runtime, so that the socket is closed at once and nothing is read to its
    // end. None once the end was proven, or all is lost.
    conn: Option<Conn>,
    runtime: Runtime,
    // Runs with the first read, when those who may want to stop it already hold the means.
    awaited: Option<(Statement, Params)>,
    rows: RowWriter,
    progress: Progress,
    stop: Arc<Stop>,
    settings: SourceSettings,
    what: String,
    batch_bytes: usize,
    chunk: u64,
    has_failed: bool,
}

/// How the filling of a batch went.
enum Filled {
    /// The batch is full.
    Full,
    /// The statement has no more rows; the server said so.
    Ended,
    /// Someone asked to stop.
    Stopped,
}

/// What goes wrong while a batch is filled.
enum Failure {
    Driver(Error),
    Source(SourceError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl MySqlReader {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            conn: Some(parts.conn),
            runtime: parts.runtime,
            awaited: Some((parts.statement, parts.values)),
            rows: parts.rows,
            progress: parts.progress,
            stop: parts.stop,
            settings: parts.settings,
            what: format!("read `{}`", parts.relation),
            batch_bytes: parts.batch_bytes,
            chunk: 0,
            has_failed: false,
        }
    }

    fn fill(&mut self, batch: &mut RowBatch) -> Result<Option<Ticket>, Failure> {
        let Some(conn) = &mut self.conn else { return Ok(None) };
        let mut scan =
            Scan { conn, rows: &mut self.rows, batch, batch_bytes: self.batch_bytes, last: None };
        let rows_before = scan.rows.rows;
        let filled = self.runtime.block_on(scan.watched(&mut self.awaited, &self.stop))?;
        let last = scan.last.take();
        let mut extent_done = self.progress.batch(self.rows.rows - rows_before, last.as_ref());
        match filled {
            Filled::Full => {}
            Filled::Stopped => return Err(SourceError::Interrupted.into()),
            Filled::Ended => {
                extent_done += self.progress.finish();
                self.close()?;
            }
        }
        if batch.is_empty() && extent_done == 0 {
            return Ok(None);
        }
        batch.seal();
        let ticket = Ticket { chunk: self.chunk, part: 0, is_last: true, extent_done };
        self.chunk += 1;
        Ok(Some(ticket))
    }

    /// Ends the session once the last row is read, if the server has no doubts about one.
    fn close(&mut self) -> Result<(), Failure> {
        let Some(mut conn) = self.conn.take() else { return Ok(()) };
        let fatal = self.runtime.block_on(async {
            let fatal = match conn.get_warnings() {
                0 => Ok(None),
                _ => fatal_warning(&mut conn).await,
            };
            if bid_farewell(conn).await {
                self.stop.over();
            }
            fatal
        })?;
        match fatal {
            None => Ok(()),
            Some(cause) => Err(SourceError::Refused {
                source_name: self.settings.name.clone(),
                doing: format!("{} whole", self.what),
                cause,
            }
            .into()),
        }
    }

    fn fault(&self, failure: Failure) -> SourceError {
        // Whatever else broke on the way, it broke because someone asked to stop.
        if self.stop.is_asked_for() {
            return SourceError::Interrupted;
        }
        let doing = Doing {
            source_name: &self.settings.name,
            what: &self.what,
            statement_seconds_max: self.settings.statement_seconds_max,
        };
        match failure {
            Failure::Source(error) => error,
            Failure::Driver(error) => doing.fault(error),
        }
    }

    /// Closes the socket without reading on, and ends the connection on the server, which might
    /// be sorting and not notice.
    fn abandon(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let stop = Arc::clone(&self.stop);
        // Away from any runtime: the driver would use it to read the rest of the rows.
        let farewell = std::thread::spawn(move || {
            drop(conn);
            stop.kill();
        });
        if farewell.join().is_err() {
            tracing::warn!("a connection could not be given up in good order");
        }
    }
}

impl Reader for MySqlReader {
    fn read(&mut self, batch: &mut RowBatch) -> Result<Option<Ticket>, SourceError> {
        if self.has_failed {
            // Not `None`, which would say that the end was proven.
            return Err(SourceError::Lost {
                source_name: self.settings.name.clone(),
                cause: "the stream has failed before".into(),
            });
        }
        let filled = self.fill(batch);
        if filled.is_err() {
            self.has_failed = true;
            self.abandon();
        }
        filled.map_err(|failure| self.fault(failure))
    }
}

impl Drop for MySqlReader {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// The filling of one batch.
struct Scan<'a> {
    conn: &'a mut Conn,
    rows: &'a mut RowWriter,
    batch: &'a mut RowBatch,
    batch_bytes: usize,
    last: Option<Row>,
}

impl Scan<'_> {
    /// Fills the batch, and looks after the connection while the server is silent.
    async fn watched(
        &mut self,
        awaited: &mut Option<(Statement, Params)>,
        stop: &Stop,
    ) -> Result<Filled, Failure> {
        // One future over all rounds: a statement that has been sent must not be sent again.
        let mut filled = std::pin::pin!(self.run(awaited.take()));
        loop {
            tokio::select! {
                biased;
                () = stop.asked() => return Ok(Filled::Stopped),
                filled = &mut filled => return filled,
                () = tokio::time::sleep(Duration::from_secs(SILENCE_SECONDS)) => {
                    let is_alive = tokio::select! {
                        biased;
                        () = stop.asked() => return Ok(Filled::Stopped),
                        is_alive = stop.is_alive() => is_alive,
                    };
                    if !is_alive {
                        let silent = std::io::Error::from(std::io::ErrorKind::TimedOut);
                        return Err(Error::from(silent).into());
                    }
                }
            }
        }
    }

    async fn run(&mut self, awaited: Option<(Statement, Params)>) -> Result<Filled, Failure> {
        if let Some((statement, values)) = awaited {
            self.conn.exec_iter(statement, values).await?;
        }
        // The rows of the statement under way.
        let mut result = QueryResult::<BinaryProtocol>::new(&mut *self.conn);
        while self.batch.bytes_len() < self.batch_bytes {
            let Some(row) = result.next().await? else { return Ok(Filled::Ended) };
            self.rows.put(&row, self.batch)?;
            self.last = Some(row);
        }
        Ok(Filled::Full)
    }
}

/// The first warning of the last statement that says that not all is as it should be.
async fn fatal_warning(conn: &mut Conn) -> Result<Option<crate::error::Cause>, Error> {
    let warnings: Vec<(String, u16, String)> = conn.query("show warnings").await?;
    Ok(warnings.into_iter().find_map(|(_, code, _)| match code {
        code if CUT_WARNINGS.contains(&code) => Some(fault::cut(code)),
        code if NO_DOCUMENT_WARNINGS.contains(&code) => Some(fault::no_document(code)),
        _ => None,
    }))
}
