-- Loads the `orders` table of the benchmarks, as CSV from standard input, into SQLite.
-- Usage: psql … -c '\copy orders_1m to stdout csv header' | sqlite3 FILE '.read orders_sqlite.sql'
-- Loaded without a journal; left in WAL mode, as an application in service has it.
pragma journal_mode = off;
pragma synchronous = off;
pragma page_size = 4096;
create table loaded (
    id, order_number, user_id, status, currency, total, tax, email, customer_name,
    placed_at, updated_at, note, shipping, items_count, is_gift
);
create table orders (
    id integer primary key,
    order_number text not null,
    user_id bigint not null,
    status text not null,
    currency char(3) not null,
    total decimal(12,2) not null,
    tax decimal(12,2) not null,
    email text not null,
    customer_name text not null,
    placed_at datetime not null,
    updated_at datetime,
    note text,
    shipping text not null,
    items_count integer not null,
    is_gift boolean not null
);
.import --csv --skip 1 /dev/stdin loaded
insert into orders
select
    id, order_number, user_id, status, currency, total, tax, email, customer_name,
    placed_at, nullif(updated_at, ''), nullif(note, ''), shipping, items_count, is_gift = 't'
from loaded;
drop table loaded;
vacuum;
pragma journal_mode = wal;
