//! Turns a predicate into a condition that keeps SPEC's two-valued logic.

use sea_query::{BinOper, Expr, ExprTrait};
use tidegate_model::query::Predicate;

use super::{Binder, plan::Plan};
use crate::SourceError;

/// The condition, or none where every row is meant.
pub(super) fn condition<'a>(
    plan: &Plan<'a>,
    predicate: &'a Predicate,
    binder: &mut Binder,
) -> Result<Option<Expr>, SourceError> {
    if predicate.is_everything() {
        return Ok(None);
    }
    expression(plan, predicate, binder).map(Some)
}

fn expression<'a>(
    plan: &Plan<'a>,
    predicate: &'a Predicate,
    binder: &mut Binder,
) -> Result<Expr, SourceError> {
    let dialect = plan.dialect();
    Ok(match predicate {
        Predicate::All(parts) => join(plan, parts, BinOper::And, binder)?,
        Predicate::Any(parts) => join(plan, parts, BinOper::Or, binder)?,
        // Below a `not`, unknown counts as false. Above it nothing needs care: `and` and `or` are
        // true of unknowns only where they are true of falsehoods.
        Predicate::Not(part) => {
            expression(plan, part, binder)?.binary(BinOper::IsNot, Expr::Constant(true.into()))
        }
        Predicate::Compare { field, comparison, value } => {
            dialect.compare(&plan.operand(field, binder)?, *comparison, value, binder)
        }
        Predicate::In { values, .. } if values.is_empty() => nothing(),
        Predicate::In { field, values } => {
            dialect.is_in(&plan.operand(field, binder)?, values, binder)
        }
        Predicate::IsNull(field) => plan.operand(field, binder)?.expr.is_null(),
        Predicate::Matches { field, text, .. } if text.is_empty() => {
            plan.operand(field, binder)?.expr.is_not_null()
        }
        Predicate::Matches { field, place, text } => {
            dialect.matches(&plan.operand(field, binder)?, *place, text, binder)
        }
        Predicate::KeyIn { keys, .. } if keys.is_empty() => nothing(),
        Predicate::KeyIn { key, keys } => match key.as_slice() {
            [field] => {
                let values: Vec<_> = keys.iter().flatten().cloned().collect();
                dialect.is_in(&plan.operand(field, binder)?, &values, binder)
            }
            fields => {
                let operands = fields
                    .iter()
                    .map(|field| plan.operand(field, binder))
                    .collect::<Result<Vec<_>, _>>()?;
                dialect.keys_in(&operands, keys, binder)
            }
        },
    })
}

/// True where one of the parts is; of no row where there are none.
pub(crate) fn any_of(parts: impl IntoIterator<Item = Expr>) -> Expr {
    balanced(parts.into_iter().collect(), BinOper::Or).unwrap_or_else(nothing)
}

/// True of no row.
pub(super) fn nothing() -> Expr {
    Expr::Constant(1.into()).eq(Expr::Constant(0.into()))
}

/// True of every row.
fn everything() -> Expr {
    Expr::Constant(1.into()).eq(Expr::Constant(1.into()))
}

fn join<'a>(
    plan: &Plan<'a>,
    parts: &'a [Predicate],
    operator: BinOper,
    binder: &mut Binder,
) -> Result<Expr, SourceError> {
    let parts =
        parts.iter().map(|part| expression(plan, part, binder)).collect::<Result<Vec<_>, _>>()?;
    Ok(match (balanced(parts, operator), operator) {
        (Some(joined), _) => joined,
        (None, BinOper::Or) => nothing(),
        (None, _) => everything(),
    })
}

/// Joins the parts as a tree of little height: SQLite bounds the depth of an expression, and the
/// builder walks it by recursion.
pub(crate) fn balanced(mut parts: Vec<Expr>, operator: BinOper) -> Option<Expr> {
    match parts.len() {
        0 | 1 => parts.pop(),
        2..=8 => parts.into_iter().reduce(|left, right| left.binary(operator, right)),
        count => {
            let right = parts.split_off(count / 2);
            let left = balanced(parts, operator)?;
            Some(left.binary(operator, balanced(right, operator)?))
        }
    }
}
