//! The filter of a scope: conditions under `all`, `any` and `not`.

use serde_json::{Map, Value};

use super::{
    Asker,
    check::Checker,
    limits::{FILTER_CONDITIONS_MAX, FILTER_DEPTH_MAX, FILTER_VALUES_MAX},
    operator::{Operator, Takes},
    span::{Duration, Span, Unit},
    value::{Operand, kind_of, text_value},
};
use crate::{
    DataType,
    fault::shown,
    field::Field,
    nearest::unknown,
    pointer::Pointer,
    query::{Comparison, Place},
};

/// A checked filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// All of these; true when empty.
    All(Vec<Filter>),
    /// At least one of these; false when empty.
    Any(Vec<Filter>),
    /// The opposite.
    Not(Box<Filter>),
    /// A test of one field.
    Condition(Box<Condition>),
}

/// A test of one field.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The field.
    pub field: Field,
    /// The test.
    pub test: Test,
}

/// What is asked of a field.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// Compared with a value.
    Compare(Comparison, Operand),
    /// Not equal to a value.
    NotEqual(Operand),
    /// One of some values.
    In(Vec<Operand>),
    /// None of some values.
    NotIn(Vec<Operand>),
    /// Between two values, both included.
    Between(Operand, Operand),
    /// Without a value, or with one.
    IsNull(bool),
    /// Holds a text.
    Matches(Place, String),
    /// In the span before now.
    Last(Span),
    /// In the span after now.
    Next(Span),
    /// In the unit that holds now.
    This(Unit),
    /// Since the last successful run.
    SinceLast,
}

impl Filter {
    /// True of every record.
    pub(crate) fn everything() -> Self {
        Self::All(Vec::new())
    }

    /// Whether it goes on where a last run ended.
    pub(crate) fn is_since_last(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::is_since_last),
            Self::Not(part) => part.is_since_last(),
            Self::Condition(condition) => condition.test == Test::SinceLast,
        }
    }

    /// Whether only records without a value in the field can match.
    pub(crate) fn implies_null(&self, slug: &str) -> bool {
        match self {
            Self::All(parts) => parts.iter().any(|part| part.implies_null(slug)),
            Self::Any(parts) => {
                !parts.is_empty() && parts.iter().all(|part| part.implies_null(slug))
            }
            Self::Not(part) => part.is_null_test(slug) == Some(false),
            Self::Condition(_) => self.is_null_test(slug) == Some(true),
        }
    }

    fn is_null_test(&self, slug: &str) -> Option<bool> {
        match self {
            Self::Condition(condition) => match condition.test {
                Test::IsNull(is_null) if condition.field.slug == slug => Some(is_null),
                _ => None,
            },
            Self::All(_) | Self::Any(_) | Self::Not(_) => None,
        }
    }

    pub(super) fn collect_fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.collect_fields(fields));
            }
            Self::Not(part) => part.collect_fields(fields),
            Self::Condition(condition) => fields.push(&condition.field),
        }
    }
}

