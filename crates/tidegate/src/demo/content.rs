//! The pages, posts and media of the demo site.

use rusqlite::params;
use serde::Serialize;

use super::{
    DemoError,
    load::Loader,
    moment::{DAY, Moment},
    random::Draw,
    texts, users,
};

const INSERT_MEDIA: &str = "insert into media (id, path, media_type, bytes, sha256, width, height, \
    alt_text, status, uploaded_by, uploaded_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const INSERT_PAGE: &str = "insert into pages (id, parent_id, slug, title, status, template, \
    author_id, body, seo, published_at, updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const INSERT_POST: &str = "insert into posts (id, slug, title, status, category, tags, author_id, \
    cover_id, excerpt, body, seo, comments_count, published_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// Content is at most this old.
const DAYS: u64 = 4 * 365;

/// Kind of file, its ending, and most bytes of one: a film may be larger than 32 bits tell.
static MEDIA_TYPES: &[(&str, &str, u64)] = &[
    ("image/jpeg", "jpg", 6_000_000),
    ("image/jpeg", "jpg", 6_000_000),
    ("image/png", "png", 3_000_000),
    ("image/webp", "webp", 900_000),
    ("image/svg+xml", "svg", 60_000),
    ("application/pdf", "pdf", 12_000_000),
    ("audio/mpeg", "mp3", 40_000_000),
    ("video/mp4", "mp4", 6_000_000_000),
];

static MEDIA_NAMES: &[(&str, &str)] = &[
    ("harbour", "The harbour at dawn"),
    ("rope-detail", "Close-up of a three-strand rope, “hawser-laid”"),
    ("team photo (final) 2", "Four people in front of a blue door"),
    ("Leuchtturm-Größe", "Leuchtturm bei Windstärke 9"),
    ("お茶", "湯気の立つ茶碗"),
    ("IMG_0042", ""),
    ("tide-table_2027-v3", "Cover of the tide table, 2027"),
];

static PAGES: &[(&str, &str, &str)] = &[
    ("home", "Home", "landing"),
    ("about", "About us", "default"),
    ("shipping", "Shipping & returns", "default"),
    ("imprint", "Impressum", "legal"),
    ("privacy", "Privacy: what we keep, and for how long", "legal"),
    ("contact", "Contact", "form"),
    ("ueber-uns", "Über uns", "default"),
    ("sobre", "Quiénes somos", "default"),
    ("about-ja", "私たちについて", "default"),
    ("about-ar", "من نحن", "default"),
    ("size-guide", "Size guide (S, M, L, XL)", "table"),
    ("jobs", "Jobs – \"deckhands\" wanted", "default"),
];

/// The JSON document of the column `seo`.
#[derive(Serialize)]
struct Seo<'a> {
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    robots: &'a str,
    og: OpenGraph,
}

#[derive(Serialize)]
struct OpenGraph {
    #[serde(rename = "type")]
    kind: &'static str,
    image: Option<String>,
}

/// Where a text stands on its way to the readers.
struct Publication {
    status: &'static str,
    published: Option<Moment>,
    updated: Moment,
}

pub(super) fn write_media(loader: &mut Loader<'_>) -> Result<(), DemoError> {
    let mut statement = loader.prepare(INSERT_MEDIA)?;
    for id in 1..=loader.counts.media {
        let mut draw = loader.draw(id);
        let (media_type, ending, bytes_max) = *pick(&mut draw, MEDIA_TYPES);
        let (name, alt_text) = *pick(&mut draw, MEDIA_NAMES);
        let uploaded = some_time_ago(&mut draw);
        let has_size = !matches!(media_type, "application/pdf" | "audio/mpeg");
        let row = params![
            id as i64,
            format!("/media/{}/{name}-{id:06}.{ending}", &uploaded.day()[..7].replace('-', "/")),
            media_type,
            draw.between(bytes_max / 50, bytes_max) as i64,
            draw.hex(64),
            has_size.then(|| draw.between(200, 6_000) as i64),
            has_size.then(|| draw.between(200, 4_000) as i64),
            draw.chance(75).then_some(alt_text),
            if draw.chance(92) { "published" } else { "archived" },
            users::staff_id(&mut draw),
            uploaded.text(),
            uploaded.later(draw.below(30 * DAY)).text(),
        ];
        loader.insert(&mut statement, row)?;
        loader.count_row()?;
    }
    Ok(())
}

