"""Runs a plan over rigs side by side, and the checker over each; ends with 1 at a fault."""

import argparse
import collections
import concurrent.futures
import functools
import json
import sys
import time
import traceback

from . import disk, kills, measure, revocations, stops, sweeps, trace
from .ground import Ground

# Kills after which a rig is checked and made anew.
CHAPTER_KILLS = 50
KINDS = ["sqlite-folder", "sqlite-s3", "postgres-folder", "postgres-s3"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", choices=list(PLANS))
    parser.add_argument("--binary", required=True)
    parser.add_argument("--folder", help="kept; by default a temporary one, removed")
    parser.add_argument("--rigs", default=",".join(KINDS))
    parser.add_argument("--kills", type=int, default=1000, help="over all rigs")
    parser.add_argument("--rounds", type=int, default=1, help="of all stops")
    parser.add_argument("--changes", type=int, default=100, help="of each kind, of a rig's rights")
    parser.add_argument("--jobs", type=int, default=1000, help="of the backlog")
    parser.add_argument("--lease-seconds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    ground = Ground(arguments.folder, arguments.binary, arguments.lease_seconds)
    try:
        sys.exit(PLANS[arguments.plan](ground, arguments))
    finally:
        ground.end()


def run_kills(ground, arguments):
    kinds = arguments.rigs.split(",")
    share = -(-arguments.kills // len(kinds))
    return side_by_side(
        lambda number, kind: run_rig(ground, kind, share, arguments.seed + number), kinds)


def run_stops(ground, arguments):
    kinds = arguments.rigs.split(",")
    work = lambda rig: stops.run(rig, arguments.rounds)
    return side_by_side(
        lambda _, kind: run_chapter(ground, kind, f"{kind}-stops", work, collections.Counter()),
        kinds)


def run_sweeps(ground, arguments):
    kinds = arguments.rigs.split(",")
    work = lambda rig: sweeps.run(rig, arguments.rounds)
    return side_by_side(
        lambda _, kind: run_chapter(ground, kind, f"{kind}-sweeps", work, collections.Counter(),
                                    **sweeps.SETTINGS), kinds)


def run_revocations(ground, arguments):
    """On each control database: where the files lie changes nothing of it."""
    kinds = arguments.rigs.split(",")
    kinds = [kind for kind in kinds if kind in measure.CONTROLS] or kinds
    return side_by_side(
        lambda number, kind: run_chapter(
            ground, kind, f"{kind}-revocations",
            lambda rig: revocations.run(rig, arguments.changes, arguments.seed + number),
            collections.Counter()), kinds)


def run_trace(ground, _arguments):
    """What is synced is the same on every rig; the control database on SQLite is seen best."""
    return run_chapter(ground, "sqlite-folder", "sqlite-folder-trace", trace.run,
                       collections.Counter())


def run_disk(ground, _arguments):
    return run_chapter(ground, "sqlite-folder", "sqlite-folder-disk", disk.run,
                       collections.Counter(), settings={"attempts_max": 2})


def run_measures(ground, arguments):
    return measure.run(ground, arguments.jobs)


def run_backlog(ground, arguments):
    return measure.run_backlog(ground, arguments.jobs, arguments.rigs.split(","))


def side_by_side(work, kinds):
    with concurrent.futures.ThreadPoolExecutor(len(kinds)) as pool:
        return max(pool.map(work, range(len(kinds)), kinds))


def run_rig(ground, kind, kills_in_all, seed):
    """Chapter after chapter, each checked and cleared away, so that the disk need not hold all."""
    sums, code = collections.Counter(), 0
    for chapter, first in enumerate(range(0, kills_in_all, CHAPTER_KILLS)):
        name = f"{kind}-{chapter}"
        count = min(CHAPTER_KILLS, kills_in_all - first)
        work = functools.partial(kills.run, kills=count, seed=seed * 1000 + chapter)
        verdict = run_chapter(ground, kind, name, work, sums)
        code = max(code, verdict)
        if verdict != 0 and ground.is_kept:
            print(f"── {name} is kept in {ground.folder / name}", flush=True)
            break
    print(f"── {kind}, in all: {json.dumps(dict(sorted(sums.items())))}", flush=True)
    return code


def run_chapter(ground, kind, name, work, sums, **more):
    rig, result, failed = ground.rig(kind, name, **more), {}, 0
    try:
        result = work(rig)
    except Exception:
        # What it left may say why.
        print(f"── {name}: the rig failed\n{traceback.format_exc()}", flush=True)
        failed = 2
    finally:
        rig.end()
    code, said = ground.check(rig)
    code = max(code, failed)
    print(f"── {name}: {json.dumps(result)}\n{said}", flush=True)
    if said:
        sums.update(json.loads(said.splitlines()[-1])["counts"])
    sums.update({what: count for what, count in result.items()
                 if isinstance(count, (int, float))})
    if code == 0:
        ground.clear(rig)
    return code


PLANS = {
    "kills": run_kills, "revocations": run_revocations, "stops": run_stops, "sweeps": run_sweeps,
    "trace": run_trace, "disk": run_disk, "measure": run_measures, "backlog": run_backlog,
}

if __name__ == "__main__":
    main()
