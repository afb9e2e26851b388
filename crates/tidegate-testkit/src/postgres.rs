//! A throw-away PostgreSQL server, one for a test run, and a fresh database for each test.

use std::{
    fs,
    io::{Seek, Write},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// How to get the server where it is missing.
const INSTALL: &str = "install it with `apt-get install postgresql`";
/// Where the system's package puts a version's programs.
const VERSIONS: &str = "/usr/lib/postgresql";
/// Longest wait for a new server; it needs a quarter of a second on an idle machine.
const START_SECONDS_MAX: u64 = 60;
/// Account that the system's package runs the server under; root may not run it.
const SERVER_ACCOUNT: &str = "postgres";
/// Settings that make a server quick to start and to use, at the price of its life.
const CONFIGURATION: &str = "\
    fsync = off\n\
    synchronous_commit = off\n\
    full_page_writes = off\n\
    shared_buffers = 64MB\n\
    max_connections = 200\n\
    listen_addresses = '127.0.0.1'\n";
/// Who may sign in, where a test does not say: anybody, from this machine.
const TRUST: &str =
    "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 trust\n";

/// A running PostgreSQL server with data of its own; it stops when its owner ends, even if killed.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    port: u16,
}

/// What a server of a test's own should be like.
#[derive(Clone, Debug, Default)]
pub struct PostgresOptions<'a> {
    /// Lines for `postgresql.conf`.
    pub settings: &'a str,
    /// All of `pg_hba.conf`; nothing lets everybody in.
    pub access: Option<&'a str>,
    /// Whether the server speaks TLS, with a certificate for `localhost` and 127.0.0.1.
    pub has_tls: bool,
}

