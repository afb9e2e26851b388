//! What exactly is approved: everything that a job was asked for, as one hash.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{audit::hexadecimal, job::Job};

/// Words that stand before what is hashed, so that the hash is good for nothing else.
const DOMAIN: &str = "tidegate approval 1\n";

/// SHA-256 over all that a job was asked for, in hexadecimal: which rows of what, in which form,
/// for whom, by whom in which role, and with which masks and row limit.
pub fn definition_hash(job: &Job, role: &str) -> String {
    let definition = json!({
        "job": job.id,
        "subject": job.subject,
        "kind": job.kind,
        "scope": job.scope,
        "fields": job.fields,
        "format": job.format,
        "options": job.options,
        "time_zone": job.time_zone,
        "notify_email": job.notify_email,
        "reason": job.reason,
        "has_pii": job.has_pii,
        "is_unmasked": job.is_unmasked,
        "exposure": job.exposure,
        "created_by": job.created_by,
        "role": role,
        "schedule": job.schedule_id,
    });
    let text = format!("{DOMAIN}{}", canonical(&definition));
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// The same text for the same document: members by their names, nothing between them.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut sorted: Vec<(&String, &Value)> = members.iter().collect();
            sorted.sort_by_key(|(name, _)| name.as_str());
            let sorted = sorted.into_iter().map(|(name, value)| (name.clone(), canonical(value)));
            Value::Object(sorted.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Something that a job asks for and another one did not.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// What: a member of a request, such as `fields`.
    pub what: &'static str,
    /// What it was; null where it was not there.
    pub was: Value,
    /// What it is.
    pub is: Value,
}

/// What a job asks for that an earlier one did not, member by member. Of the fields only those are
/// told that were added or are gone.
pub fn differences(job: &Job, earlier: &Job) -> Vec<Difference> {
    let members = |job: &Job| {
        let scope = |name: &str| job.scope.get(name).cloned().unwrap_or_default();
        [
            ("kind", json!(job.kind)),
            ("filter", scope("filter")),
            ("search", scope("search")),
            ("ids", scope("ids")),
            ("except_ids", scope("except_ids")),
            ("sort", scope("sort")),
            ("format", json!(job.format)),
            ("options", json!(job.options)),
            ("time_zone", json!(job.time_zone)),
            ("notify", json!(job.notify_email)),
        ]
    };
    let named = |job: &Job| -> Vec<String> {
        job.fields.as_array().into_iter().flatten().map(field_name).collect()
    };
    let (now, before) = (named(job), named(earlier));
    let only = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|one| !others.contains(one)).cloned().collect()
    };
    let (added, gone) = (only(&now, &before), only(&before, &now));
    let mut found = Vec::new();
    if !(added.is_empty() && gone.is_empty()) {
        found.push(Difference { what: "fields", was: json!(gone), is: json!(added) });
    }
    let pairs = members(earlier).into_iter().zip(members(job));
    found.extend(pairs.filter_map(|((what, was), (_, is))| {
        (canonical(&was) != canonical(&is)).then_some(Difference { what, was, is })
    }));
    found
}

fn field_name(field: &Value) -> String {
    let slug = field.get("slug").unwrap_or(field);
    slug.as_str().unwrap_or_default().to_owned()
}
