//! Filters and sorts: the source gives the rows that the evaluator gives.

use tidegate_batch::DataType;
use tidegate_model::query::{Comparison, Literal, Place, Predicate, Query};

use super::{
    Cell, Site, Table,
    cell::assert_same,
    drain::{PATIENCE, rows_of},
    evaluate::{is_met, order},
    random::{Random, predicate, sort, things},
};

/// Rows of the table that random filters are tried on.
const ROWS: usize = 400;
/// Random filters that are tried.
const FILTERS: usize = 300;
/// Random sorts that are tried.
const SORTS: usize = 60;
/// Keys that a selection may hold, by the contract of requests.
const KEYS_MAX: usize = 10_000;

/// The source's rows, sorted by their key, are those that the evaluator finds.
fn agree(site: &Site<'_>, table: &Table, predicate: &Predicate) {
    let query = Query { predicate: predicate.clone(), ..table.query() };
    let mut found = rows_of(site.source, &query);
    found.sort_by(|left, right| {
        left[0]
            .compare(&right[0])
            .expect("keys compare")
            .then_with(|| left[1].compare(&right[1]).unwrap_or(std::cmp::Ordering::Equal))
    });
    let expected: Vec<_> =
        table.rows.iter().filter(|row| is_met(predicate, table, row)).cloned().collect();
    assert_same(&found, &expected, &format!("{predicate:?}"));
    let count = site.source.count(&query, PATIENCE).expect("the count");
    assert_eq!(count, expected.len() as u64, "{predicate:?}");
}

pub(super) fn random_filters(site: &Site<'_>) {
    let table = things(ROWS);
    table.create(site);
    let mut random = Random::new(11);
    for _ in 0..FILTERS {
        agree(site, &table, &predicate(&mut random, &table, 3));
    }
}

pub(super) fn each_operator(site: &Site<'_>) {
    let table = things(ROWS);
    table.create(site);
    let not = |predicate| Predicate::Not(Box::new(predicate));
    for column in &table.columns {
        let field = || table.field(&column.name);
        let leaves = leaves(&table, &column.name, &column.data_type);
        agree(site, &table, &Predicate::IsNull(field()));
        agree(site, &table, &not(Predicate::IsNull(field())));
        agree(site, &table, &not(Predicate::In { field: field(), values: Vec::new() }));
        for leaf in leaves {
            agree(site, &table, &leaf);
            agree(site, &table, &not(leaf.clone()));
            agree(site, &table, &not(not(leaf.clone())));
            agree(site, &table, &Predicate::Any(vec![Predicate::IsNull(field()), leaf]));
        }
    }
    agree(site, &table, &Predicate::Any(Vec::new()));
    agree(site, &table, &not(Predicate::All(Vec::new())));
}

/// Every comparison of a column with a value that the table has.
fn leaves(table: &Table, name: &str, data_type: &DataType) -> Vec<Predicate> {
    let at = table.at(name);
    let Some(literal) = table.rows.iter().find_map(|row| row[at].literal()) else {
        return Vec::new();
    };
    let field = || table.field(name);
    let compare =
        |comparison| Predicate::Compare { field: field(), comparison, value: literal.clone() };
    let mut leaves = vec![
        compare(Comparison::Eq),
        Predicate::In { field: field(), values: vec![literal.clone()] },
    ];
    if !matches!(name, "word" | "flag") {
        use Comparison::{Gt, Gte, Lt, Lte};
        leaves.extend([Lt, Lte, Gt, Gte].map(compare));
    }
    if *data_type == DataType::Text {
        leaves.extend(
            [Place::Anywhere, Place::Start, Place::End].map(|place| Predicate::Matches {
                field: field(),
                place,
                text: "a".to_owned(),
            }),
        );
    }
    leaves
}

fn words(texts: &[&str]) -> Table {
    let rows = texts
        .iter()
        .zip(1..)
        .map(|(text, id)| vec![Cell::Integer(id), Cell::Text((*text).to_owned())])
        .collect();
    Table::new("conformance_words", &[("id", "integer"), ("word", "text")], rows)
}

pub(super) fn letter_case(site: &Site<'_>) {
    let mut texts = vec!["paid", "Paid", "PAID", "unpaid", "pa%d", "pa_d", "p!d", "p\\d", ""];
    if site.spelling.holds_nul {
        texts.extend(["a\0b", "a", "\0", "A\0B"]);
    }
    let table = words(&texts);
    table.create(site);
    let field = || table.field("word");
    for text in &texts {
        let value = Literal::Text((*text).to_owned());
        let is_equal =
            Predicate::Compare { field: field(), comparison: Comparison::Eq, value: value.clone() };
        agree(site, &table, &is_equal);
        agree(site, &table, &Predicate::In { field: field(), values: vec![value] });
        for place in [Place::Anywhere, Place::Start, Place::End] {
            let text = (*text).to_owned();
            agree(site, &table, &Predicate::Matches { field: field(), place, text });
        }
    }
    // More than any list of parameters should hold one by one.
    let many = (0..2_000).map(|n| Literal::Text(format!("w{n}")));
    let values = many.chain(texts.iter().map(|text| Literal::Text((*text).to_owned()))).collect();
    agree(site, &table, &Predicate::In { field: field(), values });
}

