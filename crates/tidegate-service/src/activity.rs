//! The activity log, read page by page.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::{Outcome, StoredEntry},
    fault::{Fault, Faults},
    ids::JobId,
    policy::subjects_seen,
};
use tidegate_store::{EntryFilter, EntrySort};

use crate::{error::ServiceError, service::Service};

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
        self.permit(caller, Action::ActivityView, Target::default()).await?;
        let sort = request.sort;
        let behind = request.cursor.as_deref().map(|cursor| Cursor::read(cursor, sort));
        let behind = behind.transpose()?.map(|cursor| cursor.seq);
        let policy = self.store.policy().await?;
        let filter = EntryFilter {
            actor: request.actor.clone(),
            job: request.job,
            subject: request.subject.clone(),
            action: request.action.clone(),
            tag: request.tag.clone(),
            outcome: request.outcome,
            from: request.from,
            to: request.to,
            subjects_seen: Some(subjects_seen(&policy, caller)),
        };
        let limit = request.limit.unwrap_or(ACTIVITY_PAGE_MAX).clamp(1, ACTIVITY_PAGE_MAX);
        // One more says whether there is a next page.
        let mut entries = self.store.list_entries(&filter, sort, behind, limit + 1).await?;
        let has_more = entries.len() > limit as usize;
        entries.truncate(limit as usize);
        let last = entries.last().filter(|_| has_more);
        let next = last.map(|last| Cursor { sort, seq: last.seq }.text());
        Ok(ActivityPage { entries, next })
    }
}

/// A place in a list. It grants nothing: what may be seen is asked for each page.
struct Cursor {
    sort: ActivitySort,
    seq: i64,
}

impl Cursor {
    fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}{}", word(self.sort), self.seq))
    }

    fn read(text: &str, sort: ActivitySort) -> Result<Self, Faults> {
        let read = || {
            let plain = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
            let seq = str::from_utf8(&plain).ok()?.strip_prefix(word(sort))?;
            Some(Self { sort, seq: seq.parse().ok()? })
        };
        let fault = "this is no cursor of this list: begin without one";
        read().ok_or_else(|| Faults(vec![Fault::new("/cursor", fault)]))
    }
}

/// What a cursor begins with.
fn word(sort: ActivitySort) -> &'static str {
    match sort {
        ActivitySort::Newest => "newest ",
        ActivitySort::Oldest => "oldest ",
    }
}
