//! The configuration of the demo fits its database.

use rusqlite::Connection;
use tidegate_batch::{DataType, Item};
use tidegate_model::{
    bind::{BoundSubject, Catalog},
    catalog::{Relation, TableName},
    declaration::{SubjectDeclaration, check},
    pointer::Pointer,
};
use tidegate_source::{Source, SourceSettings};

use super::{CONFIG, tests::small};
use crate::introspect::{Introspected, Location, write_config};

#[derive(serde::Deserialize)]
struct Document {
    sources: toml::Table,
    subjects: Vec<SubjectDeclaration>,
}

/// The demo's database as its source sees it.
fn source(connection: &Connection) -> Box<dyn Source> {
    let path = connection.path().expect("the demo is a file");
    tidegate_source::connect(SourceSettings::new("shop", format!("sqlite:{path}"))).unwrap()
}

/// The subjects of a configuration, bound to the demo's database.
fn bind(text: &str, connection: &Connection) -> Vec<BoundSubject> {
    let document: Document = toml::from_str(text).unwrap();
    let sources: Vec<&str> = document.sources.keys().map(String::as_str).collect();
    check(&document.subjects, &sources).unwrap();
    let source = source(connection);
    let relations = document.subjects.iter().flat_map(SubjectDeclaration::tables);
    let catalog: Catalog = relations
        .map(|relation| {
            let description = source.describe(&relation).unwrap();
            (relation, description)
        })
        .collect();
    let bind = |subject| BoundSubject::bind(subject, &catalog, &Pointer::at("/subjects"));
    document.subjects.iter().map(|subject| bind(subject).unwrap()).collect()
}

fn subject<'a>(subjects: &'a [BoundSubject], slug: &str) -> &'a BoundSubject {
    subjects.iter().find(|subject| subject.whole().slug == slug).unwrap()
}

#[test]
fn the_subjects_of_the_demo_bind_to_its_tables() {
    let (_folder, connection) = small();
    let subjects = bind(CONFIG, &connection);
    let slugs: Vec<&str> = subjects.iter().map(|bound| bound.whole().slug.as_str()).collect();
    assert_eq!(slugs, ["orders", "users", "content", "analytics"]);
    let content = subject(&subjects, "content");
    let kinds: Vec<&str> = content.kinds().iter().filter_map(|kind| kind.kind.as_deref()).collect();
    assert_eq!(kinds, ["pages", "posts", "media"]);
    let shared: Vec<&str> =
        content.whole().fields.iter().map(|field| field.slug.as_str()).collect();
    assert_eq!(shared, ["kind", "id", "status", "updated_at"]);
    assert!(subject(&subjects, "users").whole().has_pii);
    assert!(subject(&subjects, "orders").whole().has_pii);
    assert_eq!(subject(&subjects, "analytics").whole().pii_when.as_deref(), Some("visitor_id"));
}

#[test]
fn orders_show_a_joined_name_paths_of_json_and_lines() {
    let (_folder, connection) = small();
    let subjects = bind(CONFIG, &connection);
    let orders = subject(&subjects, "orders").whole();
    let data_type = |slug: &str| orders.field(slug).unwrap().data_type.clone();
    assert_eq!(data_type("total"), DataType::Decimal(Some((12, 2))));
    assert_eq!(data_type("placed_at"), DataType::TimestampTz);
    assert_eq!(data_type("shipping.city"), DataType::Text);
    assert_eq!(orders.field("customer.email").unwrap().pii.as_deref(), Some("email"));
    assert!(orders.field("margin").unwrap().is_internal);
    let DataType::List(item) = data_type("lines") else { panic!("lines are a list") };
    let Item::Record(items) = *item else { panic!("lines are records") };
    let items: Vec<&str> = items.iter().map(|item| item.slug.as_str()).collect();
    assert_eq!(items, ["sku", "name", "quantity", "unit_price"]);
}

#[test]
fn nothing_declares_the_hash_of_a_password() {
    let (_folder, connection) = small();
    let subjects = bind(CONFIG, &connection);
    let users = subject(&subjects, "users").whole();
    assert!(users.fields.iter().all(|field| !format!("{:?}", field.origin).contains("password")));
}

#[test]
fn the_example_in_the_comments_works_when_it_is_uncommented() {
    let (_folder, connection) = small();
    let (before, example) = CONFIG.rsplit_once("#\n# [[subjects]]").unwrap();
    let example: String =
        example.lines().map(|line| line.trim_start_matches('#').to_owned() + "\n").collect();
    let text = format!("{before}\n[[subjects]]\n{example}");
    let subjects = bind(&text, &connection);
    let sales = subject(&subjects, "sales_by_month").whole();
    assert!(sales.key.is_empty());
}

#[test]
fn init_describes_the_demo_so_that_it_binds() {
    let (_folder, connection) = small();
    let source = source(&connection);
    let introspect = |name: TableName| Introspected {
        description: source.describe(&Relation::Table(name.clone())).unwrap(),
        references: source.references(&name).unwrap(),
        name,
    };
    let tables: Vec<Introspected> = source.tables().unwrap().into_iter().map(introspect).collect();
    let text = write_config("shop", &Location::of("sqlite:site.db"), &tables);
    let subjects = bind(&text, &connection);
    assert_eq!(subjects.len(), 8, "{text}");
    let users = subject(&subjects, "users").whole();
    assert!(users.has_pii && users.field("password_hash").unwrap().is_internal);
    let orders = subject(&subjects, "orders").whole();
    assert!(orders.field("lines").unwrap().is_lines());
    assert_eq!(orders.field("customer.display_name").unwrap().pii.as_deref(), Some("name"));
    assert_eq!(orders.date_field.as_deref(), Some("placed_at"));
}
