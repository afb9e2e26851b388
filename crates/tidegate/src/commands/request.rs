//! The request that the arguments of a command make: the same that the API takes.

use serde_json::{Map, Value, json};
use tidegate_format::OptionFault;
use tidegate_model::{
    fault::{Fault, Faults},
    request::ExportRequest,
};

use crate::{cli::RequestArgs, failure::Failure};

/// What a job may have beside what every export has.
#[derive(Default)]
pub(crate) struct More {
    /// Keys that are left out.
    pub(crate) except_ids: Option<String>,
    /// Address to mail to.
    pub(crate) notify: Option<String>,
    /// Why the data is wanted.
    pub(crate) reason: Option<String>,
}

/// Makes the request.
///
/// # Errors
///
/// If the filter is no JSON, or an option is given twice.
pub(crate) fn of(subject: &str, args: &RequestArgs, more: More) -> Result<ExportRequest, Failure> {
    let mut sent = Map::new();
    sent.insert("subject".into(), subject.into());
    sent.insert("kind".into(), args.kind.clone().into());
    sent.insert("scope".into(), scope(args, &more)?.into());
    if let Some(email) = more.notify {
        sent.insert("notify".into(), json!({ "email": email }));
    }
    sent.insert("reason".into(), more.reason.into());
    sent.insert("fields".into(), args.fields.clone().into());
    sent.insert("format".into(), args.format.clone().into());
    sent.insert("options".into(), options(args)?.into());
    sent.insert("time_zone".into(), args.time_zone.clone().into());
    ExportRequest::read(&sent.into())
        .map_err(|Faults(faults)| Failure::faults("the request is wrong:", faults))
}

/// A fault of an option, as a fault of the request.
pub(crate) fn option_fault(fault: OptionFault) -> Fault {
    Fault::new(format!("/options/{}", fault.option), fault.detail)
}

fn scope(args: &RequestArgs, more: &More) -> Result<Map<String, Value>, Failure> {
    let mut scope = Map::new();
    if let Some(text) = &args.filter {
        let filter = serde_json::from_str(text).map_err(|error| {
            Failure::wrong(format!(
                "--where is no JSON ({error}); write it like \
                 '{{\"field\": \"status\", \"op\": \"eq\", \"value\": \"paid\"}}'"
            ))
        })?;
        scope.insert("filter".into(), filter);
    }
    if let Some(search) = &args.search {
        scope.insert("search".into(), search.clone().into());
    }
    if let Some(ids) = &args.ids {
        let ids = split_ids(ids);
        scope.insert("ids".into(), ids.iter().map(|id| key(id)).collect());
    }
    if let Some(ids) = &more.except_ids {
        let ids = split_ids(ids);
        scope.insert("except_ids".into(), ids.iter().map(|id| key(id)).collect());
    }
    if !args.sort.is_empty() {
        scope.insert("sort".into(), args.sort.clone().into());
    }
    Ok(scope)
}

/// Splits `1,2,3`; commas inside of `{…}` and `[…]` belong to a key.
fn split_ids(ids: &str) -> Vec<String> {
    let mut keys = vec![String::new()];
    let mut depth = 0_u32;
    for character in ids.chars() {
        match character {
            '{' | '[' => depth += 1,
            '}' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                keys.push(String::new());
                continue;
            }
            _ => {}
        }
        keys.last_mut().expect("there is always a last key").push(character);
    }
    keys.retain(|key| !key.trim().is_empty());
    keys
}

/// A key as it is typed: its text, which fits a key of any type; or `{"a": 1, "b": 2}` where the
/// key has several fields.
fn key(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(parts @ (Value::Object(_) | Value::Array(_))) => parts,
        Ok(_) | Err(_) => json!(text),
    }
}

fn options(args: &RequestArgs) -> Result<Map<String, Value>, Failure> {
    let compress = args.compress.iter().map(|codec| ("compress".to_owned(), codec.clone()));
    let mut options = Map::new();
    for (option, value) in args.options.iter().cloned().chain(compress) {
        if options.insert(option.clone(), value.into()).is_some() {
            return Err(Failure::wrong(format!("option `{option}` is given twice")));
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_several_fields_keep_their_commas() {
        let keys: Vec<Value> =
            split_ids(r#"7,a b,[1,2],{"a":1,"b":"x"},"#).iter().map(|id| key(id)).collect();
        assert_eq!(keys, [json!("7"), json!("a b"), json!([1, 2]), json!({"a": 1, "b": "x"})]);
    }
}
