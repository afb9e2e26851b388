//! The walk along the chain of entries, which finds the first one that does not fit.

use serde::Serialize;

use super::{Entry, EntryColumns, FIRST_HASH, StoredEntry, hash_of};

/// Walks along a chain and finds entries that do not fit.
#[derive(Clone, Debug)]
pub struct ChainWalk {
    seq: i64,
    head: String,
}

/// An entry that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ChainFault {
    /// The next number is not the one that should follow.
    #[error("entry {expected} is missing: entry {found} follows")]
    Missing {
        /// Number that should be there.
        expected: i64,
        /// Number that is there.
        found: i64,
    },
    /// A number that was there before comes again, with something else.
    #[error("entry {seq} comes a second time, and says something else")]
    Repeated {
        /// Its number.
        seq: i64,
    },
    /// It does not name the entry before it.
    #[error("entry {seq} does not follow the entry before it: one of the two was changed")]
    Unlinked {
        /// Its number.
        seq: i64,
    },
    /// Its text is not what was hashed.
    #[error("entry {seq} was changed: its text does not have its hash")]
    Changed {
        /// Its number.
        seq: i64,
    },
    /// Its text is no entry.
    #[error("entry {seq} cannot be read: its text is not an entry of a version known here")]
    Unreadable {
        /// Its number.
        seq: i64,
    },
    /// Its columns say something else than its text.
    #[error("entry {seq} was changed: its column `{column}` does not say what its text says")]
    Disagrees {
        /// Its number.
        seq: i64,
        /// The first column that does not.
        column: &'static str,
    },
}

impl ChainFault {
    /// Number of the first entry that may be bad.
    pub fn first_bad(&self) -> i64 {
        match self {
            // It is this one or the one before.
            Self::Unlinked { seq } => seq.saturating_sub(1).max(1),
            Self::Missing { expected: seq, .. }
            | Self::Repeated { seq }
            | Self::Changed { seq }
            | Self::Unreadable { seq }
            | Self::Disagrees { seq, .. } => *seq,
        }
    }
}

impl Default for ChainWalk {
    fn default() -> Self {
        Self::from_start()
    }
}

impl ChainWalk {
    /// From the first entry on.
    pub fn from_start() -> Self {
        Self::after(0, FIRST_HASH)
    }

    /// From behind an entry that is known.
    pub fn after(seq: i64, head: impl Into<String>) -> Self {
        Self { seq, head: head.into() }
    }

    /// Number of the last entry that was taken.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    /// Hash of the last entry that was taken.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Takes the next entry, with its columns where it comes from a table.
    ///
    /// # Errors
    ///
    /// If it does not fit. The walk then stands where it stood.
    pub fn step(
        &mut self,
        stored: &StoredEntry,
        columns: Option<&EntryColumns>,
    ) -> Result<Entry, ChainFault> {
        let (seq, expected) = (stored.seq, self.seq.saturating_add(1));
        if seq > expected {
            return Err(ChainFault::Missing { expected, found: seq });
        }
        if seq < expected {
            return Err(ChainFault::Repeated { seq });
        }
        if hash_of(&stored.text) != stored.hash {
            return Err(ChainFault::Changed { seq });
        }
        let entry: Entry =
            serde_json::from_str(&stored.text).map_err(|_| ChainFault::Unreadable { seq })?;
        if entry.prev != self.head {
            return Err(ChainFault::Unlinked { seq });
        }
        let links = [("seq", entry.seq == seq), ("prev", entry.prev == stored.prev)];
        let link = links.into_iter().find(|(_, agrees)| !agrees).map(|(column, _)| column);
        let column = link.or_else(|| columns?.disagreement(&entry));
        if let Some(column) = column {
            return Err(ChainFault::Disagrees { seq, column });
        }
        self.skip(stored);
        Ok(entry)
    }

    /// Goes on behind an entry that did not fit, to see what else there is. One that came again is
    /// not gone behind.
    pub fn skip(&mut self, stored: &StoredEntry) {
        if stored.seq > self.seq {
            self.seq = stored.seq;
            self.head.clone_from(&stored.hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::{Outcome, time_text};

    fn chain(entries: i64) -> Vec<StoredEntry> {
        let mut walk = ChainWalk::from_start();
        (1..=entries)
            .map(|seq| {
                let stored = stored(seq, walk.head(), "done");
                walk.step(&stored, None).unwrap();
                stored
            })
            .collect()
    }

    fn stored(seq: i64, prev: &str, word: &str) -> StoredEntry {
        let entry = Entry {
            v: 1,
            seq,
            prev: prev.to_owned(),
            at: time_text(seq),
            commit: format!("c{seq}"),
            actor: "setup".to_owned(),
            operator: None,
            name: "a".to_owned(),
            role: None,
            token: None,
            via: "cli".to_owned(),
            address: None,
            action: "control.saved".to_owned(),
            outcome: Outcome::Done,
            subject: None,
            job: None,
            tags: Vec::new(),
            policy: 1,
            details: json!({ "word": word }),
        };
        let text = entry.text();
        StoredEntry { seq, prev: prev.to_owned(), hash: hash_of(&text), text }
    }

    /// Faults of a chain, each entry that does not fit skipped.
    fn faults(chain: &[StoredEntry]) -> Vec<ChainFault> {
        let mut walk = ChainWalk::from_start();
        let mut faults = Vec::new();
        for stored in chain {
            if let Err(fault) = walk.step(stored, None) {
                walk.skip(stored);
                faults.push(fault);
            }
        }
        faults
    }

    #[test]
    fn each_kind_of_change_is_told_once_where_it_is() {
        assert!(faults(&chain(9)).is_empty());
        let edited = |edit: &dyn Fn(&mut Vec<StoredEntry>)| {
            let mut chain = chain(9);
            edit(&mut chain);
            faults(&chain)
        };
        let missing = edited(&|chain| _ = chain.remove(3));
        assert_eq!(missing, [ChainFault::Missing { expected: 4, found: 5 }]);
        let changed = edited(&|chain| chain[3].text = chain[3].text.replace("done", "gone"));
        assert_eq!(changed, [ChainFault::Changed { seq: 4 }]);
        let hashed = edited(&|chain| chain[3] = stored(4, &chain[2].hash, "gone"));
        assert_eq!(hashed, [ChainFault::Unlinked { seq: 5 }]);
        assert_eq!(hashed[0].first_bad(), 4);
        let twice = edited(&|chain| chain.insert(4, stored(4, &chain[2].hash, "gone")));
        assert_eq!(twice, [ChainFault::Repeated { seq: 4 }]);
        let prev = edited(&|chain| chain[3].prev = FIRST_HASH.to_owned());
        assert_eq!(prev, [ChainFault::Disagrees { seq: 4, column: "prev" }]);
        let renumbered = edited(&|chain| {
            let moved = stored(5, &chain[2].hash, "done");
            chain[3] = StoredEntry { seq: 4, ..moved };
        });
        assert_eq!(renumbered[0], ChainFault::Disagrees { seq: 4, column: "seq" });
        let unreadable = edited(&|chain| {
            "{}".clone_into(&mut chain[3].text);
            chain[3].hash = hash_of("{}");
        });
        assert_eq!(unreadable[0], ChainFault::Unreadable { seq: 4 });
    }
}
