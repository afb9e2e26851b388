//! Values: loosely stored, wrong, special, large, and found by filters.

use super::*;

#[test]
fn a_wrong_value_is_told_by_field_and_key_and_never_shown() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, n integer, at datetime, name text);
         insert into t values (1, 5, '2026-01-01', 'a'), (7, 'secret', '2026-01-01', 'b'),
                              (8, 6, 'secret', 'c'), (9, 7, '2026-01-01', cast(x'FF' as text));",
    );
    let only = |columns: &[&str]| {
        let mut query = check.query("t", &[]);
        query.fields.retain(|selected| columns.contains(&&*selected.field.slug));
        query
    };
    let error = check.error(&only(&["id", "n"]));
    assert!(
        error.starts_with("field `n` of the row with id 7: a text is")
            || error.starts_with("field `n` of the row with id 7: the text"),
        "{error}"
    );
    assert!(!error.contains("secret") && error.contains("type `text`"), "{error}");
    let error = check.error(&only(&["id", "at"]));
    assert!(error.starts_with("field `at` of the row with id 8: the text stored"), "{error}");
    let error = check.error(&only(&["id", "name"]));
    assert!(error.starts_with("field `name` of the row with id 9: "), "{error}");
    assert!(error.contains("UTF-8"), "{error}");
    // Without its key among the columns, or with a personal one, the row has an ordinal.
    let error = check.error(&only(&["n"]));
    assert!(error.starts_with("field `n` of the row with ordinal 2: "), "{error}");
    let mut personal = only(&["id", "at"]);
    personal.key[0].pii = Some("customer".to_owned());
    let error = check.error(&personal);
    assert!(error.starts_with("field `at` of the row with ordinal 3: "), "{error}");
    let sorted = Query {
        sort: vec![SortKey { field: field("id", DataType::Integer), is_descending: true }],
        ..personal
    };
    let error = check.error(&sorted);
    assert!(error.starts_with("field `at` of the row with ordinal 2: "), "{error}");
}

#[test]
fn a_document_that_is_no_json_is_told_by_field_and_key_and_never_shown() {
    let check = Check::new(
        "wal",
        r#"create table t (id integer primary key, doc text);
           insert into t values (1, '{"to": {"city": "x", "at": ["y"]}}'), (2, null),
             (3, '{to: {city: ''5'', at: []}}'), (4, jsonb('{"to": {}}'))"#,
    );
    let part = |slug: &str, data_type: &str| {
        let path = ["to", slug].map(str::to_owned).to_vec();
        let origin = Origin::JsonPath { column: "doc".to_owned(), path };
        Field { origin, ..field(slug, data_type.parse().unwrap()) }
    };
    let all = check.query("t", &[]);
    let parts = |parts: Vec<Field>| {
        let mut query = Query { fields: vec![all.fields[0].clone()], ..all.clone() };
        let selected = |field| Selected { field, alias: None, is_hidden: false };
        query.fields.extend(parts.into_iter().map(selected));
        query
    };
    let found = check.rows(&parts(vec![part("city", "text"), part("at", "list(text)")])).unwrap();
    let list = |json: &str| Cell::Json(serde_json::from_str(json).unwrap());
    let row = |id, city, list| vec![Cell::Integer(id), city, list];
    let expected = [
        row(1, text("x"), list(r#"["y"]"#)),
        row(2, Cell::Null, Cell::Null),
        row(3, text("5"), list("[]")),
        row(4, Cell::Null, Cell::Null),
    ];
    assert_eq!(found, expected);

    for wrong in [r#"'{"to": {"city": "secret"'"#, "'secret'", "x'5E5E'", "''"] {
        let insert = format!("delete from t where id > 4; insert into t values (7, {wrong})");
        check.client().execute_batch(&insert).unwrap();
        for data_type in ["text", "integer", "json", "bytes", "list(text)", "timestamptz"] {
            let query = parts(vec![part("city", data_type)]);
            let sort = SortKey { field: all.key[0].clone(), is_descending: true };
            let by_one = Query { sort: vec![sort], ..query.clone() };
            let only =
                Predicate::KeyIn { key: all.key.clone(), keys: vec![vec![Literal::Integer(7)]] };
            for query in [query, by_one] {
                let query = Query { predicate: only.clone(), ..query };
                let error = check.error(&query);
                let expected = "field `city` of the row with id 7: the text stored in its column";
                assert!(error.starts_with(expected), "{wrong} as {data_type}: {error}");
                assert!(!error.contains("secret"), "{error}");
            }
        }
    }
    // A comparison cannot tell either: it must not pass over the row.
    let predicate = Predicate::IsNull(part("city", "text"));
    let bare = Query { fields: vec![all.fields[0].clone()], predicate, ..all.clone() };
    assert!(matches!(check.rows(&bare), Err(SourceError::Refused { .. })));
}

#[test]
fn a_field_declared_as_text_takes_whatever_is_stored() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, n integer, any_, real_ real);
         insert into t values (1, 5, 1.5, 1), (2, 'five', x'00FF', 1e300), (3, 2.5, 'x', null);",
    );
    let query = check.query("t", &[("n", "text"), ("real_", "text")]);
    let row = |id, n: &str, any: &str, real| vec![Cell::Integer(id), text(n), text(any), real];
    let expected = [
        row(1, "5", "1.5", text("1.0")),
        row(2, "five", "00ff", text("1e+300")),
        row(3, "2.5", "x", Cell::Null),
    ];
    assert_eq!(check.rows(&query).unwrap(), expected);
    for (name, sought, id) in
        [("n", "5", 1), ("n", "2.5", 3), ("any_", "1.5", 1), ("any_", "00ff", 2)]
    {
        let predicate = compare(name, "text", Comparison::Eq, Literal::Text(sought.to_owned()));
        let found = check.rows(&Query { predicate, ..query.clone() }).unwrap();
        assert_eq!(firsts(&found), [id], "{name} {sought}");
    }
}

