//! Pages of lists: an opaque cursor, and a link to the next page.

use axum::response::{IntoResponseParts, ResponseParts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, header};
use serde::{Serialize, de::DeserializeOwned};
use url::{Url, form_urlencoded};

use crate::problem::Problem;

/// Characters of a cursor at most; ours are shorter.
const CURSOR_CHARACTERS_MAX: usize = 512;

/// Writes where the next page begins.
pub(crate) fn cursor(place: &impl Serialize) -> String {
    let text = serde_json::to_vec(place).expect("a place is plain JSON");
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// Reads where a page begins. It grants nothing: what may be seen is asked for each page.
pub(crate) fn place<T: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let wrong = || Problem::fault("/cursor", "a cursor is the `next` of the page before");
    if cursor.len() > CURSOR_CHARACTERS_MAX {
        return Err(wrong());
    }
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    serde_json::from_slice(&bytes).map(Some).map_err(|_| wrong())
}

/// Says where the next page is (RFC 8288).
pub(crate) struct NextPage(pub(crate) Option<Url>);

impl NextPage {
    /// The same request, from another place on.
    pub(crate) fn of(base: &Url, path_and_query: &http::Uri, cursor: Option<&str>) -> Self {
        let Some(cursor) = cursor else { return Self(None) };
        let mut url = base.clone();
        url.set_path(path_and_query.path());
        let query = path_and_query.query().unwrap_or_default();
        let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "cursor");
        url.query_pairs_mut().extend_pairs(kept).append_pair("cursor", cursor);
        Self(Some(url))
    }
}

impl IntoResponseParts for NextPage {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let link =
            self.0.and_then(|url| HeaderValue::from_str(&format!("<{url}>; rel=\"next\"")).ok());
        if let Some(link) = link {
            let name: HeaderName = header::LINK;
            parts.headers_mut().insert(name, link);
        }
        Ok(parts)
    }
}
