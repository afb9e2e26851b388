//! Names that hold what SQL gives a meaning to.

use tidegate_model::query::{Comparison, Literal, Predicate, Query, SortKey};

use super::{Cell, Site, Table, drain::rows_of};

pub(super) fn names_that_need_quotes(site: &Site<'_>) {
    let columns = [
        "id",
        "select",
        "a\"b",
        "a`b",
        "a'b",
        "with space",
        "ünï",
        "a.b",
        "50%",
        "what?",
        "$1",
        ":name",
        "@p1",
        "back\\slash",
        "semi;colon",
        "--",
        "Id2",
        "rowid",
    ];
    let row = |id: i64| -> Vec<Cell> {
        (0..columns.len() as i64).map(|at| Cell::Integer(id * 100 + at)).collect()
    };
    for name in ["select", "odd \"name\" of `a` táble", "a.b", "what?$1", "semi;colon -- x"] {
        let typed = columns.map(|column| (column, "integer"));
        let table = Table::new(name, &typed, vec![row(1), row(2), row(3)]);
        table.create(site);
        for column in columns {
            let field = table.field(column);
            let Cell::Integer(second) = table.rows[1][table.at(column)] else { continue };
            let query = Query {
                predicate: Predicate::Compare {
                    field: field.clone(),
                    comparison: Comparison::Gte,
                    value: Literal::Integer(second),
                },
                sort: vec![SortKey { field, is_descending: true }],
                ..table.query()
            };
            assert_eq!(rows_of(site.source, &query), [row(3), row(2)], "{name} {column}");
        }
        let mut all = rows_of(site.source, &table.query());
        all.sort_by(|left, right| left[0].compare(&right[0]).expect("numbers"));
        assert_eq!(all, table.rows, "{name}");
    }
}
