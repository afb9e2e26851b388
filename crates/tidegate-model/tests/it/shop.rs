//! A shop to ask questions about: its configuration, its catalog, and its subjects.

use serde_json::Value;
use tidegate_model::{
    DataType,
    bind::{BoundSubject, Catalog},
    catalog::{CatalogColumn, Description, Relation, TableName},
    declaration::SubjectDeclaration,
    fault::{Fault, Faults},
    field::{Field, Origin},
    pointer::Pointer,
    request::ExportRequest,
    resolve::{Moment, Resolved},
    scope::{Asker, Scope},
    subject::Subject,
};

/// The subjects of the shop, as `tidegate.toml` has them.
pub(crate) const CONFIGURATION: &str = r#"
[[subjects]]
slug = "orders"
source = "shop"
table = "orders"
date_field = "placed_at"
search = ["id", "customer.email", "status"]
sort = "-placed_at"
pii = true
shorthands = ["status"]
fields = [
  "id",
  "status",
  { slug = "total" },
  { slug = "customer.email", column = "email", pii = "email", default = false },
  { slug = "customer.name", relation = "customer", column = "name" },
  { slug = "placed_at" },
  { slug = "due_on", default = false },
  { slug = "packed_at", default = false },
  { slug = "is_gift" },
  { slug = "margin", internal = true },
  { slug = "shipping.city", column = "shipping", path = "city" },
  { slug = "lines", relation = "lines", items = ["sku", { slug = "quantity", column = "qty" }] },
]

[[subjects.relations]]
name = "customer"
table = "customers"
on = { customer_id = "id" }

[[subjects.relations]]
name = "lines"
table = "order_lines"
on = { id = "order_id" }
many = true
order = "line_no"

[[subjects]]
slug = "stock"
source = "shop"
table = "stock"

[[subjects]]
slug = "content"
source = "shop"
key = "id"
date_field = "published_at"
search = ["title", "body"]
shorthands = { state = "status" }

[[subjects.kinds]]
slug = "pages"
table = "pages"

[[subjects.kinds]]
slug = "posts"
table = "posts"
sort = "-published_at"

[[subjects.kinds]]
slug = "media"
table = "media"
fields = ["id", { slug = "title", column = "file_name" }, "published_at", "bytes"]
search = "title"

[[subjects]]
slug = "analytics"
source = "shop"
table = "visits"
pii_when = "visitor_id"
"#;

/// One of the shop's subjects.
pub(crate) fn subject(slug: &str) -> Subject {
    bound(slug).whole().clone()
}

/// One of the shop's subjects with its kinds.
pub(crate) fn bound(slug: &str) -> BoundSubject {
    let declared = subjects(CONFIGURATION);
    let declared = declared.iter().find(|subject| subject.slug == slug).unwrap();
    BoundSubject::bind(declared, &catalog(), &Pointer::at("/subjects/0")).unwrap()
}

/// The subjects of a configuration.
pub(crate) fn subjects(configuration: &str) -> Vec<SubjectDeclaration> {
    #[derive(serde::Deserialize)]
    struct Document {
        subjects: Vec<SubjectDeclaration>,
    }
    toml::from_str::<Document>(configuration).unwrap_or_else(|fault| panic!("{fault}")).subjects
}

/// What the database of the shop says about its tables.
pub(crate) fn catalog() -> Catalog {
    [
        (
            "orders",
            "id",
            "id integer, status text, total decimal(12,2), email text, customer_id integer, \
             placed_at timestamptz, due_on date, packed_at timestamp, is_gift boolean, \
             margin decimal(12,2), shipping json, tags list(text)",
        ),
        ("customers", "id", "id integer, name text, email text"),
        (
            "order_lines",
            "order_id, line_no",
            "order_id integer, line_no integer, sku text, qty integer",
        ),
        ("stock", "warehouse, sku", "warehouse integer, sku text, quantity integer"),
        ("pages", "id", "id integer, title text, body text, status text, published_at timestamptz"),
        ("posts", "id", "id integer, title text, body text, status text, published_at timestamptz"),
        ("media", "id", "id integer, file_name text, published_at timestamptz, bytes integer"),
        ("visits", "", "at timestamptz, path text, visitor_id integer"),
    ]
    .into_iter()
    .map(|(table, key, columns)| (relation(table), description(key, columns)))
    .collect()
}

