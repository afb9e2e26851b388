//! Adds to a draft what other tables have: the name of who is referred to, and the lines.

use tidegate_batch::DataType;
use tidegate_model::{
    catalog::TableName, declaration::RELATIONS_MAX, field::Reference, scope::KEY_FIELDS_MAX,
};

use super::{
    draft::{Column, Draft, FieldDraft, RelationDraft, Table, table_text},
    guesses::{LINES, NAMING},
    slugs::Slugs,
    words::{Words, split},
};

/// Endings of columns that refer to another table.
const REFERRING: &[&str] = &["id", "uuid", "fk", "key", "no", "nr", "code", "ref"];

/// Adds joined names first, then lists of lines.
pub(super) fn add(draft: &mut Draft, table: &Table<'_>, tables: &[Table<'_>]) {
    let mut slugs = Slugs::default();
    draft.fields.iter().for_each(|field| slugs.give(&field.slug));
    for reference in &table.introspected.references {
        if let Some((field, relation)) = joined(reference, table, tables, &mut slugs) {
            insert(draft, field, relation);
        }
    }
    for child in tables {
        let belongs = |reference: &&Reference| {
            find(tables, &reference.table).is_some_and(|parent| std::ptr::eq(parent, table))
        };
        if let Some(reference) = parent(child, tables).filter(belongs)
            && let Some((field, relation)) = lines(reference, child, table, &mut slugs)
        {
            insert(draft, field, relation);
        }
    }
}

/// The column of a table of visits that tells whose visit it was.
pub(super) fn person_column(table: &Table<'_>, tables: &[Table<'_>]) -> Option<String> {
    let references = table.introspected.references.iter();
    let mut persons = references
        .filter(|reference| find(tables, &reference.table).is_some_and(|t| t.is_of_persons));
    let column = persons.find_map(|reference| table.column(&reference.on.first()?.0))?;
    column.catalog.is_nullable.then(|| column.slug.clone())
}

fn insert(draft: &mut Draft, field: FieldDraft, relation: RelationDraft) {
    if draft.relations.len() < RELATIONS_MAX {
        draft.fields.push(field);
        draft.relations.push(relation);
    }
}

fn find<'a, 'b>(tables: &'b [Table<'a>], name: &TableName) -> Option<&'b Table<'a>> {
    let same = tables.iter().find(|table| table.name() == name);
    // One of the two may leave out the schema that the connection is in anyway.
    same.or_else(|| {
        tables.iter().find(|table| {
            let is_either_bare = table.name().schema.is_none() || name.schema.is_none();
            table.name().name == name.name && is_either_bare
        })
    })
}

/// The name of the record that a column refers to: `author.name`.
fn joined(
    reference: &Reference,
    table: &Table<'_>,
    tables: &[Table<'_>],
    slugs: &mut Slugs,
) -> Option<(FieldDraft, RelationDraft)> {
    let other = find(tables, &reference.table)?;
    let naming = naming(other)?;
    let base = candidates(reference).find(|base| !slugs.has(base) && !base.is_empty())?;
    let slug = format!("{base}.{}", naming.slug);
    slugs.give(&slug);
    let key = &other.introspected.description.key;
    let is_one_at_most = !key.is_empty()
        && key.iter().all(|name| reference.on.iter().any(|(_, theirs)| theirs == name));
    let has_columns = reference.on.iter().all(|(ours, _)| table.column(ours).is_some());
    let relation = RelationDraft {
        name: base,
        table: table_text(other.name()).filter(|_| has_columns)?,
        on: reference.on.clone(),
        many: (!is_one_at_most).then_some(false),
        order: Vec::new(),
    };
    let field = FieldDraft {
        slug,
        column: (naming.slug != naming.catalog.name).then(|| naming.catalog.name.clone()),
        relation: Some(relation.name.clone()),
        class: naming.guessed.class,
        ..FieldDraft::default()
    };
    Some((field, relation))
}

/// The column that tells people which record is meant.
fn naming<'a, 'b>(table: &'b Table<'a>) -> Option<&'b Column<'a>> {
    let is_fit = |column: &&Column<'_>| {
        column.catalog.data_type == DataType::Text && !column.guessed.is_secret
    };
    let fit = || table.columns.iter().filter(is_fit);
    NAMING.iter().find_map(|phrase| fit().find(|column| column.words.is(phrase))).or_else(|| {
        // The name of a person says nothing of an order.
        let mut plain = fit().filter(|column| column.guessed.class.is_none());
        plain.find(|column| column.words.ends_in(&["name", "title"]))
    })
}

