//! Encodes batches into row groups, each of which stands alone until it is placed.

use std::{collections::HashSet, io, sync::Arc};

use arrow_array::{
    Array, ArrayRef,
    cast::AsArray,
    types::{Float32Type, Float64Type},
};
use arrow_schema::{DataType as Arrow, Field, Schema as ArrowSchema};
use parquet::{
    arrow::{
        ArrowSchemaConverter,
        arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, compute_leaves},
    },
    basic::{Compression, Encoding, Type as PhysicalType, ZstdLevel},
    errors::ParquetError,
    file::{
        properties::{EnabledStatistics, WriterProperties, WriterPropertiesPtr},
        writer::SerializedFileWriter,
    },
    schema::types::{SchemaDescriptor, TypePtr},
};
use tidegate_batch::{RowBatch, Schema};

use super::{
    columns::BatchColumns,
    leaf::Leaf,
    tree::{Slot, Tree},
};
use crate::CellError;

/// Level 1 takes half the time of level 3 and makes files 3 % larger.
const ZSTD_LEVEL: i32 = 1;
/// Values of a column that are looked at to see whether they repeat.
const SAMPLE_VALUES: usize = 1_024;
/// A dictionary pays when each of its entries is used at least this often.
const USES_MIN: usize = 2;

/// Rows of a group. Narrow tables have more rows in a batch; cursors and levels, 32 bytes a row,
/// would then weigh more than the cells.
const ROWS_MAX: usize = 1 << 17;

/// An encoded row group: its column chunks, in the order of the schema's leaves.
pub(super) struct RowGroup(pub(super) Vec<ArrowColumnChunk>);

/// Schema and properties of the file.
#[derive(Clone)]
pub(super) struct FileShape {
    pub(super) schema: TypePtr,
    pub(super) properties: WriterPropertiesPtr,
}

/// Encodes batches; shared by all threads.
pub(super) struct RowGroupEncoder {
    schema: Arc<Schema>,
    /// One for each visible column, in the batch's order.
    slots: Vec<SlotEncoder>,
    /// Leaves of the file.
    leaves: usize,
}

impl RowGroupEncoder {
    pub(super) fn of(schema: Arc<Schema>, tree: Tree) -> Result<(Self, FileShape), ParquetError> {
        let shape = FileShape::of(&tree.schema, false)?;
        let mut leaves = 0;
        let mut slots = Vec::with_capacity(tree.slots.len());
        for slot in tree.slots {
            let first = leaves;
            leaves += slot.leaf.columns();
            slots.push((slot.column, SlotEncoder::of(slot, first)?));
        }
        slots.sort_unstable_by_key(|(column, _)| *column);
        let slots = slots.into_iter().map(|(_, slot)| slot).collect();
        Ok((Self { schema, slots, leaves }, shape))
    }

    /// Encodes a batch, group after group and column after column, so that one array is held at a
    /// time.
    ///
    /// # Errors
    ///
    /// The outer one if the file has no place for a value, the inner one if the library fails.
    pub(super) fn encode(
        &self,
        batch: &RowBatch,
    ) -> Result<Result<Vec<RowGroup>, ParquetError>, CellError> {
        let mut batch = BatchColumns::of(batch, self.schema.columns());
        let mut groups = Vec::new();
        while let Some(mut columns) = batch.next_rows(ROWS_MAX) {
            let mut chunks: Vec<_> = (0..self.leaves).map(|_| None).collect();
            for slot in &self.slots {
                let array = columns.next_array(&slot.leaf)?;
                if let Err(error) = slot.encode(&array, &mut chunks[slot.first..]) {
                    return Ok(Err(error));
                }
            }
            let chunks = chunks.into_iter().map(|chunk| chunk.expect("each leaf was encoded"));
            groups.push(RowGroup(chunks.collect()));
        }
        Ok(Ok(groups))
    }
}

