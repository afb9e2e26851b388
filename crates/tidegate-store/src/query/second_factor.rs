//! Second factors of sign-in, and sign-ins that wait for one.

use tidegate_model::ids::OperatorId;

use crate::{connection::Store, error::StoreError, sql::get};

/// What is kept of an operator's second factor. The secrets are sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecondFactor {
    /// The secret that counts; none if nothing is enrolled.
    pub sealed: Option<String>,
    /// When it was enrolled, in microseconds since 1970.
    pub enrolled_at: Option<i64>,
    /// Number of the 30 seconds of the last code that was used.
    pub step: i64,
    /// A secret that was shown and waits for a code.
    pub offered: Option<String>,
    /// When it was shown.
    pub offered_at: Option<i64>,
    /// Recovery codes that were not used.
    pub recovery_codes_left: i64,
}

/// A sign-in whose password was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondStep {
    /// Whose.
    pub operator: OperatorId,
    /// When it ends, in microseconds since 1970.
    pub expires_at: i64,
}

impl Store {
    /// The second factor of an operator; without one, nothing of it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn second_factor(&self, operator: OperatorId) -> Result<SecondFactor, StoreError> {
        const FACTOR: &str = "\
            select s.*, (select count(*) from recovery_codes r where r.operator_id = $1 \
                and r.used_at is null) as recovery_codes_left \
            from second_factors s where s.operator_id = $1";
        let Some(row) = self.ask_one(FACTOR, [operator.0.into()]).await? else {
            return Ok(SecondFactor::default());
        };
        Ok(SecondFactor {
            sealed: get(&row, "sealed")?,
            enrolled_at: get(&row, "enrolled_at")?,
            step: get(&row, "step")?,
            offered: get(&row, "offered")?,
            offered_at: get(&row, "offered_at")?,
            recovery_codes_left: get(&row, "recovery_codes_left")?,
        })
    }

    /// Whether an operator has a recovery code of this hash that was not used.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn has_recovery_code(
        &self,
        operator: OperatorId,
        hash: &str,
    ) -> Result<bool, StoreError> {
        const CODE: &str = "\
            select 1 as found from recovery_codes \
            where operator_id = $1 and hash = $2 and used_at is null";
        Ok(self.ask_one(CODE, [operator.0.into(), hash.into()]).await?.is_some())
    }

    /// A sign-in that waits for a second factor, by the hash of its secret.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub async fn second_step_by_hash(&self, hash: &str) -> Result<Option<SecondStep>, StoreError> {
        const BY_HASH: &str = "select * from second_steps where hash = $1";
        let Some(row) = self.ask_one(BY_HASH, [hash.into()]).await? else { return Ok(None) };
        Ok(Some(SecondStep {
            operator: OperatorId(get(&row, "operator_id")?),
            expires_at: get(&row, "expires_at")?,
        }))
    }
}
