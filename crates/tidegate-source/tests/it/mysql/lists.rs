//! Lines of a record, references, paths into JSON, and keys of a selection.

use tidegate_batch::{DataType, Item, ItemField};
use tidegate_model::{
    field::{Field, Origin, Reference},
    query::{Comparison, Literal, Place, Predicate, Query},
};

use super::{Check, field, options, print_batch, query, read, table_name, table_relation};

fn reference(table: &str, ours: &str, theirs: &str) -> Reference {
    Reference { table: table_name(table), on: vec![(ours.to_owned(), theirs.to_owned())] }
}

/// A field of the lines of a table `l`, whose `t_id` is our `id`.
fn lines(items: &[(&str, &str)], order: &[&str]) -> Field {
    let items: Vec<(ItemField, String)> = items
        .iter()
        .map(|(column, data_type)| {
            let data_type = data_type.parse().unwrap();
            (ItemField { slug: (*column).to_owned(), data_type }, (*column).to_owned())
        })
        .collect();
    let record = Item::Record(items.iter().map(|(item, _)| item.clone()).collect());
    let origin = Origin::Lines {
        reference: reference("l", "id", "t_id"),
        items,
        order: order.iter().map(|column| (*column).to_owned()).collect(),
    };
    Field::new("lines", DataType::List(Box::new(record)), origin)
}

fn unhex(cell: &Option<String>) -> String {
    let digits = cell.as_deref().unwrap();
    let octets = (0..digits.len()).step_by(2);
    let octets = octets.map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
    String::from_utf8(octets.collect()).unwrap()
}

#[test]
fn lines_keep_their_order_and_every_digit() {
    let check = Check::new(
        "create table t (id int primary key); insert into t values (1), (2), (3); \
         create table l (t_id int, n int, price decimal(30,10), f float, flag tinyint(1), \
           name varchar(40) character set latin1, doc json, raw varbinary(9), at datetime(3), \
           z int(6) zerofill, u bigint unsigned, b bit(3)); \
         insert into l values \
           (1, 2, 0.1, 0.1, 1, 'caf\\\"é\\n', '{\"a\": [1.50]}', x'00ff', '2024-01-01', 7, 5, 5), \
           (1, 1, 12345678901234567890.0123456789, null, 0, '', null, '', null, null, \
            18446744073709551615, null), \
           (1, null, null, null, null, null, null, null, null, null, null, null), \
           (2, 1, 0, 0, 0, 'x', '[]', null, null, 0, 0, 0)",
    );
    let items = [
        ("n", "integer"),
        ("price", "decimal(30,10)"),
        ("f", "float32"),
        ("flag", "boolean"),
        ("name", "text"),
        ("doc", "json"),
        ("raw", "bytes"),
        ("at", "timestamp"),
        ("z", "integer"),
        ("u", "decimal(20,0)"),
        ("b", "text"),
    ];
    let id = field("id", DataType::Integer);
    let rows =
        check.read(&query(table_relation("t"), vec![id, lines(&items, &["n", "price"])])).unwrap();
    let first = unhex(&rows[0][1]);
    assert_eq!(
        first.replace(": ", ":").replace(", ", ","),
        "[{\"n\":1,\"price\":12345678901234567890.0123456789,\"f\":null,\"flag\":0,\"name\":\"\",\
         \"doc\":null,\"raw\":\"\",\"at\":null,\"z\":null,\"u\":18446744073709551615,\"b\":null},\
         {\"n\":2,\"price\":0.1000000000,\"f\":0.10000000149011612,\"flag\":1,\
         \"name\":\"caf\\\"é\\n\",\"doc\":{\"a\":[1.50]},\"raw\":\"00ff\",\
         \"at\":\"2024-01-01 00:00:00.000\",\"z\":7,\"u\":5,\"b\":\"101\"},\
         {\"n\":null,\"price\":null,\"f\":null,\"flag\":null,\"name\":null,\"doc\":null,\
         \"raw\":null,\"at\":null,\"z\":null,\"u\":null,\"b\":null}]"
    );
    assert!(unhex(&rows[1][1]).starts_with("[{\"n\": 1"));
    assert_eq!(unhex(&rows[2][1]), "[]");
}

#[test]
fn a_list_that_the_server_cut_fails_and_a_long_one_is_whole() {
    let check = Check::new(
        "create table t (id int primary key); insert into t values (1); \
         create table l (t_id int, n int, name longtext); \
         insert into l select 1, seq, repeat('x', 1000000) from seq_1_to_12",
    );
    let query =
        query(table_relation("t"), vec![lines(&[("n", "integer"), ("name", "text")], &["n"])]);
    let options = tidegate_source::StreamOptions { cell_bytes_max: 100 << 20, ..options() };
    let whole = read(check.source.stream(&query, &options).unwrap()).unwrap();
    let whole: serde_json::Value = serde_json::from_str(&unhex(&whole[0][0])).unwrap();
    assert_eq!(whole.as_array().unwrap().len(), 12);
    // One value beyond `max_allowed_packet`, 16 MiB here.
    check
        .database
        .execute("insert into l select 1, seq + 12, repeat('x', 1000000) from seq_1_to_12");
    let cut = read(check.source.stream(&query, &options).unwrap());
    let error = cut.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(format!("{error} {cause}").contains("max_allowed_packet"), "{error} {cause}");
}

