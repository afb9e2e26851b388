//! Deflates sheet XML in pieces that stand behind one another.
//!
//! A general compressor finds the tags between two values by looking each of them up. We know
//! where they are: what follows a value is likely what followed the one above it, up to the first
//! characters of the next value. So tags cost one comparison, and digits none.

use std::sync::Mutex;

use super::huffman::{Bits, BlockWriter, MATCH_MAX, Sequence};

/// An empty last block.
pub(super) const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// How far back a match may stand.
const WINDOW_BYTES: usize = 32 << 10;
/// Bytes that are looked up at once.
const WORD_BYTES: usize = 4;
/// Places of words that are remembered, and what of a word's hash is dropped to find its one.
const WORDS: usize = 1 << 13;
const WORDS_SHIFT: u32 = 32 - WORDS.ilog2();
/// Shortest match behind a value, where its distance is mostly that of one row.
const BEHIND_MIN: usize = 6;
/// Sequences of a block: enough for codes to pay, few enough to follow the text.
const BLOCK_SEQUENCES: usize = 1 << 14;
/// Successors of a column that are told apart.
const GAPS: usize = 4;
/// What is added to the place of a word, so that a word that was not seen yet is too far away.
const NOWHERE: usize = WINDOW_BYTES + 1;
/// Multiplier of the words' hash: 2³² over the golden ratio.
const HASH: u32 = 0x9E37_79B1;
/// Words that are not found before every second one is looked up, every third, and so on.
const MISSES: usize = 8;

/// Where a value ends and the tags behind it begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    end: u32,
    column: u16,
    is_text: bool,
}

impl Mark {
    /// The end of a value in a column; whether it is worth while to look for repeated text in it.
    pub(super) fn new(end: usize, column: usize, is_text: bool) -> Self {
        // A piece is small, and a wrong mark only makes the file larger.
        Self { end: end as u32, column: column as u16, is_text }
    }
}

/// Packs pieces; a thread takes a packer from the pool and gives it back.
#[derive(Default)]
pub(super) struct Deflater {
    packers: Mutex<Vec<Packer>>,
}

impl Deflater {
    /// Lets `work` use a packer.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Packer) -> R) -> R {
        let packer = self.packers.lock().expect("no one panics with the lock held").pop();
        let mut packer = packer.unwrap_or_default();
        let result = work(&mut packer);
        self.packers.lock().expect("no one panics with the lock held").push(packer);
        result
    }
}

/// What a thread needs to pack a piece.
pub(super) struct Packer {
    /// Where the values of the piece end, in order.
    pub(super) marks: Vec<Mark>,
    /// Last place of each word, plus [`NOWHERE`].
    words: Box<[u32; WORDS]>,
    /// Last end of a value of each column and gap to the next column, plus one.
    ends: Vec<u32>,
    sequences: Vec<Sequence>,
    block: BlockWriter,
}

impl Default for Packer {
    fn default() -> Self {
        Self {
            marks: Vec::new(),
            words: Box::new([0; WORDS]),
            ends: Vec::new(),
            sequences: Vec::new(),
            block: BlockWriter::default(),
        }
    }
}

impl Packer {
    /// Appends `bytes` as whole blocks that refer to nothing before them; takes the marks.
    pub(super) fn pack(&mut self, bytes: &[u8], packed: &mut Vec<u8>) {
        let mut marks = std::mem::take(&mut self.marks);
        let columns = marks.iter().map(|mark| usize::from(mark.column) + 1).max().unwrap_or(0);
        self.words.fill(0);
        self.ends.clear();
        self.ends.resize(columns * GAPS, 0);
        let mut bits = Bits::on(packed);
        let mut piece = Piece { bytes, at: 0, done: 0, block_start: 0 };
        for (index, mark) in marks.iter().enumerate() {
            let end = bytes.len().min(mark.end as usize);
            match mark.is_text {
                true => self.search(&mut piece, end),
                false => self.skip(&mut piece, end),
            }
            let next = marks.get(index + 1).unwrap_or(mark);
            let gap = usize::from(next.column.wrapping_sub(mark.column)) % GAPS;
            let last = &mut self.ends[usize::from(mark.column) * GAPS + gap];
            let above = std::mem::replace(last, end as u32 + 1);
            let distance = (end + 1).checked_sub(above as usize).filter(|_| above > 0);
            if !distance.is_some_and(|distance| self.repeat(&mut piece, distance)) {
                self.search(&mut piece, bytes.len().min(next.end as usize));
            }
            if self.sequences.len() >= BLOCK_SEQUENCES {
                self.end_block(&mut piece, &mut bits);
            }
        }
        self.search(&mut piece, bytes.len());
        self.end_block(&mut piece, &mut bits);
        bits.align();
        marks.clear();
        self.marks = marks;
    }

