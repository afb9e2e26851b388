//! What the people of the demo export: requests as they would be sent.

use serde_json::{Value, json};
use tidegate_model::request::ExportRequest;

use super::super::operators::{ADA, EDITH, MARA, VICTOR};

/// A request, as the body of `POST /api/v1/exports`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish(pub(super) &'static str);

impl Wish {
    pub(super) fn request(self) -> ExportRequest {
        let sent: Value = serde_json::from_str(self.0).expect("a wish is JSON");
        ExportRequest::read(&sent).expect("a wish is a request")
    }
}

/// Everything: the largest of the demo's subjects, which some days are too short for.
pub(super) const ALL_VIEWS: Wish =
    Wish(r#"{"subject":"analytics","format":"ndjson","options":{"compress":"zstd"}}"#);
/// The orders that are on their way.
pub(super) const ON_THE_WAY: Wish = Wish(
    r#"{"subject":"orders","format":"xlsx","time_zone":"Europe/Berlin",
        "scope":{"filter":{"field":"status","op":"in","value":["paid","shipped"]}},
        "reason":"Shipping list for the warehouse"}"#,
);
/// What somebody without the right to it asks for.
pub(super) const ALL_USERS: Wish = Wish(r#"{"subject":"users","format":"csv"}"#);
/// Personal data, said why.
pub(super) const NEWSLETTER: Wish = Wish(
    r#"{"subject":"users","format":"csv","options":{"profile":"spreadsheet"},
        "fields":["id","email","name","marketing_consent"],
        "scope":{"filter":{"field":"marketing_consent","op":"eq","value":true}},
        "reason":"Recipients of the spring newsletter, with consent"}"#,
);
/// Rows that the largest export reads, enough for some seconds on every machine: each row of a
/// visit reads all views, as no index helps.
const ROWS_READ: u64 = 1_200_000_000;

/// The visits to a shop with so many views: takes longest.
pub(super) fn visits(views: u64) -> ExportRequest {
    let rows = ROWS_READ / views.max(1);
    ExportRequest {
        fields: json!(["id", "viewed_at", "device", "country", "path", "visit"]),
        scope: json!({ "filter": { "field": "id", "op": "lte", "value": rows } }),
        time_zone: Some("Europe/Berlin".to_owned()),
        reason: Some("Ways through the shop, for the new navigation".to_owned()),
        ..ExportRequest::new("analytics", "xlsx")
    }
}

/// What is made by itself, and whose it is.
pub(super) const AGAIN_AND_AGAIN: [(&str, Wish); 4] = [
    (
        EDITH,
        Wish(
            r#"{"subject":"analytics","format":"csv","scope":{"country":"DE"},
                "schedule":{"cron":"30 5 * * *","time_zone":"Europe/Berlin"},
                "reason":"Views of the autumn campaign"}"#,
        ),
    ),
    (
        ADA,
        Wish(
            r#"{"subject":"orders","format":"xlsx","time_zone":"Europe/Berlin",
                "scope":{"filter":{"field":"placed_at","op":"last","value":"week"}},
                "schedule":{"cron":"0 6 * * 1","time_zone":"Europe/Berlin","missed":"once"},
                "reason":"Orders of the week, for accounting"}"#,
        ),
    ),
    (
        EDITH,
        Wish(
            r#"{"subject":"content","kind":"posts","format":"ndjson",
                "scope":{"status":"published"},"options":{"compress":"gzip"},
                "schedule":{"cron":"15 4 * * 1-5","time_zone":"Europe/Berlin"},
                "reason":"For the search of the shop"}"#,
        ),
    ),
    (
        ADA,
        Wish(
            r#"{"subject":"orders","format":"parquet",
                "scope":{"filter":{"field":"placed_at","op":"last","value":"month"}},
                "schedule":{"cron":"0 3 1 * *","time_zone":"UTC","missed":"once"}}"#,
        ),
    ),
];

