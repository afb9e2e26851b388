//! Deflates sheet XML in pieces that stand behind one another.

use std::sync::Mutex;

use flate2::{Compress, Compression, FlushCompress, Status};

/// Least effort: sheet XML repeats itself so much that more of it takes far longer than it saves.
const LEVEL: u32 = 1;
/// Room for a flush and what the compressor holds back.
const FLUSH_BYTES: usize = 64;

/// An empty last block.
pub(super) const LAST_BLOCK: [u8; 2] = [0x03, 0x00];

/// Deflate contexts, as many as threads have packed at once.
#[derive(Default)]
pub(super) struct Deflater {
    contexts: Mutex<Vec<Compress>>,
}

impl Deflater {
    /// Appends `bytes` as whole blocks that refer to nothing before them.
    pub(super) fn pack(&self, bytes: &[u8], packed: &mut Vec<u8>) {
        let context = self.contexts.lock().expect("no one panics with the lock held").pop();
        let mut context = context.unwrap_or_else(|| Compress::new(Compression::new(LEVEL), false));
        context.reset();
        packed.reserve(bytes.len() / 3 + FLUSH_BYTES);
        loop {
            let done = usize::try_from(context.total_in()).expect("no longer than bytes");
            let status = context
                .compress_vec(&bytes[done..], packed, FlushCompress::Sync)
                .expect("a deflate stream that was begun takes more bytes");
            // A flush is whole once it leaves room; full output means that some is held back.
            let is_whole = packed.len() < packed.capacity() && status != Status::BufError;
            if is_whole && context.total_in() == bytes.len() as u64 {
                break;
            }
            packed.reserve(bytes.len() / 8 + FLUSH_BYTES);
        }
        self.contexts.lock().expect("no one panics with the lock held").push(context);
    }
}
