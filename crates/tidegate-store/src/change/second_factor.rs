//! Second factors of sign-in: offered, enrolled, shown, turned off, taken away.

use serde_json::{Value, json};
use tidegate_model::{action::Action, ids::SessionId, policy::Permit};

use super::{Applied, sessions};
use crate::{
    chain::Line,
    error::StoreError,
    sql::{Tx, get},
};

/// What somebody has shown that only the holder of the second factor has. Each is good once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactorProof {
    /// A code: the number of its 30 seconds since 1970.
    Step(i64),
    /// A recovery code: SHA-256 of it.
    Recovery(String),
}

/// A change of the second factor of the operator that the permit is about.
#[derive(Clone, Debug)]
pub enum SecondFactorChange {
    /// Asks whoever has shown the right password for it.
    Ask {
        /// SHA-256 of the secret that the answer comes with.
        hash: String,
        /// Microseconds that are left for it.
        life_micros: i64,
    },
    /// Keeps a new secret until a code of it is shown; what was enrolled before counts until then.
    Offer {
        /// The secret, sealed.
        sealed: String,
        /// Proof of the one that there is.
        proof: Option<SecondFactorProof>,
    },
    /// Makes the offered secret the one that counts.
    Enrol {
        /// The offered secret, sealed, that the code was one of.
        sealed: String,
        /// Number of the code's 30 seconds: it is used with this.
        step: i64,
        /// SHA-256 of each recovery code. Older ones end.
        recovery: Vec<String>,
        /// The sign-in that it is done in: all others end.
        session: Option<SessionId>,
    },
    /// Turns it off.
    Remove(SecondFactorProof),
    /// Takes it away, whatever there is of it.
    Reset,
}

impl SecondFactorChange {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Ask { .. } => &[Action::SecondFactorAsk],
            Self::Offer { .. } => &[Action::SecondFactorOffer],
            Self::Enrol { .. } => &[Action::SecondFactorEnrol],
            Self::Remove(_) => &[Action::SecondFactorRemove],
            Self::Reset => &[Action::SecondFactorReset],
        }
    }
}

pub(super) async fn second_factor(
    tx: &Tx,
    permit: &Permit,
    change: SecondFactorChange,
) -> Result<Applied, StoreError> {
    let owner = permit.target().owner.ok_or(StoreError::Missing { what: "operator" })?.0;
    let mut lines = Vec::new();
    let mut details = json!({ "owner": owner });
    match change {
        SecondFactorChange::Ask { hash, life_micros } => ask(tx, owner, hash, life_micros).await?,
        SecondFactorChange::Offer { sealed, proof } => {
            lines.extend(spend(tx, owner, proof.as_ref()).await?);
            offer(tx, owner, sealed).await?;
        }
        SecondFactorChange::Enrol { sealed, step, recovery, session } => {
            enrol(tx, owner, sealed, step).await?;
            forget_codes(tx, owner).await?;
            for hash in &recovery {
                const KEEP: &str = "insert into recovery_codes (operator_id, hash) values ($1, $2)";
                tx.execute(KEEP, [owner.into(), hash.clone().into()]).await?;
            }
            let ended = sessions::end_all(tx, owner, session).await?;
            details["recovery_codes"] = recovery.len().into();
            details["sessions"] = ended.into();
        }
        SecondFactorChange::Remove(proof) => {
            lines.extend(spend(tx, owner, Some(&proof)).await?);
            remove(tx, owner).await?;
        }
        SecondFactorChange::Reset => remove(tx, owner).await?,
    }
    lines.insert(0, Line { action: permit.action(), job: None, details });
    Ok(Applied { lines, id: None })
}

