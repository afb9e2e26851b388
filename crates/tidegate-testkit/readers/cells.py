"""The canonical text of a cell, and tables of such cells.

A cell is a pair of kind and text; NULL is the kind `null` without a text.

kind       text
null       none
text       the characters
boolean    `true`, `false`
number     JSON, CSV, XML: the digits as they stand in the file
           Parquet: all digits of an integer or a decimal; a float as Python's `repr`
           XLSX: plain notation without trailing zeros
date       `2024-02-29`
time       `23:59:59` with as many digits of a second as are not zero
timestamp  `2024-02-29T23:59:59`, the same digits, and a `Z` where the file says that it is UTC
bytes      base64
json       compact JSON: objects, arrays and what stands in them, numbers as in the file
formula    the formula
"""

import json

MICROS_PER_DAY = 86_400_000_000
NULL = ("null", None)


def table(names, rows, titles=()):
    """The answer to a request."""
    return {
        "names": names,
        "kinds": [[kind for kind, _ in row] for row in rows],
        "rows": [[text for _, text in row] for row in rows],
        "titles": list(titles),
    }


class Digits(str):
    """A number, as it stands in the file."""


def parse_json(text):
    """Parses JSON without touching its numbers, and refuses a key that comes twice."""
    return json.loads(
        text,
        parse_float=Digits,
        parse_int=Digits,
        parse_constant=refuse_constant,
        object_pairs_hook=unique_pairs,
    )


def refuse_constant(name):
    """NaN and Infinity are no JSON, though Python reads them."""
    raise ValueError(f"{name} is no JSON")


def unique_pairs(pairs):
    """An object, whose keys must differ."""
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("an object has a key twice")
    return dict(pairs)


def json_text(value):
    """Compact JSON with the numbers as they were read."""
    if isinstance(value, Digits):
        return str(value)
    if isinstance(value, dict):
        members = (f"{json_text(key)}:{json_text(member)}" for key, member in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def json_cell(value):
    """A parsed JSON value as a cell."""
    if value is None:
        return NULL
    if isinstance(value, Digits):
        return ("number", str(value))
    if isinstance(value, bool):
        return ("boolean", "true" if value else "false")
    if isinstance(value, str):
        return ("text", value)
    return ("json", json_text(value))


def day_text(days):
    """Day of the proleptic Gregorian calendar, counted from 1970-01-01, of any year."""
    shifted = days + 719_468
    era, of_era = divmod(shifted, 146_097)
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * month_shifted + 2) // 5 + 1
    month = month_shifted + 3 if month_shifted < 10 else month_shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04}-{month:02}-{day:02}"


def time_text(micros):
    """Time of day, up to 24:00:00."""
    seconds, fraction = divmod(micros, 1_000_000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    digits = f".{fraction:06}".rstrip("0") if fraction else ""
    return f"{hour:02}:{minute:02}:{second:02}{digits}"


def timestamp_text(micros):
    """Date and time, counted from 1970-01-01."""
    days, of_day = divmod(micros, MICROS_PER_DAY)
    return f"{day_text(days)}T{time_text(of_day)}"
