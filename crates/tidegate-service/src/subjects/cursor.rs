//! Where a page of rows begins, as text that its reader cannot read.
//!
//! A place in an order is made of the values of a row: of fields that may not be on the page, and
//! that may be personal. Addresses stand in logs of proxies and in histories of browsers, so a
//! cursor is sealed, not merely signed. It holds the values and not only the key, because the row
//! may be gone by the time the next page is asked for.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tidegate_model::{
    actor::Caller,
    fault::{Fault, Faults},
    request::ExportRequest,
};
use tidegate_source::Anchor;

use crate::keys::Keys;

/// Bytes of a place at most: cursors travel in addresses, and servers bound those at 8 KiB.
const PLACE_BYTES_MAX: usize = 3_000;
/// Characters of a cursor at most.
pub(super) const CURSOR_CHARACTERS_MAX: usize = 4_096;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// Behind so many rows, of a subject without a key.
    Skip(u64),
    /// Behind a row; none is the first page.
    After(Option<Anchor>),
    /// Before a row; none is the last page.
    Before(Option<Anchor>),
}

/// Which rows a cursor belongs to: those of one question, asked by one operator.
pub(super) struct Rows(Vec<u8>);

impl Rows {
    /// The rows of a request as it was sent: a relative date means another moment with each page,
    /// and still the same question.
    pub(super) fn of(caller: &Caller, sent: &ExportRequest) -> Self {
        let question = serde_json::json!([
            "rows",
            caller.operator().map(|operator| operator.0),
            sent.subject,
            sent.kind,
            sent.scope,
            sent.time_zone,
        ]);
        Self(Sha256::digest(question.to_string()).to_vec())
    }

    /// Writes a place.
    ///
    /// # Errors
    ///
    /// If the values that the rows are sorted by are too long.
    pub(super) fn cursor(&self, keys: &Keys, place: &Place) -> Result<String, Faults> {
        let plain = serde_json::to_vec(place).expect("a place is plain JSON");
        if plain.len() > PLACE_BYTES_MAX {
            let detail = "the rows have too long values in a field of the sort to go on from them; \
                          sort by shorter ones";
            return Err(Faults(vec![Fault::new("/sort", detail)]));
        }
        Ok(BASE64_URL_SAFE_NO_PAD.encode(keys.seal(&self.0, &plain)))
    }

    /// Reads a place.
    ///
    /// # Errors
    ///
    /// If it is none of these rows.
    pub(super) fn place(&self, keys: &Keys, cursor: &str) -> Result<Place, Faults> {
        let read = || {
            if cursor.len() > CURSOR_CHARACTERS_MAX {
                return None;
            }
            let sealed = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
            serde_json::from_slice(&keys.unseal(&self.0, &sealed)?).ok()
        };
        let detail = "a cursor is the `next`, `previous` or `last` of a page with the same filter, \
                      search and sort";
        read().ok_or_else(|| Faults(vec![Fault::new("/cursor", detail)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_belongs_to_its_question_and_its_operator() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path()).unwrap();
        let asked = |sort: &str| ExportRequest {
            scope: serde_json::json!({ "sort": [sort] }),
            ..ExportRequest::new("orders", "ndjson")
        };
        let ada = Caller::upkeep("ada");
        let rows = Rows::of(&ada, &asked("id"));
        let place = Place::After(Some(Anchor(vec![Some("ada@example.com".into()), None])));
        let cursor = rows.cursor(&keys, &place).unwrap();
        assert_eq!(rows.place(&keys, &cursor).unwrap(), place);
        assert!(Rows::of(&ada, &asked("-id")).place(&keys, &cursor).is_err());
        assert!(rows.place(&keys, "Mg").is_err() && rows.place(&keys, "").is_err());
        let long = Place::After(Some(Anchor(vec![Some("x".repeat(PLACE_BYTES_MAX))])));
        assert_eq!(rows.cursor(&keys, &long).unwrap_err().0[0].pointer.to_string(), "/sort");
        let fits = Place::After(Some(Anchor(vec![Some("x".repeat(PLACE_BYTES_MAX - 20))])));
        assert!(rows.cursor(&keys, &fits).unwrap().len() <= CURSOR_CHARACTERS_MAX);
    }
}
