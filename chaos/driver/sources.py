"""The databases that are exported from: the same rows on SQLite, PostgreSQL and MariaDB."""

import random
import sqlite3

import psycopg

# Rows that an export takes a moment for, and such that it is at work on when it is killed.
SMALL_ROWS = 3_000
LARGE_ROWS = 80_000
TABLES = {"small": SMALL_ROWS, "large": LARGE_ROWS}
WORDS = ["tide", "gate", "Käse", "naïve", 'say "so"', "a,b", "two\nlines", "<tag> & more", "日本"]


# Subjects are called by their table and one of these.
SOURCES = ("lite", "server", "maria")
# Rows of one insert.
ROWS_PER_INSERT = 1_000

# Views that take minutes: one computes in one long step, the others wait within their statement,
# before there is a first row.
SLOW_SQLITE = """
    create view slow as
    with recursive c (n) as (select 1 union all select n + 1 from c where n < 400000000)
    select id, name, note, amount from small where (select count(*) from c where n + id > 0) > 0"""
SLOW_POSTGRES = """
    create view slow as select id, name, note, amount from small where pg_sleep(600) is not null"""
SLOW_MARIADB = """
    create view slow as select id, name, note, amount from small where sleep(600) = 0"""
# A view that never ends, and always has a next row.
ENDLESS = """
    create view endless as
    select large.id, large.name, large.note, large.amount from large cross join small"""
# Views that take a second and hardly any work, so that there is always a build to kill.
STEADY_POSTGRES = """
    create view steady as
    select id, name, note, amount from small where pg_sleep(0.0003) is not null"""
STEADY_MARIADB = """
    create view steady as select id, name, note, amount from small where sleep(0.0003) = 0"""
VIEWS = ("slow", "endless", "steady")


def rows(count):
    """Always the same rows."""
    chance = random.Random(count)
    for number in range(1, count + 1):
        words = " ".join(chance.choices(WORDS, k=3))
        note = None if number % 7 == 0 else f"note {chance.randrange(10**9)}"
        yield number, f"{words} {number}", note, chance.randrange(-10**12, 10**12)


def make_sqlite(path):
    with sqlite3.connect(path) as connection:
        connection.execute("pragma journal_mode = wal")
        for table, count in TABLES.items():
            connection.execute(
                f"create table {table} (id integer primary key, name text not null, note text, "
                "amount integer not null) strict")
            connection.executemany(f"insert into {table} values (?, ?, ?, ?)", rows(count))
        connection.execute(SLOW_SQLITE)
        # A file cannot wait; it is as small, and read at once.
        connection.execute("create view steady as select id, name, note, amount from small")
        connection.execute(ENDLESS)
    connection.close()


def make_postgres(conninfo):
    with psycopg.connect(conninfo) as connection:
        for table, count in TABLES.items():
            connection.execute(
                f"create table {table} (id bigint primary key, name text not null, note text, "
                "amount bigint not null)")
            with connection.cursor().copy(f"copy {table} from stdin") as copy:
                for row in rows(count):
                    copy.write_row(row)
        connection.execute(SLOW_POSTGRES)
        connection.execute(STEADY_POSTGRES)
        connection.execute(ENDLESS)
        connection.commit()
        connection.autocommit = True
        connection.execute("analyze")


def make_mariadb(connection):
    with connection.cursor() as cursor:
        for table, count in TABLES.items():
            cursor.execute(
                f"create table {table} (id bigint primary key, name varchar(200) not null, "
                "note varchar(200), amount bigint not null)")
            all_rows = list(rows(count))
            for first in range(0, count, ROWS_PER_INSERT):
                cursor.executemany(f"insert into {table} values (%s, %s, %s, %s)",
                                   all_rows[first:first + ROWS_PER_INSERT])
            cursor.execute(f"analyze table {table}")
        cursor.execute(SLOW_MARIADB)
        cursor.execute(STEADY_MARIADB)
        cursor.execute(ENDLESS)
    connection.close()


def declaration(urls):
    """The part of a `tidegate.toml` that names them."""
    text = ""
    for source in SOURCES:
        text += f"""
[sources.{source}]
url = "{urls[source]}"
readers = 1
exports_max = 32
"""
    for source in SOURCES:
        for table in (*TABLES, *VIEWS):
            text += f"""
[[subjects]]
slug = "{table}_{source}"
label = "{table} of {source}"
source = "{source}"
table = "{table}"
key = "id"
fields = ["id", "name", "note", "amount"]
"""
    return text
