//! The pages: a table of them, their router, and what they have in common.

mod access;
mod account;
mod activity;
mod approvals;
mod assets;
mod budgets;
mod cron;
mod dashboard;
mod draft;
mod export;
mod export_change;
mod exports;
pub(crate) mod fault;
mod flash;
mod forms;
mod help;
mod home;
mod icons;
mod landing;
mod masks;
mod nav;
mod notifications;
mod operator;
mod operators;
mod parts;
mod password;
mod pause;
mod people;
mod question;
mod reference;
mod rights;
mod role;
mod roles;
mod schedule;
mod second_factor;
mod second_step;
mod secret;
mod settings;
mod shell;
mod sign_in;
mod sign_on;
mod subject;
mod theme;
mod timing;
mod wizard;
mod words;

use askama::Template;
use axum::{
    Router,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{MethodRouter, get, post},
};
use http::StatusCode;
use tidegate_service::{InvitationSecret, scope_words};
use tower_http::compression::{
    CompressionLayer, DefaultPredicate, Predicate, predicate::NotForContentType,
};

use self::words::sentence;
use crate::{api, edge::Shared, problem::Problem};

/// Where pages begin.
pub(crate) const PREFIX: &str = "/sg-admin";
/// Where the reference of the API is.
pub(crate) const REFERENCE: &str = "/docs/api";
/// Where one signs in.
pub(crate) const SIGN_IN: &str = "/sg-admin/sign-in";
/// Where one leaves for the provider.
pub(crate) const SIGN_ON: &str = "/sg-admin/sign-in/provider";
/// Where the provider sends one back to.
pub(crate) const SIGNED_ON: &str = "/sg-admin/sign-in/provider/done";
/// Where one lands whom another site has sent.
pub(crate) const LANDING: &str = "/sg-admin/sign-in/handed-over";
/// Where one shows the second factor.
pub(crate) const CODE: &str = "/sg-admin/sign-in/code";
/// Where one has one's second factor.
pub(crate) const SECOND_FACTOR: &str = "/sg-admin/second-factor";
/// Where the first operator is made.
pub(crate) const SETUP: &str = "/sg-admin/setup";
/// Where a new password is set.
pub(crate) const PASSWORD: &str = "/sg-admin/password";

/// The link of an invitation, below the address of the service.
pub fn password_url(address: &str, secret: &InvitationSecret) -> String {
    format!("{}{PASSWORD}?token={}", address.trim_end_matches('/'), secret.0)
}

/// A page: where it is, and how it is asked for.
pub(crate) struct Page {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its path, as the router takes it.
    path: &'static str,
    /// Where one of it can be looked at on a site with a subject `orders` and an export 1; none
    /// where there is only something to be sent to.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests read it"))]
    pub(crate) example: Option<&'static str>,
    route: fn() -> MethodRouter<Shared>,
}

/// Somewhere to look, and perhaps to send something to.
const fn look(
    name: &'static str,
    path: &'static str,
    example: &'static str,
    route: fn() -> MethodRouter<Shared>,
) -> Page {
    Page { name, path, example: Some(example), route }
}

/// Somewhere to send something to, from another page.
const fn send(name: &'static str, path: &'static str, route: fn() -> MethodRouter<Shared>) -> Page {
    Page { name, path, example: None, route }
}

