//! Reads what forms send: what is left empty is left out.

use axum::extract::{FromRequest, FromRequestParts, Request};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono_tz::Tz;
use http::request::Parts;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::{
    input::BODY_BYTES_MAX,
    problem::{Problem, ProblemKind},
};

/// What a GET form, or a link, asks for.
pub(super) struct Sought<T>(pub(super) T);

/// What a POST form sends. It is taken last, as it takes the body.
pub(super) struct Sent<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Sought<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(parts.uri.query().unwrap_or_default().as_bytes()).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Sent<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await;
        let bytes = bytes.map_err(|_| Problem::of(ProblemKind::TooLarge))?;
        read(&bytes).map(Self)
    }
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    let pairs: Vec<_> =
        form_urlencoded::parse(text).filter(|(_, value)| !value.trim().is_empty()).collect();
    if pairs.iter().any(|(_, value)| value.contains('\0')) {
        return Err(Problem::fault("", "a text holds no NUL character"));
    }
    let mut again = form_urlencoded::Serializer::new(String::new());
    again.extend_pairs(&pairs);
    serde_html_form::from_str(&again.finish())
        .map_err(|_| Problem::fault("", "the form was not sent as this page sends it"))
}

/// A moment in a zone: the beginning of a day, a day and a time, or a whole one.
pub(super) fn moment(text: &str, zone: Tz) -> Option<i64> {
    if let Ok(whole) = DateTime::parse_from_rfc3339(text) {
        return Some(whole.timestamp_micros());
    }
    let local = match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(day) => day.and_time(NaiveTime::MIN),
        Err(_) => ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?,
    };
    // Where clocks go forward, what is left out is as late as what comes next.
    let later = || zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest();
    Some(zone.from_local_datetime(&local).earliest().or_else(later)?.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Form {
        q: String,
        limit: Option<u32>,
        field: Vec<String>,
    }

    #[test]
    fn a_moment_is_of_the_zone_unless_it_says_its_own() {
        let at = |text| moment(text, Tz::Europe__Berlin).map(|micros| micros / 1_000_000);
        assert_eq!(at("2026-11-21"), Some(1_795_215_600));
        assert_eq!(at("2026-11-21T01:00"), Some(1_795_219_200));
        assert_eq!(at("2026-11-21T01:00:00Z"), Some(1_795_222_800));
        assert_eq!(at("yesterday"), None);
        // That day begins at one.
        let gap = moment("2018-11-04", Tz::America__Sao_Paulo).unwrap();
        assert_eq!(gap, moment("2018-11-04T03:00:00Z", Tz::UTC).unwrap());
    }

    #[test]
    fn what_is_left_empty_is_left_out() {
        let form: Form = read(b"q=&limit=&field=a&field=b+c").unwrap();
        let field = vec!["a".to_owned(), "b c".to_owned()];
        assert_eq!(form, Form { field, ..Form::default() });
        assert!(read::<Form>(b"limit=many").is_err());
        assert!(read::<Form>(b"q=%00").is_err());
    }
}
