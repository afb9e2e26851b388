//! Texts that break careless writers, in every format, compressed and not.

use std::collections::BTreeMap;

use tidegate_batch::DataType;
use tidegate_format::{FORMATS, Format, OptionKind};

use super::{
    cell::Cell,
    check::{Check, Content, compare},
    client::{Client, Maria, Psql, Sqlite},
    rule::{SHEET_UNITS_MAX, expected, text_of_hex},
};

const TABLE: &str = "texts";

/// Texts that mean something to somebody.
const HOSTILE: &[&str] = &[
    "",
    " ",
    "  two  ",
    "\"",
    "\"\"",
    "'",
    ",",
    ";",
    "\t",
    "a,\"b\"\r\nc",
    "\r",
    "\n",
    "\r\n",
    "\n\n",
    "line\rline",
    "ends\\",
    "\\N",
    "\\n",
    "NULL",
    "null",
    "nil",
    "true",
    "007",
    "1e5",
    "1-2",
    "2024-02-29",
    "NaN",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "=cmd|' /C calc'!A0",
    "=HYPERLINK(\"http://example.com\";\"x\")",
    "＝1+1",
    "＋1",
    "－1",
    "＠1",
    "<a href=\"x\">&amp;</a>",
    "]]>",
    "<![CDATA[x]]>",
    "<!-- -->",
    "&#13;",
    "_x000D_",
    "_x0041__x005F_",
    "__x000d_",
    "_x00",
    "{\"a\": [1]}",
    "[1,2]",
    "${x} $1 %s {}",
    "Kraków žluťoučký 東京 ﷺ",
    "🏳️‍🌈 👩‍👩‍👧‍👦 𝔘𝔫𝔦 \u{10FFFF}",
    "שלום مرحبا",
    "\u{202E}exe.txt\u{202C}",
    "e\u{301} \u{E9}",
    "\u{FEFF}bom",
    "\u{FFFE}\u{FFFF}\u{FFFD}",
    "\u{85}\u{2028}\u{2029}\u{A0}\u{200B}",
    "\u{1}\u{2}\u{8}\u{B}\u{C}\u{E}\u{1A}\u{1B}\u{1F}\u{7F}\u{80}\u{9F}",
];

/// Texts that PostgreSQL cannot hold.
const WITH_NUL: &[&str] = &["\0", "a\0b", "\0=1"];

/// Long texts, the last two longer than a cell of a spreadsheet. Characters of two, three and four
/// octets stand where buffers end.
fn long() -> Vec<String> {
    vec![
        "x".repeat(SHEET_UNITS_MAX),
        "ü\"".repeat(16_000),
        "🙂".repeat(16_383) + "x",
        "a,\"b\"\r\n&<_x000D_".repeat(40_000),
        "🙂☃ü".repeat(30_000),
    ]
}

/// Those of them that the source can hold and that are not long.
pub(super) fn short(client: &dyn Client) -> Vec<&'static str> {
    let nul: &[&str] = if client.holds_nul() { WITH_NUL } else { &[] };
    HOSTILE.iter().chain(nul).copied().collect()
}

/// All texts, with their keys.
fn all(client: &dyn Client) -> BTreeMap<String, String> {
    let short = short(client).into_iter().map(str::to_owned);
    let texts = short.chain(long()).enumerate();
    texts.map(|(at, text)| ((at + 1).to_string(), text)).collect()
}

/// Key, the text, the same under a name that needs quotes, NULL, and the empty text.
const NAMES: &[&str] = &["id", "t", "it's \"a\"", "missing", "empty"];

fn fill(client: &dyn Client) -> BTreeMap<String, String> {
    let texts = all(client);
    let odd = client.quoted(NAMES[2]);
    client.execute(&format!(
        "create table {TABLE} (id integer primary key, t {0}, {odd} {0}, missing {0}, empty {0})",
        if client.name() == "mysql" { "longtext character set utf8mb4" } else { "text" },
    ));
    for (key, text) in &texts {
        let text = client.literal(text);
        client.execute(&format!("insert into {TABLE} values ({key}, {text}, {text}, null, '')"));
    }
    texts
}

