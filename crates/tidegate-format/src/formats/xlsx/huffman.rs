//! Deflate blocks with Huffman codes of their own (RFC 1951).

/// Shortest and longest match.
pub(super) const MATCH_MIN: usize = 3;
pub(super) const MATCH_MAX: usize = 258;

/// Symbols of literals and match lengths, of distances, and of the lengths of codes.
const LITERALS: usize = 286;
const DISTANCES: usize = 30;
const LENGTHS: usize = 19;
/// Symbol of a block's end, of the shortest match and of the longest one.
const END: usize = 256;
const MATCH_FIRST: usize = 257;
const MATCH_LAST: usize = 285;

/// Longest codes. Four literals shall fit 64 bits beside seven bits that wait.
const LITERAL_BITS_MAX: usize = 14;
const DISTANCE_BITS_MAX: usize = 15;
const LENGTH_BITS_MAX: usize = 7;
/// Literals that are written at once.
const LITERALS_AT_ONCE: usize = 4;

/// Order in which the lengths of the codes for lengths are sent.
const LENGTH_ORDER: [usize; LENGTHS] =
    [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Literals, and a match that follows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    /// Number of literals.
    pub(super) literals: u32,
    /// Bytes that are repeated; 0 where only literals are left.
    pub(super) length: u16,
    /// How far back they stand.
    pub(super) distance: u16,
}

/// Counts what a block holds, then writes it; its tables are used again for the next one.
pub(super) struct BlockWriter {
    literals: Alphabet<LITERALS>,
    distances: Alphabet<DISTANCES>,
    lengths: Alphabet<LENGTHS>,
    /// Matches of each length.
    matches: [u32; MATCH_MAX + 1],
    /// Codes of the matches of each length, with their extra bits.
    match_codes: [Code; MATCH_MAX + 1],
    /// Extra bits of the distances.
    distance_bits: u64,
    /// The lengths of the codes of a block, as symbols with their extra bits.
    header: Vec<(usize, Code)>,
}

impl Default for BlockWriter {
    fn default() -> Self {
        Self {
            literals: Alphabet::default(),
            distances: Alphabet::default(),
            lengths: Alphabet::default(),
            matches: [0; MATCH_MAX + 1],
            match_codes: [Code::default(); MATCH_MAX + 1],
            distance_bits: 0,
            header: Vec::new(),
        }
    }
}

impl BlockWriter {
    /// Counts a literal of the next block.
    #[inline(always)]
    pub(super) fn count_literal(&mut self, literal: u8) {
        self.literals.counts[usize::from(literal)] += 1;
    }

    /// Counts a match of the next block.
    #[inline(always)]
    pub(super) fn count_match(&mut self, length: u16, distance: u16) {
        let distance = distance_of(distance);
        self.matches[usize::from(length)] += 1;
        self.distances.counts[distance.symbol] += 1;
        self.distance_bits += u64::from(distance.extra.length);
    }

