//! Reads the checkpoints of all anchors side by side, number by number, and finds what is wrong
//! with the anchors themselves.

use std::collections::VecDeque;

use tidegate_model::audit::{Checkpoint, FIRST_HASH};
use tidegate_store::Store;

use super::{
    anchor::Anchor,
    findings::{Fault, Findings, Remark},
    proof::{NotProven, Proofs, Proven},
    reader::{Reader, Standing},
    report::AnchorSummary,
    verify::VerifyError,
};
use crate::keys::KeyError;

/// What the copies in the database are called.
pub(super) const COPIES: &str = "the database";

/// What a checkpoint says, and who holds it.
pub(super) struct Mark {
    pub(super) says: Checkpoint,
    /// Whether an anchor outside the database holds it.
    pub(super) is_outside: bool,
}

/// Anchors side by side.
pub(super) struct Lanes {
    /// The anchors, and last the copies: what is in an anchor was in the database before.
    lanes: Vec<Lane>,
}

impl Lanes {
    pub(super) fn new(anchors: &[Anchor], copies: Option<Store>) -> Self {
        let outside = anchors.iter().map(|anchor| Lane::new(anchor.name(), anchor.reader(), true));
        let inside = copies.map(|store| Lane::new(COPIES, Reader::of_copies(store), false));
        Self { lanes: outside.chain(inside).collect() }
    }

    /// What the checkpoints of the next number say: one thing, unless they disagree. Nothing at
    /// the end.
    pub(super) async fn next(
        &mut self,
        proofs: &mut Proofs<'_>,
        findings: &mut Findings,
    ) -> Result<Vec<Mark>, VerifyError> {
        for lane in &mut self.lanes {
            lane.look(proofs, findings).await?;
        }
        let numbers = self.lanes.iter().filter_map(Lane::next_number);
        let Some(number) = numbers.min() else { return Ok(Vec::new()) };
        let mut marks: Vec<Mark> = Vec::new();
        let mut holders = Vec::new();
        for lane in &mut self.lanes {
            if lane.next_number() != Some(number) {
                continue;
            }
            holders.push(lane.summary.name.clone());
            let Some(says) = lane.take(findings) else { continue };
            match marks.iter_mut().find(|mark| mark.says == says) {
                Some(mark) => mark.is_outside |= lane.is_outside,
                None => marks.push(Mark { says, is_outside: lane.is_outside }),
            }
        }
        if marks.len() > 1 {
            findings.fault(Fault::AnchorsDisagree { anchors: holders, number });
        }
        Ok(marks)
    }

    /// What there was, anchor by anchor.
    pub(super) fn finish(self, findings: &mut Findings) -> Vec<AnchorSummary> {
        let newest = self.lanes.iter().map(|lane| lane.expected - 1).max().unwrap_or(0);
        for lane in &self.lanes {
            let (name, last) = (lane.summary.name.clone(), lane.expected - 1);
            if lane.reader.is_torn() {
                findings.remark(Remark::Torn { name: name.clone() });
            }
            if last == newest && last > 0 {
                continue;
            }
            // A checkpoint is in the database before it is anywhere else.
            match (lane.is_outside, last) {
                (false, _) if newest > last => {
                    findings.fault(Fault::LeftOut { anchor: name, from: last + 1, to: newest });
                }
                (false, _) => {}
                (true, 0) => findings.remark(Remark::Empty { anchor: name }),
                (true, last) => findings.remark(Remark::Late { anchor: name, last, newest }),
            }
        }
        self.lanes.into_iter().map(|lane| lane.summary).collect()
    }
}

/// One anchor.
struct Lane {
    reader: Reader,
    is_outside: bool,
    waiting: VecDeque<Standing>,
    /// The next checkpoint that is to be believed.
    next: Option<Proven>,
    /// Number that should come.
    expected: i64,
    /// The checkpoint that came last.
    last: Option<Proven>,
    summary: AnchorSummary,
}

impl Lane {
    fn new(name: &str, reader: Reader, is_outside: bool) -> Self {
        Self {
            reader,
            is_outside,
            waiting: VecDeque::new(),
            next: None,
            expected: 1,
            last: None,
            summary: AnchorSummary::new(name, is_outside),
        }
    }

    fn next_number(&self) -> Option<i64> {
        self.next.as_ref().map(|next| next.says.number)
    }

    /// Looks for the next checkpoint that is to be believed.
    async fn look(
        &mut self,
        proofs: &mut Proofs<'_>,
        findings: &mut Findings,
    ) -> Result<(), VerifyError> {
        while self.next.is_none() {
            if self.waiting.is_empty() {
                self.waiting = self.reader.page().await?.into();
            }
            let Some(standing) = self.waiting.pop_front() else { return Ok(()) };
            match self.believe(standing, proofs) {
                Ok(proven) => self.next = Some(proven),
                Err(fault) => findings.fault(fault),
            }
        }
        Ok(())
    }

    fn believe(&self, standing: Standing, proofs: &mut Proofs<'_>) -> Result<Proven, Fault> {
        let (anchor, place) = (self.summary.name.clone(), standing.place);
        let no_checkpoint = Fault::NoCheckpoint { anchor: anchor.clone(), place };
        let signed = standing.signed.ok_or_else(|| no_checkpoint.clone())?;
        let key = signed.key.clone();
        let proven = match proofs.check(signed) {
            Ok(proven) => proven,
            Err(NotProven::Unreadable) => return Err(no_checkpoint),
            Err(NotProven::Key(KeyError::UnknownKey { .. })) => {
                return Err(Fault::UnknownKey { anchor, place, key });
            }
            Err(NotProven::Key(_)) => return Err(Fault::WrongSignature { anchor, place, key }),
        };
        let number = proven.says.number;
        if number < self.expected {
            return Err(Fault::OutOfOrder { anchor, number, behind: self.expected - 1 });
        }
        Ok(proven)
    }

    /// Takes the next checkpoint, and looks whether it follows the one before.
    fn take(&mut self, findings: &mut Findings) -> Option<Checkpoint> {
        let next = self.next.take()?;
        let (anchor, says) = (self.summary.name.clone(), next.says.clone());
        let number = says.number;
        if number > self.expected {
            let (from, to) = (self.expected, number - 1);
            findings.fault(Fault::LeftOut { anchor: anchor.clone(), from, to });
        } else {
            let hash = self.last.as_ref().map(|last| last.signed.hash());
            if says.prev != hash.as_deref().unwrap_or(FIRST_HASH) {
                findings.fault(Fault::Unfollowed { anchor: anchor.clone(), number });
            }
        }
        if self.last.as_ref().is_some_and(|last| says.seq < last.says.seq) {
            findings.fault(Fault::Backward { anchor, number });
        }
        self.summary.add(&says, self.last.as_ref().map(|last| &last.says));
        self.expected = number.saturating_add(1);
        self.last = Some(next);
        Some(says)
    }
}
