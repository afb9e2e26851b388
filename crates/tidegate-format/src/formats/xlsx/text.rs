//! Text cells: what a cell may hold, and the escapes of Office Open XML.

use tidegate_batch::PaddedCell;

use crate::{
    CellFault, Counts,
    text::{Out, xml},
};

/// UTF-16 units that Excel keeps of a cell's text.
pub(super) const CELL_UNITS_MAX: usize = 32_767;
/// Option that cuts longer text.
const REMEDY: &str = "overflow=truncate";

/// Start of a cell's tag.
const START: &[u8] = b"<c";
const BEFORE: &[u8; 24] = b"<c t=\"inlineStr\"><is><t>";
/// Attribute of text with white space at an end, which would be lost.
const PRESERVED: &[u8] = b" xml:space=\"preserve\"";
/// Stands behind a text.
pub(super) const AFTER: &[u8; 13] = b"</t></is></c>";
/// An underscore that must not be read as the start of an escape.
const UNDERSCORE: &[u8; 7] = b"_x005F_";
/// Bytes of an escape: `_xHHHH_`.
const ESCAPE_BYTES: usize = 7;

/// Writes text cells.
#[derive(Clone, Debug)]
pub(super) struct TextCells {
    /// Whether text that is too long is cut.
    pub(super) is_cut: bool,
    /// Start of the tag of text that shows its lines.
    pub(super) lines_start: Vec<u8>,
}

impl TextCells {
    /// Writes a cell, in lines if the text has several; says how many it has.
    ///
    /// # Errors
    ///
    /// If the text is too long, and must not be cut.
    #[inline(always)]
    pub(super) fn write(
        &self,
        out: &mut Out<'_>,
        cell: PaddedCell<'_>,
        counts: &mut Counts,
    ) -> Result<usize, Box<CellFault>> {
        let bytes = cell.bytes();
        if bytes.len() > CELL_UNITS_MAX || has_white_end(bytes) || needs_care(bytes) {
            let lines = 1 + memchr::memchr_iter(b'\n', bytes).count();
            let start = if lines > 1 { &self.lines_start } else { START };
            return out
                .with_vec(|vec| self.write_with_care(vec, start, bytes, counts).map(|()| lines));
        }
        plain(out, cell, counts);
        Ok(1)
    }

    /// Writes a cell with a document, which would not become clearer by its lines.
    ///
    /// # Errors
    ///
    /// As for [`TextCells::write`].
    #[inline(always)]
    pub(super) fn write_document(
        &self,
        out: &mut Out<'_>,
        cell: PaddedCell<'_>,
        counts: &mut Counts,
    ) -> Result<(), Box<CellFault>> {
        let bytes = cell.bytes();
        if bytes.len() > CELL_UNITS_MAX || has_white_end(bytes) || needs_care(bytes) {
            return out.with_vec(|vec| self.write_with_care(vec, START, bytes, counts));
        }
        plain(out, cell, counts);
        Ok(())
    }

    /// Writes a cell of any text; `start` is its tag, still without a type.
    ///
    /// # Errors
    ///
    /// If the text is too long, and must not be cut.
    #[cold]
    #[inline(never)]
    pub(super) fn write_with_care(
        &self,
        vec: &mut Vec<u8>,
        start: &[u8],
        bytes: &[u8],
        counts: &mut Counts,
    ) -> Result<(), Box<CellFault>> {
        let bytes = self.fitted(bytes, counts)?;
        let mut out = Out::on(vec);
        out.slice(start);
        out.slice(b" t=\"inlineStr\"><is><t");
        out.slice(if has_white_end(bytes) { PRESERVED } else { b"" });
        out.byte(b'>');
        let mut rest = bytes;
        while let Some(at) = memchr::memchr_iter(b'_', rest).find(|at| is_escape(&rest[*at..])) {
            counts.replaced += xml::text(&mut out, rest[..at].into());
            out.array(UNDERSCORE);
            rest = &rest[at + 1..];
        }
        counts.replaced += xml::text(&mut out, rest.into());
        out.array(AFTER);
        out.finish();
        Ok(())
    }

