//! Removes what nothing refers to: files of attempts that ended, uploads that were left.
//!
//! Once an attempt has ended without its file being its job's, nothing ever refers to that file
//! again: publishing takes the attempt's lease, and a lease that was lost is not given back. So
//! what is found free stays free, however long the sweep takes. What the control state does not
//! know at all may be newer than it, as after a backup was restored: that is put in quarantine. It
//! stays where it is, so that a newer backup finds it; the control state notes that it is kept.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, TryStreamExt, stream};
use tidegate_model::action::{Action, Target};
use tidegate_store::{Change, ObjectUse, Store, StoreError, UnknownObject};

use super::error::{UpkeepError, commit};
use crate::artifacts::{Artifacts, Listed, ObjectKey, ObjectName, Unfinished, refuse_other_store};

/// Name of the task.
const TASK: &str = "sweep";

/// Objects that the control state is asked about at a time.
const OBJECTS_PER_QUESTION: usize = 500;
/// Deletions at a time.
const DELETIONS_AT_ONCE: usize = 8;
/// Names of unknown objects that a report holds.
const NAMES_MAX: usize = 20;
/// Files that may go without asking how many there are: a few are no sign of anything.
const DOOMED_MIN: u64 = 20;

/// How to sweep.
#[derive(Clone, Copy, Debug)]
pub struct SweepSettings {
    /// Microseconds for which everything stays, whatever it is: clocks differ.
    pub grace_micros: i64,
    /// Share of all files, in percent, above which nothing goes.
    pub percent_max: u64,
    /// Whether that share does not matter.
    pub is_forced: bool,
    /// Whether to count only.
    pub is_dry: bool,
    /// Files that one pass deletes at most.
    pub files_max: usize,
}

impl Default for SweepSettings {
    fn default() -> Self {
        Self {
            grace_micros: 60 * 60 * 1_000_000,
            percent_max: 20,
            is_forced: false,
            is_dry: false,
            files_max: 10_000,
        }
    }
}

/// What a pass has found and done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Objects of ours that were looked at: files and manifests.
    pub found: u64,
    /// Objects that nothing refers to.
    pub doomed: u64,
    /// Files that were deleted, each with its manifest.
    pub deleted: u64,
    /// Uploads that nobody will finish.
    pub left: u64,
    /// Uploads that were given up.
    pub abandoned: u64,
    /// Deletions that failed; the next pass tries again.
    pub failed: u64,
    /// Files that the control state does not know, and that are kept for somebody to look at.
    pub quarantined: u64,
    /// Objects that are not ours, and uploads that nothing is known of.
    pub unknown: u64,
    /// Names of the first of them.
    pub unknown_names: Vec<String>,
}

/// What becomes of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is used, or too young to say.
    Stays,
    /// It is told, and stays.
    Unknown,
    /// It is kept, until somebody says what becomes of it.
    Kept,
    /// It goes.
    Goes,
}

/// Decides. Nothing ever goes that the control state does not know as free, or as deleted by
/// somebody; but a probe.
fn verdict(name: &ObjectName, known: Option<ObjectUse>, age_micros: i64, grace: i64) -> Verdict {
    let is_old = age_micros > grace;
    match (name, known) {
        (ObjectName::Identity, _) => Verdict::Stays,
        (ObjectName::Stranger(_), _) => Verdict::Unknown,
        (
            ObjectName::File(_) | ObjectName::Manifest(_),
            Some(ObjectUse::Shown | ObjectUse::Live | ObjectUse::Kept),
        ) => Verdict::Stays,
        (ObjectName::File(_) | ObjectName::Manifest(_), _) if !is_old => Verdict::Stays,
        (
            ObjectName::File(_) | ObjectName::Manifest(_),
            Some(ObjectUse::Free | ObjectUse::Dropped),
        ) => Verdict::Goes,
        (ObjectName::File(key) | ObjectName::Manifest(key), None) if key.is_probe() => {
            Verdict::Goes
        }
        (ObjectName::File(_) | ObjectName::Manifest(_), None) => Verdict::Kept,
    }
}

