//! The file: missing, foreign, in use, cut, and the name of its state.

use super::*;

#[test]
fn a_file_that_cannot_be_read_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.db");
    let error = chain(&source_at(&missing).err().unwrap());
    assert!(error.contains("there is no file") && error.contains("missing.db"), "{error}");
    assert!(!missing.exists(), "a database was created");
    let error = chain(&source_at(folder.path()).err().unwrap());
    assert!(error.contains("is a folder"), "{error}");
    let garbage = folder.path().join("garbage.db");
    std::fs::write(&garbage, "this is not a database, it is a text of some length\n".repeat(99))
        .unwrap();
    let error = chain(&source_at(&garbage).unwrap().tables().unwrap_err());
    assert!(error.contains("is not a SQLite database"), "{error}");
    let empty = folder.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert!(source_at(&empty).unwrap().tables().unwrap().is_empty());
}

#[test]
fn nothing_is_written_whatever_the_configuration_selects() {
    let check = Check::new("delete", "create table t (id integer primary key);");
    let before = std::fs::read(&check.path).unwrap();
    for statement in ["delete from t returning id", "insert into t default values returning id"] {
        let relation = Relation::Statement(statement.to_owned());
        assert!(check.source().describe(&relation).is_err(), "{statement}");
    }
    assert_eq!(check.rows(&check.query("t", &[])).unwrap().len(), 0);
    assert_eq!(std::fs::read(&check.path).unwrap(), before);
}

#[test]
fn the_snapshot_has_a_name_that_changes_with_every_commit() {
    for journal_mode in ["wal", "delete"] {
        let check = Check::new(journal_mode, "create table t (id integer primary key);");
        let query = check.query("t", &[]);
        let source = check.source();
        let name = || source.stream(&query, &options(2)).unwrap().snapshot.identity;
        let first = name();
        assert_eq!(name(), first);
        let client = check.client();
        client.execute("insert into t default values", []).unwrap();
        let second = name();
        assert_ne!(second, first, "{journal_mode}");
        if journal_mode == "wal" {
            assert!(second.contains("wal "), "{second}");
        }
    }
}

#[test]
fn what_is_committed_after_the_snapshot_is_not_read() {
    let check = Check::new(
        "wal",
        "create table t (id integer primary key);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 3000)
            select n from c;",
    );
    let stream = check.source().stream(&check.query("t", &[]), &options(4)).unwrap();
    check.client().execute_batch("delete from t; insert into t values (99999)").unwrap();
    assert_eq!(drain(stream).unwrap().rows.len(), 3000);
    assert_eq!(firsts(&check.rows(&check.query("t", &[])).unwrap()), [99999]);
}

#[test]
fn a_file_that_is_deleted_or_cut_in_mid_stream_gives_all_rows_or_an_error() {
    let fill = "create table t (id integer primary key, filler text);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 20000)
            select n, hex(zeroblob(100)) from c;";
    let check = Check::new("delete", fill);
    let stream = check.source().stream(&check.query("t", &[]), &options(2)).unwrap();
    std::fs::remove_file(&check.path).unwrap();
    // The open descriptor still has it.
    assert_eq!(drain(stream).unwrap().rows.len(), 20_000);

    let check = Check::new("delete", fill);
    let stream = check.source().stream(&check.query("t", &[]), &options(2)).unwrap();
    // Not opened and closed here, which would drop the locks of this process.
    let cut = std::process::Command::new("truncate")
        .args(["-s", "100000"])
        .arg(&check.path)
        .status()
        .unwrap();
    assert!(cut.success());
    match drain(stream) {
        Err(SourceError::Lost { source_name, .. }) => assert_eq!(source_name, "shop"),
        other => panic!("{:?}", other.map(|drained| drained.rows.len())),
    }
}

#[test]
fn a_check_tells_how_the_file_is_written() {
    let check = Check::new("delete", "create table t (id);");
    let table = TableName { schema: None, name: "t".to_owned() };
    let report = check.source().check(std::slice::from_ref(&table)).unwrap();
    assert!(report.version.starts_with("SQLite 3."), "{report:?}");
    assert!(report.warnings.iter().any(|warning| warning.contains("journal_mode = wal")));
    assert!(report.warnings.iter().any(|warning| warning.contains("may write")));
    check.client().pragma_update(None, "journal_mode", "wal").unwrap();
    let report = check.source().check(&[]).unwrap();
    assert!(!report.warnings.iter().any(|warning| warning.contains("journal_mode")));
    let gone = TableName { schema: None, name: "tt".to_owned() };
    assert!(matches!(check.source().check(&[gone]), Err(SourceError::UnknownTable { .. })));
}

#[test]
fn a_page_of_a_database_in_use_does_not_wait_for_its_writer() {
    let check =
        Check::new("wal", "create table t (id integer primary key); insert into t values (1);");
    let writer = check.client();
    writer.execute_batch("begin immediate; insert into t values (2)").unwrap();
    let query = check.query("t", &[]);
    let (_, batch) = check.source().rows(&query, &crate::page(0, 10)).unwrap();
    assert_eq!(batch.len(), 1);
    assert_eq!(check.rows(&query).unwrap().len(), 1);
}

#[test]
fn a_journal_that_a_crash_left_behind_is_told_with_its_remedy() {
    let check = Check::new(
        "delete",
        "create table t (id integer primary key, filler text);
         insert into t with recursive c(n) as (select 1 union all select n + 1 from c where n < 1500)
            select n, hex(zeroblob(100)) from c;",
    );
    let client = check.client();
    client.execute_batch("pragma synchronous = full; pragma cache_size = 1; begin").unwrap();
    client.execute("update t set filler = 'x'", []).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let crashed = folder.path().join("site.db");
    for end in ["", "-journal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{end}", path.display()));
        std::fs::copy(name(&check.path), name(&crashed)).unwrap();
    }
    let error = chain(&source_at(&crashed).unwrap().tables().unwrap_err());
    assert!(error.contains("a crash left") && error.contains("open it once"), "{error}");
}