impl Postgres {
    /// The server of this test run: the first test that asks starts it, the others join it, also
    /// from other processes of the same `nextest` run.
    ///
    /// # Panics
    ///
    /// If PostgreSQL is not installed or does not start.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("NEXTEST_RUN_ID") {
            // nextest runs each test in a process of its own; their common parent is the owner.
            Ok(run) => Self::join(&run, std::os::unix::process::parent_id()),
            Err(_) => Self::start(&PostgresOptions::default()),
        })
    }

    /// A server for this process alone.
    ///
    /// # Panics
    ///
    /// If PostgreSQL is not installed or does not start.
    pub fn start(options: &PostgresOptions<'_>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tidegate-postgres-")
            .tempdir()
            .expect("the temporary folder can be written")
            .keep();
        Self::launch(folder, std::process::id(), options)
    }

    fn join(run: &str, owner: u32) -> Self {
        let folder = std::env::temp_dir().join(format!("tidegate-postgres-{run}"));
        fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let lock = fs::File::create(folder.join("lock")).expect("the lock file can be made");
        lock.lock().expect("the lock file can be locked");
        match fs::read_to_string(folder.join("state")) {
            Ok(port) => Self { folder, port: port.parse().expect("the state is the port") },
            Err(_) => Self::launch(folder, owner, &PostgresOptions::default()),
        }
    }

    /// A server that follows this one and only reads, for this process alone.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn standby(&self, settings: &str) -> Self {
        let account = server_account();
        let folder = tempfile::Builder::new()
            .prefix("tidegate-postgres-")
            .tempdir()
            .expect("the temporary folder can be written")
            .keep();
        give_away(&folder, account);
        let data = folder.join("data");
        let mut copy = program("pg_basebackup");
        as_account(&mut copy, account)
            .args(["-U", "postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync"])
            .args(["-p", &self.port.to_string()])
            .arg("-h")
            .arg(&self.folder)
            .arg("-D")
            .arg(&data);
        run(&mut copy);
        let port = free_port();
        append(&data.join("postgresql.conf"), &format!("{}{settings}", place(&folder, port)));
        let standby = Self { folder, port };
        standby.run_server(account, std::process::id());
        standby.wait();
        standby
    }

    fn launch(folder: PathBuf, owner: u32, options: &PostgresOptions<'_>) -> Self {
        let account = server_account();
        give_away(&folder, account);
        let data = folder.join("data");
        let data_option = data.to_str().expect("the temporary folder has a plain name");
        let init = ["-D", data_option, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"];
        run(as_account(&mut program("initdb"), account).args(init).env("LC_ALL", "C.UTF-8"));
        let port = free_port();
        let mut settings = format!("{CONFIGURATION}{}", place(&folder, port));
        if options.has_tls {
            settings.push_str(&certificates(&folder, account));
        }
        settings.push_str(options.settings);
        append(&data.join("postgresql.conf"), &settings);
        fs::write(data.join("pg_hba.conf"), options.access.unwrap_or(TRUST)).expect("own file");
        let database = Self { folder, port };
        database.run_server(account, owner);
        database.wait();
        fs::write(database.folder.join("state"), port.to_string()).expect("own folder");
        database
    }

    fn run_server(&self, account: Option<(u32, u32)>, owner: u32) {
        let log = fs::File::create(self.folder.join("log")).expect("own folder");
        let server = as_account(&mut program("postgres"), account)
            .arg("-D")
            .arg(self.folder.join("data"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file can be shared"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("postgres does not start: {error}; {INSTALL}"))
            .id();
        stop_with(owner, server, &self.folder);
    }

    fn wait(&self) {
        let start = Instant::now();
        while !self.is_up() {
            if start.elapsed() > Duration::from_secs(START_SECONDS_MAX) {
                panic!("postgres did not answer within {START_SECONDS_MAX} s:\n{}", self.log());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_up(&self) -> bool {
        let mut client = self.psql("postgres");
        client.args(["-c", "select 1"]).stdout(Stdio::null()).stderr(Stdio::null());
        client.status().is_ok_and(|status| status.success())
    }

    /// Port on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Folder of the server's socket, and of `ca.pem`, where it speaks TLS.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// A command of `psql`, signed in as the superuser over the socket, in a database. It prints
    /// rows and nothing else, and stops at the first error.
    pub fn psql(&self, database: &str) -> Command {
        let mut client = program("psql");
        client
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres"])
            .arg("-h")
            .arg(&self.folder)
            .args(["-p", &self.port.to_string(), "-d", database])
            .env("PGTZ", "UTC")
            .env("PGCLIENTENCODING", "UTF8");
        client
    }

    /// A new, empty database, dropped with what is returned.
    ///
    /// # Panics
    ///
    /// If the server refuses.
    pub fn database(&self) -> PostgresDatabase<'_> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", std::process::id());
        let create = format!("create database {name} template template0 strategy file_copy");
        run(self.psql("postgres").args(["-c", &create]));
        PostgresDatabase { server: self, name }
    }
}

/// One database on a server.
#[derive(Debug)]
pub struct PostgresDatabase<'a> {
    server: &'a Postgres,
    name: String,
}

impl PostgresDatabase<'_> {
    /// The server.
    pub fn server(&self) -> &Postgres {
        self.server
    }

    /// Name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// URL over the socket, as the superuser.
    pub fn url(&self) -> String {
        self.url_at(self.server)
    }

    /// URL over the socket of another server that has this database too, as the superuser.
    pub fn url_at(&self, server: &Postgres) -> String {
        let folder = server.folder.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/{}", server.port, self.name)
    }

    /// URL over TCP, as the superuser.
    pub fn tcp_url(&self) -> String {
        self.url_by(self.server.port)
    }

    /// URL over TCP by way of another port, such as a proxy's, as the superuser.
    pub fn url_by(&self, port: u16) -> String {
        format!("postgres://postgres@127.0.0.1:{port}/{}", self.name)
    }

    /// URL over TCP, as another account.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/{}", self.server.port, self.name)
    }

    /// A command of `psql` in this database.
    pub fn psql(&self) -> Command {
        self.server.psql(&self.name)
    }

    /// Runs statements, each in a transaction of its own.
    ///
    /// # Panics
    ///
    /// If one is refused.
    pub fn execute(&self, statements: &str) {
        let mut script = tempfile::tempfile().expect("the temporary folder can be written");
        script.write_all(statements.as_bytes()).expect("the temporary folder can be written");
        script.rewind().expect("a file can be rewound");
        run(self.psql().stdin(script));
    }

    /// What `psql` prints for a query: a line a row, `|` between cells, nothing for NULL.
    ///
    /// # Panics
    ///
    /// If the query is refused.
    pub fn query(&self, query: &str) -> String {
        run(self.psql().args(["-c", query]))
    }

    /// The cells that `psql` prints for a query; none for NULL.
    ///
    /// # Panics
    ///
    /// If the query is refused.
    pub fn cells(&self, query: &str) -> Vec<Vec<Option<String>>> {
        // Rows end with NUL, which no text of PostgreSQL holds; nobody writes the other marks.
        const NULL: &str = "\u{1}NULL\u{1}";
        const SEPARATOR: &str = "\u{1}|\u{1}";
        let null = format!("null={NULL}");
        let printed = run(self.psql().args(["-0", "-F", SEPARATOR, "-P", &null, "-c", query]));
        let cell = |cell: &str| (cell != NULL).then(|| cell.to_owned());
        printed.split_terminator('\0').map(|row| row.split(SEPARATOR).map(cell).collect()).collect()
    }

    /// What `pg_dump` writes of the database, with these arguments, as a script.
    ///
    /// # Panics
    ///
    /// If it is refused.
    pub fn dump(&self, arguments: &[&str]) -> String {
        let mut dump = program("pg_dump");
        dump.args(["--no-owner", "--no-privileges", "-U", "postgres"])
            .args(arguments)
            .arg("-h")
            .arg(&self.server.folder)
            .args(["-p", &self.server.port.to_string(), "-d", &self.name]);
        // Newer versions put a random word into meta-commands that guard the script.
        let script = run(&mut dump);
        let lines = script.lines().filter(|line| !line.starts_with('\\') || *line == "\\.");
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// What `\copy` writes for a query, as CSV without a header.
    ///
    /// # Panics
    ///
    /// If the query is refused.
    pub fn csv(&self, query: &str) -> String {
        run(self.psql().args(["-c", &format!("copy ({query}) to stdout (format csv)")]))
    }
}

impl Drop for PostgresDatabase<'_> {
    fn drop(&mut self) {
        let statement = format!("drop database if exists {} with (force)", self.name);
        let mut client = self.server.psql("postgres");
        client.args(["-c", &statement]).stdout(Stdio::null()).stderr(Stdio::null());
        drop(client.status());
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{error}; {INSTALL}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} refused: {said}", command.get_program().display());
    String::from_utf8(output.stdout).expect("the client writes UTF-8")
}

/// A program of the newest version that is installed.
fn program(name: &str) -> Command {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .max()
        .map(|version| Path::new(VERSIONS).join(version.to_string()).join("bin").join(name));
    Command::new(newest.unwrap_or_else(|| PathBuf::from(name)))
}

/// The command, under the account that the server must run under.
fn as_account(command: &mut Command, account: Option<(u32, u32)>) -> &mut Command {
    if let Some((uid, gid)) = account {
        command.uid(uid).gid(gid);
    }
    // Wherever we are, the server's account may not be allowed to be.
    command.current_dir("/")
}

/// Makes the folder one that the server's account may use and others may enter.
fn give_away(folder: &Path, account: Option<(u32, u32)>) {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).expect("own folder");
    if let Some((uid, gid)) = account {
        chown(folder, Some(uid), Some(gid)).expect("root may give folders away");
    }
}

