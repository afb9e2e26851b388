//! A standby exports like its primary, and says why it stops when it does.

use tidegate_batch::RowBatch;
use tidegate_source::SourceError;
use tidegate_testkit::postgres::{Postgres, PostgresOptions};

use super::{options, query, read, source, table_relation};

const ROWS: &str = "
    create table t as select i as id, repeat('x', 200) as note from generate_series(1, 5000) as i;
    create function wait(i int) returns int language plpgsql as
      $$ begin if i > 100 then perform pg_sleep(600); end if; return i; end $$;
    create view slow as select wait(id) as id from t;";

#[test]
fn a_standby_gives_all_rows_and_names_the_conflict_that_ends_it() {
    let primary = Postgres::start(&PostgresOptions::default());
    let database = primary.database();
    database.execute(ROWS);
    let standby = primary.standby("max_standby_streaming_delay = 0\nhot_standby_feedback = off\n");
    let reader = source(&database.url_at(&standby));
    let id = super::field("id", tidegate_batch::DataType::Integer);
    let all = query(table_relation("t"), vec![id.clone()]);
    let whole = read(reader.stream(&all, &options()).unwrap()).unwrap();
    assert_eq!((whole.readers, whole.rows.len()), (4, 5000));

    let warnings = reader.check(&[]).unwrap().warnings.join("\n");
    assert!(warnings.contains("standby that cancels long exports"), "{warnings}");

    let slow = query(table_relation("slow"), vec![id]);
    let mut stream = reader.stream(&slow, &options()).unwrap();
    let reading = std::thread::spawn(move || {
        let mut batch = RowBatch::default();
        loop {
            match stream.readers[0].read(&mut batch) {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the view never ends"),
                Err(error) => return error,
            }
        }
    });
    database.execute("delete from t; vacuum t");
    let error = reading.join().unwrap();
    let SourceError::Lost { cause, .. } = &error else { panic!("{error:?}") };
    assert!(cause.to_string().contains("`hot_standby_feedback = on`"), "{cause}");
}
