//! Counts answers by route and status, and how long they took to begin.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::text::{Kind, Text};

/// Upper bounds of the buckets, in seconds: what is owed is 50 ms.
const BUCKETS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Answers of this process.
#[derive(Debug, Default)]
pub(crate) struct Requests(Mutex<BTreeMap<Route, Answers>>);

/// A route as it was declared: never what somebody has sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    method: &'static str,
    path: String,
}

#[derive(Clone, Debug, Default)]
struct Answers {
    by_status: BTreeMap<u16, u64>,
    buckets: [u64; BUCKETS.len()],
    seconds: f64,
    count: u64,
}

impl Requests {
    /// Counts an answer.
    pub(crate) fn count(&self, method: &'static str, path: &str, status: u16, took: Duration) {
        let seconds = took.as_secs_f64();
        let mut routes = self.lock();
        let answers = routes.entry(Route { method, path: path.to_owned() }).or_default();
        *answers.by_status.entry(status).or_default() += 1;
        answers.seconds += seconds;
        answers.count += 1;
        for (bucket, bound) in answers.buckets.iter_mut().zip(BUCKETS) {
            *bucket += u64::from(seconds <= bound);
        }
    }

    /// Writes them.
    pub(super) fn write(&self, text: &mut Text) {
        const COUNT: &str = "tidegate_http_requests_total";
        const TIME: &str = "tidegate_http_request_duration_seconds";
        let routes = self.lock().clone();
        text.head(COUNT, Kind::Counter, "Answers, by route and status");
        for (route, answers) in &routes {
            for (status, count) in &answers.by_status {
                let status = status.to_string();
                let labels =
                    [("method", route.method), ("route", &route.path), ("status", &status)];
                text.sample(COUNT, &labels, count);
            }
        }
        text.head(TIME, Kind::Histogram, "Time until an answer began, by route");
        for (route, answers) in &routes {
            let labels = [("method", route.method), ("route", route.path.as_str())];
            for (count, bound) in answers.buckets.iter().zip(BUCKETS) {
                let bound = bound.to_string();
                let labels = [labels[0], labels[1], ("le", &bound)];
                text.sample(&format!("{TIME}_bucket"), &labels, count);
            }
            let endless = [labels[0], labels[1], ("le", "+Inf")];
            text.sample(&format!("{TIME}_bucket"), &endless, answers.count);
            text.sample(&format!("{TIME}_sum"), &labels, answers.seconds);
            text.sample(&format!("{TIME}_count"), &labels, answers.count);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Route, Answers>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
