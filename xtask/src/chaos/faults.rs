//! Plants a fault into a copy of the checkout, and sees whether the checker reports it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

use crate::command::{output, succeed};

/// Where the patches are.
const FOLDER: &str = "chaos/faults";
/// First line of a patch: the plan that shows the fault, and the rule by which the checker has to
/// tell it.
const HEADING: &str = "Shown by: ";

/// A fault that is planted on purpose.
struct Fault {
    name: String,
    patch: PathBuf,
    plan: String,
    rule: String,
}

impl Fault {
    fn read(patch: &Path) -> Result<Self> {
        let text = fs::read_to_string(patch)
            .with_context(|| format!("there is no fault `{}`", patch.display()))?;
        let heading = text.lines().find_map(|line| line.strip_prefix(HEADING));
        let (plan, rule) = heading
            .and_then(|heading| heading.split_once(", "))
            .with_context(|| format!("{} does not say what shows it", patch.display()))?;
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, patch: patch.to_owned(), plan: plan.to_owned(), rule: rule.to_owned() })
    }
}

/// Plants every fault.
pub(super) fn plant_all(is_release: bool) -> Result<()> {
    let mut patches: Vec<PathBuf> = fs::read_dir(FOLDER)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "patch"))
        .collect();
    patches.sort_unstable();
    let mut unseen = Vec::new();
    for patch in &patches {
        let fault = Fault::read(patch)?;
        if !is_reported(&fault, is_release)? {
            unseen.push(fault.name);
        }
    }
    println!("── chaos: {} of {} faults reported", patches.len() - unseen.len(), patches.len());
    ensure!(unseen.is_empty(), "the checker does not see {}", unseen.join(", "));
    Ok(())
}

/// Plants one fault.
pub(super) fn plant(name: &str, is_release: bool) -> Result<()> {
    let fault = Fault::read(&Path::new(FOLDER).join(format!("{name}.patch")))?;
    match is_reported(&fault, is_release)? {
        true => Ok(()),
        false => bail!("the checker does not see {name}"),
    }
}

fn is_reported(fault: &Fault, is_release: bool) -> Result<bool> {
    println!("── chaos: fault {}", fault.name);
    let target = super::target().join("chaos");
    let copy = target.join("fault");
    copy_checkout(&copy)?;
    patched(&copy, &fault.patch)?;
    let program = super::build(&copy, &target, is_release)?;
    let mut driver = super::driver(&fault.plan, &program);
    driver.args(["--rigs", "sqlite-folder", "--kills", "15", "--rounds", "1", "--changes", "2"]);
    let said = driver.stdout(Stdio::piped()).output()?;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let complaint = format!("FAULT {}", fault.rule);
    let found = said.lines().find(|line| line.starts_with(&complaint));
    match found {
        Some(line) => println!("   reported: {line}"),
        None => println!("   NOT reported; all that was said:\n{said}"),
    }
    Ok(found.is_some())
}

/// Applies a patch to the copy.
fn patched(copy: &Path, patch: &Path) -> Result<()> {
    let patch = patch.canonicalize()?;
    succeed(Command::new("patch").args(["-p1", "--quiet", "-i"]).arg(patch).current_dir(copy))
}

/// Makes the copy what the checkout is. A file that is the same already is left alone, so that only
/// what a patch has changed, or leaves behind, is built anew.
fn copy_checkout(copy: &Path) -> Result<()> {
    let listed = output("git", &["ls-files", "-z", "-co", "--exclude-standard"])?;
    for path in listed.split('\0').filter(|path| Path::new(path).is_file()) {
        let (content, to) = (fs::read(path)?, copy.join(path));
        if fs::read(&to).is_ok_and(|found| found == content) {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(copy))?;
        fs::write(&to, content)?;
    }
    Ok(())
}
