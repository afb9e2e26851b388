"""Kills processes at random moments, lets them come back, and waits for the dust to settle."""

import random
import signal
import threading
import time

from .bucket import Troubles
from .load import Downloads, Load, Retention, Watch
from .servers import wait_until

# Time between two kills of a rig: most builds are under way then.
PAUSE_SECONDS = (0.2, 1.6)
# Longest wait until nothing is pending or building any more.
QUIET_SECONDS_MAX = 300
# Of a hundred blows, how many stop a process, some past its lease, instead of killing it.
STOPS_PERCENT = 6
# Time between two crashes of the control database's server.
CRASH_SECONDS = (4, 8)


class Crashes(threading.Thread):
    """Crashes the control database's server, again and again."""

    def __init__(self, rig, seed):
        super().__init__(name=f"crashes-{rig.name}", daemon=True)
        self.rig, self.chance = rig, random.Random(seed)
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(self.chance.uniform(*CRASH_SECONDS)):
            self.rig.history.add("crash")
            self.rig.server.crash()

    def stop(self):
        self.over.set()
        self.join()


def run(rig, kills, seed, seconds_max=None):
    """Strikes so many times, and gives back how long it took to become quiet."""
    chance = random.Random(seed)
    for command, host in (("serve", "h1"), ("worker", "h1"), ("worker", "h2")):
        rig.add(command, host).start()
    threads = [Load(rig, seed), Watch(rig), Downloads(rig, seed), Retention(rig, seed)]
    if rig.server:
        threads.append(Crashes(rig, seed))
    if rig.bucket:
        threads.append(Troubles(rig, seed))
    for thread in threads:
        thread.start()
    begun, struck, died = time.monotonic(), 0, 0
    try:
        while struck < kills and not (
                seconds_max and time.monotonic() - begun > seconds_max):
            time.sleep(chance.uniform(*PAUSE_SECONDS))
            died += revive(rig)
            struck += strike(rig, chance)
    finally:
        for thread in reversed(threads):
            thread.stop()
    quiet = settle(rig) + sweep(rig)
    return {"kills": struck, "kill_seconds": round(time.monotonic() - begun - quiet, 1),
            "settled_seconds": round(quiet, 1), "ended_by_themselves": died}


def strike(rig, chance):
    """Kills, or stops for a while; gives the number of kills."""
    member = chance.choice(rig.crew)
    if chance.randrange(100) < STOPS_PERCENT:
        member.send(signal.SIGSTOP)
        time.sleep(rig.lease_seconds * chance.uniform(0.5, 1.8))
        member.send(signal.SIGCONT)
        return 0
    member.kill()
    member.start()
    return 1


def revive(rig, crew=None):
    """A process that ended by itself is started again, as a service manager would."""
    dead = [member for member in crew or rig.crew if member.has_died()]
    for member in dead:
        rig.history.add("died", pid=member.process.pid, code=member.process.returncode,
                        command=member.command, host=member.host)
        member.start()
    return len(dead)


def settle(rig, crew=None):
    begun = time.monotonic()

    def is_quiet():
        revive(rig, crew)
        return rig.open_jobs() == 0

    wait_until(is_quiet, QUIET_SECONDS_MAX, f"{rig.name} is quiet")
    # A zombie would come now.
    time.sleep(rig.lease_seconds)
    wait_until(is_quiet, QUIET_SECONDS_MAX, f"{rig.name} stays quiet")
    return time.monotonic() - begun


def sweep(rig, crew=None):
    """Waits until upkeep has removed whatever is of no use."""
    begun = time.monotonic()

    def is_done():
        revive(rig, crew)
        return not rig.is_due()

    wait_until(is_done, QUIET_SECONDS_MAX, f"the ended files of {rig.name} are purged")
    time.sleep(rig.sweep_seconds_max)
    rig.is_swept = True
    return time.monotonic() - begun
