//! Styles and images, kept in the program.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::header;

use crate::problem::{Problem, ProblemKind};

/// Every file, with its media type.
const FILES: &[(&str, &str, &[u8])] = &[
    ("door.css", "text/css; charset=utf-8", include_bytes!("../../assets/door.css")),
    ("reference.css", "text/css; charset=utf-8", include_bytes!("../../assets/reference.css")),
    ("inter-var.woff2", "font/woff2", include_bytes!("../../assets/inter-var.woff2")),
    ("tidegate.svg", "image/svg+xml", include_bytes!("../../assets/tidegate.svg")),
];
/// A browser may keep them for an hour.
const KEPT: &str = "public, max-age=3600";

/// Sends a file.
pub(super) async fn send(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, _, _)| *known == name) {
        Some((_, media_type, bytes)) => {
            let headers = [(header::CONTENT_TYPE, *media_type), (header::CACHE_CONTROL, KEPT)];
            (headers, *bytes).into_response()
        }
        None => Problem::of(ProblemKind::NotFound).into_response(),
    }
}
