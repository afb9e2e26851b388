//! Commits changes, and those that wait for each other together: one lock, one flush to the disk.
//!
//! All writers of a site meet at the head of the log. Within a process they need not wait there
//! one by one: whoever has its turn does what has gathered meanwhile, each change in a savepoint of
//! its own, in one transaction. Everybody hears of a change when it is durable, and not before.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sea_orm::{DbErr, TransactionTrait};
use serde_json::Value;
use tidegate_model::{audit::Entry, ids::JobId};
use tokio::sync::oneshot;

use crate::{
    chain::{Head, MADE, Stamp},
    change::Applied,
    chaos::{self, Point},
    connection::Connections,
    door::Committed,
    error::StoreError,
    sql::{Tx, get},
};

/// Changes of one transaction at most: what has gathered must not wait long for the first.
const TOGETHER_MAX: usize = 16;
/// Life of a transaction: longer than a server waits for a silent client, or for a lock.
const TURN_MAX: Duration = Duration::from_secs(30);
/// How often it is asked what became of a commit that was not confirmed.
const READ_BACK_ATTEMPTS_MAX: u32 = 20;
/// Pause between two such questions.
const READ_BACK_PAUSE: Duration = Duration::from_millis(250);

/// The work within a transaction.
pub(crate) type Work<'a> = Pin<Box<dyn Future<Output = Result<Applied, StoreError>> + Send + 'a>>;
/// The work, as it waits.
type Waiting = Box<dyn for<'a> FnOnce(&'a Tx) -> Work<'a> + Send>;

/// The changes that wait for their turn.
#[derive(Default)]
pub(crate) struct Gathered {
    waiting: Mutex<VecDeque<Pending>>,
    /// Whoever has it commits for all.
    turn: tokio::sync::Mutex<()>,
}

/// A change that waits, and who hears what became of it.
struct Pending {
    stamp: Stamp,
    work: Waiting,
    told: oneshot::Sender<Result<Committed, Failed>>,
}

/// A change that was done or refused, in a transaction that is not durable yet: also a refusal may
/// rest on what was done before it.
struct Decided {
    outcome: Result<Committed, StoreError>,
    told: oneshot::Sender<Result<Committed, Failed>>,
}

enum Failed {
    /// Nothing was done.
    Before(StoreError),
    /// It was being confirmed.
    Confirming(Arc<DbErr>),
}

impl fmt::Debug for Gathered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} changes", self.lock().len())
    }
}

impl Gathered {
    fn put(&self, pending: Pending) {
        self.lock().push_back(pending);
    }

