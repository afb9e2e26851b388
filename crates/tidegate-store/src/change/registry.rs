//! The registry of actions, and what other sites grant and hand over.

use serde_json::json;
use tidegate_model::{
    action::Action, capability::Capabilities, ids::OperatorId, policy::Permit, registry::SyncStep,
};

use super::{Applied, people::raise_policy};
use crate::{
    chain::Line,
    error::StoreError,
    sql::{Tx, get},
};

/// Microseconds for which a request that was taken stays known beyond its end: clocks differ.
const KEPT_MICROS: i64 = 3_600 * 1_000_000;

/// A change of what another site says of its people.
#[derive(Clone, Debug)]
pub enum GrantChange {
    /// The operator that the permit is about may this, and nothing else of that site's saying.
    /// Without effect where the site has said something later already.
    Renew(GrantWord),
    /// Takes out what has lapsed.
    Lapse,
}

/// What a site says that somebody may.
#[derive(Clone, Debug)]
pub struct GrantWord {
    /// Name of the site.
    pub source: String,
    /// What.
    pub capabilities: Capabilities,
    /// When it was signed, in microseconds since 1970, by the clock of the site.
    pub signed_at: i64,
    /// Microseconds for which it counts.
    pub life_micros: i64,
}

impl GrantChange {
    pub(super) fn actions(&self) -> &'static [Action] {
        match self {
            Self::Renew(_) => &[Action::GrantRenew],
            Self::Lapse => &[Action::GrantLapse],
        }
    }
}

/// A request that another site has signed, as it is taken: once.
#[derive(Clone, Debug)]
pub struct TakenRequest {
    /// What tells it from every other one.
    pub nonce: String,
    /// For whom.
    pub operator: OperatorId,
    /// SHA-256 of the secret by which its operator lands, if the site lets it sign people in.
    pub ticket: Option<String>,
    /// When it ends, in microseconds since 1970.
    pub expires_at: i64,
    /// What it asks for, in a word.
    pub purpose: &'static str,
}

/// Makes the registry what a site declares: an entry for each step.
pub(super) async fn sync_registry(tx: &Tx, steps: Vec<SyncStep>) -> Result<Applied, StoreError> {
    const PUT: &str = "\
        insert into actions (origin, model, codename, name, kind, scope, capability, retired_at, \
            changed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
        on conflict (origin, model, codename) do update set name = excluded.name, \
            kind = excluded.kind, scope = excluded.scope, capability = excluded.capability, \
            retired_at = excluded.retired_at, changed_at = excluded.changed_at";
    let mut lines = Vec::with_capacity(steps.len());
    for step in steps {
        let one = step.action();
        let retired_at = one.is_retired.then_some(tx.now);
        let values = [
            one.origin.clone().into(),
            one.action.model.clone().into(),
            one.action.codename.clone().into(),
            one.action.name.clone().into(),
            one.action.kind.slug().into(),
            one.action.scope.slug().into(),
            one.capability.clone().into(),
            retired_at.into(),
            tx.now.into(),
        ];
        tx.execute(PUT, values).await?;
        let was = match &step {
            SyncStep::Change { was, .. } => Some(&was.action.name),
            SyncStep::Add(_) | SyncStep::Revive(_) | SyncStep::Retire(_) => None,
        };
        let details = json!({
            "step": step.slug(),
            "origin": one.origin,
            "model": one.action.model,
            "codename": one.action.codename,
            "name": one.action.name,
            "was": was,
            "capability": one.capability,
        });
        lines.push(Line { action: Action::ActionSync, job: None, details });
    }
    raise_policy(tx).await?;
    Ok(Applied { lines, id: None })
}

pub(super) async fn grants(
    tx: &Tx,
    permit: &Permit,
    change: GrantChange,
) -> Result<Applied, StoreError> {
    match change {
        GrantChange::Renew(word) => {
            let owner = permit.target().owner.ok_or(StoreError::Missing { what: "operator" })?;
            renew(tx, owner, word).await
        }
        GrantChange::Lapse => lapse(tx).await,
    }
}

async fn renew(tx: &Tx, owner: OperatorId, word: GrantWord) -> Result<Applied, StoreError> {
    const HELD: &str = "\
        select capability from grants \
        where operator_id = $1 and source = $2 and expires_at > $3";
    let GrantWord { source, mut capabilities, signed_at, life_micros } = word;
    let rows = tx.rows(HELD, [owner.0.into(), source.clone().into(), tx.now.into()]).await?;
    let held = rows.iter().map(|row| get::<String>(row, "capability"));
    let held: Capabilities = held.collect::<Result<_, _>>()?;
    let last = last_word(tx, owner, &source).await?;
    if last.is_some_and(|last| signed_at < last) {
        let details = json!({
            "owner": owner, "source": source, "granted": held, "is_overtaken": true,
        });
        return Ok(Applied::one(Action::GrantRenew, None, details));
    }
    if last == Some(signed_at) {
        // Nobody can say which of the two is the later one: what both say counts.
        capabilities.retain(|capability| held.contains(capability));
    }
    let expires_at = tx.now.saturating_add(life_micros);
    put_word(tx, (owner, &source, signed_at), (&capabilities, expires_at)).await?;
    if held != capabilities {
        raise_policy(tx).await?;
    }
    let added: Vec<&String> = capabilities.difference(&held).collect();
    let taken: Vec<&String> = held.difference(&capabilities).collect();
    let details = json!({
        "owner": owner,
        "source": source,
        "granted": capabilities,
        "added": added,
        "taken": taken,
        "expires_at": expires_at,
    });
    Ok(Applied::one(Action::GrantRenew, None, details))
}

