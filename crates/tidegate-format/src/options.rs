//! The options of a format: declared in a list, checked once, asked by name.

use std::collections::BTreeMap;

use crate::text::xml;

/// One option of a format.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Name in requests.
    pub slug: &'static str,
    /// Name that people read.
    pub label: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// Values it takes.
    pub kind: OptionKind,
    /// Value when the request is silent.
    pub default: &'static str,
}

/// Values that an option takes.
#[derive(Clone, Copy, Debug)]
pub enum OptionKind {
    /// `true` or `false`.
    Flag,
    /// One of these.
    Choice(&'static [&'static str]),
    /// A single printable ASCII character, or a tab.
    Character,
    /// An XML name.
    XmlName,
}

/// An option that does not fit its format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct OptionFault {
    /// Option that was named.
    pub option: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// Options that a format accepts, with a value for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options(BTreeMap<&'static str, String>);

impl Options {
    /// Checks `given` against `specs` and fills in defaults.
    ///
    /// # Errors
    ///
    /// All faults: unknown options, values out of range.
    pub fn check(
        specs: &'static [OptionSpec],
        given: &BTreeMap<String, String>,
    ) -> Result<Self, Vec<OptionFault>> {
        let mut faults: Vec<OptionFault> = given
            .keys()
            .filter(|slug| !specs.iter().any(|spec| spec.slug == slug.as_str()))
            .map(|slug| OptionFault { option: slug.clone(), detail: unknown_option(slug, specs) })
            .collect();
        let mut chosen = BTreeMap::new();
        for spec in specs {
            let value = given.get(spec.slug).map_or(spec.default, String::as_str);
            match spec.kind.accepts(value) {
                Ok(()) => _ = chosen.insert(spec.slug, value.to_owned()),
                Err(expected) => faults.push(OptionFault {
                    option: spec.slug.to_owned(),
                    detail: format!("option `{}` takes {expected}", spec.slug),
                }),
            }
        }
        if faults.is_empty() { Ok(Self(chosen)) } else { Err(faults) }
    }

    /// The options of a request that says nothing.
    pub fn defaults(specs: &'static [OptionSpec]) -> Self {
        Self(specs.iter().map(|spec| (spec.slug, spec.default.to_owned())).collect())
    }

    /// The same, but not packed.
    pub fn unpacked(mut self) -> Self {
        if let Some(compression) = self.0.get_mut(crate::compress::OPTION.slug) {
            crate::compress::OPTION.default.clone_into(compression);
        }
        self
    }

    /// Value of an option.
    ///
    /// # Panics
    ///
    /// If the format does not declare it.
    pub fn text(&self, slug: &str) -> &str {
        self.0.get(slug).expect("a format asks only for options it declares")
    }

    /// Value of a flag.
    pub fn is_on(&self, slug: &str) -> bool {
        self.text(slug) == "true"
    }

    /// Whether the option is declared and has this value.
    pub fn is(&self, slug: &str, value: &str) -> bool {
        self.0.get(slug).is_some_and(|found| found == value)
    }

    /// All options with their values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(slug, value)| (*slug, value.as_str()))
    }
}

impl OptionKind {
    fn accepts(self, value: &str) -> Result<(), String> {
        let fits = match self {
            Self::Flag => matches!(value, "true" | "false"),
            Self::Choice(values) => values.contains(&value),
            Self::Character => is_separator(value),
            Self::XmlName => value.is_empty() || xml::is_name(value),
        };
        if fits { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Choice(values) => format!("one of {}", values.join(", ")),
            Self::Character => "a single ASCII character that is no letter, digit, quote or line \
                                end"
            .to_owned(),
            Self::XmlName => "an XML name without a colon, or nothing".to_owned(),
        }
    }
}

fn unknown_option(slug: &str, specs: &[OptionSpec]) -> String {
    let known: Vec<&str> = specs.iter().map(|spec| spec.slug).collect();
    match known.is_empty() {
        true => format!("no option `{slug}`; this format has none"),
        false => format!("no option `{slug}`; this format has {}", known.join(", ")),
    }
}

fn is_separator(value: &str) -> bool {
    let &[byte] = value.as_bytes() else { return false };
    byte == b'\t' || (byte.is_ascii_punctuation() && byte != b'"') || byte == b' '
}
