//! Writes a file past the page cache, on a thread of its own.
//!
//! An export is written once and not read by whoever wrote it. In the page cache it would push out
//! what the database keeps there, and cost the kernel a page for each 4 KiB: on a machine whose
//! memory its host has taken back, far more than all of our own work.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
    sync::Arc,
    thread::{self, JoinHandle},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::fs::OFlags;

/// What places, lengths and addresses are multiples of: the block of every disk in use.
const BLOCK_BYTES: usize = 4096;
/// Bytes of a buffer: enough for a disk's full speed, little beside the batches.
const BUFFER_BYTES: usize = 1 << 20;
/// One that is filled, one that is written, one between them.
const BUFFERS: usize = 3;

/// A file that is written from its beginning to its end.
pub(super) struct DirectFile {
    file: Arc<File>,
    filling: Buffer,
    /// Where `filling` belongs.
    offset: u64,
    line: Option<Line>,
}

impl DirectFile {
    /// Begins with an empty file.
    pub(super) fn new(file: File) -> Self {
        Self { file: Arc::new(file), filling: Buffer::default(), offset: 0, line: None }
    }

    /// The file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Writes what is left, and waits until all of it is on the disk.
    ///
    /// # Errors
    ///
    /// Any that a write met.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if let Some(line) = self.line.take() {
            line.end()?;
            // The rest is no whole number of blocks.
            set_direct(&self.file, false)?;
        }
        self.file.write_all_at(self.filling.bytes(), self.offset)?;
        self.offset += self.filling.bytes().len() as u64;
        self.filling.filled = 0;
        self.file.sync_all()
    }

    /// Gives the full buffer away and takes an empty one.
    fn turn(&mut self) -> io::Result<()> {
        let line = self.line.get_or_insert_with(|| Line::start(Arc::clone(&self.file)));
        let full = std::mem::take(&mut self.filling);
        let offset = self.offset;
        self.offset += full.filled as u64;
        match line.exchange(full, offset) {
            Some(empty) => self.filling = empty,
            None => self.line.take().map_or(Ok(()), Line::end)?,
        }
        Ok(())
    }
}

impl Write for DirectFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.filling.fill(bytes);
        if self.filling.filled == BUFFER_BYTES {
            self.turn()?;
        }
        Ok(count)
    }

    /// Does nothing: what is written has no reader before [`DirectFile::sync`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes on their way, at an address that is a multiple of a block.
#[derive(Default)]
struct Buffer {
    /// Room for the buffer wherever the block begins; nothing until the first byte comes.
    room: Vec<u8>,
    start: usize,
    filled: usize,
}

impl Buffer {
    /// Takes as many bytes as there is room for.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        if self.room.is_empty() {
            self.room = vec![0; BUFFER_BYTES + BLOCK_BYTES];
            self.start = self.room.as_ptr().align_offset(BLOCK_BYTES).min(BLOCK_BYTES);
        }
        let count = bytes.len().min(BUFFER_BYTES - self.filled);
        let from = self.start + self.filled;
        self.room[from..from + count].copy_from_slice(&bytes[..count]);
        self.filled += count;
        count
    }

    fn bytes(&self) -> &[u8] {
        &self.room[self.start..self.start + self.filled]
    }
}

/// The thread that writes, with the buffers that go round.
struct Line {
    full: Sender<(Buffer, u64)>,
    empty: Receiver<Buffer>,
    thread: JoinHandle<io::Result<()>>,
    /// Buffers that were not needed so far.
    spare: usize,
}

impl Line {
    fn start(file: Arc<File>) -> Self {
        let (full, to_write) = bounded::<(Buffer, u64)>(BUFFERS);
        let (give_back, empty) = bounded(BUFFERS);
        let thread = thread::spawn(move || {
            // A file system that cannot is written to as ever.
            drop(set_direct(&file, true));
            for (mut buffer, offset) in to_write {
                write_at(&file, buffer.bytes(), offset)?;
                buffer.filled = 0;
                // The file may have ended meanwhile, and want no more buffers.
                drop(give_back.send(buffer));
            }
            Ok(())
        });
        Self { full, empty, thread, spare: BUFFERS - 1 }
    }

    /// Gives a full buffer and takes an empty one; none when the thread has failed.
    fn exchange(&mut self, full: Buffer, offset: u64) -> Option<Buffer> {
        self.full.send((full, offset)).ok()?;
        if self.spare > 0 {
            self.spare -= 1;
            return Some(Buffer::default());
        }
        self.empty.recv().ok()
    }

    /// Waits until all is written.
    fn end(self) -> io::Result<()> {
        drop(self.full);
        drop(self.empty);
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes died")))
    }
}

/// Writes past the cache; through it where the file system cannot do so after all.
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    match file.write_all_at(bytes, offset) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            set_direct(file, false)?;
            file.write_all_at(bytes, offset)
        }
        written => written,
    }
}

/// Has the file written past the page cache from now on, or through it.
#[cfg(target_os = "linux")]
fn set_direct(file: &File, is_direct: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(file)?;
    flags.set(OFlags::DIRECT, is_direct);
    Ok(rustix::fs::fcntl_setfl(file, flags)?)
}

/// Other systems have other ways, and we know none that pays.
#[cfg(not(target_os = "linux"))]
fn set_direct(_file: &File, _is_direct: bool) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of which no two blocks are alike.
    fn pattern(count: usize) -> Vec<u8> {
        (0..count).map(|place| (place ^ (place >> 8) ^ (place >> 16)) as u8).collect()
    }

    fn written(bytes: &[u8], portions: usize) -> Vec<u8> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut direct = DirectFile::new(file.reopen().unwrap());
        for portion in bytes.chunks(portions) {
            direct.write_all(portion).unwrap();
        }
        direct.sync().unwrap();
        std::fs::read(file.path()).unwrap()
    }

    #[test]
    fn what_is_written_is_what_stands_in_the_file() {
        let around_the_buffer = [0, 1, 4095, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1];
        for count in around_the_buffer.into_iter().chain([9 * BUFFER_BYTES + 4097]) {
            for portions in [7_919, BUFFER_BYTES, 3 * BUFFER_BYTES + 1] {
                let bytes = pattern(count);
                assert!(written(&bytes, portions) == bytes, "{count} bytes by {portions}");
            }
        }
    }

    #[test]
    fn a_write_that_fails_on_the_way_is_told_by_the_next_one_or_by_the_sync() {
        // A file that is open for reading only: the thread cannot write to it.
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut direct = DirectFile::new(File::open(file.path()).unwrap());
        let wrote = direct.write_all(&pattern(8 * BUFFER_BYTES));
        assert!(wrote.and_then(|()| direct.sync()).is_err());
    }

    #[test]
    fn a_file_that_is_given_up_leaves_no_thread() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut direct = DirectFile::new(file.reopen().unwrap());
        direct.write_all(&pattern(5 * BUFFER_BYTES)).unwrap();
        let weak = Arc::downgrade(&direct.file);
        let thread = direct.line.take().unwrap();
        drop(direct);
        thread.end().unwrap();
        assert!(weak.upgrade().is_none());
    }
}
