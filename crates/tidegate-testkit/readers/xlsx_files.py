"""Reads XLSX with openpyxl."""

import datetime
import decimal

import openpyxl

import cells

MIDNIGHT = datetime.time()


def openpyxl_xlsx(request):
    """All sheets one behind the other, each with the same header. Times to the millisecond."""
    book = openpyxl.load_workbook(request["path"], read_only=True)
    names, rows = None, []
    for sheet in book:
        # The size that the file claims is a hint; the cells are counted.
        sheet.reset_dimensions()
        lines = sheet.iter_rows()
        header = [cell.value for cell in next(lines, ())]
        if names not in (None, header):
            raise ValueError(f"sheet {sheet.title} has another header")
        names = header
        rows.extend(even([cell_of(cell) for cell in line], len(header)) for line in lines)
    return cells.table(names, rows, book.sheetnames)


def even(row, width):
    """The row, with the blank cells at its end."""
    if len(row) > width:
        raise ValueError(f"a row has {len(row)} cells, the header {width}")
    return row + [cells.NULL] * (width - len(row))


def cell_of(cell):
    """A cell with its kind."""
    value = cell.value
    if value is None:
        return cells.NULL
    if cell.data_type == "f":
        return ("formula", str(value))
    if isinstance(value, bool):
        return ("boolean", "true" if value else "false")
    if isinstance(value, (int, float)):
        return ("number", plain_notation(value))
    if isinstance(value, str):
        return ("text", value)
    return moment(value, cell.number_format)


def plain_notation(value):
    """The shortest digits that name the number, without exponent."""
    text = format(decimal.Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def moment(value, number_format):
    """A date, a time or both, as the cell's number format shows it."""
    if isinstance(value, datetime.timedelta):
        return ("time", cells.time_text(round(value.total_seconds() * 1_000_000)))
    if isinstance(value, datetime.time):
        whole = datetime.datetime.combine(datetime.date.min, value) - datetime.datetime.min
        return ("time", cells.time_text(whole // datetime.timedelta(microseconds=1)))
    if "h" not in number_format.lower() and value.time() == MIDNIGHT:
        return ("date", value.date().isoformat())
    micros = (value - datetime.datetime(1970, 1, 1)) // datetime.timedelta(microseconds=1)
    return ("timestamp", cells.timestamp_text(micros))


READERS = {"openpyxl-xlsx": openpyxl_xlsx}
