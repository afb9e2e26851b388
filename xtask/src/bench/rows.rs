//! The table of benchmarks: what is exported, against whom, and what is owed.

use std::fmt;

/// Rows of the table `orders_1m`.
pub(super) const SMALL: Size = Size { slug: "1m", rows: 1_000_000 };
/// Rows of the table `orders_10m`.
pub(crate) const LARGE: Size = Size { slug: "10m", rows: 10_000_000 };
/// Rows of the table `orders_100`: all that a run costs before the first row.
pub(super) const TINY: Size = Size { slug: "100", rows: 100 };

/// A size of the table `orders`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// What the table's name ends with.
    pub(crate) slug: &'static str,
    /// Rows in it.
    pub(crate) rows: u32,
}

/// Where the rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Postgres,
    Sqlite,
    Mariadb,
}

impl Source {
    /// Name in rows and files.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Sqlite => "sqlite",
            Self::Mariadb => "mariadb",
        }
    }
}

/// Who else could do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Peer {
    Psql,
    Duckdb,
    Lxml,
    RustXlsxwriter,
    SqliteShell,
    MariadbClient,
    /// Tidegate, for somebody who is shown every value.
    Unmasked,
}

impl Peer {
    /// Name in rows and results.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::Psql => "psql",
            Self::Duckdb => "duckdb",
            Self::Lxml => "lxml",
            Self::RustXlsxwriter => "rust_xlsxwriter",
            Self::SqliteShell => "sqlite3",
            Self::MariadbClient => "mariadb",
            Self::Unmasked => "unmasked",
        }
    }
}

/// What is owed; none where the row is only reported.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// The peer's time divided by ours, at least.
    pub(super) faster: Option<f64>,
    /// Our processor time divided by the peer's, below.
    pub(super) cpu_share: Option<f64>,
    /// Bytes of our file divided by those of the peer's, at most.
    pub(super) size: Option<f64>,
    /// Our peak memory, below.
    pub(super) rss_mib: Option<f64>,
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [
            self.faster.map(|owed| format!("at least {owed} times as fast")),
            self.cpu_share.map(|owed| format!("below {owed:.2} of its CPU time")),
            self.size.map(|owed| format!("at most {owed} times its size")),
            self.rss_mib.map(|owed| format!("below {owed} MiB")),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        f.write_str(if words.is_empty() { "reported, no bound" } else { "" })?;
        f.write_str(&words.join(", "))
    }
}

/// What is exported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Export {
    pub(super) from: Source,
    /// Slug of the format.
    pub(super) format: &'static str,
    pub(super) size: Size,
    /// Whether it is a governed one, of somebody from whom personal data is hidden: `email` as a
    /// keyed hash, `customer_name` in part, `note` and `shipping` not at all.
    pub(super) is_masked: bool,
}

/// One benchmark against a peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) export: Export,
    pub(super) peer: Peer,
    pub(super) bounds: Bounds,
}

impl Row {
    /// Name on the command line: `postgres-csv-1m-psql`.
    pub(super) fn name(&self) -> String {
        let Export { from, format, size, is_masked } = self.export;
        let masked = if is_masked { "-masked" } else { "" };
        format!("{}-{format}{masked}-{}-{}", from.slug(), size.slug, self.peer.slug())
    }

    /// Pairs to run: enough for a median, fewer where one takes half a minute.
    pub(super) fn pairs(&self) -> usize {
        if self.export.size == LARGE { 3 } else { 5 }
    }
}

/// One benchmark of memory: the same export of few rows and of many.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemoryRow {
    pub(super) from: Source,
    /// Slug of the format.
    pub(super) format: &'static str,
}

/// Peak memory at ten million rows, in MiB: below.
pub(super) const MEMORY_MIB_MAX: f64 = 64.0;
/// Peak memory at ten million rows above that at a hundred, in MiB: at most.
pub(super) const MEMORY_GROWTH_MIB_MAX: f64 = 24.0;

impl MemoryRow {
    /// The export of that many rows.
    pub(super) fn of_size(&self, size: Size) -> Export {
        Export { from: self.from, format: self.format, size, is_masked: false }
    }

    /// Name on the command line: `memory-postgres-csv`.
    pub(super) fn name(&self) -> String {
        format!("memory-{}-{}", self.from.slug(), self.format)
    }
}

