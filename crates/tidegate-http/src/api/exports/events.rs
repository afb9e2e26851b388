//! What happens to an export, as server-sent events or by asking again: the same events.

use std::{convert::Infallible, ops::Range, time::Duration};

use axum::{
    Json,
    extract::State,
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
};
use chrono::{DateTime, Utc};
use futures_util::Stream;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use tidegate_model::{actor::Caller, ids::JobId, job::Job};
use tidegate_service::{Pass, ServiceError};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use super::body::ExportStatus;
use crate::{
    clock::moment,
    edge::Shared,
    events::Sight,
    input::{Number, Params, Signed, header_text},
    problem::Problem,
    underway::One,
};

/// Header with the id of the last event that was received.
const LAST_EVENT_ID: &str = "last-event-id";
/// Digits of a number in the id of an event: what 64 bits hold in any case.
const DIGITS_MAX: usize = 18;
/// Media type of a stream of events.
const STREAM: &str = "text/event-stream";
/// Time without an event before a comment is sent.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// Seconds without an event before the caller's right is asked again, though neither the policy nor
/// its pass is said to have changed. Never the same for two, as thousands may have come at once.
const RIGHT_SECONDS: Range<u64> = 10..30;

/// Events behind which one.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct EventParams {
    /// Id of the last event that was received; `Last-Event-ID` says the same.
    #[param(pattern = "^[0-9]{1,18}[.][0-9]{1,18}[.][0-9]{1,18}[.][0-9]{1,18}$")]
    after: Option<String>,
}

/// Something that happened to an export.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(in crate::api) struct ExportEvent {
    /// Names the event: send the last one to go on behind it.
    id: String,
    /// `transition` when its state changed, `progress` when only its numbers did.
    #[schema(example = "progress")]
    event: &'static str,
    /// What it is now.
    data: ExportState,
}

/// An export at the time of an event.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct ExportState {
    /// Number of the export.
    export: i64,
    /// State.
    status: ExportStatus,
    /// Share of the work that is done.
    progress: i64,
    /// Rows so far.
    rows_done: i64,
    /// Attempts so far.
    attempt: i64,
    /// When the state changed, for a transition.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
}

/// Events, and where to go on.
#[derive(Serialize, ToSchema)]
pub(in crate::api) struct Events {
    /// The events, oldest first.
    items: Vec<ExportEvent>,
    /// Id to send next time.
    next: Option<String>,
    /// Whether nothing will happen any more before the file is gone.
    is_over: bool,
}

/// How far a watcher has come: the last transition it knows, and the numbers behind it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    transition: i64,
    attempt: i64,
    progress: i64,
    rows: i64,
}

impl Place {
    fn read(text: &str) -> Option<Self> {
        let number = |part: &str| {
            let is_plain = (1..=DIGITS_MAX).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_digit());
            is_plain.then(|| part.parse().ok())?
        };
        let numbers: Option<Vec<i64>> = text.split('.').map(number).collect();
        match numbers?.as_slice() {
            [transition, attempt, progress, rows] => Some(Self {
                transition: *transition,
                attempt: *attempt,
                progress: *progress,
                rows: *rows,
            }),
            _ => None,
        }
    }

    fn id(self) -> String {
        format!("{}.{}.{}.{}", self.transition, self.attempt, self.progress, self.rows)
    }
}