/// Every page behind the sign-in. The router, the sidebar and the tests are made from it.
pub(crate) const PAGES: &[Page] = &[
    look("exports", "/sg-admin/exports", "/sg-admin/exports", || get(exports::show)),
    look("export", "/sg-admin/exports/{id}", "/sg-admin/exports/1", || get(export::show)),
    send("export-cancel", "/sg-admin/exports/{id}/cancel", || post(export_change::cancel)),
    send("export-rerun", "/sg-admin/exports/{id}/rerun", || post(export_change::rerun)),
    send("export-download", "/sg-admin/exports/{id}/download", || post(export_change::download)),
    look("export-delete", "/sg-admin/exports/{id}/delete", "/sg-admin/exports/1/delete", || {
        get(export_change::ask_delete).post(export_change::delete)
    }),
    look("new-export", wizard::PATH, wizard::PATH, || {
        get(wizard::show_scope).post(wizard::show_scope)
    }),
    look(
        "new-export-fields",
        "/sg-admin/exports/new/fields",
        "/sg-admin/exports/new/fields?subject=orders",
        || get(wizard::show_fields).post(wizard::show_fields),
    ),
    look(
        "new-export-format",
        "/sg-admin/exports/new/format",
        "/sg-admin/exports/new/format?subject=orders",
        || get(wizard::show_format).post(wizard::show_format),
    ),
    look(
        "new-export-notify",
        "/sg-admin/exports/new/notify",
        "/sg-admin/exports/new/notify?subject=orders",
        || get(wizard::show_notify).post(wizard::show_notify),
    ),
    look(
        "new-export-review",
        "/sg-admin/exports/new/review",
        "/sg-admin/exports/new/review?subject=orders&format=csv",
        || get(wizard::show_review).post(wizard::show_review),
    ),
    look("approvals", approvals::PATH, approvals::PATH, || get(approvals::show)),
    look("approval-rules", approvals::rules::PATH, approvals::rules::PATH, || {
        get(approvals::rules::show).post(approvals::rules::send)
    }),
    look("approval", "/sg-admin/approvals/{id}", "/sg-admin/approvals/1", || {
        get(approvals::one::show)
    }),
    send("approval-grant", "/sg-admin/approvals/{id}/grant", || post(approvals::one::grant)),
    send("approval-deny", "/sg-admin/approvals/{id}/deny", || post(approvals::one::deny)),
    send("approval-break", "/sg-admin/approvals/{id}/break", || post(approvals::one::break_glass)),
    send("approval-review", "/sg-admin/approvals/{id}/review", || post(approvals::one::review)),
    look("budgets", budgets::PATH, budgets::PATH, || get(budgets::show).post(budgets::send)),
    look("cron", cron::PATH, cron::PATH, || get(cron::show)),
    look("schedule", "/sg-admin/cron/{id}", "/sg-admin/cron/1", || {
        get(schedule::show).post(schedule::send)
    }),
    send("schedule-pause", "/sg-admin/cron/{id}/pause", || post(schedule::pause)),
    send("schedule-resume", "/sg-admin/cron/{id}/resume", || post(schedule::resume)),
    send("schedule-run", "/sg-admin/cron/{id}/run", || post(schedule::run)),
    send("schedule-reassign", "/sg-admin/cron/{id}/reassign", || post(schedule::reassign)),
    look("schedule-delete", "/sg-admin/cron/{id}/delete", "/sg-admin/cron/1/delete", || {
        get(schedule::ask_delete).post(schedule::delete)
    }),
    send("new-export-start", "/sg-admin/exports/new/start", || post(wizard::start)),
    look("dashboard", dashboard::PATH, dashboard::PATH, || get(dashboard::show)),
    look("activity", activity::PATH, activity::PATH, || get(activity::show)),
    send("activity-report", "/sg-admin/activity/report", || post(activity::report)),
    look("activity-entry", "/sg-admin/activity/{seq}", "/sg-admin/activity/1", || {
        get(activity::show_entry)
    }),
    look("operators", operators::PATH, operators::PATH, || get(operators::show)),
    look("operator-invite", "/sg-admin/operators/invite", "/sg-admin/operators/invite", || {
        get(operators::invite).post(operators::send_invitation)
    }),
    look("operator", "/sg-admin/operators/{id}", "/sg-admin/operators/1", || get(operator::show)),
    send("operator-role", "/sg-admin/operators/{id}/role", || post(operator::change_role)),
    look(
        "operator-disable",
        "/sg-admin/operators/{id}/disable",
        "/sg-admin/operators/1/disable",
        || get(operator::ask_disable).post(operator::disable),
    ),
    send("operator-enable", "/sg-admin/operators/{id}/enable", || post(operator::enable)),
    send("operator-link", "/sg-admin/operators/{id}/link", || post(operator::link)),
    look(
        "operator-reset-factor",
        "/sg-admin/operators/{id}/reset-factor",
        "/sg-admin/operators/1/reset-factor",
        || get(operator::ask_reset).post(operator::reset),
    ),
    send("session-end", "/sg-admin/sessions/{id}/end", || post(people::end_session)),
    send("token-revoke", "/sg-admin/tokens/{id}/revoke", || post(people::revoke_token)),
    look("account", account::PATH, account::PATH, || get(account::show)),
    send("account-password", "/sg-admin/account/password", || post(account::change_password)),
    send("account-tokens", "/sg-admin/account/tokens", || post(account::create_token)),
    look("pause", pause::PATH, pause::PATH, || get(pause::show).post(pause::send)),
    send("pause-end", "/sg-admin/pause/end", || post(pause::end)),
    look("roles", roles::PATH, roles::PATH, || get(roles::show).post(roles::send)),
    look("role-new", "/sg-admin/roles/new-role", "/sg-admin/roles/new-role", || {
        get(role::show_new).post(role::send_new)
    }),
    look("role", "/sg-admin/roles/{slug}", "/sg-admin/roles/editor", || {
        get(role::show).post(role::send)
    }),
    look("role-remove", "/sg-admin/roles/{slug}/remove", "/sg-admin/roles/viewer/remove", || {
        get(role::ask_remove).post(role::remove)
    }),
    look("access", access::PATH, access::PATH, || get(access::show)),
    look("settings", settings::PATH, settings::PATH, || get(settings::show).post(settings::send)),
    look("notifications", notifications::PATH, notifications::PATH, || get(notifications::show)),
    send("notifications-read", "/sg-admin/notifications/read", || post(notifications::read)),
    send("notifications-subscribe", "/sg-admin/notifications/subscriptions", || {
        post(notifications::subscribe)
    }),
    look("webhooks", notifications::webhook::PATH, notifications::webhook::PATH, || {
        get(notifications::webhook::show).post(notifications::webhook::add)
    }),
    look(
        "webhook",
        "/sg-admin/notifications/webhooks/{id}",
        "/sg-admin/notifications/webhooks/1",
        || get(notifications::webhook::show_one).post(notifications::webhook::save),
    ),
    send("webhook-test", "/sg-admin/notifications/webhooks/{id}/test", || {
        post(notifications::webhook::test)
    }),
    send("webhook-rotate", "/sg-admin/notifications/webhooks/{id}/rotate", || {
        post(notifications::webhook::rotate)
    }),
    send("webhook-toggle", "/sg-admin/notifications/webhooks/{id}/toggle", || {
        post(notifications::webhook::toggle)
    }),
    look(
        "webhook-remove",
        "/sg-admin/notifications/webhooks/{id}/remove",
        "/sg-admin/notifications/webhooks/1/remove",
        || get(notifications::webhook::ask_remove).post(notifications::webhook::remove),
    ),
    look("deliveries", notifications::delivery::PATH, notifications::delivery::PATH, || {
        get(notifications::delivery::show)
    }),
    send("redeliver", "/sg-admin/notifications/deliveries/{id}/redeliver", || {
        post(notifications::delivery::redeliver)
    }),
    look("templates", notifications::template::PATH, notifications::template::PATH, || {
        get(notifications::template::show_all)
    }),
    look(
        "template",
        "/sg-admin/notifications/templates/{slug}",
        "/sg-admin/notifications/templates/export.ready",
        || get(notifications::template::show).post(notifications::template::send),
    ),
    look("second-factor", SECOND_FACTOR, SECOND_FACTOR, || {
        get(second_factor::show).post(second_factor::begin)
    }),
    send("second-factor-confirm", "/sg-admin/second-factor/confirm", || {
        post(second_factor::confirm)
    }),
    send("second-factor-remove", "/sg-admin/second-factor/remove", || post(second_factor::remove)),
    look("subject", "/sg-admin/subjects/{slug}", "/sg-admin/subjects/orders", || {
        get(subject::show)
    }),
    send("subject-take", "/sg-admin/subjects/{slug}/take", || post(subject::take)),
    look(
        "action",
        "/sg-admin/subjects/{slug}/actions/{codename}",
        "/sg-admin/subjects/orders/actions/refund?ids=1",
        || get(subject::ask_action).post(subject::ask_action_many),
    ),
    send("action-run", "/sg-admin/subjects/{slug}/actions/{codename}/run", || {
        post(subject::run_action)
    }),
    look(
        "action-result",
        "/sg-admin/subjects/{slug}/actions/{codename}/runs/{run}",
        "/sg-admin/subjects/orders/actions/refund/runs/1",
        || get(subject::action_result),
    ),
    send("subject-client-export", "/sg-admin/subjects/{slug}/client-export", || {
        post(subject::client_export)
    }),
    look("help", help::PATH, help::PATH, || get(help::show)),
    send("theme", "/sg-admin/theme", || post(theme::send)),
];

