//! One operator: role, sign-in, sessions and tokens.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_model::ids::OperatorId;
use tidegate_service::{Operator, ServiceError};

use super::{
    flash::Flash,
    forms::Sent,
    operators::{PATH, role_name, show_link},
    people::{self, SessionLine, TokenLine},
    question::{self, Question},
    sentence,
    shell::Shell,
    words::When,
};
use crate::{
    edge::{Edge, Shared},
    input::Number,
    problem::Problem,
};

#[derive(Template)]
#[template(path = "operator.html")]
struct Shown<'a> {
    shell: &'a Shell,
    operator: &'a Operator,
    path: String,
    name: String,
    is_you: bool,
    role: String,
    roles: Vec<(String, String)>,
    added: When,
    seen: Option<When>,
    sessions: Vec<SessionLine>,
    /// None where whoever looks may not see them.
    tokens: Option<Vec<TokenLine>>,
}

impl Shown<'_> {
    fn label(&self, slug: &str) -> String {
        role_name(&self.roles, slug)
    }
}

/// The page.
pub(super) async fn show(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let (operator, id) = (one(&edge, &shell, id).await?, OperatorId(id));
    let roles = edge.service.role_names(&shell.caller).await?;
    let seen = edge.service.last_seen(&shell.caller).await?;
    let sessions = edge.service.sessions(&shell.caller, id).await?;
    let is_you = shell.caller.operator() == Some(id);
    let tokens = match is_you || shell.holds("tokens.manage") {
        true => Some(people::tokens(edge.service.tokens(&shell.caller).await?, id, &shell)),
        false => None,
    };
    let shown = Shown {
        path: format!("{PATH}/{id}"),
        name: if operator.name.is_empty() { operator.email.clone() } else { operator.name.clone() },
        is_you,
        role: role_name(&roles, &operator.role),
        roles,
        added: shell.when(operator.created_at),
        seen: seen.get(&id).map(|at| shell.when(*at)),
        sessions: people::sessions(sessions, &shell),
        tokens,
        operator: &operator,
        shell: &shell,
    };
    Ok(shell.page(StatusCode::OK, &shown))
}

async fn one(edge: &Edge, shell: &Shell, id: i64) -> Result<Operator, Problem> {
    Ok(edge.service.operator_to_change(&shell.caller, OperatorId(id)).await?)
}

/// Back to the page, with what was done, or that the last administrator stays.
fn done(
    shell: &Shell,
    id: i64,
    changed: Result<(), ServiceError>,
    flash: Flash,
) -> Result<Response, Problem> {
    let path = format!("{PATH}/{id}");
    match changed {
        Ok(()) => Ok(shell.to(&path, &flash)),
        Err(error @ ServiceError::LastAdministrator) => {
            Ok(shell
                .to(&path, &Flash::bad("Nothing was changed").line(sentence(&error.to_string()))))
        }
        Err(error) => Err(error.into()),
    }
}

/// Another role.
#[derive(Deserialize)]
pub(super) struct NewRole {
    role: String,
}

/// Gives another role.
pub(super) async fn change_role(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(sent): Sent<NewRole>,
) -> Result<Response, Problem> {
    let operator = one(&edge, &shell, id).await?;
    let changed = edge.service.set_role(&shell.caller, &operator.email, &sent.role).await;
    let flash = Flash::new(format!("{} has another role", operator.email));
    done(&shell, id, changed, flash.line("It counts from the next request on."))
}

/// Asks before somebody is shut out.
pub(super) async fn ask_disable(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let operator = one(&edge, &shell, id).await?;
    let path = format!("{PATH}/{id}");
    let asked = Question {
        title: &format!("Disable {}?", operator.email),
        line: "All sessions end and all tokens are revoked at once, for good. Exports and the log \
               stay. You can let this operator in again later.",
        back: &path,
        from: &operator.email,
        keep: "Keep as it is",
        action: &format!("{path}/disable"),
        icon: "user-x",
        verb: "Disable the operator",
    };
    Ok(question::ask(&shell, &asked))
}

/// Shuts somebody out.
pub(super) async fn disable(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let operator = one(&edge, &shell, id).await?;
    let changed = edge.service.set_disabled(&shell.caller, &operator.email, true).await;
    done(&shell, id, changed, Flash::new(format!("{} is disabled", operator.email)))
}

/// Lets somebody in again.
pub(super) async fn enable(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let operator = one(&edge, &shell, id).await?;
    let changed = edge.service.set_disabled(&shell.caller, &operator.email, false).await;
    done(&shell, id, changed, Flash::new(format!("{} is let in again", operator.email)))
}

/// Makes a link to set a password, and shows it.
pub(super) async fn link(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let operator = one(&edge, &shell, id).await?;
    show_link(&edge, &shell, &operator.email, &format!("{PATH}/{id}"), "gets a new password").await
}

/// Asks before a second factor is taken away.
pub(super) async fn ask_reset(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let operator = one(&edge, &shell, id).await?;
    let path = format!("{PATH}/{id}");
    let asked = Question {
        title: &format!("Reset the second factor of {}?", operator.email),
        line: "The authenticator and the recovery codes are worth nothing from then on, and the \
               password alone lets in until a new one is set up. Be sure of who asks.",
        back: &path,
        from: &operator.email,
        keep: "Keep it",
        action: &format!("{path}/reset-factor"),
        icon: "shield-x",
        verb: "Reset the second factor",
    };
    Ok(question::ask(&shell, &asked))
}

/// Takes a second factor away.
pub(super) async fn reset(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
) -> Result<Response, Problem> {
    let changed = edge.service.reset_second_factor(&shell.caller, OperatorId(id)).await;
    done(&shell, id, changed, Flash::new("The second factor was reset"))
}
