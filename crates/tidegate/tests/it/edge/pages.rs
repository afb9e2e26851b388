//! The admin pages: what each shows, to whom, and what a form does.

use reqwest::{Method, header};
use serde_json::json;

use super::server::{Asker, Server};

fn page(asker: &Asker, path: &str) -> String {
    let answer = asker.get(path);
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().unwrap()
}

#[test]
fn pages_show_what_there_is_for_somebody_and_nothing_else() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let vera = server.with_role("viewer");
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    ada.wait(id);
    let own = page(&ada, "/sg-admin/exports");
    assert!(own.contains(&format!("id=\"export-{id}\"")) && own.contains("by you"));
    // What a viewer may not see is not there, and looks like what never was.
    let theirs = page(&vera, "/sg-admin/exports");
    assert!(!theirs.contains("id=\"export-") && theirs.contains("No exports yet"));
    for path in [format!("/sg-admin/exports/{id}"), "/sg-admin/exports/999".to_owned()] {
        let answer = vera.get(&path);
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(answer.text().unwrap().contains("There is nothing here"), "{path}");
    }
    for write in ["cancel", "rerun", "download", "delete"] {
        let path = format!("/sg-admin/exports/{id}/{write}");
        let sent = vera.request(Method::POST, &path).form(&[("back", "")]).send().unwrap();
        assert_eq!(sent.status(), 404, "{write}");
    }
}

#[test]
fn who_took_a_file_stands_on_its_page() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    ada.wait(id);
    assert!(page(&ada, "/sg-admin/exports").contains("not downloaded yet"));
    let path = format!("/sg-admin/exports/{id}");
    assert!(page(&ada, &path).contains("Nobody has taken it yet"));
    let url = ada.link(id);
    ada.get(&url).bytes().unwrap();
    let shown = page(&ada, &path);
    assert!(shown.contains("by 1 person"), "{shown}");
    assert!(shown.contains("<th scope=\"row\">administrator@example.com</th>"), "{shown}");
    assert!(page(&ada, "/sg-admin/exports").contains("downloaded once"));
}

#[test]
fn a_form_that_is_sent_twice_makes_one_export() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let id = ada.export(&json!({ "subject": "orders", "format": "csv" }));
    ada.wait(id);
    let shown = page(&ada, &format!("/sg-admin/exports/{id}"));
    let action = shown.split("action=\"").find(|rest| rest.contains("/rerun?")).unwrap();
    let action = action.split('"').next().unwrap();
    let made = [0, 1].map(|_| {
        let sent = ada.request(Method::POST, action).send().unwrap();
        assert_eq!(sent.status(), 303);
        sent.headers()[header::LOCATION].to_str().unwrap().to_owned()
    });
    assert_eq!(made[0], made[1]);
    assert_ne!(made[0], format!("/sg-admin/exports/{id}"));
}

#[test]
fn a_page_is_packed_and_carries_the_icons_that_it_uses() {
    let server = Server::new();
    let ada = server.with_role("administrator");
    let request = ada.request(Method::GET, "/sg-admin/exports");
    let packed = request.header(header::ACCEPT_ENCODING, "gzip").send().unwrap();
    assert_eq!(packed.headers()[header::CONTENT_ENCODING], "gzip");
    let text = page(&ada, "/sg-admin/exports");
    let used = text.split("href=\"#i-").skip(1).map(|rest| rest.split('"').next().unwrap());
    for name in used {
        assert!(text.contains(&format!("<symbol id=\"i-{name}\"")), "{name}");
    }
    assert!(!text.contains("i-fingerprint"), "nothing has personal data here");
    assert!(!text.contains("style=") && !text.contains("onclick"), "nothing inline");
    let sheet = text.split("href=\"").find(|rest| rest.contains(".css\"")).unwrap();
    let sheet = ada.get(sheet.split('"').next().unwrap());
    let kept = sheet.headers()[header::CACHE_CONTROL].to_str().unwrap();
    assert!(kept.contains("immutable"), "{kept}");
}
