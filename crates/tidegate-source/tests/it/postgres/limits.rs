//! Limits of cells and statements, told with the field and the row.

use tidegate_source::{SourceError, SourceSettings, StreamOptions, connect};

use super::{Check, options, read, source};

const CELLS: &str = "
    create table t (id int primary key, a text, b text, c bytea);
    insert into t select i, 'a', 'b', 'c' from generate_series(1, 50) as i;
    update t set a = repeat('x', 900), b = repeat('y', 900) where id = 20";

fn limited(check: &Check, cell_bytes_max: usize) -> Result<usize, SourceError> {
    let options = StreamOptions { cell_bytes_max, readers: 1, ..options() };
    Ok(read(check.source.stream(&check.query("t"), &options)?)?.rows.len())
}

#[test]
fn a_cell_over_the_limit_is_told_with_its_field_and_row() {
    let check = Check::new(CELLS);
    assert_eq!(limited(&check, 900).unwrap(), 50, "two long cells, both within the limit");
    let error = limited(&check, 899).unwrap_err();
    assert_eq!(
        error.to_string(),
        "field `a` of the row with id 20: a value of 900 bytes; at most 899 fit (`cell_bytes_max`)"
    );
    check.database.execute("update t set a = '', c = repeat('z', 3000000)::bytea where id = 20");
    let error = limited(&check, 1000).unwrap_err();
    assert!(error.to_string().starts_with("field `c` of the row with id 20"), "{error}");
    check.wait_until_left_alone();
}

#[test]
fn a_row_with_a_personal_key_is_told_by_its_ordinal() {
    let check = Check::new(CELLS);
    let mut query = check.query("t");
    query.key[0].pii = Some("national_id".to_owned());
    let options = StreamOptions { cell_bytes_max: 100, readers: 1, ..options() };
    let error = read(check.source.stream(&query, &options).unwrap()).err().unwrap();
    // The update moved the row to the end of the table.
    assert!(error.to_string().starts_with("field `a` of the row with ordinal 50:"), "{error}");
}

#[test]
fn a_row_of_many_megabytes_within_the_limit_comes_whole() {
    let check = Check::new(
        "create table t as select i as id, repeat('x', 5000000 + i) as a, repeat('y', 4000000) as b
         from generate_series(1, 4) as i",
    );
    assert_eq!(limited(&check, 5_000_004).unwrap(), 4);
    assert!(limited(&check, 5_000_003).is_err());
}

#[test]
fn a_statement_over_its_time_is_stopped_and_named() {
    let check = Check::new(
        "create function slow() returns int language sql as 'select 1 from pg_sleep(600)';
         create view t as select slow() as id",
    );
    let mut settings = SourceSettings::new("shop", check.database.url());
    settings.statement_seconds_max = Some(1);
    let source = connect(settings).unwrap();
    let error = read(source.stream(&check.query("t"), &options()).unwrap()).err().unwrap();
    assert!(matches!(error, SourceError::StatementTooLong { seconds: 1 }), "{error:?}");
    check.wait_until_left_alone();
}

#[test]
fn more_readers_than_connections_is_told_with_the_remedy() {
    let check =
        Check::new("create table t as select repeat('x', 1000) from generate_series(1, 5000)");
    let role = check.role("alter role ROLE connection limit 2; grant select on t to ROLE");
    let reader = source(&check.database.url_as(&role, "p"));
    let error = reader.stream(&check.query("t"), &options()).err().expect("too many connections");
    let SourceError::Unreachable { cause, .. } = &error else { panic!("{error:?}") };
    let told = format!("{cause} {}", cause.source().map(ToString::to_string).unwrap_or_default());
    assert!(told.contains("lower `readers`"), "{told}");
    check.wait_until_left_alone();
}
