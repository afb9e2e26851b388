//! Order lines as a list, joined fields, nested names and paths into JSON, by configuration.

use std::collections::BTreeMap;

use tidegate_format::FORMATS;

use super::{
    cell::Cell,
    check::{Check, Content, compare},
    client::{Client, Maria, Psql, Sqlite},
    rule::{expected, expected_records, text_of_hex},
};

/// The records of a list: names and types.
const ITEMS: &[(&str, &str)] = &[
    ("sku", "text"),
    ("quantity", "integer"),
    ("price", "decimal(12,2)"),
    ("note", "text"),
    ("sent", "timestamptz"),
];

/// Fields of the file, and what they are.
const FIELDS: &[(&str, &str)] = &[
    ("id", "integer"),
    ("total", "decimal(12,2)"),
    ("customer.name", "text"),
    ("customer.address.city", "text"),
    ("shipping.city", "text"),
    ("shipping.floor", "integer"),
];

/// The same with the list behind them.
const NAMES: &[&str] = &[
    "id",
    "total",
    "customer.name",
    "customer.address.city",
    "shipping.city",
    "shipping.floor",
    "lines[]",
];

const CONFIGURATION: &str = r#"
[[subjects]]
slug = "orders"
source = "shop"
table = "orders"
key = "id"
fields = [
  "id",
  "total",
  { slug = "customer.name", relation = "customer", column = "Name" },
  { slug = "customer.address.city", relation = "customer", column = "city" },
  { slug = "shipping.city", column = "shipping", path = "to.city" },
  { slug = "shipping.floor", column = "shipping", path = ["to", "floor"], type = "integer" },
  { slug = "lines", relation = "lines", items = ["sku", { slug = "quantity", column = "Qty" }, "price", "note", "sent"] },
]

[[subjects.relations]]
name = "customer"
table = "Customers"
on = { customer_id = "Id" }

[[subjects.relations]]
name = "lines"
table = "Order Lines"
on = { id = "order_id" }
many = true
order = "line no"
"#;

/// What differs between the sources.
struct Dialect {
    text: &'static str,
    /// Prints a price with two digits behind the point.
    price: &'static str,
    city: &'static str,
    floor: &'static str,
}

/// Orders with several lines, with one, and with none; with a customer and without.
fn fill(client: &dyn Client, dialect: &Dialect) {
    let (customers, lines) = (client.quoted("Customers"), client.quoted("Order Lines"));
    let quoted = |name: &str| client.quoted(name);
    let (id, name, qty, line) = (quoted("Id"), quoted("Name"), quoted("Qty"), quoted("line no"));
    let (text, json, instant) = (dialect.text, client.json_type(), client.instant_type());
    client.execute(&format!(
        "create table {customers} ({id} integer primary key, {name} {text}, city {text});
         create table orders (id integer primary key, total decimal(12,2), customer_id integer,
                              shipping {json});
         create table {lines} (order_id integer, {line} integer, sku {text}, {qty} integer,
                               price decimal(12,2), note {text}, sent {instant},
                               primary key (order_id, {line}));"
    ));
    let odd = client.literal("Ada \"the\" first,\r\n<&> 日本 🦀");
    let note = client.literal("a\tb\\ \"c\" ]]> \u{1}");
    client.execute(&format!(
        "insert into {customers} values (1, {odd}, 'Łódź'), (2, '', null);
         insert into orders values
           (1, 9999999999.99, 1, '{{\"to\": {{\"city\": \"Praha \\u2603\", \"floor\": 3}}}}'),
           (2, -0.5, 2, '{{\"to\": {{\"city\": null}}}}'),
           (3, null, null, null),
           (4, 1, 1, '{{}}');
         insert into {lines} values
           (1, 2, 'b', 2, 19.5, null, '2026-03-29 01:00:00'),
           (1, 1, 'a', 1, 0.1, {note}, '2024-02-29 12:00:00.123456'),
           (1, 10, null, null, null, null, null),
           (2, 1, '', -1, -9999999999.99, '=1+1', null);"
    ));
}

/// The records in a file.
struct Records {
    /// Texts of the fields, by key.
    rows: BTreeMap<String, Vec<Option<String>>>,
    /// Texts of the lines, by key of their order.
    lines: BTreeMap<String, Vec<Vec<Option<String>>>>,
}

