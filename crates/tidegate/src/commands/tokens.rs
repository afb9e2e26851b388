//! `tidegate tokens`: what programs show to be let in.

use tidegate_model::ids::TokenId;

use super::jobs::time;
use crate::{
    cli::{Cli, TokensCommand},
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &TokensCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        let service = &control.service;
        match command {
            TokensCommand::Create { name, scopes, days } => {
                let scopes = scopes.as_ref().map(|scopes| scopes.iter().cloned().collect());
                let token = service.create_token(&caller, name, scopes, *days).await?;
                if cli.json {
                    let shown = serde_json::json!({ "id": token.id, "token": token.secret });
                    println!("{shown}");
                    return Ok(());
                }
                println!("{}", token.secret);
                eprintln!("tidegate: token {}; keep it now, it is not shown again", token.id);
            }
            TokensCommand::List => {
                let tokens = service.tokens(&caller).await?;
                if cli.json {
                    println!("{}", serde_json::json!({ "tokens": tokens }));
                    return Ok(());
                }
                for token in tokens {
                    let state = if token.is_revoked { "revoked" } else { "" };
                    let until = time(token.expires_at);
                    println!("{:>6}  {:<30} until {until} {state}", token.id, token.name);
                }
            }
            TokensCommand::Revoke { id } => service.revoke_token(&caller, TokenId(*id)).await?,
        }
        Ok(())
    })
}
