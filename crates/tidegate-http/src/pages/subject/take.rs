//! Takes the rows that are selected, or all that match: to the wizard's review, or at once.

use axum::{body::Bytes, extract::State, response::Response};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    edge::Shared,
    input::Slug,
    pages::{draft::Draft, flash::Flash, path_of, see_other, shell::Shell, words},
    problem::Problem,
};

/// Which rows a button means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// Those that are ticked.
    Selected,
    /// All that match.
    All,
    /// All that match but those that are ticked.
    Except,
}

/// The form.
pub(in crate::pages) async fn send(
    State(edge): State<Shared>,
    shell: Shell,
    Slug(slug): Slug,
    body: Bytes,
) -> Result<Response, Problem> {
    let (how, is_now, draft) = read(&slug, &body);
    let back = format!("{}/{slug}", super::BASE);
    let Some(draft) = taken(draft, how) else {
        let flash = Flash::bad("No row is selected").line("Tick the rows that you want.");
        return Ok(shell.to(&back, &flash));
    };
    match path_of("new-export-review") {
        Some(review) if !is_now => Ok(see_other(&draft.path(review))),
        _ => {
            let request = draft.request().map_err(Problem::faults)?;
            let made = edge.service.create_export(&shell.caller, &request, None).await?;
            let job = made.job;
            let path = path_of("export").unwrap_or("/sg-admin/exports");
            let flash = Flash::new(format!("Export #{job} is being made"));
            let label = words::title(&request.subject);
            let line = format!("{label} as {}.", request.format.to_uppercase());
            // Whoever takes rows at once wants the file as soon as it is there.
            let path = path.replace("{id}", &job.to_string()) + "?take=true";
            Ok(shell.to(&path, &flash.line(line)))
        }
    }
}

/// What was sent: which rows, whether at once, and the rest.
fn read(slug: &str, body: &[u8]) -> (How, bool, Draft) {
    let (mut how, mut is_now, mut mode) = (How::Selected, false, String::new());
    for (name, value) in form_urlencoded::parse(body) {
        match (&*name, &*value) {
            ("mode", mode_sent) => mode_sent.clone_into(&mut mode),
            ("how", "all") => how = How::All,
            ("how", "except") => how = How::Except,
            ("how", "now") => (how, is_now) = (How::All, true),
            ("how", "selected-now") => is_now = true,
            _ => {}
        }
    }
    let pairs = form_urlencoded::parse(body);
    let mut draft = Draft::decode(pairs.filter(|(name, _)| name != "subject"));
    slug.clone_into(&mut draft.subject);
    // A script that has selected all that match says so; what is ticked then is what is left out.
    if how == How::Selected && mode == "all" {
        how = How::Except;
    }
    (how, is_now, draft)
}

/// The draft of the rows that are meant; none where there are none.
fn taken(mut draft: Draft, how: How) -> Option<Draft> {
    let ticked: Vec<Value> = draft.ids.take().unwrap_or_default();
    match how {
        How::Selected if ticked.is_empty() => return None,
        How::Selected => draft.ids = Some(ticked),
        How::All => {}
        How::Except => draft.except = Some(ticked).filter(|some| !some.is_empty()),
    }
    Some(draft)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(body: &str) -> Option<Draft> {
        let (how, _, draft) = read("orders", body.as_bytes());
        taken(draft, how)
    }

    #[test]
    fn what_is_ticked_is_taken_or_left_out() {
        let body = "subject=users&ids=1&ids=2&format=csv";
        let selected = sent(&format!("{body}&how=selected")).unwrap();
        assert_eq!((selected.ids, selected.except), (Some(vec![json!(1), json!(2)]), None));
        assert_eq!(selected.subject, "orders");
        let all = sent(&format!("{body}&how=all")).unwrap();
        assert_eq!((all.ids, all.except), (None, None));
        let except = sent(&format!("{body}&how=except")).unwrap();
        assert_eq!((except.ids, except.except), (None, Some(vec![json!(1), json!(2)])));
    }

    #[test]
    fn nothing_ticked_is_nothing_and_not_everything() {
        assert_eq!(sent("format=csv&how=selected"), None);
        assert_eq!(sent("format=csv&how=except").unwrap().except, None);
    }
}
