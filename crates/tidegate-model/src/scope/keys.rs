//! Reads a selection: the keys of single records.

use serde_json::Value;

use super::{
    check::Checker,
    limits::IDS_MAX,
    value::{Operand, kind_of},
};
use crate::{fault::shown, field::Field, pointer::Pointer, query::Literal};

/// The key of a record: a value for every field of the subject's key, in its order.
pub(crate) type Key = Vec<Literal>;

impl Checker<'_> {
    /// Reads `ids` or `except_ids`, named by `member`.
    pub(super) fn keys(
        &mut self,
        sent: Option<&Value>,
        member: &str,
        at: &Pointer<'_>,
    ) -> Option<Vec<Key>> {
        let sent = sent?;
        let key = self.key_fields();
        if key.is_empty() {
            let detail = format!(
                "`{}`{} has no key, so that single records cannot be named; use `filter`",
                self.subject.slug,
                self.for_you()
            );
            self.faults.add(at, detail);
            return None;
        }
        let Value::Array(list) = sent else {
            let detail = format!("`{member}` takes a list of keys, not {}", kind_of(sent));
            self.faults.add(at, detail);
            return None;
        };
        if list.len() > IDS_MAX {
            let detail = format!("`{member}` holds at most {IDS_MAX} keys; use `filter`");
            self.faults.add(at, detail);
            return None;
        }
        let mut keys = Vec::with_capacity(list.len());
        for (index, sent) in list.iter().enumerate() {
            keys.extend(self.key(&key, sent, &at.index(index)));
        }
        Some(keys)
    }

    /// A key: the value alone if the key is one field, else a list or an object of its values.
    fn key(&mut self, fields: &[Field], sent: &Value, at: &Pointer<'_>) -> Option<Key> {
        if let [field] = fields {
            return Some(vec![self.key_value(field, sent, at)?]);
        }
        let names = || {
            let slugs: Vec<String> =
                fields.iter().map(|f| format!("`{}`", shown(&f.slug))).collect();
            slugs.join(", ")
        };
        let mut key = Key::with_capacity(fields.len());
        match sent {
            Value::Array(values) if values.len() == fields.len() => {
                for (index, (field, value)) in fields.iter().zip(values).enumerate() {
                    key.extend(self.key_value(field, value, &at.index(index)));
                }
            }
            Value::Object(values)
                if values.len() == fields.len()
                    && fields.iter().all(|field| values.contains_key(&field.slug)) =>
            {
                for field in fields {
                    key.extend(self.key_value(
                        field,
                        &values[&field.slug],
                        &at.member(&field.slug),
                    ));
                }
            }
            _ => {
                let detail = format!("a key here is a list or an object of {}", names());
                self.faults.add(at, detail);
            }
        }
        (key.len() == fields.len()).then_some(key)
    }

    fn key_value(&mut self, field: &Field, sent: &Value, at: &Pointer<'_>) -> Option<Literal> {
        let detail = match Operand::read(field, sent) {
            Ok(Operand::Exact(literal)) => return Some(literal),
            Ok(Operand::Day(_) | Operand::Local(_)) => {
                format!("`{}` is part of the key and takes an exact time", shown(&field.slug))
            }
            Err(_) if sent.is_null() => "a key has no null".to_owned(),
            Err(detail) => detail,
        };
        self.faults.add(at, detail);
        None
    }
}
