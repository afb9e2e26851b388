//! Reads exported files with readers that we did not write: Python, Arrow, DuckDB, lxml, openpyxl.
//!
//! ```no_run
//! use tidegate_testkit::python;
//!
//! let table = python::read("orders.csv", "csv");
//! assert_eq!(table.names, ["id", "name"]);
//! assert_eq!(table.rows[0], [Some("1".into()), None]);
//! ```
//!
//! Each cell comes with a kind and its canonical text:
//!
//! - `null`: none
//! - `text`: the characters
//! - `boolean`: `true`, `false`
//! - `number`: in JSON the digits of the file; in Parquet all digits of integers and decimals, and
//!   floats as Python's `repr`; in XLSX plain notation without trailing zeros
//! - `date`: `2024-02-29`
//! - `time`: `23:59:59.5`; in XLSX to the millisecond
//! - `timestamp`: `2024-02-29T23:59:59.5`, with a `Z` where Parquet says UTC; XLSX as before
//! - `bytes`: base64
//! - `json`: compact JSON of a nested value, numbers as in the file
//! - `formula`: the formula
//!
//! CSV and XML know only `null`, `text` and `json`. `python-csv` gives NULL as empty text.
//! Files may be compressed with gzip or zstd. The libraries come from `scripts/install`, in
//! `$TIDEGATE_VENV` or `target/venv`.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use serde::{Deserialize, Serialize};

/// A reader of files of one format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Its name.
    pub name: &'static str,
    /// Slug of the format that it reads.
    pub format: &'static str,
}

/// Every reader, the one that sees most first within its format.
pub static READERS: &[Reader] = &[
    Reader { name: "arrow-csv", format: "csv" },
    Reader { name: "duckdb-csv", format: "csv" },
    Reader { name: "python-csv", format: "csv" },
    Reader { name: "python-json", format: "json" },
    Reader { name: "duckdb-json", format: "json" },
    Reader { name: "python-ndjson", format: "ndjson" },
    Reader { name: "duckdb-ndjson", format: "ndjson" },
    Reader { name: "lxml-xml", format: "xml" },
    Reader { name: "openpyxl-xlsx", format: "xlsx" },
    Reader { name: "arrow-parquet", format: "parquet" },
    Reader { name: "duckdb-parquet", format: "parquet" },
];

/// What a reader found in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Table {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Cells, row by row, in their canonical text; `None` is NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// Kinds of the cells.
    pub kinds: Vec<Vec<String>>,
    /// XML: names of the root and of the records. XLSX: names of the sheets.
    pub titles: Vec<String>,
}

/// Reads a file with the first reader of the format.
///
/// # Panics
///
/// If the file is not of the format, or the readers are not installed.
pub fn read(path: impl AsRef<Path>, format: &str) -> Table {
    let reader = READERS.iter().find(|reader| reader.format == format);
    let reader = reader.unwrap_or_else(|| panic!("there is no reader of {format}"));
    Reading::new(reader.name, path).table()
}

/// A file to be read with a reader of one's choice.
#[derive(Debug, Serialize)]
pub struct Reading<'a> {
    reader: &'a str,
    path: PathBuf,
    names: &'a [&'a str],
    delimiter: Option<char>,
}

impl<'a> Reading<'a> {
    /// Reads `path` with the reader of that name.
    pub fn new(reader: &'a str, path: impl AsRef<Path>) -> Self {
        Self { reader, path: path.as_ref().to_owned(), names: &[], delimiter: None }
    }

    /// The columns to find, where the format nests: dots descend, `[]` at the end marks a list. A
    /// name that is not there, and a field without its name here, are errors.
    #[must_use]
    pub fn names(mut self, names: &'a [&'a str]) -> Self {
        self.names = names;
        self
    }

    /// What stands between the cells of CSV, if not a comma.
    #[must_use]
    pub fn delimiter(mut self, delimiter: char) -> Self {
        self.delimiter = Some(delimiter);
        self
    }

    /// The table in the file.
    ///
    /// # Panics
    ///
    /// If the file is not of the format, or the readers are not installed.
    #[track_caller]
    pub fn table(self) -> Table {
        self.try_table().unwrap_or_else(|fault| panic!("{} says: {fault}", self.reader))
    }

    /// The table in the file, or what the reader complained of.
    ///
    /// # Errors
    ///
    /// If the file is not of the format.
    ///
    /// # Panics
    ///
    /// If the readers are not installed.
    pub fn try_table(&self) -> Result<Table, String> {
        let request = serde_json::to_string(self).expect("a path of a test is UTF-8");
        match serde_json::from_str(&server().ask(&request)) {
            Ok(Answer::Table(table)) => Ok(table),
            Ok(Answer::Fault { error }) => Err(error),
            Err(fault) => panic!("the answer of the readers is broken: {fault}"),
        }
    }
}

