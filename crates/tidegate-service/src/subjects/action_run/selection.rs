//! The records that an action is about: their keys, within the limits of whoever has it done.

use serde_json::Value;
use sha2::{Digest, Sha256};
use tidegate_format::Options;
use tidegate_model::{
    actor::Caller,
    audit::hexadecimal,
    fault::Faults,
    mask::MaskPolicy,
    registry::{ActionDeclaration, Reach},
    request::ExportRequest,
    scope,
    sight::Sight,
};

use super::{RUN_RECORDS_MAX, RunRequest, fault};
use crate::{error::ServiceError, service::Service, subjects::encoded::PageFormat};

/// The format whose lines are the keys.
const LINES: &str = "ndjson";

/// What is selected.
pub(super) struct Selection {
    pub(super) keys: Vec<Value>,
    /// What the log says of it.
    pub(super) summary: Value,
    /// Whether it is personal data.
    pub(super) has_pii: bool,
}

impl Selection {
    /// Tells these records from others, in whatever order they come.
    pub(super) fn digest(&self) -> String {
        let mut keys: Vec<String> = self.keys.iter().map(Value::to_string).collect();
        keys.sort_unstable();
        hexadecimal(&Sha256::digest(keys.join("\n").as_bytes()))
    }
}

impl Service {
    /// What is selected, within the limits of the caller's role.
    pub(super) async fn selected(
        &self,
        caller: &Caller,
        declared: &ActionDeclaration,
        sent: &RunRequest,
    ) -> Result<Selection, ServiceError> {
        let bound = self.bound(&sent.subject).await?;
        let subject = bound.subject.of_kind(sent.kind.as_deref()).map_err(|it| Faults(vec![it]))?;
        if subject.key.is_empty() {
            return Err(fault("", "records without a key cannot be named to a site"));
        }
        let request = ExportRequest {
            kind: sent.kind.clone(),
            scope: sent.scope.clone(),
            fields: subject.key.clone().into(),
            ..ExportRequest::new(sent.subject.clone(), LINES)
        };
        let single = subject.key.clone();
        let policy = self.store.policy().await?;
        let prepared = self.prepare(&request, &Sight::of(&policy, caller)).await?;
        let shown = prepared.request.subject();
        let is_masked =
            |slug: &String| shown.field(slug).is_none_or(|field| field.mask != MaskPolicy::Show);
        // As it is seen, a subject with a masked key has none: its own key is looked at.
        if single.iter().any(is_masked) {
            return Err(fault("", "you do not see the keys of these records, which would be sent"));
        }
        let has_pii = prepared.request.has_pii();
        let keys = self.keys();
        let hash = |value: &str| keys.hash(value);
        let summary = scope::summary(&request.scope, prepared.request.subject(), &hash);
        let look = self.limited(&policy, caller, prepared).await?;
        let most = match declared.scope {
            Reach::Row => 1,
            Reach::Bulk | Reach::List => RUN_RECORDS_MAX,
        };
        let format = tidegate_format::by_slug(LINES).expect("it is one of the formats");
        let options = Options::defaults(format.options());
        let wanted = u64::try_from(most).unwrap_or(u64::MAX) + 1;
        let page = self.first_rows(look, wanted, PageFormat { format, options }).await?;
        if page.rows > most {
            return Err(fault(
                "/scope",
                format!("this is done to at most {most} records at a time"),
            ));
        }
        if page.rows == 0 {
            return Err(fault("/scope", "there is no such record"));
        }
        let lines = page.bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let read = lines.map(|line| key_of(line, &single)).collect::<Option<Vec<Value>>>();
        let read = read.ok_or(ServiceError::Unwritable { detail: "a key".to_owned() })?;
        Ok(Selection { keys: read, summary, has_pii })
    }
}

/// The key of a record: its value, or where it has several parts, a list of them.
fn key_of(line: &[u8], fields: &[String]) -> Option<Value> {
    let record: Value = serde_json::from_slice(line).ok()?;
    let part = |slug: &String| record.pointer(&format!("/{}", slug.replace('.', "/"))).cloned();
    match fields {
        [one] => part(one),
        all => all.iter().map(part).collect::<Option<Vec<Value>>>().map(Value::Array),
    }
}
