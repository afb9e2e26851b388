//! Puts into values, and into words, what a notice says: no row, no secret, no condition.

use serde_json::{Map, Value, json};
use tidegate_model::{job::Job, notice::Topic, status::Status};
use tidegate_store::{StoreError, Told};

use super::{
    settings::NotifySettings,
    template::{Rendered, details_with, example, program_words, render_apart},
};
use crate::{error::ServiceError, service::Service};

/// Members of a payload that are for us and not for whoever is told.
const INTERNAL: [&str; 2] = ["capability", "example"];
/// Where a job's page is.
const EXPORT_PAGE: &str = "/sg-admin/exports/";
/// Where an export waits for a second person.
const APPROVAL_PAGE: &str = "/sg-admin/approvals/";
/// Where a schedule's page is.
const SCHEDULE_PAGE: &str = "/sg-admin/cron/";
/// Where all notices are.
const NOTICES_PAGE: &str = "/sg-admin/notifications";

impl Service {
    /// How people are reached, as it is configured now.
    pub(crate) fn notify_settings(&self) -> NotifySettings {
        self.sited().site.notify.clone()
    }

    /// The job that a notice is about.
    pub(super) async fn job_of(&self, told: &Told) -> Result<Option<Job>, StoreError> {
        match told.job {
            Some(id) => self.store.job(id).await,
            None => Ok(None),
        }
    }

    /// A mail about a notice, in the words that are kept for it.
    pub(super) async fn mail_of(
        &self,
        told: &Told,
        job: Option<&Job>,
    ) -> Result<Rendered, ServiceError> {
        let values = match is_example(told) {
            true => example(told.topic),
            false => self.mail_values(told, job),
        };
        let own = self.store.templates().await?.remove(told.topic.slug());
        if let Some(words) = own {
            match render_apart(words, values.clone()).await {
                Ok(made) => return Ok(made),
                // Nobody stays untold because of a word: what the site says instead is put right.
                Err(fault) => {
                    tracing::error!(topic = told.topic.slug(), fault, "a template is wrong");
                }
            }
        }
        let made = render_apart(program_words(), values).await;
        Ok(made.expect("the program's words fit every notice"))
    }

    fn mail_values(&self, told: &Told, job: Option<&Job>) -> Value {
        let settings = self.notify_settings();
        let page = page_of(told, &settings);
        // The link in a mail leads to the sign-in: it names the file, and grants nothing.
        let link = job.and_then(|job| self.locator(job)).map(|made| {
            made.link.url(settings.public_url.as_deref().unwrap_or_default().trim_end_matches('/'))
        });
        json!({
            "title": told.topic.title(),
            "topic": told.topic.slug(),
            "at": moment(told.at),
            "link": link.unwrap_or_else(|| page.clone()),
            "page": page,
            "site": settings.url_of(""),
            "export": job.map(export_of),
            "details": details_with(details_of(told)),
        })
    }

    /// What a webhook is sent: thin, so that whoever wants more asks for it, with its own rights.
    pub(super) fn webhook_body(&self, told: &Told, job: Option<&Job>) -> Value {
        let settings = self.notify_settings();
        json!({
            "type": told.topic.slug(),
            "timestamp": moment(told.at),
            "data": {
                "event": format!("evt_{}", told.id),
                "title": told.topic.title(),
                "export": job.map(export_of),
                "details": details_of(told),
                "page": page_of(told, &settings),
            },
        })
    }
}

/// Whether somebody has asked for it to see how it looks.
pub(super) fn is_example(told: &Told) -> bool {
    told.payload["example"] == true
}

/// The page about it, within the site.
pub(super) fn path_of(told: &Told) -> String {
    // Whoever is told of these may decide about the export, and may not see it in the list.
    let is_decided = matches!(told.topic, Topic::ApprovalRequested | Topic::ApprovalBroken);
    match (told.job, told.payload["schedule"].as_i64()) {
        (Some(id), _) if is_decided => format!("{APPROVAL_PAGE}{id}"),
        (Some(id), _) => format!("{EXPORT_PAGE}{id}"),
        (None, Some(schedule)) => format!("{SCHEDULE_PAGE}{schedule}"),
        (None, None) => NOTICES_PAGE.to_owned(),
    }
}

fn page_of(told: &Told, settings: &NotifySettings) -> String {
    settings.url_of(&path_of(told))
}

/// What of a job is said to whoever is told of it.
fn export_of(job: &Job) -> Value {
    let is_whole = matches!(job.status, Status::Ready | Status::Expired | Status::Deleted);
    json!({
        "id": job.id,
        "subject": job.subject,
        "kind": job.kind,
        "format": job.format,
        "status": job.status.slug(),
        "rows": is_whole.then_some(job.rows_done),
        "bytes": job.size_bytes,
        "expires_at": job.expires_at.map(moment),
        "has_pii": job.has_pii,
        "error": job.error.as_ref().map(|error| error.detail.clone()),
        "error_reason": job.error.as_ref().map(|error| error.reason.slug()),
        "via": job.via.slug(),
    })
}

fn details_of(told: &Told) -> Map<String, Value> {
    let members = told.payload.as_object().cloned().unwrap_or_default();
    members.into_iter().filter(|(name, _)| !INTERNAL.contains(&name.as_str())).collect()
}

fn moment(micros: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
