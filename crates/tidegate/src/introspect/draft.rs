//! Drafts a subject for each table: what it is called, and what its columns seem to be.

use tidegate_batch::DataType;
use tidegate_model::{
    catalog::{CatalogColumn, TableName},
    field::FIELDS_MAX,
    scope::KEY_FIELDS_MAX,
};

use super::{
    Introspected,
    guess::{self, Guessed},
    guesses::{DATES, FACETS, SOUGHT, VISITS},
    relations,
    slugs::{Slugs, label},
    words::Words,
};

/// Class of the columns that let somebody in: no error or log then names their values.
pub(super) const SECRET_CLASS: &str = "secret";
/// Fields that a draft searches in: each costs a scan where there is no index.
const SEARCH_FIELDS: usize = 4;
/// Longest text that is sought in, where its type tells a length.
const SOUGHT_CHARACTERS_MAX: u32 = 255;

/// A subject to be written.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) slug: String,
    pub(super) label: String,
    pub(super) source: String,
    /// Its table, as the configuration spells it.
    pub(super) table: String,
    pub(super) key: Vec<String>,
    pub(super) has_pii: bool,
    pub(super) pii_when: Option<String>,
    pub(super) date_field: Option<String>,
    pub(super) search: Vec<String>,
    pub(super) shorthands: Vec<String>,
    pub(super) fields: Vec<FieldDraft>,
    pub(super) relations: Vec<RelationDraft>,
}

/// A field to be written.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldDraft {
    pub(super) slug: String,
    /// Its column, where that is not the slug.
    pub(super) column: Option<String>,
    /// Its label, where that is not the one made of the slug.
    pub(super) label: Option<String>,
    pub(super) relation: Option<String>,
    /// Slug and column of each item of a list.
    pub(super) items: Vec<(String, Option<String>)>,
    pub(super) class: Option<&'static str>,
    pub(super) is_default: bool,
    pub(super) is_secret: bool,
}

/// A relation to be written.
#[derive(Clone, Debug)]
pub(super) struct RelationDraft {
    pub(super) name: String,
    pub(super) table: String,
    /// Our columns, and those of the other table.
    pub(super) on: Vec<(String, String)>,
    pub(super) many: Option<bool>,
    pub(super) order: Vec<String>,
}

/// A table with what was guessed of it.
pub(super) struct Table<'a> {
    pub(super) introspected: &'a Introspected,
    /// Its columns, those beyond the most that a subject may have left out.
    pub(super) columns: Vec<Column<'a>>,
    pub(super) is_of_persons: bool,
    pub(super) words: Words,
}

/// A column with what was guessed of it.
pub(super) struct Column<'a> {
    pub(super) catalog: &'a CatalogColumn,
    pub(super) slug: String,
    pub(super) words: Words,
    pub(super) guessed: Guessed,
}

impl Column<'_> {
    fn is_temporal(&self) -> bool {
        self.catalog.data_type.is_temporal() && self.guessed.class.is_none()
    }

    fn is_short_text(&self) -> bool {
        self.catalog.data_type == DataType::Text
            && !self.guessed.is_secret
            && length(&self.catalog.native_type)
                .is_none_or(|length| length <= SOUGHT_CHARACTERS_MAX)
    }

    /// Whether a value can be told from another, so that a key or an equality may use it.
    fn has_equality(&self) -> bool {
        !matches!(
            self.catalog.data_type,
            DataType::Bytes | DataType::Interval | DataType::Json | DataType::List(_)
        )
    }
}

impl<'a> Table<'a> {
    fn of(introspected: &'a Introspected) -> Self {
        let columns = &introspected.description.columns;
        let is_of_persons = guess::is_of_persons(&introspected.name, columns);
        let mut slugs = Slugs::default();
        let columns = columns.iter().take(FIELDS_MAX).map(|catalog| Column {
            slug: slugs.field(&catalog.name),
            words: Words::of(&catalog.name),
            guessed: guess::guess(catalog, is_of_persons),
            catalog,
        });
        let words = Words::of(&introspected.name.name);
        Self { columns: columns.collect(), introspected, is_of_persons, words }
    }

    pub(super) fn name(&self) -> &TableName {
        &self.introspected.name
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column<'a>> {
        self.columns.iter().find(|column| column.catalog.name == name)
    }

    /// Slugs of the key, if requests can name its values.
    fn key(&self) -> Vec<String> {
        let names = &self.introspected.description.key;
        let columns: Option<Vec<&Column<'_>>> =
            names.iter().map(|name| self.column(name).filter(|c| c.has_equality())).collect();
        let columns = columns.filter(|columns| columns.len() <= KEY_FIELDS_MAX).unwrap_or_default();
        columns.iter().map(|column| column.slug.clone()).collect()
    }

