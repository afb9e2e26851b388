//! A throw-away MariaDB server, one for a test run, and a fresh database for each test.

use std::{
    ffi::OsStr,
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How to get the server where it is missing.
const INSTALL: &str = "install it with `apt-get install mariadb-server`";
/// Longest wait for a new server; it needs about a second on an idle machine.
const START_SECONDS_MAX: u64 = 60;
/// Account that the system's package runs the server under; root may not run it.
const SERVER_ACCOUNT: &str = "mysql";

/// A running MariaDB server with data of its own; it stops when its owner ends, even if killed.
#[derive(Debug)]
pub struct MariaDb {
    folder: PathBuf,
    port: u16,
    password: String,
}

impl MariaDb {
    /// The server of this test run: the first test that asks starts it, the others join it, also
    /// from other processes of the same `nextest` run.
    ///
    /// # Panics
    ///
    /// If MariaDB is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<MariaDb> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("NEXTEST_RUN_ID") {
            // nextest runs each test in a process of its own; their common parent is the owner.
            Ok(run) => Self::join(&run, std::os::unix::process::parent_id()),
            Err(_) => Self::start(&[]),
        })
    }

    /// A server for this process alone, with more options for `mariadbd`.
    ///
    /// # Panics
    ///
    /// If MariaDB is not installed or does not start.
    pub fn start(options: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tidegate-mariadb-")
            .tempdir()
            .expect("the temporary folder can be written")
            .keep();
        Self::launch(folder, std::process::id(), options)
    }

    fn join(run: &str, owner: u32) -> Self {
        let folder = std::env::temp_dir().join(format!("tidegate-mariadb-{run}"));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let lock = fs::File::create(folder.join("lock")).expect("the lock file can be made");
        lock.lock().expect("the lock file can be locked");
        match fs::read_to_string(folder.join("state")) {
            Ok(state) => {
                let (port, password) = state.split_once(' ').expect("state is port and password");
                let port = port.parse().expect("the port is a number");
                Self { folder, port, password: password.to_owned() }
            }
            Err(_) => Self::launch(folder, owner, &[]),
        }
    }

    fn launch(folder: PathBuf, owner: u32, options: &[&str]) -> Self {
        let account = server_account();
        clear_away_with(owner, &folder);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).expect("own folder");
        let data = folder.join("data");
        // A server that starts removes the temporary tables it finds, also those of another server.
        let temporary = folder.join("tmp");
        fs::create_dir(&temporary).expect("own folder");
        give_away(&temporary, account);
        install(&data, &temporary, account);
        let password = random_word();
        let init = folder.join("init.sql");
        let accounts = format!(
            "alter user root@localhost identified by '{password}';\n\
             create or replace user root@'127.0.0.1' identified by '{password}';\n\
             grant all on *.* to root@'127.0.0.1' with grant option;\n\
             drop user if exists root@'::1', ''@localhost;\n"
        );
        fs::write(&init, accounts).expect("own folder");
        fs::set_permissions(&init, fs::Permissions::from_mode(0o600)).expect("own file");
        for path in [&folder, &init] {
            give_away(path, account);
        }
        let port = free_port();
        let log = fs::File::create(folder.join("log")).expect("own folder");
        let server = program("mariadbd")
            .arg("--no-defaults")
            .arg(path_option("--datadir=", &data))
            .arg(path_option("--tmpdir=", &temporary))
            .arg(path_option("--socket=", &folder.join("socket")))
            .arg(path_option("--init-file=", &init))
            .args([format!("--port={port}"), "--bind-address=127.0.0.1".to_owned()])
            .args(["--skip-name-resolve", "--character-set-server=utf8mb4"])
            .args(["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=128M"])
            .args(["--log-bin", "--server-id=1", "--sync-binlog=0", "--max-connections=500"])
            .args(account.map(|_| format!("--user={SERVER_ACCOUNT}")))
            .args(options)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("mariadbd does not start: {error}; {INSTALL}"))
            .id();
        fs::write(folder.join("pid"), server.to_string()).expect("own folder");
        let database = Self { folder, port, password };
        database.wait();
        let state = database.folder.join("state");
        fs::write(&state, format!("{port} {}", database.password)).expect("own folder");
        fs::set_permissions(&state, fs::Permissions::from_mode(0o600)).expect("own file");
        database
    }

    fn wait(&self) {
        let start = Instant::now();
        while !self.is_up() {
            if start.elapsed() > Duration::from_secs(START_SECONDS_MAX) {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                panic!("mariadbd did not answer within {START_SECONDS_MAX} s:\n{log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_up(&self) -> bool {
        let mut client = self.client("mysql");
        client.args(["--execute", "select 1"]).stdout(Stdio::null()).stderr(Stdio::null());
        client.status().is_ok_and(|status| status.success())
    }

    /// Port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Path of the server's socket.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// Password of the account `root`.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// A command of the `mariadb` client, signed in as root, in a database.
    pub fn client(&self, database: &str) -> Command {
        let mut client = program("mariadb");
        client
            .arg("--no-defaults")
            .arg(path_option("--socket=", &self.socket()))
            .args(["--user=root", "--default-character-set=utf8mb4"])
            .arg(format!("--database={database}"))
            .env("MYSQL_PWD", &self.password);
        client
    }

    /// A new, empty database, dropped with what is returned.
    ///
    /// # Panics
    ///
    /// If the server refuses.
    pub fn database(&'static self) -> MariaDbDatabase {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        run(self.client("mysql").args(["--execute", &format!("create database {name}")]));
        MariaDbDatabase { server: self, name }
    }
}

/// One database on a server.
#[derive(Debug)]
pub struct MariaDbDatabase {
    server: &'static MariaDb,
    name: String,
}

impl MariaDbDatabase {
    /// The server.
    pub fn server(&self) -> &'static MariaDb {
        self.server
    }

    /// Name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// URL over TCP, as root.
    pub fn url(&self) -> String {
        self.url_as("root", &self.server.password)
    }

    /// URL over TCP, as another account.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("mysql://{user}:{password}@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    /// A command of the `mariadb` client in this database.
    pub fn client(&self) -> Command {
        self.server.client(&self.name)
    }

    /// Runs statements.
    ///
    /// # Panics
    ///
    /// If one is refused.
    pub fn execute(&self, statements: &str) {
        run(self.client().args(["--execute", statements]));
    }

    /// What the `mariadb` client prints for a query: a line a row, tabs between cells, no header.
    ///
    /// # Panics
    ///
    /// If the query is refused.
    pub fn query(&self, query: &str) -> String {
        run(self.client().args(["--batch", "--raw", "--skip-column-names", "--execute", query]))
    }
}

impl Drop for MariaDbDatabase {
    fn drop(&mut self) {
        let statement = format!("drop database if exists {}", self.name);
        // A test that failed may have left transactions open; the server goes anyway.
        let statement = format!("set lock_wait_timeout = 1; {statement}");
        let mut client = self.server.client("mysql");
        client.args(["--execute", &statement]).stdout(Stdio::null()).stderr(Stdio::null());
        drop(client.status());
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{error}; {INSTALL}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "mariadb refused: {said}");
    String::from_utf8(output.stdout).expect("the client writes UTF-8")
}

/// A program of MariaDB, also where `/usr/sbin` is not on the path.
fn program(name: &str) -> Command {
    let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin"];
    let found = folders.map(|folder| Path::new(folder).join(name)).into_iter().find(|p| p.exists());
    Command::new(found.unwrap_or_else(|| PathBuf::from(name)))
}

fn path_option(option: &str, path: &Path) -> std::ffi::OsString {
    [OsStr::new(option), path.as_os_str()].into_iter().collect()
}

fn install(data: &Path, temporary: &Path, account: Option<(u32, u32)>) {
    let installed = program("mariadb-install-db")
        .arg("--no-defaults")
        .arg(path_option("--datadir=", data))
        .arg(path_option("--tmpdir=", temporary))
        .args(["--auth-root-authentication-method=normal", "--skip-test-db"])
        .args(["--skip-name-resolve"])
        .args(account.map(|_| format!("--user={SERVER_ACCOUNT}")))
        .output()
        .unwrap_or_else(|error| panic!("mariadb-install-db does not start: {error}; {INSTALL}"));
    let said = String::from_utf8_lossy(&installed.stderr);
    assert!(installed.status.success(), "mariadb-install-db failed: {said}");
}

/// Lets the server write in a folder, or read a file.
fn give_away(path: &Path, account: Option<(u32, u32)>) {
    if let Some((uid, gid)) = account {
        chown(path, Some(uid), Some(gid)).expect("root may give files away");
    }
}

/// User and group that the server must run under; none when we are not root.
fn server_account() -> Option<(u32, u32)> {
    let own = fs::metadata("/proc/self").map(|me| std::os::unix::fs::MetadataExt::uid(&me));
    if own.is_ok_and(|uid| uid != 0) {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|line| line[0] == SERVER_ACCOUNT)
        .unwrap_or_else(|| panic!("there is no account `{SERVER_ACCOUNT}`; {INSTALL}"));
    let number = |at: usize| line[at].parse().expect("ids in /etc/passwd are numbers");
    Some((number(2), number(3)))
}

/// Leaves a small process behind that stops the server and removes the folder once the owner is
/// gone, killed or not.
fn clear_away_with(owner: u32, folder: &Path) {
    // Where nobody reaps the server it stays a zombie, so the wait for its end is bounded.
    let script = "(while kill -0 $0 2>/dev/null; do sleep 0.2; done; n=0; \
                  pid=$(cat \"$1/pid\" 2>/dev/null) && kill $pid; \
                  while kill -0 $pid 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); \
                  done; rm -rf \"$1\") &";
    let started = Command::new("sh")
        .args(["-c", script, &owner.to_string()])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .status();
    assert!(started.is_ok_and(|status| status.success()), "sh is there");
}

/// A port that nobody listens on just now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    listener.local_addr().expect("a bound listener has an address").port()
}

fn random_word() -> String {
    let mut bytes = [0; 12];
    let mut source = fs::File::open("/dev/urandom").expect("the system gives random bytes");
    std::io::Read::read_exact(&mut source, &mut bytes).expect("the system gives random bytes");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
