-- The demo site: a small shop with a journal. Written by `tidegate demo`.
create table users (
  id integer primary key,
  email text not null,
  given_name text not null,
  family_name text not null,
  display_name text not null,
  role text not null check (role in ('customer', 'author', 'editor', 'administrator')),
  status text not null check (status in ('active', 'invited', 'suspended', 'closed')),
  phone text,
  city text,
  country char(2) not null,
  locale text not null,
  birth_date date,
  marketing_consent boolean not null,
  consented_at timestamptz,
  last_sign_in_at timestamptz,
  last_sign_in_ip text,
  note text,
  password_hash text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table products (
  id integer primary key,
  sku text not null unique,
  name text not null,
  category text not null,
  price decimal(12,2) not null,
  weight_grams integer not null
);

create table orders (
  id integer primary key,
  number text not null,
  customer_id integer references users (id),
  channel text not null,
  status text not null
    check (status in ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
  currency char(3) not null,
  subtotal decimal(12,2) not null,
  tax decimal(12,2) not null,
  shipping_cost decimal(12,2) not null,
  total decimal(12,2) not null,
  margin decimal(12,2) not null,
  items_count integer not null,
  is_gift boolean not null,
  payment_method text not null,
  shipping json,
  customer_note text,
  staff_note text,
  placed_at timestamptz not null,
  updated_at timestamptz not null,
  shipped_on date
);

create table order_lines (
  order_id integer not null references orders (id),
  line_no integer not null,
  product_id integer not null references products (id),
  sku text not null,
  name text not null,
  quantity integer not null,
  unit_price decimal(12,2) not null,
  primary key (order_id, line_no)
) without rowid;

create table media (
  id integer primary key,
  path text not null,
  media_type text not null,
  bytes bigint not null,
  sha256 char(64) not null,
  width integer,
  height integer,
  alt_text text,
  status text not null,
  uploaded_by integer not null references users (id),
  uploaded_at timestamptz not null,
  updated_at timestamptz not null
);

create table pages (
  id integer primary key,
  parent_id integer references pages (id),
  slug text not null,
  title text not null,
  status text not null check (status in ('draft', 'in_review', 'published', 'archived')),
  template text not null,
  author_id integer not null references users (id),
  body text not null,
  seo json,
  published_at timestamptz,
  updated_at timestamptz not null
);

create table posts (
  id integer primary key,
  slug text not null,
  title text not null,
  status text not null check (status in ('draft', 'in_review', 'published', 'archived')),
  category text not null,
  tags json not null,
  author_id integer not null references users (id),
  cover_id integer references media (id),
  excerpt text not null,
  body text not null,
  seo json,
  comments_count integer not null,
  published_at timestamptz,
  updated_at timestamptz not null
);

create table page_views (
  id integer primary key,
  session_id text not null,
  day date not null,
  viewed_at timestamptz not null,
  path text not null,
  referrer text,
  country char(2),
  device text not null,
  browser text not null,
  duration_seconds double,
  visitor_id integer references users (id)
);