#[test]
fn special_numbers_keep_their_digits() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, total decimal(12,2), ratio double, exact text);
         insert into t values
            (1, 20, 9e999, '12345678901234567890123456789012345678'),
            (2, 19.5, -9e999, '-0.00000000000000000000000000000000000001'),
            (3, 0.1, 5e-324, '1e3'), (4, -0.0, 1.7976931348623157e308, '0.10'),
            (5, 9007199254740993, 0.1, '+5'), (6, null, null, null);",
    );
    let query = check.query("t", &[("exact", "decimal")]);
    let found = check.rows(&query).unwrap();
    let column = |at: usize| found.iter().map(|row| row[at].clone()).collect::<Vec<_>>();
    let decimals = |digits: &[&str]| -> Vec<Cell> {
        digits.iter().map(|digits| Cell::decimal(digits)).chain([Cell::Null]).collect()
    };
    assert_eq!(column(1), decimals(&["20", "19.5", "0.1", "0", "9007199254740993"]));
    let floats = [f64::INFINITY, f64::NEG_INFINITY, 5e-324, f64::MAX, 0.1];
    let floats: Vec<Cell> = floats.into_iter().map(Cell::Float).chain([Cell::Null]).collect();
    assert_eq!(column(2), floats);
    let exact = [
        "12345678901234567890123456789012345678",
        "-0.00000000000000000000000000000000000001",
        "1000",
        "0.1",
        "5",
    ];
    assert_eq!(column(3), decimals(&exact));
    let above = compare("exact", "decimal", Comparison::Gt, Literal::Decimal("999.5".to_owned()));
    let found = check.rows(&Query { predicate: above, ..query }).unwrap();
    assert_eq!(firsts(&found), [1, 3]);
}

