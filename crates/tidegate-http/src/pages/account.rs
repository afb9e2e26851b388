//! One's own account: password, second factor, sessions and tokens.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use tidegate_service::{SecondFactorState, ServiceError};

use super::{
    flash::Flash,
    forms::Sent,
    people::{self, SessionLine, TokenLine},
    rights::{self, Area},
    secret::{self, Secret},
    sentence,
    shell::Shell,
    words::{self, When},
};
use crate::{
    edge::{Edge, Shared},
    problem::{Problem, ProblemKind},
};

/// Where it is.
pub(super) const PATH: &str = "/sg-admin/account";

#[derive(Template)]
#[template(path = "account.html")]
struct Account<'a> {
    shell: &'a Shell,
    factor: SecondFactorState,
    /// When it was enrolled.
    factor_since: Option<When>,
    sessions: Vec<SessionLine>,
    tokens: Vec<TokenLine>,
    areas: Vec<Area>,
    sent: &'a NewToken,
    faults: Vec<(&'static str, String)>,
}

impl Account<'_> {
    fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(one, _)| *one == name).map(|(_, words)| words.as_str())
    }

    fn is_asked(&self, slug: &str) -> bool {
        self.sent.scope.iter().any(|scope| scope == slug)
    }
}

/// The page.
pub(super) async fn show(State(edge): State<Shared>, shell: Shell) -> Result<Response, Problem> {
    page(&edge, &shell, &NewToken::default(), Vec::new()).await
}

async fn page(
    edge: &Edge,
    shell: &Shell,
    sent: &NewToken,
    faults: Vec<(&'static str, String)>,
) -> Result<Response, Problem> {
    let id = shell.caller.operator().ok_or_else(|| Problem::of(ProblemKind::SignInRequired))?;
    let factor = edge.service.second_factor(&shell.caller).await?;
    let sessions = edge.service.sessions(&shell.caller, id).await?;
    let tokens = edge.service.tokens(&shell.caller).await?;
    let subjects = shell.standing.subjects.iter();
    let subjects: Vec<(String, String)> =
        subjects.map(|one| (one.slug.clone(), shell.subject_label(&one.slug))).collect();
    let actions = edge.service.actions_held(&shell.standing.capabilities).await?;
    let mut areas = rights::areas(&subjects, &actions);
    for area in &mut areas {
        area.rights.retain(|right| shell.holds(&right.slug));
    }
    areas.retain(|area| !area.rights.is_empty());
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let account = Account {
        factor_since: factor.enrolled_at.map(|at| shell.when(at)),
        factor,
        sessions: people::sessions(sessions, shell),
        tokens: people::tokens(tokens, id, shell),
        areas,
        sent,
        faults,
        shell,
    };
    Ok(shell.page(status, &account))
}

/// A new password.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct NewPassword {
    current: String,
    next: String,
}

/// Sets one's own password.
pub(super) async fn change_password(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<NewPassword>,
) -> Result<Response, Problem> {
    match edge.service.change_password(&shell.caller, sent.current, sent.next).await {
        Ok(()) => {
            let flash = Flash::new("Your password is changed");
            Ok(shell.to(PATH, &flash.line("All your other sessions have ended.")))
        }
        Err(ServiceError::Faults(faults)) => {
            let named = |fault: tidegate_model::fault::Fault| match fault.pointer.as_str() {
                "/current" => ("current", sentence(&fault.detail)),
                _ => ("next", sentence(&fault.detail)),
            };
            let faults = faults.0.into_iter().map(named).collect();
            page(&edge, &shell, &NewToken::default(), faults).await
        }
        Err(other) => Err(other.into()),
    }
}

/// A new token.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct NewToken {
    name: String,
    days: String,
    scope: Vec<String>,
}

/// Makes a token, and shows its secret, once.
pub(super) async fn create_token(
    State(edge): State<Shared>,
    shell: Shell,
    Sent(sent): Sent<NewToken>,
) -> Result<Response, Problem> {
    let scopes = (!sent.scope.is_empty()).then(|| sent.scope.iter().cloned().collect());
    // What is no number is as wrong as none.
    let days = sent.days.trim().parse().unwrap_or(0);
    match edge.service.create_token(&shell.caller, sent.name.trim(), scopes, days).await {
        Ok(made) => {
            let shown = Secret {
                title: &format!("Token {} was made", sent.name.trim()),
                line: &format!(
                    "A program shows it as “Authorization: Bearer …”. It lives {} and is shown \
                     only now.",
                    words::plural(i64::from(days), "day")
                ),
                label: "Token",
                secret: &made.secret,
                back: PATH,
                from: "To your account",
            };
            Ok(secret::show(&shell, &shown))
        }
        Err(ServiceError::Faults(faults)) => {
            let named = |fault: tidegate_model::fault::Fault| match fault.pointer.as_str() {
                "/name" => ("name", sentence(&fault.detail)),
                "/days" => ("days", sentence(&fault.detail)),
                _ => ("scopes", sentence(&fault.detail)),
            };
            page(&edge, &shell, &sent, faults.0.into_iter().map(named).collect()).await
        }
        Err(other) => Err(other.into()),
    }
}
