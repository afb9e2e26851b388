//! Lists in XML: the field's tag once for each item, child tags for the fields of records.

use tidegate_batch::{Item, ItemField, Value};

use super::tag::Tag;
use crate::{
    CellFault,
    text::{
        Out,
        list::{self, ListSink},
        row::ListCell,
        value, xml,
        zone::ZoneOffsets,
    },
};

/// Name of the items of a list in a list.
const ITEM: &str = "item";

/// The tags of a column that holds lists.
#[derive(Clone, Debug)]
pub(super) struct ListPlan {
    /// Around each item.
    item: Tag,
    /// Around each item of an item that is itself a list.
    inner_item: Tag,
    /// Around the fields of records, in their order.
    fields: Vec<Tag>,
}

impl ListPlan {
    /// The tags of lists under this name.
    pub(super) fn new(name: &str, item: &Item) -> Self {
        let fields = match item {
            Item::Scalar(_) => Vec::new(),
            Item::Record(fields) => fields.iter().map(|field| Tag::new(&field.slug)).collect(),
        };
        Self { item: Tag::new(name), inner_item: Tag::new(ITEM), fields }
    }

    /// Writes a list; gives back how many forbidden characters were replaced.
    ///
    /// # Errors
    ///
    /// If an item is not what the column declares.
    pub(super) fn write(&self, vec: &mut Vec<u8>, list: &ListCell<'_>) -> Result<u64, CellFault> {
        let mut tags = ListTags {
            vec,
            zone: list.zone,
            plan: self,
            next_field: 0,
            named: Some(&self.item),
            lists: Vec::new(),
            replaced: 0,
        };
        list::walk(list.json, list.item, &mut tags)?;
        Ok(tags.replaced)
    }
}

/// Writes a list as repeated tags.
struct ListTags<'a> {
    vec: &'a mut Vec<u8>,
    zone: &'a ZoneOffsets,
    plan: &'a ListPlan,
    /// Place of the record's field that comes next.
    next_field: usize,
    /// Tag of what comes next, if that is no item of a list.
    named: Option<&'a Tag>,
    /// Lists that are open.
    lists: Vec<OpenList<'a>>,
    replaced: u64,
}

struct OpenList<'a> {
    /// Around each item.
    tag: &'a Tag,
    /// Whether the list is itself an item, with a tag around its items.
    is_item: bool,
    items: usize,
    /// Where the last item starts.
    item_at: usize,
    is_last_null: bool,
}

impl<'a> ListTags<'a> {
    /// Tag around what comes next.
    fn next_tag(&mut self, is_null: bool) -> &'a Tag {
        if let Some(tag) = self.named.take() {
            return tag;
        }
        let list = self.lists.last_mut().expect("values come in lists");
        list.items += 1;
        list.item_at = self.vec.len();
        list.is_last_null = is_null;
        list.tag
    }

    fn close_item(&mut self) {
        let list = self.lists.last().expect("an item stands in a list");
        self.vec.extend_from_slice(&list.tag.close);
    }
}

impl<'a> ListSink<'a> for ListTags<'a> {
    fn begin_list(&mut self) {
        let is_item = self.named.is_none();
        let mut tag = self.next_tag(false);
        if is_item {
            self.vec.extend_from_slice(&tag.open);
            tag = &self.plan.inner_item;
        }
        let (items, item_at, is_last_null) = (0, 0, false);
        self.lists.push(OpenList { tag, is_item, items, item_at, is_last_null });
    }

    fn end_list(&mut self) {
        let list = self.lists.pop().expect("a list that ends was begun");
        if list.is_item {
            self.close_item();
        } else if list.items == 1 && list.is_last_null {
            self.vec.truncate(list.item_at);
            self.vec.extend_from_slice(&list.tag.nil_item);
        }
    }

    fn begin_record(&mut self) {
        let tag = self.next_tag(false);
        self.vec.extend_from_slice(&tag.open);
        self.next_field = 0;
    }

    fn field(&mut self, _field: &'a ItemField) {
        self.named = self.plan.fields.get(self.next_field);
        self.next_field += 1;
    }

    fn end_record(&mut self) {
        self.close_item();
    }

    fn value(&mut self, content: &Value<'_>) {
        let is_null = *content == Value::Null;
        let tag = self.next_tag(is_null);
        if is_null {
            return self.vec.extend_from_slice(&tag.nil);
        }
        self.vec.extend_from_slice(&tag.open);
        match content {
            Value::Text(text) | Value::Json(text) => {
                let mut out = Out::on(self.vec);
                self.replaced += xml::text(&mut out, (*text).into());
                out.finish();
            }
            other => value::plain(self.vec, other, self.zone),
        }
        self.vec.extend_from_slice(&tag.close);
    }
}
