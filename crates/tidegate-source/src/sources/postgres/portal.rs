//! Reads the rows of a statement straight from the socket, by the extended protocol.
//!
//! A `DataRow` holds the very bytes of a row of binary `COPY`, but the statement takes bound
//! values, and its end carries the number of its rows, so that an end is proven, never assumed.

use std::io;

use bytes::{BufMut, BytesMut};
use postgres_protocol::{
    IsNull,
    message::frontend::{self, BindError},
};

use super::{
    fault::{Fault, ServerFault},
    socket::Tap,
};

/// Room to read into. A server sends 8 KiB at a time; when we are late there is more.
const READ_BYTES: usize = 64 << 10;
/// Longest message that is no row: an error with its context.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// Tag and length in front of a message.
const HEADER_BYTES: usize = 5;
/// Format codes of the protocol.
const TEXT: i16 = 0;
const BINARY: i16 = 1;

/// Writes the messages that run a statement, with its values in text form and its rows in binary.
///
/// # Errors
///
/// If the statement holds a NUL, or there are more values than the protocol can count.
pub(super) fn request(statement: &str, values: &[String]) -> io::Result<BytesMut> {
    let mut out = BytesMut::new();
    frontend::parse("", statement, [], &mut out)?;
    let write = |value: &String, out: &mut BytesMut| {
        out.put_slice(value.as_bytes());
        Ok(IsNull::No)
    };
    frontend::bind("", "", [TEXT], values, write, [BINARY], &mut out).map_err(
        |error| match error {
            BindError::Conversion(cause) => io::Error::other(cause),
            BindError::Serialization(cause) => cause,
        },
    )?;
    frontend::execute("", 0, &mut out)?;
    frontend::sync(&mut out);
    Ok(out)
}

/// Messages of the server, read through one buffer.
pub(super) struct Portal {
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    /// Whether the cells of the long row at the front were found to be within their limit.
    is_checked: bool,
}

/// What is at the front of the buffer.
pub(super) enum Front {
    /// Less than a message.
    Partial,
    /// A row whose length is over the bound that the caller gave.
    LongRow,
    /// A message: its tag and the bytes of its body.
    Message(u8, usize),
}

impl Portal {
    pub(super) fn new() -> Self {
        Self { buffer: vec![0; READ_BYTES], at: 0, end: 0, is_checked: false }
    }

    /// What is at the front. Rows whose body is longer than `row_bytes` are told apart before they
    /// are read.
    ///
    /// # Errors
    ///
    /// If it cannot be a message.
    #[inline]
    pub(super) fn front(&mut self, row_bytes: usize) -> Result<Front, Fault> {
        let Some(header) = self.buffer[self.at..self.end].first_chunk::<HEADER_BYTES>() else {
            return Ok(Front::Partial);
        };
        let [tag, length @ ..] = *header;
        // The length counts itself, not the tag.
        let Some(body) = (u32::from_be_bytes(length) as usize).checked_sub(4) else {
            return Err(Fault::Protocol("a message shorter than its own length"));
        };
        if tag == b'D' && body > row_bytes && !self.is_checked {
            return Ok(Front::LongRow);
        }
        if HEADER_BYTES + body <= self.end - self.at {
            return Ok(Front::Message(tag, body));
        }
        if tag != b'D' && body > MESSAGE_BYTES_MAX {
            return Err(Fault::Protocol("a message that is too long to be one"));
        }
        self.make_room(HEADER_BYTES + body);
        Ok(Front::Partial)
    }

    /// The body of the message at the front.
    #[inline]
    pub(super) fn body(&self, length: usize) -> &[u8] {
        let start = self.at + HEADER_BYTES;
        &self.buffer[start..start + length]
    }

    /// Drops the message at the front.
    #[inline]
    pub(super) fn consume(&mut self, length: usize) {
        self.at += HEADER_BYTES + length;
        self.is_checked = false;
        if self.buffer.len() > READ_BYTES {
            self.shrink();
        }
    }

