//! Signs the chain's head a minute or a hundred entries later, and writes it to the anchors.
//!
//! The order is what makes it safe with several processes, and with one that dies in between:
//! the copy in the database comes first, as the next number after the last one or not at all, so
//! that of several who try at once one wins; every process then brings its own anchors up to the
//! database's last copy. An anchor is therefore never ahead of the database, unless the database
//! is not what it was: then nothing is signed any more until people have looked.

mod outcome;
mod pace;

use futures_util::future::join_all;
use tidegate_model::{
    action::{Action, Target},
    audit::{
        CHECKPOINT_VERSION, ChainFault, ChainWalk, Checkpoint, FIRST_HASH, SignedCheckpoint,
        time_text,
    },
    policy::Denied,
};
use tidegate_store::{Store, StoreError};
use tracing::{error, info, warn};

pub use self::{
    outcome::{AnchorRun, CheckpointRun},
    pace::CheckpointPace,
};
use super::error::permit;
use crate::{
    audit::{Anchor, AnchorError, NotProven, Proven},
    keys::{KeyRing, Keys, PublicKeys, Purpose},
};

/// Name of the task, as the policy is asked.
const TASK: &str = "checkpoint";

/// Longest time that an entry waits for a checkpoint unless a site says otherwise. What fails is
/// also told, and an anchor that fails tried again, once in this time.
const PERIOD_MICROS: u64 = 60_000_000;
/// Entries after which one is due before that.
const ENTRIES_MAX: i64 = 100;
/// Entries that are read at a time.
const PAGE: u32 = 1_000;
/// Checkpoints that are written at a time, which must not take an anchor longer than it may.
const ANCHOR_PAGE: u32 = 100;
/// Pages that an anchor is brought forward in one run: the next checkpoint does not wait for more.
const ANCHOR_PAGES_MAX: usize = 5;

/// Signs checkpoints and writes them to the anchors of this process.
#[derive(Debug)]
pub struct Checkpoints {
    anchors: Vec<Place>,
    pace: CheckpointPace,
    /// The last checkpoint that this process has seen. The database can forget, we do not.
    seen: Option<Proven>,
    /// The last refusal, and when it was told.
    told: Option<(String, i64)>,
}

/// An anchor, and what is known of it.
#[derive(Debug)]
struct Place {
    anchor: Anchor,
    /// Number of the last checkpoint that it holds.
    reached: Option<i64>,
    /// When it failed, unless it works.
    failed_at: Option<i64>,
}

/// No checkpoint is signed, or an anchor is not written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Upkeep may not do it: a fault of the program.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// An anchor fails.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// No anchor can be read: a checkpoint that stays in the database would prove nothing.
    #[error("no anchor can be read, so nothing is signed: {}", faults.join("; "))]
    NoAnchor {
        /// What each one said.
        faults: Vec<String>,
    },
    /// The chain does not fit since the last checkpoint.
    #[error(
        "the activity log was changed, and is not signed any more: run `tidegate audit verify`"
    )]
    Broken(#[source] ChainFault),
    /// The entry that the last checkpoint speaks of is not there, or is another one.
    #[error(
        "entry {seq} of the activity log is not the one that checkpoint {number} vouches for, and \
         nothing is signed any more: run `tidegate audit verify`"
    )]
    Rewritten {
        /// Number of the entry.
        seq: i64,
        /// Number of the checkpoint.
        number: i64,
    },
    /// The end of the chain is not where its row says.
    #[error(
        "the activity log does not end where its head says, at entry {seq}, and is not signed any \
         more: run `tidegate audit verify`"
    )]
    HeadDisagrees {
        /// Number that the head says.
        seq: i64,
    },
    /// An anchor knows more than the database.
    #[error(
        "{place} holds checkpoint {number}, and the database knows none after {known}: it was \
         changed, or an older backup was restored. Nothing is signed: run `tidegate audit verify`"
    )]
    DatabaseBehind {
        /// Where that checkpoint stands.
        place: String,
        /// Its number.
        number: i64,
        /// Number of the database's last one.
        known: i64,
    },
    /// The copy in the database was changed.
    #[error(
        "the database's copy of checkpoint {number} is gone or was changed, and nothing is signed \
         any more: run `tidegate audit verify`"
    )]
    CopyChanged {
        /// Its number.
        number: i64,
    },
    /// A checkpoint is not signed by one of our keys.
    #[error("checkpoint {number} in {place} is not ours, and nothing is signed any more")]
    NotOurs {
        /// Where it stands.
        place: String,
        /// The number that it claims.
        number: i64,
        /// Why.
        #[source]
        cause: NotProven,
    },
}

