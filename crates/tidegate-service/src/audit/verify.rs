//! Holds the chain of entries against the checkpoints of all anchors.

use std::{collections::VecDeque, io};

use tidegate_model::audit::{ChainWalk, Checkpoint};
use tidegate_store::{Store, StoreError};

use super::{
    anchor::{Anchor, AnchorError},
    findings::{Fault, Findings},
    lanes::{Lanes, Mark},
    ledger::{Ledger, Row},
    proof::Proofs,
    report::{Proof, Report, Span, Verdict},
};
use crate::keys::PublicKeys;

/// Verification could not be carried out. This says nothing of the log.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An anchor fails.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// A file cannot be read.
    #[error("cannot read `{name}`")]
    Read {
        /// Which one.
        name: String,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
}

/// Verifies a log. It needs no secret, and holds no more than a page of entries and a page of each
/// anchor. The log may be in use meanwhile.
///
/// # Errors
///
/// If something cannot be read. A log that is not sound is no error but a report.
pub async fn verify(
    ledger: Ledger,
    anchors: &[Anchor],
    keys: &PublicKeys,
) -> Result<Report, VerifyError> {
    let mut lanes = Lanes::new(anchors, ledger.store().cloned());
    let mut proofs = Proofs::new(keys);
    let mut verification = Verification::new(ledger);
    loop {
        let marks = lanes.next(&mut proofs, &mut verification.findings).await?;
        if marks.is_empty() {
            break;
        }
        for mark in marks {
            verification.compare(mark).await?;
        }
    }
    verification.finish(lanes).await
}

/// The walk along the entries, from checkpoint to checkpoint.
struct Verification {
    ledger: Ledger,
    waiting: VecDeque<Row>,
    walk: ChainWalk,
    rows: u64,
    last_at: Option<String>,
    /// The last entry that a checkpoint agrees on, in an anchor and anywhere.
    anchored: i64,
    signed: i64,
    rewritten: Option<Contradicted>,
    rolled_back: Option<Contradicted>,
    findings: Findings,
}

/// Entries that do not agree with checkpoints: from the first one to the last checkpoint that says
/// so.
struct Contradicted {
    from: i64,
    to: i64,
    first: i64,
    last: i64,
    at: String,
}

impl Contradicted {
    /// Takes in what one more checkpoint says.
    fn widen(known: &mut Option<Self>, from: i64, says: Checkpoint) {
        let Checkpoint { number, seq, at, .. } = says;
        match known {
            Some(known) => {
                if seq >= known.to {
                    (known.to, known.last, known.at) = (seq, number, at);
                }
            }
            None => *known = Some(Self { from, to: seq, first: number, last: number, at }),
        }
    }
}

impl Verification {
    fn new(ledger: Ledger) -> Self {
        Self {
            ledger,
            waiting: VecDeque::new(),
            walk: ChainWalk::from_start(),
            rows: 0,
            last_at: None,
            anchored: 0,
            signed: 0,
            rewritten: None,
            rolled_back: None,
            findings: Findings::default(),
        }
    }

    /// Walks up to an entry, or as far as there are any.
    async fn walk_to(&mut self, seq: i64) -> Result<(), VerifyError> {
        while self.walk.seq() < seq {
            if self.waiting.is_empty() {
                self.waiting = self.ledger.page(&mut self.findings).await?.into();
            }
            let Some(row) = self.waiting.pop_front() else { return Ok(()) };
            self.rows += 1;
            match self.walk.step(&row.stored, row.columns.as_ref()) {
                Ok(entry) => self.last_at = Some(entry.at),
                Err(fault) => {
                    self.findings.fault_behind(self.signed, fault);
                    self.walk.skip(&row.stored);
                }
            }
        }
        Ok(())
    }

    /// Holds a checkpoint against the entries.
    async fn compare(&mut self, mark: Mark) -> Result<(), VerifyError> {
        let seq = mark.says.seq;
        self.walk_to(seq).await?;
        if self.walk.seq() < seq {
            let from = self.walk.seq().saturating_add(1);
            Contradicted::widen(&mut self.rolled_back, from, mark.says);
        } else if self.walk.seq() == seq && self.walk.head() == mark.says.head {
            self.tell_rewritten();
            self.signed = seq;
            if mark.is_outside {
                self.anchored = seq;
            }
        } else if self.walk.seq() == seq {
            let from = self.signed.saturating_add(1).min(seq);
            Contradicted::widen(&mut self.rewritten, from, mark.says);
        }
        // An entry that is missing was told already, and so was a checkpoint that goes backward.
        Ok(())
    }

    fn tell_rewritten(&mut self) {
        if let Some(Contradicted { from, to, first, .. }) = self.rewritten.take() {
            self.findings.fault(Fault::Rewritten { from, to, number: first });
        }
    }

    async fn finish(mut self, lanes: Lanes) -> Result<Report, VerifyError> {
        self.walk_to(i64::MAX).await?;
        self.tell_rewritten();
        if let Some(Contradicted { from, to, last, at, .. }) = self.rolled_back.take() {
            let agreed = self.signed;
            self.findings.fault(Fault::RolledBack { from, to, number: last, at, agreed });
        }
        self.check_head().await?;
        self.ledger.finish(&mut self.findings);
        let anchors = lanes.finish(&mut self.findings);
        let spans = self.spans();
        let Findings { faults, faults_total, first_bad, remarks } = self.findings;
        let verdict = match (faults_total, self.anchored) {
            (1.., _) => Verdict::Broken,
            (0, 0) if !anchors.iter().any(|anchor| anchor.is_outside && anchor.checkpoints > 0) => {
                Verdict::Unproven
            }
            (0, _) => Verdict::Sound,
        };
        Ok(Report {
            verdict,
            entries: self.rows,
            last_seq: self.walk.seq(),
            last_hash: self.walk.head().to_owned(),
            last_at: self.last_at,
            first_bad,
            spans,
            anchors,
            faults_total,
            faults,
            remarks,
        })
    }

    /// The row that says where the chain ends, and rows that are no part of it.
    async fn check_head(&mut self) -> Result<(), VerifyError> {
        let Some(store) = self.ledger.store().cloned() else { return Ok(()) };
        let mut head = head_of(&store).await?;
        // Entries may have been written since the last page.
        loop {
            let before = self.walk.seq();
            self.walk_to(head.0).await?;
            if self.walk.seq() == before {
                break;
            }
            head = head_of(&store).await?;
        }
        let (seq, hash) = (self.walk.seq(), self.walk.head());
        if head != (seq, hash.to_owned()) {
            self.findings.fault(Fault::HeadDisagrees { head: head.0, last: seq });
        }
        let rows = store.count_entries(seq).await?;
        let strays = rows.saturating_sub(self.rows.cast_signed());
        if strays != 0 {
            self.findings.fault(Fault::Strays { rows: strays });
        }
        Ok(())
    }

    /// What vouches for what.
    fn spans(&self) -> Vec<Span> {
        let last = self.walk.seq();
        let ends = [
            (self.anchored, Proof::Anchored),
            (self.signed, Proof::Signed),
            (last, Proof::Unanchored),
        ];
        let mut spans = Vec::new();
        let mut from = 1;
        for (to, proof) in ends {
            if to >= from {
                spans.push(Span { from, to, proof });
                from = to.saturating_add(1);
            }
        }
        spans
    }
}

/// The end of the chain as its row says it. A row that somebody removed says nothing.
async fn head_of(store: &Store) -> Result<(i64, String), StoreError> {
    match store.head().await {
        Err(StoreError::Corrupt { .. }) => Ok((i64::MIN, String::new())),
        head => head,
    }
}
