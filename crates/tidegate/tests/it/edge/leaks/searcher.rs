//! Canaries, and a search for them in everything that leaves, unpacked and in every disguise.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::Read,
};

use super::packed::{self, unpacked};

/// Letters of a canary: so many are not found by accident.
const WORD_BYTES: usize = 12;
/// Bytes by which a form is looked up; the shortest is longer.
const HEAD_BYTES: usize = 6;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Who receives bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum To {
    /// Nobody in particular.
    Stranger,
    /// An operator with a role that is limited.
    Clerk,
    /// The same, who has asked for a field that is not in the default set.
    ClerkAsking,
    /// The same, in the one answer that hands out a secret.
    ClerksSecrets,
    /// An administrator.
    Ada,
    /// Whoever reads standard error.
    Log,
    /// Whoever reads the activity log, or its copies.
    Entries,
    /// Whoever runs commands on the host.
    Host,
    /// Whoever reads the control database.
    Control,
}

/// A word that is nowhere else, and who may see it.
struct Canary {
    what: String,
    word: String,
    may: &'static [To],
}

/// Searches everything for everything.
#[derive(Default)]
pub(super) struct Searcher {
    canaries: Vec<Canary>,
    pub(super) caught: Vec<(To, String, Vec<u8>)>,
}

/// What a search has found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) canaries: usize,
    pub(super) bytes: usize,
    /// What has reached whom where although it must not.
    pub(super) leaks: Vec<String>,
    /// Canaries that have reached somebody who may see them.
    pub(super) seen: BTreeSet<String>,
}

/// A new word.
pub(super) fn word() -> String {
    let mut bytes = [0; WORD_BYTES];
    fs::File::open("/dev/urandom").unwrap().read_exact(&mut bytes).unwrap();
    hexadecimal(&bytes)
}

impl Searcher {
    /// Watches a word that is somewhere.
    pub(super) fn watch(&mut self, what: impl Into<String>, word: &str, may: &'static [To]) {
        assert!(word.len() >= 10, "too short to be found only where it is");
        let (what, word) = (what.into(), word.to_lowercase());
        self.canaries.push(Canary { what, word, may });
    }

    /// Makes a word, and watches it.
    pub(super) fn hatch(&mut self, what: impl Into<String>, may: &'static [To]) -> String {
        let word = word();
        self.watch(what, &word, may);
        word
    }

    /// Keeps bytes that somebody has received.
    pub(super) fn catch(&mut self, to: To, place: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.caught.push((to, place.into(), bytes.into()));
    }

    /// Searches what was kept.
    pub(super) fn search(&self) -> Found {
        let mut found = Found { canaries: self.canaries.len(), ..Found::default() };
        let index = Index::of(&self.canaries);
        for (to, place, bytes) in &self.caught {
            let mut heard = BTreeSet::new();
            for part in unpacked(bytes) {
                found.bytes += part.len();
                index.find(&part, &mut heard);
            }
            for canary in heard.into_iter().map(|number: usize| &self.canaries[number]) {
                match canary.may.contains(to) {
                    true => drop(found.seen.insert(canary.what.clone())),
                    false => found.leaks.push(format!("{} to {to:?} in {place}", canary.what)),
                }
            }
        }
        found
    }
}

/// Every form of every canary by its first bytes, so that bytes are gone through once.
struct Index {
    forms: HashMap<[u8; HEAD_BYTES], Vec<(Vec<u8>, usize)>>,
    /// Whether a form begins with these three bytes: most of what is searched does not.
    begins: Vec<bool>,
}

/// The number of the first three bytes.
fn begin(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2])
}

impl Index {
    fn of(canaries: &[Canary]) -> Self {
        let mut index = Self { forms: HashMap::new(), begins: vec![false; 1 << 24] };
        for (number, canary) in canaries.iter().enumerate() {
            for form in forms(&canary.word) {
                index.begins[begin(form.as_bytes())] = true;
                let head = form.as_bytes()[..HEAD_BYTES].try_into().unwrap();
                index.forms.entry(head).or_default().push((form.into_bytes(), number));
            }
        }
        index
    }

