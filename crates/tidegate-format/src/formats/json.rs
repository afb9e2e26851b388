//! JSON: an array of objects.

use tidegate_batch::{Column, DataType, PaddedCell};

use crate::{
    CellFault, Counts, Encoder, Format, FormatError, Layout, OptionKind, OptionSpec, compress,
    flatten::{self, Node},
    framing::{Frame, TextEncoder},
    text::{
        Glue, Out, binary,
        json::{self, JsonStyle},
        list,
        row::{Dialect, ListCell, Place, RowPlan},
    },
};

/// Options of JSON, by the line or not.
pub(super) const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        slug: "numbers",
        label: "Numbers",
        help: "`string` puts integers and exact numbers in quotes, for readers that know only \
               doubles.",
        kind: OptionKind::Choice(&["number", "string"]),
        default: "number",
    },
    compress::OPTION,
];

/// An array of objects, one a record.
pub(crate) struct Json;

impl Format for Json {
    fn slug(&self) -> &'static str {
        "json"
    }

    fn label(&self) -> &'static str {
        "JSON"
    }

    fn media_type(&self) -> &'static str {
        "application/json"
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn encoder(&self, layout: Layout) -> Result<Box<dyn Encoder>, FormatError> {
        let frame = Frame {
            head: b"[\n".to_vec(),
            separator: b",\n".to_vec(),
            tail: b"\n]\n".to_vec(),
            tail_without_rows: b"]\n".to_vec(),
            counts: Counts::default(),
        };
        encoder(&layout, frame, ",\n")
    }
}

/// Encoder of objects; `end` stands behind each.
pub(super) fn encoder(
    layout: &Layout,
    frame: Frame,
    end: &str,
) -> Result<Box<dyn Encoder>, FormatError> {
    let nodes = flatten::tree(&layout.schema)?;
    let has_numbers_as_strings = layout.options.is("numbers", "string");
    let columns = layout.schema.columns();
    let mut plan =
        ObjectPlan { columns, has_numbers_as_strings, pending: "{".to_owned(), places: Vec::new() };
    plan.add(&nodes);
    let end = plan.pending + "}" + end;
    let rows = RowPlan::new(layout, plan.places, end.as_bytes());
    let dialect = JsonDialect { has_numbers_as_strings };
    Ok(Box::new(TextEncoder::new(rows, dialect, frame, &layout.options)))
}

/// Puts together what stands around the values of an object.
struct ObjectPlan<'a> {
    columns: &'a [Column],
    has_numbers_as_strings: bool,
    /// Braces and commas that go before the next value.
    pending: String,
    places: Vec<Place>,
}

impl ObjectPlan<'_> {
    fn add(&mut self, nodes: &[Node]) {
        for (index, node) in nodes.iter().enumerate() {
            if index > 0 {
                self.pending.push(',');
            }
            self.pending.push_str(&key(node.name()));
            match node {
                Node::Branch { nodes, .. } => {
                    self.pending.push('{');
                    self.add(nodes);
                    self.pending.push('}');
                }
                Node::Leaf { column, .. } => self.add_place(*column),
            }
        }
    }

    fn add_place(&mut self, column: usize) {
        let data_type = &self.columns[column].data_type;
        let is_number = matches!(data_type, DataType::Integer | DataType::Decimal(_));
        let is_quoted = !is_bare(data_type) || (is_number && self.has_numbers_as_strings);
        let quote = if is_quoted { "\"" } else { "" };
        let before = std::mem::take(&mut self.pending);
        self.places.push(Place {
            column,
            before: Glue::new(format!("{before}{quote}").as_bytes()),
            after: Glue::new(quote.as_bytes()),
            null: Glue::new(format!("{before}null").as_bytes()),
            word_quote: (!is_quoted).then_some(b'"'),
        });
    }
}

/// Whether values of the type stand without quotes.
fn is_bare(data_type: &DataType) -> bool {
    match data_type {
        DataType::Boolean
        | DataType::Integer
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal(_)
        | DataType::Json
        | DataType::List(_) => true,
        DataType::Text
        | DataType::Bytes
        | DataType::Date
        | DataType::Time
        | DataType::Timestamp
        | DataType::TimestampTz
        | DataType::Uuid
        | DataType::Interval => false,
    }
}

fn key(name: &str) -> String {
    let mut key = Vec::new();
    json::string(&mut key, name.as_bytes());
    key.push(b':');
    String::from_utf8(key).expect("escapes keep UTF-8 whole")
}

struct JsonDialect {
    has_numbers_as_strings: bool,
}

impl Dialect for JsonDialect {
    #[inline(always)]
    fn text(&self, out: &mut Out<'_>, cell: PaddedCell<'_>, _counts: &mut Counts) {
        json::text(out, cell);
    }

    #[inline(always)]
    fn document(&self, out: &mut Out<'_>, cell: PaddedCell<'_>, _counts: &mut Counts) {
        json::document(out, cell);
    }

    fn octets(&self, vec: &mut Vec<u8>, octets: &[u8], _counts: &mut Counts) {
        binary::base64(vec, octets);
    }

    fn list(
        &self,
        vec: &mut Vec<u8>,
        list: ListCell<'_>,
        _counts: &mut Counts,
    ) -> Result<(), CellFault> {
        let has_numbers_as_strings = self.has_numbers_as_strings;
        let style = JsonStyle { zone: list.zone, has_numbers_as_strings };
        list::render(vec, list.json, list.item, style)
    }
}
