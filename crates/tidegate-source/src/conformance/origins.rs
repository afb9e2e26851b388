//! Fields that are no columns of their table: joined ones, lines, places in JSON, unions.

use tidegate_batch::{DataType, Item, ItemField};
use tidegate_model::{
    catalog::{Relation, UnionMember},
    field::{Field, Origin, Reference},
    query::{Comparison, Literal, Place, Predicate, Query, SortKey},
};

use super::{
    Cell, Site, Table,
    drain::{PATIENCE, rows_of},
    table::{field, query},
};

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn by_id(table: &Table) -> Vec<SortKey> {
    vec![SortKey { field: table.field("id"), is_descending: false }]
}

fn owners() -> Table {
    let rows = [(1, "Ada"), (2, "Béla"), (3, "Ada")];
    let rows = rows.map(|(id, name)| vec![Cell::Integer(id), text(name)]).to_vec();
    Table::new("conformance_owners", &[("id", "integer"), ("name", "text")], rows)
}

/// Things of owners: one that has none, one whose owner is gone.
fn owned() -> Table {
    let owners = [Cell::Integer(1), Cell::Null, Cell::Integer(2), Cell::Integer(9)];
    let rows = owners.into_iter().zip(1..).map(|(owner, id)| vec![Cell::Integer(id), owner]);
    let columns = [("id", "integer"), ("owner_id", "integer")];
    Table::new("conformance_owned", &columns, rows.collect())
}

pub(super) fn joined(site: &Site<'_>) {
    let (owners, owned) = (owners(), owned());
    owners.create(site);
    owned.create(site);
    let reference = Reference {
        table: owners.table_name(),
        on: vec![("owner_id".to_owned(), "id".to_owned())],
    };
    let origin = Origin::Joined { reference, column: "name".to_owned() };
    let name = field("owner.name", DataType::Text, origin);
    let relation = || Relation::Table(owned.table_name());
    let fields = || vec![owned.field("id"), name.clone()];
    let all = Query { sort: by_id(&owned), ..query(relation(), fields(), owned.key_fields()) };
    let named = |id, name| vec![Cell::Integer(id), name];
    let expected =
        [named(1, text("Ada")), named(2, Cell::Null), named(3, text("Béla")), named(4, Cell::Null)];
    assert_eq!(rows_of(site.source, &all), expected);
    let unsorted = Query { sort: Vec::new(), ..all.clone() };
    assert_eq!(rows_of(site.source, &unsorted).len(), 4);
    let is_ada = Predicate::Compare {
        field: name.clone(),
        comparison: Comparison::Eq,
        value: Literal::Text("Ada".to_owned()),
    };
    let kept = |predicate: Predicate| {
        let rows = rows_of(site.source, &Query { predicate, ..all.clone() });
        rows.into_iter().map(|row| row[0].clone()).collect::<Vec<_>>()
    };
    let ids = |ids: &[i64]| ids.iter().map(|id| Cell::Integer(*id)).collect::<Vec<_>>();
    assert_eq!(kept(is_ada.clone()), ids(&[1]));
    assert_eq!(kept(Predicate::Not(Box::new(is_ada))), ids(&[2, 3, 4]));
    let place = Place::Anywhere;
    let holds = Predicate::Matches { field: name.clone(), place, text: "LA".to_owned() };
    assert_eq!(kept(holds), ids(&[3]));
    let by_name = Query {
        sort: vec![SortKey { field: name, is_descending: true }, by_id(&owned).remove(0)],
        ..all.clone()
    };
    let sorted: Vec<_> =
        rows_of(site.source, &by_name).into_iter().map(|row| row[0].clone()).collect();
    assert_eq!(sorted, ids(&[3, 1, 2, 4]));
}

fn parts() -> Table {
    let row = |id, owner, position, price: Option<&str>, name: &str| {
        vec![
            Cell::Integer(id),
            Cell::Integer(owner),
            Cell::Integer(position),
            price.map_or(Cell::Null, Cell::decimal),
            text(name),
            Cell::Boolean(id % 2 == 0),
            Cell::Bytes(vec![0, 0xAB]),
            Cell::Date(chrono::NaiveDate::from_ymd_opt(2026, 11, 21).expect("a day")),
        ]
    };
    let columns = [
        ("id", "integer"),
        ("owned_id", "integer"),
        ("position", "integer"),
        ("price", "decimal(38,10)"),
        ("name", "text"),
        ("is_gift", "boolean"),
        ("seal", "bytes"),
        ("day", "date"),
    ];
    let rows = vec![
        row(1, 1, 2, Some("1234567890123456789012345678.0123456789"), "second \"quoted\"\n\\"),
        row(2, 1, 1, Some("-0.5"), "first 🌊"),
        row(3, 3, 1, None, ""),
    ];
    Table::new("conformance_parts", &columns, rows)
}