/// The path of a page, if there is one of that name.
pub(crate) fn path_of(name: &str) -> Option<&'static str> {
    PAGES.iter().find(|page| page.name == name).map(|page| page.path)
}

/// The routes of the pages.
pub(crate) fn routes() -> Router<Shared> {
    let pages =
        PAGES.iter().fold(Router::new(), |router, page| router.route(page.path, (page.route)()));
    let doors = Router::new()
        .route("/", get(home::enter))
        .route(PREFIX, get(home::enter))
        .route("/sg-admin/", get(home::show))
        .route(SIGN_IN, get(sign_in::show).post(sign_in::send))
        .route(CODE, get(second_step::show).post(second_step::send))
        .route(LANDING, get(landing::arrive))
        .route(SIGN_ON, get(sign_on::leave))
        .route(SIGNED_ON, get(sign_on::arrive))
        .route("/sg-admin/sign-out", post(sign_in::leave))
        .route(SETUP, get(password::show_setup).post(password::send_setup))
        .route(PASSWORD, get(password::show).post(password::send))
        .route(REFERENCE, get(reference::show))
        .route(api::PREFIX, get(reference::enter))
        .route(&format!("{}/", api::PREFIX), get(reference::enter))
        .route("/assets/{name}", get(assets::send));
    // Fonts are compressed already; nothing secret stands beside what somebody else sends.
    let compressed = DefaultPredicate::new().and(NotForContentType::const_new("font/"));
    pages.merge(doors).layer(CompressionLayer::new().br(true).gzip(true).compress_when(compressed))
}

