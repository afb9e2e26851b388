//! What somebody is told: answers with their headers, but for what differs from run to run.

use std::{collections::BTreeMap, sync::LazyLock};

use regex::{Captures, Regex};
use reqwest::{Method, blocking::Response, header::HeaderMap};
use serde_json::{Value, json};

use super::packed::unpacked;
use crate::edge::server::Asker;

/// Headers that differ from one answer to the next.
const VOLATILE_HEADERS: [&str; 4] = ["date", "x-request-id", "ratelimit", "set-cookie"];
/// Headers that follow from every byte of an answer.
const BYTEWISE_HEADERS: [&str; 2] = ["content-length", "etag"];
/// Members that differ from one run to the next.
const VOLATILE: [&str; 10] = [
    "created_at",
    "completed_at",
    "expires_at",
    "started_at",
    "seconds",
    "cursor",
    "next",
    "previous",
    "last",
    "signature",
];
/// Texts that differ from one run to the next, and what is said for them.
static VOLATILE_TEXTS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"(?s)<time\b.*?</time>", "<time>"),
        (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", "(instant)"),
        (r"\b20\d{6}[T_-]?\d{4,6}Z?\b", "(stamp)"),
        (r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", "(moment)"),
        (r"/d/[\w.~-]+", "/d/(token)"),
        (r#"cursor=[\w.%~-]+"#, "cursor=(cursor)"),
        (r#"name="(form_)?key" value="[^"]*""#, r#"name="key" value="(key)""#),
        (r"\b[0-9A-HJKMNP-TV-Z]{26}\b|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "(id)"),
        (r"(\bunder )?\b\d+(\.\d+)? ?(ms|s|min|seconds?)\b", "(time)"),
        (r"\bnow\b", "(time) ago"),
        (r"\bWorker [\w.-]+-\d+-[0-9a-f]{32}", "Worker (id)"),
        (r"\bkey=[\w-]+", "key=(key)"),
        // A snapshot of PostgreSQL, by its transactions.
        (r"\b\d+:\d+:[\d,]*", "(snapshot)"),
        (r#"Signed with</dt><dd class="mono-12">[0-9a-f]{16}"#, "Signed with (key)"),
        (r"Archive: .*", "Archive"),
        (r"127\.0\.0\.1:\d+", "(address)"),
    ]
    .map(|(text, word)| (Regex::new(text).unwrap(), word))
    .into()
});
/// What follows from the digits of hashes: sums of files, and what is expected of a packed one.
static OF_HASHES: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#""format":"(xlsx|parquet)","bytes":\d+|\b[0-9a-f]{64}\b"#).unwrap()
});
static HASH: LazyLock<Regex> = LazyLock::new(|| Regex::new("h_[0-9a-f]{24}").unwrap());

/// What somebody is told.
pub(super) struct Told<'a> {
    asker: &'a Asker,
    /// Whether hashes stand for values: those of another site are others.
    pub(super) has_hashes: bool,
    /// What was told, and where.
    pub(super) answers: Vec<(String, String)>,
}

impl<'a> Told<'a> {
    /// Nothing yet.
    pub(super) fn new(asker: &'a Asker, has_hashes: bool) -> Self {
        Self { asker, has_hashes, answers: Vec::new() }
    }

    /// Asks, and keeps what is told.
    pub(super) fn get(&mut self, path: &str) -> Value {
        let answer = self.asker.get(path);
        self.keep(steady(path), answer)
    }

    /// Sends, and keeps what is told.
    pub(super) fn post(&mut self, path: &str, body: &Value) -> Value {
        let answer = self.asker.post(path, body);
        self.keep(format!("POST {path} {body}"), answer)
    }

    /// Keeps a page. Of a page that is not there, there is nothing to compare.
    pub(super) fn page(&mut self, path: &str) {
        let answer = self.asker.request(Method::GET, path).header("accept", "text/html");
        let answer = answer.send().unwrap();
        assert!(answer.status().as_u16() < 500, "{path}: {}", answer.status());
        self.keep(path.to_owned(), answer);
    }

    /// Keeps an answer.
    fn keep(&mut self, place: String, answer: Response) -> Value {
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().unwrap();
        let whole = serde_json::from_str::<Value>(&text).ok();
        let plain = whole.clone().map_or_else(|| steady(&text), of_json);
        let written = whole.as_ref().map_or_else(|| text.clone(), Value::to_string);
        let is_steady = plain == written;
        let plain = self.without_hashes(&plain);
        let headers = self.headers(&headers, is_steady);
        self.answers.push((place, format!("{status}\n{headers}{plain}")));
        whole.unwrap_or_default()
    }

