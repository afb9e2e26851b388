//! The roles: a matrix of what each may do, and a role more.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::{capability::listed_by, role::Role};
use tidegate_service::ServiceError;

use super::{
    flash::Flash,
    forms::Sent,
    rights::{self, Area},
    sentence,
    shell::Shell,
    words,
};
use crate::{
    edge::{Edge, Shared},
    problem::Problem,
};

/// Where they are.
pub(super) const PATH: &str = "/sg-admin/roles";
/// The roles that a new site has.
const DEFAULTS: [&str; 3] = ["administrator", "editor", "viewer"];

#[derive(Template)]
#[template(path = "roles.html")]
struct Roles<'a> {
    shell: &'a Shell,
    columns: Vec<Column>,
    areas: Vec<Area>,
    fault: Option<String>,
}

/// A role in the matrix.
struct Column {
    path: String,
    label: String,
    is_default: bool,
    has_limits: bool,
    holders: String,
    /// Slug and capabilities as they were read, so that nobody writes over what is newer.
    was: String,
    slug: String,
    held: BTreeSet<String>,
}

impl Column {
    fn holds(&self, slug: &str) -> bool {
        self.held.contains(slug)
    }
}

/// The matrix.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    page(&edge, &shell, None).await
}

async fn page(edge: &Edge, shell: &Shell, fault: Option<String>) -> Result<Response, Problem> {
    let roles = edge.service.roles(&shell.caller).await?;
    let holders = edge.service.role_holders(&shell.caller).await?;
    let actions = edge.service.actions_held(&shell.standing.capabilities).await?;
    let areas = rights::areas(&subjects(&roles, shell), &actions);
    let column = |role: &Role| Column {
        path: format!("{PATH}/{}", role.slug),
        label: label(role),
        is_default: DEFAULTS.contains(&role.slug.as_str()),
        has_limits: !role.limits.is_empty(),
        holders: held_by(holders.get(&role.slug).copied().unwrap_or(0)),
        was: line(role),
        slug: role.slug.clone(),
        held: role.capabilities.clone(),
    };
    let columns = sorted(roles).iter().map(column).collect();
    let status = if fault.is_none() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(shell.page(status, &Roles { shell, columns, areas, fault }))
}

/// The default roles first.
fn sorted(mut roles: Vec<Role>) -> Vec<Role> {
    let place = |role: &Role| {
        let place = DEFAULTS.iter().position(|slug| *slug == role.slug);
        (place.unwrap_or(DEFAULTS.len()), role.slug.clone())
    };
    roles.sort_by_key(place);
    roles
}

/// The subjects that whoever looks may see, and those that roles speak of.
pub(super) fn subjects(roles: &[Role], shell: &Shell) -> Vec<(String, String)> {
    let seen = shell.standing.subjects.iter().map(|subject| subject.slug.clone());
    let mut slugs: Vec<String> = seen.collect();
    let named = roles.iter().flat_map(|role| &role.capabilities);
    for slug in named.filter_map(|capability| listed_by(capability)) {
        if !slugs.iter().any(|known| known == slug) {
            slugs.push(slug.to_owned());
        }
    }
    slugs.into_iter().map(|slug| (slug.clone(), shell.subject_label(&slug))).collect()
}

/// The name of a role as people read it.
pub(super) fn label(role: &Role) -> String {
    if role.label.is_empty() { words::title(&role.slug) } else { role.label.clone() }
}

/// How many hold it.
pub(super) fn held_by(holders: i64) -> String {
    match holders {
        0 => "nobody".to_owned(),
        holders => words::plural(holders, "operator"),
    }
}

fn line(role: &Role) -> String {
    let held: Vec<&str> = role.capabilities.iter().map(String::as_str).collect();
    format!("{}:{}", role.slug, held.join(","))
}

/// The matrix as it was sent: `role:capability`, and each role as it was when it was read.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Matrix {
    may: Vec<String>,
    was: Vec<String>,
}

/// Takes the matrix: each role that differs is changed, and leaves its entry.
pub(super) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Matrix>,
) -> Result<Response, Problem> {
    let roles = edge.service.roles(&shell.caller).await?;
    let asked = asked(&sent);
    let shown: BTreeSet<&str> = sent.was.iter().map(String::as_str).collect();
    let mut changed = Vec::new();
    for role in sorted(roles) {
        let is_shown = sent.was.iter().any(|was| was.split(':').next() == Some(&role.slug));
        let wanted = asked.get(role.slug.as_str()).cloned().unwrap_or_default();
        if !is_shown || wanted == role.capabilities {
            continue;
        }
        if !shown.contains(line(&role).as_str()) {
            let words = format!(
                "Somebody has changed {} since you looked. This is how it is now.",
                label(&role)
            );
            return page(&edge, &shell, Some(words)).await;
        }
        let name = label(&role);
        let put = Role { capabilities: wanted, ..role };
        match edge.service.put_role(&shell.caller, put).await {
            Ok(()) => changed.push(name),
            Err(error @ (ServiceError::LastAdministrator | ServiceError::Faults(_))) => {
                return page(&edge, &shell, Some(refused(&name, &error))).await;
            }
            Err(other) => return Err(other.into()),
        }
    }
    let flash = match changed.as_slice() {
        [] => Flash::new("Nothing was changed"),
        names => Flash::new(format!("{} changed", names.join(", ")))
            .line("It counts from the next request on."),
    };
    Ok(shell.to(PATH, &flash))
}

/// Why a role stays as it was.
pub(super) fn refused(name: &str, error: &ServiceError) -> String {
    let why = match error {
        ServiceError::LastAdministrator => {
            "The administrator keeps the capabilities to manage operators and roles.".to_owned()
        }
        ServiceError::Faults(faults) => {
            faults.0.first().map(|fault| sentence(&fault.detail)).unwrap_or_default()
        }
        other => sentence(&other.to_string()),
    };
    format!("{name} stays as it was. {why}")
}

fn asked(sent: &Matrix) -> BTreeMap<&str, BTreeSet<String>> {
    let mut asked: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (role, capability) in sent.may.iter().filter_map(|may| may.split_once(':')) {
        asked.entry(role).or_default().insert(capability.to_owned());
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_read_by_role() {
        let may = ["a:orders.list", "b:orders.list", "a:orders.export"].map(str::to_owned).to_vec();
        let sent = Matrix { may, was: Vec::new() };
        let asked = asked(&sent);
        assert_eq!(asked["a"].len(), 2);
        assert_eq!(asked["b"].len(), 1);
    }
}
