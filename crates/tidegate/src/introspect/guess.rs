//! Guesses from names and types what a column holds.

use tidegate_model::catalog::{CatalogColumn, TableName};

use super::{
    guesses::{
        Guess, LONG, LONG_TYPES, PARTIES, PERSONS, PII, PII_TYPES, Place, SECRETS, TOOL_TABLES,
        Values,
    },
    words::Words,
};

/// Classes that make a table one of persons, whatever it is called.
const TELLING_CLASSES: &[&str] = &["email", "name", "birth_date", "national_id"];

/// What a column seems to hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Guessed {
    /// Class of personal data.
    pub(super) class: Option<&'static str>,
    /// Whether it lets somebody in.
    pub(super) is_secret: bool,
    /// Whether it belongs to a list of records.
    pub(super) is_default: bool,
}

/// Whether a table belongs to a tool, not to the application.
pub(super) fn is_of_a_tool(table: &TableName) -> bool {
    let name = table.name.to_lowercase();
    TOOL_TABLES.iter().any(|tool| match tool.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *tool,
    })
}

/// Whether the rows of a table seem to be persons.
pub(super) fn is_of_persons(table: &TableName, columns: &[CatalogColumn]) -> bool {
    let is_telling = |column: &CatalogColumn| {
        let guess = guess_of(column, false);
        guess.is_some_and(|guess| TELLING_CLASSES.contains(&guess.class))
    };
    Words::of(&table.name).ends_in(PERSONS) || columns.iter().any(is_telling)
}

/// What a column of a table seems to hold.
pub(super) fn guess(column: &CatalogColumn, is_of_persons: bool) -> Guessed {
    if is_secret(column) {
        return Guessed { class: None, is_secret: true, is_default: false };
    }
    if let Some(guess) = guess_of(column, is_of_persons) {
        let is_default = guess.is_default && !is_long(column);
        return Guessed { class: Some(guess.class), is_secret: false, is_default };
    }
    let class = class_of_type(column);
    Guessed { class, is_secret: false, is_default: class.is_none() && !is_long(column) }
}

fn guess_of(column: &CatalogColumn, is_of_persons: bool) -> Option<&'static Guess> {
    let words = Words::of(&column.name);
    PII.iter().find(|guess| {
        guess.values.fit(&column.data_type)
            && match guess.place {
                Place::Anywhere => guess.phrases.iter().any(|phrase| words.tell(phrase)),
                // In a table of persons, `name` is theirs, and `file_name` still is not.
                Place::OfPersons => guess.phrases.iter().any(|phrase| {
                    (is_of_persons && words.is(phrase)) || words.tell_of(PARTIES, phrase)
                }),
            }
    })
}

fn is_secret(column: &CatalogColumn) -> bool {
    let words = Words::of(&column.name);
    Values::TextOrBytes.fit(&column.data_type) && SECRETS.iter().any(|phrase| words.tell(phrase))
}

fn class_of_type(column: &CatalogColumn) -> Option<&'static str> {
    let native = column.native_type.to_lowercase();
    PII_TYPES.iter().find(|(name, _)| native.starts_with(name)).map(|(_, class)| *class)
}

fn is_long(column: &CatalogColumn) -> bool {
    let native = column.native_type.to_lowercase();
    let words = Words::of(&column.name);
    LONG_TYPES.iter().any(|name| native.starts_with(name))
        || LONG.iter().any(|phrase| words.end_with(phrase))
}

#[cfg(test)]
mod tests {
    use tidegate_batch::DataType;

    use super::*;

    fn column(name: &str, data_type: &str) -> CatalogColumn {
        CatalogColumn {
            name: name.to_owned(),
            data_type: data_type.parse::<DataType>().unwrap(),
            native_type: data_type.to_owned(),
            is_nullable: true,
        }
    }

