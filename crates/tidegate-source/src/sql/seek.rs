//! Pages by the order itself: the condition that a row stands behind another one.

use sea_query::{BinOper, Expr, ExprTrait, NullOrdering, Order};

use super::{
    Binder, Operand, Statement,
    condition::{any_of, balanced, nothing},
    plan::Plan,
};
use crate::{Anchor, Seek, SourceError, Stretch};

/// A key of the sort, on the way that rows are gone through.
struct Step<'a> {
    operand: Operand<'a>,
    /// What the sort compares.
    placed: Expr,
    /// Largest first on this way.
    is_falling: bool,
    /// Whether it has a value in every row of the stretch.
    is_never_null: bool,
    /// What the anchor has here.
    at: Option<&'a str>,
}

impl<'a> Plan<'a> {
    /// Rows of a stretch of the order, from the anchor on.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation, or the anchor is one of another order.
    pub(super) fn seek(&self, seek: &Seek, limit: u64) -> Result<Statement, SourceError> {
        let mut binder = Binder::new();
        let mut select = self.list(&mut binder)?;
        self.filter(&mut select, &mut binder)?;
        let mut steps = self.steps(seek, &mut binder)?;
        if let Some(first) = steps.first() {
            let (placed, is_never_null) = (first.placed.clone(), first.is_never_null);
            match seek.stretch {
                Stretch::Values if is_never_null => {}
                Stretch::Values => {
                    select.and_where(placed.is_not_null());
                    steps[0].is_never_null = true;
                }
                Stretch::Nulls => {
                    select.and_where(if is_never_null { nothing() } else { placed.is_null() });
                    steps.remove(0);
                }
            }
        }
        if seek.anchor.is_some() {
            select.and_where(self.behind(&steps, seek.is_backward, &mut binder)?);
        }
        for step in steps {
            let order = if step.is_falling { Order::Desc } else { Order::Asc };
            let expr = self.dialect().sorted(&step.operand);
            match (step.is_never_null, seek.is_backward) {
                (true, _) => select.order_by_expr(expr, order),
                (false, false) => select.order_by_expr_with_nulls(expr, order, NullOrdering::Last),
                (false, true) => select.order_by_expr_with_nulls(expr, order, NullOrdering::First),
            };
        }
        select.limit(limit);
        Ok(self.render(&select))
    }

    fn steps<'s>(&self, seek: &'s Seek, binder: &mut Binder) -> Result<Vec<Step<'s>>, SourceError>
    where
        'a: 's,
    {
        let anchor = seek.anchor.as_ref().map(|Anchor(parts)| parts.as_slice());
        if anchor.is_some_and(|parts| parts.len() != self.sort().len()) {
            return Err(SourceError::WrongAnchor);
        }
        let step = |(at, key): (usize, &'a tidegate_model::query::SortKey)| {
            let operand = self.operand(&key.field, binder)?;
            Ok(Step {
                placed: self.dialect().placed(&operand),
                is_falling: key.is_descending != seek.is_backward,
                is_never_null: self.is_never_null(&key.field, &operand),
                at: anchor.and_then(|parts| parts[at].as_deref()),
                operand,
            })
        };
        self.sort().iter().enumerate().map(step).collect()
    }

    /// Whether a row comes behind the anchor on this way.
    fn behind(
        &self,
        steps: &[Step<'_>],
        is_backward: bool,
        binder: &mut Binder,
    ) -> Result<Expr, SourceError> {
        let mut places = Vec::with_capacity(steps.len());
        for step in steps {
            let place = step.at.map(|text| self.dialect().anchored(text, &step.operand, binder));
            places.push(place.transpose()?);
        }
        if let Some(rows) = self.compared_as_rows(steps, &places) {
            return Ok(rows);
        }
        let past = |step: &Step<'_>| match step.is_falling {
            true => BinOper::SmallerThan,
            false => BinOper::GreaterThan,
        };
        let mut ways = Vec::with_capacity(steps.len());
        let mut level: Vec<Expr> = Vec::new();
        for (step, place) in steps.iter().zip(&places) {
            let placed = || step.placed.clone();
            let further = match place {
                Some(value) => {
                    let further = placed().binary(past(step), value.clone());
                    let ends_in_nulls = !step.is_never_null && !is_backward;
                    Some(if ends_in_nulls { further.or(placed().is_null()) } else { further })
                }
                // NULLs come last: there is nothing behind them, and all values before them.
                None => is_backward.then(|| placed().is_not_null()),
            };
            if let Some(further) = further {
                let parts = level.iter().cloned().chain([further]).collect();
                ways.extend(balanced(parts, BinOper::And));
            }
            level.push(match place {
                Some(value) => placed().eq(value.clone()),
                None => placed().is_null(),
            });
        }
        let behind = any_of(ways);
        // Says to an index where to begin, which the alternatives do not.
        let lead = steps.first().zip(places.first()).and_then(|(step, place)| {
            let operator = match step.is_falling {
                true => BinOper::SmallerThanOrEqual,
                false => BinOper::GreaterThanOrEqual,
            };
            let value = place.clone().filter(|_| step.is_never_null)?;
            Some(step.placed.clone().binary(operator, value))
        });
        Ok(match lead {
            Some(lead) => lead.and(behind),
            None => behind,
        })
    }

    /// The comparison of whole rows, which an index serves to its last column: where the database
    /// has it, all keys go the same way, and none may be NULL.
    fn compared_as_rows(&self, steps: &[Step<'_>], places: &[Option<Expr>]) -> Option<Expr> {
        let first = steps.first()?;
        let is_level =
            steps.iter().all(|step| step.is_never_null && step.is_falling == first.is_falling);
        if !is_level || steps.len() < 2 || !self.dialect().seeks_by_rows() {
            return None;
        }
        let values = places.iter().cloned().collect::<Option<Vec<Expr>>>()?;
        let placed = steps.iter().map(|step| step.placed.clone()).collect::<Vec<_>>();
        let operator = match first.is_falling {
            true => BinOper::SmallerThan,
            false => BinOper::GreaterThan,
        };
        Some(Expr::tuple(placed).binary(operator, Expr::tuple(values)))
    }
}