    /// Appends a block that is not the last one: `source` holds the literals of `sequences` and
    /// what their matches repeat, all of which were counted.
    pub(super) fn write(&mut self, source: &[u8], sequences: &[Sequence], out: &mut Bits<'_>) {
        let extra_bits = self.distance_bits + self.count_lengths();
        self.literals.make_codes(LITERAL_BITS_MAX);
        self.distances.make_codes(DISTANCE_BITS_MAX);
        self.make_match_codes();
        let (literals, distances) = (self.literals.used(MATCH_FIRST), self.distances.used(1));
        self.header.clear();
        pack_lengths(&[literals, distances].concat(), &mut self.header);
        self.lengths.counts = [0; LENGTHS];
        self.header.iter().for_each(|(symbol, _)| self.lengths.counts[*symbol] += 1);
        self.lengths.make_codes(LENGTH_BITS_MAX);
        let sent = LENGTH_ORDER.iter().rposition(|symbol| self.lengths.lengths[*symbol] > 0);
        let sent = sent.map_or(4, |last| (last + 1).max(4));

        let header_bits: u32 = self.header.iter().map(|(_, extra)| extra.length).sum();
        let bits = self.literals.bits() + self.distances.bits() + self.lengths.bits();
        let bits = 3 + 14 + 3 * sent as u64 + u64::from(header_bits) + bits + extra_bits;
        out.write(bits, |mut writer| {
            writer.put(0b100, 3);
            writer.put(literals.len() as u64 - 257, 5);
            writer.put(distances.len() as u64 - 1, 5);
            writer.put(sent as u64 - 4, 4);
            writer.flush();
            for symbol in &LENGTH_ORDER[..sent] {
                writer.put(self.lengths.lengths[*symbol].into(), 3);
                writer.flush();
            }
            for (symbol, extra) in &self.header {
                writer.code(self.lengths.codes[*symbol]);
                writer.code(*extra);
                writer.flush();
            }
            writer = self.write_sequences(source, sequences, writer);
            writer.code(self.literals.codes[END]);
            writer.flush();
            writer
        });
        self.literals.counts = [0; LITERALS];
        self.distances.counts = [0; DISTANCES];
        self.matches = [0; MATCH_MAX + 1];
        self.distance_bits = 0;
    }

    /// Counts the symbols of lengths, and of the end; gives back their extra bits.
    fn count_lengths(&mut self) -> u64 {
        self.literals.counts[END] = 1;
        let mut extra_bits = 0;
        for (length, count) in self.matches.iter().enumerate().skip(MATCH_MIN) {
            let coded = length_of(length);
            self.literals.counts[coded.symbol] += count;
            extra_bits += u64::from(*count) * u64::from(coded.extra.length);
        }
        extra_bits
    }

    fn make_match_codes(&mut self) {
        for (length, code) in self.match_codes.iter_mut().enumerate().skip(MATCH_MIN) {
            let coded = length_of(length);
            *code = self.literals.codes[coded.symbol].followed_by(coded.extra);
        }
    }

    fn write_sequences<'a>(
        &self,
        source: &[u8],
        sequences: &[Sequence],
        mut writer: BitWriter<'a>,
    ) -> BitWriter<'a> {
        let codes = &self.literals.codes;
        let mut rest = source;
        for sequence in sequences {
            let (literals, behind) = rest.split_at(sequence.literals as usize);
            let (fours, few) = literals.as_chunks::<LITERALS_AT_ONCE>();
            for four in fours {
                for literal in four {
                    writer.code(codes[usize::from(*literal)]);
                }
                writer.flush();
            }
            for literal in few {
                writer.code(codes[usize::from(*literal)]);
            }
            writer.flush();
            rest = &behind[usize::from(sequence.length)..];
            if sequence.length > 0 {
                writer.code(self.match_codes[usize::from(sequence.length)]);
                let distance = distance_of(sequence.distance);
                writer.code(self.distances.codes[distance.symbol].followed_by(distance.extra));
                writer.flush();
            }
        }
        writer
    }
}

/// A code or extra bits, in the order in which they are sent.
#[derive(Clone, Copy, Debug, Default)]
struct Code {
    bits: u32,
    length: u32,
}

impl Code {
    /// This code and another one behind it.
    #[inline(always)]
    fn followed_by(self, other: Self) -> Self {
        Self { bits: self.bits | other.bits << self.length, length: self.length + other.length }
    }
}

/// What a length or a distance is sent as.
struct Coded {
    symbol: usize,
    extra: Code,
}

fn length_of(length: usize) -> Coded {
    let rest = (length - MATCH_MIN) as u32;
    if length == MATCH_MAX {
        return Coded { symbol: MATCH_LAST, extra: Code::default() };
    }
    if rest < 8 {
        return Coded { symbol: MATCH_FIRST + rest as usize, extra: Code::default() };
    }
    let extra = rest.ilog2() - 2;
    let symbol = MATCH_FIRST as u32 + 4 * (extra + 1) + (rest >> extra & 3);
    Coded {
        symbol: symbol as usize,
        extra: Code { bits: rest & ((1 << extra) - 1), length: extra },
    }
}

