"""Servers in folders of their own: a PostgreSQL that can be made to crash, a MariaDB."""

import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import time

import psycopg
import pymysql

# Where Debian's package puts a version's programs.
VERSIONS = pathlib.Path("/usr/lib/postgresql")
ACCOUNT = "postgres"
START_SECONDS_MAX = 30
# A crash of the server is not one of the machine: what was written to the kernel stays, so nothing
# needs to reach the disk. Commits have to be written before they are acknowledged, though.
SETTINGS = """
fsync = off
synchronous_commit = on
full_page_writes = off
shared_buffers = 32MB
max_connections = 200
listen_addresses = ''
max_wal_size = 256MB
"""


class Postgres:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.port = free_port()
        self.programs = max(VERSIONS.iterdir(), key=lambda path: float(path.name)) / "bin"
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.getuid() == 0:
            entry = pwd.getpwnam(ACCOUNT)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--no-sync", "--locale=C.UTF-8")
        with open(self.data / "postgresql.conf", "a") as file:
            file.write(f"{SETTINGS}port = {self.port}\n")
            file.write(f"unix_socket_directories = '{self.folder}'\n")
        self.start()

    def _run(self, program, *arguments):
        command = [str(self.programs / program), *map(str, arguments)]
        if os.getuid() == 0:
            command = ["runuser", "-u", ACCOUNT, "--", *command]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, cwd="/", text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{program} failed: {done.stdout}")

    def start(self):
        self._run("pg_ctl", "-D", self.data, "-s", "-w", "-t", START_SECONDS_MAX,
                  "-l", self.folder / "log", "start")

    def stop(self, how="fast"):
        self._run("pg_ctl", "-D", self.data, "-s", "-w", "-m", how, "stop")

    def crash(self):
        """Ends without a checkpoint, as `kill -9` of all its processes would, and comes back."""
        self.stop("immediate")
        self.start()

    def database(self, name):
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'create database "{name}"')
        return self.url(name)

    def drop(self, name):
        with psycopg.connect(self.conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')

    def conninfo(self, name):
        return f"host={self.folder} port={self.port} user=postgres dbname={name}"

    def url(self, name):
        folder = str(self.folder).replace("/", "%2F")
        return f"postgres://postgres@{folder}:{self.port}/{name}"

    def remove(self):
        try:
            self.stop("immediate")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)


class MariaDb:
    """A server to read from; what it holds can be made again, so nothing need reach the disk."""

    ACCOUNT = "mysql"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.socket, data = self.folder / "socket", self.folder / "data"
        (self.folder / "tmp").mkdir(parents=True)
        account = []
        if os.getuid() == 0:
            entry = pwd.getpwnam(self.ACCOUNT)
            for path in (self.folder, self.folder / "tmp"):
                os.chown(path, entry.pw_uid, entry.pw_gid)
            account = [f"--user={self.ACCOUNT}"]
        # The servers' programs are not on everybody's path.
        path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
        program = lambda name: shutil.which(name, path=path)
        subprocess.run(
            [program("mariadb-install-db"), "--no-defaults", f"--datadir={data}",
             f"--tmpdir={self.folder}/tmp", "--auth-root-authentication-method=normal",
             "--skip-test-db", *account],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [program("mariadbd"), "--no-defaults", f"--datadir={data}",
                 f"--tmpdir={self.folder}/tmp", f"--socket={self.socket}",
                 "--skip-networking",
                 "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0",
                 "--innodb-buffer-pool-size=64M", "--max-connections=200", *account],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        wait_until(self._is_up, START_SECONDS_MAX, "MariaDB starts")

    def _is_up(self):
        try:
            self.connect("mysql").close()
        except pymysql.err.OperationalError:
            return False
        return True

    def connect(self, database):
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database,
                               charset="utf8mb4", autocommit=True)

    def database(self, name):
        connection = self.connect("mysql")
        with connection.cursor() as cursor:
            cursor.execute(f"create database `{name}`")
        connection.close()
        return f"mysql://root@localhost/{name}?socket={self.socket}"

    def remove(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, seconds, what):
    """Waits for something that must happen, and says what did not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError(f"not within {seconds} s: {what}")
