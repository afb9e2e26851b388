#!/usr/bin/env python3
"""Checks what a rig has left behind against what it was asked: database, artifacts, history.

It imports nothing of Tidegate and nothing of the driver. It knows the control database's tables,
the shape of an entry and of a manifest, and computes everything else from the sources again.

    checker.py --control URL --artifacts URL --source NAME=URL --history FILE [--trace FILE]

It prints its counts as JSON and each fault on a line of its own, and exits with 1 if there is one.
"""

import argparse
import collections
import csv
import gzip
import hashlib
import hmac
import io
import json
import os
import pathlib
import re
import sqlite3
import sys
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as ElementTree
import zipfile
from datetime import datetime, timezone

import withdrawn

FIRST_HASH = "0" * 64
FINAL = {"ready", "failed", "cancelled", "expired", "deleted"}
HAS_FILE = {"ready", "expired", "deleted"}
LEGAL = {
    ("pending", "building"), ("building", "ready"), ("building", "failed"),
    ("pending", "failed"), ("pending", "cancelled"), ("building", "cancelled"),
    ("ready", "expired"), ("ready", "deleted"),
}
# Which entries a transition may stand beside; a cancelled job may have been cancelled at once, in
# the same transaction as it was asked for.
ENTRIES_OF = {
    "building": {"job.claimed"}, "ready": {"job.ready"},
    "failed": {"job.failed", "approval.voided"},
    "cancelled": {"job.cancelled", "export.cancel_requested"},
    "expired": {"job.expired"}, "deleted": {"artifact.deleted"},
}
RELEASES = {"job.rescued", "job.retried", "job.handed_back"}
# What says whose the store is; it is of no job.
STORE_IDENTITY = "tidegate-store.json"
# Seconds by which an attempt may seem to begin after the blow that ended it: a claim that was on
# its way to the database's server.
CLOCK_SLACK = 1
# Longest list of one kind of fault that is printed.
PRINTED_MAX = 12


