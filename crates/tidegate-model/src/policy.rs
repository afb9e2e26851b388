//! Decides who may do what. The only place that does, and the only maker of a permit.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    action::{Action, Need, Target},
    actor::{Actor, Caller},
    budget::OverBudget,
    capability::{Capabilities, action_of, export_of, is_export, list_of, listed_by},
    exposure::Withheld,
    ids::OperatorId,
    mask::MaskRules,
    pause::{Pause, pause_of},
    role::Role,
};

/// Tag of what carries personal data out.
pub const PII_TAG: &str = "egress.pii";

/// The roles of the site, and what other sites have said of people, as they are now.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Grows with every change.
    pub version: i64,
    /// Roles by slug.
    pub roles: BTreeMap<String, Role>,
    /// The pauses that hold something back.
    pub pauses: Vec<Pause>,
    /// What is shown of personal data to whose role says nothing about it.
    pub masks: MaskRules,
    /// Subjects of which every record is personal data; none leaves it to the configuration.
    pub pii_subjects: Option<BTreeSet<String>>,
    /// What operators may beside what their roles say, for as long as the site that has said so
    /// goes on saying it: only what counts at this moment.
    pub grants: BTreeMap<OperatorId, Capabilities>,
    /// Capabilities of actions that are declared no more: they count for nobody.
    pub retired: BTreeSet<String>,
}

impl Policy {
    /// What an operator of a role may, before any token is asked.
    pub fn held(&self, role: Option<&str>, operator: Option<OperatorId>) -> Capabilities {
        let role = role.and_then(|slug| self.roles.get(slug));
        let of_role = role.into_iter().flat_map(|role| &role.capabilities);
        let of_role = of_role.filter(|capability| self.counts_in_role(capability));
        let grants = operator.and_then(|id| self.grants.get(&id));
        let granted = grants.into_iter().flatten();
        of_role.chain(granted.filter(|one| !self.retired.contains(*one))).cloned().collect()
    }

    /// An export is its subject's own, whether an action is declared for it or not.
    fn counts_in_role(&self, capability: &str) -> bool {
        is_export(capability) || !self.retired.contains(capability)
    }
}

/// Proof that something was allowed: to be spent in the store, once.
#[derive(Debug)]
pub struct Permit {
    caller: Caller,
    action: Action,
    target: Target,
    policy_version: i64,
}

impl Permit {
    /// Who may.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What.
    pub fn action(&self) -> Action {
        self.action
    }

    /// To what.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// By which policy.
    pub fn policy_version(&self) -> i64 {
        self.policy_version
    }

    /// Turns it down: what the policy allows can be refused for what the policy does not know.
    pub fn turned_down(self, reason: Reason) -> Denied {
        let Self { caller, action, target, policy_version } = self;
        Denied { reason, asked: Box::new(Request { caller, action, target, policy_version }) }
    }
}

/// Proof that something was refused: it leaves an entry, too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.reason)]
pub struct Denied {
    /// Why.
    pub reason: Reason,
    asked: Box<Request>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Request {
    caller: Caller,
    action: Action,
    target: Target,
    policy_version: i64,
}

impl Denied {
    /// Who may not.
    pub fn caller(&self) -> &Caller {
        &self.asked.caller
    }

    /// What.
    pub fn action(&self) -> Action {
        self.asked.action
    }

    /// To what.
    pub fn target(&self) -> &Target {
        &self.asked.target
    }

    /// By which policy.
    pub fn policy_version(&self) -> i64 {
        self.asked.policy_version
    }

    /// Whether it would be allowed but for a pause.
    pub fn is_paused(&self) -> bool {
        matches!(self.reason, Reason::Paused { .. })
    }

    /// Whether it is refused for what has become of an approval meanwhile.
    pub fn is_conflict(&self) -> bool {
        matches!(self.reason, Reason::ApprovalOver { .. } | Reason::ApprovalVoid)
    }

