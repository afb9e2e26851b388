//! Runs one export: readers, encoders and the writer on threads, watched from the caller's.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use tidegate_batch::Schema;
use tidegate_format::{Counts, Encoder, Layout};
use tidegate_source::{Interrupt, Reader, RowStream, Snapshot, SourceError, StreamOptions};

use crate::{
    Artifact, Checkpoint, Plan, Progress, RunError, Verdict,
    phase::Phase,
    slab::{Slab, slabs_per_reader},
    writer::{Meter, Writer, Written},
};

/// How often the checkpoint is asked.
const TICK: Duration = Duration::from_millis(50);

/// A finished export: the artifact is whole, but not published yet.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Rows in the file.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// What was changed on the way.
    pub counts: Counts,
    /// Columns of the file.
    pub schema: Arc<Schema>,
    /// The point in time.
    pub snapshot: Snapshot,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Runs an export into an artifact. The caller publishes the artifact, or drops it.
///
/// # Errors
///
/// If anything at all stands in the way of a whole and true file.
pub fn run(
    plan: &Plan<'_>,
    artifact: &mut dyn Artifact,
    checkpoint: &dyn Checkpoint,
) -> Result<Outcome, RunError> {
    if checkpoint.verdict() == Verdict::Cancelled {
        return Err(RunError::Cancelled);
    }
    let options = StreamOptions {
        application: plan.application.clone(),
        readers: plan.readers,
        batch_bytes: plan.format.batch_bytes(),
        cell_bytes_max: plan.limits.cell_bytes_max,
        interrupt: Interrupt::default(),
    };
    let flow = Flow::default();
    let started = Instant::now();
    let watch = Watch { plan, checkpoint, flow: &flow, interrupt: &options.interrupt, started };
    let Some(mut stream) = watch.open(&options) else {
        return Err(flow.into_fault().expect("what is not open has failed"));
    };
    let schema = Arc::clone(&stream.schema);
    let encoder = plan.format.encoder(Layout {
        schema: Arc::clone(&schema),
        options: plan.options.clone(),
        time_zone: plan.time_zone,
        title: plan.title.clone(),
    })?;
    let readers = std::mem::take(&mut stream.readers);
    let writer = Writer {
        framing: encoder.framing(),
        artifact,
        schema: &schema,
        key: &plan.query.key,
        limits: plan.limits,
        meter: &flow.meter,
    };
    let line = Line { encoder: &*encoder, batch_bytes: options.batch_bytes, flow: &flow, plan };
    let written = thread::scope(|scope| {
        let threads = line.start(scope, readers, writer);
        watch.until(&threads.done, Some(&stream));
        watch.report(Some(&stream));
        threads.writer.join().ok().flatten()
    });
    match (flow.into_fault(), written) {
        (Some(error), _) => Err(error),
        (None, Some(written)) => Ok(outcome(written, schema, stream)),
        (None, None) => Err(RunError::Truncated),
    }
}

fn outcome(written: Written, schema: Arc<Schema>, stream: RowStream) -> Outcome {
    Outcome {
        rows: written.rows,
        bytes: written.bytes,
        sha256: written.sha256,
        counts: written.counts,
        schema,
        snapshot: stream.snapshot,
        warnings: stream.warnings,
    }
}

/// What all threads share: the word to stop, the first fault, the meter.
#[derive(Default)]
struct Flow {
    meter: Meter,
    is_stopped: AtomicBool,
    fault: Mutex<Option<RunError>>,
}

impl Flow {
    /// Stops the export. The first fault stays, unless it was only the echo of an interrupt.
    fn fail(&self, error: RunError) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let is_echo = matches!(&*fault, Some(RunError::Source(SourceError::Interrupted)));
        if fault.is_none() || is_echo {
            *fault = Some(error);
        }
        self.is_stopped.store(true, Ordering::Release);
    }

    fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    fn into_fault(self) -> Option<RunError> {
        self.fault.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The caller's side: asks the checkpoint and stops the threads when they have to.
struct Watch<'a> {
    plan: &'a Plan<'a>,
    checkpoint: &'a dyn Checkpoint,
    flow: &'a Flow,
    interrupt: &'a Interrupt,
    started: Instant,
}

impl Watch<'_> {
    /// Opens the stream on a thread of its own, since a server may keep that one waiting for a
    /// table that somebody has locked. None if it failed, or has to stop already.
    fn open(&self, options: &StreamOptions) -> Option<RowStream> {
        let (plan, flow) = (self.plan, self.flow);
        let opened = thread::scope(|scope| {
            let (alive, done) = bounded::<()>(0);
            let opening = scope.spawn(move || {
                let _alive = alive;
                let phase = Phase::open(&plan.span, plan.source.kind());
                guarded(flow, "opening", || {
                    let opened = plan.source.stream(&plan.query, options).map_err(RunError::from);
                    match &opened {
                        Ok(stream) => phase.note("tidegate.readers", stream.readers.len() as u64),
                        Err(error) => phase.failed(error.reason()),
                    }
                    opened
                })
            });
            self.until(&done, None);
            opening.join().ok().flatten()
        });
        match opened? {
            Ok(stream) => (!flow.is_stopped()).then_some(stream),
            Err(error) => {
                flow.fail(error);
                None
            }
        }
    }

    /// Watches until the threads have ended.
    fn until(&self, done: &Receiver<()>, stream: Option<&RowStream>) {
        while let Err(RecvTimeoutError::Timeout) = done.recv_timeout(TICK) {
            self.report(stream);
            if self.checkpoint.verdict() == Verdict::Cancelled {
                self.flow.fail(RunError::Cancelled);
            } else if self.started.elapsed() > self.plan.snapshot_age_max {
                let seconds = self.plan.snapshot_age_max.as_secs();
                self.flow.fail(RunError::SnapshotTooOld { seconds });
            }
            if self.flow.is_stopped() {
                self.interrupt.interrupt();
            }
        }
    }

    /// Tells how far it is; what there is in all is known once the stream is open.
    fn report(&self, stream: Option<&RowStream>) {
        self.checkpoint.progress(Progress {
            extent_total: stream.map_or(0, |stream| stream.extent.total),
            rows_estimated: stream.and_then(|stream| stream.rows_estimated),
            ..self.flow.meter.progress()
        });
    }
}