#[inline(always)]
fn distance_of(distance: u16) -> Coded {
    let rest = u32::from(distance) - 1;
    if rest < 4 {
        return Coded { symbol: rest as usize, extra: Code::default() };
    }
    let extra = rest.ilog2() - 1;
    let symbol = 2 * (extra + 1) + (rest >> extra & 1);
    Coded {
        symbol: symbol as usize,
        extra: Code { bits: rest & ((1 << extra) - 1), length: extra },
    }
}

/// Symbols with their frequencies and codes.
struct Alphabet<const N: usize> {
    counts: [u32; N],
    lengths: [u8; N],
    codes: [Code; N],
}

impl<const N: usize> Default for Alphabet<N> {
    fn default() -> Self {
        Self { counts: [0; N], lengths: [0; N], codes: [Code::default(); N] }
    }
}

impl<const N: usize> Alphabet<N> {
    /// Makes codes of at most `bits_max` bits from the frequencies.
    fn make_codes(&mut self, bits_max: usize) {
        // A code of one symbol would be incomplete, and some readers refuse those.
        for symbol in 0..2 {
            if self.counts.iter().filter(|count| **count > 0).count() < 2 {
                self.counts[symbol] = self.counts[symbol].max(1);
            }
        }
        self.lengths = code_lengths(&self.counts, bits_max);
        let mut next = first_codes(&self.lengths);
        for (code, length) in self.codes.iter_mut().zip(self.lengths) {
            *code = Code::default();
            if length > 0 {
                let bits = &mut next[usize::from(length)];
                let length = u32::from(length);
                *code = Code { bits: bits.reverse_bits() >> (32 - length), length };
                *bits += 1;
            }
        }
    }

    /// Lengths of the codes up to the last symbol in use, but of at least so many symbols.
    fn used(&self, symbols_min: usize) -> &[u8] {
        let last = self.lengths.iter().rposition(|length| *length > 0).unwrap_or(0);
        &self.lengths[..symbols_min.max(last + 1)]
    }

    /// Bits that all symbols take, without extra bits.
    fn bits(&self) -> u64 {
        let bits = |(count, length): (&u32, &u8)| u64::from(*count) * u64::from(*length);
        self.counts.iter().zip(&self.lengths).map(bits).sum()
    }
}

/// Lengths of an optimal prefix code, or nearly so where one would be longer than `bits_max`.
fn code_lengths<const N: usize>(counts: &[u32; N], bits_max: usize) -> [u8; N] {
    let mut symbols: Vec<(u32, usize)> = (0..N)
        .filter(|symbol| counts[*symbol] > 0)
        .map(|symbol| (counts[symbol], symbol))
        .collect();
    symbols.sort_unstable();
    let mut of_length = depths(&symbols);
    limit(&mut of_length, bits_max);
    let mut lengths = [0; N];
    // The rarest symbols come first, and get the longest codes.
    let mut symbols = symbols.iter();
    for (length, count) in of_length.iter().enumerate().rev() {
        for (_, symbol) in symbols.by_ref().take(*count) {
            lengths[*symbol] = u8::try_from(length).expect("codes are short");
        }
    }
    lengths
}

