//! The one door for writes: a permit is spent on a change, with its entry, all or nothing.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat};
use sea_orm::{ConnectionTrait, DbErr};
use serde::Serialize;
use serde_json::Value;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::{ENTRY_VERSION, Entry, Outcome, hash_of},
    ids::{JobId, LinkId},
    policy::{Denied, PII_TAG, Permit},
};

use crate::{
    change::{Applied, Change, looked},
    chaos::{self, Point},
    connection::{Connections, Store},
    error::StoreError,
    sql::{Tx, get, statement},
};

/// How often it is asked what became of a commit that was not confirmed.
const READ_BACK_ATTEMPTS_MAX: u32 = 20;
/// Pause between two such questions.
const READ_BACK_PAUSE: Duration = Duration::from_millis(250);

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

/// An entry of a change, to be appended.
pub(crate) struct Line {
    pub(crate) action: Action,
    pub(crate) job: Option<JobId>,
    pub(crate) details: Value,
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
        let mut told = 0;
        loop {
            told += 1;
            let details = details.clone();
            let finish = self.write(stamp.clone(), move |_| {
                Box::pin(async move { Ok(Applied::one(Action::DownloadFinish, job, details)) })
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
        let counted = self
            .write(stamp, move |tx| Box::pin(looked::note_rows(tx, operator, rows, ceiling)))
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
        let task = tokio::spawn(async move {
            let commit = stamp.commit.clone();
            match transact(&connections, stamp, work).await {
                Err(Failed::Before(error)) => Err(error),
                Err(Failed::Confirming(error)) => read_back(&connections, &commit, error).await,
                Ok(committed) => Ok(committed),
            }
        });
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

/// The work within a transaction.
pub(crate) type Work<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Applied, StoreError>> + Send + 'a>>;

enum Failed {
    /// Nothing was done.
    Before(StoreError),
    /// It was being confirmed.
    Confirming(DbErr),
}

impl<E: Into<StoreError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Before(error.into())
    }
}

async fn transact<F>(connections: &Connections, stamp: Stamp, work: F) -> Result<Committed, Failed>
where
    F: for<'a> FnOnce(&'a Tx) -> Work<'a> + Send,
{
    let inner = connections.begin().await?;
    let mut tx = Tx { inner, now: 0 };
    let mut head = Head::lock(&mut tx, connections).await?;
    let applied = work(&tx).await?;
    let (seq, id) = (head.seq + 1, applied.id);
    let mut job = None;
    for line in applied.lines {
        job = job.or(line.job);
        head.append(&tx, &stamp, line, id).await?;
    }
    head.save(&tx).await?;
    tx.inner.commit().await.map_err(Failed::Confirming)?;
    chaos::stop_at(Point::Commit);
    Ok(Committed { seq, job, id })
}

/// Asks whether a commit happened. Locking the head waits for a transaction that is still at it.
async fn read_back(
    connections: &Connections,
    commit: &str,
    error: DbErr,
) -> Result<Committed, StoreError> {
    const COMMITTED: &str = "\
        select seq, job_id, entry from activity where commit_id = $1 order by seq";
    for _ in 0..READ_BACK_ATTEMPTS_MAX {
        let asked = async {
            let inner = connections.begin().await?;
            let mut tx = Tx { inner, now: 0 };
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

/// Member of an entry's details with the number of what was made.
const MADE: &str = "id";

/// What all entries of a commit have in common.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    caller: Caller,
    target: Target,
    outcome: Outcome,
    policy_version: i64,
    commit: String,
}

impl Stamp {
    fn of_permit(permit: &Permit, commit: String) -> Self {
        Self {
            caller: permit.caller().clone(),
            target: permit.target().clone(),
            outcome: Outcome::Done,
            policy_version: permit.policy_version(),
            commit,
        }
    }

    fn of_denied(denied: &Denied, commit: String) -> Self {
        Self {
            caller: denied.caller().clone(),
            target: denied.target().clone(),
            outcome: Outcome::Denied,
            policy_version: denied.policy_version(),
            commit,
        }
    }
}

/// The end of the chain, locked until the transaction ends.
struct Head {
    seq: i64,
    hash: String,
}

impl Head {
    async fn lock(tx: &mut Tx, connections: &Connections) -> Result<Self, StoreError> {
        let sql = format!(
            "select seq, hash, {} as now from activity_head where id = 1{}",
            connections.kind.now(),
            connections.kind.for_update(),
        );
        let row = tx.inner.query_one_raw(statement(&tx.inner, &sql, [])).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "head of the activity log" })?;
        tx.now = get(&row, "now")?;
        Ok(Self { seq: get(&row, "seq")?, hash: get(&row, "hash")? })
    }

    async fn append(
        &mut self,
        tx: &Tx,
        stamp: &Stamp,
        line: Line,
        id: Option<i64>,
    ) -> Result<(), StoreError> {
        const APPEND: &str = "\
            insert into activity (seq, prev, hash, at, commit_id, action, outcome, actor, \
                operator_id, name, subject, job_id, tags, entry) \
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        let entry = self.entry(tx.now, stamp, line, id);
        let text = entry.text();
        let hash = hash_of(&text);
        let outcome = match entry.outcome {
            Outcome::Done => "done",
            Outcome::Denied => "denied",
        };
        let values = [
            entry.seq.into(),
            entry.prev.into(),
            hash.clone().into(),
            tx.now.into(),
            entry.commit.into(),
            entry.action.into(),
            outcome.into(),
            entry.actor.into(),
            entry.operator.into(),
            entry.name.into(),
            entry.subject.into(),
            entry.job.into(),
            entry.tags.join(" ").into(),
            text.into(),
        ];
        tx.execute(APPEND, values).await?;
        self.seq += 1;
        self.hash = hash;
        Ok(())
    }

    fn entry(&self, now: i64, stamp: &Stamp, line: Line, id: Option<i64>) -> Entry {
        let mut details = line.details;
        if let (Some(id), Value::Object(members)) = (id, &mut details) {
            members.insert(MADE.to_owned(), id.into());
        }
        let Stamp { caller, target, .. } = stamp;
        let at = DateTime::from_timestamp_micros(now).unwrap_or_default();
        Entry {
            v: ENTRY_VERSION,
            seq: self.seq + 1,
            prev: self.hash.clone(),
            at: at.to_rfc3339_opts(SecondsFormat::Micros, true),
            commit: stamp.commit.clone(),
            actor: caller.actor.slug().to_owned(),
            operator: caller.operator().map(|id| id.0),
            name: caller.name.clone(),
            role: caller.role.clone(),
            token: caller.actor.token().map(|id| id.0),
            via: caller.via.slug().to_owned(),
            address: caller.address.clone(),
            action: line.action.slug().to_owned(),
            outcome: stamp.outcome,
            subject: target.subject.clone(),
            job: line.job.or(target.job).map(|job| job.0),
            tags: if target.has_pii { vec![PII_TAG.to_owned()] } else { Vec::new() },
            policy: stamp.policy_version,
            details,
        }
    }

    async fn save(&self, tx: &Tx) -> Result<(), StoreError> {
        const SAVE: &str = "update activity_head set seq = $1, hash = $2 where id = 1";
        tx.execute(SAVE, [self.seq.into(), self.hash.clone().into()]).await?;
        Ok(())
    }
}

/// 128 random bits in hexadecimal.
pub(crate) fn random_word() -> String {
    let bytes: [u8; 16] = rand::random();
    tidegate_model::audit::hexadecimal(&bytes)
}
