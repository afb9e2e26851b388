//! What was cut off the log's beginning and stands in archives: read where they are given, and
//! otherwise gone across by their signed statements.

use std::collections::VecDeque;

use tidegate_model::audit::{Archive, SignedArchive};
use tidegate_store::Store;

use super::{
    archive::{ArchiveFile, ArchivePlace, proven},
    findings::{Fault, Findings, Remark},
    ledger::Row,
    verify::VerifyError,
};
use crate::keys::PublicKeys;

/// Archives of a page.
const PAGE: u32 = 1_000;

/// Archives, from the first entry on, that are still to be gone across.
pub(super) struct Cuts<'a> {
    keys: &'a PublicKeys,
    place: Option<ArchivePlace>,
    waiting: VecDeque<(Archive, SignedArchive)>,
    unread: Vec<(i64, i64)>,
}

/// What comes next on the way along the entries.
pub(super) enum Item {
    /// An entry.
    Row(Box<Row>),
    /// The end of an archive that was read: its statement says where that is.
    End(Archive),
    /// An archive that is not read.
    Jump(Archive),
}

impl<'a> Cuts<'a> {
    /// The archives that a database knows. A statement that is not ours, or does not follow, is one
    /// that cuts nothing off, and so are all behind it.
    pub(super) async fn of(
        store: Option<&Store>,
        place: Option<ArchivePlace>,
        keys: &'a PublicKeys,
        findings: &mut Findings,
    ) -> Result<Self, VerifyError> {
        let mut waiting: VecDeque<(Archive, SignedArchive)> = VecDeque::new();
        let mut behind = i64::MIN;
        while let Some(store) = store {
            let page = store.archives(behind, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            behind = *last;
            for (number, signed) in page {
                let before = waiting.back().map(|(says, _)| says);
                let fits = |says: &Archive| says.number == number && says.follows(before);
                match proven(&signed, keys) {
                    Some(says) if fits(&says) => waiting.push_back((says, signed)),
                    Some(_) => findings.fault(Fault::ArchiveUnfollowed { number }),
                    None => findings.fault(Fault::ArchiveNotOurs { number, key: signed.key }),
                }
            }
        }
        Ok(Self { keys, place, waiting, unread: Vec::new() })
    }

    /// The entries of the next archive, or that there is one; nothing at the end.
    pub(super) async fn next(&mut self, findings: &mut Findings) -> Result<Vec<Item>, VerifyError> {
        let Some((says, signed)) = self.waiting.pop_front() else { return Ok(Vec::new()) };
        let Archive { number, from, to, .. } = says;
        let file = says.file_name();
        let found = match &self.place {
            None => {
                findings.remark(Remark::Unread { from, to });
                None
            }
            Some(place) => match place.get(&file).await? {
                None => {
                    findings.fault(Fault::ArchiveMissing { number, from, to, file });
                    None
                }
                Some(content) => {
                    let read = ArchiveFile::read(&content, self.keys);
                    let is_its = |read: &ArchiveFile| read.signed == signed;
                    let read = read.filter(is_its);
                    if read.is_none() {
                        findings.fault(Fault::ArchiveChanged { number, from, to, file });
                    }
                    read
                }
            },
        };
        let Some(found) = found else {
            self.unread.push((from, to));
            return Ok(vec![Item::Jump(says)]);
        };
        let row = |stored| Item::Row(Box::new(Row { stored, columns: None }));
        let rows = found.entries.into_iter().map(row);
        Ok(rows.chain([Item::End(says)]).collect())
    }

    /// Ranges of entries that were gone across unread.
    pub(super) fn unread(&self) -> &[(i64, i64)] {
        &self.unread
    }
}
