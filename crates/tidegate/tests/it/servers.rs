//! Signals and killed back ends, with PostgreSQL and MariaDB: no file and no query stays.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

use tidegate_testkit::{mariadb::MariaDb, postgres::Postgres};

use crate::site::{Ended, Shop, flowing, send};

/// A view of so many rows that no export of it ends by itself.
const ENDLESS: &str = "
create table n (n int primary key);
insert into n select a.i * 100 + b.i from
  (select 0 i union select 1 union select 2 union select 3 union select 4 union select 5) a,
  (select 0 i union select 10 union select 20 union select 30 union select 40 union select 50) b;
create view endless as
  select a.n as a, b.n as b, c.n as c, d.n as d, e.n as e, f.n as f, g.n as g, h.n as h
  from n a, n b, n c, n d, n e, n f, n g, n h;
";

/// Sessions of ours in PostgreSQL.
const POSTGRES_SESSIONS: &str = "
select count(*) from pg_stat_activity
where application_name = 'tidegate/export' and datname = current_database()
";

/// Ends once no session of ours is left in PostgreSQL; fails after half a minute.
const POSTGRES_GONE: &str = "
set statement_timeout = '30s';
do $$ begin
  while exists (select from pg_stat_activity where application_name like 'tidegate%'
                and datname = current_database()) loop
    perform pg_sleep(0.01);
    perform pg_stat_clear_snapshot();
  end loop;
end $$;
";

/// Ends once a session of ours waits for a lock in PostgreSQL; fails after half a minute.
const POSTGRES_WAITS: &str = "
set statement_timeout = '30s';
do $$ begin
  while not exists (select from pg_stat_activity where application_name like 'tidegate%'
                    and datname = current_database() and wait_event_type = 'Lock') loop
    perform pg_sleep(0.01);
    perform pg_stat_clear_snapshot();
  end loop;
end $$;
";

/// Sessions of ours that run a statement in MariaDB.
const MARIADB_RUNNING: &str = "
select count(*) from information_schema.processlist
where db = database() and info like '%tidegate/export%' and info not like '%processlist%'
";

#[test]
fn sigint_ends_an_export_from_postgresql_and_its_queries() {
    let (shop, server) = (Shop::new(), Postgres::shared());
    let database = server.database();
    database.execute(ENDLESS);
    let child = flowing(&mut shop.command(&exported(&database.url())));
    assert_ne!(database.query(POSTGRES_SESSIONS), "0");
    send("-INT", &child);
    Ended::new(child.wait_with_output().unwrap()).with_code(130);
    database.execute(POSTGRES_GONE);
    assert!(shop.files().is_empty(), "{:?}", shop.files());
}

#[test]
fn a_killed_back_end_of_postgresql_fails_the_export_and_leaves_no_file() {
    let (shop, server) = (Shop::new(), Postgres::shared());
    let database = server.database();
    database.execute(ENDLESS);
    let child = flowing(&mut shop.command(&exported(&database.url())));
    database.query(
        "select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'tidegate/export' and datname = current_database()",
    );
    Ended::new(child.wait_with_output().unwrap()).with_code(1).saying(&["source_lost"]);
    database.execute(POSTGRES_GONE);
    assert!(shop.files().is_empty(), "{:?}", shop.files());
}

#[test]
fn sigterm_ends_an_export_from_mariadb_and_its_query() {
    let (shop, database) = (Shop::new(), MariaDb::shared().database());
    database.execute(ENDLESS);
    let child = flowing(&mut shop.command(&exported(&database.url())));
    assert_eq!(database.query(MARIADB_RUNNING).trim(), "1");
    send("-TERM", &child);
    Ended::new(child.wait_with_output().unwrap()).with_code(130);
    assert_eq!(database.query(MARIADB_RUNNING).trim(), "0");
    assert!(shop.files().is_empty(), "{:?}", shop.files());
}