impl Records {
    fn ask(client: &dyn Client, dialect: &Dialect) -> Self {
        let quoted = |name: &str| client.quoted(name);
        let hex = |text: &str| {
            format!("case when {text} is null then null else {} end", client.hex(text))
        };
        let (name, city) = (hex(&format!("c.{}", quoted("Name"))), hex("c.city"));
        let query = format!(
            "select o.id, {}, {name}, {city}, {}, {} from orders o left join {} c on c.{} = o.customer_id",
            dialect.price.replace("{}", "total"),
            hex(dialect.city),
            dialect.floor,
            quoted("Customers"),
            quoted("Id"),
        );
        let row = |row: Vec<Option<String>>| {
            let cell = |(at, cell): (usize, &Option<String>)| match FIELDS[at].1 {
                "text" => cell.as_deref().map(text_of_hex),
                _ => cell.clone(),
            };
            (row[0].clone().unwrap(), row.iter().enumerate().map(cell).collect())
        };
        let rows = client.cells(&query).into_iter().map(row).collect();
        let query = format!(
            "select order_id, {}, {}, {}, {}, sent from {} order by order_id, {}",
            hex("sku"),
            quoted("Qty"),
            dialect.price.replace("{}", "price"),
            hex("note"),
            quoted("Order Lines"),
            quoted("line no"),
        );
        let mut lines = BTreeMap::<String, Vec<Vec<Option<String>>>>::new();
        for line in client.cells(&query) {
            let cell = |(at, cell): (usize, &Option<String>)| match ITEMS[at].1 {
                "text" => cell.as_deref().map(text_of_hex),
                _ => cell.clone(),
            };
            let cells = line[1..].iter().enumerate().map(cell).collect();
            lines.entry(line[0].clone().unwrap()).or_default().push(cells);
        }
        Self { rows, lines }
    }

    fn row(&self, key: &str, format: &str, reader: &str) -> Vec<Cell> {
        let cell = |((_, data_type), text): (&(&str, &str), &Option<String>)| {
            expected(&data_type.parse().unwrap(), text.as_deref(), format, reader).unwrap()
        };
        let mut cells: Vec<Cell> = FIELDS.iter().zip(&self.rows[key]).map(cell).collect();
        let lines = self.lines.get(key).map_or(&[][..], Vec::as_slice);
        cells.push(expected_records(ITEMS, lines, format, reader).unwrap());
        cells
    }
}

fn hold(client: impl Client + 'static, dialect: &Dialect) {
    let check = Check::new(client);
    fill(&*check.client, dialect);
    let records = Records::ask(&*check.client, dialect);
    assert_eq!((records.rows.len(), records.lines.len()), (4, 2));
    let url = format!("[sources.shop]\nurl = {:?}\n", check.client.url());
    std::fs::write(check.folder().join("tidegate.toml"), url + CONFIGURATION).unwrap();
    for format in FORMATS {
        let slug = format.slug();
        let file = check.export(slug, &["orders"]);
        let rows = |reader: &str| {
            let row = |key: &String| (key.clone(), records.row(key, slug, reader));
            records.rows.keys().map(row).collect()
        };
        let what = format!("{} as {slug}", check.client.name());
        compare(&what, &file, &Content { names: NAMES, rows: &rows });
    }
}

#[test]
fn lists_and_joined_fields_of_sqlite_are_read_back_from_every_format() {
    let dialect = Dialect {
        text: "text",
        price: "case when {} is null then null else printf('%.2f', {}) end",
        city: "json_extract(shipping, '$.to.city')",
        floor: "json_extract(shipping, '$.to.floor')",
    };
    hold(Sqlite::new(), &dialect);
}

#[test]
fn lists_and_joined_fields_of_mariadb_are_read_back_from_every_format() {
    let dialect = Dialect {
        text: "varchar(200) character set utf8mb4",
        price: "{}",
        city: "json_value(shipping, '$.to.city')",
        floor: "json_value(shipping, '$.to.floor')",
    };
    hold(Maria::new(), &dialect);
}

#[test]
fn lists_and_joined_fields_of_postgres_are_read_back_from_every_format() {
    let dialect = Dialect {
        text: "text",
        price: "{}",
        city: "(shipping #>> '{to,city}')",
        floor: "(shipping #>> '{to,floor}')",
    };
    hold(Psql::new(), &dialect);
}
