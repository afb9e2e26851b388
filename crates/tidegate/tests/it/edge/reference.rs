//! The reference page, as a browser gets it.

use super::server::Server;

#[test]
fn the_reference_is_served_to_everybody_and_needs_nothing_from_elsewhere() {
    let server = Server::new();
    let nobody = server.asker(None);
    let page = nobody.get("/docs/api");
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("style-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let html = page.text().unwrap();
    for inline in ["<script", "<style", "style=", "onclick="] {
        assert!(!html.contains(inline), "{inline}");
    }
    let loaded = ["href=\"", "src=\""].map(|name| html.split(name).skip(1));
    let loaded = loaded.into_iter().flatten().map(|rest| rest.split('"').next().unwrap());
    let mut paths: Vec<&str> = loaded.filter(|path| !path.starts_with('#')).collect();
    paths.sort_unstable();
    paths.dedup();
    for path in paths {
        assert!(path.starts_with('/'), "{path}");
        assert!(nobody.get(path).status().as_u16() < 400, "{path}");
    }
    assert!(html.contains(&server.base), "the first lines can be typed as they stand");
    for path in ["/api/v1", "/api/v1/"] {
        assert_eq!(nobody.get(path).headers()["location"], "/docs/api", "{path}");
    }
}
