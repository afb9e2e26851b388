//! The rules by which exports wait, and the budgets.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    approval::ApprovalRules,
    budget::{Amounts, Budgets},
    ids::OperatorId,
    known::{Known, only_takes_away},
    policy::Permit,
};
use tidegate_store::{ApprovalChange, Change, Versioned};

use crate::{error::ServiceError, service::Service};

impl Service {
    /// The rules by which exports wait.
    ///
    /// # Errors
    ///
    /// If the caller may not see the settings.
    pub async fn approval_rules(
        &self,
        caller: &Caller,
    ) -> Result<Versioned<ApprovalRules>, ServiceError> {
        self.permit(caller, Action::SettingView, Target::default()).await?;
        Ok(self.store.versioned_rules().await?)
    }

    /// Sets them; where a version is given, only if they are of it. What waits goes on waiting;
    /// what was made before goes on.
    ///
    /// # Errors
    ///
    /// If the caller may not, somebody else was faster, or one of them is wrong: all faults at
    /// once.
    pub async fn set_approval_rules(
        &self,
        caller: &Caller,
        rules: ApprovalRules,
        version: Option<i64>,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::ApprovalRulesChange, Target::default()).await?;
        let roles = self.role_slugs().await?;
        self.put_rules(permit, (rules, version), &roles).await
    }

    /// Sets them, where these are the roles.
    pub(crate) async fn put_rules(
        &self,
        permit: Permit,
        (rules, version): (ApprovalRules, Option<i64>),
        roles: &[String],
    ) -> Result<(), ServiceError> {
        let now = self.store.approval_rules().await?;
        let sited = self.sited();
        let (subjects, roles) = (sited.site.slugs(), slugs(roles));
        let known = Known { subjects: &subjects, roles: &roles };
        // A name that is none any more is in nobody's way who takes something out.
        rules.check((!only_takes_away(&rules.rules, &now.rules)).then_some(known))?;
        let change = Change::Approval(ApprovalChange::Rules(rules, version));
        Ok(self.store.commit(permit, change).await.map(drop)?)
    }

    /// The budgets.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn budgets(&self, caller: &Caller) -> Result<Versioned<Budgets>, ServiceError> {
        self.permit(caller, Action::BudgetView, Target::default()).await?;
        Ok(self.store.versioned_budgets().await?)
    }

    /// Sets them; where a version is given, only if they are of it. They count from the next export
    /// on, with what has left today.
    ///
    /// # Errors
    ///
    /// If the caller may not, somebody else was faster, or one of them is wrong: all faults at
    /// once.
    pub async fn set_budgets(
        &self,
        caller: &Caller,
        budgets: Budgets,
        version: Option<i64>,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::BudgetChange, Target::default()).await?;
        let roles = self.role_slugs().await?;
        self.put_budgets(permit, (budgets, version), &roles).await
    }

    /// Sets them, where these are the roles.
    pub(crate) async fn put_budgets(
        &self,
        permit: Permit,
        (budgets, version): (Budgets, Option<i64>),
        roles: &[String],
    ) -> Result<(), ServiceError> {
        let now = self.store.budgets().await?;
        let sited = self.sited();
        let (subjects, roles) = (sited.site.slugs(), slugs(roles));
        let known = Known { subjects: &subjects, roles: &roles };
        budgets.check((!only_takes_away(&budgets.budgets, &now.budgets)).then_some(known))?;
        let change = Change::Approval(ApprovalChange::Budgets(budgets, version));
        Ok(self.store.commit(permit, change).await.map(drop)?)
    }

    /// What has been used of each budget today: by everybody together, where it is shared, else by
    /// the caller.
    ///
    /// # Errors
    ///
    /// If the caller may not see budgets.
    pub async fn budgets_used(
        &self,
        caller: &Caller,
        budgets: &Budgets,
    ) -> Result<Vec<Amounts>, ServiceError> {
        self.permit(caller, Action::BudgetView, Target::default()).await?;
        let operator = caller.operator().unwrap_or(OperatorId(0));
        let day = budgets.day_of(self.store.now().await?);
        Ok(self.store.budgets_used(&budgets.budgets, operator, day).await?)
    }

    async fn role_slugs(&self) -> Result<Vec<String>, ServiceError> {
        Ok(self.store.policy().await?.roles.into_keys().collect())
    }
}

fn slugs(roles: &[String]) -> Vec<&str> {
    roles.iter().map(String::as_str).collect()
}
