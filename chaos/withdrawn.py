"""What the checker knows of rights that were taken away, and of pauses: what each ends, why, and
how soon after the answer."""

import collections
import json
import math

# Longest that the effect of all but a hundredth of the changes may take.
SECONDS_MAX = 1.0
# How an export at work ends, and why a download is cut, by what was changed.
PERMISSION_LOST = ("failed", "permission_revoked")
PAUSED = ("cancelled", None)
JOB_ENDS = {"role": PERMISSION_LOST, "disabled": PERMISSION_LOST,
            "subject paused": PAUSED, "all paused": PAUSED}
CUTS = {"role": "right_lost", "disabled": "signed_out",
        "subject paused": "paused", "all paused": "paused"}
# Entries that a pause lets nobody write: each makes something, or lets it out.
LEAVES = {"export.created", "export.rerun", "schedule.fired", "schedule.run", "job.claimed",
          "job.ready", "download.started"}


def check(checker):
    """Tells the checker what is wrong, and counts."""
    check_pauses(checker)
    seen = [event for event in checker.history if event["event"] == "withdrawn"]
    if not seen:
        return
    schedules = {row["id"]: row for row in checker.control.all("select * from schedules")}
    approvals = {row["job_id"]: row["state"]
                 for row in checker.control.all("select job_id, state from approvals")}
    fires = collections.defaultdict(list)
    for fire in checker.control.all("select * from fires order by fire_at"):
        fires[fire["schedule_id"]].append((fire["outcome"], fire["job_id"]))
    seconds, cuts = collections.defaultdict(list), collections.Counter()
    for event in seen:
        kind, change, what = event["kind"], event["change"], event["what"]
        name = f"{kind}, {change}"
        if kind == "download":
            name += ", reading" if event["is_reading"] else ", standing still"
            cuts[event["job"], event["operator"], CUTS[change]] += 1
            if event["bytes"] >= event["of"]:
                checker.fault("withdrawn", f"{name}: all of the file of job {event['job']} came")
        elif kind == "approval" and approvals[what] != "void":
            checker.fault("withdrawn", f"{name}: the approval of job {what} is {approvals[what]}")
        elif kind in ("job", "approval"):
            job = checker.jobs[what]
            if (job["status"], job["error_reason"]) != JOB_ENDS[change]:
                checker.fault("withdrawn", f"{name}: job {what} is {job['status']}, because of "
                                           f"{job['error_reason']}")
        elif (schedules[what]["state"], fires[what]) != ("held", [("held", None)]):
            checker.fault("withdrawn", f"{name}: schedule {what} is {schedules[what]['state']}, "
                                       f"its fires are {fires[what]}")
        if event["seconds"] is None:
            checker.fault("withdrawn", f"{name}: {what or event['job']} did not end")
        else:
            seconds[name].append(event["seconds"])
    check_cuts(checker, cuts)
    check_seconds(checker, seconds)


def check_cuts(checker, cuts):
    """Each download that was cut says so in the log, with the reason."""
    found = collections.Counter()
    for number, entries in checker.entries.items():
        for row in entries:
            if row["action"] == "download.finished":
                details = json.loads(row["entry"])["details"]
                if not details["is_whole"]:
                    found[number, row["operator_id"], details["reason"]] += 1
    for (job, operator, reason), wanted in cuts.items():
        if found[job, operator, reason] != wanted:
            checker.fault("withdrawn", f"{wanted} downloads of job {job} by operator {operator} "
                                       f"were cut by `{reason}`, the log has "
                                       f"{found[job, operator, reason]}")


def check_seconds(checker, seconds):
    for name, all_of_it in sorted(seconds.items()):
        all_of_it.sort()
        at = lambda share: all_of_it[max(0, math.ceil(share * len(all_of_it)) - 1)]
        checker.counts[f"{name}: n"] = len(all_of_it)
        for word, share in (("p50", 0.5), ("p99", 0.99), ("max", 1)):
            checker.counts[f"{name}: {word} ms"] = round(1000 * at(share))
        if at(0.99) > SECONDS_MAX:
            checker.fault("late", f"{name}: {at(0.99):.3f} s in the 99th of a hundred")


def check_pauses(checker):
    """By the order of the log, nothing of a subject leaves while it, or everything, is paused."""
    paused = set()
    for row in checker.activity:
        if row["outcome"] != "done":
            continue
        subject = json.loads(row["entry"])["subject"]
        if row["action"] == "egress.paused":
            paused.add(subject)
            checker.counts["pauses"] += 1
        elif row["action"] == "egress.resumed":
            paused.discard(subject)
        elif row["action"] in LEAVES and paused & {None, subject}:
            checker.fault("paused", f"entry {row['seq']} is `{row['action']}` of {subject}, which "
                                    "is paused")