class Checker:
    def __init__(self, arguments):
        self.arguments = arguments
        self.faults = collections.defaultdict(list)
        self.counts = collections.Counter()
        self.control = Rows(arguments.control)
        self.store = store_of(arguments)
        self.history = [json.loads(line) for line in open(arguments.history)]
        self.oracle = Oracle(dict(pair.split("=", 1) for pair in arguments.source))

    def fault(self, rule, text):
        self.faults[rule].append(text)

    def run(self):
        self.read()
        self.check_accepted()
        self.check_orders()
        self.check_transitions()
        self.check_attempts()
        self.check_chain()
        self.check_effects()
        self.check_holders()
        self.check_lost()
        self.check_downloads()
        self.check_ended()
        self.check_seen()
        self.check_files()
        self.check_unreferenced()
        withdrawn.check(self)
        for trace in self.arguments.trace or []:
            self.check_trace(trace)
        return self.report()

    def read(self):
        self.jobs = {job["id"]: job for job in self.control.all("select * from jobs")}
        self.attempts = collections.defaultdict(list)
        for attempt in self.control.all("select * from attempts order by job_id, attempt"):
            self.attempts[attempt["job_id"]].append(attempt)
        self.transitions = collections.defaultdict(list)
        for transition in self.control.all("select * from transitions order by id"):
            self.transitions[transition["job_id"]].append(transition)
        self.activity = self.control.all("select * from activity order by seq")
        self.entries = collections.defaultdict(list)
        for row in self.activity:
            if row["job_id"] is not None and row["outcome"] == "done":
                self.entries[row["job_id"]].append(row)
        self.keys = {row["key"]: row["job_id"]
                     for row in self.control.all("select key, job_id from idempotency")}
        self.asked = {}
        for event in self.history:
            if event["event"] in ("create", "rerun"):
                self.asked[event["job"]] = event
        self.counts.update(jobs=len(self.jobs), entries=len(self.activity),
                           accepted=len(self.asked))
        for job in self.jobs.values():
            self.counts["status " + job["status"]] += 1
        for event in self.history:
            if event["event"] in ("sigkill", "sigstop", "crash", "cli_killed", "store_fault",
                                  "download_killed", "download_failed"):
                self.counts[event["event"]] += 1

    # --- What was promised --------------------------------------------------------------------

    def check_accepted(self):
        """Every accepted job is there, is over, and is the only one of its request."""
        for number, event in self.asked.items():
            job = self.jobs.get(number)
            if job is None:
                self.fault("lost", f"job {number} was accepted and is not there")
                continue
            request = event["request"]
            if (job["subject"], job["format"]) != (request["subject"], request["format"]):
                self.fault("changed", f"job {number} is not what was asked for")
            key = event.get("key")
            if key and self.keys.get(key) != number:
                self.fault("changed", f"job {number} is not the one of its idempotency key")
        for number, job in self.jobs.items():
            if job["status"] not in FINAL:
                self.fault("not over", f"job {number} is {job['status']} after the quiet period")
        self.check_unasked()

    def check_unasked(self):
        """A job that nobody remembers was asked for by a request whose answer was lost."""
        unknown = {event["key"]: event for event in self.history
                   if event["event"] in ("create_unknown", "cli_killed") and event.get("key")}
        jobs_of_key = {number: key for key, number in self.keys.items()}
        rerun = {event["of"] for event in self.history if event["event"] == "rerun_unknown"}
        scheduled = {event["schedule"]: event for event in self.history
                     if event["event"] == "schedule"}
        for number, job in self.jobs.items():
            if number in self.asked:
                continue
            key = jobs_of_key.get(number)
            if key in unknown:
                self.asked[number] = unknown[key]
            elif job["rerun_of"] in rerun and job["rerun_of"] in self.asked:
                self.asked[number] = self.asked[job["rerun_of"]]
            elif job["schedule_id"] in scheduled:
                self.asked[number] = scheduled[job["schedule_id"]]
            else:
                self.fault("unasked", f"job {number} was never asked for")

    def check_orders(self):
        """What was answered with yes was done: cancelled jobs get no file, deleted ones lose it."""
        for event in self.history:
            job = self.jobs.get(event.get("job"))
            if event["event"] == "cancel" and job and job["status"] not in ("cancelled", "failed"):
                self.fault("cancel broken",
                           f"job {job['id']} was cancelled and is {job['status']}")
            if event["event"] == "delete" and job and job["status"] != "deleted":
                self.fault("delete broken", f"job {job['id']} was deleted and is {job['status']}")
            if event["event"] in ("cancel", "delete"):
                self.counts["accepted " + event["event"]] += 1

    # --- The life of each job -----------------------------------------------------------------

    def check_transitions(self):
        for number, job in self.jobs.items():
            status = "pending"
            for transition in self.transitions[number]:
                step = (transition["status_from"], transition["status_to"])
                if step not in LEGAL or step[0] != status:
                    self.fault("transition", f"job {number}: {status}, then {step[0]} to {step[1]}")
                status = step[1]
                self.counts["transitions"] += 1
            if status != job["status"]:
                self.fault("transition", f"job {number} is {job['status']}, its record ends "
                                         f"with {status}")

    def check_attempts(self):
        for number, job in self.jobs.items():
            attempts = self.attempts[number]
            if [one["attempt"] for one in attempts] != list(range(1, job["attempt"] + 1)):
                self.fault("attempt", f"job {number}: attempts are not numbered 1 to "
                                      f"{job['attempt']}")
            published = [one for one in attempts if one["outcome"] == "published"]
            for one in attempts:
                self.counts["attempts"] += 1
                self.counts["attempt " + (one["outcome"] or "open")] += 1
                if job["status"] in FINAL and one["ended_at"] is None:
                    self.fault("attempt", f"job {number}: attempt {one['attempt']} is open")
            if job["status"] in HAS_FILE:
                keys = [one["object_key"] for one in published]
                if keys != [job["artifact_key"]]:
                    self.fault("publish", f"job {number} shows a file of attempts {keys}")
            elif published:
                self.fault("publish", f"job {number} is {job['status']} and was published")

    # --- The activity log ---------------------------------------------------------------------

    def check_chain(self):
        head, seq = FIRST_HASH, 0
        for row in self.activity:
            seq += 1
            digest = hashlib.sha256(row["entry"].encode()).hexdigest()
            entry = json.loads(row["entry"])
            if row["seq"] != seq or entry["seq"] != seq:
                self.fault("chain", f"entry {row['seq']} stands at place {seq}")
                seq = row["seq"]
            if row["hash"] != digest or row["prev"] != head or entry["prev"] != head:
                self.fault("chain", f"entry {seq} does not fit into the chain")
            if (entry["action"], entry["job"], entry["commit"]) != (
                    row["action"], row["job_id"], row["commit_id"]):
                self.fault("chain", f"entry {seq}: its columns do not say what its text says")
            head = row["hash"]
        last = self.control.all("select seq, hash from activity_head")[0]
        if (last["seq"], last["hash"]) != (seq, head):
            self.fault("chain", f"its head is at {last['seq']}, its last entry is {seq}")

    def check_effects(self):
        """Each effect has one entry, and each entry its effect."""
        actions = {row["seq"]: row for row in self.activity}
        for number, job in self.jobs.items():
            count = collections.Counter(row["action"] for row in self.entries[number])
            words = ("export.created", "export.rerun", "schedule.fired", "schedule.run")
            made = sum(count[word] for word in words)
            expected = {
                "created": (made, 1),
                "job.claimed": (count["job.claimed"], len(self.attempts[number])),
                "job.ready": (count["job.ready"], int(job["status"] in HAS_FILE)),
                "job.failed": (count["job.failed"], int(job["status"] == "failed")),
                "job.cancelled": (count["job.cancelled"], int(job["status"] == "cancelled")),
                "job.expired": (count["job.expired"], int(job["status"] == "expired")),
                "artifact.deleted": (count["artifact.deleted"], int(job["status"] == "deleted")),
                "artifact.purged": (count["artifact.purged"], int(job["purged_at"] is not None)),
            }
            for what, (found, wanted) in expected.items():
                if found != wanted:
                    self.fault("effect", f"job {number}: {found} entries `{what}`, not {wanted}")
            for transition in self.transitions[number]:
                row = actions.get(transition["activity_seq"])
                allowed = ENTRIES_OF[transition["status_to"]]
                if row is None or row["job_id"] != number or row["action"] not in allowed:
                    said = row and f"`{row['action']}` of job {row['job_id']}"
                    self.fault("effect", f"job {number} became {transition['status_to']} with "
                                         f"entry {transition['activity_seq']}, which is {said}")

    def check_holders(self):
        """Only who holds the lease ends an attempt, and nobody takes a lease that is alive."""
        lease = self.arguments.lease_seconds
        for number, entries in self.entries.items():
            holder, since, cancelled = None, 0, None
            for row in entries:
                entry = json.loads(row["entry"])
                at = datetime.fromisoformat(entry["at"]).timestamp()
                action = row["action"]
                if action == "job.claimed":
                    if holder and at - since < lease - 0.001:
                        self.fault("lease stolen", f"job {number}: {row['name']} took it after "
                                   f"{at - since:.3f} s, no lease is that short")
                    self.counts["take-overs"] += bool(holder)
                    holder, since = row["name"], at
                elif action == "job.ready":
                    if row["name"] != holder:
                        self.fault("publish", f"job {number} was published by {row['name']}, and "
                                              f"{holder} held it")
                    if cancelled is not None:
                        self.fault("cancel broken", f"job {number} was published by entry "
                                   f"{row['seq']}, after it was cancelled by {cancelled}")
                    holder = None
                elif action == "export.cancel_requested":
                    cancelled = row["seq"]
                elif action in RELEASES | {"job.failed", "job.cancelled"}:
                    self.counts["rescues"] += action == "job.rescued"
                    holder = None

    def check_lost(self):
        """An attempt is lost because its worker was killed, stood still, or nobody could write."""
        struck, away = collections.defaultdict(list), []
        for event in self.history:
            name, at = event["event"], event["at"]
            if name in ("sigkill", "died"):
                struck[event["pid"]].append(("killed", at))
            elif name == "sigstop":
                struck[event["pid"]].append(("stopped", at))
                # On SQLite it may have been writing, and then all others waited for it.
                if self.control.is_sqlite:
                    away.append(at)
            elif name == "crash":
                away.append(at)
        for number, attempts in self.attempts.items():
            for one in attempts:
                # The last one of a job that is given up has the job's reason.
                if one["outcome"] not in ("lost", "worker_lost"):
                    continue
                pid = int(one["worker"].rsplit("-", 2)[1])
                since, until = one["started_at"] / 1e6 - CLOCK_SLACK, one["ended_at"] / 1e6
                why = [what for what, at in struck[pid] if since <= at <= until]
                if not why and any(since <= at <= until for at in away):
                    why = ["not able to write"]
                self.counts["attempts lost, worker " + (why[0] if why else "alive")] += 1
                if not why:
                    self.fault("false reclaim", f"job {number} was taken from {one['worker']} in "
                               f"attempt {one['attempt']}, which was alive")
        for number, job in self.jobs.items():
            if job["status"] != "failed":
                continue
            self.counts["failed, " + job["error_reason"]] += 1
            ends = collections.Counter(one["outcome"] for one in self.attempts[number])
            if job["error_reason"] == "worker_lost" and (
                    job["attempts_spent"] < job["attempts_max"]
                    or ends["lost"] + ends["worker_lost"] == 0):
                self.fault("false reclaim", f"job {number} failed as its workers were lost, in "
                           f"attempts {dict(ends)} of {job['attempts_max']}")

    # --- Downloads and the end of files -------------------------------------------------------

    def check_downloads(self):
        """A download is two entries; the second is missing only where its process was killed."""
        told, got = collections.defaultdict(collections.Counter), []
        for event in self.history:
            if event["event"].startswith("download"):
                told[event["job"]][event["event"]] += 1
            if event["event"] == "download":
                got.append(event)
        for number, entries in self.entries.items():
            begun, whole = {}, 0
            for row in entries:
                details = json.loads(row["entry"])["details"]
                if row["action"] == "download.started":
                    begun[row["seq"]] = (row["operator_id"], details["link"])
                    self.counts["downloads started"] += 1
                elif row["action"] == "download.finished":
                    self.counts["downloads finished"] += 1
                    if begun.pop(details["started"], None) != (row["operator_id"], details["link"]):
                        self.fault("download", f"job {number}: entry {row['seq']} ends a download "
                                   f"that is not under way: {details['started']}")
                    is_all = details["bytes"] == self.jobs[number]["size_bytes"]
                    if details["is_whole"] != is_all:
                        self.fault("download", f"job {number}: entry {row['seq']} says "
                                   f"{details['bytes']} bytes, is_whole: {details['is_whole']}")
                    whole += is_all
            killed = told[number]["download_killed"]
            self.counts["downloads not finished, killed"] += len(begun)
            if len(begun) > killed:
                self.fault("download", f"job {number}: {len(begun)} downloads never ended, and "
                                       f"{killed} were killed")
            if told[number]["download"] > whole:
                self.fault("download", f"job {number} was downloaded {told[number]['download']} "
                                       f"times, {whole} of them are in the log")
        for event in got:
            job = self.jobs[event["job"]]
            self.counts["downloads compared"] += 1
            if (event["sha256"], event["bytes"]) != (job["sha256"], job["size_bytes"]):
                self.fault("download", f"job {job['id']}: what was downloaded is not its file")

    def check_ended(self):
        """A file ends when its time has come, not before; it is called purged once it is gone."""
        keys = set(self.store.keys())
        last = max((row["at"] for row in self.activity), default=0)
        for number, job in self.jobs.items():
            for row in self.entries[number]:
                if row["action"] == "job.expired" and row["at"] < job["expires_at"]:
                    self.fault("expiry", f"job {number} expired before its time")
            if job["status"] == "ready" and self.arguments.swept and job["expires_at"] < last:
                self.fault("expiry", f"job {number} is ready, and should have expired")
            if job["status"] not in ("expired", "deleted"):
                continue
            if job["purged_at"] is None:
                if self.arguments.swept:
                    self.fault("purge", f"job {number} is {job['status']} and not purged")
                continue
            self.counts["purged, " + job["status"]] += 1
            for key in (job["artifact_key"], manifest_key(job["artifact_key"])):
                if key in keys:
                    self.fault("purge", f"job {number} is purged, and `{key}` is there")
        for event in self.history:
            if event["event"] == "seen_purged":
                self.counts["purges seen"] += 1
                for key in event["left"]:
                    self.fault("purge", f"job {event['job']} was purged while `{key}` was there")

    # --- What was seen meanwhile --------------------------------------------------------------

    def check_seen(self):
        """Progress of an attempt only grows, is whole with the file, and no state goes back."""
        before = {}
        for event in self.history:
            if event["event"] != "seen":
                continue
            self.counts["seen"] += 1
            number, now = event["job"], (event["status"], event["attempt"], event["progress"])
            if now[2] == 100 and now[0] not in HAS_FILE:
                self.fault("progress", f"job {number} was at 100 % and {now[0]}")
            status, attempt, progress = before.get(number, ("pending", 0, 0))
            if status in FINAL and now[0] != status and (status, now[0]) not in LEGAL:
                self.fault("transition", f"job {number} was {status}, and then {now[0]}")
            if now[1] < attempt or (now[1] == attempt and now[2] < progress):
                self.fault("progress", f"job {number} went back from {progress} % of attempt "
                                       f"{attempt} to {now[2]} % of attempt {now[1]}")
            before[number] = now

    # --- The files ----------------------------------------------------------------------------

    def check_files(self):
        for number, job in self.jobs.items():
            if job["status"] != "ready":
                continue
            key = job["artifact_key"]
            content = self.store.get(key)
            if content is None:
                self.fault("file", f"job {number}: `{key}` is not there")
                continue
            self.counts["files"] += 1
            self.counts["file bytes"] += len(content)
            digest = hashlib.sha256(content).hexdigest()
            if (digest, len(content)) != (job["sha256"], job["size_bytes"]):
                self.fault("file", f"job {number}: `{key}` is not what was published")
            self.check_manifest(number, job, digest, len(content))
            event = self.asked.get(number)
            if event is None:
                continue
            told = self.oracle.complaint(event["request"], content, digest)
            if told:
                self.fault("file", f"job {number}: {told}")
            if job["rows_done"] != self.oracle.count(event["request"]):
                self.fault("file", f"job {number} says {job['rows_done']} rows")
        for spec, _ in self.oracle.verdicts:
            self.counts["files parsed, " + json.loads(spec)["format"]] += 1

    def check_manifest(self, number, job, digest, size):
        content = self.store.get(manifest_key(job["artifact_key"]))
        if content is None:
            self.fault("manifest", f"job {number}: there is no manifest")
            return
        try:
            manifest = json.loads(content)
            # A signed one holds the document as the text that was signed.
            while isinstance(manifest.get("manifest"), (str, dict)):
                inner = manifest["manifest"]
                manifest = json.loads(inner) if isinstance(inner, str) else inner
            found = manifest["artifact"]
            said = (found["sha256"], found["bytes"], found["name"], manifest["rows"])
        except (ValueError, KeyError, AttributeError) as error:
            self.fault("manifest", f"job {number}: its manifest cannot be read: {error!r}")
            return
        if said != (digest, size, job["file_name"], job["rows_done"]):
            self.fault("manifest", f"job {number}: its manifest says {said}")
        self.counts["manifests"] += 1

    def check_unreferenced(self):
        """Nothing lies in the store that no job shows; before the sweep has been, it is counted."""
        shown = set()
        for job in self.jobs.values():
            if job["artifact_key"] and job["purged_at"] is None:
                shown |= {job["artifact_key"], manifest_key(job["artifact_key"])}
        for key in self.store.keys():
            self.counts["objects"] += 1
            if key not in shown and key != STORE_IDENTITY:
                self.counts["unreferenced objects"] += 1
                if self.arguments.swept:
                    self.fault("unreferenced", f"`{key}` is of no use and still there")
        unfinished = self.store.unfinished()
        self.counts["unfinished uploads"] = len(unfinished)
        if self.arguments.swept:
            for key in unfinished:
                self.fault("unreferenced", f"the upload of `{key}` was never ended")

    # --- What the kernel was told -------------------------------------------------------------

    def check_trace(self, path):
        """Before a file is published, it and its name have to be on the disk."""
        root = str(pathlib.Path(self.arguments.artifacts.removeprefix("file:")).resolve())
        by_digest = {job["sha256"]: job for job in self.jobs.values() if job["status"] in HAS_FILE}
        for told in not_durable(path, root, by_digest, self.counts):
            self.fault("not durable", told)

    def report(self):
        for rule, texts in sorted(self.faults.items()):
            for text in texts[:PRINTED_MAX]:
                print(f"FAULT {rule}: {text}")
            if len(texts) > PRINTED_MAX:
                print(f"FAULT {rule}: and {len(texts) - PRINTED_MAX} more")
        faults = {rule: len(texts) for rule, texts in sorted(self.faults.items())}
        print(json.dumps({"counts": dict(sorted(self.counts.items())), "faults": faults}))
        return 1 if faults else 0


