//! The command lines that are measured: ours and the peers'.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{
    masked,
    rows::{Export, Peer, Size, Source},
    servers::Servers,
    tables::{sqlite_file, table},
};

/// A peer's file counts when it is on the disk, as ours does.
const THEN_SYNC: &str = "out=$1; shift; \"$@\" && exec sync \"$out\"";
/// The same for peers that write to their standard output.
const TO_FILE_THEN_SYNC: &str = "out=$1; shift; \"$@\" >\"$out\" && exec sync \"$out\"";

/// Where everything is.
pub(super) struct Rig<'a> {
    /// Folder of the benchmarks.
    pub(super) folder: &'a Path,
    /// Folder of the programs built for release.
    pub(super) release: PathBuf,
    /// Python with the peers that are Python libraries.
    pub(super) python: PathBuf,
    /// The servers.
    pub(super) servers: &'a Servers,
}

impl Rig<'_> {
    /// Makes what a run of ours needs, outside its time: a masked export is one of a site.
    pub(super) fn prepare(&self, export: Export) -> Result<()> {
        let Export { from, size, is_masked, .. } = export;
        if is_masked {
            let (url, table) = (self.url(from, size), table_in(from, size));
            masked::make_site(&self.site(), &self.tidegate(), &url, &table)?;
        }
        Ok(())
    }

    /// Our command line.
    pub(super) fn ours(&self, export: Export, out: &Path) -> Vec<String> {
        let Export { from, format, size, is_masked } = export;
        if is_masked {
            return masked::export(&self.site(), &self.tidegate(), format, out, true);
        }
        let (url, table) = (self.url(from, size), table_in(from, size));
        let tidegate = self.tidegate();
        let out = out.display().to_string();
        let flags = ["export", "--source", &url, "--table", &table, "--format", format, "-o", &out];
        [&[tidegate.display().to_string()][..], &flags.map(str::to_owned)].concat()
    }

    /// The peer's command line.
    pub(super) fn peer(&self, peer: Peer, export: Export, out: &Path) -> Vec<String> {
        let Export { from, format, size, is_masked } = export;
        let conninfo = self.servers.postgres_conninfo();
        let table = table_in(from, size);
        let columns = if is_masked { masked::PSQL_COLUMNS } else { "*" };
        let all_rows = format!("select {columns} from {table}");
        let out = out.display().to_string();
        let python = self.python.display().to_string();
        match peer {
            Peer::Psql => {
                let copy = format!("\\copy ({all_rows}) to '{out}' (format csv, header)");
                shell(THEN_SYNC, &out, &["psql", "-Xqd", &conninfo, "-c", &copy])
            }
            Peer::Duckdb => {
                let program = "benchmarks/peers/duckdb_copy.py";
                let address = self.duckdb_address(from, size);
                let kind = if from == Source::Mariadb { "mysql" } else { from.slug() };
                let columns = match (is_masked, from, format) {
                    (true, ..) => "masked",
                    // Its XLSX writer knows no instants.
                    (false, Source::Postgres, "xlsx") => "plain-times",
                    (false, ..) => "all",
                };
                let arguments = [kind, &address, &table, columns, format, &out];
                shell(THEN_SYNC, &out, &[&[&python, program][..], &arguments].concat())
            }
            Peer::Unmasked => {
                masked::export(&self.site(), &self.tidegate(), format, Path::new(&out), false)
            }
            Peer::Lxml => {
                let program = "benchmarks/peers/lxml_xml.py";
                shell(THEN_SYNC, &out, &[&python, program, &conninfo, &table, &out])
            }
            Peer::RustXlsxwriter => {
                let program = self.release.join("bench-peers").display().to_string();
                shell(THEN_SYNC, &out, &[&program, &conninfo, &table, &out])
            }
            Peer::SqliteShell => {
                let file = sqlite_file(self.folder, size).display().to_string();
                let command = ["sqlite3", "-csv", "-header", "-readonly", &file, &all_rows];
                shell(TO_FILE_THEN_SYNC, &out, &command)
            }
            Peer::MariadbClient => {
                let socket = format!("--socket={}", self.servers.mariadb_socket().display());
                let flags = ["mariadb", "--no-defaults", &socket, "--quick", "--batch", "bench"];
                shell(TO_FILE_THEN_SYNC, &out, &[&flags[..], &["-e", &all_rows]].concat())
            }
        }
    }

    fn tidegate(&self) -> PathBuf {
        self.release.join("tidegate")
    }

    /// The folder of the site whose people see less than there is.
    fn site(&self) -> PathBuf {
        self.folder.join("site")
    }

    /// How we reach a table's database.
    fn url(&self, from: Source, size: Size) -> String {
        match from {
            Source::Postgres => self.servers.postgres_url(),
            Source::Sqlite => format!("sqlite:{}", sqlite_file(self.folder, size).display()),
            Source::Mariadb => {
                let socket = self.servers.mariadb_socket();
                format!("mysql://root@localhost/bench?socket={}", socket.display())
            }
        }
    }

    fn duckdb_address(&self, from: Source, size: Size) -> String {
        match from {
            Source::Postgres => self.servers.postgres_conninfo(),
            Source::Sqlite => sqlite_file(self.folder, size).display().to_string(),
            Source::Mariadb => {
                let socket = self.servers.mariadb_socket();
                format!("socket={} user=root database=bench", socket.display())
            }
        }
    }
}

/// A file holds one table; the servers hold one of each size.
fn table_in(from: Source, size: Size) -> String {
    match from {
        Source::Sqlite => "orders".to_owned(),
        Source::Postgres | Source::Mariadb => table(size),
    }
}

fn shell(script: &str, out: &str, command: &[&str]) -> Vec<String> {
    let wrapped = ["sh", "-c", script, "sh", out].into_iter().chain(command.iter().copied());
    wrapped.map(str::to_owned).collect()
}