/// A row that is `faster` and nothing else.
const fn row(from: Source, format: &'static str, size: Size, peer: Peer, faster: f64) -> Row {
    let bounds = Bounds { faster: Some(faster), ..NO_BOUNDS };
    Row { bounds, ..reported(from, format, size, peer) }
}

/// A row that owes nothing.
const fn reported(from: Source, format: &'static str, size: Size, peer: Peer) -> Row {
    Row { export: Export { from, format, size, is_masked: false }, peer, bounds: NO_BOUNDS }
}

/// The same of somebody from whom personal data is hidden.
const fn masked(row: Row) -> Row {
    Row { export: Export { is_masked: true, ..row.export }, ..row }
}

/// A row with other bounds.
const fn with(row: Row, bounds: Bounds) -> Row {
    let bounds = Bounds { faster: row.bounds.faster, ..bounds };
    Row { bounds, ..row }
}

const NO_BOUNDS: Bounds = Bounds { faster: None, cpu_share: None, size: None, rss_mib: None };
/// A sheet may be a tenth larger than its peer's.
const SHEET: Bounds = Bounds { size: Some(1.1), ..NO_BOUNDS };
/// Less than a third of the peer's processor time.
const FRUGAL: Bounds = Bounds { cpu_share: Some(1.0 / 3.0), ..NO_BOUNDS };
/// A row group of Parquet stands in memory as a whole.
const ONE_ROW_GROUP: Bounds = Bounds { rss_mib: Some(192.0), ..NO_BOUNDS };

/// Every row that runs against a peer.
pub(super) static ROWS: &[Row] = &[
    with(row(Source::Postgres, "csv", LARGE, Peer::Duckdb, 1.4), FRUGAL),
    row(Source::Postgres, "csv", LARGE, Peer::Psql, 2.8),
    row(Source::Postgres, "csv", SMALL, Peer::Duckdb, 1.7),
    row(Source::Postgres, "csv", SMALL, Peer::Psql, 3.0),
    row(Source::Postgres, "ndjson", SMALL, Peer::Duckdb, 1.8),
    row(Source::Postgres, "json", SMALL, Peer::Duckdb, 1.8),
    row(Source::Postgres, "xml", SMALL, Peer::Lxml, 20.0),
    with(row(Source::Postgres, "xlsx", SMALL, Peer::RustXlsxwriter, 9.0), SHEET),
    row(Source::Postgres, "xlsx", SMALL, Peer::Duckdb, 16.0),
    with(row(Source::Postgres, "parquet", SMALL, Peer::Duckdb, 1.2), ONE_ROW_GROUP),
    row(Source::Sqlite, "csv", SMALL, Peer::SqliteShell, 5.0),
    row(Source::Sqlite, "csv", SMALL, Peer::Duckdb, 4.0),
    reported(Source::Mariadb, "csv", SMALL, Peer::MariadbClient),
    reported(Source::Mariadb, "csv", SMALL, Peer::Duckdb),
    masked(reported(Source::Postgres, "csv", SMALL, Peer::Psql)),
    masked(reported(Source::Postgres, "csv", SMALL, Peer::Duckdb)),
    masked(reported(Source::Postgres, "csv", SMALL, Peer::Unmasked)),
    masked(reported(Source::Sqlite, "csv", SMALL, Peer::Unmasked)),
];

const fn memory(from: Source, format: &'static str) -> MemoryRow {
    MemoryRow { from, format }
}

/// Every row that weighs memory.
pub(super) static MEMORY_ROWS: &[MemoryRow] = &[
    memory(Source::Postgres, "csv"),
    memory(Source::Postgres, "ndjson"),
    memory(Source::Postgres, "json"),
    memory(Source::Postgres, "xml"),
    memory(Source::Postgres, "xlsx"),
    memory(Source::Sqlite, "csv"),
    memory(Source::Sqlite, "ndjson"),
    memory(Source::Sqlite, "json"),
    memory(Source::Sqlite, "xml"),
    memory(Source::Sqlite, "xlsx"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rows_differ() {
        let mut names: Vec<String> = ROWS.iter().map(Row::name).collect();
        names.extend(MEMORY_ROWS.iter().map(MemoryRow::name));
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
