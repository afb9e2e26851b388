//! What LibreOffice makes of our workbooks and of CSV for spreadsheets.
//!
//! It converts a workbook to CSV, which is compared with our own CSV of the same table. Each type
//! has its rule for what LibreOffice shows otherwise ([`as_shown`]).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use chrono::NaiveTime;
use tidegate_testkit::python::{Reading, Table};

use super::{
    check::{Check, File},
    client::{Client, Maria, Psql, Sqlite},
    rule::in_xml_1_0,
    texts,
};

const TABLE: &str = "book";

/// Comma, quotes, UTF-8, from the first line, text in quotes, numbers not as they are shown but
/// with all digits, no formulas, every sheet.
const TO_CSV: &str =
    "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,true,false,false,false,false,-1";
/// Comma, quotes, UTF-8, from the first line, English, quoted cells may be numbers and formulas.
const FROM_CSV: &str = "--infilter=CSV:44,34,76,1,,1033,false,true";
/// A document with every cell as XML.
const FLAT: &str = "fods";
/// An attribute of a cell that computes.
const FORMULA: &str = "table:formula=";
/// The formulas that LibreOffice itself makes of the booleans of any workbook.
const BOOLEANS: [&str; 2] = ["table:formula=\"of:=TRUE()\"", "table:formula=\"of:=FALSE()\""];
/// Significant digits that LibreOffice writes of a number.
const DIGITS_SHOWN: usize = 15;

/// Columns behind key and text: name, type in each source, and values that all of them take.
const COLUMNS: &[(&str, &str, &[&str])] = &[
    ("n", "bigint", &["0", "-5", "123456789012345", "9223372036854775807", "100000000000"]),
    ("d", "decimal(12,2)", &["19.5", "-0.01", "9999999999.99", "0"]),
    ("f", "double precision", &["0.1", "1e300", "-2.5", "123456789.25", "1e-5"]),
    ("b", "boolean", &["true", "false"]),
    ("day", "date", &["'2024-02-29'", "'1899-01-01'", "'1900-03-01'", "'9999-12-31'"]),
    ("clock", "time", &["'23:59:59'", "'00:00:00'", "'12:34:56'"]),
    // LibreOffice cuts seconds: one moment in forty it shows a second early, whoever wrote it.
    ("at", "", &["'2026-03-29 01:00:00'", "'2038-01-19 03:14:07'", "'2024-02-29 12:34:56'"]),
];