/// How many leaves of the Huffman tree stand at each depth; `symbols` rise.
fn depths(symbols: &[(u32, usize)]) -> Vec<usize> {
    let leaves = symbols.len();
    // Nodes in the order in which they are joined: leaves rise, and so do joined nodes.
    let mut weights: Vec<u64> = symbols.iter().map(|(count, _)| u64::from(*count)).collect();
    let mut parents = vec![0; 2 * leaves - 1];
    let (mut leaf, mut joined) = (0, leaves);
    for node in leaves..2 * leaves - 1 {
        let mut lightest = || {
            let takes_leaf = leaf < leaves && (joined >= node || weights[leaf] <= weights[joined]);
            let taken = if takes_leaf { &mut leaf } else { &mut joined };
            *taken += 1;
            *taken - 1
        };
        let (first, second) = (lightest(), lightest());
        weights.push(weights[first] + weights[second]);
        (parents[first], parents[second]) = (node, node);
    }
    let mut depth = vec![0_usize; 2 * leaves - 1];
    let mut of_depth = vec![0; leaves.max(2)];
    for node in (0..2 * leaves - 2).rev() {
        depth[node] = depth[parents[node]] + 1;
        if node < leaves {
            of_depth[depth[node]] += 1;
        }
    }
    of_depth
}

/// Makes codes that are too long shorter, at the price of others.
fn limit(of_length: &mut Vec<usize>, bits_max: usize) {
    let too_long: usize = of_length.iter().skip(bits_max + 1).sum();
    of_length.resize(bits_max + 1, 0);
    of_length[bits_max] += too_long;
    let whole = 1_usize << bits_max;
    let mut sum: usize =
        of_length.iter().enumerate().skip(1).map(|(n, count)| count << (bits_max - n)).sum();
    while sum > whole {
        // One code less at the end; another one, shorter, makes room for two below it.
        let split = (1..bits_max).rev().find(|length| of_length[*length] > 0);
        let split = split.expect("not all symbols have the longest code");
        of_length[bits_max] -= 1;
        of_length[split] -= 1;
        of_length[split + 1] += 2;
        sum -= 1;
    }
}

/// First code of each length.
fn first_codes(lengths: &[u8]) -> [u32; DISTANCE_BITS_MAX + 1] {
    let mut of_length = [0; DISTANCE_BITS_MAX + 1];
    lengths.iter().filter(|length| **length > 0).for_each(|n| of_length[usize::from(*n)] += 1);
    let mut first = [0; DISTANCE_BITS_MAX + 1];
    for length in 1..=DISTANCE_BITS_MAX {
        first[length] = (first[length - 1] + of_length[length - 1]) << 1;
    }
    first
}

/// Writes lengths of codes as symbols: 16 repeats the last one, 17 and 18 stand for zeros.
fn pack_lengths(lengths: &[u8], header: &mut Vec<(usize, Code)>) {
    let mut rest = lengths;
    while let [length, ..] = *rest {
        let run = rest.iter().take_while(|other| **other == length).count();
        rest = &rest[run..];
        let mut left = run;
        if length > 0 {
            header.push((length.into(), Code::default()));
            left -= 1;
        }
        while left > 0 {
            let (symbol, least, most, bits) = match (length, left) {
                (0, 11..) => (18, 11, 138, 7),
                (0, 3..) => (17, 3, 10, 3),
                (1.., 3..) => (16, 3, 6, 2),
                _ => (usize::from(length), 1, 1, 0),
            };
            let count = left.min(most);
            header.push((symbol, Code { bits: (count - least) as u32, length: bits }));
            left -= count;
        }
    }
}

/// Bytes that are written at once.
const WORD_BYTES: usize = 8;

/// Bits on their way into bytes.
pub(super) struct Bits<'a> {
    bytes: &'a mut Vec<u8>,
    waiting: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    /// Appends to `bytes`.
    pub(super) fn on(bytes: &'a mut Vec<u8>) -> Self {
        Self { bytes, waiting: 0, count: 0 }
    }

    /// Ends with an empty stored block, so that the next bit begins a byte.
    pub(super) fn align(&mut self) {
        self.write(64, |mut writer| {
            writer.put(0b000, 3);
            writer.count = writer.count.next_multiple_of(8);
            writer.flush();
            writer.put(0xFFFF_0000, 32);
            writer.flush();
            writer
        });
    }

    /// Makes room for so many bits, and lets `work` write them.
    fn write(&mut self, bits: u64, work: impl FnOnce(BitWriter<'_>) -> BitWriter<'_>) {
        let start = self.bytes.len();
        let bytes = usize::try_from(bits / 8).expect("a block fits memory");
        self.bytes.resize(start + bytes + 2 * WORD_BYTES, 0);
        let bytes = &mut self.bytes[start..];
        let writer = work(BitWriter { bytes, at: 0, waiting: self.waiting, count: self.count });
        let end = start + writer.at;
        (self.waiting, self.count) = (writer.waiting, writer.count);
        self.bytes.truncate(end);
    }
}

