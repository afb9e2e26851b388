//! Text that a spreadsheet would run as a formula.
//!
//! A spreadsheet takes a cell for a formula by its first character, quoted or not. What stands
//! behind a separator inside a cell is harmless, because such cells are always quoted.

/// Whether a spreadsheet would run a cell with this text.
///
/// The characters are those of OWASP ASVS 1.2.10, with the full-width forms that some locales read
/// as their plain ones.
#[inline(always)]
pub(crate) fn is_formula(text: &[u8]) -> bool {
    match text {
        [b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n' | 0, ..] => true,
        [0xEF, 0xBC, third, ..] => matches!(third, 0x9D | 0x8B | 0x8D | 0xA0),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_known() {
        for text in ["=1", "+1", "-1", "@x", "\t=1", "\rx", "\nx", "\0", "＝1", "＋1", "－1", "＠x"]
        {
            assert!(is_formula(text.as_bytes()), "{text:?}");
        }
        for text in ["", "a=1", " =1", "'=1", "１", "，", "ｱ", "\u{FEFF}"] {
            assert!(!is_formula(text.as_bytes()), "{text:?}");
        }
    }
}
