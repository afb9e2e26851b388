//! What the database itself refuses, whoever asks: here a client that is not ours.

use tidegate_model::status::{Status, transition_between};

use crate::check::{Check, Site};

/// What makes a raw update to a state fit all conditions on single rows, so that only the way
/// there can be wrong.
fn set(to: Status) -> String {
    let has_file = matches!(to, Status::Ready | Status::Expired | Status::Deleted);
    let file = if has_file { "progress = 100, artifact_key = 'k'" } else { "progress = 0" };
    let reason = if to == Status::Failed { "'internal'" } else { "null" };
    let completed = if to.is_open() { "null" } else { "1" };
    format!(
        "update jobs set status = '{to}', {file}, error_reason = {reason}, \
             completed_at = {completed}"
    )
}

/// States on the shortest way to one.
fn way(to: Status) -> &'static [Status] {
    match to {
        Status::Pending => &[],
        Status::Building => &[Status::Building],
        Status::Ready => &[Status::Building, Status::Ready],
        Status::Failed => &[Status::Failed],
        Status::Cancelled => &[Status::Cancelled],
        Status::Expired => &[Status::Building, Status::Ready, Status::Expired],
        Status::Deleted => &[Status::Building, Status::Ready, Status::Deleted],
    }
}

fn insert(check: &Check, status: Status) -> String {
    let operator = check.editor.operator().unwrap();
    let has_file = matches!(status, Status::Ready | Status::Expired | Status::Deleted);
    let (progress, key) = if has_file { ("100", "'k'") } else { ("0", "null") };
    let reason = if status == Status::Failed { "'internal'" } else { "null" };
    let completed = if status.is_open() { "null" } else { "1" };
    format!(
        "insert into jobs (subject, kind, scope, fields, format, options, status, has_pii, \
             time_zone, reason, via, run_after, attempts_max, created_by, created_at, progress, \
             artifact_key, error_reason, completed_at) \
         values ('content', null, '{{}}', '[]', 'csv', '{{}}', '{status}', 0, 'UTC', 'audit', \
             'api', 0, 3, {operator}, 7, {progress}, {key}, {reason}, {completed})"
    )
}

/// A new job in a state; gives what names it in a statement.
fn job_in(check: &Check, status: Status) -> String {
    check.site.execute(&insert(check, Status::Pending)).unwrap();
    let this = format!("id = {}", check.site.number("select max(id) from jobs"));
    let steps: Vec<String> =
        way(status).iter().map(|step| format!("{} where {this}", set(*step))).collect();
    if !steps.is_empty() {
        check.site.execute(&steps.join("; ")).unwrap();
    }
    this
}

const CHECKPOINT: &str = "\
    insert into checkpoints (number, seq, at, document, key_id, signature) \
        values (1, 1, 1, '{}', 'k', 's')";

fn assert_refused(outcome: Result<(), String>, words: &str, what: &str) {
    let said = outcome.expect_err(what);
    assert!(said.contains(words), "{what}: {said}");
}

#[test]
fn the_database_admits_the_transitions_of_the_table_and_no_others() {
    Check::on_both_tampered(async |check| {
        for from in Status::ALL {
            for to in Status::ALL {
                let this = job_in(check, from);
                let outcome = check.site.execute(&format!("{} where {this}", set(to)));
                // To stay is no transition.
                match from == to || transition_between(from, to).is_some() {
                    true => assert_eq!(outcome, Ok(()), "{from} → {to}"),
                    false => {
                        let words = "there is no such transition";
                        assert_refused(outcome, words, &format!("{from} → {to}"));
                    }
                }
            }
        }
    });
}

#[test]
fn a_job_begins_as_pending() {
    Check::on_both_tampered(async |check| {
        for status in Status::ALL {
            let outcome = check.site.execute(&insert(check, status));
            match status {
                Status::Pending => assert_eq!(outcome, Ok(())),
                _ => assert_refused(outcome, "a job begins as pending", status.slug()),
            }
        }
    });
}

#[test]
fn a_state_that_does_not_add_up_is_refused() {
    Check::on_both_tampered(async |check| {
        for (status, wrong) in [
            (Status::Pending, "status = 'waiting'"),
            (Status::Pending, "lease_token = 'a', lease_expires = 1"),
            (Status::Pending, "progress = 100"),
            (Status::Pending, "artifact_key = 'k'"),
            (Status::Pending, "error_reason = 'internal'"),
            (Status::Pending, "completed_at = 1"),
            (Status::Building, "progress = 101"),
            (Status::Building, "lease_token = 'a'"),
            (Status::Building, "lease_expires = 1"),
            (Status::Building, "status = 'ready', progress = 100, completed_at = 1"),
            (Status::Building, "status = 'failed', completed_at = 1"),
            (Status::Ready, "lease_token = 'a', lease_expires = 1"),
            (Status::Ready, "progress = 99"),
            (Status::Ready, "cancel_requested = 2"),
            (Status::Failed, "error_reason = null"),
        ] {
            let this = job_in(check, status);
            let outcome = check.site.execute(&format!("update jobs set {wrong} where {this}"));
            assert!(outcome.is_err(), "{status}: {wrong}");
        }
    });
}

#[test]
fn what_a_job_was_asked_for_does_not_change() {
    Check::on_both_tampered(async |check| {
        let this = job_in(check, Status::Pending);
        let admin = check.admin.operator().unwrap();
        let outcome = check.site.execute(&format!("update jobs set id = 99 where {this}"));
        assert!(outcome.is_err(), "PostgreSQL has words of its own");
        for change in [
            "subject = 'users'",
            "kind = 'pages'",
            "scope = '[]'",
            "fields = '{}'",
            "format = 'xml'",
            "options = '[]'",
            "has_pii = 1",
            "time_zone = 'Europe/Berlin'",
            "reason = null",
            "via = 'cli'",
            "rerun_of = id",
            &format!("created_by = {admin}"),
            "created_at = 8",
        ] {
            let outcome = check.site.execute(&format!("update jobs set {change} where {this}"));
            assert_refused(outcome, "what a job was asked for does not change", change);
        }
    });
}

