//! Actions of the site, had done from the pages: who is offered what, what is asked first, and what
//! is told afterwards.

use reqwest::{
    Method,
    blocking::{RequestBuilder, Response},
    header,
};
use serde_json::{Value, json};

use super::{
    action_runs::{allow, configuration, entries, shop, site},
    server::{Asker, Server},
    sign_in::{PASSWORD, cookie, set_password, sign_in},
};

const LIST: &str = "/sg-admin/subjects/orders";
const ASK: &str = "/sg-admin/subjects/orders/actions/refund";
const RUN: &str = "/sg-admin/subjects/orders/actions/refund/run";

/// Somebody of a role, signed in as people are: whoever comes by a token sees rows only with the
/// right to export them.
struct Person {
    browser: Asker,
    cookie: String,
}

impl Person {
    fn of(server: &Server, role: &str) -> Self {
        let (browser, email) = (server.asker(None), format!("{role}@example.com"));
        set_password(server, &email);
        let cookie = cookie(&sign_in(&browser, &email, PASSWORD));
        Self { browser, cookie }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.browser.request(method, path).header("cookie", &self.cookie);
        request.header("sec-fetch-site", "same-origin")
    }

    fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().unwrap()
    }
}

#[track_caller]
fn page(person: &Person, path: &str) -> String {
    let answer = person.get(path);
    let (status, text) = (answer.status(), answer.text().unwrap());
    assert_eq!(status, 200, "{path}: {text}");
    text
}

fn send(person: &Person, path: &str, form: &[(&str, &str)]) -> Response {
    person.request(Method::POST, path).form(form).send().unwrap()
}

fn leads_to(answer: &Response) -> String {
    answer.headers()[header::LOCATION].to_str().unwrap().to_owned()
}

/// The word that is sent with a yes.
fn word_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"word\" value=\"").expect("it asks");
    rest.split('"').next().unwrap().to_owned()
}

/// A server whose editors may refund orders at a site that answers with this status.
fn server(
    status: u16,
    more: &str,
) -> (Server, std::sync::mpsc::Receiver<super::action_runs::Sent>) {
    let (webhook, heard) = site(status);
    let server =
        Server::of(shop(), &configuration(&webhook, &format!("private = true\n{more}")), &[]);
    server.run(&["sync-actions"]);
    allow(&server, "editor");
    (server, heard)
}

fn keys(body: &[u8]) -> Value {
    serde_json::from_slice::<Value>(body).unwrap()["data"]["keys"].clone()
}

#[test]
fn an_action_is_offered_to_who_may_have_it_done_and_to_nobody_else() {
    let (server, heard) = server(204, "");
    let shown = page(&Person::of(&server, "editor"), &format!("{LIST}?sort=id"));
    assert!(shown.contains(&format!("{ASK}?ids=%221%22\"")), "in the menu of a row");
    assert!(shown.contains(&format!("formaction=\"{ASK}\" name=\"how\" value=\"selected\"")));
    assert!(!shown.contains("value=\"all\" formaction") && !shown.contains("Refund orders: all"));
    let ada = Person::of(&server, "administrator");
    let shown = page(&ada, LIST);
    assert!(!shown.contains("actions/refund") && !shown.contains("Refund"), "{shown}");
    for role in ["administrator", "viewer"] {
        let asker = Person::of(&server, role);
        let refused = if role == "viewer" { 404 } else { 403 };
        assert_eq!(asker.get(&format!("{ASK}?ids=1")).status(), refused, "{role}");
        assert_eq!(send(&asker, ASK, &[("how", "selected"), ("ids", "1")]).status(), refused);
        assert_eq!(send(&asker, RUN, &[("ids", "1"), ("word", "x")]).status(), refused);
    }
    assert!(heard.try_recv().is_err());
}

