//! The third step: how the file is written.

use askama::Template;
use tidegate_service::{FormatSummary, OptionSummary, OptionTakes, formats};

use super::super::{draft::Draft, shell::Shell};
use super::{Checked, frame::Frame};

/// The format of whoever says none.
pub(super) const FIRST: &str = "csv";
/// Options that pages with a formula guard begin with where the API would begin with others.
pub(super) const GUARDED: &[(&str, Option<&str>)] = &[("profile", Some("spreadsheet"))];
/// The same options as the API begins with them.
pub(super) const PLAIN: &[(&str, Option<&str>)] = &[("profile", None)];

#[derive(Template)]
#[template(path = "wizard/format.html")]
pub(super) struct Format<'a> {
    shell: &'a Shell,
    frame: Frame,
    formats: Vec<Choice>,
    options: Vec<Opt>,
    time_zone: String,
}

/// A format to choose.
struct Choice {
    slug: &'static str,
    label: &'static str,
    line: &'static str,
    icon: &'static str,
    is_chosen: bool,
}

/// An option of the format.
struct Opt {
    /// Name in the form, and id.
    name: String,
    label: &'static str,
    help: String,
    value: String,
    is_flag: bool,
    choices: &'static [&'static str],
    is_short: bool,
}

impl<'a> Format<'a> {
    pub(super) fn new(shell: &'a Shell, frame: Frame, checked: &Checked) -> Self {
        let draft = &checked.draft;
        let choice = |format: &FormatSummary| Choice {
            slug: format.slug,
            label: format.label,
            line: if format.is_text { "Text" } else { "Binary" },
            icon: if format.is_text { "file-text" } else { "table-2" },
            is_chosen: format.slug == draft.format,
        };
        let formats = formats();
        let chosen = formats.iter().find(|format| format.slug == draft.format);
        let options = chosen.map(|format| format.options.as_slice()).unwrap_or_default();
        Self {
            shell,
            frame,
            formats: formats.iter().map(choice).collect(),
            options: options.iter().map(|option| Opt::of(option, draft)).collect(),
            time_zone: draft.time_zone.clone().unwrap_or_default(),
        }
    }
}

impl Opt {
    fn of(option: &OptionSummary, draft: &Draft) -> Self {
        let value = draft.options.get(option.slug).map_or(option.default, String::as_str);
        Self {
            name: format!("option.{}", option.slug),
            label: option.label,
            help: option.help.replace('`', ""),
            value: value.to_owned(),
            is_flag: option.takes == OptionTakes::Flag,
            choices: match option.takes {
                OptionTakes::Choice(choices) => choices,
                OptionTakes::Flag | OptionTakes::Character | OptionTakes::Text => &[],
            },
            is_short: option.takes == OptionTakes::Character,
        }
    }
}

/// Changes the format; options that the other one does not have are left behind.
pub(super) fn choose(draft: &mut Draft, slug: &str) {
    slug.clone_into(&mut draft.format);
    if let Some(format) = formats().iter().find(|format| format.slug == slug) {
        draft.options.retain(|name, _| format.options.iter().any(|option| option.slug == name));
    }
}

/// Fills in options that nobody has said.
pub(super) fn settle(draft: &mut Draft, filled: &[(&str, Option<&str>)]) {
    let formats = formats();
    // Of a format that does not exist, all is kept for it to be told.
    let Some(format) = formats.iter().find(|format| format.slug == draft.format) else { return };
    for option in &format.options {
        if let Some((_, value)) = filled.iter().find(|(slug, _)| *slug == option.slug) {
            let value = value.unwrap_or(option.default).to_owned();
            draft.options.entry(option.slug.to_owned()).or_insert(value);
        }
    }
}