def manifest_key(key):
    return f"{key}.manifest.json"


class Rows:
    """Rows of a database, each a dictionary."""

    def __init__(self, url):
        self.is_sqlite = url.startswith("sqlite:")
        if self.is_sqlite:
            path = url.removeprefix("sqlite:")
            self.connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)
            self.execute = self.connection.execute
        elif url.startswith("mysql:"):
            import pymysql
            _, socket, database = url.split(":")
            cursor = pymysql.connect(unix_socket=socket, user="root", database=database,
                                     charset="utf8mb4").cursor()
            self.execute = lambda sql: cursor.execute(sql) and None or cursor
        else:
            import psycopg
            self.connection = psycopg.connect(url, autocommit=True)
            self.execute = self.connection.execute

    def all(self, sql):
        cursor = self.execute(sql)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


# --- Artifact stores ------------------------------------------------------------------------------


def store_of(arguments):
    url = arguments.artifacts
    if url.startswith("file:"):
        return Folder(url.removeprefix("file:"))
    if url.startswith("s3://"):
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        return Bucket(arguments.s3_endpoint, bucket, prefix)
    raise SystemExit(f"no way to read the artifacts of `{url}`")


class Folder:
    def __init__(self, path):
        self.path = pathlib.Path(path)

    def get(self, key):
        try:
            return (self.path / key).read_bytes()
        except FileNotFoundError:
            return None

    def keys(self):
        return [str(path.relative_to(self.path))
                for path in sorted(self.path.rglob("*")) if path.is_file()]

    def unfinished(self):
        return [key for key in self.keys() if key.endswith(".part")]


