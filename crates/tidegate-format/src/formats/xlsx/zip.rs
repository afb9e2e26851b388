//! A zip archive written as a stream, from parts that were deflated elsewhere.
//!
//! Parts whose size is not known before have a descriptor behind them, with 32-bit sizes: Excel
//! refuses 64-bit ones in a stream. So a part must stay below [`PART_BYTES_MAX`], which is the
//! caller's duty; the archive itself may become larger.

use std::io::{self, Write};

const LOCAL_HEADER: u32 = 0x0403_4B50;
const DESCRIPTOR: u32 = 0x0807_4B50;
const CENTRAL_HEADER: u32 = 0x0201_4B50;
const END_64: u32 = 0x0606_4B50;
const LOCATOR_64: u32 = 0x0706_4B50;
const END: u32 = 0x0605_4B50;

/// Versions of the format that readers need: for deflate, for 64-bit numbers.
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Sizes and checksum follow the content.
const HAS_DESCRIPTOR: u16 = 1 << 3;
/// Midnight of 1980-01-01, where the format's time begins: the same rows give the same file.
const TIME: u32 = 0x0021_0000;
/// Tag of the extra field with 64-bit numbers.
const EXTRA_64: u16 = 1;
/// Bytes of the 64-bit end record behind its length.
const END_64_BYTES: u64 = 44;

/// Bytes that a part may have, before and after compression.
pub(super) const PART_BYTES_MAX: u64 = u32::MAX as u64 - 1;

/// How a part's content is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Stored = 0,
    Deflated = 8,
}

/// Checksum and sizes of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) crc: u32,
    pub(super) packed: u64,
    pub(super) plain: u64,
}

struct Entry {
    name: String,
    method: Method,
    sizes: Sizes,
    offset: u64,
}

/// The archive so far.
#[derive(Default)]
pub(super) struct Zip {
    entries: Vec<Entry>,
    /// Bytes written.
    at: u64,
}

impl Zip {
    /// Writes a small part, as it is.
    pub(super) fn part(
        &mut self,
        out: &mut dyn Write,
        name: &str,
        content: &str,
    ) -> io::Result<()> {
        let size = content.len() as u64;
        let sizes = Sizes { crc: crc32fast::hash(content.as_bytes()), packed: size, plain: size };
        self.begin(out, name, Method::Stored, sizes)?;
        self.write(out, content.as_bytes())
    }

    /// Starts a part whose deflate blocks are given to [`Zip::write`].
    pub(super) fn begin_deflated(&mut self, out: &mut dyn Write, name: &str) -> io::Result<()> {
        self.begin(out, name, Method::Deflated, Sizes::default())
    }

    /// Writes content of the part that was begun.
    pub(super) fn write(&mut self, out: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        out.write_all(bytes)
    }

    /// Ends the part that was begun.
    pub(super) fn end_deflated(&mut self, out: &mut dyn Write, sizes: Sizes) -> io::Result<()> {
        debug_assert!(sizes.plain.max(sizes.packed) <= PART_BYTES_MAX, "the caller saw to it");
        self.entries.last_mut().expect("a part was begun").sizes = sizes;
        self.write(out, &Record::new(DESCRIPTOR).sizes(sizes).bytes)
    }

    /// Writes the directory.
    pub(super) fn finish(&mut self, out: &mut dyn Write) -> io::Result<()> {
        let (start, count) = (self.at, self.entries.len() as u64);
        for entry in std::mem::take(&mut self.entries) {
            self.write(out, &entry.central_header())?;
        }
        let end = end_records(count, start, self.at);
        self.write(out, &end)
    }

    fn begin(
        &mut self,
        out: &mut dyn Write,
        name: &str,
        method: Method,
        sizes: Sizes,
    ) -> io::Result<()> {
        let entry = Entry { name: name.to_owned(), method, sizes, offset: self.at };
        let mut header = Record::new(LOCAL_HEADER).u16(VERSION);
        header = entry.shared_fields(header).u16(0);
        header.bytes.extend_from_slice(name.as_bytes());
        self.entries.push(entry);
        self.write(out, &header.bytes)
    }
}

impl Entry {
    /// The fields that both headers have: flags to the name's length.
    fn shared_fields(&self, record: Record) -> Record {
        let flags = match self.method {
            Method::Stored => 0,
            Method::Deflated => HAS_DESCRIPTOR,
        };
        let length = u16::try_from(self.name.len()).expect("a part's name is short");
        record.u16(flags).u16(self.method as u16).u32(TIME).sizes(self.sizes).u16(length)
    }