#[test]
fn a_killed_connection_of_mariadb_fails_the_export_and_leaves_no_file() {
    let (shop, database) = (Shop::new(), MariaDb::shared().database());
    database.execute(ENDLESS);
    let child = flowing(&mut shop.command(&exported(&database.url())));
    let ids = MARIADB_RUNNING.replace("count(*)", "id");
    let id = database.query(&ids);
    database.execute(&format!("kill connection {}", id.trim()));
    Ended::new(child.wait_with_output().unwrap()).with_code(1).saying(&["source_lost"]);
    assert!(shop.files().is_empty(), "{:?}", shop.files());
}

/// Sessions of ours in MariaDB that wait for a locked table.
const MARIADB_WAITS: &str = "
select count(*) from information_schema.processlist
where db = database() and info like '/* tidegate%' and state like 'Waiting for table%'
";

/// A client that runs these statements and then waits for more, a lock in its hands.
fn holding(command: &mut Command, statements: &str) -> Child {
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(client.stdin.as_mut().unwrap(), "{statements} select 'locked';").unwrap();
    let mut said = String::new();
    BufReader::new(client.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said.trim(), "locked");
    client
}

/// Lets a client that holds a lock go.
fn release(mut client: Child) {
    drop(client.stdin.take());
    assert!(client.wait().unwrap().success());
}

#[test]
fn sigint_ends_an_export_that_waits_for_a_locked_table_of_postgresql() {
    let (shop, database) = (Shop::new(), Postgres::shared().database());
    database.execute("create table endless (id int)");
    let lock = "begin; lock table endless in access exclusive mode;";
    let holder = holding(&mut database.psql(), lock);
    let child = shop.command(&exported(&database.url())).spawn().unwrap();
    database.execute(POSTGRES_WAITS);
    send("-INT", &child);
    Ended::new(child.wait_with_output().unwrap()).with_code(130);
    database.execute(POSTGRES_GONE);
    assert!(shop.files().is_empty(), "{:?}", shop.files());
    release(holder);
}

#[test]
fn sigint_ends_an_export_whose_query_cannot_be_described_for_a_lock() {
    let (shop, database) = (Shop::new(), Postgres::shared().database());
    database.execute("create table t (id int)");
    let url = format!("[sources.shop]\nurl = {:?}\n", database.url());
    let subject = "[[subjects]]\nslug = \"t\"\nsource = \"shop\"\nquery = \"select id from t\"\n";
    fs::write(shop.path("tidegate.toml"), url + subject).unwrap();
    let lock = "begin; lock table t in access exclusive mode;";
    let holder = holding(&mut database.psql(), lock);
    let child = shop.command(&["export", "t", "-o", "t.csv"]).spawn().unwrap();
    database.execute(POSTGRES_WAITS);
    send("-INT", &child);
    Ended::new(child.wait_with_output().unwrap()).with_code(130);
    database.execute(POSTGRES_GONE);
    assert!(shop.files().is_empty(), "{:?}", shop.files());
    release(holder);
}

#[test]
fn sigint_ends_an_export_that_waits_for_a_locked_table_of_mariadb() {
    let (shop, database) = (Shop::new(), MariaDb::shared().database());
    database.execute("create table endless (id int)");
    let mut client = database.client();
    client.args(["--unbuffered", "--batch", "--skip-column-names"]);
    let holder = holding(&mut client, "lock tables endless write;");
    let child = shop.command(&exported(&database.url())).spawn().unwrap();
    while database.query(MARIADB_WAITS).trim() == "0" {}
    send("-INT", &child);
    Ended::new(child.wait_with_output().unwrap()).with_code(130);
    while database.query(MARIADB_WAITS).trim() != "0" {}
    assert!(shop.files().is_empty(), "{:?}", shop.files());
    release(holder);
}

fn exported(url: &str) -> [&str; 8] {
    ["export", "--source", url, "--table", "endless", "--json", "-o", "endless.csv"]
}
