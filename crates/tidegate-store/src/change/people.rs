//! Operators, roles and tokens. What changes who may do what raises the policy's version.

use sea_orm::SqlErr;
use serde_json::json;
use tidegate_model::{
    action::Action,
    capability::Capabilities,
    ids::{OperatorId, SessionId, TokenId},
    policy::Permit,
    role::{ADMINISTRATOR, Role},
};

use super::{Applied, sessions};
use crate::{
    error::StoreError,
    sql::{Tx, get, json as text},
};

/// A change of operators.
#[derive(Clone, Debug)]
pub enum OperatorChange {
    /// Adds one.
    Add {
        /// Mail address: the name one signs in with.
        email: String,
        /// Name that people read.
        name: String,
        /// Slug of the role.
        role: String,
        /// Argon2 hash of the password; none until one is set.
        password_hash: Option<String>,
    },
    /// Changes the role.
    Role {
        /// Who.
        id: OperatorId,
        /// Slug of the role.
        role: String,
    },
    /// Shuts one out.
    Disable(OperatorId),
    /// Lets one in again.
    Enable(OperatorId),
    /// Sets the password.
    Password {
        /// Who.
        id: OperatorId,
        /// Argon2 hash.
        password_hash: String,
        /// The invitation that this uses up, if it is by one.
        invitation: Option<i64>,
        /// The sign-in that it is done in: all others end.
        session: Option<SessionId>,
    },
    /// Makes a link by which one sets a password.
    Invite {
        /// Who.
        id: OperatorId,
        /// SHA-256 of the secret in the link.
        hash: String,
        /// Microseconds that it lives.
        life_micros: i64,
    },
}

impl OperatorChange {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Add { .. } => &[Action::OperatorAdd],
            Self::Role { .. } | Self::Enable(_) => &[Action::OperatorChange],
            Self::Disable(_) => &[Action::OperatorDisable],
            Self::Password { .. } => &[Action::OperatorPassword],
            Self::Invite { .. } => &[Action::OperatorInvite],
        }
    }
}

/// A change of roles.
#[derive(Clone, Debug)]
pub enum RoleEdit {
    /// Adds a role, or replaces the one of that slug.
    Put(Role),
    /// Removes one that no operator has.
    Remove(String),
}

impl RoleEdit {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Put(_) => &[Action::RoleChange],
            Self::Remove(_) => &[Action::RoleRemove],
        }
    }
}

/// A change of tokens.
#[derive(Clone, Debug)]
pub enum TokenChange {
    /// Makes one for the operator that the permit is about.
    Create {
        /// What it is for.
        name: String,
        /// SHA-256 of the secret.
        hash: String,
        /// What it is limited to.
        scopes: Option<Capabilities>,
        /// When it ends, in microseconds since 1970.
        expires_at: i64,
    },
    /// Takes one back.
    Revoke(TokenId),
}

impl TokenChange {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Create { .. } => &[Action::TokenCreate],
            Self::Revoke(_) => &[Action::TokenRevoke],
        }
    }
}

