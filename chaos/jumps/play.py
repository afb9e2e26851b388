"""A site whose clocks are set from outside, and what a script can do with it."""

import collections
import json
import os
import re
import time
import urllib.error
import urllib.request
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

from driver.crew import READY_SECONDS_MAX, Member
from driver.servers import wait_until

from .oracle import Calendar, Schedule

VARIABLE = "TIDEGATE_CLOCK_FILE"
MICROS = 1_000_000
# A clock that was set goes on. It is set again after so long, so that no fire comes by itself while
# a slow machine works on the last one: fires and limits are at whole minutes, moments right after.
HELD_SECONDS = 5
# A look at this time after the moment is still one at it.
LOOK_SECONDS_MAX = 20
WAIT_SECONDS_MAX = 60
LOOKED = re.compile(rb"looked for schedules[^\n]* now=(\d+)")
ADDRESS = re.compile(rb"ready at (\S+)")
ANSWER_SECONDS_MAX = 30


def moment(text, zone="UTC", fold=0):
    """Seconds since 1970 of a local time."""
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(wall.timestamp())


class Process(Member):
    """One `serve`, with a clock of its own."""

    def __init__(self, play, name):
        super().__init__(play.rig, "serve", name)
        self.file = play.rig.folder / f"clock-{name}"
        self.clock = None

    def set(self, at):
        """Sets its clock: by as much as the moment is ahead of the machine's."""
        self.clock, self.set_at = at, time.monotonic()
        self.file.with_suffix(".new").write_text(str(round(at * 1e3 - time.time() * 1e3)))
        os.replace(self.file.with_suffix(".new"), self.file)

    def hold(self):
        if time.monotonic() - self.set_at > HELD_SECONDS:
            self.set(self.clock)

    def begin(self, at):
        self.set(at)
        self.start(environment={VARIABLE: str(self.file)})
        wait_until(self.is_ready, READY_SECONDS_MAX, f"{self.rig.name}: {self.host} is ready")
        self.log_read = self.log_start

    def mark(self):
        """What is written down from now on is of the time that is set now."""
        self.log_read = self.log_path().stat().st_size

    def has_looked(self):
        """Whether it has looked at its schedules since, at the moment that is set."""
        with open(self.log_path(), "rb") as log:
            log.seek(self.log_read)
            looks = LOOKED.findall(log.read())
        return any(0 <= int(at) / MICROS - self.clock < LOOK_SECONDS_MAX for at in looks)

    def address(self):
        with open(self.log_path(), "rb") as log:
            log.seek(self.log_start)
            return ADDRESS.search(log.read()).group(1).decode()