/// What the copies in the database are called.
const DATABASE: &str = "the database";

impl Checkpoints {
    /// For these anchors. There should be one, and better two on different machines.
    pub fn new(anchors: Vec<Anchor>) -> Self {
        let place = |anchor| Place { anchor, reached: None, failed_at: None };
        let anchors = anchors.into_iter().map(place).collect();
        Self { anchors, pace: CheckpointPace::default(), seen: None, told: None }
    }

    /// At another pace than once a minute.
    #[must_use]
    pub fn at_pace(self, pace: CheckpointPace) -> Self {
        Self { pace, ..self }
    }

    /// The anchors.
    pub(super) fn anchors(&self) -> Vec<Anchor> {
        self.anchors.iter().map(|place| place.anchor.clone()).collect()
    }

    /// Signs a checkpoint if one is due, and brings the anchors up to date. To be called every few
    /// seconds. `now` is the database's clock, in microseconds since 1970: all processes have that.
    ///
    /// # Errors
    ///
    /// If a checkpoint is due and must not be signed: the log, or what is known of it, was changed.
    /// It says so in the service's log, too. An anchor that fails is no error of the run as long as
    /// another one can be read.
    pub async fn run(
        &mut self,
        store: &Store,
        keys: &Keys,
        now: i64,
    ) -> Result<CheckpointRun, CheckpointError> {
        let run = self.attempt(store, keys, now).await;
        self.say(run, now)
    }

    /// The same with the keys in use. A key that is unknown may be newer than the last look at
    /// their folder: another process has signed with it.
    pub(super) async fn run_with(
        &mut self,
        store: &Store,
        ring: &KeyRing,
        now: i64,
    ) -> Result<CheckpointRun, CheckpointError> {
        let mut run = self.attempt(store, &ring.current(), now).await;
        if run.as_ref().is_err_and(CheckpointError::is_unknown_key) && ring.look() {
            run = self.attempt(store, &ring.current(), now).await;
        }
        self.say(run, now)
    }

    /// Tells what a run did, in the service's log.
    fn say(
        &mut self,
        run: Result<CheckpointRun, CheckpointError>,
        now: i64,
    ) -> Result<CheckpointRun, CheckpointError> {
        match &run {
            Ok(run) => {
                self.told = None;
                for AnchorRun { anchor, error, .. } in &run.anchors {
                    if let Some(error) = error {
                        let error = error as &dyn std::error::Error;
                        warn!(anchor, error, "anchor not written");
                    }
                }
                if let Some(number) = run.signed {
                    info!(number, seq = run.seq, "checkpoint signed");
                }
            }
            Err(error) => self.tell(error, now),
        }
        run
    }

    /// Says that nothing is signed: at once, and then once a minute.
    fn tell(&mut self, refusal: &CheckpointError, now: i64) {
        let message = refusal.to_string();
        let is_told = self
            .told
            .as_ref()
            .is_some_and(|(told, at)| *told == message && now.abs_diff(*at) < PERIOD_MICROS);
        if !is_told {
            error!(error = refusal as &dyn std::error::Error, "checkpoint refused");
            self.told = Some((message, now));
        }
    }

    async fn attempt(
        &mut self,
        store: &Store,
        keys: &Keys,
        now: i64,
    ) -> Result<CheckpointRun, CheckpointError> {
        let last = self.last(store, keys.public()).await?;
        let head = store.head().await?;
        let mut signed = None;
        let mut newest = last;
        if self.pace.is_due(store, newest.as_ref(), head.0, now).await? {
            newest = self.survey(store, keys.public(), newest, now).await?;
            // Another process may have signed meanwhile.
            if self.pace.is_due(store, newest.as_ref(), head.0, now).await? {
                signed = sign(store, keys, newest.as_ref(), head.clone(), now).await?;
            }
            newest = self.last(store, keys.public()).await?;
        }
        let (number, seq) = newest.as_ref().map_or((0, 0), |it| (it.says.number, it.says.seq));
        Ok(CheckpointRun {
            signed,
            newest: number,
            seq,
            entries_behind: (head.0 - seq).max(0),
            anchors: self.write(store, keys.public(), number, now).await,
        })
    }

