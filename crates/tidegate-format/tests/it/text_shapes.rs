//! The shapes of the text formats: nesting, lists, NULL, options, what stands around the rows.

use std::{collections::BTreeMap, sync::Arc};

use tidegate_batch::{Column, DataType, Item, ItemField, Schema, Wire};
use tidegate_format::{Counts, Format, FormatError, Layout, Options, by_slug};

use crate::{
    readers::{Element, csv_rows},
    table::{Cell, Made, Table},
};

fn format(slug: &str) -> &'static dyn Format {
    by_slug(slug).expect("it is in the list")
}

fn made(slug: &str, table: &Table, options: &[(&str, &str)]) -> Made {
    table.file(format(slug), options).unwrap()
}

fn text(slug: &str, table: &Table, options: &[(&str, &str)]) -> String {
    String::from_utf8(made(slug, table, options).bytes).unwrap()
}

fn t(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn customers() -> Table {
    Table::new(&[
        ("id", "integer"),
        ("customer.name", "text"),
        ("note", "text"),
        ("customer.city", "text"),
    ])
    .row([Cell::Integer(1), t("Ada"), Cell::Null, t("London")])
    .row([Cell::Integer(2), Cell::Null, t(""), Cell::Null])
}

#[test]
fn dotted_names_nest_even_when_they_stand_apart() {
    assert_eq!(
        text("ndjson", &customers(), &[]),
        "{\"id\":1,\"customer\":{\"name\":\"Ada\",\"city\":\"London\"},\"note\":null}\n\
         {\"id\":2,\"customer\":{\"name\":null,\"city\":null},\"note\":\"\"}\n"
    );
    assert_eq!(
        text("xml", &customers(), &[]),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<orders>\n\
         <record><id>1</id><customer><name>Ada</name><city>London</city></customer>\
         <note nil=\"true\"/></record>\n\
         <record><id>2</id><customer><name nil=\"true\"/><city nil=\"true\"/></customer>\
         <note></note></record>\n</orders>\n"
    );
    assert_eq!(
        text("csv", &customers(), &[]),
        "id,customer.name,note,customer.city\n1,Ada,,London\n2,,\"\",\n"
    );
    assert_eq!(
        text("json", &customers(), &[]),
        "[\n{\"id\":1,\"customer\":{\"name\":\"Ada\",\"city\":\"London\"},\"note\":null},\n\
         {\"id\":2,\"customer\":{\"name\":null,\"city\":null},\"note\":\"\"}\n]\n"
    );
}

#[test]
fn no_octets_are_told_from_null_in_csv() {
    let table = Table::new(&[("b", "bytes"), ("null", "bytes"), ("t", "text")]);
    let table = table.row([Cell::Bytes(Vec::new()), Cell::Null, t("x")]);
    for (options, row) in [
        (&[][..], "\"\",,x\n"),
        (&[("quote_all", "true")][..], "\"\",,\"x\"\n"),
        (&[("delimiter", "+")][..], "\"\"++x\n"),
        (&[("profile", "spreadsheet")][..], "\"\",,x\r\n"),
    ] {
        let text = text("csv", &table, options);
        assert!(text.ends_with(row), "{options:?}: {text:?}");
    }
}

#[test]
fn a_table_without_rows_is_a_whole_file() {
    let table = Table::new(&[("id", "integer"), ("a.b", "text")]);
    assert_eq!(text("csv", &table, &[]), "id,a.b\n");
    assert_eq!(text("ndjson", &table, &[]), "");
    assert_eq!(text("json", &table, &[]), "[\n]\n");
    assert_eq!(Element::root(text("xml", &table, &[]).as_bytes()).children.len(), 0);
}

#[test]
fn an_alias_is_written_as_it_is() {
    let mut table = Table::new(&[("a.b", "integer"), ("a.c", "integer")])
        .row([Cell::Integer(1), Cell::Integer(2)]);
    table.columns[1].alias = Some("E-mail \"x\", <c.d>".to_owned());
    assert_eq!(text("ndjson", &table, &[]), "{\"a\":{\"b\":1},\"E-mail \\\"x\\\", <c.d>\":2}\n");
    assert_eq!(text("csv", &table, &[]), "a.b,\"E-mail \"\"x\"\", <c.d>\"\n1,2\n");
    let xml = text("xml", &table, &[]);
    assert!(xml.contains("<field name=\"E-mail &quot;x&quot;, &lt;c.d>\">2</field>"), "{xml}");
    let root = Element::root(xml.as_bytes());
    assert_eq!(root.children[0].child("E-mail \"x\", <c.d>").value().as_deref(), Some("2"));
}

#[test]
fn names_that_cannot_stand_together_are_refused() {
    let twice = Table::new(&[("a", "text"), ("a", "text")]);
    let prefix = Table::new(&[("customer", "text"), ("customer.email", "text")]);
    for slug in ["json", "ndjson", "xml"] {
        let refused = twice.file(format(slug), &[]).err().unwrap();
        assert!(matches!(refused, FormatError::DuplicateColumn { .. }));
        let refused = prefix.file(format(slug), &[]).err().unwrap();
        assert!(matches!(refused, FormatError::PrefixColumn { .. }));
    }
    assert!(matches!(twice.file(format("csv"), &[]), Err(FormatError::DuplicateColumn { .. })));
    assert!(prefix.file(format("csv"), &[]).is_ok());
}

fn lines() -> Table {
    let field = |slug: &str, data_type: &str| ItemField {
        slug: slug.to_owned(),
        data_type: data_type.parse().unwrap(),
    };
    let item = Item::Record(vec![
        field("sku", "text"),
        field("unit price", "decimal(12,2)"),
        field("at", "timestamptz"),
        field("tags", "list(text)"),
    ]);
    let columns = vec![
        Column::new("id", DataType::Integer),
        Column::new("lines", DataType::List(Box::new(item))),
    ];
    let row = |id, json: &str| vec![Cell::Integer(id), Cell::Json(json.to_owned())];
    let rows = vec![
        row(
            1,
            r#"[{"sku":"a<b","unit price":1.50,"at":"2024-07-01T10:00:00+00:00","tags":["x","y"]},
                  {"sku":null,"unit price":12345678901234567890.10,"at":null,"tags":[]}]"#,
        ),
        row(2, "[]"),
        vec![Cell::Integer(3), Cell::Null],
        row(4, "[null]"),
    ];
    Table { rows, time_zone: chrono_tz::Europe::Berlin, ..Table::of(columns) }
}

