//! Links to files: what a token says, and that nobody else has said it.
//!
//! A token is base64url of
//!
//! ```text
//! version 1 · purpose 1 · link 8 · job 8 · nonce 16 · expires 8 · code 32 · name of the key
//! ```
//!
//! where numbers are big-endian and the code is HMAC-SHA256 of `tidegate/link/1`, a line feed and
//! everything before the code. The name of the key needs no guard: under another key the code is
//! another one. What a token allows is decided where it is redeemed; a locator allows nothing.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tidegate_model::{
    audit::hexadecimal,
    ids::{JobId, LinkId},
};

use crate::keys::Keys;

/// Version of the token's shape.
const VERSION: u8 = 1;
/// What every message begins with, so that a code for something else is none for a link.
const DOMAIN: &[u8] = b"tidegate/link/1\n";
/// Bytes of chance in a token.
const NONCE_BYTES: usize = 16;
/// Bytes of a token before its code.
const CLAIMS_BYTES: usize = 1 + 1 + 8 + 8 + NONCE_BYTES + 8;
/// Bytes of the code.
const CODE_BYTES: usize = 32;
/// Bytes of a key's name at most; ours have 16.
const KEY_BYTES_MAX: usize = 64;
/// Characters of a token at most: what is longer is none, and is not even decoded.
const TOKEN_CHARS_MAX: usize = (CLAIMS_BYTES + CODE_BYTES + KEY_BYTES_MAX).div_ceil(3) * 4;
/// How far clocks of one site may be apart, in microseconds.
const LEEWAY_MICROS: i64 = 5_000_000;
/// Where links lead, below the public URL.
const PATH: &str = "/d/";

/// What a link is for: one made for another purpose is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPurpose {
    /// To download a file, within minutes.
    Download,
    /// To find a file, in a mail: it leads to the sign-in, and grants nothing.
    Locator,
    /// To download a file without signing in, where a site allows it: whoever has it may.
    Bearer,
}

impl LinkPurpose {
    const ALL: [Self; 3] = [Self::Download, Self::Locator, Self::Bearer];

    fn byte(self) -> u8 {
        match self {
            Self::Download => 1,
            Self::Locator => 2,
            Self::Bearer => 3,
        }
    }
}

/// What a link says.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkClaims {
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Its row in the control state; a locator has none.
    pub link: Option<LinkId>,
    /// The job whose file it is about.
    pub job: JobId,
    /// Chance, in hexadecimal as in the control state.
    pub nonce: LinkNonce,
    /// When it ends, in microseconds since 1970.
    pub expires_at: i64,
}

/// 128 bits of chance that only the link and its row have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkNonce([u8; NONCE_BYTES]);

impl LinkNonce {
    /// New ones.
    pub fn new() -> Self {
        Self(rand::random())
    }

    /// As the control state keeps them.
    pub fn text(&self) -> String {
        hexadecimal(&self.0)
    }
}

impl Default for LinkNonce {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for LinkNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkNonce(…)")
    }
}

impl fmt::Debug for LinkClaims {
    /// Says what it is about, and not what it takes to be it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkClaims")
            .field("purpose", &self.purpose)
            .field("link", &self.link)
            .field("job", &self.job)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Why a token is no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// It is none of ours, or for something else.
    #[error("there is no such link")]
    Unknown,
    /// It was one.
    #[error("the link has expired")]
    Expired,
}

/// A link that was signed. Whoever has its text may use it, so it is shown on purpose only.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedLink(String);

impl fmt::Debug for SignedLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignedLink(…)")
    }
}

impl SignedLink {
    /// Signs a link.
    pub fn sign(keys: &Keys, claims: &LinkClaims) -> Self {
        let mut token = claims.bytes();
        let (key, code) = keys.link_code(&message(&token));
        token.extend(code);
        token.extend(key.as_bytes());
        Self(BASE64_URL_SAFE_NO_PAD.encode(token))
    }

    /// The token alone.
    pub fn token(&self) -> &str {
        &self.0
    }

