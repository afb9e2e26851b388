//! The artifact store as a whole: whose it is, and what lies in it that nobody knows.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    audit::hexadecimal,
    ids::JobId,
    policy::Permit,
};
use tidegate_store::{Change, OwnStore, Quarantined, StoreError, StoreOwnership};

use crate::{
    artifacts::{ArtifactError, Artifacts, ObjectKey, StoredFile, refuse_other_store},
    error::ServiceError,
    service::Service,
};

/// Name of the task that claims the store.
const TASK: &str = "store";
/// Files that are looked for before a store without a word is taken for the own one.
const FILES_LOOKED_FOR: u32 = 20;

impl Service {
    /// Makes the artifact store this control database's, the first time; from then on, proves that
    /// it is. To be done before anything is built.
    ///
    /// # Errors
    ///
    /// If the store holds another word, or none though it should, or the files of this control
    /// database are not in it; or one of the two cannot be asked.
    pub async fn claim_store(&self, artifacts: &Artifacts) -> Result<(), ServiceError> {
        let own = self.store.own_store().await?;
        let is_new = self.refuse_anothers(artifacts, &own).await?;
        if own.is_claimed {
            return Ok(());
        }
        if is_new {
            artifacts.put_identity(&own.identity).await?;
        }
        let permit =
            self.permit(&Caller::upkeep(TASK), Action::StoreClaim, Target::default()).await?;
        match self.store.commit(permit, Change::Ownership(StoreOwnership::Claim)).await {
            // Another process, which has just started, too, was faster.
            Ok(_) | Err(StoreError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Refuses a store that is another's; says whether it is new, and may be given the word.
    async fn refuse_anothers(
        &self,
        artifacts: &Artifacts,
        own: &OwnStore,
    ) -> Result<bool, ServiceError> {
        if own.is_claimed {
            refuse_other_store::<ServiceError>(&self.store, artifacts).await?;
            return Ok(false);
        }
        match artifacts.identity().await? {
            Some(found) if found == own.identity => Ok(false),
            Some(_) => Err(ArtifactError::Foreign.into()),
            None => {
                self.refuse_without_files(artifacts).await?;
                Ok(true)
            }
        }
    }

    /// A control database that is older than this check has files: some must be there.
    async fn refuse_without_files(&self, artifacts: &Artifacts) -> Result<(), ServiceError> {
        let jobs = self.store.jobs_with_file(JobId(0), FILES_LOOKED_FOR).await?;
        let files: Vec<StoredFile> = jobs.iter().filter_map(StoredFile::of_job).collect();
        for file in &files {
            if artifacts.has(&file.key).await? {
                return Ok(());
            }
        }
        if files.is_empty() { Ok(()) } else { Err(ArtifactError::Foreign.into()) }
    }

    /// Makes this artifact store the control database's, whatever word it holds: after files were
    /// moved, or lost. The store that was it before is so no more.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the store does not take the word.
    pub async fn adopt_store(
        &self,
        caller: &Caller,
        artifacts: &Artifacts,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::StoreAdopt, Target::default()).await?;
        let found = artifacts.identity().await?;
        let identity = hexadecimal(&rand::random::<[u8; 16]>());
        let adopt = StoreOwnership::Adopt { identity: identity.clone(), found };
        self.store.commit(permit, Change::Ownership(adopt)).await?;
        artifacts.remove_identity().await?;
        artifacts.put_identity(&identity).await?;
        self.claim_store(artifacts).await
    }

    /// Whether the artifact store is this control database's, or will be once something is built.
    ///
    /// # Errors
    ///
    /// If it is another's, or one of the two cannot be asked.
    pub async fn check_store(&self, artifacts: &Artifacts) -> Result<(), ServiceError> {
        let own = self.store.own_store().await?;
        self.refuse_anothers(artifacts, &own).await?;
        Ok(())
    }

    /// Files in quarantine behind a key, in the order of their keys.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn quarantined(
        &self,
        caller: &Caller,
        behind: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Quarantined>, ServiceError> {
        self.permit(caller, Action::QuarantineView, Target::default()).await?;
        Ok(self.store.quarantined(behind.unwrap_or_default(), limit).await?)
    }

    /// Leaves a file in quarantine where it is, and tells of it no more.
    ///
    /// # Errors
    ///
    /// If the caller may not, or no such file is in quarantine.
    pub async fn release_quarantined(
        &self,
        caller: &Caller,
        key: &str,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::QuarantineRelease, Target::default()).await?;
        self.end_quarantine(permit, key).await
    }

    /// Deletes a file in quarantine, with its manifest. What the store does not do at once, the
    /// next sweep does.
    ///
    /// # Errors
    ///
    /// If the caller may not, no such file is in quarantine, or the store fails.
    pub async fn delete_quarantined(
        &self,
        caller: &Caller,
        artifacts: &Artifacts,
        key: &str,
    ) -> Result<(), ServiceError> {
        let object = ObjectKey::parse(key).ok_or(ServiceError::NotFound)?;
        let permit = self.permit(caller, Action::QuarantineDelete, Target::default()).await?;
        refuse_other_store::<ServiceError>(&self.store, artifacts).await?;
        self.end_quarantine(permit, key).await?;
        Ok(artifacts.delete(&object).await?)
    }

    async fn end_quarantine(&self, permit: Permit, key: &str) -> Result<(), ServiceError> {
        match self.store.commit(permit, Change::EndQuarantine(key.to_owned())).await {
            Ok(_) => Ok(()),
            Err(StoreError::Missing { .. }) => Err(ServiceError::NotFound),
            Err(error) => Err(error.into()),
        }
    }
}