class Bucket:
    """A bucket, read by requests that are signed here (AWS Signature Version 4)."""

    NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"

    def __init__(self, endpoint, bucket, prefix):
        self.endpoint, self.bucket = endpoint, bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self.key_id = os.environ["AWS_ACCESS_KEY_ID"]
        self.secret = os.environ["AWS_SECRET_ACCESS_KEY"]
        self.region = os.environ["AWS_REGION"]

    def ask(self, key="", **query):
        path = urllib.parse.quote(f"/{self.bucket}/{key}" if key else f"/{self.bucket}")
        pairs = sorted(query.items())
        text = "&".join(f"{urllib.parse.quote(name, safe='')}={urllib.parse.quote(value, safe='')}"
                        for name, value in pairs)
        now = datetime.now(timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        host = urllib.parse.urlsplit(self.endpoint).netloc
        nothing = hashlib.sha256(b"").hexdigest()
        heads = {"host": host, "x-amz-content-sha256": nothing, "x-amz-date": stamp}
        signed = ";".join(heads)
        canonical = "\n".join(["GET", path, text, *(f"{name}:{value}" for name, value in
                                                     heads.items()), "", signed, nothing])
        scope = f"{day}/{self.region}/s3/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key_bytes = f"AWS4{self.secret}".encode()
        for part in (day, self.region, "s3", "aws4_request"):
            key_bytes = hmac.digest(key_bytes, part.encode(), "sha256")
        signature = hmac.new(key_bytes, to_sign.encode(), "sha256").hexdigest()
        heads["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, "
                                  f"SignedHeaders={signed}, Signature={signature}")
        url = f"{self.endpoint}{path}" + (f"?{text}" if text else "")
        with urllib.request.urlopen(urllib.request.Request(url, headers=heads),
                                    timeout=60) as answer:
            return answer.read()

    def get(self, key):
        try:
            return self.ask(self.prefix + key)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def keys(self):
        more = {}
        while True:
            page = ElementTree.fromstring(self.ask(**{"list-type": "2", "prefix": self.prefix},
                                                   **more))
            for found in page.iter(f"{self.NAMESPACE}Key"):
                yield found.text.removeprefix(self.prefix)
            token = page.find(f"{self.NAMESPACE}NextContinuationToken")
            if token is None:
                return
            more = {"continuation-token": token.text}

    def unfinished(self):
        page = ElementTree.fromstring(self.ask(uploads=""))
        return [found.text for found in page.iter() if found.tag.endswith("}Key")
                or found.tag == "Key"]


# --- The oracle -----------------------------------------------------------------------------------


class Oracle:
    """What a file has to hold, by the source database."""

    def __init__(self, sources):
        self.sources = {name: Rows(url) for name, url in sources.items()}
        self.tables = {}
        # Files that were read already, by what was asked and by their digest.
        self.verdicts = {}

    def rows(self, request):
        table, source = request["subject"].split("_")
        where = request.get("where")
        sql = f"select id, name, note, amount from {table}"
        if where:
            condition = json.loads(where)
            operators = {"gte": ">=", "lt": "<", "eq": "="}
            sql += f" where {condition['field']} {operators[condition['op']]} "
            sql += str(int(condition["value"]))
        sql += " order by id" + (" desc" if request.get("sort") == "-id" else "")
        if (source, sql) not in self.tables:
            found = self.sources[source].all(sql)
            self.tables[source, sql] = [tuple(row.values()) for row in found]
        return self.tables[source, sql]

    def count(self, request):
        return len(self.rows(request))

    def complaint(self, request, content, digest):
        """What is wrong with a file, or nothing."""
        spec = json.dumps(request, sort_keys=True), digest
        if spec not in self.verdicts:
            self.verdicts[spec] = self._complaint(request, content)
        return self.verdicts[spec]

    def _complaint(self, request, content):
        try:
            if request.get("compress") == "gzip":
                content = gzip.decompress(content)
            found = READERS[request["format"]](content)
        except (ValueError, OSError, EOFError, KeyError, ElementTree.ParseError,
                zipfile.BadZipFile) as error:
            return f"its file cannot be read as {request['format']}: {error!r}"
        wanted = self.rows(request)
        if not request.get("sort"):
            found = sorted(found, key=lambda row: row[0])
        if len(found) != len(wanted):
            return f"its file has {len(found)} rows, the source {len(wanted)}"
        if found != wanted:
            at = next(at for at, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1])
            return f"row {at + 1} of its file is not the source's"
        return None


