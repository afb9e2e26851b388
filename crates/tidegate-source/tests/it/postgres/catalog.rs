//! What a table, a view or a statement is described as.

use tidegate_model::catalog::{Relation, TableName, UnionMember};
use tidegate_source::SourceError;

use super::{Check, source, table_relation};

fn key_of(check: &Check, table: &str) -> Vec<String> {
    check.source.describe(&table_relation(table)).unwrap().key
}

fn names(tables: &[TableName]) -> Vec<String> {
    tables.iter().map(TableName::to_string).collect()
}

#[test]
fn tables_and_views_are_listed_by_name_and_their_inner_parts_are_not() {
    let check = Check::new(
        "create schema shop; create table shop.lines (id int); create table orders (id int);
         create view busy as select 1 as x; create materialized view kept as select 1 as x;
         create table parted (id int) partition by range (id);
         create table parted_1 partition of parted for values from (0) to (10);
         create sequence counter; create table \"Odd.Name\" (x int)",
    );
    let tables = names(&check.source.tables().unwrap());
    assert_eq!(tables, ["Odd.Name", "busy", "kept", "shop.lines", "orders", "parted"]);
}

#[test]
fn only_what_the_account_may_read_is_listed_and_described() {
    let check = Check::new(
        "create table seen (id int, secret text); create table unseen (id int);
         create schema closed; create table closed.t (id int)",
    );
    let role = check.role("grant select (id) on seen to ROLE");
    let reader = source(&check.database.url_as(&role, "p"));
    assert_eq!(names(&reader.tables().unwrap()), ["seen"]);
    let columns = reader.describe(&table_relation("seen")).unwrap().columns;
    assert_eq!(columns.iter().map(|column| &*column.name).collect::<Vec<_>>(), ["id"]);
    for (table, hint) in [
        ("unseen", "`grant select on \"unseen\"`"),
        ("closed.t", "`grant select on \"closed\".\"t\"`"),
        ("sen", "did you mean `seen`?"),
    ] {
        let error = reader.describe(&table_relation(table)).unwrap_err();
        let SourceError::UnknownTable { hint: told, .. } = &error else { panic!("{error:?}") };
        assert!(told.contains(hint), "{table}: {told}");
    }
}

#[test]
fn the_key_is_the_primary_one_or_the_shortest_that_cannot_be_null() {
    let check = Check::new(
        "create table a (x int, y int, z int unique, primary key (y, x));
         create table b (x int not null, y int not null, z int unique, unique (x, y), unique (y));
         create table c (x int not null, y int not null);
         create unique index on c (x) where y > 0; create unique index on c ((x + y));
         create unique index on c (x, y) include (x);
         create view v as select * from a",
    );
    assert_eq!(key_of(&check, "a"), ["y", "x"]);
    assert_eq!(key_of(&check, "b"), ["y"]);
    assert_eq!(key_of(&check, "c"), ["x", "y"]);
    assert!(key_of(&check, "v").is_empty());
}

#[test]
fn columns_say_their_type_and_whether_they_may_be_null() {
    let check = Check::new(
        "create domain code as varchar(8) not null; create domain level as int;
         create table t (a varchar(20) not null, b numeric(12,2), gone int, c code, d level,
                         \"E e\" timestamptz(3)[]);
         alter table t drop column gone; create view v as select * from t",
    );
    let columns = check.source.describe(&table_relation("t")).unwrap().columns;
    let told: Vec<String> = columns
        .iter()
        .map(|column| format!("{} {} {}", column.name, column.native_type, column.is_nullable))
        .collect();
    assert_eq!(
        told,
        [
            "a character varying(20) false",
            "b numeric(12,2) true",
            "c character varying(8) false",
            "d integer true",
            "E e timestamp(3) with time zone[] true",
        ]
    );
    let view = check.source.describe(&table_relation("v")).unwrap();
    assert_eq!(view.columns.len(), 5);
    assert!(!view.is_base_table);
}

#[test]
fn a_statement_is_described_by_its_results() {
    let check = Check::new("create table t (id int primary key, total numeric(9,3), note text)");
    let statement = "select id, total, note || '!' as note, now() as at from t -- all; of \"it\";";
    let description = check.source.describe(&Relation::Statement(statement.to_owned())).unwrap();
    let told: Vec<String> = description
        .columns
        .iter()
        .map(|column| format!("{} {}", column.name, column.data_type))
        .collect();
    assert_eq!(told, ["id integer", "total decimal(9,3)", "note text", "at timestamptz"]);
    let error = check.source.describe(&Relation::Statement("select nope from t".into()));
    let SourceError::Refused { cause, .. } = error.unwrap_err() else { panic!("not refused") };
    assert!(cause.to_string().contains("column \"nope\" does not exist"), "{cause}");
}

#[test]
fn a_union_is_described_by_its_members() {
    let check = Check::new("create table pages (id int); create table posts (id int, slug text)");
    let member = |kind: &str, table: &str| UnionMember {
        kind: kind.to_owned(),
        table: TableName::parse(table),
        origins: vec![("id".to_owned(), tidegate_model::field::Origin::Column("id".to_owned()))],
    };
    let union = Relation::Union(vec![member("pages", "pages"), member("posts", "posts")]);
    let description = check.source.describe(&union).unwrap();
    let names: Vec<&str> = description.columns.iter().map(|column| &*column.name).collect();
    assert_eq!(names, ["id", "kind"]);
}

#[test]
fn references_pair_the_columns_of_both_tables() {
    let check = Check::new(
        "create schema shop; create table shop.users (a int, b int, primary key (a, b));
         create table kinds (id int primary key);
         create table orders (ub int, ua int, kind int references kinds,
                              foreign key (ua, ub) references shop.users (a, b))",
    );
    let references = check.source.references(&TableName::parse("orders")).unwrap();
    let told: Vec<String> = references
        .iter()
        .map(|reference| format!("{} {:?}", reference.table, reference.on))
        .collect();
    assert_eq!(
        told,
        ["kinds [(\"kind\", \"id\")]", "shop.users [(\"ua\", \"a\"), (\"ub\", \"b\")]",]
    );
}
