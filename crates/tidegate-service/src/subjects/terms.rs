//! The terms of an export before it is made: what would be in it, and how long it would be kept.

use serde_json::Value;
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    query::Selected,
    request::ExportRequest,
    sight::Sight,
};

use crate::{error::ServiceError, exposure::covered_limit, service::Service};

/// What an export would be made under.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportTerms {
    /// Fields of the file, in their order.
    pub fields: Vec<Selected>,
    /// Whether personal data is in it.
    pub has_pii: bool,
    /// The filter that the role of the caller adds.
    pub row_limit: Option<Value>,
    /// Days that the file is kept.
    pub retention_days: u32,
}

impl Service {
    /// Checks a request as making the export would, and asks no row of the source.
    ///
    /// # Errors
    ///
    /// If the caller may not export this, or the request is wrong: all faults at once.
    pub async fn export_terms(
        &self,
        caller: &Caller,
        sent: &ExportRequest,
    ) -> Result<ExportTerms, ServiceError> {
        let action = Action::ExportPreview;
        let policy = self.refuse_unknown_subject(caller, action, &sent.subject).await?;
        let target = Target { subject: Some(sent.subject.clone()), ..Target::default() };
        // No row is told, so nothing has to be written down.
        drop(self.permit_by(&policy, caller, action, target).await?);
        let sight = Sight::of(&policy, caller);
        let request = self.prepare_with_reason(sent, &sight).await?.request;
        let limit = sight.limit_of(&sent.subject);
        let row_limit = limit.map(|limit| covered_limit(request.subject(), limit));
        let shown = request.fields().iter().filter(|chosen| !chosen.is_hidden);
        Ok(ExportTerms {
            fields: shown.cloned().collect(),
            has_pii: request.has_pii(),
            row_limit,
            retention_days: self.store.settings().await?.retention_days,
        })
    }
}
