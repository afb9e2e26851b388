//! Snapshot of the SQL of every dialect, over all that a query can hold.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, NaiveTime};
use tidegate_batch::{DataType, ItemField};
use tidegate_model::{
    catalog::{CatalogColumn, Description, Relation, TableName, UnionMember},
    field::{Field, Origin, Reference},
    query::{Comparison, Literal, Place, Predicate, Query, Selected, SortKey},
};

use super::{Catalog, Dialect, Plan, own_column};
use crate::{
    Page, Seek, Start, Stretch,
    sources::{mysql::dialect::MySql, postgres::dialect::Postgres, sqlite::dialect::Sqlite},
};

const DIALECTS: [(&str, &dyn Dialect); 3] =
    [("sqlite", &Sqlite), ("postgres", &Postgres), ("mysql", &MySql)];

fn table(name: &str) -> TableName {
    TableName { schema: None, name: name.to_owned() }
}

fn field(slug: &str, data_type: DataType) -> Field {
    let column = slug.to_owned();
    Field::new(slug, data_type, Origin::Column(column))
}

fn query(fields: Vec<Field>) -> Query {
    Query {
        relation: Relation::Table(table("orders")),
        fields: fields
            .into_iter()
            .map(|field| Selected { field, alias: None, is_hidden: false })
            .collect(),
        key: vec![field("id", DataType::Integer)],
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    }
}

fn filtered(predicate: Predicate) -> Query {
    Query { predicate, ..query(vec![field("id", DataType::Integer)]) }
}

fn compare(field: Field, comparison: Comparison, value: Literal) -> Predicate {
    Predicate::Compare { field, comparison, value }
}

fn described(relation: &Relation) -> Description {
    let column = |name: &str, native_type: &str, data_type| CatalogColumn {
        name: name.to_owned(),
        data_type,
        native_type: native_type.to_owned(),
        is_nullable: name != "id",
    };
    let columns = vec![
        column("id", "bigint", DataType::Integer),
        column("status", "text", DataType::Text),
        column("mood", "mood", DataType::Text),
        column("code", "character(3)", DataType::Text),
        column("total", "numeric(12,2)", DataType::Decimal(Some((12, 2)))),
        column("ratio", "double precision", DataType::Float64),
        column("is_gift", "boolean", DataType::Boolean),
        column("day", "date", DataType::Date),
        column("at", "time", DataType::Time),
        column("placed_at", "timestamp", DataType::TimestampTz),
        column("token", "uuid", DataType::Uuid),
        column("shipping", "jsonb", DataType::Json),
        column("seal", "blob", DataType::Bytes),
        column("a\"b`c", "text", DataType::Text),
    ];
    let is_base_table = matches!(relation, Relation::Table(_));
    Description { columns, key: vec!["id".to_owned()], is_base_table }
}

fn reference(name: &str, ours: &str, theirs: &str) -> Reference {
    Reference { table: table(name), on: vec![(ours.to_owned(), theirs.to_owned())] }
}

fn lines() -> Origin {
    let item = |slug: &str, data_type, column: &str| {
        (ItemField { slug: slug.to_owned(), data_type }, column.to_owned())
    };
    Origin::Lines {
        reference: reference("order_lines", "id", "id"),
        items: vec![
            item("sku", DataType::Text, "code"),
            item("price", DataType::Decimal(Some((12, 2))), "total"),
            item("seal", DataType::Bytes, "seal"),
        ],
        order: vec!["at".to_owned(), "id".to_owned()],
    }
}