    /// Keeps a file: its headers, as they are asked for alone and with it, and what is in it.
    pub(super) fn file(&mut self, id: u64, format: &str) {
        let is_packed = matches!(format, "xlsx" | "parquet");
        let link = self.asker.link(id);
        for method in [Method::HEAD, Method::GET] {
            let answer = self.asker.request(method.clone(), &link).send().unwrap();
            let (status, headers) = (answer.status(), answer.headers().clone());
            let bytes = answer.bytes().unwrap();
            let mut told = format!("{status}\n");
            // With other hashes it is another file; packed, of another size.
            let is_same_size = !(self.has_hashes && is_packed);
            told.push_str(&self.headers(&headers, is_same_size));
            if self.has_hashes && method == Method::GET {
                for part in unpacked(&bytes) {
                    if is_packed && (part.starts_with(b"PK") || part.starts_with(b"PAR1")) {
                        continue;
                    }
                    told.push_str(&self.without_hashes(&steady(&String::from_utf8_lossy(&part))));
                }
            } else if method == Method::GET {
                told.push_str(&format!("{} bytes, sum {:x}", bytes.len(), sum(&bytes)));
            }
            self.answers.push((format!("{method} file of {format}"), told));
        }
    }

    /// Headers, in order. Those that follow from every byte are of no use where not every byte is
    /// compared.
    fn headers(&self, headers: &HeaderMap, is_steady: bool) -> String {
        let mut lines = BTreeMap::new();
        for (name, value) in headers {
            let name = name.as_str();
            let is_bytewise = BYTEWISE_HEADERS.contains(&name) && !is_steady;
            let is_other = matches!(name, "etag" | "repr-digest") && self.has_hashes;
            if VOLATILE_HEADERS.contains(&name) || is_bytewise || is_other {
                continue;
            }
            let value = value.to_str().unwrap();
            let value = if name == "etag" { value.to_owned() } else { steady(value) };
            lines.insert(name, format!("{name}: {value}\n"));
        }
        lines.into_values().collect()
    }

    /// A text in which hashes are numbered as they come: which of them are the same may be told.
    fn without_hashes(&self, text: &str) -> String {
        if !self.has_hashes {
            return text.to_owned();
        }
        let mut numbers = BTreeMap::new();
        let number = |found: &Captures<'_>| {
            let next = numbers.len();
            format!("(hash {})", numbers.entry(found[0].to_owned()).or_insert(next))
        };
        let text = OF_HASHES.replace_all(text, "(of hashes)");
        HASH.replace_all(&text, number).into_owned()
    }
}

/// A document without what differs from one run to the next.
fn of_json(mut document: Value) -> String {
    fn blank(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for (name, member) in members.iter_mut() {
                    if VOLATILE.contains(&name.as_str()) && !member.is_null() {
                        *member = json!("(volatile)");
                    }
                    blank(member);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(blank),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    blank(&mut document);
    steady(&document.to_string())
}

/// A text without what differs from one run to the next.
fn steady(text: &str) -> String {
    VOLATILE_TEXTS
        .iter()
        .fold(text.to_owned(), |text, (what, word)| what.replace_all(&text, *word).into_owned())
}

/// A sum that other bytes do not have by chance.
fn sum(bytes: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher};
    let mut sum = DefaultHasher::new();
    sum.write(bytes);
    sum.finish()
}

/// Asserts that the same was told.
#[track_caller]
pub(super) fn assert_alike(what: &str, few: &Told<'_>, many: &Told<'_>) {
    assert_eq!(few.answers.len(), many.answers.len(), "{what}");
    let pairs = few.answers.iter().zip(&many.answers);
    let told: Vec<String> = pairs
        .filter(|(few, many)| few != many)
        .map(|((place, few), (_, many))| format!("{place}\n{}", first_difference(few, many)))
        .collect();
    let all = few.answers.len();
    assert!(
        told.is_empty(),
        "{what}: {} of {all} answers differ:\n{}",
        told.len(),
        told.join("\n")
    );
}

/// What stands where two texts differ first.
fn first_difference(few: &str, many: &str) -> String {
    let mut lines = few.lines().zip(many.lines()).filter(|(few, many)| few != many);
    let (few, many) = lines.next().unwrap_or((few, many));
    let same = few.chars().zip(many.chars()).take_while(|(few, many)| few == many).count();
    let part =
        |line: &str| -> String { line.chars().skip(same.saturating_sub(60)).take(160).collect() };
    format!("    {}\n    {}", part(few), part(many))
}
