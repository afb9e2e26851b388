//! The words of mails: the program's, or the site's own, in a language that can do little.
//!
//! A template names values and asks whether they are there. It cannot call, loop over more than it
//! is given, or build texts that are longer than it is itself: what it takes is bounded by its
//! length, its steps and its output.

use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value as Bound, filters, tests};
use serde_json::{Map, Value, json};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::{Fault, Faults},
    notice::Topic,
};
use tidegate_store::{Change, NoticeChange, TemplateWords};

use super::template_guard::refuse_mighty;
use crate::{
    error::ServiceError,
    service::{Service, blocking},
};

/// Characters of a subject line at most.
const TITLE_CHARS_MAX: usize = 200;
/// Bytes of a text at most.
const BODY_BYTES_MAX: usize = 20_000;
/// Bytes of what comes of one at most.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// Steps that one may take.
const FUEL: u64 = 20_000;

/// The program's subject line.
const TITLE: &str = "\
{% if export %}{{ title }}: {{ export.subject }}, export {{ export.id }}\
{% else %}{{ title }}{% endif %}";
/// The program's text.
const BODY: &str = "\
{{ title }}.

{% if export %}Export {{ export.id }} of {{ export.subject }}\
{% if export.kind %} ({{ export.kind }}){% endif %}, {{ export.format }}, is {{ export.status }}.
{% if export.bytes and export.status == 'ready' %}\
Rows: {{ export.rows }}
Size: {{ export.bytes }} bytes
It is kept until {{ export.expires_at }}.
{% endif %}{% if export.error %}\
Why: {{ export.error }}
{% endif %}{% if export.has_pii %}It holds personal data.
{% endif %}{% endif %}{% if details.schedule %}Schedule: {{ details.schedule }}
{% endif %}{% if details.subject and not export %}Subject: {{ details.subject }}
{% endif %}{% if details.what %}What: {{ details.what }}
{% endif %}{% if details.rule %}Rule: {{ details.rule }}
{% endif %}{% if details.by %}By: {{ details.by }}
{% elif details.name %}By: {{ details.name }}
{% endif %}{% if details.reason %}Why: {{ details.reason }}
{% endif %}{% if details.note %}Note: {{ details.note }}
{% endif %}{% if details.fault %}What is wrong: {{ details.fault }}
{% endif %}{% if details.error %}Why: {{ details.error }}
{% endif %}At: {{ at }}

{% if link %}{{ link }}
It leads to the sign-in first.
{% endif %}";

/// A mail as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Subject line.
    pub title: String,
    /// Text.
    pub body: String,
    /// The same with markup.
    pub html: Option<String>,
}

/// The words of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateState {
    /// Which.
    pub topic: Topic,
    /// The words.
    pub words: TemplateWords,
    /// Whether they are the site's own.
    pub is_own: bool,
}

impl Service {
    /// The words of every topic.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn templates(&self, caller: &Caller) -> Result<Vec<TemplateState>, ServiceError> {
        self.permit(caller, Action::DeliveryView, Target::default()).await?;
        let mut own = self.store.templates().await?;
        let of = |&topic: &Topic| {
            let words = own.remove(topic.slug());
            let is_own = words.is_some();
            TemplateState { topic, words: words.unwrap_or_else(program_words), is_own }
        };
        Ok(Topic::ALL.iter().map(of).collect())
    }

    /// What comes of words with example values.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the words are wrong: all faults, with their places.
    pub async fn preview_template(
        &self,
        caller: &Caller,
        topic: Topic,
        words: &TemplateWords,
    ) -> Result<Rendered, ServiceError> {
        self.permit(caller, Action::DeliveryView, Target::default()).await?;
        checked_apart(topic, words.clone()).await
    }

    /// Gives a topic words of its own, or the program's again.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the words are wrong: all faults, with their places.
    pub async fn set_template(
        &self,
        caller: &Caller,
        topic: Topic,
        words: Option<TemplateWords>,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::TemplateChange, Target::default()).await?;
        if let Some(words) = &words {
            checked_apart(topic, words.clone()).await?;
        }
        let change = Change::Notices(NoticeChange::Template { topic, words });
        self.store.commit(permit, change).await?;
        Ok(())
    }

    /// Sends the caller a mail with example values, in the words that are kept.
    ///
    /// # Errors
    ///
    /// If the caller may not, or no mail is sent here.
    pub async fn test_template(&self, caller: &Caller, topic: Topic) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::TemplateTest, Target::default()).await?;
        let settings = self.notify_settings();
        let refuse = |detail: &str| -> ServiceError { Faults(vec![Fault::new("", detail)]).into() };
        if !settings.has_mail() {
            return Err(refuse("this site sends no mail: say `smtp_host` and `from` in [notify]"));
        }
        if !settings.admits(&caller.name) {
            return Err(refuse("your address is in none of the `recipient_domains`"));
        }
        let change = NoticeChange::TestTemplate { topic, address: caller.name.clone() };
        self.store.commit(permit, Change::Notices(change)).await?;
        Ok(())
    }
}