#[test]
fn a_list_of_records_is_an_array_of_objects() {
    let items = "[{\"sku\":\"a<b\",\"unit price\":1.50,\"at\":\"2024-07-01T12:00:00+02:00\",\
                 \"tags\":[\"x\",\"y\"]},{\"sku\":null,\"unit price\":12345678901234567890.10,\
                 \"at\":null,\"tags\":[]}]";
    assert_eq!(
        text("ndjson", &lines(), &[]),
        format!(
            "{{\"id\":1,\"lines\":{items}}}\n{{\"id\":2,\"lines\":[]}}\n\
             {{\"id\":3,\"lines\":null}}\n{{\"id\":4,\"lines\":[null]}}\n"
        )
    );
    let (_, rows) = csv_rows(text("csv", &lines(), &[]).as_bytes(), b',');
    assert_eq!(rows[0][1].as_deref(), Some(items));
    assert_eq!(rows[1][1].as_deref(), Some("[]"));
    let strings = text("ndjson", &lines(), &[("numbers", "string")]);
    assert!(
        strings.starts_with("{\"id\":\"1\",\"lines\":[{\"sku\":\"a<b\",\"unit price\":\"1.50\"")
    );
}

#[test]
fn a_list_of_records_is_repeated_tags() {
    let xml = text("xml", &lines(), &[]);
    let records: Vec<&str> = xml.lines().skip(2).collect();
    assert_eq!(
        records[0],
        "<record><id>1</id><lines><sku>a&lt;b</sku><field name=\"unit price\">1.50</field>\
         <at>2024-07-01T12:00:00+02:00</at><tags>x</tags><tags>y</tags></lines>\
         <lines><sku nil=\"true\"/><field name=\"unit price\">12345678901234567890.10</field>\
         <at nil=\"true\"/></lines></record>"
    );
    assert_eq!(records[1], "<record><id>2</id></record>");
    assert_eq!(records[2], "<record><id>3</id><lines nil=\"true\"/></record>");
    assert_eq!(records[3], "<record><id>4</id><lines nil=\"true\" items=\"1\"/></record>");
}

#[test]
fn arrays_in_arrays_nest_in_every_format() {
    let table =
        Table::new(&[("m", "list(integer)")]).row([Cell::Json("[[1,2],[],[null]]".to_owned())]);
    assert_eq!(text("ndjson", &table, &[]), "{\"m\":[[1,2],[],[null]]}\n");
    let xml = text("xml", &table, &[]);
    assert_eq!(
        xml.lines().nth(2).unwrap(),
        "<record><m><item>1</item><item>2</item></m><m></m><m><item nil=\"true\"/></m></record>"
    );
}

#[test]
fn a_wrong_list_is_refused_by_place() {
    for slug in ["csv", "json", "ndjson", "xml"] {
        let table = Table::new(&[("n", "integer"), ("l", "list(integer)")])
            .row([Cell::Integer(1), Cell::Json("[\"secret\"]".to_owned())]);
        let error = table.fault(format(slug));
        assert_eq!((error.row, error.column), (0, 1));
        assert!(
            error.to_string().contains("no 64-bit integer")
                && !error.to_string().contains("secret")
        );
    }
}

