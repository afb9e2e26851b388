//! The users of the demo site.

use rusqlite::params;

use super::{
    DemoError,
    load::Loader,
    moment::{DAY, HOUR, Moment},
    people::{self, Culture, Name},
    random::Draw,
    texts,
};

const INSERT: &str = "insert into users (id, email, given_name, family_name, display_name, role, \
    status, phone, city, country, locale, birth_date, marketing_consent, consented_at, \
    last_sign_in_at, last_sign_in_ip, note, password_hash, created_at, updated_at) \
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/// The first user came this long ago.
const DAYS: u64 = 5 * 365;
/// The first users write and keep the site.
const STAFF: u64 = 12;
/// Domains that nobody can own (RFC 2606).
const DOMAINS: &[&str] = &["example.com", "example.org", "mail.example.net", "shop.example"];

/// Who a user is, and the draws for the rest of the row.
pub(super) struct Person {
    pub(super) culture: &'static Culture,
    pub(super) name: Name,
    draw: Draw,
}

/// The user of that id: drawn again wherever an order needs one, so that none is kept.
pub(super) fn person(seed: u64, id: u64) -> Person {
    let mut draw = Draw::new(seed, "users", id);
    let culture = people::culture(&mut draw);
    let name = culture.name(&mut draw);
    Person { culture, name, draw }
}

/// An author or editor.
pub(super) fn staff_id(draw: &mut Draw) -> i64 {
    draw.between(1, STAFF) as i64
}

/// A user who had an account at that moment; the older ones come more often.
pub(super) fn customer_id(draw: &mut Draw, users: u64, moment: Moment) -> u64 {
    let age = moment.since(Moment::days_before_present(DAYS));
    let known = (u128::from(users) * u128::from(age) / u128::from(DAYS * DAY)) as u64;
    let known = known.clamp(1, users);
    draw.between(1, known).min(draw.between(1, known))
}

pub(super) fn write(loader: &mut Loader<'_>) -> Result<(), DemoError> {
    let mut statement = loader.prepare(INSERT)?;
    for id in 1..=loader.counts.users {
        let Person { culture, name, mut draw } = person(loader.seed, id);
        let created = created_at(id, loader.counts.users, &mut draw);
        let updated = created.later(draw.below(400 * DAY));
        let has_consented = draw.chance(55);
        let signed_in = draw.chance(80).then(|| updated.later(draw.below(90 * DAY)).text());
        let row = params![
            id as i64,
            format!("{}{id}@{}", name.ascii, draw.pick(DOMAINS)),
            name.given,
            name.family,
            name.display,
            role(id),
            status(&mut draw, id),
            draw.chance(70).then(|| culture.phone(&mut draw)),
            draw.chance(85).then(|| culture.town(&mut draw).0),
            culture.country,
            culture.locale,
            draw.chance(60).then(|| birth_date(&mut draw)),
            has_consented,
            has_consented.then(|| created.later(draw.below(HOUR)).text()),
            signed_in,
            signed_in.is_some().then(|| address(&mut draw)),
            texts::note(&mut draw),
            format!("$argon2id$v=19$m=19456,t=2,p=1${}${}", draw.hex(22), draw.hex(43)),
            created.text(),
            updated.text(),
        ];
        loader.insert(&mut statement, row)?;
        loader.count_row()?;
    }
    Ok(())
}

/// Users come evenly, in the order of their ids.
fn created_at(id: u64, users: u64, draw: &mut Draw) -> Moment {
    let step = DAYS * DAY / users;
    Moment::days_before_present(DAYS).exactly_later((id - 1) * step + draw.below(step))
}

fn role(id: u64) -> &'static str {
    match id {
        1 => "administrator",
        2..5 => "editor",
        5..=STAFF => "author",
        _ => "customer",
    }
}

fn status(draw: &mut Draw, id: u64) -> &'static str {
    match (id, draw.below(100)) {
        (..=STAFF, _) | (_, 0..90) => "active",
        (_, 90..94) => "invited",
        (_, 94..96) => "suspended",
        (_, _) => "closed",
    }
}

/// Between 18 and 90 years ago; a few on 29 February.
fn birth_date(draw: &mut Draw) -> String {
    match draw.below(400) {
        0 => "1996-02-29".to_owned(),
        _ => Moment::days_before_present(draw.between(18 * 365, 90 * 365)).day(),
    }
}

/// An address of the ranges for documentation (RFC 5737, RFC 3849).
fn address(draw: &mut Draw) -> String {
    let block = draw.pick(&["192.0.2", "198.51.100", "203.0.113", "2001:db8:"]);
    match block.contains(':') {
        true => format!("{block}{:x}::{:x}", draw.below(0xffff), draw.between(1, 0xffff)),
        false => format!("{block}.{}", draw.between(1, 254)),
    }
}
