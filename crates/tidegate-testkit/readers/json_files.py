"""Reads JSON and NDJSON with Python's `json` and with DuckDB."""

import tempfile

import duckdb

import cells
import nested
import plain

# Longer than any record that a test writes.
RECORD_BYTES_MAX = 1 << 28


def python_json(request):
    """An array of objects."""
    records = cells.parse_json(plain.content(request["path"]).decode("utf-8"))
    if not isinstance(records, list):
        raise ValueError("the document is no array")
    return table(records, request)


def python_ndjson(request):
    """One object a line, each line ended."""
    text = plain.content(request["path"]).decode("utf-8")
    if text and not text.endswith("\n"):
        raise ValueError("the last line is not ended")
    return table([cells.parse_json(line) for line in text.split("\n")[:-1]], request)


def duck_json(request):
    """DuckDB's parser, told that there is one array."""
    return duck(request, "array")


def duck_ndjson(request):
    """DuckDB's parser, told that there is one object a line."""
    return duck(request, "newline_delimited")


def duck(request, layout):
    """DuckDB finds and checks the records; their text is then taken apart."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(plain.content(request["path"]))
        file.flush()
        rows = duckdb.execute(
            "select json from read_json_objects(?, format = ?, maximum_object_size = ?)",
            [file.name, layout, RECORD_BYTES_MAX],
        ).fetchall()
    return table([cells.parse_json(row[0]) for row in rows], request)


def table(records, request):
    """The table of these records."""
    names = nested.names_of(records[0] if records else {}, request.get("names"))
    rows = [[cells.json_cell(cell) for cell in nested.pick(r, names)] for r in records]
    return cells.table([nested.bare(name) for name in names], rows)


READERS = {
    "python-json": python_json,
    "python-ndjson": python_ndjson,
    "duckdb-json": duck_json,
    "duckdb-ndjson": duck_ndjson,
}
