//! What is written reads well, reads back, and binds to the tables that it was written from.

use tidegate_model::{
    bind::{BoundSubject, Catalog},
    catalog::{CatalogColumn, Relation},
    declaration::{SubjectDeclaration, check},
    pointer::Pointer,
};

use super::*;

#[derive(serde::Deserialize)]
struct Document {
    sources: toml::Table,
    #[serde(default)]
    subjects: Vec<SubjectDeclaration>,
}

/// A table of columns such as `total decimal(12,2)`; `?` at the end admits NULL.
fn table(name: &str, columns: &[&str], key: &[&str], references: &[(&str, &str)]) -> Introspected {
    let column = |text: &&str| {
        let (name, native_type) = text.rsplit_once(' ').unwrap();
        let native = native_type.trim_end_matches('?');
        let data_type = match native.split('(').next().unwrap() {
            "varchar" | "inet" => "text",
            "jsonb" => "json",
            "bytea" => "bytes",
            "bigint" => "integer",
            _ => native,
        };
        CatalogColumn {
            name: name.to_owned(),
            data_type: data_type.parse().unwrap(),
            native_type: native.to_owned(),
            is_nullable: native_type.ends_with('?'),
        }
    };
    let reference = |(ours, theirs): &(&str, &str)| {
        let (table, column) = theirs.rsplit_once('.').unwrap();
        Reference {
            table: TableName::parse(table),
            on: vec![((*ours).to_owned(), column.to_owned())],
        }
    };
    Introspected {
        name: TableName::parse(name),
        description: Description {
            columns: columns.iter().map(column).collect(),
            key: key.iter().map(|name| (*name).to_owned()).collect(),
            is_base_table: true,
        },
        references: references.iter().map(reference).collect(),
    }
}

fn customers() -> Introspected {
    table(
        "customers",
        &[
            "id bigint",
            "firstName varchar(100)",
            "lastName varchar(100)",
            "email varchar(255)",
            "email_verified boolean",
            "phone varchar(40)?",
            "birth_date date?",
            "city varchar(80)?",
            "status varchar(20)",
            "password_hash text",
            "last_ip inet?",
            "created_at timestamptz",
        ],
        &["id"],
        &[],
    )
}

fn shop() -> Vec<Introspected> {
    vec![
        customers(),
        table(
            "order_items",
            &[
                "order_id bigint",
                "line_no integer",
                "product_id bigint",
                "name varchar(200)",
                "quantity integer",
                "unit_price decimal(12,2)",
            ],
            &["order_id", "line_no"],
            &[("order_id", "orders.id"), ("product_id", "products.id")],
        ),
        table(
            "orders",
            &[
                "id bigint",
                "orderNumber varchar(40)",
                "customer_id bigint?",
                "sales_rep_id bigint?",
                "status varchar(20)",
                "total decimal(12,2)",
                "shipping_address jsonb?",
                "notes text?",
                "placed_at timestamptz",
                "updated_at timestamptz",
            ],
            &["id"],
            &[("customer_id", "customers.id"), ("sales_rep_id", "staff.code")],
        ),
        table(
            "page_views",
            &["id bigint", "visitor_id bigint?", "path text", "at timestamptz"],
            &["id"],
            &[("visitor_id", "customers.id")],
        ),
        table(
            "products",
            &["id bigint", "name varchar(200)", "sku varchar(40)", "photo bytea?"],
            &["id"],
            &[],
        ),
        table("schema_migrations", &["version varchar(255)"], &["version"], &[]),
        table("settings", &["key varchar(100)", "value text?"], &["key"], &[]),
        table(
            "staff",
            &["code varchar(10)", "name text", "manager_code varchar(10)?"],
            &["id"][..0],
            &[("manager_code", "staff.code")],
        ),
    ]
}

/// Reads the text, checks it, and binds every subject to the tables.
fn bind(text: &str, tables: &[Introspected]) -> (Document, Vec<BoundSubject>) {
    let document: Document = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let sources: Vec<&str> = document.sources.keys().map(String::as_str).collect();
    if let Err(faults) = check(&document.subjects, &sources) {
        panic!("{faults}\n{text}");
    }
    let catalog: Catalog = tables
        .iter()
        .map(|table| (Relation::Table(table.name.clone()), table.description.clone()))
        .collect();
    let bound = document.subjects.iter().map(|subject| {
        BoundSubject::bind(subject, &catalog, &Pointer::at("/subjects"))
            .unwrap_or_else(|faults| panic!("{faults}\n{text}"))
    });
    let bound = bound.collect();
    (document, bound)
}

fn open() -> Location {
    Location::Open("sqlite:shop.db".to_owned())
}

