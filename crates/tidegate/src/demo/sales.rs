//! The products of the demo site, and what they cost in each currency.

use rusqlite::params;

use super::{
    DemoError,
    goods::{GOODS, RATES},
    load::Loader,
};

const INSERT: &str = "insert into products (id, sku, name, category, price, weight_grams) \
    values (?, ?, ?, ?, ?, ?)";

/// A product: one variant of a good.
pub(super) struct Product {
    pub(super) id: i64,
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) category: &'static str,
    /// Price in euro cents.
    pub(super) cents: u64,
    pub(super) weight_grams: u64,
}

/// All products, in the order of their ids.
pub(super) fn catalogue() -> Vec<Product> {
    let variants = GOODS.iter().flat_map(|good| {
        good.variants.iter().enumerate().map(move |(at, variant)| (good, at as u64, variant))
    });
    variants
        .zip(1..)
        .map(|((good, at, variant), id)| Product {
            id,
            sku: format!("{}-{:03}", good.code, at + 1),
            name: format!("{}{variant}", good.name),
            category: good.category,
            cents: good.cents * (5 + at) / 5,
            weight_grams: good.weight_grams * (5 + at) / 5,
        })
        .collect()
}

/// What an amount is in another currency; a currency may have no parts (yen).
#[derive(Clone, Copy, Debug)]
pub(super) struct Currency {
    rate: u64,
    step: u64,
}

impl Currency {
    pub(super) fn of(code: &str) -> Self {
        let found = RATES.iter().find(|(known, _, _)| *known == code);
        let (_, rate, step) = found.expect("every culture pays in a currency of the list");
        Self { rate: *rate, step: *step }
    }

    /// The amount in hundredths of this currency that euro cents are worth.
    pub(super) fn convert(self, cents: u64) -> u64 {
        self.round(cents * self.rate / 10_000)
    }

    /// A share of an amount, in thousandths, rounded half up.
    pub(super) fn share(self, amount: u64, permille: u64) -> u64 {
        self.round((amount * permille + 500) / 1_000)
    }

    fn round(self, amount: u64) -> u64 {
        (amount + self.step / 2) / self.step * self.step
    }
}

/// Hundredths as the number that SQLite keeps: the nearest double prints as the same digits.
pub(super) fn money(hundredths: i64) -> f64 {
    hundredths as f64 / 100.0
}

pub(super) fn write(loader: &mut Loader<'_>) -> Result<(), DemoError> {
    let mut statement = loader.prepare(INSERT)?;
    for product in catalogue() {
        let row = params![
            product.id,
            product.sku,
            product.name,
            product.category,
            money(product.cents as i64),
            product.weight_grams as i64,
        ];
        loader.insert(&mut statement, row)?;
        loader.count_row()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn article_numbers_are_unique_and_amounts_are_whole_where_the_currency_has_no_parts() {
        let products = catalogue();
        let numbers: std::collections::BTreeSet<&str> =
            products.iter().map(|product| product.sku.as_str()).collect();
        assert_eq!(numbers.len(), products.len());
        let yen = Currency::of("JPY");
        assert_eq!(yen.convert(1_990), 322_400);
        assert_eq!(yen.share(322_400, 100), 32_200);
        assert_eq!(Currency::of("EUR").share(1_990, 190), 378);
    }
}
