//! The files by which a site is run: systemd's unit, the steps of the container file.

use std::{fs, net::TcpListener, process::Command};

use super::server::Server;

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");
const PROGRAM: &str = env!("CARGO_BIN_EXE_tidegate");
/// `systemd-analyze security` says: 10 is open, 0 is shut.
const EXPOSURE_MAX: f64 = 2.0;

#[test]
fn systemd_takes_the_unit_and_finds_it_shut() {
    let unit = fs::read_to_string(format!("{DEPLOY}/tidegate.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tidegate.service");
    // systemd looks whether the program is there.
    let installed = "/usr/local/bin/tidegate";
    assert!(unit.contains(&format!("ExecStart={installed} --config")));
    fs::write(&path, unit.replace(installed, PROGRAM)).unwrap();
    let analyze = |arguments: &[&str]| {
        let output = Command::new("systemd-analyze").args(arguments).arg(&path).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    };
    let (is_good, said) = analyze(&["verify", "--man=no"]);
    assert!(is_good && !said.contains("tidegate.service"), "{said}");
    let (_, said) = analyze(&["security", "--offline=yes", "--no-pager"]);
    let level = said.lines().find_map(|line| line.split("exposure level for").nth(1));
    let level: f64 = level
        .and_then(|line| line.split_whitespace().find_map(|word| word.parse().ok()))
        .unwrap_or_else(|| panic!("{said}"));
    assert!(level < EXPOSURE_MAX, "exposure {level}:\n{said}");
}

#[test]
fn the_steps_of_the_container_file_make_a_service_that_gets_ready_and_ends() {
    let shop = Server::staffed("");
    let root = tempfile::tempdir().unwrap();
    let volume = shop.path("");
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut steps = Command::new(format!("{DEPLOY}/container-steps"));
    steps.arg(PROGRAM).arg(&volume).arg(root.path());
    steps.arg(format!("TIDEGATE__SERVER__LISTEN={address}"));
    steps.arg(format!("TIDEGATE__SERVER__PUBLIC_URL=http://{address}"));
    steps.stderr(std::process::Stdio::piped());
    let mut server = Server::started(shop, steps);
    assert_eq!(server.asker(None).get("/readyz").status(), 200);
    server.tell_to_end();
    let said = server.ended();
    assert!(said.lines().all(|line| line.starts_with('{')), "{said}");
}
