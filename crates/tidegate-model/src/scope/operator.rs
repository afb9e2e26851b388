//! The operators of a filter: what each takes, and which fields it applies to.

use crate::{DataType, field::Field};

/// An operator of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// Equal, letter case included.
    Eq,
    /// Not equal, or no value.
    Ne,
    /// One of some values.
    In,
    /// None of some values, or no value.
    NotIn,
    /// Below.
    Lt,
    /// Below or equal.
    Lte,
    /// Above.
    Gt,
    /// Above or equal.
    Gte,
    /// From one value to another, both included.
    Between,
    /// No value.
    IsNull,
    /// Holds a text, letter case aside.
    Contains,
    /// Begins with a text, letter case aside.
    StartsWith,
    /// Ends with a text, letter case aside.
    EndsWith,
    /// In the span before now.
    Last,
    /// In the span after now.
    Next,
    /// In the calendar unit that holds now.
    This,
    /// Since the last successful run of the schedule.
    SinceLast,
}

/// What an operator wants as `value`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// One value of the field's type.
    One,
    /// A list of values of the field's type.
    Many,
    /// Two values of the field's type.
    Two,
    /// A text.
    Text,
    /// `true` (or nothing) or `false`.
    Flag,
    /// A unit or an ISO 8601 duration.
    Span,
    /// A unit.
    Unit,
    /// Nothing.
    Nothing,
}

impl Operator {
    /// Every operator.
    pub const ALL: &'static [Self] = &[
        Self::Eq,
        Self::Ne,
        Self::In,
        Self::NotIn,
        Self::Lt,
        Self::Lte,
        Self::Gt,
        Self::Gte,
        Self::Between,
        Self::IsNull,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Last,
        Self::Next,
        Self::This,
        Self::SinceLast,
    ];

    /// Name in a filter.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Between => "between",
            Self::IsNull => "is_null",
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Last => "last",
            Self::Next => "next",
            Self::This => "this",
            Self::SinceLast => "since_last",
        }
    }

    /// The operator of that name.
    pub fn find(slug: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|operator| operator.slug() == slug)
    }

    /// What it wants as `value`.
    pub fn takes(self) -> Takes {
        match self {
            Self::Eq | Self::Ne | Self::Lt | Self::Lte | Self::Gt | Self::Gte => Takes::One,
            Self::In | Self::NotIn => Takes::Many,
            Self::Between => Takes::Two,
            Self::IsNull => Takes::Flag,
            Self::Contains | Self::StartsWith | Self::EndsWith => Takes::Text,
            Self::Last | Self::Next => Takes::Span,
            Self::This => Takes::Unit,
            Self::SinceLast => Takes::Nothing,
        }
    }

    /// Whether it applies to a field.
    pub fn applies_to(self, field: &Field) -> bool {
        match self {
            Self::Eq | Self::Ne | Self::In | Self::NotIn => field.has_equality(),
            Self::Lt | Self::Lte | Self::Gt | Self::Gte | Self::Between => field.has_order(),
            Self::IsNull => !field.is_lines(),
            Self::Contains | Self::StartsWith | Self::EndsWith => field.data_type == DataType::Text,
            Self::Last | Self::Next | Self::This | Self::SinceLast => field.data_type.is_temporal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_found_by_its_name() {
        for operator in Operator::ALL {
            assert_eq!(Operator::find(operator.slug()), Some(*operator));
        }
        assert_eq!(Operator::find("like"), None);
    }
}
