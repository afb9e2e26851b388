//! The `tidegate` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    keep_few_heaps();
    tidegate::run(std::env::args_os())
}

/// glibc gives each thread a heap of its own and gives little of it back, so a service grew by some
/// forty megabytes within a few thousand jobs. Threads that share two heaps cost no time that could
/// be measured: rows travel in buffers that are used again.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_few_heaps() {
    const HEAPS: libc::c_int = 2;
    // SAFETY: it sets a number of the allocator, and no other thread has been started yet.
    let is_set = unsafe { libc::mallopt(libc::M_ARENA_MAX, HEAPS) };
    debug_assert_eq!(is_set, 1, "the number of heaps is within its range");
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_few_heaps() {}
