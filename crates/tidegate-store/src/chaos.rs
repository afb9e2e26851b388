//! Points of the protocol at which a rig stops the process, in builds with the feature `chaos`.

/// Variable that names the point to stop at.
#[cfg(feature = "chaos")]
const VARIABLE: &str = "TIDEGATE_STOP_AT";

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
