"""Lets the sweep pass while a worker stands still with a file that nobody refers to yet."""

from .crew import Member
from .kills import settle, sweep
from .servers import wait_until
from .stops import STOPPED_SECONDS_MAX, StoppedAsWriter, let_go, play, serving, stopped_worker
from .stops import wait_over

# What the rig is made with: the lease outlives several passes, and nothing is too young for long.
SETTINGS = {"lease_seconds": 12, "sweep_seconds": 1, "sweep_grace_seconds": 1}
# Points at which there is something that only a lease speaks for: an upload, a file, both files.
POINTS = ["upload", "manifest", "publish"]
REQUESTS = {
    "small": {"subject": "small_lite", "format": "csv", "sort": "id"},
    "large": {"subject": "large_lite", "format": "json", "sort": "id"},
}


class TakenOver(StoppedAsWriter):
    """The machine was so slow that the lease ended: nothing is shown by that."""


def run(rig, rounds):
    decoys, again = Decoys(rig), 0
    for _ in range(rounds):
        for point in POINTS:
            for request in REQUESTS.values():
                again += play(rig, swept_meanwhile, point, request, decoys)
    serve = serving(rig)
    quiet = settle(rig, [serve]) + sweep(rig, [serve])
    serve.end()
    return {"scenes": rounds * len(POINTS) * len(REQUESTS), "played_again": again,
            "passes_seen": decoys.gone, "settled_seconds": round(quiet, 1)}


def swept_meanwhile(rig, point, request, decoys):
    """Its lease is good all the time, so it publishes, and the file has to be there."""
    job = rig.create(request)
    worker = stopped_worker(rig, point, host="h2")
    serve = serving(rig)
    # The second one was found by a pass that began when all of the worker's objects were there.
    for _ in range(2):
        decoys.wait_for_pass()
    let_go(worker)
    wait_over(rig, job)
    serve.end()
    if rig.one("select attempt from jobs where id = %s", job)[0] != 1:
        raise TakenOver


class Decoys:
    """Objects that the sweep has to take: those of an attempt that ended long ago."""

    def __init__(self, rig):
        self.rig, self.gone = rig, 0
        job = rig.create(REQUESTS["small"])
        worker = Member(rig, "worker", "h1")
        worker.start(stop_at="claim")
        worker.wait_stopped(STOPPED_SECONDS_MAX)
        worker.kill()
        serve = serving(rig)
        wait_over(rig, job)
        serve.end()
        self.key = rig.one("select object_key from attempts where job_id = %s and attempt = 1",
                           job)[0]

    def wait_for_pass(self):
        self.rig.put_object(self.key, b"of no use")
        wait_until(lambda: not self.rig.has_object(self.key), STOPPED_SECONDS_MAX,
                   "the sweep takes what is of no use")
        self.gone += 1