#[test]
fn documents_stay_on_their_line() {
    let pretty = "{\n  \"a\": [1,\r\n\t2]\n}";
    let table = Table::new(&[("doc", "json"), ("n", "integer")])
        .row([Cell::Json(pretty.to_owned()), Cell::Integer(1)]);
    let lines = text("ndjson", &table, &[]);
    assert_eq!(lines.lines().count(), 1);
    assert_eq!(lines, "{\"doc\":{   \"a\": [1,   2] },\"n\":1}\n");
    let list = Table::new(&[("docs", "list(json)")]).row([Cell::Json(format!("[{pretty}]"))]);
    let lines = text("ndjson", &list, &[]);
    assert_eq!(lines, "{\"docs\":[{   \"a\": [1,   2] }]}\n");
    let (_, rows) = csv_rows(text("csv", &table, &[]).as_bytes(), b',');
    assert_eq!(rows[0][0].as_deref(), Some(pretty));
    let root = Element::root(text("xml", &table, &[]).as_bytes());
    assert_eq!(root.children[0].child("doc").value().as_deref(), Some(pretty));
}

#[test]
fn a_version_byte_before_json_is_not_written() {
    let column = |name: &str, data_type: &str| Column {
        wire: Wire::VersionedJson,
        ..Column::new(name, data_type.parse().unwrap())
    };
    let table = Table::of(vec![column("doc", "json"), column("l", "list(text)")])
        .row([t("\u{1}{}"), t("\u{1}[\"a\"]")]);
    assert_eq!(text("ndjson", &table, &[]), "{\"doc\":{},\"l\":[\"a\"]}\n");
    assert_eq!(text("csv", &table, &[]), "doc,l\n\"{}\",\"[\"\"a\"\"]\"\n");
}

#[test]
fn a_spreadsheet_never_finds_a_formula() {
    let table = Table::new(&[("=head", "text"), ("n", "integer"), ("d", "date"), ("b", "bytes")])
        .row([t("=1+1"), Cell::Integer(-5), Cell::Date(-746_117), Cell::Bytes(vec![0xF8])])
        .row([t("@SUM(\"a\")"), Cell::Null, Cell::Null, Cell::Null])
        .row([t("＝1"), Cell::Null, Cell::Null, Cell::Bytes(vec![1])])
        .row([t("\r"), Cell::Null, Cell::Null, Cell::Bytes(Vec::new())])
        .row([t("a=1"), Cell::Null, Cell::Null, Cell::Null]);
    let guarded = made("csv", &table, &[("profile", "spreadsheet")]);
    assert_eq!(
        String::from_utf8(guarded.bytes).unwrap(),
        "\u{FEFF}\"'=head\",n,d,b\r\n\
         \"'=1+1\",-5,-0043-03-15,\"'+A==\"\r\n\
         \"'@SUM(\"\"a\"\")\",,,\r\n\
         \"'＝1\",,,\"AQ==\"\r\n\
         \"'\r\",,,\"\"\r\n\
         a=1,,,\r\n"
    );
    assert_eq!(guarded.counts, Counts { neutralised: 5, ..Counts::default() });
    let exact = made("csv", &table, &[]);
    assert_eq!(exact.counts, Counts::default());
    assert!(String::from_utf8(exact.bytes).unwrap().starts_with("=head,n,d,b\n=1+1,-5,"));
}

#[test]
fn headers_that_were_neutralised_are_counted_by_the_framing() {
    let table = Table::new(&[("=a", "text"), ("b", "text"), ("@c", "text")]);
    for (profile, neutralised) in [("spreadsheet", 2), ("exact", 0)] {
        let given = BTreeMap::from([("profile".to_owned(), profile.to_owned())]);
        let layout = Layout {
            schema: Arc::new(Schema::new(table.columns.clone())),
            options: Options::check(format("csv").options(), &given).unwrap(),
            time_zone: chrono_tz::UTC,
            title: String::new(),
        };
        let counts = format("csv").encoder(layout).unwrap().framing().counts();
        assert_eq!(counts, Counts { neutralised, ..Counts::default() });
    }
}

