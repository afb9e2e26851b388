//! The part of a value that is shown, by its class: enough to tell people apart, never the whole.
//!
//! `docs/concepts/masks.md` has the table. How much is hidden is not told: three dots stand for
//! any number of characters, and what is too short for a part is hidden whole.

/// What stands for what is hidden.
pub(super) const HIDDEN: &str = "•••";
/// Characters of a text of which the first one may be shown.
const SHOWN_CHARACTERS_MIN: usize = 4;
/// Digits of a telephone number, and of a card or account, of which the last ones may be shown.
const PHONE_DIGITS_MIN: usize = 6;
const ACCOUNT_DIGITS_MIN: usize = 12;
/// How many of them are shown.
const PHONE_DIGITS: usize = 2;
const ACCOUNT_DIGITS: usize = 4;
/// Initials of a name: more words than that is no name.
const INITIALS_MAX: usize = 4;

/// Which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `a•••@e•••.com`.
    Email,
    /// The last two digits.
    Phone,
    /// Initials.
    Name,
    /// The last four digits.
    Account,
    /// The first character.
    First,
    /// Nothing: any part would be too much.
    Nothing,
}

impl Part {
    /// The part that is shown of a class.
    pub(super) fn of(class: Option<&str>) -> Self {
        match class {
            Some("email" | "mail") => Self::Email,
            Some("phone" | "mobile" | "fax") => Self::Phone,
            Some("name" | "first_name" | "last_name" | "full_name") => Self::Name,
            Some("card" | "bank" | "iban" | "account") => Self::Account,
            Some("sensitive" | "password" | "secret" | "gender" | "health") => Self::Nothing,
            Some(_) | None => Self::First,
        }
    }

    /// What is shown of a text.
    pub(super) fn shown(self, text: &str) -> String {
        match self {
            Self::Email => email(text),
            Self::Phone => ending(text, PHONE_DIGITS_MIN, PHONE_DIGITS),
            Self::Name => initials(text),
            Self::Account => ending(text, ACCOUNT_DIGITS_MIN, ACCOUNT_DIGITS),
            Self::First => first(text, SHOWN_CHARACTERS_MIN),
            Self::Nothing => HIDDEN.to_owned(),
        }
    }
}

/// The first character, of a text that has at least so many.
fn first(text: &str, characters_min: usize) -> String {
    match text.chars().next() {
        Some(first) if text.chars().count() >= characters_min => format!("{first}{HIDDEN}"),
        _ => HIDDEN.to_owned(),
    }
}

/// First characters of both sides, and the last label of the host.
fn email(text: &str) -> String {
    let Some((local, host)) = text.rsplit_once('@') else {
        return first(text, SHOWN_CHARACTERS_MIN);
    };
    let two = |text: &str| first(text, 2);
    match host.rsplit_once('.') {
        Some((rest, last)) if last.chars().count() > 1 => {
            format!("{}@{}.{last}", two(local), two(rest))
        }
        _ => format!("{}@{HIDDEN}", two(local)),
    }
}

/// The last letters and digits, of a text that has enough of them.
fn ending(text: &str, digits_min: usize, shown: usize) -> String {
    let digits: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    if digits.len() < digits_min {
        return HIDDEN.to_owned();
    }
    let last: String = digits[digits.len() - shown..].iter().collect();
    format!("{HIDDEN}{last}")
}

/// The first character of each word that has more than one.
fn initials(text: &str) -> String {
    let initial = |word: &str| match (word.chars().next(), word.chars().count()) {
        (Some(first), 2..) => format!("{first}."),
        _ => "•".to_owned(),
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    if words.is_empty() || words.len() > INITIALS_MAX {
        return HIDDEN.to_owned();
    }
    words.into_iter().map(initial).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_shown_as_its_class_has_it_and_never_the_whole() {
        let table = [
            (Some("email"), "ada@example.com", "a•••@e•••.com"),
            (Some("email"), "a@b.de", "•••@•••.de"),
            (Some("email"), "ada@mail.example.co.uk", "a•••@m•••.uk"),
            (Some("email"), "ada@localhost", "a•••@•••"),
            (Some("email"), "no address", "n•••"),
            (Some("email"), "", "•••"),
            (Some("phone"), "+49 30 1234567", "•••67"),
            (Some("phone"), "110", "•••"),
            (Some("name"), "Ada Lovelace", "A. L."),
            (Some("name"), "Émile Zola", "É. Z."),
            (Some("name"), "X", "•"),
            (Some("name"), "  ", "•••"),
            (Some("name"), "one two three four five", "•••"),
            (Some("card"), "4111 1111 1111 1234", "•••1234"),
            (Some("bank"), "DE02120300000000202051", "•••2051"),
            (Some("card"), "1234", "•••"),
            (Some("sensitive"), "anything", "•••"),
            (Some("address"), "Unter den Linden 1", "U•••"),
            (Some("birth_date"), "1987-03-12", "1•••"),
            (Some("geo"), "Ulm", "•••"),
            (None, "whatever", "w•••"),
        ];
        for (class, text, shown) in table {
            assert_eq!(Part::of(class).shown(text), shown, "{class:?} {text}");
        }
    }
}
