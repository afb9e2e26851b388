//! The orders of the demo site with their lines; every total is the sum of its parts.

use rusqlite::params;
use serde::Serialize;

use super::{
    DemoError,
    load::Loader,
    moment::{DAY, HOUR, Moment},
    people::{self, Culture},
    random::Draw,
    sales::{self, Currency, Product, money},
    texts, users,
};

const INSERT: &str = "insert into orders (id, number, customer_id, channel, status, currency, \
    subtotal, tax, shipping_cost, total, margin, items_count, is_gift, payment_method, shipping, \
    customer_note, staff_note, placed_at, updated_at, shipped_on) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const INSERT_LINE: &str = "insert into order_lines \
    (order_id, line_no, product_id, sku, name, quantity, unit_price) values (?, ?, ?, ?, ?, ?, ?)";
/// The first order was placed this long ago.
const DAYS: u64 = 3 * 365;
/// Lines of an order; each number as often as it stands here.
const LINES: &[u64] = &[1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 9];
/// From this much on, in euro cents, a parcel costs the customer nothing.
const FREE_SHIPPING_CENTS: u64 = 15_000;

struct Line<'a> {
    product: &'a Product,
    quantity: u64,
    /// In hundredths of the order's currency.
    unit_price: u64,
}

/// Amounts in hundredths of the order's currency.
struct Amounts {
    subtotal: u64,
    tax: u64,
    shipping_cost: u64,
    margin: i64,
}

/// Who buys, and where.
struct Buyer {
    customer: Option<(i64, String)>,
    culture: &'static Culture,
}

/// The JSON document of the column `shipping`.
#[derive(Serialize)]
struct Shipping<'a> {
    recipient: &'a str,
    street: String,
    city: &'a str,
    postcode: &'a str,
    country: &'a str,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tracking: Option<Tracking<'a>>,
}

#[derive(Serialize)]
struct Tracking<'a> {
    carrier: &'a str,
    code: String,
}

pub(super) fn write(loader: &mut Loader<'_>) -> Result<(), DemoError> {
    let products = sales::catalogue();
    let mut order = loader.prepare(INSERT)?;
    let mut order_line = loader.prepare(INSERT_LINE)?;
    for id in 1..=loader.counts.orders {
        let mut draw = loader.draw(id);
        let placed = placed_at(id, loader.counts.orders, &mut draw);
        let buyer = buyer(loader, &mut draw, placed);
        let currency = Currency::of(buyer.culture.currency);
        let lines = lines(&products, currency, &mut draw);
        let amounts = amounts(&lines, &buyer, currency, &mut draw);
        let status = status(&buyer, placed, &mut draw);
        let updated = placed.later(draw.below(12 * DAY));
        let is_sent = matches!(status, "shipped" | "delivered" | "refunded");
        let shipped =
            (is_sent && buyer.customer.is_some()).then(|| placed.later(draw.below(2 * DAY)));
        let total = amounts.subtotal + amounts.tax + amounts.shipping_cost;
        let row = params![
            id as i64,
            format!("TG-{}-{id:07}", placed.year()),
            buyer.customer.as_ref().map(|(id, _)| id),
            channel(&buyer, &mut draw),
            status,
            buyer.culture.currency,
            money(amounts.subtotal as i64),
            money(amounts.tax as i64),
            money(amounts.shipping_cost as i64),
            money(total as i64),
            money(amounts.margin),
            lines.iter().map(|line| line.quantity as i64).sum::<i64>(),
            draw.chance(7),
            draw.pick(&["card", "card", "paypal", "invoice", "sepa_debit", "gift_card"]),
            shipping(&buyer, shipped, &mut draw),
            texts::note(&mut draw),
            draw.chance(4).then(|| draw.pick(texts::STAFF_NOTES)),
            placed.text(),
            updated.text(),
            shipped.map(Moment::day),
        ];
        loader.insert(&mut order, row)?;
        for (line, line_no) in lines.iter().zip(1_i64..) {
            let Product { id: product_id, sku, name, .. } = line.product;
            let (quantity, price) = (line.quantity as i64, money(line.unit_price as i64));
            let row = params![id as i64, line_no, product_id, sku, name, quantity, price];
            loader.insert(&mut order_line, row)?;
        }
        loader.count_row()?;
    }
    Ok(())
}