    /// Adds the numbers of the canaries that are in the bytes.
    fn find(&self, bytes: &[u8], heard: &mut BTreeSet<usize>) {
        let bytes = bytes.to_ascii_lowercase();
        for at in 0..bytes.len().saturating_sub(HEAD_BYTES - 1) {
            let rest = &bytes[at..];
            if !self.begins[begin(rest)] {
                continue;
            }
            let head: [u8; HEAD_BYTES] = rest[..HEAD_BYTES].try_into().unwrap();
            for (form, number) in self.forms.get(&head).into_iter().flatten() {
                if rest.starts_with(form) {
                    heard.insert(*number);
                }
            }
        }
    }
}

/// A word as it is, in hexadecimal, by the escapes of addresses, JSON and XML, and what of it does
/// not depend on its place in base64.
fn forms(word: &str) -> Vec<String> {
    let each = |letter: fn(u8) -> String| word.bytes().map(letter).collect::<String>();
    let mut forms = vec![
        word.to_owned(),
        hexadecimal(word.as_bytes()),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("\\u{byte:04x}")),
        each(|byte| format!("&#{byte};")),
        each(|byte| format!("&#x{byte:x};")),
    ];
    for before in 0..3 {
        let padded = [&vec![0; before], word.as_bytes()].concat();
        let text = base64(&padded[..padded.len() / 3 * 3]);
        let begin = (before * 8).div_ceil(6);
        for alphabet in ["+/", "-_"] {
            let told = text[begin..].replace('+', &alphabet[..1]).replace('/', &alphabet[1..]);
            forms.push(told.to_lowercase());
        }
    }
    forms.sort();
    forms.dedup();
    forms
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Base64 of whole groups of three bytes.
fn base64(bytes: &[u8]) -> String {
    let groups = bytes.chunks_exact(3);
    let letters = groups.flat_map(|group| {
        let bits = u32::from(group[0]) << 16 | u32::from(group[1]) << 8 | u32::from(group[2]);
        [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift) as usize & 63]))
    });
    letters.collect()
}

#[test]
fn a_planted_leak_is_found_however_it_is_written() {
    assert_eq!(base64(b"any carnal pleas"[..15].as_ref()), "YW55IGNhcm5hbCBwbGVh");
    let mut searcher = Searcher::default();
    let secret = searcher.hatch("a secret", &[To::Ada]);
    let other = searcher.hatch("another", &[]);
    searcher.catch(To::Ada, "her own answer", format!("{{\"secret\":\"{secret}\"}}"));
    searcher.catch(To::Clerk, "an answer without it", "x".repeat(1_000));
    let found = searcher.search();
    assert_eq!((found.leaks.len(), found.canaries, found.bytes), (0, 2, 1_037));
    assert!(found.seen.contains("a secret"));
    // One answer of a thousand, with one word in it, in the middle of others, in each disguise.
    let padded = |before: usize| base64(&[&b"???"[..before], secret.as_bytes(), b"???"].concat());
    let json = format!("{{\"detail\":\"{secret}\"}}");
    let wide = |order: fn(u16) -> [u8; 2]| json.encode_utf16().flat_map(order).collect::<Vec<u8>>();
    let each = |letter: &dyn Fn(u8) -> String| secret.bytes().map(letter).collect::<String>();
    let plants: Vec<Vec<u8>> = [
        format!("detail: `{secret}` is wrong"),
        format!("\"{}\"", secret.to_uppercase()),
        hexadecimal(secret.as_bytes()),
        padded(0),
        padded(1),
        padded(2),
        padded(1).replace('+', "-").replace('/', "_"),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("\\u{byte:04X}")),
        each(&|byte| format!("&#{byte};")),
        each(&|byte| format!("&#x{byte:X};")),
    ]
    .into_iter()
    .map(String::into_bytes)
    .chain([wide(u16::to_le_bytes), wide(u16::to_be_bytes)])
    .chain(packed::KINDS.map(|kind| packed::packed(kind, json.as_bytes())))
    .collect();
    for plant in plants {
        let mut searcher = Searcher {
            canaries: vec![
                Canary { what: "a secret".to_owned(), word: secret.clone(), may: &[To::Ada] },
                Canary { what: "another".to_owned(), word: other.clone(), may: &[] },
            ],
            ..Searcher::default()
        };
        for number in 0..1_000 {
            let planted = if number == 617 { plant.as_slice() } else { b"{\"items\":[]}" };
            searcher.catch(To::Clerk, format!("answer {number}"), planted);
        }
        let found = searcher.search();
        let plant = String::from_utf8_lossy(&plant);
        assert_eq!(found.leaks, ["a secret to Clerk in answer 617"], "{plant}");
    }
}
