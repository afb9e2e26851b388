//! Zstandard, as frames that stand one after the other.

use std::sync::Mutex;

use zstd::{bulk::Compressor, zstd_safe};

/// Zstandard's own default: several times as fast as gzip, and smaller.
const LEVEL: i32 = zstd_safe::CLEVEL_DEFAULT;

/// Contexts, as many as threads have packed at once.
#[derive(Default)]
pub(crate) struct Packer {
    contexts: Mutex<Vec<Compressor<'static>>>,
}

impl Packer {
    /// Appends `bytes` as one frame, with length and checksum.
    pub(super) fn pack(&self, bytes: &[u8], packed: &mut Vec<u8>) {
        let context = self.contexts.lock().expect("no one panics with the lock held").pop();
        let mut context = context.unwrap_or_else(new_context);
        packed.reserve(zstd_safe::compress_bound(bytes.len()));
        context.compress_to_buffer(bytes, packed).expect("there is room for the longest frame");
        self.contexts.lock().expect("no one panics with the lock held").push(context);
    }
}

fn new_context() -> Compressor<'static> {
    let mut context = Compressor::new(LEVEL).expect("the default level is a level");
    context.include_checksum(true).expect("a context takes this parameter before its first use");
    context
}
