"""Takes rights away, and pauses, under load: each time with exports at work and waiting for
approval, downloads on their way and schedules about to fire. What is seen of it, and when, is
written down; the checker judges."""

import collections
import json
import random
import time
from datetime import datetime, timezone

from .edge import Edge
from .kills import settle, sweep
from .load import Load
from .servers import wait_until

# Subjects that are being exported when the right goes: some wait in their source, some never end.
AT_WORK = ["slow_server", "slow_maria", "endless_lite", "endless_server", "endless_maria"]
# What is downloaded, larger than what lies in the buffers on the way.
DOWNLOADED = {"subject": "large_lite", "format": "xml"}
# What schedules make, where they still may.
SCHEDULED = {"subject": "small_lite", "format": "csv"}
# What waits for a second person, when it is asked for by one of these people.
AWAITED = {"subject": "steady_lite", "format": "csv"}
CHANGES = ["role", "disabled", "subject paused", "all paused"]
PEOPLE = 4
# How many of each are there at a time.
BESIDE = 2
# Until a schedule fires that was just made, and the pause before the right goes, which is to fall
# anywhere between two looks of the program.
FIRE_SECONDS = 2.5
PAUSE_SECONDS = (0, 0.5)
WAIT_SECONDS_MAX = 60
# Pause between two requests of the load: its files must not fill the disk.
LOAD_PAUSE_SECONDS = 0.3
# Time between two looks at the control database.
LOOK_SECONDS = 0.005
ROLE, LESSER_ROLE = "administrator", "viewer"


class Person:
    """Somebody whose rights come and go, with a file of their own."""

    def __init__(self, rig, serve, number):
        self.email = f"person-{number}@example.com"
        rig.must("operators", "add", self.email, "--role", ROLE)
        self.edge = Edge.of(serve, token_of(rig, self.email))
        self.number = rig.one("select id from operators where email = %s", self.email)[0]
        self.file = self.create(rig, DOWNLOADED)
        wait_until(lambda: rig.one("select status from jobs where id = %s", self.file)[0]
                   == "ready", WAIT_SECONDS_MAX, f"the file of {self.email}")

    def create(self, rig, request):
        job = self.edge.ask("POST", "/exports", request)["id"]
        rig.history.add("create", job=job, key=None, request=request)
        return job

    def schedule(self, rig):
        """One that fires soon, once; and when that is."""
        at = time.time() + FIRE_SECONDS
        moment = datetime.fromtimestamp(at, timezone.utc).isoformat()
        made = self.edge.ask("POST", "/exports", {**SCHEDULED, "schedule": {"at": moment}})
        rig.history.add("schedule", schedule=made["id"], request=SCHEDULED)
        return made["id"], at


def token_of(rig, email):
    code, out, errors = rig.cli("tokens", "create", "--name", "chaos",
                                environment={"TIDEGATE_OPERATOR": email})
    if code != 0:
        raise RuntimeError(f"no token for {email}: {errors}")
    return json.loads(out)["token"]


def run(rig, changes, seed):
    """Each change so many times."""
    chance = random.Random(seed)
    # Two who ask all the time are no attack here.
    rig.environment["TIDEGATE__SERVER__REQUESTS_PER_MINUTE"] = "100000"
    serve = rig.add("serve")
    serve.start()
    for host in ("h1", "h2"):
        rig.add("worker", host).start()
    ada = Edge.of(serve, token_of(rig, rig.environment["TIDEGATE_OPERATOR"]))
    people = [Person(rig, serve, number) for number in range(PEOPLE)]
    rule = {"name": "a second person", "subject": AWAITED["subject"],
            "operators": [person.email for person in people]}
    ada.ask("PUT", "/approvals/rules", {"rules": [rule]})
    load = Load(rig, seed, LOAD_PAUSE_SECONDS)
    load.start()
    begun, counts = time.monotonic(), collections.Counter()
    try:
        for round in range(changes):
            for change in chance.sample(CHANGES, len(CHANGES)):
                person = people[round % PEOPLE]
                Scene(rig, ada, person, change, chance).play()
                counts[change] += 1
    finally:
        load.stop()
    seconds = round_of(time.monotonic() - begun)
    return {**counts, "seconds": seconds, "settled_seconds": round_of(settle(rig) + sweep(rig))}


def round_of(seconds):
    return round(seconds, 1)