/// Writes bits to room that was made for them. Passed by value to stay in registers.
struct BitWriter<'a> {
    bytes: &'a mut [u8],
    at: usize,
    waiting: u64,
    count: u32,
}

impl BitWriter<'_> {
    #[inline(always)]
    fn put(&mut self, bits: u64, count: u32) {
        self.waiting |= bits << self.count;
        self.count += count;
    }

    #[inline(always)]
    fn code(&mut self, code: Code) {
        self.put(code.bits.into(), code.length);
    }

    /// Writes whole bytes; up to 56 bits may be put between two calls.
    #[inline(always)]
    fn flush(&mut self) {
        self.bytes[self.at..self.at + WORD_BYTES].copy_from_slice(&self.waiting.to_le_bytes());
        self.at += self.count as usize / 8;
        self.waiting >>= self.count & !7;
        self.count &= 7;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_distances_have_the_symbols_of_the_specification() {
        for (length, symbol, bits) in
            [(3, 257, 0), (10, 264, 0), (11, 265, 1), (12, 265, 1), (257, 284, 5), (258, 285, 0)]
        {
            let coded = length_of(length);
            assert_eq!((coded.symbol, coded.extra.length), (symbol, bits), "{length}");
        }
        for (distance, symbol, bits) in
            [(1, 0, 0), (4, 3, 0), (5, 4, 1), (24_576, 28, 13), (24_577, 29, 13), (32_768, 29, 13)]
        {
            let coded = distance_of(distance);
            assert_eq!((coded.symbol, coded.extra.length), (symbol, bits), "{distance}");
        }
        assert_eq!(distance_of(32_768).extra.bits, 8_191);
    }

    #[test]
    fn codes_are_complete_and_no_longer_than_allowed() {
        // Fibonacci numbers make the deepest trees.
        let mut counts = [0; 40];
        let (mut one, mut two) = (1, 1);
        for count in &mut counts {
            *count = one;
            (one, two) = (two, u32::saturating_add(one, two));
        }
        for used in 2..40 {
            let mut some = [0; 40];
            some[..used].copy_from_slice(&counts[..used]);
            for bits_max in [7, 15] {
                let lengths = code_lengths(&some, bits_max);
                let sum: u32 = lengths.iter().filter(|n| **n > 0).map(|n| 1 << (15 - n)).sum();
                assert_eq!(sum, 1 << 15, "{used} symbols, {bits_max} bits");
                assert!(lengths.iter().all(|length| usize::from(*length) <= bits_max));
                assert!(lengths[..used].windows(2).all(|pair| pair[0] >= pair[1]));
            }
        }
    }

    #[test]
    fn runs_of_lengths_are_packed() {
        let lengths = [&[0; 140][..], &[5; 8], &[0; 2], &[1, 2, 2, 2]].concat();
        let mut header = Vec::new();
        pack_lengths(&lengths, &mut header);
        let symbols: Vec<(usize, u32)> =
            header.iter().map(|(symbol, extra)| (*symbol, extra.bits)).collect();
        let expected = [
            (18, 127),
            (0, 0),
            (0, 0),
            (5, 0),
            (16, 3),
            (5, 0),
            (0, 0),
            (0, 0),
            (1, 0),
            (2, 0),
            (2, 0),
            (2, 0),
        ];
        assert_eq!(symbols, expected);
    }
}
