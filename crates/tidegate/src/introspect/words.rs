//! Takes names of tables and columns apart into words, however they are spelled.

use super::guesses::QUALIFIERS;

/// Accented letters and the plain one for each; those that become two are in [`fold`].
static FOLDED: &[(&str, char)] = &[
    ("àáâãäåāăą", 'a'),
    ("çćč", 'c'),
    ("ďđ", 'd'),
    ("èéêëēęě", 'e'),
    ("ğ", 'g'),
    ("ìíîïīı", 'i'),
    ("ł", 'l'),
    ("ñńň", 'n'),
    ("òóôõöøō", 'o'),
    ("ř", 'r'),
    ("śşš", 's'),
    ("ťţ", 't'),
    ("ùúûüūůű", 'u'),
    ("ýÿ", 'y'),
    ("źżž", 'z'),
];

/// The words of a name, in small letters without accents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Words {
    words: Vec<String>,
    /// All of them in one, to see at once that most phrases are not there.
    glued: String,
}

impl Words {
    /// Takes a name apart at signs, at digits, and where small letters turn into capitals.
    pub(super) fn of(name: &str) -> Self {
        let words: Vec<String> = split(name).iter().map(|word| fold(word)).collect();
        Self { glued: words.concat(), words }
    }

    /// The words, one after the other.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.words.iter().map(String::as_str)
    }

    /// Whether the last word is one of a list.
    pub(super) fn ends_in(&self, list: &[&str]) -> bool {
        self.iter().next_back().is_some_and(|last| list.contains(&last))
    }

    /// Whether the whole name is the phrase, but for signs and digits at the end.
    pub(super) fn is(&self, phrase: &str) -> bool {
        let rest = self.after(phrase);
        rest.is_some_and(|(before, after)| before == 0 && after.iter().all(|word| is_number(word)))
    }

    /// Whether the name holds the phrase.
    pub(super) fn hold(&self, phrase: &str) -> bool {
        self.after(phrase).is_some()
    }

    /// Whether the name holds the phrase and is about it, not about something of it.
    pub(super) fn tell(&self, phrase: &str) -> bool {
        self.after(phrase)
            .is_some_and(|(_, after)| !after.iter().any(|word| QUALIFIERS.contains(&word.as_str())))
    }

    /// Whether the name tells the phrase of one of `parties`: `ship_city`.
    pub(super) fn tell_of(&self, parties: &[&str], phrase: &str) -> bool {
        self.after(phrase).is_some_and(|(before, _)| {
            before > 0 && self.iter().take(before).all(|word| parties.contains(&word))
        }) && self.tell(phrase)
    }

    /// Whether the phrase is the end of the name.
    pub(super) fn end_with(&self, phrase: &str) -> bool {
        self.after(phrase).is_some_and(|(_, after)| after.is_empty())
    }

    /// Where the phrase stands: how many words come before it, and which come after it. A phrase of
    /// several words is also found in one: `firstname`.
    fn after(&self, phrase: &str) -> Option<(usize, &[String])> {
        if !self.glued.contains(phrase.split(' ').next()?) {
            return None;
        }
        let wanted = Self::of(phrase);
        let length = wanted.words.len();
        let starts = (0..self.words.len()).rev();
        let found = starts.clone().find(|at| self.words[*at..].starts_with(&wanted.words));
        match found {
            Some(at) => Some((at, &self.words[at + length..])),
            None => starts
                .clone()
                .find(|at| self.words[*at] == wanted.glued)
                .map(|at| (at, &self.words[at + 1..])),
        }
    }
}

/// The words of a name as they are written there.
pub(super) fn split(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        if is_start(before, *letter, letters.get(at + 1).copied()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| is_part(*letter)) {
            word.push(*letter);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Whether a new word begins with `letter`: `customerEmail`, `IPAddress`, `line2`.
fn is_start(before: Option<char>, letter: char, next: Option<char>) -> bool {
    let Some(before) = before else { return false };
    if !is_part(letter) || !is_part(before) || letter.is_numeric() != before.is_numeric() {
        return true;
    }
    let is_after_small = letter.is_uppercase() && before.is_lowercase();
    let is_after_acronym =
        letter.is_uppercase() && before.is_uppercase() && next.is_some_and(char::is_lowercase);
    is_after_small || is_after_acronym
}

/// Letters, digits, and all that is not ASCII: accents may be characters of their own.
fn is_part(letter: char) -> bool {
    letter.is_alphanumeric() || !letter.is_ascii()
}

/// A word in small letters without accents.
fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for small in word.chars().flat_map(char::to_lowercase) {
        match small {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            // An accent on its own, after the letter that it belongs to.
            '\u{300}'..='\u{36f}' => {}
            _ => {
                let plain = FOLDED.iter().find(|(accented, _)| accented.contains(small));
                folded.push(plain.map_or(small, |(_, plain)| *plain));
            }
        }
    }
    folded
}

fn is_number(word: &str) -> bool {
    word.chars().all(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_in_every_spelling() {
        for (name, words) in [
            ("first_name", &["first", "name"][..]),
            ("FirstName", &["first", "name"]),
            ("customerEMail", &["customer", "e", "mail"]),
            ("IPAddress", &["ip", "address"]),
            ("userID", &["user", "id"]),
            ("address_line2", &["address", "line", "2"]),
            ("Straße", &["strasse"]),
            ("PRÉNOM", &["prenom"]),
            ("Date de naissance", &["date", "de", "naissance"]),
            ("電話番号", &["電話番号"]),
            ("__x--y__", &["x", "y"]),
            ("", &[]),
        ] {
            assert_eq!(Words::of(name).iter().collect::<Vec<_>>(), words, "{name}");
        }
    }

    #[test]
    fn a_phrase_is_found_whole_and_glued_but_not_in_pieces() {
        for name in ["first_name", "firstName", "customer_first_name", "FIRSTNAME", "first-name"] {
            assert!(Words::of(name).tell("first name"), "{name}");
        }
        for name in ["name_first", "firsts_name", "first", "thirstnames"] {
            assert!(!Words::of(name).tell("first name"), "{name}");
        }
        assert!(!Words::of("description").tell("ip"));
        assert!(!Words::of("email_verified_at").tell("email"));
        assert!(Words::of("verified_email").tell("email"));
        assert!(Words::of("address_line_2").tell("address line"));
    }

    #[test]
    fn a_whole_name_may_end_in_a_number() {
        assert!(Words::of("name_2").is("name"));
        assert!(!Words::of("file_name").is("name"));
    }
}
