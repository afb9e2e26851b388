//! What every artifact owes: all bytes in their order once it is published, and a name.

use std::{
    fs,
    io::{self, Write},
    sync::{Arc, Mutex},
};

use crate::{Artifact, FileArtifact, StreamArtifact};

/// Bytes of each write: none, one, and more than any buffer on the way.
const WRITES: [usize; 5] = [0, 1, 10, 70_000, 9 << 20];

/// An artifact, and how to read what was published.
type Rig = (Box<dyn Artifact>, Box<dyn Fn() -> Vec<u8>>);

fn check((mut artifact, published): Rig) {
    assert!(!artifact.name().is_empty());
    let mut expected = Vec::new();
    for (fill, bytes) in (1..).zip(WRITES) {
        let bytes = vec![fill; bytes];
        artifact.write_all(&bytes).unwrap();
        expected.extend(bytes);
    }
    artifact.flush().unwrap();
    artifact.publish().unwrap();
    assert!(published() == expected, "the published bytes are not those that were written");
}

#[test]
fn a_file_holds_what_was_written_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("o.csv");
    check((
        Box::new(FileArtifact::create(&path).unwrap()),
        Box::new(move || fs::read(&path).unwrap()),
    ));
}

#[test]
fn a_stream_has_got_what_was_written_to_it() {
    let stream = Shared::default();
    let heard = stream.clone();
    check((
        Box::new(StreamArtifact::new("shared", stream)),
        Box::new(move || heard.0.lock().unwrap().clone()),
    ));
}

/// A stream whose bytes can be looked at from outside; takes a little at a time.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = &bytes[..bytes.len().min(4096)];
        self.0.lock().unwrap().extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
