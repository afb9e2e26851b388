"""Stops a process at a point of the protocol, lets the world go on, and lets it go on, too.

The program has to be built with the feature `chaos`: it stops itself, as SIGSTOP does, at the point
that `TIDEGATE_STOP_AT` names.
"""

import hashlib
import signal
import subprocess
import time

from .crew import Member
from .kills import settle, sweep
from .servers import wait_until

# Points of a build, in their order.
POINTS = ["claim", "upload", "manifest", "publish"]
STOPPED_SECONDS_MAX = 60
REPEATS_MAX = 20
REQUEST = {"subject": "small_lite", "format": "csv", "sort": "id"}


def run(rig, rounds):
    """All of it so many times."""
    scenes = [(scene, point) for point in POINTS for scene in (
        past_the_lease, cancelled_meanwhile, killed_there, two_at_once)]
    scenes += [(scene,) for scene in (
        killed_after_each_commit, created_twice, deleted_twice, purged_by_another,
        killed_while_sending, deleted_while_sending, expired_while_sending)]
    again = sum(play(rig, *scene) for _ in range(rounds) for scene in scenes)
    serve = serving(rig)
    quiet = settle(rig, [serve]) + sweep(rig, [serve])
    serve.end()
    return {"scenes": len(scenes) * rounds, "stopped_as_writer": again,
            "settled_seconds": round(quiet, 1)}


class StoppedAsWriter(Exception):
    """Another thread of the process that stopped was writing to SQLite at that moment."""


def play(rig, scene, *point):
    """Plays a scene, again where the stopped process keeps all others out; counts how often."""
    for again in range(REPEATS_MAX):
        try:
            scene(rig, *point)
            return again
        except StoppedAsWriter:
            serve = serving(rig)
            wait_until(lambda: rig.open_jobs() == 0, STOPPED_SECONDS_MAX, "its job is over")
            serve.end()
    raise RuntimeError(f"{scene.__name__}{point}: always stopped as writer")


def stopped_worker(rig, point, host="h1"):
    """A worker that has stopped at its point."""
    worker = Member(rig, "worker", host)
    worker.start(stop_at=point)
    worker.wait_stopped(STOPPED_SECONDS_MAX)
    rig.history.add("sigstop", pid=worker.process.pid, command="worker", host=host, point=point)
    if not rig.can_write():
        # SQLite has one writer, and this one stands still: nobody can do anything until it goes on.
        rig.history.add("stopped_as_writer", pid=worker.process.pid)
        let_go(worker)
        raise StoppedAsWriter
    return worker


def let_go(worker):
    """Lets a stopped worker do what it was about to do, and then end."""
    worker.send(signal.SIGCONT)
    # It is told to end by its next look; what it was about to do is before that.
    time.sleep(0.3)
    worker.end()


def serving(rig):
    """A process that takes what the stopped one has left."""
    serve = Member(rig, "serve", "h1")
    serve.start()
    return serve


def tell(rig, word, job):
    code, _, errors = rig.cli("jobs", word, str(job))
    if code == 0:
        rig.history.add(word, job=job)
    else:
        rig.history.add(f"{word}_refused", job=job, errors=errors[-300:])


def wait_over(rig, job):
    def is_over():
        found = rig.one("select status from jobs where id = %s", job)
        return found and found[0] not in ("pending", "building")

    wait_until(is_over, STOPPED_SECONDS_MAX, f"job {job} is over")


def past_the_lease(rig, point):
    """Somebody else takes the job over and ends it; then the first one wants to go on."""
    job = rig.create(REQUEST)
    zombie = stopped_worker(rig, point)
    serve = serving(rig)
    wait_over(rig, job)
    let_go(zombie)
    serve.end()


def cancelled_meanwhile(rig, point):
    """The job is cancelled while its worker stands still, and its lease is good."""
    job = rig.create(REQUEST)
    worker = stopped_worker(rig, point)
    tell(rig, "cancel", job)
    let_go(worker)
    serve = serving(rig)
    wait_over(rig, job)
    serve.end()


def killed_there(rig, point):
    job = rig.create(REQUEST)
    worker = stopped_worker(rig, point)
    worker.kill()
    serve = serving(rig)
    wait_over(rig, job)
    serve.end()


def two_at_once(rig, point):
    """The first one goes on while the second one holds the lease and stands just before the end."""
    job = rig.create(REQUEST)
    first = stopped_worker(rig, point)
    # Until the lease of the first one is over, the second one finds no work.
    try:
        second = stopped_worker(rig, "publish", host="h2")
    except StoppedAsWriter:
        let_go(first)
        raise
    let_go(first)
    let_go(second)
    serve = serving(rig)
    wait_over(rig, job)
    serve.end()


