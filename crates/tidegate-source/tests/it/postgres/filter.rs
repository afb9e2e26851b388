//! Filters mean what SPEC says, with values that are bound and never part of a statement.

use chrono::{NaiveDate, TimeZone, Utc};
use tidegate_model::{
    field::Field,
    query::{Comparison, Literal, Place, Predicate, Query},
};

use super::Check;

/// Ids of the rows of `t` that match, by the stream, the count and a page alike.
fn ids(check: &Check, predicate: Predicate) -> Vec<i64> {
    let mut query = check.query("t");
    query.predicate = predicate;
    let read = check.read(&query).unwrap();
    let mut ids: Vec<i64> =
        read.rows.iter().map(|row| row[0].as_ref().unwrap().parse().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(check.source.count(&query, crate::PATIENCE).unwrap(), ids.len() as u64, "the count");
    let (_, page) = check.source.rows(&query, &crate::page(0, 1000)).unwrap();
    assert_eq!(page.len(), ids.len(), "the page");
    ids
}

fn field_of(check: &Check, slug: &str) -> Field {
    let query = check.query("t");
    query.fields.into_iter().find(|selected| selected.field.slug == slug).unwrap().field
}

fn compare(field: Field, comparison: Comparison, value: Literal) -> Predicate {
    Predicate::Compare { field, comparison, value }
}

#[test]
fn an_equality_finds_its_value_in_every_type() {
    let date = NaiveDate::from_ymd_opt(2024, 2, 29).unwrap();
    let noon = date.and_hms_micro_opt(12, 0, 0, 5).unwrap();
    let text = |text: &str| Literal::Text(text.to_owned());
    let check = Check::new("create type mood as enum ('sad', 'ok')");
    let id = super::field("id", tidegate_batch::DataType::Integer);
    let query = super::query(super::table_relation("t"), vec![id]);
    for (native, literal, value) in [
        ("boolean", "true", Literal::Boolean(true)),
        ("smallint", "7", Literal::Integer(7)),
        ("bigint", "9223372036854775807", Literal::Integer(i64::MAX)),
        ("bigint", "7", Literal::Decimal("7.0".into())),
        ("numeric", "0.1", Literal::Decimal("0.1".into())),
        ("numeric(38,20)", "1.5", Literal::Float(1.5)),
        ("real", "1.1", Literal::Float(1.1)),
        ("real", "1.1", Literal::Decimal("1.1".into())),
        ("double precision", "1.1", Literal::Float(1.1)),
        ("text", "o'b\"r\\%", text("o'b\"r\\%")),
        ("varchar(9)", "ab ", text("ab ")),
        ("char(5)", "ab", text("ab")),
        ("bpchar", "ab", text("ab")),
        ("mood", "sad", text("sad")),
        ("inet", "10.0.0.1", text("10.0.0.1")),
        ("money", "$1.00", text("$1.00")),
        ("date", "2024-02-29", Literal::Date(date)),
        ("time", "12:00:00.000005", Literal::Time(noon.time())),
        ("timestamp", "2024-02-29 12:00:00.000005", Literal::Timestamp(noon)),
        (
            "timestamptz",
            "2024-02-29 14:00:00.000005+02",
            Literal::TimestampTz(Utc.from_utc_datetime(&noon)),
        ),
        (
            "uuid",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
            Literal::Uuid("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11".into()),
        ),
    ] {
        check.database.execute(&format!(
            "drop table if exists t; create table t (id int, x {native});
             insert into t values (1, '{}'), (2, null)",
            literal.replace('\'', "''")
        ));
        let (id, x) = (field_of(&check, "id"), field_of(&check, "x"));
        let equal = compare(x.clone(), Comparison::Eq, value.clone());
        let values = |count: usize| vec![value.clone(); count];
        let key = vec![id, x.clone()];
        let keys = [1, 2].map(|id| vec![Literal::Integer(id), value.clone()]).to_vec();
        for (what, predicate, found) in [
            ("eq", equal.clone(), 1),
            ("in", Predicate::In { field: x.clone(), values: values(2) }, 1),
            ("in many", Predicate::In { field: x.clone(), values: values(100) }, 1),
            ("not eq", Predicate::Not(Box::new(equal)), 2),
            ("key", Predicate::KeyIn { key, keys }, 1),
        ] {
            let selected = query.clone();
            let query = Query { predicate, ..selected };
            let (schema, page) =
                check.source.rows(&query, &crate::page(0, 9)).unwrap_or_else(|error| {
                    panic!("{native} {what}: {error:?}");
                });
            let ids = super::rows_of(&page, &schema);
            assert_eq!(ids, [[Some(found.to_string())]], "{native} {what}");
        }
    }
}

const TEXTS: &str = "
    create table t (id int, x text);
    insert into t values (1, 'Ümläut 50%'), (2, '50_x'), (3, '50ax'), (4, null), (5, ''),
                         (6, E'back\\\\slash ! ''quote'''), (7, 'ÜMLÄUT')";

#[test]
fn a_text_is_sought_without_heed_of_case_and_signs_are_plain() {
    let check = Check::new(TEXTS);
    for (place, text, found) in [
        (Place::Anywhere, "ümlÄut", vec![1, 7]),
        (Place::Anywhere, "50%", vec![1]),
        (Place::Start, "50_", vec![2]),
        (Place::End, "AX", vec![3]),
        (Place::Anywhere, "back\\slash ! 'q", vec![6]),
        (Place::Anywhere, "", vec![1, 2, 3, 5, 6, 7]),
        (Place::Anywhere, "a\0x", vec![]),
    ] {
        let text = text.to_owned();
        let predicate = Predicate::Matches { field: field_of(&check, "x"), place, text };
        assert_eq!(ids(&check, predicate.clone()), found, "{predicate:?}");
        let others = (1..=7).filter(|id| !found.contains(id)).collect::<Vec<_>>();
        assert_eq!(ids(&check, Predicate::Not(Box::new(predicate))), others);
    }
}

#[test]
fn a_text_that_the_server_cannot_hold_equals_nothing() {
    let check = Check::new(TEXTS);
    let nul = || Literal::Text("a\0".into());
    let x = || field_of(&check, "x");
    assert!(ids(&check, compare(x(), Comparison::Eq, nul())).is_empty());
    let values = vec![nul(), Literal::Text("50ax".into())];
    assert_eq!(ids(&check, Predicate::In { field: x(), values }), [3]);
    let keys = vec![
        vec![Literal::Integer(3), nul()],
        vec![Literal::Integer(3), Literal::Text("50ax".into())],
    ];
    let key = vec![field_of(&check, "id"), x()];
    assert_eq!(ids(&check, Predicate::KeyIn { key, keys }), [3]);
}

#[test]
fn a_value_is_never_read_as_a_statement() {
    let check = Check::new(TEXTS);
    for text in ["'; drop table t; --", "$1", "\\'; drop table t; --", "%s", "{a,\"b\"}", "NULL"] {
        let value = Literal::Text(text.to_owned());
        let equal = compare(field_of(&check, "x"), Comparison::Eq, value.clone());
        assert!(ids(&check, equal).is_empty(), "{text}");
        let values = vec![value];
        assert!(ids(&check, Predicate::In { field: field_of(&check, "x"), values }).is_empty());
    }
    assert_eq!(check.database.query("select count(*) from t").trim(), "7");
}

#[test]
fn ten_thousand_keys_find_their_rows() {
    let check = Check::new(
        "create table t (id int primary key, x text);
         insert into t select i, i::text from generate_series(1, 20000) as i; analyze t",
    );
    let keys = (1..=10_000).map(|id| vec![Literal::Integer(id * 2)]).collect();
    let key = vec![field_of(&check, "id")];
    let mut query = check.query("t");
    query.predicate = Predicate::KeyIn { key, keys };
    assert_eq!(check.read(&query).unwrap().rows.len(), 10_000);
}

#[test]
fn a_page_begins_where_the_last_one_ended() {
    let check = Check::new("create table t as select generate_series(1, 25) as id");
    let mut query = check.query("t");
    let field = query.fields[0].field.clone();
    query.sort = vec![tidegate_model::query::SortKey { field, is_descending: false }];
    let page = |offset| {
        let (schema, batch) = check.source.rows(&query, &crate::page(offset, 10)).unwrap();
        super::rows_of(&batch, &schema).into_iter().flatten().flatten().collect::<Vec<_>>()
    };
    assert_eq!(page(0).len(), 10);
    assert_eq!(page(20), ["21", "22", "23", "24", "25"]);
    assert!(page(30).is_empty());
}