#[test]
fn what_a_file_is_does_not_change_once_it_is_published() {
    Check::on_both_tampered(async |check| {
        for change in ["artifact_key = 'l'", "file_name = 'a'", "size_bytes = 1", "sha256 = 'a'"] {
            for status in [Status::Ready, Status::Expired, Status::Deleted] {
                let this = job_in(check, status);
                let outcome = check.site.execute(&format!("update jobs set {change} where {this}"));
                assert_refused(outcome, "what a file is does not change", change);
            }
        }
    });
}

#[test]
fn the_log_and_the_jobs_are_appended_to_only() {
    Check::on_both_tampered(async |check| {
        check.ready(&check.editor).await;
        check.site.execute(CHECKPOINT).unwrap();
        for (table, change, words) in [
            ("jobs", "run_after = run_after", "jobs are kept"),
            ("transitions", "at = 1", "transitions are"),
            ("activity", "at = 1", "activity is"),
            ("activity", "entry = entry", "activity is"),
            ("checkpoints", "at = 1", "checkpoints are"),
        ] {
            if table != "jobs" {
                let update = format!("update {table} set {change}");
                assert_refused(check.site.execute(&update), words, &update);
            }
            let delete = format!("delete from {table}");
            assert_refused(check.site.execute(&delete), words, &delete);
            assert_refused(check.site.truncate(table), words, table);
        }
    });
}

#[test]
fn an_entry_is_deleted_only_where_an_archive_covers_it() {
    Check::on_both_tampered(async |check| {
        check.ready(&check.editor).await;
        let entries = check.site.number("select count(*) from activity");
        assert!(entries > 5, "{entries}");
        for (number, seq) in [(1, 2), (2, 4)] {
            let keep =
                format!("insert into checkpoints values ({number}, {seq}, 1, '{{}}', 'k', 's')");
            check.site.execute(&keep).unwrap();
        }
        let archive = |number: i64, from: i64, to: i64, head: &str| {
            format!(
                "insert into archives values \
                     ({number}, {from}, {to}, {head}, 1, '{{}}', 'k', 's')"
            )
        };
        let head = |seq: i64| format!("(select hash from activity where seq = {seq})");
        for (unfit, why) in [
            (archive(2, 1, 2, &head(2)), "another number"),
            (archive(1, 2, 2, &head(2)), "it does not begin at the beginning"),
            (archive(1, 1, 2, &head(1)), "it does not end at that entry"),
            (archive(1, 1, 3, &head(3)), "it does not end at a checkpoint"),
            (archive(1, 1, 4, &head(4)), "no checkpoint is left"),
            (archive(1, 1, 99, "'x'"), "there are no such entries"),
        ] {
            assert_refused(check.site.execute(&unfit), "an archive follows", why);
        }
        let drop_all = "delete from activity where seq <= 2";
        assert_refused(check.site.execute(drop_all), "activity is kept", "no archive");
        check.site.execute(&archive(1, 1, 2, &head(2))).unwrap();
        for (refused, words) in [
            ("update archives set seq_to = 4", "archives are"),
            ("delete from archives", "archives are"),
            ("delete from activity where seq <= 3", "activity is kept"),
            ("delete from activity", "activity is kept"),
            ("update activity set at = 1 where seq = 1", "activity is"),
        ] {
            assert_refused(check.site.execute(refused), words, refused);
        }
        assert_refused(check.site.truncate("archives"), "archives are", "truncate");
        assert_refused(check.site.truncate("activity"), "activity is", "truncate");
        assert_eq!(check.site.number("select count(*) from activity"), entries);
        check.site.execute(drop_all).unwrap();
        assert_eq!(check.site.number("select count(*) from activity"), entries - 2);
        let back = "insert into activity select 1, prev, 'x', at, commit_id, action, outcome, \
                    actor, operator_id, name, subject, job_id, tags, entry \
                    from activity where seq = 3";
        assert_refused(check.site.execute(back), "activity is", back);
        // The next one begins where this one ended.
        check.site.execute("insert into checkpoints values (3, 5, 1, '{}', 'k', 's')").unwrap();
        let unfit = archive(2, 4, 4, &head(4));
        assert_refused(check.site.execute(&unfit), "an archive follows", "a gap");
        check.site.execute(&archive(2, 3, 4, &head(4))).unwrap();
    });
}

#[test]
fn no_row_is_written_over_by_a_new_one() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // Only SQLite has a statement that deletes without a word to the triggers on deletion.
        let check = Check::new(Site::sqlite()).await;
        check.ready(&check.editor).await;
        check.site.execute(CHECKPOINT).unwrap();
        for (table, words) in [
            ("jobs", "jobs are kept"),
            ("transitions", "transitions are"),
            ("activity", "activity is"),
            ("checkpoints", "checkpoints are"),
        ] {
            let replace = format!("replace into {table} select * from {table} order by 1 limit 1");
            assert_refused(check.site.execute(&replace), words, &replace);
        }
        let hash = "replace into activity select seq + 100, prev, hash, at, commit_id, action, \
                    outcome, actor, operator_id, name, subject, job_id, tags, entry \
                    from activity order by seq limit 1";
        assert_refused(check.site.execute(hash), "activity is", hash);
    });
}
