//! The configuration of the demo fits its database.

use rusqlite::Connection;
use tidegate_batch::{DataType, Item};
use tidegate_model::{
    bind::{BoundSubject, Catalog},
    catalog::{CatalogColumn, Description, Relation},
    declaration::{SubjectDeclaration, check},
    pointer::Pointer,
};

use super::{CONFIG, tests::small};

#[derive(serde::Deserialize)]
struct Document {
    sources: toml::Table,
    subjects: Vec<SubjectDeclaration>,
}

/// The subjects of a configuration, bound to the demo's database.
fn bind(text: &str, connection: &Connection) -> Vec<BoundSubject> {
    let document: Document = toml::from_str(text).unwrap();
    let sources: Vec<&str> = document.sources.keys().map(String::as_str).collect();
    check(&document.subjects, &sources).unwrap();
    let relations = document.subjects.iter().flat_map(SubjectDeclaration::tables);
    let catalog: Catalog = relations
        .map(|relation| {
            let description = describe(&relation, connection);
            (relation, description)
        })
        .collect();
    let bind = |subject| BoundSubject::bind(subject, &catalog, &Pointer::at("/subjects"));
    document.subjects.iter().map(|subject| bind(subject).unwrap()).collect()
}

fn describe(relation: &Relation, connection: &Connection) -> Description {
    let sql = match relation {
        Relation::Table(table) => format!("select * from {table}"),
        Relation::Statement(sql) => sql.clone(),
        Relation::Union(_) => unreachable!("a declaration names its tables one by one"),
    };
    let statement = connection.prepare(&sql).unwrap();
    let columns = statement.columns();
    let columns = columns.iter().map(|column| {
        let native_type = column.decl_type().unwrap_or("text").to_lowercase();
        CatalogColumn {
            name: column.name().to_owned(),
            data_type: data_type(&native_type),
            native_type,
            is_nullable: true,
        }
    });
    let key = match relation {
        Relation::Table(table) => {
            let sql = "select name from pragma_table_info(?) where pk > 0 order by pk";
            let mut statement = connection.prepare(sql).unwrap();
            let names = statement.query_map([&table.name], |row| row.get(0)).unwrap();
            names.map(Result::unwrap).collect()
        }
        Relation::Statement(_) | Relation::Union(_) => Vec::new(),
    };
    Description { columns: columns.collect(), key, is_base_table: true }
}

fn data_type(native_type: &str) -> DataType {
    match native_type.split('(').next().unwrap() {
        "bigint" => DataType::Integer,
        "char" => DataType::Text,
        "double" => DataType::Float64,
        _ => native_type.parse().unwrap(),
    }
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
