//! Finds the values of a JSON array or object in its text, without reading them.
//!
//! Values are told apart by their brackets and quotes only: who takes one reads it by its type, and
//! so finds what is no JSON.

use super::class::ByteClass;

/// What ends a string, or makes the byte behind it part of one.
const STRING: ByteClass<2, false> = ByteClass::new(*b"\"\\");

/// What an array or object is told by.
const NESTED: ByteClass<5, false> = ByteClass::new(*b"\"[]{}");

/// What is left of the text.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// The byte that comes next, white space aside.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Takes a bracket, comma or colon, if it comes next.
    #[inline]
    pub(super) fn take(&mut self, mark: u8) -> Option<()> {
        let is_next = self.peek() == Some(mark);
        self.at += usize::from(is_next);
        is_next.then_some(())
    }

    /// Takes the next value, as it stands.
    #[inline]
    pub(super) fn value(&mut self) -> Option<&'t str> {
        let first = self.peek()?;
        let rest = &self.text.as_bytes()[self.at..];
        let length = match first {
            b'"' => string_length(rest)?,
            b'[' | b'{' => nested_length(rest)?,
            _ => rest.iter().take_while(|byte| !is_mark(**byte)).count(),
        };
        let value = self.text.get(self.at..self.at + length)?;
        self.at += length;
        (length > 0).then_some(value)
    }

    /// Whether nothing but white space is left.
    pub(super) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }
}

/// Whether a number or word ends before the byte.
fn is_mark(byte: u8) -> bool {
    matches!(byte, b',' | b':' | b']' | b'}' | b'[' | b'{' | b'"' | b' ' | b'\t' | b'\n' | b'\r')
}

/// Length of the string that `text` starts with, quotes included.
#[inline]
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += STRING.position(text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// Length of the array or object that `text` starts with.
fn nested_length(text: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        at += NESTED.position(&text[at..])?;
        match text[at] {
            b'"' => at += string_length(&text[at..])?,
            b'[' | b'{' => (depth, at) = (depth + 1, at + 1),
            _ => (depth, at) = (depth - 1, at + 1),
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Option<Vec<&str>> {
        let mut scan = Scanner::new(text);
        scan.take(b'[')?;
        let mut values = Vec::new();
        while scan.take(b']').is_none() {
            values.push(scan.value()?);
            _ = scan.take(b',');
        }
        scan.is_at_end().then_some(values)
    }

    #[test]
    fn values_are_found_as_they_stand() {
        assert_eq!(
            values(r#" [ 1 ,"a\"]\\" , {"b":["}", [ ]]},null,-1.5e3,"é" ] "#).unwrap(),
            ["1", r#""a\"]\\""#, r#"{"b":["}", [ ]]}"#, "null", "-1.5e3", "\"é\""]
        );
        assert_eq!(values("[]").unwrap(), [""; 0]);
    }

    #[test]
    fn text_that_ends_early_has_no_value() {
        for wrong in ["", "[", "[1", "[\"", "[\"a\\\"", "[\"\\", "[[", "[{\"a\":1]", "[1] x", "[}]"]
        {
            assert_eq!(values(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn deep_nesting_does_not_use_the_stack() {
        let deep = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
        assert_eq!(values(&format!("[{deep}]")).unwrap(), [deep.as_str()]);
    }
}