    /// The budget that has less left than was asked for, if that is why.
    pub fn over_budget(&self) -> Option<&OverBudget> {
        match &self.reason {
            Reason::OverBudget(over) => Some(over),
            _ => None,
        }
    }

    /// Whether it is refused because it holds more than the caller may see.
    pub fn is_withheld(&self) -> bool {
        matches!(self.reason, Reason::Withheld { .. })
    }

    /// Whether the answer must be as if the target did not exist.
    pub fn is_invisible(&self) -> bool {
        matches!(self.reason, Reason::Invisible { .. })
    }
}

/// Why something is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// What may not be seen does not exist.
    #[error("there is nothing of that name that `{capability}` would show")]
    Invisible {
        /// The capability that would show it.
        capability: String,
    },
    /// A capability is missing.
    #[error("this takes the capability `{capability}`")]
    Missing {
        /// Which one.
        capability: String,
    },
    /// A file holds more than whoever asks may see.
    #[error("this file holds more than your role may see: {why}; run it again")]
    Withheld {
        /// What more.
        why: Withheld,
    },
    /// Whoever it is has not proven to be somebody.
    #[error("whoever it is has not proven to be somebody")]
    Unproven,
    /// Nothing of it leaves until somebody ends the pause.
    #[error("egress of {} is paused: {why}", paused_words(.subject))]
    Paused {
        /// The subject that is paused; none where everything is.
        subject: Option<String>,
        /// Why, as whoever paused it says.
        why: String,
    },
    /// Nobody decides about what is their own.
    #[error(
        "nobody decides about an export of their own: one that they have asked for or started, or \
         whose schedule they have, have changed or have given away"
    )]
    Own,
    /// It is somebody else's.
    #[error("this is somebody else’s: only whoever asked for it can release it so")]
    NotOwn,
    /// An approval is not waiting any more.
    #[error("this approval is not waiting any more: it is {state}")]
    ApprovalOver {
        /// Its state.
        state: String,
    },
    /// What waits is not any more what an approval was asked for.
    #[error(
        "what was asked for, or what its creator may, has changed since: the approval is void, and \
         has to be asked for again"
    )]
    ApprovalVoid,
    /// The site does not let people release what is their own.
    #[error("this site lets nobody release an export of their own")]
    NoBreakGlass,
    /// A budget has less left than this.
    #[error(transparent)]
    OverBudget(OverBudget),
    /// Only a part of the program does this.
    #[error("nobody does this by hand")]
    Internal,
}

/// Why something is allowed or refused, capability by capability.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Word of the action.
    pub action: &'static str,
    /// Role that was asked.
    pub role: Option<String>,
    /// Each capability that was asked for, in order, and whether it was there.
    pub asked: Vec<Asked>,
    /// Why not, or none if allowed.
    pub refused: Option<Reason>,
}

/// A capability that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// The capability.
    pub capability: String,
    /// Whether the role has it.
    pub by_role: bool,
    /// Whether another site grants it, for now.
    pub by_grant: bool,
    /// Whether the token admits it; always where there is none.
    pub by_token: bool,
}

impl Asked {
    fn is_held(&self) -> bool {
        (self.by_role || self.by_grant) && self.by_token
    }
}

/// Allows or refuses.
///
/// # Errors
///
/// With what is missing.
pub fn authorize(
    policy: &Policy,
    caller: &Caller,
    action: Action,
    target: Target,
) -> Result<Permit, Denied> {
    let caller = caller.clone();
    let policy_version = policy.version;
    match explain(policy, &caller, action, &target).refused {
        None => Ok(Permit { caller, action, target, policy_version }),
        Some(reason) => {
            let asked = Box::new(Request { caller, action, target, policy_version });
            Err(Denied { reason, asked })
        }
    }
}

