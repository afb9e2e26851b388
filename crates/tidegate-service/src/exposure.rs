//! What somebody sees of subjects, jobs and files: masks, row limits, and what is withheld.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    declaration::{FieldDeclaration, Names, SubjectDeclaration},
    exposure::{ExposedField, Exposure, Withheld},
    job::Job,
    mask::MaskPolicy,
    policy::Policy,
    schedule::Schedule,
    scope::{Cover, HIDDEN},
    sight::{Sight, is_personal},
    subject::Subject,
};

use crate::{error::ServiceError, exports::target_of, service::Service};

/// What is declared of a subject, as far as it tells what of a job may be shown.
#[derive(Debug, Default)]
struct Declared {
    /// Classes of its fields, those of its kinds too.
    classes: BTreeMap<String, String>,
    search: Vec<String>,
    key: Vec<String>,
    date_field: Option<String>,
    shorthands: BTreeMap<String, String>,
}

impl Declared {
    fn of(subject: &SubjectDeclaration) -> Self {
        let mut declared = Self::default();
        declared.take_fields(&subject.fields);
        declared.take((&subject.search, &subject.key), subject.date_field.as_ref());
        declared.shorthands.extend(subject.shorthands.0.clone());
        for kind in &subject.kinds {
            declared.take_fields(&kind.fields);
            declared.take((&kind.search, &kind.key), kind.date_field.as_ref());
            declared.shorthands.extend(kind.shorthands.0.clone());
        }
        declared
    }

    fn take_fields(&mut self, fields: &[FieldDeclaration]) {
        let classed = fields.iter().filter_map(|field| Some((field, field.pii.as_ref()?)));
        for (field, class) in classed {
            self.classes.insert(field.slug.clone(), class.clone());
        }
    }

    fn take(&mut self, (search, key): (&Names, &Names), date_field: Option<&String>) {
        self.search.extend(search.0.iter().cloned());
        self.key.extend(key.0.iter().cloned());
        self.date_field = self.date_field.take().or_else(|| date_field.cloned());
    }

    fn class_of(&self, field: &str) -> Option<&str> {
        self.classes.get(field).map(String::as_str)
    }
}

impl Service {
    /// What a caller sees now.
    ///
    /// # Errors
    ///
    /// If the control state cannot be asked.
    pub async fn sight(&self, caller: &Caller) -> Result<Sight, ServiceError> {
        Ok(Sight::of(&self.store.policy().await?, caller))
    }

    /// What a job's file is to the policy, for whoever wants to have it: with why it is withheld,
    /// and as personal as its subject is by now.
    pub(crate) fn file_of(&self, policy: &Policy, caller: &Caller, job: &Job) -> Target {
        let subject = self.sited().site.subject(&job.subject).cloned();
        let is_declared = subject.as_ref().is_some_and(|subject| subject.pii);
        let is_listed = is_personal(policy.pii_subjects.as_ref(), &job.subject, is_declared);
        Target {
            has_pii: job.has_pii || is_listed,
            withheld: self.withheld_by(&Sight::of(policy, caller), job),
            ..target_of(job)
        }
    }

    /// Why a job's file, or what would have been one, holds more than somebody may see.
    pub(crate) fn withheld_by(&self, sight: &Sight, job: &Job) -> Option<Withheld> {
        let declared = self.declared(&job.subject);
        let exposure = job.exposure.clone().unwrap_or_else(|| unmasked(job));
        exposure.withheld(&job.subject, sight, |field| declared.class_of(field))
    }

    /// A job as somebody may see it: values that were given for fields which are masked for them
    /// do not stand in its scope.
    pub(crate) fn shown(&self, sight: &Sight, job: Job) -> Job {
        let scope = self.shown_scope(sight, (&job.subject, job.exposure.as_ref()), &job.scope);
        Job { scope, ..job }
    }

    /// A schedule, the same way.
    pub(crate) fn shown_schedule(&self, sight: &Sight, mut schedule: Schedule) -> Schedule {
        let request = &mut schedule.request;
        request.scope = self.shown_scope(sight, (&request.subject, None), &request.scope);
        schedule
    }

