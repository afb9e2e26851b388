//! Makes what is handed out: a stripped program in a tarball, its bill of materials, their sums.

mod archive;
mod sbom;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::command::{output, succeed};

/// Where it is put.
const FOLDER: &str = "dist";
/// Profile of the program: as for release, without symbols.
const PROFILE: &str = "dist";
/// Variables that only a build with the feature `chaos` knows.
const CHAOS_VARIABLES: [&str; 2] = ["TIDEGATE_STOP_AT", "TIDEGATE_CLOCK_FILE"];
/// Documents that go with the program.
const DOCUMENTS: &[&str] = &["README.md", "LICENSE", "CHANGELOG.md", "SECURITY.md"];

/// Builds and packs. The same commit on the same toolchain gives the same bytes.
pub(crate) fn run() -> Result<()> {
    let program = build()?;
    refuse_chaos(&fs::read(&program)?)?;
    let metadata = sbom::Metadata::of_checkout()?;
    let name = format!("tidegate-{}-{}", metadata.version()?, host()?);
    let bill = sbom::bill_of_materials(&metadata, &fs::read_to_string("Cargo.lock")?)?;

    let mut entries = vec![archive::Entry::program("tidegate", fs::read(program)?)];
    for document in DOCUMENTS {
        entries.push(archive::Entry::document(document, fs::read(document)?));
    }
    entries.push(archive::Entry::document("tidegate.cdx.json", bill.clone().into_bytes()));
    let committed_at: u64 = output("git", &["show", "-s", "--format=%ct"])?.trim().parse()?;
    let tarball = archive::tarball(&name, entries, committed_at)?;

    fs::create_dir_all(FOLDER)?;
    let files = [(format!("{name}.tar.gz"), tarball), (format!("{name}.cdx.json"), bill.into())];
    let mut sums = String::new();
    for (file, bytes) in &files {
        fs::write(Path::new(FOLDER).join(file), bytes)?;
        sums.push_str(&format!("{}  {file}\n", sha256(bytes)));
    }
    fs::write(Path::new(FOLDER).join("SHA256SUMS"), &sums)?;
    print!("{sums}");
    Ok(())
}

/// What is handed out cannot be told to stop itself, nor what time it is: that takes the feature
/// `chaos`.
fn refuse_chaos(program: &[u8]) -> Result<()> {
    for variable in CHAOS_VARIABLES.map(str::as_bytes) {
        let has_it = program.windows(variable.len()).any(|window| window == variable);
        ensure!(!has_it, "the program was built with the feature `chaos`");
    }
    Ok(())
}

/// Builds the program without the paths of this machine in it.
fn build() -> Result<PathBuf> {
    let checkout = env::current_dir()?.canonicalize()?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let cargo_home = cargo_home.context("where is cargo's home?")?;
    let (checkout, cargo_home) = (checkout.display(), cargo_home.display());
    let rust =
        format!("--remap-path-prefix={checkout}=/tidegate --remap-path-prefix={cargo_home}=/cargo");
    let c = format!("-ffile-prefix-map={checkout}=/tidegate -ffile-prefix-map={cargo_home}=/cargo");
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--locked", "--package", "tidegate", "--profile", PROFILE]);
    succeed(cargo.env("RUSTFLAGS", rust).env("CFLAGS", c))?;
    let target = env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
    Ok(target.join(PROFILE).join("tidegate"))
}

/// The platform that is built for.
fn host() -> Result<String> {
    let version = output("rustc", &["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_clock_can_be_set_from_outside_is_not_handed_out() {
        // Every variable that the feature brings is one that is sought.
        let chaos = include_str!("../../crates/tidegate-store/src/chaos.rs");
        let quoted = chaos.split('"').skip(1).step_by(2);
        let variables: Vec<&str> = quoted.filter(|word| word.starts_with("TIDEGATE_")).collect();
        assert_eq!(variables, CHAOS_VARIABLES);
        for variable in variables {
            let program = [b"\x7fELF...", variable.as_bytes(), b"\0"].concat();
            assert!(refuse_chaos(&program).is_err(), "{variable}");
        }
        refuse_chaos(b"\x7fELF...TIDEGATE_TOKEN\0").unwrap();
    }

    #[test]
    fn nothing_switches_chaos_on_unless_somebody_asks_for_it() {
        for manifest in [
            include_str!("../../crates/tidegate/Cargo.toml"),
            include_str!("../../crates/tidegate-store/Cargo.toml"),
        ] {
            let naming: Vec<&str> =
                manifest.lines().filter(|line| line.contains("chaos")).collect();
            let is_rule = |line: &&str| line.starts_with('#') || line.starts_with("chaos = [");
            assert!(naming.iter().all(is_rule), "{naming:?}");
        }
    }
}
