//! The policy and the settings, as they are now.

use tidegate_model::{policy::Policy, role::Role, settings::Settings};

use crate::{
    connection::Store,
    error::StoreError,
    sql::{get, get_json},
};

impl Store {
    /// The roles of the site with the policy's version, both from one look.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn policy(&self) -> Result<Policy, StoreError> {
        const POLICY: &str = "\
            select p.version, r.slug, r.label, r.capabilities, r.limits \
            from policy p left join roles r on 1 = 1 where p.id = 1 order by r.slug";
        let rows = self.ask(POLICY, []).await?;
        let first = rows.first().ok_or(StoreError::Corrupt { what: "policy" })?;
        let mut policy = Policy { version: get(first, "version")?, ..Policy::default() };
        for row in &rows {
            let Some(slug) = get::<Option<String>>(row, "slug")? else { continue };
            let role = Role {
                slug: slug.clone(),
                label: get(row, "label")?,
                capabilities: get_json(row, "capabilities", "set of capabilities")?,
                limits: get_json(row, "limits", "list of limits")?,
            };
            policy.roles.insert(slug, role);
        }
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
