//! The buffer that kernels write to: room is made first, then bytes go in unchecked.

use tidegate_batch::PaddedCell;

use super::class::ByteClass;

/// Bytes that are read and written at once.
const BLOCK_BYTES: usize = 16;

/// Glue up to this length is copied as a whole, without asking how long it is.
const GLUE_BYTES: usize = 32;

/// Quotes are doubled in steps of this many bytes, so that a long cell does not ask for twice its
/// length at once.
const DOUBLED_STEP_BYTES: usize = 16 << 10;

/// Appends to a `Vec<u8>`, whose length is right again after [`Out::finish`].
///
/// Kept as two pointers so that they stay in registers over a whole row: never lend `&mut Out` to a
/// function that is not inlined; use [`Out::with_vec`] for those.
#[must_use = "bytes count only after `finish`"]
pub(crate) struct Out<'a> {
    vec: &'a mut Vec<u8>,
    /// Next byte to write. Invariant: lies in the allocation of `vec` or one behind its end, and
    /// all bytes before it are initialised.
    at: *mut u8,
    /// End of the allocation of `vec`.
    end: *mut u8,
}

impl<'a> Out<'a> {
    /// Appends to `vec` from here on.
    #[inline(always)]
    pub(crate) fn on(vec: &'a mut Vec<u8>) -> Self {
        let (at, end) = ends(vec);
        Self { vec, at, end }
    }

    /// Hands the bytes over to the vector.
    #[inline(always)]
    pub(crate) fn finish(self) {
        // SAFETY: `at` is the end of initialised bytes in the allocation of `vec`.
        unsafe { commit(self.vec, self.at) }
    }

