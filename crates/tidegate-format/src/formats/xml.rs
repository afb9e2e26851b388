//! XML 1.0: one element a record, its fields as child tags.

use tidegate_batch::{Column, DataType, ItemField, PaddedCell, Value};

use crate::{
    CellFault, Counts, Encoder, Format, FormatError, Layout, OptionKind, OptionSpec, compress,
    flatten::{self, Node},
    framing::{Frame, TextEncoder},
    text::{
        Glue, Out, binary,
        list::{self, ListSink},
        row::{Dialect, ListCell, Place, RowPlan},
        value, xml,
        zone::ZoneOffsets,
    },
};

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

/// Tag of the items of a list in a list.
const ITEM: &str = "item";

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
        };
        plan.add(&nodes);
        let end = [&plan.pending, format!("</{record}>\n").as_bytes()].concat();
        let rows = RowPlan::new(&layout, plan.places, &end);
        let tail = format!("</{root}>\n").into_bytes();
        let head = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>\n").into_bytes();
        let frame = Frame { head, tail_without_rows: tail.clone(), tail, ..Frame::default() };
        let mut names = vec![String::new(); layout.schema.width()];
        list_names(&nodes, &mut names);
        let dialect = XmlDialect { names };
        Ok(Box::new(TextEncoder::new(rows, dialect, frame, &layout.options)))
    }
}

/// Puts together what stands around the values of a record.
struct RecordPlan<'a> {
    columns: &'a [Column],
    /// Tags that go before the next value.
    pending: Vec<u8>,
    places: Vec<Place>,
}

impl RecordPlan<'_> {
    fn add(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Branch { name, nodes } => {
                    open_tag(&mut self.pending, name, "");
                    self.add(nodes);
                    close_tag(&mut self.pending, name);
                }
                Node::Leaf { name, column } => self.add_place(name, *column),
            }
        }
    }

    fn add_place(&mut self, name: &str, column: usize) {
        let mut before = std::mem::take(&mut self.pending);
        let mut null = before.clone();
        open_tag(&mut null, name, NIL);
        let mut after = Vec::new();
        // A list writes its tag around each of its items.
        if !matches!(self.columns[column].data_type, DataType::List(_)) {
            open_tag(&mut before, name, "");
            close_tag(&mut after, name);
        }
        self.places.push(Place {
            column,
            before: Glue::new(&before),
            after: Glue::new(&after),
            null: Glue::new(&null),
            word_quote: None,
        });
    }
}

/// Gives each column the name of its leaf.
fn list_names(nodes: &[Node], names: &mut [String]) {
    for node in nodes {
        match node {
            Node::Branch { nodes, .. } => list_names(nodes, names),
            Node::Leaf { name, column } => names[*column].clone_from(name),
        }
    }
}

/// Ends the tag of a value that is NULL.
const NIL: &str = " nil=\"true\"/";

/// Ends the tag of a NULL that is the only item of its list, to tell it from a list that is NULL.
const NIL_ITEM: &str = " nil=\"true\" items=\"1\"/";

/// Tag of elements whose name is no name of XML.
const FIELD: &str = "field";

/// Writes a start tag that ends with `end`.
fn open_tag(vec: &mut Vec<u8>, name: &str, end: &str) {
    vec.push(b'<');
    if xml::is_name(name) {
        vec.extend_from_slice(name.as_bytes());
    } else {
        vec.extend_from_slice(FIELD.as_bytes());
        vec.extend_from_slice(b" name=\"");
        xml::attribute(vec, name);
        vec.push(b'"');
    }
    vec.extend_from_slice(end.as_bytes());
    vec.push(b'>');
}

fn close_tag(vec: &mut Vec<u8>, name: &str) {
    vec.extend_from_slice(b"</");
    vec.extend_from_slice(if xml::is_name(name) { name.as_bytes() } else { FIELD.as_bytes() });
    vec.push(b'>');
}

struct XmlDialect {
    /// Names of the columns' tags.
    names: Vec<String>,
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
        list: &ListCell<'_>,
        counts: &mut Counts,
    ) -> Result<(), CellFault> {
        let named = Some(self.names[list.column].as_str());
        let mut tags = ListTags { vec, zone: list.zone, named, lists: Vec::new(), replaced: 0 };
        list::walk(list.json, list.item, &mut tags)?;
        counts.replaced += tags.replaced;
        Ok(())
    }
}

/// Writes a list as repeated tags.
struct ListTags<'a> {
    vec: &'a mut Vec<u8>,
    zone: &'a ZoneOffsets,
    /// Tag of what comes next, if it does not come in a list.
    named: Option<&'a str>,
    /// Lists that are open.
    lists: Vec<OpenList<'a>>,
    replaced: u64,
}

struct OpenList<'a> {
    /// Tag of each item.
    name: &'a str,
    /// Whether the list is itself an item, with a tag around its items.
    is_item: bool,
    items: usize,
    /// Where the last item starts.
    item_at: usize,
    is_last_null: bool,
}

impl<'a> ListTags<'a> {
    /// Name of the tag around what comes next.
    fn next_name(&mut self, is_null: bool) -> &'a str {
        if let Some(name) = self.named.take() {
            return name;
        }
        let list = self.lists.last_mut().expect("values come in lists");
        list.items += 1;
        list.item_at = self.vec.len();
        list.is_last_null = is_null;
        list.name
    }
}

impl<'a> ListSink<'a> for ListTags<'a> {
    fn begin_list(&mut self) {
        let is_item = self.named.is_none();
        let name = self.next_name(false);
        if is_item {
            open_tag(self.vec, name, "");
        }
        let name = if is_item { ITEM } else { name };
        let (items, item_at, is_last_null) = (0, 0, false);
        self.lists.push(OpenList { name, is_item, items, item_at, is_last_null });
    }

    fn end_list(&mut self) {
        let list = self.lists.pop().expect("a list that ends was begun");
        if list.is_item {
            let outer = self.lists.last().expect("an item stands in a list");
            close_tag(self.vec, outer.name);
        } else if list.items == 1 && list.is_last_null {
            self.vec.truncate(list.item_at);
            open_tag(self.vec, list.name, NIL_ITEM);
        }
    }

    fn begin_record(&mut self) {
        let name = self.next_name(false);
        open_tag(self.vec, name, "");
    }

    fn field(&mut self, field: &'a ItemField) {
        self.named = Some(&field.slug);
    }

    fn end_record(&mut self) {
        let list = self.lists.last().expect("a record stands in a list");
        close_tag(self.vec, list.name);
    }

    fn value(&mut self, content: &Value<'_>) {
        let is_null = *content == Value::Null;
        let name = self.next_name(is_null);
        if is_null {
            return open_tag(self.vec, name, NIL);
        }
        open_tag(self.vec, name, "");
        match content {
            Value::Text(text) | Value::Json(text) => {
                let mut out = Out::on(self.vec);
                self.replaced += xml::text(&mut out, (*text).into());
                out.finish();
            }
            other => value::plain(self.vec, other, self.zone),
        }
        close_tag(self.vec, name);
    }
}
