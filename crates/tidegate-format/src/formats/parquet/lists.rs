//! Builds list arrays from the JSON arrays that sources send.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer};
use tidegate_batch::{Item, ItemField, Value};

use super::{
    LABEL,
    leaf::{Leaf, Nested, record_fields},
    values::Values,
};
use crate::{
    CellFault,
    text::list::{self, ListSink},
};

/// Collects the lists of a column, or of one field of a list's records.
pub(super) struct ListBuilder {
    nested: Nested,
    items: Items,
    /// Number of items at the end of each list; the first one is before all.
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
    /// Lists that are open, this one included.
    depth: usize,
    fault: Option<CellFault>,
}

/// Items of all the lists.
enum Items {
    Scalars(Values),
    Records {
        fields: Vec<(String, Values)>,
        nulls: NullBufferBuilder,
        /// Field of the open record that takes the next value.
        open: Option<usize>,
    },
}

impl ListBuilder {
    pub(super) fn of(nested: &Nested) -> Self {
        let items = match nested {
            Nested::Scalar(leaf) => Items::Scalars(Values::of(leaf)),
            Nested::Record(fields) => Items::Records {
                fields: fields.iter().map(|(s, leaf)| (s.clone(), Values::of(leaf))).collect(),
                nulls: NullBufferBuilder::new(0),
                open: None,
            },
        };
        let nulls = NullBufferBuilder::new(0);
        Self { nested: nested.clone(), items, ends: vec![0], nulls, depth: 0, fault: None }
    }

    /// Appends the list that a cell holds.
    ///
    /// # Errors
    ///
    /// If it is not what the column declares, or the file has no place for an item.
    pub(super) fn append(&mut self, json: &[u8], item: &Item) -> Result<(), CellFault> {
        list::walk(json, item, self)?;
        self.fault.take().map_or(Ok(()), Err)
    }

    pub(super) fn append_null(&mut self) {
        self.ends.push(self.last_end());
        self.nulls.append_null();
    }

    pub(super) fn finish(mut self) -> ArrayRef {
        let items: ArrayRef = match (self.items, &self.nested) {
            (Items::Scalars(values), _) => values.finish(),
            (Items::Records { fields, mut nulls, .. }, Nested::Record(names)) => {
                let (names, records) = (record_fields(names, Leaf::physical), nulls.len());
                let arrays = fields.into_iter().map(|(_, values)| values.finish()).collect();
                Arc::new(
                    StructArray::try_new_with_length(names, arrays, nulls.finish(), records)
                        .expect("every field has a value for every record"),
                )
            }
            (Items::Records { .. }, Nested::Scalar(_)) => {
                unreachable!("records are collected only for a list of records")
            }
        };
        let ends = OffsetBuffer::new(self.ends.into());
        let field = self.nested.field(Leaf::physical);
        Arc::new(ListArray::new(field, ends, items, self.nulls.finish()))
    }

    /// Lists so far.
    pub(super) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    fn last_end(&self) -> i32 {
        self.ends.last().copied().expect("the first end is before all lists")
    }

    /// Takes the next value, at this level.
    fn target(&mut self) -> Option<&mut Values> {
        match &mut self.items {
            Items::Scalars(values) => Some(values),
            Items::Records { fields, open, .. } => open.map(|field| &mut fields[field].1),
        }
    }

    /// The list within this one that is open.
    fn inner(&mut self) -> Option<&mut Self> {
        match self.target() {
            Some(Values::List(list)) => Some(list),
            _ => None,
        }
    }

    fn fail(&mut self, fault: CellFault) {
        self.fault.get_or_insert(fault);
    }

    fn close(&mut self) {
        let items = match &self.items {
            Items::Scalars(values) => values.len(),
            Items::Records { nulls, .. } => nulls.len(),
        };
        match i32::try_from(items) {
            Ok(end) => self.ends.push(end),
            Err(_) => self.fail(CellFault::BadList { what: "2^31 items in one batch" }),
        }
        self.nulls.append_non_null();
    }
}