impl Checker<'_> {
    /// Reads a filter; nothing if a fault was noted.
    pub(super) fn filter(
        &mut self,
        sent: &Value,
        at: &Pointer<'_>,
        depth: usize,
    ) -> Option<Filter> {
        let Value::Object(members) = sent else {
            let detail = format!(
                "a filter is an object such as {{\"field\": …, \"op\": …, \"value\": …}} or \
                 {{\"all\": […]}}, not {}",
                kind_of(sent)
            );
            self.faults.add(at, detail);
            return None;
        };
        if depth > FILTER_DEPTH_MAX {
            self.faults.add(at, format!("a filter nests at most {FILTER_DEPTH_MAX} levels"));
            return None;
        }
        let group = ["all", "any", "not"].into_iter().find_map(|name| members.get_key_value(name));
        match group {
            None => self.condition(members, at),
            Some((name, _)) if members.len() > 1 => {
                let detail =
                    format!("`{name}` stands alone; join conditions in one `all` or `any`");
                self.faults.add(at, detail);
                None
            }
            Some((name, part)) if name == "not" => {
                let part = self.filter(part, &at.member(name), depth + 1)?;
                Some(Filter::Not(Box::new(part)))
            }
            Some((name, Value::Array(parts))) => {
                let list = at.member(name);
                if parts.len() > FILTER_CONDITIONS_MAX {
                    let detail = format!("`{name}` holds at most {FILTER_CONDITIONS_MAX} filters");
                    self.faults.add(&list, detail);
                    return None;
                }
                let mut filters = Vec::with_capacity(parts.len());
                for (index, part) in parts.iter().enumerate() {
                    if self.conditions > FILTER_CONDITIONS_MAX {
                        return None;
                    }
                    filters.extend(self.filter(part, &list.index(index), depth + 1));
                }
                Some(if name == "all" { Filter::All(filters) } else { Filter::Any(filters) })
            }
            Some((name, other)) => {
                let detail = format!("`{name}` takes a list of filters, not {}", kind_of(other));
                self.faults.add(&at.member(name), detail);
                None
            }
        }
    }

    fn condition(&mut self, members: &Map<String, Value>, at: &Pointer<'_>) -> Option<Filter> {
        self.conditions += 1;
        if self.conditions > FILTER_CONDITIONS_MAX {
            let detail = format!("a filter has at most {FILTER_CONDITIONS_MAX} conditions");
            self.faults.add(at, detail);
            return None;
        }
        const MEMBERS: &[&str] = &["field", "op", "value"];
        let mut is_whole = true;
        for name in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
            self.faults.add(&at.member(name), unknown("member of a filter", name, MEMBERS));
            is_whole = false;
        }
        let field = self.condition_field(members.get("field"), at);
        let operator = self.condition_operator(members.get("op"), at);
        let (field, operator) = (field?, operator?);
        if !operator.applies_to(&field) {
            self.faults.add(&at.member("op"), inapplicable(operator, &field));
            return None;
        }
        let value = members.get("value");
        let test = self.test(operator, &field, value, at)?;
        is_whole.then(|| Filter::Condition(Box::new(Condition { field, test })))
    }

    fn condition_field(&mut self, sent: Option<&Value>, at: &Pointer<'_>) -> Option<Field> {
        match sent {
            Some(Value::String(slug)) => match self.subject.field(slug) {
                // A row that matches tells the value, and so does one that does not.
                Some(field) if field.mask.hides() && self.asker != Asker::Limit => {
                    self.refuse_masked(&at.member("field"), field, "filtered");
                }
                Some(field) => return Some(field.clone()),
                None => {
                    let detail = self.unknown_field(slug);
                    self.faults.add(&at.member("field"), detail);
                }
            },
            Some(other) => {
                let detail = format!("`field` takes the name of a field, not {}", kind_of(other));
                self.faults.add(&at.member("field"), detail);
            }
            None => self.faults.add(at, "`field` is missing: it names the field to test"),
        }
        None
    }

    fn condition_operator(&mut self, sent: Option<&Value>, at: &Pointer<'_>) -> Option<Operator> {
        match sent {
            Some(Value::String(slug)) => match Operator::find(slug) {
                Some(operator) => return Some(operator),
                None => {
                    let known: Vec<&str> = Operator::ALL.iter().map(|o| o.slug()).collect();
                    self.faults.add(&at.member("op"), unknown("operator", slug, &known));
                }
            },
            Some(other) => {
                let detail = format!("`op` takes the name of an operator, not {}", kind_of(other));
                self.faults.add(&at.member("op"), detail);
            }
            None => self.faults.add(at, "`op` is missing: it names the operator, such as `eq`"),
        }
        None
    }

    fn test(
        &mut self,
        operator: Operator,
        field: &Field,
        value: Option<&Value>,
        at: &Pointer<'_>,
    ) -> Option<Test> {
        let place = at.member("value");
        let value = match (operator.takes(), value) {
            (Takes::Flag, None | Some(Value::Null)) => return Some(Test::IsNull(true)),
            (Takes::Nothing, None | Some(Value::Null)) => return self.since_last(at),
            (_, Some(value)) => value,
            (takes, None) => {
                let detail = format!("`value` is missing: {}", wanted(operator, takes));
                self.faults.add(at, detail);
                return None;
            }
        };
        match operator.takes() {
            Takes::One => {
                let operand = self.operand(field, value, &place)?;
                Some(match operator {
                    Operator::Ne => Test::NotEqual(operand),
                    other => Test::Compare(comparison(other)?, operand),
                })
            }
            Takes::Many => {
                let operands = self.operands(operator, field, value, &place)?;
                let is_negated = operator == Operator::NotIn;
                Some(if is_negated { Test::NotIn(operands) } else { Test::In(operands) })
            }
            Takes::Two => self.between(field, value, &place),
            Takes::Text => self.matches(operator, value, &place),
            Takes::Flag => match value {
                Value::Bool(is_null) => Some(Test::IsNull(*is_null)),
                other => self.refuse(operator, other, &place),
            },
            Takes::Span => self.span(operator, field, value, &place),
            Takes::Unit => match value.as_str().and_then(Unit::find) {
                Some(unit) => Some(Test::This(unit)),
                None => self.refuse(operator, value, &place),
            },
            Takes::Nothing => self.refuse(operator, value, &place),
        }
    }

    fn operand(&mut self, field: &Field, sent: &Value, at: &Pointer<'_>) -> Option<Operand> {
        self.values += 1;
        match Operand::read(field, sent) {
            Ok(operand) => Some(operand),
            Err(detail) => {
                self.faults.add(at, detail);
                None
            }
        }
    }

    fn operands(
        &mut self,
        operator: Operator,
        field: &Field,
        sent: &Value,
        at: &Pointer<'_>,
    ) -> Option<Vec<Operand>> {
        let Value::Array(list) = sent else { return self.refuse(operator, sent, at) };
        if self.values + list.len() > FILTER_VALUES_MAX {
            let detail = format!("a filter has at most {FILTER_VALUES_MAX} values in all");
            self.faults.add(at, detail);
            return None;
        }
        let mut operands = Vec::with_capacity(list.len());
        for (index, value) in list.iter().enumerate() {
            operands.extend(self.operand(field, value, &at.index(index)));
        }
        (operands.len() == list.len()).then_some(operands)
    }

    fn between(&mut self, field: &Field, sent: &Value, at: &Pointer<'_>) -> Option<Test> {
        let Some([low, high]) = sent.as_array().map(Vec::as_slice) else {
            return self.refuse(Operator::Between, sent, at);
        };
        let low = self.operand(field, low, &at.index(0));
        let high = self.operand(field, high, &at.index(1));
        let (low, high) = (low?, high?);
        if low.is_above(&high) {
            self.faults.add(at, "the range ends before it begins");
            return None;
        }
        Some(Test::Between(low, high))
    }

    fn matches(&mut self, operator: Operator, sent: &Value, at: &Pointer<'_>) -> Option<Test> {
        let Value::String(text) = sent else { return self.refuse(operator, sent, at) };
        self.values += 1;
        let place = match operator {
            Operator::StartsWith => Place::Start,
            Operator::EndsWith => Place::End,
            _ => Place::Anywhere,
        };
        let checked = match text.is_empty() {
            true => Err("the text to find is empty".to_owned()),
            false => text_value(text),
        };
        match checked {
            Ok(text) => Some(Test::Matches(place, text)),
            Err(detail) => {
                self.faults.add(at, detail);
                None
            }
        }
    }

    fn span(
        &mut self,
        operator: Operator,
        field: &Field,
        sent: &Value,
        at: &Pointer<'_>,
    ) -> Option<Test> {
        let Value::String(text) = sent else { return self.refuse(operator, sent, at) };
        let span = match (Unit::find(text), text.parse::<Duration>()) {
            (Some(unit), _) => Span::Unit(unit),
            (None, Ok(duration)) if field.data_type == DataType::Date && duration.seconds > 0 => {
                let detail = format!("`{}` has whole days, no hours", shown(&field.slug));
                self.faults.add(at, detail);
                return None;
            }
            (None, Ok(duration)) => Span::Duration(duration),
            (None, Err(fault)) if text.starts_with('P') => {
                self.faults.add(at, fault.to_string());
                return None;
            }
            (None, Err(_)) => return self.refuse(operator, sent, at),
        };
        Some(if operator == Operator::Last { Test::Last(span) } else { Test::Next(span) })
    }

    fn since_last(&mut self, at: &Pointer<'_>) -> Option<Test> {
        match self.asker {
            Asker::Schedule => Some(Test::SinceLast),
            Asker::Request | Asker::Limit => {
                let detail = "`since_last` is for schedules: a request has no run before it; use \
                              `last` or `gte`";
                self.faults.add(&at.member("op"), detail);
                None
            }
        }
    }

    /// Notes that the value is not what the operator takes.
    fn refuse<T>(&mut self, operator: Operator, sent: &Value, at: &Pointer<'_>) -> Option<T> {
        let found = match (operator.takes(), sent) {
            (Takes::Span | Takes::Unit, Value::String(_)) => "this text",
            (Takes::Two, Value::Array(_)) => "a list of another length",
            _ => kind_of(sent),
        };
        self.faults.add(at, format!("{}, not {found}", wanted(operator, operator.takes())));
        None
    }
}

