"""Makes work for a rig through the command line, as many operators would, and remembers it."""

import hashlib
import json
import random
import subprocess
import threading
import time

from .servers import wait_until
from .sources import SOURCES

FORMATS = ["csv", "csv", "json", "ndjson", "xml", "xlsx", "parquet"]
# Open jobs that a rig is kept at: enough that there is always a build to kill.
OPEN_JOBS = 6
# How often the subjects are small, small and slow, large.
TABLE_WEIGHTS = (3, 5, 3)
# Times that a request is sent again while nobody answers it: a database may be away.
SENDINGS_MAX = 60
RESEND_PAUSE = 0.5
# Of a hundred requests, how many are killed on their way.
KILLED_PERCENT = 5
# Pause between two downloads, and of a hundred how many are killed on their way.
DOWNLOAD_PAUSE = (0.2, 0.8)
DOWNLOADS_KILLED_PERCENT = 30
# How long a download that is killed may live: most of them end within that.
DOWNLOAD_LIFE = (0.01, 0.12)
# Longest that one takes to come to its first byte while databases and stores fail.
DOWNLOAD_SECONDS_MAX = 120
# Newest files among which one is downloaded.
DOWNLOADABLE = 20
# How long files are kept for days, and then for no time at all: what is made meanwhile expires.
KEPT_SECONDS = (4, 8)
UNKEPT_SECONDS = (1, 3)


class Load(threading.Thread):
    """One operator who never tires."""

    def __init__(self, rig, seed, pause=0):
        super().__init__(name=f"load-{rig.name}", daemon=True)
        self.rig, self.chance, self.pause = rig, random.Random(seed), pause
        self.over = threading.Event()
        self.failure = None
        self.made = []
        self.ended = set()

    def run(self):
        try:
            while not self.over.wait(self.pause):
                self.step()
        except BaseException as error:
            self.failure = error
            raise

    def stop(self):
        self.over.set()
        self.join()
        if self.failure:
            raise self.failure

    def step(self):
        if self.open_jobs() >= OPEN_JOBS:
            time.sleep(0.05)
            return
        draw = self.chance.random()
        if draw < 0.10 and self.made:
            self.rerun(self.chance.choice(self.made[-50:]))
        elif draw < 0.20 and self.made:
            self.delete()
        else:
            self.create()

    def open_jobs(self):
        try:
            return self.rig.open_jobs()
        except Exception:  # The database is away: nothing can be asked for either.
            return OPEN_JOBS

    def request(self):
        size = self.chance.choices(["small", "steady", "large"], TABLE_WEIGHTS)[0]
        request = {
            "subject": f"{size}_{self.chance.choice(SOURCES)}",
            "format": self.chance.choice(FORMATS),
        }
        if self.chance.random() < 0.7:
            request["sort"] = self.chance.choice(["id", "-id"])
        if self.chance.random() < 0.3:
            condition = {"field": "amount", "op": "gte", "value": self.chance.choice([0, 10**11])}
            request["where"] = json.dumps(condition)
        if request["format"] == "csv" and self.chance.random() < 0.3:
            request["compress"] = "gzip"
        return request

    def create(self):
        key = f"{self.rig.name}-{self.chance.getrandbits(64):x}"
        request = self.request()
        is_killed = self.chance.randrange(100) < KILLED_PERCENT
        if is_killed:
            self.kill_on_its_way(request, key)
        for _ in range(SENDINGS_MAX):
            job = self.rig.create(request, key)
            if job is not None:
                self.made.append(job)
                if self.chance.random() < 0.3:
                    self.cancel_soon(job)
                return
            if self.over.wait(RESEND_PAUSE):
                return

    def kill_on_its_way(self, request, key):
        """Kills the command that makes a job; the same key then makes the same one."""
        self.rig.history.add("cli_killed", key=key, request=request)
        command = [self.rig.binary, "jobs", "create", request["subject"], "--format",
                   request["format"], "--idempotency-key", key]
        for option in ("sort", "where", "compress"):
            if request.get(option):
                command += [f"--{option}", request[option]]
        process = subprocess.Popen(
            command, env=self.rig.environment, cwd=self.rig.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.chance.random() * 0.15)
        process.kill()
        process.wait()

    def cancel_soon(self, job):
        if self.over.wait(self.chance.random() * 0.3):
            return
        self.tell("cancel", job)

    def delete(self):
        job = self.chance.choice(self.made[-50:])
        if job not in self.ended:
            self.tell("delete", job)

    def tell(self, word, job):
        code, _, errors = self.rig.cli("jobs", word, str(job))
        if code == 0:
            self.ended.add(job)
            self.rig.history.add(word, job=job)
        else:
            # It was over already, or the database was away: nothing was promised.
            self.rig.history.add(f"{word}_refused", job=job, errors=errors[-300:])

    def rerun(self, of):
        code, out, errors = self.rig.cli("jobs", "rerun", str(of))
        if code != 0:
            self.rig.history.add("rerun_unknown", of=of, errors=errors[-300:])
            return
        job = json.loads(out)["id"]
        self.rig.history.add("rerun", job=job, of=of, request=self.request_of(of))
        self.made.append(job)

    def request_of(self, job):
        return self.requests()[job]

    def requests(self):
        with open(self.rig.history.path) as file:
            events = [json.loads(line) for line in file]
        return {event["job"]: event["request"] for event in events
                if event["event"] in ("create", "rerun")}