    /// The database's last copy, which must not be behind what we have seen.
    async fn last(
        &mut self,
        store: &Store,
        keys: &PublicKeys,
    ) -> Result<Option<Proven>, CheckpointError> {
        let copy = store.last_checkpoint().await?;
        let last = copy.map(|signed| proven(signed, keys, DATABASE)).transpose()?;
        let known = last.as_ref().map_or(0, |last| last.says.number);
        if let Some(seen) = &self.seen {
            let number = seen.says.number;
            if known < number {
                let place = "this process".to_owned();
                return Err(CheckpointError::DatabaseBehind { place, number, known });
            }
            if known == number && last.as_ref() != Some(seen) {
                return Err(CheckpointError::CopyChanged { number });
            }
        }
        self.seen.clone_from(&last);
        Ok(last)
    }

    /// Looks into the anchors: none may know more than the database, or something else, and one at
    /// least must be readable. Gives back the database's last copy.
    async fn survey(
        &mut self,
        store: &Store,
        keys: &PublicKeys,
        last: Option<Proven>,
        now: i64,
    ) -> Result<Option<Proven>, CheckpointError> {
        if self.anchors.is_empty() {
            let faults = vec!["none is configured, set `[audit] anchors`".to_owned()];
            return Err(CheckpointError::NoAnchor { faults });
        }
        let known = last.as_ref().map_or(0, |last| last.says.number);
        let looks = self.anchors.iter().map(|place| place.anchor.latest(known));
        let found = join_all(looks).await;
        let mut last = last;
        let mut faults = Vec::new();
        for (index, found) in found.into_iter().enumerate() {
            let name = self.anchors[index].anchor.name().to_owned();
            let latest = match found {
                Ok(Some(signed)) => proven(signed, keys, &name)?,
                Ok(None) => {
                    self.anchors[index].holds(0);
                    continue;
                }
                Err(error @ AnchorError::Damaged { .. }) => return Err(error.into()),
                Err(error) => {
                    warn!(
                        anchor = name,
                        error = &error as &dyn std::error::Error,
                        "anchor not read"
                    );
                    faults.push(error.to_string());
                    self.anchors[index].failed(now);
                    continue;
                }
            };
            let number = latest.says.number;
            if number > last.as_ref().map_or(0, |last| last.says.number) {
                last = self.last(store, keys).await?;
            }
            let known = last.as_ref().map_or(0, |last| last.says.number);
            if number > known {
                return Err(CheckpointError::DatabaseBehind { place: name, number, known });
            }
            if copy(store, number).await?.as_ref() != Some(&latest.signed) {
                return Err(AnchorError::Conflict { anchor: name, number }.into());
            }
            self.anchors[index].holds(number);
        }
        if faults.len() == self.anchors.len() {
            return Err(CheckpointError::NoAnchor { faults });
        }
        Ok(last)
    }

    /// Brings each anchor up to the database's last copy. One that failed is left alone for a
    /// while, so that it holds up neither the others nor the next checkpoint.
    async fn write(
        &mut self,
        store: &Store,
        keys: &PublicKeys,
        newest: i64,
        now: i64,
    ) -> Vec<AnchorRun> {
        let writes = self.anchors.iter_mut().map(|place| async move {
            let rests = place.failed_at.is_some_and(|at| now.abs_diff(at) < PERIOD_MICROS);
            let mut error = None;
            if place.reached != Some(newest) && !rests {
                match place.catch_up(store, keys, newest).await {
                    Ok(reached) => place.holds(reached),
                    Err(fault) => {
                        place.failed(now);
                        error = Some(fault);
                    }
                }
            }
            let anchor = place.anchor.name().to_owned();
            AnchorRun { anchor, reached: place.reached, error }
        });
        join_all(writes).await
    }
}

impl Place {
    fn holds(&mut self, number: i64) {
        (self.reached, self.failed_at) = (Some(number), None);
    }

    fn failed(&mut self, now: i64) {
        self.failed_at = Some(now);
    }

