//! Random rows and predicates, the same on every run.

use chrono::{Days, NaiveDate, NaiveTime};
use tidegate_batch::DataType;
use tidegate_model::query::{Comparison, Place, Predicate, SortKey};

use super::{Cell, Table};

/// Texts in which letter case, spaces and the signs of `like` matter. Letters beyond ASCII come
/// in one case only: what the other case means is the collation's business.
const WORDS: [&str; 24] = [
    "", " ", "a", "A", "aa", "Aa", "ab ", "ab", " ab", "a%", "a_", "a!", "a\\", "%", "_", "''",
    "\"", "é", "日本", "🌊", "null", "50%_!\\", "a\nb", "x,y;z",
];

/// Texts that every collation sorts alike.
const PLAIN: [&str; 8] = ["a", "aa", "ab", "b", "ba", "bb", "c", "cc"];

/// A source of numbers that needs no seed from outside (`SplitMix64`).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).expect("below a usize")
    }

    fn one_of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// A table with a column of every type that filters compare.
pub(super) fn things(rows: usize) -> Table {
    let mut random = Random::new(7);
    let mut table = Table::new(
        "conformance_things",
        &[
            ("id", "integer"),
            ("flag", "boolean"),
            ("count", "integer"),
            ("big", "integer"),
            ("ratio", "float"),
            ("total", "decimal(12,2)"),
            ("huge", "decimal(38,10)"),
            ("word", "text"),
            ("plain", "text"),
            ("day", "date"),
            ("clock", "time"),
            ("at", "timestamp"),
            ("instant", "timestamptz"),
            ("token", "uuid"),
            ("seal", "bytes"),
        ],
        Vec::new(),
    );
    table.rows = (0..rows)
        .map(|row| {
            let id = Cell::Integer(i64::try_from(row).expect("few rows") * 3 - 50);
            let columns = table.columns[1..].to_vec();
            let cells = columns.iter().map(|column| match random.chance(15) {
                true => Cell::Null,
                false => value(&mut random, &column.name, &column.data_type),
            });
            std::iter::once(id).chain(cells).collect()
        })
        .collect();
    table
}

/// A value of few, so that many rows have the same.
fn value(random: &mut Random, column: &str, data_type: &DataType) -> Cell {
    let day = |days| NaiveDate::from_ymd_opt(2024, 2, 27).expect("a day") + Days::new(days);
    let small = random.below(6);
    let time = NaiveTime::from_hms_micro_opt(23, 59, 59, [0, 1, 500_000, 999_999][small % 4]);
    let time = if small < 3 { NaiveTime::MIN } else { time.expect("a time") };
    match data_type {
        DataType::Boolean => Cell::Boolean(small.is_multiple_of(2)),
        DataType::Integer if column == "big" => {
            Cell::Integer(random.one_of(&[i64::MIN, i64::MAX, 0, -1, 1 << 53, (1 << 53) + 1]))
        }
        DataType::Integer => Cell::Integer(random.below(12) as i64 - 4),
        DataType::Float32 | DataType::Float64 => {
            Cell::Float(random.one_of(&[-1.5, 0.0, 0.1, 0.5, 1e10, 1e-5]))
        }
        DataType::Decimal(_) if column == "huge" => Cell::decimal(&random.one_of(&[
            "1234567890123456789012345678.0123456789".to_owned(),
            "1234567890123456789012345678.012345679".to_owned(),
            "-9999999999999999999999999999.9999999999".to_owned(),
            "0.0000000001".to_owned(),
            "10".to_owned(),
            "9".to_owned(),
        ])),
        DataType::Decimal(_) => Cell::decimal(&random.one_of(&[
            "0".to_owned(),
            "19.99".to_owned(),
            "-19.99".to_owned(),
            "100".to_owned(),
            "20".to_owned(),
            "9999999999.99".to_owned(),
        ])),
        DataType::Text if column == "plain" => Cell::Text(random.one_of(&PLAIN).to_owned()),
        DataType::Text => Cell::Text(random.one_of(&WORDS).to_owned()),
        DataType::Bytes => Cell::Bytes(vec![0, 255, b'a'][..small % 4].to_vec()),
        DataType::Date => Cell::Date(day(small as u64)),
        DataType::Time => Cell::Time(time),
        DataType::Timestamp => Cell::Timestamp(day(small as u64).and_time(time)),
        DataType::TimestampTz => Cell::TimestampTz(day(small as u64).and_time(time).and_utc()),
        DataType::Uuid => Cell::Uuid(format!("0123abcd-0000-4000-8000-00000000000{small:x}")),
        DataType::Interval | DataType::Json | DataType::List(_) => Cell::Null,
    }
}

