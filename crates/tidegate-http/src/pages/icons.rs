//! Icons (Lucide): a page carries those that it uses, and no others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use askama::Template;

/// Symbols, one a line.
static FILE: &str = include_str!("../../assets/icons.svg");
/// How a symbol is used.
const USE: &str = "href=\"#i-";
/// Where the symbols of a page go: before the end of its body.
const END: &str = "</body>";

/// Symbols by name.
static SYMBOLS: LazyLock<BTreeMap<&'static str, &'static str>> = LazyLock::new(|| {
    let symbols = FILE.lines().filter_map(|line| {
        let name = line.strip_prefix("<symbol id=\"i-")?.split('"').next()?;
        Some((name, line))
    });
    symbols.collect()
});

/// A page, with the symbols that it uses.
pub(super) fn with_sprite(template: &impl Template) -> askama::Result<String> {
    let mut text = template.render()?;
    let names: BTreeSet<&str> =
        text.split(USE).skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let symbols = names.iter().filter_map(|name| SYMBOLS.get(name));
    let sprite: String = symbols.copied().collect();
    if let Some(end) = text.rfind(END) {
        text.insert_str(end, &format!("<svg hidden>{sprite}</svg>\n"));
    }
    Ok(text)
}

/// Whether there is an icon of this name.
#[cfg(test)]
pub(super) fn is_one(name: &str) -> bool {
    SYMBOLS.contains_key(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_icon_that_is_used_is_there() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
        let mut files = vec![std::path::PathBuf::from(folder)];
        let mut seen = 0;
        while let Some(path) = files.pop() {
            if path.is_dir() {
                files.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let named = text.split("icon(\"").chain(text.split("icon_14(\"").skip(1));
            for rest in named.skip(1).chain(text.split("icon_12(\"").skip(1)) {
                let name = rest.split('"').next().unwrap();
                assert!(SYMBOLS.contains_key(name), "{}: no icon {name}", path.display());
                seen += 1;
            }
        }
        assert!(seen > 0, "the templates were looked at");
    }
}
