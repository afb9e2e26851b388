//! Says what is wrong with a configuration by its place, never by what stands there: that may be a
//! secret.

use config::ConfigError;

/// What a message says before it quotes a text of the configuration.
const QUOTES: [(&str, char); 2] = [("string \"", '"'), ("unknown variant `", '`')];

/// What is wrong. Members are told by name; `text` is the file.
pub(super) fn told(error: &ConfigError, text: &str) -> String {
    match error {
        ConfigError::FileParse { cause, .. } => match cause.downcast_ref::<toml::de::Error>() {
            Some(fault) => syntax(fault, text),
            None => cause.to_string(),
        },
        ConfigError::Type { unexpected, expected, key, .. } => {
            let found = kind(unexpected);
            format!("invalid type: {found}, expected {expected}{}", place(key.as_deref()))
        }
        ConfigError::At { error, key, .. } => {
            format!("{}{}", told(error, text), place(key.as_deref()))
        }
        ConfigError::Message(message) => unquoted(message),
        // Names of members, or errors of ours.
        other => other.to_string(),
    }
}

/// The parser's own text shows the line.
fn syntax(fault: &toml::de::Error, text: &str) -> String {
    let before = fault.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let message = fault.message().lines().collect::<Vec<_>>().join(" ");
    format!("TOML parse error at line {line}, column {column}: {message}")
}

/// The kind of a value: the library puts it before the value.
fn kind(unexpected: &impl ToString) -> String {
    let told = unexpected.to_string();
    told.split(['`', '"']).next().unwrap_or_default().trim_end().to_owned()
}

fn place(key: Option<&str>) -> String {
    key.map(|key| format!(" for key `{key}`")).unwrap_or_default()
}

/// A message without the texts that it quotes.
fn unquoted(message: &str) -> String {
    let mut told = message.to_owned();
    for (begin, end) in QUOTES {
        let Some(at) = told.find(begin) else { continue };
        let from = at + begin.len();
        // The text may hold the mark itself: the last one ends it, but where names follow.
        let rest = &told[from..];
        let names = rest.find(", expected").unwrap_or(rest.len());
        let Some(length) = rest[..names].rfind(end) else { continue };
        told.replace_range(from..from + length, "…");
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_told_without_the_texts_that_it_quotes() {
        for (message, expected) in [
            (
                "invalid value: string \"a\\\"b\", expected x",
                "invalid value: string \"…\", expected x",
            ),
            (
                "unknown variant `hush`, expected `a` or `b`",
                "unknown variant `…`, expected `a` or `b`",
            ),
            ("unknown field `urk`, expected `url`", "unknown field `urk`, expected `url`"),
        ] {
            assert_eq!(unquoted(message), expected);
        }
    }
}
