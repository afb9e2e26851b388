//! Octets and UUIDs.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Out;

/// Octets that are encoded at once: a whole number of base64 groups, small enough for the stack.
const STEP_BYTES: usize = 3 * 256;

/// Writes sixteen octets as a UUID: hyphenated, lower case.
#[inline(always)]
pub(crate) fn uuid(out: &mut Out<'_>, octets: &[u8; 16]) {
    let digits: [[u8; 8]; 4] = std::array::from_fn(|quarter| {
        let at = 4 * quarter;
        hex([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
    });
    let [first, second, third, fourth] = digits;
    out.array(&first);
    out.array(&[b'-', second[0], second[1], second[2], second[3], b'-']);
    out.array(&[second[4], second[5], second[6], second[7], b'-']);
    out.array(&[third[0], third[1], third[2], third[3], b'-']);
    out.array(&[third[4], third[5], third[6], third[7]]);
    out.array(&fourth);
}

/// The hexadecimal digits of four octets.
#[inline(always)]
fn hex(octets: [u8; 4]) -> [u8; 8] {
    // One nibble a byte, in the order in which they are read.
    let octets = u64::from(u32::from_le_bytes(octets));
    let pairs = (octets | octets << 16) & 0x0000_FFFF_0000_FFFF;
    let bytes = (pairs | pairs << 8) & 0x00FF_00FF_00FF_00FF;
    let nibbles = bytes >> 4 & 0x000F_000F_000F_000F | (bytes & 0x000F_000F_000F_000F) << 8;
    // Nibbles above 9 carry into bit 4 when 6 is added; `a` stands 39 behind where `:` would.
    let letters = (nibbles + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
    (nibbles + 0x3030_3030_3030_3030 + letters * 39).to_le_bytes()
}

/// Writes octets as padded base64.
pub(crate) fn base64(vec: &mut Vec<u8>, octets: &[u8]) {
    let mut text = [0; STEP_BYTES / 3 * 4];
    for step in octets.chunks(STEP_BYTES) {
        let length =
            STANDARD.encode_slice(step, &mut text).expect("four characters for three octets");
        vec.extend_from_slice(&text[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn uuids_are_lower_case_with_hyphens(octets: u128) {
            let mut bytes = Vec::new();
            let mut out = Out::on(&mut bytes);
            uuid(&mut out, &octets.to_be_bytes());
            out.finish();
            let digits = format!("{octets:032x}");
            let parts =
                [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), parts.join("-"));
        }

        #[test]
        fn octets_read_back_from_base64(octets in proptest::collection::vec(any::<u8>(), 0..3_000)) {
            let mut text = Vec::new();
            base64(&mut text, &octets);
            prop_assert_eq!(STANDARD.decode(&text).unwrap(), octets);
        }
    }
}