/// One pass over the whole store; `now` is the time in microseconds since 1970.
///
/// # Errors
///
/// If the store is another's, a list cannot be had, the control database fails, or too much would
/// go.
pub async fn sweep(
    store: &Store,
    artifacts: &Artifacts,
    now: i64,
    settings: &SweepSettings,
) -> Result<SweepReport, UpkeepError> {
    refuse_other_store::<UpkeepError>(store, artifacts).await?;
    let report = SweepReport::default();
    let mut sweep = Sweep { store, now, settings, report, kept: BTreeMap::new() };
    let doomed = sweep.find_files(artifacts).await?;
    sweep.quarantine().await?;
    sweep.refuse_too_many()?;
    let left = sweep.find_uploads(artifacts).await?;
    let mut report = sweep.report;
    report.left = left.len() as u64;
    if settings.is_dry {
        return Ok(report);
    }
    let deletions = stream::iter(doomed).map(|key| async move {
        let deleted = artifacts.delete(&key).await;
        deleted.inspect_err(|error| tracing::error!(%key, %error, "a file could not be swept"))
    });
    let deleted: Vec<_> = deletions.buffer_unordered(DELETIONS_AT_ONCE).collect().await;
    for deleted in deleted {
        match deleted {
            Ok(()) => report.deleted += 1,
            Err(_) => report.failed += 1,
        }
    }
    for upload in left {
        match artifacts.abandon(&upload).await {
            Ok(()) => report.abandoned += 1,
            Err(error) => {
                tracing::error!(name = %upload.name, %error, "an upload could not be given up");
                report.failed += 1;
            }
        }
    }
    Ok(report)
}

fn known_of(name: &ObjectName, known: &BTreeMap<String, ObjectUse>) -> Option<ObjectUse> {
    name.key().and_then(|key| known.get(&key.to_string())).copied()
}

/// What an unfinished upload to a key is, where its file is that. A file that is shown is whole: an
/// upload beside it was begun by a request whose answer was lost, and nobody will end it.
fn without_file(known: ObjectUse) -> ObjectUse {
    match known {
        ObjectUse::Shown | ObjectUse::Free => ObjectUse::Free,
        ObjectUse::Live => ObjectUse::Live,
        ObjectUse::Kept => ObjectUse::Kept,
        ObjectUse::Dropped => ObjectUse::Dropped,
    }
}

struct Sweep<'a> {
    store: &'a Store,
    now: i64,
    settings: &'a SweepSettings,
    report: SweepReport,
    /// Files that nobody knows, with the bytes of each and its manifest.
    kept: BTreeMap<ObjectKey, u64>,
}