#[test]
fn csv_takes_its_options() {
    let table = Table::new(&[("a", "text"), ("b", "integer"), ("c", "text")])
        .row([t("x;y"), Cell::Integer(-1), Cell::Null])
        .row([t(""), Cell::Null, t("p,q")]);
    let csv = |options| text("csv", &table, options);
    assert_eq!(csv(&[("delimiter", ";")]), "a;b;c\n\"x;y\";-1;\n\"\";;p,q\n");
    assert_eq!(csv(&[("delimiter", "\t")]), "a\tb\tc\nx;y\t-1\t\n\"\"\t\tp,q\n");
    assert_eq!(csv(&[("delimiter", "-")]), "a-b-c\nx;y-\"-1\"-\n\"\"--p,q\n");
    assert_eq!(
        csv(&[("quote_all", "true"), ("newline", "crlf")]),
        "\"a\",\"b\",\"c\"\r\n\"x;y\",\"-1\",\r\n\"\",,\"p,q\"\r\n"
    );
    assert_eq!(csv(&[("bom", "true")]), "\u{FEFF}a,b,c\nx;y,-1,\n\"\",,\"p,q\"\n");
    let plain = [("profile", "spreadsheet"), ("bom", "false"), ("newline", "lf")];
    assert_eq!(csv(&plain), "a,b,c\nx;y,-1,\n\"\",,\"p,q\"\n");
}

#[test]
fn delimiters_that_values_contain_do_not_break_cells() {
    let table = Table::new(&[("d", "date"), ("t", "time"), ("x", "decimal(5,2)"), ("b", "bytes")])
        .row([
            Cell::Date(1),
            Cell::Time(1),
            Cell::Decimal(-123, 2),
            Cell::Bytes(vec![0xFB, 0xFF, 1, 2]),
        ]);
    for delimiter in "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t".chars() {
        let file = text("csv", &table, &[("delimiter", &delimiter.to_string())]);
        let (_, rows) = csv_rows(file.as_bytes(), u8::try_from(delimiter).unwrap());
        let expected =
            ["2000-01-02", "00:00:00.000001", "-1.23", "+/8BAg=="].map(|s| Some(s.to_owned()));
        assert_eq!(rows, [expected], "{delimiter:?}");
    }
}

#[test]
fn xml_takes_its_options() {
    let table = Table::new(&[("a", "integer")]).row([Cell::Integer(1)]);
    let xml = text("xml", &table, &[("root", "shop"), ("record", "order")]);
    assert!(xml.ends_with("<shop>\n<order><a>1</a></order>\n</shop>\n"));
    let untitled = Table { title: "no name!".to_owned(), ..table };
    assert!(text("xml", &untitled, &[]).ends_with("</records>\n"));
}

#[test]
fn characters_that_xml_forbids_are_replaced_and_counted() {
    let table = Table::new(&[("a", "text"), ("l", "list(text)")])
        .row([t("x\0\u{1}\u{FFFE}y\t\r\n"), Cell::Json("[\"\\u0000\",\"\\r\"]".to_owned())]);
    let file = made("xml", &table, &[]);
    assert_eq!(file.counts, Counts { replaced: 4, ..Counts::default() });
    let root = Element::root(&file.bytes);
    let record = &root.children[0];
    assert_eq!(record.child("a").text, "x\u{FFFD}\u{FFFD}\u{FFFD}y\t\r\n");
    let items: Vec<&str> = record.named("l").map(|item| item.text.as_str()).collect();
    assert_eq!(items, ["\u{FFFD}", "\r"]);
}

#[test]
fn five_hundred_columns_and_long_names_are_whole() {
    let columns: Vec<Column> = (0..500)
        .map(|index| {
            Column::new(format!("{}_{index}", "long".repeat(index % 40)), DataType::Integer)
        })
        .collect();
    let names: Vec<String> = columns.iter().map(|column| column.slug.clone()).collect();
    let row: Vec<Cell> = (0..500).map(Cell::Integer).collect();
    let table = Table::of(columns).row(row.clone()).row(vec![Cell::Null; 500]).row(row);
    let (read, rows) = csv_rows(text("csv", &table, &[]).as_bytes(), b',');
    assert_eq!(read, names);
    assert_eq!(rows[2][499].as_deref(), Some("499"));
    for line in text("ndjson", &table, &[]).lines() {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).unwrap();
        assert!(object.keys().eq(&names));
    }
    let root = Element::root(text("xml", &table, &[]).as_bytes());
    assert!(root.children.iter().all(|record| record.children.len() == 500));
}

#[test]
fn a_cell_of_many_megabytes_is_whole() {
    let long = "line \"quoted\" & <tagged>\n".repeat(400_000);
    let table = Table::new(&[("a", "text"), ("b", "text")]).row([t(&long), t("end")]);
    let (_, rows) = csv_rows(text("csv", &table, &[]).as_bytes(), b',');
    assert_eq!(rows[0][0].as_deref(), Some(long.as_str()));
    let root = Element::root(text("xml", &table, &[]).as_bytes());
    assert_eq!(root.children[0].child("a").text, long);
    let object: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&text("ndjson", &table, &[])).unwrap();
    assert_eq!(object["a"], long);
}
