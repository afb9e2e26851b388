//! The policy and the settings, as they are now.

use sea_orm::QueryResult;
use tidegate_model::{ids::OperatorId, policy::Policy, role::Role, settings::Settings};

use crate::{
    connection::Store,
    error::StoreError,
    sql::{get, get_json},
};

/// Roles, grants that count, and capabilities that nobody declares any more.
const POLICY_OF_NOW: &str = "\
    select 'role' as what, p.version as number, r.slug, r.label, r.capabilities, r.limits, \
        r.masks, p.pauses, s.document \
    from policy p join settings s on s.id = 1 left join roles r on 1 = 1 where p.id = 1 \
    union all \
    select 'grant', g.operator_id, '', '', g.capability, '', '', '', '' from grants g \
    where g.expires_at > {now} \
    union all \
    select 'retired', 0, '', '', a.capability, '', '', '', '' from actions a \
    where a.retired_at is not null and not exists (select 1 from actions b \
        where b.capability = a.capability and b.retired_at is null)";

/// A role; none where the site has none.
fn role_of(row: &QueryResult) -> Result<Option<Role>, StoreError> {
    let Some(slug) = get::<Option<String>>(row, "slug")? else { return Ok(None) };
    Ok(Some(Role {
        slug,
        label: get(row, "label")?,
        capabilities: get_json(row, "capabilities", "set of capabilities")?,
        limits: get_json(row, "limits", "list of limits")?,
        masks: get_json(row, "masks", "list of masks")?,
    }))
}

impl Store {
    /// The roles of the site, what other sites grant at this moment, and the policy's version: all
    /// from one look.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn policy(&self) -> Result<Policy, StoreError> {
        let sql = POLICY_OF_NOW.replace("{now}", &self.inner.now());
        let rows = self.ask(&sql, []).await?;
        let mut policy = Policy::default();
        let mut version = None;
        for row in &rows {
            let what: String = get(row, "what")?;
            match what.as_str() {
                "grant" => {
                    let operator = OperatorId(get(row, "number")?);
                    let granted = policy.grants.entry(operator).or_default();
                    granted.insert(get(row, "capabilities")?);
                }
                "retired" => _ = policy.retired.insert(get(row, "capabilities")?),
                _ => {
                    if version.is_none() {
                        let settings: Settings = get_json(row, "document", "document of settings")?;
                        policy.masks = settings.masks;
                        policy.pii_subjects = settings.pii_subjects;
                        policy.pauses = get_json(row, "pauses", "list of pauses")?;
                        version = Some(get(row, "number")?);
                    }
                    let Some(role) = role_of(row)? else { continue };
                    policy.roles.insert(role.slug.clone(), role);
                }
            }
        }
        policy.version = version.ok_or(StoreError::Corrupt { what: "policy" })?;
        Ok(policy)
    }

    /// The settings.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn settings(&self) -> Result<Settings, StoreError> {
        const SETTINGS: &str = "select document from settings where id = 1";
        let row = self.ask_one(SETTINGS, []).await?;
        let row = row.ok_or(StoreError::Corrupt { what: "row of settings" })?;
        get_json(&row, "document", "document of settings")
    }
}
