//! `tidegate roles`: what operators may do.

use tidegate_model::{
    action::{Action, Target},
    actor::Via,
    mask::{MaskPolicy, MaskRule, MaskRules},
    nearest::unknown,
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
                    for mask in &role.masks.0 {
                        println!("  {} shown {}", mask.class, mask.policy.words());
                    }
                    for limit in role.limits {
                        println!("  {} only where {}", limit.subject, limit.filter);
                    }
                }
            }
            RolesCommand::Put { slug, label, capabilities, limits, masks } => {
                let role = Role {
                    slug: slug.clone(),
                    label: label.clone().unwrap_or_else(|| slug.clone()),
                    capabilities: capabilities.iter().cloned().collect(),
                    limits: limits.iter().map(limit).collect::<Result<_, _>>()?,
                    masks: MaskRules(masks.iter().map(mask).collect::<Result<_, _>>()?),
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
                    let is_held = (asked.by_role || asked.by_grant) && asked.by_token;
                    let mark = if is_held { "✓" } else { "✗" };
                    let how = if asked.by_grant { " (granted by another site)" } else { "" };
                    println!("{mark} {}{how}", asked.capability);
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

fn mask((class, policy): &(String, String)) -> Result<MaskRule, Failure> {
    let known: Vec<&str> = MaskPolicy::ALL.iter().map(|policy| policy.slug()).collect();
    let found = MaskPolicy::find(policy).ok_or_else(|| {
        Failure::wrong(format!("--mask {class}: {}", unknown("mask", policy, &known)))
    })?;
    Ok(MaskRule { class: class.clone(), policy: found })
}

fn limit((subject, filter): &(String, String)) -> Result<RowLimit, Failure> {
    let filter = serde_json::from_str(filter)
        .map_err(|error| Failure::wrong(format!("--limit {subject}: no JSON ({error})")))?;
    Ok(RowLimit { subject: subject.clone(), filter })
}
