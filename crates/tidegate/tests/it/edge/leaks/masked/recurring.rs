//! Schedules: fires that were due, runs by hand, runs of what was taken over, and what is told of them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    super::searcher::To,
    look::ALL,
    site::{NORTH, Site},
};

/// Times at which a schedule of the test fires: not before the test is over.
const TIMES: &str = "0 3 1 1 *";
/// Moments that nobody was there for, in microseconds since 1970: in January 2024, in June 2026.
const LONG_AGO: [i64; 2] = [1_704_078_000_000_000, 1_780_282_800_000_000];

impl Site {
    fn scheduled(&mut self, mut order: Value) -> u64 {
        order["schedule"] = json!({ "cron": TIMES, "missed": "once", "lag_seconds": 0 });
        order["notify"] = json!({ "email": "clerk@example.com" });
        let (status, made) = self.post("/api/v1/exports", &order);
        assert_eq!(status, 201, "{made}");
        made["id"].as_u64().unwrap()
    }

    /// Lets a time of a schedule have come long ago; gives the run that the scheduler makes of it.
    fn fired(&mut self, schedule: u64, at: i64) -> Value {
        let before = self.last_run(schedule)["id"].clone();
        let mut calls = self.hook.calls().len();
        self.alter(&format!(
            "update schedules set next_fire_at = {at}, due_at = {at} \
             where id = {schedule}"
        ));
        loop {
            calls += 1;
            self.hook.wait_for(calls);
            let run = self.last_run(schedule);
            let is_over = run["status"] != "pending" && run["status"] != "building";
            if run["id"] != before && is_over {
                return run;
            }
        }
    }

    /// The last run of a schedule, or nothing.
    fn last_run(&mut self, schedule: u64) -> Value {
        let (status, told) = self.get(&format!("/api/v1/schedules/{schedule}"));
        assert_eq!(status, 200, "{told}");
        told["runs"].as_array().unwrap().first().cloned().unwrap_or_default()
    }
}

/// A schedule of the clerk's fires late, and again from where it was; and by hand.
pub(super) fn fires(site: &mut Site) {
    let order = json!({ "subject": "people", "format": "csv", "fields": ALL });
    let late = site.scheduled(order);
    let run = site.fired(late, LONG_AGO[0]);
    assert_eq!((&run["status"], &run["rows_done"]), (&json!("ready"), &json!(NORTH)), "{run}");
    site.take(run["id"].as_u64().unwrap()).expect("it is ready");
    let since = json!({ "field": "made_at", "op": "since_last" });
    let since = json!({ "subject": "visits", "format": "ndjson", "scope": { "filter": since } });
    let since = site.scheduled(since);
    for (at, rows) in LONG_AGO.into_iter().zip([NORTH, 0]) {
        let run = site.fired(since, at);
        assert_eq!((&run["status"], &run["rows_done"]), (&json!("ready"), &json!(rows)), "{run}");
        site.take(run["id"].as_u64().unwrap()).expect("it is ready");
    }
    let (status, run) = site.post(&format!("/api/v1/schedules/{late}/run"), &Value::Null);
    assert_eq!(status, 202, "{run}");
    site.take(run["id"].as_u64().unwrap()).expect("it is ready");
    // From where a masked moment was is told by nothing.
    let masked = json!({ "field": "left_at", "op": "since_last" });
    let mut order = json!({ "subject": "visits", "format": "csv", "scope": { "filter": masked } });
    order["schedule"] = json!({ "cron": TIMES });
    let (status, told) = site.post("/api/v1/exports", &order);
    assert_eq!(status, 422, "{told}");
    for id in [late, since] {
        site.page(&format!("/sg-admin/cron/{id}"));
        site.send(Method::DELETE, &format!("/api/v1/schedules/{id}"), &Value::Null);
    }
}

/// A schedule that somebody made who sees more is taken over by somebody who sees less.
pub(super) fn taken_over(site: &mut Site) {
    let [north, south] = site.emails.clone();
    let people = site.ada.read("/api/v1/operators");
    let is_clerk = |one: &&Value| one["email"] == "clerk@example.com";
    let clerk = people.as_array().unwrap().iter().find(is_clerk).unwrap()["id"].clone();
    for scope in [
        json!({ "filter": { "field": "email", "op": "in", "value": [north, south] } }),
        json!({ "search": south }),
        json!({ "sort": ["-email"] }),
        json!({}),
    ] {
        let order = json!({ "subject": "people", "format": "csv", "scope": scope,
            "schedule": { "cron": TIMES, "missed": "once" } });
        let made = site.ada.post("/api/v1/exports", &order);
        assert_eq!(made.status(), 201);
        let id = made.json::<Value>().unwrap()["id"].as_u64().unwrap();
        for path in [format!("/api/v1/schedules/{id}"), "/api/v1/schedules".to_owned()] {
            assert_eq!(site.get(&path).0, 200);
        }
        site.page(&format!("/sg-admin/cron/{id}"));
        site.page(&format!("/sg-admin/exports/new/review?schedule={id}"));
        let give =
            site.ada.post(&format!("/api/v1/schedules/{id}/reassign"), &json!({ "owner": clerk }));
        let status = give.status().as_u16();
        let told = give.text().unwrap();
        assert!(matches!(status, 204 | 409 | 422), "{status} {told}");
        let (status, run) = site.post(&format!("/api/v1/schedules/{id}/run"), &Value::Null);
        assert!(status < 500, "{run}");
        if let (202, Some(run)) = (status, run["id"].as_u64()) {
            site.take(run);
        }
        site.get(&format!("/api/v1/schedules/{id}"));
        site.page(&format!("/sg-admin/cron/{id}"));
        site.command(&["--json", "schedules", "show", &id.to_string()]);
        site.send(Method::DELETE, &format!("/api/v1/schedules/{id}"), &Value::Null);
    }
}

/// What was told of all that: by mail, by webhook, in the inbox.
pub(super) fn notices(site: &mut Site) {
    for mail in site.smtp.wait_for(10) {
        let is_clerk = mail.to.iter().all(|to| to.contains("clerk@"));
        site.searcher.catch(if is_clerk { To::Clerk } else { To::Stranger }, "mail", mail.text);
    }
    for call in site.hook.wait_for(10) {
        let headers: String = call.headers.values().map(|value| format!("{value}\n")).collect();
        site.searcher.catch(To::Stranger, "webhook", format!("{headers}\n{}", call.body));
    }
    for path in ["notifications", "notifications/deliveries", "notifications/deliveries?state=dead"]
    {
        assert_eq!(site.get(&format!("/api/v1/{path}")).0, 200, "{path}");
    }
    site.page("/sg-admin/notifications");
}
