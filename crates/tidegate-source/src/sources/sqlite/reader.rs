//! Reads rows into batches, each value straight from SQLite's page.

use std::{ffi::c_int, sync::Arc};

use rusqlite::{Error, types::ValueRef};
use tidegate_batch::RowBatch;

use super::{
    cell::{CellFault, Converter},
    client::Client,
    ranges::{Range, Ranges, distance},
    session::{Row, StatementId},
};
use crate::{
    Reader, SourceError, Ticket,
    sql::{Bind, Statement},
};

/// What the rows of a stream are, for all of its readers.
#[derive(Debug)]
pub(super) struct RowForm {
    /// Slug of each column, and how its values are brought into a batch.
    pub(super) columns: Vec<(String, Converter)>,
    /// Columns of the key, if they may be shown in an error.
    pub(super) key: Option<Vec<usize>>,
    /// What is being read, for errors: "read `orders`".
    pub(super) doing: String,
    /// Bytes of cells that a batch should hold.
    pub(super) batch_bytes: usize,
}

/// How a statement came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Filled {
    /// The batch is full; there may be more rows.
    Batch,
    /// There are no more rows.
    All,
}

/// Fills batches from a statement.
struct Filler {
    client: Client,
    form: Arc<RowForm>,
    /// The largest row so far, to stop before the batch grows beyond its size.
    row_bytes_max: usize,
    /// Row id of the last row, where it is selected behind the columns.
    rowid: Option<i64>,
    rows: u64,
}

impl Filler {
    fn new(client: Client, form: Arc<RowForm>) -> Self {
        Self { client, form, row_bytes_max: 0, rowid: None, rows: 0 }
    }

    /// Steps until the batch is full or no row is left. A row larger than a batch makes one.
    fn fill(&mut self, id: StatementId, batch: &mut RowBatch) -> Result<Filled, Stopped> {
        let form = Arc::clone(&self.form);
        // One large row must not make all later batches small.
        let margin_max = form.batch_bytes / 4;
        loop {
            if self.client.is_stopped() {
                return Err(Stopped::Error(SourceError::Interrupted));
            }
            match self.client.session.step(id) {
                Ok(true) => {}
                Ok(false) => return Ok(Filled::All),
                Err(error) => return Err(Stopped::Error(self.client.fault(&form.doing, error))),
            }
            let before = batch.bytes_len();
            let row = self.client.session.row(id);
            for (at, (_, converter)) in form.columns.iter().enumerate() {
                if let Err(fault) = converter.put(row.cell(place(at)), batch) {
                    return Err(Stopped::Cell { at, fault });
                }
            }
            if let ValueRef::Integer(rowid) = row.cell(place(form.columns.len())) {
                self.rowid = Some(rowid);
            }
            batch.end_row();
            self.rows += 1;
            self.row_bytes_max = self.row_bytes_max.max(batch.bytes_len() - before);
            if batch.bytes_len() + self.row_bytes_max.min(margin_max) > form.batch_bytes {
                return Ok(Filled::Batch);
            }
        }
    }
}

/// Why filling ended early.
enum Stopped {
    Error(SourceError),
    /// A value of the current row does not fit.
    Cell {
        at: usize,
        fault: CellFault,
    },
}

fn place(at: usize) -> c_int {
    c_int::try_from(at).unwrap_or(c_int::MAX)
}

/// The key of a row as errors show it; none if it may not be shown or is the very fault.
fn key_of(form: &RowForm, row: Row<'_>, faulty: usize) -> Option<String> {
    /// Characters of a key that an error shows.
    const KEY_CHARACTERS_MAX: usize = 80;
    let key = form.key.as_ref().filter(|key| !key.is_empty() && !key.contains(&faulty))?;
    let parts = key.iter().map(|at| {
        let (slug, converter) = &form.columns[*at];
        let text = converter.text(row.cell(place(*at)), true).ok()?;
        Some(format!("{slug} {}", text.chars().take(KEY_CHARACTERS_MAX).collect::<String>()))
    });
    Some(parts.collect::<Option<Vec<_>>>()?.join(", "))
}