#[test]
fn a_small_shop_is_described_as_a_person_would() {
    let text = write_config("shop", &open(), &shop());
    bind(&text, &shop());
    insta::assert_snapshot!(text);
}

#[test]
fn the_same_tables_give_the_same_text() {
    assert_eq!(write_config("shop", &open(), &shop()), write_config("shop", &open(), &shop()));
}

#[test]
fn a_password_stays_outside_and_its_variable_is_named() {
    let location = Location::of("postgres://me:hunter2@db/shop");
    let text = write_config("shop", &location, &shop());
    assert!(!text.contains("hunter2"));
    assert!(text.contains("TIDEGATE__SOURCES__SHOP__URL"));
    let (document, _) = bind(&text, &shop());
    assert!(document.sources["shop"].as_table().unwrap().get("url").is_none());
}

#[test]
fn secrets_are_internal_and_never_in_a_list_of_lines() {
    let mut tables = shop();
    let hash = tables[0].description.columns[9].clone();
    let token = CatalogColumn { name: "download_token".to_owned(), ..hash };
    tables[1].description.columns.push(token);
    let (_, subjects) = bind(&write_config("shop", &open(), &tables), &tables);
    for subject in &subjects {
        for field in &subject.whole().fields {
            let is_secret = field.slug.contains("token") || field.slug.contains("password");
            assert_eq!(field.is_internal, is_secret, "{}", field.slug);
            assert!(!format!("{:?}", field.data_type).contains("token"), "{}", field.slug);
        }
    }
}

#[test]
fn an_empty_database_gives_a_source_and_no_subject() {
    let (document, subjects) = bind(&write_config("shop", &open(), &[]), &[]);
    assert!(document.sources.contains_key("shop"));
    assert!(subjects.is_empty());
}

#[test]
fn names_that_need_quoting_bind() {
    let tables = [
        table(
            "a \"quoted\" table",
            &["the \"key\" integer", "back\\slash text", "tab\there text"],
            &["the \"key\""],
            &[],
        ),
        table("\"dotted.name\"", &["a.b text", "a text", "a_b text", " integer"], &["a.b"], &[]),
        table("Größe & Gewicht", &["Größe decimal", "kind text", "名前 text"], &["Größe"], &[]),
        table("pii", &["id integer", "filter text", "search text", "sort text"], &["id"], &[]),
        table("public.pii", &["id integer", "token bytea"], &["id"], &[]),
        table("only_secrets", &["token text", "password text"], &["token"], &[]),
        table("blobs", &["id bytea", "body bytea"], &["id"], &[]),
    ];
    let text = write_config("shop", &open(), &tables);
    let (document, subjects) = bind(&text, &tables);
    assert_eq!(subjects.len(), 6, "{text}");
    assert_eq!(document.subjects[2].slug, "grosse_gewicht");
    assert!(text.contains("only_secrets"), "{text}");
}

#[test]
fn references_that_could_be_called_the_same_are_told_apart() {
    let tables = [
        table("users", &["id integer", "name text"], &["id"], &[]),
        table(
            "tickets",
            &[
                "id integer",
                "author text",
                "author_id integer",
                "owner_id integer",
                "users integer",
            ],
            &["id"],
            &[("author_id", "users.id"), ("owner_id", "users.id"), ("users", "users.id")],
        ),
        table(
            "ticket_lines",
            &["id integer", "ticket integer", "text text"],
            &["id"],
            &[("ticket", "tickets.id")],
        ),
        table(
            "ticket_entries",
            &["ticket integer", "no integer"],
            &["ticket", "no"],
            &[("ticket", "tickets.id")],
        ),
        table(
            "tree_nodes",
            &["id integer", "parent_id integer?", "name text"],
            &["id"],
            &[("parent_id", "tree_nodes.id")],
        ),
    ];
    let (_, subjects) = bind(&write_config("shop", &open(), &tables), &tables);
    let slugs = |at: usize| -> Vec<&str> {
        subjects[at].whole().fields.iter().map(|field| field.slug.as_str()).collect()
    };
    assert_eq!(slugs(1)[5..], ["users_ref.name", "owner.name", "lines", "entries"]);
    assert_eq!(slugs(4)[3..], ["parent.name"]);
}

#[test]
fn more_tables_than_subjects_are_told() {
    let many: Vec<Introspected> = (0..SUBJECTS_MAX + 5)
        .map(|at| table(&format!("t{at:04}"), &["id integer"], &["id"], &[]))
        .collect();
    let text = write_config("shop", &open(), &many);
    let (_, subjects) = bind(&text, &many);
    assert_eq!(subjects.len(), SUBJECTS_MAX);
    assert!(text.contains("`t1000` and 4 more tables"), "{}", &text[..1200]);
}
