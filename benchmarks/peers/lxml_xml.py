"""lxml as a peer: `xmlfile` over a server-side cursor, record by record.

Usage: lxml_xml.py CONNINFO TABLE OUT
"""

import sys

import psycopg
from lxml import etree
from psycopg.types.json import set_json_loads

# Rows a round trip: more made no difference.
ROWS_PER_FETCH = 2000


def main(conninfo, table, out):
    """Writes one element a row, one a column."""
    # The document goes out as it came: parsing it would be work that nobody asked for.
    set_json_loads(lambda text: text.decode() if isinstance(text, bytes) else text)
    cursor = psycopg.connect(conninfo).cursor(name="export")
    cursor.itersize = ROWS_PER_FETCH
    cursor.execute(f"select * from {table}")
    with etree.xmlfile(out, encoding="utf-8") as file, file.element(table):
        for row in cursor:
            names = [column.name for column in cursor.description]
            record = etree.Element("record")
            for name, value in zip(names, row):
                element = etree.SubElement(record, name)
                if value is not None:
                    element.text = str(value)
            file.write(record)


main(*sys.argv[1:])
