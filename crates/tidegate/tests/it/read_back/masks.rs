//! Every mask of every type, in every format, from every source.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;
use tidegate_format::FORMATS;
use tidegate_testkit::python::{READERS, Reading};

use super::client::{Client, Maria, Psql, Sqlite};

const POLICIES: [&str; 4] = ["hash", "partial", "redact", "drop"];

/// A field: its column's type, a value of it as SQL, and what of the value must not be seen.
struct Case {
    name: &'static str,
    native: &'static str,
    value: &'static str,
    secret: &'static str,
}

const fn case(
    name: &'static str,
    native: &'static str,
    value: &'static str,
    secret: &'static str,
) -> Case {
    Case { name, native, value, secret }
}

/// Types that all three have: the same value has the same hash in each.
const SHARED: [Case; 4] = [
    case("text", "varchar(50)", "'Kraków 日本 secretive'", "secretive"),
    case("int", "bigint", "914230057", "14230057"),
    case("amount", "decimal(12,2)", "71942.50", "1942.5"),
    case("day", "date", "'1987-03-12'", "987-03-12"),
];
const SQLITE: [Case; 6] = [
    case("flag", "boolean", "1", "true"),
    case("real", "real", "31415.9265", "1415.9"),
    case("octets", "blob", "x'73656372657432'", "c2VjcmV0Mg"),
    case("instant", "timestamptz", "'2001-02-03 04:05:06'", "001-02-03"),
    case("clock", "time", "'13:14:15'", "3:14:15"),
    case("document", "json", "'{\"nick\": \"secretive\"}'", "secretive"),
];
const POSTGRES: [Case; 9] = [
    case("flag", "boolean", "true", "true"),
    case("real", "double precision", "31415.9265", "1415.9"),
    case("octets", "bytea", "'\\x73656372657432'", "c2VjcmV0Mg"),
    case("instant", "timestamptz", "'2001-02-03 04:05:06Z'", "001-02-03"),
    case("clock", "time", "'13:14:15'", "3:14:15"),
    case("document", "jsonb", "'{\"nick\": \"secretive\"}'", "secretive"),
    case("token", "uuid", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "ba7b810"),
    case("span", "interval", "'1 day 02:03:04'", "2H3M4S"),
    case("list", "text[]", "array['secretive', 'x']", "secretive"),
];
const MARIADB: [Case; 6] = [
    case("flag", "boolean", "true", "true"),
    case("real", "double", "31415.9265", "1415.9"),
    case("octets", "varbinary(20)", "x'73656372657432'", "c2VjcmV0Mg"),
    case("instant", "timestamp null", "'2001-02-03 04:05:06'", "001-02-03"),
    case("clock", "time", "'13:14:15'", "3:14:15"),
    case("document", "json", "'{\"nick\": \"secretive\"}'", "secretive"),
];

/// A governed site over one database, with an operator for each mask.
struct Site {
    folder: TempDir,
    cases: Vec<&'static Case>,
}

