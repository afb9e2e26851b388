//! The table of the list: its columns, its rows, and what a browser needs to make a file of them.

use chrono::Datelike;
use serde::Serialize;
use serde_json::Value;
use tidegate_model::{DataType, audit::hexadecimal, field::Field, subject::Subject};
use tidegate_service::RowPage;

use super::{
    cell::{self, Cell},
    view::View,
};
use crate::pages::{draft::Draft, shell::Shell, wizard};

/// A column of the table.
pub(super) struct Column {
    pub(super) label: String,
    pub(super) sort: Option<String>,
    pub(super) direction: Option<&'static str>,
    pub(super) is_num: bool,
    pub(super) is_pii: bool,
    /// How its values are shown, where that is not as they are.
    pub(super) masked: Option<&'static str>,
    /// Whether rows are named by it: it stays where it is while the others scroll.
    pub(super) is_key: bool,
}

pub(super) struct Row {
    /// Its key as a form sends it, and as people read it.
    pub(super) key: String,
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

impl Row {
    /// Name of its menu in the page: the key, in octets that a name may have.
    pub(super) fn menu(&self) -> String {
        format!("row-{}", hexadecimal(self.key.as_bytes()))
    }

    /// What its menu is, in words.
    pub(super) fn words(&self) -> String {
        format!("Actions on {}", self.name)
    }
}

/// What a browser makes a file of.
#[derive(Serialize)]
struct ClientFile<'a> {
    name: String,
    /// Names, and how values are written.
    columns: Vec<(&'a str, &'static str)>,
    rows: Vec<Vec<Option<String>>>,
}

pub(super) fn column(view: &View, subject: &Subject, field: &Field) -> Column {
    let first = view.sort(subject).first().map(String::as_str).unwrap_or_default();
    let direction = match first.strip_prefix('-') {
        Some(slug) if slug == field.slug => Some("descending"),
        None if first == field.slug => Some("ascending"),
        _ => None,
    };
    Column {
        label: field.label.clone(),
        sort: field.is_sortable().then(|| view.sorted_by(subject, &field.slug)),
        direction,
        is_num: cell::is_num(&field.data_type),
        is_pii: field.pii.is_some(),
        masked: field.mask.hides().then(|| field.mask.words()),
        is_key: subject.key.first() == Some(&field.slug),
    }
}

pub(super) fn row(
    shell: &Shell,
    view: &View,
    (subject, fields): (&Subject, &[&Field]),
    text: &str,
) -> Row {
    let row: Value = serde_json::from_str(text).unwrap_or_default();
    let year = shell.local(shell.now).year();
    let key: Vec<Value> = subject.key.iter().map(|slug| cell::at(&row, slug).clone()).collect();
    let name = key.iter().map(plain).collect::<Vec<_>>().join(", ");
    let key = match <[Value; 1]>::try_from(key) {
        Ok([one]) => one,
        Err(some) => Value::Array(some),
    };
    let cell = |field: &&Field| {
        let is_key = subject.key.contains(&field.slug);
        let value = cell::at(&row, &field.slug);
        let cell = Cell::of(field, value, is_key, year);
        match field.mask.hides() {
            true => cell,
            false => cell.leading(view, subject, &field.slug, value),
        }
    };
    Row { key: key_word(key), name, cells: fields.iter().map(cell).collect() }
}

/// A key as a form sends it: as a draft has it.
fn key_word(key: Value) -> String {
    let draft = Draft { ids: Some(vec![key]), ..Draft::default() };
    draft.pairs().into_iter().next().map(|(_, word)| word).unwrap_or_default()
}

pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The rows as a browser makes a file of them; none where it may not.
pub(super) fn client_file(
    shell: &Shell,
    view: &View,
    fields: &[&Field],
    page: &RowPage,
) -> Option<String> {
    let text = page.text.as_deref().filter(|text| !text.is_empty())?;
    let kind = view.draft.kind.as_deref().map(|kind| format!("-{kind}")).unwrap_or_default();
    let moment = crate::clock::moment(shell.now).format("%Y%m%dT%H%M%SZ");
    // Behind what is shown stands the key, which need not be.
    let values = |row: Vec<wizard::Cell>| {
        let cells = row.into_iter().take(fields.len());
        cells.map(|cell| (!cell.is_null).then_some(cell.text)).collect()
    };
    let file = ClientFile {
        name: format!("{}{kind}-browser-{moment}.csv", view.draft.subject),
        columns: fields.iter().map(|field| (field.slug.as_str(), written(field))).collect(),
        rows: wizard::read_csv(text).into_iter().map(values).collect(),
    };
    Some(serde_json::to_string(&file).expect("it is plain JSON"))
}

/// How CSV writes the values of a field: text with quotes where it needs them and a guard against
/// formulas, documents in quotes, octets in quotes with the guard, and what needs neither.
fn written(field: &Field) -> &'static str {
    match field.data_type {
        DataType::Text => "text",
        DataType::Json | DataType::List(_) => "document",
        DataType::Bytes => "octets",
        DataType::Boolean
        | DataType::Integer
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal(_)
        | DataType::Date
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampTz
        | DataType::Uuid
        | DataType::Interval => "plain",
    }
}
