//! An export as the API call that would ask for it.

use serde_json::{Map, Value, json};
use tidegate_model::job::Job;

/// The body of the request that asks for the same export.
pub(in crate::pages) fn body(job: &Job) -> Value {
    let options = (!job.options.is_empty()).then(|| json!(job.options));
    let notify = job.notify_email.as_ref().map(|email| json!({ "email": email }));
    let members = [
        ("subject", Some(json!(job.subject))),
        ("kind", job.kind.as_ref().map(|kind| json!(kind))),
        ("scope", Some(job.scope.clone()).filter(|scope| !scope.is_null())),
        ("fields", Some(job.fields.clone()).filter(|fields| !fields.is_null())),
        ("format", Some(json!(job.format))),
        ("options", options),
        ("time_zone", Some(json!(job.time_zone))),
        ("notify", notify),
        ("reason", job.reason.as_ref().map(|reason| json!(reason))),
    ];
    let said = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(said.collect::<Map<_, _>>())
}

/// The command, for a shell.
pub(in crate::pages) fn command(address: &str, job: &Job) -> String {
    let body = serde_json::to_string_pretty(&body(job)).expect("it is plain JSON");
    let body = body.replace('\'', r"'\''");
    format!(
        "curl -s \"{address}/api/v1/exports\" \\\n  -H \"Authorization: Bearer $TIDEGATE_TOKEN\" \
         \\\n  --json '{body}'"
    )
}
