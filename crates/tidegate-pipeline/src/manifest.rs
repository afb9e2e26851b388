//! The manifest: what an artifact is, in a file beside it.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;
use tidegate_model::ids::{JobId, OperatorId};
use tidegate_source::Snapshot;

use crate::{Outcome, Plan};

/// Version of the manifest's own shape.
pub const MANIFEST_VERSION: u32 = 1;

/// What an artifact is.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// Version of this document's shape.
    pub manifest: u32,
    /// Version of the program.
    pub version: &'static str,
    /// Whether the export passed the control plane: capability, job record, activity entries.
    pub governed: bool,
    /// The job that made it, if it was governed.
    pub job: Option<JobEntry>,
    /// Whose job it was.
    pub operator: Option<OperatorEntry>,
    /// The file.
    pub artifact: ArtifactEntry,
    /// Slug of the subject.
    pub subject: String,
    /// Kind, where the subject has kinds and one was chosen.
    pub kind: Option<String>,
    /// Records in the file.
    pub rows: u64,
    /// Fields of the file, in order.
    pub fields: Vec<FieldEntry>,
    /// Which rows, with every relative date resolved.
    pub scope: Value,
    /// Filters of the operator's role, each of which every row passed.
    pub row_limits: Vec<Value>,
    /// Fields whose values are not shown as they are.
    pub masks: Vec<MaskEntry>,
    /// Order of the rows, ending with the key.
    pub sort: Vec<String>,
    /// Whether the rows are in that order; without a sort, none is promised.
    pub is_sorted: bool,
    /// The point in time.
    pub snapshot: Snapshot,
    /// Where the rows come from.
    pub source: SourceEntry,
    /// Slug of the format.
    pub format: &'static str,
    /// Options of the format, defaults too.
    pub options: BTreeMap<String, String>,
    /// Zone in which instants are written.
    pub time_zone: String,
    /// Cells that were changed, by rule.
    pub changes: ChangesEntry,
    /// What a reader should know.
    pub warnings: Vec<String>,
    /// When the export began, RFC 3339.
    pub started_at: String,
    /// When the file was whole, RFC 3339.
    pub completed_at: String,
}

/// The job that made the file.
#[derive(Clone, Debug, Serialize)]
pub struct JobEntry {
    /// Its number.
    pub id: JobId,
    /// Which attempt at it, from 1 on.
    pub attempt: i64,
    /// Why it was asked for, if that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The approval that it took, if it took one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalEntry>,
}

/// A second person's approval.
#[derive(Clone, Debug, Serialize)]
pub struct ApprovalEntry {
    /// Name of the rule that asked for it.
    pub rule: String,
    /// SHA-256 of what was approved, in hexadecimal.
    pub definition: String,
    /// Mail address of who decided; where that is the operator, it was released alone.
    pub by: String,
    /// Whether it was released without a second person.
    pub is_broken: bool,
}

/// Whose job it was.
#[derive(Clone, Debug, Serialize)]
pub struct OperatorEntry {
    /// Number.
    pub id: OperatorId,
    /// Mail address.
    pub email: String,
}

/// A field whose values are not shown as they are.
#[derive(Clone, Debug, Serialize)]
pub struct MaskEntry {
    /// Slug in the subject.
    pub field: String,
    /// Class of personal data.
    pub class: Option<String>,
    /// What is shown: `hash`, `partial`, `redact`; or `drop`.
    pub mask: String,
}

/// The file.
#[derive(Clone, Debug, Serialize)]
pub struct ArtifactEntry {
    /// Name of the file.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// Its media type, before compression.
    pub media_type: &'static str,
}

/// A field of the file.
#[derive(Clone, Debug, Serialize)]
pub struct FieldEntry {
    /// Slug in the subject.
    pub slug: String,
    /// Name in the file.
    pub name: String,
    /// Type of the values.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Class of personal data, if any.
    pub pii: Option<String>,
}

/// Where the rows come from.
#[derive(Clone, Debug, Serialize)]
pub struct SourceEntry {
    /// Name in the configuration.
    pub name: String,
    /// Kind of source.
    pub kind: &'static str,
}

/// Cells that were changed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct ChangesEntry {
    /// Text cells that a spreadsheet would have run, now with a leading apostrophe.
    pub neutralised: u64,
    /// Characters that XML 1.0 forbids, now U+FFFD.
    pub replaced: u64,
    /// Text cells cut to the format's limit.
    pub truncated: u64,
}

/// What the manifest says beyond plan and outcome.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Name of the file.
    pub name: String,
    /// Slug of the subject.
    pub subject: String,
    /// Kind of the subject.
    pub kind: Option<String>,
    /// Resolved scope.
    pub scope: Value,
    /// Name of the source.
    pub source: String,
    /// Begin.
    pub started_at: DateTime<Utc>,
    /// End.
    pub completed_at: DateTime<Utc>,
    /// What the control plane adds; none for an export that did not pass it.
    pub governance: Option<Governance>,
}

/// What the control plane knows of an export.
#[derive(Clone, Debug)]
pub struct Governance {
    /// The job.
    pub job: JobEntry,
    /// Whose.
    pub operator: OperatorEntry,
    /// Filters of the operator's role that were applied.
    pub row_limits: Vec<Value>,
    /// Masks that were applied.
    pub masks: Vec<MaskEntry>,
}

/// Describes a finished export.
pub fn manifest(plan: &Plan<'_>, outcome: &Outcome, completion: Completion) -> Manifest {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let visible = plan.query.fields.iter().filter(|selected| !selected.is_hidden);
    // The types are those of the file: a mask may have made a text of something else.
    let fields = visible.zip(outcome.schema.visible()).map(|(selected, column)| FieldEntry {
        slug: selected.field.slug.clone(),
        name: selected.alias.clone().unwrap_or_else(|| selected.field.slug.clone()),
        data_type: column.data_type.to_string(),
        pii: selected.field.pii.clone(),
    });
    let governed = completion.governance.is_some();
    let (job, operator, row_limits, masks) = match completion.governance {
        Some(told) => (Some(told.job), Some(told.operator), told.row_limits, told.masks),
        None => Default::default(),
    };
    Manifest {
        manifest: MANIFEST_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        governed,
        job,
        operator,
        artifact: ArtifactEntry {
            name: completion.name,
            bytes: outcome.bytes,
            sha256: hexadecimal(&outcome.sha256),
            media_type: plan.format.media_type(),
        },
        subject: completion.subject,
        kind: completion.kind,
        rows: outcome.rows,
        fields: fields.collect(),
        scope: completion.scope,
        row_limits,
        masks,
        sort: plan.query.sort.iter().map(sort_text).collect(),
        is_sorted: !plan.query.sort.is_empty(),
        snapshot: outcome.snapshot.clone(),
        source: SourceEntry { name: completion.source, kind: plan.source.kind() },
        format: plan.format.slug(),
        options: plan.options.iter().map(|(slug, value)| (slug.into(), value.into())).collect(),
        time_zone: plan.time_zone.name().to_owned(),
        changes: ChangesEntry {
            neutralised: outcome.counts.neutralised,
            replaced: outcome.counts.replaced,
            truncated: outcome.counts.truncated,
        },
        warnings: outcome.warnings.clone(),
        started_at: time(completion.started_at),
        completed_at: time(completion.completed_at),
    }
}

fn sort_text(key: &tidegate_model::query::SortKey) -> String {
    let sign = if key.is_descending { "-" } else { "" };
    format!("{sign}{}", key.field.slug)
}

/// Lower-case hexadecimal digits.
fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
