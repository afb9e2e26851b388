//! What verification finds: faults, which break the proof, and remarks, which do not.

use serde::Serialize;
use tidegate_model::audit::ChainFault;

/// Findings that are told one by one; more are only counted.
const TOLD_MAX: usize = 100;

/// Something that the log's writer never does: somebody else was at it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// The entries are not those that were signed.
    #[error(
        "entries {from} to {to} are not those that checkpoint {number} vouches for: the chain was \
         made anew"
    )]
    Rewritten {
        /// First entry that no other checkpoint vouches for.
        from: i64,
        /// Last entry that the checkpoint speaks of.
        to: i64,
        /// Number of the first checkpoint that says so.
        number: i64,
    },
    /// The log ends before what was signed.
    #[error(
        "entries {from} to {to} are gone: checkpoint {number} of {at} vouches for them. The end \
         was cut off, or an older backup was restored; entries behind {agreed} may be new ones"
    )]
    RolledBack {
        /// First entry that is gone.
        from: i64,
        /// Last entry that a checkpoint vouches for.
        to: i64,
        /// Number of the last checkpoint that says so.
        number: i64,
        /// When that was.
        at: String,
        /// Last entry that a checkpoint agrees on.
        agreed: i64,
    },
    /// The row that says where the chain ends says something else.
    #[error("the row that says where the chain ends does not say entry {last} and its hash")]
    HeadDisagrees {
        /// Number that it says; far below zero if the row is gone.
        head: i64,
        /// Number of the last entry.
        last: i64,
    },
    /// There are rows that are no part of the chain.
    #[error("the log has {rows} rows more than the chain has entries")]
    Strays {
        /// How many.
        rows: i64,
    },
    /// A line of a streamed log is no entry.
    #[error("line {line} of the log is no entry")]
    NoEntry {
        /// Number of the line.
        line: u64,
    },
    /// What stands in an anchor is no checkpoint.
    #[error("{anchor}: what stands at {place} is no checkpoint")]
    NoCheckpoint {
        /// Which anchor.
        anchor: String,
        /// Number of the line, object or row.
        place: i64,
    },
    /// A checkpoint was changed, or signed by nobody of ours.
    #[error("{anchor}: the signature at {place} is not that of key `{key}` over this checkpoint")]
    WrongSignature {
        /// Which anchor.
        anchor: String,
        /// Number of the line, object or row.
        place: i64,
        /// The key that it names.
        key: String,
    },
    /// A checkpoint is signed with a key that was not shown.
    #[error("{anchor}: there is no public key `{key}` here, which is to have signed at {place}")]
    UnknownKey {
        /// Which anchor.
        anchor: String,
        /// Number of the line, object or row.
        place: i64,
        /// The key that it names.
        key: String,
    },
    /// Checkpoints are missing in an anchor.
    #[error("{anchor}: checkpoints {from} to {to} are left out")]
    LeftOut {
        /// Which anchor.
        anchor: String,
        /// First one that is missing.
        from: i64,
        /// Last one that is missing.
        to: i64,
    },
    /// A checkpoint stands behind a later one.
    #[error("{anchor}: checkpoint {number} stands behind checkpoint {behind}")]
    OutOfOrder {
        /// Which anchor.
        anchor: String,
        /// Its number.
        number: i64,
        /// Number of the one before it.
        behind: i64,
    },
    /// A checkpoint does not name the one before it.
    #[error("{anchor}: checkpoint {number} does not follow the checkpoint before it")]
    Unfollowed {
        /// Which anchor.
        anchor: String,
        /// Its number.
        number: i64,
    },
    /// A checkpoint vouches for less than the one before it.
    #[error("{anchor}: checkpoint {number} vouches for fewer entries than the one before it")]
    Backward {
        /// Which anchor.
        anchor: String,
        /// Its number.
        number: i64,
    },
    /// Two anchors hold different checkpoints of one number.
    #[error("{} hold different checkpoints {number}", anchors.join(" and "))]
    AnchorsDisagree {
        /// Which ones.
        anchors: Vec<String>,
        /// The number.
        number: i64,
    },
    /// The statement of an archive is signed by nobody of ours: what it cuts off is missing.
    #[error("archive {number} in the database is not signed by key `{key}`, or by none known here")]
    ArchiveNotOurs {
        /// Its number.
        number: i64,
        /// The key that it names.
        key: String,
    },
    /// An archive does not begin where the one before ends.
    #[error("archive {number} in the database does not follow the archive before it")]
    ArchiveUnfollowed {
        /// Its number.
        number: i64,
    },
    /// The file of an archive is not there.
    #[error("archive {number}, `{file}` with entries {from} to {to}, is missing")]
    ArchiveMissing {
        /// Its number.
        number: i64,
        /// Its first entry.
        from: i64,
        /// Its last entry.
        to: i64,
        /// Name of the file.
        file: String,
    },
    /// The file of an archive is not what was signed.
    #[error("archive {number}, `{file}` with entries {from} to {to}, is not what was signed")]
    ArchiveChanged {
        /// Its number.
        number: i64,
        /// Its first entry.
        from: i64,
        /// Its last entry.
        to: i64,
        /// Name of the file.
        file: String,
    },
    /// An entry does not fit into the chain.
    #[error(transparent)]
    #[serde(untagged)]
    Chain(#[from] ChainFault),
}

