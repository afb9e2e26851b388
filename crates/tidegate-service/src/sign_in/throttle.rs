//! Slows down whoever tries passwords, without locking anybody out.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    time::Duration,
};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use tidegate_model::ids::OperatorId;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::error::ServiceError;

/// Attempts at one name from one network, at once, and the time in which another one is earned.
const NAME_ATTEMPTS: NonZeroU32 = NonZeroU32::new(10).expect("it is not zero");
const NAME_PAUSE: Duration = Duration::from_secs(90);
/// Attempts from one network at any name: an office behind one address has many people.
const NETWORK_ATTEMPTS: NonZeroU32 = NonZeroU32::new(60).expect("it is not zero");
const NETWORK_PAUSE: Duration = Duration::from_secs(10);
/// Second factors that are shown of one operator, from wherever, at once, and the time in which
/// another one is earned: whoever has the password finds one of 10⁶ codes, three of which are good,
/// with even chances in five months, and the log has told of it long before. A new password ends
/// it.
const CODE_ATTEMPTS: NonZeroU32 = NonZeroU32::new(10).expect("it is not zero");
const CODE_PAUSE: Duration = Duration::from_secs(60);
/// Passwords that are tried at a time: each takes 19 MiB and a core.
const TURNS: usize = 2;
/// Names and networks that are remembered before those are forgotten who have been quiet.
const KEYS_MAX: usize = 50_000;

/// Counts attempts to sign in.
pub(crate) struct Throttle {
    names: DefaultKeyedRateLimiter<(String, IpAddr)>,
    networks: DefaultKeyedRateLimiter<IpAddr>,
    codes: DefaultKeyedRateLimiter<OperatorId>,
    turns: Semaphore,
}

impl Default for Throttle {
    fn default() -> Self {
        let quota = |pause, burst| {
            Quota::with_period(pause).expect("the pause is not zero").allow_burst(burst)
        };
        Self {
            names: RateLimiter::keyed(quota(NAME_PAUSE, NAME_ATTEMPTS)),
            networks: RateLimiter::keyed(quota(NETWORK_PAUSE, NETWORK_ATTEMPTS)),
            codes: RateLimiter::keyed(quota(CODE_PAUSE, CODE_ATTEMPTS)),
            turns: Semaphore::new(TURNS),
        }
    }
}

impl Throttle {
    /// Lets an attempt at a name pass, whether somebody has it or not. Whoever it belongs to comes
    /// from another network, and is not kept out by what happens in this one.
    pub(crate) fn admit(&self, name: &str, address: Option<IpAddr>) -> Result<(), ServiceError> {
        if self.names.len() >= KEYS_MAX {
            self.names.retain_recent();
            self.networks.retain_recent();
        }
        let network = network_of(address);
        let is_admitted = self.networks.check_key(&network).is_ok()
            && self.names.check_key(&(name.to_owned(), network)).is_ok();
        match is_admitted {
            true => Ok(()),
            false => Err(ServiceError::TooManyAttempts { seconds: NAME_PAUSE.as_secs() }),
        }
    }

    /// Lets an attempt at an operator's second factor pass. Only who has the password gets here.
    pub(crate) fn admit_code(&self, operator: OperatorId) -> Result<(), ServiceError> {
        if self.codes.len() >= KEYS_MAX {
            self.codes.retain_recent();
        }
        match self.codes.check_key(&operator) {
            Ok(()) => Ok(()),
            Err(_) => Err(ServiceError::TooManyAttempts { seconds: CODE_PAUSE.as_secs() }),
        }
    }

    /// Waits for a turn to try a password.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // Nobody closes it.
        self.turns.acquire().await.ok()
    }
}

/// Who has one address of a network can have the others, too.
fn network_of(address: Option<IpAddr>) -> IpAddr {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).into()
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        None => Ipv4Addr::UNSPECIFIED.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(address: &str) -> Option<IpAddr> {
        Some(address.parse().unwrap())
    }

    #[test]
    fn whoever_guesses_is_slowed_down_and_whoever_is_guessed_at_is_not() {
        let throttle = Throttle::default();
        let attempts = (0..1_000).filter(|_| throttle.admit("ada", from("192.0.2.7")).is_ok());
        assert_eq!(attempts.count(), 10);
        // The next address of the same network has had its share, too.
        assert!(throttle.admit("ada", from("192.0.2.8")).is_err());
        assert!(throttle.admit("ada", from("198.51.100.1")).is_ok());
        assert!(throttle.admit("ada", from("2001:db8::1")).is_ok());
    }

    #[test]
    fn codes_of_one_operator_cannot_be_tried_out_and_others_are_not_kept_waiting() {
        let throttle = Throttle::default();
        let tried = (0..1_000).filter(|_| throttle.admit_code(OperatorId(1)).is_ok());
        assert_eq!(tried.count(), 10);
        assert!(throttle.admit_code(OperatorId(2)).is_ok());
    }

    #[test]
    fn a_network_cannot_try_one_password_on_everybody() {
        let throttle = Throttle::default();
        let names = (0..1_000).map(|number| format!("operator-{number}"));
        let tried = names.filter(|name| throttle.admit(name, from("192.0.2.7")).is_ok());
        assert_eq!(tried.count(), 60);
    }
}
