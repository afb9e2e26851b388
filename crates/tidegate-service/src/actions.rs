//! The registry of admin actions: what a site declares, kept up, and what there is for somebody.

use serde::Serialize;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    capability::{Capabilities, list_of},
    fault::{Fault, Faults},
    policy,
    registry::{self, ActionDeclaration, AdminAction, Reconciled, Registered, reconcile},
};
use tidegate_store::Change;

use crate::{error::ServiceError, service::Service};

/// Who declares actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionOrigin {
    /// `[[actions]]` of the configuration.
    Configuration,
    /// A site that pushes its own.
    Pushed,
}

impl ActionOrigin {
    /// Word in the control state.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Pushed => "pushed",
        }
    }
}

/// An action as a list of them shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActionSummary {
    /// What was declared.
    #[serde(flatten)]
    pub action: AdminAction,
    /// Slug of its subject.
    pub subject: String,
    /// The capability that it is.
    pub capability: String,
    /// The permission that it is in Django.
    pub permission: String,
    /// Whether it is not declared any more.
    pub is_retired: bool,
    /// Whether the caller may have it done.
    pub is_allowed: bool,
    /// Whether this service has it done: a site has an address for it.
    pub can_run: bool,
}

impl Service {
    /// Makes the registry of one origin what it declares, or only says what that would come to.
    ///
    /// # Errors
    ///
    /// If the caller may not, or something about the declaration is wrong: all faults at once.
    pub async fn sync_actions(
        &self,
        caller: &Caller,
        origin: ActionOrigin,
        declared: &[AdminAction],
        is_dry: bool,
    ) -> Result<Reconciled, ServiceError> {
        let permit = self.permit(caller, Action::ActionSync, Target::default()).await?;
        let sited = self.sited();
        let subjects = &sited.site.subjects;
        registry::check(declared, subjects)?;
        let registered = self.store.registered_actions().await?;
        let (own, others): (Vec<Registered>, Vec<Registered>) =
            registered.into_iter().partition(|one| one.origin == origin.slug());
        refuse_collisions(declared, &others)?;
        let declared: Vec<Registered> = declared
            .iter()
            .filter_map(|action| {
                Some(Registered {
                    action: action.clone(),
                    capability: action.capability(subjects)?,
                    origin: origin.slug().to_owned(),
                    is_retired: false,
                })
            })
            .collect();
        let reconciled = reconcile(&own, &declared);
        if !is_dry && !reconciled.steps.is_empty() {
            let change = Change::Sync(reconciled.steps.clone());
            self.store.commit(permit, change).await?;
            tracing::info!(steps = reconciled.steps.len(), "registry of actions synced");
        }
        Ok(reconciled)
    }

    /// What the configuration declares.
    pub fn declared_actions(&self) -> Vec<AdminAction> {
        self.sited().site.actions.iter().map(ActionDeclaration::action).collect()
    }

    /// The actions of the subjects that the caller may see. One that several sites declare is told
    /// once.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn actions(&self, caller: &Caller) -> Result<Vec<ActionSummary>, ServiceError> {
        let policy = self.store.policy().await?;
        self.actions_held(&policy::held(&policy, caller)).await
    }

    /// The same for whoever holds these capabilities, who were asked for already.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn actions_held(
        &self,
        held: &Capabilities,
    ) -> Result<Vec<ActionSummary>, ServiceError> {
        let sited = self.sited();
        let mut summaries: Vec<ActionSummary> = Vec::new();
        for one in self.store.registered_actions().await? {
            let subject = registry::subject_of(&one.action.model, &sited.site.subjects);
            let Some(subject) = subject.filter(|it| held.contains(&list_of(&it.slug))) else {
                continue;
            };
            let known = summaries.iter_mut().find(|known| known.capability == one.capability);
            if let Some(known) = known {
                known.is_retired &= one.is_retired;
                continue;
            }
            let is_declared = |declared: &ActionDeclaration| {
                declared.model == one.action.model && declared.codename == one.action.codename
            };
            let declared = sited.site.actions.iter().find(|declared| is_declared(declared));
            summaries.push(ActionSummary {
                subject: subject.slug.clone(),
                permission: one.action.permission(),
                is_allowed: held.contains(&one.capability),
                can_run: declared.is_some_and(|declared| declared.webhook.is_some()),
                is_retired: one.is_retired,
                capability: one.capability,
                action: one.action,
            });
        }
        Ok(summaries)
    }

    /// Capabilities of actions that roles may name: those of the registry, retired ones too, and
    /// those that the configuration declares and nobody has synced yet.
    pub(crate) async fn action_capabilities(&self) -> Result<Capabilities, ServiceError> {
        let registered = self.store.registered_actions().await?;
        let sited = self.sited();
        let subjects = &sited.site.subjects;
        let declared = sited.site.actions.iter();
        let declared = declared.filter_map(|one| one.action().capability(subjects));
        Ok(registered.into_iter().map(|one| one.capability).chain(declared).collect())
    }
}

/// Two models of one application with the same codename are one permission in Django, whoever
/// declares them.
fn refuse_collisions(declared: &[AdminAction], others: &[Registered]) -> Result<(), Faults> {
    let mut faults = Vec::new();
    for (index, action) in declared.iter().enumerate() {
        let is_like = |other: &&Registered| {
            !other.is_retired
                && other.action.model != action.model
                && other.action.permission() == action.permission()
        };
        if let Some(other) = others.iter().find(is_like) {
            let detail = format!(
                "`{}` ({}) and `{}` both have an action `{}`, and Django cannot tell them apart: \
                 both are the permission `{}`",
                other.action.model,
                other.origin,
                action.model,
                action.codename,
                action.permission(),
            );
            faults.push(Fault::new(format!("/actions/{index}/codename"), detail));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
}
