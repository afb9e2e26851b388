//! The request of an export: formats and options as the service lists them, sizes as the model has.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tidegate_model::{
    field::FIELDS_MAX,
    request::{OPTIONS_MAX, REASON_CHARACTERS_MAX},
    schedule::{EXPRESSION_CHARACTERS_MAX, JITTER_SECONDS_MAX, LAG_SECONDS_MAX, Missed},
    scope::{IDS_MAX, KEY_FIELDS_MAX, SEARCH_CHARACTERS_MAX, SORT_FIELDS_MAX},
    selection::NAME_CHARACTERS_MAX,
};
use tidegate_service::{OptionSummary, OptionTakes, formats};

use super::{SUBJECT, filter::scalar, named};

/// Characters of a slug or of an option's value.
const WORD_CHARACTERS_MAX: usize = 200;
/// The words of a flag.
const FLAG: [&str; 2] = ["true", "false"];
/// Characters of a mail address (RFC 5321).
const EMAIL_CHARACTERS_MAX: usize = 254;

/// The request, its scope, and the choice of its fields.
pub(super) fn schemas() -> Vec<(String, Value)> {
    vec![
        ("ExportRequest".to_owned(), request()),
        ("Scope".to_owned(), scope()),
        ("DateRange".to_owned(), date_range()),
        ("Notify".to_owned(), notify()),
        ("Timing".to_owned(), timing()),
        ("FieldChoice".to_owned(), field_choice()),
        ("RenamedField".to_owned(), renamed_field()),
        ("FormatOptions".to_owned(), options()),
    ]
}

