//! Writes drafts as the text of a `tidegate.toml`, with comments for who reads it.

use std::fmt::Write;

use super::{
    Location,
    draft::{Draft, FieldDraft, RelationDraft},
    location::variable,
};

/// What to know before the rest is used.
const PREFACE: &str = "\
# Written by `tidegate init`. It is a beginning: read it before you use it.
#
# - What is not declared here cannot be exported: delete the lines of what must not leave.
# - `pii` names a class of personal data. The classes are guessed from names and types, so some
#   are missing and some are wrong. `pii = true` makes every record of a subject personal data,
#   whatever fields are chosen.
# - `default = false` leaves a field out unless an export asks for it; `internal = true` is for
#   staff only.
# - `tidegate check` tells whether everything here fits the database.
";

/// The beginning of the file: what to know, and the source.
pub(super) fn heading(source_name: &str, location: &Location, left_out: &[String]) -> String {
    let mut text = String::from(PREFACE);
    if !left_out.is_empty() {
        text.push_str("#\n# Left out:\n");
        left_out.iter().for_each(|entry| line(&mut text, &format!("# - {}", commented(entry))));
    }
    text.push('\n');
    let variable = variable(source_name);
    let section = format!("[sources.{}]", key(source_name));
    match location {
        Location::Open(url) => {
            line(&mut text, &section);
            line(&mut text, &format!("url = {}", quoted(url)));
        }
        Location::Secret(shown) => {
            line(
                &mut text,
                &format!("# The URL holds a password, so it is not here: set {variable}"),
            );
            line(&mut text, &format!("# (or {variable}_FILE, which names a file that holds it)."));
            line(&mut text, &format!("#   {}", commented(shown)));
            line(&mut text, &section);
        }
    }
    text.push_str("# readers = 4                  # connections of one export\n");
    text.push_str("# snapshot_seconds_max = 3600  # then the export fails, not the database\n");
    text
}

/// One subject.
pub(super) fn subject(draft: &Draft, text: &mut String) {
    text.push_str("\n[[subjects]]\n");
    let mut put = |name: &str, value: &str| line(text, &format!("{name} = {value}"));
    put("slug", &quoted(&draft.slug));
    put("label", &quoted(&draft.label));
    put("source", &quoted(&draft.source));
    put("table", &quoted(&draft.table));
    match draft.key.as_slice() {
        [] => {}
        [one] => put("key", &quoted(one)),
        several => put("key", &list(several)),
    }
    if draft.has_pii {
        put("pii", "true");
    }
    if let Some(slug) = &draft.pii_when {
        put("pii_when", &quoted(slug));
    }
    if let Some(slug) = &draft.date_field {
        put("date_field", &quoted(slug));
        put("sort", &list(&[format!("-{slug}")]));
    }
    if !draft.search.is_empty() {
        put("search", &list(&draft.search));
    }
    if !draft.shorthands.is_empty() {
        put("shorthands", &list(&draft.shorthands));
    }
    if draft.key.is_empty() {
        text.push_str(
            "# It has no key that a request could name: all records or a filter, no selection.\n",
        );
    }
    text.push_str("fields = [\n");
    draft.fields.iter().for_each(|draft| field(draft, text));
    text.push_str("]\n");
    draft.relations.iter().for_each(|draft| relation(draft, text));
}

fn field(draft: &FieldDraft, text: &mut String) {
    let mut members = vec![("slug", quoted(&draft.slug))];
    members.extend(draft.label.iter().map(|label| ("label", quoted(label))));
    members.extend(draft.relation.iter().map(|name| ("relation", quoted(name))));
    members.extend(draft.column.iter().map(|column| ("column", quoted(column))));
    members.extend(draft.class.map(|class| ("pii", quoted(class))));
    if draft.is_secret {
        members.push(("internal", "true".to_owned()));
    }
    if !draft.is_default {
        members.push(("default", "false".to_owned()));
    }
    if !draft.items.is_empty() {
        let items: Vec<String> = draft.items.iter().map(item).collect();
        members.push(("items", format!("[{}]", items.join(", "))));
    }
    let written = match members.as_slice() {
        [(_, slug)] => slug.clone(),
        _ => table(&members),
    };
    let remark = if draft.is_secret { "  # lets somebody in: better deleted here" } else { "" };
    line(text, &format!("  {written},{remark}"));
}

fn item((slug, column): &(String, Option<String>)) -> String {
    match column {
        None => quoted(slug),
        Some(column) => table(&[("slug", quoted(slug)), ("column", quoted(column))]),
    }
}

fn relation(draft: &RelationDraft, text: &mut String) {
    let on: Vec<String> = draft
        .on
        .iter()
        .map(|(ours, theirs)| format!("{} = {}", key(ours), quoted(theirs)))
        .collect();
    text.push_str("\n[[subjects.relations]]\n");
    line(text, &format!("name = {}", quoted(&draft.name)));
    line(text, &format!("table = {}", quoted(&draft.table)));
    line(text, &format!("on = {{ {} }}", on.join(", ")));
    if let Some(many) = draft.many {
        line(text, &format!("many = {many}"));
    }
    if !draft.order.is_empty() {
        line(text, &format!("order = {}", list(&draft.order)));
    }
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

fn table(members: &[(&str, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    format!("{{ {} }}", members.join(", "))
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", values.join(", "))
}

/// A key of a table: bare where TOML allows it.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            _ if letter.is_control() => {
                write!(quoted, "\\u{:04X}", u32::from(letter)).expect("a text takes every text");
            }
            _ => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// A text that stays inside its comment.
fn commented(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}
