//! The formats of files, as those outside are told of them.

use tidegate_format::{Format, OptionKind, OptionSpec};

/// A format.
#[derive(Clone, Debug)]
pub struct FormatSummary {
    /// Name in requests.
    pub slug: &'static str,
    /// Name that people read.
    pub label: &'static str,
    /// Media type of its files.
    pub media_type: &'static str,
    /// Whether people can read its files as text.
    pub is_text: bool,
    /// Options that it takes.
    pub options: Vec<OptionSummary>,
}

/// An option of a format.
#[derive(Clone, Debug)]
pub struct OptionSummary {
    /// Name in requests.
    pub slug: &'static str,
    /// Name that people read.
    pub label: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// Value where the request is silent.
    pub default: &'static str,
    /// Values that it takes.
    pub takes: OptionTakes,
}

/// Values that an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionTakes {
    /// True or false.
    Flag,
    /// One of these.
    Choice(&'static [&'static str]),
    /// A single character.
    Character,
    /// A short text.
    Text,
}

/// Every format, in the order of their list.
pub fn formats() -> Vec<FormatSummary> {
    tidegate_format::FORMATS.iter().map(|format| summary(*format)).collect()
}

fn summary(format: &dyn Format) -> FormatSummary {
    let option = |spec: &OptionSpec| OptionSummary {
        slug: spec.slug,
        label: spec.label,
        help: spec.help,
        default: spec.default,
        takes: match spec.kind {
            OptionKind::Flag => OptionTakes::Flag,
            OptionKind::Choice(values) => OptionTakes::Choice(values),
            OptionKind::Character => OptionTakes::Character,
            OptionKind::XmlName => OptionTakes::Text,
        },
    };
    FormatSummary {
        slug: format.slug(),
        label: format.label(),
        media_type: format.media_type(),
        is_text: format.is_text(),
        options: format.options().iter().map(option).collect(),
    }
}
