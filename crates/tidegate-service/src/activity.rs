//! The activity log, read page by page.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::{Outcome, StoredEntry, hash_of},
    fault::{Fault, Faults},
    ids::JobId,
    policy::subjects_seen,
};
use tidegate_store::{EntryFilter, EntrySort, StoreError};

use crate::{audit::Proven, error::ServiceError, service::Service};

/// Entries of a page at most: as many as any list shows.
pub const ACTIVITY_PAGE_MAX: u32 = 100;

/// Order of the log.
pub type ActivitySort = EntrySort;

/// Which entries of the log to list.
#[derive(Clone, Debug, Default)]
pub struct ActivityRequest {
    /// By whom: `operator`, `token`, `worker`, `upkeep`, `setup`, or a name.
    pub actor: Option<String>,
    /// About which job.
    pub job: Option<JobId>,
    /// About which subject.
    pub subject: Option<String>,
    /// About an export of this field.
    pub field: Option<String>,
    /// Of which action, `export.created`, or group of actions, `export`.
    pub action: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Done or denied.
    pub outcome: Option<Outcome>,
    /// Not before this moment, in microseconds since 1970.
    pub from: Option<i64>,
    /// Before this moment.
    pub to: Option<i64>,
    /// Order.
    pub sort: ActivitySort,
    /// At most so many; [`ACTIVITY_PAGE_MAX`] is the most, and none is meant as that.
    pub limit: Option<u32>,
    /// Where the page begins: what the page before said. The filters are to be the same.
    pub cursor: Option<String>,
}

/// A page of the log.
#[derive(Clone, Debug)]
pub struct ActivityPage {
    /// The entries; `line` of one is what a stream of the log has.
    pub entries: Vec<StoredEntry>,
    /// Where the next page begins; none where there is none.
    pub next: Option<String>,
    /// Where the page before begins; none where there is none.
    pub previous: Option<String>,
}

/// An entry by its number, with what was checked about it.
#[derive(Clone, Debug)]
pub struct FoundEntry {
    /// The entry.
    pub entry: StoredEntry,
    /// Whether its hash is that of its text, and its text names number and hash that its row names.
    pub is_itself: bool,
    /// Whether the entry before has the hash that this one names; none where that is not there to
    /// be asked: it is the first one, or was archived.
    pub follows: Option<bool>,
}

/// How far the log is signed, and what was checked of that just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainState {
    /// Number of the last entry; 0 if there is none.
    pub last: i64,
    /// The last checkpoint; none where none was signed yet.
    pub checkpoint: Option<CheckpointState>,
}

/// A checkpoint as the database has it, and what was checked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointState {
    /// Its number.
    pub number: i64,
    /// Number of the last entry that it vouches for.
    pub seq: i64,
    /// When it was signed, RFC 3339.
    pub at: String,
    /// Name of the key.
    pub key: String,
    /// Whether one of our keys signed it.
    pub is_signed: bool,
    /// Whether the entry that it ends with is the one in the log.
    pub fits: bool,
}

