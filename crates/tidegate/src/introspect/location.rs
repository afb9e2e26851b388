//! What a configuration may say about where a database is: no password, ever.

use url::Url;

/// Members of a URL's query that carry a secret.
const SECRET_MEMBERS: &[&str] =
    &["password", "passwd", "pass", "pwd", "sslpassword", "token", "secret"];
/// What stands in the place of a secret.
const HIDDEN: &str = "***";
/// Name of a source whose URL tells no better one.
const NAME: &str = "main";

/// A source's URL, as far as it may be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// It holds no secret and goes into the file.
    Open(String),
    /// It holds one: this is the rest, for people to read. The variable of [`variable`] has it all.
    Secret(String),
}

impl Location {
    /// Looks for a password in a URL. What is no URL may hold one anywhere, and is not shown.
    pub fn of(url: &str) -> Self {
        let Ok(mut parsed) = Url::parse(url) else {
            return Self::Secret(HIDDEN.to_owned());
        };
        let mut has_secret = parsed.password().is_some();
        if has_secret && parsed.set_password(Some(HIDDEN)).is_err() {
            return Self::Secret(HIDDEN.to_owned());
        }
        let is_secret = |name: &str| SECRET_MEMBERS.contains(&name.to_lowercase().as_str());
        if parsed.query_pairs().any(|(name, _)| is_secret(&name)) {
            has_secret = true;
            let members: Vec<(String, String)> =
                parsed.query_pairs().map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
            let shown = members
                .iter()
                .map(|(name, value)| (name, if is_secret(name) { HIDDEN } else { value.as_str() }));
            parsed.query_pairs_mut().clear().extend_pairs(shown);
        }
        match has_secret {
            true => Self::Secret(parsed.to_string()),
            // As it was given: a parsed URL spells some things in another way.
            false => Self::Open(url.to_owned()),
        }
    }
}

/// The variable that sets the URL of a source.
pub fn variable(source_name: &str) -> String {
    format!("TIDEGATE__SOURCES__{}__URL", source_name.to_uppercase())
}

/// A name for the source: that of the database, as far as a variable can spell it.
pub fn source_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    // Without a path, what comes after `://` is the server, with a password perhaps.
    let has_path = path.split_once("://").is_none_or(|(_, rest)| rest.contains('/'));
    let last = path.rsplit(['/', '\\', ':']).next().filter(|_| has_path).unwrap_or_default();
    let stem = last.split('.').find(|part| !part.is_empty()).unwrap_or_default();
    let mut name = String::new();
    for letter in stem.chars().map(|letter| letter.to_ascii_lowercase()) {
        match letter.is_ascii_alphanumeric() {
            true => name.push(letter),
            // Two in a row would separate the parts of a variable.
            false if !name.ends_with('_') => name.push('_'),
            false => {}
        }
    }
    let name = name.trim_matches('_').trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
    if name.is_empty() { NAME.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://me:hunter2@db/shop", "postgres://me:***@db/shop"),
            ("mysql://me:p%40ss@db:3306/shop?ssl=1", "mysql://me:***@db:3306/shop?ssl=1"),
            (
                "postgres://db/shop?user=me&password=hunter2",
                "postgres://db/shop?user=me&password=***",
            ),
            ("host=db password=hunter2", "***"),
        ] {
            assert_eq!(Location::of(url), Location::Secret(shown.to_owned()), "{url}");
        }
    }

    #[test]
    fn a_url_without_a_password_stays_as_it_is() {
        for url in ["sqlite:shop.db", "postgres://me@db/shop", "sqlite:///var/lib/a b.db"] {
            assert_eq!(Location::of(url), Location::Open(url.to_owned()), "{url}");
        }
    }

    #[test]
    fn a_source_is_named_after_its_database() {
        for (url, name) in [
            ("sqlite:shop.db", "shop"),
            ("sqlite:///var/lib/My--Shop.2024.sqlite3", "my_shop"),
            ("postgres://me:secret@db.example.com:5432/shop_live?sslmode=require", "shop_live"),
            ("postgres://me:secret@db", "main"),
            ("mysql://db/2024", "main"),
            ("sqlite::memory:", "main"),
            ("sqlite:./.hidden.db", "hidden"),
        ] {
            assert_eq!(source_name(url), name, "{url}");
        }
        assert_eq!(variable("shop"), "TIDEGATE__SOURCES__SHOP__URL");
    }
}
