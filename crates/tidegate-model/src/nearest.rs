//! Finds the name that was probably meant.

use crate::fault::shown;

/// Names that a fault lists when none is near.
const LISTED_MAX: usize = 12;
/// Longest name that is compared: the distance costs the product of both lengths.
const COMPARED_CHARACTERS_MAX: usize = 64;
/// Letters from which on the beginning of a name is taken for the name.
const CUT_CHARACTERS_MIN: usize = 3;

/// The known name nearest to `name`, if it is near enough to be a slip of the hand.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let sought = name.to_lowercase();
    let length = sought.chars().count();
    if length > COMPARED_CHARACTERS_MAX {
        return None;
    }
    // One slip in three letters; a name of one or two letters may differ in case only.
    let distance_max = length / 3;
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let distance = strsim::damerau_levenshtein(&sought, &candidate);
        // Someone who writes `placed` most likely means `placed_at`.
        let is_cut = length >= CUT_CHARACTERS_MIN && candidate.starts_with(&sought);
        (distance <= distance_max || is_cut).then_some(distance)
    };
    known
        .into_iter()
        .filter(|candidate| candidate.len() <= 4 * COMPARED_CHARACTERS_MAX)
        .filter_map(|candidate| Some((distance(candidate)?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Says that `name` is no `what`, and which one is: "`totl` is no field of `orders`; did you mean
/// `total`?".
pub fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let name = shown(name);
    if let Some(candidate) = nearest(&name, known.iter().copied()) {
        return format!("`{name}` is no {what}; did you mean `{}`?", shown(candidate));
    }
    let listed: Vec<String> =
        known.iter().take(LISTED_MAX).map(|candidate| format!("`{}`", shown(candidate))).collect();
    match known.len().checked_sub(LISTED_MAX) {
        _ if known.is_empty() => format!("`{name}` is no {what}; there is none"),
        None | Some(0) => format!("`{name}` is no {what}; there is {}", listed.join(", ")),
        Some(more) => {
            format!("`{name}` is no {what}; there is {} and {more} more", listed.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_recognised_and_another_word_is_not() {
        let known = ["total", "placed_at", "customer.email", "id"];
        for (name, meant) in [
            ("totl", Some("total")),
            ("Total", Some("total")),
            ("toatl", Some("total")),
            ("placedat", Some("placed_at")),
            ("customer_email", Some("customer.email")),
            ("ID", Some("id")),
            ("ix", None),
            ("placed", Some("placed_at")),
            ("pl", None),
            ("shipping", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, known), meant, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1000), known), None);
    }

    #[test]
    fn without_a_near_name_the_known_ones_are_listed() {
        assert_eq!(unknown("field", "x", &["a", "b"]), "`x` is no field; there is `a`, `b`");
        assert_eq!(unknown("field", "x", &[]), "`x` is no field; there is none");
        let many: Vec<String> = (10..40).map(|number| format!("f{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(unknown("field", "zzz", &many).ends_with("`f21` and 18 more"));
    }
}
