//! Moves entries that are older than the site keeps them from the log to signed files.
//!
//! The order is what makes it safe: the range ends at a checkpoint that an anchor holds, its chain
//! is walked, the file is written where there is none, synced and read back, and only then one
//! transaction notes the statement, drops the entries and says so in an entry of its own. Whoever
//! dies before that leaves a file that the next attempt finds and uses.

use tidegate_model::{
    action::{Action, Target},
    audit::{
        ARCHIVE_VERSION, Archive, ChainFault, ChainWalk, Checkpoint, FIRST_HASH, SignedArchive,
        StoredEntry, time_text,
    },
};
use tidegate_store::{Change, Store, StoreError};

use super::error::{UpkeepError, commit};
use crate::{
    audit::{
        Anchor, AnchorError, ArchiveFile, ArchivePlace, ArchivePlaceError, NotProven, Proven,
        proven_archive,
    },
    keys::{Keys, Purpose},
};

/// Name of the task, in its entries.
const TASK: &str = "archive";
/// Entries of an archive at most, unless a single checkpoint vouches for more: one transaction
/// drops them, and all writers wait for it.
const ENTRIES_MAX: i64 = 10_000;
/// Entries, and checkpoints, that are read at a time.
const PAGE: u32 = 1_000;

/// What archiving needs.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveSettings<'a> {
    /// Where archives are kept.
    pub place: &'a ArchivePlace,
    /// The anchors: one of them must vouch for what is archived.
    pub anchors: &'a [Anchor],
    /// Entries from before this moment are archived, in microseconds since 1970.
    pub before: i64,
}

/// An archive that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archived {
    /// Its number.
    pub number: i64,
    /// Its first entry.
    pub from: i64,
    /// Its last entry.
    pub to: i64,
    /// Name of the file.
    pub file: String,
}

/// Nothing is archived, and nothing was dropped.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The entries could not be dropped.
    #[error(transparent)]
    Upkeep(#[from] UpkeepError),
    /// The place of the archives fails.
    #[error(transparent)]
    Place(#[from] ArchivePlaceError),
    /// The chain does not fit.
    #[error("the activity log was changed, and is not archived: run `tidegate audit verify`")]
    Broken(#[source] ChainFault),
    /// The chain does not end as its checkpoint says.
    #[error(
        "entry {seq} of the activity log is not the one that checkpoint {number} vouches for, and \
         nothing is archived: run `tidegate audit verify`"
    )]
    Rewritten {
        /// Number of the entry.
        seq: i64,
        /// Number of the checkpoint.
        number: i64,
    },
    /// A checkpoint is not signed by one of our keys.
    #[error("checkpoint {number} is not ours, and nothing is archived")]
    CheckpointNotOurs {
        /// Its number.
        number: i64,
        /// Why.
        #[source]
        cause: NotProven,
    },
    /// The last archive is not signed by one of our keys.
    #[error("the database's last archive is not ours, and nothing is archived")]
    NotOurs,
    /// No anchor holds the checkpoint.
    #[error("no anchor is known to hold checkpoint {number}: nothing is archived before one does")]
    Unanchored {
        /// Its number.
        number: i64,
        /// Why one could not be asked, if so.
        #[source]
        cause: Option<AnchorError>,
    },
    /// A file of that name holds something else.
    #[error("`{file}` in `{place}` is not the archive that it should be: put it aside")]
    InTheWay {
        /// Where.
        place: String,
        /// Name of the file.
        file: String,
    },
    /// A stream of the log still needs the entries.
    #[error(
        "`{sink}` has the activity log up to entry {seq} only: nothing behind that is archived \
         before it was streamed"
    )]
    Streaming {
        /// The sink.
        sink: String,
        /// Number of the last entry that it has.
        seq: i64,
    },
}

