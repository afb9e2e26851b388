#!/usr/bin/env python3
"""Writes relative_dates.txt: what relative dates mean, worked out with Python's zoneinfo and tzdata 2025b.

    python3 relative_dates.py > relative_dates.txt

The rules are those of docs/reference/scope.md, written down a second time in the plainest way: the
instant of a local time is found by walking forward a minute at a time until the wall shows it.
"""

import calendar
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

MOMENTS = """
2026-03-29T00:59:59Z Europe/Berlin
2026-03-29T01:00:00Z Europe/Berlin
2026-03-30T00:30:00Z Europe/Berlin
2026-10-25T00:30:00Z Europe/Berlin
2026-10-25T01:30:00Z Europe/Berlin
2026-10-26T01:30:00Z Europe/Berlin
2024-03-31T10:00:00Z Europe/Berlin
2023-03-31T10:00:00Z Europe/Berlin
2026-12-31T23:30:00Z Europe/Berlin
2021-01-03T12:00:00Z Europe/Berlin
2026-03-08T07:00:00Z America/New_York
2026-03-09T06:30:00Z America/New_York
2026-11-01T05:30:00Z America/New_York
2026-11-01T06:30:00Z America/New_York
2026-11-02T06:30:00Z America/New_York
2026-05-15T18:14:59Z Asia/Kathmandu
2026-05-15T18:15:00Z Asia/Kathmandu
1985-12-31T18:30:00Z Asia/Kathmandu
1986-01-01T12:00:00Z Asia/Kathmandu
2011-12-29T20:00:00Z Pacific/Apia
2011-12-30T09:59:59Z Pacific/Apia
2011-12-30T10:00:00Z Pacific/Apia
2011-12-31T20:00:00Z Pacific/Apia
2012-01-05T12:00:00Z Pacific/Apia
2024-03-10T02:30:00Z Africa/Casablanca
2024-03-11T01:30:00Z Africa/Casablanca
2024-04-14T02:30:00Z Africa/Casablanca
2024-04-15T01:30:00Z Africa/Casablanca
2024-03-10T05:00:00Z America/Havana
2024-03-10T20:00:00Z America/Havana
2024-03-11T04:30:00Z America/Havana
2024-11-03T04:30:00Z America/Havana
2024-11-03T05:30:00Z America/Havana
2018-11-04T03:00:00Z America/Sao_Paulo
2018-11-04T15:00:00Z America/Sao_Paulo
2018-02-18T01:30:00Z America/Sao_Paulo
2018-02-18T02:30:00Z America/Sao_Paulo
2024-04-06T15:15:00Z Australia/Lord_Howe
2024-10-05T15:45:00Z Australia/Lord_Howe
2010-11-07T02:45:00Z America/St_Johns
1993-08-21T11:59:00Z Pacific/Kwajalein
1993-08-21T12:00:00Z Pacific/Kwajalein
2024-02-29T12:00:00Z UTC
""".split("\n")

UNITS = ["day", "week", "month", "quarter", "year"]
# Months, days, seconds.
DURATIONS = {
    "P1D": (0, 1, 0),
    "P1M": (1, 0, 0),
    "PT36H": (0, 0, 36 * 3600),
    "P1DT12H": (0, 1, 12 * 3600),
}


def wall(instant, zone):
    return instant.astimezone(zone).replace(tzinfo=None)


def instant_of(local, zone):
    """The first instant at which the wall shows `local` or later."""
    instant = local.replace(tzinfo=timezone.utc) - timedelta(hours=40)
    while wall(instant, zone) < local:
        instant += timedelta(minutes=1)
    # A wall that shows seconds (local times of this file may have them) is met within the minute.
    instant -= timedelta(minutes=1)
    while wall(instant, zone) < local:
        instant += timedelta(seconds=1)
    return instant


def add_months(local, months):
    index = local.year * 12 + local.month - 1 + months
    year, month = divmod(index, 12)
    day = min(local.day, calendar.monthrange(year, month + 1)[1])
    return local.replace(year=year, month=month + 1, day=day)


def unit_start(local, unit):
    day = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":
        return day - timedelta(days=day.isoweekday() - 1)
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return day.replace(day=1, month={1: 1, 2: 4, 3: 7, 4: 10}[(day.month + 2) // 3])
    if unit == "year":
        return day.replace(day=1, month=1)
    return day


def unit_after(start, unit, count):
    days = {"day": 1, "week": 7}.get(unit)
    if days:
        return start + timedelta(days=days * count)
    return add_months(start, {"month": 1, "quarter": 3, "year": 12}[unit] * count)


def unit_bounds(now, zone, op, unit):
    this = unit_start(wall(now, zone), unit)
    first = {"last": -1, "this": 0, "next": 1}[op]
    return unit_after(this, unit, first), unit_after(this, unit, first + 1)


def other_end(now, zone, op, duration):
    """The wall by the calendar alone, and the instant by calendar and clock."""
    months, days, seconds = DURATIONS[duration]
    sign = -1 if op == "last" else 1
    local = add_months(wall(now, zone), sign * months) + timedelta(days=sign * days)
    by_calendar = instant_of(local, zone) if months or days else now
    return local, by_calendar + timedelta(seconds=sign * seconds)


def bounds(now, zone, kind, op, value):
    if value in UNITS:
        start, end = unit_bounds(now, zone, op, value)
        if kind == "timestamptz":
            start, end = instant_of(start, zone), instant_of(end, zone)
    else:
        local, instant = other_end(now, zone, op, value)
        has_clock = DURATIONS[value][2] > 0
        far = {
            "timestamptz": instant,
            "timestamp": wall(instant, zone) if has_clock else local,
            "date": local,
        }[kind]
        near = now if kind == "timestamptz" else wall(now, zone)
        start, end = (far, near) if op == "last" else (near, far)
    if kind == "date":
        return start.strftime("%Y-%m-%d"), end.strftime("%Y-%m-%d")
    suffix = "Z" if kind == "timestamptz" else ""
    if kind == "timestamptz":
        start, end = start.astimezone(timezone.utc), end.astimezone(timezone.utc)
    return tuple(end_.strftime("%Y-%m-%dT%H:%M:%S") + suffix for end_ in (start, end))


def main():
    for moment in filter(None, MOMENTS):
        text, name = moment.split()
        now = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        zone = ZoneInfo(name)
        print(moment)
        cases = [("timestamptz", op, unit) for unit in UNITS for op in ("last", "this", "next")]
        cases += [("timestamptz", op, d) for d in DURATIONS for op in ("last", "next")]
        cases += [("timestamp", "this", "day"), ("timestamp", "last", "month")]
        cases += [("timestamp", op, d) for d in ("P1D", "P1M", "PT36H") for op in ("last", "next")]
        cases += [("date", "this", "week"), ("date", "last", "quarter")]
        cases += [("date", op, d) for d in ("P1D", "P1M") for op in ("last", "next")]
        for kind, op, value in cases:
            start, end = bounds(now, zone, kind, op, value)
            print(f"\t{kind} {op} {value}: {start} {end}")


main()
