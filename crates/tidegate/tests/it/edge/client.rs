//! A client that is generated from the description makes an export and fetches its file.

use std::{fs, process::Command};

use tidegate_testkit::python;

use super::server::Server;

/// What a program would be written like, with the generated package.
const PROGRAM: &str = include_str!("../../schema/client.py");

#[test]
fn a_generated_client_makes_an_export_waits_for_it_and_fetches_its_file() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("openapi.json");
    fs::write(&document, ada.get("/api/v1/openapi.json").text().unwrap()).unwrap();
    let generated = Command::new(python::api_tool("openapi-python-client"))
        .args(["generate", "--meta", "none", "--fail-on-warning", "--path"])
        .arg(&document)
        .arg("--output-path")
        .arg(folder.path().join("tidegate_client"))
        // Its own formatter is beside it.
        .env("PATH", path_with_tools())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&generated.stdout).into_owned();
    assert!(generated.status.success(), "{said}");
    assert!(!said.contains("Warning"), "{said}");

    let run = Command::new(python::api_tool("python"))
        .args(["-B", "-c", PROGRAM])
        .arg(&server.base)
        .arg(ada.token.as_deref().unwrap())
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let told = String::from_utf8(run.stdout).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    // Of 5,000 orders every third is paid, and one line is the header.
    assert_eq!(lines, ["ready", "1666", "id,Amount", "1667", "refused: /fields/0"]);
}

fn path_with_tools() -> String {
    let tools = python::api_tool("ruff");
    let folder = tools.parent().unwrap().display();
    format!("{folder}:{}", std::env::var("PATH").unwrap_or_default())
}
