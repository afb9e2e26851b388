//! Evaluates a predicate and a sort over rows in memory, by SPEC alone.

use std::cmp::Ordering;

use tidegate_model::{
    field::{Field, Origin},
    query::{Comparison, Literal, Place, Predicate, SortKey},
};

use super::{Cell, Table};

/// Whether the row fulfils the predicate.
pub(super) fn is_met(predicate: &Predicate, table: &Table, row: &[Cell]) -> bool {
    let cell = |field: &Field| cell_of(field, table, row);
    let equals = |field: &Field, value: &Literal| {
        cell(field).compare(&cell_of_literal(value)) == Some(Ordering::Equal)
    };
    match predicate {
        Predicate::All(parts) => parts.iter().all(|part| is_met(part, table, row)),
        Predicate::Any(parts) => parts.iter().any(|part| is_met(part, table, row)),
        Predicate::Not(part) => !is_met(part, table, row),
        Predicate::Compare { field, comparison, value } => {
            let ordering = cell(field).compare(&cell_of_literal(value));
            ordering.is_some_and(|ordering| match comparison {
                Comparison::Eq => ordering.is_eq(),
                Comparison::Lt => ordering.is_lt(),
                Comparison::Lte => ordering.is_le(),
                Comparison::Gt => ordering.is_gt(),
                Comparison::Gte => ordering.is_ge(),
            })
        }
        Predicate::In { field, values } => values.iter().any(|value| equals(field, value)),
        Predicate::IsNull(field) => *cell(field) == Cell::Null,
        Predicate::Matches { field, place, text } => {
            let here = match cell(field) {
                Cell::Text(text) => text.to_ascii_lowercase(),
                Cell::Integer(value) => value.to_string(),
                _ => return false,
            };
            let sought = text.to_ascii_lowercase();
            match place {
                Place::Anywhere => here.contains(&sought),
                Place::Start => here.starts_with(&sought),
                Place::End => here.ends_with(&sought),
            }
        }
        Predicate::KeyIn { key, keys } => keys
            .iter()
            .any(|values| key.iter().zip(values).all(|(field, value)| equals(field, value))),
    }
}

/// Order of two rows: NULLs last either way.
pub(super) fn order(sort: &[SortKey], table: &Table, left: &[Cell], right: &[Cell]) -> Ordering {
    for key in sort {
        let (left, right) = (cell_of(&key.field, table, left), cell_of(&key.field, table, right));
        let ordering = match (left, right) {
            (Cell::Null, Cell::Null) => Ordering::Equal,
            (Cell::Null, _) => Ordering::Greater,
            (_, Cell::Null) => Ordering::Less,
            (left, right) => {
                let ordering = left.compare(right).expect("sorted types have an order");
                if key.is_descending { ordering.reverse() } else { ordering }
            }
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

fn cell_of<'r>(field: &Field, table: &Table, row: &'r [Cell]) -> &'r Cell {
    match &field.origin {
        Origin::Column(column) => &row[table.at(column)],
        other => panic!("the evaluator knows columns only, not {other:?}"),
    }
}

fn cell_of_literal(literal: &Literal) -> Cell {
    match literal {
        Literal::Boolean(value) => Cell::Boolean(*value),
        Literal::Integer(value) => Cell::Integer(*value),
        Literal::Decimal(value) => Cell::decimal(value),
        Literal::Float(value) => Cell::Float(*value),
        Literal::Text(value) => Cell::Text(value.clone()),
        Literal::Date(value) => Cell::Date(*value),
        Literal::Time(value) => Cell::Time(*value),
        Literal::Timestamp(value) => Cell::Timestamp(*value),
        Literal::TimestampTz(value) => Cell::TimestampTz(*value),
        Literal::Uuid(value) => Cell::Uuid(value.clone()),
    }
}
