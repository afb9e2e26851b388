"""Reads Parquet with Arrow and with DuckDB."""

import base64
import math

import duckdb
import pyarrow
import pyarrow.parquet
import pyarrow.types as types

import cells
import nested


def arrow_parquet(request):
    """Arrow's own reader."""
    return table(pyarrow.parquet.ParquetFile(request["path"]).read(), request)


def duck_parquet(request):
    """DuckDB's reader; the rows then come over as Arrow."""
    found = duckdb.execute("select * from read_parquet(?)", [request["path"]])
    return table(found.to_arrow_table(), request)


def table(arrow, request):
    """The table of these columns; structs are dots where the names ask for it."""
    names = nested.names_of(dict.fromkeys(arrow.column_names), request.get("names"))
    columns = {field.name: flat(arrow.column(place)) for place, field in enumerate(arrow.schema)}
    picked = nested.pick(expand(columns, names), names)
    texts = [list(map(cell_maker(column.type), whole_numbers(column))) for column in picked]
    return cells.table([nested.bare(name) for name in names], list(zip(*texts)))


def flat(column):
    """A column in one piece."""
    return column.combine_chunks() if not isinstance(column, pyarrow.Array) else column


def expand(columns, names):
    """Structs as nested columns, except those whose own name is asked for."""
    wanted = {nested.bare(name) for name in names}
    return {name: split(name, column, wanted) for name, column in columns.items()}


def split(path, column, wanted):
    """A struct as its children, whose NULLs are the struct's too."""
    if path in wanted or not types.is_struct(column.type):
        return column
    children = zip(column.type, column.flatten())
    return {field.name: split(f"{path}.{field.name}", child, wanted) for field, child in children}


def whole_numbers(column):
    """Values as Python has them, moments as whole numbers: its own have no year 10000."""
    kind = column.type
    if types.is_date32(kind):
        return column.cast(pyarrow.int32()).to_pylist()
    if types.is_time(kind):
        return column.cast(pyarrow.time64("us")).cast(pyarrow.int64()).to_pylist()
    if types.is_timestamp(kind):
        if kind.unit != "us":
            raise ValueError(f"timestamps in {kind.unit}, not us")
        return column.cast(pyarrow.int64()).to_pylist()
    return column.to_pylist()


def cell_maker(kind):
    """What turns a value of the type into a cell; chosen once a column."""
    make = maker(kind)
    return lambda value: cells.NULL if value is None else make(value)


def maker(kind):
    """The same for values that are not NULL."""
    if types.is_boolean(kind):
        return lambda value: ("boolean", "true" if value else "false")
    if types.is_integer(kind):
        return lambda value: ("number", str(value))
    if types.is_floating(kind):
        return lambda value: ("number", float_text(value))
    if types.is_decimal(kind):
        return lambda value: ("number", format(value, "f"))
    if types.is_date32(kind):
        return lambda value: ("date", cells.day_text(value))
    if types.is_time(kind):
        return lambda value: ("time", cells.time_text(value))
    if types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        return lambda value: ("timestamp", cells.timestamp_text(value) + zone)
    if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return lambda value: ("bytes", base64.b64encode(value).decode())
    if types.is_string(kind) or types.is_large_string(kind):
        return lambda value: ("text", value)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_struct(kind):
        return lambda value: ("json", cells.json_text(json_value(value)))
    raise TypeError(f"no test expects a column of {kind}")


def float_text(value):
    """A float as `repr` has it, the special ones in the words of the other formats."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def json_value(value):
    """What stands in a list, in terms of JSON; whatever is no number, by its usual text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, dict):
        return {key: json_value(member) for key, member in value.items()}
    if isinstance(value, list):
        return [json_value(member) for member in value]
    if isinstance(value, int):
        return cells.Digits(value)
    if isinstance(value, float):
        return cells.Digits(repr(value)) if math.isfinite(value) else float_text(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "as_tuple"):
        return cells.Digits(format(value, "f"))
    return value.isoformat().replace("+00:00", "Z")


READERS = {"arrow-parquet": arrow_parquet, "duckdb-parquet": duck_parquet}