impl Fault {
    /// Number of the first entry that may be bad, where it is about entries.
    pub fn first_bad(&self) -> Option<i64> {
        match self {
            Self::Rewritten { from, .. } => Some(*from),
            Self::RolledBack { agreed, .. } => Some(agreed.saturating_add(1)),
            Self::HeadDisagrees { head, last } => (head > last).then(|| last.saturating_add(1)),
            Self::ArchiveMissing { from, .. } | Self::ArchiveChanged { from, .. } => Some(*from),
            Self::Chain(fault) => Some(fault.first_bad()),
            Self::Strays { .. }
            | Self::NoEntry { .. }
            | Self::NoCheckpoint { .. }
            | Self::WrongSignature { .. }
            | Self::UnknownKey { .. }
            | Self::LeftOut { .. }
            | Self::OutOfOrder { .. }
            | Self::Unfollowed { .. }
            | Self::Backward { .. }
            | Self::AnchorsDisagree { .. }
            | Self::ArchiveNotOurs { .. }
            | Self::ArchiveUnfollowed { .. } => None,
        }
    }
}

/// Something that may be so without anybody's fault, and should be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Remark {
    /// An anchor holds nothing.
    #[error("{anchor} holds no checkpoint")]
    Empty {
        /// Which one.
        anchor: String,
    },
    /// An anchor does not have the newest checkpoints.
    #[error("{anchor} ends at checkpoint {last}, others at {newest}: it is late, or was cut")]
    Late {
        /// Which one.
        anchor: String,
        /// Its last checkpoint.
        last: i64,
        /// The newest anywhere.
        newest: i64,
    },
    /// A file ends in the middle of a line.
    #[error("{name} ends in the middle of a line: its writer was interrupted")]
    Torn {
        /// Which one.
        name: String,
    },
    /// Entries were gone across without being read.
    #[error(
        "entries {from} to {to} stand in an archive that is not given: its signature alone speaks \
         for them"
    )]
    Unread {
        /// First one.
        from: i64,
        /// Last one.
        to: i64,
    },
    /// Lines came more than once, the same each time.
    #[error("{lines} lines came again, as a stream may do")]
    Repeated {
        /// How many.
        lines: u64,
    },
}

/// Something that was found, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding<T> {
    /// What it is.
    #[serde(flatten)]
    pub what: T,
    /// For people.
    pub message: String,
}

impl<T: std::fmt::Display> Finding<T> {
    fn new(what: T) -> Self {
        Self { message: what.to_string(), what }
    }
}

/// All that is found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) faults: Vec<Finding<Fault>>,
    pub(super) faults_total: u64,
    pub(super) first_bad: Option<i64>,
    pub(super) remarks: Vec<Finding<Remark>>,
}

impl Findings {
    pub(super) fn fault(&mut self, fault: impl Into<Fault>) {
        self.fault_behind(0, fault);
    }

    /// A fault that is known to lie behind an entry: up to there a checkpoint agrees.
    pub(super) fn fault_behind(&mut self, seq: i64, fault: impl Into<Fault>) {
        let fault = fault.into();
        self.faults_total += 1;
        if let Some(first) = fault.first_bad() {
            let seq = first.max(seq.saturating_add(1));
            self.first_bad = Some(self.first_bad.map_or(seq, |first| first.min(seq)));
        }
        if self.faults.len() < TOLD_MAX {
            self.faults.push(Finding::new(fault));
        }
    }

    pub(super) fn remark(&mut self, remark: Remark) {
        self.remarks.push(Finding::new(remark));
    }
}
