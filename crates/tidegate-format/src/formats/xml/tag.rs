//! The tags of one name, put together before the first row.

use crate::text::xml;

/// Tag of elements whose name is no name of XML.
const FIELD: &str = "field";

/// The tags of an element.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    /// Before a value.
    pub(super) open: Vec<u8>,
    /// Behind a value.
    pub(super) close: Vec<u8>,
    /// Instead of NULL.
    pub(super) nil: Vec<u8>,
    /// Instead of a NULL that is the only item of its list, to tell it from a list that is NULL.
    pub(super) nil_item: Vec<u8>,
}

impl Tag {
    /// Tags of that name; one that is no name of XML becomes an attribute.
    pub(super) fn new(name: &str) -> Self {
        let mut start = b"<".to_vec();
        let element = if xml::is_name(name) { name } else { FIELD };
        start.extend_from_slice(element.as_bytes());
        if !xml::is_name(name) {
            start.extend_from_slice(b" name=\"");
            xml::attribute(&mut start, name);
            start.push(b'"');
        }
        let tag = |end: &str| [&start, end.as_bytes()].concat();
        Self {
            open: tag(">"),
            close: format!("</{element}>").into_bytes(),
            nil: tag(" nil=\"true\"/>"),
            nil_item: tag(" nil=\"true\" items=\"1\"/>"),
        }
    }
}
