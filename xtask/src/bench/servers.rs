//! The PostgreSQL and MariaDB of the benchmarks, in a folder of their own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

use crate::command::{output, succeed};

/// Far from the ports of servers in service; only the name of the socket, nothing listens on it.
const POSTGRES_PORT: &str = "54329";
/// The method's settings: `orders_1m` fits in memory, and a bulk load writes no log.
const POSTGRES_SETTINGS: &str = "-c listen_addresses='' -c shared_buffers=2GB \
     -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=4GB";
const MARIADB_SETTINGS: &[&str] = &[
    "--no-defaults",
    "--skip-networking",
    "--skip-grant-tables",
    "--innodb-buffer-pool-size=2G",
    "--innodb-flush-log-at-trx-commit=0",
    "--local-infile=1",
];
/// Accounts that Debian's packages make: both servers refuse to run as root.
const POSTGRES_ACCOUNT: &str = "postgres";
const MARIADB_ACCOUNT: &str = "mysql";

/// The servers, running.
pub(crate) struct Servers {
    folder: PathBuf,
    /// Servers that this run has started, and so ends.
    started: Vec<&'static str>,
}

impl Servers {
    /// Starts the servers that are needed and do not run yet.
    pub(crate) fn start(folder: &Path, with_mariadb: bool) -> Result<Self> {
        fs::create_dir_all(folder.join("run"))?;
        let mut servers = Self { folder: folder.to_owned(), started: Vec::new() };
        if !servers.psql(&["-c", "select 1"])?.status()?.success() {
            servers.start_postgres().context("cannot start PostgreSQL")?;
            servers.started.push("postgres");
        }
        if with_mariadb && !servers.mariadb_is_up()? {
            servers.start_mariadb().context("cannot start MariaDB")?;
            servers.started.push("mariadb");
        }
        Ok(servers)
    }

    /// How clients of `libpq` reach PostgreSQL.
    pub(super) fn postgres_conninfo(&self) -> String {
        let run = self.folder.join("run");
        format!("host={} port={POSTGRES_PORT} user=postgres dbname=postgres", run.display())
    }

    /// How Tidegate reaches PostgreSQL.
    pub(crate) fn postgres_url(&self) -> String {
        let run = self.folder.join("run");
        format!("postgres://postgres@/postgres?host={}&port={POSTGRES_PORT}", run.display())
    }

    /// How Tidegate reaches one of its databases as its control database.
    pub(crate) fn control_url(&self, database: &str) -> String {
        let run = self.folder.join("run").display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{run}:{POSTGRES_PORT}/{database}")
    }

    /// The socket of MariaDB.
    pub(super) fn mariadb_socket(&self) -> PathBuf {
        self.folder.join("run/mariadb.sock")
    }

    /// `psql`, connected, silent about success.
    pub(crate) fn psql(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new("psql");
        command.arg("-Xqd").arg(self.postgres_conninfo()).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(command)
    }

    /// `mariadb`, connected.
    pub(super) fn mariadb(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--local-infile=1", "--socket"]).arg(self.mariadb_socket());
        command.args(arguments);
        command
    }

    fn start_postgres(&self) -> Result<()> {
        let home = self.home("postgres", POSTGRES_ACCOUNT)?;
        let binaries = postgres_binaries()?;
        let data = home.join("data");
        if !data.join("PG_VERSION").exists() {
            let mut initdb = as_account(POSTGRES_ACCOUNT, &binaries.join("initdb"))?;
            initdb.args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-D"]);
            succeed(initdb.arg(&data).stdout(Stdio::null()))?;
        }
        let run = self.folder.join("run");
        let options = format!("-k {} -p {POSTGRES_PORT} {POSTGRES_SETTINGS}", run.display());
        let mut pg_ctl = as_account(POSTGRES_ACCOUNT, &binaries.join("pg_ctl"))?;
        pg_ctl.args(["-w", "-s", "start", "-o", &options, "-l"]).arg(home.join("log"));
        succeed(pg_ctl.arg("-D").arg(&data).stdout(Stdio::null()))
    }

    fn mariadb_is_up(&self) -> Result<bool> {
        let mut ping = self.mariadb(&["-e", "select 1"]);
        Ok(ping.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success())
    }

    fn start_mariadb(&self) -> Result<()> {
        let home = self.home("mariadb", MARIADB_ACCOUNT)?;
        let data = home.join("data");
        let data_option = format!("--datadir={}", data.display());
        if !data.join("mysql").exists() {
            let mut install = as_account(MARIADB_ACCOUNT, Path::new("mariadb-install-db"))?;
            install.args(["--no-defaults", "--skip-test-db", &data_option]);
            succeed(install.stdout(Stdio::null()).stderr(Stdio::null()))?;
        }
        let mut server = as_account(MARIADB_ACCOUNT, Path::new("mariadbd"))?;
        server.args(MARIADB_SETTINGS).arg(data_option);
        server.arg(format!("--socket={}", self.mariadb_socket().display()));
        let log = home.join("log.err");
        server.arg(format!("--log-error={}", log.display()));
        let mut child = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        // The server has no way to say that it is ready but to answer.
        while !self.mariadb_is_up()? {
            if let Some(status) = child.try_wait()? {
                bail!("it ended with {status}, see {}", log.display());
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// The server's folder, owned by the account that it runs under.
    fn home(&self, name: &str, account: &str) -> Result<PathBuf> {
        let home = self.folder.join(name);
        fs::create_dir_all(&home)?;
        if is_root()? {
            succeed(Command::new("chown").arg(account).arg(&home))?;
            // Both servers put their sockets there.
            succeed(Command::new("chmod").arg("1777").arg(self.folder.join("run")))?;
        }
        Ok(home)
    }

    fn stop(&self, name: &str) -> Result<()> {
        match name {
            "postgres" => {
                let mut pg_ctl =
                    as_account(POSTGRES_ACCOUNT, &postgres_binaries()?.join("pg_ctl"))?;
                pg_ctl.args(["-w", "-s", "-m", "fast", "stop", "-D"]);
                succeed(pg_ctl.arg(self.folder.join("postgres/data")))
            }
            _ => succeed(&mut self.mariadb(&["-e", "shutdown"])),
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for name in &self.started {
            if let Err(error) = self.stop(name) {
                eprintln!("cannot stop {name}: {error:#}");
            }
        }
    }
}

/// A command that runs under the account if we are root, else under our own.
fn as_account(account: &str, program: &Path) -> Result<Command> {
    if !is_root()? {
        return Ok(Command::new(program));
    }
    let mut command = Command::new("runuser");
    command.args(["-u", account, "--"]).arg(program);
    Ok(command)
}

fn is_root() -> Result<bool> {
    Ok(output("id", &["-u"])?.trim() == "0")
}

/// Debian keeps the servers' programs beside each other, by version, away from the path.
fn postgres_binaries() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").context("PostgreSQL is not installed")?;
    let mut versions: Vec<PathBuf> =
        versions.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    versions.sort_unstable();
    Ok(versions.pop().context("PostgreSQL is not installed")?.join("bin"))
}
