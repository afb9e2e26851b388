//! Names of sheets, and the letters of columns.

/// UTF-16 units that Excel allows in a sheet's name.
const NAME_UNITS_MAX: usize = 31;
/// Characters that Excel refuses in a sheet's name.
const FORBIDDEN: &[char] = &['[', ']', ':', '*', '?', '/', '\\'];
/// Name of a sheet whose title has nothing to offer.
const UNNAMED: &str = "Sheet";
/// A name that Excel keeps for itself.
const RESERVED: &str = "History";

/// Name of the sheet with this number, from 1: the title, then `title (2)` and so on.
pub(super) fn sheet_name(title: &str, number: usize) -> String {
    let suffix = if number == 1 { String::new() } else { format!(" ({number})") };
    let allowed = |character: char| match character {
        c if FORBIDDEN.contains(&c) || c.is_control() => '_',
        '\u{FFFE}' | '\u{FFFF}' => '_',
        c => c,
    };
    let title: String = title.chars().map(allowed).collect();
    let title = title.trim_matches(|c: char| c == '\'' || c.is_whitespace());
    let title = if title.is_empty() { UNNAMED } else { title };
    let mut name = String::new();
    let mut units_left = NAME_UNITS_MAX - suffix.len();
    for character in title.chars() {
        match units_left.checked_sub(character.len_utf16()) {
            Some(left) => units_left = left,
            None => break,
        }
        name.push(character);
    }
    // Cutting may have brought an apostrophe or a space to the end.
    let name = name.trim_end_matches(|c: char| c == '\'' || c.is_whitespace());
    match name.eq_ignore_ascii_case(RESERVED) && suffix.is_empty() {
        true => format!("{name}_"),
        false => format!("{name}{suffix}"),
    }
}

/// The letters of a column, from 0: `A`, `Z`, `AA`.
pub(super) fn column_letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        let letter = u8::try_from((rest - 1) % 26).expect("a remainder of 26");
        letters.push(char::from(b'A' + letter));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheet_names_are_what_excel_allows() {
        assert_eq!(sheet_name("orders", 1), "orders");
        assert_eq!(sheet_name("orders", 2), "orders (2)");
        assert_eq!(sheet_name("a/b:c [x]?", 1), "a_b_c _x__");
        assert_eq!(sheet_name("", 1), "Sheet");
        assert_eq!(sheet_name("'quoted'", 1), "quoted");
        assert_eq!(sheet_name("history", 1), "history_");
        assert_eq!(sheet_name("line\nbreak\0", 1), "line_break_");
    }

    #[test]
    fn long_titles_are_cut_between_characters() {
        assert_eq!(sheet_name(&"x".repeat(40), 1).len(), 31);
        assert_eq!(sheet_name(&"x".repeat(40), 12), format!("{} (12)", "x".repeat(26)));
        let crabs = sheet_name(&"\u{1F980}".repeat(20), 1);
        assert_eq!(crabs.encode_utf16().count(), 30);
        assert_eq!(sheet_name(&format!("{}' y", "x".repeat(30)), 1), "x".repeat(30));
    }

    #[test]
    fn columns_have_the_letters_of_a_spreadsheet() {
        for (column, letters) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (51, "AZ"),
            (52, "BA"),
            (701, "ZZ"),
            (702, "AAA"),
            (16_383, "XFD"),
        ] {
            assert_eq!(column_letters(column), letters);
        }
    }
}
