//! The rules and budgets of the site, and what is used of a budget.

use std::ops::Range;

use sea_orm::{QueryResult, Value};
use tidegate_model::{
    approval::ApprovalRules,
    budget::{Amounts, Budget, Budgets, Per},
    ids::OperatorId,
};

use crate::{
    connection::Store,
    error::StoreError,
    sql::{get, get_json},
};

pub(crate) const GOVERNANCE: &str = "\
    select approval, approval_version, budgets, budgets_version from governance where id = 1";

/// A document as it stood when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned<T> {
    /// Goes up with each change.
    pub version: i64,
    /// What it says.
    pub document: T,
}

/// Whose use of what is added up.
pub(crate) struct UseOf<'a> {
    pub(crate) budget: &'a Budget,
    /// Whose, where each operator has the budget.
    pub(crate) operator: OperatorId,
    /// The day, in microseconds since 1970.
    pub(crate) day: Range<i64>,
    /// Whether what is not a file yet counts, by what is expected of it.
    pub(crate) with_open: bool,
}

/// An export counts to the day on which it was asked for: what it has become counts, or else what
/// is expected of it; what has come to nothing does not.
pub(crate) fn use_of(asked: &UseOf<'_>) -> (String, Vec<Value>) {
    use_of_behind(asked, 0)
}

/// The same behind other parameters.
fn use_of_behind(asked: &UseOf<'_>, before: usize) -> (String, Vec<Value>) {
    const HAS_FILE: &str = "j.status in ('ready', 'expired', 'deleted')";
    let UseOf { budget, operator, day, with_open } = asked;
    let mut values: Vec<Value> = vec![day.start.into(), day.end.into()];
    let mut conditions = Vec::new();
    let mut also = |condition: &str, value: Value| {
        values.push(value);
        conditions.push(format!(" and {condition} = ${}", before + values.len()));
    };
    if let Some(subject) = &budget.subject {
        also("j.subject", subject.clone().into());
    }
    if let Some(role) = &budget.role {
        also("o.role", role.clone().into());
    }
    if let Some(email) = &budget.operator {
        also("o.email", email.to_lowercase().into());
    }
    match budget.per {
        Per::Operator => also("j.created_by", operator.0.into()),
        Per::All => {}
    }
    let counted = match with_open {
        true => format!("({HAS_FILE} or j.status in ('pending', 'building'))"),
        false => HAS_FILE.to_owned(),
    };
    let sum = |of_file: &str, expected: &str| {
        format!(
            "cast(coalesce(sum(case when {HAS_FILE} then coalesce({of_file}, 0) \
                 else coalesce({expected}, 0) end), 0) as bigint)"
        )
    };
    let sql = format!(
        "select {} as rows_used, {} as bytes_used, count(*) as exports_used \
         from jobs j join operators o on o.id = j.created_by \
         where j.created_at >= ${} and j.created_at < ${} and {counted}{}",
        sum("j.rows_done", "j.rows_estimated"),
        sum("j.size_bytes", "0"),
        before + 1,
        before + 2,
        conditions.concat(),
    );
    (sql, values)
}

pub(crate) fn amounts_of(row: &QueryResult) -> Result<Amounts, StoreError> {
    let number = |column| -> Result<u64, StoreError> {
        Ok(u64::try_from(get::<i64>(row, column)?).unwrap_or_default())
    };
    Ok(Amounts {
        rows: number("rows_used")?,
        bytes: number("bytes_used")?,
        exports: number("exports_used")?,
    })
}

/// The rules of the row of governance.
pub(crate) fn rules_of(row: Option<QueryResult>) -> Result<Versioned<ApprovalRules>, StoreError> {
    let row = row.ok_or(StoreError::Corrupt { what: "row of rules" })?;
    let document = get_json(&row, "approval", "rules")?;
    Ok(Versioned { version: get(&row, "approval_version")?, document })
}

/// Its budgets.
pub(crate) fn budgets_of(row: Option<QueryResult>) -> Result<Versioned<Budgets>, StoreError> {
    let row = row.ok_or(StoreError::Corrupt { what: "row of budgets" })?;
    let document = get_json(&row, "budgets", "budgets")?;
    Ok(Versioned { version: get(&row, "budgets_version")?, document })
}

impl Store {
    /// Which exports wait for a second person.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn approval_rules(&self) -> Result<ApprovalRules, StoreError> {
        Ok(self.versioned_rules().await?.document)
    }

    /// The same with their version.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn versioned_rules(&self) -> Result<Versioned<ApprovalRules>, StoreError> {
        rules_of(self.ask_one(GOVERNANCE, []).await?)
    }

    /// The budgets.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn budgets(&self) -> Result<Budgets, StoreError> {
        Ok(self.versioned_budgets().await?.document)
    }

    /// The same with their version.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn versioned_budgets(&self) -> Result<Versioned<Budgets>, StoreError> {
        budgets_of(self.ask_one(GOVERNANCE, []).await?)
    }

    /// What is used of each of these budgets within a day, with what is on its way; of those that
    /// each operator has, by that operator. One question, however many there are.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn budgets_used(
        &self,
        budgets: &[Budget],
        operator: OperatorId,
        day: Range<i64>,
    ) -> Result<Vec<Amounts>, StoreError> {
        if budgets.is_empty() {
            return Ok(Vec::new());
        }
        let (mut parts, mut values) = (Vec::new(), Vec::new());
        for (place, budget) in budgets.iter().enumerate() {
            let asked = UseOf { budget, operator, day: day.clone(), with_open: true };
            let (sql, own) = use_of_behind(&asked, values.len());
            values.extend(own);
            parts.push(format!("select {place} as place, u.* from ({sql}) u"));
        }
        let sql = format!("{} order by place", parts.join(" union all "));
        self.ask(&sql, values).await?.iter().map(amounts_of).collect()
    }
}
