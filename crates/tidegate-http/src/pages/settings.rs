//! The settings of the site, grouped, with their bounds.

use std::collections::BTreeMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::{Map, Value};
use tidegate_model::settings::{SETTINGS, Setting, Settings};
use tidegate_service::{PersonalFields, ServiceError};

use super::{flash::Flash, forms::Sent, sentence, shell::Shell, words};
use crate::{
    edge::Shared,
    problem::{Problem, ProblemKind},
};

/// Where they are.
pub(super) const PATH: &str = "/sg-admin/settings";

/// A setting on the page: its name in requests, its label, its unit.
type Placed = (&'static str, &'static str, &'static str);

/// The groups, in their order.
const GROUPS: [(&str, &[Placed]); 5] = [
    (
        "Retention",
        &[
            ("retention_days", "Keep files for", "days"),
            ("activity_retention_days", "Keep entries of the log here for", "days"),
        ],
    ),
    (
        "Ceilings",
        &[
            ("rows_max", "Rows of an export", "rows"),
            ("bytes_max", "Bytes of an export", "bytes"),
            ("open_jobs_max", "Open exports of one operator", "exports"),
            ("view_rows_max", "Rows with personal data on list pages, an hour", "rows"),
        ],
    ),
    (
        "Files",
        &[
            ("formula_guard", "Formula guard", ""),
            ("client_export", "Files made in the browser", ""),
        ],
    ),
    (
        "Links and sign-in",
        &[
            ("link_minutes", "A download link lives", "minutes"),
            ("bearer_link_hours_max", "A link that needs no sign-in lives", "hours"),
            ("session_idle_minutes", "A session without a request ends after", "minutes"),
            ("session_hours_max", "Any session ends after", "hours"),
            ("require_second_factor", "A second factor is asked of", ""),
        ],
    ),
    (
        "Work",
        &[
            ("attempts_max", "Attempts of an export", "attempts"),
            ("builds_max", "Exports that a worker builds at a time", "exports"),
        ],
    ),
];

/// Positions of a switch, with the words of each.
const SWITCH: [(&str, &str); 2] = [("true", "On"), ("false", "Off")];

#[derive(Template)]
#[template(path = "settings.html")]
struct Shown<'a> {
    shell: &'a Shell,
    groups: Vec<Group>,
    faults: Vec<(&'static str, String)>,
    personal: Vec<Personal>,
}

/// What of a subject is personal data.
struct Personal {
    subject: String,
    /// Which of its records are.
    records: String,
    /// Fields with their class.
    fields: Vec<(String, String)>,
}

/// Settings about one thing.
struct Group {
    title: &'static str,
    fields: Vec<Field>,
}

/// A setting in the form.
struct Field {
    name: &'static str,
    label: &'static str,
    unit: &'static str,
    hint: String,
    value: String,
    least: u64,
    most: u64,
    may_be_null: bool,
    /// Whether the environment says it.
    is_pinned: bool,
    /// Word, words, and whether it is chosen; none where it takes a number.
    choices: Vec<(&'static str, &'static str, bool)>,
    fault: Option<String>,
}

/// What a form sends: texts by name; what was left empty is absent.
type Texts = BTreeMap<String, String>;

/// The page.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    let settings = edge.service.settings(&shell.caller).await?;
    page(&edge, &shell, &texts(&settings), Vec::new()).await
}

async fn page(
    edge: &Shared,
    shell: &Shell,
    texts: &Texts,
    faults: Vec<(&'static str, String)>,
) -> Result<Response, Problem> {
    let personal = edge.service.personal_fields(&shell.caller).await?;
    let personal = personal.into_iter().map(|one| self::personal(shell, one)).collect();
    let pinned = edge.service.pinned_settings();
    let group = |(title, placed): &(&'static str, &'static [Placed])| {
        let fields = placed.iter().filter_map(|one| field(one, texts, (&pinned, &faults)));
        Group { title, fields: fields.collect() }
    };
    let groups = GROUPS.iter().map(group).collect();
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(shell.page(status, &Shown { shell, groups, faults, personal }))
}

fn personal(shell: &Shell, data: PersonalFields) -> Personal {
    Personal {
        records: match &data.when {
            _ if data.is_whole => "Every record".to_owned(),
            Some(field) if data.fields.is_empty() => format!("Records with {field}"),
            Some(field) => format!("Records with {field}, and these fields"),
            None => "These fields".to_owned(),
        },
        subject: shell.subject_label(&data.subject),
        fields: data.fields,
    }
}

fn field(
    placed: &Placed,
    texts: &Texts,
    (pinned, faults): (&[&'static str], &[(&'static str, String)]),
) -> Option<Field> {
    let (name, label, unit) = *placed;
    let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
    let value = texts.get(name).cloned().unwrap_or_default();
    let choice = |word: &&'static str| (*word, whose(word), value == **word);
    let switch = |(word, words): &(&'static str, &'static str)| (*word, *words, value == *word);
    Some(Field {
        name,
        label,
        unit,
        hint: hint(setting),
        choices: match setting.is_switch {
            true => SWITCH.iter().map(switch).collect(),
            false => setting.words_taken.iter().map(choice).collect(),
        },
        least: setting.least,
        most: setting.most,
        may_be_null: setting.may_be_null,
        is_pinned: pinned.contains(&name),
        fault: faults.iter().find(|(one, _)| *one == name).map(|(_, words)| words.clone()),
        value,
    })
}

