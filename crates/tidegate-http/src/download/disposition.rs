//! Names a file for a browser (RFC 6266), whatever characters its name has.

use std::fmt::Write;

/// Says that it is a file to be kept, and its name: in ASCII for old programs, and as it is.
pub(super) fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|character| match character {
            ' '..='~' if !matches!(character, '"' | '\\' | '%' | '/') => character,
            _ => '_',
        })
        .collect();
    let mut text = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        text.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            // What RFC 8187 calls attr-char.
            match byte {
                b'a'..=b'z'
                | b'A'..=b'Z'
                | b'0'..=b'9'
                | b'!'
                | b'#'
                | b'$'
                | b'&'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~' => text.push(byte.into()),
                _ => write!(text, "%{byte:02X}").expect("a String takes everything"),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        assert_eq!(disposition("orders-7.csv"), "attachment; filename=\"orders-7.csv\"");
        let evil = disposition("a\"; x=\r\nSet-Cookie: y/../é.csv");
        assert!(evil.starts_with("attachment; filename=\"a_; x=__Set-Cookie: y_.._"), "{evil}");
        assert!(evil.contains("filename*=UTF-8''a%22%3B%20x%3D%0D%0ASet-Cookie"), "{evil}");
        assert!(evil.is_ascii() && !evil.contains(['\r', '\n']));
        assert_eq!(evil.matches('"').count(), 2);
    }
}
