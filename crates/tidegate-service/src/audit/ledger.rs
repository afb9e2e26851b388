//! Where entries are read for verification: the control database, or a streamed log.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

use tidegate_model::audit::{EntryColumns, StoredEntry, hash_of};
use tidegate_store::Store;

use super::{
    archive::ArchivePlace,
    findings::{Fault, Findings, Remark},
    lines::Lines,
    verify::VerifyError,
};

/// Entries of a page. It is also how many lines of a stream may come again: the page that was being
/// written when the writer died.
const PAGE: usize = 1_000;

/// Entries to be verified.
pub struct Ledger {
    source: Source,
    archives: Option<ArchivePlace>,
}

enum Source {
    Database { store: Store, behind: i64 },
    Export(Export),
}

/// A streamed log: a line an entry.
struct Export {
    name: String,
    lines: Lines<Box<dyn BufRead + Send>>,
    /// Numbers and hashes of the lines before.
    recent: VecDeque<(i64, String)>,
    repeated: u64,
}

/// An entry, with its columns where it comes from a table.
pub(super) struct Row {
    pub(super) stored: StoredEntry,
    pub(super) columns: Option<EntryColumns>,
}

impl Ledger {
    /// The log in a control database.
    pub fn of_database(store: Store) -> Self {
        Self { source: Source::Database { store, behind: i64::MIN }, archives: None }
    }

    /// With the archives of what was cut off: they are then read, and must be there.
    #[must_use]
    pub fn with_archives(self, place: ArchivePlace) -> Self {
        Self { archives: Some(place), ..self }
    }

    /// Where its archives are, if that is given.
    pub(super) fn archives(&self) -> Option<&ArchivePlace> {
        self.archives.as_ref()
    }

    /// A streamed log.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn of_file(path: &Path) -> Result<Self, VerifyError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Ok(Self::of_lines(name, Box::new(BufReader::new(file)))),
            Err(cause) => Err(VerifyError::Read { name, cause }),
        }
    }

    /// The lines of a streamed log.
    pub fn of_lines(name: impl Into<String>, lines: Box<dyn BufRead + Send>) -> Self {
        let lines = Lines::new(lines);
        let recent = VecDeque::with_capacity(PAGE);
        let export = Export { name: name.into(), lines, recent, repeated: 0 };
        Self { source: Source::Export(export), archives: None }
    }

    /// The database, if it is one: it holds copies of checkpoints, too.
    pub(super) fn store(&self) -> Option<&Store> {
        match &self.source {
            Source::Database { store, .. } => Some(store),
            Source::Export(_) => None,
        }
    }

    /// The entries that come next; none at the end.
    pub(super) async fn page(&mut self, findings: &mut Findings) -> Result<Vec<Row>, VerifyError> {
        match &mut self.source {
            Source::Database { store, behind } => {
                let rows = store.entries(*behind, PAGE as u32).await?;
                *behind = rows.last().map_or(*behind, |(stored, _)| stored.seq);
                let row = |(stored, columns)| Row { stored, columns: Some(columns) };
                Ok(rows.into_iter().map(row).collect())
            }
            Source::Export(export) => export
                .page(findings)
                .map_err(|cause| VerifyError::Read { name: export.name.clone(), cause }),
        }
    }

    /// What is to be said at the end.
    pub(super) fn finish(&self, findings: &mut Findings) {
        let Source::Export(export) = &self.source else { return };
        if export.lines.is_torn() {
            findings.remark(Remark::Torn { name: export.name.clone() });
        }
        if export.repeated > 0 {
            findings.remark(Remark::Repeated { lines: export.repeated });
        }
    }
}

impl Export {
    fn page(&mut self, findings: &mut Findings) -> std::io::Result<Vec<Row>> {
        let mut page = Vec::new();
        while page.len() < PAGE
            && let Some(line) = self.lines.next()?
        {
            let line = str::from_utf8(&line).ok().and_then(StoredEntry::of_line);
            let Some(stored) = line else {
                findings.fault(Fault::NoEntry { line: self.lines.count });
                continue;
            };
            let known = (stored.seq, stored.hash.clone());
            if self.recent.contains(&known) && hash_of(&stored.text) == stored.hash {
                self.repeated += 1;
                continue;
            }
            self.recent.truncate(PAGE - 1);
            self.recent.push_front(known);
            page.push(Row { stored, columns: None });
        }
        Ok(page)
    }
}