#[test]
fn a_joined_field_is_null_where_nothing_is_referred_to() {
    let check = Check::new(
        "create table a (id int primary key, name varchar(9)); insert into a values (1, 'Ada'); \
         create table t (id int primary key, a_id int); insert into t values (1, 1), (2, 9), (3, null)",
    );
    let origin =
        Origin::Joined { reference: reference("a", "a_id", "id"), column: "name".to_owned() };
    let fields = vec![field("id", DataType::Integer), Field::new("a.name", DataType::Text, origin)];
    let rows = check.read(&query(table_relation("t"), fields)).unwrap();
    let names: Vec<_> = rows.iter().map(|row| row[1].as_deref()).collect();
    assert_eq!(names, [Some("416461"), None, None]);
}

/// A table with a JSON document a row, and the field of a path into it.
fn at_path(path: &str, data_type: &str) -> (Check, Field) {
    let check = Check::new(
        "create table t (id int primary key, doc json); insert into t values \
         (1, '{\"a\": {\"b c\": \"x\", \"n\": 1.10, \"t\": true, \"z\": null, \"i\": 12, \
              \"at\": \"2024-01-01T10:00:00.5+02:00\"}}'), \
         (2, '{\"a\": {\"b c\": \"\", \"n\": 12345678901234567890.5, \"t\": false, \
              \"at\": \"2024-01-01T08:00:00.5Z\"}}'), \
         (3, '{}'), (4, null)",
    );
    let path = path.split('/').map(str::to_owned).collect();
    let origin = Origin::JsonPath { column: "doc".to_owned(), path };
    (check, Field::new("v", data_type.parse().unwrap(), origin))
}

#[test]
fn a_place_in_a_document_has_its_value_and_type() {
    for (path, data_type, expected) in [
        ("a/b c", "text", [Some("78"), Some(""), None, None]),
        ("a/n", "decimal", [Some("1.10"), Some("12345678901234567890.5"), None, None]),
        ("a/t", "boolean", [Some("1"), Some("0"), None, None]),
        ("a/z", "text", [None, None, None, None]),
        ("a/i", "integer", [Some("12"), None, None, None]),
        ("a/i/j", "json", [None, None, None, None]),
        (
            "a/at",
            "timestamptz",
            [Some("2024-01-01 08:00:00.500000"), Some("2024-01-01 08:00:00.500000"), None, None],
        ),
    ] {
        let (check, field) = at_path(path, data_type);
        let rows = check.read(&query(table_relation("t"), vec![field])).unwrap();
        let found: Vec<_> = rows.iter().map(|row| row[0].as_deref()).collect();
        assert_eq!(found, expected, "{path}");
    }
}

/// Ids of the rows that match.
fn ids(check: &Check, predicate: Predicate) -> Vec<String> {
    let query =
        Query { predicate, ..query(table_relation("t"), vec![field("id", DataType::Integer)]) };
    let rows = check.read(&query).unwrap();
    let ids: Vec<String> = rows.into_iter().map(|row| row[0].clone().unwrap()).collect();
    assert_eq!(check.source.count(&query, crate::PATIENCE).unwrap(), ids.len() as u64);
    ids
}

fn compare(field: Field, comparison: Comparison, value: Literal) -> Predicate {
    Predicate::Compare { field, comparison, value }
}

#[test]
fn a_place_in_a_document_is_compared_as_its_type() {
    let instant = "2024-01-01T08:00:00.5Z".parse().unwrap();
    for (path, data_type, comparison, value, expected) in [
        ("a/t", "boolean", Comparison::Eq, Literal::Boolean(true), vec!["1"]),
        ("a/t", "boolean", Comparison::Eq, Literal::Boolean(false), vec!["2"]),
        (
            "a/n",
            "decimal",
            Comparison::Gt,
            Literal::Decimal("12345678901234567890.4".into()),
            vec!["2"],
        ),
        ("a/b c", "text", Comparison::Eq, Literal::Text("X".into()), vec![]),
        ("a/at", "timestamptz", Comparison::Eq, Literal::TimestampTz(instant), vec!["1", "2"]),
    ] {
        let (check, field) = at_path(path, data_type);
        assert_eq!(ids(&check, compare(field, comparison, value)), expected, "{path}");
    }
}

