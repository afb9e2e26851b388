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
use tidegate_format::{BATCH_BYTES, Counts, Encoder, Layout};
use tidegate_source::{Interrupt, Reader, RowStream, Snapshot, SourceError, StreamOptions};

use crate::{
    Artifact, Checkpoint, Masking, Plan, Progress, RunError, Verdict,
    cut::cut,
    phase::Phase,
    read::{Desk, read},
    slab::{Slab, slabs_per_reader},
    writer::{Meter, Writer, Written},
};

/// How often the checkpoint is asked, and a thread that waits looks whether it still should.
pub(crate) const TICK: Duration = Duration::from_millis(50);

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
    let is_masked = plan.query.fields.iter().any(|chosen| chosen.field.mask.hides());
    let options = StreamOptions {
        application: plan.application.clone(),
        readers: plan.readers,
        // What is masked is cut into batches later.
        batch_bytes: if is_masked { BATCH_BYTES } else { plan.format.batch_bytes() },
        cell_bytes_max: plan.limits.cell_bytes_max,
        interrupt: Interrupt::default(),
    };
    let flow = Flow::default();
    let started = Instant::now();
    let watch = Watch { plan, checkpoint, flow: &flow, interrupt: &options.interrupt, started };
    let Some(mut stream) = watch.open(&options) else {
        return Err(flow.into_fault().expect("what is not open has failed"));
    };
    let masking = Masking::of(&stream.schema, &plan.query.fields, plan.mask_key.as_ref());
    let schema = masking.as_ref().map_or(&stream.schema, Masking::schema);
    let schema = Arc::clone(schema);
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
    let line = Line {
        encoder: &*encoder,
        masking: masking.as_ref(),
        read_bytes: options.batch_bytes,
        flow: &flow,
        plan,
    };
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
pub(crate) struct Flow {
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

    pub(crate) fn is_stopped(&self) -> bool {
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
    masking: Option<&'env Masking>,
    /// Bytes of a batch that is read.
    read_bytes: usize,
    flow: &'env Flow,
    plan: &'env Plan<'env>,
}

impl<'env> Line<'env> {
    /// Starts a thread for each reader, one encoder for each core, and the writer; where rows are
    /// masked, one that cuts them into batches anew.
    fn start<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'env>,
        readers: Vec<Box<dyn Reader>>,
        writer: Writer<'env>,
    ) -> Threads<'scope> {
        let flow = self.flow;
        let slabs = readers.len() * slabs_per_reader(readers.len(), encoders());
        let (filled, to_encode) = bounded(slabs);
        let (encoded, to_write) = bounded(slabs);
        let (alive, done) = bounded::<()>(0);
        let free = match self.masking {
            None => self.read(scope, readers, &filled, &alive),
            Some(_) => {
                let (masked, to_cut) = bounded(slabs);
                let free = self.read(scope, readers, &masked, &alive);
                vec![self.cut(scope, (to_cut, free), &filled)]
            }
        };
        let encoder = self.encoder;
        for _ in 0..encoders() {
            let (to_encode, encoded, alive) = (to_encode.clone(), encoded.clone(), alive.clone());
            scope.spawn(move || {
                let _alive = alive;
                guarded(flow, "encoder", || encode(encoder, &to_encode, &encoded));
            });
        }
        let plan = self.plan;
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

    /// Starts the readers; gives where each takes them back.
    fn read<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'env>,
        readers: Vec<Box<dyn Reader>>,
        filled: &Sender<Slab>,
        alive: &Sender<()>,
    ) -> Vec<Sender<Slab>> {
        let (masking, flow, plan) = (self.masking, self.flow, self.plan);
        let slabs = slabs_per_reader(readers.len(), encoders());
        let start = |(index, reader)| {
            let (give_back, take) = slabs_of(index, slabs, self.read_bytes);
            let (filled, alive) = (filled.clone(), alive.clone());
            scope.spawn(move || {
                let _alive = alive;
                let phase = Phase::read(&plan.span, index);
                let desk = Desk { free: &take, filled: &filled, flow };
                match guarded(flow, "reader", || read(reader, masking, &desk)) {
                    Some(Ok(rows)) => phase.note("tidegate.rows", rows),
                    Some(Err(error)) => {
                        phase.failed(error.reason());
                        flow.fail(error);
                    }
                    None => {}
                }
            });
            give_back
        };
        readers.into_iter().enumerate().map(start).collect()
    }

    /// Starts the one that cuts masked rows into batches; gives where it takes its slabs back.
    fn cut<'scope>(
        &self,
        scope: &'scope Scope<'scope, 'env>,
        (masked, free): (Receiver<Slab>, Vec<Sender<Slab>>),
        filled: &Sender<Slab>,
    ) -> Sender<Slab> {
        let batch_bytes = self.plan.format.batch_bytes();
        let (give_back, take) = slabs_of(0, slabs_per_reader(1, encoders()), batch_bytes);
        let (flow, filled) = (self.flow, filled.clone());
        let width = self.masking.map_or(0, Masking::width);
        scope.spawn(move || {
            let desk = Desk { free: &take, filled: &filled, flow };
            guarded(flow, "cutter", || cut(&masked, &free, &desk, width, batch_bytes));
        });
        give_back
    }
}

/// Encoders: one for each core.
fn encoders() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Slabs of a thread, and where it takes them back.
fn slabs_of(thread: usize, count: usize, batch_bytes: usize) -> (Sender<Slab>, Receiver<Slab>) {
    let (give_back, take) = unbounded();
    for _ in 0..count {
        let slab = Slab::new(thread, batch_bytes);
        give_back.send(slab).expect("the receiver is alive here");
    }
    (give_back, take)
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

/// Encodes until there is nothing more. What could not be masked is passed on as it is.
fn encode(encoder: &dyn Encoder, filled: &Receiver<Slab>, encoded: &Sender<Slab>) {
    for mut slab in filled {
        if slab.fault.is_none() {
            slab.fault = encoder.encode(&slab.batch, &mut slab.piece).err();
        }
        if encoded.send(slab).is_err() {
            return;
        }
    }
}