/// What the reference may be called, the best first: `author_id` → `author`, else the table.
fn candidates(reference: &Reference) -> impl Iterator<Item = String> + '_ {
    let column = match reference.on.as_slice() {
        [(ours, _)] => {
            let words = split(ours);
            let kept = match words.split_last() {
                Some((last, kept)) if REFERRING.contains(&last.to_lowercase().as_str()) => kept,
                _ => &[],
            };
            kept.join("_").to_lowercase()
        }
        _ => String::new(),
    };
    let table = split(&reference.table.name).join("_").to_lowercase();
    [column, table.clone(), format!("{table}_ref")].into_iter()
}

/// The record that each row of a table belongs to, if it seems to be a line of one.
fn parent<'a>(child: &'a Table<'_>, tables: &[Table<'_>]) -> Option<&'a Reference> {
    let references = &child.introspected.references;
    let key = &child.introspected.description.key;
    let is_other = |reference: &&Reference| {
        find(tables, &reference.table).is_some_and(|parent| !std::ptr::eq(parent, child))
    };
    // (order_id, line_no): what comes first in the key is what the rest counts in.
    if let [first, _, ..] = key.as_slice() {
        let holds = |reference: &&Reference| reference.on.iter().any(|(ours, _)| ours == first);
        return references.iter().filter(is_other).find(holds);
    }
    if !child.words.ends_in(LINES) {
        return None;
    }
    // order_items belong to orders rather than to products.
    let shares_a_word = |reference: &&Reference| {
        Words::of(&reference.table.name).iter().any(|theirs| {
            child.words.iter().any(|ours| theirs.starts_with(ours) || ours.starts_with(theirs))
        })
    };
    let mut others = references.iter().filter(is_other);
    others.clone().find(shares_a_word).or_else(|| others.next())
}

/// The rows of another table that belong to ours.
fn lines(
    reference: &Reference,
    child: &Table<'_>,
    table: &Table<'_>,
    slugs: &mut Slugs,
) -> Option<(FieldDraft, RelationDraft)> {
    let joins =
        |column: &Column<'_>| reference.on.iter().any(|(theirs, _)| *theirs == column.catalog.name);
    let shown: Vec<&Column<'_>> = child
        .columns
        .iter()
        .filter(|column| !joins(column) && !column.guessed.is_secret)
        .filter(|column| column.catalog.data_type != DataType::Bytes)
        .collect();
    if shown.is_empty() {
        return None;
    }
    let slug = free_slug(&lines_slug(child, table), slugs);
    let name = |column: &Column<'_>| column.catalog.name.clone();
    let order = child.introspected.description.key.iter().take(KEY_FIELDS_MAX);
    let order = order.filter(|name| !reference.on.iter().any(|(theirs, _)| theirs == *name));
    let relation = RelationDraft {
        name: slug.clone(),
        table: table_text(child.name())?,
        on: reference.on.iter().map(|(theirs, ours)| (ours.clone(), theirs.clone())).collect(),
        many: Some(true),
        order: order.cloned().collect(),
    };
    let items = shown.iter().map(|column| {
        (column.slug.clone(), (column.slug != column.catalog.name).then(|| name(column)))
    });
    let field = FieldDraft {
        relation: Some(slug.clone()),
        slug,
        items: items.collect(),
        class: shown.iter().find_map(|column| column.guessed.class),
        ..FieldDraft::default()
    };
    Some((field, relation))
}

/// What the list is called: `order_lines` of `orders` are its `lines`.
fn lines_slug(child: &Table<'_>, table: &Table<'_>) -> String {
    let is_of_parent = |word: &str| {
        table.words.iter().any(|theirs| theirs.starts_with(word) || word.starts_with(theirs))
    };
    let own: Vec<&str> = child.words.iter().filter(|word| !is_of_parent(word)).collect();
    match own.is_empty() {
        true => "lines".to_owned(),
        false => own.join("_"),
    }
}

fn free_slug(wanted: &str, slugs: &mut Slugs) -> String {
    match slugs.has(wanted) {
        true => slugs.field(&format!("{wanted}_list")),
        false => slugs.field(wanted),
    }
}