pub(super) async fn operator(
    tx: &Tx,
    permit: &Permit,
    change: OperatorChange,
) -> Result<Applied, StoreError> {
    refuse_other_operator(permit, &change)?;
    let details = match change {
        OperatorChange::Add { email, name, role, password_hash } => {
            const ADD: &str = "\
                insert into operators (email, name, role, password_hash, created_at) \
                values ($1, $2, $3, $4, $5) returning id";
            refuse_unknown_role(tx, &role).await?;
            let values = [
                email.clone().into(),
                name.into(),
                role.clone().into(),
                password_hash.into(),
                tx.now.into(),
            ];
            let row = tx.row(ADD, values).await.map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => {
                    StoreError::Exists { what: "operator" }
                }
                _ => error.into(),
            })?;
            let row = row.ok_or(StoreError::Corrupt { what: "new operator" })?;
            raise_policy(tx).await?;
            let details = json!({ "email": email, "role": role });
            return Ok(Applied::one(permit.action(), None, details).made(get(&row, "id")?));
        }
        OperatorChange::Role { id, role } => {
            refuse_unknown_role(tx, &role).await?;
            const ROLE: &str = "update operators set role = $2 where id = $1";
            found(tx.execute(ROLE, [id.0.into(), role.clone().into()]).await?, "operator")?;
            refuse_without_administrator(tx).await?;
            json!({ "operator_changed": id, "role": role })
        }
        OperatorChange::Disable(id) => {
            const DISABLE: &str =
                "update operators set disabled_at = $2 where id = $1 and disabled_at is null";
            const TOKENS: &str = "\
                update tokens set revoked_at = $2 where operator_id = $1 and revoked_at is null";
            found(tx.execute(DISABLE, [id.0.into(), tx.now.into()]).await?, "operator")?;
            tx.execute(TOKENS, [id.0.into(), tx.now.into()]).await?;
            sessions::end_all(tx, id.0, None).await?;
            refuse_without_administrator(tx).await?;
            json!({ "operator_changed": id })
        }
        OperatorChange::Invite { id, hash, life_micros } => {
            invite(tx, id, hash, life_micros).await?;
            return Ok(Applied::one(permit.action(), None, json!({ "operator_changed": id })));
        }
        OperatorChange::Enable(id) => {
            const ENABLE: &str =
                "update operators set disabled_at = null where id = $1 and disabled_at is not null";
            found(tx.execute(ENABLE, [id.0.into()]).await?, "operator")?;
            json!({ "operator_changed": id, "enabled": true })
        }
        OperatorChange::Password { id, password_hash, invitation, session } => {
            set_password(tx, id, password_hash, invitation).await?;
            sessions::end_all(tx, id.0, session).await?;
            return Ok(Applied::one(permit.action(), None, json!({ "operator_changed": id })));
        }
    };
    raise_policy(tx).await?;
    Ok(Applied::one(permit.action(), None, details))
}

/// Sets a password. That makes every link to set one worthless, this one too.
async fn set_password(
    tx: &Tx,
    id: OperatorId,
    password_hash: String,
    invitation: Option<i64>,
) -> Result<(), StoreError> {
    const PASSWORD: &str = "update operators set password_hash = $2 where id = $1";
    const USE: &str = "\
        update invitations set used_at = $3 \
        where operator_id = $1 and used_at is null and expires_at > $3 \
            and ($2 = 0 or exists (select 1 from invitations as own where own.id = $2 \
                and own.operator_id = $1 and own.used_at is null and own.expires_at > $3))";
    found(tx.execute(PASSWORD, [id.0.into(), password_hash.into()]).await?, "operator")?;
    let by = invitation.unwrap_or(0);
    let used = tx.execute(USE, [id.0.into(), by.into(), tx.now.into()]).await?;
    match invitation {
        Some(_) => found(used, "invitation"),
        None => Ok(()),
    }
}

/// Makes a link by which a password is set.
async fn invite(tx: &Tx, id: OperatorId, hash: String, life_micros: i64) -> Result<(), StoreError> {
    const INVITE: &str = "\
        insert into invitations (operator_id, hash, created_at, expires_at) \
        values ($1, $2, $3, $4)";
    let expires_at = tx.now.saturating_add(life_micros);
    let values = [id.0.into(), hash.into(), tx.now.into(), expires_at.into()];
    tx.execute(INVITE, values).await?;
    Ok(())
}

/// One's own password is free to set, so it matters whose a permit is for.
fn refuse_other_operator(permit: &Permit, change: &OperatorChange) -> Result<(), StoreError> {
    let id = match change {
        OperatorChange::Add { .. } => return Ok(()),
        OperatorChange::Role { id, .. }
        | OperatorChange::Password { id, .. }
        | OperatorChange::Invite { id, .. } => id,
        OperatorChange::Disable(id) | OperatorChange::Enable(id) => id,
    };
    match permit.target().owner.as_ref() == Some(id) {
        true => Ok(()),
        false => Err(StoreError::WrongPermit {
            permit: permit.action().slug(),
            change: "another operator",
        }),
    }
}

/// What lets an administrator mend everything else.
const MENDING: [&str; 2] = ["operators.manage", "roles.manage"];