    /// The text, cut to what a cell may hold.
    fn fitted<'a>(&self, bytes: &'a [u8], counts: &mut Counts) -> Result<&'a [u8], Box<CellFault>> {
        if bytes.len() <= CELL_UNITS_MAX {
            return Ok(bytes);
        }
        let characters = bytes.iter().copied().map(units_begun).sum();
        if characters <= CELL_UNITS_MAX {
            return Ok(bytes);
        }
        if !self.is_cut {
            let characters_max = CELL_UNITS_MAX;
            return Err(Box::new(CellFault::TooLong {
                characters,
                characters_max,
                remedy: REMEDY,
            }));
        }
        counts.truncated += 1;
        let mut units = 0;
        let end = bytes.iter().position(|byte| {
            units += units_begun(*byte);
            units > CELL_UNITS_MAX
        });
        Ok(&bytes[..end.unwrap_or(bytes.len())])
    }
}

/// UTF-16 units of the character that the byte begins; none for the bytes that continue one.
fn units_begun(byte: u8) -> usize {
    match byte {
        0x80..=0xBF => 0,
        0xF0..=0xFF => 2,
        _ => 1,
    }
}

#[inline(always)]
fn has_white_end(bytes: &[u8]) -> bool {
    let is_white = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_whitespace);
    is_white(bytes.first()) || is_white(bytes.last())
}

/// Whether there may be an escape, or several lines.
#[inline(always)]
fn needs_care(bytes: &[u8]) -> bool {
    memchr::memchr2(b'_', b'\n', bytes).is_some()
}

#[inline(always)]
fn plain(out: &mut Out<'_>, cell: PaddedCell<'_>, counts: &mut Counts) {
    out.array(BEFORE);
    counts.replaced += xml::text(out, cell);
    out.array(AFTER);
}

/// Whether the bytes begin with something that readers would take for an escape.
fn is_escape(bytes: &[u8]) -> bool {
    let Some(escape) = bytes.get(..ESCAPE_BYTES) else { return false };
    escape[1] == b'x' && escape[6] == b'_' && escape[2..6].iter().all(u8::is_ascii_hexdigit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(is_cut: bool) -> TextCells {
        TextCells { is_cut, lines_start: b"<c s=\"2\"".to_vec() }
    }

    fn written(text: &str) -> String {
        let mut vec = Vec::new();
        let mut out = Out::on(&mut vec);
        let mut counts = Counts::default();
        cells(true).write(&mut out, text.as_bytes().into(), &mut counts).unwrap();
        out.finish();
        let cell = String::from_utf8(vec).unwrap();
        cell.replace(" t=\"inlineStr\"><is>", "").strip_suffix("</is></c>").unwrap().to_owned()
    }

    #[test]
    fn what_looks_like_an_escape_is_escaped() {
        assert_eq!(written("a_b"), "<c<t>a_b</t>");
        assert_eq!(written("_x000D_"), "<c<t>_x005F_x000D_</t>");
        assert_eq!(written("_x000D_x000d_"), "<c<t>_x005F_x000D_x005F_x000d_</t>");
        assert_eq!(written("__x0041_<"), "<c<t>__x005F_x0041_&lt;</t>");
        assert_eq!(written("_x00G0_ _X0041_ _x004"), "<c<t>_x00G0_ _X0041_ _x004</t>");
    }

    #[test]
    fn white_ends_and_lines_are_preserved() {
        assert_eq!(written(" a"), "<c<t xml:space=\"preserve\"> a</t>");
        assert_eq!(written("a\n"), "<c s=\"2\"<t xml:space=\"preserve\">a\n</t>");
        assert_eq!(written("a  b\r\nc"), "<c s=\"2\"<t>a  b&#13;\nc</t>");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        let mut counts = Counts::default();
        let cutting = cells(true);
        let fits = "\u{1F980}".repeat(16_383) + "x";
        assert_eq!(cutting.fitted(fits.as_bytes(), &mut counts).unwrap(), fits.as_bytes());
        assert_eq!(counts.truncated, 0);
        let long = "\u{1F980}".repeat(16_384);
        let cut = cutting.fitted(long.as_bytes(), &mut counts).unwrap();
        assert_eq!((cut.len(), counts.truncated), (16_383 * 4, 1));
        match *cells(false).fitted(long.as_bytes(), &mut counts).unwrap_err() {
            CellFault::TooLong { characters, characters_max, remedy } => {
                assert_eq!((characters, characters_max), (32_768, 32_767));
                assert_eq!(remedy, "overflow=truncate");
            }
            other => panic!("{other}"),
        }
    }
}
