//! Signs what is sent to another site, and verifies what comes from one, as Standard Webhooks does.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Version of the scheme, before each signature.
pub(crate) const VERSION: &str = "v1";
/// What a key may begin with: what is behind it is base64.
const PREFIX: &str = "whsec_";
/// Bytes of a key at least.
pub const KEY_BYTES_MIN: usize = 24;

/// A key that two sites share.
#[derive(Clone, Debug)]
pub struct SharedKey(SecretString);

/// The text is too short to be a key, or no base64 behind its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a shared key is `whsec_` and base64, or a text; of at least {KEY_BYTES_MIN} bytes")]
pub struct BadKey;

impl SharedKey {
    /// Reads a key.
    ///
    /// # Errors
    ///
    /// If it is too short, or no base64 behind its prefix.
    pub fn read(text: &SecretString) -> Result<Self, BadKey> {
        let key = Self(text.expose_secret().trim().to_owned().into());
        match key.bytes() {
            Some(bytes) if bytes.len() >= KEY_BYTES_MIN => Ok(key),
            Some(_) | None => Err(BadKey),
        }
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        let text = self.0.expose_secret();
        match text.strip_prefix(PREFIX) {
            Some(encoded) => BASE64_STANDARD.decode(encoded).ok(),
            None => Some(text.as_bytes().to_vec()),
        }
    }

    fn mac(&self, id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
        mac(&self.bytes().expect("it was read before"), id, timestamp, body)
    }

    /// The signature of a message.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        written(self.mac(id, timestamp, body))
    }

    /// Whether one of the signatures, which blanks part, is that of a message.
    pub fn verifies(&self, id: &str, timestamp: i64, body: &[u8], signatures: &str) -> bool {
        let ours = signatures.split(' ').filter_map(|one| one.split_once(','));
        let mut ours = ours.filter(|(version, _)| *version == VERSION);
        ours.any(|(_, encoded)| {
            let Ok(signature) = BASE64_STANDARD.decode(encoded) else { return false };
            self.mac(id, timestamp, body).verify_slice(&signature).is_ok()
        })
    }
}

/// The signature of a message by a key of any bytes.
pub(crate) fn sign(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> String {
    written(mac(key, id, timestamp, body))
}

fn mac(key: &[u8], id: &str, timestamp: i64, body: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length makes a key");
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    mac
}

fn written(mac: Hmac<Sha256>) -> String {
    format!("{VERSION},{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, message and signature that the documentation of Standard Webhooks gives.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const AT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn the_example_of_the_standard_is_signed_and_verified() {
        let key = SharedKey::read(&KEY.into()).unwrap();
        assert_eq!(key.sign(ID, AT, BODY), SIGNATURE);
        assert!(key.verifies(ID, AT, BODY, SIGNATURE));
        assert!(key.verifies(ID, AT, BODY, &format!("v1a,xx v1,AAAA {SIGNATURE}")));
    }

    #[test]
    fn whatever_is_changed_is_not_verified() {
        let key = SharedKey::read(&KEY.into()).unwrap();
        assert!(!key.verifies("msg", AT, BODY, SIGNATURE));
        assert!(!key.verifies(ID, AT + 1, BODY, SIGNATURE));
        assert!(!key.verifies(ID, AT, b"{}", SIGNATURE));
        let other = SharedKey::read(&"a key of at least twenty-four bytes".into()).unwrap();
        assert!(!other.verifies(ID, AT, BODY, SIGNATURE));
        for none in ["", "v1", "v1,", "v2,AAAA", "v1,no base64"] {
            assert!(!key.verifies(ID, AT, BODY, none), "{none}");
        }
    }

    #[test]
    fn a_key_that_could_be_tried_out_is_none() {
        for short in ["", "secret", "whsec_AAAA", "whsec_no base64 at all, however long it is"] {
            assert_eq!(SharedKey::read(&short.into()).unwrap_err(), BadKey, "{short}");
        }
    }
}