    fn class(name: &str, data_type: &str) -> &'static str {
        guess(&column(name, data_type), false).class.unwrap_or("-")
    }

    #[test]
    fn personal_data_is_found_in_every_spelling() {
        for (name, data_type, expected) in [
            ("email", "text", "email"),
            ("EMailAddress", "text", "email"),
            ("customer_email", "text", "email"),
            ("Почта", "text", "email"),
            ("mobile_no", "integer", "phone"),
            ("TelefonNr", "text", "phone"),
            ("fax", "text", "phone"),
            ("last_sign_in_ip", "text", "ip"),
            ("remoteAddr", "text", "ip"),
            ("date_of_birth", "date", "birth_date"),
            ("Geburtsdatum", "text", "birth_date"),
            ("fecha_nacimiento", "date", "birth_date"),
            ("ssn", "text", "national_id"),
            ("vatId", "text", "national_id"),
            ("codice_fiscale", "text", "national_id"),
            ("iban", "text", "bank"),
            ("kontonummer", "integer", "bank"),
            ("cc_number", "text", "card"),
            ("latitude", "float", "geo"),
            ("Straße", "text", "address"),
            ("billing_address_line_2", "text", "address"),
            ("shipping", "json", "-"),
            ("shipping_address", "json", "address"),
            ("firstName", "text", "name"),
            ("Prénom", "text", "name"),
            ("surname", "text", "name"),
            ("ship_name", "text", "name"),
            ("ShipCity", "text", "address"),
            ("billing_zip", "text", "address"),
            ("user_login", "text", "name"),
            ("comment_author", "text", "name"),
            ("氏名", "text", "name"),
        ] {
            assert_eq!(class(name, data_type), expected, "{name}");
        }
    }

    #[test]
    fn names_that_only_look_personal_are_left_alone() {
        for (name, data_type) in [
            ("email_verified", "boolean"),
            ("email_verified_at", "timestamp"),
            ("email_template", "text"),
            ("address_id", "integer"),
            ("phone_type", "text"),
            ("ip_country", "text"),
            ("description", "text"),
            ("shipped", "boolean"),
            ("tax", "decimal(12,2)"),
            ("tax_rate", "decimal"),
            ("name", "text"),
            ("product_name", "text"),
            ("file_name", "text"),
            ("status", "text"),
            ("recipient_count", "integer"),
            ("shipping_method", "text"),
            ("ship_via", "text"),
            ("post_author", "integer"),
            ("city", "text"),
        ] {
            assert_eq!(class(name, data_type), "-", "{name}");
        }
    }

    #[test]
    fn a_name_or_a_town_is_personal_where_the_rows_are_persons() {
        let found = |name| guess(&column(name, "text"), true).class;
        assert_eq!(found("name"), Some("name"));
        assert_eq!(found("city"), Some("address"));
        assert_eq!(found("file_name"), None);
        let table = TableName::parse("people");
        assert!(is_of_persons(&table, &[]));
        assert!(is_of_persons(&TableName::parse("crm_records"), &[column("e_mail", "text")]));
        assert!(!is_of_persons(&TableName::parse("products"), &[column("name", "text")]));
        assert!(!is_of_persons(&TableName::parse("user_settings"), &[column("theme", "text")]));
    }

    #[test]
    fn what_lets_somebody_in_is_a_secret() {
        for (name, data_type) in [
            ("password", "text"),
            ("encryptedPassword", "text"),
            ("pwd_hash", "bytes"),
            ("remember_token", "text"),
            ("api_key", "text"),
            ("otp_secret", "text"),
            ("Kennwort", "text"),
            ("user_pass", "text"),
            ("contraseña", "text"),
        ] {
            assert!(guess(&column(name, data_type), true).is_secret, "{name}");
        }
        for (name, data_type) in [
            ("password_changed_at", "timestamp"),
            ("token_count", "integer"),
            ("token_type", "text"),
            ("key", "text"),
            ("is_secret", "boolean"),
            ("spinning", "text"),
        ] {
            assert!(!guess(&column(name, data_type), true).is_secret, "{name}");
        }
    }

    #[test]
    fn long_and_technical_columns_are_not_in_the_default_set() {
        for (name, is_default) in [
            ("title", true),
            ("comment_content", false),
            ("order_notes", false),
            ("updated_at", false),
            ("created_at", true),
            ("content_type", true),
        ] {
            assert_eq!(guess(&column(name, "text"), false).is_default, is_default, "{name}");
        }
    }

    #[test]
    fn types_of_the_database_tell_too() {
        let mut address = column("origin", "text");
        address.native_type = "inet".to_owned();
        assert_eq!(guess(&address, false).class, Some("ip"));
    }

    #[test]
    fn tables_of_tools_are_known_by_name_and_by_beginning() {
        for name in ["schema_migrations", "django_session", "__EFMigrationsHistory", "telescope_a"]
        {
            assert!(is_of_a_tool(&TableName::parse(name)), "{name}");
        }
        for name in ["orders", "sessions_attended", "migration_birds"] {
            assert!(!is_of_a_tool(&TableName::parse(name)), "{name}");
        }
    }
}