fn bad_value(form: &RowForm, at: usize, fault: &CellFault, row: String) -> SourceError {
    SourceError::BadValue { field: form.columns[at].0.clone(), row, detail: fault.to_string() }
}

/// Reads all rows with one statement.
pub(super) struct WholeReader {
    filler: Filler,
    statement: StatementId,
    part: u64,
    is_over: bool,
}

impl WholeReader {
    /// # Errors
    ///
    /// If SQLite refuses the statement.
    pub(super) fn new(
        mut client: Client,
        form: Arc<RowForm>,
        statement: &Statement,
    ) -> Result<Self, SourceError> {
        let prepared = client.session.prepare(&statement.text, &statement.values);
        let statement = prepared.map_err(|error| client.fault(&form.doing, error))?;
        client.begin_statement();
        Ok(Self { filler: Filler::new(client, form), statement, part: 0, is_over: false })
    }
}

impl Reader for WholeReader {
    fn read(&mut self, batch: &mut RowBatch) -> Result<Option<Ticket>, SourceError> {
        if self.is_over {
            return Ok(None);
        }
        let before = self.filler.rows;
        let filled = self.filler.fill(self.statement, batch).map_err(|stopped| match stopped {
            Stopped::Error(error) => error,
            Stopped::Cell { at, fault } => {
                let row = self.filler.client.session.row(self.statement);
                let name = key_of(&self.filler.form, row, at)
                    .unwrap_or_else(|| format!("ordinal {}", self.filler.rows + 1));
                bad_value(&self.filler.form, at, &fault, name)
            }
        })?;
        self.is_over = filled == Filled::All;
        let ticket = Ticket {
            chunk: 0,
            part: self.part,
            is_last: self.is_over,
            extent_done: self.filler.rows - before,
        };
        self.part += 1;
        Ok(Some(ticket))
    }
}

/// Reads one range of row ids after the other.
pub(super) struct RangeReader {
    filler: Filler,
    ranges: Arc<Ranges>,
    /// Rows of a range; its last two values are the range's ends.
    statement: StatementId,
    first_value: usize,
    /// First row id at a row id or after it.
    seek: StatementId,
    /// How many rows there are up to a row id, for errors: made only when one is needed.
    ordinal: Statement,
    current: Option<Current>,
}

/// The range that is being read.
struct Current {
    range: Range,
    part: u64,
    bytes: usize,
    /// Row id up to which the extent was told.
    told: i64,
}

/// Statements of a [`RangeReader`].
pub(super) struct RangeStatements {
    /// Rows of a range, in order, the row id behind the columns; the last two values are its ends.
    pub(super) rows: Statement,
    /// First row id at a row id or after it; the only value is that.
    pub(super) seek: Statement,
    /// Number of rows up to a row id, which is the last value.
    pub(super) ordinal: Statement,
}

impl RangeReader {
    /// # Errors
    ///
    /// If SQLite refuses a statement.
    pub(super) fn new(
        mut client: Client,
        form: Arc<RowForm>,
        ranges: Arc<Ranges>,
        statements: &RangeStatements,
    ) -> Result<Self, SourceError> {
        let RangeStatements { rows, seek, ordinal } = statements;
        let mut prepare = |statement: &Statement| {
            let prepared = client.session.prepare(&statement.text, &statement.values);
            prepared.map_err(|error| client.fault(&form.doing, error))
        };
        let (statement, seek) = (prepare(rows)?, prepare(seek)?);
        Ok(Self {
            filler: Filler::new(client, form),
            ranges,
            statement,
            first_value: rows.values.len() - 2,
            seek,
            ordinal: ordinal.clone(),
            current: None,
        })
    }

