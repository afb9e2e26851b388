//! All that a log consists of within the database, taken out, changed at will and put back.

use sea_orm::{ConnectionTrait, Statement, TransactionTrait, Value};
use tidegate_model::audit::{
    ChainWalk, Entry, EntryColumns, FIRST_HASH, SignedCheckpoint, StoredEntry, hash_of,
};

use crate::site::Site;

/// The tables of a log.
#[derive(Clone)]
pub(crate) struct Loot {
    pub(crate) rows: Vec<(StoredEntry, EntryColumns)>,
    pub(crate) head: (i64, String),
    pub(crate) copies: Vec<(i64, SignedCheckpoint)>,
}

impl Loot {
    pub(crate) async fn take(site: &Site) -> Self {
        let rows = site.store.entries(0, 1_000).await.unwrap();
        let copies = site.store.checkpoints(0, 1_000).await.unwrap();
        Self { rows, head: site.store.head().await.unwrap(), copies }
    }

    /// Puts it in place of what is there.
    pub(crate) async fn put(&self, site: &Site) {
        let tx = site.raw.begin().await.unwrap();
        for table in ["activity", "checkpoints"] {
            tx.execute_unprepared(&format!("delete from {table}")).await.unwrap();
        }
        for rows in self.rows.chunks(100) {
            let values: Vec<Vec<Value>> = rows.iter().map(row_values).collect();
            let columns = "seq, prev, hash, at, commit_id, action, outcome, actor, operator_id, \
                           name, subject, job_id, tags, entry";
            insert(&tx, "activity", columns, values).await;
        }
        let values = self.copies.iter().map(|(number, signed)| -> Vec<Value> {
            let seq = signed.says().map_or(0, |says| says.seq);
            let SignedCheckpoint { checkpoint, key, signature } = signed.clone();
            let texts = [checkpoint, key, signature].map(Value::from);
            [(*number).into(), seq.into(), 0_i64.into()].into_iter().chain(texts).collect()
        });
        let columns = "number, seq, at, document, key_id, signature";
        insert(&tx, "checkpoints", columns, values.collect()).await;
        let (seq, hash) = &self.head;
        let sql = format!("update activity_head set seq = {seq}, hash = '{hash}'");
        tx.execute_unprepared(&sql).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Makes the chain anew from an index on, with the head row, as one does who knows how.
    pub(crate) fn rechain(&mut self, from: usize) {
        for index in from..self.rows.len() {
            let prev = match index {
                0 => FIRST_HASH.to_owned(),
                _ => self.rows[index - 1].0.hash.clone(),
            };
            let (stored, _) = &mut self.rows[index];
            let mut entry: Entry = serde_json::from_str(&stored.text).unwrap();
            (entry.seq, entry.prev) = (index as i64 + 1, prev.clone());
            let text = entry.text();
            *stored = StoredEntry { seq: entry.seq, prev, hash: hash_of(&text), text };
        }
        self.set_head();
        self.assert_chained();
    }

    pub(crate) fn set_head(&mut self) {
        let last = self.rows.last();
        self.head =
            last.map_or((0, FIRST_HASH.to_owned()), |(last, _)| (last.seq, last.hash.clone()));
    }

    /// Changes what an entry says, in text and columns.
    pub(crate) fn edit(&mut self, index: usize, edit: impl FnOnce(&mut Entry)) {
        let (stored, columns) = &mut self.rows[index];
        let mut entry: Entry = serde_json::from_str(&stored.text).unwrap();
        edit(&mut entry);
        columns.name.clone_from(&entry.name);
        columns.action.clone_from(&entry.action);
        columns.job = entry.job;
        columns.tags = entry.tags.join(" ");
        stored.text = entry.text();
    }

    /// The forger's work is well done: the chain itself tells nothing.
    fn assert_chained(&self) {
        let mut walk = ChainWalk::from_start();
        for (stored, columns) in &self.rows {
            walk.step(stored, Some(columns)).unwrap();
        }
        assert_eq!(self.head, (walk.seq(), walk.head().to_owned()));
    }
}

fn row_values((stored, columns): &(StoredEntry, EntryColumns)) -> Vec<Value> {
    let (stored, columns) = (stored.clone(), columns.clone());
    vec![
        stored.seq.into(),
        stored.prev.into(),
        stored.hash.into(),
        columns.at.into(),
        columns.commit.into(),
        columns.action.into(),
        columns.outcome.into(),
        columns.actor.into(),
        columns.operator.into(),
        columns.name.into(),
        columns.subject.into(),
        columns.job.into(),
        columns.tags.into(),
        stored.text.into(),
    ]
}

async fn insert(tx: &impl ConnectionTrait, table: &str, columns: &str, rows: Vec<Vec<Value>>) {
    if rows.is_empty() {
        return;
    }
    let mut number = 0;
    let rows_text = rows.iter().map(|row| {
        let cells = row.iter().map(|_| {
            number += 1;
            format!("${number}")
        });
        format!("({})", cells.collect::<Vec<_>>().join(", "))
    });
    let rows_text = rows_text.collect::<Vec<_>>().join(", ");
    let sql = format!("insert into {table} ({columns}) values {rows_text}");
    let values: Vec<Value> = rows.into_iter().flatten().collect();
    let backend = tx.get_database_backend();
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await.unwrap();
}