/// Says why something is allowed or refused. The decision of [`authorize`] is this one.
pub fn explain(policy: &Policy, caller: &Caller, action: Action, target: &Target) -> Explanation {
    let mut asking = Asking { policy, caller, asked: Vec::new() };
    let decided = match caller.actor {
        Actor::Worker => internal(matches!(action.need(), Need::Worker | Need::WorkerOrUpkeep)),
        Actor::Upkeep => internal(matches!(action.need(), Need::Upkeep | Need::WorkerOrUpkeep)),
        Actor::Setup => internal(action.is_setup()),
        Actor::Provider => internal(action.is_provided()),
        Actor::Stranger => Err(Reason::Unproven),
        Actor::Operator { .. } => asking
            .decide(action.need(), target)
            .and_then(|()| refuse_paused(policy, caller, action, target)),
    };
    Explanation {
        action: action.slug(),
        role: caller.role.clone(),
        asked: asking.asked,
        refused: decided.err(),
    }
}

/// Asked last: whoever may not anyway learns nothing of a pause.
fn refuse_paused(
    policy: &Policy,
    caller: &Caller,
    action: Action,
    target: &Target,
) -> Result<(), Reason> {
    if !action.is_egress(caller.actor.token().is_some()) {
        return Ok(());
    }
    match pause_of(&policy.pauses, subject_of(target)) {
        None => Ok(()),
        Some(pause) => {
            Err(Reason::Paused { subject: pause.subject.clone(), why: pause.reason.clone() })
        }
    }
}

fn paused_words(subject: &Option<String>) -> String {
    subject.as_ref().map_or_else(|| "everything".to_owned(), |slug| format!("`{slug}`"))
}

/// Whether a caller may see a subject at all: without that, it does not exist.
pub fn sees_subject(policy: &Policy, caller: &Caller, subject: &str) -> bool {
    let mut asking = Asking { policy, caller, asked: Vec::new() };
    asking.has(&list_of(subject))
}

/// The subjects that a caller may see, whether the site still has them or not.
pub fn subjects_seen(policy: &Policy, caller: &Caller) -> Vec<String> {
    let held = policy.held(caller.role.as_deref(), caller.operator());
    let subjects = held.iter().filter_map(|capability| listed_by(capability));
    let seen = subjects.filter(|subject| sees_subject(policy, caller, subject));
    seen.map(str::to_owned).collect()
}

/// What a caller may do: all that it holds and that its token admits.
pub fn held(policy: &Policy, caller: &Caller) -> Capabilities {
    let held = policy.held(caller.role.as_deref(), caller.operator());
    held.into_iter().filter(|capability| holds(policy, caller, capability)).collect()
}

/// Whether a caller has a capability, for what is decided by a list and not by an action.
pub fn holds(policy: &Policy, caller: &Caller, capability: &str) -> bool {
    let mut asking = Asking { policy, caller, asked: Vec::new() };
    asking.has(capability)
}

fn internal(is_allowed: bool) -> Result<(), Reason> {
    if is_allowed { Ok(()) } else { Err(Reason::Internal) }
}

/// Asks for capabilities and remembers which.
struct Asking<'a> {
    policy: &'a Policy,
    caller: &'a Caller,
    asked: Vec<Asked>,
}

