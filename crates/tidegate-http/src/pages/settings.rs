//! The settings of the site, grouped, with their bounds.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::{Map, Value};
use tidegate_model::settings::{ListOf, SETTINGS, Setting, Settings};
use tidegate_service::{PersonalFields, ServiceError};

use super::{
    flash::Flash,
    forms::Sent,
    masks::{self, MaskField},
    sentence,
    shell::Shell,
    words,
};
use crate::{
    edge::Shared,
    problem::{Problem, ProblemKind},
};

/// Where they are.
pub(super) const PATH: &str = "/sg-admin/settings";

/// A setting on the page: its name in requests, its label, its unit.
type Placed = (&'static str, &'static str, &'static str);

/// The groups, in their order.
const GROUPS: [(&str, &[Placed]); 6] = [
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
        "Personal data",
        &[
            ("masks", "Shown of personal data", ""),
            ("pii_subjects", "Subjects that are personal data", ""),
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
            ("cron_seconds_min", "Least time between two fires of a schedule", "seconds"),
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
    /// What it is a list of.
    list: Option<List>,
    fault: Option<String>,
}

impl Field {
    /// Whether it is a line of controls each, and has none of its own name.
    fn has_lines(&self) -> bool {
        !self.is_pinned && matches!(self.list, Some(List::Masks(_)))
    }
}

/// A setting that is a list.
enum List {
    /// What is shown of each class.
    Masks(Vec<MaskField>),
    /// Subjects: none of them where the configuration says which.
    Subjects {
        is_declared: bool,
        /// Slug, label, whether the configuration declares it, whether it is chosen.
        choices: Vec<(String, String, bool, bool)>,
    },
}

/// Names of the controls of lists begin with these.
const MASK: &str = "masks.";
const SUBJECT: &str = "pii_subjects.";
/// Words of the control that says whose list of subjects counts.
const DECLARED: &str = "declared";
const LISTED: &str = "listed";

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
    let known = Known {
        classes: edge.service.pii_classes(),
        subjects: edge.service.pii_choices(&shell.caller).await?,
        shell,
    };
    let group = |(title, placed): &(&'static str, &'static [Placed])| {
        let fields = placed.iter().filter_map(|one| field(one, texts, (&pinned, &faults), &known));
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

/// What lists can be made of.
struct Known<'a> {
    classes: BTreeSet<String>,
    subjects: Vec<(String, bool)>,
    shell: &'a Shell,
}

impl Known<'_> {
    /// A list in words, where it is not changed here.
    fn said(&self, of: ListOf, texts: &Texts) -> String {
        let said: Vec<String> = match of {
            ListOf::Masks => {
                let rules = masks::read(MASK, texts).0.into_iter();
                rules.map(|rule| format!("{} {}", rule.class, rule.policy.words())).collect()
            }
            ListOf::Subjects => texts
                .keys()
                .filter_map(|name| name.strip_prefix(SUBJECT))
                .map(str::to_owned)
                .collect(),
        };
        said.join(", ")
    }

    fn list(&self, of: ListOf, texts: &Texts) -> List {
        match of {
            ListOf::Masks => {
                let rules = masks::read(MASK, texts);
                List::Masks(masks::fields(MASK, &self.classes, &rules, "Not said: as it is"))
            }
            ListOf::Subjects => {
                let is_declared = texts.get("pii_subjects").is_none_or(|word| word != LISTED);
                let choice = |(slug, declared): &(String, bool)| {
                    let is_listed = texts.contains_key(&format!("{SUBJECT}{slug}"));
                    let is_chosen = if is_declared { *declared } else { is_listed };
                    (slug.clone(), self.shell.subject_label(slug), *declared, is_chosen)
                };
                List::Subjects { is_declared, choices: self.subjects.iter().map(choice).collect() }
            }
        }
    }
}

fn field(
    placed: &Placed,
    texts: &Texts,
    (pinned, faults): (&[&'static str], &[(&'static str, String)]),
    known: &Known<'_>,
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
        list: setting.list_of.map(|of| known.list(of, texts)),
        choices: match setting.is_switch {
            true => SWITCH.iter().map(switch).collect(),
            false => setting.words_taken.iter().map(choice).collect(),
        },
        least: setting.least,
        most: setting.most,
        may_be_null: setting.may_be_null,
        is_pinned: pinned.contains(&name),
        fault: faults.iter().find(|(one, _)| *one == name).map(|(_, words)| words.clone()),
        value: match setting.list_of {
            None => value,
            Some(of) => known.said(of, texts),
        },
    })
}

