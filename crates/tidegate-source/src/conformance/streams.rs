//! How rows come: tickets, pages, interrupts, one snapshot under writers.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tidegate_batch::{DataType, RowBatch};
use tidegate_model::{catalog::Relation, field::Origin};

use super::{
    Cell, Site, Table,
    drain::{drain, options},
    random::things,
    table::{field, query},
};
use crate::{SourceError, settings::READERS};

/// Rows that make many batches for each reader.
const ROWS: usize = 3_000;
/// Accounts among which writers transfer: enough that an export takes a while, and makes several
/// batches for each reader.
const ACCOUNTS: i64 = 1_000;
const AMOUNT: i64 = 1_000;
/// Transfers of one script of a writer.
const TRANSFERS: i64 = 30;
const WRITERS: i64 = 4;
/// Exports that must see the sum, under so many writers.
const EXPORTS: usize = 200;
/// What is said of an export with other rows, or another sum.
const TORN: &str = "half a transfer was seen";
/// Different states that they must see: without writing beside them, nothing would be proven.
const STATES_MIN: usize = EXPORTS / 2;
/// Exports that must have all readers. A source may fall back to one reader where it cannot bring
/// all into one state; were that the rule, nothing would be proven either.
const SHARED_MIN: usize = EXPORTS / 4;

pub(super) fn tickets(site: &Site<'_>) {
    let table = things(ROWS);
    table.create(site);
    let query = table.query();
    for readers in [1, 2, 4] {
        let stream = site.source.stream(&query, &options(readers)).expect("a stream");
        assert!(stream.readers.len() <= readers && !stream.readers.is_empty());
        let drained = drain(stream).expect("an end");
        assert_eq!(drained.rows.len(), ROWS);
        assert!(drained.tickets.len() > 10, "small batches: {}", drained.tickets.len());
        let done: u64 = drained.tickets.iter().map(|ticket| ticket.extent_done).sum();
        assert!(done <= drained.extent.total, "{done} of {:?}", drained.extent);
        assert!(drained.snapshot.is_consistent);
        assert!(!drained.snapshot.identity.is_empty());
        let taken_at = chrono::DateTime::parse_from_rfc3339(&drained.snapshot.taken_at);
        assert!(taken_at.is_ok(), "{:?}", drained.snapshot);
    }
}

pub(super) fn interrupt(site: &Site<'_>) {
    let relation = Relation::Statement(site.spelling.slow.to_owned());
    let n = field("n", DataType::Integer, Origin::Column("n".to_owned()));
    let query = query(relation, vec![n], Vec::new());
    let options = options(1);
    let stream = site.source.stream(&query, &options).expect("a stream");
    let reading = stream.readers.into_iter().map(|mut reader| {
        thread::spawn(move || {
            loop {
                match reader.read(&mut RowBatch::default()) {
                    Ok(Some(_)) => {}
                    Ok(None) => return Ok(()),
                    Err(error) => return Err(error),
                }
            }
        })
    });
    let reading: Vec<_> = reading.collect();
    // Now and again: the statement may not have begun yet.
    while !reading.iter().all(thread::JoinHandle::is_finished) {
        options.interrupt.interrupt();
        thread::yield_now();
    }
    for thread in reading {
        let outcome = thread.join().expect("a reader panicked");
        assert!(matches!(outcome, Err(SourceError::Interrupted)), "{outcome:?}");
    }
    let late = site.source.stream(&query, &options).err();
    assert!(matches!(late, Some(SourceError::Interrupted)), "{late:?}");
}