class Play:
    """One script on one site."""

    def __init__(self, rig, goal):
        self.rig, self.goal = rig, goal
        self.schedules, self.calendars = [], {}
        self.first = self.process("h1")

    def process(self, name):
        process = Process(self, name)
        self.rig.crew.append(process)
        return process

    def begin(self, text, zone, expressions):
        """Starts the first process at a local time, and makes the schedules: each of both kinds."""
        self.zone = zone
        self.first.begin(moment(text, zone))
        for expression in expressions:
            for missed in ("skip", "once"):
                self.make(expression, missed)
        self.look()

    def make(self, expression, missed):
        schedule = {"cron": expression, "time_zone": self.zone, "missed": missed}
        body = json.dumps({"subject": "tides", "format": "csv", "schedule": schedule})
        headers = {"authorization": f"Bearer {self.rig.token}", "content-type": "application/json"}
        url = self.first.address().rstrip("/")
        url = url if "://" in url else f"http://{url}"
        request = urllib.request.Request(f"{url}/api/v1/exports", body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS_MAX) as answer:
                number = int(answer.headers["location"].rpartition("/")[2])
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{expression}: {error.read().decode()}") from error
        calendar = self.calendars.setdefault(expression, Calendar(expression, self.zone))
        self.schedules.append(Schedule(number, calendar, missed, self.first.clock))

    def at(self, text, fold=0):
        return moment(text, self.zone, fold)

    def look(self, *processes):
        """Lets processes look at what they show, until nothing is due and every export is made."""
        processes = processes or (self.first,)
        for process in processes:
            process.mark()
        for schedule in self.schedules:
            schedule.looked(max(process.clock for process in processes))
        self.wait(self.is_settled, processes, "what has come is settled")
        self.wait(lambda: self.rig.open_jobs() == 0, processes, "every export is made")

    def is_settled(self, processes):
        return all(process.has_looked() for process in processes) and not self.due(processes)

    def due(self, processes):
        latest = max(process.clock for process in processes) * MICROS
        return self.rig.one("select count(*) from schedules where state = 'active' "
                            "and next_fire_at <= %s", latest)[0]

    def wait(self, condition, processes, what):
        def is_so():
            for process in processes:
                process.hold()
            return condition(processes) if condition == self.is_settled else condition()
        wait_until(is_so, WAIT_SECONDS_MAX, f"{self.rig.name}: {what}")

    def to(self, at, process=None):
        """Sets the clock, whichever way, and lets the process look."""
        process = process or self.first
        process.set(at)
        self.look(process)

    def jump(self, process=None, **by):
        process = process or self.first
        self.to(process.clock + seconds(**by), process)

    def next(self):
        return min(schedule.state.next for schedule in self.schedules)

    def tick(self, times=1, process=None):
        """To right after the next fire, again and again."""
        for _ in range(times):
            self.to(self.next() + 1, process)

    def tick_to(self, at, process=None):
        while self.next() < at:
            self.tick(process=process)

    def walk(self, times, **by):
        """Goes on evenly."""
        for _ in range(times):
            self.jump(**by)

    def finish(self, process=None):
        """On, until enough exports were made."""
        while self.made() < self.goal:
            self.tick(process=process)

    def made(self):
        return self.rig.one("select count(*) from fires where outcome = 'made'")[0]

    def strike(self, process, at):
        """Sets the clock, and kills the process as soon as it has begun with what is due then."""
        before = self.rig.one("select count(*) from fires")[0]
        process.set(at)
        self.wait(lambda: self.rig.one("select count(*) from fires")[0] > before, [process],
                  "the process begins")
        process.kill()
        for schedule in self.schedules:
            # Any transaction may have been the last one; from here on it is known which.
            next_at, noted, _ = self.found(schedule)
            schedule.cut(at, next_at, noted)

    def faults(self):
        """What is not as it has to be, once the script is over, and how much there was."""
        faults, counts = [], collections.Counter()
        runs = collections.defaultdict(list)
        for job, number, status, attempt in self.rig.rows(
                "select id, schedule_id, status, attempt from jobs"):
            runs[number].append(job)
            counts["attempts"] += attempt
            if status != "ready":
                faults.append(f"export {job} is {status}")
        entries = self.entries()
        for schedule in self.schedules:
            said = self.faults_of(schedule, runs.pop(schedule.number, []), entries, counts)
            faults += [f"schedule {schedule.number} ({schedule.calendar.expression}, "
                       f"{schedule.missed}): {fault}" for fault in said]
        if runs:
            faults.append(f"exports of no schedule: {dict(runs)}")
        return faults, counts

    def entries(self):
        """What the log says: of each schedule the fires with their exports, and how many missed."""
        fired, missed = collections.defaultdict(list), collections.Counter()
        rows = self.rig.rows("select action, job_id, entry from activity where action in "
                             "('schedule.fired', 'schedule.missed', 'schedule.failed')")
        for action, job, entry in rows:
            details = json.loads(entry)["details"]
            missed[details["schedule"]] += details["missed"]
            if action == "schedule.fired":
                at = datetime.fromisoformat(details["fire_at"]).astimezone(timezone.utc)
                fired[details["schedule"]].append((int(at.timestamp()), job))
        return fired, missed

    def found(self, schedule):
        """Where the control database has a schedule: next fire, what is noted, what was made."""
        rows = self.rig.rows("select fire_at, outcome, job_id from fires where schedule_id = %s "
                             "order by fire_at", schedule.number)
        rows = [(at / MICROS, outcome, job) for at, outcome, job in rows]
        next_at, = self.rig.one("select next_fire_at from schedules where id = %s",
                                schedule.number)
        return (next_at and next_at / MICROS, tuple((at, outcome) for at, outcome, _ in rows),
                [(at, job) for at, outcome, job in rows if outcome == "made"])

    def faults_of(self, schedule, runs, entries, counts):
        next_at, noted, made = self.found(schedule)
        fired, missed = entries[0][schedule.number], entries[1][schedule.number]
        counts.update(made=len(made), noted_missed=len(noted) - len(made), missed=missed)
        found, state = (next_at, noted, missed), schedule.state
        if found != (state.next, state.noted, state.missed):
            yield difference(found, (state.next, state.noted, state.missed))
        if sorted(job for _, job in made) != sorted(runs):
            yield f"exports {sorted(runs)}, but its fires made {sorted(job for _, job in made)}"
        if sorted(fired) != sorted(made):
            yield f"the log tells of {sorted(fired)}, but there was {sorted(made)}"


def difference(found, expected):
    (next_found, noted, missed), (next_expected, noted_expected, missed_expected) = found, expected
    extra = sorted(set(noted) - set(noted_expected))[:5]
    lacking = sorted(set(noted_expected) - set(noted))[:5]
    return (f"not expected {extra}, lacking {lacking}, missed {missed} and not {missed_expected}, "
            f"next {next_found} and not {next_expected}")


def seconds(minutes=0, hours=0, days=0):
    return ((days * 24 + hours) * 60 + minutes) * 60
