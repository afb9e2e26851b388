//! Styles, scripts and images, kept in the program. Their names hold the hash of what is in them,
//! so that browsers keep them for good.

use std::{
    borrow::Cow,
    io::Write,
    sync::{LazyLock, OnceLock},
};

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, header};
use sha2::{Digest, Sha256};
use tidegate_model::audit::hexadecimal;

use crate::problem::{Problem, ProblemKind};

/// Where they are.
const PREFIX: &str = "/assets/";
/// Bytes of a hash in a name: enough that two versions differ.
const HASH_BYTES: usize = 6;

const CSS: &str = "text/css; charset=utf-8";
/// Bytes that are packed at a time.
const PIECE_BYTES: usize = 4096;
/// How Brotli calls itself.
const BROTLI: &str = "br";
/// The most that it can do: it is done once.
const QUALITY: u32 = 11;
/// Bits of its window: more than the longest file.
const WINDOW_BITS: u32 = 22;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file, with its media type. What others name comes before them.
const FILES: &[(&str, &str, &[u8])] = &[
    ("inter-var.woff2", "font/woff2", include_bytes!("../../assets/inter-var.woff2")),
    ("tidegate.svg", "image/svg+xml", include_bytes!("../../assets/tidegate.svg")),
    ("door.css", CSS, include_bytes!("../../assets/door.css")),
    ("reference.css", CSS, include_bytes!("../../assets/reference.css")),
    ("tidegate.css", CSS, include_bytes!("../../assets/tidegate.css")),
    ("tidegate.js", SCRIPT, include_bytes!("../../assets/tidegate.js")),
    ("subject.js", SCRIPT, include_bytes!("../../assets/subject.js")),
    ("htmx.js", SCRIPT, include_bytes!("../../assets/vendor/htmx-4.0.1.min.js")),
];
/// A browser may keep what has a hash in its name for a year without asking.
const KEPT: &str = "public, max-age=31536000, immutable";
/// What has none, for an hour.
const KEPT_SHORTLY: &str = "public, max-age=3600";

struct Asset {
    name: &'static str,
    /// Path with the hash.
    path: String,
    media_type: &'static str,
    bytes: Cow<'static, [u8]>,
    /// The same, packed as well as it can be: once, for the first who asks.
    packed: OnceLock<Vec<u8>>,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut assets: Vec<Asset> = Vec::new();
    for (name, media_type, bytes) in FILES {
        let bytes = match *media_type == CSS {
            true => Cow::Owned(with_paths(&squeezed(bytes), &assets).into_bytes()),
            false => Cow::Borrowed(*bytes),
        };
        let hash = hexadecimal(&Sha256::digest(&bytes)[..HASH_BYTES]);
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let path = format!("{PREFIX}{stem}-{hash}.{ending}");
        let packed = OnceLock::new();
        assets.push(Asset { name, path, media_type, bytes, packed });
    }
    assets
});

/// A style sheet in which other files stand by their names with hashes.
fn with_paths(sheet: &str, assets: &[Asset]) -> String {
    assets.iter().fold(sheet.to_owned(), |text, asset| {
        text.replace(&format!("url(\"{}\")", asset.name), &format!("url(\"{}\")", asset.path))
    })
}

/// A style sheet without what only its authors read: comments, and more white space than one.
fn squeezed(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split("/*");
    let first = parts.next().unwrap_or_default();
    let rest = parts.filter_map(|part| part.split_once("*/").map(|(_, rest)| rest));
    let bare: String = std::iter::once(first).chain(rest).collect();
    bare.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The path of a file, with the hash of what is in it.
pub(crate) fn asset(name: &str) -> &'static str {
    let asset = ASSETS.iter().find(|asset| asset.name == name);
    asset.map(|asset| asset.path.as_str()).expect("templates name files that there are")
}

