//! Reads which part of a file is asked for (RFC 9110, section 14).

use std::ops::Range;

/// Which part is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// All of it; or something that nobody understands, which is the same.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have.
    Outside,
}

/// What a `Range` header asks of a file of so many bytes. Several parts at once are not sent:
/// whoever asks for them gets the whole.
pub(super) fn asked(sent: Option<&str>, bytes: u64) -> Asked {
    let Some(spec) = sent.and_then(|sent| sent.trim().strip_prefix("bytes=")) else {
        return Asked::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else { return Asked::Whole };
    let number = |text: &str| -> Option<u64> {
        match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number that no file reaches is one that lies outside.
            true => Some(text.parse().unwrap_or(u64::MAX)),
            false => None,
        }
    };
    match (first, number(first), last, number(last)) {
        ("", _, _, Some(0)) => Asked::Outside,
        ("", _, _, Some(_)) if bytes == 0 => Asked::Outside,
        ("", _, _, Some(count)) => Asked::Part(bytes.saturating_sub(count)..bytes),
        (_, Some(first), "", _) if first < bytes => Asked::Part(first..bytes),
        (_, Some(first), _, Some(last)) if first > last => Asked::Whole,
        (_, Some(first), _, Some(last)) if first < bytes => {
            Asked::Part(first..last.saturating_add(1).min(bytes))
        }
        (_, Some(_), "", _) | (_, Some(_), _, Some(_)) => Asked::Outside,
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_the_standard_has_it() {
        let cases: &[(&str, Asked)] = &[
            ("bytes=0-0", Asked::Part(0..1)),
            ("bytes=0-9", Asked::Part(0..10)),
            ("bytes=5-", Asked::Part(5..10)),
            ("bytes=-3", Asked::Part(7..10)),
            ("bytes=-30", Asked::Part(0..10)),
            ("bytes=2-4", Asked::Part(2..5)),
            ("bytes=2-400", Asked::Part(2..10)),
            ("bytes=10-", Asked::Outside),
            ("bytes=10-20", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=99999999999999999999-", Asked::Outside),
            ("bytes=4-2", Asked::Whole),
            ("bytes=0-1,3-4", Asked::Whole),
            ("bytes=a-b", Asked::Whole),
            ("bytes=-", Asked::Whole),
            ("bytes=+1-2", Asked::Whole),
            ("lines=0-1", Asked::Whole),
            ("", Asked::Whole),
        ];
        for (sent, expected) in cases {
            assert_eq!(asked(Some(sent), 10), *expected, "{sent}");
        }
        assert_eq!(asked(None, 10), Asked::Whole);
        assert_eq!(asked(Some("bytes=-1"), 0), Asked::Outside);
    }
}
