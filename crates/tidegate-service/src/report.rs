//! A report of the activity log: a file of our own encoders with a signed manifest, which leaves an
//! entry before anybody has it.

mod table;

use std::{collections::BTreeMap, sync::Arc};

use chrono::DateTime;
use chrono_tz::Tz;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tidegate_format::{Layout, Options, by_slug};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::{StoredEntry, hexadecimal, time_text},
    fault::{Fault, Faults},
    policy::{PII_TAG, subjects_seen},
};
use tidegate_pipeline::{
    ArtifactEntry, ChangesEntry, FieldEntry, MANIFEST_VERSION, Manifest, OperatorEntry, SourceEntry,
};
use tidegate_source::Snapshot;
use tidegate_store::{Change, EntrySort, Taken, TakenFilter};

use self::table::Table;
use crate::{
    activity::ActivityRequest,
    error::ServiceError,
    manifest::sign_manifest,
    service::{Service, blocking},
    subjects::write_rows,
};

/// Rows of a report at most: what fits into memory, and into a spreadsheet.
pub const REPORT_ROWS_MAX: usize = 50_000;
/// Entries that are read at a time.
const ENTRIES: u32 = 1_000;
/// The format of reports: whoever reviews opens it in a spreadsheet.
const FORMAT: &str = "csv";
/// Its option that neutralises what a spreadsheet would run.
const PROFILE: (&str, &str) = ("profile", "spreadsheet");

/// What a report has a row of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    /// Each export: who asked, for what, how much, who took it, whether the file is gone.
    Exports,
    /// Each entry of the log.
    Entries,
}

impl ReportKind {
    /// Word in requests and file names.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Exports => "exports",
            Self::Entries => "entries",
        }
    }
}

/// A report.
#[derive(Clone, Debug)]
pub struct Report {
    /// Name of the file; that of the manifest is the same with `.manifest.json`.
    pub name: String,
    /// Rows in it.
    pub rows: usize,
    /// The file.
    pub bytes: Vec<u8>,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The signed manifest.
    pub manifest: String,
}

/// What a report is made from.
struct Found {
    table: Table,
    /// The last entry of the log when it was asked.
    head: (i64, String),
    /// When, in microseconds since 1970.
    now: i64,
    /// Older entries than this were archived.
    log_begins: Option<i64>,
}

impl Service {
    /// Makes a report of what fits, of the subjects that the caller may see, and writes down that
    /// it was taken.
    ///
    /// # Errors
    ///
    /// If the caller may not take the log away, the filters make no sense for such a report, or
    /// more fits than a report has rows.
    pub async fn activity_report(
        &self,
        caller: &Caller,
        kind: ReportKind,
        request: &ActivityRequest,
    ) -> Result<Report, ServiceError> {
        let permit = self.permit(caller, Action::ActivityExport, Target::default()).await?;
        let policy = self.store.policy().await?;
        let seen = subjects_seen(&policy, caller);
        let (head, now) = (self.store.head().await?, self.store.now().await?);
        let log_begins = self.store.log_begins().await?;
        let table = match kind {
            ReportKind::Exports => table::of_exports(&self.exports_taken(request, seen).await?),
            ReportKind::Entries => {
                table::of_entries(&self.entries_until(request, seen, head.0).await?)
            }
        };
        let found = Found { table, head, now, log_begins };
        let (caller, scope) = (caller.clone(), asked(request));
        let keys = self.keys();
        let details = scope.clone();
        let report = blocking(move || written(&keys, &caller, kind, scope, found)).await?;
        // No entry, no egress.
        let note = json!({
            "kind": kind.slug(),
            "file": report.name,
            "rows": report.rows,
            "bytes": report.bytes.len(),
            "sha256": report.sha256,
            "filter": details,
        });
        self.store.commit(permit, Change::Note(note)).await?;
        Ok(report)
    }

    async fn exports_taken(
        &self,
        request: &ActivityRequest,
        mut subjects: Vec<String>,
    ) -> Result<Vec<Taken>, ServiceError> {
        let mut faults = Vec::new();
        for (name, is_said) in
            [("action", request.action.is_some()), ("outcome", request.outcome.is_some())]
        {
            if is_said {
                let detail = "an export has none: leave it out, or have a report of entries";
                faults.push(Fault::new(format!("/{name}"), detail));
            }
        }
        if request.tag.as_deref().is_some_and(|tag| tag != PII_TAG) {
            let detail = format!("an export has the tag `{PII_TAG}`, or none");
            faults.push(Fault::new("/tag", detail));
        }
        if !faults.is_empty() {
            return Err(Faults(faults).into());
        }
        subjects.retain(|slug| request.subject.as_ref().is_none_or(|wanted| wanted == slug));
        let filter = TakenFilter {
            subjects,
            person: request.actor.clone(),
            field: request.field.clone(),
            job: request.job,
            has_pii: request.tag.is_some().then_some(true),
            created: request.from.unwrap_or(i64::MIN)..request.to.unwrap_or(i64::MAX),
        };
        let limit = u32::try_from(REPORT_ROWS_MAX + 1).unwrap_or(u32::MAX);
        let taken = self.store.taken(&filter, limit).await?;
        refuse_too_many(taken.len())?;
        Ok(taken)
    }