/// What a setting means, and which values it takes.
fn hint(setting: &Setting) -> String {
    let meaning = setting.words.split("; null").next().unwrap_or(setting.words);
    if !setting.words_taken.is_empty() || setting.is_switch {
        return format!("{meaning}.");
    }
    let (least, most) = (words::count_of(setting.least), words::count_of(setting.most));
    let none = match setting.name {
        _ if !setting.may_be_null => "",
        "activity_retention_days" => " Empty: for ever.",
        "bearer_link_hours_max" => " Empty: there are no such links.",
        _ => " Empty: no limit.",
    };
    match setting.name {
        // A ceiling's most is a number that nobody reads.
        "rows_max" | "bytes_max" => format!("{meaning}.{none}"),
        _ => format!("{meaning}. {least} to {most}.{none}"),
    }
}

/// Who has to have a second factor, as people say it.
fn whose(word: &str) -> &'static str {
    match word {
        "none" => "Nobody",
        "administrators" => "Whoever manages people, roles or settings",
        _ => "Everybody",
    }
}

fn texts(settings: &Settings) -> Texts {
    let values = serde_json::to_value(settings).unwrap_or_default();
    let text = |(name, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name.clone(), text.clone())),
        other => Some((name.clone(), other.to_string())),
    };
    values.as_object().into_iter().flatten().filter_map(text).collect()
}

/// Sets them all.
pub(super) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Texts>,
) -> Result<Response, Problem> {
    let (read, faults) = read(&sent);
    // Whoever may not is told so before anything else.
    edge.service.settings(&shell.caller).await?;
    if !faults.is_empty() {
        return page(&edge, &shell, &sent, faults).await;
    }
    let settings: Settings =
        serde_json::from_value(read).map_err(|_| Problem::of(ProblemKind::InvalidRequest))?;
    match edge.service.set_settings(&shell.caller, settings).await {
        Ok(()) => {
            Ok(shell
                .to(PATH, &Flash::new("The settings are changed").line("They count from now on.")))
        }
        Err(ServiceError::Faults(faults)) => {
            let known = |fault: &tidegate_model::fault::Fault| {
                let name = fault.pointer.trim_start_matches('/');
                let setting = SETTINGS.iter().find(|setting| setting.name == name)?;
                Some((setting.name, sentence(&fault.detail)))
            };
            page(&edge, &shell, &sent, faults.0.iter().filter_map(known).collect()).await
        }
        Err(other) => Err(other.into()),
    }
}

/// The settings that a form says, and what of it is none.
fn read(sent: &Texts) -> (Value, Vec<(&'static str, String)>) {
    let (mut values, mut faults) = (Map::new(), Vec::new());
    for setting in SETTINGS {
        let Setting { name, least, most, words_taken, may_be_null, is_switch, .. } = *setting;
        let text = sent.get(name).map(|text| text.trim()).unwrap_or_default();
        let value = match text {
            "" if may_be_null => Some(Value::Null),
            word if is_switch => word.parse::<bool>().ok().map(Value::from),
            word if !words_taken.is_empty() => words_taken.contains(&word).then(|| word.into()),
            number => {
                let number = number.replace([',', ' '], "").parse::<u64>().ok();
                number.filter(|number| (least..=most).contains(number)).map(Value::from)
            }
        };
        match value {
            Some(value) => {
                values.insert(name.to_owned(), value);
            }
            None if !words_taken.is_empty() || is_switch => {
                faults.push((name, "Choose one of the list.".to_owned()));
            }
            None => {
                let (least, most) = (words::count_of(least), words::count_of(most));
                faults.push((name, format!("This is a whole number from {least} to {most}.")));
            }
        }
    }
    (Value::Object(values), faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_stands_in_one_group_and_is_read_as_it_was_written() {
        let placed: Vec<&str> =
            GROUPS.iter().flat_map(|(_, placed)| placed.iter().map(|one| one.0)).collect();
        let mut sorted = placed.clone();
        sorted.sort_unstable();
        let mut known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        known.sort_unstable();
        assert_eq!(sorted, known);
        let first = Settings::default();
        let (value, faults) = read(&texts(&first));
        assert!(faults.is_empty(), "{faults:?}");
        assert_eq!(serde_json::from_value::<Settings>(value).unwrap(), first);
    }

    #[test]
    fn what_a_setting_does_not_take_is_a_fault_at_its_field() {
        let mut sent = texts(&Settings::default());
        for (name, text) in [
            ("link_minutes", "0"),
            ("attempts_max", "many"),
            ("builds_max", "99999999999999999999"),
            ("require_second_factor", "everybody"),
            ("client_export", "perhaps"),
            ("session_hours_max", "-1"),
        ] {
            sent.insert(name.to_owned(), text.to_owned());
        }
        sent.remove("retention_days");
        let (_, faults) = read(&sent);
        let names: Vec<&str> = faults.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), 7, "{faults:?}");
        assert!(names.contains(&"retention_days"));
    }
}