    /// Writes what the anchor lacks, up to a few pages. Gives the number of its last checkpoint.
    async fn catch_up(
        &self,
        store: &Store,
        keys: &PublicKeys,
        newest: i64,
    ) -> Result<i64, CheckpointError> {
        let name = self.anchor.name();
        let latest = self.anchor.latest(newest).await?;
        let latest = latest.map(|signed| proven(signed, keys, name)).transpose()?;
        let mut reached = latest.as_ref().map_or(0, |latest| latest.says.number);
        let mut prev = latest.map_or_else(|| FIRST_HASH.to_owned(), |it| it.signed.hash());
        for _ in 0..ANCHOR_PAGES_MAX {
            if reached >= newest {
                break;
            }
            let page = store.checkpoints(reached, ANCHOR_PAGE).await?;
            for (row, signed) in &page {
                let copy = proven(signed.clone(), keys, DATABASE)?;
                let number = reached + 1;
                if (*row, copy.says.number) != (number, number) || copy.says.prev != prev {
                    return Err(CheckpointError::CopyChanged { number });
                }
                (reached, prev) = (number, signed.hash());
            }
            if page.is_empty() {
                return Err(CheckpointError::CopyChanged { number: reached + 1 });
            }
            self.anchor.append(page).await?;
        }
        Ok(reached)
    }
}

fn proven(
    signed: SignedCheckpoint,
    keys: &PublicKeys,
    place: &str,
) -> Result<Proven, CheckpointError> {
    let number = signed.says().map_or(0, |says| says.number);
    let not_ours = |cause| CheckpointError::NotOurs { place: place.to_owned(), number, cause };
    Proven::of(signed, keys).map_err(not_ours)
}

/// The database's copy of a checkpoint.
async fn copy(store: &Store, number: i64) -> Result<Option<SignedCheckpoint>, StoreError> {
    let found = store.checkpoints(number - 1, 1).await?;
    Ok(found.into_iter().find(|(row, _)| *row == number).map(|(_, signed)| signed))
}

/// Signs the head, if the chain up to it fits to the last checkpoint. None if another process was
/// first.
async fn sign(
    store: &Store,
    keys: &Keys,
    last: Option<&Proven>,
    head: (i64, String),
    now: i64,
) -> Result<Option<i64>, CheckpointError> {
    walk(store, last, &head).await?;
    let before = last.map_or(0, |last| last.says.number);
    let checkpoint = Checkpoint {
        v: CHECKPOINT_VERSION,
        number: before + 1,
        seq: head.0,
        head: head.1,
        at: time_text(now),
        prev: last.map_or_else(|| FIRST_HASH.to_owned(), |last| last.signed.hash()),
    };
    let text = checkpoint.text();
    let (key, signature) = keys.sign(Purpose::Checkpoint, &text);
    let signed = SignedCheckpoint { checkpoint: text, key, signature };
    let permit =
        permit::<CheckpointError>(store, TASK, Action::CheckpointKeep, Target::default()).await?;
    if store.keep_checkpoint(permit, &checkpoint, &signed).await? {
        return Ok(Some(checkpoint.number));
    }
    // Whoever was first has left a copy of that number; without one, the table is not ours.
    match copy(store, checkpoint.number).await? {
        Some(_) => Ok(None),
        None => Err(CheckpointError::CopyChanged { number: checkpoint.number }),
    }
}

/// Walks from the entry of the last checkpoint to the head.
async fn walk(
    store: &Store,
    last: Option<&Proven>,
    head: &(i64, String),
) -> Result<(), CheckpointError> {
    let mut walk = ChainWalk::from_start();
    if let Some(Proven { says, .. }) = last {
        let (seq, number) = (says.seq, says.number);
        let row = store.entries(seq - 1, 1).await?.into_iter().next();
        let is_there = row.is_some_and(|(it, _)| (it.seq, &it.hash) == (seq, &says.head));
        if head.0 < seq || (seq > 0 && !is_there) {
            return Err(CheckpointError::Rewritten { seq, number });
        }
        walk = ChainWalk::after(seq, &says.head);
    }
    while walk.seq() < head.0 {
        let page = store.entries(walk.seq(), PAGE).await?;
        if page.is_empty() {
            break;
        }
        for (stored, columns) in page.iter().take_while(|(stored, _)| stored.seq <= head.0) {
            walk.step(stored, Some(columns)).map_err(CheckpointError::Broken)?;
        }
        if page.iter().all(|(stored, _)| stored.seq > head.0) {
            break;
        }
    }
    let is_end = (walk.seq(), walk.head()) == (head.0, &head.1);
    if is_end { Ok(()) } else { Err(CheckpointError::HeadDisagrees { seq: head.0 }) }
}
