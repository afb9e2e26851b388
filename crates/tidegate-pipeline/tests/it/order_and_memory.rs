//! The file is the same however many readers there are.

use crate::fake::{Memory, Notes, Numbers};

fn numbers(bytes: &[u8]) -> Vec<u64> {
    let text = std::str::from_utf8(bytes).unwrap();
    text.lines().skip(1).map(|line| line.trim_end().parse().unwrap()).collect()
}

#[test]
fn rows_come_in_ticket_order_from_any_number_of_readers() {
    for readers in [1, 2, 4, 9] {
        let source = Numbers { readers, ..Numbers::plain() };
        let mut memory = Memory::new();
        let outcome = source.export(&mut memory, &Notes::default()).unwrap();
        assert_eq!(numbers(&memory.bytes), (0..source.total()).collect::<Vec<_>>(), "{readers}");
        assert_eq!(outcome.rows, source.total());
        assert_eq!(outcome.bytes, memory.bytes.len() as u64);
    }
}

#[test]
fn a_packed_file_is_the_same_whatever_is_hidden_in_it() {
    // The same rows in other chunks, of other lengths, by other numbers of readers.
    let plain = Numbers { hidden_bytes: Some(1), readers: 1, ..Numbers::plain() };
    let sources = [
        Numbers { chunks: 1, parts: 1, rows: 300_000, ..plain },
        Numbers { chunks: 600, parts: 5, rows: 100, readers: 4, ..plain },
        Numbers {
            chunks: 3_000,
            parts: 1,
            readers: 9,
            rows: 100,
            hidden_bytes: Some(700),
            ..plain
        },
        Numbers { chunks: 10, parts: 300, rows: 100, readers: 2, hidden_bytes: Some(90), ..plain },
    ];
    let files = sources.map(|source| {
        let mut memory = Memory::new();
        let outcome = source.export(&mut memory, &Notes::default()).unwrap();
        assert_eq!(outcome.rows, 300_000);
        memory.bytes
    });
    // Deflate is flushed behind each batch: an empty stored block.
    let batches = files[0].windows(4).filter(|end| end == b"\0\0\xff\xff").count();
    assert!(batches > 3, "{batches}");
    assert!(files.iter().all(|file| *file == files[0]));
}

#[test]
fn the_hash_is_that_of_the_file() {
    let mut memory = Memory::new();
    let outcome = Numbers::plain().export(&mut memory, &Notes::default()).unwrap();
    let mut oracle = std::process::Command::new("sha256sum")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut oracle.stdin.take().unwrap(), &memory.bytes).unwrap();
    let printed = String::from_utf8(oracle.wait_with_output().unwrap().stdout).unwrap();
    let ours: String = outcome.sha256.iter().map(|octet| format!("{octet:02x}")).collect();
    assert_eq!(printed.split_whitespace().next(), Some(ours.as_str()));
}

#[test]
fn an_export_without_rows_is_a_header() {
    let source = Numbers { chunks: 0, ..Numbers::plain() };
    let mut memory = Memory::new();
    let outcome = source.export(&mut memory, &Notes::default()).unwrap();
    assert_eq!((outcome.rows, memory.bytes.trim_ascii_end()), (0, &b"n"[..]));
}

#[test]
fn progress_only_grows_and_ends_with_every_row() {
    let source = Numbers { chunks: 4000, ..Numbers::plain() };
    let notes = Notes::default();
    source.export(&mut Memory::new(), &notes).unwrap();
    let heard = notes.heard.into_inner().unwrap();
    assert!(heard.is_sorted_by_key(|progress| (progress.rows, progress.extent_done)));
    assert_eq!(heard.last().unwrap().rows, source.total());
    assert!(heard.iter().all(|progress| progress.share() < 1.0));
}