/// Where a server is to be found.
fn place(folder: &Path, port: u16) -> String {
    format!("port = {port}\nunix_socket_directories = '{}'\n", folder.display())
}

fn append(path: &Path, text: &str) {
    let file = fs::OpenOptions::new().append(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("the server's own file");
}

/// User and group that the server must run under; none when we are not root.
fn server_account() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").is_ok_and(|own| own.uid() != 0) {
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

/// Makes an authority, `ca.pem`, and a certificate of it; gives the settings that use them.
fn certificates(folder: &Path, account: Option<(u32, u32)>) -> String {
    let script = "\
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=test-authority-$$ \
          -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nbasicConstraints=CA:FALSE\\n' > ext
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
          -extfile ext -out server.pem
        chmod 600 server.key";
    let mut openssl = Command::new("sh");
    openssl.args(["-e", "-c", script]).current_dir(folder);
    let made = openssl.output().expect("sh is there");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "no certificate was made: {said}; `apt-get install openssl`");
    if let Some((uid, gid)) = account {
        for name in ["server.key", "server.pem"] {
            chown(folder.join(name), Some(uid), Some(gid)).expect("root may give files away");
        }
    }
    let path = |name: &str| folder.join(name).display().to_string();
    format!(
        "ssl = on\nssl_cert_file = '{}'\nssl_key_file = '{}'\n",
        path("server.pem"),
        path("server.key")
    )
}

/// Leaves a small process behind that stops the server once its owner is gone, killed or not.
fn stop_with(owner: u32, server: u32, folder: &Path) {
    // SIGQUIT: at once, without saving anything. Where nobody reaps the server it stays a zombie,
    // so the wait for its end is bounded.
    let script = "(while kill -0 $0 2>/dev/null; do sleep 0.2; done; kill -QUIT $1; n=0; \
                  while kill -0 $1 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; \
                  rm -rf \"$2\") &";
    let started = Command::new("sh")
        .args(["-c", script, &owner.to_string(), &server.to_string()])
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