pub(super) fn lines(site: &Site<'_>) {
    let (owned, parts) = (owned(), parts());
    owned.create(site);
    parts.create(site);
    let items: Vec<(ItemField, String)> = parts.columns[3..]
        .iter()
        .map(|column| {
            let item = ItemField {
                slug: format!("the.{}", column.name),
                data_type: column.data_type.clone(),
            };
            (item, column.name.clone())
        })
        .collect();
    let record = items.iter().map(|(item, _)| item.clone()).collect();
    let origin = Origin::Lines {
        reference: Reference {
            table: parts.table_name(),
            on: vec![("id".to_owned(), "owned_id".to_owned())],
        },
        items,
        order: vec!["position".to_owned()],
    };
    let lines = field("lines", DataType::List(Box::new(Item::Record(record))), origin);
    let fields = vec![owned.field("id"), lines];
    let relation = Relation::Table(owned.table_name());
    let query = Query { sort: by_id(&owned), ..query(relation, fields, owned.key_fields()) };
    let stream = site.source.stream(&query, &super::drain::options(2)).expect("a stream");
    let lists = raw_lists(stream);
    assert_eq!(lists.len(), 4);
    assert_eq!((lists[1].as_str(), lists[3].as_str()), ("[]", "[]"));
    let first: Vec<serde_json::Value> = serde_json::from_str(&lists[0]).expect("a list");
    let names: Vec<&str> = first.iter().filter_map(|line| line["the.name"].as_str()).collect();
    assert_eq!(names, ["first 🌊", "second \"quoted\"\n\\"]);
    assert_eq!(first[0]["the.day"], "2026-11-21");
    let seal = first[0]["the.seal"].as_str().expect("octets are text");
    assert_eq!(seal.trim_start_matches("\\x").to_ascii_lowercase(), "00ab");
    for (line, is_gift) in first.iter().zip([true, false]) {
        let found = &line["the.is_gift"];
        assert!(*found == is_gift || *found == u8::from(is_gift), "{found}");
    }
    let digits = "1234567890123456789012345678.0123456789";
    assert!(lists[0].contains(digits), "digits were lost: {}", lists[0]);
    let third: Vec<serde_json::Value> = serde_json::from_str(&lists[2]).expect("a list");
    assert_eq!(
        (&third[0]["the.price"], &third[0]["the.name"]),
        (&serde_json::Value::Null, &"".into())
    );
}

/// The lists as they are, since a JSON library of ours would round their numbers.
fn raw_lists(stream: crate::RowStream) -> Vec<String> {
    let schema = std::sync::Arc::clone(&stream.schema);
    let mut lists = Vec::new();
    for mut reader in stream.readers {
        loop {
            let mut batch = tidegate_batch::RowBatch::with_capacity(1 << 12);
            if reader.read(&mut batch).expect("rows").is_none() {
                break;
            }
            batch.seal();
            for mut cells in batch.rows(schema.width()) {
                let column = &schema.columns()[1];
                match column.decode(cells.nth(1).flatten()).expect("a cell") {
                    tidegate_batch::Value::List(list) => {
                        lists.push(String::from_utf8(list.to_vec()).expect("UTF-8"));
                    }
                    other => panic!("{other:?} is no list"),
                }
            }
        }
    }
    lists
}

pub(super) fn json_paths(site: &Site<'_>) {
    let documents = [
        r#"{"to": {"city": "Köln", "zip": 50667, "a\"b": "quoted"}, "n": 1.50, "ok": true}"#,
        r#"{"to": {"city": null, "zip": 7}, "n": -2, "ok": false}"#,
        r#"{"to": "nowhere"}"#,
        r"{}",
    ];
    let mut rows: Vec<Vec<Cell>> = documents
        .iter()
        .zip(1..)
        .map(|(document, id)| {
            vec![Cell::Integer(id), Cell::Json(serde_json::from_str(document).expect("JSON"))]
        })
        .collect();
    rows.push(vec![Cell::Integer(5), Cell::Null]);
    let table = Table::new("conformance_docs", &[("id", "integer"), ("doc", "json")], rows);
    table.create(site);
    let at = |slug: &str, data_type: DataType, path: &[&str]| {
        let path = path.iter().map(|key| (*key).to_owned()).collect();
        field(slug, data_type, Origin::JsonPath { column: "doc".to_owned(), path })
    };
    let city = at("city", DataType::Text, &["to", "city"]);
    let fields = vec![
        table.field("id"),
        city.clone(),
        at("zip", DataType::Integer, &["to", "zip"]),
        at("n", DataType::Decimal(None), &["n"]),
        at("ok", DataType::Boolean, &["ok"]),
        at("quoted", DataType::Text, &["to", "a\"b"]),
    ];
    let all = Query {
        sort: by_id(&table),
        ..query(Relation::Table(table.table_name()), fields, table.key_fields())
    };
    let row = |id, city, zip, n, ok, quoted| vec![Cell::Integer(id), city, zip, n, ok, quoted];
    let empty = |id| row(id, Cell::Null, Cell::Null, Cell::Null, Cell::Null, Cell::Null);
    let first = row(
        1,
        text("Köln"),
        Cell::Integer(50_667),
        Cell::decimal("1.5"),
        Cell::Boolean(true),
        text("quoted"),
    );
    let second =
        row(2, Cell::Null, Cell::Integer(7), Cell::decimal("-2"), Cell::Boolean(false), Cell::Null);
    assert_eq!(
        rows_of(site.source, &all),
        [first.clone(), second.clone(), empty(3), empty(4), empty(5)]
    );
    let filtered = |field: Field, comparison, value| {
        let predicate = Predicate::Compare { field, comparison, value };
        rows_of(site.source, &Query { predicate, ..all.clone() })
    };
    let koln = Literal::Text("Köln".to_owned());
    assert_eq!(filtered(city.clone(), Comparison::Eq, koln), std::slice::from_ref(&first));
    let zip = at("zip", DataType::Integer, &["to", "zip"]);
    // As a number, 7 is below 50667; as a text it is above.
    assert_eq!(filtered(zip, Comparison::Lt, Literal::Integer(100)), std::slice::from_ref(&second));
    let n = at("n", DataType::Decimal(None), &["n"]);
    assert_eq!(filtered(n, Comparison::Gt, Literal::Decimal("1.49".to_owned())), [first]);
    let without =
        Query { predicate: Predicate::Not(Box::new(Predicate::IsNull(city))), ..all.clone() };
    assert_eq!(rows_of(site.source, &without).len(), 1);
}

