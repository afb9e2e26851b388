"""Works out when schedules fire over ten years of every zone: python3 schedule_fires.py > schedule_fires.txt

Python's zoneinfo, and rules written down anew: hours that are spelled out are local times (one that
the clock skips fires right after the gap, one that it shows twice fires the first time); hours given
as `*` are real ones. A line is a zone: the windows around each change of its clock (or, where there
is none, around each new year), and for each expression the fires in them, counted and hashed. With
`--every-day` there is one window: all of the ten years.
"""

import functools
import hashlib
import multiprocessing
import pathlib
import sys
import zoneinfo
from datetime import datetime, timedelta, timezone

EXPRESSIONS = [
    "30 2 * * *",
    "0 0 * * *",
    "15,45 1-3 * * *",
    "10 2,14 * * 0,6",
    "*/15 * * * *",
    "0 */6 * * *",
]
FIRST, LAST = datetime(2025, 1, 1, tzinfo=timezone.utc), datetime(2035, 1, 1, tzinfo=timezone.utc)
BEFORE, AFTER = timedelta(days=1), timedelta(days=2)
QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)


def values(field, least, most):
    found = set()
    for part in field.split(","):
        part, _, step = part.partition("/")
        low, _, high = part.partition("-")
        low, high = (least, most) if part == "*" else (int(low), int(high or low))
        found.update(range(low, high + 1, int(step or 1)))
    return found


def matcher(expression):
    minute, hour, _, _, weekday = expression.split()
    minutes, hours, weekdays = values(minute, 0, 59), values(hour, 0, 23), values(weekday, 0, 6)
    return lambda wall: (
        wall.minute in minutes and wall.hour in hours and wall.isoweekday() % 7 in weekdays
    )


def instant(wall, zone):
    """The first instant at which the clock shows this or later."""
    early = wall.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)
    if early.astimezone(zone).replace(tzinfo=None) == wall:
        return early
    # A gap: by the offset of after it, the time is before the change; by that of before it, behind.
    low = wall.replace(tzinfo=zone, fold=1).astimezone(timezone.utc)
    high = early
    offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return high


@functools.lru_cache(maxsize=1)
def quarters(zone, start, end):
    """Every quarter of an hour, and what the clock shows then."""
    # Every offset of these years is one of whole quarters, and so is every expression.
    assert zone.utcoffset(start.replace(tzinfo=None)) % QUARTER == timedelta(0)
    instants = (start + quarter * QUARTER for quarter in range(int((end - start) / QUARTER)))
    return [(at, at.astimezone(zone).replace(tzinfo=None)) for at in instants]


def fires(expression, zone, start, end):
    """From the start on, and before the end."""
    matches = matcher(expression)
    if "*" in expression.split()[1]:
        return [at for at, wall in quarters(zone, start, end) if matches(wall)]
    minute, hour, *_ = expression.split()
    times = [(h, m) for h in values(hour, 0, 23) for m in values(minute, 0, 59)]
    day, found = (start - 2 * DAY).replace(tzinfo=None), set()
    while day < (end + 2 * DAY).replace(tzinfo=None):
        walls = (day.replace(hour=h, minute=m) for h, m in times)
        found.update(instant(wall, zone) for wall in walls if matches(wall))
        day += DAY
    return sorted(at for at in found if start <= at < end)


def changes(zone):
    at = FIRST
    while at < LAST:
        if at.astimezone(zone).utcoffset() != (at + DAY).astimezone(zone).utcoffset():
            yield at
        at += DAY


def version():
    for path in zoneinfo.TZPATH:
        file = pathlib.Path(path) / "tzdata.zi"
        if file.exists():
            return file.read_text().split("\n", 1)[0].removeprefix("# version ")
    return "unknown"


def windows(zone):
    years = [datetime(year, 1, 1, tzinfo=timezone.utc) for year in range(FIRST.year, LAST.year)]
    return [(day - BEFORE, day + AFTER) for day in list(changes(zone)) or years]


def line(is_every_day, name):
    zone = zoneinfo.ZoneInfo(name)
    looked = [(FIRST, LAST)] if is_every_day else windows(zone)
    told = []
    for expression in EXPRESSIONS:
        digest, count = hashlib.sha256(), 0
        for start, end in looked:
            for at in fires(expression, zone, start, end):
                digest.update(f"{int(at.timestamp())}\n".encode())
                count += 1
        told.append(f"{count}:{digest.hexdigest()[:16]}")
    starts = ",".join(str(int(start.timestamp()) // 86400) for start, _ in looked)
    return " ".join([name, starts, *told])


def main():
    print("#", version(), *(expression.replace(" ", "_") for expression in EXPRESSIONS))
    with multiprocessing.Pool() as pool:
        lines = pool.imap(functools.partial(line, "--every-day" in sys.argv),
                          sorted(zoneinfo.available_timezones()))
        for text in lines:
            print(text, flush=True)


if __name__ == "__main__":
    main()
