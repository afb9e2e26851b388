//! The request that the arguments of `tidegate export` make: the same that the API takes.

use serde_json::{Map, Value, json};
use tidegate_format::OptionFault;
use tidegate_model::{
    fault::{Fault, Faults},
    request::ExportRequest,
};

use crate::{cli::ExportArgs, failure::Failure};

/// Makes the request.
///
/// # Errors
///
/// If the filter is no JSON, or an option is given twice.
pub(super) fn of(args: &ExportArgs) -> Result<ExportRequest, Failure> {
    let mut sent = Map::new();
    sent.insert("subject".into(), args.subject.clone().unwrap_or("table".into()).into());
    sent.insert("kind".into(), args.kind.clone().into());
    sent.insert("scope".into(), scope(args)?.into());
    sent.insert("fields".into(), args.fields.clone().into());
    sent.insert("format".into(), args.format.clone().into());
    sent.insert("options".into(), options(args)?.into());
    sent.insert("time_zone".into(), args.time_zone.clone().into());
    ExportRequest::read(&sent.into())
        .map_err(|Faults(faults)| Failure::faults("the request is wrong:", faults))
}

/// A fault of an option, as a fault of the request.
pub(super) fn option_fault(fault: OptionFault) -> Fault {
    Fault::new(format!("/options/{}", fault.option), fault.detail)
}

fn scope(args: &ExportArgs) -> Result<Map<String, Value>, Failure> {
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
    if !args.ids.is_empty() {
        scope.insert("ids".into(), args.ids.iter().map(|id| key(id)).collect());
    }
    if !args.sort.is_empty() {
        scope.insert("sort".into(), args.sort.clone().into());
    }
    Ok(scope)
}

/// A key as it is typed: JSON for keys of several parts, a number where it looks like one.
fn key(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
}

fn options(args: &ExportArgs) -> Result<Map<String, Value>, Failure> {
    let compress = args.compress.iter().map(|codec| ("compress".to_owned(), codec.clone()));
    let mut options = Map::new();
    for (option, value) in args.options.iter().cloned().chain(compress) {
        if options.insert(option.clone(), value.into()).is_some() {
            return Err(Failure::wrong(format!("option `{option}` is given twice")));
        }
    }
    Ok(options)
}
