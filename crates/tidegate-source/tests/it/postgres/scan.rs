//! Rows read in shares by several readers are the rows of the table, each once.

use tidegate_model::{
    catalog::Relation,
    field::{Field, Origin},
    query::{Comparison, Literal, Predicate, Query, SortKey},
};
use tidegate_source::{StreamOptions, Ticket};

use super::{Check, Read, field, options, query, read};

/// Some 400 pages of rows, a part of them removed again and some moved by updates.
const ORDERS: &str = "
    create table orders (id int primary key, status text, note text, big text);
    insert into orders select i, (array['paid','open'])[1 + i % 2], repeat('x', i % 400),
                              case when i % 1000 = 0 then repeat('y', 20000) end
    from generate_series(1, 20000) as i;
    delete from orders where id % 7 = 0; update orders set note = note || '!' where id % 5 = 0;
    vacuum analyze orders;";

fn alone() -> StreamOptions {
    StreamOptions { readers: 1, ..options() }
}

/// Chunks count from 0 without gaps, their parts too, each ends with its last batch, and together
/// they use up the extent.
fn assert_in_order(read: &Read) {
    let mut expected = Ticket { chunk: 0, part: 0, is_last: false, extent_done: 0 };
    for ticket in &read.tickets {
        assert_eq!((ticket.chunk, ticket.part), (expected.chunk, expected.part));
        match ticket.is_last {
            true => (expected.chunk, expected.part) = (ticket.chunk + 1, 0),
            false => expected.part += 1,
        }
    }
    assert!(read.tickets.last().unwrap().is_last);
}

fn extent_done(read: &Read) -> u64 {
    read.tickets.iter().map(|ticket| ticket.extent_done).sum()
}

#[test]
fn four_readers_give_the_rows_of_one_in_the_same_order() {
    let check = Check::new(ORDERS);
    let query = check.query("orders");
    let many = check.read(&query).unwrap();
    let one = read(check.source.stream(&query, &alone()).unwrap()).unwrap();
    assert_eq!((many.readers, one.readers), (4, 1));
    assert!(many.tickets.len() > 100, "{} batches", many.tickets.len());
    assert_eq!(many.rows, one.rows);
    assert_eq!(many.rows, check.database.cells("select * from orders order by ctid"));
    for read in [&many, &one] {
        assert_in_order(read);
        assert_eq!(read.unit, "pages");
        assert_eq!(extent_done(read), read.extent);
    }
}

#[test]
fn a_batch_is_closed_before_it_overflows_and_a_large_row_stands_alone() {
    let check = Check::new(ORDERS);
    let stream = check.source.stream(&check.query("orders"), &alone()).unwrap();
    let mut batch = tidegate_batch::RowBatch::default();
    let mut large = 0;
    for mut reader in stream.readers {
        while reader.read(&mut batch).unwrap().is_some() {
            assert!(batch.bytes_len() <= options().batch_bytes || batch.len() == 1);
            large += usize::from(batch.bytes_len() > options().batch_bytes);
            batch.clear(0);
        }
    }
    assert_eq!(large, 18, "rows with 20,000 letters");
}

#[test]
fn partitions_are_read_by_their_pages_and_children_are_not_read_twice() {
    let check = Check::new(
        "create table parted (id int, note text) partition by range (id);
         create table p1 partition of parted for values from (0) to (10);
         create table p2 partition of parted for values from (10) to (50000)
           partition by list (note);
         create table p2a partition of p2 for values in ('a');
         create table p2b partition of p2 default;
         insert into parted select i, case when i % 3 = 0 then 'a' else repeat('b', 200) end
         from generate_series(1, 9000) as i;
         create table parent (id int); create table child (more text) inherits (parent);
         insert into parent select generate_series(1, 3000);
         insert into child select i, repeat('x', 300) from generate_series(1, 5000) as i",
    );
    for (table, readers, unit) in
        [("parted", 4, "pages"), ("parent", 1, "rows"), ("p1", 1, "pages")]
    {
        let mut read = check.read(&check.query(table)).unwrap();
        assert_in_order(&read);
        assert_eq!((read.readers, read.unit), (readers, unit), "{table}");
        if unit == "pages" {
            assert_eq!(extent_done(&read), read.extent, "{table}");
        }
        read.rows.sort();
        assert_eq!(read.rows, check.psql_sorted(table), "{table}");
    }
}

