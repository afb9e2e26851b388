//! What a rig does to a process, in builds with the feature `chaos`: stops it at a point of the
//! protocol, sets its clock.

/// Variable that names the point to stop at.
#[cfg(feature = "chaos")]
const VARIABLE: &str = "TIDEGATE_STOP_AT";
/// Variable that names a file: by how many milliseconds the process's clock is ahead.
#[cfg(feature = "chaos")]
const CLOCK_VARIABLE: &str = "TIDEGATE_CLOCK_FILE";

/// A point of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// A job is claimed, and its worker is to hear of it.
    Claim,
    /// A file is to get its name.
    Upload,
    /// A manifest is to be put beside its file.
    Manifest,
    /// A file is to be made visible.
    Publish,
    /// A file is to be made invisible.
    Delete,
    /// The object of an ended job is to be removed.
    Purge,
    /// A piece of a file is to be sent, after its download was noted.
    Send,
    /// A transaction has just been committed.
    Commit,
}

impl Point {
    /// Word in the variable.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Claim => "claim",
            Self::Upload => "upload",
            Self::Manifest => "manifest",
            Self::Publish => "publish",
            Self::Delete => "delete",
            Self::Purge => "purge",
            Self::Send => "send",
            Self::Commit => "commit",
        }
    }
}

/// Stops the whole process, as SIGSTOP does, the first time that it comes to the point which the
/// variable names. Somebody else has to let it go on.
#[cfg(feature = "chaos")]
pub fn stop_at(point: Point) {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static HAS_STOPPED: AtomicBool = AtomicBool::new(false);
    if std::env::var(VARIABLE).is_ok_and(|named| named == point.slug())
        && !HAS_STOPPED.swap(true, Ordering::SeqCst)
    {
        kill_process(getpid(), Signal::STOP).expect("a process may stop itself");
    }
}

/// Does nothing: this build knows no such points.
#[cfg(not(feature = "chaos"))]
#[inline(always)]
pub fn stop_at(_point: Point) {}

/// Microseconds by which the rig has set the clock ahead; fewer than none set it back. Asked at
/// each look at a clock, so that it can jump while the process runs.
#[cfg(feature = "chaos")]
pub(crate) fn ahead_micros() -> i64 {
    const MICROS_PER_MILLI: i64 = 1_000;
    let Some(path) = std::env::var_os(CLOCK_VARIABLE) else { return 0 };
    let said = std::fs::read_to_string(path).expect("a rig that sets the clock keeps its file");
    let millis: i64 = said.trim().parse().expect("the clock's file holds a number");
    millis.saturating_mul(MICROS_PER_MILLI)
}

/// Nobody sets the clock of this build.
#[cfg(not(feature = "chaos"))]
#[inline(always)]
pub(crate) fn ahead_micros() -> i64 {
    0
}
