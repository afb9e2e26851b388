//! What somebody is told of in the pages, and what they choose to be told of.

use serde_json::Value;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::{Fault, Faults},
    ids::JobId,
    notice::{Family, Topic},
    policy,
};
use tidegate_store::{Audible, Change, NoticeChange, ReadNotices, Subscription};

use super::render::path_of;
use crate::{error::ServiceError, service::Service};

/// A notice, for people.
#[derive(Clone, Debug)]
pub struct NoticeText {
    /// Number.
    pub id: i64,
    /// What it is.
    pub topic: Topic,
    /// What happened.
    pub title: String,
    /// More of it: what, whose, why.
    pub line: String,
    /// The export that it is about.
    pub job: Option<JobId>,
    /// The subject that it is about.
    pub subject: Option<String>,
    /// Where to look.
    pub path: String,
    /// What else there is to say.
    pub details: Value,
    /// When it happened, in microseconds since 1970.
    pub at: i64,
    /// When it was read.
    pub read_at: Option<i64>,
}

/// Some notices, newest first.
#[derive(Clone, Debug)]
pub struct NoticePage {
    /// The notices.
    pub notices: Vec<NoticeText>,
    /// Number before which there are more.
    pub next: Option<i64>,
}

/// How somebody is told of a family.
#[derive(Clone, Copy, Debug)]
pub struct FamilyState {
    /// Which.
    pub family: Family,
    /// Whether the caller may hear of it.
    pub is_allowed: bool,
    /// How.
    pub how: Subscription,
}

impl Service {
    /// How many notices the caller has not read.
    ///
    /// # Errors
    ///
    /// If the caller may not see them, or the control state cannot be asked.
    pub async fn unread_notices(&self, caller: &Caller) -> Result<i64, ServiceError> {
        let audible = self.heard(caller, Action::NoticeView).await?;
        let owner = caller.operator().ok_or(ServiceError::Unknown)?;
        Ok(self.store.unread_notices(owner, &audible).await?)
    }

    /// The same by a policy that was read for more than this, and exports of others that wait for
    /// the caller's approval; nothing for whoever may not see it.
    pub(crate) async fn waits_for(
        &self,
        policy: &policy::Policy,
        caller: &Caller,
    ) -> Result<(i64, i64), ServiceError> {
        let Some(owner) = caller.operator() else { return Ok((0, 0)) };
        let asked = policy::explain(policy, caller, Action::NoticeView, &own(caller)?);
        if asked.refused.is_some() {
            return Ok((0, 0));
        }
        let approves =
            policy::explain(policy, caller, Action::ApprovalView, &Target::default()).refused;
        let approved = match approves {
            None => policy::subjects_seen(policy, caller),
            Some(_) => Vec::new(),
        };
        Ok(self.store.waits_for(owner, &self.audible(policy, caller), &approved).await?)
    }

    /// Whether mail is sent here.
    pub fn sends_mail(&self) -> bool {
        self.notify_settings().has_mail()
    }

    /// The caller's notices before a number, newest first. What it may not hear of any more is not
    /// there.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn notices(
        &self,
        caller: &Caller,
        before: Option<i64>,
        limit: u32,
    ) -> Result<NoticePage, ServiceError> {
        let audible = self.heard(caller, Action::NoticeView).await?;
        let owner = caller.operator().ok_or(ServiceError::Unknown)?;
        let mut found = self.store.notices(owner, &audible, before, limit + 1).await?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| has_more).map(|notice| notice.id);
        let text = |notice: tidegate_store::Notice| {
            let tidegate_store::Notice { id, told, read_at } = notice;
            let mut details = told.payload.clone();
            let subject = details["subject"].as_str().map(str::to_owned);
            if let Some(members) = details.as_object_mut() {
                members.remove("capability");
            }
            NoticeText {
                id,
                topic: told.topic,
                title: told.topic.title(),
                line: line_of(&details, told.job),
                job: told.job,
                subject,
                path: path_of(&told),
                details,
                at: told.at,
                read_at,
            }
        };
        Ok(NoticePage { notices: found.into_iter().map(text).collect(), next })
    }

    /// Notes that the caller has read notices.
    ///
    /// # Errors
    ///
    /// If the caller may not.
    pub async fn read_notices(
        &self,
        caller: &Caller,
        which: ReadNotices,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::NoticeRead, own(caller)?).await?;
        self.store.commit(permit, Change::Notices(NoticeChange::Read(which))).await?;
        Ok(())
    }

    /// How the caller is told of each family.
    ///
    /// # Errors
    ///
    /// If the caller may not see it.
    pub async fn own_subscriptions(
        &self,
        caller: &Caller,
    ) -> Result<Vec<FamilyState>, ServiceError> {
        let audible = self.heard(caller, Action::NoticeView).await?;
        let owner = caller.operator().ok_or(ServiceError::Unknown)?;
        let said = self.store.subscriptions(Some(owner)).await?;
        let of = |&family: &Family| FamilyState {
            family,
            is_allowed: audible.families.contains(&family),
            how: said.get(&(owner, family.slug().to_owned())).copied().unwrap_or_default(),
        };
        Ok(Family::ALL.iter().map(of).collect())
    }

    /// Says how the caller is told of a family.
    ///
    /// # Errors
    ///
    /// If the caller may not hear of it, or mail to its address is not sent here.
    pub async fn subscribe(
        &self,
        caller: &Caller,
        family: Family,
        how: Subscription,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::SubscriptionChange, own(caller)?).await?;
        let policy = self.store.policy().await?;
        let audible = self.audible(&policy, caller);
        let refuse = |at: &str, detail: String| -> ServiceError {
            Faults(vec![Fault::new(at, detail)]).into()
        };
        if !audible.families.contains(&family) {
            let detail = format!("`{}` is for those who may read the activity log", family.slug());
            return Err(refuse("/family", detail));
        }
        if how.by_mail && !self.notify_settings().admits(&caller.name) {
            let detail = "your address is in none of the domains that this site sends mail to";
            return Err(refuse("/by_mail", detail.to_owned()));
        }
        let Subscription { by_mail, in_inbox } = how;
        let change = NoticeChange::Subscribe { family, by_mail, in_inbox };
        self.store.commit(permit, Change::Notices(change)).await?;
        Ok(())
    }

    /// What the caller may hear of, if it may do that at all.
    async fn heard(&self, caller: &Caller, action: Action) -> Result<Audible, ServiceError> {
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, action, own(caller)?).await?;
        Ok(self.audible(&policy, caller))
    }
}

fn own(caller: &Caller) -> Result<Target, ServiceError> {
    let owner = caller.operator().ok_or(ServiceError::Unknown)?;
    Ok(Target { owner: Some(owner), ..Target::default() })
}

/// What, whose and why, in one line.
fn line_of(details: &Value, job: Option<JobId>) -> String {
    let text = |name: &str| {
        let text = details[name].as_str()?;
        // What was done is the word of an action.
        Some(if name == "what" { text.replace(['.', '_'], " ") } else { text.to_owned() })
    };
    let mut parts = Vec::new();
    parts.extend(job.map(|id| format!("Export {id}")));
    // In the order in which they are said, whoever has left word of it.
    let said = ["subject", "what", "name", "by", "reason", "fault", "error"];
    parts.extend(said.iter().filter_map(|it| text(it)));
    parts.join(" · ")
}
