//! What a new site begins with. From then on the control state owns it.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    approval::ApprovalRules,
    budget::Budgets,
    fault::Faults,
    role::{Role, defaults},
    settings::Settings,
};
use tidegate_store::{Change, RoleEdit};

use crate::{error::ServiceError, service::Service};

impl Service {
    /// Gives a new site its default roles, those of its configuration, and its first settings; of a
    /// site that has roles only those settings change that are given from outside.
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
            return self.pin(settings).await;
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
            self.put_settings(&setup, settings).await?;
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

    /// Gives a new site the first rules of approval and the first budgets of its configuration,
    /// which may speak of the roles that it begins with. A site that has roles keeps what it has.
    ///
    /// # Errors
    ///
    /// If one of them is wrong, or the control state cannot be changed.
    pub async fn set_up_rules(
        &self,
        roles: &[Role],
        (rules, budgets): (Option<&ApprovalRules>, Option<&Budgets>),
    ) -> Result<(), ServiceError> {
        if !self.store.policy().await?.roles.is_empty() {
            return Ok(());
        }
        let setup = Caller::setup("first start");
        let defaults = defaults(self.sited().site.slugs());
        let roles = roles.iter().chain(&defaults).map(|role| role.slug.clone());
        let roles: Vec<String> = roles.collect();
        let target = Target::default;
        if let Some(rules) = rules {
            let permit = self.permit(&setup, Action::ApprovalRulesChange, target()).await?;
            self.put_rules(permit, (rules.clone(), None), &roles).await?;
        }
        if let Some(budgets) = budgets {
            let permit = self.permit(&setup, Action::BudgetChange, target()).await?;
            self.put_budgets(permit, (budgets.clone(), None), &roles).await?;
        }
        Ok(())
    }

    /// Sees to it that settings which are given from outside are so.
    async fn pin(&self, given: Option<&Settings>) -> Result<(), ServiceError> {
        let Some(given) = given else { return Ok(()) };
        let now = self.store.settings().await?;
        let pinned = now.with(&self.sited().site.pinned, given);
        match pinned == now {
            true => Ok(()),
            false => {
                pinned.check()?;
                self.put_settings(&Caller::setup("environment"), &pinned).await
            }
        }
    }
}