/// Exports by as many readers as is usual, while writers transfer amounts between rows.
pub(crate) fn concurrent_writers(site: &Site<'_>) {
    let accounts = accounts();
    accounts.create(site);
    let query = accounts.query();
    let export = || {
        let stream = site.source.stream(&query, &options(READERS)).expect("a stream");
        drain(stream).expect("an end")
    };
    let readers = export().readers;
    let mut states = BTreeSet::new();
    let mut shared = 0;
    while_writers_transfer(site, || {
        for _ in 0..EXPORTS {
            let drained = export();
            shared += usize::from(drained.readers == readers);
            let amounts: Vec<i64> = drained.rows.iter().map(|row| amount(row)).collect();
            let found = (amounts.len() as i64, amounts.iter().sum::<i64>());
            assert_eq!(found, (ACCOUNTS, ACCOUNTS * AMOUNT), "{TORN}");
            states.insert(amounts);
        }
    });
    let kind = site.source.kind();
    eprintln!("{kind}: {EXPORTS} exports saw {} states, {shared} by {readers}", states.len());
    assert!(states.len() >= STATES_MIN, "the writers wrote: {} states", states.len());
    assert!(shared >= SHARED_MIN, "only {shared} exports had {readers} readers");
}

/// Whether the check above finds out a source whose readers share no snapshot.
#[cfg(test)]
pub(crate) fn finds_half_a_transfer(site: &Site<'_>) -> bool {
    let check = std::panic::AssertUnwindSafe(|| concurrent_writers(site));
    let told = std::panic::catch_unwind(check).err();
    told.is_some_and(|told| told.downcast_ref().is_some_and(|told: &String| told.contains(TORN)))
}

/// How a database spells the accounts, as far as all do alike.
#[cfg(test)]
pub(crate) fn spelling_of_accounts(
    quote: fn(&str) -> String,
    begin: &'static str,
) -> super::Spelling {
    super::Spelling {
        quote,
        type_name: |data_type| match data_type {
            DataType::Text => "varchar(700)".to_owned(),
            other => other.to_string(),
        },
        literal: |cell| match cell {
            Cell::Integer(value) => value.to_string(),
            Cell::Text(text) => format!("'{text}'"),
            other => panic!("accounts have no {other:?}"),
        },
        begin,
        slow: "",
        holds_nul: false,
    }
}

/// Accounts whose amounts sum up to the same for ever.
fn accounts() -> Table {
    // Wide rows, so that an export takes a while.
    let note = Cell::Text("x".repeat(200));
    let rows = (0..ACCOUNTS)
        .map(|id| vec![Cell::Integer(id), Cell::Integer(AMOUNT), note.clone()])
        .collect();
    let columns = [("id", "integer"), ("amount", "integer"), ("note", "text")];
    Table::new("conformance_accounts", &columns, rows)
}

fn amount(row: &[Cell]) -> i64 {
    match row[1] {
        Cell::Integer(amount) => amount,
        ref other => panic!("{other:?} is no amount"),
    }
}

/// Does the work, and has writers transfer beside it until it is done.
fn while_writers_transfer(site: &Site<'_>, work: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let is_over = &is_over;
            scope.spawn(move || {
                let mut step = writer;
                while !is_over.load(Ordering::Relaxed) {
                    (site.execute)(&transfers(site, step));
                    step += WRITERS;
                }
            });
        }
        // Also when the work panics: the writers would go on for ever.
        let _over = Over(&is_over);
        work();
    });
}

/// Says that it is over when it is dropped.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A script that takes from accounts at the beginning and gives to accounts at the end.
fn transfers(site: &Site<'_>, step: i64) -> String {
    let quote = site.spelling.quote;
    let (table, id, amount) = (quote("conformance_accounts"), quote("id"), quote("amount"));
    let mut script = String::new();
    for transfer in 0..TRANSFERS {
        let from = (step * TRANSFERS + transfer) * 7 % (ACCOUNTS / 2);
        let to = ACCOUNTS - 1 - from;
        script += &format!(
            "{};\nupdate {table} set {amount} = {amount} - 1 where {id} = {from};\n\
             update {table} set {amount} = {amount} + 1 where {id} = {to};\ncommit;\n",
            site.spelling.begin
        );
    }
    script
}
