//! The rules by which exports wait, and the budgets.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    approval::ApprovalRules,
    budget::{Amounts, Budgets},
    ids::OperatorId,
};
use tidegate_store::{ApprovalChange, Change};

use crate::{error::ServiceError, service::Service};

impl Service {
    /// The rules by which exports wait.
    ///
    /// # Errors
    ///
    /// If the caller may not see the settings.
    pub async fn approval_rules(&self, caller: &Caller) -> Result<ApprovalRules, ServiceError> {
        self.permit(caller, Action::SettingView, Target::default()).await?;
        Ok(self.store.approval_rules().await?)
    }

    /// Sets them. What waits goes on waiting; what was made before goes on.
    ///
    /// # Errors
    ///
    /// If the caller may not, or one of them is wrong: all faults at once.
    pub async fn set_approval_rules(
        &self,
        caller: &Caller,
        rules: ApprovalRules,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::ApprovalRulesChange, Target::default()).await?;
        rules.check(&self.sited().site.slugs())?;
        let change = Change::Approval(ApprovalChange::Rules(rules));
        Ok(self.store.commit(permit, change).await.map(drop)?)
    }

    /// The budgets.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn budgets(&self, caller: &Caller) -> Result<Budgets, ServiceError> {
        self.permit(caller, Action::BudgetView, Target::default()).await?;
        Ok(self.store.budgets().await?)
    }

    /// Sets them. They count from the next export on, with what has left today.
    ///
    /// # Errors
    ///
    /// If the caller may not, or one of them is wrong: all faults at once.
    pub async fn set_budgets(&self, caller: &Caller, budgets: Budgets) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::BudgetChange, Target::default()).await?;
        budgets.check(&self.sited().site.slugs())?;
        let change = Change::Approval(ApprovalChange::Budgets(budgets));
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
}