    /// A scope as somebody may see it: without values for what is masked for them, without what is
    /// sought where that would be in masked fields, and without keys that are masked.
    pub(crate) fn shown_scope(
        &self,
        sight: &Sight,
        (subject, noted): (&str, Option<&Exposure>),
        scope: &Value,
    ) -> Value {
        if sight.is_unmasked() {
            return scope.clone();
        }
        let declared = self.declared(subject);
        let noted_class = |slug: &str| {
            let fields = noted.map(|noted| noted.fields.as_slice()).unwrap_or_default();
            fields.iter().find(|field| field.field == slug)?.class.as_deref()
        };
        let hides = |slug: &str| {
            let classes = [noted_class(slug), declared.class_of(slug)];
            classes.into_iter().flatten().any(|class| sight.policy_of(class).hides())
        };
        let hides_any = |slugs: &[String]| slugs.iter().any(|slug| hides(slug));
        let is_masked = declared.classes.values().any(|class| sight.policy_of(class).hides());
        let cover = Cover {
            hides: &hides,
            hides_search: hides_any(&declared.search)
                || noted.is_some_and(|noted| hides_any(&noted.search)),
            // A key that nobody has declared or noted may be any field.
            hides_keys: hides_any(&declared.key)
                || match noted {
                    Some(noted) => hides_any(&noted.key),
                    None => declared.key.is_empty() && is_masked,
                },
            date_field: declared.date_field.as_deref(),
            shorthands: &declared.shorthands,
            put: &|_| HIDDEN.into(),
        };
        cover.over(scope)
    }

    /// Classes of personal data that the configuration gives to fields.
    pub fn pii_classes(&self) -> BTreeSet<String> {
        let sited = self.sited();
        let declared = sited.site.subjects.iter().map(Declared::of);
        declared.flat_map(|subject| subject.classes.into_values()).collect()
    }

    /// Every subject of the site, whoever sees it, and whether the configuration declares it as
    /// personal data.
    ///
    /// # Errors
    ///
    /// If the caller may not see the settings.
    pub async fn pii_choices(&self, caller: &Caller) -> Result<Vec<(String, bool)>, ServiceError> {
        self.permit(caller, Action::SettingView, Target::default()).await?;
        let sited = self.sited();
        let choice = |subject: &SubjectDeclaration| (subject.slug.clone(), subject.pii);
        Ok(sited.site.subjects.iter().map(choice).collect())
    }

    /// Subjects that the configuration declares as personal data.
    pub(crate) fn declared_pii(&self) -> BTreeSet<String> {
        let sited = self.sited();
        let personal = sited.site.subjects.iter().filter(|subject| subject.pii);
        personal.map(|subject| subject.slug.clone()).collect()
    }

    fn declared(&self, subject: &str) -> Declared {
        self.sited().site.subject(subject).map(Declared::of).unwrap_or_default()
    }
}

/// A scope, or a row limit as the filter of one, as whoever sees the subject like this may see it:
/// a limit may rest on values that are masked for those whom it is for.
pub(crate) fn covered(subject: &Subject, scope: &Value) -> Value {
    let hides = |slug: &str| subject.field(slug).is_some_and(|field| field.mask.hides());
    if !subject.fields.iter().any(|field| field.mask.hides()) {
        return scope.clone();
    }
    let cover = Cover {
        hides: &hides,
        // Whoever has one of the subject's own scopes to show hides these by `shown_scope`.
        hides_search: false,
        hides_keys: false,
        date_field: subject.date_field.as_deref(),
        shorthands: &subject.shorthands,
        put: &|_| HIDDEN.into(),
    };
    cover.over(scope)
}

/// A row limit, the same way.
pub(crate) fn covered_limit(subject: &Subject, limit: &Value) -> Value {
    covered(subject, &serde_json::json!({ "filter": limit }))["filter"].take()
}

/// What a file from before there were masks shows: all of the fields that its job names.
fn unmasked(job: &Job) -> Exposure {
    let slug = |field: &Value| {
        let slug = field.as_str().or_else(|| field.get("slug").and_then(Value::as_str));
        slug.map(str::to_owned)
    };
    let fields = job.fields.as_array().into_iter().flatten().filter_map(slug);
    let shown = |field| ExposedField { field, class: None, policy: MaskPolicy::Show };
    Exposure { fields: fields.map(shown).collect(), ..Exposure::default() }
}
