//! What `check` and `init` are told.

use tidegate_model::catalog::TableName;

use super::{Check, options, read, source, table_name, table_relation};

#[test]
fn tables_of_all_databases_are_listed_and_none_of_the_servers_own() {
    let check = Check::new(
        "create table t (id int primary key); create view v as select * from t; \
         create sequence s",
    );
    let tables = check.source.tables().unwrap();
    let own: Vec<&str> =
        tables.iter().filter(|t| t.schema.is_none()).map(|t| t.name.as_str()).collect();
    assert_eq!(own, ["t", "v"]);
    assert!(tables.iter().all(|t| t.schema.as_deref() != Some("mysql")));
    let other = Check::new("create table elsewhere (id int primary key)");
    let name =
        TableName { schema: Some(other.database.name().to_owned()), name: "elsewhere".into() };
    assert!(check.source.tables().unwrap().contains(&name));
    let relation = tidegate_model::catalog::Relation::Table(name);
    assert_eq!(check.source.describe(&relation).unwrap().key, ["id"]);
}

#[test]
fn foreign_keys_are_references_and_unique_columns_a_key() {
    let check = Check::new(
        "create table a (x int, y int, primary key (x, y)); \
         create table b (id int, code varchar(9) not null, p int, q int, n int null, \
           unique (n), unique (code), foreign key (p, q) references a (x, y))",
    );
    let references = check.source.references(&table_name("b")).unwrap();
    assert_eq!(references.len(), 1);
    assert_eq!(references[0].table, table_name("a"));
    let pairs = [("p", "x"), ("q", "y")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(references[0].on, pairs);
    assert_eq!(check.query("b").key[0].slug, "code");
}

#[test]
fn the_printed_grants_suffice_and_a_mighty_account_is_warned_of() {
    let check = Check::new(
        "create table `o'rders` (id int primary key); insert into `o'rders` values (1); \
         create view v as select * from `o'rders`; create table m (id int) engine = MyISAM",
    );
    let tables = ["o'rders", "v", "m"].map(table_name);
    let report = check.source.check(&tables).unwrap();
    assert!(report.version.starts_with("MariaDB 10."), "{}", report.version);
    let [rights, engine] = report.warnings.as_slice() else { panic!("{:?}", report.warnings) };
    assert!(rights.contains("ALL PRIVILEGES"), "{rights}");
    assert!(engine.contains("`m`") && engine.contains("engine = InnoDB"), "{engine}");
    let user = format!("u_{}", check.database.name());
    let statements =
        report.grants.join("\n").replace("'tidegate'@'%'", &format!("'{user}'@'127.0.0.1'"));
    check.database.execute(&statements.replace('…', "p"));
    let limited = source(&check.database.url_as(&user, "p"));
    assert!(limited.check(&tables[..2]).unwrap().warnings.is_empty());
    for table in ["o'rders", "v"] {
        let stream = limited.stream(&check.query(table), &options()).unwrap();
        assert!(stream.warnings.is_empty(), "{:?}", stream.warnings);
        assert_eq!(read(stream).unwrap().len(), 1);
    }
}

#[test]
fn an_account_that_may_only_read_is_told_as_much_as_root() {
    let check = Check::new(
        "create table a (id int primary key, doc json, code varchar(9) character set latin1); \
         create table b (id int primary key, a_id int, foreign key (a_id) references a (id))",
    );
    let limited = check.as_account(&format!("select on {}.*", check.database.name()));
    for table in ["a", "b"] {
        let relation = table_relation(table);
        assert_eq!(limited.describe(&relation).unwrap(), check.source.describe(&relation).unwrap());
        let name = table_name(table);
        assert_eq!(limited.references(&name).unwrap(), check.source.references(&name).unwrap());
    }
    assert_eq!(limited.references(&table_name("b")).unwrap().len(), 1);
    assert_eq!(limited.tables().unwrap().len(), 2);
}

#[test]
fn an_account_may_sign_in_by_ed25519() {
    let check = Check::new("create table t (id int primary key)");
    let user = format!("u_{}", check.database.name());
    check.database.execute(&format!(
        "install plugin if not exists ed25519 soname 'auth_ed25519'; \
         create user {user}@'127.0.0.1' identified via ed25519 using password('p'); \
         grant select on {}.* to {user}@'127.0.0.1'",
        check.database.name()
    ));
    let source = source(&check.database.url_as(&user, "p"));
    assert_eq!(source.tables().unwrap().len(), 1);
    let wrong = super::source(&check.database.url_as(&user, "q"));
    assert!(matches!(wrong.tables(), Err(tidegate_source::SourceError::Unreachable { .. })));
}