/// The program's words.
pub(super) fn program_words() -> TemplateWords {
    TemplateWords { title: TITLE.to_owned(), body: BODY.to_owned(), html: None }
}

/// What a mail can say beside its export: every name, of which each topic has some.
const DETAILS: [&str; 11] = [
    "name", "by", "what", "subject", "schedule", "rule", "reason", "note", "fault", "webhook",
    "error",
];

/// Every name of `details`, with what is known of it.
pub(super) fn details_with(known: Map<String, Value>) -> Value {
    let blank = DETAILS.iter().map(|&name| (name.to_owned(), Value::Null));
    Value::Object(blank.chain(known).collect())
}

/// Whether a topic is about one export.
fn is_of_export(topic: Topic) -> bool {
    use Topic::*;
    match topic {
        ExportReady | ExportFailed | ExportCancelled | ExportExpired | EgressPii
        | ArtifactFault | ApprovalRequested | ApprovalGranted | ApprovalDenied | ApprovalLapsed
        | ApprovalBroken => true,
        EgressPaused | EgressResumed | EgressVolume | PiiChanged | RoutingChanged
        | WebhookDisabled | NoticeUndelivered | Test | ScheduleHeld | SchedulePaused
        | GovernanceChanged => false,
    }
}

/// What a topic says beside its export, of nobody in particular.
fn example_details(topic: Topic) -> Value {
    let said = match topic {
        Topic::ScheduleHeld | Topic::SchedulePaused => json!({
            "schedule": 12, "subject": "orders",
            "reason": "its owner may not export this any more, or may not make schedules",
        }),
        Topic::EgressPaused => json!({
            "subject": "orders", "reason": "a leak is looked into", "by": "ada@example.com",
        }),
        Topic::EgressResumed => json!({ "subject": "orders", "by": "ada@example.com" }),
        Topic::ApprovalRequested => json!({ "rule": "Personal data", "name": "ada@example.com" }),
        Topic::ApprovalGranted | Topic::ApprovalDenied | Topic::ApprovalBroken => json!({
            "rule": "Personal data", "by": "bea@example.com", "note": "for the audit",
        }),
        Topic::EgressPii => json!({ "name": "ada@example.com", "what": "export.created" }),
        Topic::GovernanceChanged => json!({ "what": "rules", "by": "ada@example.com" }),
        Topic::RoutingChanged => json!({ "what": "webhook.added", "name": "ada@example.com" }),
        Topic::PiiChanged => json!({ "by": "ada@example.com" }),
        Topic::WebhookDisabled => json!({ "webhook": 3, "reason": "it failed for three days" }),
        Topic::ArtifactFault => json!({ "fault": "missing" }),
        Topic::EgressVolume => json!({ "subject": "orders" }),
        _ => json!({}),
    };
    details_with(said.as_object().cloned().unwrap_or_default())
}

