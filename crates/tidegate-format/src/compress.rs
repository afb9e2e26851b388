//! Compression of text formats: each piece by itself, in the thread that encodes it.

use crc32fast::Hasher;

use crate::{OptionKind, OptionSpec, Options, Piece};

mod gzip;
mod zstd;

/// The option of every format that can be compressed.
pub(crate) const OPTION: OptionSpec = OptionSpec {
    slug: "compress",
    label: "Compression",
    help: "Packs the file.",
    kind: OptionKind::Choice(&["none", "gzip", "zstd"]),
    default: "none",
};

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all, or in the format's own way.
    None,
    /// One gzip member (RFC 1952).
    Gzip,
    /// Zstandard frames, one after the other (RFC 8878).
    Zstd,
}

impl Compression {
    /// The compression that these options ask for.
    pub fn of(options: &Options) -> Self {
        match () {
            () if options.is(OPTION.slug, "gzip") => Self::Gzip,
            () if options.is(OPTION.slug, "zstd") => Self::Zstd,
            () => Self::None,
        }
    }

    /// What it adds to a file's name, with its dot.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }

    /// Media type of packed files, where it hides that of the content.
    pub fn media_type(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("application/gzip"),
            Self::Zstd => Some("application/zstd"),
        }
    }
}

/// Packs pieces on many threads; a thread takes a context from the pool and gives it back.
pub(crate) enum Packer {
    /// Leaves pieces as they are.
    None,
    /// See [`gzip`].
    Gzip(gzip::Packer),
    /// See [`zstd`].
    Zstd(zstd::Packer),
}

impl Packer {
    /// The packer that these options ask for.
    pub(crate) fn new(options: &Options) -> Self {
        match Compression::of(options) {
            Compression::None => Self::None,
            Compression::Gzip => Self::Gzip(gzip::Packer::default()),
            Compression::Zstd => Self::Zstd(zstd::Packer::default()),
        }
    }

    /// Packs the piece's bytes and says how many they were.
    pub(crate) fn pack(&self, piece: &mut Piece) {
        piece.plain_bytes = piece.bytes.len() as u64;
        piece.scratch.clear();
        match self {
            Self::None => return,
            Self::Gzip(packer) => {
                piece.crc = crc32fast::hash(&piece.bytes);
                packer.pack(&piece.bytes, &mut piece.scratch);
            }
            Self::Zstd(packer) => packer.pack(&piece.bytes, &mut piece.scratch),
        }
        std::mem::swap(&mut piece.bytes, &mut piece.scratch);
    }

    /// A piece of its own for what stands around the others.
    pub(crate) fn packed(&self, bytes: &[u8]) -> Piece {
        let mut piece = Piece { bytes: bytes.to_vec(), ..Piece::default() };
        self.pack(&mut piece);
        piece
    }

    /// What stands before the first piece.
    pub(crate) fn header(&self) -> &'static [u8] {
        match self {
            Self::Gzip(_) => gzip::HEADER,
            Self::None | Self::Zstd(_) => b"",
        }
    }

    /// What stands behind the last piece.
    pub(crate) fn trailer(&self, trailer: &Trailer) -> Vec<u8> {
        match self {
            Self::Gzip(_) => gzip::end(trailer.crc.clone().finalize(), trailer.plain_bytes),
            Self::None | Self::Zstd(_) => Vec::new(),
        }
    }
}

/// Checksum and length of all that was packed, put together from those of the pieces.
#[derive(Default)]
pub(crate) struct Trailer {
    crc: Hasher,
    plain_bytes: u64,
}

impl Trailer {
    /// Counts the piece that was written last.
    pub(crate) fn add(&mut self, piece: &Piece) {
        self.crc.combine(&Hasher::new_with_initial_len(piece.crc, piece.plain_bytes));
        self.plain_bytes += piece.plain_bytes;
    }
}
