//! Reads lines of a file that may end in the middle of one, and may be anybody's.

use std::io::{self, BufRead, Read};

/// Bytes of a line at most: an entry is far smaller, and a file without line ends must not fill
/// memory.
const LINE_BYTES_MAX: usize = 8 << 20;

/// Lines of a file.
pub(super) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    /// Lines so far.
    pub(super) count: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, line: Vec::new(), count: 0 }
    }

    /// The next whole line, without its end; none at the end of the file. Asked again later, it
    /// goes on where the file has grown.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let room = (LINE_BYTES_MAX - self.line.len()) as u64;
        self.reader.by_ref().take(room).read_until(b'\n', &mut self.line)?;
        if self.line.last() != Some(&b'\n') {
            if self.line.len() == LINE_BYTES_MAX {
                let fault = format!("line {} has no end", self.count + 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, fault));
            }
            return Ok(None);
        }
        self.count += 1;
        let mut line = std::mem::take(&mut self.line);
        line.pop();
        Ok(Some(line))
    }

    /// Whether the file ends in the middle of a line.
    pub(super) fn is_torn(&self) -> bool {
        !self.line.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn a_torn_line_is_no_line_until_its_end_is_there() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "one\n\ntw").unwrap();
        let mut lines = Lines::new(BufReader::new(file.reopen().unwrap()));
        assert_eq!(lines.next().unwrap().unwrap(), b"one");
        assert_eq!(lines.next().unwrap().unwrap(), b"");
        assert_eq!(lines.next().unwrap(), None);
        assert!(lines.is_torn());
        std::fs::write(file.path(), "one\n\ntwo\n").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), b"two");
        assert!(!lines.is_torn());
        assert_eq!((lines.next().unwrap(), lines.count), (None, 3));
    }

    #[test]
    fn a_line_without_end_does_not_fill_memory() {
        let endless = BufReader::new(io::repeat(b'x'));
        let refused = Lines::new(endless).next().unwrap_err();
        assert_eq!(refused.to_string(), "line 1 has no end");
    }
}