#[test]
fn equality_heeds_case_accents_and_spaces_in_every_character_set() {
    for set in ["utf8mb4", "utf8mb3", "latin1", "utf16", "ascii"] {
        let check = Check::new(&format!(
            "create table t (id int primary key, v varchar(20) character set {set}, key (v)); \
             insert into t values (1, 'Ab'), (2, 'ab'), (3, 'ab '), (4, null), (5, '')"
        ));
        let text = |text: &str| Literal::Text(text.to_owned());
        let v = || field("v", DataType::Text);
        let eq = |value: &str| ids(&check, compare(v(), Comparison::Eq, text(value)));
        assert_eq!(eq("ab"), ["2"], "{set}");
        assert_eq!(eq("ab "), ["3"], "{set}");
        assert_eq!(eq(""), ["5"], "{set}");
        assert_eq!(eq("日本🙂"), [""; 0], "{set}");
        let values = vec![text("Ab"), text("ab "), text("é🙂")];
        assert_eq!(ids(&check, Predicate::In { field: v(), values }), ["1", "3"], "{set}");
        let found = Predicate::Matches { field: v(), place: Place::Start, text: "AB".to_owned() };
        assert_eq!(ids(&check, found.clone()), ["1", "2", "3"], "{set}");
        assert_eq!(ids(&check, Predicate::Not(Box::new(found))), ["4", "5"], "{set}");
        let accented = Predicate::Matches { field: v(), place: Place::Anywhere, text: "á".into() };
        assert_eq!(ids(&check, accented), [""; 0], "{set}");
    }
}

#[test]
fn a_key_selects_by_all_its_parts() {
    let check = Check::new(
        "create table t (id int, name varchar(9), key_ uuid, primary key (id, name)); \
         insert into t values (1, 'a', '123e4567-e89b-12d3-a456-426655440000'), (2, 'A', null), \
         (3, 'b', null)",
    );
    let key = vec![field("id", DataType::Integer), field("name", DataType::Text)];
    let chosen = |id, name: &str| vec![Literal::Integer(id), Literal::Text(name.to_owned())];
    let keys = vec![chosen(1, "a"), chosen(2, "a"), chosen(3, "b")];
    assert_eq!(ids(&check, Predicate::KeyIn { key, keys }), ["1", "3"]);
}

#[test]
fn an_identifier_is_found_however_it_is_stored() {
    let id = "123e4567-e89b-12d3-a456-426655440000";
    for (ddl, value) in [
        ("uuid", format!("'{id}'")),
        ("char(36)", format!("upper('{id}')")),
        ("char(32) collate utf8mb4_bin", format!("replace('{id}', '-', '')")),
        ("binary(16)", format!("unhex(replace('{id}', '-', ''))")),
    ] {
        let check = Check::new(&format!(
            "create table t (id int primary key, v {ddl}); insert into t values (1, {value}), (2, null)"
        ));
        let v = field("v", DataType::Uuid);
        let eq = compare(v.clone(), Comparison::Eq, Literal::Uuid(id.to_owned()));
        assert_eq!(ids(&check, eq), ["1"], "{ddl}");
        let rows = check.read(&query(table_relation("t"), vec![v])).unwrap();
        assert_eq!(rows[0][0].as_deref(), Some("123E4567E89B12D3A456426655440000"), "{ddl}");
    }
}

#[test]
fn a_page_is_cut_from_the_order() {
    let check = Check::new(
        "create table t (id int primary key, n int); insert into t values (1, 5), (2, null), (3, 4)",
    );
    let mut query = check.query("t");
    let n = query.fields[1].field.clone();
    query.sort = vec![tidegate_model::query::SortKey { field: n, is_descending: false }];
    let (schema, batch) = check.source.rows(&query, &crate::page(1, 2)).unwrap();
    let rows = print_batch(&schema, &batch);
    assert_eq!(rows.iter().map(|row| row[0].as_deref().unwrap()).collect::<Vec<_>>(), ["1", "2"]);
}

#[test]
fn a_document_that_is_no_json_is_told_by_field_and_key_and_never_null() {
    let check = Check::new(
        "create table t (id int primary key, doc longtext); \
         insert into t values (1, '{\"a\": \"x\"}'), (2, null)",
    );
    let origin = Origin::JsonPath { column: "doc".to_owned(), path: vec!["a".to_owned()] };
    let part = |data_type: &str| Field::new("a", data_type.parse().unwrap(), origin.clone());
    let id = field("id", DataType::Integer);
    let asked = |fields| Query { key: vec![id.clone()], ..query(table_relation("t"), fields) };
    let found = check.read(&asked(vec![id.clone(), part("text")])).unwrap();
    let cells: Vec<_> = found.iter().map(|row| row[1].as_deref()).collect();
    assert_eq!(cells, [Some("78"), None]);
    for wrong in ["{\"a\": \"secret\"", "secret", ""] {
        check.database.execute(&format!("replace into t values (7, '{wrong}')"));
        for data_type in ["text", "json", "integer", "bytes", "list(text)", "timestamptz"] {
            let predicate =
                Predicate::KeyIn { key: vec![id.clone()], keys: vec![vec![Literal::Integer(7)]] };
            let query = Query { predicate, ..asked(vec![id.clone(), part(data_type)]) };
            let error = check.read(&query).unwrap_err().to_string();
            let expected = "field `a` of the row with id 7: is part of a document that is no JSON";
            assert_eq!(error, expected, "{wrong} as {data_type}");
        }
    }
    // A comparison cannot tell the row, but must not pass over it either.
    let predicate = Predicate::IsNull(part("text"));
    let error = check.read(&Query { predicate, ..asked(vec![id.clone()]) }).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("no JSON") && !cause.contains("secret"), "{cause}");
}
