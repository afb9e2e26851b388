//! Text in XML 1.0: escapes, characters that it forbids, names.

use tidegate_batch::PaddedCell;

use super::{Out, class::ByteClass};

/// What stands for a character that XML 1.0 forbids: U+FFFD.
const REPLACEMENT: &[u8; 3] = "\u{FFFD}".as_bytes().first_chunk().expect("it has three bytes");

/// Bytes that must not, or may not, stand in text as they are. 0xEF starts U+FFFE and U+FFFF.
const TEXT: ByteClass<4, true> = ByteClass::new(*b"&<>\xEF");

/// Writes text between tags; gives back how many forbidden characters were replaced.
#[inline(always)]
pub(crate) fn text(out: &mut Out<'_>, cell: PaddedCell<'_>) -> u64 {
    let plain = out.while_plain(cell, &TEXT);
    if plain == cell.len() {
        return 0;
    }
    let rest = cell.skip(plain).expect("not more than the cell's bytes are plain");
    out.with_vec(|vec| escape(vec, rest))
}

/// Writes text that starts with a byte to be escaped.
#[cold]
#[inline(never)]
fn escape(vec: &mut Vec<u8>, mut cell: PaddedCell<'_>) -> u64 {
    let mut replaced = 0;
    let mut out = Out::on(vec);
    while let [byte, behind @ ..] = cell.bytes() {
        let mut length = 1;
        match byte {
            b'&' => out.array(b"&amp;"),
            b'<' => out.array(b"&lt;"),
            b'>' => out.array(b"&gt;"),
            // A parser would read a bare carriage return as a line feed.
            b'\r' => out.array(b"&#13;"),
            b'\t' | b'\n' => out.byte(*byte),
            0..=0x1F => {
                out.array(REPLACEMENT);
                replaced += 1;
            }
            0xEF if matches!(behind, [0xBF, 0xBE | 0xBF, ..]) => {
                out.array(REPLACEMENT);
                replaced += 1;
                length = 3;
            }
            _ => out.byte(*byte),
        }
        cell = cell.skip(length).expect("the bytes were just seen");
        let plain = out.while_plain(cell, &TEXT);
        cell = cell.skip(plain).expect("not more than the cell's bytes are plain");
    }
    out.finish();
    replaced
}

/// Writes an attribute's value without its quotes; gives back how many characters were replaced.
pub(crate) fn attribute(vec: &mut Vec<u8>, value: &str) -> u64 {
    let mut replaced = 0;
    for character in value.chars() {
        match character {
            '&' => vec.extend_from_slice(b"&amp;"),
            '<' => vec.extend_from_slice(b"&lt;"),
            '"' => vec.extend_from_slice(b"&quot;"),
            // A parser would read these as a space.
            '\t' | '\n' | '\r' => {
                vec.extend_from_slice(format!("&#{};", character as u32).as_bytes())
            }
            '\0'..='\x1F' | '\u{FFFE}' | '\u{FFFF}' => {
                vec.extend_from_slice(REPLACEMENT);
                replaced += 1;
            }
            other => vec.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    replaced
}

/// Whether `name` is a name of XML 1.0 (fifth edition) without a colon.
pub(crate) fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(is_name_start)
        && characters.all(|character| is_name_start(character) || is_name_rest(character))
}

fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | 'a'..='z' | '_'
        | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_rest(character: char) -> bool {
    matches!(character,
        '0'..='9' | '-' | '.' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn escaped(value: &str) -> (String, u64) {
        let mut bytes = Vec::new();
        let mut out = Out::on(&mut bytes);
        let replaced = text(&mut out, value.as_bytes().into());
        out.finish();
        (String::from_utf8(bytes).unwrap(), replaced)
    }

    #[test]
    fn what_xml_forbids_is_replaced() {
        let (text, replaced) = escaped("a\0b\u{B}\u{FFFE}\u{FFFF}\u{FFFD}\u{FF1D}\t\n\r&<>\"'");
        assert_eq!(
            text,
            "a\u{FFFD}b\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FF1D}\t\n&#13;&amp;&lt;&gt;\"'"
        );
        assert_eq!(replaced, 4);
    }

    #[test]
    fn an_attribute_keeps_its_white_space() {
        let mut bytes = Vec::new();
        assert_eq!(attribute(&mut bytes, "a\"<&\t\n\r\0é"), 1);
        assert_eq!(bytes, "a&quot;&lt;&amp;&#9;&#10;&#13;\u{FFFD}é".as_bytes());
    }

    proptest! {
        #[test]
        fn a_parser_reads_the_text_back(value in "[\\PC\t\n\r&<>]{0,80}") {
            let (text, replaced) = escaped(&value);
            prop_assert_eq!(replaced, 0);
            // Line ends are folded by the parser before references are resolved.
            let read = quick_xml::escape::unescape(&text).unwrap();
            prop_assert_eq!(read, value);
            prop_assert!(!text.contains('\r'));
        }
    }

    #[test]
    fn names_are_those_of_the_recommendation() {
        assert!(["a", "_a1", "größe", "a-b.c", "注文"].into_iter().all(is_name));
        assert!(
            ["", "1a", "-a", "a b", "a:b", "a/b", "a\u{D7}"].into_iter().all(|name| !is_name(name))
        );
    }
}
