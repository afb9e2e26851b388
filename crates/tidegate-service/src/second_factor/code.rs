//! Codes of an authenticator (RFC 6238: SHA-1, 6 digits, 30 seconds), and recovery codes.

use totp_rs::{Algorithm, Builder, Secret, Totp};

use crate::gate::token_hash;

/// Digits of a code.
const DIGITS: u8 = 6;
/// Seconds that a code is the one.
const STEP_SECONDS: u64 = 30;
/// Codes before and after the one of this moment that are as good: clocks differ.
const STEPS_OFF: u64 = 1;
/// Random bytes of a secret: as long as what SHA-1 gives (RFC 4226, section 4).
pub(super) const SECRET_BYTES: usize = 20;
/// Recovery codes that an operator gets.
pub(super) const RECOVERY_CODES: usize = 10;
/// Random bytes of a recovery code: 80 bits cannot be tried out, hashed or not.
const RECOVERY_BYTES: usize = 10;
/// Characters of a recovery code without its hyphens.
const RECOVERY_CHARACTERS: usize = 16;
/// Characters between two hyphens.
const GROUP_CHARACTERS: usize = 4;
/// Name by which an authenticator shows whose code it is.
const ISSUER: &str = "Tidegate";

/// What somebody typed where a second factor was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// Digits of an authenticator.
    Code(String),
    /// SHA-256 of a recovery code.
    Recovery(String),
}

/// Reads what was typed, however it was grouped; none if it is neither.
pub(super) fn typed(text: &str) -> Option<Typed> {
    /// Characters that are looked at: whoever sends more has typed none of ours.
    const TYPED_MAX: usize = 64;
    let plain: String = text
        .chars()
        .take(TYPED_MAX)
        .filter(|one| !one.is_whitespace() && *one != '-')
        .collect::<String>()
        .to_ascii_uppercase();
    match plain.len() {
        6 if plain.bytes().all(|one| one.is_ascii_digit()) => Some(Typed::Code(plain)),
        RECOVERY_CHARACTERS => Some(Typed::Recovery(token_hash(&plain))),
        _ => None,
    }
}

/// The number of the code's 30 seconds, if it is one of the secret's at this moment, give or take
/// one. Every code is compared, so that the time says nothing.
pub(super) fn step_of(secret: &[u8], code: &str, seconds: u64) -> Option<i64> {
    let totp = authenticator(secret)?.build().ok()?;
    let first = (seconds / STEP_SECONDS).saturating_sub(STEPS_OFF);
    let mut found = None;
    for step in first..=first + 2 * STEPS_OFF {
        // Without skew of its own: it would stop at the first that fits.
        let is_it = totp.check(code, step * STEP_SECONDS).is_some();
        found = if is_it { i64::try_from(step).ok() } else { found };
    }
    found
}

/// A secret as people type it.
pub(super) fn spelled(secret: &[u8]) -> String {
    Secret::from(secret.to_vec()).to_base32()
}

/// The address that an authenticator reads out of a QR code.
pub(super) fn address(secret: &[u8], email: &str) -> String {
    // A colon parts issuer and account.
    let account = email.replace(':', "_");
    let named = |builder: Builder| builder.with_account_name(account).with_issuer(Some(ISSUER));
    let totp: Option<Totp> = authenticator(secret).and_then(|one| named(one).build().ok());
    let address = totp.and_then(|totp| totp.to_url().ok());
    address.expect("a secret of 160 bits and a name without a colon make an address")
}

fn authenticator(secret: &[u8]) -> Option<Builder> {
    let secret: [u8; SECRET_BYTES] = secret.try_into().ok()?;
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(DIGITS);
    Some(builder.with_skew(0).with_step_duration(STEP_SECONDS).with_secret(secret))
}

/// New recovery codes: as they are shown, and as they are kept.
pub(super) fn recovery_codes() -> Vec<(String, String)> {
    let code = || {
        let plain = Secret::from(rand::random::<[u8; RECOVERY_BYTES]>().to_vec()).to_base32();
        let groups: Vec<&str> = (0..RECOVERY_CHARACTERS / GROUP_CHARACTERS)
            .map(|group| &plain[group * GROUP_CHARACTERS..(group + 1) * GROUP_CHARACTERS])
            .collect();
        (groups.join("-").to_lowercase(), token_hash(&plain))
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The secret of RFC 6238, appendix B.
    const SECRET: &[u8] = b"12345678901234567890";
    /// Its moments, and the last six digits of its codes.
    const VECTORS: [(u64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    #[test]
    fn the_codes_are_those_of_the_standard() {
        for (seconds, code) in VECTORS {
            let step = i64::try_from(seconds / 30).unwrap();
            assert_eq!(step_of(SECRET, code, seconds), Some(step), "{code}");
        }
    }

    #[test]
    fn a_clock_may_be_off_by_one_code_and_not_by_two() {
        let (seconds, code) = VECTORS[3];
        let step = seconds / 30;
        for off in -5_i64..=5 {
            let now = (step.checked_add_signed(off).unwrap()) * 30;
            for now in [now, now + 29] {
                let found = step_of(SECRET, code, now);
                let expected = (off.abs() <= 1).then(|| i64::try_from(step).unwrap());
                assert_eq!(found, expected, "{off} codes off");
            }
        }
        assert_eq!(step_of(SECRET, code, 0), None);
    }

    #[test]
    fn what_is_no_code_is_none() {
        let (seconds, _) = VECTORS[3];
        for text in ["", "5924", "005925", "0059245", "00592x", "००५९२४", "٠٠٥٩٢٤"]
        {
            assert_eq!(step_of(SECRET, text, seconds), None, "{text}");
        }
        assert_eq!(step_of(b"short", "005924", seconds), None);
    }

    #[test]
    fn a_code_may_be_typed_in_groups_and_a_recovery_code_in_any_case() {
        let code = Some(Typed::Code("005924".to_owned()));
        for text in ["005924", "005 924", " 005924\n", "00-59-24"] {
            assert_eq!(typed(text), code, "{text:?}");
        }
        let (shown, kept) = recovery_codes().remove(0);
        let recovery = Some(Typed::Recovery(kept));
        for text in [shown.clone(), shown.to_uppercase(), shown.replace('-', " ")] {
            assert_eq!(typed(&text), recovery, "{text:?}");
        }
        for text in ["", "12345", "1234567", "abcdef", &"a".repeat(1_000_000), "٠٠٥٩٢٤"] {
            assert_eq!(typed(text), None);
        }
    }

    #[test]
    fn recovery_codes_are_ten_and_each_another_one() {
        let codes = recovery_codes();
        let shown: BTreeSet<&String> = codes.iter().map(|(shown, _)| shown).collect();
        let kept: BTreeSet<&String> = codes.iter().map(|(_, kept)| kept).collect();
        assert_eq!((shown.len(), kept.len()), (10, 10));
        for (shown, kept) in &codes {
            assert_eq!(shown.len(), 19);
            assert!(!kept.contains(&shown.replace('-', "")));
        }
    }

    #[test]
    fn an_authenticator_is_told_whose_code_it_shows() {
        assert_eq!(
            address(SECRET, "ada@example.com"),
            "otpauth://totp/Tidegate:ada%40example.com?\
             secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Tidegate"
        );
        assert_eq!(spelled(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(address(SECRET, "a:b@example.com").contains("a_b%40example.com"));
    }
}
