//! Decides how a query is read: in shares of pages by many, or in one statement by one.

use serde_json::Value;
use tidegate_model::query::Query;
use tokio_postgres::types::ToSql;

use super::{
    catalog::CatalogRelation,
    fault::Fault,
    session::{AsText, Session},
    shares::Scan,
    statement::ShareStatement,
};

/// First version that reads a range of pages without looking at the others.
const VERSION_SCANS_PAGES: u32 = 14;
/// What the planner thinks a row of a full scan costs, in pages: a row and its condition.
const ROW_COST: f64 = 0.0125;

/// Tables that hold the rows of a relation: itself, or its partitions. No row if one of them cannot
/// be read by its pages: foreign tables, other storage than the server's own, and tables with
/// children, among them those that extensions compress behind the table's back.
const LEAVES: &str = "\
    with leaves as (
      select c.oid, c.relkind, c.relam, c.reltuples from pg_class c
      where c.oid = $1::int8::oid and c.relkind <> 'p'
      union
      select c.oid, c.relkind, c.relam, c.reltuples
      from pg_partition_tree($1::int8::oid) p join pg_class c on c.oid = p.relid
      where p.isleaf and c.relkind <> 'p'
    )
    select array(select pg_relation_size(oid) / current_setting('block_size')::int8 from leaves),
           coalesce(sum(pg_table_size(oid)), 0)::int8,
           coalesce(sum(greatest(reltuples, 0)), 0)::float8
    from leaves
    having not exists (
      select from leaves l left join pg_am a on a.oid = l.relam
      where l.relkind not in ('r', 'm') or a.amname is distinct from 'heap'
         or exists (select from pg_inherits i where i.inhparent = l.oid))";

/// How a query is read.
#[derive(Debug)]
pub(super) struct Choice {
    /// In which parts.
    pub(super) scan: Scan,
    /// Bytes of the tables, long values included; 0 if that is not known.
    pub(super) bytes: u64,
    /// Rows that the planner expects.
    pub(super) rows: u64,
}

/// Chooses for `readers` readers, and locks all that is read. `relation` is the query's own, where
/// it is a table or view.
pub(super) fn choose(
    session: &Session,
    query: &Query,
    relation: Option<CatalogRelation>,
    whole: &ShareStatement,
    readers: usize,
) -> Result<Choice, Fault> {
    // The plan is asked for in any case: the planner locks all tables, partitions too.
    let explained = explain(session, whole)?;
    let leaves = match relation {
        Some(relation) if query.sort.is_empty() && session.version >= VERSION_SCANS_PAGES => {
            leaves(session, relation.oid)?
        }
        Some(_) | None => None,
    };
    let rows = explained.rows;
    Ok(match leaves {
        Some(leaves) if !explained.is_better_than_all_pages(&leaves, readers) => {
            Choice { scan: Scan::Pages { leaves: leaves.pages }, bytes: leaves.bytes, rows }
        }
        Some(_) | None => Choice { scan: Scan::Whole { rows }, bytes: 0, rows },
    })
}

/// Rows that the planner expects a statement to give.
pub(super) fn expected(session: &Session, statement: &ShareStatement) -> Result<u64, Fault> {
    explain(session, statement).map(|explained| explained.rows)
}

/// Whether all reads of a statement go by indexes, and cost no more than that.
pub(super) fn costs_by_index_at_most(
    session: &Session,
    statement: &ShareStatement,
    cost_max: f64,
) -> Result<bool, Fault> {
    let explained = explain(session, statement)?;
    Ok(explained.index_cost.is_some_and(|cost| cost <= cost_max))
}

/// Locks all that the statement reads, as reading it would.
pub(super) fn lock(session: &Session, statement: &ShareStatement) -> Result<(), Fault> {
    explain(session, statement).map(drop)
}

struct Leaves {
    pages: Vec<u64>,
    bytes: u64,
    rows: f64,
}

fn leaves(session: &Session, oid: i64) -> Result<Option<Leaves>, Fault> {
    let found = session.rows(LEAVES, &[&oid])?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(found.first().map(|row| Leaves {
        pages: row.get::<_, Vec<i64>>(0).into_iter().map(count).collect(),
        bytes: count(row.get(1)),
        rows: row.get(2),
    }))
}