pub(super) fn union(site: &Site<'_>) {
    let member = |kind: &str, title: &str, ids: [i64; 2]| {
        let rows = ids.map(|id| vec![Cell::Integer(id), text(&format!("{kind} {id}"))]).to_vec();
        let name = format!("conformance_{kind}");
        Table::new(&name, &[("id", "integer"), (title, "text")], rows)
    };
    let (pages, posts) = (member("pages", "title", [1, 2]), member("posts", "headline", [2, 3]));
    pages.create(site);
    posts.create(site);
    let of = |kind: &str, table: &Table, title: &str| UnionMember {
        kind: kind.to_owned(),
        table: table.table_name(),
        origins: vec![
            ("kind".to_owned(), Origin::Kind),
            ("id".to_owned(), Origin::Column("id".to_owned())),
            ("title".to_owned(), Origin::Column(title.to_owned())),
        ],
    };
    let relation =
        Relation::Union(vec![of("pages", &pages, "title"), of("posts", &posts, "headline")]);
    let kind = field("kind", DataType::Text, Origin::Kind);
    let id = pages.field("id");
    let fields = vec![kind.clone(), id.clone(), pages.field("title")];
    let sort = [(&id, true), (&kind, false)];
    let all = Query {
        sort: sort
            .map(|(field, is_descending)| SortKey { field: field.clone(), is_descending })
            .to_vec(),
        ..query(relation, fields, vec![kind.clone(), id.clone()])
    };
    let row =
        |kind: &str, id: i64| vec![text(kind), Cell::Integer(id), text(&format!("{kind} {id}"))];
    let expected = [row("posts", 3), row("pages", 2), row("posts", 2), row("pages", 1)];
    assert_eq!(rows_of(site.source, &all), expected);
    assert_eq!(site.source.count(&all, PATIENCE).expect("a count"), 4);
    let is_post = Predicate::Compare {
        field: kind,
        comparison: Comparison::Eq,
        value: Literal::Text("posts".to_owned()),
    };
    let posts = Query { predicate: is_post, sort: Vec::new(), ..all };
    assert_eq!(rows_of(site.source, &posts).len(), 2);
}

pub(super) fn statement(site: &Site<'_>) {
    let owners = owners();
    owners.create(site);
    let quote = site.spelling.quote;
    let text = format!(
        "select {0} as {0}, {1} as {2} from {3} where {0} < 3 -- the first ones ; \n ; ",
        quote("id"),
        quote("name"),
        quote("a b"),
        quote(&owners.name),
    );
    let relation = Relation::Statement(text);
    let described = site.source.describe(&relation).expect("a description");
    let names: Vec<&str> = described.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["id", "a b"]);
    assert!(!described.is_base_table);
    let id = owners.field("id");
    let name = field("name", DataType::Text, Origin::Column("a b".to_owned()));
    let all =
        Query { sort: by_id(&owners), ..query(relation, vec![id.clone(), name.clone()], vec![id]) };
    let named = |id, name: &str| vec![Cell::Integer(id), Cell::Text(name.to_owned())];
    assert_eq!(rows_of(site.source, &all), [named(1, "Ada"), named(2, "Béla")]);
    let place = Place::Start;
    let holds = Predicate::Matches { field: name, place, text: "b".to_owned() };
    let found = rows_of(site.source, &Query { predicate: holds, ..all.clone() });
    assert_eq!(found, [named(2, "Béla")]);
    assert_eq!(site.source.count(&all, PATIENCE).expect("a count"), 2);
}
