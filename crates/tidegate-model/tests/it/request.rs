//! A request, as it is sent and as it is checked.

use serde_json::{Value, json};
use tidegate_model::{query::Predicate, request::ExportRequest};

use crate::shop;

fn faults(sent: &Value) -> Vec<String> {
    match shop::request(sent) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.0.iter().map(ToString::to_string).collect(),
    }
}

/// The request of the contract, but for its schedule.
fn whole() -> Value {
    json!({
        "subject": "orders", "kind": null,
        "scope": {
            "filter": {"all": []}, "search": null, "ids": null, "except_ids": null,
            "sort": ["-placed_at", "id"],
        },
        "fields": ["id", {"slug": "customer.email", "as": "E-mail"}],
        "format": "csv", "options": {"profile": "exact", "compress": "gzip"},
        "time_zone": "Europe/Berlin",
        "notify": {"email": "a@example.com"}, "reason": null, "schedule": null,
    })
}

#[test]
fn the_request_of_the_contract_is_accepted() {
    let checked = shop::request(&whole()).unwrap();
    assert_eq!(checked.format(), "csv");
    assert_eq!(checked.options()["compress"], "gzip");
    assert_eq!(checked.time_zone().name(), "Europe/Berlin");
    assert_eq!(checked.notify_email(), Some("a@example.com"));
    let (query, json) = checked.query("2026-03-31T12:00:00Z".parse().unwrap());
    assert!(query.predicate.is_everything());
    assert_eq!(query.key.len(), 1);
    assert!(query.is_consistent);
    assert_eq!(json, json!({"sort": ["-placed_at", "id"]}));
}

#[test]
fn only_subject_and_format_are_required() {
    let checked = shop::request(&json!({"subject": "orders", "format": "csv"})).unwrap();
    assert_eq!(checked.time_zone().name(), "UTC");
    assert_eq!(faults(&json!({})), ["`subject` is missing", "`format` is missing"],);
}

#[test]
fn a_request_survives_being_written_and_read() {
    let sent = whole();
    let request = ExportRequest::read(&sent).unwrap();
    let written = serde_json::to_value(&request).unwrap();
    assert_eq!(ExportRequest::read(&written).unwrap(), request);
    let read: ExportRequest = serde_json::from_value(sent).unwrap();
    assert_eq!(read, request);
}

#[test]
fn scalar_options_become_text() {
    let sent = json!({"subject": "orders", "format": "csv", "options": {"bom": true, "level": 5}});
    let checked = shop::request(&sent).unwrap();
    assert_eq!(checked.options()["bom"], "true");
    assert_eq!(checked.options()["level"], "5");
}

#[test]
fn every_fault_of_a_request_is_told() {
    assert_eq!(
        faults(&json!({
            "subjct": "orders", "format": 5, "kind": [], "options": {"a": [], "b": null},
            "notify": {"mail": "x"}, "reason": "x".repeat(1001), "time_zone": 5,
        })),
        [
            "/subjct: `subjct` is no member of a request; did you mean `subject`?",
            "`subject` is missing",
            "/kind: `kind` takes text, not a list",
            "/format: `format` takes text, not a number",
            "/options/a: an option takes a short text, a number, true or false",
            "/options/b: an option takes a short text, a number, true or false",
            "/time_zone: `time_zone` takes text, not a number",
            "/notify/mail: `mail` is no member of `notify`; did you mean `email`?",
            "/notify: `email` is missing: it names the address to mail to",
            "/reason: `reason` has at most 1000 characters",
        ]
    );
    let mut sent = whole();
    sent["time_zone"] = json!("Europe/Berln");
    sent["fields"] = json!(["idd"]);
    sent["scope"] = json!({"sort": ["idd"]});
    sent["schedule"] = json!({"cron": "0 6 * * 1"});
    assert_eq!(
        faults(&sent),
        [
            "/schedule: a schedule needs a server with a control database; leave it out to export \
             now",
            "/fields/0: `idd` is no field of `orders`; did you mean `id`?",
            "/time_zone: `Europe/Berln` is no time zone; did you mean `Europe/Berlin`?",
            "/scope/sort/0: `idd` is no field of `orders`; did you mean `id`?",
        ]
    );
    assert_eq!(faults(&json!([])), ["a request is an object, not a list"]);
}

#[test]
fn only_one_plain_address_is_told() {
    let told = |email: &str| {
        let sent = json!({"subject": "orders", "format": "csv", "notify": {"email": email}});
        faults(&sent).is_empty()
    };
    for email in ["a@example.com", "ada.l+x@sub.example.com", "ä@exämple.de", "root@localhost"] {
        assert!(told(email), "{email}");
    }
    for email in [
        "",
        "a",
        "@b.de",
        "a@",
        "a@b@c.de",
        "a b@c.de",
        "a@b.de,c@d.de",
        "a@b.de\nBcc: c@d.de",
        "Ada <a@b.de>",
        "a@b..de",
        &format!("{}@b.de", "a".repeat(250)),
    ] {
        assert!(!told(email), "{email}");
    }
}

#[test]
fn personal_data_is_seen_in_the_subject_the_fields_and_the_scope() {
    assert!(shop::request(&json!({"subject": "orders", "format": "csv"})).unwrap().has_pii());

    let has_pii = |has_pii: bool, fields: Value| {
        let mut subject = shop::subject("orders");
        subject.has_pii = has_pii;
        let sent = json!({"subject": "orders", "format": "csv", "fields": fields});
        ExportRequest::read(&sent).unwrap().check(&subject).unwrap().has_pii()
    };
    assert!(has_pii(true, json!(["id"])));
    assert!(has_pii(false, json!(["customer.email"])));
    assert!(!has_pii(false, json!(["id"])));

    // A key that travels hidden does not leave.
    let mut subject = shop::subject("stock");
    subject.fields[1].pii = Some("name".to_owned());
    let has_pii = |fields: Value| {
        let sent = json!({"subject": "stock", "format": "csv", "fields": fields});
        ExportRequest::read(&sent).unwrap().check(&subject).unwrap().has_pii()
    };
    assert!(has_pii(json!(["sku"])));
    assert!(!has_pii(json!(["quantity"])));

    let analytics = |filter: Value| {
        let sent = json!({"subject": "analytics", "format": "csv", "scope": {"filter": filter}});
        let subject = shop::subject("analytics");
        ExportRequest::read(&sent).unwrap().check(&subject).unwrap().has_pii()
    };
    assert!(analytics(json!(null)));
    assert!(!analytics(json!({"field": "visitor_id", "op": "is_null"})));
}

#[test]
fn the_query_is_that_of_its_moment_and_zone() {
    let sent = json!({
        "subject": "orders", "format": "csv", "time_zone": "America/New_York",
        "scope": {"filter": {"field": "placed_at", "op": "this", "value": "day"}, "sort": []},
    });
    let checked = shop::request(&sent).unwrap();
    let (query, json) = checked.query("2026-03-31T03:59:59Z".parse().unwrap());
    assert!(matches!(query.predicate, Predicate::All(parts) if parts.len() == 2));
    assert!(query.sort.is_empty());
    assert_eq!(
        json,
        json!({
            "filter": {"all": [
                {"field": "placed_at", "op": "gte", "value": "2026-03-30T00:00:00-04:00"},
                {"field": "placed_at", "op": "lt", "value": "2026-03-31T00:00:00-04:00"},
            ]},
            "sort": [],
        })
    );
}
