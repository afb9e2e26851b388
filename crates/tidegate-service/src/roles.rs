//! Roles: what their operators may do.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    capability,
    fault::{Fault, Faults},
    role::Role,
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
        self.permit(caller, Action::RoleView, Target::default()).await?;
        Ok(self.store.policy().await?.roles.into_values().collect())
    }

    /// Adds a role, or replaces the one of its slug.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the role is wrong: all faults at once.
    pub async fn put_role(&self, caller: &Caller, role: Role) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::RoleChange, Target::default()).await?;
        let faults = self.faults_of(&role);
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

    pub(crate) fn faults_of(&self, role: &Role) -> Vec<Fault> {
        let sited = self.sited();
        let slugs = sited.site.slugs();
        let mut faults = Vec::new();
        let is_slug = role.slug.len() <= SLUG_CHARACTERS_MAX
            && role.slug.starts_with(|c: char| c.is_ascii_lowercase())
            && role.slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !is_slug {
            let detail = "a slug has small letters, digits and `_`, and begins with a letter";
            faults.push(Fault::new("/slug", detail));
        }
        for capability in &role.capabilities {
            if let Some(detail) = capability::fault_of(capability, slugs.iter().copied()) {
                faults.push(Fault::new("/capabilities", detail));
            }
        }
        for (index, limit) in role.limits.iter().enumerate() {
            if !slugs.contains(&limit.subject.as_str()) {
                let detail = tidegate_model::nearest::unknown("subject", &limit.subject, &slugs);
                faults.push(Fault::new(format!("/limits/{index}/subject"), detail));
            }
        }
        faults
    }
}