def is_standing(process):
    """Whether a process has stopped or ended."""
    if process.poll() is not None:
        return True
    with open(f"/proc/{process.pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "T"


class Downloads(threading.Thread):
    """Somebody who downloads what is ready, and does not always wait for the end."""

    def __init__(self, rig, seed):
        super().__init__(name=f"downloads-{rig.name}", daemon=True)
        self.rig, self.chance = rig, random.Random(seed)
        self.over = threading.Event()
        self.path = rig.folder / "download"

    def run(self):
        while not self.over.wait(self.chance.uniform(*DOWNLOAD_PAUSE)):
            try:
                ready = self.rig.rows("select id from jobs where status = 'ready' "
                                      f"order by id desc limit {DOWNLOADABLE}")
            except Exception:  # The database is away.
                continue
            if ready:
                self.download(self.chance.choice(ready)[0])

    def download(self, job):
        self.path.unlink(missing_ok=True)
        command = [self.rig.binary, "jobs", "download", str(job), "--output", str(self.path)]
        is_killed = self.chance.randrange(100) < DOWNLOADS_KILLED_PERCENT
        # One half of them right behind the entry of their start.
        stop_at = {"TIDEGATE_STOP_AT": "send"} if is_killed and self.chance.random() < 0.5 else {}
        process = subprocess.Popen(
            command, env={**self.rig.environment, **stop_at}, cwd=self.rig.folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)
        if stop_at:
            wait_until(lambda: is_standing(process), DOWNLOAD_SECONDS_MAX, "a download stops")
        if is_killed:
            time.sleep(self.chance.uniform(*DOWNLOAD_LIFE))
            process.kill()
        errors = process.communicate()[1]
        if process.returncode == 0:
            content = self.path.read_bytes()
            self.rig.history.add("download", job=job, bytes=len(content),
                                 sha256=hashlib.sha256(content).hexdigest())
        elif process.returncode < 0:
            self.rig.history.add("download_killed", job=job)
        else:
            # It is gone meanwhile, or something is away.
            self.rig.history.add("download_failed", job=job, errors=errors[-300:])

    def stop(self):
        self.over.set()
        self.join()


class Retention(threading.Thread):
    """Somebody who changes his mind about how long files are kept."""

    def __init__(self, rig, seed):
        super().__init__(name=f"retention-{rig.name}", daemon=True)
        self.rig, self.chance = rig, random.Random(seed)
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.chance.uniform(*KEPT_SECONDS)):
            self.set(0)
            self.over.wait(self.chance.uniform(*UNKEPT_SECONDS))
            self.set(7)

    def set(self, days):
        try:
            self.rig.set(retention_days=days)
        except Exception:  # The database is away: then it stays as it is for a while.
            return
        self.rig.history.add("retention", days=days)

    def stop(self):
        self.over.set()
        self.join()


class Watch(threading.Thread):
    """Writes down what can be seen of the jobs, from outside."""

    SEEN = ("select id, status, attempt, progress from jobs "
            "where status in ('pending', 'building') or id > %s order by id")

    def __init__(self, rig):
        super().__init__(name=f"watch-{rig.name}", daemon=True)
        self.rig = rig
        self.over = threading.Event()
        self.last = {}
        self.purged = set()

    def run(self):
        while not self.over.wait(0.15):
            try:
                self.look()
            except Exception:  # The database is away.
                continue

    def look(self):
        newest = max(self.last, default=0)
        for number, status, attempt, progress in self.rig.rows(self.SEEN, newest - 20):
            now = (status, attempt, progress)
            if self.last.get(number) != now:
                self.last[number] = now
                self.rig.history.add("seen", job=number, status=status, attempt=attempt,
                                     progress=progress)
        purged = self.rig.rows("select id, artifact_key from jobs where purged_at is not null "
                               "and id > %s", newest - 200)
        for number, key in purged:
            if number not in self.purged:
                self.purged.add(number)
                left = [name for name in (key, f"{key}.manifest.json")
                        if self.rig.has_object(name)]
                self.rig.history.add("seen_purged", job=number, left=left)

    def stop(self):
        self.over.set()
        self.join()
