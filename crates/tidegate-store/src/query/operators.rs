//! Operators and their tokens.

use std::collections::BTreeMap;

use sea_orm::QueryResult;
use serde::Serialize;
use tidegate_model::{
    capability::Capabilities,
    ids::{OperatorId, TokenId},
};

use super::among_numbers;
use crate::{connection::Store, error::StoreError, sql::get};

/// What is known of an operator.
const OPERATOR_COLUMNS: [&str; 7] =
    ["id", "email", "name", "role", "password_hash", "created_at", "disabled_at"];
/// How many second factors an operator `o` has: one, or none.
const SECOND_FACTORS: &str = "\
    (select count(*) from second_factors s \
        where s.operator_id = o.id and s.sealed is not null)";
/// Begins the names of an operator's columns beside those of what it owns.
const OWNER: &str = "owner_";

/// A person who signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Operator {
    /// Number.
    pub id: OperatorId,
    /// Mail address.
    pub email: String,
    /// Name that people read.
    pub name: String,
    /// Slug of the role.
    pub role: String,
    /// Argon2 hash of the password. Never shown.
    #[serde(skip)]
    pub password_hash: Option<String>,
    /// When added, in microseconds since 1970.
    pub created_at: i64,
    /// Whether shut out.
    pub is_disabled: bool,
    /// Whether a second factor is enrolled.
    pub has_second_factor: bool,
}

/// An API token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Number.
    pub id: TokenId,
    /// Whose.
    pub operator: OperatorId,
    /// What it is for.
    pub name: String,
    /// What it is limited to.
    pub scopes: Option<Capabilities>,
    /// When made, in microseconds since 1970.
    pub created_at: i64,
    /// When it ends.
    pub expires_at: i64,
    /// Whether taken back.
    pub is_revoked: bool,
}

/// Whoever shows a token, and when that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bearer {
    /// The token.
    pub token: Token,
    /// Whose it is.
    pub operator: Operator,
    /// The database's clock, in microseconds since 1970.
    pub now: i64,
}

/// Operators, with whether each has a second factor.
fn operators() -> String {
    format!("select o.*, {SECOND_FACTORS} as second_factors from operators o")
}

/// How an operator is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedOperator {
    /// Name that people read; the mail address where there is none.
    pub name: String,
    /// Mail address.
    pub email: String,
}

impl Store {
    /// An operator by number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn operator(&self, id: OperatorId) -> Result<Option<Operator>, StoreError> {
        let sql = format!("{} where o.id = $1", operators());
        self.ask_one(&sql, [id.0.into()]).await?.as_ref().map(operator_of).transpose()
    }

    /// An operator by mail address.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn operator_by_email(&self, email: &str) -> Result<Option<Operator>, StoreError> {
        let sql = format!("{} where o.email = $1", operators());
        self.ask_one(&sql, [email.into()]).await?.as_ref().map(operator_of).transpose()
    }

    /// Names of some operators; the mail address where there is no name.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn operator_names(
        &self,
        ids: &[OperatorId],
    ) -> Result<BTreeMap<OperatorId, String>, StoreError> {
        let named = self.named_operators(ids).await?;
        Ok(named.into_iter().map(|(id, one)| (id, one.name)).collect())
    }

    /// Names and mail addresses of some operators.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn named_operators(
        &self,
        ids: &[OperatorId],
    ) -> Result<BTreeMap<OperatorId, NamedOperator>, StoreError> {
        let mut values = Vec::with_capacity(ids.len());
        let wanted = among_numbers("id", ids.iter().map(|id| id.0), &mut values);
        let sql = format!("select id, email, name from operators where {wanted}");
        let rows = self.ask(&sql, values).await?;
        let named = rows.iter().map(|row| {
            let (name, email): (String, String) = (get(row, "name")?, get(row, "email")?);
            let name = if name.is_empty() { email.clone() } else { name };
            Ok((OperatorId(get(row, "id")?), NamedOperator { name, email }))
        });
        named.collect()
    }

    /// All operators.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let sql = format!("{} order by o.id", operators());
        self.ask(&sql, []).await?.iter().map(operator_of).collect()
    }

    /// Whoever shows a token, by the hash of its secret: all from one look, as every request asks.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn bearer(&self, hash: &str) -> Result<Option<Bearer>, StoreError> {
        let sql = format!(
            "select t.*, {}, {} as now \
             from tokens t join operators o on o.id = t.operator_id where t.hash = $1",
            owner_columns(),
            self.inner.now(),
        );
        let Some(row) = self.ask_one(&sql, [hash.into()]).await? else { return Ok(None) };
        Ok(Some(Bearer {
            token: token_of(&row)?,
            operator: owner_of(&row)?,
            now: get(&row, "now")?,
        }))
    }

    /// A token by number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn token(&self, id: TokenId) -> Result<Option<Token>, StoreError> {
        const BY_ID: &str = "select * from tokens where id = $1";
        self.ask_one(BY_ID, [id.0.into()]).await?.as_ref().map(token_of).transpose()
    }

    /// Tokens, of one operator or of all.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn tokens(&self, operator: Option<OperatorId>) -> Result<Vec<Token>, StoreError> {
        const TOKENS: &str =
            "select * from tokens where ($1 is null or operator_id = $1) order by id";
        let rows = self.ask(TOKENS, [operator.map(|id| id.0).into()]).await?;
        rows.iter().map(token_of).collect()
    }
}

/// The columns of an operator `o` beside those of what it owns.
pub(super) fn owner_columns() -> String {
    let columns = OPERATOR_COLUMNS.map(|column| format!("o.{column} as {OWNER}{column}"));
    format!("{}, {SECOND_FACTORS} as {OWNER}second_factors", columns.join(", "))
}

/// The operator of a row with such columns.
pub(super) fn owner_of(row: &QueryResult) -> Result<Operator, StoreError> {
    prefixed_operator_of(row, OWNER)
}

fn operator_of(row: &QueryResult) -> Result<Operator, StoreError> {
    prefixed_operator_of(row, "")
}

/// The operator of a row that has other columns beside, and so these with a prefix.
fn prefixed_operator_of(row: &QueryResult, prefix: &str) -> Result<Operator, StoreError> {
    let [id, email, name, role, password_hash, created_at, disabled_at] =
        OPERATOR_COLUMNS.map(|column| format!("{prefix}{column}"));
    let second_factors = format!("{prefix}second_factors");
    Ok(Operator {
        id: OperatorId(get(row, &id)?),
        email: get(row, &email)?,
        name: get(row, &name)?,
        role: get(row, &role)?,
        password_hash: get(row, &password_hash)?,
        created_at: get(row, &created_at)?,
        is_disabled: get::<Option<i64>>(row, &disabled_at)?.is_some(),
        has_second_factor: get::<i64>(row, &second_factors)? > 0,
    })
}

fn token_of(row: &QueryResult) -> Result<Token, StoreError> {
    let scopes: Option<String> = get(row, "scopes")?;
    let scopes = scopes.map(|text| serde_json::from_str(&text)).transpose();
    Ok(Token {
        id: TokenId(get(row, "id")?),
        operator: OperatorId(get(row, "operator_id")?),
        name: get(row, "name")?,
        scopes: scopes.map_err(|_| StoreError::Corrupt { what: "token's scope" })?,
        created_at: get(row, "created_at")?,
        expires_at: get(row, "expires_at")?,
        is_revoked: get::<Option<i64>>(row, "revoked_at")?.is_some(),
    })
}
