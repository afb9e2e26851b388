"""What is to become of the fires of a schedule, by zoneinfo and the policy as it is documented."""

import bisect
import dataclasses
import importlib.util
import pathlib
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

# The rules of local and of real times stand in the program that writes the golden file.
CHECKOUT = pathlib.Path(__file__).parents[2]
RULES = CHECKOUT / "crates/tidegate-model/tests/it/golden/schedule_fires.py"
# `docs/concepts/schedules.md`: on time up to five minutes; the last hundred missed ones are noted.
LATE_SECONDS = 5 * 60
NOTED_MAX = 100
DAY_SECONDS = 24 * 60 * 60
MINUTE = timedelta(minutes=1)


def load_rules():
    told = importlib.util.spec_from_file_location("schedule_fires", RULES)
    rules = importlib.util.module_from_spec(told)
    told.loader.exec_module(rules)
    return rules


rules = load_rules()


class Calendar:
    """The fires of an expression in a zone, worked out day by day as they are asked for."""

    def __init__(self, expression, zone):
        self.expression, self.zone = expression, ZoneInfo(zone)
        self.matches = rules.matcher(expression)
        self.days = {}

    def after(self, moment):
        """The first fire after a moment, both in seconds since 1970."""
        day = moment // DAY_SECONDS
        while True:
            fires = self.of_day(day)
            place = bisect.bisect_right(fires, moment)
            if place < len(fires):
                return fires[place]
            day += 1

    def of_day(self, day):
        """Those of a day of UTC."""
        if day not in self.days:
            start = datetime.fromtimestamp(day * DAY_SECONDS, timezone.utc)
            minute, hour, *_ = self.expression.split()
            if "*" in hour:
                found = [at for at in (start + n * MINUTE for n in range(24 * 60))
                         if self.matches(at.astimezone(self.zone).replace(tzinfo=None))]
            else:
                found = self.local_of(start, rules.values(hour, 0, 23), rules.values(minute, 0, 59))
            self.days[day] = [int(at.timestamp()) for at in found]
        return self.days[day]

    def local_of(self, start, hours, minutes):
        found = set()
        for shift in range(-2, 3):
            day = (start + timedelta(days=shift)).replace(tzinfo=None)
            walls = (day.replace(hour=hour, minute=minute) for hour in hours for minute in minutes)
            found.update(rules.instant(wall, self.zone) for wall in walls if self.matches(wall))
        return sorted(at for at in found if start <= at < start + timedelta(days=1))


@dataclasses.dataclass(frozen=True)
class State:
    """Where a schedule can be: its next fire, the fires that are noted, how many were missed."""

    next: int
    noted: tuple = ()
    missed: int = 0


class Schedule:
    """What is to become of a schedule."""

    def __init__(self, number, calendar, missed, made_at):
        self.number, self.calendar, self.missed = number, calendar, missed
        self.state = State(calendar.after(made_at))

    def looked(self, now):
        """Somebody has looked at a moment, as often as there was something to do."""
        for state in self.steps(self.state, now):
            self.state = state

    def cut(self, now, next_at, noted):
        """Somebody was killed while looking at a moment, and left this behind."""
        for state in [self.state, *self.steps(self.state, now)]:
            if (state.next, state.noted) == (next_at, noted):
                self.state = state
                return
        raise AssertionError(f"schedule {self.number}: no look ends with {(next_at, noted)}")

    def steps(self, state, now):
        """What is committed, one transaction after the other."""
        while state.next <= now:
            if state.next >= now - LATE_SECONDS:
                noted = (*state.noted, (state.next, "made"))
                state = State(self.calendar.after(state.next), noted, state.missed)
            else:
                state = self.caught_up(state, now)
            yield state

    def caught_up(self, state, now):
        """`skip` leaves out what is late; `once` makes up for all that has come, by the last."""
        until = now if self.missed == "once" else now - LATE_SECONDS - 1
        come = [state.next]
        while (following := self.calendar.after(come[-1])) <= until:
            come.append(following)
        made = [(come.pop(), "made")] if self.missed == "once" else []
        noted = [(at, "missed") for at in come[-NOTED_MAX:]]
        return State(following, (*state.noted, *noted, *made), state.missed + len(come))
