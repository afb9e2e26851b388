//! Notes that a browser has made a file of the rows that it shows.

use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    fault::{Fault, Faults},
    request::{CheckedRequest, ExportRequest},
    settings::Settings,
    sight::Sight,
};
use tidegate_store::Change;

use super::rows::ROWS_PAGE_MAX;
use crate::{error::ServiceError, service::Service};

impl Service {
    /// Notes that a browser has made a file of so many rows that were on its screen. Nobody can
    /// hold it to that: the entry is best effort. What is personal data is not made there.
    ///
    /// # Errors
    ///
    /// If the caller may not export the subject, the request is wrong, personal data is in it, or
    /// the site does not want such files.
    pub async fn note_client_export(
        &self,
        caller: &Caller,
        sent: &ExportRequest,
        rows: u32,
    ) -> Result<(), ServiceError> {
        let action = Action::ClientExport;
        let policy = self.refuse_unknown_subject(caller, action, &sent.subject).await?;
        let target = Target { subject: Some(sent.subject.clone()), ..Target::default() };
        self.permit(caller, action, target.clone()).await?;
        let prepared = self.prepare(sent, &Sight::of(&policy, caller)).await?;
        if let Some(fault) = refusal(&prepared.request, &self.store.settings().await?) {
            return Err(Faults(vec![fault]).into());
        }
        if !(1..=ROWS_PAGE_MAX).contains(&rows) {
            let detail = format!("a page has 1 to {ROWS_PAGE_MAX} rows");
            return Err(Faults(vec![Fault::new("/rows", detail)]).into());
        }
        let permit = self.permit(caller, action, target).await?;
        let mut details = self.noted(sent, &prepared);
        details.insert("rows".to_owned(), rows.into());
        self.store.commit(permit, Change::Note(details.into())).await?;
        Ok(())
    }
}

/// Why a browser may not make a file of it; none if it may.
pub(super) fn refusal(request: &CheckedRequest, settings: &Settings) -> Option<Fault> {
    if request.has_pii() {
        let detail = "these rows are personal data: the service makes the file, not the browser";
        return Some(Fault::new("/subject", detail));
    }
    let detail = "this site lets no browser make files (`client_export`): the service does";
    (!settings.client_export).then(|| Fault::new("", detail))
}
