//! Whatever stops an export, it ends, says the true cause, and reports no outcome.

use std::time::Duration;

use tidegate_pipeline::{Limits, RunError};
use tidegate_source::SourceError;

use crate::fake::{Impatient, Memory, Misbehaviour, Notes, Numbers};

/// What an export fails with; the same where a column of it is masked.
fn fault_of(source: Numbers) -> RunError {
    let fault = |source: Numbers| source.export(&mut Memory::new(), &Notes::default()).unwrap_err();
    let masked = fault(Numbers { hidden_bytes: Some(9), ..source });
    let plain = fault(source);
    assert_eq!(format!("{masked:?}"), format!("{plain:?}"));
    plain
}

#[test]
fn a_lost_source_fails_the_export() {
    let error = fault_of(Numbers::that(Misbehaviour::Lost));
    assert!(matches!(error, RunError::Source(SourceError::Lost { .. })), "{error:?}");
}

#[test]
fn a_reader_that_panics_fails_the_export() {
    let error = fault_of(Numbers::that(Misbehaviour::Panic));
    assert!(matches!(error, RunError::Panicked { thread: "reader" }), "{error:?}");
}

#[test]
fn a_chunk_that_ends_early_never_makes_a_file() {
    let error = fault_of(Numbers::that(Misbehaviour::CutShort));
    assert!(matches!(error, RunError::Truncated), "{error:?}");
}

#[test]
fn a_bad_cell_names_field_and_row_but_not_the_value() {
    let error = fault_of(Numbers::that(Misbehaviour::BadCell));
    let RunError::Cell { field, row, .. } = &error else { panic!("{error:?}") };
    // The key itself is unreadable in that row, so it is counted: three chunks and one part.
    assert_eq!((field.as_str(), row.as_str()), ("n", "ordinal 501"));
    assert!(!error.to_string().contains("eight"), "{error}");
}

#[test]
fn a_full_disk_is_told_as_such_and_not_as_an_interrupt() {
    for misbehaviour in [Misbehaviour::None, Misbehaviour::Block] {
        let mut memory = Memory { room: 100, ..Memory::new() };
        let source = Numbers::that(misbehaviour);
        let error = source.export(&mut memory, &Notes::default()).unwrap_err();
        assert_eq!(error.reason(), "disk_full", "{error:?}");
    }
}

#[test]
fn cancelling_interrupts_a_reader_that_is_blocked() {
    let source = Numbers::that(Misbehaviour::Block);
    let error = source.export(&mut Memory::new(), &Impatient::default()).unwrap_err();
    assert!(matches!(error, RunError::Cancelled), "{error:?}");
}

#[test]
fn cancelling_is_heard_while_the_source_is_being_opened() {
    let source = Numbers::that(Misbehaviour::BlockOpening);
    let error = source.export(&mut Memory::new(), &Impatient::default()).unwrap_err();
    assert!(matches!(error, RunError::Cancelled), "{error:?}");
}

#[test]
fn a_source_that_panics_fails_the_export() {
    let error = fault_of(Numbers::that(Misbehaviour::PanicOpening));
    assert!(matches!(error, RunError::Panicked { thread: "opening" }), "{error:?}");
}

#[test]
fn a_snapshot_that_gets_too_old_ends_the_export() {
    for misbehaviour in [Misbehaviour::Block, Misbehaviour::BlockOpening] {
        let source = Numbers::that(misbehaviour);
        let error = source
            .export_with(&mut Memory::new(), &Notes::default(), Duration::ZERO, Limits::default())
            .unwrap_err();
        assert_eq!(error.reason(), "snapshot_too_old");
        assert!(error.to_string().contains("snapshot_seconds_max"), "{error}");
    }
}

#[test]
fn a_ceiling_of_rows_is_kept() {
    let source = Numbers::plain();
    let limits = |rows| Limits { rows_max: Some(rows), ..Limits::default() };
    let age = Duration::from_secs(60);
    let run = |rows| source.export_with(&mut Memory::new(), &Notes::default(), age, limits(rows));
    assert!(run(source.total()).is_ok());
    assert_eq!(run(source.total() - 1).unwrap_err().reason(), "over_limit");
}
