//! Encryption: as strict as the URL says, and no less.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use tidegate_source::{Source, SourceError};
use tidegate_testkit::mariadb::{MariaDb, MariaDbDatabase};

use super::{Check, source};

/// Makes a key and a certificate for these names, by an authority of its own.
fn certify(folder: &Path, names: &str) {
    let run = |arguments: &str| {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments.split(' ')).current_dir(folder);
        let output = openssl.output().expect("`openssl` is there; apt-get install openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority");
    run("req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server");
    fs::write(folder.join("names"), format!("subjectAltName = {names}")).unwrap();
    run("x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
         -extfile names -out server.pem");
    for file in ["server.pem", "server.key", "ca.pem"] {
        fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
}

/// A server with a certificate for these names, and the authority's certificate.
fn server(folder: &Path, names: &str) -> MariaDbDatabase {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    certify(folder, names);
    let option = |name: &str, file: &str| format!("--{name}={}", folder.join(file).display());
    let options = [option("ssl-cert", "server.pem"), option("ssl-key", "server.key")];
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    Box::leak(Box::new(MariaDb::start(&options))).database()
}

fn at(database: &MariaDbDatabase, parameters: &str) -> Box<dyn Source> {
    source(&format!("{}?{parameters}", database.url()))
}

#[test]
fn a_server_is_believed_as_far_as_the_mode_says() {
    let folder = tempfile::tempdir().unwrap();
    let database = server(folder.path(), "IP:127.0.0.1");
    let other_folder = tempfile::tempdir().unwrap();
    let elsewhere = server(other_folder.path(), "DNS:elsewhere.example");
    let ca = |folder: &tempfile::TempDir| folder.path().join("ca.pem").display().to_string();
    for (database, mode, authority, name, is_believed) in [
        (&database, "disabled", None, "", true),
        (&database, "preferred", None, "", true),
        (&database, "required", None, "", true),
        (&database, "verify-identity", None, "", false),
        (&database, "verify-identity", Some(&folder), "", true),
        (&database, "verify-identity", Some(&other_folder), "", false),
        (&elsewhere, "required", None, "", true),
        (&elsewhere, "verify-identity", Some(&other_folder), "", false),
        (&elsewhere, "verify-identity", Some(&other_folder), "&ssl-name=elsewhere.example", true),
        (&elsewhere, "verify-identity", Some(&folder), "&ssl-name=elsewhere.example", false),
    ] {
        let authority = authority.map(|folder| format!("&ssl-ca={}", ca(folder)));
        let parameters = format!("ssl-mode={mode}{}{name}", authority.unwrap_or_default());
        let tables = at(database, &parameters).tables();
        assert_eq!(tables.is_ok(), is_believed, "{parameters}: {tables:?}");
    }
}

#[test]
fn a_server_without_encryption_is_refused_only_where_it_is_required() {
    let check = Check::new("");
    assert!(at(&check.database, "ssl-mode=preferred").tables().is_ok());
    for mode in ["required", "verify-identity"] {
        let refused = at(&check.database, &format!("ssl-mode={mode}")).tables();
        assert!(matches!(refused, Err(SourceError::Unreachable { .. })), "{mode}: {refused:?}");
    }
}

#[test]
fn a_socket_serves_as_well() {
    let check = Check::new("create table t (id int)");
    let server = check.database.server();
    let url = format!(
        "mariadb://root:{}@localhost/{}?socket={}",
        server.password(),
        check.database.name(),
        server.socket().display()
    );
    let found = source(&url).tables();
    assert!(found.as_ref().is_ok_and(|tables| tables.iter().any(|t| t.name == "t")), "{found:?}");
}
