//! Readers: how many there are, in which order rows come, how far they are.

use super::*;

#[test]
fn tables_without_row_ids_and_views_are_read_by_one_reader() {
    let check = Check::new(
        "wal",
        "create table t (a text, b int, primary key (b, a)) without rowid;
         create table u (rowid, _rowid_, oid);
         create view v as select b, a || '!' as loud from t;
         insert into t values ('x', 2), ('y', 1); insert into u values (1, 2, 3);",
    );
    for table in ["t", "u", "v"] {
        let query = check.query(table, &[]);
        let stream = check.source().stream(&query, &options(4)).unwrap();
        assert_eq!(stream.readers.len(), 1, "{table}");
    }
    let found = check.rows(&check.query("v", &[])).unwrap();
    assert_eq!(found, [[Cell::Integer(1), text("y!")], [Cell::Integer(2), text("x!")]]);
    let description = check.source().describe(&check.query("t", &[]).relation).unwrap();
    assert_eq!(description.key, ["b", "a"]);
}

#[test]
fn rows_come_in_the_order_of_their_row_ids_from_all_readers() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, filler text);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
            select n * 1000003 - 2500000000, hex(zeroblob(n % 200)) from c;
         insert into t values (9223372036854775807, 'last'), (-9223372036854775808, 'first');",
    );
    let query = check.query("t", &[]);
    let stream = check.source().stream(&query, &options(4)).unwrap();
    assert_eq!(stream.readers.len(), 4);
    let drained = drain(stream).unwrap();
    let ids = firsts(&drained.rows);
    assert_eq!(ids.len(), 5002);
    assert!(ids.is_sorted());
    let done: u128 = drained.tickets.iter().map(|ticket| u128::from(ticket.extent_done)).sum();
    assert!(done <= u128::from(drained.extent.total) + 1);
    assert!(drained.tickets.len() < 1000, "{}", drained.tickets.len());
}

#[test]
fn progress_of_a_dense_table_follows_its_rows() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, filler text);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 9000)
            select n, hex(zeroblob(n % 100)) from c;",
    );
    let stream = check.source().stream(&check.query("t", &[]), &options(1)).unwrap();
    assert_eq!(stream.rows_estimated, Some(9000));
    let (total, mut done, mut rows) = (stream.extent.total as f64, 0, 0);
    let mut reader = stream.readers.into_iter().next().unwrap();
    loop {
        let mut batch = RowBatch::default();
        let Some(ticket) = reader.read(&mut batch).unwrap() else { break };
        done += ticket.extent_done;
        rows += batch.len();
        let distance = (done as f64 / total - rows as f64 / 9000.0).abs();
        assert!(distance < 0.1, "{done} of {total} after {rows} rows");
    }
    assert_eq!((done as f64, rows), (total, 9000));
}

#[test]
fn a_selection_of_few_rows_goes_through_its_index() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, email text);
         create index t_email on t (email);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 5000)
            select n, 'u' || n || '@example.com' from c;",
    );
    let query = check.query("t", &[]);
    let one = Literal::Text("u77@example.com".to_owned());
    let predicate = compare("email", "text", Comparison::Eq, one);
    let narrow = Query { predicate, ..query.clone() };
    let stream = check.source().stream(&narrow, &options(4)).unwrap();
    assert_eq!((stream.readers.len(), stream.extent.total), (1, 1));
    assert_eq!(firsts(&drain(stream).unwrap().rows), [77]);
    let late = compare("email", "text", Comparison::Gt, Literal::Text("u".to_owned()));
    let stream = check.source().stream(&Query { predicate: late, ..query }, &options(4)).unwrap();
    assert_eq!(drain(stream).unwrap().rows.len(), 5000);
}

#[test]
fn a_view_and_a_statement_tell_their_rows_if_they_can_be_counted_soon() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key, n integer);
         insert into t values (1, 1), (2, 2), (3, 3);
         create view v as select * from t where n > 1;",
    );
    let rows = |query: &Query| {
        let stream = check.source().stream(query, &options(4)).unwrap();
        assert_eq!(stream.extent.unit, "rows");
        stream.extent.total
    };
    let view = check.query("v", &[]);
    assert_eq!(rows(&view), 2);
    let statement = |text: &str| {
        let id = Selected { field: field("n", DataType::Integer), alias: None, is_hidden: false };
        let relation = Relation::Statement(text.to_owned());
        Query { relation, fields: vec![id], key: Vec::new(), ..view.clone() }
    };
    assert_eq!(rows(&statement("select n from t union all select 7")), 4);
    assert_eq!(rows(&statement(spelling().slow)), 0, "it never ends");
    // What is wrong with a row is told when it is read.
    let wrong = statement("select n from t where json_extract(n || '[', '$') is null");
    assert_eq!(rows(&wrong), 0);
    assert!(check.rows(&wrong).is_err());
}

#[test]
fn a_statement_beyond_its_time_is_ended() {
    let check = Check::new("wal", "");
    let mut settings = SourceSettings::new("shop", format!("sqlite:{}", check.path.display()));
    settings.statement_seconds_max = Some(0);
    let source = connect(settings).unwrap();
    let query = Query {
        relation: Relation::Statement(spelling().slow.to_owned()),
        fields: vec![Selected {
            field: field("n", DataType::Integer),
            alias: None,
            is_hidden: false,
        }],
        key: Vec::new(),
        predicate: Predicate::everything(),
        sort: Vec::new(),
        is_consistent: true,
    };
    let outcome = drain(source.stream(&query, &options(1)).unwrap());
    assert!(matches!(outcome, Err(SourceError::StatementTooLong { seconds: 0 })), "{outcome:?}");
}

#[test]
fn a_table_may_be_named_with_its_schema() {
    let check = Check::new("wal", "create table \"a.b\" (id integer primary key);");
    check.client().execute_batch("insert into \"a.b\" values (1), (2)").unwrap();
    let mut query = check.query("a.b", &[]);
    query.relation = Relation::Table(TableName::parse("main.\"a.b\""));
    let stream = check.source().stream(&query, &options(2)).unwrap();
    assert_eq!(stream.readers.len(), 2);
    assert_eq!(firsts(&drain(stream).unwrap().rows), [1, 2]);
    query.relation = Relation::Table(TableName::parse("elsewhere.\"a.b\""));
    assert!(matches!(
        check.source().count(&query, crate::PATIENCE),
        Err(SourceError::UnknownTable { .. })
    ));
}
