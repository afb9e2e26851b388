//! Sets of bytes that a format must escape, tested one by one or sixteen at a time.

#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::{
    __m128i, _mm_cmpeq_epi8, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
    _mm_setzero_si128,
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
