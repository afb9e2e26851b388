//! Reads what forms send: what is left empty is left out.

use axum::extract::{FromRequest, FromRequestParts, Request};
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
    fn what_is_left_empty_is_left_out() {
        let form: Form = read(b"q=&limit=&field=a&field=b+c").unwrap();
        let field = vec!["a".to_owned(), "b c".to_owned()];
        assert_eq!(form, Form { field, ..Form::default() });
        assert!(read::<Form>(b"limit=many").is_err());
        assert!(read::<Form>(b"q=%00").is_err());
    }
}