/// Archives the next range, if there is one that is old enough.
///
/// # Errors
///
/// If something does not fit, or fails: then every entry is where it was.
pub async fn archive(
    store: &Store,
    keys: &Keys,
    settings: ArchiveSettings<'_>,
) -> Result<Option<Archived>, ArchiveError> {
    let last = store.last_archive().await?;
    match attempt(store, keys, last.as_ref(), settings).await {
        // Another process was faster: what we were reading is gone, for a good reason.
        Err(_) if store.last_archive().await? != last => Ok(None),
        done => done,
    }
}

async fn attempt(
    store: &Store,
    keys: &Keys,
    last: Option<&SignedArchive>,
    settings: ArchiveSettings<'_>,
) -> Result<Option<Archived>, ArchiveError> {
    let proven = |signed| proven_archive(signed, keys.public()).ok_or(ArchiveError::NotOurs);
    let last = last.map(proven).transpose()?;
    let Some(end) = choose(store, keys, last.as_ref(), settings.before).await? else {
        return Ok(None);
    };
    refuse_unanchored(store, keys, settings.anchors, &end).await?;
    if let Some((sink, seq)) = store.slowest_stream().await?.filter(|(_, seq)| *seq < end.seq) {
        return Err(ArchiveError::Streaming { sink, seq });
    }
    let (cut, prev) = last.as_ref().map_or((0, FIRST_HASH), |last| (last.to, last.head.as_str()));
    let entries = walk(store, (cut, prev), &end).await?;
    let says = Archive {
        v: ARCHIVE_VERSION,
        number: last.as_ref().map_or(1, |last| last.number + 1),
        from: cut + 1,
        to: end.seq,
        prev: prev.to_owned(),
        head: end.head,
        checkpoint: end.number,
        at: time_text(store.now().await?),
    };
    let signed = keep(keys, settings.place, &says, &entries).await?;
    let Archive { number, from, to, .. } = says;
    let file = says.file_name();
    let (action, change) = (Action::ActivityArchive, Change::ArchiveActivity(signed));
    let is_done = commit(store, TASK, (action, Target::default()), change).await?;
    Ok(is_done.then_some(Archived { number, from, to, file }))
}

/// The checkpoint at which the next archive ends: the last one that is old enough, and does not
/// make it too large. The entry of the newest checkpoint always stays: the next one needs it.
async fn choose(
    store: &Store,
    keys: &Keys,
    last: Option<&Archive>,
    before: i64,
) -> Result<Option<Checkpoint>, ArchiveError> {
    let (mut behind, cut) = last.map_or((0, 0), |last| (last.checkpoint, last.to));
    let Some(newest) = store.last_checkpoint().await?.and_then(|signed| signed.says()) else {
        return Ok(None);
    };
    let mut chosen: Option<Checkpoint> = None;
    'pages: loop {
        let page = store.checkpoints(behind, PAGE).await?;
        let Some((number, _)) = page.last() else { break };
        behind = *number;
        for (number, signed) in page {
            let not_ours = |cause| ArchiveError::CheckpointNotOurs { number, cause };
            let says = Proven::of(signed, keys.public()).map_err(not_ours)?.says;
            let is_old = says.at_micros().is_some_and(|at| at <= before);
            let is_too_large = chosen.is_some() && says.seq - cut > ENTRIES_MAX;
            if !is_old || is_too_large || says.seq >= newest.seq {
                break 'pages;
            }
            // Of several that speak of the same entry the first one.
            let is_further = says.seq > chosen.as_ref().map_or(cut, |chosen| chosen.seq);
            if is_further {
                chosen = Some(says);
            }
        }
    }
    Ok(chosen)
}

