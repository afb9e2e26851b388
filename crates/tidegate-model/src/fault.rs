//! What is wrong with a request or a configuration, and where.

use std::fmt;

use crate::{pointer::Pointer, sight::UNMASK};

/// Faults that are told of at once; a list of ten thousand bad keys needs no ten thousand lines.
pub const FAULTS_MAX: usize = 100;
/// Characters of a foreign name that a fault repeats.
const SHOWN_CHARACTERS_MAX: usize = 64;

/// One fault, with a pointer to its place.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into what was sent: `/scope/filter/all/0/value`.
    pub pointer: String,
    /// What is wrong and what would be right; never a value of a row.
    pub detail: String,
    /// What kind of fault it is, where a program has to know; it stays the same for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<FaultCode>,
}

/// A kind of fault that programs tell from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultCode {
    /// A filter or an order is by a field that is masked for whoever asks: nobody should find
    /// another way to the same rows.
    Masked,
}

impl Fault {
    /// A fault at `pointer`.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into(), code: None }
    }

    /// The fault of records that are to be filtered, sorted or found by what is masked.
    pub fn masked(pointer: impl Into<String>, slug: &str, done: &str) -> Self {
        let slug = shown(slug);
        let detail =
            format!("`{slug}` is masked for you: records are not {done} by it without `{UNMASK}`");
        Self { code: Some(FaultCode::Masked), ..Self::new(pointer, detail) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => f.write_str(&self.detail),
            pointer => write!(f, "{pointer}: {}", self.detail),
        }
    }
}

/// All faults of a request, found in one go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

/// Faults while they are being found.
#[derive(Debug, Default)]
pub(crate) struct FaultList {
    faults: Vec<Fault>,
    unlisted: usize,
}

impl FaultList {
    /// Notes a fault, once.
    pub(crate) fn add(&mut self, at: &Pointer<'_>, detail: impl Into<String>) {
        self.add_fault(at.fault(detail));
    }

    /// Notes that records are to be filtered or sorted by what is masked, once.
    pub(crate) fn add_masked(&mut self, at: &Pointer<'_>, slug: &str, done: &str) {
        self.add_fault(Fault::masked(at.fault("").pointer, slug, done));
    }

    fn add_fault(&mut self, fault: Fault) {
        if self.faults.len() >= FAULTS_MAX {
            self.unlisted += 1;
            return;
        }
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// `checked`, if nothing was wrong.
    ///
    /// # Errors
    ///
    /// All faults that were noted.
    pub(crate) fn or<T>(self, checked: T) -> Result<T, Faults> {
        match self.into_faults() {
            Some(faults) => Err(faults),
            None => Ok(checked),
        }
    }

    /// The faults, if there are any.
    pub(crate) fn into_faults(mut self) -> Option<Faults> {
        if self.unlisted > 0 {
            self.faults.push(Fault::new("", format!("and {} more faults", self.unlisted)));
        }
        (!self.faults.is_empty()).then_some(Faults(self.faults))
    }
}

/// A name that someone sent, fit to be repeated in a message: short and on one line.
pub(crate) fn shown(name: &str) -> String {
    let mut characters = name.chars();
    let mut short: String = characters
        .by_ref()
        .take(SHOWN_CHARACTERS_MAX)
        .map(|character| if character.is_control() { '\u{FFFD}' } else { character })
        .collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faults_beyond_the_limit_are_counted() {
        let mut list = FaultList::default();
        for index in 0..FAULTS_MAX + 7 {
            list.add(&Pointer::ROOT.index(index), "wrong");
        }
        let Faults(faults) = list.or(()).unwrap_err();
        assert_eq!(faults.len(), FAULTS_MAX + 1);
        assert_eq!(faults[FAULTS_MAX].to_string(), "and 7 more faults");
    }

    #[test]
    fn a_name_is_repeated_short_and_on_one_line() {
        assert_eq!(shown("a\nb"), "a\u{FFFD}b");
        assert_eq!(shown(&"é".repeat(70)).chars().count(), 65);
    }
}