/// Uses a proof up. An operator who has a second factor needs one; an operator who has none has
/// nothing to prove. What it gives is the line of a recovery code, beside that of what it is for.
pub(super) async fn spend(
    tx: &Tx,
    owner: i64,
    proof: Option<&SecondFactorProof>,
) -> Result<Option<Line>, StoreError> {
    const ENROLLED: &str =
        "select 1 as found from second_factors where operator_id = $1 and sealed is not null";
    const STEP: &str = "\
        update second_factors set step = $2 \
        where operator_id = $1 and sealed is not null and step < $2";
    const RECOVERY: &str = "\
        update recovery_codes set used_at = $3 \
        where operator_id = $1 and hash = $2 and used_at is null";
    let is_enrolled = tx.row(ENROLLED, [owner.into()]).await?.is_some();
    let used = match proof {
        None if is_enrolled => return Err(StoreError::Unproven),
        None => return Ok(None),
        Some(SecondFactorProof::Step(step)) => {
            tx.execute(STEP, [owner.into(), (*step).into()]).await?
        }
        Some(SecondFactorProof::Recovery(hash)) => {
            tx.execute(RECOVERY, [owner.into(), hash.clone().into(), tx.now.into()]).await?
        }
    };
    match (used, proof) {
        (0, _) => Err(StoreError::Unproven),
        (_, Some(SecondFactorProof::Recovery(_))) => {
            let left = codes_left(tx, owner).await?;
            let details = json!({ "owner": owner, "left": left });
            Ok(Some(Line { action: Action::RecoveryCodeUse, job: None, details }))
        }
        (_, Some(SecondFactorProof::Step(_)) | None) => Ok(None),
    }
}

/// Ends the wait for a second factor, as it was shown; there is one answer to one question.
pub(super) async fn end_step(tx: &Tx, owner: i64, hash: &str) -> Result<(), StoreError> {
    const END: &str =
        "delete from second_steps where operator_id = $1 and hash = $2 and expires_at > $3";
    match tx.execute(END, [owner.into(), hash.into(), tx.now.into()]).await? {
        0 => Err(StoreError::Unproven),
        _ => Ok(()),
    }
}

/// Ends every wait for a second factor of an operator.
pub(super) async fn end_steps(tx: &Tx, owner: i64) -> Result<(), StoreError> {
    const END: &str = "delete from second_steps where operator_id = $1";
    tx.execute(END, [owner.into()]).await?;
    Ok(())
}

async fn ask(tx: &Tx, owner: i64, hash: String, life_micros: i64) -> Result<(), StoreError> {
    const FORGET: &str = "delete from second_steps where expires_at <= $1";
    const ASK: &str = "\
        insert into second_steps (operator_id, hash, created_at, expires_at) \
        values ($1, $2, $3, $4)";
    tx.execute(FORGET, [tx.now.into()]).await?;
    let expires_at = tx.now.saturating_add(life_micros);
    let values = [owner.into(), hash.into(), tx.now.into(), expires_at.into()];
    tx.execute(ASK, values).await?;
    Ok(())
}

async fn offer(tx: &Tx, owner: i64, sealed: String) -> Result<(), StoreError> {
    const OFFER: &str = "\
        insert into second_factors (operator_id, offered, offered_at) values ($1, $2, $3) \
        on conflict (operator_id) do update set offered = excluded.offered, \
            offered_at = excluded.offered_at";
    tx.execute(OFFER, [owner.into(), sealed.into(), tx.now.into()]).await?;
    Ok(())
}

async fn enrol(tx: &Tx, owner: i64, sealed: String, step: i64) -> Result<(), StoreError> {
    const ENROL: &str = "\
        update second_factors set sealed = offered, enrolled_at = $3, step = $4, offered = null, \
            offered_at = null \
        where operator_id = $1 and offered = $2";
    match tx.execute(ENROL, [owner.into(), sealed.into(), tx.now.into(), step.into()]).await? {
        0 => Err(StoreError::Unproven),
        _ => Ok(()),
    }
}

async fn remove(tx: &Tx, owner: i64) -> Result<(), StoreError> {
    const REMOVE: &str = "delete from second_factors where operator_id = $1";
    tx.execute(REMOVE, [owner.into()]).await?;
    forget_codes(tx, owner).await?;
    end_steps(tx, owner).await
}

async fn forget_codes(tx: &Tx, owner: i64) -> Result<(), StoreError> {
    const FORGET: &str = "delete from recovery_codes where operator_id = $1";
    tx.execute(FORGET, [owner.into()]).await?;
    Ok(())
}

async fn codes_left(tx: &Tx, owner: i64) -> Result<Value, StoreError> {
    const LEFT: &str =
        "select count(*) as n from recovery_codes where operator_id = $1 and used_at is null";
    let row = tx.row(LEFT, [owner.into()]).await?;
    let left: i64 = get(&row.ok_or(StoreError::Corrupt { what: "count" })?, "n")?;
    Ok(left.into())
}