/// What an anchor does not hold can be made anew by whoever has the database: it is not archived.
async fn refuse_unanchored(
    store: &Store,
    keys: &Keys,
    anchors: &[Anchor],
    end: &Checkpoint,
) -> Result<(), ArchiveError> {
    let mut failed = None;
    for anchor in anchors {
        let latest = match anchor.latest(end.number).await {
            Ok(Some(signed)) => signed,
            Ok(None) => continue,
            Err(error) => {
                failed = Some(error);
                continue;
            }
        };
        let not_ours = |cause| ArchiveError::CheckpointNotOurs { number: end.number, cause };
        let latest = Proven::of(latest, keys.public()).map_err(not_ours)?;
        let number = latest.says.number;
        let copy = store.checkpoints(number - 1, 1).await?.into_iter().next();
        if copy.is_none_or(|(row, copy)| (row, &copy) != (number, &latest.signed)) {
            let anchor = anchor.name().to_owned();
            let cause = Some(AnchorError::Conflict { anchor, number });
            return Err(ArchiveError::Unanchored { number, cause });
        }
        // The checkpoints between are its own: each names the one before.
        if number >= end.number {
            return follows(store, end, &latest).await;
        }
    }
    Err(ArchiveError::Unanchored { number: end.number, cause: failed })
}

/// Whether an anchored checkpoint follows, copy by copy, from the one at which an archive ends.
async fn follows(store: &Store, end: &Checkpoint, latest: &Proven) -> Result<(), ArchiveError> {
    let mut prev: Option<String> = None;
    let mut behind = end.number - 1;
    while behind < latest.says.number {
        let page = store.checkpoints(behind, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for (row, signed) in page {
            let says = signed.says().filter(|says| (row, says.number) == (behind + 1, row));
            let fits = |says: &Checkpoint| match &prev {
                None => says == end,
                Some(prev) => says.prev == *prev,
            };
            if !says.as_ref().is_some_and(fits) {
                return Err(ArchiveError::Unanchored { number: end.number, cause: None });
            }
            (prev, behind) = (Some(signed.hash()), row);
            if row == latest.says.number {
                return Ok(());
            }
        }
    }
    Err(ArchiveError::Unanchored { number: end.number, cause: None })
}

/// The entries behind the cut, up to that of the checkpoint, if they are what was signed.
async fn walk(
    store: &Store,
    (cut, prev): (i64, &str),
    end: &Checkpoint,
) -> Result<Vec<StoredEntry>, ArchiveError> {
    let mut walk = ChainWalk::after(cut, prev);
    let mut entries = Vec::new();
    while walk.seq() < end.seq {
        let page = store.entries(walk.seq(), PAGE).await?;
        // What is not there any more does not come with the next page either.
        if page.first().is_none_or(|(stored, _)| stored.seq > end.seq) {
            break;
        }
        for (stored, columns) in page.into_iter().filter(|(stored, _)| stored.seq <= end.seq) {
            walk.step(&stored, Some(&columns)).map_err(ArchiveError::Broken)?;
            entries.push(stored);
        }
    }
    match (walk.seq(), walk.head()) == (end.seq, &end.head) {
        true => Ok(entries),
        false => Err(ArchiveError::Rewritten { seq: end.seq, number: end.number }),
    }
}

/// Writes the file, unless it is there, and reads it: it must hold what is to be dropped. Gives the
/// statement that stands in it.
async fn keep(
    keys: &Keys,
    place: &ArchivePlace,
    says: &Archive,
    entries: &[StoredEntry],
) -> Result<SignedArchive, ArchiveError> {
    let (text, file) = (says.text(), says.file_name());
    let (key, signature) = keys.sign(Purpose::Archive, &text);
    let signed = SignedArchive { archive: text, key, signature };
    place.put(&file, ArchiveFile::write(&signed, entries)).await?;
    let found = place.get(&file).await?;
    let found = found.and_then(|content| ArchiveFile::read(&content, keys.public()));
    // Another process may have been first, a moment before: it has said the same but for the time.
    let is_it = |found: &ArchiveFile| {
        let same = Archive { at: found.says.at.clone(), ..says.clone() };
        found.says == same && found.entries == entries && found.is_whole()
    };
    match found.filter(is_it) {
        Some(found) => Ok(found.signed),
        None => Err(ArchiveError::InTheWay { place: place.name().to_owned(), file }),
    }
}
