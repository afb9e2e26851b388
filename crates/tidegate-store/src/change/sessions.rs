//! Sign-ins in browsers.

use serde_json::{Value, json};
use tidegate_model::{action::Action, ids::SessionId, policy::Permit};

use super::{Applied, SecondFactorProof, registry, second_factor};
use crate::{
    chain::Line,
    error::StoreError,
    sql::{Tx, get},
};

/// By what somebody signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionProof {
    /// A password, and nothing else: refused where there is a second factor.
    Password,
    /// A second factor, after the password.
    SecondFactor {
        /// What was shown.
        proof: SecondFactorProof,
        /// SHA-256 of the secret of the wait for it, if there was one: the wait ends.
        step: Option<String>,
    },
    /// A provider that the configuration trusts.
    Provider,
    /// A request that a site has signed which the configuration trusts, by the SHA-256 of the
    /// secret that it was given: it lets in once.
    HandOver(String),
}

impl SessionProof {
    /// Whether somebody else has asked for whatever proves who it is.
    fn is_vouched(&self) -> bool {
        match self {
            Self::Provider | Self::HandOver(_) => true,
            Self::Password | Self::SecondFactor { .. } => false,
        }
    }
}

/// A change of sign-ins, of the operator that the permit is about.
#[derive(Clone, Debug)]
pub enum SessionChange {
    /// Signs in.
    Start {
        /// SHA-256 of the secret in the cookie.
        hash: String,
        /// Microseconds that it lives at most.
        life_micros: i64,
        /// Address of the peer.
        address: Option<String>,
        /// What the browser calls itself.
        agent: Option<String>,
        /// By what.
        by: SessionProof,
    },
    /// Signs out.
    End(SessionId),
    /// Signs out everywhere, but for one.
    EndOthers(Option<SessionId>),
}

impl SessionChange {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Start { .. } => &[Action::SessionStart],
            Self::End(_) | Self::EndOthers(_) => &[Action::SessionEnd],
        }
    }
}

pub(super) async fn session(
    tx: &Tx,
    permit: &Permit,
    change: SessionChange,
) -> Result<Applied, StoreError> {
    let owner = permit.target().owner.ok_or(StoreError::Missing { what: "operator" })?;
    match change {
        SessionChange::Start { hash, life_micros, address, agent, by } => {
            const START: &str = "\
                insert into sessions (operator_id, hash, address, agent, created_at, seen_at, \
                    expires_at, is_vouched) values ($1, $2, $3, $4, $5, $5, $6, $7) returning id";
            let mut details = json!({ "owner": owner });
            let used = prove(tx, owner.0, &by, &mut details).await?;
            let values = [
                owner.0.into(),
                hash.into(),
                address.into(),
                agent.into(),
                tx.now.into(),
                tx.now.saturating_add(life_micros).into(),
                i64::from(by.is_vouched()).into(),
            ];
            let row = tx.row(START, values).await?;
            let row = row.ok_or(StoreError::Corrupt { what: "new session" })?;
            let mut applied = Applied::one(permit.action(), None, details);
            applied.lines.extend(used);
            Ok(applied.made(get(&row, "id")?))
        }
        SessionChange::End(id) => {
            const END: &str = "\
                update sessions set ended_at = $3 \
                where id = $1 and operator_id = $2 and ended_at is null";
            if tx.execute(END, [id.0.into(), owner.0.into(), tx.now.into()]).await? == 0 {
                return Err(StoreError::Missing { what: "session" });
            }
            Ok(Applied::one(permit.action(), None, json!({ "owner": owner, "session": id })))
        }
        SessionChange::EndOthers(kept) => {
            let ended = end_all(tx, owner.0, kept).await?;
            Ok(Applied::one(permit.action(), None, json!({ "owner": owner, "sessions": ended })))
        }
    }
}

/// Uses up what somebody signs in by, and says it in the entry.
async fn prove(
    tx: &Tx,
    owner: i64,
    by: &SessionProof,
    details: &mut Value,
) -> Result<Option<Line>, StoreError> {
    match by {
        SessionProof::Provider => Ok(None),
        SessionProof::HandOver(ticket) => {
            registry::use_ticket(tx, owner, ticket).await?;
            details["handed_over"] = true.into();
            Ok(None)
        }
        SessionProof::Password => second_factor::spend(tx, owner, None).await,
        SessionProof::SecondFactor { proof, step } => {
            if let Some(step) = step {
                second_factor::end_step(tx, owner, step).await?;
            }
            details["second_factor"] = match proof {
                SecondFactorProof::Step(_) => "code".into(),
                SecondFactorProof::Recovery(_) => "recovery code".into(),
            };
            second_factor::spend(tx, owner, Some(proof)).await
        }
    }
}

/// Signs an operator out everywhere, but for one place.
pub(super) async fn end_all(
    tx: &Tx,
    operator: i64,
    kept: Option<SessionId>,
) -> Result<u64, StoreError> {
    const END: &str = "\
        update sessions set ended_at = $3 \
        where operator_id = $1 and id <> $2 and ended_at is null";
    let kept = kept.map_or(0, |id| id.0);
    second_factor::end_steps(tx, operator).await?;
    Ok(tx.execute(END, [operator.into(), kept.into(), tx.now.into()]).await?)
}
