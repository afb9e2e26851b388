"""One rig: a control database, an artifact store, sources, and the processes that work on them."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import time

import psycopg

from . import sources
from .crew import Member
from .history import History

OPERATOR = "ada@example.com"
CLI_SECONDS_MAX = 30
# Upkeep of a rig: it sweeps all the time, and hardly anything is too young for it.
SWEEP_SECONDS = 2
SWEEP_GRACE_SECONDS = 4


class Rig:
    def __init__(self, name, folder, binary, control, bucket, source_urls, lease_seconds,
                 settings=(), sweep_seconds=SWEEP_SECONDS,
                 sweep_grace_seconds=SWEEP_GRACE_SECONDS, declaration=sources.declaration,
                 environment=()):
        """Without a `control` server it is on SQLite, without a `bucket` in a folder."""
        self.name, self.binary, self.lease_seconds = name, str(binary), lease_seconds
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.server = control
        if control:
            self.database = name.replace("-", "_")
            self.control_url = control.database(self.database)
        else:
            self.control_url = f"sqlite:{self.folder}/control.db"
        self.bucket = bucket
        self.artifacts_url = bucket.url if bucket else f"file:{self.folder}/artifacts"
        self.source_urls = source_urls
        self.history = History(self.folder / "history.jsonl")
        (self.folder / "tidegate.toml").write_text(f"""
[control]
url = "{self.control_url}"

[artifacts]
url = "{self.artifacts_url}"
{bucket.declaration() if bucket else ""}
[server]
listen = "127.0.0.1:0"

[worker]
lease_seconds = {lease_seconds}

[upkeep]
sweep_seconds = {sweep_seconds}
sweep_grace_seconds = {sweep_grace_seconds}
{declaration(source_urls)}""")
        # Addresses and keys of the machine's own services are none of a rig's.
        self.environment = {
            name: value for name, value in os.environ.items()
            if not name.startswith(("TIDEGATE", "AWS_"))}
        self.environment |= {
            "TIDEGATE_CONFIG": str(self.folder / "tidegate.toml"), "TIDEGATE_OPERATOR": OPERATOR,
            "RUST_LOG": "tidegate=info,tidegate_service=info,tidegate_store=info",
            "RUST_BACKTRACE": "0", **dict(environment)}
        self.must("operators", "add", OPERATOR, "--role", "administrator")
        self.settings = {"open_jobs_max": 20000, **dict(settings)}
        self.set()
        # The longest that something of no use may lie in the store once nothing happens any more.
        self.sweep_seconds = sweep_seconds
        self.sweep_seconds_max = sweep_grace_seconds + 3 * sweep_seconds + 1
        # Whether all of that was waited for.
        self.is_swept = False
        # Processes that are killed and come back, and every process that there ever was.
        self.crew, self.members = [], []
        # What has to be undone before its folder can go.
        self.at_end = []

    def set(self, **settings):
        """Changes settings of the site while it runs."""
        self.settings |= settings
        self.execute("update settings set document = %s", json.dumps(self.settings))

    def add(self, command, host="h1"):
        member = Member(self, command, host)
        self.crew.append(member)
        return member

    def cli(self, *arguments, environment=None, timeout=CLI_SECONDS_MAX):
        """Runs a command, and gives its exit code, output and errors."""
        process = subprocess.Popen(
            [self.binary, "--json", *arguments], env={**self.environment, **(environment or {})},
            cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        try:
            out, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.tell_stacks(process.pid)
            process.kill()
            raise
        return process.returncode, out, errors

    def tell_stacks(self, pid):
        """Writes down where a process hangs, if there is a debugger."""
        if shutil.which("gdb"):
            with open(self.folder / f"hangs-{pid}", "wb") as file:
                subprocess.run(["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt 40"],
                               stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def must(self, *arguments):
        code, out, errors = self.cli(*arguments)
        if code != 0:
            raise RuntimeError(f"{self.name}: {arguments} failed: {errors}")
        return out

    def connect(self):
        """A connection of our own, past the program."""
        if self.server:
            return psycopg.connect(self.server.conninfo(self.database), autocommit=True)
        path = self.control_url.removeprefix("sqlite:")
        return sqlite3.connect(path, timeout=10, isolation_level=None)

    def can_write(self):
        """Whether nobody stands still with SQLite's one lock for writing; PostgreSQL has none."""
        if self.server:
            return True
        connection = sqlite3.connect(self.control_url.removeprefix("sqlite:"), timeout=1,
                                     isolation_level=None)
        try:
            connection.execute("begin immediate")
            connection.execute("rollback")
        except sqlite3.OperationalError:
            return False
        finally:
            connection.close()
        return True

    def execute(self, sql, *values):
        connection = self.connect()
        try:
            connection.execute(sql if self.server else sql.replace("%s", "?"), values)
        finally:
            connection.close()

    def rows(self, sql, *values):
        connection = self.connect()
        try:
            found = connection.execute(sql if self.server else sql.replace("%s", "?"), values)
            return found.fetchall()
        finally:
            connection.close()

    def one(self, sql, *values):
        found = self.rows(sql, *values)
        return found[0] if found else None

    def open_jobs(self):
        return self.one("select count(*) from jobs where status in ('pending', 'building')")[0]

    def is_due(self):
        """Whether upkeep still has to expire or to purge something."""
        now = int(time.time() * 1e6)
        return self.one(
            "select count(*) from jobs where (status in ('expired', 'deleted') "
            "and purged_at is null) or (status = 'ready' and expires_at <= %s)", now)[0] > 0

    def has_object(self, key):
        """Whether the store has it; past the program, and past the faults of the bucket."""
        if self.bucket:
            prefix = self.artifacts_url.removeprefix(f"s3://{self.bucket.name}/")
            return any(name == f"{prefix}/{key}" for name, _, _ in self.bucket.objects())
        return (self.folder / "artifacts" / key).exists()

    def put_object(self, key, content):
        """Puts something into the store that nobody asked for."""
        if self.bucket:
            prefix = self.artifacts_url.removeprefix(f"s3://{self.bucket.name}/")
            self.bucket.put_object(f"{prefix}/{key}", content)
            return
        path = self.folder / "artifacts" / key
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(content)

    def create(self, request, key=None):
        """Makes a job, and gives its number; it is written down once it is accepted."""
        arguments = ["jobs", "create", request["subject"], "--format", request["format"]]
        for option in ("sort", "where", "compress"):
            if request.get(option):
                arguments += [f"--{option}", request[option]]
        if key:
            arguments += ["--idempotency-key", key]
        code, out, errors = self.cli(*arguments)
        if code != 0:
            self.history.add("create_unknown", key=key, request=request, errors=errors[-300:])
            return None
        job = json.loads(out)["id"]
        self.history.add("create", job=job, key=key, request=request)
        return job

    def end(self):
        for member in self.crew:
            member.end()
        # A scene that failed may have left some standing still.
        for member in self.members:
            if member.process and not member.has_died():
                member.kill()
        self.history.close()