/// One row a hostile text; the other columns take their values in turn, every seventh is NULL.
fn fill(client: &dyn Client) {
    const NULL_EVERY: usize = 7;
    let text = if client.name() == "mysql" { "text character set utf8mb4" } else { "text" };
    let column = |(name, native, _): &(&str, &str, &[&str])| {
        let native = if native.is_empty() { client.instant_type() } else { native };
        format!(", {name} {native}")
    };
    let columns: String = COLUMNS.iter().map(column).collect();
    client.execute(&format!("create table {TABLE} (id integer primary key, t {text}{columns})"));
    for (row, text) in texts::short(client).iter().enumerate() {
        let value = |(at, (_, _, values)): (usize, &(&str, &str, &[&'static str]))| {
            let is_null = (row + at) % NULL_EVERY == NULL_EVERY - 1;
            if is_null { "null" } else { values[row % values.len()] }
        };
        let values: Vec<&str> = COLUMNS.iter().enumerate().map(value).collect();
        let (text, values) = (client.literal(text), values.join(", "));
        client.execute(&format!("insert into {TABLE} values ({row}, {text}, {values})"));
    }
}

/// The files of one source.
struct Books {
    source: &'static str,
    workbook: PathBuf,
    ours: Table,
    guarded: PathBuf,
    exact: PathBuf,
}

impl Books {
    /// Exports the table as a workbook and in both profiles of CSV, into a folder.
    fn new(client: impl Client + 'static, folder: &Path) -> Self {
        let check = Check::new(client);
        fill(&*check.client);
        let source = check.client.name();
        let keep = |file: &File, name: &str| {
            let path = folder.join(format!("{source}-{name}"));
            fs::copy(&file.path, &path).unwrap();
            path
        };
        let workbook = keep(&check.table(TABLE, "xlsx", &[]), "workbook.xlsx");
        let exact = check.table(TABLE, "csv", &[]);
        let ours = Reading::new("python-csv", &exact.path).table();
        let exact = keep(&exact, "exact.csv");
        let guarded = check.table(TABLE, "csv", &["--set", "profile=spreadsheet"]);
        let is_formula = |row: &&Vec<Option<String>>| {
            row[1].as_deref().is_some_and(|text| text.starts_with(FORMULA_STARTS))
        };
        let formulas = ours.rows.iter().filter(is_formula).count();
        assert_eq!(guarded.manifest["changes"]["neutralised"], formulas, "{source}");
        Self { source, workbook, ours, guarded: keep(&guarded, "guarded.csv"), exact }
    }

    /// Compares LibreOffice's CSV of the workbook with ours.
    fn compare(&self, folder: &Path) {
        let path = folder.join(format!("{}-workbook-{TABLE}.csv", self.source));
        let theirs = Reading::new("python-csv", path).table();
        assert_eq!(theirs.names, self.ours.names);
        assert_eq!(theirs.rows.len(), self.ours.rows.len(), "{}: rows", self.source);
        // Of rows without a promised order.
        let by_key = |table: &Table| {
            let row = |row: &Vec<Option<String>>| (row[0].clone(), row.clone());
            table.rows.iter().map(row).collect::<BTreeMap<_, _>>()
        };
        let theirs = by_key(&theirs);
        let mut differences = Vec::new();
        for (key, ours) in by_key(&self.ours) {
            for (at, (ours, theirs)) in ours.iter().zip(&theirs[&key]).enumerate() {
                let (ours, theirs) = (ours.as_deref().unwrap(), theirs.as_deref().unwrap());
                let name = self.ours.names[at].as_str();
                let (shown, found) = (as_shown(name, ours), as_found(name, theirs));
                if shown != found {
                    differences.push(format!("row {key:?}, `{name}`: {found:?}, not {shown:?}"));
                }
            }
        }
        assert!(differences.is_empty(), "{}:\n{}", self.source, differences.join("\n"));
    }
}

/// How LibreOffice shows what is a cell of CSV for us.
fn as_shown(name: &str, ours: &str) -> String {
    match name {
        _ if ours.is_empty() => String::new(),
        "t" => with_line_feeds(&in_xml_1_0(ours)),
        // Numbers of up to 15 digits without zeros at the end; more digits are text.
        "d" => ours.trim_end_matches('0').trim_end_matches('.').to_owned(),
        "f" => in_digits(ours),
        "b" => ours.to_uppercase(),
        "clock" => ours.parse::<NaiveTime>().unwrap().format("%-I:%M:%S %p").to_string(),
        // By the workbook's number format, in the zone of the export.
        "at" => ours.trim_end_matches('Z').replace('T', " "),
        _ => ours.to_owned(),
    }
}

/// What LibreOffice shows, with the same digits and the same ends of lines.
fn as_found(name: &str, theirs: &str) -> String {
    match name {
        _ if theirs.is_empty() => String::new(),
        "t" => with_line_feeds(theirs),
        "f" => in_digits(theirs),
        _ => theirs.to_owned(),
    }
}

/// LibreOffice ends the lines of a cell with line feeds, unless it has one line only.
fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// A number to as many digits as LibreOffice writes.
fn in_digits(number: &str) -> String {
    let number: f64 = number.parse().unwrap();
    format!("{number:.*e}", DIGITS_SHOWN - 1)
}

/// What a text begins with that a spreadsheet would run.
const FORMULA_STARTS: &[char] =
    &['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

/// Converts files, all in one run.
fn convert(folder: &Path, options: &[&str], files: &[&Path]) {
    let profile = format!("-env:UserInstallation=file://{}/profile", folder.display());
    let mut office = Command::new("soffice");
    office.args(["--headless", "--norestore", &profile]).args(options).arg("--outdir").arg(folder);
    let output = office.args(files).stdin(Stdio::null()).output();
    let output = output.expect("scripts/install has installed LibreOffice");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{office:?}: {said}");
}

/// Cells that compute something.
fn formulas(folder: &Path, file: &Path) -> usize {
    let name = file.with_extension(FLAT);
    let document = fs::read_to_string(folder.join(name.file_name().unwrap())).unwrap();
    assert!(document.contains("</table:table>"), "{}", file.display());
    let booleans: usize = BOOLEANS.iter().map(|formula| document.matches(formula).count()).sum();
    document.matches(FORMULA).count() - booleans
}

#[test]
fn libreoffice_finds_our_cells_and_no_formula_in_what_we_write() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let books = [
        Books::new(Sqlite::new(), folder),
        Books::new(Maria::new(), folder),
        Books::new(Psql::new(), folder),
    ];
    let each = |path: fn(&Books) -> &Path| books.iter().map(path).collect::<Vec<_>>();
    let workbooks = each(|books| &books.workbook);
    convert(folder, &["--convert-to", TO_CSV], &workbooks);
    convert(folder, &["--convert-to", FLAT], &workbooks);
    let texts = [each(|books| &books.guarded), each(|books| &books.exact)].concat();
    convert(folder, &[FROM_CSV, "--convert-to", FLAT], &texts);
    convert(folder, &["--convert-to", "pdf"], &workbooks[..1]);
    for books in &books {
        books.compare(folder);
        assert_eq!(formulas(folder, &books.workbook), 0, "{}", books.source);
        assert_eq!(formulas(folder, &books.guarded), 0, "{}", books.source);
        let unguarded = formulas(folder, &books.exact);
        assert!(unguarded > 0, "{}: LibreOffice runs what is not guarded", books.source);
    }
    let printed = Command::new("pdftotext")
        .args(["-l", "1", "-layout"])
        .arg(workbooks[0].with_extension("pdf"))
        .arg("-")
        .output()
        .expect("scripts/install has installed it");
    let page = String::from_utf8(printed.stdout).unwrap();
    assert!(page.contains("=cmd|' /C calc'!A0") && page.contains("id"), "{page}");
}
