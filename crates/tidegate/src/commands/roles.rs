//! `tidegate roles`: what operators may do.

use tidegate_model::{
    action::{Action, Target},
    actor::Via,
    role::{Role, RowLimit},
};

use crate::{
    cli::{Cli, RolesCommand},
    control::{self, Control},
    failure::Failure,
};

/// Runs the command.
///
/// # Errors
///
/// If it may not be done, or cannot.
pub fn run(command: &RolesCommand, cli: &Cli) -> Result<(), Failure> {
    control::run(async {
        let control = Control::open(cli).await?;
        let caller = control.caller(cli).await?;
        let service = &control.service;
        match command {
            RolesCommand::List => {
                let roles = service.roles(&caller).await?;
                if cli.json {
                    println!("{}", serde_json::json!({ "roles": roles }));
                    return Ok(());
                }
                for role in roles {
                    println!("{} ({})", role.slug, role.label);
                    role.capabilities.iter().for_each(|capability| println!("  {capability}"));
                    for limit in role.limits {
                        println!("  {} only where {}", limit.subject, limit.filter);
                    }
                }
            }
            RolesCommand::Put { slug, label, capabilities, limits } => {
                let role = Role {
                    slug: slug.clone(),
                    label: label.clone().unwrap_or_else(|| slug.clone()),
                    capabilities: capabilities.iter().cloned().collect(),
                    limits: limits.iter().map(limit).collect::<Result<_, _>>()?,
                };
                service.put_role(&caller, role).await?;
            }
            RolesCommand::Remove { slug } => service.remove_role(&caller, slug).await?,
            RolesCommand::Explain { email, subject } => {
                service.roles(&caller).await?;
                let asked = service.operator_caller(email, Via::Cli).await?;
                let target = Target { subject: Some(subject.clone()), ..Target::default() };
                let why = service.explain(&asked, Action::ExportCreate, &target).await?;
                if cli.json {
                    println!("{}", serde_json::json!(why));
                    return Ok(());
                }
                for asked in &why.asked {
                    let mark = if asked.by_role && asked.by_token { "✓" } else { "✗" };
                    println!("{mark} {}", asked.capability);
                }
                match why.refused {
                    None => println!("allowed, as {}", why.role.unwrap_or_default()),
                    Some(reason) => println!("refused: {reason}"),
                }
            }
        }
        Ok(())
    })
}

fn limit((subject, filter): &(String, String)) -> Result<RowLimit, Failure> {
    let filter = serde_json::from_str(filter)
        .map_err(|error| Failure::wrong(format!("--limit {subject}: no JSON ({error})")))?;
    Ok(RowLimit { subject: subject.clone(), filter })
}
