//! Operators and their tokens.

use sea_orm::QueryResult;
use serde::Serialize;
use tidegate_model::{
    capability::Capabilities,
    ids::{OperatorId, TokenId},
};

use crate::{connection::Store, error::StoreError, sql::get};

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

/// Operators, with whether each has a second factor.
const OPERATORS: &str = "\
    select o.*, (select count(*) from second_factors s \
        where s.operator_id = o.id and s.sealed is not null) as second_factors \
    from operators o";

impl Store {
    /// An operator by number.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn operator(&self, id: OperatorId) -> Result<Option<Operator>, StoreError> {
        let sql = format!("{OPERATORS} where o.id = $1");
        self.ask_one(&sql, [id.0.into()]).await?.as_ref().map(operator_of).transpose()
    }

    /// An operator by mail address.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn operator_by_email(&self, email: &str) -> Result<Option<Operator>, StoreError> {
        let sql = format!("{OPERATORS} where o.email = $1");
        self.ask_one(&sql, [email.into()]).await?.as_ref().map(operator_of).transpose()
    }

    /// All operators.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let sql = format!("{OPERATORS} order by o.id");
        self.ask(&sql, []).await?.iter().map(operator_of).collect()
    }

    /// A token by the hash of its secret.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn token_by_hash(&self, hash: &str) -> Result<Option<Token>, StoreError> {
        const BY_HASH: &str = "select * from tokens where hash = $1";
        self.ask_one(BY_HASH, [hash.into()]).await?.as_ref().map(token_of).transpose()
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

fn operator_of(row: &QueryResult) -> Result<Operator, StoreError> {
    Ok(Operator {
        id: OperatorId(get(row, "id")?),
        email: get(row, "email")?,
        name: get(row, "name")?,
        role: get(row, "role")?,
        password_hash: get(row, "password_hash")?,
        created_at: get(row, "created_at")?,
        is_disabled: get::<Option<i64>>(row, "disabled_at")?.is_some(),
        has_second_factor: get::<i64>(row, "second_factors")? > 0,
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
