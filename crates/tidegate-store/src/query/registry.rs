//! The registry of actions, and who lands by which signed request.

use tidegate_model::{
    ids::OperatorId,
    registry::{AdminAction, Kind, Reach, Registered},
};

use crate::{connection::Store, error::StoreError, sql::get};

impl Store {
    /// Every action of the registry, retired ones too.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn registered_actions(&self) -> Result<Vec<Registered>, StoreError> {
        const ALL: &str = "\
            select origin, model, codename, name, kind, scope, capability, \
                cast(case when retired_at is null then 0 else 1 end as bigint) as is_retired \
            from actions order by model, codename, origin";
        let rows = self.ask(ALL, []).await?;
        let registered = rows.iter().map(|row| {
            let (kind, scope): (String, String) = (get(row, "kind")?, get(row, "scope")?);
            Ok(Registered {
                action: AdminAction {
                    model: get(row, "model")?,
                    codename: get(row, "codename")?,
                    name: get(row, "name")?,
                    kind: Kind::find(&kind).ok_or(StoreError::Corrupt { what: "kind" })?,
                    scope: Reach::find(&scope).ok_or(StoreError::Corrupt { what: "scope" })?,
                },
                capability: get(row, "capability")?,
                origin: get(row, "origin")?,
                is_retired: get::<i64>(row, "is_retired")? != 0,
            })
        });
        registered.collect()
    }

    /// Who may land by a secret of this hash: it was not used, and its time has not passed.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn lander(&self, ticket: &str) -> Result<Option<OperatorId>, StoreError> {
        let sql = format!(
            "select operator_id from hand_overs \
             where ticket = $1 and used_at is null and expires_at > {}",
            self.inner.now(),
        );
        let row = self.ask_one(&sql, [ticket.into()]).await?;
        row.map(|row| Ok(OperatorId(get(&row, "operator_id")?))).transpose()
    }

    /// Whether something that another site has said has lapsed and still stands there.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn has_lapsed_grants(&self) -> Result<bool, StoreError> {
        let sql = format!(
            "select 1 as lapsed from grants where expires_at <= {} limit 1",
            self.inner.now(),
        );
        Ok(self.ask_one(&sql, []).await?.is_some())
    }
}
