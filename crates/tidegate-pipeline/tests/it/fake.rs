//! A source made of numbers: `readers` share chunks of integers, and may be told to misbehave.

use std::{
    io,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tidegate_batch::{Column, DataType, RowBatch, Schema};
use tidegate_format::{Options, by_slug};
use tidegate_model::{
    catalog::{Description, Relation, TableName},
    field::{Field, Origin, Reference},
    mask::MaskPolicy,
    query::{Predicate, Query, Selected},
};
use tidegate_pipeline::{Artifact, Checkpoint, Limits, Outcome, Plan, Progress, RunError, Verdict};
use tidegate_source::{
    Extent, Interruptible, Page, Reader, Report, RowStream, Snapshot, Source, SourceError,
    StreamOptions, Ticket,
};

/// Chunks of an export, each with so many rows in so many batches.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) chunks: u64,
    pub(crate) parts: u64,
    pub(crate) rows: u64,
    pub(crate) readers: usize,
    pub(crate) misbehaviour: Misbehaviour,
    /// Bytes of a second cell in each row, which is masked.
    pub(crate) hidden_bytes: Option<usize>,
}

/// What goes wrong: in the source, or in a reader at chunk 3.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Misbehaviour {
    None,
    /// Blocks until it is interrupted, as the wait for a locked table does, before there is a
    /// stream.
    BlockOpening,
    /// Panics before there is a stream.
    PanicOpening,
    Lost,
    Panic,
    /// Blocks until it is interrupted, as a long statement does.
    Block,
    /// Ends without the last batch of its chunk.
    CutShort,
    /// Sends a cell that is no integer.
    BadCell,
}

impl Numbers {
    pub(crate) const fn plain() -> Self {
        Self {
            chunks: 40,
            parts: 3,
            rows: 50,
            readers: 4,
            misbehaviour: Misbehaviour::None,
            hidden_bytes: None,
        }
    }

    pub(crate) const fn that(misbehaviour: Misbehaviour) -> Self {
        Self { misbehaviour, ..Self::plain() }
    }

    pub(crate) fn total(&self) -> u64 {
        self.chunks * self.parts * self.rows
    }

    /// Runs an export of the numbers to CSV; packed, where something is masked.
    pub(crate) fn export(
        &self,
        artifact: &mut dyn Artifact,
        checkpoint: &dyn Checkpoint,
    ) -> Result<Outcome, RunError> {
        self.export_with(artifact, checkpoint, Duration::from_secs(60), Limits::default())
    }

    pub(crate) fn export_with(
        &self,
        artifact: &mut dyn Artifact,
        checkpoint: &dyn Checkpoint,
        snapshot_age_max: Duration,
        limits: Limits,
    ) -> Result<Outcome, RunError> {
        let format = by_slug("csv").unwrap();
        let compress = if self.hidden_bytes.is_some() { "gzip" } else { "none" };
        let options = [("compress".to_owned(), compress.to_owned())];
        let plan = Plan {
            source: self,
            query: self.query(),
            format,
            options: Options::check(format.options(), &options.into()).unwrap(),
            time_zone: chrono_tz::UTC,
            title: "numbers".into(),
            application: "tidegate/test".into(),
            readers: self.readers,
            snapshot_age_max,
            mask_key: None,
            limits,
            span: tracing::Span::none(),
        };
        tidegate_pipeline::run(&plan, artifact, checkpoint)
    }

    fn query(&self) -> Query {
        let secret = self.hidden_bytes.map(|_| Selected {
            field: Field { mask: MaskPolicy::Redact, ..field("secret", DataType::Text) },
            alias: None,
            is_hidden: false,
        });
        query(secret.into_iter().collect())
    }

    fn schema(&self) -> Schema {
        let secret = self.hidden_bytes.map(|_| Column::new("secret", DataType::Text));
        Schema::new([Column::new("n", DataType::Integer)].into_iter().chain(secret).collect())
    }

    fn put_secret(&self, batch: &mut RowBatch) {
        if let Some(bytes) = self.hidden_bytes {
            batch.put_bytes(&b"s".repeat(bytes));
        }
    }
}

fn field(slug: &str, data_type: DataType) -> Field {
    Field::new(slug, data_type, Origin::Column(slug.into()))
}

fn query(fields: Vec<Selected>) -> Query {
    Query {
        relation: Relation::Table(TableName::parse("numbers")),
        fields,
        key: vec![field("n", DataType::Integer)],
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    }
}

