//! What can be asked, without a permit: whoever asks has passed the policy before.

pub(crate) mod action_runs;
pub(crate) mod activity;
pub(crate) mod approvals;
pub(crate) mod archives;
pub(crate) mod attempts;
pub(crate) mod egress;
pub(crate) mod figures;
pub(crate) mod governance;
pub(crate) mod job_list;
pub(crate) mod job_order;
pub(crate) mod jobs;
pub(crate) mod links;
pub(crate) mod notices;
pub(crate) mod operators;
pub(crate) mod paces;
pub(crate) mod pauses;
pub(crate) mod policy;
pub(crate) mod registry;
pub(crate) mod schedules;
pub(crate) mod second_factor;
pub(crate) mod sessions;
pub(crate) mod taken;
pub(crate) mod transitions;
pub(crate) mod vault;

use sea_orm::{ConnectionTrait, QueryResult, Value};

use crate::{connection::Store, error::StoreError, sql::statement};

impl Store {
    pub(crate) async fn ask(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<QueryResult>, StoreError> {
        let reader = &self.inner.reader;
        Ok(reader.query_all_raw(statement(reader, sql, values)).await?)
    }

    pub(crate) async fn ask_one(
        &self,
        sql: &str,
        values: impl IntoIterator<Item = Value>,
    ) -> Result<Option<QueryResult>, StoreError> {
        let reader = &self.inner.reader;
        Ok(reader.query_one_raw(statement(reader, sql, values)).await?)
    }
}

/// `column in ($1, $2)`; of nothing there is nothing.
pub(crate) fn among<'a>(
    column: &str,
    slugs: impl Iterator<Item = &'a str>,
    values: &mut Vec<Value>,
) -> String {
    among_values(column, slugs.map(Value::from), values)
}

/// The same with numbers.
pub(crate) fn among_numbers(
    column: &str,
    numbers: impl Iterator<Item = i64>,
    values: &mut Vec<Value>,
) -> String {
    among_values(column, numbers.map(Value::from), values)
}

fn among_values(
    column: &str,
    sought: impl Iterator<Item = Value>,
    values: &mut Vec<Value>,
) -> String {
    let places: Vec<String> = sought
        .map(|value| {
            values.push(value);
            format!("${}", values.len())
        })
        .collect();
    if places.is_empty() {
        return "1 = 0".to_owned();
    }
    format!("{column} in ({})", places.join(", "))
}