impl FileShape {
    fn of(arrow: &ArrowSchema, has_dictionary: bool) -> Result<Self, ParquetError> {
        let descriptor = ArrowSchemaConverter::new().schema_root("schema").convert(arrow)?;
        Ok(Self {
            schema: descriptor.root_schema_ptr(),
            properties: Arc::new(properties(&descriptor, has_dictionary)),
        })
    }
}

/// Encodes one column.
///
/// It has factories of its own: those of the whole file would make the writers of all columns at
/// once, a megabyte each.
struct SlotEncoder {
    leaf: Leaf,
    field: Field,
    /// First of the column's leaves in the file.
    first: usize,
    with_dictionary: ArrowRowGroupWriterFactory,
    without_dictionary: ArrowRowGroupWriterFactory,
}

impl SlotEncoder {
    fn of(slot: Slot, first: usize) -> Result<Self, ParquetError> {
        let field = Field::new("column", slot.leaf.physical(), true);
        let arrow = Arc::new(ArrowSchema::new(vec![field.clone()]));
        let factory = |has_dictionary| -> Result<_, ParquetError> {
            let FileShape { schema, properties } = FileShape::of(&slot.schema, has_dictionary)?;
            // Only a file's writer makes a factory; this file is thrown away.
            let file = SerializedFileWriter::new(io::sink(), schema, properties)?;
            Ok(ArrowRowGroupWriterFactory::new(&file, Arc::clone(&arrow)))
        };
        Ok(Self {
            with_dictionary: factory(true)?,
            without_dictionary: factory(false)?,
            leaf: slot.leaf,
            field,
            first,
        })
    }

    fn encode(
        &self,
        array: &ArrayRef,
        chunks: &mut [Option<ArrowColumnChunk>],
    ) -> Result<(), ParquetError> {
        let factory = if repeats(array) { &self.with_dictionary } else { &self.without_dictionary };
        let writers = factory.create_column_writers(0)?;
        let leaves = compute_leaves(&self.field, array)?;
        for ((mut writer, leaf), chunk) in writers.into_iter().zip(leaves).zip(chunks) {
            writer.write(&leaf)?;
            *chunk = Some(writer.close()?);
        }
        Ok(())
    }
}

fn properties(descriptor: &SchemaDescriptor, has_dictionary: bool) -> WriterProperties {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("a level that zstd has");
    let mut builder = WriterProperties::builder()
        .set_created_by(format!("tidegate version {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(level))
        .set_dictionary_enabled(has_dictionary)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_offset_index_disabled(true)
        // A row group is small: one page a column, unless it is large in bytes.
        .set_data_page_row_count_limit(usize::MAX);
    for column in descriptor.columns() {
        if matches!(column.physical_type(), PhysicalType::INT32 | PhysicalType::INT64) {
            // Keys, times and amounts: differences pack smaller than a dictionary or zstd alone.
            builder = builder
                .set_column_dictionary_enabled(column.path().clone(), false)
                .set_column_encoding(column.path().clone(), Encoding::DELTA_BINARY_PACKED);
        }
    }
    builder.build()
}

/// Whether the first values of the array repeat often enough for a dictionary.
fn repeats(array: &ArrayRef) -> bool {
    match array.data_type() {
        Arrow::LargeBinary => is_repetitive(array.as_binary::<i64>().iter()),
        Arrow::Float32 => is_repetitive(
            array.as_primitive::<Float32Type>().iter().map(|value| value.map(f32::to_bits)),
        ),
        Arrow::Float64 => is_repetitive(
            array.as_primitive::<Float64Type>().iter().map(|value| value.map(f64::to_bits)),
        ),
        // The items of lists are mostly few products, tags or states.
        Arrow::List(_) => true,
        _ => false,
    }
}

fn is_repetitive<T: std::hash::Hash + Eq>(values: impl Iterator<Item = Option<T>>) -> bool {
    let mut seen = 0;
    let distinct: HashSet<T> =
        values.flatten().take(SAMPLE_VALUES).inspect(|_| seen += 1).collect();
    distinct.len() * USES_MIN <= seen
}