/// Sends a file.
pub(super) async fn send(Path(name): Path<String>, sent: HeaderMap) -> Response {
    let is_named = |asset: &&Asset| asset.path[PREFIX.len()..] == name || asset.name == name;
    let Some(asset) = ASSETS.iter().find(is_named) else {
        return Problem::of(ProblemKind::NotFound).into_response();
    };
    let kept = if asset.name == name { KEPT_SHORTLY } else { KEPT };
    let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, kept)];
    // Fonts are packed already.
    if asset.media_type.starts_with("font/") || !takes_brotli(&sent) {
        return (headers, asset.bytes.clone().into_owned()).into_response();
    }
    let packed = tokio::task::spawn_blocking(|| asset.packed.get_or_init(|| packed(&asset.bytes)));
    match packed.await {
        Ok(packed) => {
            let of_packed: [(HeaderName, &str); 2] =
                [(header::CONTENT_ENCODING, BROTLI), (header::VARY, "accept-encoding")];
            (headers, of_packed, packed.clone()).into_response()
        }
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// Whether a browser unpacks Brotli; what it says of others is left to the layer around.
fn takes_brotli(sent: &HeaderMap) -> bool {
    let accepted = sent.get_all(header::ACCEPT_ENCODING).iter();
    let words = accepted.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
    { words }.any(|word| word.trim() == BROTLI)
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = brotli::CompressorWriter::new(Vec::new(), PIECE_BYTES, QUALITY, WINDOW_BITS);
    packer.write_all(bytes).expect("memory takes what is written");
    packer.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_sheet_names_the_font_by_its_hash() {
        let sheet = ASSETS.iter().find(|asset| asset.name == "tidegate.css").unwrap();
        let text = std::str::from_utf8(&sheet.bytes).unwrap();
        assert!(text.contains(&format!("url(\"{}\")", asset("inter-var.woff2"))));
    }

    #[test]
    fn a_style_sheet_loses_its_comments_and_lines_and_nothing_else() {
        let sheet =
            b"/* a */ .a {\n  margin: 1px /* b */ 2px;\n}\n\n.b > .c { content: \"x y\"; }\n";
        assert_eq!(squeezed(sheet), ".a { margin: 1px 2px; } .b > .c { content: \"x y\"; }");
        // What it makes of strings with more than one space, or a comment's marks, would be wrong.
        for (name, _, bytes) in FILES.iter().filter(|(_, media_type, _)| *media_type == CSS) {
            let text = String::from_utf8_lossy(bytes);
            let mut parts = text.split('"').skip(1).step_by(2);
            let is_simple = |text: &str| !text.contains("  ") && !text.contains(['\n', '*']);
            assert!(parts.all(is_simple), "{name}");
        }
    }

    #[test]
    fn a_file_is_packed_for_whoever_unpacks_it() {
        let sent = |words: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, words.parse().unwrap());
            takes_brotli(&headers)
        };
        assert!(sent("gzip, deflate, br, zstd") && sent("br"));
        assert!(!sent("gzip") && !sent("br;q=0") && !sent("*") && !takes_brotli(&HeaderMap::new()));
        for asset in ASSETS.iter().filter(|asset| !asset.media_type.starts_with("font/")) {
            let mut unpacked = Vec::new();
            let packed = packed(&asset.bytes);
            brotli::BrotliDecompress(&mut &packed[..], &mut unpacked).unwrap();
            assert_eq!(unpacked, *asset.bytes, "{}", asset.name);
        }
    }

    #[test]
    fn the_scripts_of_a_page_weigh_less_than_16_kb_together() {
        let weigh = |name: &str| {
            let asset = ASSETS.iter().find(|asset| asset.name == name).unwrap();
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            gzip.write_all(&asset.bytes).unwrap();
            gzip.finish().unwrap().len()
        };
        // No page has fragments that are live and rows to tick.
        for other in ["htmx.js", "subject.js"] {
            let bytes = weigh(other) + weigh("tidegate.js");
            assert!(bytes < 16_000, "{other}: {bytes} bytes");
        }
    }
}