    /// Lets `write` append to the vector itself: the way to everything that is not a hot kernel.
    #[inline(always)]
    pub(crate) fn with_vec<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        // SAFETY: `at` is the end of initialised bytes in the allocation of `vec`.
        unsafe { commit(self.vec, self.at) }
        let result = write(self.vec);
        (self.at, self.end) = ends(self.vec);
        result
    }

    /// Bytes of the vector so far.
    #[inline(always)]
    pub(crate) fn written(&self) -> usize {
        self.at as usize - self.vec.as_ptr() as usize
    }

    /// Makes room for `more` bytes, so that kernels do not have to.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, more: usize) {
        if (self.end as usize) - (self.at as usize) < more {
            // SAFETY: `at` is the end of initialised bytes in the allocation of `vec`.
            (self.at, self.end) = unsafe { grow(self.vec, self.at, more) };
        }
    }

    /// Appends one byte.
    #[inline(always)]
    pub(crate) fn byte(&mut self, byte: u8) {
        self.prefix(&[byte], 1);
    }

    /// Appends an array.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.prefix(bytes, N);
    }

    /// Appends the first `length` bytes of an array, which is copied as a whole.
    #[inline(always)]
    pub(crate) fn prefix<const N: usize>(&mut self, bytes: &[u8; N], length: usize) {
        debug_assert!(length <= N);
        self.reserve(N);
        // SAFETY: there is room for N bytes, all of which are written, and no more than N of them
        // are counted. `bytes` is borrowed, so it cannot lie in the vector's allocation.
        unsafe {
            self.at.copy_from_nonoverlapping(bytes.as_ptr(), N);
            self.at = self.at.add(length.min(N));
        }
    }

    /// Appends bytes.
    #[inline(always)]
    pub(crate) fn slice(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        // SAFETY: there is room for all of `bytes`, which cannot lie in the vector's allocation.
        unsafe {
            self.at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            self.at = self.at.add(bytes.len());
        }
    }

    /// Appends text that was put together before the first row.
    #[inline(always)]
    pub(crate) fn glue(&mut self, glue: &Glue) {
        match &glue.long {
            None => self.prefix(&glue.short, glue.length),
            Some(long) => self.slice(long),
        }
    }

    /// Takes the last `count` bytes back.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[inline(always)]
    pub(crate) fn take_back(&mut self, count: usize) {
        assert!(count <= self.written(), "only what was written can be taken back");
        // SAFETY: the result lies between the start of the allocation and `at`.
        self.at = unsafe { self.at.sub(count) };
    }

    /// Appends the bytes of `cell` before the first one of `class`; says how many they are.
    #[inline(always)]
    pub(crate) fn while_plain<const GIVEN: usize, const CONTROLS: bool>(
        &mut self,
        cell: PaddedCell<'_>,
        class: &ByteClass<GIVEN, CONTROLS>,
    ) -> usize {
        let length = cell.len();
        self.reserve(length + BLOCK_BYTES);
        #[cfg(target_arch = "x86_64")]
        let plain = self.blocks_while_plain(cell.tail(), length, class);
        #[cfg(not(target_arch = "x86_64"))]
        let plain = self.bytes_while_plain(cell.tail(), 0, length, class);
        // SAFETY: the function before has written the first `plain` of at most `length` bytes, for
        // which there is room.
        self.at = unsafe { self.at.add(plain) };
        plain
    }

    /// Writes behind `at` in blocks, without moving it; needs room for a block more than `length`.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn blocks_while_plain<const GIVEN: usize, const CONTROLS: bool>(
        &mut self,
        tail: &[u8],
        length: usize,
        class: &ByteClass<GIVEN, CONTROLS>,
    ) -> usize {
        use std::arch::x86_64::{_mm_loadu_si128, _mm_storeu_si128};

        let mut from = 0;
        while from < length {
            if from + BLOCK_BYTES > tail.len() {
                return self.bytes_while_plain(tail, from, length, class);
            }
            // SAFETY: `tail` was just seen to hold the block; the caller made room for `length` and
            // a block more, and `from` is below `length`.
            let block = unsafe {
                let block = _mm_loadu_si128(tail.as_ptr().add(from).cast());
                _mm_storeu_si128(self.at.add(from).cast(), block);
                block
            };
            let mask = class.mask(block);
            if mask != 0 {
                return length.min(from + mask.trailing_zeros() as usize);
            }
            from += BLOCK_BYTES;
        }
        length
    }

    /// Writes behind `at` byte by byte from `from` on, without moving it; needs room for `length`.
    #[inline]
    fn bytes_while_plain<const GIVEN: usize, const CONTROLS: bool>(
        &mut self,
        tail: &[u8],
        from: usize,
        length: usize,
        class: &ByteClass<GIVEN, CONTROLS>,
    ) -> usize {
        for (index, &byte) in tail[..length].iter().enumerate().skip(from) {
            if class.contains(byte) {
                return index;
            }
            // SAFETY: the caller made room for `length` bytes, and `index` is below that.
            unsafe { self.at.add(index).write(byte) }
        }
        length
    }

    /// Appends `cell` with each `quote` doubled.
    #[inline(always)]
    pub(crate) fn doubled(&mut self, cell: PaddedCell<'_>, quote: u8) {
        let mut rest = cell;
        while !rest.is_empty() {
            let step = rest.len().min(DOUBLED_STEP_BYTES);
            self.reserve(2 * step + 2 * BLOCK_BYTES);
            // SAFETY: there is room for twice the step and two blocks.
            self.at = unsafe { double(self.at, rest.tail(), step, quote) };
            rest = rest.skip(step).expect("a step is no longer than the rest");
        }
    }
}

/// Writes the first `length` bytes of `tail` to `at`, each `quote` twice; gives back their end.
///
/// # Safety
///
/// `at` has room for twice the length and two blocks.
#[inline(always)]
unsafe fn double(mut at: *mut u8, tail: &[u8], length: usize, quote: u8) -> *mut u8 {
    let mut from = 0;
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("ssse3") && length.next_multiple_of(BLOCK_BYTES) <= tail.len() {
        // SAFETY: the processor has SSSE3, `tail` holds whole blocks, there is room at `at`.
        return unsafe { double_blocks(at, tail, length, quote) };
    }
    while from < length {
        let byte = tail[from];
        from += 1;
        // SAFETY: there is room for two bytes for each byte read, and of the two written here one
        // or both are counted.
        unsafe {
            at.write(byte);
            at.add(1).write(quote);
            at = at.add(1 + usize::from(byte == quote));
        }
    }
    at
}

