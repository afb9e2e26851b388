//! Reads a stream to its end as the pipeline does, and puts its batches in order.

use std::{collections::BTreeMap, sync::Mutex, thread, time::Duration};

use tidegate_batch::{RowBatch, Schema};
use tidegate_model::query::Query;

use super::Cell;
use crate::{
    Extent, Interrupt, RowStream, Snapshot, Source, SourceError, StreamOptions, Ticket,
    look::LOOK_SECONDS_MAX,
};

/// Bytes of a batch of the suite: small, so that few rows make many batches.
pub(super) const BATCH_BYTES: usize = 4 << 10;

/// Longest wait for a count.
pub(super) const PATIENCE: Duration = Duration::from_secs(LOOK_SECONDS_MAX);

/// A stream that was read to its end.
#[derive(Debug)]
pub struct Drained {
    /// Rows in the order of their tickets.
    pub rows: Vec<Vec<Cell>>,
    /// All tickets, in order.
    pub tickets: Vec<Ticket>,
    /// What the stream said of its extent.
    pub extent: Extent,
    /// What the stream said of its snapshot.
    pub snapshot: Snapshot,
    /// How many readers there were.
    pub readers: usize,
}

/// Options of the suite's streams.
pub(super) fn options(readers: usize) -> StreamOptions {
    StreamOptions {
        application: "tidegate/conformance".to_owned(),
        readers,
        batch_bytes: BATCH_BYTES,
        cell_bytes_max: 1 << 20,
        interrupt: Interrupt::default(),
    }
}

/// Reads the query's stream with four readers.
///
/// # Panics
///
/// If the source fails or the tickets are not in order.
pub(super) fn rows_of(source: &dyn Source, query: &Query) -> Vec<Vec<Cell>> {
    let stream = source.stream(query, &options(4)).unwrap_or_else(|error| panic!("{error:?}"));
    drain(stream).unwrap_or_else(|error| panic!("{error:?}")).rows
}

/// Reads a stream to its end, each reader on a thread of its own.
///
/// # Errors
///
/// If a reader fails.
///
/// # Panics
///
/// If the tickets are not dense.
pub fn drain(stream: RowStream) -> Result<Drained, SourceError> {
    let RowStream { schema, snapshot, extent, readers, .. } = stream;
    let found = Mutex::new(BTreeMap::new());
    let count = readers.len();
    let outcomes: Vec<Result<(), SourceError>> = thread::scope(|scope| {
        let threads: Vec<_> = readers
            .into_iter()
            .map(|mut reader| {
                let (found, schema) = (&found, &schema);
                scope.spawn(move || {
                    loop {
                        let mut batch = RowBatch::with_capacity(BATCH_BYTES);
                        let Some(ticket) = reader.read(&mut batch)? else { return Ok(()) };
                        let rows = rows_of_batch(&mut batch, schema);
                        let mut found = found.lock().expect("no thread panics with the lock");
                        let before = found.insert((ticket.chunk, ticket.part), (ticket, rows));
                        assert!(before.is_none(), "two batches have the ticket {ticket:?}");
                    }
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a reader panicked")).collect()
    });
    outcomes.into_iter().collect::<Result<(), _>>()?;
    let found = found.into_inner().expect("no thread panicked with the lock");
    let (tickets, rows): (Vec<Ticket>, Vec<_>) = found.into_values().unzip();
    assert_dense(&tickets);
    let rows = rows.into_iter().flatten().collect();
    Ok(Drained { rows, tickets, extent, snapshot, readers: count })
}

/// The rows of a batch, decoded.
pub(super) fn rows_of_batch(batch: &mut RowBatch, schema: &Schema) -> Vec<Vec<Cell>> {
    batch.seal();
    batch
        .rows(schema.width())
        .map(|cells| {
            cells
                .zip(schema.columns())
                .map(|(cell, column)| {
                    let value = column.decode(cell);
                    Cell::from_value(
                        value.unwrap_or_else(|fault| panic!("{}: {fault}", column.slug)),
                    )
                })
                .collect()
        })
        .collect()
}

/// Chunks and parts count from 0 without gaps, and every chunk ends once.
fn assert_dense(tickets: &[Ticket]) {
    let mut expected = (0, 0);
    for ticket in tickets {
        assert_eq!((ticket.chunk, ticket.part), expected, "a ticket is missing");
        expected = if ticket.is_last { (expected.0 + 1, 0) } else { (expected.0, expected.1 + 1) };
    }
    assert!(tickets.last().is_none_or(|ticket| ticket.is_last), "the last chunk does not end");
}
