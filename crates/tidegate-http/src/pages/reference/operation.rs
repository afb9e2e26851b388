//! One operation on the page: how to ask, and what comes back.

use serde_json::Value;

use super::{
    json,
    prose::{escaped, prose},
    schema::{Member, members, words},
    text,
};

/// An operation.
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) method: String,
    /// HTML, with its parameters marked.
    pub(super) path: String,
    pub(super) title: String,
    /// HTML.
    pub(super) summary: String,
    /// HTML.
    pub(super) description: String,
    pub(super) is_open: bool,
    pub(super) parameters: Vec<Parameter>,
    pub(super) request: Option<Body>,
    pub(super) members: Vec<Member>,
    pub(super) answers: Vec<Answer>,
    pub(super) refusals: Vec<Answer>,
    /// HTML.
    pub(super) command: String,
}

/// A parameter.
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) place: String,
    pub(super) is_required: bool,
    /// HTML.
    pub(super) words: String,
    /// HTML.
    pub(super) description: String,
}

/// A body.
pub(super) struct Body {
    /// HTML.
    pub(super) words: String,
    /// HTML.
    pub(super) example: Option<String>,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: String,
    /// HTML.
    pub(super) description: String,
    pub(super) body: Option<Body>,
}

impl Operation {
    pub(super) fn of(document: &Value, path: &str, method: &str, one: &Value) -> Option<Self> {
        let id = one["operationId"].as_str()?.to_owned();
        let (answers, refusals) = answers(one).into_iter().partition(is_success);
        let parameters = one["parameters"].as_array().into_iter().flatten();
        Some(Self {
            tag: text(&one["tags"][0]),
            method: method.to_uppercase(),
            path: marked(path),
            title: title(&id),
            summary: prose(&text(&one["summary"])),
            description: prose(&text(&one["description"])),
            is_open: one["security"] == serde_json::json!([{}]),
            parameters: parameters.map(Parameter::of).collect(),
            request: body(&one["requestBody"]["content"]),
            members: request_members(document, one),
            answers,
            refusals,
            command: command(path, method, one),
            id,
        })
    }
}

/// The id of an operation, as a person reads it.
fn title(id: &str) -> String {
    let words = id.replace('_', " ");
    let end = words.chars().next().map_or(0, char::len_utf8);
    let (first, rest) = words.split_at(end);
    format!("{}{rest}", first.to_uppercase())
}

impl Parameter {
    fn of(one: &Value) -> Self {
        Self {
            name: text(&one["name"]),
            place: text(&one["in"]),
            is_required: one["required"] == true,
            words: words(&one["schema"]),
            description: prose(&text(&one["description"])),
        }
    }
}

/// The members of the body, where its schema is an object with a name.
fn request_members(document: &Value, operation: &Value) -> Vec<Member> {
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let named =
        schema["$ref"].as_str().and_then(|path| document.pointer(path.trim_start_matches('#')));
    named.map(members).unwrap_or_default()
}

fn answers(operation: &Value) -> Vec<Answer> {
    let all = operation["responses"].as_object().into_iter().flatten();
    let answer = |(status, one): (&String, &Value)| Answer {
        status: status.clone(),
        description: prose(&text(&one["description"])),
        body: body(&one["content"]),
    };
    all.map(answer).collect()
}

fn is_success(answer: &Answer) -> bool {
    answer.status.starts_with(['2', '3'])
}

fn body(content: &Value) -> Option<Body> {
    let sent = content.get("application/json")?;
    let example = sent.get("example").map(json::html);
    Some(Body { words: words(&sent["schema"]), example })
}

/// A path whose parameters stand out.
fn marked(path: &str) -> String {
    escaped(path).replace('{', "<var>{").replace('}', "}</var>")
}

/// What one types to ask: HTML.
fn command(path: &str, method: &str, operation: &Value) -> String {
    let mut url = format!("$TIDEGATE{path}");
    let mut query = Vec::new();
    // With a body, `--json` says that it is a POST.
    let has_body = operation["requestBody"].is_object();
    let verb = match method {
        "get" => String::new(),
        "post" if has_body => String::new(),
        other => format!("-X {} ", other.to_uppercase()),
    };
    let mut parts = Vec::new();
    let mut headers = Vec::new();
    if operation["security"] != serde_json::json!([{}]) {
        headers.push("-H \"Authorization: Bearer $TIDEGATE_TOKEN\"".to_owned());
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let (name, example) = (text(&parameter["name"]), &parameter["example"]);
        let plain = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
        match (parameter["in"].as_str(), example) {
            (_, Value::Null) => {}
            (Some("path"), value) => url = url.replace(&format!("{{{name}}}"), &plain(value)),
            (Some("query"), Value::Array(values)) => {
                query.extend(values.iter().map(|value| format!("{name}={}", plain(value))));
            }
            (Some("query"), value) => query.push(format!("{name}={}", plain(value))),
            (Some("header"), value) => headers.push(format!("-H '{name}: {}'", plain(value))),
            _ => {}
        }
    }
    let in_url = if query.is_empty() { "" } else { " -G" };
    parts.push(format!("curl {verb}\"{url}\"{in_url}"));
    parts.extend(query.into_iter().map(|pair| format!("--data-urlencode '{pair}'")));
    parts.extend(headers);
    if let Some(example) = operation["requestBody"]["content"]["application/json"].get("example") {
        parts.push("--json @- <<'JSON'".to_owned());
        let command = escaped(&parts.join(" \\\n  "));
        return format!("{command}\n{}\nJSON", json::html(example));
    }
    escaped(&parts.join(" \\\n  "))
}
