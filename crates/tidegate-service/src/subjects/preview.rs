//! Shows the first rows of an export exactly as they would be written.

use serde_json::{Map, Value};
use tidegate_model::{
    action::{Action, Target},
    actor::Caller,
    request::ExportRequest,
    sight::Sight,
};
use tidegate_store::Change;

use super::encoded::{Look, PageFormat};
use crate::{error::ServiceError, exports::Prepared, service::Service};

/// Rows of a preview at most.
const PREVIEW_ROWS_MAX: u64 = 20;
/// The format that a preview of a binary format is written in.
const TEXT: &str = "csv";

/// The beginning of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Rows in it.
    pub rows: usize,
    /// Slug of the format that it is written in: the one asked for, or CSV where that is binary.
    pub written_as: &'static str,
    /// Whether that is not the format asked for.
    pub is_stand_in: bool,
    /// The text.
    pub text: String,
    /// Whether personal data is in it.
    pub has_pii: bool,
}

impl Service {
    /// The first rows of an export as they would be written.
    ///
    /// # Errors
    ///
    /// If the caller may not export this, the request is wrong, or the source fails.
    pub async fn preview_export(
        &self,
        caller: &Caller,
        sent: &ExportRequest,
    ) -> Result<Preview, ServiceError> {
        let look = self.asked(caller, Action::ExportPreview, sent).await?;
        let prepared = &look.prepared;
        let has_pii = prepared.request.has_pii();
        let is_stand_in = !prepared.format.is_text();
        let written = match prepared.format.is_text() {
            true => {
                PageFormat { format: prepared.format, options: prepared.options.clone().unpacked() }
            }
            false => {
                let format = tidegate_format::by_slug(TEXT).expect("it is one of the formats");
                let options = tidegate_format::Options::defaults(format.options());
                PageFormat { format, options }
            }
        };
        let written_as = written.format.slug();
        let encoded = self.first_rows(look, PREVIEW_ROWS_MAX, written).await?;
        let text = String::from_utf8(encoded.bytes)
            .map_err(|error| ServiceError::Unwritable { detail: error.to_string() })?;
        Ok(Preview { rows: encoded.rows, written_as, is_stand_in, text, has_pii })
    }

    /// Checks a request that makes no job, and writes down that it was asked.
    pub(super) async fn asked(
        &self,
        caller: &Caller,
        action: Action,
        sent: &ExportRequest,
    ) -> Result<Look, ServiceError> {
        let policy = self.refuse_unknown_subject(caller, action, &sent.subject).await?;
        let target = Target { subject: Some(sent.subject.clone()), ..Target::default() };
        self.permit_by(&policy, caller, action, target.clone()).await?;
        // Asked by the same policy that the row limit is of.
        let prepared = self.prepare(sent, &Sight::of(&policy, caller)).await?;
        let target = Target { has_pii: prepared.request.has_pii(), ..target };
        // The source has been asked since: what is spent follows from the policy of now.
        let policy = self.store.policy().await?;
        let permit = self.permit_by(&policy, caller, action, target).await?;
        let details = self.noted(sent, &prepared).into();
        self.store.commit(permit, Change::Note(details)).await?;
        self.limited(&policy, caller, prepared).await
    }

    /// What the log keeps of a request that makes no job.
    pub(super) fn noted(&self, sent: &ExportRequest, prepared: &Prepared) -> Map<String, Value> {
        let keys = self.keys();
        let hash = |value: &str| keys.hash(value);
        let summary =
            tidegate_model::scope::summary(&sent.scope, prepared.request.subject(), &hash);
        Map::from_iter([
            ("format".to_owned(), sent.format.clone().into()),
            ("fields".to_owned(), prepared.request.frozen_fields()),
            ("scope".to_owned(), summary),
        ])
    }
}
