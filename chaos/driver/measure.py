"""Takes times: of a reclaim, a cancellation, a thousand small jobs; counts false reclaims."""

import concurrent.futures
import json
import multiprocessing
import os
import pathlib
import signal
import time

import psycopg

from .crew import Member
from .servers import wait_until
from .sources import SOURCES

WAIT_SECONDS_MAX = 60
# Life of a lease unless a site says otherwise, and how few samples are taken with it.
LEASE_SECONDS = 15
LONG_KILLS = 5
KILLS = 40
CANCELS = 25
FROZEN = 6
STARVED_SECONDS = 30
# Processes that take the machine away, for each of its cores.
SPINNERS_PER_CORE = 4
# Niceness of the rig beside them: the least share that the system gives.
NICE = 19
# How many requests are on their way at a time while the backlog is made.
CREATORS = 6
BACKLOG_SECONDS_MAX = 1200
# Until what was only kept for the next job is given back.
IDLE_SECONDS = 5
# Jobs after which the memory is looked at.
MEMORY_AT = (100, 1000, 2000, 3000, 4000, 5000, 6000, 8000, 10000)
CONTROLS = ("sqlite-folder", "postgres-folder")


def run(ground, jobs):
    """All of it, one after the other, so that nothing disturbs anything else; said as it comes."""
    for lease, count in ((ground.lease_seconds, KILLS), (LEASE_SECONDS, LONG_KILLS)):
        for kind in CONTROLS:
            say(f"reclaim, one host, {kind}, lease {lease} s", on_rig(
                ground, kind, f"reclaim-{lease}",
                lambda rig: reclaims(rig, "h1", "h1", count), lease_seconds=lease))
            say(f"reclaim, across hosts, {kind}, lease {lease} s", on_rig(
                ground, kind, f"across-{lease}",
                lambda rig: reclaims(rig, "h2", "h1", min(count, KILLS // 4)),
                lease_seconds=lease))
    for source in SOURCES:
        for table in ("slow", "endless"):
            say(f"cancel to stopped, {source}, {table}", on_rig(
                ground, "sqlite-folder", f"cancel-{source}-{table}",
                lambda rig: cancels(ground, rig, source, table)))
        say(f"cancel to over, {source}, worker stands still, behind its lease's end", on_rig(
            ground, "sqlite-folder", f"frozen-{source}",
            lambda rig: frozen_cancels(rig, source)))
    for kind in CONTROLS:
        for lease in (ground.lease_seconds, LEASE_SECONDS):
            say(f"starved, {kind}, lease {lease} s", on_rig(
                ground, kind, f"starved-{lease}", starved, lease_seconds=lease))
    say(f"{jobs} jobs, sqlite, one serve", on_rig(
        ground, "sqlite-folder", "backlog", lambda rig: backlog(rig, ["serve"], jobs)))
    say(f"{jobs} jobs, postgres, 4 workers", on_rig(
        ground, "postgres-folder", "backlog", lambda rig: backlog(rig, ["worker"] * 4, jobs)))
    return 0


def run_backlog(ground, jobs, kinds):
    """Only the thousand jobs, or as many as one likes."""
    for kind, commands in (("sqlite-folder", ["serve"]), ("postgres-folder", ["worker"] * 4)):
        if kind in kinds:
            say(f"{jobs} jobs, {kind}", on_rig(
                ground, kind, "backlog", lambda rig: backlog(rig, commands, jobs)))
    return 0


def say(what, measured):
    print(f"{what}: {json.dumps(measured)}", flush=True)


def on_rig(ground, kind, name, work, **more):
    rig = ground.rig(kind, f"{kind}-{name}", **more)
    try:
        return work(rig)
    finally:
        rig.end()
        ground.clear(rig)


def spread(seconds):
    """Median, 99th of a hundred, and the longest, in milliseconds."""
    ordered = sorted(seconds)
    at = lambda share: round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
    return {"n": len(ordered), "p50_ms": at(0.50), "p99_ms": at(0.99), "max_ms": at(1)}


# --- Reclaim --------------------------------------------------------------------------------------


def reclaims(rig, killed_host, other_host, count):
    """From the kill of a worker to the next attempt at its job."""
    taken = []
    for _ in range(count):
        worker, serve = Member(rig, "worker", killed_host), Member(rig, "serve", other_host)
        worker.start()
        job = rig.create({"subject": "slow_server", "format": "csv"})
        wait_until(lambda: rig.one("select lease_token from jobs where id = %s", job)[0],
                   WAIT_SECONDS_MAX, f"job {job} is claimed")
        serve.start()
        wait_until(serve.is_ready, WAIT_SECONDS_MAX, "the other one is ready")
        _, at = worker.kill()

        def next_attempt():
            return rig.one("select started_at from attempts where job_id = %s and attempt = 2",
                           job)

        started = wait_until(next_attempt, WAIT_SECONDS_MAX, f"job {job} is reclaimed")[0]
        taken.append(started / 1e6 - at)
        rig.must("jobs", "cancel", str(job))
        wait_over(rig, job)
        serve.end()
    return spread(taken)


def wait_over(rig, job):
    wait_until(lambda: rig.one("select status from jobs where id = %s", job)[0]
               not in ("pending", "building"), WAIT_SECONDS_MAX, f"job {job} is over")


# --- Cancel ---------------------------------------------------------------------------------------


def cancels(ground, rig, source, table):
    """From the answer to who cancels, to no statement in the source and no byte left."""
    serve = rig.add("serve")
    serve.start()
    taken = []
    for _ in range(CANCELS):
        job = rig.create({"subject": f"{table}_{source}", "format": "csv"})
        wait_until(lambda: is_reading(ground, serve, source), WAIT_SECONDS_MAX,
                   f"job {job} reads its source")
        rig.must("jobs", "cancel", str(job))
        at = time.monotonic()
        wait_until(lambda: not is_reading(ground, serve, source) and not draft(serve)
                   and is_cancelled(rig, job), WAIT_SECONDS_MAX, f"job {job} is stopped")
        taken.append(time.monotonic() - at)
    return spread(taken)


def frozen_cancels(rig, source):
    """From the end of a stopped worker's lease to the end of the job that was to be cancelled."""
    taken = []
    for _ in range(FROZEN):
        worker, serve = Member(rig, "worker", "h2"), Member(rig, "serve", "h1")
        worker.start()
        job = rig.create({"subject": f"slow_{source}", "format": "csv"})
        wait_until(lambda: rig.one("select lease_token from jobs where id = %s", job)[0],
                   WAIT_SECONDS_MAX, f"job {job} is claimed")
        serve.start()
        wait_until(serve.is_ready, WAIT_SECONDS_MAX, "the other one is ready")
        worker.send(signal.SIGSTOP)
        lease_end = rig.one("select lease_expires from jobs where id = %s", job)[0]
        rig.must("jobs", "cancel", str(job))
        wait_over(rig, job)
        ended = rig.one("select completed_at from jobs where id = %s", job)[0]
        taken.append((ended - lease_end) / 1e6)
        worker.end()
        serve.end()
    return spread(taken)


def is_cancelled(rig, job):
    return rig.one("select status from jobs where id = %s", job)[0] == "cancelled"


def is_reading(ground, serve, source):
    """Whether the source is at work: by its own list of sessions; a file has none, so by the
    threads that read it."""
    if source == "server":
        with psycopg.connect(ground.source_conninfo) as connection:
            return connection.execute(
                "select count(*) from pg_stat_activity where state = 'active' "
                "and application_name like 'tidegate%%'").fetchone()[0] > 0
    if source == "maria":
        connection = ground.maria.connect("source")
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from information_schema.processlist "
                           "where db = 'source' and command <> 'Sleep' "
                           "and id <> connection_id()")
            found = cursor.fetchone()[0]
        connection.close()
        return found > 0
    return busy_threads(serve.process.pid) > 0


def busy_threads(pid):
    running = 0
    for stat in pathlib.Path(f"/proc/{pid}/task").glob("*/stat"):
        try:
            running += stat.read_text().rpartition(")")[2].split()[0] == "R"
        except OSError:
            continue
    return running


def draft(serve):
    """Whether a file without a name is open: the bytes of an export that has not ended."""
    for link in pathlib.Path(f"/proc/{serve.process.pid}/fd").iterdir():
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if "/artifacts/#" in target or target.endswith(".part"):
            return True
    return False


# --- Starvation -----------------------------------------------------------------------------------


def spin():
    while True:
        pass


def starved(rig):
    """Leases that were lost though nobody died: there must be none."""
    for command in ("serve", "worker"):
        rig.add(command).start(under=["nice", "-n", str(NICE)])
    jobs = [rig.create({"subject": "slow_lite", "format": "csv"}) for _ in range(4)]
    for job in jobs:
        wait_until(lambda job=job: rig.one(
            "select status from jobs where id = %s", job)[0] == "building", WAIT_SECONDS_MAX,
            f"job {job} is at work")
    spinners = [multiprocessing.Process(target=spin, daemon=True)
                for _ in range(SPINNERS_PER_CORE * os.cpu_count())]
    for spinner in spinners:
        spinner.start()
    try:
        time.sleep(STARVED_SECONDS)
    finally:
        for spinner in spinners:
            spinner.kill()
    lost = rig.one("select count(*) from attempts where outcome = 'lost'")[0]
    attempts = rig.one("select count(*) from attempts")[0]
    return {"seconds": STARVED_SECONDS, "spinners": len(spinners), "nice": NICE,
            "lease_seconds": rig.lease_seconds, "attempts": attempts, "false_reclaims": lost}


# --- Throughput -----------------------------------------------------------------------------------


def backlog(rig, commands, count):
    """Small jobs that wait, how long they take once somebody works, and what memory that takes."""
    request = {"subject": "small_lite", "format": "csv"}
    with concurrent.futures.ThreadPoolExecutor(CREATORS) as pool:
        begun = time.monotonic()
        jobs = list(pool.map(lambda _: rig.create(request), range(count)))
        created = time.monotonic() - begun
    assert all(jobs), "every job is accepted"
    for command in commands:
        rig.add(command).start()
    wait_until(lambda: all(member.is_ready() for member in rig.crew), WAIT_SECONDS_MAX, "ready")
    memory = {"start": mebibytes(rig)}
    for done in (one for one in MEMORY_AT if one < count):
        wait_until(lambda done=done: count - rig.open_jobs() >= done, BACKLOG_SECONDS_MAX,
                   f"{done} jobs are done")
        memory[done] = mebibytes(rig)
    wait_until(lambda: rig.open_jobs() == 0, BACKLOG_SECONDS_MAX, "the backlog is done")
    memory[count] = mebibytes(rig)
    time.sleep(IDLE_SECONDS)
    memory["idle"] = mebibytes(rig)
    begun, ended = rig.one("select min(started_at), max(completed_at) from jobs")
    seconds = (ended - begun) / 1e6
    in_builds = rig.one("select sum(ended_at - started_at) from attempts")[0]
    return {"jobs": count, "seconds": round(seconds, 2),
            "jobs_per_second": round(count / seconds, 1),
            "ms_per_job": round(1000 * seconds / count, 2),
            "claim_to_end_ms": round(float(in_builds) / 1000 / count, 1),
            "places": 4 * len(commands),
            "created_by_command_line_per_second": round(count / created, 1),
            "anonymous_mib": memory,
            "ready": rig.one("select count(*) from jobs where status = 'ready'")[0]}


def mebibytes(rig):
    return [member.anonymous_bytes() >> 20 for member in rig.crew]
