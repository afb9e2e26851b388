"""The processes of a rig: started, killed, stopped, and started again."""

import signal
import subprocess
import threading
import time

from .servers import wait_until

READY_SECONDS_MAX = 60


class Member:
    """A place in the crew, which one process after the other takes."""

    def __init__(self, rig, command, host):
        self.rig, self.command, self.host = rig, command, host
        self.process = None
        rig.members.append(self)
        self.lock = threading.Lock()

    def start(self, stop_at=None, under=(), environment=()):
        environment = {**self.rig.environment, "TIDEGATE__WORKER__HOST_ID": self.host,
                       **dict(environment)}
        if stop_at:
            environment["TIDEGATE_STOP_AT"] = stop_at
        log = open(self.log_path(), "ab")
        self.log_start = log.tell()
        self.process = subprocess.Popen(
            [*under, self.rig.binary, self.command], env=environment, cwd=self.rig.folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        self.rig.history.add("start", pid=self.process.pid, command=self.command, host=self.host,
                             stop_at=stop_at)

    def log_path(self):
        return self.rig.folder / f"{self.command}-{self.host}.log"

    def is_ready(self):
        with open(self.log_path(), "rb") as log:
            log.seek(self.log_start)
            return b"tidegate: ready" in log.read()

    def send(self, number):
        self.rig.history.add(signal.Signals(number).name.lower(), pid=self.process.pid,
                             command=self.command, host=self.host)
        self.process.send_signal(number)

    def kill(self):
        """Kills it, and gives its number and the moment."""
        pid, at = self.process.pid, time.time()
        self.send(signal.SIGKILL)
        self.process.wait()
        return pid, at

    def end(self):
        """Ends it as a service manager would."""
        if self.process and self.process.poll() is None:
            self.send(signal.SIGTERM)
            self.send(signal.SIGCONT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()

    def is_stopped(self):
        """Whether it has stopped itself."""
        try:
            with open(f"/proc/{self.process.pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0] == "T"
        except FileNotFoundError:
            return False

    def wait_stopped(self, seconds):
        return wait_until(self.is_stopped, seconds, f"{self.command} comes to its point")

    def has_died(self):
        return self.process.poll() is not None

    def anonymous_bytes(self):
        """Memory that is its own: neither its program nor files that it looks into."""
        with open(f"/proc/{self.process.pid}/status") as file:
            lines = dict(line.split(":", 1) for line in file)
        return int(lines["RssAnon"].split()[0]) << 10
