//! What the demo shop sells, as a list.

/// One thing to buy, in several sizes or colours.
pub(super) struct Good {
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    /// First letters of its article numbers.
    pub(super) code: &'static str,
    /// Price of the first variant, in euro cents.
    pub(super) cents: u64,
    pub(super) weight_grams: u64,
    /// What is added to the name; each variant costs a fifth more than the one before.
    pub(super) variants: &'static [&'static str],
}

const fn good(
    name: &'static str,
    category: &'static str,
    (code, cents, weight_grams): (&'static str, u64, u64),
    variants: &'static [&'static str],
) -> Good {
    Good { name, category, code, cents, weight_grams, variants }
}

const SIZES: &[&str] = &[", S", ", M", ", L", ", XL"];
const COLOURS: &[&str] = &[", sand", ", tide blue", ", signal red"];
const ONE: &[&str] = &[""];

pub(super) static GOODS: &[Good] = &[
    good("Fisherman's jumper", "clothing", ("JUMP", 11_900, 820), SIZES),
    good("Oilskin jacket “Doggerland”", "clothing", ("OILS", 18_900, 1_350), SIZES),
    good("Wool socks (2 pairs)", "clothing", ("SOCK", 1_990, 120), SIZES),
    good("Beanie", "clothing", ("BEAN", 2_450, 90), COLOURS),
    good("Canvas tote, 40 × 38 cm", "bags", ("TOTE", 1_800, 210), COLOURS),
    good("Dry bag 20 l", "bags", ("DRYB", 3_495, 480), COLOURS),
    good("Kettle 1.7 l \"Breakwater\"", "kitchen", ("KETT", 5_999, 1_100), COLOURS),
    good("Enamel mug", "kitchen", ("MUGE", 1_250, 160), COLOURS),
    good("Crème brûlée torch", "kitchen", ("TORC", 2_799, 340), ONE),
    good("Müsli bowl, hand-thrown", "kitchen", ("BOWL", 2_200, 430), COLOURS),
    good("Oyster knife; stainless", "kitchen", ("OYST", 1_650, 110), ONE),
    good("抹茶 Matcha", "pantry", ("MATC", 1_490, 60), &[" 30 g", " 100 g"]),
    good("Sea salt, flaked", "pantry", ("SALT", 650, 250), &[" 125 g", " 250 g", " 1 kg"]),
    good("Smoked paprika, “dulce”", "pantry", ("PAPR", 480, 75), ONE),
    good("Łosoś wędzony (smoked salmon)", "pantry", ("SALM", 1_895, 200), &[" 200 g", " 500 g"]),
    good("Notebook A5, dotted", "paper", ("NOTE", 1_095, 240), COLOURS),
    good("Tide table 2027", "paper", ("TIDE", 895, 90), ONE),
    good(
        "Sea chart, 1:50,000",
        "paper",
        ("CHRT", 3_200, 140),
        &[", North Sea", ", Baltic", ", Skagerrak"],
    ),
    good("Postcard set <Harbours>", "paper", ("POST", 750, 60), ONE),
    good("Rope 12 mm", "chandlery", ("ROPE", 2_400, 900), &[" × 10 m", " × 25 m", " × 50 m"]),
    good("Shackle ½″", "chandlery", ("SHAC", 890, 150), &[", galvanised", ", stainless"]),
    good("Brass oil lamp", "chandlery", ("LAMP", 7_450, 1_400), ONE),
    good("Barometer Ø 120 mm", "chandlery", ("BARO", 8_990, 640), ONE),
    good("Gift card", "gifts", ("GIFT", 2_500, 5), &[" 25", " 30", " 36"]),
    good("Bottle ship 🚢", "gifts", ("SHIP", 4_600, 700), ONE),
    good("Sticker sheet ⚓️🌊", "gifts", ("STIC", 350, 10), ONE),
];

/// How much of each currency is a euro, in ten thousandths; and the step its prices are rounded to,
/// in hundredths (a yen has no parts).
pub(super) const RATES: &[(&str, u64, u64)] = &[
    ("EUR", 10_000, 1),
    ("GBP", 8_500, 1),
    ("USD", 11_000, 1),
    ("SEK", 112_000, 1),
    ("BRL", 60_000, 1),
    ("JPY", 1_620_000, 100),
];