impl Source for Numbers {
    fn kind(&self) -> &'static str {
        "numbers"
    }

    fn tables(&self) -> Result<Vec<TableName>, SourceError> {
        unreachable!("an export does not ask")
    }

    fn describe(&self, _relation: &Relation) -> Result<Description, SourceError> {
        unreachable!("an export does not ask")
    }

    fn references(&self, _table: &TableName) -> Result<Vec<Reference>, SourceError> {
        unreachable!("an export does not ask")
    }

    fn stream(&self, _: &Query, options: &StreamOptions) -> Result<RowStream, SourceError> {
        let next = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(Stop::default());
        options.interrupt.pass_on_to(Arc::clone(&stop) as _);
        if self.misbehaviour == Misbehaviour::BlockOpening {
            stop.wait();
            return Err(SourceError::Interrupted);
        }
        assert!(self.misbehaviour != Misbehaviour::PanicOpening, "it panics on purpose");
        let readers = (0..options.readers).map(|_| {
            let reader = NumberReader {
                numbers: *self,
                next: Arc::clone(&next),
                stop: Arc::clone(&stop),
                at: None,
            };
            Box::new(reader) as Box<dyn Reader>
        });
        Ok(RowStream {
            rows_estimated: None,
            schema: Arc::new(self.schema()),
            snapshot: Snapshot {
                identity: "1".into(),
                taken_at: "2026-01-01T00:00:00Z".into(),
                is_consistent: true,
            },
            extent: Extent { total: self.chunks, unit: "chunks" },
            readers: readers.collect(),
            warnings: Vec::new(),
        })
    }

    fn count(&self, _query: &Query, _: std::time::Duration) -> Result<u64, SourceError> {
        unreachable!("an export does not ask")
    }

    fn expected(&self, _query: &Query) -> Result<Option<u64>, SourceError> {
        unreachable!("an export does not ask")
    }

    fn rows(&self, _: &Query, _: &Page) -> Result<(Arc<Schema>, RowBatch), SourceError> {
        unreachable!("an export does not ask")
    }

    fn check(&self, _tables: &[TableName]) -> Result<Report, SourceError> {
        unreachable!("an export does not ask")
    }
}

#[derive(Default)]
struct Stop {
    is_raised: Mutex<bool>,
    raised: Condvar,
}

impl Stop {
    fn wait(&self) {
        let raised = self.is_raised.lock().unwrap();
        drop(self.raised.wait_while(raised, |is_raised| !*is_raised).unwrap());
    }
}

impl Interruptible for Stop {
    fn interrupt(&self) {
        *self.is_raised.lock().unwrap() = true;
        self.raised.notify_all();
    }
}

struct NumberReader {
    numbers: Numbers,
    next: Arc<AtomicU64>,
    stop: Arc<Stop>,
    at: Option<(u64, u64)>,
}

impl Reader for NumberReader {
    fn read(&mut self, batch: &mut RowBatch) -> Result<Option<Ticket>, SourceError> {
        let (chunk, part) = match self.at.take() {
            Some(at) => at,
            None => (self.next.fetch_add(1, Ordering::Relaxed), 0),
        };
        if chunk >= self.numbers.chunks {
            return Ok(None);
        }
        if chunk == 3 && part == 1 {
            match self.numbers.misbehaviour {
                Misbehaviour::None | Misbehaviour::BlockOpening | Misbehaviour::PanicOpening => {}
                Misbehaviour::Lost => {
                    let cause = io::Error::from(io::ErrorKind::ConnectionReset).into();
                    return Err(SourceError::Lost { source_name: "numbers".into(), cause });
                }
                Misbehaviour::Panic => panic!("a reader that panics on purpose"),
                Misbehaviour::Block => {
                    self.stop.wait();
                    return Err(SourceError::Interrupted);
                }
                Misbehaviour::CutShort => return Ok(None),
                Misbehaviour::BadCell => {
                    batch.put_bytes(b"not eight bytes");
                    self.numbers.put_secret(batch);
                    batch.end_row();
                }
            }
        }
        let first = (chunk * self.numbers.parts + part) * self.numbers.rows;
        for n in first..first + self.numbers.rows {
            batch.put_i64(n.cast_signed());
            self.numbers.put_secret(batch);
            batch.end_row();
        }
        let is_last = part + 1 == self.numbers.parts;
        self.at = (!is_last).then_some((chunk, part + 1));
        Ok(Some(Ticket { chunk, part, is_last, extent_done: u64::from(is_last) }))
    }
}

/// An artifact in memory; fails after `room` bytes.
pub(crate) struct Memory {
    pub(crate) bytes: Vec<u8>,
    pub(crate) room: usize,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), room: usize::MAX }
    }
}

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.room {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Artifact for Memory {
    fn name(&self) -> String {
        "memory".into()
    }

    fn publish(self: Box<Self>) -> Result<(), RunError> {
        Ok(())
    }
}

/// A checkpoint that cancels once told to, and keeps what it heard.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) is_cancelled: AtomicBool,
    pub(crate) heard: Mutex<Vec<Progress>>,
}

impl Checkpoint for Notes {
    fn verdict(&self) -> Verdict {
        match self.is_cancelled.load(Ordering::Relaxed) {
            true => Verdict::Cancelled,
            false => Verdict::Go,
        }
    }

    fn progress(&self, progress: Progress) {
        self.heard.lock().unwrap().push(progress);
    }
}

/// A checkpoint that cancels at its second question: the first comes before the source is opened.
#[derive(Default)]
pub(crate) struct Impatient(AtomicBool);

impl Checkpoint for Impatient {
    fn verdict(&self) -> Verdict {
        match self.0.swap(true, Ordering::Relaxed) {
            true => Verdict::Cancelled,
            false => Verdict::Go,
        }
    }

    fn progress(&self, _progress: Progress) {}
}
