"""Plays the scripts, several at a time, each on sites of its own; ends with 1 at a fault."""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import shutil
import sqlite3
import sys
import tempfile
import time
import traceback

from driver.rig import Rig
from driver.servers import Postgres

from .play import VARIABLE, Play, moment
from .scripts import SCRIPTS

# Fires that make an export, of each script; of the short form that each change may go through.
FIRES, SHORT_FIRES = 60, 10
CONTROLS = ["sqlite", "postgres"]
# Fires may be a minute apart; a script makes hundreds of exports.
SETTINGS = {"cron_seconds_min": 60}
# Lives longer than any process stands still here, and is over when a clock jumps.
LEASE_SECONDS = 15
# Debug tells of each look at the schedules.
LOG = "tidegate=info,tidegate_service=info,tidegate_service::schedules=debug,tidegate_store=info"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="built with the feature `chaos`")
    parser.add_argument("--folder", help="kept; by default a temporary one, removed")
    parser.add_argument("--script", help="only these, with a comma between two")
    parser.add_argument("--short", action="store_true",
                        help="fewer fires, and each script on one of the databases")
    parser.add_argument("--at-once", type=int, default=8)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tidegate-jumps-") as own:
        folder = pathlib.Path(arguments.folder or own).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        # The server's account has to come in.
        folder.chmod(0o755)
        server = Postgres(folder / "postgres")
        try:
            sys.exit(play_all(arguments, folder, server))
        finally:
            server.remove()


def play_all(arguments, folder, server):
    binary = pathlib.Path(arguments.binary).resolve()
    source = folder / "source.db"
    with sqlite3.connect(source) as connection:
        connection.execute("create table tides (id integer primary key, height integer) strict")
        connection.executemany("insert into tides values (?, ?)", [(1, 310), (2, -20)])
    connection.close()
    names = arguments.script.split(",") if arguments.script else None
    scripts = [script for script in SCRIPTS if names is None or script.__name__ in names]
    goal = SHORT_FIRES if arguments.short else FIRES
    scenes = [(script, control) for place, script in enumerate(scripts)
              for control in (CONTROLS[place % 2:][:1] if arguments.short else CONTROLS)]
    begun, sums, failed = time.monotonic(), collections.Counter(), 0
    with concurrent.futures.ThreadPoolExecutor(arguments.at_once) as pool:
        played = [pool.submit(play, script, control, folder, server, binary, source, goal)
                  for script, control in scenes]
        for scene in concurrent.futures.as_completed(played):
            is_good, counts = scene.result()
            failed += not is_good
            sums.update(counts)
    minutes = (time.monotonic() - begun) / 60
    print(f"{len(scenes)} scenes of {len(scripts)} scripts, {failed} with faults, "
          f"{json.dumps(dict(sorted(sums.items())))}, {minutes:.1f} min", flush=True)
    return int(failed > 0)


def play(script, control, folder, server, binary, source, goal):
    """One script on one control database: whether all was as it has to be, and how much it was."""
    name = f"{script.__name__}-{control}"
    begun, counts = time.monotonic(), collections.Counter()
    place, rig = folder / name, None
    try:
        rig = site(name, place, server if control == "postgres" else None, binary, source)
        played = Play(rig, goal)
        script(played)
        faults, counts = played.faults()
    except Exception:
        # What it left may say why.
        faults = [traceback.format_exc()]
    finally:
        if rig:
            rig.end()
    seconds = time.monotonic() - begun
    said = "".join(f"\n   {fault}" for fault in faults)
    print(f"── {name}: {json.dumps(dict(sorted(counts.items())))} in {seconds:.0f} s{said}",
          flush=True)
    if not faults:
        if rig.server:
            server.drop(rig.database)
        shutil.rmtree(place)
    return not faults, counts


def site(name, place, server, binary, source):
    clock = place / "clock"
    # Whoever makes the site lives in the year of the scripts, too: tokens end.
    place.parent.mkdir(exist_ok=True)
    environment = {"RUST_LOG": LOG, "NO_COLOR": "1", VARIABLE: str(clock)}
    place.mkdir()
    clock.write_text(str(round(moment("2027-03-01T00:00") * 1e3 - time.time() * 1e3)))
    rig = Rig(name, place / "site", binary, server, None, {"source": source}, LEASE_SECONDS,
              settings=SETTINGS, declaration=declaration, environment=environment)
    rig.token = json.loads(rig.must("tokens", "create", "--name", "rig", "--days", "365"))["token"]
    return rig


def declaration(urls):
    return f"""
[sources.source]
url = "sqlite:{urls['source']}"

[[subjects]]
slug = "tides"
label = "Tides"
source = "source"
table = "tides"
key = "id"
fields = ["id", "height"]
"""


if __name__ == "__main__":
    main()