def read_csv(content):
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    if rows[0] != ["id", "name", "note", "amount"]:
        raise ValueError("another header")
    return [(int(i), name, note or None, int(amount)) for i, name, note, amount in rows[1:]]


def members(row):
    return (row["id"], row["name"], row["note"], row["amount"])


def read_json(content):
    document = json.loads(content)
    return [members(row) for row in document]


def read_ndjson(content):
    if content and not content.endswith(b"\n"):
        raise ValueError("its last line has no end")
    return [members(json.loads(line)) for line in content.decode().split("\n") if line]


def read_xml(content):
    rows = []
    for record in ElementTree.fromstring(content):
        cells = {cell.tag: cell.text for cell in record}
        rows.append((int(cells["id"]), cells["name"], cells.get("note"), int(cells["amount"])))
    return rows


SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_xlsx(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if archive.testzip() is not None:
            raise ValueError("a part is damaged")
        shared = []
        if "xl/sharedStrings.xml" in archive.namelist():
            strings = ElementTree.fromstring(archive.read("xl/sharedStrings.xml"))
            shared = ["".join(text.text or "" for text in one.iter(f"{SHEET}t")) for one in strings]
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
    rows = []
    for number, row in enumerate(sheet.iter(f"{SHEET}row")):
        cells = {}
        for place, cell in enumerate(row):
            column = re.match("[A-Z]+", cell.get("r") or "ABCD"[place]).group()
            if cell.get("t") == "inlineStr":
                cells[column] = "".join(text.text or "" for text in cell.iter(f"{SHEET}t"))
            elif (value := cell.find(f"{SHEET}v")) is not None:
                is_shared = cell.get("t") == "s"
                cells[column] = shared[int(value.text)] if is_shared else value.text
        if number > 0:
            rows.append((int(cells["A"]), cells["B"], cells.get("C"), int(cells["D"])))
    return rows


def read_parquet(content):
    import pyarrow.parquet
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    if table.column_names != ["id", "name", "note", "amount"]:
        raise ValueError("other columns")
    return list(zip(*(column.to_pylist() for column in table.columns)))


READERS = {
    "csv": read_csv, "json": read_json, "ndjson": read_ndjson, "xml": read_xml, "xlsx": read_xlsx,
    "parquet": read_parquet,
}


# --- Traces of system calls -----------------------------------------------------------------------

CALL = re.compile(r"^(?P<pid>\d+)\s+[\d.]+\s+(?P<name>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"^(?P<pid>\d+)\s+[\d.]+\s+<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$")
UNFINISHED = "<unfinished ...>"
# A descriptor with what it is open on: a file without a name is called by its inode.
DESCRIPTOR = re.compile(r"^(?P<number>\d+)<(?P<path>[^>]*)>(?:\(deleted\))?")
QUOTED = re.compile(r'(?:(?:AT_FDCWD|\d+)<(?P<folder>[^>]*)>, )?"(?P<name>[^"]*)"')
SYNCS = {"fsync", "fdatasync"}
WRITES = {"write", "pwrite64", "writev", "pwritev", "pwritev2"}
SENDS = WRITES | {"sendto", "sendmsg"}
LINKS = {"link", "linkat", "rename", "renameat", "renameat2"}


def calls(path):
    """Calls that ended well, at their ends: name, and the rest of the line."""
    begun = {}
    for line in open(path, errors="replace"):
        line = line.rstrip("\n")
        if match := RESUMED.match(line):
            name, rest = begun.pop(match["pid"], (None, ""))
            rest += match["rest"]
        elif match := CALL.match(line):
            name, rest = match["name"], match["rest"]
            if rest.endswith(UNFINISHED):
                begun[match["pid"]] = (name, rest.removesuffix(UNFINISHED))
                continue
        else:
            continue
        result = rest.rpartition(" = ")[2]
        if name and not result.startswith(("-1", "?")):
            yield name, rest


class Durability:
    """What of the files below a folder is on the disk, by what the kernel was told.

    A file is known by what it was open on when it was written; its names lead to that.
    """

    def __init__(self, root):
        self.root = root
        self.open_on, self.file_of_name = {}, {}
        self.dirty_files, self.dirty_names = set(), {}

    def take(self, name, rest):
        """Follows one call."""
        descriptor = DESCRIPTOR.match(rest)
        path = descriptor and descriptor["path"]
        if descriptor:
            self.open_on[descriptor["number"]] = path
        if path and name in SYNCS:
            self.dirty_files.discard(self.file_of_name.get(path, path))
            for named in [one for one, folder in self.dirty_names.items() if folder == path]:
                del self.dirty_names[named]
        elif path and name in WRITES and path.startswith(self.root + "/"):
            self.dirty_files.add(self.file_of_name.get(path, path))
        elif name in LINKS | {"mkdir", "mkdirat"}:
            self.take_name(name, rest)

    def take_name(self, call, rest):
        named = [str(pathlib.PurePath(match["folder"] or "/", match["name"]))
                 for match in QUOTED.finditer(rest)]
        if not named or not named[-1].startswith(self.root + "/"):
            return
        new = named[-1]
        self.dirty_names[new] = str(pathlib.PurePath(new).parent)
        if call in LINKS:
            old = named[0]
            if old.startswith("/proc/self/fd/"):
                old = self.open_on.get(old.rpartition("/")[2], old)
            self.file_of_name[new] = self.file_of_name.get(old, old)
            if call.startswith("rename"):
                self.file_of_name.pop(old, None)
                self.dirty_names.pop(old, None)

    def complaints(self, key):
        """Why a file may be lost if the machine stops now."""
        path = pathlib.PurePath(self.root, key)
        file = self.file_of_name.get(str(path), str(path))
        if file in self.dirty_files:
            yield f"bytes of `{key}` were not synced"
        for name in (path, *path.parents):
            if str(name) in self.dirty_names:
                yield f"the name of `{name.relative_to(self.root)}` was not synced in its folder"


def not_durable(path, root, by_digest, counts):
    """Goes up to where the digest of a file is first sent to the control database: that is its
    publication, and nothing of the file may be in the kernel's memory only."""
    durability, seen = Durability(root), set()
    for name, rest in calls(path):
        descriptor = DESCRIPTOR.match(rest)
        is_inside = descriptor and descriptor["path"].startswith(root)
        if name in SENDS and not is_inside:
            for digest, job in by_digest.items():
                if digest not in seen and digest in rest:
                    seen.add(digest)
                    counts["traced publications"] += 1
                    for key in (job["artifact_key"], manifest_key(job["artifact_key"])):
                        for complaint in durability.complaints(key):
                            yield f"job {job['id']} was published while {complaint}"
        durability.take(name, rest)
    for digest in by_digest.keys() - seen:
        yield f"job {by_digest[digest]['id']}: the trace does not show its publication"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--control", required=True, help="sqlite:PATH or what libpq takes")
    parser.add_argument("--artifacts", required=True, help="file:PATH or s3://BUCKET/PREFIX")
    parser.add_argument("--s3-endpoint", help="its keys are in AWS_ACCESS_KEY_ID and so on")
    parser.add_argument("--source", action="append", default=[], help="NAME=URL")
    parser.add_argument("--history", required=True)
    parser.add_argument("--lease-seconds", type=float, required=True)
    parser.add_argument("--swept", action="store_true",
                        help="the sweep has been, so that nothing unreferenced may be left")
    parser.add_argument("--trace", action="append", help="output of strace -f -ttt -y")
    sys.exit(Checker(parser.parse_args()).run())


if __name__ == "__main__":
    main()