class Scene:
    """One change, and what it ends."""

    def __init__(self, rig, ada, person, change, chance):
        self.rig, self.ada, self.person, self.change = rig, ada, person, change
        self.chance = chance
        # Its subject, by which it can be paused.
        self.subject = chance.choice(AT_WORK)
        self.answered = {}

    def play(self):
        rig, person = self.rig, self.person
        jobs = [person.create(rig, {"subject": self.subject, "format": "csv"})
                for _ in range(BESIDE)]
        downloads = [person.edge.download(person.file, is_reading=number % 2 == 0)
                     for number in range(BESIDE)]
        for job in jobs:
            wait_until(lambda job=job: rig.one("select status from jobs where id = %s", job)[0]
                       == "building", WAIT_SECONDS_MAX, f"job {job} is at work")
        awaited = [person.create(rig, AWAITED) for _ in range(BESIDE)]
        schedules = [person.schedule(rig) for _ in range(BESIDE)]
        time.sleep(self.chance.uniform(*PAUSE_SECONDS))
        for download in downloads:
            if download.ended_at:
                raise RuntimeError("a download has ended before it was cut")
        self.take_away()
        self.see(jobs, downloads, schedules, awaited)
        self.give_back()
        for job in awaited:
            # Of what a pause left waiting, nobody decides.
            rig.cli("jobs", "cancel", str(job))

    # --- The change ---------------------------------------------------------------------------

    def take_away(self):
        operator = f"/operators/{self.person.number}"
        if self.change == "role":
            self.say("PATCH", operator, {"role": LESSER_ROLE})
        elif self.change == "disabled":
            self.say("PATCH", operator, {"is_disabled": True})
        elif self.change == "all paused":
            self.say("POST", "/pause", {"subject": None, "reason": "chaos"})
        else:
            for subject in self.held_subjects():
                self.say("POST", "/pause", {"subject": subject, "reason": "chaos"}, subject)

    def give_back(self):
        operator = f"/operators/{self.person.number}"
        if self.change == "role":
            self.ada.ask("PATCH", operator, {"role": ROLE})
        elif self.change == "disabled":
            self.ada.ask("PATCH", operator, {"is_disabled": False})
            # Whoever was shut out has lost their tokens.
            self.person.edge.token = token_of(self.rig, self.person.email)
        elif self.change == "all paused":
            self.ada.ask("DELETE", "/pause")
        else:
            for subject in self.held_subjects():
                self.ada.ask("DELETE", f"/pause?subject={subject}")

    def held_subjects(self):
        return [self.subject, DOWNLOADED["subject"], SCHEDULED["subject"]]

    def say(self, method, path, body, subject=None):
        """Says it, and keeps when that was answered."""
        self.ada.ask(method, path, body)
        self.answered[subject] = time.time()

    def since(self, subject):
        """When the change of what belongs to that subject was answered."""
        return self.answered.get(subject) or self.answered[None]

    # --- What comes of it ---------------------------------------------------------------------

    def see(self, jobs, downloads, schedules, awaited):
        """Waits for each effect; a pause lets no schedule fire, and ends nothing that waits."""
        is_paused = self.change.endswith("paused")
        waiting = {("job", job): self.since(self.subject) for job in jobs}
        waiting |= {("download", one): self.since(DOWNLOADED["subject"]) for one in downloads}
        if not is_paused:
            waiting |= {("approval", job): self.since(AWAITED["subject"]) for job in awaited}
            waiting |= {("schedule", number): max(at, self.since(SCHEDULED["subject"]))
                        for number, at in schedules}
        until = time.monotonic() + WAIT_SECONDS_MAX
        connection = self.rig.connect()
        try:
            while waiting and time.monotonic() < until:
                for (kind, what), since in list(waiting.items()):
                    at = getattr(self, f"end_of_{kind}")(connection, what)
                    if at:
                        del waiting[kind, what]
                        self.tell(kind, what, since, at)
                time.sleep(LOOK_SECONDS)
        finally:
            connection.close()
        for (kind, what), since in waiting.items():
            self.tell(kind, what, since, None)
        if is_paused:
            # Until their time has come, and more than one look at what is due.
            last = max(at for _, at in schedules) + 1
            time.sleep(max(0, last - time.time()))

    def ask(self, connection, sql, number):
        sql = sql if self.rig.server else sql.replace("%s", "?")
        return connection.execute(sql, (number,)).fetchone()

    def end_of_job(self, connection, job):
        status, = self.ask(connection, "select status from jobs where id = %s", job)
        return status not in ("pending", "building") and time.time()

    end_of_approval = end_of_job

    def end_of_download(self, _connection, download):
        return download.ended_at and download.moment()

    def end_of_schedule(self, connection, schedule):
        state, = self.ask(connection, "select state from schedules where id = %s", schedule)
        return state != "active" and time.time()

    def tell(self, kind, what, since, at):
        """Nothing was seen where there is no moment."""
        more = {}
        if kind == "download":
            more = {"job": self.person.file, "bytes": what.received, "of": what.length,
                    "is_reading": what.is_reading, "operator": self.person.number}
            what = None
        self.rig.history.add(
            "withdrawn", kind=kind, what=what, change=self.change, seconds=at and at - since,
            **more)
