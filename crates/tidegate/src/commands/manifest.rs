//! `tidegate manifest`: what a file is, proven with public keys alone.

use tidegate_service::{PublicKeys, manifest::verify_manifest};

use crate::{
    cli::{Cli, ManifestCommand},
    config::Site,
    failure::Failure,
    wire,
};

/// Runs the command.
///
/// # Errors
///
/// If the manifest is not signed by one of the keys, or the file is another one.
pub fn run(command: &ManifestCommand, cli: &Cli) -> Result<(), Failure> {
    let ManifestCommand::Verify { manifest, file, keys } = command;
    let folder = match keys {
        Some(folder) => folder.clone(),
        None => {
            let site = Site::load(&cli.config, &wire::environment())?;
            let none = "name the folder of the public keys with --keys";
            site.control.ok_or_else(|| Failure::wrong(none))?.keys_folder
        }
    };
    let public = PublicKeys::of_folder(&folder)?;
    let verified = verify_manifest(manifest, file.as_deref(), &public)
        .map_err(|error| Failure::failed("manifest", &error))?;
    if cli.json {
        println!("{}", serde_json::json!({ "verified": verified }));
        return Ok(());
    }
    let artifact = &verified.artifact;
    println!("{}: signed by key {}", artifact.name, verified.key);
    println!("subject    {}", verified.subject);
    println!("rows       {}", verified.rows);
    println!("bytes      {}", artifact.bytes);
    println!("sha256     {}", artifact.sha256);
    println!("governed   {}", verified.governed);
    match file {
        Some(file) => println!("{} is that file", file.display()),
        None => println!("the file itself was not looked at"),
    }
    Ok(())
}