pub(super) fn trailing_spaces(site: &Site<'_>) {
    let texts = ["ab", "ab ", "ab  ", " ab", "AB", "ab\t", "", " "];
    let table = words(&texts);
    table.create(site);
    for text in texts {
        let field = || table.field("word");
        let value = Literal::Text(text.to_owned());
        let values = vec![value.clone(), Literal::Text("zz".to_owned())];
        let comparison = Comparison::Eq;
        agree(site, &table, &Predicate::Compare { field: field(), comparison, value });
        agree(site, &table, &Predicate::In { field: field(), values });
        let place = Place::End;
        agree(site, &table, &Predicate::Matches { field: field(), place, text: text.to_owned() });
    }
}

pub(super) fn ten_thousand_keys(site: &Site<'_>) {
    let rows = (0..2_000).map(|id| vec![Cell::Integer(id), Cell::Text(format!("w{id}"))]).collect();
    let table = Table::new("conformance_words", &[("id", "integer"), ("word", "text")], rows);
    table.create(site);
    let odd = (0..KEYS_MAX).filter_map(|id| i64::try_from(2 * id + 1).ok());
    let keys = || odd.clone().map(|id| vec![Literal::Integer(id)]).collect();
    let key_in = || Predicate::KeyIn { key: table.key_fields(), keys: keys() };
    agree(site, &table, &key_in());
    agree(site, &table, &Predicate::Not(Box::new(key_in())));
    let values = odd.clone().map(|id| Literal::Text(format!("w{id}"))).collect();
    agree(site, &table, &Predicate::In { field: table.field("word"), values });
    agree(site, &table, &Predicate::KeyIn { key: table.key_fields(), keys: Vec::new() });
}

pub(super) fn wide_keys(site: &Site<'_>) {
    let names = ["a", "A", "b", "a ", "c'd\"e"];
    let rows = (0..50)
        .flat_map(|id| {
            names
                .map(|name| vec![Cell::Integer(id), Cell::Text(name.to_owned()), Cell::Integer(id)])
        })
        .collect();
    let columns = [("order_id", "integer"), ("line", "text"), ("n", "integer")];
    let mut table = Table::new("conformance_pairs", &columns, rows);
    table.rows.sort_by(|left, right| {
        left[0]
            .compare(&right[0])
            .expect("numbers")
            .then_with(|| left[1].compare(&right[1]).expect("texts"))
    });
    // The suite reads all columns, so the key of the query needs no key in the table; MySQL's
    // collations would find `a` and `A` equal in one.
    let key: Vec<_> = ["order_id", "line"].map(|name| table.field(name)).into();
    let keyless = Table {
        columns: std::iter::once(super::Column {
            name: "row_no".to_owned(),
            data_type: DataType::Integer,
        })
        .chain(table.columns.clone())
        .collect(),
        rows: table
            .rows
            .iter()
            .zip(0..)
            .map(|(row, no)| {
                std::iter::once(Cell::Integer(no)).chain(row.iter().cloned()).collect()
            })
            .collect(),
        ..table.clone()
    };
    keyless.create(site);
    let pick = |step: usize| -> Vec<Vec<Literal>> {
        table
            .rows
            .iter()
            .step_by(step)
            .map(|row| row[..2].iter().filter_map(Cell::literal).collect())
            .chain([vec![Literal::Integer(1), Literal::Text("absent".to_owned())]])
            .collect()
    };
    for step in [1, 7] {
        let key_in = Predicate::KeyIn { key: key.clone(), keys: pick(step) };
        agree(site, &keyless, &key_in);
        agree(site, &keyless, &Predicate::Not(Box::new(key_in)));
    }
}

pub(super) fn random_sorts(site: &Site<'_>) {
    let table = things(ROWS);
    table.create(site);
    let mut random = Random::new(13);
    for _ in 0..SORTS {
        let sort = sort(&mut random, &table);
        let query = Query { sort: sort.clone(), ..table.query() };
        let found = rows_of(site.source, &query);
        let mut places: Vec<usize> = (0..table.rows.len()).collect();
        places.sort_by(|left, right| order(&sort, &table, &table.rows[*left], &table.rows[*right]));
        let described: Vec<String> = sort
            .iter()
            .map(|key| format!("{} descending: {}", key.field.slug, key.is_descending))
            .collect();
        assert_same(&found, &table.rows_at(places), &described.join(", "));
    }
}
