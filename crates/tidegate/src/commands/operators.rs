//! `tidegate operators`: who may sign in, and as what.

use std::io::Read;

use tidegate_model::actor::Caller;

use crate::{
    cli::{Cli, OperatorsCommand},
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &OperatorsCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let service = &control.service;
        match command {
            OperatorsCommand::Add { email, role, password_stdin } => {
                let caller = adder(&control, cli).await?;
                let password = if *password_stdin { Some(password()?) } else { None };
                let id = service.add_operator(&caller, email, role, password).await?;
                match cli.json {
                    true => println!("{}", serde_json::json!({ "id": id })),
                    false => println!("{id}"),
                }
            }
            OperatorsCommand::List => {
                let caller = control.caller(cli).await?;
                let operators = service.operators(&caller).await?;
                if cli.json {
                    println!("{}", serde_json::json!({ "operators": operators }));
                    return Ok(());
                }
                for one in operators {
                    let state = if one.is_disabled { "disabled" } else { "" };
                    println!("{:>6}  {:<40} {:<20} {state}", one.id, one.email, one.role);
                }
            }
            OperatorsCommand::Role { email, role } => {
                let caller = control.caller(cli).await?;
                service.set_role(&caller, email, role).await?;
            }
            OperatorsCommand::Reset { email } => {
                let caller = control.caller(cli).await?;
                let address = control.settings.server.address().ok_or_else(|| {
                    Failure::wrong("a link begins with an address: set `public_url` under [server]")
                })?;
                let secret = service.invite_operator(&caller, email).await?;
                println!("{}", tidegate_http::password_url(&address, &secret));
                if service.has_second_factor(&caller, email).await? {
                    eprintln!(
                        "tidegate: {email} keeps the second factor; where that is lost, too: \
                         tidegate operators reset-second-factor {email}"
                    );
                }
            }
            OperatorsCommand::ResetSecondFactor { email } => {
                let caller = control.caller(cli).await?;
                if !service.reset_second_factor_of(&caller, email).await? {
                    eprintln!("tidegate: {email} had no second factor");
                }
            }
            OperatorsCommand::Disable { email } => {
                let caller = control.caller(cli).await?;
                service.set_disabled(&caller, email, true).await?;
            }
            OperatorsCommand::Enable { email } => {
                let caller = control.caller(cli).await?;
                service.set_disabled(&caller, email, false).await?;
            }
            OperatorsCommand::Password { email } => {
                let caller = control.caller(cli).await?;
                service.set_password(&caller, email, password()?).await?;
            }
        }
        Ok(())
    })
}

/// The first operator is added by whoever has the keys of the host.
async fn adder(control: &Control, cli: &Cli) -> Result<Caller, Failure> {
    match control.service.setup_caller("command line").await {
        Ok(setup) => Ok(setup),
        Err(_) => control.caller(cli).await,
    }
}

fn password() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|cause| {
        Failure::wrong(format!("cannot read the password from standard input: {cause}"))
    })?;
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}