/// Like [`double`], eight bytes at once: a table says where each of them goes.
///
/// # Safety
///
/// As for [`double`]; the processor has SSSE3, and `tail` holds `length` rounded up to blocks.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "ssse3")]
unsafe fn double_blocks(at: *mut u8, tail: &[u8], length: usize, quote: u8) -> *mut u8 {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
        _mm_shuffle_epi8, _mm_srli_si128, _mm_storeu_si128,
    };

    let quotes = _mm_set1_epi8(quote.cast_signed());
    let (mut at, mut from) = (at, 0);
    // SAFETY: blocks are read up to `length` rounded up to them. For each half of a block sixteen
    // bytes are written, of which at most the first as many count; so at any time no more than
    // twice what was read counts, and the last store ends less than two blocks behind that. The
    // table's rows have sixteen bytes.
    unsafe {
        let mut step = |half: __m128i, mask: u32, count: usize| {
            let row = &DOUBLING[(mask & 0xFF) as usize];
            let spread = _mm_shuffle_epi8(half, _mm_loadu_si128(row.as_ptr().cast()));
            _mm_storeu_si128(at.cast(), spread);
            at = at.add(count + (mask & ((1 << count) - 1)).count_ones() as usize);
        };
        while from < length {
            let block = _mm_loadu_si128(tail.as_ptr().add(from).cast());
            let mask = _mm_movemask_epi8(_mm_cmpeq_epi8(block, quotes)).cast_unsigned();
            let count = (length - from).min(BLOCK_BYTES);
            step(block, mask, count.min(HALF_BYTES));
            step(_mm_srli_si128::<8>(block), mask >> HALF_BYTES, count.saturating_sub(HALF_BYTES));
            from += BLOCK_BYTES;
        }
    }
    at
}

/// Bytes that are doubled at once, so that they still fit a block.
#[cfg(target_arch = "x86_64")]
const HALF_BYTES: usize = 8;

/// For each set of quotes among eight bytes: which of them goes to each place.
#[cfg(target_arch = "x86_64")]
static DOUBLING: [[u8; BLOCK_BYTES]; 256] = {
    let mut table = [[0; BLOCK_BYTES]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut place, mut byte) = (0, 0);
        while byte < HALF_BYTES {
            table[mask][place] = byte as u8;
            place += 1;
            if mask >> byte & 1 == 1 {
                table[mask][place] = byte as u8;
                place += 1;
            }
            byte += 1;
        }
        mask += 1;
    }
    table
};

/// First free byte and end of the allocation.
#[inline(always)]
fn ends(vec: &mut Vec<u8>) -> (*mut u8, *mut u8) {
    let spare = vec.spare_capacity_mut().as_mut_ptr_range();
    (spare.start.cast(), spare.end.cast())
}

/// Sets the length to what lies before `at`.
///
/// # Safety
///
/// `at` lies in the allocation of `vec`, and all bytes before it are initialised.
#[inline(always)]
unsafe fn commit(vec: &mut Vec<u8>, at: *mut u8) {
    let length = at as usize - vec.as_ptr() as usize;
    // SAFETY: as the caller warrants.
    unsafe { vec.set_len(length) }
}

/// Makes room for `more` bytes, and a quarter of what there is so that growth ends soon.
///
/// # Safety
///
/// As for [`commit`].
#[cold]
#[inline(never)]
unsafe fn grow(vec: &mut Vec<u8>, at: *mut u8, more: usize) -> (*mut u8, *mut u8) {
    // SAFETY: as the caller warrants.
    unsafe { commit(vec, at) }
    vec.reserve_exact(more.max(vec.capacity() / 4));
    ends(vec)
}

