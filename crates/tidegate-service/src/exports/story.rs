//! What became of exports: who made them, who took them, step by step.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_model::{
    actor::Caller,
    audit::Entry,
    exposure::Withheld,
    ids::{JobId, OperatorId},
    job::Job,
    sight::Sight,
};
use tidegate_store::{Attempt, TransitionRow};

use crate::{error::ServiceError, service::Service};

/// Entries about downloads of one export that are read: each download leaves two.
const ENTRIES_MAX: u32 = 200;

/// What a list says beside its exports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Names of those who made them.
    pub creators: BTreeMap<OperatorId, String>,
    /// How often their files were taken.
    pub downloads: BTreeMap<JobId, i64>,
}

/// Everything about one export.
#[derive(Clone, Debug)]
pub struct Story {
    /// The export.
    pub job: Job,
    /// Name of whoever made it.
    pub creator: String,
    /// The changes of its state, oldest first.
    pub transitions: Vec<TransitionRow>,
    /// The attempts at it, in their order.
    pub attempts: Vec<Attempt>,
    /// Who took its file, newest first; as far back as [`Story::has_more_downloads`] says.
    pub downloads: Vec<Download>,
    /// Whether there were more of them.
    pub has_more_downloads: bool,
    /// Why its file is withheld from the caller, if it is.
    pub withheld: Option<Withheld>,
}

/// A download that began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Number of its entry in the activity log.
    pub seq: i64,
    /// When, RFC 3339.
    pub at: String,
    /// Mail address of whose it was.
    pub by: String,
    /// Address it went to.
    pub address: Option<String>,
    /// Whether by a link that needs no sign-in.
    pub is_bearer: bool,
    /// Whether a part of the file was asked for.
    pub is_part: bool,
    /// Bytes that were sent; none while it goes on, or where nobody could note its end.
    pub bytes: Option<i64>,
    /// Why it ended, as a word of the activity log: `sent` where nothing was missing.
    pub ended: Option<String>,
}

impl Service {
    /// What a list says beside exports that the caller was given.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn beside(&self, jobs: &[Job]) -> Result<Beside, ServiceError> {
        if jobs.is_empty() {
            return Ok(Beside::default());
        }
        let creators: BTreeSet<OperatorId> = jobs.iter().map(|job| job.created_by).collect();
        let creators: Vec<OperatorId> = creators.into_iter().collect();
        let ids: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        Ok(Beside {
            creators: self.store.operator_names(&creators).await?,
            downloads: self.store.download_counts(&ids).await?,
        })
    }

    /// Everything about one export.
    ///
    /// # Errors
    ///
    /// If there is no such export, or the caller may not see it: the same answer.
    pub async fn export_story(&self, caller: &Caller, id: JobId) -> Result<Story, ServiceError> {
        let (job, policy) = self.seen_export(caller, id).await?;
        let mut names = self.store.operator_names(&[job.created_by]).await?;
        let entries = self.store.download_entries(id, ENTRIES_MAX).await?;
        let has_more_downloads = entries.len() >= ENTRIES_MAX as usize;
        let entries = entries.iter().filter_map(|entry| serde_json::from_str(&entry.text).ok());
        Ok(Story {
            creator: names.remove(&job.created_by).unwrap_or_default(),
            transitions: self.store.transitions(id, 0).await?,
            attempts: self.store.attempts(id).await?,
            downloads: downloads_of(&entries.collect::<Vec<Entry>>()),
            has_more_downloads,
            withheld: self.withheld_by(&Sight::of(&policy, caller), &job),
            job,
        })
    }
}

/// Downloads by their entries, newest first: the entry of an end names that of its beginning.
fn downloads_of(entries: &[Entry]) -> Vec<Download> {
    let ends: BTreeMap<i64, &Value> = entries
        .iter()
        .filter_map(|entry| Some((entry.details["started"].as_i64()?, &entry.details)))
        .collect();
    let begun = entries.iter().filter(|entry| entry.action == "download.started");
    let download = |entry: &Entry| {
        let end = ends.get(&entry.seq);
        Download {
            seq: entry.seq,
            at: entry.at.clone(),
            by: entry.name.clone(),
            address: entry.address.clone(),
            is_bearer: entry.details["is_bearer"].as_bool().unwrap_or(false),
            is_part: !entry.details["range"].is_null(),
            bytes: end.and_then(|details| details["bytes"].as_i64()),
            ended: end.and_then(|details| details["reason"].as_str()).map(str::to_owned),
        }
    };
    begun.map(download).collect()
}
