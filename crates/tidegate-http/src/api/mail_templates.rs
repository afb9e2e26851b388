//! The words of mails: listed, previewed, kept, given back, tried.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tidegate_model::notice::Topic;
use tidegate_service::{Rendered, TemplateState, TemplateWords};
use utoipa::ToSchema;

use crate::{
    edge::Shared,
    input::{Body, Signed, Slug, at_most, maybe_at_most},
    problem::{Problem, ProblemKind},
};

/// The words of mails about a topic.
#[derive(Serialize, ToSchema)]
#[schema(as = Template)]
pub(super) struct TemplateBody {
    /// What they are about, such as `export.ready`.
    topic: String,
    /// Subject line.
    title: String,
    /// Text.
    body: String,
    /// The same with markup; null where a mail is text alone.
    html: Option<String>,
    /// Whether they are the site's own.
    is_own: bool,
}

impl From<TemplateState> for TemplateBody {
    fn from(state: TemplateState) -> Self {
        let TemplateWords { title, body, html } = state.words;
        let topic = state.topic.slug().to_owned();
        Self { topic, title, body, html, is_own: state.is_own }
    }
}

/// The words of mails about every topic.
#[utoipa::path(
    get, path = "/notifications/templates", operation_id = "list_templates",
    tag = "notifications",
    responses((status = 200, description = "The words", body = Vec<TemplateBody>))
)]
pub(super) async fn list(
    State(edge): State<Shared>,
    Signed(caller): Signed,
) -> Result<Json<Vec<TemplateBody>>, Problem> {
    let states = edge.service.templates(&caller).await?;
    Ok(Json(states.into_iter().map(TemplateBody::from).collect()))
}

/// Words of a mail: minijinja with names, `if` and `for`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateEdit {
    /// Subject line.
    #[serde(deserialize_with = "at_most::<_, 200>")]
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// Text.
    #[serde(deserialize_with = "at_most::<_, 20_000>")]
    #[schema(max_length = 20_000)]
    body: String,
    /// The same with markup.
    #[serde(default, deserialize_with = "maybe_at_most::<_, 20_000>")]
    #[schema(max_length = 20_000)]
    html: Option<String>,
}

impl From<TemplateEdit> for TemplateWords {
    fn from(TemplateEdit { title, body, html }: TemplateEdit) -> Self {
        Self { title, body, html }
    }
}

fn topic_of(slug: &str) -> Result<Topic, Problem> {
    Topic::find(slug).ok_or_else(|| Problem::of(ProblemKind::NotFound))
}

/// Gives a topic words of its own.
#[utoipa::path(
    put, path = "/notifications/templates/{slug}", operation_id = "put_template",
    tag = "notifications",
    params(("slug" = String, Path)),
    request_body = TemplateEdit,
    responses((status = 204, description = "Mails are in these words from now on"))
)]
pub(super) async fn put(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Slug(slug): Slug,
    Body(sent): Body<TemplateEdit>,
) -> Result<StatusCode, Problem> {
    edge.service.set_template(&caller, topic_of(&slug)?, Some(sent.into())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a topic the program's words again.
#[utoipa::path(
    delete, path = "/notifications/templates/{slug}", operation_id = "reset_template",
    tag = "notifications",
    params(("slug" = String, Path)),
    responses((status = 204, description = "Mails are in the program's words"))
)]
pub(super) async fn reset(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Slug(slug): Slug,
) -> Result<StatusCode, Problem> {
    edge.service.set_template(&caller, topic_of(&slug)?, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A mail as it would be sent.
#[derive(Serialize, ToSchema)]
#[schema(as = MailPreview)]
pub(super) struct Preview {
    /// Subject line.
    title: String,
    /// Text.
    body: String,
    /// The same with markup.
    html: Option<String>,
}

impl From<Rendered> for Preview {
    fn from(Rendered { title, body, html }: Rendered) -> Self {
        Self { title, body, html }
    }
}

/// Shows what comes of words with example values. Nothing is kept.
#[utoipa::path(
    post, path = "/notifications/templates/{slug}/preview", operation_id = "preview_template",
    tag = "notifications",
    params(("slug" = String, Path)),
    request_body = TemplateEdit,
    responses((status = 200, description = "The mail", body = Preview))
)]
pub(super) async fn preview(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Slug(slug): Slug,
    Body(sent): Body<TemplateEdit>,
) -> Result<Json<Preview>, Problem> {
    let made = edge.service.preview_template(&caller, topic_of(&slug)?, &sent.into()).await?;
    Ok(Json(made.into()))
}

/// Sends the caller a mail with example values, in the words that are kept.
#[utoipa::path(
    post, path = "/notifications/templates/{slug}/test", operation_id = "test_template",
    tag = "notifications",
    params(("slug" = String, Path)),
    responses((status = 202, description = "It is on its way"))
)]
pub(super) async fn test(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Slug(slug): Slug,
) -> Result<StatusCode, Problem> {
    edge.service.test_template(&caller, topic_of(&slug)?).await?;
    Ok(StatusCode::ACCEPTED)
}