/// What happens to an export.
///
/// It is a stream where `Accept` names `text/event-stream`, else what has happened so far. The
/// stream ends when the export has, or the right to see it; to go on before that, send the id of
/// the last event as `Last-Event-ID` or `after`.
#[utoipa::path(
    get, path = "/exports/{id}/events", operation_id = "list_events", tag = "exports",
    params(
        ("id" = i64, Path, minimum = 1), EventParams,
        ("Last-Event-ID" = Option<String>, Header,
            pattern = "^[0-9]{1,18}[.][0-9]{1,18}[.][0-9]{1,18}[.][0-9]{1,18}$",
            description = "Id of the last event that was received; `after` is heeded first"),
    ),
    responses(
        (status = 200, description = "The events", content(
            (Events = "application/json"), (String = "text/event-stream"))),
        (status = 204, description = "The export has ended, and its last event was received"),
    )
)]
pub(in crate::api) async fn events(
    State(edge): State<Shared>,
    Signed(caller): Signed,
    Number(id): Number,
    Params(params): Params<EventParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let job = edge.service.export(&caller, JobId(id)).await?;
    let read = |sent: Option<&str>, at: &str| match sent.map(Place::read) {
        None => Ok(None),
        Some(Some(place)) => Ok(Some(place)),
        Some(None) => Err(Problem::fault(at, "send the `id` of an event")),
    };
    let by_header = read(header_text(&headers, LAST_EVENT_ID), "")?;
    let place = read(params.after.as_deref(), "/after")?.or(by_header).unwrap_or_default();
    let mut watching = Watching { edge, caller, id: JobId(id), place };
    let is_stream = header_text(&headers, header::ACCEPT).is_some_and(|sent| sent.contains(STREAM));
    if !is_stream {
        let items = watching.news(&job).await?;
        let next = Some(watching.place.id());
        return Ok(Json(Events { items, next, is_over: !job.status.is_open() }).into_response());
    }
    let first = watching.news(&job).await?;
    if first.is_empty() && !job.status.is_open() {
        // A browser comes back for ever unless it is told that there is nothing more.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let stream = watching.stream(first, job);
    let keep_alive = KeepAlive::new().interval(HEARTBEAT).text("here");
    let mut response = Sse::new(stream).keep_alive(keep_alive).into_response();
    // Proxies would hold events back until there are enough of them.
    let unbuffered = http::HeaderValue::from_static("no");
    response.headers_mut().insert("x-accel-buffering", unbuffered);
    Ok(response)
}

/// One who waits.
struct Watching {
    edge: Shared,
    caller: Caller,
    id: JobId,
    place: Place,
}

impl Watching {
    /// What the watcher does not know yet.
    async fn news(&mut self, job: &Job) -> Result<Vec<ExportEvent>, ServiceError> {
        let service = &self.edge.service;
        let rows = service.export_transitions(&self.caller, self.id, self.place.transition).await?;
        let mut news = Vec::new();
        for row in rows {
            // The numbers of a state that is over are not known any more.
            self.place = Place { transition: row.id, ..Place::default() };
            let data = ExportState {
                export: self.id.0,
                status: row.to.into(),
                progress: 0,
                rows_done: 0,
                attempt: 0,
                at: Some(moment(row.at)),
            };
            news.push(ExportEvent { id: self.place.id(), event: "transition", data });
        }
        let (attempt, progress) = (job.attempt, job.progress);
        let place = Place { attempt, progress, rows: job.rows_done, ..self.place };
        if place == self.place {
            return Ok(news);
        }
        self.place = place;
        let data = |at| ExportState {
            export: self.id.0,
            status: job.status.into(),
            progress,
            rows_done: job.rows_done,
            attempt,
            at,
        };
        let id = place.id();
        match news.last_mut() {
            Some(last) if last.data.status == job.status.into() => {
                last.id = id;
                last.data = data(last.data.at);
            }
            _ => news.push(ExportEvent { id, event: "progress", data: data(None) }),
        }
        Ok(news)
    }

    /// What is to come, until the export has ended, or the right to see it.
    fn stream(
        self,
        first: Vec<ExportEvent>,
        job: Job,
    ) -> impl Stream<Item = Result<Event, Infallible>> {
        let sights = self.edge.hub.watch(self.id);
        let pass = Pass::of(&self.caller).map(|pass| self.edge.hub.watch_pass(pass));
        let ending = self.edge.ending.subscribe();
        let waiting = Waiting {
            _open: self.edge.watchers.begin(),
            ending,
            pass,
            watching: self,
            sights,
            policy_version: None,
            queue: first.into_iter().rev().collect(),
            is_over: !job.status.is_open(),
        };
        futures_util::stream::unfold(waiting, |mut waiting| async move {
            let event = waiting.next().await?;
            Some((Ok(event), waiting))
        })
    }
}

/// A stream, between two events.
struct Waiting {
    _open: One,
    ending: watch::Receiver<bool>,
    /// Whether what the watcher was let in by has ended.
    pass: Option<watch::Receiver<bool>>,
    watching: Watching,
    sights: watch::Receiver<Option<Sight>>,
    policy_version: Option<i64>,
    /// Events that were found, the next one last.
    queue: Vec<ExportEvent>,
    is_over: bool,
}

impl Waiting {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.pop() {
                return Event::default().id(event.id).event(event.event).json_data(event.data).ok();
            }
            if self.is_over {
                return None;
            }
            let pause = Duration::from_secs(rand::random_range(RIGHT_SECONDS));
            let seen = tokio::select! {
                seen = tokio::time::timeout(pause, self.sights.changed()) => seen,
                // Whoever waits comes back with the id of its last event, to another process.
                _ = self.ending.wait_for(|is_ending| *is_ending) => return None,
                () = ended(self.pass.as_mut()) => return None,
            };
            let sight = self.sights.borrow_and_update().clone();
            match seen {
                Ok(Err(_)) => return None,
                Ok(Ok(())) => {}
                Err(_) => {
                    self.let_in().await?;
                    continue;
                }
            }
            let Some(Sight { job, policy_version }) = sight else { continue };
            if self.policy_version.replace(policy_version) != Some(policy_version) {
                self.let_in().await?;
            }
            self.queue = self.watching.news(&job).await.ok()?;
            self.queue.reverse();
            self.is_over = !job.status.is_open();
        }
    }

    /// Asks whether the watcher may still see it; none ends the stream.
    async fn let_in(&mut self) -> Option<()> {
        let watching = &mut self.watching;
        watching.caller = watching.edge.service.caller_now(&watching.caller).await.ok()?;
        watching.edge.service.export(&watching.caller, watching.id).await.ok()?;
        Some(())
    }
}

/// Waits for the end of a pass; for ever where there is none.
async fn ended(pass: Option<&mut watch::Receiver<bool>>) {
    match pass {
        Some(pass) => drop(pass.wait_for(|has_ended| *has_ended).await),
        None => std::future::pending().await,
    }
}