/// To another page, after something was sent (303).
fn see_other(path: &str) -> Response {
    Redirect::to(path).into_response()
}

/// A page as an answer.
fn page(status: StatusCode, template: &impl Template) -> Response {
    written(status, template.render())
}

fn written(status: StatusCode, text: askama::Result<String>) -> Response {
    match text {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What went wrong, in a page's words.
fn told(problem: &Problem) -> (StatusCode, String) {
    (problem.kind().status(), sentence(problem.detail()))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn a_message_is_a_sentence_with_names_in_quotes() {
        assert_eq!(sentence("this takes the capability `a.b`"), "This takes the capability “a.b”.");
        assert_eq!(sentence("`a` is no field of `b`."), "“a” is no field of “b”.");
    }

    #[test]
    fn the_reference_lists_every_page() {
        let mut table = String::from("| page | path | example |\n| --- | --- | --- |\n");
        for Page { name, path, example, .. } in PAGES {
            let example = example.map(|example| format!("`{example}`")).unwrap_or_default();
            writeln!(table, "| {name} | `{path}` | {example} |").unwrap();
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/pages.md");
        let reference = std::fs::read_to_string(file).unwrap();
        let (before, rest) = reference.split_once("<!-- pages -->\n").unwrap();
        let (listed, after) = rest.split_once("<!-- /pages -->").unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            let text = format!("{before}<!-- pages -->\n{table}<!-- /pages -->{after}");
            std::fs::write(file, text).unwrap();
        } else {
            assert_eq!(listed, table, "docs/reference/pages.md must hold it: UPDATE_DOCS=1");
        }
    }
}
