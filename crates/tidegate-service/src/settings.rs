//! Settings of the site.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    declaration::{FieldDeclaration, SubjectDeclaration},
    fault::{Fault, Faults},
    settings::Settings,
};
use tidegate_store::{Change, Figures, SettingsEdit, StoreError};

use crate::{error::ServiceError, service::Service};

/// Times that settings are written again because the policy changed meanwhile.
const POLICY_CHANGES_MAX: u32 = 10;

/// What of a subject is personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalFields {
    /// Slug of the subject.
    pub subject: String,
    /// Whether every record is, whatever fields are chosen.
    pub is_whole: bool,
    /// The field that says of a record that it is.
    pub when: Option<String>,
    /// Fields, each with its class; those of a kind after its name and a colon.
    pub fields: Vec<(String, String)>,
}

impl PersonalFields {
    fn of(subject: &SubjectDeclaration) -> Self {
        let of = |fields: &[FieldDeclaration], kind: &str| -> Vec<(String, String)> {
            let class = |field: &FieldDeclaration| {
                Some((format!("{kind}{}", field.slug), field.pii.clone()?))
            };
            fields.iter().filter_map(class).collect()
        };
        let kinds = subject.kinds.iter();
        let of_kinds = kinds.flat_map(|kind| of(&kind.fields, &format!("{}: ", kind.slug)));
        Self {
            subject: subject.slug.clone(),
            is_whole: subject.pii,
            when: subject.pii_when.clone(),
            fields: of(&subject.fields, "").into_iter().chain(of_kinds).collect(),
        }
    }

    fn is_some(&self) -> bool {
        self.is_whole || self.when.is_some() || !self.fields.is_empty()
    }
}

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

    /// Whether files for spreadsheets guard what a spreadsheet would run, unless somebody says
    /// otherwise.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn has_formula_guard(&self) -> Result<bool, ServiceError> {
        Ok(self.store.settings().await?.formula_guard)
    }

    /// What the configuration declares to be personal data.
    ///
    /// # Errors
    ///
    /// If the caller may not see the settings.
    pub async fn personal_fields(
        &self,
        caller: &Caller,
    ) -> Result<Vec<PersonalFields>, ServiceError> {
        self.permit(caller, Action::SettingView, Target::default()).await?;
        let sited = self.sited();
        let declared = sited.site.subjects.iter().map(PersonalFields::of);
        Ok(declared.filter(PersonalFields::is_some).collect())
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
        self.permit(caller, Action::SettingChange, Target::default()).await?;
        settings.check()?;
        self.refuse_unknown_subjects(&settings)?;
        self.refuse_pinned(&settings).await?;
        self.put_settings(caller, &settings).await
    }

    /// Writes settings. That fewer subjects than before count as personal data is itself told as
    /// such.
    pub(crate) async fn put_settings(
        &self,
        caller: &Caller,
        settings: &Settings,
    ) -> Result<(), ServiceError> {
        let declared_pii = self.declared_pii();
        let mut asked = 0;
        loop {
            asked += 1;
            let policy = self.store.policy().await?;
            let is = settings.pii_subjects.as_ref().unwrap_or(&declared_pii);
            let was = policy.pii_subjects.as_ref().unwrap_or(&declared_pii);
            let target = Target { has_pii: !was.is_subset(is), ..Target::default() };
            let permit = self.permit_by(&policy, caller, Action::SettingChange, target).await?;
            let edit =
                SettingsEdit { settings: settings.clone(), declared_pii: declared_pii.clone() };
            match self.store.commit(permit, Change::Settings(Box::new(edit))).await {
                // Somebody has changed at the same moment what is personal data.
                Err(StoreError::PolicyChanged | StoreError::WrongPermit { .. })
                    if asked < POLICY_CHANGES_MAX => {}
                committed => return Ok(committed.map(drop)?),
            }
        }
    }

    fn refuse_unknown_subjects(&self, settings: &Settings) -> Result<(), ServiceError> {
        let sited = self.sited();
        let slugs = sited.site.slugs();
        let listed = settings.pii_subjects.iter().flatten();
        let unknown = listed.filter(|slug| !slugs.contains(&slug.as_str()));
        let fault = |slug: &String| {
            Fault::new("/pii_subjects", tidegate_model::nearest::unknown("subject", slug, &slugs))
        };
        let faults: Vec<Fault> = unknown.map(fault).collect();
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults).into()) }
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