/// Runs a Python program with the readers' libraries and gives what it prints.
///
/// # Panics
///
/// If it fails; the message holds what it wrote to its error output.
#[track_caller]
pub fn script(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(interpreter())
        .args(["-c", program])
        .args(arguments)
        .output()
        .expect("the interpreter was there a moment ago");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("Python prints UTF-8")
}

/// The Python interpreter that has the libraries.
///
/// # Panics
///
/// If it is not installed.
pub fn interpreter() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let venv = std::env::var_os("TIDEGATE_VENV").map_or(root.join("target/venv"), PathBuf::from);
    let python = venv.join("bin/python");
    assert!(python.exists(), "no {}: run scripts/install, it makes the readers", python.display());
    python
}

/// A program that tries the API: in an environment of its own, `$TIDEGATE_API_VENV` or
/// `target/venv-api`.
///
/// # Panics
///
/// If it is not installed.
pub fn api_tool(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("TIDEGATE_API_VENV");
    let tool = named.map_or(root.join("target/venv-api"), PathBuf::from).join("bin").join(name);
    assert!(tool.exists(), "no {}: run scripts/install, it makes the tools", tool.display());
    tool
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Fault { error: String },
    Table(Table),
}

/// The running readers: one process for all files of a test, since Arrow takes long to load.
struct Server {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let mut child = Command::new(interpreter())
            .args(["-X", "utf8", "-B"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("readers"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the interpreter was there a moment ago");
        let requests = child.stdin.take().expect("asked for a pipe");
        let answers = BufReader::new(child.stdout.take().expect("asked for a pipe"));
        Self { child, requests, answers }
    }

    fn ask(&mut self, request: &str) -> String {
        // A request to readers that have ended fails here or at the answer; both are told below.
        _ = writeln!(self.requests, "{request}");
        let mut answer = String::new();
        let read = self.answers.read_line(&mut answer).expect("the readers answer in UTF-8");
        assert!(read > 0, "the readers ended: {}", self.complaint());
        answer
    }

    fn complaint(&mut self) -> String {
        let mut complaint = String::new();
        if let Some(mut stderr) = self.child.stderr.take() {
            _ = stderr.read_to_string(&mut complaint);
        }
        complaint
    }
}

fn server() -> MutexGuard<'static, Server> {
    static SERVER: OnceLock<Mutex<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| Mutex::new(Server::start()));
    // A test that failed inside leaves whole lines behind: request and answer go in pairs.
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn file(name: &str, content: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        (folder, path)
    }

    #[test]
    fn null_and_empty_text_differ_in_csv() {
        let text = "id,na\"me\r\n1,\r\n2,\"\"\r\n3,\"a\r\n\"\"b\"\"\0,'\"\r\n";
        let text = text.replace("na\"me", "\"na\"\"me\"");
        let (_folder, path) = file("a.csv", text);
        for reader in ["arrow-csv", "duckdb-csv"] {
            let table = Reading::new(reader, &path).table();
            assert_eq!(table.names, ["id", "na\"me"], "{reader}");
            let column: Vec<_> = table.rows.iter().map(|row| row[1].clone()).collect();
            assert_eq!(column, [None, some(""), some("a\r\n\"b\"\0,'")], "{reader}");
        }
    }

    #[test]
    fn a_row_too_short_is_told_by_every_csv_reader() {
        let (_folder, path) = file("a.csv", "a,b\n1,2\n3\n");
        for reader in READERS.iter().filter(|reader| reader.format == "csv") {
            assert!(Reading::new(reader.name, &path).try_table().is_err(), "{}", reader.name);
        }
    }