    /// The range that is being read, or the next one.
    fn current(&mut self) -> Result<Option<Current>, SourceError> {
        if let Some(current) = self.current.take() {
            return Ok(Some(current));
        }
        let (client, seek) = (&mut self.filler.client, self.seek);
        let claimed = self.ranges.claim(|from| {
            client.session.reset(seek);
            client.session.bind(seek, 0, &Bind::Integer(from))?;
            let is_found = client.session.step(seek)?;
            let found = match client.session.row(seek).cell(0) {
                ValueRef::Integer(rowid) if is_found => Some(rowid),
                _ => None,
            };
            client.session.reset(seek);
            Ok(found)
        });
        let claimed = claimed.map_err(|error| self.fault(error))?;
        let Some(range) = claimed else { return Ok(None) };
        self.begin(range).map_err(|error| self.fault(error))?;
        Ok(Some(Current { range, part: 0, bytes: 0, told: range.from }))
    }

    fn fault(&self, error: Error) -> SourceError {
        self.filler.client.fault(&self.filler.form.doing, error)
    }

    fn begin(&mut self, range: Range) -> Result<(), Error> {
        let session = &mut self.filler.client.session;
        session.reset(self.statement);
        session.bind(self.statement, self.first_value, &Bind::Integer(range.first))?;
        session.bind(self.statement, self.first_value + 1, &Bind::Integer(range.last))?;
        self.filler.client.begin_statement();
        Ok(())
    }

    /// The place of the current row among all rows of the stream.
    fn ordinal(&mut self) -> Result<String, SourceError> {
        let ValueRef::Integer(rowid) = self
            .filler
            .client
            .session
            .row(self.statement)
            .cell(place(self.filler.form.columns.len()))
        else {
            return Ok("unknown ordinal".to_owned());
        };
        let client = &mut self.filler.client;
        let mut count = || -> Result<i64, Error> {
            let id = client.session.prepare(&self.ordinal.text, &self.ordinal.values)?;
            client.session.bind(id, self.ordinal.values.len() - 1, &Bind::Integer(rowid))?;
            client.session.step(id)?;
            Ok(match client.session.row(id).cell(0) {
                ValueRef::Integer(count) => count,
                _ => 0,
            })
        };
        let count = count().map_err(|error| client.fault("count rows", error))?;
        Ok(format!("ordinal {count}"))
    }
}

impl Reader for RangeReader {
    fn read(&mut self, batch: &mut RowBatch) -> Result<Option<Ticket>, SourceError> {
        let Some(mut current) = self.current()? else { return Ok(None) };
        let filled = match self.filler.fill(self.statement, batch) {
            Ok(filled) => filled,
            Err(Stopped::Error(error)) => return Err(error),
            Err(Stopped::Cell { at, fault }) => {
                let row = self.filler.client.session.row(self.statement);
                let name = match key_of(&self.filler.form, row, at) {
                    Some(name) => name,
                    None => self.ordinal()?,
                };
                return Err(bad_value(&self.filler.form, at, &fault, name));
            }
        };
        current.bytes += batch.bytes_len();
        let read_to = self.filler.rowid.unwrap_or(current.range.last);
        let is_last = match filled {
            Filled::All => true,
            Filled::Batch => {
                read_to == current.range.last || self.ranges.give_back(&mut current.range, read_to)
            }
        };
        let told = if is_last { current.range.last } else { read_to };
        // The first batch counts the row id it begins at too.
        let begins = u64::from(current.part == 0);
        let ticket = Ticket {
            chunk: current.range.chunk,
            part: current.part,
            is_last,
            extent_done: distance(current.told, told).saturating_add(begins),
        };
        if is_last {
            self.filler.client.session.reset(self.statement);
            self.ranges.learn(&current.range, current.bytes);
        } else {
            current.part += 1;
            current.told = told;
            self.current = Some(current);
        }
        Ok(Some(ticket))
    }
}
