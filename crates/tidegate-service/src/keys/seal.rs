//! Seals what only this service shall read again: whoever carries it learns nothing from it.

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use super::{KEY_BYTES, Keys, code};

/// What the key of the seals is made of. No text begins with this octet, so that it is the keyed
/// hash of no value.
const SEAL: &[u8] = b"\xfftidegate/seal/1";

impl Keys {
    /// Seals a text for the use that `about` says; nothing else opens it again. The nonces are
    /// random, 96 bits: there would have to be billions of seals before two were the same.
    pub(crate) fn seal(&self, about: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = nonce.to_vec();
        let mut body = plain.to_vec();
        self.seals()
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(about),
                &mut body,
            )
            .expect("a text in memory is short enough");
        sealed.extend(body);
        sealed
    }

    /// Opens what [`Keys::seal`] has sealed for the same use; none if it is anything else.
    pub(crate) fn unseal(&self, about: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = self.seals().open_in_place(nonce, Aad::from(about), &mut body).ok()?;
        Some(plain.to_vec())
    }

    fn seals(&self) -> LessSafeKey {
        let key: [u8; KEY_BYTES] = code(&self.hash, SEAL);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key);
        LessSafeKey::new(key.expect("the key has the length of the cipher"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_shows_nothing_and_opens_for_its_use_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(&folder.path().join("keys")).unwrap();
        let sealed = keys.seal(b"rows", b"ada@example.com");
        assert!(!sealed.windows(3).any(|octets| octets == b"ada"));
        assert_ne!(sealed, keys.seal(b"rows", b"ada@example.com"), "nothing tells equal values");
        assert_eq!(keys.unseal(b"rows", &sealed).unwrap(), b"ada@example.com");
        assert_eq!(keys.unseal(b"jobs", &sealed), None);
        for at in 0..sealed.len() {
            let mut turned = sealed.clone();
            turned[at] ^= 1;
            assert_eq!(keys.unseal(b"rows", &turned), None, "octet {at}");
        }
        assert_eq!(keys.unseal(b"rows", b"short"), None);
        let rotated = keys.next().unwrap().make_current().unwrap();
        assert_eq!(rotated.unseal(b"rows", &sealed).unwrap(), b"ada@example.com");
        let others = Keys::open(&folder.path().join("others")).unwrap();
        assert_eq!(others.unseal(b"rows", &sealed), None);
    }
}