impl Asking<'_> {
    fn decide(&mut self, need: Need, target: &Target) -> Result<(), Reason> {
        // The floor: a subject that may not be seen does not exist, nor does anything of it.
        if let Some(subject) = &target.subject {
            self.see(&list_of(subject))?;
        }
        self.decide_need(need, target)?;
        match &target.withheld {
            None => Ok(()),
            Some(why) => Err(Reason::Withheld { why: why.clone() }),
        }
    }

    fn decide_need(&mut self, need: Need, target: &Target) -> Result<(), Reason> {
        match need {
            Need::Registered => {
                let codename = target.codename.as_deref().unwrap_or_default();
                self.need(&action_of(subject_of(target), codename))
            }
            Need::Export => self.need(&export_of(subject_of(target))),
            // Looking is not taking, but a program that pages through rows takes them.
            Need::Rows if self.caller.actor.token().is_some() => {
                self.need(&export_of(subject_of(target)))
            }
            Need::Rows => self.need(&list_of(subject_of(target))),
            Need::Schedule => {
                self.need(&export_of(subject_of(target)))?;
                self.need("exports.schedule")
            }
            Need::Rerun => {
                self.see_job(target)?;
                self.need(&export_of(subject_of(target)))
            }
            Need::OwnOrAny { own, any } | Need::ScheduleOf { own, any } => {
                if target.job.is_some() || target.schedule.is_some() {
                    self.see_job(target)?;
                }
                if matches!(need, Need::ScheduleOf { .. }) {
                    self.need(&export_of(subject_of(target)))?;
                }
                self.own_or_any(own, any, target)
            }
            Need::OwnFreely { any } => match self.is_own(target) && !self.is_limited() {
                true => Ok(()),
                false => self.need(any),
            },
            Need::One(capability) => self.need(capability),
            Need::Second(capability) => {
                self.need(capability)?;
                if self.is_own(target) { Err(Reason::Own) } else { Ok(()) }
            }
            Need::Maker(capability) => {
                self.need(capability)?;
                if self.is_own(target) { Ok(()) } else { Err(Reason::NotOwn) }
            }
            Need::Started | Need::Worker | Need::Upkeep | Need::WorkerOrUpkeep => {
                Err(Reason::Internal)
            }
        }
    }

    /// What one may not list does not exist.
    fn see_job(&mut self, target: &Target) -> Result<(), Reason> {
        match self.own_or_any("exports.list.own", "exports.list.any", target) {
            Ok(()) => Ok(()),
            Err(Reason::Missing { capability }) => Err(Reason::Invisible { capability }),
            Err(other) => Err(other),
        }
    }

    fn own_or_any(&mut self, own: &str, any: &str, target: &Target) -> Result<(), Reason> {
        if !self.is_own(target) {
            return self.need(any);
        }
        match self.has(own) || self.has(any) {
            true => Ok(()),
            false => Err(Reason::Missing { capability: own.to_owned() }),
        }
    }

    fn is_own(&self, target: &Target) -> bool {
        target.owner.is_some() && target.owner == self.caller.operator()
    }

    /// A token with scopes has been given them and nothing else: with what needs no capability it
    /// could set its owner's password, or make a token that outlives it.
    fn is_limited(&self) -> bool {
        self.caller.token_scopes.is_some()
    }

    fn see(&mut self, capability: &str) -> Result<(), Reason> {
        match self.has(capability) {
            true => Ok(()),
            false => Err(Reason::Invisible { capability: capability.to_owned() }),
        }
    }

    fn need(&mut self, capability: &str) -> Result<(), Reason> {
        match self.has(capability) {
            true => Ok(()),
            false => Err(Reason::Missing { capability: capability.to_owned() }),
        }
    }

    fn has(&mut self, capability: &str) -> bool {
        let role = self.caller.role.as_ref().and_then(|slug| self.policy.roles.get(slug));
        let granted = self.caller.operator().and_then(|id| self.policy.grants.get(&id));
        let scopes = self.caller.token_scopes.as_ref();
        let asked = Asked {
            capability: capability.to_owned(),
            by_role: role.is_some_and(|role| role.capabilities.contains(capability))
                && self.policy.counts_in_role(capability),
            by_grant: granted.is_some_and(|granted| granted.contains(capability))
                && !self.policy.retired.contains(capability),
            by_token: scopes.is_none_or(|scopes| scopes.contains(capability)),
        };
        let is_held = asked.is_held();
        self.asked.push(asked);
        is_held
    }
}

/// An export is always of a subject; without one the capability is one that nobody has.
fn subject_of(target: &Target) -> &str {
    target.subject.as_deref().unwrap_or_default()
}
