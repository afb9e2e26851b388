//! What is kept of a second factor, and what is not.

use std::{fs, process::Command};

use reqwest::Method;

use super::{Enrolled, by};

#[test]
fn the_secret_stands_nowhere_in_clear() {
    let site = Enrolled::new();
    let enrolled = by(&site.nobody, Method::GET, "/api/v1/second-factor", &site.cookie);
    assert!(!enrolled.send().unwrap().text().unwrap().contains(&site.secret));
    let python = "import base64, sys; print(base64.b32decode(sys.argv[1]).hex())";
    let hex = Command::new("python3").args(["-c", python, &site.secret]).output().unwrap().stdout;
    let hex = String::from_utf8(hex).unwrap().trim().to_owned();
    let raw: Vec<u8> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..][..2], 16).unwrap()).collect();
    assert_eq!(raw.len(), 20);
    let recovery = site.recovery.iter().flat_map(|one| [one.clone(), one.replace('-', "")]);
    let mut sought: Vec<Vec<u8>> = recovery.map(String::into_bytes).collect();
    sought.extend([raw, hex.into_bytes(), site.secret.clone().into_bytes()]);
    let mut bytes = site.server.said();
    for file in ["control.db", "control.db-wal"] {
        bytes.extend(fs::read(site.server.shop.path(file)).unwrap_or_default());
    }
    bytes.make_ascii_lowercase();
    assert!(bytes.len() > 100_000, "there is a database");
    for mut one in sought {
        one.make_ascii_lowercase();
        assert!(!bytes.windows(one.len()).any(|window| window == one), "found one in clear");
    }
}
