//! Where a SQLite URL points to.

use std::path::PathBuf;

/// The database file, and how it is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// Path of the file.
    pub(super) path: PathBuf,
    /// Nobody changes the file while it is open, not even SQLite's own locks are needed.
    pub(super) is_immutable: bool,
}

impl Address {
    /// Reads `sqlite:relative/path`, `sqlite:///absolute/path`, with `?immutable=1`.
    ///
    /// # Errors
    ///
    /// If the URL names no file or asks for what is unknown; the text says what.
    pub(super) fn parse(url: &str) -> Result<Self, String> {
        let rest = url.strip_prefix("sqlite:").ok_or("it does not begin with `sqlite:`")?;
        let rest = rest.strip_prefix("//").unwrap_or(rest);
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        if path.is_empty() {
            return Err("it names no file, as in `sqlite:shop.db`".to_owned());
        }
        if path.trim_start_matches(':') == "memory:" {
            return Err("a database in memory is empty for everyone else; name a file".to_owned());
        }
        let mut is_immutable = false;
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option {
                "immutable=1" => is_immutable = true,
                "immutable=0" | "mode=ro" => {}
                other => {
                    let name = other.split('=').next().unwrap_or_default();
                    return Err(format!("option `{name}` is unknown; there is `immutable=1`"));
                }
            }
        }
        let path = decode(path).ok_or("a `%` must be followed by two hexadecimal digits")?;
        Ok(Self { path: PathBuf::from(path), is_immutable })
    }

    /// The file as a URI that SQLite takes.
    pub(super) fn uri(&self) -> String {
        let mode = if self.is_immutable { "?immutable=1" } else { "" };
        let path = self.path.to_string_lossy();
        let path = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        format!("file:{path}{mode}")
    }
}

/// Takes percent-encoding off.
fn decode(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            octets.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            octets.push(byte);
        }
    }
    String::from_utf8(octets).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_files() {
        for (url, path) in [
            ("sqlite:shop.db", "shop.db"),
            ("sqlite:./a/shop.db", "./a/shop.db"),
            ("sqlite://shop.db", "shop.db"),
            ("sqlite:/var/shop.db", "/var/shop.db"),
            ("sqlite:///var/lib/shop.db?mode=ro", "/var/lib/shop.db"),
            ("sqlite:my%20shop%3f.db", "my shop?.db"),
        ] {
            assert_eq!(Address::parse(url).unwrap().path.to_str(), Some(path), "{url}");
        }
        assert!(Address::parse("sqlite:shop.db?immutable=1").unwrap().is_immutable);
        let odd = Address::parse("sqlite:50%25%3f%23.db").unwrap();
        assert_eq!(odd.uri(), "file:50%25%3f%23.db");
    }

    #[test]
    fn urls_that_name_none_are_refused() {
        for (url, expected) in [
            ("sqlite:", "names no file"),
            ("sqlite://", "names no file"),
            ("sqlite::memory:", "in memory"),
            ("sqlite:shop.db?mode=rwc", "option `mode` is unknown"),
            ("sqlite:shop.db?cache=shared", "option `cache` is unknown"),
            ("sqlite:50%.db", "two hexadecimal digits"),
        ] {
            let detail = Address::parse(url).unwrap_err();
            assert!(detail.contains(expected), "{url}: {detail}");
        }
    }
}
