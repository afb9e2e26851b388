//! Writes the `tidegate.toml` of a database that nobody has described yet.

mod draft;
mod guess;
mod guesses;
mod location;
mod relations;
mod slugs;
mod text;
mod words;

use tidegate_model::{
    catalog::{Description, TableName},
    declaration::SUBJECTS_MAX,
    field::Reference,
};

pub use self::location::{Location, source_name, variable};

/// A table or view, as its source describes it.
#[derive(Clone, Debug)]
pub struct Introspected {
    /// Its place in the database.
    pub name: TableName,
    /// Its columns and key.
    pub description: Description,
    /// Its references to other tables.
    pub references: Vec<Reference>,
}

/// The text of a configuration: one source, one subject for each table. Classes of personal data,
/// dates, searches and references are guessed. The same tables give the same text.
pub fn write_config(source_name: &str, location: &Location, tables: &[Introspected]) -> String {
    let (tool_tables, tables): (Vec<&Introspected>, Vec<&Introspected>) =
        tables.iter().partition(|table| guess::is_of_a_tool(&table.name));
    let (drafts, mut left_out) = draft::drafts(source_name, &tables);
    if let Some(beyond) = drafts.get(SUBJECTS_MAX) {
        left_out.push(format!(
            "`{}` and {} more tables: there can be {SUBJECTS_MAX} subjects",
            beyond.table,
            drafts.len() - SUBJECTS_MAX - 1
        ));
    }
    let tools: Vec<String> = tool_tables.iter().map(|table| table.name.to_string()).collect();
    if !tools.is_empty() {
        left_out.push(format!("tables of tools: {}", tools.join(", ")));
    }
    let mut text = text::heading(source_name, location, &left_out);
    drafts.iter().take(SUBJECTS_MAX).for_each(|draft| text::subject(draft, &mut text));
    text
}

#[cfg(test)]
mod tests;
