//! Words in lists: what would be taken for the end of one stands behind a backslash.

use std::fmt;

use serde_json::Value;

/// A word of a list, as it is written there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages) struct Word(String);

impl Word {
    /// A text with a backslash before each backslash and each of these characters.
    pub(super) fn escaped(text: &str, ends: &[char]) -> Self {
        let mut word = String::with_capacity(text.len());
        for character in text.chars() {
            if character == '\\' || ends.contains(&character) {
                word.push('\\');
            }
            word.push(character);
        }
        Self(word)
    }

    /// A value as text: a text as it is, unless it reads as another value; all else as JSON.
    pub(in crate::pages) fn of(value: &Value) -> String {
        match value {
            Value::String(text) if !text.is_empty() && Self::value(text) == *value => text.clone(),
            value => value.to_string(),
        }
    }

    /// The value that a text is of. What JSON would write in another way is a text: nothing is
    /// rounded, and no zero is lost.
    pub(in crate::pages) fn value(text: &str) -> Value {
        match serde_json::from_str::<Value>(text) {
            Ok(value) if is_written_as(&value, text) => value,
            _ => text.into(),
        }
    }
}

/// Whether JSON would write a value just so.
pub(in crate::pages) fn is_written_as(value: &Value, text: &str) -> bool {
    serde_json::to_string(value).is_ok_and(|written| written == text)
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A list of words that are escaped already.
pub(super) fn joined(words: impl Iterator<Item = impl fmt::Display>) -> String {
    let words: Vec<String> = words.map(|word| word.to_string()).collect();
    words.join(",")
}

/// The words between separators, still escaped; at most so many.
pub(super) fn split(text: &str, separator: char, words_max: usize) -> Vec<&str> {
    let (mut words, mut start, mut is_escaped) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if character == '\\' {
            is_escaped = true;
        } else if character == separator && words.len() + 1 < words_max {
            words.push(&text[start..at]);
            start = at + separator.len_utf8();
        }
    }
    words.push(&text[start..]);
    words
}

/// A word without its backslashes.
pub(super) fn unescaped(word: &str) -> String {
    let (mut text, mut is_escaped) = (String::with_capacity(word.len()), false);
    for character in word.chars() {
        if character == '\\' && !is_escaped {
            is_escaped = true;
        } else {
            is_escaped = false;
            text.push(character);
        }
    }
    text
}
