//! Measures how fast one thread encodes: each format, over rows like those of a shop's orders.
//!
//! `cargo run --release -p tidegate-format --example encode_speed -- [FORMAT] [OPTION=VALUE]…`
//!
//! `lines=true` adds the lines of each order, as a list of records. Rates are bytes before
//! compression; the best of several rounds counts, since a shared machine only ever adds time.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use tidegate_batch::{Column, DataType, Item, ItemField, RowBatch, Schema, Wire};
use tidegate_format::{FORMATS, Format, Layout, Options, Piece};

/// How long a format is measured.
const ROUND: Duration = Duration::from_millis(1_500);

fn main() {
    let mut only = None;
    let mut given = BTreeMap::new();
    let mut time_zone = chrono_tz::UTC;
    let mut has_lines = false;
    for argument in std::env::args().skip(1) {
        match argument.split_once('=') {
            Some(("time_zone", zone)) => time_zone = zone.parse().expect("a time zone"),
            Some(("lines", value)) => has_lines = value == "true",
            Some((option, value)) => _ = given.insert(option.to_owned(), value.to_owned()),
            None => only = Some(argument),
        }
    }
    let schema = Arc::new(orders_schema(has_lines));
    println!("{:<8} {:>10} {:>8} {:>10} {:>9}", "format", "MB/s", "ns/row", "bytes/row", "packed");
    for format in FORMATS.iter().filter(|f| only.as_deref().is_none_or(|slug| slug == f.slug())) {
        let Ok(options) = Options::check(format.options(), &given) else { continue };
        let title = "orders".to_owned();
        let layout = Layout { schema: Arc::clone(&schema), options, time_zone, title };
        measure(*format, layout);
    }
}

fn measure(format: &dyn Format, layout: Layout) {
    let has_lines = layout.schema.columns().iter().any(|column| column.slug == "lines");
    let batches: Vec<RowBatch> = (0..8_u64)
        .map(|seed| orders_batch(seed * 100_000, format.batch_bytes(), has_lines))
        .collect();
    let rows: usize = batches.iter().map(RowBatch::len).sum();
    let encoder = format.encoder(layout).expect("the schema suits every format");
    let mut piece = Piece::default();
    let (mut best, mut plain_bytes, mut packed_bytes) = (Duration::MAX, 0, 0);
    let start = Instant::now();
    while start.elapsed() < ROUND {
        (plain_bytes, packed_bytes) = (0, 0);
        let round = Instant::now();
        for batch in &batches {
            piece.clear();
            encoder.encode(batch, &mut piece).expect("the rows suit every format");
            plain_bytes += piece.plain_bytes.max(piece.bytes.len() as u64);
            packed_bytes += piece.bytes.len() as u64;
        }
        best = best.min(round.elapsed());
    }
    let seconds = best.as_secs_f64();
    println!(
        "{:<8} {:>10.0} {:>8.0} {:>10.0} {:>8.1}%",
        format.slug(),
        plain_bytes as f64 / seconds / 1e6,
        seconds * 1e9 / rows as f64,
        plain_bytes as f64 / rows as f64,
        100.0 * packed_bytes as f64 / plain_bytes as f64,
    );
}

fn orders_schema(has_lines: bool) -> Schema {
    let column = |name: &str, data_type: DataType| Column::new(name, data_type);
    let mut columns = vec![
        column("id", DataType::Integer),
        column("order_number", DataType::Text),
        column("user_id", DataType::Integer),
        column("status", DataType::Text),
        column("currency", DataType::Text),
        column("total", DataType::Decimal(Some((12, 2)))),
        column("tax", DataType::Decimal(Some((12, 2)))),
        column("email", DataType::Text),
        column("customer_name", DataType::Text),
        column("placed_at", DataType::TimestampTz),
        column("updated_at", DataType::TimestampTz),
        column("note", DataType::Text),
        column("shipping", DataType::Json),
        column("items_count", DataType::Integer),
        column("is_gift", DataType::Boolean),
    ];
    columns[12].wire = Wire::VersionedJson;
    if has_lines {
        let field = |slug: &str, data_type| ItemField { slug: slug.to_owned(), data_type };
        let item = Item::Record(vec![
            field("sku", DataType::Text),
            field("quantity", DataType::Integer),
            field("price", DataType::Decimal(Some((12, 2)))),
            field("shipped_at", DataType::TimestampTz),
        ]);
        columns.push(column("lines", DataType::List(Box::new(item))));
    }
    Schema::new(columns)
}

/// A deterministic stream of numbers (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len() as u64) as usize]
    }
}

const FIRST: &[&str] = &["Anna", "Björn", "Chloé", "Diego", "Emma", "Катя", "María", "Noah"];
const FIRST_ASCII: &[&str] = &["anna", "bjorn", "chloe", "diego", "emma", "katya", "maria", "noah"];
const LAST: &[&str] = &["Smith", "Müller", "O'Brien", "田中", "Svensson", "Kowalski", "Иванова"];
const HOSTS: &[&str] = &["example.com", "mail.example.org", "shop.example.net", "corp.example.io"];
const CITIES: &[&str] = &["Berlin", "São Paulo", "Göteborg", "Austin", "Kraków", "Osaka"];
const STATUSES: &[&str] = &["pending", "paid", "shipped", "delivered", "cancelled", "refunded"];
const CURRENCIES: &[&str] = &["USD", "EUR", "GBP", "JPY", "SEK", "BRL"];