#[test]
fn what_will_happen_is_said_in_its_own_words_and_a_second_click_is_the_first() {
    let words = "The money goes back to the card.";
    let (server, heard) = server(204, &format!("confirm = \"{words}\"\nreason = true"));
    let editor = Person::of(&server, "editor");
    let asked = page(&editor, &format!("{ASK}?ids=3"));
    assert!(asked.contains("Refund orders?") && asked.contains(words), "{asked}");
    assert!(asked.contains("1 record of"));
    let asked = send(&editor, ASK, &[("how", "selected"), ("ids", "3"), ("ids", "5")]);
    let asked = asked.text().unwrap();
    assert!(asked.contains("2 records of") && asked.contains("3, 5"), "{asked}");
    let word = word_of(&asked);
    let without = [("ids", "3,5"), ("word", word.as_str())];
    let told = send(&editor, RUN, &without);
    assert_eq!(told.status(), 422);
    assert!(told.text().unwrap().contains("not done without a reason"));
    assert!(heard.try_recv().is_err(), "nothing is done by asking");

    let form = [("ids", "3,5"), ("word", word.as_str()), ("reason", "Damaged")];
    let (first, second) = (send(&editor, RUN, &form), send(&editor, RUN, &form));
    assert_eq!(
        (first.status(), second.status()),
        (303.try_into().unwrap(), 303.try_into().unwrap())
    );
    assert_eq!(leads_to(&first), leads_to(&second));
    assert_eq!(keys(&heard.recv().unwrap().body), json!([3, 5]));
    assert!(heard.try_recv().is_err(), "the site is asked once");
    assert_eq!(entries(&server, "action.run").len(), 1);
    let result = page(&editor, &leads_to(&first));
    assert!(result.contains("The site says that it is done.") && result.contains(">204<"));
    // The same yes to something else is none.
    let other = [("ids", "3,5"), ("word", word.as_str()), ("reason", "Other")];
    assert_eq!(send(&editor, RUN, &other).status(), 422);
    assert!(heard.try_recv().is_err());
    // What somebody had done is theirs to look at.
    let ada = Person::of(&server, "administrator");
    assert_eq!(ada.get(&leads_to(&first)).status(), 404);
}

