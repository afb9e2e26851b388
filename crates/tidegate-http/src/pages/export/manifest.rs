//! A manifest in words, and whether its signature holds.

use serde_json::Value;
use tidegate_model::ids::JobId;
use tidegate_service::manifest::{VerifiedManifest, verify_manifest_text};

use crate::{
    edge::Shared,
    pages::{shell::Shell, words},
};

/// What the card says.
pub(in crate::pages) struct Manifest {
    /// Why there is none to show.
    pub(in crate::pages) fault: Option<String>,
    /// The key that signed it, where the signature holds.
    pub(in crate::pages) key: Option<String>,
    /// What it says: label and words, and whether the words are for programs.
    pub(in crate::pages) pairs: Vec<(&'static str, String, bool)>,
}

/// Reads the manifest of a file that is ready.
pub(in crate::pages) async fn read(edge: &Shared, shell: &Shell, id: JobId) -> Manifest {
    let text = match edge.service.export_manifest(&edge.artifacts, &shell.caller, id).await {
        Ok(text) => text,
        Err(error) => {
            let fault = words::sentence(&error.to_string());
            return Manifest { fault: Some(fault), key: None, pairs: Vec::new() };
        }
    };
    let verified = verify_manifest_text(&text, edge.service.keys().public());
    let fault = verified.as_ref().err().map(|error| words::sentence(&error.to_string()));
    let key = verified.ok().map(|VerifiedManifest { key, .. }| key);
    let said: Value = serde_json::from_str(&text).unwrap_or_default();
    Manifest { fault, key, pairs: pairs(&said) }
}

fn pairs(said: &Value) -> Vec<(&'static str, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let snapshot = &said["snapshot"];
    let consistent = match snapshot["is_consistent"].as_bool() {
        Some(true) => "all rows from one point in time",
        _ => "rows from different points in time",
    };
    let source = &said["source"];
    let mut pairs = vec![
        ("SHA-256", text(&said["artifact"]["sha256"]), true),
        ("Rows", words::plural(said["rows"].as_i64().unwrap_or(0), "row"), false),
        ("Source", format!("{} · {}", text(&source["name"]), text(&source["kind"])), false),
        ("Snapshot", format!("{}, {consistent}", text(&snapshot["taken_at"])), false),
        (
            "Order",
            list(&said["sort"], Value::as_str).unwrap_or("as the source gave them".to_owned()),
            false,
        ),
        ("Masks", masks(&said["masks"]), false),
        ("Warnings", list(&said["warnings"], Value::as_str).unwrap_or("none".to_owned()), false),
    ];
    let limits = said["row_limits"].as_array().map_or(0, Vec::len);
    if limits > 0 {
        let limits = i64::try_from(limits).unwrap_or(i64::MAX);
        pairs.push((
            "Row limits",
            format!("{} of the role", words::plural(limits, "filter")),
            false,
        ));
    }
    let changes = &said["changes"];
    let changed = [
        ("neutralised", "with a leading ’ against formulas"),
        ("replaced", "with a character that XML forbids replaced"),
        ("truncated", "cut to the format’s limit"),
    ];
    for (name, what) in changed {
        let count = changes[name].as_i64().unwrap_or(0);
        if count > 0 {
            pairs.push((
                "Cells changed",
                format!("{} {what}", words::plural(count, "cell")),
                false,
            ));
        }
    }
    pairs
}

fn masks(masks: &Value) -> String {
    let masks = masks.as_array().map(Vec::as_slice).unwrap_or_default();
    let said = masks
        .iter()
        .filter_map(|mask| Some(format!("{} {}", mask["field"].as_str()?, mask["mask"].as_str()?)));
    let said = said.collect::<Vec<_>>().join(", ");
    if said.is_empty() { "none needed".to_owned() } else { said }
}

/// What a list holds, if it holds something.
fn list(value: &Value, text: fn(&Value) -> Option<&str>) -> Option<String> {
    let items: Vec<&str> = value.as_array()?.iter().filter_map(text).collect();
    (!items.is_empty()).then(|| items.join(", "))
}
