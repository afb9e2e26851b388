//! Sessions and tokens of somebody: drawn on two pages, ended and revoked from both.

use axum::{extract::State, response::Response};
use serde::Deserialize;
use tidegate_model::ids::{OperatorId, SessionId, TokenId};
use tidegate_service::{Session, Token};

use super::{flash::Flash, forms::Sent, path_of, shell::Shell, sign_in::destination, words::When};
use crate::{edge::Shared, input::Number, problem::Problem};

/// A session, to be drawn.
pub(super) struct SessionLine {
    pub(super) end: String,
    pub(super) agent: String,
    pub(super) address: String,
    pub(super) begun: When,
    pub(super) seen: When,
    pub(super) is_this: bool,
}

/// A token, to be drawn.
pub(super) struct TokenLine {
    pub(super) revoke: String,
    pub(super) name: String,
    pub(super) scopes: String,
    pub(super) made: When,
    pub(super) until: When,
    /// `Revoked` or `Ended`; empty where it is good.
    pub(super) over: &'static str,
}

/// Sessions, to be drawn.
pub(super) fn sessions(sessions: Vec<Session>, shell: &Shell) -> Vec<SessionLine> {
    let line = |session: Session| SessionLine {
        end: path("session-end", session.id().0),
        is_this: shell.caller.session == Some(session.id()),
        begun: shell.when(session.created_at),
        seen: shell.when(session.seen_at),
        agent: session.agent.unwrap_or_default(),
        address: session.address.unwrap_or_default(),
    };
    sessions.into_iter().map(line).collect()
}

/// The tokens of one operator, to be drawn: those that are good first.
pub(super) fn tokens(tokens: Vec<Token>, whose: OperatorId, shell: &Shell) -> Vec<TokenLine> {
    let mut own: Vec<Token> = tokens.into_iter().filter(|one| one.operator == whose).collect();
    let is_over = |one: &Token| one.is_revoked || one.expires_at <= shell.now;
    own.sort_by_key(|one| (is_over(one), std::cmp::Reverse(one.id)));
    let line = |token: Token| TokenLine {
        revoke: path("token-revoke", token.id.0),
        made: shell.when(token.created_at),
        until: shell.when(token.expires_at),
        over: match (token.is_revoked, token.expires_at <= shell.now) {
            (true, _) => "Revoked",
            (false, true) => "Ended",
            (false, false) => "",
        },
        scopes: match token.scopes {
            None => "All that the role may".to_owned(),
            Some(scopes) => scopes.into_iter().collect::<Vec<_>>().join(", "),
        },
        name: token.name,
    };
    own.into_iter().map(line).collect()
}

fn path(page: &str, id: i64) -> String {
    let path = path_of(page).expect("it is in the table of pages");
    path.replace("{id}", &id.to_string())
}

/// Where to go afterwards.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Back {
    back: String,
}

/// Ends a session.
pub(super) async fn end_session(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(sent): Sent<Back>,
) -> Result<Response, Problem> {
    edge.service.end_session(&shell.caller, SessionId(id)).await?;
    Ok(shell.to(destination(&sent.back), &Flash::new("The session has ended")))
}

/// Takes a token back.
pub(super) async fn revoke_token(
    State(edge): State<Shared>,
    shell: Shell,
    Number(id): Number,
    Sent(sent): Sent<Back>,
) -> Result<Response, Problem> {
    edge.service.revoke_token(&shell.caller, TokenId(id)).await?;
    let flash = Flash::new("The token was revoked").line("Whoever shows it is not let in.");
    Ok(shell.to(destination(&sent.back), &flash))
}