/// The line that slabs run along.
struct Line<'env> {
    encoder: &'env dyn Encoder,
    batch_bytes: usize,
    flow: &'env Flow,
    plan: &'env Plan<'env>,
}

impl<'env> Line<'env> {
    /// Starts a thread for each reader, one encoder for each core, and the writer.
    fn start<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'env>,
        readers: Vec<Box<dyn Reader>>,
        writer: Writer<'env>,
    ) -> Threads<'scope> {
        let (encoder, flow, plan) = (self.encoder, self.flow, self.plan);
        let encoder_count = thread::available_parallelism().map_or(1, usize::from);
        let slabs = slabs_per_reader(readers.len(), encoder_count);
        let (filled, to_encode) = bounded(slabs * readers.len());
        let (encoded, to_write) = bounded(slabs * readers.len());
        let (alive, done) = bounded::<()>(0);
        let mut free = Vec::new();
        for (index, reader) in readers.into_iter().enumerate() {
            let (give_back, take) = unbounded();
            for _ in 0..slabs {
                let slab = Slab::new(index, self.batch_bytes);
                give_back.send(slab).expect("the receiver is alive here");
            }
            free.push(give_back);
            let (filled, alive) = (filled.clone(), alive.clone());
            scope.spawn(move || {
                let _alive = alive;
                let phase = Phase::read(&plan.span, index);
                match guarded(flow, "reader", || read(reader, &take, &filled, flow)) {
                    Some(Ok(rows)) => phase.note("tidegate.rows", rows),
                    Some(Err(error)) => {
                        phase.failed(error.reason());
                        flow.fail(error);
                    }
                    None => {}
                }
            });
        }
        for _ in 0..encoder_count {
            let (to_encode, encoded, alive) = (to_encode.clone(), encoded.clone(), alive.clone());
            scope.spawn(move || {
                let _alive = alive;
                guarded(flow, "encoder", || encode(encoder, &to_encode, &encoded));
            });
        }
        let writer = scope.spawn(move || {
            let _alive = alive;
            let phase = Phase::write(&plan.span, plan.format.slug());
            match guarded(flow, "writer", || writer.write(&to_write, &free))? {
                Ok(written) => {
                    if let Some(written) = &written {
                        phase.note("tidegate.rows", written.rows);
                        phase.note("tidegate.bytes", written.bytes);
                    }
                    written
                }
                Err(error) => {
                    phase.failed(error.reason());
                    flow.fail(error);
                    None
                }
            }
        });
        Threads { writer, done }
    }
}

/// The end of a line.
struct Threads<'scope> {
    writer: ScopedJoinHandle<'scope, Option<Written>>,
    /// Closed when the last thread ends.
    done: Receiver<()>,
}

/// Does the work of a thread. A panic stops the export: the other threads would wait for ever.
fn guarded<T>(flow: &Flow, thread: &'static str, work: impl FnOnce() -> T) -> Option<T> {
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    done.map_err(|_| flow.fail(RunError::Panicked { thread })).ok()
}

/// Reads until the source has no more, or somebody said stop. Gives the rows that were passed on.
fn read(
    mut reader: Box<dyn Reader>,
    free: &Receiver<Slab>,
    filled: &Sender<Slab>,
    flow: &Flow,
) -> Result<u64, RunError> {
    let mut is_chunk_open = false;
    let mut rows = 0;
    while let Some(mut slab) = next_free(free, flow) {
        match reader.read(&mut slab.batch) {
            Ok(Some(ticket)) => {
                is_chunk_open = !ticket.is_last;
                slab.ticket = ticket;
            }
            Ok(None) if is_chunk_open => return Err(RunError::Truncated),
            Ok(None) => return Ok(rows),
            Err(error) => return Err(error.into()),
        }
        rows += slab.batch.len() as u64;
        slab.batch.seal();
        if filled.send(slab).is_err() {
            break;
        }
    }
    Ok(rows)
}

/// The next free slab. A reader that is ahead waits here for one that is behind, and must not wait
/// for ever when that one has failed.
fn next_free(free: &Receiver<Slab>, flow: &Flow) -> Option<Slab> {
    loop {
        match free.recv_timeout(TICK) {
            Ok(_) | Err(RecvTimeoutError::Timeout) if flow.is_stopped() => return None,
            Ok(slab) => return Some(slab),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// Encodes until there is nothing more.
fn encode(encoder: &dyn Encoder, filled: &Receiver<Slab>, encoded: &Sender<Slab>) {
    for mut slab in filled {
        slab.fault = encoder.encode(&slab.batch, &mut slab.piece).err();
        if encoded.send(slab).is_err() {
            return;
        }
    }
}
