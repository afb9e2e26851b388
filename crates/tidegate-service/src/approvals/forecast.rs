//! Says what an export will meet before it is asked for: a rule by which it waits, a budget, a
//! reason that is wanted.

use tidegate_model::{
    actor::Caller,
    approval::{Asked, ReasonRule},
    budget::{Amount, Budget, Spender},
};

use crate::{error::ServiceError, service::Service};

/// What an export will meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Name of the rule by which it waits for a second person.
    pub waits_by: Option<String>,
    /// What is left of the budgets that it counts to.
    pub budgets: Vec<BudgetLeft>,
    /// What the site asks for as a reason.
    pub reason: ReasonRule,
    /// Whether that is asked for of this export.
    pub wants_reason: bool,
}

/// What is left of a budget until the end of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLeft {
    /// Its name.
    pub name: String,
    /// What of it.
    pub amount: Amount,
    /// What is left.
    pub left: u64,
    /// All of it.
    pub limit: u64,
    /// Whether the export is more than that.
    pub is_over: bool,
}

impl Service {
    /// What an export of a subject will meet, with that many rows if anybody can say.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn forecast(
        &self,
        caller: &Caller,
        (subject, has_pii): (&str, bool),
        rows: Option<u64>,
    ) -> Result<Forecast, ServiceError> {
        let Some(id) = caller.operator() else { return Ok(Forecast::default()) };
        let (rules, budgets) = (self.store.approval_rules().await?, self.store.budgets().await?);
        let now = self.store.now().await?;
        let role = caller.role.as_deref().unwrap_or_default();
        let operator = caller.name.as_str();
        let asked = Asked { subject, has_pii, rows, operator, role, at: now };
        let day = budgets.day_of(now);
        let spender = Spender { subject, operator, role };
        let counted: Vec<Budget> = budgets.of(&spender).cloned().collect();
        let used = self.store.budgets_used(&counted, id, day).await?;
        let mut left = Vec::new();
        for (budget, used) in counted.iter().zip(&used) {
            for &amount in Amount::ALL {
                let Some(limit) = budget.limit(amount) else { continue };
                let remains = limit.saturating_sub(used.of(amount));
                let wanted = match amount {
                    Amount::Rows => rows,
                    Amount::Bytes => None,
                    Amount::Exports => Some(1),
                };
                let is_over = wanted.map_or(remains == 0, |wanted| wanted > remains);
                let name = budget.name.clone();
                left.push(BudgetLeft { name, amount, left: remains, limit, is_over });
            }
        }
        Ok(Forecast {
            waits_by: rules.of(&asked).map(|rule| rule.name.clone()),
            budgets: left,
            wants_reason: rules.reason.fault_of(None, has_pii).is_some(),
            reason: rules.reason,
        })
    }
}