/// A site that nobody can administer cannot be mended from within.
async fn refuse_without_administrator(tx: &Tx) -> Result<(), StoreError> {
    const LEFT: &str =
        "select count(*) as n from operators where role = $1 and disabled_at is null";
    let row = tx.row(LEFT, [ADMINISTRATOR.into()]).await?;
    let left: i64 = get(&row.ok_or(StoreError::Corrupt { what: "count" })?, "n")?;
    if left == 0 { Err(StoreError::LastAdministrator) } else { Ok(()) }
}

async fn refuse_unknown_role(tx: &Tx, role: &str) -> Result<(), StoreError> {
    const ROLE: &str = "select 1 as found from roles where slug = $1";
    match tx.row(ROLE, [role.into()]).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::Missing { what: "role" }),
    }
}

fn found(rows: u64, what: &'static str) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Missing { what }) } else { Ok(()) }
}

pub(super) async fn role(tx: &Tx, permit: &Permit, edit: RoleEdit) -> Result<Applied, StoreError> {
    let details = match edit {
        RoleEdit::Put(role) => {
            let keeps = MENDING.iter().all(|slug| role.capabilities.contains(*slug));
            if role.slug == ADMINISTRATOR && !keeps {
                return Err(StoreError::LastAdministrator);
            }
            const PUT: &str = "\
                insert into roles (slug, label, capabilities, limits, masks) \
                values ($1, $2, $3, $4, $5) \
                on conflict (slug) do update set label = excluded.label, \
                    capabilities = excluded.capabilities, limits = excluded.limits, \
                    masks = excluded.masks";
            let values = [
                role.slug.clone().into(),
                role.label.clone().into(),
                text(&role.capabilities).into(),
                text(&role.limits).into(),
                text(&role.masks).into(),
            ];
            tx.execute(PUT, values).await?;
            let limited: Vec<&str> =
                role.limits.iter().map(|limit| limit.subject.as_str()).collect();
            json!({
                "role": role.slug,
                "capabilities": role.capabilities,
                "limited_subjects": limited,
                "masks": role.masks,
            })
        }
        RoleEdit::Remove(slug) => {
            const USED: &str = "select 1 as used from operators where role = $1 limit 1";
            const REMOVE: &str = "delete from roles where slug = $1";
            if tx.row(USED, [slug.clone().into()]).await?.is_some() {
                return Err(StoreError::Exists { what: "operator with that role" });
            }
            found(tx.execute(REMOVE, [slug.clone().into()]).await?, "role")?;
            json!({ "role": slug })
        }
    };
    raise_policy(tx).await?;
    Ok(Applied::one(permit.action(), None, details))
}

pub(super) async fn token(
    tx: &Tx,
    permit: &Permit,
    change: TokenChange,
) -> Result<Applied, StoreError> {
    let owner = permit.target().owner.ok_or(StoreError::Missing { what: "operator" })?;
    match change {
        TokenChange::Create { name, hash, scopes, expires_at } => {
            const CREATE: &str = "\
                insert into tokens (operator_id, name, hash, scopes, created_at, expires_at) \
                values ($1, $2, $3, $4, $5, $6) returning id";
            let values = [
                owner.0.into(),
                name.clone().into(),
                hash.into(),
                scopes.as_ref().map(text).into(),
                tx.now.into(),
                expires_at.into(),
            ];
            let row = tx.row(CREATE, values).await?;
            let row = row.ok_or(StoreError::Corrupt { what: "new token" })?;
            let details = json!({ "owner": owner, "name": name, "scopes": scopes });
            Ok(Applied::one(permit.action(), None, details).made(get(&row, "id")?))
        }
        TokenChange::Revoke(id) => {
            const REVOKE: &str = "\
                update tokens set revoked_at = $3 \
                where id = $1 and operator_id = $2 and revoked_at is null";
            let values = [id.0.into(), owner.0.into(), tx.now.into()];
            found(tx.execute(REVOKE, values).await?, "token")?;
            let details = json!({ "owner": owner, "token": id });
            Ok(Applied::one(permit.action(), None, details))
        }
    }
}

/// Whoever was asked under the old policy has to ask again.
pub(super) async fn raise_policy(tx: &Tx) -> Result<(), StoreError> {
    tx.execute("update policy set version = version + 1 where id = 1", []).await?;
    Ok(())
}
