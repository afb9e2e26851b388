"""Checks the chain of an activity log, and knows nothing of the program that wrote it.

    check_chain.py LOG [--anchors FILE]

LOG is a control database on SQLite, or a streamed log (a JSON line an entry). With an anchor file,
the entries are held against its checkpoints; their signatures are left to openssl, as the
documentation shows. Prints one JSON object. Exit status: 0 the chain fits, 1 it does not.
"""

import argparse
import datetime
import hashlib
import json
import re
import sqlite3
import sys

FIRST = "0" * 64
LINE = re.compile(rb'\{"hash":"([0-9a-f]{64})","entry":(\{.*\})\}')
COLUMNS = {
    "commit_id": "commit",
    "action": "action",
    "outcome": "outcome",
    "actor": "actor",
    "operator_id": "operator",
    "name": "name",
    "subject": "subject",
    "job_id": "job",
}
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Fault(Exception):
    """Something does not fit."""


def digest(octets):
    return hashlib.sha256(octets).hexdigest()


def micros(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (moment - EPOCH) // datetime.timedelta(microseconds=1)


def rows_of_database(path):
    """Rows of the log, its head, and the copies of checkpoints. Never writes."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    rows = connection.execute("select * from activity order by seq").fetchall()
    head = connection.execute("select seq, hash from activity_head").fetchall()
    copies = connection.execute(
        "select number, document, key_id, signature from checkpoints order by number"
    ).fetchall()
    connection.close()
    if len(head) != 1:
        raise Fault("there is no head")
    return rows, tuple(head[0]), [tuple(copy) for copy in copies]


def rows_of_lines(path):
    """Entries of a streamed log; one that comes again, the same, is taken once."""
    seen = {}
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            found = LINE.fullmatch(line.rstrip(b"\n"))
            if not found:
                raise Fault(f"line {number} is no entry")
            text = found[2].decode()
            seq = json.loads(text)["seq"]
            known = (found[1].decode(), text)
            if seq in seen:
                if seen[seq] != known:
                    raise Fault(f"entry {seq} comes twice, differently")
                continue
            seen[seq] = known
            yield {"seq": seq, "hash": known[0], "entry": text}


def check_row(row, expected, prev):
    seq, text = row["seq"], row["entry"]
    if seq != expected:
        raise Fault(f"entry {expected} is missing, {seq} follows")
    if digest(text.encode()) != row["hash"]:
        raise Fault(f"entry {seq} does not have its hash")
    entry = json.loads(text)
    if entry["prev"] != prev:
        raise Fault(f"entry {seq} does not follow the one before it")
    if entry["seq"] != seq:
        raise Fault(f"entry {seq} says another number")
    if "prev" not in row.keys():
        return
    if row["prev"] != prev or row["at"] != micros(entry["at"]):
        raise Fault(f"the columns of entry {seq} disagree with its text")
    if row["tags"] != " ".join(entry["tags"]):
        raise Fault(f"the column tags of entry {seq} disagrees with its text")
    for column, member in COLUMNS.items():
        if row[column] != entry[member]:
            raise Fault(f"the column {column} of entry {seq} disagrees with its text")


def check_chain(rows):
    """Hash of every entry, by number; the first one is that before entry 1."""
    hashes = [FIRST]
    for row in rows:
        check_row(row, len(hashes), hashes[-1])
        hashes.append(row["hash"])
    return hashes


def check_anchors(path, hashes, copies):
    """Holds the entries, and the database's copies, against the checkpoints of an anchor."""
    prev, count = FIRST, 0
    with open(path, encoding="utf-8") as lines:
        for count, line in enumerate(lines, 1):
            signed = json.loads(line)
            says = json.loads(signed["checkpoint"])
            if says["number"] != count or says["prev"] != prev:
                raise Fault(f"checkpoint {count} does not follow the one before it")
            prev = digest(signed["checkpoint"].encode())
            if says["seq"] >= len(hashes):
                raise Fault(f"entries {len(hashes)} to {says['seq']} are gone")
            if hashes[says["seq"]] != says["head"]:
                raise Fault(f"entry {says['seq']} is not the one of checkpoint {count}")
            copy = (count, signed["checkpoint"], signed["key"], signed["signature"])
            if copies is not None and copy not in copies[count - 1 : count]:
                raise Fault(f"the copy of checkpoint {count} is gone or was changed")
    return count


def check(arguments):
    with open(arguments.log, "rb") as log:
        is_database = log.read(15) == b"SQLite format 3"
    copies = None
    if is_database:
        rows, head, copies = rows_of_database(arguments.log)
        hashes = check_chain(rows)
        if head != (len(hashes) - 1, hashes[-1]):
            raise Fault("the head is not that of the last entry")
    else:
        hashes = check_chain(rows_of_lines(arguments.log))
    checkpoints = check_anchors(arguments.anchors, hashes, copies) if arguments.anchors else None
    return {"entries": len(hashes) - 1, "head": hashes[-1], "checkpoints": checkpoints}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("log")
    parser.add_argument("--anchors")
    arguments = parser.parse_args()
    try:
        print(json.dumps({"fits": True, **check(arguments)}))
    except (Fault, ValueError, KeyError, TypeError, sqlite3.DatabaseError) as fault:
        print(json.dumps({"fits": False, "fault": str(fault) or type(fault).__name__}))
        sys.exit(1)


if __name__ == "__main__":
    main()