    /// Entries up to one, oldest first.
    async fn entries_until(
        &self,
        request: &ActivityRequest,
        seen: Vec<String>,
        last: i64,
    ) -> Result<Vec<StoredEntry>, ServiceError> {
        let filter = request.filter(seen);
        let (mut entries, mut behind) = (Vec::new(), None);
        loop {
            let page = self.store.list_entries(&filter, EntrySort::Oldest, behind, ENTRIES).await?;
            let is_last = page.len() < ENTRIES as usize;
            behind = page.last().map(|entry| entry.seq);
            entries.extend(page.into_iter().take_while(|entry| entry.seq <= last));
            refuse_too_many(entries.len())?;
            if is_last || behind.is_none_or(|seq| seq >= last) {
                return Ok(entries);
            }
        }
    }
}

fn refuse_too_many(rows: usize) -> Result<(), Faults> {
    if rows <= REPORT_ROWS_MAX {
        return Ok(());
    }
    let detail =
        format!("more than {REPORT_ROWS_MAX} rows fit, and a report has no more: narrow the time");
    Err(Faults(vec![Fault::new("/from", detail)]))
}

/// What was asked for, as manifest and entry say it.
fn asked(request: &ActivityRequest) -> Value {
    let time = |at: Option<i64>| at.map(time_text);
    let all = json!({
        "actor": request.actor,
        "subject": request.subject,
        "field": request.field,
        "export": request.job,
        "action": request.action,
        "tag": request.tag,
        "outcome": request.outcome,
        "from": time(request.from),
        "to": time(request.to),
    });
    let Value::Object(mut members) = all else { return Value::Null };
    members.retain(|_, value| !value.is_null());
    Value::Object(members)
}

/// The file and its manifest.
fn written(
    keys: &crate::keys::Keys,
    caller: &Caller,
    kind: ReportKind,
    scope: Value,
    found: Found,
) -> Result<Report, ServiceError> {
    let Found { table, head, now, log_begins } = found;
    let format = by_slug(FORMAT).expect("CSV is in the list of formats");
    let given = BTreeMap::from([(PROFILE.0.to_owned(), PROFILE.1.to_owned())]);
    let options = Options::check(format.options(), &given).expect("CSV has that profile");
    let chosen: BTreeMap<String, String> =
        options.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let layout = Layout {
        schema: Arc::clone(&table.schema),
        options,
        time_zone: Tz::UTC,
        title: "activity".to_owned(),
    };
    let (bytes, counts) = write_rows(format, layout, &table.batch)?;
    let sha256 = hexadecimal(&Sha256::digest(&bytes));
    let at = DateTime::from_timestamp_micros(now).unwrap_or_default();
    let name = format!("activity-{}-{}.csv", kind.slug(), at.format("%Y%m%dT%H%M%SZ"));
    let operator = caller.operator();
    let manifest = Manifest {
        manifest: MANIFEST_VERSION,
        version: env!("CARGO_PKG_VERSION"),
        governed: true,
        job: None,
        operator: operator.map(|id| OperatorEntry { id, email: caller.name.clone() }),
        artifact: ArtifactEntry {
            name: name.clone(),
            bytes: bytes.len() as u64,
            sha256: sha256.clone(),
            media_type: format.media_type(),
        },
        subject: "activity".to_owned(),
        kind: Some(kind.slug().to_owned()),
        rows: table.rows as u64,
        fields: table.schema.columns().iter().map(field).collect(),
        scope,
        row_limits: Vec::new(),
        masks: Vec::new(),
        sort: table.schema.columns().iter().take(1).map(|first| first.slug.clone()).collect(),
        is_sorted: true,
        snapshot: Snapshot {
            identity: format!("entry {} {}", head.0, head.1),
            taken_at: time_text(now),
            is_consistent: kind == ReportKind::Exports,
        },
        source: SourceEntry { name: "activity".to_owned(), kind: "control" },
        format: FORMAT,
        options: chosen,
        time_zone: Tz::UTC.name().to_owned(),
        changes: ChangesEntry {
            neutralised: counts.neutralised,
            replaced: counts.replaced,
            truncated: counts.truncated,
        },
        warnings: log_begins.map(archived).into_iter().collect(),
        started_at: time_text(now),
        completed_at: time_text(now),
    };
    let manifest = sign_manifest(keys, &manifest);
    Ok(Report { name, rows: table.rows, bytes, sha256, manifest })
}

fn field(column: &tidegate_batch::Column) -> FieldEntry {
    FieldEntry {
        slug: column.slug.clone(),
        name: column.name().to_owned(),
        data_type: column.data_type.to_string(),
        pii: None,
    }
}

fn archived(begins: i64) -> String {
    format!(
        "entries from before {} stand in archives: neither they nor downloads of then are in here",
        time_text(begins)
    )
}