fn or_null(schema: Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

fn described(mut schema: Value, words: &str) -> Value {
    schema["description"] = words.into();
    schema
}

fn request() -> Value {
    let formats: Vec<&str> = formats().iter().map(|format| format.slug).collect();
    json!({
        "type": "object",
        "description": "What to export. Only subject and format are required.",
        "required": ["subject", "format"],
        "properties": {
            "subject": {
                "type": "string", "pattern": SUBJECT, "description": "Slug of the subject",
            },
            "kind": {
                "type": ["string", "null"], "maxLength": WORD_CHARACTERS_MAX,
                "description": "Kind of the subject; null means all",
            },
            "scope": described(or_null(named("Scope")), "Which records; null means all"),
            "fields": {
                "type": ["array", "null"], "items": named("FieldChoice"), "maxItems": FIELDS_MAX,
                "description": "Which fields, in their order; null or empty means the default set. \
                                Where every slug begins with `+` or `-`, they add to the default \
                                set and take away from it.",
            },
            "format": {
                "type": "string", "enum": formats, "description": "Slug of the format",
            },
            "options": described(
                or_null(named("FormatOptions")), "Options of the format, by name",
            ),
            "time_zone": {
                "type": ["string", "null"], "maxLength": WORD_CHARACTERS_MAX,
                "description": "Zone of the IANA database that dates are meant and written in; \
                                UTC if absent, else such as `Europe/Berlin`",
            },
            "notify": described(or_null(named("Notify")), "Who is told when the file is ready"),
            "reason": {
                "type": ["string", "null"], "maxLength": REASON_CHARACTERS_MAX,
                "description": "Why the data is wanted",
            },
            "schedule": described(
                or_null(named("Timing")),
                "When to run: null once, now; else this makes a schedule",
            ),
        },
        "additionalProperties": false,
    })
}

fn notify() -> Value {
    json!({
        "type": "object",
        "description": "Who is told when the file is ready",
        "required": ["email"],
        "properties": {
            "email": {
                "type": "string", "format": "email", "maxLength": EMAIL_CHARACTERS_MAX,
                "description": "Address to mail to",
            },
        },
        "additionalProperties": false,
    })
}

/// When a schedule fires. That it has `cron` or `at` is said in words: an answer names both.
fn timing() -> Value {
    let text = |words: &str| {
        json!({
            "type": ["string", "null"], "maxLength": WORD_CHARACTERS_MAX, "description": words,
        })
    };
    let seconds = |most: u32, words: &str| {
        json!({
            "type": ["integer", "null"], "minimum": 0, "maximum": most, "description": words,
        })
    };
    json!({
        "type": "object",
        "description": "When a schedule fires: `cron` for again and again, `at` for once. \
                        docs/concepts/schedules.md says how the changes of a clock are met.",
        "properties": {
            "cron": {
                "type": ["string", "null"], "maxLength": EXPRESSION_CHARACTERS_MAX,
                "description": "Minute, hour, day of month, month, day of week, such as \
                                `0 6 * * 1`",
            },
            "at": text("One moment, such as `2027-03-01T06:00:00Z`, or a local time of the zone"),
            "time_zone": text("Whose local times are meant; the request's if absent"),
            "missed": {
                "anyOf": [
                    { "type": "string", "enum": Missed::ALL.map(Missed::slug) },
                    { "type": "null" },
                ],
                "description": "What becomes of fires that nobody was there for: `once` makes one \
                                export for the last of them (if absent), `skip` none",
            },
            "starts_at": text("No fire before; for `cron` only"),
            "ends_at": text("No fire after; for `cron` only"),
            "jitter_seconds": seconds(
                JITTER_SECONDS_MAX, "Seconds by which a fire is put off, at most; for `cron` only",
            ),
            "lag_seconds": seconds(
                LAG_SECONDS_MAX, "Seconds that `since_last` stays behind the moment of the run",
            ),
        },
        "additionalProperties": false,
    })
}

fn date_range() -> Value {
    let end = |words: &str| json!({ "type": ["string", "null"], "description": words });
    json!({
        "type": "object",
        "description": "A range on the subject's date field, both ends included",
        "minProperties": 1,
        "properties": { "from": end("From then on"), "to": end("Until then") },
        "additionalProperties": false,
    })
}

fn scope() -> Value {
    let keys = |words: &str| {
        json!({
            "type": ["array", "null"], "items": key(), "maxItems": IDS_MAX, "description": words,
        })
    };
    json!({
        "type": "object",
        "description": "Which records, in which order. All members are and-ed; null is as good as \
                        absent. docs/reference/scope.md describes the language.",
        "properties": {
            "filter": described(or_null(named("Filter")), "Conditions under `all`, `any`, `not`"),
            "search": {
                "type": ["string", "null"], "maxLength": SEARCH_CHARACTERS_MAX,
                "description": "Words, each of which must be found in a searchable field",
            },
            "ids": keys("Keys of the records that are meant"),
            "except_ids": keys("Keys of records that are not"),
            "sort": {
                "type": ["array", "null"], "items": { "type": "string" },
                "maxItems": SORT_FIELDS_MAX,
                "description": "Fields to sort by, with `-` for the largest first",
            },
            "date_range": described(or_null(named("DateRange")), "A range of dates"),
        },
        "additionalProperties": {
            "description": "A shorthand that the subject declares: a value (`eq`) or a list of \
                            values (`in`) for one field",
            "anyOf": [scalar(), { "type": "array", "items": scalar() }],
        },
    })
}

/// A key of one field is its value; one of several is a list or an object of their values.
fn key() -> Value {
    json!({
        "anyOf": [
            { "type": ["string", "number", "boolean"] },
            { "type": "array", "items": scalar(), "minItems": 2, "maxItems": KEY_FIELDS_MAX },
            {
                "type": "object", "additionalProperties": scalar(),
                "minProperties": 2, "maxProperties": KEY_FIELDS_MAX,
            },
        ],
    })
}

fn field_choice() -> Value {
    json!({
        "description": "A field: its slug, or its slug with another name in the file",
        "anyOf": [{ "type": "string", "minLength": 1 }, named("RenamedField")],
    })
}

fn renamed_field() -> Value {
    json!({
        "type": "object",
        "description": "A field with another name in the file",
        "required": ["slug"],
        "properties": {
            "slug": { "type": "string", "minLength": 1, "description": "Slug of the field" },
            "as": {
                "type": ["string", "null"],
                "minLength": 1, "maxLength": NAME_CHARACTERS_MAX,
                "description": "Name in the file",
            },
        },
        "additionalProperties": false,
    })
}

/// The options of all formats: which of them a format takes stands in their descriptions.
fn options() -> Value {
    let mut all: BTreeMap<&str, Vec<(&str, OptionSummary)>> = BTreeMap::new();
    for format in formats() {
        for option in format.options {
            all.entry(option.slug).or_default().push((format.slug, option));
        }
    }
    let properties: Map<String, Value> =
        all.into_iter().map(|(slug, takers)| (slug.to_owned(), option(&takers))).collect();
    json!({
        "type": "object",
        "description": "Options of a format; each says which formats take it",
        "maxProperties": OPTIONS_MAX,
        "properties": properties,
        "additionalProperties": false,
    })
}

fn option(takers: &[(&str, OptionSummary)]) -> Value {
    let mut slugs = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut is_free = false;
    for (format, option) in takers {
        slugs.push(format!("`{format}` (`{}` if absent)", option.default));
        match option.takes {
            OptionTakes::Flag => words.extend(FLAG),
            OptionTakes::Choice(choices) => words.extend(choices),
            OptionTakes::Character | OptionTakes::Text => is_free = true,
        }
    }
    let mut once: Vec<&str> = Vec::new();
    for word in words {
        if !once.contains(&word) {
            once.push(word);
        }
    }
    let help = takers.first().map_or("", |(_, option)| option.help);
    let words = format!("{help} Taken by {}.", slugs.join(", "));
    // A flag may be sent as a word, and as what JSON has for it.
    let schema = match FLAG.iter().all(|word| once.contains(word)) {
        _ if is_free => json!({ "type": ["string", "boolean"], "maxLength": WORD_CHARACTERS_MAX }),
        true => json!({ "anyOf": [{ "type": "string", "enum": once }, { "type": "boolean" }] }),
        false => json!({ "type": "string", "enum": once }),
    };
    described(schema, &words)
}