/// What a setting means, and which values it takes.
fn hint(setting: &Setting) -> String {
    let meaning = setting.words.split("; null").next().unwrap_or(setting.words);
    if !setting.words_taken.is_empty() || setting.is_switch || setting.list_of.is_some() {
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
    let is_list = |name: &&str| {
        SETTINGS.iter().any(|setting| setting.name == *name && setting.list_of.is_some())
    };
    let members = values.as_object().into_iter().flatten();
    let plain = members.filter(|(name, _)| !is_list(&name.as_str())).filter_map(text);
    let masked = masks::written(MASK, &settings.masks);
    let word = if settings.pii_subjects.is_some() { LISTED } else { DECLARED };
    let listed = settings.pii_subjects.iter().flatten();
    let listed = listed.map(|slug| (format!("{SUBJECT}{slug}"), "on".to_owned()));
    let whose = ("pii_subjects".to_owned(), word.to_owned());
    plain.chain(masked).chain(listed).chain([whose]).collect()
}

/// A list that a form says.
fn read_list(of: ListOf, sent: &Texts) -> Value {
    match of {
        ListOf::Masks => {
            serde_json::to_value(masks::read(MASK, sent)).expect("rules are plain JSON")
        }
        ListOf::Subjects if sent.get("pii_subjects").is_some_and(|word| word == LISTED) => {
            sent.keys().filter_map(|name| name.strip_prefix(SUBJECT)).collect()
        }
        ListOf::Subjects => Value::Null,
    }
}

/// What a form means: subjects that were ticked, or no more, beside what the configuration declares
/// are a list of their own, also where whoever did so has not said that.
fn meant(mut sent: Texts, now: &Settings, choices: &[(String, bool)]) -> Texts {
    let is_ticked = |slug: &str| sent.contains_key(&format!("{SUBJECT}{slug}"));
    let is_other = choices.iter().any(|(slug, is_declared)| is_ticked(slug) != *is_declared);
    let says_declared = sent.get("pii_subjects").is_some_and(|word| word == DECLARED);
    if says_declared && now.pii_subjects.is_none() && is_other {
        sent.insert("pii_subjects".to_owned(), LISTED.to_owned());
    }
    sent
}

/// Sets them all.
pub(super) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Texts>,
) -> Result<Response, Problem> {
    // Whoever may not is told so before anything else.
    let now = edge.service.settings(&shell.caller).await?;
    let sent = meant(sent, &now, &edge.service.pii_choices(&shell.caller).await?);
    let (read, faults) = read(&sent);
    if !faults.is_empty() {
        return page(&edge, &shell, &sent, faults).await;
    }
    let settings: Settings =
        serde_json::from_value(read).map_err(|_| Problem::of(ProblemKind::InvalidRequest))?;
    // What the form does not say of a pinned list is as it was.
    let pinned = edge.service.pinned_settings();
    let is_list = |name: &&&str| {
        SETTINGS.iter().any(|setting| setting.name == **name && setting.list_of.is_some())
    };
    let lists: Vec<&str> = pinned.iter().filter(is_list).copied().collect();
    let settings = settings.with(&lists, &now);
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
        if let Some(of) = setting.list_of {
            values.insert(name.to_owned(), read_list(of, sent));
            continue;
        }
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
    fn what_is_ticked_counts_though_the_select_beside_it_was_left() {
        let choices = [("users".to_owned(), true), ("content".to_owned(), false)];
        let whose = |ticked: &[&str], now: Option<&str>| {
            let boxes = ticked.iter().map(|slug| (format!("{SUBJECT}{slug}"), "on".to_owned()));
            let word = ("pii_subjects".to_owned(), DECLARED.to_owned());
            let now = now.map(|slug| [slug.to_owned()].into());
            let now = Settings { pii_subjects: now, ..Settings::default() };
            meant(boxes.chain([word]).collect(), &now, &choices)["pii_subjects"].clone()
        };
        assert_eq!(whose(&["users"], None), DECLARED);
        assert_eq!(whose(&["users", "content"], None), LISTED);
        assert_eq!(whose(&[], None), LISTED);
        // Whoever goes back to the configuration leaves the list that was there.
        assert_eq!(whose(&["content"], Some("content")), DECLARED);
    }

    #[test]
    fn every_setting_stands_in_one_group_and_is_read_as_it_was_written() {
        let placed: Vec<&str> =
            GROUPS.iter().flat_map(|(_, placed)| placed.iter().map(|one| one.0)).collect();
        let mut sorted = placed.clone();
        sorted.sort_unstable();
        let mut known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        known.sort_unstable();
        assert_eq!(sorted, known);
        let listed = Settings {
            masks: serde_json::from_value(
                serde_json::json!([{ "class": "*", "policy": "redact" }]),
            )
            .unwrap(),
            pii_subjects: Some(["users".to_owned()].into()),
            ..Settings::default()
        };
        let none = Settings { pii_subjects: Some(BTreeSet::new()), ..Settings::default() };
        for settings in [Settings::default(), listed, none] {
            let (value, faults) = read(&texts(&settings));
            assert!(faults.is_empty(), "{faults:?}");
            assert_eq!(serde_json::from_value::<Settings>(value).unwrap(), settings);
        }
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