fn render(query: &Query, write: impl Fn(&Plan<'_>) -> super::Statement) -> String {
    let catalog = Catalog::read(query, |relation| Ok(described(relation))).unwrap();
    let mut out = String::new();
    for (name, dialect) in DIALECTS {
        let statement = write(&Plan::new(query, &catalog, dialect));
        writeln!(out, "{name:13} | {}", statement.text.replace('\n', "⏎")).unwrap();
        if !statement.values.is_empty() {
            writeln!(out, "{:13} |   values {:?}", "", statement.values).unwrap();
        }
    }
    out
}

fn integer(value: i64) -> Literal {
    Literal::Integer(value)
}

fn text(value: &str) -> Literal {
    Literal::Text(value.to_owned())
}

fn leaves() -> Vec<(&'static str, Predicate)> {
    use Comparison::{Eq, Gte, Lt};
    let uuid = "0123abcd-0000-4000-8000-00000000000f";
    let instant = DateTime::parse_from_rfc3339("2026-11-21T19:05:00.25Z").unwrap().to_utc();
    let day = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
    let time = NaiveTime::from_hms_micro_opt(19, 5, 0, 250_000).unwrap();
    let of = |slug, data_type| field(slug, data_type);
    let matches = |place| Predicate::Matches {
        field: of("status", DataType::Text),
        place,
        text: "50%_O!f".to_owned(),
    };
    vec![
        ("integer eq", compare(of("id", DataType::Integer), Eq, integer(7))),
        ("text eq", compare(of("status", DataType::Text), Eq, text("paid"))),
        ("text lt", compare(of("status", DataType::Text), Lt, text("paid"))),
        ("padded text eq", compare(of("code", DataType::Text), Eq, text("EUR"))),
        ("enum eq", compare(of("mood", DataType::Text), Eq, text("glad"))),
        ("integer as text", compare(of("id", DataType::Text), Eq, text("7"))),
        ("text as integer", compare(of("status", DataType::Integer), Lt, integer(7))),
        ("text as decimal", {
            let status = of("status", DataType::Decimal(None));
            compare(status, Gte, Literal::Decimal("1.5".to_owned()))
        }),
        ("decimal gte", {
            let total = of("total", DataType::Decimal(Some((12, 2))));
            compare(total, Gte, Literal::Decimal("19.99".to_owned()))
        }),
        ("float lt", compare(of("ratio", DataType::Float64), Lt, Literal::Float(0.5))),
        ("boolean eq", compare(of("is_gift", DataType::Boolean), Eq, Literal::Boolean(true))),
        ("date gte", compare(of("day", DataType::Date), Gte, Literal::Date(day))),
        ("time lt", compare(of("at", DataType::Time), Lt, Literal::Time(time))),
        ("timestamptz gte", {
            compare(of("placed_at", DataType::TimestampTz), Gte, Literal::TimestampTz(instant))
        }),
        ("timestamp eq", {
            let value = Literal::Timestamp(instant.naive_utc());
            compare(of("placed_at", DataType::Timestamp), Eq, value)
        }),
        ("uuid eq", compare(of("token", DataType::Uuid), Eq, Literal::Uuid(uuid.to_owned()))),
        ("in", {
            let values = vec![text("paid"), text("re\"f\\u'nded")];
            Predicate::In { field: of("status", DataType::Text), values }
        }),
        ("in nothing", {
            Predicate::In { field: of("status", DataType::Text), values: Vec::new() }
        }),
        ("is null", Predicate::IsNull(of("status", DataType::Text))),
        ("contains", matches(Place::Anywhere)),
        ("starts with", matches(Place::Start)),
        ("ends with", matches(Place::End)),
        ("contains in a number", {
            let field = of("total", DataType::Decimal(Some((12, 2))));
            Predicate::Matches { field, place: Place::Anywhere, text: "9".to_owned() }
        }),
        ("contains nothing", {
            let field = of("status", DataType::Text);
            Predicate::Matches { field, place: Place::Anywhere, text: String::new() }
        }),
    ]
}

#[test]
fn every_leaf_has_its_sql() {
    let mut out = String::new();
    for (name, predicate) in leaves() {
        let rendered = render(&filtered(predicate), |plan| plan.count().unwrap());
        write!(out, "{name}\n{rendered}\n").unwrap();
    }
    insta::assert_snapshot!(out);
}

fn id() -> Field {
    field("id", DataType::Integer)
}

fn status() -> Field {
    field("status", DataType::Text)
}

fn not(predicate: Predicate) -> Predicate {
    Predicate::Not(Box::new(predicate))
}

/// Predicates made of others, and keys.
fn compositions() -> Vec<(&'static str, Query)> {
    let key_in = |key: Vec<Field>, keys: Vec<Vec<Literal>>| Predicate::KeyIn { key, keys };
    let paid = || compare(status(), Comparison::Eq, text("paid"));
    vec![
        ("all but some", {
            filtered(not(key_in(vec![id()], vec![vec![integer(1)], vec![integer(2)]])))
        }),
        ("wide key", {
            let keys = vec![vec![integer(1), text("a")], vec![integer(2), text("b")]];
            filtered(key_in(vec![id(), status()], keys))
        }),
        ("nested logic", {
            let either = Predicate::Any(vec![paid(), Predicate::IsNull(status())]);
            filtered(Predicate::All(vec![not(Predicate::All(vec![paid(), either])), paid()]))
        }),
        ("nothing and everything", {
            filtered(not(Predicate::Any(vec![Predicate::Any(vec![]), Predicate::All(vec![])])))
        }),
    ]
}

/// Fields that are no columns.
fn origins() -> Vec<(&'static str, Query)> {
    let city = Origin::JsonPath {
        column: "shipping".to_owned(),
        path: vec!["to".to_owned(), "c\"i'ty".to_owned()],
    };
    let city = Field::new("shipping.city", DataType::Text, city);
    let body = |slug: &str, data_type| {
        let path = vec![slug.to_owned()];
        Field::new(slug, data_type, Origin::JsonPath { column: "status".to_owned(), path })
    };
    let author =
        Origin::Joined { reference: reference("users", "id", "id"), column: "status".to_owned() };
    let author = Field::new("author.name", DataType::Text, author);
    vec![
        (
            "json path",
            Query {
                predicate: compare(city.clone(), Comparison::Eq, text("Köln")),
                ..query(vec![city])
            },
        ),
        (
            "json path into a column that is not the database's best kind of JSON",
            Query {
                predicate: Predicate::IsNull(body("list", DataType::Json)),
                ..query(vec![body("name", DataType::Text), body("list", DataType::Json)])
            },
        ),
        (
            "joined",
            Query {
                predicate: compare(author.clone(), Comparison::Eq, text("Ada")),
                ..query(vec![author])
            },
        ),
        ("lines", query(vec![id(), Field::new("lines", DataType::Json, lines())])),
    ]
}

/// Relations and select lists.
fn relations() -> Vec<(&'static str, Query)> {
    let sorted = |field: Field, is_descending| SortKey { field, is_descending };
    let member = |kind: &str, name: &str, title: &str| UnionMember {
        kind: kind.to_owned(),
        table: table(name),
        origins: vec![
            ("id".to_owned(), Origin::Column("id".to_owned())),
            ("title".to_owned(), Origin::Column(title.to_owned())),
        ],
    };
    let columns = described(&Relation::Table(table("orders"))).columns;
    let as_declared = columns.iter().map(|column| field(&column.name, column.data_type.clone()));
    let as_text = columns.iter().map(|column| field(&column.name, DataType::Text));
    let kind = Field::new("kind", DataType::Text, Origin::Kind);
    let pages = member("pages", "pages", "status");
    let union = Query {
        relation: Relation::Union(vec![pages, member("posts", "posts", "code")]),
        predicate: compare(kind.clone(), Comparison::Eq, text("posts")),
        sort: vec![sorted(id(), false)],
        ..query(vec![id(), kind, field("title", DataType::Text)])
    };
    vec![
        (
            "sort",
            Query { sort: vec![sorted(status(), true), sorted(id(), false)], ..query(vec![id()]) },
        ),
        ("names that need quotes", query(vec![field("a\"b`c", DataType::Text)])),
        (
            "schema",
            Query {
                relation: Relation::Table(TableName::parse("shop.\"a.b\"")),
                ..query(vec![id()])
            },
        ),
        (
            "statement",
            Query {
                relation: Relation::Statement("select * from orders -- all ; \n ;".to_owned()),
                ..query(vec![id()])
            },
        ),
        ("union", union),
        ("every type", query(as_declared.collect())),
        ("every type as text", query(as_text.collect())),
    ]
}

#[test]
fn every_composition_has_its_sql() {
    let mut out = String::new();
    let all = [compositions(), origins(), relations()];
    for (name, query) in all.into_iter().flatten() {
        let rendered = render(&query, |plan| plan.stream(None).unwrap());
        write!(out, "{name}\n{rendered}\n").unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_page_bounds_its_rows_and_a_share_comes_last() {
    let paid = compare(field("status", DataType::Text), Comparison::Eq, text("paid"));
    let query = Query {
        sort: vec![SortKey { field: field("id", DataType::Integer), is_descending: true }],
        ..filtered(paid)
    };
    let page = render(&query, |plan| {
        let page = Page { start: Start::Skip(200), limit: 100 };
        plan.page(&page).unwrap()
    });
    let share = render(&query, |plan| {
        use sea_query::ExprTrait as _;
        plan.stream(Some(own_column("rowid").between(0_i64, 9_i64))).unwrap()
    });
    insta::assert_snapshot!(format!("page\n{page}\nshare\n{share}"));
}

#[test]
fn rows_that_match_are_found_by_their_keys_where_order_and_key_have_values() {
    let paid = || compare(field("status", DataType::Text), Comparison::Eq, text("paid"));
    let sorted = |slug: &str, predicate| Query {
        sort: vec![SortKey { field: field(slug, DataType::Integer), is_descending: true }],
        ..filtered(predicate)
    };
    let of = |stretch| {
        let seek = Seek { stretch, anchor: None, is_backward: false };
        Page { start: Start::Seek(seek), limit: 51 }
    };
    let (page, nulls) = (of(Stretch::Values), of(Stretch::Nulls));
    let query = sorted("id", paid());
    let catalog = Catalog::read(&query, |relation| Ok(described(relation))).unwrap();
    let found = Plan::new(&query, &catalog, &Postgres).for_page(&page).found(&page).unwrap();
    insta::assert_snapshot!(found.unwrap().text);
    let skipped = Page { start: Start::Skip(0), limit: 51 };
    for (query, page) in [
        (sorted("id", Predicate::everything()), &page),
        (sorted("total", paid()), &nulls),
        (Query { key: vec![field("code", DataType::Text)], ..sorted("id", paid()) }, &page),
        (Query { key: Vec::new(), ..sorted("id", paid()) }, &page),
        (sorted("id", paid()), &skipped),
    ] {
        let catalog = Catalog::read(&query, |relation| Ok(described(relation))).unwrap();
        let plan = Plan::new(&query, &catalog, &Postgres).for_page(page);
        assert!(plan.found(page).unwrap().is_none(), "{query:?}");
    }
}

#[test]
fn a_field_that_is_hidden_goes_last_in_list_and_schema() {
    let mut query = query(vec![field("id", DataType::Integer), field("status", DataType::Text)]);
    query.fields[0].is_hidden = true;
    let catalog = Catalog::read(&query, |relation| Ok(described(relation))).unwrap();
    let plan = Plan::new(&query, &catalog, &Sqlite);
    let schema = plan.schema().unwrap();
    let slugs: Vec<&str> = schema.columns().iter().map(|column| &*column.slug).collect();
    assert_eq!(slugs, ["status", "id"]);
    let sql = plan.stream(None).unwrap().text;
    assert_eq!(sql, r#"SELECT "t"."status" AS "c0", "t"."id" AS "c1" FROM "orders" AS "t""#);
}

#[test]
fn a_column_that_is_missing_is_named_with_those_there_are() {
    let query = query(vec![field("colour", DataType::Text)]);
    let error = Catalog::read(&query, |relation| Ok(described(relation))).unwrap_err().to_string();
    assert!(error.starts_with("column `colour` is not in `orders`; it has id, status,"), "{error}");
}

#[test]
fn ten_thousand_keys_and_a_wide_any_are_rendered_without_a_deep_tree() {
    let id = || field("id", DataType::Integer);
    let keys = (0..10_000).map(|key| vec![integer(key)]).collect();
    let any = (0..10_000).map(|key| compare(id(), Comparison::Eq, integer(key))).collect();
    let query = filtered(Predicate::All(vec![
        Predicate::KeyIn { key: vec![id()], keys },
        Predicate::Any(any),
    ]));
    let catalog = Catalog::read(&query, |relation| Ok(described(relation))).unwrap();
    for (name, dialect) in DIALECTS {
        let statement = Plan::new(&query, &catalog, dialect).count().unwrap();
        let bound = statement.values.len();
        assert!((10_000..32_766).contains(&bound), "{name}: {bound}");
    }
}
