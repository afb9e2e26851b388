//! Reads what was sent, once, at the edge: bodies, parameters, numbers in paths.

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request},
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use http::{HeaderMap, header, request::Parts};
use http_body::Body as _;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, IntoDeserializer},
};
use serde_json::Value;
use tidegate_model::actor::Caller;
use url::form_urlencoded;

use crate::problem::{Problem, ProblemKind};

/// Bytes of a body at most: 10,000 keys of 100 characters.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;
/// Bytes of a body that are taken at most.
const TAKEN_BYTES_MAX: usize = 16 << 20;
/// Whole numbers below this one are exact in a double: 2⁵³.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// Whoever has sent the request; its absence is answered before a handler sees it.
pub(crate) struct Signed(pub(crate) Caller);

impl<S: Sync> FromRequestParts<S> for Signed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller.map(Self).ok_or_else(|| Problem::of(ProblemKind::SignInRequired))
    }
}

/// A JSON body. Members that its type does not know are refused.
pub(crate) struct Body<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        let mut value = json(request).await?;
        if let Some(at) = place_of_nul(&value) {
            return Err(Problem::fault(at, "a text holds no NUL character").into_response());
        }
        // A list of values would be read as the members of a type in their order.
        if value.is_array() {
            return Err(Problem::fault("", "the body is an object, not a list").into_response());
        }
        whole_numbers(&mut value);
        let read = serde_path_to_error::deserialize(value);
        read.map(Self).map_err(|error| {
            let pointer = pointer_of(error.path());
            Problem::fault(pointer, said(error.inner())).into_response()
        })
    }
}

/// A JSON body that may be absent.
pub(crate) struct MaybeBody<T>(pub(crate) Option<T>);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for MaybeBody<T> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let is_empty = request.body().is_end_stream();
        if is_empty {
            return Ok(Self(None));
        }
        Ok(Self(Some(Body::<T>::from_request(request, state).await?.0)))
    }
}

/// Reads a text of no more than `MAX` characters.
pub(crate) fn at_most<'de, D: Deserializer<'de>, const MAX: usize>(
    deserializer: D,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.chars().nth(MAX) {
        None => Ok(text),
        Some(_) => Err(D::Error::custom(format!("it has at most {MAX} characters"))),
    }
}

/// Reads a text of no more than `MAX` characters, or none.
pub(crate) fn maybe_at_most<'de, D: Deserializer<'de>, const MAX: usize>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
    at_most::<_, MAX>(text.into_deserializer()).map(Some)
}

/// A JSON body that its handler reads itself, with all its faults.
pub(crate) struct AnyBody(pub(crate) Value);

impl<S: Send + Sync> FromRequest<S> for AnyBody {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        Ok(Self(json(request).await?))
    }
}

/// The bytes of a JSON body, as they were signed.
pub(crate) struct JsonBytes(pub(crate) Vec<u8>);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = Response;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response> {
        json_bytes(request).await.map(Self)
    }
}

async fn json_bytes(request: Request) -> Result<Vec<u8>, Response> {
    if !is_json(request.headers()) {
        return Err(Problem::of(ProblemKind::UnsupportedMediaType).into_response());
    }
    let bytes = whole(request.into_body()).await;
    bytes.ok_or_else(|| Problem::of(ProblemKind::TooLarge).into_response())
}

async fn json(request: Request) -> Result<Value, Response> {
    let bytes = json_bytes(request).await?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let detail = format!("the body is not JSON: {place}");
        Problem::new(ProblemKind::MalformedBody, detail).into_response()
    })
}

/// The bytes of a body; none if there are too many. Those are taken, too, up to a point: whoever
/// still sends when the connection ends never sees the answer.
async fn whole(body: axum::body::Body) -> Option<Vec<u8>> {
    let (mut bytes, mut taken) = (Vec::new(), 0);
    let mut pieces = body.into_data_stream();
    // A client that is gone reads no answer.
    while let Some(Ok(piece)) = pieces.next().await {
        taken += piece.len();
        if taken > TAKEN_BYTES_MAX {
            return None;
        }
        if taken <= BODY_BYTES_MAX {
            bytes.extend_from_slice(&piece);
        }
    }
    (taken <= BODY_BYTES_MAX).then_some(bytes)
}

/// Writes `30.0` as `30`: to JSON Schema, both are the same integer.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|_| number.is_f64());
            let whole = whole.filter(|one| one.fract() == 0.0 && one.abs() < EXACT_MAX);
            if let Some(whole) = whole {
                #[expect(clippy::cast_possible_truncation, reason = "it is whole, and below 2⁵³")]
                let whole = whole as i64;
                *value = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(members) => members.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Where a text holds NUL, which no database of ours keeps.
fn place_of_nul(value: &Value) -> Option<String> {
    let below = |part: &str, value: &Value| place_of_nul(value).map(|at| format!("/{part}{at}"));
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(index, item)| below(&index.to_string(), item))
        }
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            if name.contains('\0') {
                return Some(String::new());
            }
            below(&name.replace('~', "~0").replace('/', "~1"), value)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let sent = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = sent.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// The parameters of a query. Those that its type does not know are refused.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        // What is sent without a value would be read as absent: as less of a limit than was meant.
        let empty = form_urlencoded::parse(query.as_bytes()).find(|(_, value)| value.is_empty());
        if let Some((name, _)) = empty {
            let place = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
            return Err(Problem::fault(place, "it has no value: leave it out"));
        }
        let read = serde_html_form::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        if form_urlencoded::parse(query.as_bytes()).any(|(_, value)| value.contains('\0')) {
            return Err(Problem::fault("", "a text holds no NUL character"));
        }
        serde_path_to_error::deserialize(read)
            .map(Self)
            .map_err(|error| Problem::fault(pointer_of(error.path()), said(error.inner())))
    }
}

/// A number in a path. What is none names nothing.
pub(crate) struct Number(pub(crate) i64);

impl<S: Send + Sync> FromRequestParts<S> for Number {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|_| Problem::of(ProblemKind::NotFound))?;
        // As it is written: `+1` and `01` are other names of it, and a thing has one.
        let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text.0);
        let number = number.filter(|number| *number > 0);
        number.map(Self).ok_or_else(|| Problem::of(ProblemKind::NotFound))
    }
}

/// A name in a path.
pub(crate) struct Slug(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Slug {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = path.map_err(|_| Problem::of(ProblemKind::NotFound))?;
        match text.contains('\0') {
            true => Err(Problem::of(ProblemKind::NotFound)),
            false => Ok(Self(text)),
        }
    }
}

/// Header with the key that makes a repeated request the same one.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Characters of that key.
const KEY_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=255;

/// The key that makes a repeated request the same one. One that cannot be read is refused: ignored,
/// it would let the request be done twice.
pub(crate) struct IdempotencyKey(pub(crate) Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut sent = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let key = match (sent.next(), sent.next()) {
            (None, _) => return Ok(Self(None)),
            (Some(key), None) => std::str::from_utf8(key.as_bytes()).ok(),
            (Some(_), Some(_)) => None,
        };
        let is_key = |key: &&str| {
            KEY_CHARACTERS.contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let detail = "`Idempotency-Key` is sent once, with 1 to 255 visible ASCII characters";
        match key.filter(is_key) {
            Some(key) => Ok(Self(Some(key.to_owned()))),
            None => Err(Problem::fault("", detail)),
        }
    }
}

/// Text of a header, if it is text.
pub(crate) fn header_text(headers: &HeaderMap, name: impl header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A JSON pointer to where reading stopped.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// What serde says, without the place, which the pointer says better.
fn said(error: &impl std::fmt::Display) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