    /// The link below the public URL of the site, which is the only place it is ever made from.
    pub fn url(&self, public_url: &str) -> String {
        format!("{}{PATH}{}", public_url.trim_end_matches('/'), self.0)
    }
}

impl LinkClaims {
    /// Reads a token that somebody shows.
    ///
    /// # Errors
    ///
    /// If we did not sign it for this purpose, with a key that we still have, or it has expired.
    pub fn read(
        keys: &Keys,
        purpose: LinkPurpose,
        token: &str,
        now: i64,
    ) -> Result<Self, LinkFault> {
        let claims = Self::verify(keys, token).ok_or(LinkFault::Unknown)?;
        if claims.purpose != purpose {
            return Err(LinkFault::Unknown);
        }
        if now >= claims.expires_at.saturating_add(LEEWAY_MICROS) {
            return Err(LinkFault::Expired);
        }
        Ok(claims)
    }

    /// What a token is for, if it is one of ours: whoever it is shown to asks then what it is good
    /// for.
    pub fn purpose_of(keys: &Keys, token: &str) -> Option<LinkPurpose> {
        Self::verify(keys, token).map(|claims| claims.purpose)
    }

    /// Nothing is believed before the code is right.
    fn verify(keys: &Keys, token: &str) -> Option<Self> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).ok()?;
        let (claims, rest) = bytes.split_at_checked(CLAIMS_BYTES)?;
        let (code, key) = rest.split_at_checked(CODE_BYTES)?;
        let key = std::str::from_utf8(key).ok()?;
        keys.is_link_code(key, &message(claims), code).then(|| Self::parse(claims)).flatten()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION, self.purpose.byte()];
        bytes.extend(self.link.map_or(0, |link| link.0).to_be_bytes());
        bytes.extend(self.job.0.to_be_bytes());
        bytes.extend(self.nonce.0);
        bytes.extend(self.expires_at.to_be_bytes());
        bytes
    }

    fn parse(claims: &[u8]) -> Option<Self> {
        let ([version, purpose], rest) = claims.split_first_chunk()?;
        let (link, rest) = rest.split_first_chunk()?;
        let (job, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let expires_at = i64::from_be_bytes(rest.try_into().ok()?);
        let purpose = LinkPurpose::ALL.into_iter().find(|known| known.byte() == *purpose)?;
        let link = Some(i64::from_be_bytes(*link)).filter(|link| *link != 0).map(LinkId);
        (*version == VERSION).then_some(Self {
            purpose,
            link,
            job: JobId(i64::from_be_bytes(*job)),
            nonce: LinkNonce(*nonce),
            expires_at,
        })
    }
}