#[test]
fn what_has_no_pages_of_its_own_is_read_by_one() {
    let check = Check::new(
        "create table t as select i as id, repeat('x', 100) as note from generate_series(1, 5000) i;
         create view v as select * from t; create materialized view m as select * from t;
         create extension file_fdw; create server files foreign data wrapper file_fdw;
         create foreign table f (line text) server files options (filename '/etc/passwd')",
    );
    for (table, readers) in [("v", 1), ("m", 4), ("f", 1)] {
        let mut read = check.read(&check.query(table)).unwrap();
        assert_eq!(read.readers, readers, "{table}");
        read.rows.sort();
        assert_eq!(read.rows, check.psql_sorted(table), "{table}");
    }
    let id = || vec![field("id", tidegate_batch::DataType::Integer)];
    let statement = query(Relation::Statement("select id from t where id > 10;".into()), id());
    let read = check.read(&statement).unwrap();
    assert_eq!((read.readers, read.rows.len()), (1, 4990));
}

#[test]
fn a_sorted_export_is_one_stream_in_order() {
    let check = Check::new(ORDERS);
    let mut query = check.query("orders");
    let key = |name: &str, is_descending| SortKey {
        field: query.fields.iter().find(|f| f.field.slug == name).unwrap().field.clone(),
        is_descending,
    };
    query.sort = vec![key("big", true), key("status", false), key("id", true)];
    let read = check.read(&query).unwrap();
    assert_eq!((read.readers, read.unit), (1, "rows"));
    assert_in_order(&read);
    let by_psql = check.database.cells(
        "select * from orders order by big desc nulls last, status nulls last, id desc nulls last",
    );
    assert_eq!(read.rows, by_psql);
}

#[test]
fn an_empty_table_gives_one_empty_batch_and_a_proven_end() {
    let check = Check::new("create table t (id int)");
    let read = check.read(&check.query("t")).unwrap();
    assert_eq!((read.rows.len(), read.tickets.len(), read.readers), (0, 1, 1));
    assert!(read.tickets[0].is_last);
}

fn with_filter(check: &Check, column: &str, comparison: Comparison, value: Literal) -> Query {
    let mut query = check.query("orders");
    let field = query.fields.iter().find(|f| f.field.slug == column).unwrap().field.clone();
    query.predicate = Predicate::Compare { field, comparison, value };
    query
}

#[test]
fn a_filter_goes_by_its_index_only_where_that_saves_pages() {
    let check = Check::new(ORDERS);
    for (limit, readers, unit) in [(100, 1, "rows"), (19_000, 4, "pages")] {
        let filtered = with_filter(&check, "id", Comparison::Lte, Literal::Integer(limit));
        let mut read = check.read(&filtered).unwrap();
        assert_eq!((read.readers, read.unit), (readers, unit), "id <= {limit}");
        let estimated = read.rows_estimated.unwrap();
        let wanted = limit as u64 / 2..limit as u64 * 2;
        assert!(wanted.contains(&estimated), "{estimated} of {limit} by the planner");
        assert_in_order(&read);
        read.rows.sort();
        let mut by_psql =
            check.database.cells(&format!("select * from orders where id <= {limit}"));
        by_psql.sort();
        assert_eq!(read.rows, by_psql, "id <= {limit}");
    }
    let unindexed = with_filter(&check, "status", Comparison::Eq, Literal::Text("none".into()));
    let read = check.read(&unindexed).unwrap();
    assert_eq!((read.readers, read.rows.len()), (4, 0));
    assert_eq!(extent_done(&read), read.extent);
    assert!(read.tickets.len() < 50, "shares without rows grow: {}", read.tickets.len());
}

#[test]
fn a_column_named_like_those_of_the_server_is_read() {
    let check = Check::new(
        "create table \"select\" (\"from\" int, \"a.b\" text, \"q\"\"uote\" text, \"ä ö\" text);
         insert into \"select\" values (1, 'x', 'y', 'z')",
    );
    assert_eq!(check.sorted("select"), check.psql_sorted("\"select\""));
}