/// What the planner says of a statement.
#[derive(Debug, PartialEq)]
struct Explained {
    /// Rows that it expects.
    rows: u64,
    /// What the reads of tables cost, if all of them go by an index.
    index_cost: Option<f64>,
}

impl Explained {
    /// Whether one reader by an index is cheaper than all readers over all pages.
    fn is_better_than_all_pages(&self, leaves: &Leaves, readers: usize) -> bool {
        let pages: u64 = leaves.pages.iter().sum();
        let all = pages as f64 + leaves.rows * ROW_COST;
        self.index_cost.is_some_and(|cost| cost * readers as f64 <= all)
    }
}

fn explain(session: &Session, statement: &ShareStatement) -> Result<Explained, Fault> {
    let values: Vec<AsText> = statement.all().into_iter().map(AsText).collect();
    let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
    let row = session.row(&format!("explain (format json) {}", statement.text), &values)?;
    let AsText(plan) = row.get(0);
    let unreadable = || Fault::Protocol("a plan that is no JSON");
    let plan: Value = serde_json::from_str(&plan).map_err(|_| unreadable())?;
    Ok(read_plan(plan.pointer("/0/Plan").ok_or_else(unreadable)?))
}

fn read_plan(plan: &Value) -> Explained {
    let rows = plan["Plan Rows"].as_u64().unwrap_or(0);
    let mut reads = Vec::new();
    reads_of(plan, &mut reads);
    let is_by_index = |read: &&Value| {
        let node = read["Node Type"].as_str().unwrap_or_default();
        matches!(node, "Index Scan" | "Index Only Scan" | "Bitmap Heap Scan" | "Tid Scan")
    };
    let all_by_index = !reads.is_empty() && reads.iter().all(is_by_index);
    let cost = || reads.iter().filter_map(|read| read["Total Cost"].as_f64()).sum();
    Explained { rows, index_cost: all_by_index.then(cost) }
}

/// The nodes that read the query's own table: those of subqueries in its list are the same however
/// the table is read.
fn reads_of<'a>(node: &'a Value, found: &mut Vec<&'a Value>) {
    if matches!(node["Parent Relationship"].as_str(), Some("SubPlan" | "InitPlan")) {
        return;
    }
    if node["Relation Name"].is_string() {
        found.push(node);
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        reads_of(child, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn leaves() -> Leaves {
        Leaves { pages: vec![600, 400], bytes: 0, rows: 80_000.0 }
    }

    #[test]
    fn an_index_is_taken_where_it_beats_all_readers_together() {
        for (cost, readers, is_taken) in
            [(100.0, 4, true), (500.0, 4, true), (501.0, 4, false), (501.0, 3, true)]
        {
            let explained = Explained { rows: 1, index_cost: Some(cost) };
            assert_eq!(explained.is_better_than_all_pages(&leaves(), readers), is_taken, "{cost}");
        }
        let full = Explained { rows: 1, index_cost: None };
        assert!(!full.is_better_than_all_pages(&leaves(), 1));
    }

    #[test]
    fn an_index_inside_a_subquery_does_not_count() {
        let plan = json!({
            "Node Type": "Seq Scan", "Relation Name": "orders", "Plan Rows": 7, "Total Cost": 9.0,
            "Plans": [{
                "Node Type": "Index Scan", "Relation Name": "lines",
                "Parent Relationship": "SubPlan", "Total Cost": 1.0,
            }],
        });
        assert_eq!(read_plan(&plan), Explained { rows: 7, index_cost: None });
    }

    #[test]
    fn a_bitmap_over_each_partition_counts_with_all_of_them() {
        let leaf = |cost: f64| {
            json!({
                "Node Type": "Bitmap Heap Scan", "Relation Name": "orders", "Total Cost": cost,
                "Plans": [{ "Node Type": "Bitmap Index Scan", "Index Name": "i" }],
            })
        };
        let plan = json!({
            "Node Type": "Append", "Plan Rows": 3, "Plans": [leaf(2.0), leaf(3.0)],
        });
        assert_eq!(read_plan(&plan), Explained { rows: 3, index_cost: Some(5.0) });
    }
}