impl Site {
    fn new(client: &dyn Client, own: &'static [Case]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cases: Vec<&Case> = SHARED.iter().chain(own).collect();
        let columns: Vec<String> =
            cases.iter().map(|case| format!("f_{} {}", case.name, case.native)).collect();
        let (values, nulls): (Vec<&str>, Vec<&str>) =
            cases.iter().map(|case| (case.value, "null")).unzip();
        client.execute(&format!(
            "create table masked (id integer primary key, {}); \
             insert into masked values (1, {}), (2, {});",
            columns.join(", "),
            values.join(", "),
            nulls.join(", "),
        ));
        let field = |case: &&Case| format!("{{ slug = \"f_{}\", pii = \"other\" }}", case.name);
        let fields: Vec<String> = cases.iter().map(field).collect();
        let role = |policy: &&str| {
            format!(
                "[[roles]]\nslug = \"{policy}\"\ncapabilities = [\"masked.list\", \
                 \"masked.export\", \"exports.list.own\", \"exports.download.own\"]\n\
                 masks = [{{ class = \"*\", policy = \"{policy}\" }}]\n"
            )
        };
        let roles: String = POLICIES.iter().map(role).collect();
        let configuration = format!(
            "[sources.site]\nurl = {:?}\n[control]\nurl = \"sqlite:control.db\"\n\
             [[subjects]]\nslug = \"masked\"\nsource = \"site\"\ntable = \"masked\"\n\
             fields = [\"id\", {}]\n{roles}",
            client.url(),
            fields.join(", "),
        );
        fs::write(folder.path().join("tidegate.toml"), configuration).unwrap();
        let site = Self { folder, cases };
        site.run(&["operators", "add", "ada@example.com", "--role", "administrator"]);
        for policy in POLICIES {
            let email = format!("{policy}@example.com");
            site.run(&["--as", "ada@example.com", "operators", "add", &email, "--role", policy]);
        }
        site
    }

    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(arguments).current_dir(self.folder.path());
        let output = command.env_remove("TIDEGATE_CONFIG").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Exports as the operator of a mask; gives the manifest.
    fn export(&self, policy: &str, format: &str) -> Value {
        let email = format!("{policy}@example.com");
        let asked = ["--as", &email, "export", "masked", "--sort", "id", "--format", format];
        let name = format!("file.{format}");
        self.run(&[&asked[..], &["-o", &name, "--manifest", "manifest.json"]].concat());
        let text = fs::read_to_string(self.folder.path().join("manifest.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn file(&self, format: &str) -> PathBuf {
        self.folder.path().join(format!("file.{format}"))
    }
}

fn is_null(cell: Option<&str>) -> bool {
    // Python's reader of CSV gives empty text for NULL.
    cell.is_none_or(str::is_empty)
}

/// Looks at every column of a file by every reader of its format; gives the hashes.
fn check(
    what: &str,
    (policy, format): (&str, &str),
    path: &Path,
    cases: &[&Case],
) -> BTreeMap<String, String> {
    let mut hashes = BTreeMap::new();
    let names: Vec<String> = match policy {
        "drop" => vec!["id".to_owned()],
        _ => {
            let fields = cases.iter().map(|case| format!("f_{}", case.name));
            std::iter::once("id".to_owned()).chain(fields).collect()
        }
    };
    let asked: Vec<&str> = names.iter().map(String::as_str).collect();
    for reader in READERS.iter().filter(|reader| reader.format == format) {
        let what = format!("{what}, {policy} as {format} by {}", reader.name);
        let found = Reading::new(reader.name, path).names(&asked).table();
        assert_eq!((&found.names, found.rows.len()), (&names, 2), "{what}");
        for (at, case) in cases.iter().enumerate().filter(|_| policy != "drop") {
            let cell = |row: usize| found.rows[row][at + 1].as_deref();
            let (value, null) = (cell(0), cell(1));
            let (field, is_text) = (case.name, case.name == "text");
            let seen = value.unwrap_or_default();
            assert!(!seen.contains(case.secret), "{what}: {field} is {seen}");
            let is_right = match policy {
                "hash" => {
                    hashes.insert(field.to_owned(), seen.to_owned());
                    let digits = seen.strip_prefix("h_").unwrap_or_default();
                    digits.len() == 24
                        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
                        && is_null(null)
                }
                "partial" => seen.ends_with("•••") && is_null(null),
                _ if is_text => seen == "[redacted]" && null == Some("[redacted]"),
                _ => is_null(value) && is_null(null),
            };
            assert!(is_right, "{what}: {field} is {value:?} and {null:?}");
        }
    }
    hashes
}

/// The hashes of the shared values.
fn masked(client: &dyn Client, own: &'static [Case]) -> BTreeMap<String, String> {
    let site = Site::new(client, own);
    let mut hashes: Option<BTreeMap<String, String>> = None;
    for policy in POLICIES {
        for format in FORMATS {
            let manifest = site.export(policy, format.slug());
            let told = manifest["masks"].as_array().unwrap();
            assert_eq!(told.len(), site.cases.len(), "{manifest}");
            assert!(told.iter().all(|mask| mask["mask"] == policy && mask["class"] == "other"));
            let types = manifest["fields"].as_array().unwrap();
            assert_eq!(types.len(), if policy == "drop" { 1 } else { site.cases.len() + 1 });
            let is_text = matches!(policy, "hash" | "partial");
            assert!(!is_text || types[1..].iter().all(|field| field["type"] == "text"));
            let what = client.name();
            let found =
                check(what, (policy, format.slug()), &site.file(format.slug()), &site.cases);
            if policy == "hash" {
                let first = hashes.get_or_insert_with(|| found.clone());
                assert_eq!(*first, found, "{what}: a hash is the same in every format");
            }
        }
    }
    // Another site has another key: only what is the same about the values can be compared.
    let key = fs::read(site.folder.path().join("keys/hash.key")).unwrap();
    assert!(!key.is_empty());
    hashes.unwrap()
}

#[test]
fn every_mask_of_every_type_of_sqlite_is_read_back_in_every_format() {
    masked(&Sqlite::new(), &SQLITE);
}

#[test]
fn every_mask_of_every_type_of_postgres_is_read_back_in_every_format() {
    masked(&Psql::new(), &POSTGRES);
}

#[test]
fn every_mask_of_every_type_of_mariadb_is_read_back_in_every_format() {
    masked(&Maria::new(), &MARIADB);
}

#[test]
fn the_same_value_has_the_same_hash_from_every_source_of_a_site() {
    let clients: [Box<dyn Client>; 3] =
        [Box::new(Sqlite::new()), Box::new(Psql::new()), Box::new(Maria::new())];
    let mut key: Option<Vec<u8>> = None;
    let mut told: Vec<BTreeMap<String, String>> = Vec::new();
    for client in &clients {
        let site = Site::new(&**client, &[]);
        let path = site.folder.path().join("keys/hash.key");
        // One site has one key, whatever its sources are.
        match &key {
            Some(key) => fs::write(&path, key).unwrap(),
            None => key = Some(fs::read(&path).unwrap()),
        }
        site.export("hash", "csv");
        told.push(check(client.name(), ("hash", "csv"), &site.file("csv"), &site.cases));
    }
    assert_eq!(told[0].len(), SHARED.len());
    assert!(told.iter().all(|hashes| *hashes == told[0]), "{told:?}");
}
