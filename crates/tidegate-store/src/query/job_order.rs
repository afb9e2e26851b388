//! Orders of lists of jobs, and places in them.

use std::{fmt, str::FromStr};

use sea_orm::QueryResult;
use serde::Serialize;
use tidegate_model::ids::JobId;

use crate::{connection::StoreKind, error::StoreError, sql::get};

/// What a list is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JobOrder {
    /// When they were made.
    #[default]
    Created,
    /// Bytes of the file; jobs without one come last.
    Size,
    /// Word of the state.
    Status,
    /// Slug of the subject.
    Subject,
}

impl JobOrder {
    /// Every order.
    pub const ALL: [Self; 4] = [Self::Created, Self::Size, Self::Status, Self::Subject];

    /// Word in requests.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Size => "size",
            Self::Status => "status",
            Self::Subject => "subject",
        }
    }
}

/// Order of a list. Jobs that are equal in it are sorted by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobSort {
    /// By what.
    pub by: JobOrder,
    /// Whether the largest comes first.
    pub is_descending: bool,
}

impl Default for JobSort {
    /// The newest first.
    fn default() -> Self {
        Self { by: JobOrder::Created, is_descending: true }
    }
}

impl fmt::Display for JobSort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_descending { "-" } else { "" };
        write!(f, "{sign}{}", self.by.slug())
    }
}

/// It is no order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sort by `created`, `size`, `status` or `subject`; a leading `-` puts the largest first")]
pub struct SortFault;

impl FromStr for JobSort {
    type Err = SortFault;

    /// Reads `size`, or `-size` for the largest first.
    fn from_str(text: &str) -> Result<Self, SortFault> {
        let (is_descending, word) = match text.strip_prefix('-') {
            Some(word) => (true, word),
            None => (false, text),
        };
        let by = JobOrder::ALL.into_iter().find(|order| order.slug() == word).ok_or(SortFault)?;
        Ok(Self { by, is_descending })
    }
}

/// Where a page of a list ends: what the list was sorted by, and the place in it of the job there.
/// It stays where it is when that job changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobCursor {
    /// Whether the page is the one in front of that place, not the one behind it.
    pub(super) is_before: bool,
    pub(super) sort: JobSort,
    pub(super) place: Place,
    pub(super) id: JobId,
}

/// A job's value in the order of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Number(i64),
    Word(String),
}

impl JobCursor {
    /// What the list was sorted by.
    pub fn sort(&self) -> JobSort {
        self.sort
    }
}

impl fmt::Display for JobCursor {
    /// `order.direction.place.number`, after a `~` for the page before.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.is_before { "~" } else { "" };
        let direction = if self.sort.is_descending { "desc" } else { "asc" };
        write!(f, "{side}{}.{direction}.", self.sort.by.slug())?;
        match &self.place {
            Place::Number(number) => write!(f, "{number}")?,
            Place::Word(word) => f.write_str(word)?,
        }
        write!(f, ".{}", self.id)
    }
}

impl Serialize for JobCursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// It is no cursor that a list has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this cursor is none that a list has given; begin at the first page")]
pub struct CursorFault;

impl FromStr for JobCursor {
    type Err = CursorFault;

    fn from_str(text: &str) -> Result<Self, CursorFault> {
        let (is_before, text) = match text.strip_prefix('~') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let parts: Vec<&str> = text.split('.').collect();
        let [order, direction, place, id] = parts[..] else { return Err(CursorFault) };
        let by = JobOrder::ALL.into_iter().find(|by| by.slug() == order).ok_or(CursorFault)?;
        let is_descending = match direction {
            "desc" => true,
            "asc" => false,
            _ => return Err(CursorFault),
        };
        let number = |text: &str| text.parse::<i64>().map_err(|_| CursorFault);
        let place = match by {
            JobOrder::Created | JobOrder::Size => Place::Number(number(place)?),
            JobOrder::Status | JobOrder::Subject => Place::Word(place.to_owned()),
        };
        Ok(Self { is_before, sort: JobSort { by, is_descending }, place, id: JobId(number(id)?) })
    }
}

impl JobSort {
    /// What is compared. A job without a file stands behind all that have one.
    pub(super) fn expression(self, kind: StoreKind) -> String {
        // Words are compared by their bytes, whatever the collation of the database.
        let bytewise = match kind {
            StoreKind::Sqlite => "",
            StoreKind::Postgres => " collate \"C\"",
        };
        match (self.by, self.is_descending) {
            (JobOrder::Created, _) => "j.id".to_owned(),
            (JobOrder::Size, false) => format!("coalesce(j.size_bytes, {})", i64::MAX),
            (JobOrder::Size, true) => "coalesce(j.size_bytes, -1)".to_owned(),
            (JobOrder::Status, _) => format!("(j.status{bytewise})"),
            (JobOrder::Subject, _) => format!("(j.subject{bytewise})"),
        }
    }

    pub(super) fn place(self, row: &QueryResult) -> Result<Place, StoreError> {
        Ok(match self.by {
            JobOrder::Created | JobOrder::Size => Place::Number(get(row, "place")?),
            JobOrder::Status | JobOrder::Subject => Place::Word(get(row, "place")?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_given_and_nothing_else_is_one() {
        let cursor = |by, is_descending, place| JobCursor {
            is_before: by == JobOrder::Size,
            sort: JobSort { by, is_descending },
            place,
            id: JobId(17),
        };
        for given in [
            cursor(JobOrder::Created, true, Place::Number(17)),
            cursor(JobOrder::Size, false, Place::Number(-1)),
            cursor(JobOrder::Status, true, Place::Word("ready".to_owned())),
            cursor(JobOrder::Subject, false, Place::Word("page_views".to_owned())),
        ] {
            assert_eq!(given.to_string().parse(), Ok(given.clone()));
            assert_eq!(given.sort().to_string().parse(), Ok(given.sort()));
        }
        for text in
            ["", "17", "size.desc.x.17", "size.down.1.17", "age.desc.1.17", "size.desc.1", "~"]
        {
            assert_eq!(text.parse::<JobCursor>(), Err(CursorFault), "{text}");
        }
        for text in ["", "-", "--size", "Size", "created_at"] {
            assert_eq!(text.parse::<JobSort>(), Err(SortFault), "{text}");
        }
    }
}
