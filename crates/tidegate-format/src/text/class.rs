//! Sets of bytes that a format must escape, tested one by one or sixteen at a time.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
    _mm_set1_epi8, _mm_setzero_si128,
};

/// Highest of the C0 control characters.
const CONTROL_MAX: u8 = 0x1F;

/// A few given bytes and, if `CONTROLS`, all those below a space.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteClass<const GIVEN: usize, const CONTROLS: bool> {
    given: [u8; GIVEN],
}

impl<const GIVEN: usize, const CONTROLS: bool> ByteClass<GIVEN, CONTROLS> {
    pub(crate) const fn new(given: [u8; GIVEN]) -> Self {
        Self { given }
    }

    /// Whether the byte is one of them.
    #[inline(always)]
    pub(crate) fn contains(&self, byte: u8) -> bool {
        (CONTROLS && byte <= CONTROL_MAX) || self.given.contains(&byte)
    }

    /// Place of the first of them in `text`.
    #[inline]
    pub(crate) fn position(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        #[cfg(target_arch = "x86_64")]
        while let Some(block) = text[at..].first_chunk() {
            let mask = self.mask(load(block));
            if mask != 0 {
                return Some(at + mask.trailing_zeros() as usize);
            }
            at += block.len();
        }
        text[at..].iter().position(|byte| self.contains(*byte)).map(|found| at + found)
    }

    /// One bit for each byte of the block, set where it is one of them; lowest bit first.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(crate) fn mask(&self, block: __m128i) -> u32 {
        // SAFETY: every x86-64 processor has SSE2.
        unsafe {
            let mut found = _mm_setzero_si128();
            for given in self.given {
                let equal = _mm_cmpeq_epi8(block, _mm_set1_epi8(given.cast_signed()));
                found = _mm_or_si128(found, equal);
            }
            if CONTROLS {
                let lowered = _mm_min_epu8(block, _mm_set1_epi8(CONTROL_MAX.cast_signed()));
                found = _mm_or_si128(found, _mm_cmpeq_epi8(lowered, block));
            }
            _mm_movemask_epi8(found).cast_unsigned()
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn load(block: &[u8; 16]) -> __m128i {
    // SAFETY: every x86-64 processor has SSE2, and the block has the sixteen bytes that are read.
    unsafe { _mm_loadu_si128(block.as_ptr().cast()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: ByteClass<2, true> = ByteClass::new(*b"\",");

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn a_block_is_judged_as_its_bytes_are() {
        for first in (0..=255_u8).step_by(16) {
            let bytes: [u8; 16] = std::array::from_fn(|index| first + u8::try_from(index).unwrap());
            let mask = CLASS.mask(load(&bytes));
            for (index, byte) in bytes.into_iter().enumerate() {
                assert_eq!(mask >> index & 1 == 1, CLASS.contains(byte), "byte {byte:#x}");
            }
        }
    }

    #[test]
    fn the_first_of_them_is_found_in_blocks_and_behind() {
        for length in 0..50 {
            for special in 0..=length {
                let mut text = vec![b'x'; length];
                text[special..].fill(b',');
                let expected = (special < length).then_some(special);
                assert_eq!(CLASS.position(&text), expected, "{special} of {length}");
            }
        }
    }
}