    /// Repeats what stands that far back, where the value above ended; says whether it could.
    fn repeat(&mut self, piece: &mut Piece<'_>, distance: usize) -> bool {
        let mut is_found = false;
        while (1..=WINDOW_BYTES).contains(&distance) && piece.at < piece.bytes.len() {
            let length = equal_bytes(piece.bytes, piece.at - distance, piece.at);
            if length < BEHIND_MIN {
                break;
            }
            self.push(piece, length, distance);
            is_found = true;
        }
        is_found
    }

    /// Looks for what was there before, up to `end`.
    fn search(&mut self, piece: &mut Piece<'_>, end: usize) {
        let bytes = piece.bytes;
        let mut misses = 0;
        while let Some(word) = word(&bytes[..end], piece.at) {
            let at = piece.at;
            let place = &mut self.words[(word.wrapping_mul(HASH) >> WORDS_SHIFT) as usize];
            let before = std::mem::replace(place, (at + NOWHERE) as u32) as usize;
            let distance = at + NOWHERE - before;
            if distance <= WINDOW_BYTES && self::word(bytes, at - distance) == Some(word) {
                self.push(piece, equal_bytes(bytes, at - distance, at), distance);
                misses = 0;
                continue;
            }
            misses += 1;
            self.block.count_literal(bytes[at]);
            piece.at += 1;
            if misses >= MISSES {
                self.skip(piece, end.min(at + 1 + misses / MISSES));
            }
        }
        self.skip(piece, end);
    }

    /// Takes all up to `end` as literals.
    #[inline(always)]
    fn skip(&mut self, piece: &mut Piece<'_>, end: usize) {
        if piece.at < end {
            for literal in &piece.bytes[piece.at..end] {
                self.block.count_literal(*literal);
            }
            piece.at = end;
        }
    }

    /// Adds the literals so far, and a match.
    #[inline(always)]
    fn push(&mut self, piece: &mut Piece<'_>, length: usize, distance: usize) {
        let literals = (piece.at - piece.done) as u32;
        let (length, distance) = (length as u16, distance as u16);
        self.sequences.push(Sequence { literals, length, distance });
        self.block.count_match(length, distance);
        piece.at += usize::from(length);
        piece.done = piece.at;
    }

    /// Writes what was found so far as a block, with the literals that no match follows yet.
    fn end_block(&mut self, piece: &mut Piece<'_>, bits: &mut Bits<'_>) {
        let literals = (piece.at - piece.done) as u32;
        self.sequences.push(Sequence { literals, length: 0, distance: 0 });
        self.block.write(&piece.bytes[piece.block_start..], &self.sequences, bits);
        self.sequences.clear();
        piece.done = piece.at;
        piece.block_start = piece.at;
    }
}

/// A piece that is being packed.
struct Piece<'a> {
    bytes: &'a [u8],
    /// Where the search stands.
    at: usize,
    /// Up to where sequences reach.
    done: usize,
    block_start: usize,
}

/// The bytes at a place, if that many are left.
#[inline(always)]
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word: &[u8; WORD_BYTES] = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*word))
}