/// What somebody is shown who wants to see how a mail looks.
pub(super) fn example(topic: Topic) -> Value {
    let mut values = every_value(topic);
    if !is_of_export(topic) {
        values["export"] = Value::Null;
        values["page"] = "https://tidegate.example.com/sg-admin/notifications".into();
        values["link"] = values["page"].clone();
    }
    values
}

/// Values such as a mail about a topic is made from, of nobody in particular. Every name is there.
fn every_value(topic: Topic) -> Value {
    let is_failed = topic == Topic::ExportFailed;
    let (status, is_whole) = if is_failed { ("failed", false) } else { ("ready", true) };
    let of_file = |value: Value| if is_whole { value } else { Value::Null };
    let of_failure = |text: &str| if is_failed { json!(text) } else { Value::Null };
    json!({
        "title": topic.title(),
        "topic": topic.slug(),
        "at": "2026-11-22T09:30:00Z",
        "link": "https://tidegate.example.com/d/example",
        "page": "https://tidegate.example.com/sg-admin/exports/4711",
        "site": "https://tidegate.example.com",
        "export": {
            "id": 4711, "subject": "orders", "kind": "web", "format": "csv", "status": status,
            "rows": of_file(json!(1234)), "bytes": of_file(json!(56_789)),
            "expires_at": of_file(json!("2026-11-29T09:30:00Z")), "has_pii": true,
            "error": of_failure("the source did not answer"),
            "error_reason": of_failure("source_lost"), "via": "api",
        },
        "details": example_details(topic),
    })
}

/// The same as `checked`, where it keeps nobody waiting who has less to do.
async fn checked_apart(topic: Topic, words: TemplateWords) -> Result<Rendered, ServiceError> {
    blocking(move || checked(topic, &words)).await
}

/// Renders with example values; every fault has its place.
fn checked(topic: Topic, words: &TemplateWords) -> Result<Rendered, ServiceError> {
    let mut faults = Vec::new();
    if words.title.trim().is_empty() || words.title.chars().count() > TITLE_CHARS_MAX {
        let detail = format!("a subject line has 1 to {TITLE_CHARS_MAX} characters");
        faults.push(Fault::new("/title", detail));
    }
    let values = every_value(topic);
    let parts =
        [("title", Some(&words.title)), ("body", Some(&words.body)), ("html", words.html.as_ref())];
    for (name, text) in parts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
        if text.len() > BODY_BYTES_MAX {
            let detail = format!("it has more than {BODY_BYTES_MAX} bytes");
            faults.push(Fault::new(format!("/{name}"), detail));
        } else if let Err(detail) = refuse_wrong(name, text, &values) {
            faults.push(Fault::new(format!("/{name}"), detail));
        }
    }
    if !faults.is_empty() {
        return Err(Faults(faults).into());
    }
    render(words, &example(topic))
        .map_err(|detail| Faults(vec![Fault::new("/body", detail)]).into())
}

/// Says what is wrong with a template: its form, a name that it does not have, what it does.
fn refuse_wrong(name: &str, text: &str, values: &Value) -> Result<(), String> {
    refuse_mighty(text)?;
    let environment = environment(UndefinedBehavior::SemiStrict);
    let template = environment
        .template_from_named_str(kind_of(name), text)
        .map_err(|error| described(&error))?;
    for path in template.undeclared_variables(true) {
        let is_known = path.split('.').try_fold(values, |at, part| at.get(part)).is_some();
        if !is_known {
            let line = text.lines().position(|line| line.contains(&path)).unwrap_or(0) + 1;
            let known = names_of(values).join(", ");
            return Err(format!("line {line}: there is no `{path}`; there are {known}"));
        }
    }
    rendered(&environment, name, text, values).map(drop)
}

/// Every name that there is.
fn names_of(values: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in values.as_object().into_iter().flatten() {
        match value.as_object() {
            Some(inner) => names.extend(inner.keys().map(|key| format!("{name}.{key}"))),
            None => names.push(name.clone()),
        }
    }
    names
}

