"""Reads CSV with Python's `csv`, with Arrow and with DuckDB."""

import csv
import io
import tempfile

import duckdb
import pyarrow
import pyarrow.csv

import cells
import plain

BOM = b"\xef\xbb\xbf"
# Longer than any cell that a test writes.
CELL_BYTES_MAX = 1 << 28
csv.field_size_limit(CELL_BYTES_MAX)


def python_csv(request):
    """Python's reader cannot tell NULL from empty text: both are empty text here."""
    text = plain.content(request["path"]).removeprefix(BOM).decode("utf-8")
    lines = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter(request), strict=True
    )
    # A record of one empty cell is an empty line, which this reader gives as no cells at all.
    rows = [[("text", cell) for cell in line] or [("text", "")] for line in lines]
    if not rows:
        raise ValueError("there is no header")
    return cells.table([name for _, name in rows[0]], even(rows[0], rows[1:]))


def arrow_csv(request):
    """Arrow's reader tells them apart: NULL is empty, and `""` is empty text."""
    content = plain.content(request["path"]).removeprefix(BOM)
    header = python_csv(request)["names"]
    # Positions instead of names, since a reader may not like two that are alike.
    columns = [str(place) for place in range(len(header))]
    read = pyarrow.csv.read_csv(
        pyarrow.BufferReader(content),
        pyarrow.csv.ReadOptions(
            column_names=columns, use_threads=False, block_size=max(len(content), 1) + 1
        ),
        pyarrow.csv.ParseOptions(
            delimiter=delimiter(request), newlines_in_values=True, ignore_empty_lines=False
        ),
        pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pyarrow.large_string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )
    return without_header(header, read.to_pylist())


def duck_csv(request):
    """DuckDB tells them apart too."""
    header = python_csv(request)["names"]
    columns = {f"c{place}": "varchar" for place in range(len(header))}
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(plain.content(request["path"]).removeprefix(BOM))
        file.flush()
        rows = duckdb.execute(
            "select * from read_csv(?, auto_detect = false, columns = ?, header = false, "
            "delim = ?, quote = '\"', escape = '\"', nullstr = '', allow_quoted_nulls = false, "
            "parallel = false, max_line_size = ?)",
            [file.name, columns, delimiter(request), CELL_BYTES_MAX],
        ).fetchall()
    named = [dict(zip(columns, row)) for row in rows]
    return without_header(header, named)


def delimiter(request):
    """The character between cells."""
    return request.get("delimiter") or ","


def even(header, rows):
    """The rows, each as wide as the header."""
    for place, row in enumerate(rows):
        if len(row) != len(header):
            raise ValueError(f"row {place} has {len(row)} cells, the header {len(header)}")
    return rows


def without_header(header, records):
    """The records behind the header, which came as a record too."""
    rows = [list(map(cell_of, record.values())) for record in records]
    return cells.table(header, rows[1:])


def cell_of(text):
    """A cell, where the reader tells NULL from empty text."""
    return cells.NULL if text is None else ("text", text)


READERS = {"python-csv": python_csv, "arrow-csv": arrow_csv, "duckdb-csv": duck_csv}
