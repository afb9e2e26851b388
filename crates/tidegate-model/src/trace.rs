//! A place in a trace, as the W3C's header `traceparent` spells it.

use std::fmt;

/// Characters of version 00.
const CHARACTERS: usize = 55;
/// Flag of a trace that is recorded.
const SAMPLED: u8 = 1;

/// A span that others may hang below, and the trace that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; never zero.
    pub trace_id: u128,
    /// The span; never zero.
    pub span_id: u64,
    /// Whether the trace is recorded.
    pub is_sampled: bool,
}

impl TraceParent {
    /// Reads a header. Whatever is not exactly one is none: nothing of it is used then.
    pub fn parse(text: &str) -> Option<Self> {
        let (known, more) = text.split_at_checked(CHARACTERS)?;
        let mut parts = known.split('-');
        let mut part = |characters: usize| {
            let part = parts.next().filter(|part| part.len() == characters)?;
            let is_hexadecimal = part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            is_hexadecimal.then(|| u128::from_str_radix(part, 16).ok()).flatten()
        };
        let (version, trace_id, span_id, flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
        // A later version may say more, behind a dash; 255 is none.
        let is_whole = match version {
            0 => more.is_empty(),
            0xff => false,
            _ => more.is_empty() || more.starts_with('-'),
        };
        let span_id = u64::try_from(span_id).ok()?;
        let is_sampled = u8::try_from(flags).ok()? & SAMPLED != 0;
        let is_good = is_whole && trace_id != 0 && span_id != 0;
        is_good.then_some(Self { trace_id, span_id, is_sampled })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.is_sampled);
        write!(f, "00-{:032x}-{:016x}-{flags:02x}", self.trace_id, self.span_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn the_example_of_the_specification_is_read_and_written_back() {
        let parent = TraceParent::parse(EXAMPLE).unwrap();
        assert_eq!(parent.trace_id, 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
        assert_eq!((parent.span_id, parent.is_sampled), (0xb7ad_6b71_6920_3331, true));
        assert_eq!(parent.to_string(), EXAMPLE);
        let unsampled = TraceParent { is_sampled: false, ..parent };
        assert_eq!(TraceParent::parse(&unsampled.to_string()), Some(unsampled));
    }

    #[test]
    fn flags_that_nobody_knows_and_later_versions_are_read_as_far_as_they_are_known() {
        for (text, is_sampled) in [
            (EXAMPLE.replace("-01", "-ff"), true),
            (EXAMPLE.replace("-01", "-fe"), false),
            (EXAMPLE.replacen("00", "cc", 1), true),
            (EXAMPLE.replacen("00", "cc", 1) + "-what the future will be like", true),
        ] {
            assert_eq!(TraceParent::parse(&text).unwrap().is_sampled, is_sampled, "{text}");
        }
    }

    #[test]
    fn what_is_not_exactly_a_traceparent_is_none() {
        for text in [
            "".to_owned(),
            "x".to_owned(),
            EXAMPLE[1..].to_owned(),
            EXAMPLE.to_uppercase(),
            format!(" {EXAMPLE}"),
            format!("{EXAMPLE} "),
            format!("{EXAMPLE}-01"),
            EXAMPLE.replacen("00", "ff", 1),
            EXAMPLE.replacen("00", "cc", 1) + ".more",
            EXAMPLE.replace('-', "_"),
            EXAMPLE.replace("0af", "+af"),
            EXAMPLE.replace("-01", "-0x"),
            EXAMPLE.replace("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            EXAMPLE.replace("b7ad6b7169203331", &"0".repeat(16)),
            "é".repeat(60),
        ] {
            assert_eq!(TraceParent::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn nothing_shorter_than_a_header_is_one() {
        for length in 0..EXAMPLE.len() {
            assert_eq!(TraceParent::parse(&EXAMPLE[..length]), None, "{length}");
        }
    }
}
