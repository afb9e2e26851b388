//! What a new site begins with. From then on the control state owns it.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::Faults,
    role::{Role, defaults},
    settings::Settings,
};
use tidegate_store::{Change, RoleEdit};

use crate::{error::ServiceError, service::Service};

impl Service {
    /// Gives a new site its default roles, those of its configuration, and its first settings; a
    /// site that has roles stays as it is.
    ///
    /// # Errors
    ///
    /// If a role or a setting is wrong, or the control state cannot be changed.
    pub async fn set_up(
        &self,
        roles: &[Role],
        settings: Option<&Settings>,
    ) -> Result<(), ServiceError> {
        if !self.store.policy().await?.roles.is_empty() {
            return Ok(());
        }
        let mut faults = Vec::new();
        for role in roles {
            faults.extend(self.faults_of(role).await?);
        }
        if !faults.is_empty() {
            return Err(Faults(faults).into());
        }
        let setup = Caller::setup("first start");
        if let Some(settings) = settings {
            settings.check()?;
            let permit = self.permit(&setup, Action::SettingChange, Target::default()).await?;
            self.store.commit(permit, Change::Settings(Box::new(settings.clone()))).await?;
        }
        let defaults = defaults(self.sited().site.slugs());
        let declared = |role: &Role| roles.iter().any(|one| one.slug == role.slug);
        let all = roles.iter().cloned().chain(defaults.into_iter().filter(|role| !declared(role)));
        for role in all {
            let permit = self.permit(&setup, Action::RoleChange, Target::default()).await?;
            self.store.commit(permit, Change::Role(RoleEdit::Put(role))).await?;
        }
        Ok(())
    }
}