const OF_ADA: &[Wish] = &[
    ON_THE_WAY,
    NEWSLETTER,
    Wish(
        r#"{"subject":"orders","format":"csv","options":{"profile":"spreadsheet"},
            "scope":{"status":"refunded"},"reason":"Refunds, for accounting"}"#,
    ),
    Wish(
        r#"{"subject":"orders","format":"parquet","time_zone":"Europe/Berlin",
            "fields":["id","placed_at","status","currency","total","items_count"],
            "scope":{"filter":{"all":[{"field":"currency","op":"eq","value":"EUR"},
                                      {"field":"total","op":"gte","value":"100"}]},
                     "sort":["-total","id"]}}"#,
    ),
    Wish(r#"{"subject":"orders","format":"xml","scope":{"ids":["3","14","15","92","65"]}}"#),
    Wish(
        r#"{"subject":"orders","format":"json",
            "fields":["id","number","total","lines"],
            "scope":{"status":"pending","except_ids":["7","11"]}}"#,
    ),
    Wish(
        r#"{"subject":"users","format":"xlsx",
            "fields":["id","email","name","role","last_sign_in_at"],
            "scope":{"role":"staff"},"reason":"Yearly review of staff accounts"}"#,
    ),
    Wish(
        r#"{"subject":"users","format":"json","scope":{"ids":["21","34"]},
            "reason":"Access request of a customer, article 15 GDPR"}"#,
    ),
    Wish(
        r#"{"subject":"users","format":"parquet",
            "fields":["id","status","profile.country","created_at"]}"#,
    ),
    Wish(r#"{"subject":"analytics","format":"parquet"}"#),
];

const OF_EDITH: &[Wish] = &[
    Wish(r#"{"subject":"content","kind":"posts","format":"csv","scope":{"status":"published"}}"#),
    Wish(r#"{"subject":"content","kind":"posts","format":"xlsx","scope":{"search":"tide"}}"#),
    Wish(
        r#"{"subject":"content","kind":"pages","format":"json",
            "fields":["id","title","slug","seo.title","seo.description"]}"#,
    ),
    Wish(
        r#"{"subject":"content","kind":"media","format":"csv",
            "fields":["path","type","bytes","sha256"],"reason":"Manifest for the mirror"}"#,
    ),
    Wish(r#"{"subject":"content","format":"ndjson","options":{"compress":"gzip"}}"#),
    Wish(r#"{"subject":"content","kind":"posts","format":"xml","scope":{"status":"draft"}}"#),
    Wish(r#"{"subject":"content","kind":"posts","format":"parquet"}"#),
    Wish(
        r#"{"subject":"analytics","format":"xlsx","time_zone":"Europe/Berlin",
            "scope":{"device":"mobile","search":"blog"}}"#,
    ),
    Wish(r#"{"subject":"analytics","format":"csv","scope":{"country":"DE"}}"#),
    ALL_VIEWS,
];

const OF_VICTOR: &[Wish] = &[
    Wish(r#"{"subject":"content","kind":"pages","format":"xlsx"}"#),
    Wish(r#"{"subject":"content","kind":"posts","format":"json","scope":{"search":"harbour"}}"#),
    Wish(r#"{"subject":"content","kind":"pages","format":"csv","scope":{"ids":["1","2","3"]}}"#),
];

const OF_MARA: &[Wish] = &[
    Wish(
        r#"{"subject":"orders","format":"csv","scope":{"status":"shipped"},
            "reason":"Parcels that customers ask about"}"#,
    ),
    Wish(r#"{"subject":"orders","format":"xlsx","scope":{"ids":["5","8","13","21"]}}"#),
];

/// What somebody exports from day to day.
pub(super) fn of(email: &str) -> &'static [Wish] {
    match email {
        ADA => OF_ADA,
        EDITH => OF_EDITH,
        VICTOR => OF_VICTOR,
        MARA => OF_MARA,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_subject_format_and_kind_of_scope_is_wished_for() {
        let wishes = [OF_ADA, OF_EDITH, OF_VICTOR, OF_MARA].concat();
        let requests: Vec<ExportRequest> = wishes.iter().map(|wish| wish.request()).collect();
        let words = |of: &dyn Fn(&ExportRequest) -> String| -> BTreeSet<String> {
            requests.iter().map(of).collect()
        };
        let subjects = words(&|one| one.subject.clone());
        assert_eq!(Vec::from_iter(subjects), ["analytics", "content", "orders", "users"]);
        let formats: BTreeSet<String> =
            tidegate_format::FORMATS.iter().map(|format| format.slug().to_owned()).collect();
        assert_eq!(words(&|one| one.format.clone()), formats);
        for member in ["filter", "search", "ids", "except_ids", "sort", "status"] {
            assert!(requests.iter().any(|one| one.scope.get(member).is_some()), "{member}");
        }
        assert!(requests.iter().any(|one| one.scope.is_null()), "all there is");
        assert!(requests.iter().any(|one| one.reason.is_some()));
    }
}
