//! Roles: what their operators may do.

use std::collections::BTreeMap;

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    capability,
    fault::{Fault, Faults},
    pointer::Pointer,
    role::Role,
    scope::Scope,
};
use tidegate_store::{Change, RoleEdit};

use crate::{error::ServiceError, service::Service};

/// Characters of a role's slug at most.
const SLUG_CHARACTERS_MAX: usize = 63;

impl Service {
    /// All roles.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn roles(&self, caller: &Caller) -> Result<Vec<Role>, ServiceError> {
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::RoleView, Target::default()).await?;
        Ok(policy.roles.into_values().collect())
    }

    /// Slugs and names of the roles, for whoever gives them to operators.
    ///
    /// # Errors
    ///
    /// If the caller may not see operators.
    pub async fn role_names(&self, caller: &Caller) -> Result<Vec<(String, String)>, ServiceError> {
        let policy = self.store.policy().await?;
        self.permit_by(&policy, caller, Action::OperatorView, Target::default()).await?;
        let roles = policy.roles.into_values();
        Ok(roles.map(|role| (role.slug, role.label)).collect())
    }

    /// How many operators hold each role; those that are shut out are not counted, and a role that
    /// nobody holds is not among them.
    ///
    /// # Errors
    ///
    /// If the caller may not see roles.
    pub async fn role_holders(
        &self,
        caller: &Caller,
    ) -> Result<BTreeMap<String, i64>, ServiceError> {
        self.permit(caller, Action::RoleView, Target::default()).await?;
        let mut holders = BTreeMap::new();
        for operator in self.store.operators().await?.into_iter().filter(|one| !one.is_disabled) {
            *holders.entry(operator.role).or_insert(0) += 1;
        }
        Ok(holders)
    }

    /// Adds a role, or replaces the one of its slug.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the role is wrong: all faults at once.
    pub async fn put_role(&self, caller: &Caller, role: Role) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::RoleChange, Target::default()).await?;
        let faults = self.faults_of(&role).await?;
        if !faults.is_empty() {
            return Err(Faults(faults).into());
        }
        self.store.commit(permit, Change::Role(RoleEdit::Put(role))).await?;
        Ok(())
    }

    /// Removes a role that no operator has.
    ///
    /// # Errors
    ///
    /// If the caller may not, or somebody has it.
    pub async fn remove_role(&self, caller: &Caller, slug: &str) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::RoleRemove, Target::default()).await?;
        self.store.commit(permit, Change::Role(RoleEdit::Remove(slug.to_owned()))).await?;
        Ok(())
    }

    /// Everything that is wrong with a role.
    ///
    /// # Errors
    ///
    /// If a source cannot say which fields its subject has: a limit that nobody has checked might
    /// hide nothing.
    pub(crate) async fn faults_of(&self, role: &Role) -> Result<Vec<Fault>, ServiceError> {
        let sited = self.sited();
        let slugs = sited.site.slugs();
        let actions = self.action_capabilities().await?;
        let mut faults = Vec::new();
        let is_slug = role.slug.len() <= SLUG_CHARACTERS_MAX
            && role.slug.starts_with(|c: char| c.is_ascii_lowercase())
            && role.slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_slug {
            let detail = "a slug has small letters, digits and `_`, and begins with a letter";
            faults.push(Fault::new("/slug", detail));
        }
        for capability in &role.capabilities {
            if let Some(detail) = capability::fault_of(capability, slugs.iter().copied(), &actions)
            {
                faults.push(Fault::new("/capabilities", detail));
            }
        }
        faults.extend(role.masks.faults("/masks"));
        for (index, limit) in role.limits.iter().enumerate() {
            if !slugs.contains(&limit.subject.as_str()) {
                let detail = tidegate_model::nearest::unknown("subject", &limit.subject, &slugs);
                faults.push(Fault::new(format!("/limits/{index}/subject"), detail));
                continue;
            }
            let limits = Pointer::at("/limits");
            let at = limits.index(index);
            let is_second = role.limits[..index].iter().any(|one| one.subject == limit.subject);
            if is_second {
                let detail = "a subject has one limit; join the filters with `all`";
                faults.push(at.member("subject").fault(detail));
            }
            // Of the subject as a whole and of each of its kinds: an export may be of either.
            let subject = self.bound(&limit.subject).await?.subject;
            for shape in std::iter::once(subject.whole()).chain(subject.kinds()) {
                let checked = Scope::check_limit(&limit.filter, shape, &at.member("where"));
                let found = checked.err().map(|Faults(found)| found).unwrap_or_default();
                for fault in found {
                    if !faults.contains(&fault) {
                        faults.push(fault);
                    }
                }
            }
        }
        Ok(faults)
    }
}
