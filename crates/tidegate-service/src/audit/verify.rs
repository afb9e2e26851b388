//! Holds the chain of entries against the checkpoints of all anchors.

use std::{collections::VecDeque, io};

use tidegate_model::audit::{Archive, ChainWalk, Checkpoint};
use tidegate_store::{Store, StoreError};

use super::{
    anchor::{Anchor, AnchorError},
    archive::ArchivePlaceError,
    cuts::{Cuts, Item},
    findings::{Fault, Findings},
    lanes::{Lanes, Mark},
    ledger::Ledger,
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
    /// An archive fails.
    #[error(transparent)]
    Archive(#[from] ArchivePlaceError),
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
    let Some(store) = ledger.store().cloned() else {
        return walk(ledger, anchors, keys).await;
    };
    let archives = ledger.archives().cloned();
    let mut next = ledger;
    loop {
        let before = store.last_archive().await?;
        let report = walk(next, anchors, keys).await?;
        // What was archived meanwhile would look as if it were gone.
        if report.faults_total == 0 || store.last_archive().await? == before {
            return Ok(report);
        }
        next = Ledger::of_database(store.clone());
        if let Some(archives) = &archives {
            next = next.with_archives(archives.clone());
        }
    }
}

async fn walk(
    ledger: Ledger,
    anchors: &[Anchor],
    keys: &PublicKeys,
) -> Result<Report, VerifyError> {
    let mut lanes = Lanes::new(anchors, ledger.store().cloned());
    let mut proofs = Proofs::new(keys);
    let mut verification = Verification::new(ledger, keys).await?;
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
struct Verification<'a> {
    cuts: Cuts<'a>,
    ledger: Ledger,
    waiting: VecDeque<Item>,
    walk: ChainWalk,
    /// Entries that were read, and those of them that stand in archives.
    rows: u64,
    archived_rows: u64,
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

impl<'a> Verification<'a> {
    async fn new(ledger: Ledger, keys: &'a PublicKeys) -> Result<Self, VerifyError> {
        let mut findings = Findings::default();
        let archives = ledger.archives().cloned();
        let cuts = Cuts::of(ledger.store(), archives, keys, &mut findings).await?;
        Ok(Self {
            cuts,
            ledger,
            waiting: VecDeque::new(),
            walk: ChainWalk::from_start(),
            rows: 0,
            archived_rows: 0,
            last_at: None,
            anchored: 0,
            signed: 0,
            rewritten: None,
            rolled_back: None,
            findings,
        })
    }

    /// Walks up to an entry, or as far as there are any.
    async fn walk_to(&mut self, seq: i64) -> Result<(), VerifyError> {
        while self.walk.seq() < seq {
            if self.waiting.is_empty() {
                self.waiting = self.next().await?.into();
            }
            match self.waiting.pop_front() {
                None => return Ok(()),
                Some(Item::Row(row)) => {
                    self.rows += 1;
                    self.archived_rows += u64::from(row.columns.is_none());
                    match self.walk.step(&row.stored, row.columns.as_ref()) {
                        Ok(entry) => self.last_at = Some(entry.at),
                        Err(fault) => {
                            self.findings.fault_behind(self.signed, fault);
                            self.walk.skip(&row.stored);
                        }
                    }
                }
                Some(Item::End(says)) => {
                    let Archive { number, from, to, .. } = says;
                    if (self.walk.seq(), self.walk.head()) != (to, &says.head) {
                        let file = says.file_name();
                        self.findings.fault(Fault::ArchiveChanged { number, from, to, file });
                    }
                    self.walk = ChainWalk::after(to, says.head);
                }
                Some(Item::Jump(says)) => self.walk = ChainWalk::after(says.to, says.head),
            }
        }
        Ok(())
    }

    /// What comes next: archives, then the entries that are still in the log.
    async fn next(&mut self) -> Result<Vec<Item>, VerifyError> {
        let archived = self.cuts.next(&mut self.findings).await?;
        if !archived.is_empty() {
            return Ok(archived);
        }
        let rows = self.ledger.page(&mut self.findings).await?;
        Ok(rows.into_iter().map(|row| Item::Row(Box::new(row))).collect())
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
        let walked = self.rows - self.archived_rows;
        let strays = rows.saturating_sub(walked.cast_signed());
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
            while from <= to {
                let mut unread = self.cuts.unread().iter();
                let span = match unread.find(|(first, last)| *last >= from && *first <= to) {
                    Some((first, last)) if *first <= from => {
                        Span { from, to: *last, proof: Proof::Archived }
                    }
                    Some((first, _)) => Span { from, to: first - 1, proof },
                    None => Span { from, to, proof },
                };
                from = span.to.saturating_add(1);
                spans.push(span);
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
