//! How many rows each table of a site has.

/// Rows of the tables, of all but the lines, whose number falls out of the orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) users: u64,
    pub(super) orders: u64,
    pub(super) media: u64,
    pub(super) pages: u64,
    pub(super) posts: u64,
    pub(super) page_views: u64,
}

impl Counts {
    /// The proportions of a shop: a customer orders four times, a visitor looks before buying, and
    /// what is written by hand stops growing at some point.
    pub(super) fn of(orders: u64) -> Self {
        Self {
            users: (orders / 4).max(40),
            orders,
            media: (orders / 20).clamp(80, 100_000),
            pages: (orders / 400).clamp(30, 5_000),
            posts: (orders / 40).clamp(60, 25_000),
            page_views: (orders * 2).max(200),
        }
    }
}
