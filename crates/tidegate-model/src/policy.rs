//! Decides who may do what. The only place that does, and the only maker of a permit.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    action::{Action, Need, Target},
    actor::{Actor, Caller},
    capability::{export_of, list_of, listed_by},
    role::Role,
};

/// Tag of what carries personal data out.
pub const PII_TAG: &str = "egress.pii";

/// The roles of the site, as they are now.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Grows with every change.
    pub version: i64,
    /// Roles by slug.
    pub roles: BTreeMap<String, Role>,
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
    /// Whoever it is has not proven to be somebody.
    #[error("whoever it is has not proven to be somebody")]
    Unproven,
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
    /// Whether the token admits it; always where there is none.
    pub by_token: bool,
}

impl Asked {
    fn is_held(&self) -> bool {
        self.by_role && self.by_token
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
        Actor::Operator { .. } => asking.decide(action.need(), target),
    };
    Explanation {
        action: action.slug(),
        role: caller.role.clone(),
        asked: asking.asked,
        refused: decided.err(),
    }
}

/// Whether a caller may see a subject at all: without that, it does not exist.
pub fn sees_subject(policy: &Policy, caller: &Caller, subject: &str) -> bool {
    let mut asking = Asking { policy, caller, asked: Vec::new() };
    asking.has(&list_of(subject))
}

/// The subjects that a caller may see, whether the site still has them or not.
pub fn subjects_seen(policy: &Policy, caller: &Caller) -> Vec<String> {
    let role = caller.role.as_ref().and_then(|slug| policy.roles.get(slug));
    let capabilities = role.into_iter().flat_map(|role| &role.capabilities);
    let subjects = capabilities.filter_map(|capability| listed_by(capability));
    let seen = subjects.filter(|subject| sees_subject(policy, caller, subject));
    seen.map(str::to_owned).collect()
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
        match need {
            Need::Export => self.need(&export_of(subject_of(target))),
            // Looking is not taking, but a program that pages through rows takes them.
            Need::Rows if self.caller.actor.token().is_some() => {
                self.need(&export_of(subject_of(target)))
            }
            Need::Rows => self.need(&list_of(subject_of(target))),
            Need::Rerun => {
                self.see_job(target)?;
                self.need(&export_of(subject_of(target)))
            }
            Need::OwnOrAny { own, any } => {
                if target.job.is_some() {
                    self.see_job(target)?;
                }
                self.own_or_any(own, any, target)
            }
            Need::OwnFreely { any } => match self.is_own(target) && !self.is_limited() {
                true => Ok(()),
                false => self.need(any),
            },
            Need::One(capability) => self.need(capability),
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
        let scopes = self.caller.token_scopes.as_ref();
        let asked = Asked {
            capability: capability.to_owned(),
            by_role: role.is_some_and(|role| role.capabilities.contains(capability)),
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
