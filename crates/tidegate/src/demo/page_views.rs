//! The page views of the demo site; most visitors are nobody, some have signed in.

use rusqlite::params;

use super::{
    DemoError,
    load::Loader,
    moment::{DAY, Moment, SECOND},
    people,
    random::Draw,
    sales::{self, Product},
};

const INSERT: &str = "insert into page_views (id, session_id, day, viewed_at, path, referrer, \
    country, device, browser, duration_seconds, visitor_id) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// Views are kept this long.
const DAYS: u64 = 90;
/// Most views of one session.
const VIEWS_MAX: u64 = 8;

static REFERRERS: &[&str] = &[
    "https://search.example/?q=tide+table+2027",
    "https://search.example/?q=%D1%87%D0%B0%D0%B9",
    "https://social.example/p/8f3a?utm_source=feed&utm_medium=post",
    "https://news.example.org/weekend/“salt”-and-smoke",
    "android-app://com.example.reader",
    "https://mail.example.net/",
];

static DEVICES: &[(&str, &str)] = &[
    ("mobile", "Safari 26"),
    ("mobile", "Chrome 148"),
    ("mobile", "Firefox 152"),
    ("desktop", "Firefox 152"),
    ("desktop", "Chrome 148"),
    ("desktop", "Edge 148"),
    ("tablet", "Safari 26"),
    ("bot", "ExampleBot/2.1 (+https://bot.example/about)"),
];

/// One visit, which has several views.
struct Session {
    id: String,
    at: Moment,
    views: u64,
    referrer: Option<&'static str>,
    country: Option<&'static str>,
    device: (&'static str, &'static str),
    visitor_id: Option<i64>,
}

pub(super) fn write(loader: &mut Loader<'_>) -> Result<(), DemoError> {
    let mut statement = loader.prepare(INSERT)?;
    let products = sales::catalogue();
    let mut id = 1;
    while id <= loader.counts.page_views {
        let mut draw = loader.draw(id);
        let mut session = session(loader, id, &mut draw);
        for view in 0..session.views.min(loader.counts.page_views - id + 1) {
            let is_bot = session.device.0 == "bot";
            let milliseconds = draw.between(800, 240 * SECOND);
            let row = params![
                id as i64,
                session.id,
                session.at.day(),
                session.at.text(),
                path(loader, &products, &mut draw),
                session.referrer.filter(|_| view == 0),
                session.country,
                session.device.0,
                session.device.1,
                (!is_bot).then_some(milliseconds as f64 / SECOND as f64),
                session.visitor_id,
            ];
            loader.insert(&mut statement, row)?;
            loader.count_row()?;
            session.at = session.at.later(milliseconds);
            id += 1;
        }
    }
    Ok(())
}

/// The session whose first view has that id; sessions come evenly over the time that is kept.
fn session(loader: &Loader<'_>, id: u64, draw: &mut Draw) -> Session {
    let step = DAYS * DAY / loader.counts.page_views;
    let at = Moment::days_before_present(DAYS).exactly_later((id - 1) * step + draw.below(step));
    let visitor_id = draw.chance(30).then(|| draw.between(1, loader.counts.users));
    Session {
        id: draw.hex(16),
        at,
        views: draw.between(1, VIEWS_MAX).min(draw.between(1, VIEWS_MAX)),
        referrer: draw.chance(45).then(|| draw.pick(REFERRERS)),
        country: draw.chance(94).then(|| people::culture(draw).country),
        device: DEVICES[draw.below(DEVICES.len() as u64) as usize],
        visitor_id: visitor_id.map(|id| id as i64),
    }
}

fn path(loader: &Loader<'_>, products: &[Product], draw: &mut Draw) -> String {
    let product = &products[draw.below(products.len() as u64) as usize];
    match draw.below(12) {
        0..3 => "/".to_owned(),
        3..7 => format!("/shop/{}/{}", product.category, product.sku.to_lowercase()),
        7..10 => format!("/journal/{}", draw.between(1, loader.counts.posts)),
        10 => "/search?q=%22rope%22+10m&sort=-price".to_owned(),
        _ => draw
            .pick(&["/cart", "/checkout", "/account", "/über-uns", "/journal?tag=日本"])
            .to_owned(),
    }
}