/// A predicate over the table, nested no deeper than `depth`.
pub(super) fn predicate(random: &mut Random, table: &Table, depth: usize) -> Predicate {
    if depth == 0 || random.chance(40) {
        return leaf(random, table);
    }
    match random.below(3) {
        0 => Predicate::Not(Box::new(predicate(random, table, depth - 1))),
        which => {
            let parts = (0..random.below(4)).map(|_| predicate(random, table, depth - 1)).collect();
            if which == 1 { Predicate::All(parts) } else { Predicate::Any(parts) }
        }
    }
}

fn leaf(random: &mut Random, table: &Table) -> Predicate {
    let column = random.one_of(&table.columns);
    let field = table.field(&column.name);
    let is_text = column.data_type == DataType::Text;
    // A value that a row has, or else a fresh one.
    let mut literal = || loop {
        let cell = match random.chance(70) {
            true => table.rows[random.below(table.rows.len())][table.at(&column.name)].clone(),
            false => value(random, &column.name, &column.data_type),
        };
        match cell {
            Cell::Null => {}
            cell => break cell.literal(),
        }
    };
    let (first, second) = (literal(), literal());
    match (random.below(5), first, second) {
        (0, _, _) | (_, None, _) | (_, _, None) => Predicate::IsNull(field),
        (1, Some(first), Some(second)) => {
            let values = if random.chance(10) { Vec::new() } else { vec![first, second] };
            Predicate::In { field, values }
        }
        (2, _, _) if is_text || column.name == "count" => Predicate::Matches {
            field,
            place: random.one_of(&[Place::Anywhere, Place::Start, Place::End]),
            text: random
                .one_of(&["", "a", "A", "b", " ", "%", "_", "!", "\\", "a%", "é", "0", "-", "'"])
                .to_owned(),
        },
        (_, Some(value), _) => {
            use Comparison::{Eq, Gt, Gte, Lt, Lte};
            // How texts compare beyond equality is the collation's business, but for plain ones.
            let choices: &[Comparison] = match column.name.as_str() {
                "word" | "flag" => &[Eq],
                _ => &[Eq, Lt, Lte, Gt, Gte],
            };
            Predicate::Compare { field, comparison: random.one_of(choices), value }
        }
    }
}

/// An order by up to three columns that every source sorts alike, and the key.
pub(super) fn sort(random: &mut Random, table: &Table) -> Vec<SortKey> {
    // What comes first among words and octets is the collation's business.
    sort_by(random, table, |name| !matches!(name, "word" | "seal"))
}

/// An order by up to three columns of any kind, and the key.
pub(super) fn any_sort(random: &mut Random, table: &Table) -> Vec<SortKey> {
    sort_by(random, table, |_| true)
}

fn sort_by(random: &mut Random, table: &Table, is_sortable: fn(&str) -> bool) -> Vec<SortKey> {
    let names = table.columns.iter().map(|column| column.name.as_str());
    let sortable: Vec<&str> = names.filter(|name| is_sortable(name)).collect();
    let mut keys: Vec<SortKey> = (0..1 + random.below(3))
        .map(|_| SortKey {
            field: table.field(random.one_of(&sortable)),
            is_descending: random.chance(50),
        })
        .collect();
    let key = table.key_fields().into_iter();
    keys.extend(key.map(|field| SortKey { field, is_descending: false }));
    keys
}