#[test]
fn a_yes_is_to_these_records_by_this_person_and_to_no_others() {
    let (server, heard) = server(204, "");
    let editor = Person::of(&server, "editor");
    let word = word_of(&page(&editor, &format!("{ASK}?ids=3")));
    for (name, form) in [
        ("another record", vec![("ids", "4"), ("word", word.as_str())]),
        ("one more", vec![("ids", "3,4"), ("word", word.as_str())]),
        ("all", vec![("filter", r#"{"field":"id","op":"lte","value":9}"#), ("word", &word)]),
        ("no word", vec![("ids", "3")]),
        ("a made-up word", vec![("ids", "3"), ("word", "AAAA")]),
    ] {
        let told = send(&editor, RUN, &form);
        assert_eq!(told.status(), 422, "{name}");
        assert!(!told.text().unwrap().contains(&word), "it is asked anew: {name}");
    }
    allow(&server, "administrator");
    let ada = Person::of(&server, "administrator");
    assert_eq!(send(&ada, RUN, &[("ids", "3"), ("word", &word)]).status(), 422);
    assert!(heard.try_recv().is_err() && entries(&server, "action.finished").is_empty());
    assert_eq!(send(&editor, RUN, &[("ids", "3"), ("word", &word)]).status(), 303);
    assert_eq!(keys(&heard.recv().unwrap().body), json!([3]));
}

#[test]
fn all_that_match_are_offered_where_the_action_is_of_the_list() {
    let (webhook, heard) = site(200);
    let of_list = configuration(&webhook, "private = true").replace("\"bulk\"", "\"list\"");
    let server = Server::of(shop(), &of_list, &[]);
    server.run(&["sync-actions"]);
    allow(&server, "editor");
    let editor = Person::of(&server, "editor");
    let few = r#"{"field":"id","op":"lte","value":4}"#;
    let shown = page(&editor, LIST);
    assert!(!shown.contains(&format!("{ASK}?ids=")), "it is not of a row");
    assert!(!shown.contains("Refund orders: all"), "they are more than may be");
    let shown = page(&editor, &format!("{LIST}?filter={}", few.replace('"', "%22")));
    assert!(shown.contains("Refund orders: all 4 that match"), "{shown}");
    let asked = send(&editor, ASK, &[("how", "all"), ("filter", few)]).text().unwrap();
    assert!(asked.contains("4: all that match") && asked.contains("Id at most 4"), "{asked}");
    let word = word_of(&asked);
    let sent = send(&editor, RUN, &[("filter", few), ("word", &word)]);
    assert!(page(&editor, &leads_to(&sent)).contains("done"));
    assert_eq!(keys(&heard.recv().unwrap().body), json!([1, 2, 3, 4]));
    let but = send(&editor, ASK, &[("how", "except"), ("filter", few), ("ids", "2")]);
    assert!(but.text().unwrap().contains("3: all that match"));
    let all = send(&editor, ASK, &[("how", "all")]);
    assert_eq!(all.status(), 422);
    assert!(all.text().unwrap().contains("at most 1000 records"));
    // What is of picked rows is not done to all that match.
    let (server, _heard) = self::server(200, "");
    let editor = Person::of(&server, "editor");
    let all = send(&editor, ASK, &[("how", "all"), ("filter", few)]);
    assert_eq!(all.status(), 422);
    assert_eq!(send(&editor, ASK, &[("how", "selected")]).status(), 303, "nothing is ticked");
}

#[test]
fn what_the_site_has_not_done_is_told_as_it_is() {
    for (status, told) in [(500, "The site has not done it."), (302, "The site has not done it.")] {
        let (server, _heard) = server(status, "");
        let editor = Person::of(&server, "editor");
        let word = word_of(&page(&editor, &format!("{ASK}?ids=3")));
        let sent = send(&editor, RUN, &[("ids", "3"), ("word", &word)]);
        let result = page(&editor, &leads_to(&sent));
        assert!(result.contains(told) && result.contains(&format!(">{status}<")), "{result}");
    }
    for (webhook, more, told) in [
        ("http://127.0.0.1:9/", "private = true", "nothing was done"),
        ("http://127.0.0.1:9/", "", "Nothing was done"),
    ] {
        let server = Server::of(shop(), &configuration(webhook, more), &[]);
        server.run(&["sync-actions"]);
        allow(&server, "editor");
        let editor = Person::of(&server, "editor");
        let word = word_of(&page(&editor, &format!("{ASK}?ids=3")));
        let sent = send(&editor, RUN, &[("ids", "3"), ("word", &word)]);
        assert!(page(&editor, &leads_to(&sent)).contains(told));
    }
}

#[test]
fn a_pause_and_a_row_limit_hold_for_actions_as_for_exports() {
    let (server, heard) = server(204, "");
    let editor = Person::of(&server, "editor");
    let word = word_of(&page(&editor, &format!("{ASK}?ids=3")));
    let ada = Person::of(&server, "administrator");
    let pause = json!({ "subject": "orders", "reason": "A leak" });
    let paused = ada.request(Method::POST, "/api/v1/pause").json(&pause).send().unwrap();
    assert!(paused.status().is_success());
    for answer in
        [editor.get(&format!("{ASK}?ids=3")), send(&editor, RUN, &[("ids", "3"), ("word", &word)])]
    {
        let (status, text) = (answer.status(), answer.text().unwrap());
        assert!(status.is_client_error() && text.contains("A leak"), "{status} {text}");
    }
    assert!(heard.try_recv().is_err());
    let limit = r#"orders={"field":"id","op":"lte","value":5}"#;
    let may = "orders.list,orders.refund";
    server.run(&["resume", "--subject", "orders"]);
    server.run(&["roles", "put", "few", "--capabilities", may, "--limit", limit]);
    server.run(&["operators", "add", "few@example.com", "--role", "few"]);
    let few = Person::of(&server, "few");
    // Who may not export has the boxes for the action alone.
    let shown = page(&few, LIST);
    assert!(shown.contains("name=\"ids\"") && !shown.contains("Export selected"), "{shown}");
    let asked = send(&few, ASK, &[("how", "selected"), ("ids", "4,5,6,7")]).text().unwrap();
    assert!(asked.contains("2 records of"), "{asked}");
    let (word, form) = (word_of(&asked), "4,5,6,7");
    assert_eq!(send(&few, RUN, &[("ids", form), ("word", &word)]).status(), 303);
    assert_eq!(keys(&heard.recv().unwrap().body), json!([4, 5]));
}