/// Makes a mail of words and values.
///
/// # Errors
///
/// With what is wrong, and where.
pub(super) async fn render_apart(words: TemplateWords, values: Value) -> Result<Rendered, String> {
    blocking(move || render(&words, &values)).await
}

fn render(words: &TemplateWords, values: &Value) -> Result<Rendered, String> {
    // What a notice does not know is left empty: nobody stays untold because of it.
    let environment = environment(UndefinedBehavior::Chainable);
    let title = rendered(&environment, "title", &words.title, values)?;
    let body = rendered(&environment, "body", &words.body, values)?;
    let html = match &words.html {
        Some(html) => Some(rendered(&environment, "html", html, values)?),
        None => None,
    };
    // A line feed would begin another header.
    let title: String = title.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    Ok(Rendered { title: title.trim().chars().take(TITLE_CHARS_MAX).collect(), body, html })
}

fn environment(undefined: UndefinedBehavior) -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(undefined);
    environment.set_formatter(|output, state, value| match value.is_none() {
        true => Ok(()),
        false => minijinja::escape_formatter(output, state, value),
    });
    environment.set_fuel(Some(FUEL));
    environment.set_keep_trailing_newline(true);
    environment.set_auto_escape_callback(|name| match name {
        "html" => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("title", filters::title);
    environment.add_filter("default", filters::default);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment
}

fn kind_of(name: &str) -> &'static str {
    if name == "html" { "html" } else { "text" }
}

fn rendered(
    environment: &Environment<'_>,
    name: &str,
    text: &str,
    values: &Value,
) -> Result<String, String> {
    // What is kept may have been written by another version, or by hand.
    refuse_mighty(text)?;
    let template = environment
        .template_from_named_str(kind_of(name), text)
        .map_err(|error| described(&error))?;
    let mut output = Bounded(Vec::new());
    match template.render_captured_to(Bound::from_serialize(values), &mut output) {
        Ok(_) => Ok(String::from_utf8_lossy(&output.0).into_owned()),
        Err(_) if output.0.len() >= OUTPUT_BYTES_MAX => {
            Err(format!("what comes of it has more than {OUTPUT_BYTES_MAX} bytes"))
        }
        Err(error) => Err(described(&error)),
    }
}

