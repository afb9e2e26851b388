//! Takes entries out of the log that stand in a signed file.

use serde_json::json;
use tidegate_model::{
    action::Action,
    audit::{Archive, SignedArchive},
};

use super::Applied;
use crate::{
    error::StoreError,
    sql::{Tx, get},
};

/// Notes the archive and deletes its entries, each of them or none. The database itself refuses a
/// range that does not fit; that another process has archived it is told apart.
pub(super) async fn archive(tx: &Tx, signed: SignedArchive) -> Result<Applied, StoreError> {
    const LAST: &str = "select coalesce(max(number), 0) as number from archives";
    const NOTE: &str = "\
        insert into archives \
            (number, seq_from, seq_to, head, at, document, key_id, signature) \
        values ($1, $2, $3, $4, $5, $6, $7, $8)";
    const DROP: &str = "delete from activity where seq between $1 and $2";
    let says = signed.says().ok_or(StoreError::Corrupt { what: "archive" })?;
    let statement = signed.hash();
    let Archive { number, from, to, ref head, .. } = says;
    let last = tx.row(LAST, []).await?.ok_or(StoreError::Corrupt { what: "archive" })?;
    if get::<i64>(&last, "number")? >= number {
        return Err(StoreError::Exists { what: "archive" });
    }
    let SignedArchive { archive, key, signature } = signed;
    let values = [
        number.into(),
        from.into(),
        to.into(),
        head.clone().into(),
        tx.now.into(),
        archive.into(),
        key.into(),
        signature.into(),
    ];
    tx.execute(NOTE, values).await?;
    let dropped = tx.execute(DROP, [from.into(), to.into()]).await?;
    if i64::try_from(dropped).ok() != Some(to - from + 1) {
        return Err(StoreError::Corrupt { what: "range of entries" });
    }
    let details = json!({
        "archive": number,
        "from": from,
        "to": to,
        "head": head,
        "file": says.file_name(),
        "statement": statement,
    });
    Ok(Applied::one(Action::ActivityArchive, None, details))
}
