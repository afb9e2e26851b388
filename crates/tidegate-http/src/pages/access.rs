//! The access review: who can export what now, through which role, and when they last did.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;

use super::{
    operators, roles,
    shell::Shell,
    words::{self, When},
};
use crate::{edge::Shared, problem::Problem};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/access";

#[derive(Template)]
#[template(path = "access.html")]
struct Review<'a> {
    shell: &'a Shell,
    summary: String,
    people: Vec<Person>,
}

/// Somebody who can export something.
struct Person {
    name: String,
    email: String,
    path: String,
    role: String,
    role_path: String,
    reaches: Vec<Line>,
}

/// A subject that they can export.
struct Line {
    subject: String,
    has_pii: bool,
    is_limited: bool,
    used: Option<When>,
    used_path: String,
}

/// The page.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    let access = edge.service.access(&shell.caller).await?;
    let names = edge.service.role_names(&shell.caller).await?;
    let people: Vec<Person> = access
        .into_iter()
        .map(|one| Person {
            path: format!("{}/{}", operators::PATH, one.operator),
            role: operators::role_name(&names, &one.role),
            role_path: format!("{}/{}", roles::PATH, one.role),
            name: if one.name.is_empty() { one.email.clone() } else { one.name },
            reaches: one
                .reaches
                .into_iter()
                .map(|reach| Line {
                    used: reach.used_at.map(|at| shell.when(at)),
                    used_path: super::parts::path_with(
                        super::activity::PATH,
                        &[
                            ("actor", one.email.as_str()),
                            ("subject", reach.subject.as_str()),
                            ("action", "export"),
                        ],
                    ),
                    subject: shell.subject_label(&reach.subject),
                    has_pii: reach.has_pii,
                    is_limited: reach.is_limited,
                })
                .collect(),
            email: one.email,
        })
        .collect();
    let count = i64::try_from(people.len()).unwrap_or(i64::MAX);
    let summary = format!("{} can export something now.", words::plural(count, "operator"));
    Ok(shell.page(StatusCode::OK, &Review { shell: &shell, summary, people }))
}
