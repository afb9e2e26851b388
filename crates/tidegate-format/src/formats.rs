//! The list of formats, in the order in which people are shown them.

use crate::Format;

mod csv;
mod json;
mod ndjson;
mod parquet;
mod xlsx;
mod xml;

/// Every format.
pub static FORMATS: &[&dyn Format] =
    &[&csv::Csv, &json::Json, &ndjson::Ndjson, &xml::Xml, &xlsx::Xlsx::new(), &parquet::Parquet];

/// The format of that slug.
pub fn by_slug(slug: &str) -> Option<&'static dyn Format> {
    FORMATS.iter().copied().find(|format| format.slug() == slug)
}