/// Orders come evenly, in the order of their ids.
fn placed_at(id: u64, orders: u64, draw: &mut Draw) -> Moment {
    let step = DAYS * DAY / orders;
    Moment::days_before_present(DAYS).exactly_later((id - 1) * step + draw.below(step))
}

/// A user, or somebody who pays at the counter and leaves no name.
fn buyer(loader: &Loader<'_>, draw: &mut Draw, placed: Moment) -> Buyer {
    if draw.chance(6) {
        return Buyer { customer: None, culture: people::home() };
    }
    let id = users::customer_id(draw, loader.counts.users, placed);
    let person = users::person(loader.seed, id);
    Buyer { customer: Some((id as i64, person.name.display)), culture: person.culture }
}

fn lines<'a>(products: &'a [Product], currency: Currency, draw: &mut Draw) -> Vec<Line<'a>> {
    let count = LINES[draw.below(LINES.len() as u64) as usize];
    (0..count)
        .map(|_| {
            let product = &products[draw.below(products.len() as u64) as usize];
            let quantity = match draw.below(100) {
                0..75 => 1,
                75..97 => draw.between(2, 4),
                _ => 12,
            };
            Line { product, quantity, unit_price: currency.convert(product.cents) }
        })
        .collect()
}

fn amounts(lines: &[Line<'_>], buyer: &Buyer, currency: Currency, draw: &mut Draw) -> Amounts {
    let subtotal = lines.iter().map(|line| line.quantity * line.unit_price).sum();
    let grams: u64 = lines.iter().map(|line| line.quantity * line.product.weight_grams).sum();
    let is_free = subtotal >= currency.convert(FREE_SHIPPING_CENTS);
    let parcel = currency.convert(490 + grams / 10);
    let shipping_cost = if buyer.customer.is_none() || is_free { 0 } else { parcel };
    // The shop bears a parcel that is free for the customer: heavy and cheap orders lose money.
    let borne = if buyer.customer.is_some() && is_free { parcel } else { 0 };
    Amounts {
        subtotal,
        tax: currency.share(subtotal, buyer.culture.tax_permille),
        shipping_cost,
        margin: currency.share(subtotal, draw.between(40, 550)) as i64 - borne as i64,
    }
}

fn channel(buyer: &Buyer, draw: &mut Draw) -> &'static str {
    match buyer.customer {
        None => "counter",
        Some(_) => draw.pick(&["web", "web", "web", "app", "phone"]),
    }
}

/// What becomes of an order with time.
fn status(buyer: &Buyer, placed: Moment, draw: &mut Draw) -> &'static str {
    let age_hours = Moment::PRESENT.since(placed) / HOUR;
    match (age_hours, draw.below(100)) {
        _ if buyer.customer.is_none() => "delivered",
        (_, 0..6) => "cancelled",
        (..=36, 6..45) => "pending",
        (..=72, _) => "paid",
        (73..=240, 6..70) => "shipped",
        (241.., 6..11) => "refunded",
        (241.., 11..13) => "paid",
        (73.., _) => "delivered",
    }
}

/// Where the parcel goes; nothing where there is none.
fn shipping(buyer: &Buyer, shipped: Option<Moment>, draw: &mut Draw) -> Option<String> {
    let (_, recipient) = buyer.customer.as_ref()?;
    let (city, postcode) = buyer.culture.town(draw);
    let carrier = draw.pick(&["Harbour Post", "DHL", "Correos", "ヤマト運輸"]);
    let shipping = Shipping {
        recipient,
        street: buyer.culture.street(draw),
        city,
        postcode,
        country: buyer.culture.country,
        method: draw.pick(&["standard", "standard", "express", "pickup_point"]),
        tracking: shipped.map(|_| Tracking { carrier, code: draw.hex(14).to_uppercase() }),
    };
    Some(serde_json::to_string(&shipping).expect("texts and options of texts become JSON"))
}