fn orders_batch(first_id: u64, bytes: usize, has_lines: bool) -> RowBatch {
    let mut batch = RowBatch::with_capacity(bytes + 1_024);
    let mut numbers = Numbers(first_id);
    let mut id = first_id;
    while batch.bytes_len() < bytes {
        id += 1;
        put_order(&mut batch, &mut numbers, id);
        if has_lines {
            put_lines(&mut batch, &mut numbers);
        }
        batch.end_row();
    }
    batch.seal();
    batch
}

fn put_order(batch: &mut RowBatch, numbers: &mut Numbers, id: u64) {
    let user = 1 + numbers.below(900_000);
    let cents = 100 + numbers.below(250_000);
    let (first, last) = (numbers.of(FIRST), numbers.of(LAST));
    let placed_at = 599_616_000_000_000 + (id * 20 + numbers.below(20)) * 1_000_000;
    let placed_at = (placed_at + numbers.below(1_000_000)).cast_signed();
    batch.put_i64(id.cast_signed());
    batch.put_bytes(format!("ORD-{:04}-{id:09}", 2019 + id % 7).as_bytes());
    batch.put_i64(user.cast_signed());
    batch.put_bytes(numbers.of(STATUSES).as_bytes());
    batch.put_bytes(numbers.of(CURRENCIES).as_bytes());
    put_cents(batch, cents);
    put_cents(batch, cents * 19 / 100);
    let email = format!(
        "{}.{}{user}@{}",
        numbers.of(FIRST_ASCII),
        numbers.of(FIRST_ASCII),
        numbers.of(HOSTS)
    );
    batch.put_bytes(email.as_bytes());
    let name = match numbers.below(200) {
        0 | 1 => format!("{first} \"{first}\" {last}"),
        2 => format!("{last}, {first}\nc/o Reception"),
        3 => format!("{last}, {first}"),
        _ => format!("{first} {last}"),
    };
    batch.put_bytes(name.as_bytes());
    batch.put_i64(placed_at);
    match numbers.below(10) {
        0 => batch.put_null(),
        _ => batch.put_i64(placed_at + numbers.below(2_592_000_000).cast_signed() * 1_000),
    }
    match numbers.below(10) {
        0..6 => batch.put_null(),
        _ => put_note(batch, numbers, first),
    }
    let shipping = format!(
        "\u{1}{{\"zip\": \"{:05}\", \"city\": \"{}\", \"street\": \"{} {last} Street\", \
         \"country\": \"DE\"}}",
        numbers.below(100_000),
        numbers.of(CITIES),
        numbers.below(999)
    );
    batch.put_bytes(shipping.as_bytes());
    batch.put_i32(1 + numbers.below(12) as i32);
    batch.put_bool(numbers.below(17) == 0);
}

fn put_note(batch: &mut RowBatch, numbers: &mut Numbers, first: &str) {
    let desk = match numbers.below(5) {
        0 => ", or at the \"front desk\"",
        _ => " at the front desk",
    };
    let note = format!(
        "Please {:032x} leave the parcel with {first}{desk} between nine and five; {:032x} call \
         before delivery if the gate is closed and ring twice. {:032x}",
        numbers.below(u64::MAX),
        numbers.below(u64::MAX),
        numbers.below(u64::MAX)
    );
    let end = 20 + numbers.below(181) as usize;
    batch.put_bytes(&note.as_bytes()[..end]);
}

/// One to four lines, as an SQL aggregate makes them.
fn put_lines(batch: &mut RowBatch, numbers: &mut Numbers) {
    let lines = (0..=numbers.below(4)).map(|_| {
        let (sku, cents) = (numbers.below(1_000_000), numbers.below(10_000));
        format!(
            "{{\"sku\" : \"SKU-{sku:06}\", \"quantity\" : {}, \"price\" : {}.{:02}, \
             \"shipped_at\" : \"2024-0{}-11T10:20:30.{cents:06}+00:00\"}}",
            1 + numbers.below(9),
            cents / 100,
            cents % 100,
            1 + numbers.below(9)
        )
    });
    batch.put_bytes(format!("[{}]", lines.collect::<Vec<_>>().join(", ")).as_bytes());
}

/// A `numeric(12,2)` in PostgreSQL's binary form.
fn put_cents(batch: &mut RowBatch, cents: u64) {
    let whole = cents / 100;
    let mut groups = vec![(whole / 10_000) as u16, (whole % 10_000) as u16];
    groups.push((cents % 100 * 100) as u16);
    let mut weight = 1_i16;
    while groups.first() == Some(&0) {
        groups.remove(0);
        weight -= 1;
    }
    while groups.last() == Some(&0) {
        groups.pop();
    }
    let mut cell = Vec::new();
    for word in [groups.len() as u16, weight.cast_unsigned(), 0, 2].into_iter().chain(groups) {
        cell.extend(word.to_be_bytes());
    }
    batch.put_bytes(&cell);
}
