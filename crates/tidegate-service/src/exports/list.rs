//! Lists exports: one's own, or everybody's.

use std::{collections::BTreeMap, ops::Range};

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::{Fault, Faults},
    ids::OperatorId,
    job::Job,
    policy::{self, Policy, sees_subject},
    sight::Sight,
    status::Status,
};
use tidegate_store::{Creator, JobCursor, JobFilter, JobPage, JobSort, Matching};

use crate::{error::ServiceError, service::Service};

/// Characters of a text that is looked for, at most.
const TEXT_CHARACTERS_MAX: usize = 200;

/// Which exports to list.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// Only with this text in number, subject, format, or their creator's name or mail address.
    pub text: Option<String>,
    /// Only of this subject.
    pub subject: Option<String>,
    /// Only those that this operator made.
    pub created_by: Option<Creator>,
    /// Only in these states; empty means all.
    pub statuses: Vec<Status>,
    /// Only those that were asked for within one of these times; empty means ever.
    pub created: Vec<Range<i64>>,
    /// Only with personal data, or only without.
    pub has_pii: Option<bool>,
    /// Order.
    pub sort: JobSort,
    /// Where the page begins, or ends if it is a page before, in the same order.
    pub behind: Option<JobCursor>,
    /// At most so many.
    pub limit: u32,
    /// Whether to count them by state, too.
    pub counts_states: bool,
}

/// A page of exports.
#[derive(Clone, Debug, Default)]
pub struct ListPage {
    /// The exports.
    pub jobs: Vec<Job>,
    /// Where the next page begins. None where there is none.
    pub next: Option<JobCursor>,
    /// Where the page before ends. None where there is none.
    pub previous: Option<JobCursor>,
    /// How many match, on all pages.
    pub matching: Matching,
    /// How many would match in each state, if that was asked for and they are not too many.
    pub by_status: Option<BTreeMap<Status, u64>>,
}

/// Which exports somebody may see.
pub(crate) struct Seen {
    /// Whose; none means everybody's.
    pub(crate) owner: Option<OperatorId>,
    /// Of which subjects.
    pub(crate) subjects: Vec<String>,
}

impl Service {
    /// Which exports a caller may see: the one answer for whatever lists them or adds them up.
    pub(crate) fn exports_seen(
        &self,
        policy: &Policy,
        caller: &Caller,
        operator: OperatorId,
    ) -> Seen {
        let sited = self.sited();
        let slugs = sited.site.slugs().into_iter();
        let owner = (!policy::holds(policy, caller, "exports.list.any")).then_some(operator);
        let subjects = slugs.filter(|slug| sees_subject(policy, caller, slug)).map(str::to_owned);
        Seen { owner, subjects: subjects.collect() }
    }

    /// A page of the exports that the caller may see. What may not be seen is not counted either.
    ///
    /// # Errors
    ///
    /// If the caller may not list exports, the text is too long or the cursor is of another order,
    /// or the control state cannot be asked.
    pub async fn exports(
        &self,
        caller: &Caller,
        request: &ListRequest,
    ) -> Result<ListPage, ServiceError> {
        let operator = caller.operator().ok_or(ServiceError::Unknown)?;
        // Who may list none is refused; an empty list would say that there are none.
        let target = Target { owner: Some(operator), ..Target::default() };
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::ExportView, target).await?;
        refuse_wrong(request)?;
        let filter = self.list_filter(&policy, caller, operator, request);
        let behind = request.behind.as_ref();
        let page = self.store.jobs(&filter, request.sort, behind, request.limit).await?;
        let by_status = match request.counts_states {
            true => self.store.count_jobs_by_status(&filter).await?,
            false => None,
        };
        let matching = match &by_status {
            Some(counts) => sum_of(counts, &filter.statuses),
            None => self.store.count_jobs(&filter).await?,
        };
        let JobPage { jobs, next, previous } = page;
        let sight = Sight::of(&policy, caller);
        let jobs = jobs.into_iter().map(|job| self.shown(&sight, job)).collect();
        Ok(ListPage { jobs, next, previous, matching, by_status })
    }

    /// The filter of a request, over what the caller may see.
    fn list_filter(
        &self,
        policy: &Policy,
        caller: &Caller,
        operator: OperatorId,
        request: &ListRequest,
    ) -> JobFilter {
        let Seen { owner, mut subjects } = self.exports_seen(policy, caller, operator);
        subjects.retain(|slug| request.subject.as_ref().is_none_or(|wanted| wanted == slug));
        JobFilter {
            owner,
            subjects: Some(subjects),
            creator: request.created_by.clone(),
            statuses: request.statuses.clone(),
            created: request.created.clone(),
            has_pii: request.has_pii,
            text: request.text.clone().filter(|text| !text.trim().is_empty()),
        }
    }
}

/// How many are in these states; none of them means in any.
fn sum_of(counts: &BTreeMap<Status, u64>, statuses: &[Status]) -> Matching {
    let is_wanted = |status| statuses.is_empty() || statuses.contains(status);
    let wanted = counts.iter().filter(|(status, _)| is_wanted(status));
    Matching { count: wanted.map(|(_, count)| count).sum(), is_exact: true }
}

fn refuse_wrong(request: &ListRequest) -> Result<(), ServiceError> {
    let mut faults = Vec::new();
    let characters = request.text.as_ref().map_or(0, |text| text.chars().count());
    if characters > TEXT_CHARACTERS_MAX {
        let detail = format!("a text to look for has {TEXT_CHARACTERS_MAX} characters at most");
        faults.push(Fault::new("/q", detail));
    }
    let of = request.behind.as_ref().map_or(request.sort, JobCursor::sort);
    if of != request.sort {
        let detail = format!("this cursor is of a list that is sorted by `{of}`");
        faults.push(Fault::new("/cursor", detail));
    }
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults).into()) }
}