#[test]
fn five_hundred_columns_are_read() {
    let columns: Vec<String> = (0..500).map(|number| format!("c{number} int")).collect();
    let values: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    let check = Check::new(&format!(
        "create table wide ({}); insert into wide values ({})",
        columns.join(", "),
        values.join(", ")
    ));
    let read = check.read(&check.query("wide")).unwrap();
    assert_eq!(read.schema.width(), 500);
    assert_eq!(read.rows, check.database.cells("select * from wide"));
}

const LINES: &str = "
    create table users (id int primary key, name text);
    create table orders (id int primary key, user_id int, pad text, doc jsonb);
    create table lines (order_id int, no int, sku text, price numeric(9,2), raw bytea);
    create index on lines (order_id);
    insert into users select i, 'user ' || i from generate_series(1, 50) as i;
    insert into orders select i, nullif(i % 60, 0), repeat('x', 100),
           jsonb_build_object('ship', jsonb_build_object('city', 'Köln ' || i, 'n', i))
    from generate_series(1, 3000) as i;
    insert into lines select i % 2000, i / 2000, 'sku \"' || i, i / 100.0, '\\x00ff'
    from generate_series(1, 6000) as i; analyze";

#[test]
fn a_joined_field_and_lines_are_read_with_the_pages_of_their_table() {
    use tidegate_batch::{DataType, Item, ItemField};
    use tidegate_model::{catalog::TableName, field::Reference};

    let check = Check::new(LINES);
    let reference = |table: &str, ours: &str, theirs: &str| Reference {
        table: TableName::parse(table),
        on: vec![(ours.to_owned(), theirs.to_owned())],
    };
    let item = |slug: &str, name: &str| {
        (ItemField { slug: slug.to_owned(), data_type: name.parse().unwrap() }, slug.to_owned())
    };
    let items = vec![item("sku", "text"), item("price", "decimal(9,2)"), item("raw", "bytes")];
    let records = items.iter().map(|(item, _)| item.clone()).collect();
    let origin = Origin::Lines {
        reference: reference("lines", "id", "order_id"),
        items,
        order: vec!["no".to_owned()],
    };
    let name = Origin::Joined {
        reference: reference("users", "user_id", "id"),
        column: "name".to_owned(),
    };
    let path = |path: &[&str]| Origin::JsonPath {
        column: "doc".to_owned(),
        path: path.iter().map(|&key| key.to_owned()).collect(),
    };
    let mut fields = check.query("orders").fields;
    fields.retain(|selected| selected.field.slug == "id");
    let fields = vec![
        fields.remove(0).field,
        Field::new("user.name", DataType::Text, name),
        Field::new("city", DataType::Text, path(&["ship", "city"])),
        Field::new("n", DataType::Integer, path(&["ship", "n"])),
        Field::new("ship", DataType::Json, path(&["ship"])),
        Field::new("lines", DataType::List(Box::new(Item::Record(records))), origin),
    ];
    let mut read = check.read(&query(super::table_relation("orders"), fields)).unwrap();
    assert_eq!(read.readers, 4);
    // The client's `json_agg` puts a line's end between two items, as ours does.
    let by_psql = check.database.cells(
        "select o.id, u.name, doc #>> '{ship,city}', doc #>> '{ship,n}', doc -> 'ship',
                coalesce((select json_agg(row_to_json(l) order by l.no) from
                  (select sku, price, encode(raw, 'hex') as raw, no from lines
                   where order_id = o.id) l), '[]')
         from orders o left join users u on u.id = o.user_id",
    );
    let without_no = |row: &mut super::Row| {
        let list = row[5].take().unwrap();
        let list = list.split(",\"no\":").enumerate().map(|(at, part)| match at {
            0 => part.to_owned(),
            _ => part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned(),
        });
        row[5] = Some(list.collect());
    };
    let mut by_psql = by_psql;
    by_psql.iter_mut().for_each(without_no);
    by_psql.sort();
    read.rows.sort();
    assert_eq!(read.rows, by_psql);
}
