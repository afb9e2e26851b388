//! The one door for writes: a permit is spent on a change, with its entry, all or nothing.

use std::time::Duration;

use serde::Serialize;
use tidegate_model::{
    action::Action,
    ids::{JobId, LinkId},
    policy::{Denied, Permit},
};

use crate::{
    chain::{Line, Stamp},
    change::{Applied, Change, NewRun, RunEnd, action_run, looked},
    commit::{Work, commit},
    connection::Store,
    error::StoreError,
    sql::Tx,
};

/// How often a database that fails is told the end of a download: about 15 seconds.
const FINISH_ATTEMPTS_MAX: u32 = 60;
/// Pause before it is told again.
const FINISH_PAUSE: Duration = Duration::from_millis(250);

/// A change that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Number of its first entry.
    pub seq: i64,
    /// The job it is about.
    pub job: Option<JobId>,
    /// Number of what it made.
    pub id: Option<i64>,
}

/// Proof that a download was begun and written down: it is spent on the note of its end.
#[derive(Debug)]
pub struct StartedDownload {
    stamp: Stamp,
    /// Number of the entry of its start.
    started: i64,
    link: LinkId,
}

/// Proof that an action was begun and written down: it is spent on the note of what became of it.
#[derive(Debug)]
pub struct StartedRun {
    stamp: Stamp,
    seq: i64,
}

impl StartedRun {
    /// Number of the entry of its beginning.
    pub fn seq(&self) -> i64 {
        self.seq
    }
}

/// The end of what cannot be taken back: its entry, and the action that it is the end of.
#[derive(Clone)]
struct Ending {
    line: Line,
    run: Option<(i64, RunEnd)>,
}

/// How a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadEnd {
    /// Bytes that were sent.
    pub bytes: u64,
    /// Whether they are the whole file.
    pub is_whole: bool,
    /// Why no more were.
    pub reason: EndReason,
}

/// Why a download ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Everything that was asked for was sent.
    Sent,
    /// Whoever received it went away.
    Left,
    /// The session or the token it was begun by has ended, or the operator was shut out.
    SignedOut,
    /// The operator may not have the file any more.
    RightLost,
    /// A pause holds it back.
    Paused,
    /// The link was taken back.
    LinkRevoked,
    /// The file was deleted.
    Deleted,
    /// The file is damaged.
    Damaged,
    /// The service ended.
    ServiceEnded,
    /// Something failed, which the program's own log tells.
    Failed,
}

impl Store {
    /// Spends a permit on a change: compares and sets, appends the entry, or does nothing.
    ///
    /// # Errors
    ///
    /// If the state does not admit it, or the database fails. A commit whose confirmation was lost
    /// is read back, so an error means that nothing happened; but for [`StoreError::Unknown`].
    pub async fn commit(&self, permit: Permit, change: Change) -> Result<Committed, StoreError> {
        if !change.is_for(permit.action()) {
            return Err(StoreError::WrongPermit {
                permit: permit.action().slug(),
                change: change.slug(),
            });
        }
        let stamp = Stamp::of_permit(&permit, random_word());
        self.write(stamp, move |tx| Box::pin(async move { change.apply(tx, &permit).await })).await
    }

    /// Begins to send a file by a link: durable before the first byte.
    ///
    /// # Errors
    ///
    /// If the file or the link is not what it was, or the database fails.
    pub async fn start_download(
        &self,
        permit: Permit,
        link: LinkId,
        range: Option<(u64, u64)>,
    ) -> Result<StartedDownload, StoreError> {
        // What is known of the caller is kept for the second entry, with a word of its own.
        let stamp = Stamp::of_permit(&permit, random_word());
        let committed =
            self.commit(permit, Change::DownloadStarted { link: link.0, range }).await?;
        Ok(StartedDownload { stamp, started: committed.seq, link })
    }

    /// Notes how much of a file was sent. What was sent cannot be taken back, so a database that
    /// fails is told again for a while.
    ///
    /// # Errors
    ///
    /// If the database goes on failing.
    pub async fn finish_download(
        &self,
        started: StartedDownload,
        end: DownloadEnd,
    ) -> Result<Committed, StoreError> {
        let StartedDownload { stamp, started, link } = started;
        let job = stamp.target.job;
        let details = serde_json::json!({
            "started": started,
            "link": link,
            "bytes": end.bytes,
            "is_whole": end.is_whole,
            "reason": end.reason,
        });
        let line = Line { action: Action::DownloadFinish, job, details };
        self.note_end(stamp, Ending { line, run: None }).await
    }

