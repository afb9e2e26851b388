//! Reads the checkpoints that an anchor, or the database, holds, page by page in their order.

use std::{
    fs::File,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use tidegate_model::audit::SignedCheckpoint;
use tidegate_store::Store;

use super::{
    anchor::{AnchorError, ObjectAnchor},
    lines::Lines,
    verify::VerifyError,
};

/// Checkpoints of a page.
const PAGE: u32 = 1_000;

/// Reads checkpoints, from the first one on. Asked again at the end, it looks for new ones.
pub(super) enum Reader {
    /// Lines of a file.
    File { path: PathBuf, lines: Option<Lines<BufReader<File>>> },
    /// Objects, by number.
    Objects { anchor: ObjectAnchor, next: i64, last: i64 },
    /// The copies in the database.
    Copies { store: Store, behind: i64 },
}

/// What stands at a place of an anchor.
pub(super) struct Standing {
    /// Number of the line, or of the object or row.
    pub(super) place: i64,
    /// The checkpoint; none if it is something else.
    pub(super) signed: Option<SignedCheckpoint>,
}

impl Reader {
    pub(super) fn of_file(path: &Path) -> Self {
        Self::File { path: path.to_owned(), lines: None }
    }

    pub(super) fn of_objects(anchor: ObjectAnchor) -> Self {
        Self::Objects { anchor, next: 1, last: 0 }
    }

    pub(super) fn of_copies(store: Store) -> Self {
        Self::Copies { store, behind: i64::MIN }
    }

    /// What comes next; nothing at the end.
    pub(super) async fn page(&mut self) -> Result<Vec<Standing>, VerifyError> {
        match self {
            Self::File { path, lines } => {
                file_page(path, lines).map_err(|cause| file_error(path, cause))
            }
            Self::Objects { anchor, next, last } => Ok(object_page(anchor, next, last).await?),
            Self::Copies { store, behind } => {
                let rows = store.checkpoints(*behind, PAGE).await?;
                *behind = rows.last().map_or(*behind, |(number, _)| *number);
                let standing = rows.into_iter().map(|(place, signed)| Standing {
                    place,
                    // A row that claims another number is none that we wrote.
                    signed: signed.says().is_none_or(|says| says.number == place).then_some(signed),
                });
                Ok(standing.collect())
            }
        }
    }

    /// Whether it ends in the middle of a line.
    pub(super) fn is_torn(&self) -> bool {
        match self {
            Self::File { lines, .. } => lines.as_ref().is_some_and(Lines::is_torn),
            Self::Objects { .. } | Self::Copies { .. } => false,
        }
    }
}

fn file_page(path: &Path, lines: &mut Option<Lines<BufReader<File>>>) -> io::Result<Vec<Standing>> {
    let lines = match lines {
        Some(lines) => lines,
        None => match File::open(path) {
            Ok(file) => lines.insert(Lines::new(BufReader::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        },
    };
    let mut page = Vec::new();
    while page.len() < PAGE as usize
        && let Some(line) = lines.next()?
    {
        let signed = str::from_utf8(&line).ok().and_then(SignedCheckpoint::of_line);
        page.push(Standing { place: lines.count.cast_signed(), signed });
    }
    Ok(page)
}

async fn object_page(
    anchor: &ObjectAnchor,
    next: &mut i64,
    last: &mut i64,
) -> Result<Vec<Standing>, AnchorError> {
    loop {
        if next > last {
            let Some(extent) = anchor.extent(*next).await? else { return Ok(Vec::new()) };
            (*next, *last) = extent;
        }
        let end = next.saturating_add(i64::from(PAGE) - 1).min(*last);
        let found = anchor.page(*next..=end).await?;
        *next = end + 1;
        let there = found.into_iter().filter_map(|(place, text)| {
            Some(Standing { place, signed: SignedCheckpoint::of_line(&text?) })
        });
        let page: Vec<Standing> = there.collect();
        if !page.is_empty() {
            return Ok(page);
        }
        // A hole as long as a page: what is behind it, a new list says.
        *last = end;
    }
}

fn file_error(path: &Path, cause: io::Error) -> VerifyError {
    VerifyError::Anchor(AnchorError::File { path: path.to_owned(), cause })
}
