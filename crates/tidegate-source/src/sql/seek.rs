//! Pages by the order itself: the condition that a row stands behind another one.

use sea_query::{BinOper, Expr, ExprTrait, NullOrdering, Order, Query as Sql, SelectStatement};

use super::{
    Binder, Operand, Statement,
    condition::{any_of, balanced, nothing},
    plan::{Plan, column_of},
};
use crate::{Anchor, Page, Seek, SourceError, Start, Stretch};

/// Name of the keys of the rows that match.
const FOUND: &str = "f";

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
        let steps = self.sought(&mut select, seek, &mut binder)?;
        self.go(&mut select, &steps, seek);
        select.limit(limit);
        Ok(self.render(&select))
    }

    /// The same rows by way of the keys of all that match, in PostgreSQL's words: first they are
    /// found, then sorted, then those of the page are read. A planner takes a filter's rows to be
    /// spread evenly over the order, and walks along it until it has a page of them; where they all
    /// lie at the far end, that is nearly all of the table. Nothing where the filter lets all rows
    /// through, or the order or the key is not made of columns that always have a value.
    ///
    /// # Errors
    ///
    /// If a field has no place in the relation, or the anchor is one of another order.
    pub(crate) fn found(&self, page: &Page) -> Result<Option<Statement>, SourceError> {
        let Start::Seek(seek) = &page.start else { return Ok(None) };
        let mut binder = Binder::new();
        let mut found = Sql::select();
        let mut select = self.list(&mut binder)?;
        let Some(keys) = self.key_columns(&mut binder)? else { return Ok(None) };
        self.from(&mut found, &mut binder)?;
        let steps = self.sought(&mut found, seek, &mut binder)?;
        let is_plain = steps.len() == self.sort().len() && steps.iter().all(|it| it.is_never_null);
        if keys.is_empty() || !is_plain || self.lets_everything_through() {
            return Ok(None);
        }
        let mut sorted = Sql::select();
        for (at, key) in keys.iter().enumerate() {
            found.expr_as(key.clone(), format!("k{at}"));
            sorted.expr(column_of(FOUND, &format!("k{at}")));
        }
        for (at, step) in steps.iter().enumerate() {
            let order = if step.is_falling { Order::Desc } else { Order::Asc };
            found.expr_as(self.dialect().sorted(&step.operand), format!("s{at}"));
            sorted.order_by_expr(column_of(FOUND, &format!("s{at}")), order);
        }
        // The planner looks for no order beyond an offset, even one of nothing.
        found.offset(0);
        sorted.from_subquery(found, FOUND).limit(page.limit);
        select.and_where(Expr::tuple(keys).in_subquery(sorted));
        self.go(&mut select, &steps, seek);
        select.limit(page.limit);
        Ok(Some(self.render(&select)))
    }

    /// The columns of the key; nothing where some of it is no column.
    fn key_columns(&self, binder: &mut Binder) -> Result<Option<Vec<Expr>>, SourceError> {
        let mut columns = Vec::new();
        for field in self.key() {
            let operand = self.operand(field, binder)?;
            if !self.is_never_null(field, &operand) {
                return Ok(None);
            }
            columns.push(operand.expr);
        }
        Ok(Some(columns))
    }

    /// Adds the filter, and that rows are of the stretch and behind the anchor; gives the keys of
    /// the sort that are left.
    fn sought<'s>(
        &self,
        select: &mut SelectStatement,
        seek: &'s Seek,
        binder: &mut Binder,
    ) -> Result<Vec<Step<'s>>, SourceError>
    where
        'a: 's,
    {
        self.filter(select, binder)?;
        let mut steps = self.steps(seek, binder)?;
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
            select.and_where(self.behind(&steps, seek.is_backward, binder)?);
        }
        Ok(steps)
    }

    /// Adds the order of the way.
    fn go(&self, select: &mut SelectStatement, steps: &[Step<'_>], seek: &Seek) {
        for step in steps {
            let order = if step.is_falling { Order::Desc } else { Order::Asc };
            let expr = self.dialect().sorted(&step.operand);
            match (step.is_never_null, seek.is_backward) {
                (true, _) => select.order_by_expr(expr, order),
                (false, false) => select.order_by_expr_with_nulls(expr, order, NullOrdering::Last),
                (false, true) => select.order_by_expr_with_nulls(expr, order, NullOrdering::First),
            };
        }
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