    /// Notes the end of what cannot be taken back: a database that fails is told again for a while.
    async fn note_end(&self, stamp: Stamp, ending: Ending) -> Result<Committed, StoreError> {
        let mut told = 0;
        loop {
            told += 1;
            let Ending { line, run } = ending.clone();
            let finish = self.write(stamp.clone(), move |tx| {
                Box::pin(async move {
                    if let Some((seq, end)) = run {
                        action_run::end(tx, seq, end).await?;
                    }
                    Ok(Applied { lines: vec![line], id: None })
                })
            });
            match finish.await {
                // Nothing was written: no second entry can come of it.
                Err(StoreError::Database(_)) if told < FINISH_ATTEMPTS_MAX => {
                    tokio::time::sleep(FINISH_PAUSE).await;
                }
                finished => return finished,
            }
        }
    }

    /// Begins an action that another site is to do: written down before anything is sent.
    ///
    /// # Errors
    ///
    /// If the permit is for something else, the same request has begun one, or the database fails.
    pub async fn start_run(&self, permit: Permit, run: NewRun) -> Result<StartedRun, StoreError> {
        let stamp = Stamp::of_permit(&permit, random_word());
        let committed = self.commit(permit, Change::ActionRun(Box::new(run))).await?;
        Ok(StartedRun { stamp, seq: committed.seq })
    }

    /// Notes what became of an action. What was sent cannot be taken back, so a database that fails
    /// is told again for a while.
    ///
    /// # Errors
    ///
    /// If the database goes on failing.
    pub async fn finish_run(
        &self,
        started: StartedRun,
        end: RunEnd,
    ) -> Result<Committed, StoreError> {
        let StartedRun { stamp, seq } = started;
        let details =
            serde_json::json!({ "run": seq, "outcome": end.outcome, "status": end.status });
        let line = Line { action: Action::ActionFinish, job: None, details };
        self.note_end(stamp, Ending { line, run: Some((seq, end)) }).await
    }

    /// Counts rows that an operator is about to look at. Gives how many more may be seen within the
    /// hour, or none if these may not: the first time that leaves an entry.
    ///
    /// # Errors
    ///
    /// If the permit is for something else, or the database fails.
    pub async fn count_rows_seen(
        &self,
        permit: Permit,
        rows: i64,
        ceiling: i64,
    ) -> Result<Option<i64>, StoreError> {
        let (action, operator) = (permit.action(), permit.caller().operator());
        let (Action::RowsView, Some(operator)) = (action, operator) else {
            return Err(StoreError::WrongPermit { permit: action.slug(), change: "rows seen" });
        };
        let stamp = Stamp::of_permit(&permit, random_word());
        let subject = permit.target().subject.clone();
        let counted = self
            .write(stamp, move |tx| {
                Box::pin(looked::note_rows(tx, operator, subject, [rows, ceiling]))
            })
            .await?;
        Ok(counted.id.filter(|left| *left >= 0))
    }

    /// Writes down that something was refused.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn refuse(&self, denied: &Denied) -> Result<Committed, StoreError> {
        let stamp = Stamp::of_denied(denied, random_word());
        let (action, job) = (denied.action(), denied.target().job);
        let details = serde_json::json!({ "refused": denied.reason });
        self.write(stamp, move |_| {
            Box::pin(
                async move { Ok(Applied { lines: vec![Line { action, job, details }], id: None }) },
            )
        })
        .await
    }

    /// Runs a change in a task of its own: whoever waits for it may lose interest, the transaction
    /// does not.
    pub(crate) async fn write<F>(&self, stamp: Stamp, work: F) -> Result<Committed, StoreError>
    where
        F: for<'a> FnOnce(&'a Tx) -> Work<'a> + Send + 'static,
    {
        let connections = self.inner.clone();
        let task = tokio::spawn(async move { commit(&connections, stamp, Box::new(work)).await });
        task.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

/// Spends a permit on what the log notes of itself: the one kind of write that leaves no entry.
pub(crate) fn spend_on_log(permit: &Permit, action: Action) -> Result<(), StoreError> {
    match permit.action() == action && !action.leaves_entry() {
        true => Ok(()),
        false => {
            Err(StoreError::WrongPermit { permit: permit.action().slug(), change: action.slug() })
        }
    }
}

/// 128 random bits in hexadecimal.
pub(crate) fn random_word() -> String {
    let bytes: [u8; 16] = rand::random();
    tidegate_model::audit::hexadecimal(&bytes)
}
