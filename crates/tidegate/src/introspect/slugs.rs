//! Makes slugs and labels of names that a database is free to choose.

use std::collections::BTreeSet;

use tidegate_model::{catalog::TableName, declaration::RESERVED_SLUGS};

use super::{
    guesses::ACRONYMS,
    words::{Words, split},
};

/// Longest slug of a subject, as the contract has it.
const SUBJECT_BYTES_MAX: usize = 63;
/// Longest slug of a field, in characters, as the model has it.
const FIELD_CHARACTERS_MAX: usize = 200;

/// Slugs given so far; none is given twice.
#[derive(Debug, Default)]
pub(super) struct Slugs(BTreeSet<String>);

impl Slugs {
    /// A slug for a subject: `[a-z][a-z0-9_]{0,62}`, and no reserved word.
    pub(super) fn subject(&mut self, table: &TableName) -> String {
        let plain = subject_slug(&table.name);
        let slug = match (&table.schema, RESERVED_SLUGS.contains(&plain.as_str())) {
            (_, true) => format!("{plain}_table"),
            (Some(schema), false) if self.0.contains(&plain) => {
                subject_slug(&format!("{schema}_{plain}"))
            }
            (_, false) => plain,
        };
        self.unique(&slug, SUBJECT_BYTES_MAX)
    }

    /// A slug for a field: the name of the column, but for what a slug cannot hold. A dot would
    /// nest.
    pub(super) fn field(&mut self, column: &str) -> String {
        let fit = |letter: char| if letter.is_control() || letter == '.' { '_' } else { letter };
        let slug: String = column.chars().map(fit).collect();
        let slug = if slug.is_empty() { "column".to_owned() } else { slug };
        self.unique(&slug, FIELD_CHARACTERS_MAX)
    }

    /// Whether a slug is given, or is the parent of one that is.
    pub(super) fn has(&self, slug: &str) -> bool {
        self.0.iter().any(|given| {
            given.strip_prefix(slug).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Gives a slug as it is.
    pub(super) fn give(&mut self, slug: &str) {
        self.0.insert(slug.to_owned());
    }

    fn unique(&mut self, slug: &str, characters_max: usize) -> String {
        let first: String = slug.chars().take(characters_max).collect();
        let numbered = (2_u32..).map(|number| {
            let ending = format!("_{number}");
            let kept = slug.chars().take(characters_max - ending.len());
            kept.chain(ending.chars()).collect()
        });
        let free = std::iter::once(first).chain(numbered).find(|slug| !self.0.contains(slug));
        let free = free.expect("there are more numbers than columns");
        self.0.insert(free.clone());
        free
    }
}

/// The name of a person's list of records: `order_items` → `Order items`, `userID` → `User ID`.
pub(super) fn label(name: &str) -> String {
    let words: Vec<String> = split(name)
        .iter()
        .map(|word| match ACRONYMS.contains(&word.to_lowercase().as_str()) {
            true => word.to_uppercase(),
            false => word.to_lowercase(),
        })
        .collect();
    let text = words.join(" ").replace("e mail", "e-mail");
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}

fn subject_slug(name: &str) -> String {
    let ascii = |word: &str| word.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let words: Vec<String> =
        Words::of(name).iter().map(ascii).filter(|word| !word.is_empty()).collect();
    let slug = words.join("_");
    match slug.chars().next() {
        Some(first) if first.is_ascii_lowercase() => slug,
        Some(_) => format!("t_{slug}"),
        None => "records".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_table_gets_a_slug_of_its_own() {
        let mut slugs = Slugs::default();
        for (table, slug) in [
            ("orders", "orders"),
            ("shop.orders", "shop_orders"),
            ("Orders", "orders_2"),
            ("OrderLines", "order_lines"),
            ("Größen", "grossen"),
            ("用户", "records"),
            ("2024", "t_2024"),
            ("settings", "settings_table"),
            ("pii", "pii_table"),
        ] {
            assert_eq!(slugs.subject(&TableName::parse(table)), slug, "{table}");
        }
        let long = "a".repeat(80);
        assert_eq!(slugs.subject(&TableName::parse(&long)).len(), 63);
        assert!(slugs.subject(&TableName::parse(&long)).ends_with("a_2"));
    }

    #[test]
    fn a_field_is_named_after_its_column_unless_that_would_nest() {
        let mut slugs = Slugs::default();
        for (column, slug) in [
            ("Straße 1", "Straße 1"),
            ("a.b", "a_b"),
            ("a_b", "a_b_2"),
            ("", "column"),
            ("x\ny", "x_y"),
        ] {
            assert_eq!(slugs.field(column), slug);
        }
        slugs.give("author.name");
        assert!(slugs.has("author") && slugs.has("author.name") && !slugs.has("auth"));
    }

    #[test]
    fn labels_read_as_words() {
        for (name, read) in [
            ("order_items", "Order items"),
            ("userID", "User ID"),
            ("ip_address", "IP address"),
            ("Geburtsdatum", "Geburtsdatum"),
            ("customerEMail", "Customer e-mail"),
            ("電話番号", "電話番号"),
            ("__", "__"),
        ] {
            assert_eq!(label(name), read);
        }
    }
}
