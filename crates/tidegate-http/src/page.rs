//! Pages of lists: links to the other ones.

use axum::response::{IntoResponseParts, ResponseParts};
use http::{HeaderName, HeaderValue, header};
use url::{Url, form_urlencoded};

/// Says where the next page is, and other pages of the list (RFC 8288).
pub(crate) struct NextPage(Vec<(&'static str, Url)>);

impl NextPage {
    /// The same request, from another place on.
    pub(crate) fn of(base: &Url, path_and_query: &http::Uri, cursor: Option<&str>) -> Self {
        Self(Vec::new()).and("next", base, path_and_query, cursor)
    }

    /// Another page of the same list.
    pub(crate) fn and(
        mut self,
        relation: &'static str,
        base: &Url,
        path_and_query: &http::Uri,
        cursor: Option<&str>,
    ) -> Self {
        let Some(cursor) = cursor else { return self };
        let mut url = base.clone();
        url.set_path(path_and_query.path());
        let query = path_and_query.query().unwrap_or_default();
        let kept = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name != "cursor");
        url.query_pairs_mut().extend_pairs(kept).append_pair("cursor", cursor);
        self.0.push((relation, url));
        self
    }
}

impl IntoResponseParts for NextPage {
    type Error = std::convert::Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        let links: Vec<String> =
            self.0.iter().map(|(relation, url)| format!("<{url}>; rel=\"{relation}\"")).collect();
        let link = HeaderValue::from_str(&links.join(", ")).ok().filter(|link| !link.is_empty());
        if let Some(link) = link {
            let name: HeaderName = header::LINK;
            parts.headers_mut().insert(name, link);
        }
        Ok(parts)
    }
}
