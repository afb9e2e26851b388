//! Text files read by readers that others wrote, as one string a cell.

use std::collections::BTreeMap;

use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};
use serde_json::value::RawValue;

/// A cell as it stands in a file; `None` is NULL.
pub(crate) type Read = Option<String>;

/// Rows of a CSV file with a header; the reader cannot tell NULL from an empty string.
pub(crate) fn csv_rows(bytes: &[u8], delimiter: u8) -> (Vec<String>, Vec<Vec<Read>>) {
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).from_reader(bytes);
    let names = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let cells = |record: csv::StringRecord| {
        record.iter().map(|cell| (!cell.is_empty()).then(|| cell.to_owned())).collect()
    };
    (names, reader.records().map(|record| cells(record.unwrap())).collect())
}

/// Rows of a JSON array or of lines, the cells at the given dotted paths.
pub(crate) fn json_rows(bytes: &[u8], is_lines: bool, paths: &[&str]) -> Vec<Vec<Read>> {
    let text = std::str::from_utf8(bytes).unwrap();
    let records: Vec<&RawValue> = match is_lines {
        true => text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
        false => serde_json::from_str(text).unwrap(),
    };
    let cells = |record: &RawValue| {
        paths.iter().map(|path| json_cell(&json_at(record.get(), path))).collect()
    };
    records.into_iter().map(cells).collect()
}

/// The JSON text at a dotted path.
fn json_at(record: &str, path: &str) -> String {
    path.split('.').fold(record.to_owned(), |text, name| {
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&text).unwrap();
        members[name].get().to_owned()
    })
}

/// A string without its quotes, anything else as it stands.
fn json_cell(text: &str) -> Read {
    match text.as_bytes()[0] {
        b'n' => None,
        b'"' => Some(serde_json::from_str(text).unwrap()),
        _ => Some(text.to_owned()),
    }
}

/// An XML element.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The root of a document.
    pub(crate) fn root(bytes: &[u8]) -> Self {
        let mut reader = Reader::from_reader(bytes);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().unwrap() {
                Event::Start(tag) => open.push(Self::of(&tag)),
                Event::Empty(tag) => open.last_mut().unwrap().children.push(Self::of(&tag)),
                Event::End(_) => {
                    let element = open.pop().unwrap();
                    open.last_mut().unwrap().children.push(element);
                }
                Event::Text(text) => {
                    open.last_mut().unwrap().text.push_str(&text.xml10_content());
                }
                Event::GeneralRef(reference) => {
                    let name = reference.to_string();
                    let text =
                        quick_xml::escape::unescape(&format!("&{name};")).unwrap().into_owned();
                    open.last_mut().unwrap().text.push_str(&text);
                }
                Event::Eof => break,
                Event::Decl(_) => {}
                other => panic!("{other:?} was not expected"),
            }
        }
        assert_eq!(open.len(), 1);
        let mut document = open.pop().unwrap();
        assert_eq!(document.children.len(), 1);
        document.children.pop().unwrap()
    }

    fn of(tag: &BytesStart<'_>) -> Self {
        let attribute = |attribute: quick_xml::events::attributes::Attribute<'_>| {
            let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).unwrap();
            (attribute.key.as_ref().to_owned(), value.into_owned())
        };
        Self {
            name: tag.name().as_ref().to_owned(),
            attributes: tag.attributes().map(|found| attribute(found.unwrap())).collect(),
            ..Self::default()
        }
    }

    /// The children with this name, or with it as an attribute where it is no name of XML.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| {
            child.name == name || child.attributes.get("name").is_some_and(|found| found == name)
        })
    }

    /// The one child with this name.
    pub(crate) fn child<'a>(&'a self, name: &'a str) -> &'a Self {
        let mut found = self.named(name);
        let child = found.next().unwrap_or_else(|| panic!("no <{name}> in {self:?}"));
        assert!(found.next().is_none(), "more than one <{name}>");
        child
    }

    /// Its text, unless it is nil.
    pub(crate) fn value(&self) -> Read {
        let is_nil = self.attributes.get("nil").is_some_and(|nil| nil == "true");
        (!is_nil).then(|| self.text.clone())
    }
}

/// Rows of an XML file, the cells at the given dotted paths; lists are written as JSON again.
pub(crate) fn xml_rows(bytes: &[u8], paths: &[&str], is_list: &[bool]) -> Vec<Vec<Read>> {
    let cell = |record: &Element, path: &str, is_list: bool| {
        let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
        let parents = parents.split('.').filter(|part| !part.is_empty());
        let parent = parents.fold(record, |element, part| element.child(part));
        if !is_list {
            return parent.child(name).value();
        }
        let items: Vec<&Element> = parent.named(name).collect();
        let is_null =
            |item: &Element| item.value().is_none() && !item.attributes.contains_key("items");
        if items.len() == 1 && is_null(items[0]) {
            return None;
        }
        let items: Vec<String> =
            items.iter().map(|item| item.value().unwrap_or_else(|| "null".to_owned())).collect();
        Some(format!("[{}]", items.join(",")))
    };
    let root = Element::root(bytes);
    let cells = |record: &Element| {
        paths.iter().zip(is_list).map(|(path, is_list)| cell(record, path, *is_list)).collect()
    };
    root.children.iter().map(cells).collect()
}
