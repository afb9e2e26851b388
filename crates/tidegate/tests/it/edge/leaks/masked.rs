//! Masked values leave by no path: canaries in every masked cell, and in every row that a limit
//! hides, and a table of the paths.

mod alike;
mod beside;
mod look;
mod recurring;
mod site;
mod take;

use std::collections::BTreeMap;

use self::site::Site;
use super::site::On;

const FORMATS: [&str; 6] = ["csv", "ndjson", "json", "xml", "xlsx", "parquet"];

/// Drives a path as far as it goes, and keeps what comes out of it.
type Drive = fn(&mut Site);

/// Every path by which a value or a row could leave, and how it is driven.
const PATHS: [(&str, Drive); 17] = [
    ("rows of a list", look::rows),
    ("preview and estimate", look::preview),
    ("file of any format, its job, its events, its manifest", take::files),
    ("download in parts, by an old link, by somebody else's", take::parts_of_files),
    ("run again, and opened in the wizard", take::again),
    ("schedule that fires late, since its last run, by hand", recurring::fires),
    ("schedule of somebody who sees more", recurring::taken_over),
    ("approval of what somebody has asked for who sees more", take::approved),
    ("filter, sort, search, shorthand and key by a masked field", look::by_masked_values),
    ("words of a refusal, reason of a failure", look::refusals),
    ("command line", beside::commands),
    ("export of the log", beside::log_export),
    ("action that the site does", beside::actions),
    ("hand-over of another site", beside::hand_over),
    ("API, every path that looks, and figures", look::every_path),
    ("pages", look::every_page),
    ("mail, webhook, inbox", recurring::notices),
];
/// What is written down meanwhile, and looked at in the end.
const WRITTEN: &str = "logs on both outputs, streams of the log, control database";

/// Drives every path with each of these masks, and searches what came out. Each shows less than
/// the one before, so that links from before are refused.
fn search_every_path(on: On, policies: &[&'static str]) {
    let mut site = Site::new(on);
    take::made_by_ada(&mut site);
    let mut caught: BTreeMap<&str, usize> = BTreeMap::new();
    for policy in policies {
        site.mask_by(policy);
        for (path, drive) in PATHS {
            let before = site.searcher.caught.len();
            drive(&mut site);
            *caught.entry(path).or_default() += site.searcher.caught.len() - before;
        }
    }
    let before = site.searcher.caught.len();
    site.catch_what_is_written();
    caught.insert(WRITTEN, site.searcher.caught.len() - before);
    for path in PATHS.iter().map(|(path, _)| *path).chain([WRITTEN]) {
        println!("{on:?} {policies:?}: {:>6} answers and files by {path}", caught[path]);
        assert!(caught[path] > 0, "nothing was caught by {path}");
    }
    let found = site.searcher.search();
    println!("{} canaries were looked for in {} bytes", found.canaries, found.bytes);
    assert!(found.leaks.is_empty(), "{} leaks:\n{}", found.leaks.len(), found.leaks.join("\n"));
    // What may be seen was seen: the search looks in the right places.
    for what in ["note of the north", "address of the north", "address of the south"] {
        assert!(found.seen.contains(what), "nobody saw the {what}: {:?}", found.seen);
    }
    assert!(found.canaries > 50 && found.bytes > 1_000_000, "{found:?}");
}

#[test]
fn no_masked_value_and_no_row_beyond_a_limit_leaves_by_any_path() {
    search_every_path(On::Sqlite, &["partial", "redact"]);
}

#[test]
fn neither_does_it_as_a_hash_or_where_the_column_is_not_there() {
    search_every_path(On::Sqlite, &["hash", "drop"]);
}

#[test]
fn neither_does_it_with_rows_and_control_state_in_postgres() {
    search_every_path(On::Postgres, &["partial"]);
}
