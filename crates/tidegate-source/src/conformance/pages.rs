//! Pages: slices of the stream, by rows to skip and by the order itself.

use tidegate_model::query::{Predicate, Query, SortKey};

use super::{
    Cell, Site,
    cell::assert_same,
    drain::{PATIENCE, rows_of, rows_of_batch},
    random::{Random, any_sort, things},
};
use crate::{
    Anchor, Page, Start,
    look::{self, Found},
};

/// Rows of the table that is gone through page by page.
const ROWS: usize = 120;
/// Random orders that are gone through, both ways.
const SORTS: usize = 15;

pub(super) fn slices(site: &Site<'_>) {
    let table = things(300);
    table.create(site);
    let sort = vec![
        SortKey { field: table.field("plain"), is_descending: true },
        SortKey { field: table.field("id"), is_descending: false },
    ];
    let query = Query { sort, ..table.query() };
    let all = rows_of(site.source, &query);
    assert_eq!(site.source.count(&query, PATIENCE).expect("a count"), all.len() as u64);
    for (offset, limit) in [(0, 10), (290, 100), (95, 1), (1000, 5), (0, 0), (3, 297)] {
        let page = Page { start: Start::Skip(offset), limit };
        let (schema, mut batch) = site.source.rows(&query, &page).expect("a page");
        let found = rows_of_batch(&mut batch, &schema);
        let slice = all.iter().skip(offset as usize).take(limit as usize);
        assert!(found.iter().eq(slice), "{page:?}");
    }
}

/// Goes through the whole order in pages of `limit` rows.
fn walked(site: &Site<'_>, query: &Query, is_backward: bool, limit: u64) -> Vec<Vec<Cell>> {
    let (mut rows, mut place): (Vec<Vec<Cell>>, Option<Anchor>) = (Vec::new(), None);
    loop {
        let from = (place.as_ref(), is_backward);
        let found = look::seek(site.source, query, from, limit).expect("a page");
        let before = rows.len();
        for Found { schema, mut batch, anchors } in found {
            let cells = rows_of_batch(&mut batch, &schema).into_iter();
            rows.extend(cells.map(|mut row| {
                row.truncate(schema.width() - query.sort.len());
                row
            }));
            place = anchors.into_iter().next_back().or(place);
        }
        assert!(rows.len() <= before + limit as usize, "a page has more rows than asked for");
        if rows.len() < before + limit as usize {
            return rows;
        }
    }
}

pub(super) fn by_the_order(site: &Site<'_>) {
    let table = things(ROWS);
    table.create(site);
    let mut random = Random::new(17);
    let gone = Predicate::Not(Box::new(Predicate::IsNull(table.field("count"))));
    for round in 0..SORTS {
        let sort = any_sort(&mut random, &table);
        let predicate = if round % 2 == 0 { Predicate::everything() } else { gone.clone() };
        let query = Query { sort, predicate, ..table.query() };
        let described: Vec<String> = query
            .sort
            .iter()
            .map(|key| format!("{} descending: {}", key.field.slug, key.is_descending))
            .collect();
        let mut all = rows_of(site.source, &query);
        let limit = [7, 16, 50][random.below(3)];
        let what = |way| format!("{way} by {limit}, {}", described.join(", "));
        assert_same(&walked(site, &query, false, limit), &all, &what("forward"));
        all.reverse();
        assert_same(&walked(site, &query, true, limit), &all, &what("backward"));
    }
}

pub(super) fn expectations(site: &Site<'_>) {
    let table = things(ROWS);
    table.create(site);
    let query = table.query();
    // What a database expects is its own business; few rows are counted.
    site.source.expected(&query).expect("an answer");
    assert_eq!(
        look::about(site.source, &query).expect("a count"),
        look::Count::exactly(ROWS as u64)
    );
    let none = Query { predicate: Predicate::Any(Vec::new()), ..query };
    assert_eq!(look::about(site.source, &none).expect("a count"), look::Count::exactly(0));
}