/// How many bytes are equal from two places on, the first before the second.
#[inline(always)]
fn equal_bytes(bytes: &[u8], first: usize, second: usize) -> usize {
    let most = MATCH_MAX.min(bytes.len() - second);
    let (first, second) = (&bytes[first..first + most], &bytes[second..second + most]);
    let (first_words, first_rest) = first.as_chunks::<8>();
    let (second_words, second_rest) = second.as_chunks::<8>();
    for (index, (one, other)) in first_words.iter().zip(second_words).enumerate() {
        let difference = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if difference != 0 {
            return 8 * index + difference.trailing_zeros() as usize / 8;
        }
    }
    let rest = first_rest.iter().zip(second_rest).take_while(|(one, other)| one == other).count();
    8 * first_words.len() + rest
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::*;

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let whole = [packed, &LAST_BLOCK].concat();
        let mut reader = flate2::read::DeflateDecoder::new(&whole[..]);
        reader.read_to_end(&mut bytes).unwrap();
        assert_eq!(reader.total_in(), whole.len() as u64);
        bytes
    }

    fn packed(bytes: &[u8], marks: &[Mark]) -> Vec<u8> {
        let mut out = Vec::new();
        Deflater::default().with(|packer| {
            packer.marks.extend_from_slice(marks);
            packer.pack(bytes, &mut out);
        });
        out
    }

    /// Rows of sheet XML with the marks that belong to them.
    fn rows(values: &[(u16, String, bool)]) -> (Vec<u8>, Vec<Mark>) {
        let (mut bytes, mut marks) = (Vec::new(), Vec::new());
        for (column, value, is_text) in values {
            let (before, after) = match is_text {
                true => ("<c t=\"inlineStr\"><is><t>", "</t></is></c>"),
                false => ("<c><v>", "</v></c>"),
            };
            bytes.extend_from_slice(before.as_bytes());
            bytes.extend_from_slice(value.as_bytes());
            marks.push(Mark::new(bytes.len(), usize::from(*column), *is_text));
            bytes.extend_from_slice(after.as_bytes());
        }
        (bytes, marks)
    }

    proptest! {
        #[test]
        fn rows_come_back_from_their_blocks(
            values in prop::collection::vec((0..40_u16, "[a-c0-9]{0,40}", any::<bool>()), 0..400),
        ) {
            let (bytes, marks) = rows(&values);
            prop_assert_eq!(unpacked(&packed(&bytes, &marks)), bytes);
        }

        #[test]
        fn wrong_marks_do_no_harm(
            bytes in prop::collection::vec(0..8_u8, 0..5_000),
            marks in prop::collection::vec((0..6_000_usize, 0..5_usize, any::<bool>()), 0..200),
        ) {
            let marks: Vec<Mark> =
                marks.into_iter().map(|(end, column, is)| Mark::new(end, column, is)).collect();
            prop_assert_eq!(unpacked(&packed(&bytes, &marks)), bytes);
        }
    }

    #[test]
    fn pieces_stand_behind_one_another() {
        let (first, second) = ("abcabcabc".repeat(500), "x".repeat(300_000));
        let mut both = packed(first.as_bytes(), &[]);
        both.extend(packed(b"", &[]));
        both.extend(packed(second.as_bytes(), &[]));
        assert_eq!(unpacked(&both), (first + &second).into_bytes());
        assert!(both.len() < 2_000, "{}", both.len());
    }

    #[test]
    fn what_does_not_shrink_hardly_grows() {
        let mut state = 1_u64;
        let random = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let bytes: Vec<u8> = (0..200_000).map(random).collect();
        let packed = packed(&bytes, &[]);
        assert!(packed.len() < bytes.len() + 500, "{}", packed.len());
        assert_eq!(unpacked(&packed), bytes);
    }

    #[test]
    fn a_window_full_of_rows_is_reached_but_not_more() {
        for gap in [WINDOW_BYTES - 100, WINDOW_BYTES, WINDOW_BYTES + 100] {
            let mut bytes = b"<row><c><v>123456789012</v></c>".to_vec();
            bytes.extend((0..gap).map(|n| (n * n / 7 % 251) as u8));
            bytes.extend_from_slice(b"<row><c><v>123456789012</v></c>");
            let marks = [Mark::new(11, 0, false), Mark::new(11 + 31 + gap, 0, false)];
            assert_eq!(unpacked(&packed(&bytes, &marks)), bytes, "{gap}");
        }
    }
}
