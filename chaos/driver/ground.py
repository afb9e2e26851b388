"""What rigs stand on: the folder, the source databases, and control databases of their own."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from . import sources
from .bucket import ACCESS_KEY, REGION, SECRET, Bucket
from .rig import Rig
from .servers import MariaDb, Postgres

CHECKER = pathlib.Path(__file__).parent.parent / "checker.py"


def bucket_environment():
    """How the checker signs its requests."""
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION}
    return {**os.environ, **keys}


class Ground:
    def __init__(self, folder, binary, lease_seconds):
        self._own, self.is_kept, self.control = None, folder is not None, {}
        if folder is None:
            self._own = tempfile.TemporaryDirectory(prefix="tidegate-chaos-")
            folder = self._own.name
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        # The server's account has to come in.
        self.folder.chmod(0o755)
        self.binary, self.lease_seconds = pathlib.Path(binary).resolve(), lease_seconds
        self.servers, self.buckets, self.rigs = [], [], []
        server = self.postgres("source")
        self.source_conninfo = server.conninfo("source")
        self.maria = MariaDb(self.folder / "mariadb-source")
        self.servers.append(self.maria)
        self.source_urls = {
            "lite": f"sqlite:{self.folder}/source.db", "server": server.database("source"),
            "maria": self.maria.database("source")}
        sources.make_sqlite(self.folder / "source.db")
        sources.make_postgres(self.source_conninfo)
        sources.make_mariadb(self.maria.connect("source"))

    def postgres(self, name):
        server = Postgres(self.folder / f"postgres-{name}")
        self.servers.append(server)
        return server

    def rig(self, kind, name=None, **more):
        """A rig by its kind: `sqlite-folder`, `postgres-s3`, …"""
        control, store = kind.split("-")
        name = name or kind
        server = None
        if control == "postgres":
            # One server for all chapters of a kind: they follow one another.
            if kind not in self.control:
                self.control[kind] = self.postgres(kind)
            server = self.control[kind]
        bucket = None
        if store == "s3":
            bucket = Bucket(self.folder / f"{name}-s3")
            self.buckets.append(bucket)
        more = {"lease_seconds": self.lease_seconds, **more}
        rig = Rig(name, self.folder / name, self.binary, server, bucket, self.source_urls, **more)
        self.rigs.append(rig)
        return rig

    def release(self, rig):
        while rig.at_end:
            rig.at_end.pop()()

    def clear(self, rig):
        """Removes a rig that has ended."""
        self.release(rig)
        if rig.server:
            rig.server.drop(rig.database)
        if rig.bucket:
            self.buckets.remove(rig.bucket)
            rig.bucket.end()
        shutil.rmtree(rig.folder)

    def check(self, rig, *more):
        """Runs the checker over what a rig left behind; it is a program of its own."""
        control = rig.server.conninfo(rig.database) if rig.server else rig.control_url
        command = [
            sys.executable, str(CHECKER), "--control", control, "--artifacts", rig.artifacts_url,
            "--source", f"lite={self.source_urls['lite']}",
            "--source", f"server={self.source_conninfo}",
            "--source", f"maria=mysql:{self.maria.socket}:source",
            "--history", str(rig.history.path), "--lease-seconds", str(rig.lease_seconds), *more]
        if rig.is_swept:
            command.append("--swept")
        if (rig.folder / "trace").exists():
            command += ["--trace", str(rig.folder / "trace")]
        if rig.bucket:
            command += ["--s3-endpoint", rig.bucket.endpoint]
        done = subprocess.run(command, env=bucket_environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True)
        if done.stderr:
            print(done.stderr, file=sys.stderr)
        return done.returncode, done.stdout

    def end(self):
        for rig in self.rigs:
            self.release(rig)
        for bucket in self.buckets:
            bucket.end()
        for server in self.servers:
            server.remove()
        if self._own:
            self._own.cleanup()