#[test]
fn instants_and_identifiers_are_found_however_they_are_written() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, at datetime, token uuid, flag boolean, clock time);
         create index t_at on t (at);
         insert into t values
            (1, '2026-11-21 12:00:00', '0123abcd-0000-4000-8000-00000000000f', 1, '12:00'),
            (2, '2026-11-21T13:00:00+01:00', '0123ABCD-0000-4000-8000-00000000000F', 't', '12:00:00'),
            (3, '2026-11-21 12:00Z', '0123abcd00004000800000000000000f', 'TRUE', '12:00:00.000'),
            (4, '2026-11-22 01:00:00 +1300', x'0123ABCD00004000800000000000000F', 'true', '11:59:59.999999'),
            (5, '2026-11-21 12:00:00.000001', '0123abcd-0000-4000-8000-000000000000', 'false', '12:01'),
            (6, '2026-11-20', null, 0, null), (7, null, null, null, null);",
    );
    let query = check.query("t", &[]);
    let found = |predicate| {
        let mut found = firsts(&check.rows(&Query { predicate, ..query.clone() }).unwrap());
        found.sort_unstable();
        found
    };
    let noon = || {
        let noon = chrono::DateTime::parse_from_rfc3339("2026-11-21T12:00:00Z").unwrap();
        Literal::TimestampTz(noon.to_utc())
    };
    let at = |comparison| compare("at", "timestamptz", comparison, noon());
    assert_eq!(found(at(Comparison::Eq)), [1, 2, 3, 4]);
    assert_eq!(found(at(Comparison::Gt)), [5]);
    assert_eq!(found(at(Comparison::Gte)), [1, 2, 3, 4, 5]);
    assert_eq!(found(at(Comparison::Lt)), [6]);
    assert_eq!(found(at(Comparison::Lte)), [1, 2, 3, 4, 6]);
    let uuid = || Literal::Uuid("0123abcd-0000-4000-8000-00000000000f".to_owned());
    assert_eq!(found(compare("token", "uuid", Comparison::Eq, uuid())), [1, 2, 3, 4]);
    let others = (0..200).map(|n| Literal::Uuid(format!("ffffffff-0000-4000-8000-{n:012}")));
    let values = others.chain([uuid()]).collect();
    let token = field("token", DataType::Uuid);
    assert_eq!(found(Predicate::In { field: token, values }), [1, 2, 3, 4]);
    let flag = |value| compare("flag", "boolean", Comparison::Eq, Literal::Boolean(value));
    assert_eq!(found(flag(true)), [1, 2, 3, 4]);
    assert_eq!(found(flag(false)), [5, 6]);
    let clock = Literal::Time(chrono::NaiveTime::from_hms_opt(12, 0, 0).unwrap());
    assert_eq!(found(compare("clock", "time", Comparison::Eq, clock)), [1, 2, 3]);
}

#[test]
fn collations_sort_but_do_not_decide_equality() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, word text collate nocase);
         create index t_word on t (word);
         insert into t values (1, 'b'), (2, 'A'), (3, 'a'), (4, 'C');",
    );
    let query = check.query("t", &[]);
    let predicate = compare("word", "text", Comparison::Eq, Literal::Text("a".to_owned()));
    assert_eq!(firsts(&check.rows(&Query { predicate, ..query.clone() }).unwrap()), [3]);
    let word = || field("word", DataType::Text);
    let sort = |field| SortKey { field, is_descending: false };
    let sort = vec![sort(word()), sort(field("id", DataType::Integer))];
    assert_eq!(firsts(&check.rows(&Query { sort, ..query }).unwrap()), [2, 3, 1, 4]);
}

#[test]
fn a_cell_beyond_its_limit_is_refused_and_a_row_beyond_the_batch_is_not() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, a text, b text, c text, d text, e text);
         insert into t select 1, z, z, z, z, z from (select hex(zeroblob(500)) as z);
         insert into t (id, a) values (2, 'small');",
    );
    let query = check.query("t", &[]);
    assert_eq!(check.rows(&query).unwrap().len(), 2);
    check.client().execute("update t set b = hex(zeroblob(600)) where id = 2", []).unwrap();
    let error = check.error(&query);
    assert!(error.starts_with("field `b` of the row with id 2: a cell of 1200 bytes"), "{error}");
}

#[test]
fn a_database_in_utf_16_is_read_as_text_like_any_other() {
    let check = Check::new("delete", "");
    std::fs::remove_file(&check.path).ok();
    let client = check.client();
    client
        .execute_batch("pragma encoding = 'UTF-16le'; create table t (id integer primary key, a)")
        .unwrap();
    client.execute("insert into t values (1, 'Köln 🌊'), (2, 'b')", []).unwrap();
    let query = check.query("t", &[]);
    let predicate = compare("a", "text", Comparison::Eq, Literal::Text("Köln 🌊".to_owned()));
    let found = check.rows(&Query { predicate, ..query.clone() }).unwrap();
    assert_eq!(found, [[Cell::Integer(1), text("Köln 🌊")]]);
    assert_eq!(check.rows(&query).unwrap().len(), 2);
}