pub(super) fn write_pages(loader: &mut Loader<'_>) -> Result<(), DemoError> {
    let mut statement = loader.prepare(INSERT_PAGE)?;
    for id in 1..=loader.counts.pages {
        let mut draw = loader.draw(id);
        let (slug, title, template) = PAGES[((id - 1) % PAGES.len() as u64) as usize];
        // The first pages are the roots; the others are translations and children of them.
        let round = (id - 1) / PAGES.len() as u64;
        let parent_id = (round > 0).then(|| draw.between(1, id - 1) as i64);
        let publication = publication(&mut draw);
        let row = params![
            id as i64,
            parent_id,
            if round == 0 { slug.to_owned() } else { format!("{slug}/{round}") },
            title,
            publication.status,
            template,
            users::staff_id(&mut draw),
            texts::sentences(&mut draw, 3, 30),
            seo(loader, title, "website", &mut draw),
            publication.published.map(Moment::text),
            publication.updated.text(),
        ];
        loader.insert(&mut statement, row)?;
        loader.count_row()?;
    }
    Ok(())
}

pub(super) fn write_posts(loader: &mut Loader<'_>) -> Result<(), DemoError> {
    let mut statement = loader.prepare(INSERT_POST)?;
    for id in 1..=loader.counts.posts {
        let mut draw = loader.draw(id);
        let (start, start_slug) = *pick(&mut draw, texts::TITLE_STARTS);
        let (end, end_slug) = *pick(&mut draw, texts::TITLE_ENDS);
        let title = format!("{start} {end}");
        let publication = publication(&mut draw);
        let row = params![
            id as i64,
            format!("{start_slug}-{end_slug}-{id}"),
            title,
            publication.status,
            draw.pick(texts::CATEGORIES),
            tags(&mut draw),
            users::staff_id(&mut draw),
            draw.chance(80).then(|| draw.between(1, loader.counts.media) as i64),
            texts::sentences(&mut draw, 1, 2),
            texts::sentences(&mut draw, 4, 24),
            seo(loader, &title, "article", &mut draw),
            draw.below(60).min(draw.below(60)) as i64,
            publication.published.map(Moment::text),
            publication.updated.text(),
        ];
        loader.insert(&mut statement, row)?;
        loader.count_row()?;
    }
    Ok(())
}

fn pick<'a, T>(draw: &mut Draw, list: &'a [T]) -> &'a T {
    &list[draw.below(list.len() as u64) as usize]
}

fn some_time_ago(draw: &mut Draw) -> Moment {
    Moment::days_before_present(DAYS).exactly_later(draw.below(DAYS * DAY))
}

fn publication(draw: &mut Draw) -> Publication {
    let status =
        draw.pick(&["published", "published", "published", "draft", "in_review", "archived"]);
    let begun = some_time_ago(draw);
    let published = begun.later(draw.below(10 * DAY));
    let updated = published.later(draw.below(200 * DAY));
    let is_out = matches!(status, "published" | "archived");
    Publication { status, published: is_out.then_some(published), updated }
}

/// A fifth of the texts have none, some have no description or image.
fn seo(loader: &Loader<'_>, title: &str, kind: &'static str, draw: &mut Draw) -> Option<String> {
    if draw.chance(20) {
        return None;
    }
    let image = draw.chance(60).then(|| draw.between(1, loader.counts.media));
    let seo = Seo {
        title: format!("{title} | Tidewater & Sons"),
        description: draw.chance(70).then_some("Goods for people who live by the water."),
        robots: draw.pick(&["index,follow", "index,follow", "noindex"]),
        og: OpenGraph { kind, image: image.map(|id| format!("/media/{id}/card")) },
    };
    Some(serde_json::to_string(&seo).expect("texts and options of texts become JSON"))
}

fn tags(draw: &mut Draw) -> String {
    let mut tags: Vec<&str> = (0..draw.below(5)).map(|_| draw.pick(texts::TAGS)).collect();
    tags.sort_unstable();
    tags.dedup();
    serde_json::to_string(&tags).expect("a list of texts becomes JSON")
}
