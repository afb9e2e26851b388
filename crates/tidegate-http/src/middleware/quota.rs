//! How many requests a caller may send within a minute.

use std::num::NonZeroU32;

use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::problem::{Problem, ProblemKind};

/// Callers that are remembered before those are forgotten who have been quiet.
const CALLERS_MAX: usize = 10_000;
/// Seconds of the window.
const WINDOW_SECONDS: u32 = 60;

/// Header that says what is left (draft-ietf-httpapi-ratelimit-headers).
const LEFT: HeaderName = HeaderName::from_static("ratelimit");
/// Header that says what the rule is.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type Limiter =
    RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// Counts requests by caller.
pub(crate) struct Quotas {
    limiter: Limiter,
    requests: NonZeroU32,
}

/// What a caller has left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    requests: u32,
    quota: u32,
}

impl Quotas {
    /// So many a minute.
    pub(crate) fn new(requests: NonZeroU32) -> Self {
        let keyed: DefaultKeyedRateLimiter<String> =
            RateLimiter::keyed(Quota::per_minute(requests));
        Self { limiter: keyed.with_middleware(), requests }
    }

    /// Counts one request of a caller.
    pub(crate) fn count(&self, caller: &str) -> Result<Left, Problem> {
        if self.limiter.len() >= CALLERS_MAX {
            self.limiter.retain_recent();
        }
        let quota = self.requests.get();
        match self.limiter.check_key(&caller.to_owned()) {
            Ok(state) => Ok(Left { requests: state.remaining_burst_capacity(), quota }),
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                let seconds = wait.as_secs().saturating_add(1);
                let mut problem = Problem::of(ProblemKind::TooManyRequests)
                    .with(header::RETRY_AFTER, HeaderValue::from(seconds));
                for (name, value) in (Left { requests: 0, quota }).headers() {
                    problem = problem.with(name, value);
                }
                Err(problem)
            }
        }
    }
}

impl Left {
    /// Says it in an answer.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        headers.extend(self.headers());
    }

    fn headers(self) -> [(HeaderName, HeaderValue); 2] {
        let left = format!("\"caller\";r={};t={WINDOW_SECONDS}", self.requests);
        let policy = format!("\"caller\";q={};w={WINDOW_SECONDS}", self.quota);
        let value = |text: String| HeaderValue::try_from(text).expect("it is ASCII");
        [(LEFT, value(left)), (POLICY, value(policy))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_caller_has_a_quota_of_its_own() {
        let quotas = Quotas::new(NonZeroU32::new(2).unwrap());
        assert_eq!(quotas.count("ada").unwrap().requests, 1);
        assert_eq!(quotas.count("ada").unwrap().requests, 0);
        let refused = quotas.count("ada").unwrap_err();
        assert_eq!(refused.kind(), ProblemKind::TooManyRequests);
        assert_eq!(quotas.count("grace").unwrap().requests, 1);
    }
}
