//! Reads a table with several readers and throws the rows away: what a source alone costs.
//!
//! `drain URL TABLE [READERS] [BATCH_BYTES]`

use std::{
    error::Error,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Instant,
};

use tidegate_batch::RowBatch;
use tidegate_model::{
    catalog::{Relation, TableName},
    field::{Field, Origin},
    query::{Predicate, Query, Selected},
};
use tidegate_source::{Interrupt, SourceSettings, StreamOptions, connect};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("drain URL TABLE [READERS] [BATCH_BYTES]")?;
    let table = TableName::parse(&arguments.next().ok_or("no table")?);
    let readers = arguments.next().map_or(Ok(4), |text| text.parse())?;
    let batch_bytes = arguments.next().map_or(Ok(512 << 10), |text| text.parse())?;
    let source = connect(SourceSettings::new("drain", url))?;
    let relation = Relation::Table(table);
    let fields = source.describe(&relation)?.columns.into_iter().map(|column| {
        Field::new(column.name.clone(), column.data_type, Origin::Column(column.name))
    });
    let query = Query {
        relation,
        fields: fields.map(|field| Selected { field, alias: None, is_hidden: false }).collect(),
        key: Vec::new(),
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    };
    let began = Instant::now();
    let options = StreamOptions {
        application: "tidegate/drain".to_owned(),
        readers,
        batch_bytes,
        cell_bytes_max: 64 << 20,
        interrupt: Interrupt::default(),
    };
    let stream = source.stream(&query, &options)?;
    let (rows, bytes, chunks) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let used = stream.readers.len();
    std::thread::scope(|scope| {
        for mut reader in stream.readers {
            let (rows, bytes, chunks) = (&rows, &bytes, &chunks);
            scope.spawn(move || {
                let mut batch = RowBatch::with_capacity(batch_bytes);
                while let Some(ticket) = reader.read(&mut batch).expect("the table can be read") {
                    rows.fetch_add(batch.len() as u64, Relaxed);
                    bytes.fetch_add(batch.bytes_len() as u64, Relaxed);
                    chunks.fetch_add(u64::from(ticket.is_last), Relaxed);
                    batch.clear(batch_bytes);
                }
            });
        }
    });
    let seconds = began.elapsed().as_secs_f64();
    let (rows, bytes) = (rows.into_inner(), bytes.into_inner());
    #[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
    let each = seconds * 1e9 / rows.max(1) as f64;
    println!(
        "{rows} rows, {bytes} bytes, {} chunks, {used} readers: {seconds:.3} s, {each:.0} ns a row",
        chunks.into_inner()
    );
    Ok(())
}
