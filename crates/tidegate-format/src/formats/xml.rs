//! XML 1.0: one element a record, its fields as child tags.

use tidegate_batch::{Column, DataType, PaddedCell};

use crate::{
    CellFault, Counts, Encoder, Format, FormatError, Layout, OptionKind, OptionSpec, compress,
    flatten::{self, Node},
    framing::{Frame, TextEncoder},
    text::{
        Glue, Out, binary,
        row::{Dialect, ListCell, Place, RowPlan},
        xml,
    },
};

use lists::ListPlan;
use tag::Tag;

mod lists;
mod tag;

const OPTIONS: &[OptionSpec] = &[
    OptionSpec {
        slug: "root",
        label: "Root element",
        help: "Tag around all records; the subject's name if empty.",
        kind: OptionKind::XmlName,
        default: "",
    },
    OptionSpec {
        slug: "record",
        label: "Record element",
        help: "Tag around each record.",
        kind: OptionKind::XmlName,
        default: "record",
    },
    compress::OPTION,
];

/// Root tag where the subject's name is no XML name.
const ROOT: &str = "records";

/// Record tag where the option is empty.
const RECORD: &str = "record";

/// One element a record.
pub(crate) struct Xml;

impl Format for Xml {
    fn slug(&self) -> &'static str {
        "xml"
    }

    fn label(&self) -> &'static str {
        "XML"
    }

    fn media_type(&self) -> &'static str {
        "application/xml"
    }

    fn options(&self) -> &'static [OptionSpec] {
        OPTIONS
    }

    fn encoder(&self, layout: Layout) -> Result<Box<dyn Encoder>, FormatError> {
        let nodes = flatten::tree(&layout.schema)?;
        let titles = [layout.options.text("root"), &layout.title, ROOT];
        let root = titles.into_iter().find(|name| xml::is_name(name)).expect("the last one is");
        let record = match layout.options.text("record") {
            "" => RECORD,
            name => name,
        };
        let mut plan = RecordPlan {
            columns: layout.schema.columns(),
            pending: format!("<{record}>").into_bytes(),
            places: Vec::new(),
            lists: vec![None; layout.schema.width()],
        };
        plan.add(&nodes);
        let end = [&plan.pending, format!("</{record}>\n").as_bytes()].concat();
        let dialect = XmlDialect { lists: plan.lists };
        let rows = RowPlan::new(&layout, plan.places, &end);
        let tail = format!("</{root}>\n").into_bytes();
        let head = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>\n").into_bytes();
        let frame = Frame { head, tail_without_rows: tail.clone(), tail, ..Frame::default() };
        Ok(Box::new(TextEncoder::new(rows, dialect, frame, &layout.options)))
    }
}

/// Puts together what stands around the values of a record.
struct RecordPlan<'a> {
    columns: &'a [Column],
    /// Tags that go before the next value.
    pending: Vec<u8>,
    places: Vec<Place>,
    /// Tags of the columns that hold lists.
    lists: Vec<Option<ListPlan>>,
}

impl RecordPlan<'_> {
    fn add(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Branch { name, nodes } => {
                    let tag = Tag::new(name);
                    self.pending.extend_from_slice(&tag.open);
                    self.add(nodes);
                    self.pending.extend_from_slice(&tag.close);
                }
                Node::Leaf { name, column } => self.add_place(name, *column),
            }
        }
    }

    fn add_place(&mut self, name: &str, column: usize) {
        let tag = Tag::new(name);
        let before = std::mem::take(&mut self.pending);
        let null = Glue::new(&[&before, &tag.nil].map(Vec::as_slice).concat());
        let (open, close): (&[u8], &[u8]) = match &self.columns[column].data_type {
            DataType::List(item) => {
                // A list writes its tag around each of its items.
                self.lists[column] = Some(ListPlan::new(name, item));
                (b"", b"")
            }
            _ => (&tag.open, &tag.close),
        };
        let (before, after) = (Glue::new(&[&before, open].concat()), Glue::new(close));
        self.places.push(Place { column, before, after, null, word_quote: None });
    }
}

struct XmlDialect {
    /// Tags of the columns that hold lists.
    lists: Vec<Option<ListPlan>>,
}

impl Dialect for XmlDialect {
    #[inline(always)]
    fn text(&self, out: &mut Out<'_>, cell: PaddedCell<'_>, counts: &mut Counts) {
        counts.replaced += xml::text(out, cell);
    }

    #[inline(always)]
    fn document(&self, out: &mut Out<'_>, cell: PaddedCell<'_>, counts: &mut Counts) {
        counts.replaced += xml::text(out, cell);
    }

    fn octets(&self, vec: &mut Vec<u8>, octets: &[u8], _counts: &mut Counts) {
        binary::base64(vec, octets);
    }

    fn list(
        &self,
        vec: &mut Vec<u8>,
        list: ListCell<'_>,
        counts: &mut Counts,
    ) -> Result<(), CellFault> {
        let plan = self.lists[list.column].as_ref().expect("every column of lists has a plan");
        counts.replaced += plan.write(vec, &list)?;
        Ok(())
    }
}