impl Sweep<'_> {
    /// Keys of the files that go, as many as one pass takes.
    async fn find_files(
        &mut self,
        artifacts: &Artifacts,
    ) -> Result<BTreeSet<ObjectKey>, UpkeepError> {
        let mut doomed = BTreeSet::new();
        let mut pages = artifacts.list().try_chunks(OBJECTS_PER_QUESTION);
        while let Some(page) = pages.try_next().await.map_err(|failed| failed.1)? {
            let known = self.ask(page.iter().map(|listed| &listed.name)).await?;
            for Listed { name, changed_at, bytes } in page {
                self.report.found += u64::from(name.key().is_some());
                let verdict = self.judge(&name, known_of(&name, &known), changed_at);
                let Some(key) = name.key() else { continue };
                match verdict {
                    Verdict::Stays | Verdict::Unknown => {}
                    Verdict::Kept => {
                        if self.kept.len() < self.settings.files_max {
                            *self.kept.entry(key.clone()).or_default() += bytes;
                        }
                    }
                    Verdict::Goes => {
                        self.report.doomed += 1;
                        if doomed.len() < self.settings.files_max {
                            doomed.insert(key.clone());
                        }
                    }
                }
            }
        }
        Ok(doomed)
    }

    /// Keeps what nobody knows, some hundred files with one entry.
    async fn quarantine(&mut self) -> Result<(), UpkeepError> {
        self.report.quarantined = self.kept.len() as u64;
        if self.settings.is_dry {
            return Ok(());
        }
        let unknown = std::mem::take(&mut self.kept).into_iter().map(|(key, bytes)| {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            UnknownObject { key: key.to_string(), bytes }
        });
        let unknown: Vec<UnknownObject> = unknown.collect();
        for page in unknown.chunks(OBJECTS_PER_QUESTION) {
            let asked = (Action::ArtifactQuarantine, Target::default());
            match commit(self.store, TASK, asked, Change::Quarantine(page.to_vec())).await {
                // Another process has found them, too.
                Ok(_) | Err(UpkeepError::Store(StoreError::Exists { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn find_uploads(
        &mut self,
        artifacts: &Artifacts,
    ) -> Result<Vec<Unfinished>, UpkeepError> {
        let mut left = Vec::new();
        let mut pages = artifacts.unfinished().try_chunks(OBJECTS_PER_QUESTION);
        while let Some(page) = pages.try_next().await.map_err(|failed| failed.1)? {
            let known = self.ask(page.iter().map(|upload| &upload.name)).await?;
            for upload in page {
                let known = known_of(&upload.name, &known).map(without_file);
                match self.judge(&upload.name, known, upload.started_at) {
                    Verdict::Goes if left.len() < self.settings.files_max => left.push(upload),
                    // It is no file, and whoever began it may be at it still.
                    Verdict::Kept => self.tell(&upload.name),
                    Verdict::Goes | Verdict::Stays | Verdict::Unknown => {}
                }
            }
        }
        Ok(left)
    }

    async fn ask(
        &self,
        names: impl Iterator<Item = &ObjectName>,
    ) -> Result<BTreeMap<String, ObjectUse>, UpkeepError> {
        let keys: BTreeSet<String> =
            names.filter_map(ObjectName::key).map(ObjectKey::to_string).collect();
        let keys: Vec<String> = keys.into_iter().collect();
        Ok(self.store.object_uses(&keys).await?)
    }

    fn judge(&mut self, name: &ObjectName, known: Option<ObjectUse>, since: i64) -> Verdict {
        let age = self.now.saturating_sub(since);
        let verdict = verdict(name, known, age, self.settings.grace_micros);
        if verdict == Verdict::Unknown {
            self.tell(name);
        }
        verdict
    }

    fn tell(&mut self, name: &ObjectName) {
        self.report.unknown += 1;
        if self.report.unknown_names.len() < NAMES_MAX {
            self.report.unknown_names.push(name.to_string());
        }
    }

    fn refuse_too_many(&self) -> Result<(), UpkeepError> {
        let SweepReport { doomed, found, .. } = self.report;
        let is_many = doomed > DOOMED_MIN && doomed * 100 > found * self.settings.percent_max;
        match is_many && !self.settings.is_forced && !self.settings.is_dry {
            true => Err(UpkeepError::TooManyDoomed { doomed, found }),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::ids::JobId;

    use super::*;

    #[test]
    fn only_what_is_known_as_free_and_old_goes() {
        let key = ObjectKey::new(JobId(7), 1);
        let probe = ObjectKey::new(JobId(0), 0);
        let names = [
            ObjectName::File(key.clone()),
            ObjectName::Manifest(key),
            ObjectName::Stranger("notes".to_owned()),
            ObjectName::File(probe.clone()),
            ObjectName::Manifest(probe),
        ];
        let (free, dropped) = (Some(ObjectUse::Free), Some(ObjectUse::Dropped));
        let (shown, live, kept) = (ObjectUse::Shown, ObjectUse::Live, ObjectUse::Kept);
        let known = [None, Some(shown), Some(live), Some(kept), free, dropped];
        let is_news = |at, known: Option<ObjectUse>, age| at < 2 && known.is_none() && age > 60;
        let names = names.into_iter().chain([ObjectName::Identity]);
        let mut gone = Vec::new();
        for (at, name) in names.enumerate() {
            for known in known {
                for age in [i64::MIN, -1, 0, 59, 60, 61, i64::MAX] {
                    let verdict = verdict(&name, known, age, 60);
                    assert_eq!(verdict == Verdict::Unknown, at == 2);
                    assert_eq!(verdict == Verdict::Kept, is_news(at, known, age));
                    if verdict == Verdict::Goes {
                        gone.push((at, known, age));
                    }
                }
            }
        }
        let mut expected = Vec::new();
        for (at, uses) in [(0, 1..3), (1, 1..3), (3, 0..3), (4, 0..3)] {
            for known in &[None, free, dropped][uses] {
                expected.extend([(at, *known, 61), (at, *known, i64::MAX)]);
            }
        }
        assert_eq!(gone, expected);
    }
}