    fn date_field(&self) -> Option<String> {
        let dates: Vec<&Column<'_>> = self.columns.iter().filter(|c| c.is_temporal()).collect();
        let likeliest =
            DATES.iter().find_map(|phrase| dates.iter().find(|date| date.words.hold(phrase)));
        likeliest.or(dates.first()).map(|column| column.slug.clone())
    }

    /// The likeliest columns that people look for records by, in the table's order.
    fn search(&self) -> Vec<String> {
        let is_facet = |column: &Column<'_>| FACETS.iter().any(|phrase| column.words.hold(phrase));
        let texts = self.columns.iter().filter(|column| column.is_short_text());
        let sought = texts.filter(|column| {
            !is_facet(column)
                && !self.refers(column)
                && SOUGHT.iter().any(|phrase| column.words.tell(phrase))
        });
        sought.take(SEARCH_FIELDS).map(|column| column.slug.clone()).collect()
    }

    fn shorthands(&self) -> Vec<String> {
        let is_facet = |column: &&Column<'_>| {
            column.has_equality()
                && column.guessed == Guessed { is_default: true, ..Guessed::default() }
                && FACETS.iter().any(|phrase| column.words.is(phrase))
        };
        self.columns.iter().filter(is_facet).map(|column| column.slug.clone()).collect()
    }

    /// Whether a column is there to name a record of another table.
    fn refers(&self, column: &Column<'_>) -> bool {
        let references = self.introspected.references.iter();
        references.flat_map(|reference| &reference.on).any(|(ours, _)| *ours == column.catalog.name)
    }

    fn has_pii(&self) -> bool {
        self.columns.iter().any(|column| column.guessed.class.is_some())
    }

    fn fields(&self) -> Vec<FieldDraft> {
        let mut fields: Vec<FieldDraft> = self.columns.iter().map(field).collect();
        // A list page shows something.
        if !fields.iter().any(|field| field.is_default)
            && let Some(first) = fields.iter_mut().find(|field| !field.is_secret)
        {
            first.is_default = true;
        }
        fields
    }
}

/// Drafts of subjects in the order of their tables, and what there can be none of, with reasons.
pub(super) fn drafts(source: &str, tables: &[&Introspected]) -> (Vec<Draft>, Vec<String>) {
    let tables: Vec<Table<'_>> = tables.iter().map(|table| Table::of(table)).collect();
    let mut slugs = Slugs::default();
    let mut left_out = Vec::new();
    let mut drafts = Vec::new();
    for table in &tables {
        match table_text(table.name()) {
            _ if table.columns.iter().all(|column| column.guessed.is_secret) => {
                left_out.push(format!("`{}`: it has nothing but secrets", table.name()));
            }
            None => left_out.push(format!(
                "`{}`: its name cannot be written as a table; declare a `query` over it",
                table.name()
            )),
            Some(text) => {
                let slug = slugs.subject(table.name());
                drafts.push(draft(source, slug, text, table, &tables));
            }
        }
    }
    (drafts, left_out)
}

fn draft(
    source: &str,
    slug: String,
    text: String,
    table: &Table<'_>,
    tables: &[Table<'_>],
) -> Draft {
    let has_pii = table.has_pii();
    let is_of_visits = !has_pii && table.words.ends_in(VISITS);
    let mut draft = Draft {
        slug,
        label: label(&table.name().name),
        source: source.to_owned(),
        table: text,
        key: table.key(),
        has_pii,
        pii_when: is_of_visits.then(|| relations::person_column(table, tables)).flatten(),
        date_field: table.date_field(),
        search: table.search(),
        shorthands: table.shorthands(),
        fields: table.fields(),
        relations: Vec::new(),
    };
    relations::add(&mut draft, table, tables);
    draft
}

fn field(column: &Column<'_>) -> FieldDraft {
    let Guessed { class, is_secret, is_default } = column.guessed;
    let name = &column.catalog.name;
    FieldDraft {
        slug: column.slug.clone(),
        column: (column.slug != *name).then(|| name.clone()),
        label: Some(label(name)).filter(|label| *label != plain_label(&column.slug)),
        class: if is_secret { Some(SECRET_CLASS) } else { class },
        is_default,
        is_secret,
        ..FieldDraft::default()
    }
}

/// The label that a field has where none is declared.
fn plain_label(slug: &str) -> String {
    let words = slug.replace(['_', '.'], " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A table as the configuration spells it, if it can.
pub(super) fn table_text(table: &TableName) -> Option<String> {
    let part =
        |name: &str| if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() };
    let name = part(&table.name);
    let text = table.schema.as_ref().map(|schema| format!("{}.{name}", part(schema)));
    let text = text.unwrap_or(name);
    (TableName::parse(&text) == *table).then_some(text)
}

/// The length in a type's name: 20 of `character varying(20)`.
fn length(native_type: &str) -> Option<u32> {
    let (_, rest) = native_type.split_once('(')?;
    rest.split_once(')')?.0.trim().parse().ok()
}