/// What the client says is in the table.
fn as_client_says(client: &dyn Client) -> BTreeMap<String, Vec<Option<String>>> {
    let columns: Vec<String> = NAMES[1..].iter().map(|name| client.quoted(name)).collect();
    let columns = columns
        .iter()
        .map(|name| format!("case when {name} is null then null else {} end", client.hex(name)));
    let query = format!("select id, {} from {TABLE}", columns.collect::<Vec<_>>().join(", "));
    let row = |row: Vec<Option<String>>| {
        let cells = row[1..].iter().map(|cell| cell.as_deref().map(text_of_hex));
        (row[0].clone().unwrap(), cells.collect())
    };
    client.cells(&query).into_iter().map(row).collect()
}

/// The row in a file; texts that have no place there are cut.
fn row(key: &str, texts: &[Option<String>], format: &str, reader: &str) -> Vec<Cell> {
    let number = expected(&DataType::Integer, Some(key), format, reader).unwrap();
    let cell = |text: &Option<String>| {
        let cell = |text: Option<&str>| expected(&DataType::Text, text, format, reader);
        cell(text.as_deref()).unwrap_or_else(|| cell(text.as_deref().map(cut).as_deref()).unwrap())
    };
    std::iter::once(number).chain(texts.iter().map(cell)).collect()
}

fn cut(text: &str) -> String {
    let mut units = 0;
    let fits = |character: &char| {
        units += character.len_utf16();
        units <= SHEET_UNITS_MAX
    };
    text.chars().take_while(fits).collect()
}

/// How a format is used here: each way of compression, long text cut where it must be.
fn uses(format: &dyn Format) -> Vec<Vec<String>> {
    let choices = |slug: &str| {
        let option = format.options().iter().find(|option| option.slug == slug);
        match option.map(|option| option.kind) {
            Some(OptionKind::Choice(values)) => values,
            _ => &[],
        }
    };
    let long: &[&str] = if choices("overflow").is_empty() { &[] } else { &["overflow=truncate"] };
    let long: Vec<String> = long.iter().flat_map(|set| ["--set".into(), (*set).into()]).collect();
    let compressed = choices("compress").iter().filter(|way| **way != "none");
    let compressed = compressed.map(|way| vec!["--compress".to_owned(), (*way).to_owned()]);
    std::iter::once(long.clone()).chain(compressed).collect()
}

fn hold(client: impl Client + 'static) {
    let check = Check::new(client);
    let texts = fill(&*check.client);
    let says = as_client_says(&*check.client);
    let whole: Vec<Option<String>> = texts.values().cloned().map(Some).collect();
    let by_client: Vec<Option<String>> = says.values().map(|row| row[0].clone()).collect();
    assert_eq!(by_client, whole, "the client gives what it was given");
    for format in FORMATS {
        for more in uses(*format) {
            let slug = format.slug();
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            let file = check.table(TABLE, slug, &more);
            let what = format!("{} as {slug} with {more:?}", check.client.name());
            let rows = |reader: &str| {
                let row = |(key, texts): (&String, &Vec<Option<String>>)| {
                    (key.clone(), row(key, texts, slug, reader))
                };
                says.iter().map(row).collect()
            };
            compare(&what, &file, &Content { names: NAMES, rows: &rows });
        }
        refuse_long(&check, &says, format.slug());
    }
}

/// Without leave to cut, a text that is too long fails the export.
fn refuse_long(check: &Check, says: &BTreeMap<String, Vec<Option<String>>>, format: &str) {
    for (key, texts) in says {
        if expected(&DataType::Text, texts[0].as_deref(), format, format).is_none() {
            let said = check.refused_table(TABLE, format, &["--ids", key, "--fields", "id,t"]);
            assert!(said.contains(&format!("field `t` of the row with id {key}:")), "{said}");
            assert!(said.contains("overflow=truncate"), "{said}");
        }
    }
}

#[test]
fn hostile_texts_of_sqlite_are_read_back_from_every_format() {
    hold(Sqlite::new());
}

#[test]
fn hostile_texts_of_mariadb_are_read_back_from_every_format() {
    hold(Maria::new());
}

#[test]
fn hostile_texts_of_postgres_are_read_back_from_every_format() {
    hold(Psql::new());
}