    fn take(&self) -> Vec<Pending> {
        let mut waiting = self.lock();
        let count = waiting.len().min(TOGETHER_MAX);
        waiting.drain(..count).collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Pending>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does the work and commits it, with that of others who wait. Only ever called in a task of its
/// own, since others depend on it.
pub(crate) async fn commit(
    connections: &Connections,
    stamp: Stamp,
    work: Waiting,
) -> Result<Committed, StoreError> {
    let word = stamp.commit.clone();
    let (told, mut hears) = oneshot::channel();
    connections.gathered.put(Pending { stamp, work, told });
    let became = loop {
        let turn = connections.gathered.turn.lock().await;
        match hears.try_recv() {
            // Whoever had the turn before has not come to it.
            Err(oneshot::error::TryRecvError::Empty) => {
                // A connection that has fallen silent must not stop the process: whoever was with
                // it then asks what became of it.
                let together = commit_together(connections, connections.gathered.take());
                drop(tokio::time::timeout(TURN_MAX, together).await);
            }
            Err(oneshot::error::TryRecvError::Closed) => {
                let broken_off = DbErr::Custom("the transaction was broken off".to_owned());
                break Err(Failed::Confirming(Arc::new(broken_off)));
            }
            Ok(became) => break became,
        }
        drop(turn);
    };
    match became {
        Ok(committed) => Ok(committed),
        Err(Failed::Before(error)) => Err(error),
        Err(Failed::Confirming(error)) => read_back(connections, &word, error).await,
    }
}

/// One transaction. Everybody hears when it is over.
async fn commit_together(connections: &Connections, pending: Vec<Pending>) {
    let mut left = VecDeque::from(pending);
    let mut decided = Vec::new();
    let committed = match apply_all(connections, &mut left, &mut decided).await {
        Ok(None) => Ok(()),
        Ok(Some(tx)) => tx.inner.commit().await.map_err(|error| Failed::Confirming(error.into())),
        Err(error) => Err(Failed::Before(error)),
    };
    if committed.is_ok() && decided.iter().any(|one| one.outcome.is_ok()) {
        chaos::stop_at(Point::Commit);
    }
    for Decided { outcome, told } in decided {
        drop(told.send(match (&committed, outcome) {
            (Ok(()), outcome) => outcome.map_err(Failed::Before),
            (Err(Failed::Confirming(error)), Ok(_)) => Err(Failed::Confirming(Arc::clone(error))),
            // It was refused, by what may not hold.
            (Err(Failed::Confirming(error)), Err(_)) => {
                Err(Failed::Before(StoreError::Database(Arc::clone(error))))
            }
            (Err(Failed::Before(error)), _) => Err(Failed::Before(error.clone())),
        }));
    }
    if let Err(Failed::Before(error)) = committed {
        left.into_iter().for_each(|one| drop(one.told.send(Err(Failed::Before(error.clone())))));
    }
}

/// Does all the work that is left, and saves the head of the log. None if nothing was done.
async fn apply_all(
    connections: &Connections,
    left: &mut VecDeque<Pending>,
    decided: &mut Vec<Decided>,
) -> Result<Option<Tx>, StoreError> {
    let inner = connections.begin().await?;
    let mut tx = Tx { inner, now: 0, next_seq: 0 };
    let mut head = Head::lock(&mut tx, connections).await?;
    let is_alone = left.len() == 1;
    while let Some(Pending { stamp, work, told }) = left.pop_front() {
        let before = head.clone();
        let outcome = match is_alone {
            true => apply(&tx, &mut head, &stamp, work).await,
            false => match apply_apart(&tx, &mut head, &stamp, work).await {
                Ok(outcome) => outcome,
                Err(error) => {
                    decided.push(Decided { outcome: Err(error.clone().into()), told });
                    return Err(error.into());
                }
            },
        };
        if outcome.is_err() {
            head = before;
        }
        decided.push(Decided { outcome, told });
    }
    if decided.iter().all(|one| one.outcome.is_err()) {
        return Ok(None);
    }
    head.save(&tx).await?;
    Ok(Some(tx))
}

/// Does the work in a savepoint, so that it can be undone by itself. An error outside of that is
/// one of the whole transaction.
async fn apply_apart(
    tx: &Tx,
    head: &mut Head,
    stamp: &Stamp,
    work: Waiting,
) -> Result<Result<Committed, StoreError>, Arc<DbErr>> {
    let part = Tx { inner: tx.inner.begin().await?, now: tx.now, next_seq: head.seq + 1 };
    let outcome = apply(&part, head, stamp, work).await;
    match outcome {
        Ok(_) => part.inner.commit().await?,
        Err(_) => part.inner.rollback().await?,
    }
    Ok(outcome)
}

/// Does the work, and appends its entries.
async fn apply(
    tx: &Tx,
    head: &mut Head,
    stamp: &Stamp,
    work: Waiting,
) -> Result<Committed, StoreError> {
    let applied = work(tx).await?;
    let (seq, id) = (head.seq + 1, applied.id);
    let mut job = None;
    for line in applied.lines {
        job = job.or(line.job);
        head.append(tx, stamp, line, id).await?;
    }
    Ok(Committed { seq, job, id })
}

/// Asks whether a commit happened. Locking the head waits for a transaction that is still at it.
async fn read_back(
    connections: &Connections,
    commit: &str,
    error: Arc<DbErr>,
) -> Result<Committed, StoreError> {
    const COMMITTED: &str = "\
        select seq, job_id, entry from activity where commit_id = $1 order by seq";
    for _ in 0..READ_BACK_ATTEMPTS_MAX {
        let asked = async {
            let inner = connections.begin().await?;
            let mut tx = Tx { inner, now: 0, next_seq: 0 };
            Head::lock(&mut tx, connections).await?;
            Ok::<_, StoreError>(tx.rows(COMMITTED, [commit.into()]).await?)
        };
        match asked.await {
            Ok(rows) => {
                let Some(first) = rows.first() else { return Err(StoreError::Database(error)) };
                let text: String = get(first, "entry")?;
                let entry: Entry = serde_json::from_str(&text)
                    .map_err(|_| StoreError::Corrupt { what: "activity entry" })?;
                let mut job: Option<i64> = None;
                for row in &rows {
                    job = job.or(get(row, "job_id")?);
                }
                let id = entry.details.get(MADE).and_then(Value::as_i64);
                return Ok(Committed { seq: get(first, "seq")?, job: job.map(JobId), id });
            }
            Err(_) => tokio::time::sleep(READ_BACK_PAUSE).await,
        }
    }
    Err(StoreError::Unknown(error))
}
