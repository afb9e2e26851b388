//! A declaration meets the catalog.

use tidegate_model::{
    DataType,
    bind::{BoundSubject, Catalog},
    catalog::Relation,
    declaration::{self, SubjectDeclaration},
    fault::Faults,
    field::Origin,
    pointer::Pointer,
    subject::Subject,
};

use crate::shop;

/// A subject as a table: a line for each field, and what it cites.
fn table(subject: &Subject) -> String {
    let mut lines = vec![format!(
        "{} {} · key {:?} · search {:?} · date {:?} · sort {:?} · shorthands {:?} · pii {} {:?}",
        subject.slug,
        subject.kind.as_deref().unwrap_or("(whole)"),
        subject.key,
        subject.search,
        subject.date_field.as_deref().unwrap_or_default(),
        subject.sort,
        subject.shorthands,
        subject.has_pii,
        subject.pii_when.as_deref().unwrap_or_default(),
    )];
    for field in &subject.fields {
        let origin = match &field.origin {
            Origin::Column(column) => format!("column {column}"),
            Origin::JsonPath { column, path } => format!("json {column} → {}", path.join(" → ")),
            Origin::Joined { reference, column } => {
                format!("joined {} on {:?}: {column}", reference.table, reference.on)
            }
            Origin::Lines { reference, items, order } => {
                let items: Vec<String> = items
                    .iter()
                    .map(|(item, column)| format!("{} {} = {column}", item.slug, item.data_type))
                    .collect();
                format!("lines {} on {:?} by {order:?}: {}", reference.table, reference.on, {
                    items.join(", ")
                })
            }
            Origin::Kind => "kind".to_owned(),
        };
        lines.push(format!(
            "  {:<16} {:<16} {:<14} {:<8} {:<8} {:<6} {origin}",
            field.slug,
            field.label,
            field.data_type.to_string(),
            if field.is_default { "default" } else { "" },
            if field.is_internal { "internal" } else { "" },
            field.pii.as_deref().unwrap_or_default(),
        ));
    }
    lines.join("\n")
}

#[test]
fn the_shop_is_bound_as_it_is_declared() {
    let mut tables = Vec::new();
    for slug in ["orders", "stock", "content", "analytics"] {
        let bound = shop::bound(slug);
        tables.push(table(bound.whole()));
        tables.extend(bound.kinds().iter().map(table));
    }
    insta::assert_snapshot!(tables.join("\n\n"));
}

#[test]
fn the_configuration_of_the_shop_has_no_faults() {
    assert_eq!(declaration::check(&shop::subjects(shop::CONFIGURATION), &["shop"]), Ok(()));
}

/// Faults of one subject, with the catalog of the shop.
fn faults(subject: &str) -> Vec<String> {
    let text = format!("[[subjects]]\nsource = \"shop\"\n{subject}");
    let declared = shop::subjects(&text);
    let bound = BoundSubject::bind(&declared[0], &shop::catalog(), &Pointer::at("/subjects/0"));
    match bound {
        Ok(_) => Vec::new(),
        Err(Faults(faults)) => faults.iter().map(ToString::to_string).collect(),
    }
}

