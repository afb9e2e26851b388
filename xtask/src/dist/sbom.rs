//! The bill of materials: every crate that is built into the program, as CycloneDX 1.5.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::command::output;

const PROGRAM: &str = "tidegate";

/// What `cargo metadata` knows about crates and who needs whom.
#[derive(Deserialize)]
pub(super) struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    description: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Metadata {
    /// That of the checkout, for the platform it is built on.
    pub(super) fn of_checkout() -> Result<Self> {
        let host = super::host()?;
        let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform"];
        let json = output("cargo", &[&arguments[..], &[host.as_str()]].concat())?;
        Ok(serde_json::from_str(&json)?)
    }

    /// Version of the program.
    pub(super) fn version(&self) -> Result<&str> {
        Ok(&self.program()?.version)
    }

    fn program(&self) -> Result<&Package> {
        let found = self.packages.iter().find(|package| package.name == PROGRAM);
        found.context("the program is not in the workspace")
    }

    /// What is built into the program: crates by id, each with what it needs itself.
    fn built_in(&self) -> Result<BTreeMap<&str, BTreeSet<&str>>> {
        let nodes: BTreeMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut found = BTreeMap::new();
        let mut open = vec![self.program()?.id.as_str()];
        while let Some(id) = open.pop() {
            if found.contains_key(id) {
                continue;
            }
            let node = nodes.get(id).context("a crate is not resolved")?;
            // Tests are not handed out.
            let needed = node.deps.iter().filter(|dependency| {
                dependency.dep_kinds.iter().any(|kind| kind.kind.as_deref() != Some("dev"))
            });
            let needed: BTreeSet<&str> = needed.map(|dependency| dependency.pkg.as_str()).collect();
            open.extend(&needed);
            found.insert(id, needed);
        }
        Ok(found)
    }
}

/// The bill of materials as JSON. It holds no time and no number of its own, so that the same
/// crates give the same bill.
pub(super) fn bill_of_materials(metadata: &Metadata, lock: &str) -> Result<String> {
    let sums = checksums(lock);
    let built_in = metadata.built_in()?;
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let program = metadata.program()?;
    let components: Vec<Value> = built_in
        .keys()
        .filter(|id| **id != program.id)
        .map(|id| component(packages[id], "library", &sums))
        .collect();
    let dependencies: Vec<Value> = built_in
        .iter()
        .map(|(id, needed)| {
            let needed: Vec<String> = needed.iter().map(|id| purl(packages[id])).collect();
            json!({ "ref": purl(packages[id]), "dependsOn": needed })
        })
        .collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(program, "application", &sums) },
        "components": components,
        "dependencies": dependencies,
    });
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

fn component(package: &Package, kind: &str, sums: &BTreeMap<(&str, &str), &str>) -> Value {
    let mut component = json!({
        "type": kind,
        "bom-ref": purl(package),
        "name": package.name,
        "version": package.version,
        "purl": purl(package),
    });
    if let Some(description) = &package.description {
        component["description"] = json!(description.trim());
    }
    if let Some(license) = &package.license {
        // The old way of crates to write "or".
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    let sum = sums.get(&(package.name.as_str(), package.version.as_str()));
    if let (Some(sum), Some(_)) = (sum, &package.source) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    component
}

fn purl(package: &Package) -> String {
    // A plus sign of a version stands for a space in a URL.
    format!("pkg:cargo/{}@{}", package.name, package.version.replace('+', "%2B"))
}

/// Checksums of crates by name and version, as the lock file has them.
fn checksums(lock: &str) -> BTreeMap<(&str, &str), &str> {
    let crates = lock.split("[[package]]").skip(1);
    let sums = crates.filter_map(|section| {
        let value = |key: &str| {
            let line = section.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
            Some(line?.trim_matches('"'))
        };
        Some(((value("name")?, value("version")?), value("checksum")?))
    });
    sums.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let package = |name: &str, source: Option<&str>| {
            json!({ "id": name, "name": name, "version": "1.0.0+x", "license": "MIT/Apache-2.0",
                    "description": null, "source": source })
        };
        let dependency =
            |pkg: &str, kind: Option<&str>| json!({ "pkg": pkg, "dep_kinds": [{ "kind": kind }] });
        serde_json::from_value(json!({
            "packages": [
                package("tidegate", None), package("a", Some("r")), package("b", Some("r")),
                package("c", Some("r")),
            ],
            "resolve": { "nodes": [
                { "id": "tidegate", "deps": [dependency("a", None), dependency("c", Some("dev"))] },
                { "id": "a", "deps": [dependency("b", Some("build"))] },
                { "id": "b", "deps": [] },
                { "id": "c", "deps": [] },
            ] },
        }))
        .unwrap()
    }

    #[test]
    fn the_bill_names_what_is_built_in_and_not_what_only_tests_need() {
        let lock = "[[package]]\nname = \"b\"\nversion = \"1.0.0+x\"\nchecksum = \"00ff\"\n";
        let bill: Value =
            serde_json::from_str(&bill_of_materials(&metadata(), lock).unwrap()).unwrap();
        let names: Vec<&Value> =
            bill["components"].as_array().unwrap().iter().map(|part| &part["name"]).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(bill["components"][1]["hashes"][0]["content"], "00ff");
        assert_eq!(bill["components"][0]["purl"], "pkg:cargo/a@1.0.0%2Bx");
        assert_eq!(bill["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
        assert_eq!(bill["dependencies"][0]["dependsOn"], json!(["pkg:cargo/b@1.0.0%2Bx"]));
    }
}
