//! Takes the rows that are selected, or all that match: at once where that is soon done, and else
//! to the wizard's review.

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tidegate_model::{audit::hexadecimal, request::ExportRequest};
use tidegate_service::ServiceError;
use url::form_urlencoded;

use super::view::View;
use crate::{
    edge::Shared,
    input::Slug,
    pages::{draft::Draft, flash::Flash, path_of, see_other, shell::Shell, wizard, words},
    problem::Problem,
};

/// Seconds of building that somebody waits for without being asked first.
const AT_ONCE_SECONDS_MAX: u64 = 5;
/// Rows that are surely built within them.
const AT_ONCE_ROWS_MAX: u64 = 10_000;
/// Bytes of an address that every browser and proxy takes.
const PATH_BYTES_MAX: usize = 8_000;

/// Which rows a button means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
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
    let (how, key, draft) = read(&slug, &body);
    let back = View { draft: draft.clone(), ..View::default() };
    let Some(mut draft) = taken(draft, how) else {
        let flash = Flash::bad("No row is selected").line("Tick the rows that you want.");
        return Ok(shell.to(&back.list_path(), &flash));
    };
    wizard::settle(&edge, &shell, &mut draft).await?;
    let Ok(request) = draft.request() else { return Ok(review(&draft)) };
    if !is_small(&edge, &shell, &draft, &request).await? {
        return Ok(review(&draft));
    }
    // The same rows from the same page are the same export, however often one clicks.
    let key = format!("list-{key}-{}", hexadecimal(&Sha256::digest(&body)));
    match edge.service.create_export(&shell.caller, &request, Some(&key)).await {
        Ok(made) => {
            let path = path_of("export").unwrap_or("/sg-admin/exports");
            let path = path.replace("{id}", &made.job.to_string());
            let label = shell.subject_label(&slug);
            let what = format!("{label} as {}.", words::format_label(&request.format));
            let flash = Flash::new(format!("Export #{} started", made.job));
            let flash = flash.line(format!("{what} The download begins by itself."));
            Ok(shell.to(&format!("{path}?take=true"), &flash))
        }
        Err(ServiceError::Faults(_)) => Ok(review(&draft)),
        Err(error) => Err(error.into()),
    }
}

/// The last step of the wizard. What is too long for an address goes there as the form that it
/// came in: the script names what is left out as a draft does.
fn review(draft: &Draft) -> Response {
    let review = path_of("new-export-review").unwrap_or(wizard::PATH);
    match draft.path(review) {
        path if path.len() <= PATH_BYTES_MAX => see_other(&path),
        _ => Redirect::temporary(review).into_response(),
    }
}

/// Whether it is made while one waits. What cannot be told soon is not.
async fn is_small(
    edge: &Shared,
    shell: &Shell,
    draft: &Draft,
    request: &ExportRequest,
) -> Result<bool, Problem> {
    if let Some(ids) = &draft.ids {
        return Ok(ids.len() as u64 <= AT_ONCE_ROWS_MAX);
    }
    let estimate = match edge.service.estimate_export(&shell.caller, request, false).await {
        Ok(estimate) => estimate,
        Err(
            ServiceError::Faults(_)
            | ServiceError::LookTooLong { .. }
            | ServiceError::Unreadable(_)
            | ServiceError::Unwritable { .. },
        ) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let chosen = estimate.formats.iter().find(|format| format.format == draft.format);
    let seconds = chosen.and_then(|format| format.seconds);
    // How long small exports took says little about how long a larger one takes.
    Ok(estimate.count.rows.is_some_and(|rows| rows <= AT_ONCE_ROWS_MAX)
        || seconds.is_some_and(|seconds| seconds <= AT_ONCE_SECONDS_MAX))
}

/// What was sent: which rows, the key of the page, and the rest.
pub(super) fn read(slug: &str, body: &[u8]) -> (How, String, Draft) {
    let (mut how, mut key, mut is_all) = (How::Selected, String::new(), false);
    for (name, value) in form_urlencoded::parse(body) {
        match (&*name, &*value) {
            // A script that has selected all that match says so.
            ("mode", mode) => is_all = mode == "all",
            ("form_key", sent) => sent.clone_into(&mut key),
            ("how", "all") => how = How::All,
            ("how", "except") => how = How::Except,
            _ => {}
        }
    }
    let pairs = form_urlencoded::parse(body);
    let mut draft = Draft::decode(pairs.filter(|(name, _)| name != "subject"));
    slug.clone_into(&mut draft.subject);
    if how == How::Selected && is_all {
        how = How::Except;
    }
    (how, key, draft)
}

/// The draft of the rows that are meant; none where there are none.
pub(super) fn taken(mut draft: Draft, how: How) -> Option<Draft> {
    let ticked: Vec<Value> = draft.ids.take().unwrap_or_default();
    let left_out = draft.except.take().unwrap_or_default();
    match how {
        How::Selected if ticked.is_empty() => return None,
        How::Selected => draft.ids = Some(ticked),
        How::All => {}
        How::Except => {
            let some = [ticked, left_out].concat();
            draft.except = Some(some).filter(|some| !some.is_empty());
        }
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
    fn a_script_that_has_selected_all_names_what_is_left_out() {
        let all = sent("mode=all&except=1,2&how=selected").unwrap();
        assert_eq!((all.ids, all.except), (None, Some(vec![json!(1), json!(2)])));
        let every = sent("mode=all&how=selected").unwrap();
        assert_eq!((every.ids, every.except), (None, None));
        let all = sent("mode=all&except=1&how=all").unwrap();
        assert_eq!((all.ids, all.except), (None, None));
    }

    #[test]
    fn nothing_ticked_is_nothing_and_not_everything() {
        assert_eq!(sent("format=csv&how=selected"), None);
        assert_eq!(sent("mode=some&format=csv&how=selected"), None);
        assert_eq!(sent("format=csv&how=except").unwrap().except, None);
    }
}