/// What is wrong with a template, without the values that it was given.
pub(super) fn described(error: &minijinja::Error) -> String {
    let line = error.line().map(|line| format!("line {line}: ")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("{line}{}{detail}", error.kind())
}

/// Takes so many bytes and no more.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = OUTPUT_BYTES_MAX - self.0.len();
        self.0.extend(&bytes[..bytes.len().min(left)]);
        match bytes.len() <= left {
            true => Ok(bytes.len()),
            false => Err(io::ErrorKind::FileTooLarge.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    fn words(title: &str, body: &str, html: Option<&str>) -> TemplateWords {
        TemplateWords {
            title: title.to_owned(),
            body: body.to_owned(),
            html: html.map(str::to_owned),
        }
    }

    fn faults(words: &TemplateWords) -> Vec<String> {
        match checked(Topic::ExportReady, words) {
            Err(ServiceError::Faults(Faults(faults))) => {
                faults.iter().map(|one| format!("{} {}", one.pointer, one.detail)).collect()
            }
            other => panic!("it was taken: {other:?}"),
        }
    }

    #[test]
    fn the_programs_words_fit_every_topic() {
        for &topic in Topic::ALL {
            let made = checked(topic, &program_words()).unwrap();
            assert!(made.title.starts_with(&topic.title()), "{}", made.title);
            let bare = json!({ "title": "T", "at": "now", "export": null, "details": {} });
            assert_eq!(render(&program_words(), &bare).unwrap().body, "T.\n\nAt: now\n\n");
        }
    }

    #[test]
    fn what_a_notice_is_about_stands_in_the_programs_words() {
        let body = |topic| checked(topic, &program_words()).unwrap().body;
        let held = body(Topic::ScheduleHeld);
        assert!(held.contains("\nSchedule: 12\nSubject: orders\nWhy: its owner may"), "{held}");
        assert!(!held.contains("4711"), "it is about no export: {held}");
        let paused = body(Topic::EgressPaused);
        let said = "\nSubject: orders\nBy: ada@example.com\nWhy: a leak is looked into\n";
        assert!(paused.contains(said), "{paused}");
        let denied = body(Topic::ApprovalDenied);
        let said = "\nRule: Personal data\nBy: bea@example.com\nNote: for the audit\n";
        assert!(denied.contains(said), "{denied}");
        let changed = body(Topic::GovernanceChanged);
        assert!(changed.contains("\nWhat: rules\nBy: ada@example.com\n"), "{changed}");
    }

    #[test]
    fn a_preview_says_of_a_name_what_the_mail_says() {
        let words = words("t", "[{{ details.error is defined }} {{ details.note }}]", None);
        let shown = checked(Topic::ScheduleHeld, &words).unwrap().body;
        let sent = json!({ "details": details_with(Map::new()) });
        assert_eq!((&*shown, &*render(&words, &sent).unwrap().body), ("[True ]", "[True ]"));
    }

    #[test]
    fn what_a_notice_does_not_know_is_left_empty() {
        let words = words("t", "[{{ details.schedule }}{{ export.id }}{{ export.rows }}]", None);
        checked(Topic::ExportReady, &words).unwrap();
        let no_job = json!({ "export": null, "details": {} });
        assert_eq!(render(&words, &no_job).unwrap().body, "[]");
        let failed = json!({ "export": { "id": 7, "rows": null }, "details": {} });
        assert_eq!(render(&words, &failed).unwrap().body, "[7]");
    }

    #[test]
    fn every_fault_of_a_template_is_told_with_its_place() {
        for (body, told) in [
            ("ok\n{{ export.password }}", "/body line 2: there is no `export.password`"),
            ("{% if export %}{{ secret }}{% endif %}", "/body line 1: there is no `secret`"),
            ("\n\n{% if export %}", "/body line 3: syntax error"),
            ("{{ export.id", "/body line 1: syntax error"),
            ("{{ 1 | weigh }}", "/body line 1: unknown filter"),
            ("a\n{% set x = title %}", "/body line 2: `set` is not available"),
            ("{% include 'x' %}", "/body line 1: "),
            ("{{ title ~ title }}", "/body line 1: `~` is not available"),
            ("{{ 'a' * 99999999 }}", "/body line 1: `*` is not available"),
            ("{{ range(9) }}", "/body line 1: nothing can be called"),
            ("{{ range }}", "/body line 1: there is no `range`"),
            ("{{ '}}' * 9 }}", "/body line 1: `*` is not available"),
            ("{# {{ \" #}\n{{ 'a' * 300000000 }}", "/body line 2: `*` is not available"),
            ("{{ title.upper() }}", "/body line 1: "),
        ] {
            let found = faults(&words("t", body, None));
            assert!(found[0].starts_with(told), "{body}: {found:?}");
        }
        let all = faults(&words("", "{{ no }}", Some("{% for %}")));
        assert_eq!(all.len(), 3, "{all:?}");
        let long = words("t", &"a".repeat(BODY_BYTES_MAX + 1), None);
        assert!(faults(&long)[0].contains("more than 20000 bytes"));
        let nested = "{% for a in export %}".repeat(6) + &"{% endfor %}".repeat(6);
        assert!(faults(&words("t", &nested, None))[0].contains("ran out of fuel"));
    }

    #[test]
    fn markup_is_escaped_and_a_title_is_one_line() {
        let words =
            words("{{ details.name }}", "{{ details.name }}", Some("<b>{{ details.name }}"));
        let values = json!({ "details": { "name": "<i>&\r\nBcc: eve@example.com" } });
        let made = render(&words, &values).unwrap();
        assert_eq!(made.title, "<i>&  Bcc: eve@example.com");
        assert!(made.html.unwrap().starts_with("<b>&lt;i&gt;&amp;"));
        assert!(made.body.starts_with("<i>&"));
    }
}