/// Text that stands between values: separators, names, tags; put together before the first row.
#[derive(Clone, Debug, Default)]
pub(crate) struct Glue {
    short: [u8; GLUE_BYTES],
    length: usize,
    long: Option<Box<[u8]>>,
}

impl Glue {
    /// Takes the text over.
    pub(crate) fn new(text: &[u8]) -> Self {
        let mut glue = Self { length: text.len(), ..Self::default() };
        match glue.short.get_mut(..text.len()) {
            Some(short) => short.copy_from_slice(text),
            None => glue.long = Some(text.into()),
        }
        glue
    }

    /// Length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether there is nothing to write.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: ByteClass<2, true> = ByteClass::new(*b"\",");

    fn padded(text: &[u8]) -> Vec<u8> {
        // Padding full of special bytes shows that they are not taken for the cell's own.
        [text, &[b'"'; 64]].concat()
    }

    fn plain_length(text: &[u8], with_padding: bool) -> (usize, Vec<u8>) {
        let tail = padded(text);
        let mut batch = tidegate_batch::RowBatch::default();
        batch.put_bytes(text);
        batch.put_bytes(&tail);
        batch.end_row();
        batch.seal();
        let cell = match with_padding {
            true => batch.cells().next_cell().unwrap(),
            false => PaddedCell::from(text),
        };
        let mut bytes = b"<".to_vec();
        let mut out = Out::on(&mut bytes);
        let length = out.while_plain(cell, &CLASS);
        out.finish();
        (length, bytes)
    }

    #[test]
    fn blocks_and_single_bytes_find_the_same_end() {
        for length in 0..70 {
            for special in 0..=length {
                let mut text = vec![b'x'; length];
                if let Some(byte) = text.get_mut(special) {
                    *byte = [b'"', b',', 0, 0x1F][special % 4];
                }
                let expected = [b"<", &text[..special]].concat();
                assert_eq!(plain_length(&text, true), (special, expected.clone()));
                assert_eq!(plain_length(&text, false), (special, expected));
            }
        }
    }

    #[test]
    fn every_way_of_writing_appends_what_it_says() {
        let mut bytes = Vec::new();
        let mut out = Out::on(&mut bytes);
        out.byte(b'a');
        out.array(b"bc");
        out.prefix(b"dXX", 1);
        out.slice(b"ef");
        out.glue(&Glue::new(b"gh"));
        out.glue(&Glue::new(&[b'i'; 100]));
        out.take_back(99);
        out.with_vec(|vec| vec.extend_from_slice(b"jk"));
        out.doubled(b"l\"\"m"[..].into(), b'"');
        out.finish();
        assert_eq!(bytes, b"abcdefghijkl\"\"\"\"m");
    }

    fn doubled(cell: PaddedCell<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut out = Out::on(&mut bytes);
        out.doubled(cell, b'"');
        out.finish();
        bytes
    }

    #[test]
    fn quotes_are_doubled_alike_with_and_without_blocks() {
        // Every set of quotes among nine bytes, at every place of a block and at its end.
        for mask in 0..512_u32 {
            for lead in 0..34 {
                let quotes = (0..9).map(|bit| if mask >> bit & 1 == 1 { b'"' } else { b'x' });
                let text: Vec<u8> = std::iter::repeat_n(b'a', lead).chain(quotes).collect();
                let expected = String::from_utf8(text.clone()).unwrap().replace('"', "\"\"");
                let mut batch = tidegate_batch::RowBatch::default();
                batch.put_bytes(&text);
                batch.put_bytes(&[b'"'; 64]);
                batch.end_row();
                batch.seal();
                assert_eq!(doubled(batch.cells().next_cell().unwrap()), expected.as_bytes());
                assert_eq!(doubled(text.as_slice().into()), expected.as_bytes());
            }
        }
    }

    #[test]
    fn long_cells_are_doubled_whole() {
        let text = b"\"x".repeat(DOUBLED_STEP_BYTES);
        assert_eq!(doubled(text.as_slice().into()), b"\"\"x".repeat(DOUBLED_STEP_BYTES));
    }
}
