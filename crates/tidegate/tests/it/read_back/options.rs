//! Options that change how the whole file is written: numbers in quotes, the tags of XML.

use std::collections::BTreeMap;

use tidegate_testkit::python;

use super::{
    cell::Cell,
    check::{Check, Content, compare},
    client::{Client, Maria, Printed, Psql, Sqlite},
    rule::{expected, expected_records},
};

/// The records of a list: names and types.
const ITEMS: &[(&str, &str)] =
    &[("quantity", "integer"), ("price", "decimal(12,2)"), ("weight", "float"), ("sku", "text")];

/// Fields of the file, and what they are.
const FIELDS: &[(&str, &str)] = &[
    ("id", "integer"),
    ("total", "decimal(12,2)"),
    ("ratio", "float"),
    ("code", "text"),
    ("is_paid", "boolean"),
];

/// The same with the list behind them.
const NAMES: &[&str] = &["id", "total", "ratio", "code", "is_paid", "lines[]"];

const CONFIGURATION: &str = r#"
[[subjects]]
slug = "orders"
source = "shop"
table = "orders"
key = "id"
fields = [
  "id", "total", "ratio", "code", { slug = "is_paid", type = "boolean" },
  { slug = "lines", relation = "lines", items = ["quantity", "price", "weight", "sku"] },
]

[[subjects.relations]]
name = "lines"
table = "order_lines"
on = { id = "order_id" }
many = true
order = "no"
"#;

/// Numbers that no double holds, and texts that only look like numbers.
const FILLING: &str = "
create table orders (id bigint primary key, total decimal(12,2), ratio double precision,
                     code varchar(20), is_paid boolean);
create table order_lines (order_id bigint, no integer, quantity bigint, price decimal(12,2),
                    weight double precision, sku varchar(20));
insert into orders values
  (9223372036854775807, 9999999999.99, 0.5, '007', true),
  (-9223372036854775807, -0.10, -1.25, '1e5', false),
  (1, null, null, null, null);
insert into order_lines values
  (9223372036854775807, 1, 9007199254740993, 19.50, 2.5, '12'),
  (9223372036854775807, 2, null, null, null, null),
  (-9223372036854775807, 1, -1, 0.10, 0.25, '');
";

/// What the client has of the two tables, the decimals with two digits behind their points.
struct Printouts {
    orders: Printed,
    lines: Printed,
}

impl Printouts {
    fn of(client: &dyn Client) -> Self {
        client.execute(FILLING);
        // SQLite keeps a decimal as a double; the field gives it its digits again.
        let two_digits = |name: &str| match client.name() {
            "sqlite" => format!("case when {name} is not null then printf('%.2f', {name}) end"),
            _ => name.to_owned(),
        };
        let orders =
            format!("select id, {}, ratio, code, is_paid from orders", two_digits("total"));
        let lines = format!(
            "select order_id, quantity, {}, weight, sku from order_lines order by order_id, no",
            two_digits("price")
        );
        Self { orders: client.cells(&orders), lines: client.cells(&lines) }
    }

    /// The cells that the file should have, by key.
    fn rows(&self, format: &str, reader: &str) -> BTreeMap<String, Vec<Cell>> {
        let row = |row: &Vec<Option<String>>| {
            let cell = |((_, data_type), text): (&(&str, &str), &Option<String>)| {
                expected(&data_type.parse().unwrap(), text.as_deref(), format, reader).unwrap()
            };
            let mut cells: Vec<Cell> = FIELDS.iter().zip(row).map(cell).collect();
            let of_order = self.lines.iter().filter(|line| line[0] == row[0]);
            let lines: Vec<_> = of_order.map(|line| line[1..].to_vec()).collect();
            cells.push(expected_records(ITEMS, &lines, format, reader).unwrap());
            (row[0].clone().unwrap(), cells)
        };
        self.orders.iter().map(row).collect()
    }
}

/// The cell with integers and exact numbers in quotes.
fn in_quotes(cell: Cell) -> Cell {
    match cell {
        Cell::Number(digits) => Cell::Text(digits),
        Cell::List(items) => Cell::List(items.into_iter().map(in_quotes).collect()),
        Cell::Record(members) => {
            Cell::Record(members.into_iter().map(|(name, cell)| (name, in_quotes(cell))).collect())
        }
        other => other,
    }
}

fn hold(client: impl Client + 'static) {
    let check = Check::new(client);
    let printouts = Printouts::of(&*check.client);
    assert_eq!((printouts.orders.len(), printouts.lines.len()), (3, 3));
    let url = format!("[sources.shop]\nurl = {:?}\n", check.client.url());
    std::fs::write(check.folder().join("tidegate.toml"), url + CONFIGURATION).unwrap();
    for format in ["json", "ndjson"] {
        let file = check.export(format, &["orders", "--set", "numbers=string"]);
        assert_eq!(file.manifest["options"]["numbers"], "string");
        let rows = |reader: &str| {
            let quoted = |cells: Vec<Cell>| cells.into_iter().map(in_quotes).collect();
            let rows = printouts.rows(format, reader).into_iter();
            rows.map(|(key, cells)| (key, quoted(cells))).collect()
        };
        let what = format!("{} as {format} with numbers in quotes", check.client.name());
        compare(&what, &file, &Content { names: NAMES, rows: &rows });
    }
    for (options, titles) in [
        (&[][..], ["orders", "record"]),
        (&["--set", "root=Export", "--set", "record=order-line"], ["Export", "order-line"]),
    ] {
        let file = check.export("xml", &[&["orders"], options].concat());
        let read = python::Reading::new("lxml-xml", &file.path).names(NAMES).table();
        assert_eq!(read.titles, titles, "{}", check.client.name());
        let rows = |reader: &str| printouts.rows("xml", reader);
        let what = format!("{} as xml with {options:?}", check.client.name());
        compare(&what, &file, &Content { names: NAMES, rows: &rows });
    }
}

#[test]
fn options_of_json_and_xml_are_read_back_from_sqlite() {
    hold(Sqlite::new());
}

#[test]
fn options_of_json_and_xml_are_read_back_from_mariadb() {
    hold(Maria::new());
}

#[test]
fn options_of_json_and_xml_are_read_back_from_postgres() {
    hold(Psql::new());
}
