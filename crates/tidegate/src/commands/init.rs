//! `tidegate init`: looks at a database and writes a configuration for it.

use std::{fs, io::Write, path::Path};

use secrecy::ExposeSecret;
use tidegate_model::catalog::{Relation, TableName};
use tidegate_source::{Source, SourceError, SourceSettings};

use crate::{
    cli::{Cli, InitArgs},
    failure::Failure,
    introspect::{self, Introspected, Location},
    wire::{self, Connected},
};

/// Runs the command.
///
/// # Errors
///
/// If the database cannot be looked at, or the file is there already.
pub fn run(args: &InitArgs, cli: &Cli) -> Result<(), Failure> {
    let to_stdout = args.output == "-";
    if !to_stdout && !args.force && Path::new(&args.output).exists() {
        let detail = format!("`{}` is there already; --force replaces it", args.output);
        return Err(Failure::wrong(detail));
    }
    let url = wire::url(&args.url)?;
    let location = Location::of(url.expose_secret());
    let name = match &args.name {
        Some(name) => name.clone(),
        None => introspect::source_name(url.expose_secret()),
    };
    let connected = Connected::new(SourceSettings::new(&name, url))?;
    let tables: Result<Vec<Introspected>, SourceError> = connected
        .source
        .tables()?
        .into_iter()
        .map(|table| introspected(&*connected.source, table))
        .collect();
    let tables = tables?;
    let text = introspect::write_config(&name, &location, &tables);
    if to_stdout {
        print!("{text}");
        return Ok(());
    }
    fs::File::create(&args.output)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|cause| Failure::wrong(format!("cannot write `{}`: {cause}", args.output)))?;
    if cli.json {
        println!("{}", serde_json::json!({ "path": args.output, "tables": tables.len() }));
    } else {
        eprintln!("{}: {} tables of source `{name}`", args.output, tables.len());
        if let Location::Secret(shown) = &location {
            let variable = introspect::variable(&name);
            eprintln!("The URL holds a secret and stands not in the file. Set it with");
            eprintln!("  export {variable}='{shown}'");
        }
        eprintln!("Look it over, then prove it with `tidegate check`.");
    }
    Ok(())
}

fn introspected(source: &dyn Source, name: TableName) -> Result<Introspected, SourceError> {
    let description = source.describe(&Relation::Table(name.clone()))?;
    let references = source.references(&name)?;
    Ok(Introspected { name, description, references })
}
