//! Settings. What changes who is shown what raises the policy's version.

use std::collections::BTreeSet;

use serde_json::json;
use tidegate_model::{notice::Topic, policy::Permit, settings::Settings};

use super::{
    Applied, download::revoke_bearers, end::refuse_other_policy, outbox::tell, people::raise_policy,
};
use crate::{
    error::StoreError,
    sql::{Tx, get_json, json as text},
};

/// Settings that are to be.
#[derive(Clone, Debug, Default)]
pub struct SettingsEdit {
    /// All of them.
    pub settings: Settings,
    /// Subjects that the configuration declares as personal data: they count where the settings
    /// have no list of their own.
    pub declared_pii: BTreeSet<String>,
}

impl From<Settings> for SettingsEdit {
    /// Settings of a site whose configuration declares no personal data.
    fn from(settings: Settings) -> Self {
        Self { settings, declared_pii: BTreeSet::new() }
    }
}

pub(super) async fn set_all(
    tx: &Tx,
    permit: &Permit,
    edit: SettingsEdit,
) -> Result<Applied, StoreError> {
    const NOW: &str = "select document from settings where id = 1";
    const SET: &str = "update settings set document = $1 where id = 1";
    let SettingsEdit { settings, declared_pii } = edit;
    let row = tx.row(NOW, []).await?.ok_or(StoreError::Corrupt { what: "row of settings" })?;
    let before: Settings = get_json(&row, "document", "document of settings")?;
    tx.execute(SET, [text(&settings).into()]).await?;
    // Switched on again, they stay dead: nobody remembers who has them.
    let revoked = match settings.bearer_link_hours_max {
        None => revoke_bearers(tx).await?,
        Some(_) => 0,
    };
    let mut details = json!({ "settings": settings, "bearer_links_revoked": revoked });
    if !settings.shows_as(&before) {
        // What was said of the change, and whether it is tagged, follows from the policy that the
        // permit is of.
        refuse_other_policy(tx, permit.policy_version()).await?;
        raise_policy(tx).await?;
    }
    let list = |settings: &Settings| settings.pii_subjects.clone();
    let (was, is) = (list(&before), list(&settings));
    let (was, is) = (was.as_ref().unwrap_or(&declared_pii), is.as_ref().unwrap_or(&declared_pii));
    if was != is {
        let (added, removed): (Vec<_>, Vec<_>) =
            (is.difference(was).collect(), was.difference(is).collect());
        if !removed.is_empty() && !permit.target().has_pii {
            return Err(StoreError::WrongPermit {
                permit: permit.action().slug(),
                change: "a shorter list of personal data",
            });
        }
        let change = json!({ "added": added, "removed": removed });
        let by = &permit.caller().name;
        let payload = json!({ "added": added, "removed": removed, "by": by });
        tell(tx, Topic::PiiChanged, None, payload).await?;
        details["pii_subjects_changed"] = change;
    }
    Ok(Applied::one(permit.action(), None, details))
}
