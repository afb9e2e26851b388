//! The reference of the API as a page: the description, for people. It needs no script.

mod json;
mod operation;
mod prose;
mod schema;

use std::sync::LazyLock;

use askama::Template;
use axum::{
    extract::State,
    response::{Redirect, Response},
};
use http::StatusCode;
use serde_json::Value;

use self::{operation::Operation, schema::Schema};
use super::{REFERENCE as REFERENCE_PATH, page};
use crate::{
    api::{PREFIX, document},
    edge::Shared,
    problem::{PROBLEMS, ProblemKind},
};

#[derive(Template)]
#[template(path = "reference.html")]
struct Page<'a> {
    base: &'a str,
    prefix: &'a str,
    version: &'a str,
    reference: &'static Reference,
    problems: &'a [ProblemKind],
}

impl Page<'_> {
    /// Whether no problem before this one has its status: links to the status lead here.
    fn is_first(&self, index: &usize) -> bool {
        let status = self.problems[*index].status();
        self.problems[..*index].iter().all(|before| before.status() != status)
    }
}

/// What stands on the page.
struct Reference {
    groups: Vec<Group>,
    schemas: Vec<Schema>,
}

/// Operations on the same things.
struct Group {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

static REFERENCE: LazyLock<Reference> = LazyLock::new(|| Reference::of(document()));

impl Reference {
    fn of(document: &Value) -> Self {
        let mut operations: Vec<Operation> = document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(path, item)| {
                let methods = item.as_object().into_iter().flatten();
                methods.filter_map(move |(method, one)| Operation::of(document, path, method, one))
            })
            .collect();
        let tags = document["tags"].as_array().into_iter().flatten();
        let groups = tags.map(|tag| {
            let name = text(&tag["name"]);
            let (own, others) = std::mem::take(&mut operations)
                .into_iter()
                .partition(|operation: &Operation| operation.tag == name);
            operations = others;
            Group { name, description: text(&tag["description"]), operations: own }
        });
        let groups = groups.collect();
        let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
        let schemas = schemas.filter_map(|(name, schema)| Schema::of(name, schema)).collect();
        Self { groups, schemas }
    }
}

/// The page.
pub(super) async fn show(State(edge): State<Shared>) -> Response {
    let base = edge.settings.address();
    let version = env!("CARGO_PKG_VERSION");
    let reference = &*REFERENCE;
    let template = Page { base, prefix: PREFIX, version, reference, problems: PROBLEMS };
    page(StatusCode::OK, &template)
}

/// To the page, for whoever has opened the address of the API itself.
pub(super) async fn enter() -> Redirect {
    Redirect::to(REFERENCE_PATH)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_every_schema_stands_on_the_page() {
        let page = Page {
            base: "https://exports.example.com",
            prefix: PREFIX,
            version: "1",
            reference: &REFERENCE,
            problems: PROBLEMS,
        };
        let html = page.render().unwrap();
        for (path, item) in document()["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(html.contains(&format!("id=\"{id}\"")), "{path} {id}");
            }
        }
        let targets = html.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap());
        for target in targets {
            assert!(html.contains(&format!("id=\"{target}\"")), "a link leads nowhere: {target}");
        }
        assert!(!html.contains("style=") && !html.contains("<script"), "nothing inline");
    }
}