impl<'i> ListSink<'i> for ListBuilder {
    fn begin_list(&mut self) {
        self.depth += 1;
        if self.depth > 1 {
            match self.inner() {
                Some(list) => list.begin_list(),
                None => self.fail(CellFault::Unrepresentable {
                    format: LABEL,
                    what: "an array of more dimensions than its column declares",
                }),
            }
        }
    }

    fn end_list(&mut self) {
        self.depth -= 1;
        if self.depth == 0 {
            self.close();
        } else if let Some(list) = self.inner() {
            list.end_list();
            let fault = list.fault.take();
            self.fault = self.fault.take().or(fault);
        }
    }

    fn begin_record(&mut self) {
        if self.depth > 1 {
            self.inner().into_iter().for_each(ListSink::begin_record);
        }
    }

    fn field(&mut self, field: &'i ItemField) {
        if self.depth > 1 {
            self.inner().into_iter().for_each(|list| list.field(field));
        } else if let Items::Records { fields, open, .. } = &mut self.items {
            *open = fields.iter().position(|(slug, _)| *slug == field.slug);
        }
    }

    fn end_record(&mut self) {
        if self.depth > 1 {
            self.inner().into_iter().for_each(ListSink::end_record);
        } else if let Items::Records { nulls, open, .. } = &mut self.items {
            *open = None;
            nulls.append_non_null();
        }
    }

    fn value(&mut self, value: &Value<'_>) {
        if self.depth > 1 {
            self.inner().into_iter().for_each(|list| list.value(value));
            return;
        }
        let taken = match &mut self.items {
            // Outside a record stands only NULL, for a whole one.
            Items::Records { fields, nulls, open: None } => {
                fields.iter_mut().for_each(|(_, values)| values.append_null());
                nulls.append_null();
                Ok(())
            }
            Items::Records { fields, open: Some(field), .. } => fields[*field].1.append(value),
            Items::Scalars(values) => values.append(value),
        };
        if let Err(fault) = taken {
            self.fail(fault);
        }
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Array, cast::AsArray, types::Int64Type};
    use tidegate_batch::DataType;

    use super::*;

    fn built(item: Item, lists: &[&str]) -> Result<ListArray, CellFault> {
        let mut builder = ListBuilder::of(&Nested::of(&item));
        for list in lists {
            builder.append(list.as_bytes(), &item)?;
        }
        Ok(builder.finish().as_list().clone())
    }

    #[test]
    fn records_with_lists_in_them_keep_their_shape() {
        let field = |slug: &str, name: &str| ItemField {
            slug: slug.to_owned(),
            data_type: name.parse().unwrap(),
        };
        let item = Item::Record(vec![field("sku", "text"), field("sizes", "list(integer)")]);
        let lines = r#"[{"sku":"a","sizes":[1,null,3]},null,{"sizes":[]},{"sku":"b"}]"#;
        let lists = built(item, &["[]", lines]).unwrap();
        assert_eq!(lists.value_offsets(), [0, 0, 4]);
        let records = lists.values().as_struct();
        assert_eq!(records.null_count(), 1);
        assert_eq!(records.column(0).null_count(), 2);
        let sizes = records.column(1).as_list::<i32>();
        assert_eq!(sizes.value_offsets(), [0, 3, 3, 3, 3]);
        assert_eq!(sizes.null_count(), 2);
        let numbers: Vec<Option<i64>> = sizes.values().as_primitive::<Int64Type>().iter().collect();
        assert_eq!(numbers, [Some(1), None, Some(3)]);
    }

    #[test]
    fn a_second_dimension_that_is_not_declared_is_refused() {
        let item = Item::Scalar(DataType::Integer);
        assert!(matches!(built(item, &["[[1,2],[3]]"]), Err(CellFault::Unrepresentable { .. })));
        let item = Item::Scalar("list(integer)".parse().unwrap());
        let lists = built(item, &["[[1,2],[3]]"]).unwrap();
        assert_eq!(lists.values().as_list::<i32>().value_offsets(), [0, 2, 3]);
    }

    #[test]
    fn a_fault_deep_inside_is_not_lost() {
        let item = Item::Scalar("list(decimal(3,1))".parse().unwrap());
        assert!(built(item.clone(), &["[[1.5],[null,99.9]]"]).is_ok());
        assert!(built(item, &["[[1.5],[null,99.95]]"]).is_err());
    }
}