    fn central_header(&self) -> Vec<u8> {
        let offset = u32::try_from(self.offset).ok().filter(|offset| *offset < u32::MAX);
        let version = if offset.is_some() { VERSION } else { VERSION_64 };
        let record = self.shared_fields(Record::new(CENTRAL_HEADER).u16(version).u16(version));
        let extra = match offset {
            Some(_) => Vec::new(),
            None => Record::default().u16(EXTRA_64).u16(8).u64(self.offset).bytes,
        };
        let extra_length = if extra.is_empty() { 0 } else { 12 };
        // Comment, disk, internal and external attributes: none.
        let record = record.u16(extra_length).u16(0).u16(0).u16(0).u32(0);
        let mut bytes = record.u32(offset.unwrap_or(u32::MAX)).bytes;
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend_from_slice(&extra);
        bytes
    }
}

/// What stands behind a directory of `count` entries that reaches from `start` to `end`.
fn end_records(count: u64, start: u64, end: u64) -> Vec<u8> {
    let size = end - start;
    let small = u16::try_from(count).ok().filter(|count| *count < u16::MAX);
    let needs_64 = small.is_none() || end >= u64::from(u32::MAX);
    let mut record = Record::default();
    if needs_64 {
        record = record.u32(END_64).u64(END_64_BYTES).u16(VERSION_64).u16(VERSION_64);
        record = record.u32(0).u32(0).u64(count).u64(count).u64(size).u64(start);
        record = record.u32(LOCATOR_64).u32(0).u64(end).u32(1);
    }
    let clamped = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let count = small.unwrap_or(u16::MAX);
    record = record.u32(END).u16(0).u16(0).u16(count).u16(count);
    record.u32(clamped(size)).u32(clamped(start)).u16(0).bytes
}

/// Little-endian numbers, one after the other.
#[derive(Default)]
struct Record {
    bytes: Vec<u8>,
}

impl Record {
    fn new(signature: u32) -> Self {
        Self::default().u32(signature)
    }

    fn u16(mut self, number: u16) -> Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn u32(mut self, number: u32) -> Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn u64(mut self, number: u64) -> Self {
        self.bytes.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn sizes(self, sizes: Sizes) -> Self {
        let small = |size: u64| u32::try_from(size).expect("a part stays below 4 GiB");
        self.u32(sizes.crc).u32(small(sizes.packed)).u32(small(sizes.plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that only counts, so that an archive can be large.
    fn central_and_end(offset: u64) -> (Vec<u8>, Vec<u8>) {
        let mut zip = Zip { at: offset, ..Zip::default() };
        let mut out = Vec::new();
        zip.part(&mut out, "a.xml", "<a/>").unwrap();
        let header = zip.entries[0].central_header();
        out.clear();
        zip.finish(&mut out).unwrap();
        (header.clone(), out[header.len()..].to_vec())
    }

    #[test]
    fn a_small_archive_has_no_64_bit_records() {
        let (header, end) = central_and_end(0);
        assert_eq!(header.len(), 46 + "a.xml".len());
        assert_eq!(end.len(), 22);
        assert_eq!(end[..4], END.to_le_bytes());
    }

    #[test]
    fn beyond_4_gib_offsets_take_64_bits() {
        let offset = 5 << 30;
        let (header, end) = central_and_end(offset);
        assert_eq!(header[42..46], u32::MAX.to_le_bytes());
        assert_eq!(header[header.len() - 8..], offset.to_le_bytes());
        assert_eq!(end.len(), 56 + 20 + 22);
        assert_eq!(end[48..56], (offset + 30 + 5 + 4).to_le_bytes());
        let directory_end = offset + 30 + 5 + 4 + header.len() as u64;
        assert_eq!(end[56 + 8..56 + 16], directory_end.to_le_bytes());
        assert_eq!(end[98 - 6..98 - 2], u32::MAX.to_le_bytes());
    }

    #[test]
    fn more_entries_than_16_bits_hold_take_64_bits() {
        let end = end_records(70_000, 100, 200);
        assert_eq!(end[32..40], 70_000_u64.to_le_bytes());
        assert_eq!(end[76 + 10..76 + 12], u16::MAX.to_le_bytes());
        assert_eq!(end_records(65_534, 100, 200).len(), 22);
    }
}