/// When the last word of a site about an operator was signed.
async fn last_word(tx: &Tx, owner: OperatorId, source: &str) -> Result<Option<i64>, StoreError> {
    const LAST: &str = "\
        select signed_at from grant_words where operator_id = $1 and source = $2";
    let row = tx.row(LAST, [owner.0.into(), source.into()]).await?;
    row.map(|row| get(&row, "signed_at")).transpose()
}

/// Keeps a word, and nothing of the one before it.
async fn put_word(
    tx: &Tx,
    (owner, source, signed_at): (OperatorId, &str, i64),
    (capabilities, expires_at): (&Capabilities, i64),
) -> Result<(), StoreError> {
    const WORD: &str = "\
        insert into grant_words (operator_id, source, signed_at) values ($1, $2, $3) \
        on conflict (operator_id, source) do update set signed_at = excluded.signed_at";
    const DROP: &str = "delete from grants where operator_id = $1 and source = $2";
    const GRANT: &str = "\
        insert into grants (operator_id, source, capability, renewed_at, expires_at) \
        values ($1, $2, $3, $4, $5)";
    tx.execute(WORD, [owner.0.into(), source.into(), signed_at.into()]).await?;
    tx.execute(DROP, [owner.0.into(), source.into()]).await?;
    for capability in capabilities {
        let values = [
            owner.0.into(),
            source.into(),
            capability.clone().into(),
            tx.now.into(),
            expires_at.into(),
        ];
        tx.execute(GRANT, values).await?;
    }
    Ok(())
}

/// What has lapsed counts for nobody already; from now on it is not there either.
async fn lapse(tx: &Tx) -> Result<Applied, StoreError> {
    const LAPSED: &str = "\
        select operator_id, source, count(*) as n from grants where expires_at <= $1 \
        group by operator_id, source order by operator_id, source";
    const DROP: &str = "delete from grants where expires_at <= $1";
    const FORGET: &str = "delete from hand_overs where expires_at <= $1";
    tx.execute(FORGET, [tx.now.saturating_sub(KEPT_MICROS).into()]).await?;
    let rows = tx.rows(LAPSED, [tx.now.into()]).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in &rows {
        let owner: i64 = get(row, "operator_id")?;
        let (source, n): (String, i64) = (get(row, "source")?, get(row, "n")?);
        let details = json!({ "owner": owner, "source": source, "capabilities_lapsed": n });
        lines.push(Line { action: Action::GrantLapse, job: None, details });
    }
    if !lines.is_empty() {
        tx.execute(DROP, [tx.now.into()]).await?;
        raise_policy(tx).await?;
    }
    Ok(Applied { lines, id: None })
}

/// Takes a signed request: the second time it is known already.
pub(super) async fn take_request(tx: &Tx, request: TakenRequest) -> Result<Applied, StoreError> {
    const KNOWN: &str = "select 1 as known from hand_overs where nonce = $1";
    const TAKE: &str = "\
        insert into hand_overs (nonce, operator_id, ticket, created_at, expires_at) \
        values ($1, $2, $3, $4, $5) returning id";
    if request.expires_at <= tx.now {
        return Err(StoreError::Missing { what: "request that is still good" });
    }
    if tx.row(KNOWN, [request.nonce.clone().into()]).await?.is_some() {
        return Err(StoreError::Exists { what: "signed request" });
    }
    let signs_in = request.ticket.is_some();
    let values = [
        request.nonce.into(),
        request.operator.0.into(),
        request.ticket.into(),
        tx.now.into(),
        request.expires_at.into(),
    ];
    let row = tx.row(TAKE, values).await?.ok_or(StoreError::Corrupt { what: "signed request" })?;
    let details =
        json!({ "owner": request.operator, "purpose": request.purpose, "signs_in": signs_in });
    Ok(Applied::one(Action::HandOver, None, details).made(get(&row, "id")?))
}

/// Uses up the secret by which somebody lands.
pub(super) async fn use_ticket(tx: &Tx, owner: i64, ticket: &str) -> Result<(), StoreError> {
    const USE: &str = "\
        update hand_overs set used_at = $3 \
        where ticket = $2 and operator_id = $1 and used_at is null and expires_at > $3";
    let values = [owner.into(), ticket.to_owned().into(), tx.now.into()];
    if tx.execute(USE, values).await? == 0 { Err(StoreError::Unproven) } else { Ok(()) }
}