fn comparison(operator: Operator) -> Option<Comparison> {
    match operator {
        Operator::Eq => Some(Comparison::Eq),
        Operator::Lt => Some(Comparison::Lt),
        Operator::Lte => Some(Comparison::Lte),
        Operator::Gt => Some(Comparison::Gt),
        Operator::Gte => Some(Comparison::Gte),
        _ => None,
    }
}

fn wanted(operator: Operator, takes: Takes) -> String {
    let slug = operator.slug();
    match takes {
        Takes::One => format!("`{slug}` takes a value"),
        Takes::Many => format!("`{slug}` takes a list of values"),
        Takes::Two => format!("`{slug}` takes a list of two values, the lower one first"),
        Takes::Text => format!("`{slug}` takes text"),
        Takes::Flag => format!("`{slug}` takes true or false"),
        Takes::Span => format!(
            "`{slug}` takes a duration such as \"P7D\" (ISO 8601), or `day`, `week`, `month`, \
             `quarter` or `year`"
        ),
        Takes::Unit => format!("`{slug}` takes `day`, `week`, `month`, `quarter` or `year`"),
        Takes::Nothing => format!("`{slug}` takes no value"),
    }
}

fn inapplicable(operator: Operator, field: &Field) -> String {
    let slug = shown(&field.slug);
    let fits: Vec<&str> =
        Operator::ALL.iter().filter(|o| o.applies_to(field)).map(|o| o.slug()).collect();
    let remedy = match fits.is_empty() {
        true => "it cannot be filtered".to_owned(),
        false => format!("it takes {}", fits.join(", ")),
    };
    format!("`{}` does not apply to `{slug}` ({}); {remedy}", operator.slug(), field.data_type)
}
