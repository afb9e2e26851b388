//! Settings of the site.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::{Fault, Faults},
    settings::Settings,
};
use tidegate_store::{Change, Figures};

use crate::{error::ServiceError, service::Service};

impl Service {
    /// Figures of the site, for whoever may see its settings.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn figures(&self, caller: &Caller) -> Result<Figures, ServiceError> {
        self.permit(caller, Action::SettingView, Target::default()).await?;
        Ok(self.store.figures().await?)
    }

    /// The settings.
    ///
    /// # Errors
    ///
    /// If the caller may not see them.
    pub async fn settings(&self, caller: &Caller) -> Result<Settings, ServiceError> {
        self.permit(caller, Action::SettingView, Target::default()).await?;
        Ok(self.store.settings().await?)
    }

    /// Settings that are given from outside: nobody changes them here.
    pub fn pinned_settings(&self) -> Vec<&'static str> {
        self.sited().site.pinned.clone()
    }

    /// Sets all settings.
    ///
    /// # Errors
    ///
    /// If the caller may not, a setting takes no such value, or one is changed that is given from
    /// outside.
    pub async fn set_settings(
        &self,
        caller: &Caller,
        settings: Settings,
    ) -> Result<(), ServiceError> {
        let permit = self.permit(caller, Action::SettingChange, Target::default()).await?;
        settings.check()?;
        self.refuse_pinned(&settings).await?;
        self.store.commit(permit, Change::Settings(Box::new(settings))).await?;
        Ok(())
    }

    async fn refuse_pinned(&self, wanted: &Settings) -> Result<(), ServiceError> {
        let now = self.store.settings().await?;
        let is_changed = |name: &&str| wanted.with(&[*name], &now) != *wanted;
        let fault = |name| {
            let detail = format!("`{name}` is set in the environment of the service");
            Fault::new(format!("/{name}"), detail)
        };
        let changed = self.pinned_settings().into_iter().filter(is_changed);
        let faults: Vec<Fault> = changed.map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults).into()) }
    }

    /// Makes new keys for signing and links. Old ones still verify.
    ///
    /// # Errors
    ///
    /// If the caller may not, or the folder of keys cannot be written to.
    pub async fn rotate_keys(&self, caller: &Caller) -> Result<String, ServiceError> {
        let permit = self.permit(caller, Action::KeyRotate, Target::default()).await?;
        let next = self.keys().next()?;
        let current = next.id().to_owned();
        let details = serde_json::json!({ "key": current });
        self.store.commit(permit, Change::Note(details)).await?;
        self.key_ring.take(next.make_current()?);
        Ok(current)
    }
}
