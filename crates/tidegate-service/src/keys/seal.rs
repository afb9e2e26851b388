//! Seals small secrets for the control database: who has the database alone cannot read them.
//!
//! AES-256-GCM under a key that HKDF-SHA256 derives from `hash.key`: that one is there from the
//! first start on, stays when others rotate, and is in every backup of the folder. What is sealed
//! belongs to one operator, and opens for nobody else.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, Salt},
};
use tidegate_model::ids::OperatorId;

use super::Keys;

/// Parts the derived key from whatever else comes of the same secret.
const SALT: &[u8] = b"tidegate/seal/1";
/// What the derived key is for.
const PURPOSE: &[u8] = b"second factor";

impl Keys {
    /// Seals a secret of an operator: random nonce and sealed text, in base64.
    pub(crate) fn seal(&self, owner: OperatorId, secret: &[u8]) -> String {
        // 96 random bits for each: one operator enrols a few times in a life.
        let nonce: [u8; NONCE_LEN] = rand::random();
        let mut sealed = secret.to_vec();
        self.sealing_key()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(owner), &mut sealed)
            .expect("a secret is shorter than AES-GCM's limit of 64 GiB");
        BASE64_STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// Opens what was sealed for an operator; none if it was sealed for another one, or with
    /// another key, or was changed.
    pub(crate) fn unseal(&self, owner: OperatorId, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let secret = self.sealing_key().open_in_place(nonce, aad(owner), &mut sealed).ok()?;
        Some(secret.to_vec())
    }

    fn sealing_key(&self) -> LessSafeKey {
        let derived = Salt::new(HKDF_SHA256, SALT).extract(&self.hash);
        let derived = derived.expand(&[PURPOSE], &AES_256_GCM);
        let key = UnboundKey::from(derived.expect("HKDF gives 8,160 bytes, and this takes 32"));
        LessSafeKey::new(key)
    }
}

fn aad(owner: OperatorId) -> Aad<[u8; 8]> {
    Aad::from(owner.0.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: OperatorId = OperatorId(1);
    const GRACE: OperatorId = OperatorId(2);
    const SECRET: &[u8] = b"12345678901234567890";

    fn keys() -> (tempfile::TempDir, Keys) {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        (folder, keys)
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_with_the_same_keys_and_for_nobody_else() {
        let (_folder, keys) = keys();
        let sealed = keys.seal(ADA, SECRET);
        assert_eq!(keys.unseal(ADA, &sealed).as_deref(), Some(SECRET));
        assert_eq!(keys.unseal(GRACE, &sealed), None);
        let (_other, strangers) = self::keys();
        assert_eq!(strangers.unseal(ADA, &sealed), None);
        assert_ne!(keys.seal(ADA, SECRET), sealed, "the same secret never looks the same");
    }

    #[test]
    fn what_is_sealed_outlives_a_rotation() {
        let (_folder, keys) = keys();
        let sealed = keys.seal(ADA, SECRET);
        let rotated = keys.next().unwrap().make_current().unwrap();
        assert_eq!(rotated.unseal(ADA, &sealed).as_deref(), Some(SECRET));
    }

    #[test]
    fn what_was_changed_does_not_open() {
        let (_folder, keys) = keys();
        let sealed = BASE64_STANDARD_NO_PAD.decode(keys.seal(ADA, SECRET)).unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut turned = sealed.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            let turned = BASE64_STANDARD_NO_PAD.encode(turned);
            assert_eq!(keys.unseal(ADA, &turned), None, "bit {bit}");
        }
        for end in 0..sealed.len() {
            let cut = BASE64_STANDARD_NO_PAD.encode(&sealed[..end]);
            assert_eq!(keys.unseal(ADA, &cut), None, "{end} bytes");
        }
        assert_eq!(keys.unseal(ADA, "?"), None);
    }
}
