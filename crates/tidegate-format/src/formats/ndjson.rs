//! NDJSON: one object a line.

use crate::{Encoder, Format, FormatError, Layout, OptionSpec, formats::json, framing::Frame};

/// One object a line.
pub(crate) struct Ndjson;

impl Format for Ndjson {
    fn slug(&self) -> &'static str {
        "ndjson"
    }

    fn label(&self) -> &'static str {
        "NDJSON"
    }

    fn media_type(&self) -> &'static str {
        "application/x-ndjson"
    }

    fn options(&self) -> &'static [OptionSpec] {
        json::OPTIONS
    }

    fn encoder(&self, layout: Layout) -> Result<Box<dyn Encoder>, FormatError> {
        json::encoder(&layout, Frame::default(), "\n")
    }
}