pub(crate) fn relation(table: &str) -> Relation {
    Relation::Table(TableName::parse(table))
}

/// A description written as `name type, name type`.
pub(crate) fn description(key: &str, columns: &str) -> Description {
    // A comma inside parentheses belongs to its type.
    let columns = columns.replace("12,2", "12;2");
    let split = |text: &str| -> Vec<String> {
        text.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    };
    let columns = split(&columns).into_iter().map(|column| {
        let (name, data_type) = column.rsplit_once(' ').unwrap();
        CatalogColumn {
            name: name.to_owned(),
            data_type: data_type.replace(';', ",").parse().unwrap(),
            native_type: data_type.to_owned(),
            is_nullable: true,
        }
    });
    Description { columns: columns.collect(), key: split(key), is_base_table: true }
}

/// Every type that a field can have.
pub(crate) fn types() -> Vec<DataType> {
    [
        "boolean",
        "integer",
        "float32",
        "float",
        "decimal(12,2)",
        "text",
        "bytes",
        "date",
        "time",
        "timestamp",
        "timestamptz",
        "uuid",
        "interval",
        "json",
        "list(text)",
    ]
    .iter()
    .map(|name| name.parse().unwrap())
    .collect()
}

/// A subject with one field of each type, named after the type, and a key.
pub(crate) fn every_type() -> Subject {
    let field = |slug: String, data_type: DataType| {
        Field::new(slug.clone(), data_type, Origin::Column(slug))
    };
    let fields = types().into_iter().map(|data_type| field(data_type.to_string(), data_type));
    Subject {
        fields: fields.chain([field("id".into(), DataType::Integer)]).collect(),
        key: vec!["id".into()],
        slug: "every".into(),
        kind: None,
        label: "Every type".into(),
        source: "shop".into(),
        relation: relation("every"),
        search: vec!["text".into(), "id".into()],
        date_field: Some("timestamptz".into()),
        sort: Vec::new(),
        has_pii: false,
        pii_when: None,
        shorthands: [("text".to_owned(), "text".to_owned())].into(),
        is_consistent: true,
    }
}

/// Checks a scope as a request sends it.
pub(crate) fn check(subject: &Subject, scope: &Value) -> Result<Scope, Faults> {
    Scope::check(scope, subject, Asker::Request, &Pointer::at("/scope"))
}

/// The faults of a scope, one a line.
pub(crate) fn faults(subject: &Subject, scope: &Value) -> Vec<String> {
    match check(subject, scope) {
        Ok(_) => Vec::new(),
        Err(Faults(faults)) => faults.iter().map(Fault::to_string).collect(),
    }
}

/// A moment written as `2026-03-31T14:30:00+02:00 Europe/Berlin`.
pub(crate) fn moment(text: &str) -> Moment {
    let (now, time_zone) = text.split_once(' ').unwrap();
    Moment {
        now: now.parse().unwrap(),
        time_zone: time_zone.parse().unwrap(),
        last_run: None,
        until: None,
    }
}

/// Resolves a scope that is right.
pub(crate) fn resolve(subject: &Subject, scope: &Value, at: &str) -> Resolved {
    check(subject, scope).unwrap().resolve(&moment(at))
}

/// Reads a request and checks it against the shop's orders.
pub(crate) fn request(sent: &Value) -> Result<tidegate_model::request::CheckedRequest, Faults> {
    ExportRequest::read(sent)?.check(&subject("orders"))
}
