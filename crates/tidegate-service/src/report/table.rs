//! The tables of reports: columns, and cells of exports and of entries.

use std::sync::Arc;

use serde_json::Value;
use tidegate_batch::{Column, DataType, RowBatch, Schema};
use tidegate_model::{
    audit::{Entry, StoredEntry, time_text},
    job::Job,
    status::Status,
};
use tidegate_store::Taken;

use crate::scope_words;

/// Rows, and what they are of.
pub(super) struct Table {
    pub(super) schema: Arc<Schema>,
    pub(super) batch: RowBatch,
    pub(super) rows: usize,
}

/// A cell.
enum Cell {
    Number(Option<i64>),
    Text(Option<String>),
    Flag(bool),
}

/// Bytes of a batch to begin with.
const BATCH_BYTES: usize = 1 << 20;

const EXPORTS: [(&str, DataType); 24] = [
    ("export", DataType::Integer),
    ("asked_by", DataType::Text),
    ("subject", DataType::Text),
    ("kind", DataType::Text),
    ("fields", DataType::Text),
    ("personal_data", DataType::Boolean),
    ("scope", DataType::Text),
    ("reason", DataType::Text),
    ("via", DataType::Text),
    ("asked_at", DataType::Text),
    ("state", DataType::Text),
    ("completed_at", DataType::Text),
    ("format", DataType::Text),
    ("rows", DataType::Integer),
    ("bytes", DataType::Integer),
    ("sha256", DataType::Text),
    ("downloads", DataType::Integer),
    ("bytes_sent", DataType::Integer),
    ("taken_by", DataType::Text),
    ("first_download_at", DataType::Text),
    ("last_download_at", DataType::Text),
    ("file", DataType::Text),
    ("file_gone_at", DataType::Text),
    ("retention_ends_at", DataType::Text),
];

const ENTRIES: [(&str, DataType); 16] = [
    ("entry", DataType::Integer),
    ("at", DataType::Text),
    ("who", DataType::Text),
    ("actor", DataType::Text),
    ("role", DataType::Text),
    ("via", DataType::Text),
    ("address", DataType::Text),
    ("action", DataType::Text),
    ("outcome", DataType::Text),
    ("subject", DataType::Text),
    ("export", DataType::Integer),
    ("tags", DataType::Text),
    ("fields", DataType::Text),
    ("scope", DataType::Text),
    ("details", DataType::Text),
    ("hash", DataType::Text),
];

/// A row for each export.
pub(super) fn of_exports(taken: &[Taken]) -> Table {
    table(&EXPORTS, taken.iter().map(export))
}

/// A row for each entry.
pub(super) fn of_entries(entries: &[StoredEntry]) -> Table {
    table(&ENTRIES, entries.iter().map(entry))
}

fn table(columns: &[(&str, DataType)], rows: impl Iterator<Item = Vec<Cell>>) -> Table {
    let columns = columns.iter().map(|(slug, of)| Column::new(*slug, of.clone()));
    let schema = Arc::new(Schema::new(columns.collect()));
    let mut batch = RowBatch::with_capacity(BATCH_BYTES);
    let mut count = 0;
    for row in rows {
        for cell in row {
            match cell {
                Cell::Number(Some(number)) => batch.put_i64(number),
                Cell::Text(Some(text)) => batch.put_bytes(text.as_bytes()),
                Cell::Flag(flag) => batch.put_bool(flag),
                Cell::Number(None) | Cell::Text(None) => batch.put_null(),
            }
        }
        batch.end_row();
        count += 1;
    }
    batch.seal();
    Table { schema, batch, rows: count }
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(Some(text.into()))
}

fn time(micros: Option<i64>) -> Cell {
    Cell::Text(micros.map(time_text))
}

fn export(taken: &Taken) -> Vec<Cell> {
    let job = &taken.job;
    let asked = taken.entry.as_ref().and_then(|text| serde_json::from_str::<Entry>(text).ok());
    let has_file = job.size_bytes.is_some();
    vec![
        Cell::Number(Some(job.id.0)),
        text(taken.asked_by.clone()),
        text(job.subject.clone()),
        Cell::Text(job.kind.clone()),
        Cell::Text(fields(&job.fields)),
        Cell::Flag(job.has_pii),
        // As the log has it: values of personal fields are hashes there.
        Cell::Text(asked.as_ref().map(|entry| scope_words::of(&entry.details["scope"]))),
        Cell::Text(job.reason.clone()),
        text(job.via.slug()),
        time(Some(job.created_at)),
        text(job.status.slug()),
        time(job.completed_at),
        text(job.format.clone()),
        Cell::Number(has_file.then_some(job.rows_done)),
        Cell::Number(job.size_bytes),
        Cell::Text(job.sha256.clone()),
        Cell::Number(Some(taken.downloads)),
        Cell::Number(Some(taken.bytes_sent)),
        text(taken.taken_by.join(" ")),
        time(taken.between.map(|(first, _)| first)),
        time(taken.between.map(|(_, last)| last)),
        text(file(job)),
        time(job.purged_at),
        time(job.expires_at),
    ]
}

/// Where the file is.
fn file(job: &Job) -> &'static str {
    match job.status {
        Status::Pending | Status::Building => "not yet",
        Status::Failed | Status::Cancelled => "none",
        Status::Ready if job.fault.is_some() => "damaged",
        Status::Ready => "there",
        Status::Expired | Status::Deleted if job.purged_at.is_some() => "gone",
        Status::Expired | Status::Deleted => "withdrawn",
    }
}

/// Slugs of fields, as a request lists them.
fn fields(fields: &Value) -> Option<String> {
    let slugs = fields.as_array()?.iter();
    let slug = |field: &Value| field.as_str().or(field["slug"].as_str()).map(str::to_owned);
    Some(slugs.filter_map(slug).collect::<Vec<_>>().join(", "))
}

fn entry(stored: &StoredEntry) -> Vec<Cell> {
    let Ok(entry) = serde_json::from_str::<Entry>(&stored.text) else {
        let mut cells = vec![Cell::Number(Some(stored.seq))];
        cells.extend((0..ENTRIES.len() - 3).map(|_| Cell::Text(None)));
        cells.extend([text("this entry cannot be read"), text(stored.hash.clone())]);
        return cells;
    };
    let details = &entry.details;
    let scope = details.get("scope").filter(|scope| !scope.is_null());
    vec![
        Cell::Number(Some(stored.seq)),
        text(entry.at),
        text(entry.name),
        text(entry.actor),
        Cell::Text(entry.role),
        text(entry.via),
        Cell::Text(entry.address),
        text(entry.action),
        text(entry.outcome.slug()),
        Cell::Text(entry.subject),
        Cell::Number(entry.job),
        text(entry.tags.join(" ")),
        Cell::Text(details.get("fields").and_then(fields)),
        Cell::Text(scope.map(scope_words::of)),
        text(details.to_string()),
        text(stored.hash.clone()),
    ]
}