    #[test]
    fn numbers_in_json_keep_their_digits_and_names_descend() {
        let record = r#"{"id":9007199254740993,"to":{"city":"å","zip":null},"x":[1.50,{"b":1e3}]}"#;
        for (reader, text) in [
            ("python-json", format!("[{record}]")),
            ("duckdb-json", format!("[{record}]")),
            ("python-ndjson", format!("{record}\n")),
            ("duckdb-ndjson", format!("{record}\n")),
        ] {
            let (_folder, path) = file("a.json", text);
            let names = ["id", "to.city", "to.zip", "x"];
            let table = Reading::new(reader, &path).names(&names).table();
            let row = [some("9007199254740993"), some("å"), None, some(r#"[1.50,{"b":1e3}]"#)];
            assert_eq!(table.rows, [row], "{reader}");
            assert_eq!(table.kinds, [["number", "text", "null", "json"]], "{reader}");
            let few = Reading::new(reader, &path).names(&names[..3]).try_table();
            assert!(few.unwrap_err().contains("not asked for"), "{reader}");
        }
    }

    #[test]
    fn tags_are_told_from_null_lists_and_names_that_are_no_tags() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <orders><record><id>1</id><to><city/></to><to2 nil="true"/><n>1</n><n>2</n>
            <field name="a b">&lt;</field></record></orders>"#;
        let (_folder, path) = file("a.xml", text);
        let names = ["id", "to.city", "to2", "n[]", "a b"];
        let table = Reading::new("lxml-xml", &path).names(&names).table();
        let row = [some("1"), some(""), None, some(r#"["1","2"]"#), some("<")];
        assert_eq!(table.rows, [row]);
        assert_eq!(table.titles, ["orders", "record"]);
        let few = Reading::new("lxml-xml", &path).names(&names[..4]).try_table();
        assert!(few.unwrap_err().contains("not asked for"));
    }

    #[test]
    fn sheets_follow_each_other_and_formulas_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.xlsx");
        let program = "
import datetime, sys, openpyxl
book = openpyxl.Workbook()
first, second = book.active, book.create_sheet('more')
for sheet in first, second:
    sheet.append(['a', 'b', 'c', 'd'])
first.append([1.5, '=1+1', datetime.datetime(2024, 2, 29, 23, 59, 59, 500000), None])
first.append([True, '00', datetime.date(2024, 2, 29), datetime.time(1, 2, 3)])
second.append([100000000000000])
book.save(sys.argv[1])";
        script(program, &[path.to_str().unwrap()]);
        let table = read(&path, "xlsx");
        assert_eq!(table.titles, ["Sheet", "more"]);
        let expected = [
            [some("1.5"), some("=1+1"), some("2024-02-29T23:59:59.5"), None],
            [some("true"), some("00"), some("2024-02-29"), some("01:02:03")],
            [some("100000000000000"), None, None, None],
        ];
        assert_eq!(table.rows, expected);
        assert_eq!(table.kinds[0], ["number", "formula", "timestamp", "null"]);
        assert_eq!(table.kinds[1], ["boolean", "text", "date", "time"]);
    }

    #[test]
    fn parquet_comes_back_with_every_digit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.parquet");
        let program = "
import decimal, sys, pyarrow as pa, pyarrow.parquet as pq
zoned = pa.array([253402300800000000, None], pa.timestamp('us', 'UTC'))
exact = pa.array([decimal.Decimal('-1E-10'), None], pa.decimal128(38, 10))
place = pa.struct([('city', pa.string()), ('no', pa.int64())])
nested = pa.array([{'city': 'x', 'no': None}, None], place)
lists = pa.array([[{'sku': 'a', 'n': 1}], None])
pq.write_table(pa.table({
    't': zoned, 'd': exact, 'to': nested, 'l': lists, 'f': pa.array([float('nan'), 1e300]),
    'b': pa.array([b'\\x00\\xff', None]), 'o': pa.array([86400000000, 1], pa.time64('us')),
}), sys.argv[1])";
        script(program, &[path.to_str().unwrap()]);
        for reader in ["arrow-parquet", "duckdb-parquet"] {
            let names = ["t", "d", "to.city", "to.no", "l", "f", "b", "o"];
            let table = Reading::new(reader, &path).names(&names).table();
            let first = [
                some("+10000-01-01T00:00:00Z"),
                some("-0.0000000001"),
                some("x"),
                None,
                some(r#"[{"sku":"a","n":1}]"#),
                some("NaN"),
                some("AP8="),
                some("24:00:00"),
            ];
            assert_eq!(table.rows[0], first, "{reader}");
            assert_eq!(table.rows[1][..6], [None, None, None, None, None, some("1e+300")]);
        }
    }

    #[test]
    fn compressed_files_are_read_to_the_end_of_their_last_member() {
        let program = "
import gzip, sys, pyarrow
halves = [b'a\\n1\\n', b'2\\n']
with open(sys.argv[1], 'wb') as file:
    file.write(b''.join(map(gzip.compress, halves)))
codec = pyarrow.Codec('zstd')
with open(sys.argv[2], 'wb') as file:
    file.write(b''.join(codec.compress(half, asbytes=True) for half in halves))";
        let folder = tempfile::tempdir().unwrap();
        let paths = [folder.path().join("a.gz"), folder.path().join("a.zst")];
        script(program, &paths.each_ref().map(|path| path.to_str().unwrap()));
        for path in paths {
            assert_eq!(read(&path, "csv").rows, [[some("1")], [some("2")]], "{}", path.display());
        }
    }

    #[test]
    fn days_before_and_after_the_years_of_four_digits_have_their_sign() {
        let program = "
import sys; sys.path.insert(0, sys.argv[1])
import cells
print(*map(cells.day_text, [0, -719528, -719529, 2932896, 2932897, 19782, 106751991]))";
        let readers = concat!(env!("CARGO_MANIFEST_DIR"), "/readers");
        assert_eq!(
            script(program, &[readers]).trim(),
            "1970-01-01 0000-01-01 -0001-12-31 9999-12-31 +10000-01-01 2024-02-29 +294247-01-10"
        );
    }
}