def killed_after_each_commit(rig):
    """A commit is all or nothing: a process dies right after its first, its second, …"""
    job = rig.create(REQUEST)
    while rig.one("select status from jobs where id = %s", job)[0] in ("pending", "building"):
        worker = Member(rig, "worker", "h1")
        worker.start(stop_at="commit")
        worker.wait_stopped(STOPPED_SECONDS_MAX)
        worker.kill()
        # The next one publishes what this one has claimed.
        serve = serving(rig)
        wait_over(rig, job)
        serve.end()


def stopped_command(rig, point, *arguments):
    process = subprocess.Popen(
        [rig.binary, *arguments], env={**rig.environment, "TIDEGATE_STOP_AT": point},
        cwd=rig.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)
    member = Member(rig, arguments[0], "cli")
    member.process = process
    member.wait_stopped(STOPPED_SECONDS_MAX)
    return member


def created_twice(rig):
    """Whoever asked dies after the commit, and asks again: it is the same job."""
    key = f"{rig.name}-twice-{time.time_ns()}"
    rig.history.add("cli_killed", key=key, request=REQUEST)
    first = stopped_command(rig, "commit", "jobs", "create", REQUEST["subject"], "--format",
                            REQUEST["format"], "--sort", REQUEST["sort"],
                            "--idempotency-key", key)
    first.kill()
    job = rig.create(REQUEST, key)
    serve = serving(rig)
    wait_over(rig, job)
    serve.end()


def deleted_twice(rig):
    """Two want to delete at a time: one of them is told that it is deleted already."""
    job = rig.create(REQUEST)
    serve = serving(rig)
    wait_over(rig, job)
    first = stopped_command(rig, "delete", "jobs", "delete", str(job))
    tell(rig, "delete", job)
    first.send(signal.SIGCONT)
    first.process.wait(STOPPED_SECONDS_MAX)
    serve.end()


def purged_by_another(rig):
    """Upkeep stands still before it removes a deleted file; another one removes it meanwhile."""
    job = rig.create(REQUEST)
    serve = serving(rig)
    wait_over(rig, job)
    serve.end()
    first = Member(rig, "serve", "h1")
    first.start(stop_at="purge")
    tell(rig, "delete", job)
    first.wait_stopped(STOPPED_SECONDS_MAX)
    if not rig.can_write():
        let_go(first)
        raise StoppedAsWriter
    second = serving(rig)
    wait_until(lambda: rig.one("select purged_at from jobs where id = %s", job)[0],
               STOPPED_SECONDS_MAX, f"the file of job {job} is purged")
    let_go(first)
    second.end()


def sending(rig, job):
    """Somebody who downloads, stopped before the first byte; its beginning is noted."""
    return stopped_command(rig, "send", "jobs", "download", str(job), "--output",
                           str(rig.folder / "download"))


def note_download(rig, job, command):
    """Waits for the end of a download, and writes down what became of it."""
    command.send(signal.SIGCONT)
    code = command.process.wait(STOPPED_SECONDS_MAX)
    if code != 0:
        rig.history.add("download_failed", job=job, code=code)
        return
    content = (rig.folder / "download").read_bytes()
    rig.history.add("download", job=job, bytes=len(content),
                    sha256=hashlib.sha256(content).hexdigest())


def killed_while_sending(rig):
    job = rig.create(REQUEST)
    serve = serving(rig)
    wait_over(rig, job)
    command = sending(rig, job)
    rig.history.add("download_killed", job=job)
    command.kill()
    serve.end()


def deleted_while_sending(rig):
    """The file goes while somebody else is about to receive it."""
    job = rig.create(REQUEST)
    serve = serving(rig)
    wait_over(rig, job)
    command = sending(rig, job)
    tell(rig, "delete", job)
    wait_until(lambda: not rig.is_due(), STOPPED_SECONDS_MAX, f"the file of job {job} is purged")
    note_download(rig, job, command)
    serve.end()


def expired_while_sending(rig):
    """Its time comes while somebody else is about to receive it."""
    job = rig.create(REQUEST)
    worker = Member(rig, "worker", "h1")
    worker.start()
    wait_over(rig, job)
    worker.end()
    command = sending(rig, job)
    # No link outlives its file, so the time comes while it is on its way and not before.
    rig.execute("update jobs set expires_at = %s where id = %s", int(time.time() * 1e6), job)
    serve = serving(rig)
    wait_until(lambda: not rig.is_due(), STOPPED_SECONDS_MAX, f"the file of job {job} is purged")
    note_download(rig, job, command)
    serve.end()
