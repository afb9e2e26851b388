-- Makes the `orders` table of the benchmarks in MariaDB. Its rows come by `load data local infile`.
create or replace table orders (
    id bigint not null primary key,
    order_number varchar(32) not null,
    user_id bigint not null,
    status varchar(16) not null,
    currency char(3) not null,
    total decimal(12,2) not null,
    tax decimal(12,2) not null,
    email varchar(255) not null,
    customer_name varchar(255) not null,
    placed_at datetime(6) not null,
    updated_at datetime(6),
    note text,
    shipping json not null,
    items_count int not null,
    is_gift boolean not null
) engine = InnoDB character set utf8mb4;
