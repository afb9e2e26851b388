//! Brings the NUL of a JSON document through the server.
//!
//! A `json` document may hold `\u0000`, which no text of the server's can, nor `jsonb`: to look
//! for a place in such a document would fail the statement, wherever in it the NUL is. So a mark
//! goes in its place before the document becomes `jsonb`. Where the place is JSON, the server makes
//! it `\u0000` again; where it is text, the reader makes it a NUL.

use sea_query::{Expr, ExprTrait, Func};
use tidegate_batch::DataType;
use tidegate_model::field::Origin;

use super::dialect::bind_text;
use crate::sql::{Binder, Catalog, Plan};

/// The mark, as the reader finds it. ASCII, since the database may have an encoding that has no
/// more, with control characters, since texts of people hold none.
const MARK: &[u8] = b"\x01tidegate:nul\x01";
/// The mark inside a JSON text.
const ESCAPED_MARK: &str = r"\u0001tidegate:nul\u0001";
/// NUL inside a JSON text.
const ESCAPED_NUL: &str = r"\u0000";
/// The same as a regular expression: an even number of backslashes before it are not its own.
const NUL_PATTERN: &str = r"(?<!\\)((?:\\\\)*)\\u0000";
/// What goes in its place: those backslashes and the mark.
const NUL_REPLACEMENT: &str = r"\1\\u0001tidegate:nul\\u0001";

/// A JSON text with marks for NULs.
pub(super) fn marked(document: Expr, binder: &mut Binder) -> Expr {
    let [nul, pattern, replacement, all] = [ESCAPED_NUL, NUL_PATTERN, NUL_REPLACEMENT, "g"]
        .map(|text| bind_text(text.to_owned(), binder));
    let parts = [document.cast_as("text"), nul, pattern, replacement, all];
    // Few documents hold one, and a search is quicker than an expression.
    Expr::cust_with_exprs(
        "CASE WHEN strpos($1, $2) > 0 THEN regexp_replace($1, $3, $4, $5) ELSE $1 END",
        parts,
    )
}

/// A JSON text with NULs for marks.
pub(super) fn unmarked(json: Expr, binder: &mut Binder) -> Expr {
    let [mark, nul] = [ESCAPED_MARK, ESCAPED_NUL].map(|text| bind_text(text.to_owned(), binder));
    Func::cust("replace").args([json.cast_as("text"), mark, nul]).into()
}

/// Whether documents of a column of that type may hold NULs.
pub(super) fn may_hold(native_type: &str) -> bool {
    native_type != "jsonb"
}

/// Cells of the select list that may hold marks.
pub(super) fn places(plan: &Plan<'_>, catalog: &Catalog) -> Vec<usize> {
    let is_place = |origin: &Origin, data_type: &DataType| match origin {
        Origin::JsonPath { column, .. } => {
            let column = catalog.own_column(column);
            *data_type == DataType::Text
                && column.is_some_and(|column| may_hold(&column.native_type))
        }
        Origin::Column(_) | Origin::Joined { .. } | Origin::Lines { .. } | Origin::Kind => false,
    };
    let fields = plan.fields().into_iter().enumerate();
    let places =
        fields.filter(|(_, selected)| is_place(&selected.field.origin, &selected.field.data_type));
    places.map(|(at, _)| at).collect()
}

/// The cells of a row with NULs for the marks in those places; nothing if there are none.
pub(super) fn restored(cells: &[u8], places: &[usize]) -> Option<Vec<u8>> {
    let mut restored = Vec::with_capacity(cells.len());
    let mut rest = cells;
    let mut at = 0;
    while let Some((length, after)) = rest.split_first_chunk() {
        let bytes = usize::try_from(i32::from_be_bytes(*length)).unwrap_or(0);
        // What does not add up is for the batch to refuse.
        let (cell, after) = after.split_at_checked(bytes)?;
        match places.contains(&at) && memchr::memmem::find(cell, MARK).is_some() {
            true => put_unmarked(cell, &mut restored),
            false => restored.extend_from_slice(&rest[..length.len() + bytes]),
        }
        rest = after;
        at += 1;
    }
    restored.extend_from_slice(rest);
    (restored.len() != cells.len()).then_some(restored)
}

fn put_unmarked(cell: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; size_of::<i32>()]);
    let mut rest = cell;
    while let Some(at) = memchr::memmem::find(rest, MARK) {
        out.extend_from_slice(&rest[..at]);
        out.push(0);
        rest = &rest[at + MARK.len()..];
    }
    out.extend_from_slice(rest);
    let bytes = i32::try_from(out.len() - start - size_of::<i32>());
    let bytes = bytes.expect("it is shorter than the cell that came");
    out[start..start + size_of::<i32>()].copy_from_slice(&bytes.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuple(cells: &[Option<&[u8]>]) -> Vec<u8> {
        let mut tuple = Vec::new();
        for cell in cells {
            let length = cell.map_or(-1, |cell| i32::try_from(cell.len()).unwrap());
            tuple.extend_from_slice(&length.to_be_bytes());
            tuple.extend_from_slice(cell.unwrap_or_default());
        }
        tuple
    }

    #[test]
    fn marks_become_nuls_in_their_places_only() {
        let marked: &[u8] = b"a\x01tidegate:nul\x01\x01tidegate:nul\x01b\x01";
        let cells = tuple(&[Some(marked), None, Some(marked), Some(b"")]);
        let expected = tuple(&[Some(marked), None, Some(b"a\0\0b\x01"), Some(b"")]);
        assert_eq!(restored(&cells, &[1, 2]), Some(expected));
        assert_eq!(restored(&cells, &[1, 3]), None);
        assert_eq!(restored(&cells[..cells.len() - 9], &[1, 2]), None, "cut off");
    }
}