/// Subjects of the shop that are wrong, and what is wrong with them.
const WRONG: &[(&str, &str)] = &[
    ("slug", "slug = \"Orders\"\ntable = \"orders\""),
    ("reserved", "slug = \"exports\"\ntable = \"orders\""),
    ("no table", "slug = \"orders\""),
    ("table and query", "slug = \"orders\"\ntable = \"orders\"\nquery = \"select 1\""),
    ("query", "slug = \"orders\"\nquery = \"delete from orders\""),
    ("model", "slug = \"orders\"\ntable = \"orders\"\nmodel = \"Order\""),
    (
        "column",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [\"id\", \"totl\", { slug = \"x\", column = \"emial\" }]",
    ),
    (
        "type",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [{ slug = \"id\", type = \"money\" }]",
    ),
    ("twice", "slug = \"orders\"\ntable = \"orders\"\nfields = [\"id\", \"total\", \"id\"]"),
    (
        "prefix",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [{ slug = \"customer\", column = \"email\" }, { slug = \"customer.email\", column = \"email\" }]",
    ),
    (
        "slugs",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [{ slug = \"\", column = \"id\" }, { slug = \"a\\tb\", column = \"id\" }]",
    ),
    (
        "internal",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [\"id\", { slug = \"margin\", internal = true, default = true }]",
    ),
    (
        "pii",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [{ slug = \"email\", pii = \"E-Mail\" }]",
    ),
    (
        "none shown",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [{ slug = \"id\", default = false }]",
    ),
    (
        "path",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [{ slug = \"x\", column = \"total\", path = \"a\" }, { slug = \"y\", column = \"shipping\", path = \"a..b\", type = \"bytes\" }]",
    ),
    (
        "relation",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [{ slug = \"author.name\", relation = \"autor\" }]\n[[subjects.relations]]\nname = \"author\"\ntable = \"customers\"\non = { customer_id = \"id\" }",
    ),
    (
        "relation columns",
        "slug = \"orders\"\ntable = \"orders\"\n[[subjects.relations]]\nname = \"author\"\ntable = \"customers\"\non = { custmer_id = \"idd\" }\norder = \"x\"",
    ),
    (
        "unproven relation",
        "slug = \"orders\"\ntable = \"orders\"\n[[subjects.relations]]\nname = \"lines\"\ntable = \"order_lines\"\non = { id = \"order_id\" }",
    ),
    (
        "list as column",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [\"id\", { slug = \"lines\", relation = \"lines\", column = \"sku\" }, { slug = \"more\", relation = \"lines\", items = [\"sku\", \"qantity\", \"sku\"] }]\n[[subjects.relations]]\nname = \"lines\"\ntable = \"order_lines\"\non = { id = \"order_id\" }\nmany = true",
    ),
    (
        "items without a relation",
        "slug = \"orders\"\ntable = \"orders\"\nfields = [{ slug = \"id\", items = [\"a\"] }]",
    ),
    (
        "key",
        "slug = \"orders\"\ntable = \"orders\"\nkey = [\"idd\", \"shipping\", \"shipping.city\"]\nfields = [\"id\", { slug = \"shipping.city\", column = \"shipping\", path = \"city\" }]",
    ),
    (
        "cited",
        "slug = \"orders\"\ntable = \"orders\"\ndate_field = \"status\"\nsearch = [\"is_gift\", \"emal\"]\nsort = [\"-placed\", \"shipping\"]\npii_when = \"visitor\"\nshorthands = { state = \"stats\", sort = \"status\", bag = \"shipping\" }",
    ),
    ("undescribed", "slug = \"orders\"\ntable = \"invoices\""),
    (
        "kinds",
        "slug = \"content\"\nsearch = [\"body\", \"nothing\"]\nfields = [\"id\"]\n[[subjects.kinds]]\nslug = \"pages\"\ntable = \"pages\"\n[[subjects.kinds]]\nslug = \"pages\"\ntable = \"media\"\nsearch = \"body\"",
    ),
    (
        "kinds that differ",
        "slug = \"content\"\ndate_field = \"title\"\n[[subjects.kinds]]\nslug = \"pages\"\ntable = \"pages\"",
    ),
];

#[test]
fn every_fault_of_a_declaration_is_told_with_its_place() {
    let told: Vec<String> = WRONG
        .iter()
        .map(|(name, subject)| {
            let faults = faults(subject);
            assert!(!faults.is_empty(), "{name}");
            format!("{name}\n  {}", faults.join("\n  "))
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn subjects_are_checked_against_each_other_and_the_sources() {
    let declared = shop::subjects(
        "[[subjects]]\nslug = \"a\"\nsource = \"shop\"\ntable = \"a\"\n\
         [[subjects]]\nslug = \"a\"\nsource = \"shp\"\ntable = \"a\"",
    );
    let Faults(faults) = declaration::check(&declared, &["shop"]).unwrap_err();
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "/subjects/1/slug: there are two subjects `a`",
            "/subjects/1/source: `shp` is no source; did you mean `shop`?",
        ]
    );
}

#[test]
fn an_unknown_member_of_the_configuration_is_refused() {
    let read = |text: &str| toml::from_str::<SubjectDeclaration>(text).map(|_| ());
    let base = "slug = 'a'\nsource = 's'\ntable = 't'\n";
    assert_eq!(read(base), Ok(()));
    for extra in [
        "feilds = []",
        "fields = [{ slug = 'id', colum = 'id' }]",
        "relations = [{ name = 'a', table = 'a', on = {}, one = true }]",
        "kinds = [{ slug = 'a', table = 'a', pii = true }]",
        "fields = [{ slug = 'id', items = [{ slug = 'a', path = 'x' }] }]",
    ] {
        let fault = read(&format!("{base}{extra}")).unwrap_err().to_string();
        assert!(fault.contains("unknown field"), "{extra}: {fault}");
    }
}

fn of_table(columns: &str, key: &str) -> Result<Subject, Faults> {
    let declared = SubjectDeclaration::of_table("-", "Odd Table");
    let catalog: Catalog =
        [(shop::relation("Odd Table"), shop::description(key, columns))].into_iter().collect();
    BoundSubject::bind(&declared, &catalog, &Pointer::ROOT).map(|bound| bound.whole().clone())
}

#[test]
fn a_table_that_nobody_declared_has_all_its_columns_under_their_own_names() {
    let subject = of_table("Order No integer, größe text, x json, a.b text", "Order No").unwrap();
    let slugs: Vec<&str> = subject.fields.iter().map(|field| field.slug.as_str()).collect();
    assert_eq!(slugs, ["Order No", "größe", "x", "a.b"]);
    assert!(subject.fields.iter().all(|field| field.is_default));
    assert_eq!((subject.slug.as_str(), subject.label.as_str()), ("odd_table", "Odd Table"));
    assert_eq!(subject.key, ["Order No"]);
}

#[test]
fn columns_that_cannot_stand_in_one_record_ask_for_slugs() {
    let Faults(faults) = of_table("a text, a.b text", "").unwrap_err();
    assert_eq!(
        faults[0].to_string(),
        "`Odd Table`: `a` cannot be both a value and the parent of `a.b`; rename one of them; \
         declare `fields` to choose columns and give them other slugs"
    );
}

#[test]
fn a_key_that_requests_cannot_name_is_no_key() {
    assert!(of_table("id bytes, x text", "id").unwrap().key.is_empty());
    assert!(of_table("id interval, x text", "id").unwrap().key.is_empty());
}

#[test]
fn a_key_column_that_is_no_field_travels_as_an_internal_one() {
    let bound = |fields: &str| {
        let text =
            format!("[[subjects]]\nslug='s'\nsource='shop'\ntable='stock'\nfields = [{fields}]");
        let declared = shop::subjects(&text);
        BoundSubject::bind(&declared[0], &shop::catalog(), &Pointer::ROOT).unwrap().whole().clone()
    };
    let subject = bound("'quantity', { slug = 'article', column = 'sku' }");
    assert_eq!(subject.key, ["warehouse", "article"]);
    let hidden = subject.field("warehouse").unwrap();
    assert!(hidden.is_internal && !hidden.is_default);
    // A slug that is already taken by another field is not taken again.
    let subject = bound("{ slug = 'warehouse.count', column = 'quantity' }, 'sku'");
    assert_eq!(subject.key, ["warehouse_", "sku"]);
}

#[test]
fn a_declared_type_wins_over_the_catalogs() {
    let text = "[[subjects]]\nslug='o'\nsource='shop'\ntable='orders'\n\
                fields = ['id', { slug = 'total', type = 'text' }]";
    let declared = shop::subjects(text);
    let bound = BoundSubject::bind(&declared[0], &shop::catalog(), &Pointer::ROOT).unwrap();
    assert_eq!(bound.whole().field("total").unwrap().data_type, DataType::Text);
}

#[test]
fn a_kind_is_asked_for_by_its_slug() {
    let content = shop::bound("content");
    assert_eq!(content.of_kind(Some("posts")).unwrap().kind.as_deref(), Some("posts"));
    assert!(matches!(content.of_kind(None).unwrap().relation, Relation::Union(_)));
    assert_eq!(
        content.of_kind(Some("post")).unwrap_err().to_string(),
        "/kind: `post` is no kind of `content`; did you mean `posts`?"
    );
    assert!(shop::bound("orders").of_kind(Some("posts")).is_err());
}

#[test]
fn a_kind_with_personal_data_that_the_others_lack_taints_the_whole() {
    let text = "[[subjects]]\nslug='v'\nsource='shop'\npii_when='visitor_id'\n\
                [[subjects.kinds]]\nslug='visits'\ntable='visits'\n\
                [[subjects.kinds]]\nslug='pages'\ntable='pages'";
    let declared = shop::subjects(text);
    let bound = BoundSubject::bind(&declared[0], &shop::catalog(), &Pointer::ROOT).unwrap();
    assert!(bound.whole().has_pii);
    assert_eq!(bound.kinds()[0].pii_when.as_deref(), Some("visitor_id"));
    assert_eq!(bound.kinds()[1].pii_when, None);
}

/// A subject, bound to the shop.
fn whole(text: &str) -> Subject {
    let declared = shop::subjects(&format!("[[subjects]]\nslug = 's'\nsource = 'shop'\n{text}"));
    BoundSubject::bind(&declared[0], &shop::catalog(), &Pointer::ROOT).unwrap().whole().clone()
}

#[test]
fn a_field_is_as_guarded_in_the_whole_as_in_its_strictest_kind() {
    let kind = |slug: &str, field: &str| {
        format!("[[subjects.kinds]]\nslug = '{slug}'\ntable = '{slug}'\nfields = ['id', {field}]\n")
    };
    let title = |more: &str| format!("{{ slug = 'title', column = 'title'{more} }}");
    let shared = |one: &str, other: &str| {
        let kinds = kind("pages", &title(one)) + &kind("posts", &title(other));
        whole(&kinds).field("title").cloned()
    };
    for (one, other) in
        [("", ", internal = true, pii = 'name'"), (", internal = true", ", pii = 'name'")]
    {
        let title = shared(one, other).unwrap();
        assert!(title.is_internal && !title.is_default);
        assert_eq!(title.pii.as_deref(), Some("name"));
    }
    assert!(!shared("", ", default = false").unwrap().is_default);
    // Numbers of one family share, other types do not.
    assert_eq!(shared("", ", type = 'integer'"), None);
    let decimal = |scale: u8| format!(", type = 'decimal(12,{scale})'");
    assert_eq!(shared(&decimal(2), &decimal(4)).unwrap().data_type, DataType::Decimal(None));
}

#[test]
fn a_list_without_items_has_all_columns_but_those_that_repeat_ours() {
    let subject = whole(
        "table = 'orders'\nfields = ['id', { slug = 'lines', relation = 'lines' }]\n\
         [[subjects.relations]]\nname = 'lines'\ntable = 'order_lines'\n\
         on = { id = 'order_id' }\nmany = true",
    );
    let Origin::Lines { items, order, .. } = &subject.field("lines").unwrap().origin else {
        panic!("no lines")
    };
    let columns: Vec<&str> = items.iter().map(|(_, column)| column.as_str()).collect();
    assert_eq!(columns, ["line_no", "sku", "qty"]);
    assert_eq!(order, &["order_id", "line_no"], "the key there orders them");
}

#[test]
fn what_is_wrong_in_every_kind_is_told_once() {
    let told = faults(
        "slug = 'content'\ndate_field = 'title'\n\
         [[subjects.kinds]]\nslug = 'pages'\ntable = 'pages'\n\
         [[subjects.kinds]]\nslug = 'posts'\ntable = 'posts'",
    );
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_query_loses_its_semicolon() {
    let declared =
        shop::subjects("[[subjects]]\nslug = 's'\nsource = 'shop'\nquery = ' select 1 as one ; '");
    let statement = Relation::Statement("select 1 as one".to_owned());
    assert_eq!(declared[0].tables(), std::slice::from_ref(&statement));
    let catalog: Catalog =
        [(statement, shop::description("", "one integer"))].into_iter().collect();
    assert!(BoundSubject::bind(&declared[0], &catalog, &Pointer::ROOT).is_ok());
}
