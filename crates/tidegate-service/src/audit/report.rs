//! What verification says: a verdict, what is proven and by what, and what was found.

use std::fmt;

use chrono::DateTime;
use serde::Serialize;
use tidegate_model::audit::Checkpoint;

use super::findings::{Fault, Finding, Remark};

/// What verification says of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// In a word.
    pub verdict: Verdict,
    /// Entries that were read.
    pub entries: u64,
    /// Number of the last one; 0 if there is none.
    pub last_seq: i64,
    /// Its hash.
    pub last_hash: String,
    /// When it was written, as it says.
    pub last_at: Option<String>,
    /// Number of the first entry that may be bad.
    pub first_bad: Option<i64>,
    /// What vouches for which entries, from the first to the last.
    pub spans: Vec<Span>,
    /// The anchors, and the copies in the database.
    pub anchors: Vec<AnchorSummary>,
    /// How many faults there are.
    pub faults_total: u64,
    /// The first of them.
    pub faults: Vec<Finding<Fault>>,
    /// What should be known beside.
    pub remarks: Vec<Finding<Remark>>,
}

/// In a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The entries are those that were written, up to the last anchored checkpoint.
    Sound,
    /// The chain fits, but no anchor outside the database vouches for any of it.
    Unproven,
    /// Somebody changed something.
    Broken,
}

/// Entries that the same thing vouches for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// First one.
    pub from: i64,
    /// Last one.
    pub to: i64,
    /// What does.
    pub proof: Proof,
}

/// What vouches for entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A signed checkpoint outside the database.
    Anchored,
    /// A signed checkpoint that only the database holds: who can write there can remove it.
    Signed,
    /// A signed archive that was not given: its statement says how the range ends, and nothing of
    /// what is in it.
    Archived,
    /// Nothing but the chain itself: who can write to the database can make it anew.
    Unanchored,
}

/// What an anchor holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnchorSummary {
    /// Its name.
    pub name: String,
    /// Whether it is outside the database.
    pub is_outside: bool,
    /// Checkpoints that are to be believed.
    pub checkpoints: u64,
    /// Number of the last one.
    pub last_number: Option<i64>,
    /// Number of the entry that it vouches for.
    pub last_seq: Option<i64>,
    /// When it was signed.
    pub last_at: Option<String>,
    /// Longest time between two of them, in seconds: the log was not watched meanwhile.
    pub longest_pause_seconds: i64,
}

impl AnchorSummary {
    pub(super) fn new(name: &str, is_outside: bool) -> Self {
        Self {
            name: name.to_owned(),
            is_outside,
            checkpoints: 0,
            last_number: None,
            last_seq: None,
            last_at: None,
            longest_pause_seconds: 0,
        }
    }

    pub(super) fn add(&mut self, says: &Checkpoint, last: Option<&Checkpoint>) {
        const MICROS: i64 = 1_000_000;
        self.checkpoints += 1;
        self.last_number = Some(says.number);
        self.last_seq = Some(says.seq);
        self.last_at = Some(says.at.clone());
        let ends = (last.and_then(Checkpoint::at_micros), says.at_micros());
        if let (Some(from), Some(to)) = ends {
            let pause = to.saturating_sub(from) / MICROS;
            self.longest_pause_seconds = self.longest_pause_seconds.max(pause);
        }
    }
}

impl Report {
    /// Whether all is as it was written, up to the last anchored checkpoint.
    pub fn is_sound(&self) -> bool {
        self.verdict == Verdict::Sound
    }

    /// Number of the last entry that an anchor outside the database vouches for.
    pub fn anchored_to(&self) -> i64 {
        let anchored = self.spans.iter().filter(|span| span.proof == Proof::Anchored);
        anchored.map(|span| span.to).max().unwrap_or(0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "activity log: {}", self.verdict)?;
        if let Some(seq) = self.first_bad {
            writeln!(f, "first bad entry: {seq}")?;
        }
        for fault in &self.faults {
            writeln!(f, "  {}", fault.message)?;
        }
        let untold = self.faults_total - self.faults.len() as u64;
        if untold > 0 {
            writeln!(f, "  and {untold} more")?;
        }
        write!(f, "entries: {}", self.entries)?;
        match &self.last_at {
            Some(at) => writeln!(f, ", the last is {} of {}", self.last_seq, second(at))?,
            None => writeln!(f)?,
        }
        for span in &self.spans {
            writeln!(f, "  {} to {}: {}", span.from, span.to, span.proof)?;
        }
        writeln!(f, "checkpoints:")?;
        for anchor in &self.anchors {
            writeln!(f, "  {anchor}")?;
        }
        for remark in &self.remarks {
            writeln!(f, "note: {}", remark.message)?;
        }
        Ok(())
    }
}

/// A moment to the second: people need no microseconds.
fn second(at: &str) -> String {
    let parsed = DateTime::parse_from_rfc3339(at);
    parsed.map_or_else(|_| at.to_owned(), |at| at.format("%Y-%m-%d %H:%M:%S UTC").to_string())
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sound => "sound",
            Self::Unproven => "unproven: the chain fits, and no anchor vouches for it",
            Self::Broken => "BROKEN",
        })
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Anchored => "anchored",
            Self::Signed => "signed, and not anchored yet",
            Self::Archived => "archived: only the signature of the archive is known here",
            Self::Unanchored => "not anchored yet: only the chain itself speaks for them",
        })
    }
}

impl fmt::Display for AnchorSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.checkpoints)?;
        if let (Some(number), Some(seq), Some(at)) =
            (self.last_number, self.last_seq, &self.last_at)
        {
            let pause = self.longest_pause_seconds;
            let at = second(at);
            write!(f, ", the last is {number} of {at} at entry {seq}; longest pause {pause} s")?;
        }
        Ok(())
    }
}
