-- Fills the `orders` table of the benchmarks: the same rows on every machine and every run.
-- Usage: psql -v table=orders_1m -v rows=1000000 -f orders.sql
-- Nothing is random: three hashes of the row's number stand in for chance. What matters to an
-- exporter is in the mix: quotes (1 %), commas (1 %), line ends (0.1 %), letters beyond ASCII,
-- NULLs in two columns (10 % and 60 %), a document, exact numbers, instants with microseconds.
\set ON_ERROR_STOP on
set max_parallel_workers_per_gather = 4;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;

drop table if exists :table;
-- Made and filled in one transaction: with wal_level=minimal nothing is logged.
begin;
create table :table (
    id bigint not null,
    order_number text not null,
    user_id bigint not null,
    status text not null,
    currency char(3) not null,
    total numeric(12,2) not null,
    tax numeric(12,2) not null,
    email text not null,
    customer_name text not null,
    placed_at timestamptz not null,
    updated_at timestamptz,
    note text,
    shipping jsonb not null,
    items_count int not null,
    is_gift boolean not null
);

with words as (
    select
        array['pending','paid','shipped','delivered','cancelled','refunded'] as status,
        array['USD','EUR','GBP','JPY','SEK','BRL'] as currency,
        array['example.com','mail.example.org','shop.example.net','corp.example.io'] as domain,
        array['Berlin','São Paulo','Göteborg','Austin','Kraków','Osaka','Leeds','Lyon'] as city,
        array['DE','BR','SE','US','PL','JP','GB','FR'] as country,
        array['Anna','Bjorn','Chloe','Diego','Emma','Farid','Grace','Hugo',
              'Ines','Jose','Katya','Liam','Maria','Noah','Olga','Pavel'] as first_ascii,
        array['Anna','Björn','Chloé','Diego','Emma','Farid','Grace','Hugo',
              'Inês','José','Катя','Liam','María','Noah','Olga','Pavel'] as first_name,
        array['Smith','Mueller','Garcia','OBrien','Novak','Tanaka','Svensson','Dubois',
              'Rossi','Kowalski','Silva','Jones','Kim','Ivanova','Brown','Haddad'] as last_ascii,
        array['Smith','Müller','García','O''Brien','Novák','田中','Svensson','Dubois',
              'Rossi','Kowalski','Silva','Jones','Kim','Иванова','Brown','Haddad'] as last_name
),
hashed as (
    select
        i,
        hashint8extended(i, 1) & 9223372036854775807 as a,
        hashint8extended(i, 2) & 9223372036854775807 as b,
        hashint8extended(i, 3) & 9223372036854775807 as c
    from generate_series(1::bigint, :rows) as i
),
drawn as (
    select
        i, a, b, c,
        1 + a % 900000 as user_id,
        (100 + b % 250000)::bigint as cents,
        timestamptz '2019-01-01 00:00:00+00'
            + make_interval(secs => (i * 20 + a % 20)::double precision)
            + make_interval(secs => (c % 1000000) / 1000000.0) as placed_at,
        first_ascii[1 + a / 5 % 16] as first_ascii,
        first_name[1 + a / 5 % 16] as first_name,
        last_ascii[1 + b / 5 % 16] as last_ascii,
        last_name[1 + b / 5 % 16] as last_name,
        status[1 + a % 6] as status,
        currency[1 + a / 7 % 6] as currency,
        domain[1 + b % 4] as domain,
        city[1 + b / 19 % 8] as city,
        country[1 + b / 19 % 8] as country
    from hashed, words
)
insert into :table
select
    i,
    'ORD-' || to_char(2019 + i % 7, 'FM0000') || '-' || lpad(i::text, 9, '0'),
    user_id,
    status,
    currency,
    (cents::numeric / 100)::numeric(12,2),
    (round(cents * 0.19) / 100)::numeric(12,2),
    lower(first_ascii) || '.' || lower(last_ascii) || user_id || '@' || domain,
    case
        when c % 100 = 0 then first_name || ' "' || first_ascii || '" ' || last_name
        when c % 100 = 1 then last_name || ', ' || first_name
            || case when c % 2 = 1 and c / 100 % 4 = 0 then E'\nc/o Reception' else '' end
        else first_name || ' ' || last_name
    end,
    placed_at,
    case when b / 11 % 10 > 0
        then placed_at + make_interval(secs => (c / 13 % 2592000000) / 1000.0)
    end,
    case when a / 101 % 10 >= 6 then left(
        'Please ' || md5(i::text) || ' leave the parcel with ' || first_name
            || case when b % 5 = 0 then ', or at the "front desk"' else ' at the front desk' end
            || ' between nine and five; ' || md5((i + 7)::text)
            || ' call before delivery if the gate is closed and ring twice. '
            || md5((i + 9)::text),
        (20 + b / 17 % 181)::int)
    end,
    jsonb_build_object(
        'street', (1 + a / 3 % 999)::text || ' ' || last_name || ' Street',
        'city', city,
        'zip', lpad((c % 100000)::text, 5, '0'),
        'country', country),
    (1 + b % 12)::int,
    c % 17 = 0
from drawn;
commit;

alter table :table add primary key (id);
vacuum (analyze, freeze) :table;
