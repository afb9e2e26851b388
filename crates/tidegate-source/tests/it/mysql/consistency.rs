//! One point in time for all rows, whatever else goes on, or a refusal.

use std::process::Stdio;

use tidegate_model::{
    catalog::{Relation, UnionMember},
    field::{Field, Origin, Reference},
    query::Query,
};
use tidegate_source::SourceError;

use super::{Check, field, options, query, read, table_name, table_relation};

/// Exports while writers transfer amounts.
const EXPORTS: usize = 200;
const WRITERS: usize = 4;
const ACCOUNTS: i64 = 1000;

/// Moves amounts between accounts, one transaction each, until the bank closes.
const TRANSFER: &str = "\
    create procedure transfer() begin \
      while (select is_open from bank) do \
        set @giver = floor(1 + rand() * 1000), @taker = floor(1 + rand() * 1000); \
        start transaction; \
        update accounts set amount = amount - 7 where id = least(@giver, @taker); \
        update accounts set amount = amount + 7 where id = greatest(@giver, @taker); \
        commit; \
      end while; end";

#[test]
fn transfers_during_an_export_do_not_change_its_sum() {
    let check = Check::new(
        "create table bank (is_open bool); insert into bank values (true); \
         create table accounts (id int auto_increment primary key, amount bigint not null, \
           pad char(60) not null default 'x'); \
         insert into accounts (amount) select 100 from seq_1_to_1000",
    );
    let mut client = check.database.client();
    client.args(["--delimiter=//", "--execute", TRANSFER]);
    assert!(client.status().unwrap().success());
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let mut client = check.database.client();
            client.args(["--execute", "call transfer()"]).stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let query = check.query("accounts");
    let mut states = std::collections::BTreeSet::new();
    for _ in 0..EXPORTS {
        let rows = check.read(&query).unwrap();
        let amounts: Vec<i64> =
            rows.iter().map(|row| row[1].as_ref().unwrap().parse().unwrap()).collect();
        assert_eq!(amounts.len() as i64, ACCOUNTS);
        assert_eq!(amounts.iter().sum::<i64>(), 100 * ACCOUNTS);
        states.insert(amounts);
    }
    check.database.execute("update bank set is_open = false");
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert!(states.len() > EXPORTS / 2, "the writers wrote: {} states", states.len());
}

#[test]
fn the_snapshot_is_taken_when_the_stream_opens_not_when_it_is_read() {
    let check = Check::new(
        "create table t (id int primary key, n int); insert into t values (1, 1), (2, 2); \
         create table l (id int primary key, t_id int); insert into l values (1, 1)",
    );
    let stream = check.source.stream(&check.query("t"), &options()).unwrap();
    check.database.execute("update t set n = n + 10; delete from t where id = 1");
    let rows = read(stream).unwrap();
    let n: Vec<_> = rows.iter().map(|row| row[1].clone().unwrap()).collect();
    assert_eq!(n, ["1", "2"]);
}

#[test]
fn the_snapshot_is_the_servers_own_position_at_the_servers_own_time() {
    let check = Check::new("create table t (id int primary key); insert into t values (1)");
    let now = || check.database.query("select date_format(utc_timestamp(6), '%Y-%m-%dT%T.%fZ')");
    let position = || {
        let status = check.database.query("show master status");
        let mut cells = status.split('\t');
        let file = cells.next().unwrap().to_owned();
        (file, cells.next().unwrap().parse::<u64>().unwrap())
    };
    let before = (now(), position());
    let snapshot = check.source.stream(&check.query("t"), &options()).unwrap().snapshot;
    let after = (now(), position());
    assert!(before.0.trim() <= snapshot.taken_at.as_str(), "{}", snapshot.taken_at);
    assert!(snapshot.taken_at.as_str() <= after.0.trim(), "{}", snapshot.taken_at);
    let found = snapshot.identity.strip_prefix("binlog ").unwrap().rsplit_once(':').unwrap();
    let found = (found.0.to_owned(), found.1.parse::<u64>().unwrap());
    assert!(before.1 <= found && found <= after.1, "{} {found:?} {}", before.1.1, after.1.1);
    assert!(snapshot.is_consistent);
}

#[test]
fn tables_without_snapshots_are_refused_unless_the_subject_admits_them() {
    for engine in ["MyISAM", "Aria", "MEMORY", "CSV"] {
        let check = Check::new(&format!(
            "create table t (id int not null) engine = {engine}; insert into t values (5)"
        ));
        let mut query = check.query("t");
        is_refused(&check, &query, engine);
        query.is_consistent = false;
        let stream = check.source.stream(&query, &options()).unwrap();
        assert!(!stream.snapshot.is_consistent, "{engine}");
        assert!(stream.warnings[0].contains(engine), "{:?}", stream.warnings);
        assert_eq!(read(stream).unwrap().len(), 1, "{engine}");
    }
}

#[test]
fn a_table_without_snapshots_is_found_wherever_it_is_read_from() {
    let check = Check::new(
        "create table good (id int primary key, m_id int); \
         create table bad (id int primary key) engine = MyISAM; \
         create view over_bad as select id from bad; \
         create view over_view as select good.id from good join over_bad using (id); \
         create view over_good as select id from good",
    );
    let reference =
        Reference { table: table_name("bad"), on: vec![("m_id".to_owned(), "id".to_owned())] };
    let joined = Origin::Joined { reference, column: "id".to_owned() };
    let id = || field("id", tidegate_batch::DataType::Integer);
    let member = |table: &str| UnionMember {
        kind: table.to_owned(),
        table: table_name(table),
        origins: vec![("id".to_owned(), Origin::Column("id".to_owned()))],
    };
    let statement = "select id from good where id not in (select id from `bad`)";
    for reads_bad in [
        check.query("over_bad"),
        check.query("over_view"),
        query(table_relation("good"), vec![id(), Field::new("b", id().data_type, joined)]),
        query(Relation::Union(vec![member("good"), member("bad")]), vec![id()]),
        query(Relation::Statement(statement.to_owned()), vec![id()]),
    ] {
        is_refused(&check, &reads_bad, "MyISAM");
    }
    assert!(check.read(&check.query("over_good")).is_ok());
    let statement = "select id from good where 'bad' <> 'worse'".to_owned();
    assert!(check.read(&query(Relation::Statement(statement), vec![id()])).is_ok());
}

#[test]
fn a_view_that_nobody_may_look_into_is_warned_of() {
    let check = Check::new("create table t (id int primary key); create view v as select * from t");
    let database = check.database.name();
    let source = check.as_account(&format!("select on {database}.v"));
    let stream = source.stream(&check.query("v"), &options()).unwrap();
    assert!(stream.warnings[0].contains("grant `show view`"), "{:?}", stream.warnings);
}

fn is_refused(check: &Check, query: &Query, engine: &str) {
    match check.read(query) {
        Err(SourceError::NotConsistent { why, .. }) => assert!(why.contains(engine), "{why}"),
        other => panic!("{other:?}"),
    }
}