    /// Reads more.
    ///
    /// # Errors
    ///
    /// If the connection broke or ended.
    pub(super) async fn fill(&mut self, tap: &Tap) -> Result<(), Fault> {
        self.make_room(self.end - self.at + 1);
        match tap.read(&mut self.buffer[self.end..]).await? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            read => {
                self.end += read;
                Ok(())
            }
        }
    }

    /// Reads the long row at the front: all of it if each cell has at most `cell_bytes_max`, so
    /// that it becomes a message, else the rest of it without the cells that have more.
    ///
    /// # Errors
    ///
    /// If the connection broke, or the row does not hold the cells that it claims.
    pub(super) async fn read_long_row(
        &mut self,
        tap: &Tap,
        cell_bytes_max: usize,
    ) -> Result<LongRow, Fault> {
        let body = self.number(1) as usize - 4;
        let mut row = LongRow { too_long: None, cells: Vec::new() };
        self.need(tap, HEADER_BYTES + 2).await?;
        let mut at = HEADER_BYTES + 2;
        let mut skipped = 0;
        while at + skipped < HEADER_BYTES + body {
            self.need(tap, at + 4).await?;
            let length = usize::try_from(self.number(at).cast_signed()).ok();
            let cell = length.unwrap_or(0);
            at += 4;
            if at + skipped + cell > HEADER_BYTES + body {
                return Err(Fault::Protocol("a row shorter than its cells"));
            }
            if cell > cell_bytes_max {
                row.too_long = row.too_long.or(Some((row.cells.len(), cell)));
                row.cells.push(None);
                self.skip(tap, at, cell).await?;
                skipped += cell;
            } else {
                self.need(tap, at + cell).await?;
                row.cells.push(length.map(|length| (at, length)));
                at += cell;
            }
        }
        self.is_checked = row.too_long.is_none();
        Ok(row)
    }

    /// A cell of the long row at the front.
    pub(super) fn cell(&self, row: &LongRow, index: usize) -> Option<&[u8]> {
        let (at, length) = (*row.cells.get(index)?)?;
        self.buffer.get(self.at + at..self.at + at + length)
    }

    /// The number at a distance from the front.
    fn number(&self, at: usize) -> u32 {
        let at = self.at + at;
        let bytes = self.buffer[at..at + 4].try_into().expect("four bytes make a number");
        u32::from_be_bytes(bytes)
    }

    /// Reads until `length` bytes are there.
    async fn need(&mut self, tap: &Tap, length: usize) -> Result<(), Fault> {
        self.make_room(length);
        while self.end - self.at < length {
            self.fill(tap).await?;
        }
        Ok(())
    }

    /// Throws away `length` bytes that begin `at` bytes behind the front.
    async fn skip(&mut self, tap: &Tap, at: usize, mut length: usize) -> Result<(), Fault> {
        while length > 0 {
            self.need(tap, at + 1).await?;
            let start = self.at + at;
            let gone = length.min(self.end - start);
            self.buffer.copy_within(start + gone..self.end, start);
            self.end -= gone;
            length -= gone;
        }
        Ok(())
    }

    /// Makes room for `length` bytes from the front on.
    fn make_room(&mut self, length: usize) {
        if self.at == self.end {
            (self.at, self.end) = (0, 0);
        }
        if self.at + length > self.buffer.len() || self.end == self.buffer.len() {
            self.move_to_front();
            if length > self.buffer.len() {
                self.buffer.resize(length, 0);
            }
        }
    }

    /// Gives back what a long message made the buffer grow.
    #[cold]
    fn shrink(&mut self) {
        if self.end - self.at <= READ_BYTES {
            self.move_to_front();
            self.buffer.truncate(READ_BYTES);
            self.buffer.shrink_to_fit();
        }
    }

    fn move_to_front(&mut self) {
        self.buffer.copy_within(self.at..self.end, 0);
        (self.at, self.end) = (0, self.end - self.at);
    }
}

/// A row that may hold a cell over the limit.
pub(super) struct LongRow {
    /// First cell over the limit: its index and length.
    pub(super) too_long: Option<(usize, usize)>,
    /// Where its other cells are, from the front on; none is NULL or over the limit.
    cells: Vec<Option<(usize, usize)>>,
}

/// Number of rows that a statement's end tells: `SELECT 12`.
pub(super) fn told_rows(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body.strip_suffix(b"\0")?).ok()?;
    text.strip_prefix("SELECT ")?.parse().ok()
}

/// The error in the body of an error message.
pub(super) fn told_fault(body: &[u8]) -> Fault {
    let field = |sought: u8| {
        let mut fields = body.split(|byte| *byte == 0);
        let found = fields.find(|field| field.first() == Some(&sought))?;
        Some(String::from_utf8_lossy(&found[1..]).into_owned())
    };
    let code = field(b'C').unwrap_or_else(|| "?????".to_owned());
    ServerFault::new(&code, &field(b'M').unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_statement_tells_its_rows() {
        assert_eq!(told_rows(b"SELECT 12\0"), Some(12));
        assert_eq!(told_rows(b"SELECT 12"), None);
        assert_eq!(told_rows(b"COPY 12\0"), None);
    }

    #[test]
    fn an_error_is_read_by_its_fields() {
        let fault = told_fault(b"SERROR\0C42P01\0Mrelation \"x\" does not exist\0\0");
        assert_eq!(fault.to_string(), "relation \"x\" does not exist (SQLSTATE 42P01)");
    }
}
