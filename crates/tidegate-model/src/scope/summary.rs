//! A scope as the activity log may show it: values of personal fields as keyed hashes.

use serde_json::{Value, json};

use super::Cover;
use crate::{sight::class_of, subject::Subject};

/// Keys of which a summary lists the number only.
const LISTED_KEYS_MAX: usize = 20;

/// Makes a summary of a scope that was found good. `hash` makes the keyed hash of a value.
pub fn summary(sent: &Value, subject: &Subject, hash: &dyn Fn(&str) -> String) -> Value {
    let is_personal =
        |slug: &str| subject.field(slug).is_none_or(|field| class_of(subject, field).is_some());
    let cover = Cover {
        hides: &is_personal,
        // What is typed to be sought may name somebody, also where it is sought in vain.
        hides_search: subject.search.iter().any(|slug| is_personal(slug))
            || subject.fields.iter().any(|field| field.mask.hides()),
        hides_keys: subject.key.iter().any(|slug| is_personal(slug)),
        date_field: subject.date_field.as_deref(),
        shorthands: &subject.shorthands,
        put: &|value| match value {
            Value::String(text) => json!({ "hash": hash(text) }),
            // Of two values, a hash hides none.
            Value::Bool(_) => value.clone(),
            value => json!({ "hash": hash(&value.to_string()) }),
        },
    };
    let mut covered = cover.over(sent);
    for member in ["ids", "except_ids"] {
        let keys = covered.get_mut(member);
        if let Some(keys) = keys
            && let Some(count) = keys.as_array().map(Vec::len)
            && count > LISTED_KEYS_MAX
        {
            *keys = json!({ "count": count });
        }
    }
    covered
}
