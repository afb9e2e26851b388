//! The operators: all of them, and one more.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_service::{SETUP_HOURS, ServiceError};

use super::{
    forms::Sent,
    password_url,
    secret::{self, Secret},
    sentence,
    shell::Shell,
    words::{self, When},
};
use crate::{
    edge::{Edge, Shared},
    problem::Problem,
};

/// Where they are.
pub(super) const PATH: &str = "/sg-admin/operators";

#[derive(Template)]
#[template(path = "operators.html")]
struct Operators<'a> {
    shell: &'a Shell,
    count: String,
    lines: Vec<Line>,
}

/// An operator in the list.
struct Line {
    path: String,
    name: String,
    email: String,
    role: String,
    is_you: bool,
    is_disabled: bool,
    has_password: bool,
    has_second_factor: bool,
    seen: Option<When>,
}

/// The list.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    let operators = edge.service.operators(&shell.caller).await?;
    let roles = edge.service.role_names(&shell.caller).await?;
    let seen = edge.service.last_seen(&shell.caller).await?;
    let count = words::plural(i64::try_from(operators.len()).unwrap_or(i64::MAX), "operator");
    let line = |operator: tidegate_service::Operator| Line {
        path: format!("{PATH}/{}", operator.id),
        role: role_name(&roles, &operator.role),
        is_you: shell.caller.operator() == Some(operator.id),
        is_disabled: operator.is_disabled,
        has_password: operator.password_hash.is_some(),
        has_second_factor: operator.has_second_factor,
        seen: seen.get(&operator.id).map(|at| shell.when(*at)),
        name: if operator.name.is_empty() { operator.email.clone() } else { operator.name },
        email: operator.email,
    };
    let lines = operators.into_iter().map(line).collect();
    Ok(shell.page(StatusCode::OK, &Operators { shell: &shell, count, lines }))
}

/// The name of a role as people read it.
pub(super) fn role_name(roles: &[(String, String)], slug: &str) -> String {
    let label = roles.iter().find(|(one, _)| one == slug).map(|(_, label)| label.clone());
    label.filter(|label| !label.is_empty()).unwrap_or_else(|| words::title(slug))
}

#[derive(Template)]
#[template(path = "operator_invite.html")]
struct Invite<'a> {
    shell: &'a Shell,
    roles: Vec<(String, String)>,
    sent: &'a Invited,
    faults: Vec<(&'static str, String)>,
}

impl Invite<'_> {
    fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(one, _)| *one == name).map(|(_, words)| words.as_str())
    }

    fn label<'b>(&self, role: &'b (String, String)) -> &'b str {
        if role.1.is_empty() { &role.0 } else { &role.1 }
    }
}

/// Who is to be invited.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Invited {
    email: String,
    role: String,
}

/// The form.
pub(super) async fn invite(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    form(&edge, &shell, &Invited::default(), Vec::new()).await
}

async fn form(
    edge: &Edge,
    shell: &Shell,
    sent: &Invited,
    faults: Vec<(&'static str, String)>,
) -> Result<Response, Problem> {
    let roles = edge.service.role_names(&shell.caller).await?;
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(shell.page(status, &Invite { shell, roles, sent, faults }))
}

/// Adds an operator, and shows the link by which a password is set.
pub(super) async fn send_invitation(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<Invited>,
) -> Result<Response, Problem> {
    let added = edge.service.add_operator(&shell.caller, sent.email.trim(), &sent.role, None).await;
    let id = match added {
        Ok(id) => id,
        Err(ServiceError::Exists { .. }) => {
            let faults =
                vec![("email", "There is an operator of that address already.".to_owned())];
            return form(&edge, &shell, &sent, faults).await;
        }
        Err(ServiceError::Faults(faults)) => {
            let named = |fault: tidegate_model::fault::Fault| match fault.pointer.as_str() {
                "/role" => ("role", sentence(&fault.detail)),
                _ => ("email", sentence(&fault.detail)),
            };
            return form(&edge, &shell, &sent, faults.0.into_iter().map(named).collect()).await;
        }
        Err(other) => return Err(other.into()),
    };
    let email = sent.email.trim().to_lowercase();
    show_link(&edge, &shell, &email, &format!("{PATH}/{id}"), "was added").await
}

/// Makes a link by which an operator sets a password, and shows it, once.
pub(super) async fn show_link(
    edge: &Edge,
    shell: &Shell,
    email: &str,
    back: &str,
    done: &str,
) -> Result<Response, Problem> {
    let link = edge.service.invite_operator(&shell.caller, email).await?;
    let url = password_url(edge.settings.address(), &link);
    let shown = Secret {
        title: &format!("{email} {done}"),
        line: &format!(
            "Send this link to {email} by a way that you trust. Whoever opens it sets the \
             password; it works once, for {SETUP_HOURS} hours, and is shown only now."
        ),
        label: "Link to set a password",
        secret: &url,
        back,
        from: "To the operator",
    };
    Ok(secret::show(shell, &shown))
}