fn message(claims: &[u8]) -> Vec<u8> {
    [DOMAIN, claims].concat()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NOW: i64 = 1_800_000_000_000_000;
    const MINUTE: i64 = 60_000_000;

    fn keys() -> (tempfile::TempDir, Keys) {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        (folder, keys)
    }

    fn claims(purpose: LinkPurpose) -> LinkClaims {
        LinkClaims {
            purpose,
            link: (purpose != LinkPurpose::Locator).then_some(LinkId(7)),
            job: JobId(42),
            nonce: LinkNonce::new(),
            expires_at: NOW + 15 * MINUTE,
        }
    }

    #[test]
    fn a_link_is_read_as_it_was_signed_for_its_purpose_alone() {
        let (_folder, keys) = keys();
        for purpose in LinkPurpose::ALL {
            let claims = claims(purpose);
            let link = SignedLink::sign(&keys, &claims);
            for asked in LinkPurpose::ALL {
                let read = LinkClaims::read(&keys, asked, link.token(), NOW);
                let expected =
                    if asked == purpose { Ok(claims.clone()) } else { Err(LinkFault::Unknown) };
                assert_eq!(read, expected);
            }
            assert_eq!(LinkClaims::purpose_of(&keys, link.token()), Some(purpose));
            assert_eq!(LinkClaims::purpose_of(&keys, &link.token()[1..]), None);
        }
    }

    #[test]
    fn a_token_with_any_bit_turned_is_none() {
        let (_folder, keys) = keys();
        let mut turned = 0;
        for round in 0..50 {
            let claims = claims(LinkPurpose::ALL[round % 3]);
            let token = SignedLink::sign(&keys, &claims).0;
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(&token).unwrap();
            // Bits of what is signed, and bits of how it is spelled.
            let signed = (0..bytes.len() * 8).map(|bit| {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                BASE64_URL_SAFE_NO_PAD.encode(bytes)
            });
            let spelled = (0..token.len() * 8).filter_map(|bit| {
                let mut token = token.clone().into_bytes();
                token[bit / 8] ^= 1 << (bit % 8);
                String::from_utf8(token).ok()
            });
            for token in signed.chain(spelled) {
                turned += 1;
                let read = LinkClaims::read(&keys, claims.purpose, &token, NOW);
                assert_eq!(read, Err(LinkFault::Unknown), "{token}");
            }
        }
        assert!(turned > 50_000, "{turned}");
    }

    #[test]
    fn what_is_no_token_is_none() {
        let (_folder, keys) = keys();
        let token = SignedLink::sign(&keys, &claims(LinkPurpose::Download)).0;
        let mut garbage: Vec<String> =
            (0..token.len()).map(|end| token[..end].to_owned()).collect();
        garbage.extend([
            format!("{token}="),
            format!("{token}A"),
            format!(" {token}"),
            format!("{token}\n"),
            "ä".repeat(50),
            "A".repeat(1_000_000),
            "../../etc/passwd".to_owned(),
        ]);
        garbage.extend((0..10_000).map(|_| {
            let bytes: Vec<u8> = rand::random_iter().take(rand::random::<u8>().into()).collect();
            BASE64_URL_SAFE_NO_PAD.encode(bytes)
        }));
        for token in garbage {
            let read = LinkClaims::read(&keys, LinkPurpose::Download, &token, NOW);
            assert_eq!(read, Err(LinkFault::Unknown), "{token}");
        }
    }

    #[test]
    fn a_link_ends_when_it_says_but_for_what_clocks_differ() {
        let (_folder, keys) = keys();
        let claims = claims(LinkPurpose::Download);
        let token = SignedLink::sign(&keys, &claims).0;
        let read = |now| LinkClaims::read(&keys, LinkPurpose::Download, &token, now).map(|_| ());
        assert_eq!(read(i64::MIN), Ok(()));
        assert_eq!(read(claims.expires_at), Ok(()));
        assert_eq!(read(claims.expires_at + 5_000_000), Err(LinkFault::Expired));
        assert_eq!(read(i64::MAX), Err(LinkFault::Expired));
    }

    #[test]
    fn a_link_of_an_older_key_is_good_until_the_key_is_taken_away() {
        let (folder, keys) = keys();
        let claims = claims(LinkPurpose::Download);
        let token = SignedLink::sign(&keys, &claims).0;
        let rotated = keys.next().unwrap().make_current().unwrap();
        let read = |keys: &Keys| LinkClaims::read(keys, LinkPurpose::Download, &token, NOW);
        assert_eq!(read(&rotated), Ok(claims.clone()));
        fs::remove_file(folder.path().join(format!("link-{}.key", keys.current()))).unwrap();
        assert_eq!(read(&Keys::open(folder.path()).unwrap()), Err(LinkFault::Unknown));
        let (_other, strangers) = self::keys();
        assert_eq!(read(&strangers), Err(LinkFault::Unknown));
    }

    #[test]
    fn a_link_stands_below_the_public_url_and_shows_itself_to_nobody() {
        let (_folder, keys) = keys();
        let claims = claims(LinkPurpose::Locator);
        let link = SignedLink::sign(&keys, &claims);
        for url in ["https://egress.example.com", "https://egress.example.com/"] {
            assert_eq!(link.url(url), format!("https://egress.example.com/d/{}", link.token()));
        }
        let below = link.url("https://example.com/egress/");
        assert!(below.starts_with("https://example.com/egress/d/"));
        let plain = link
            .token()
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        assert!(plain, "{}", link.token());
        let said = format!("{link:?} {claims:?}");
        assert!(!said.contains(link.token()) && !said.contains(&claims.nonce.text()), "{said}");
    }
}