impl Service {
    /// A page of the entries that fit. Entries of subjects that the caller may not see, and of jobs
    /// of them, are not among them, whether the site still has these subjects or not.
    ///
    /// # Errors
    ///
    /// If the caller may not read the log, or the cursor is none of this list.
    pub async fn activity(
        &self,
        caller: &Caller,
        request: &ActivityRequest,
    ) -> Result<ActivityPage, ServiceError> {
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::ActivityView, Target::default()).await?;
        let sort = request.sort;
        let cursor = request.cursor.as_deref().map(|cursor| Cursor::read(cursor, sort));
        let cursor = cursor.transpose()?;
        let is_back = cursor.as_ref().is_some_and(|cursor| cursor.is_back);
        let filter = request.filter(subjects_seen(&policy, caller));
        let limit = request.limit.unwrap_or(ACTIVITY_PAGE_MAX).clamp(1, ACTIVITY_PAGE_MAX);
        let way = if is_back { opposite(sort) } else { sort };
        let behind = cursor.as_ref().map(|cursor| cursor.seq);
        // One more says whether there is a page behind this one.
        let mut entries = self.store.list_entries(&filter, way, behind, limit + 1).await?;
        let has_more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        if is_back {
            entries.reverse();
        }
        let text = |is_back, entry: &StoredEntry| Cursor { sort, seq: entry.seq, is_back }.text();
        let has_next = is_back || has_more;
        let has_previous = if is_back { has_more } else { cursor.is_some() };
        let next = entries.last().filter(|_| has_next).map(|last| text(false, last));
        let previous = entries.first().filter(|_| has_previous).map(|first| text(true, first));
        Ok(ActivityPage { entries, next, previous })
    }

    /// An entry by its number, held against its own hash and the entry before.
    ///
    /// # Errors
    ///
    /// If the caller may not read the log, there is no such entry in it any more, or the caller may
    /// not see what it is about: the same answer.
    pub async fn activity_entry(
        &self,
        caller: &Caller,
        seq: i64,
    ) -> Result<FoundEntry, ServiceError> {
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::ActivityView, Target::default()).await?;
        let filter = EntryFilter {
            subjects_seen: Some(subjects_seen(&policy, caller)),
            ..EntryFilter::default()
        };
        let behind = Some(seq.saturating_add(1));
        let found = self.store.list_entries(&filter, EntrySort::Newest, behind, 1).await?;
        let entry = found.into_iter().find(|entry| entry.seq == seq);
        let entry = entry.ok_or(ServiceError::NotFound)?;
        // Its hash says nothing of what it is about, so whoever may not see it loses nothing.
        let all = EntryFilter::default();
        let before = self.store.list_entries(&all, EntrySort::Newest, Some(seq), 1).await?;
        let before = before.into_iter().find(|before| before.seq == seq - 1);
        let follows = before.map(|before| before.hash == entry.prev);
        Ok(FoundEntry { is_itself: is_itself(&entry), follows, entry })
    }

    /// How far the log is signed. The signature of the last checkpoint is checked, and the entry
    /// that it ends with: not the whole chain, nor the anchors; `tidegate audit verify` does that.
    ///
    /// # Errors
    ///
    /// If the caller may not read the log.
    pub async fn chain_state(&self, caller: &Caller) -> Result<ChainState, ServiceError> {
        self.permit(caller, Action::ActivityView, Target::default()).await?;
        let signed = self.store.last_checkpoint().await?;
        let (last, _) = self.store.head().await?;
        let Some(signed) = signed else { return Ok(ChainState { last, checkpoint: None }) };
        let Some(says) = signed.says() else {
            return Err(StoreError::Corrupt { what: "checkpoint" }.into());
        };
        let is_signed = Proven::of(signed.clone(), self.keys().public()).is_ok();
        let found = self.store.entries(says.seq - 1, 1).await?;
        let found = found.into_iter().map(|(entry, _)| entry).find(|entry| entry.seq == says.seq);
        let fits = match says.seq {
            0 => true,
            _ => found.is_some_and(|entry| entry.hash == says.head && is_itself(&entry)),
        };
        let checkpoint = CheckpointState {
            number: says.number,
            seq: says.seq,
            at: says.at,
            key: signed.key,
            is_signed,
            fits,
        };
        Ok(ChainState { last, checkpoint: Some(checkpoint) })
    }
}

impl ActivityRequest {
    /// What is wanted of what may be seen.
    pub(crate) fn filter(&self, subjects_seen: Vec<String>) -> EntryFilter {
        EntryFilter {
            actor: self.actor.clone(),
            job: self.job,
            subject: self.subject.clone(),
            field: self.field.clone(),
            action: self.action.clone(),
            tag: self.tag.clone(),
            outcome: self.outcome,
            from: self.from,
            to: self.to,
            subjects_seen: Some(subjects_seen),
        }
    }
}

/// Whether an entry's text is the one of its hash, and says number and hash as its row does.
fn is_itself(entry: &StoredEntry) -> bool {
    hash_of(&entry.text) == entry.hash
        && StoredEntry::of_line(&entry.line()).as_ref() == Some(entry)
}

/// A place in a list. It grants nothing: what may be seen is asked for each page.
struct Cursor {
    sort: ActivitySort,
    seq: i64,
    /// Whether the page ends there, and does not begin there.
    is_back: bool,
}

impl Cursor {
    fn text(&self) -> String {
        let way = if self.is_back { BACK } else { "" };
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}{way}{}", word(self.sort), self.seq))
    }

    fn read(text: &str, sort: ActivitySort) -> Result<Self, Faults> {
        let read = || {
            let plain = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
            let place = str::from_utf8(&plain).ok()?.strip_prefix(word(sort))?;
            let seq = place.strip_prefix(BACK);
            let is_back = seq.is_some();
            Some(Self { sort, seq: seq.unwrap_or(place).parse().ok()?, is_back })
        };
        let fault = "this is no cursor of this list: begin without one";
        read().ok_or_else(|| Faults(vec![Fault::new("/cursor", fault)]))
    }
}

/// What stands in a cursor of a page before.
const BACK: &str = "before ";

/// What a cursor begins with.
fn word(sort: ActivitySort) -> &'static str {
    match sort {
        ActivitySort::Newest => "newest ",
        ActivitySort::Oldest => "oldest ",
    }
}

fn opposite(sort: ActivitySort) -> ActivitySort {
    match sort {
        ActivitySort::Newest => ActivitySort::Oldest,
        ActivitySort::Oldest => ActivitySort::Newest,
    }
}
