//! The reference pages: their examples run, their tables come from the code.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::Value;
use tidegate_model::{
    DataType,
    bind::BoundSubject,
    declaration::{self, RESERVED_SLUGS},
    fault::{FAULTS_MAX, Faults},
    field::{FIELDS_MAX, Field, Origin},
    pointer::Pointer,
    scope::{self, Operator, Takes},
};

use crate::shop;

/// Set to write the generated parts of the pages instead of comparing them.
const UPDATE: &str = "UPDATE_DOCS";

fn path(page: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference").join(page)
}

fn page(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// A fenced block: what stands behind the fence, and its text.
struct Block {
    fence: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(fence), None) => {
                open = Some(Block { fence: fence.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => writeln!(block.text, "{line}").unwrap(),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is never closed");
    blocks
}

#[test]
fn the_examples_of_the_scope_page_hold() {
    let orders = shop::subject("orders");
    let blocks = blocks(&page("scope.md"));
    let mut blocks = blocks.iter().peekable();
    let mut count = 0;
    while let Some(block) = blocks.next() {
        let sent: Value = serde_json::from_str(&block.text).expect(&block.text);
        let told = shop::faults(&orders, &sent).join("\n");
        count += 1;
        if block.fence == "json fault" {
            let expected = blocks.next().unwrap();
            assert_eq!((expected.fence.as_str(), told.trim()), ("text", expected.text.trim()));
            continue;
        }
        assert_eq!(told, "", "{}", block.text);
        let at = block.fence.strip_prefix("json at ");
        let resolved = shop::resolve(&orders, &sent, at.unwrap_or("2026-03-31T12:00:00Z UTC"));
        let Some(next) = blocks.peek() else { continue };
        let expected = || serde_json::from_str::<Value>(&next.text).expect(&next.text);
        match next.fence.as_str() {
            "json resolved" => assert_eq!(resolved.json["filter"], expected()),
            "json same" => {
                let same = shop::resolve(&orders, &expected(), "2026-03-31T12:00:00Z UTC");
                assert_eq!(resolved.predicate, same.predicate);
            }
            _ => continue,
        }
        blocks.next();
    }
    assert!(count >= 8, "{count}");
}

#[test]
fn the_examples_of_the_configuration_page_hold() {
    let blocks = blocks(&page("configuration.md"));
    let mut blocks = blocks.iter();
    while let Some(block) = blocks.next() {
        let declared = shop::subjects(&block.text);
        let bound: Result<Vec<BoundSubject>, Faults> = declared
            .iter()
            .map(|subject| {
                BoundSubject::bind(subject, &shop::catalog(), &Pointer::at("/subjects/0"))
            })
            .collect();
        match block.fence.as_str() {
            "toml" => {
                assert_eq!(declaration::check(&declared, &["shop"]), Ok(()));
                bound.unwrap();
            }
            "toml fault" => {
                let expected = blocks.next().unwrap();
                assert_eq!(bound.unwrap_err().to_string().trim(), expected.text.trim());
            }
            other => panic!("what is `{other}`?"),
        }
    }
}

/// Names that a declaration knows, as its own error lists them.
fn members(declaration: &str) -> Vec<String> {
    let fault = toml::from_str::<declaration::SubjectDeclaration>(declaration).unwrap_err();
    let fault = fault.to_string();
    let list = fault.split("expected one of").nth(1).expect(&fault);
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_member_of_the_configuration_is_on_its_page() {
    let page = page("configuration.md");
    let base = "slug = 's'\nsource = 's'\n";
    let mut count = 0;
    for nested in [
        "x = 1",
        "fields = [{ slug = 's', x = 1 }]",
        "relations = [{ name = 'r', x = 1 }]",
        "kinds = [{ slug = 'k', table = 't', x = 1 }]",
    ] {
        for member in members(&format!("{base}{nested}")) {
            assert!(page.contains(&format!("`{member}`")), "{member} is not on the page");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}

/// The part of a page between its markers; written anew if asked to.
fn assert_generated(name: &str, part: &str, expected: &str) {
    let page = page(name);
    let (begin, end) = (format!("<!-- generated: {part} -->\n"), "<!-- end -->");
    let start = page.find(&begin).expect("the marker is on the page") + begin.len();
    let length = page[start..].find(end).expect("the part ends");
    if std::env::var_os(UPDATE).is_some() {
        let written = format!("{}{expected}{}", &page[..start], &page[start + length..]);
        fs::write(path(name), written).unwrap();
        return;
    }
    assert_eq!(&page[start..start + length], expected, "run the tests with {UPDATE}=1");
}

fn field_of(data_type: DataType) -> Field {
    Field::new("x", data_type, Origin::Column("x".into()))
}

#[test]
fn the_generated_parts_are_those_of_the_code() {
    let mut operators = String::from("| operator | value | fields |\n| --- | --- | --- |\n");
    for operator in Operator::ALL {
        let value = match operator.takes() {
            Takes::One => "a value",
            Takes::Many => "a list of values",
            Takes::Two => "a list of two values, the lower one first",
            Takes::Text => "text, not empty",
            Takes::Flag => "`true` (or nothing) or `false`",
            Takes::Span => "a unit or an ISO 8601 duration",
            Takes::Unit => "a unit",
            Takes::Nothing => "nothing",
        };
        let (fits, others) = (types_of(*operator, true), types_of(*operator, false));
        let fields = match (fits.len(), others.len()) {
            (_, 0) => "all".to_owned(),
            (fits, others_count) if fits > others_count => format!("all but {}", others.join(", ")),
            _ => fits.join(", "),
        };
        writeln!(operators, "| `{}` | {value} | {fields} |", operator.slug()).unwrap();
    }
    assert_generated("scope.md", "operators", &operators);

    let mut limits = String::from("| limit | value |\n| --- | --- |\n");
    for (limit, value) in [
        ("levels of `all`, `any`, `not`", scope::FILTER_DEPTH_MAX),
        ("conditions of a filter", scope::FILTER_CONDITIONS_MAX),
        ("values of a filter in all", scope::FILTER_VALUES_MAX),
        ("characters of a text", scope::TEXT_CHARACTERS_MAX),
        ("digits of a decimal", scope::DECIMAL_DIGITS_MAX),
        ("keys in `ids`, and in `except_ids`", scope::IDS_MAX),
        ("fields of a key", scope::KEY_FIELDS_MAX),
        ("characters of a search", scope::SEARCH_CHARACTERS_MAX),
        ("words of a search", scope::SEARCH_WORDS_MAX),
        ("searchable fields of a subject", scope::SEARCH_FIELDS_MAX),
        ("fields of a sort", scope::SORT_FIELDS_MAX),
        ("years of a duration", scope::SPAN_YEARS_MAX as usize),
        ("fields of a subject", FIELDS_MAX),
        ("faults that are told", FAULTS_MAX),
    ] {
        writeln!(limits, "| {limit} | {} |", thousands(value)).unwrap();
    }
    assert_generated("scope.md", "limits", &limits);

    let reserved: Vec<String> = RESERVED_SLUGS.iter().map(|slug| format!("`{slug}`")).collect();
    assert_generated("configuration.md", "reserved", &format!("{}.\n", reserved.join(" ")));
}

/// Names of the types that an operator applies to, or does not.
fn types_of(operator: Operator, applies: bool) -> Vec<String> {
    shop::types()
        .into_iter()
        .filter(|data_type| operator.applies_to(&field_of(data_type.clone())) == applies)
        .map(|data_type| data_type.to_string().split('(').next().unwrap().to_owned())
        .collect()
}

fn thousands(value: usize) -> String {
    match value {
        0..1_000 => value.to_string(),
        _ => format!("{},{:03}", value / 1_000, value % 1_000),
    }
}

#[test]
fn the_values_of_the_scope_page_are_taken_by_their_types() {
    let subject = shop::every_type();
    let page = page("scope.md");
    let rows = page.lines().skip_while(|line| !line.starts_with("| type | value")).skip(2);
    let mut types = Vec::new();
    for row in rows.take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let example: Value = serde_json::from_str(cells[3].trim_matches('`')).expect(row);
        for name in cells[1].split(", ") {
            let slug = if name == "decimal" { "decimal(12,2)" } else { name };
            let sent = serde_json::json!({"filter": {"field": slug, "op": "eq", "value": example}});
            assert_eq!(shop::faults(&subject, &sent), [""; 0], "{row}");
            types.push(slug.to_owned());
        }
    }
    let comparable =
        subject.fields.iter().filter(|field| field.has_equality() && field.slug != "id");
    let expected: Vec<&str> = comparable.map(|field| field.slug.as_str()).collect();
    types.sort();
    let mut sorted = expected.clone();
    sorted.sort_unstable();
    assert_eq!(types, sorted);
}
