//! `/metrics`: figures of the site and of this process, as Prometheus reads them.

mod requests;
mod text;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use tidegate_model::{
    notice::{Channel, DeliveryState},
    status::Status,
};
use tidegate_service::{DeliveryCount, Figures, Store};

pub(crate) use self::requests::Requests;
use self::text::{Kind, Text};
use crate::{
    edge::{Edge, Shared},
    middleware::{caller::caller_of, peer},
    problem::Problem,
};

/// Where they are.
pub(crate) const PATH: &str = "/metrics";
/// Media type of the text format.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
const MICROS_PER_SECOND: f64 = 1_000_000.0;

/// The figures: for whoever asks on this machine, by no proxy, and for whoever may see settings.
pub(crate) async fn show(
    State(edge): State<Shared>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let figures = match peer::is_local(&parts) {
        true => Store::figures(edge.service.store())
            .await
            .map_err(|error| Problem::from(tidegate_service::ServiceError::from(error)))?,
        false => {
            let caller = caller_of(&edge, &parts).await?;
            edge.service.figures(&caller).await?
        }
    };
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], written(&edge, &figures)).into_response())
}

fn written(edge: &Edge, figures: &Figures) -> String {
    let mut text = Text::default();
    of_jobs(&mut text, figures);
    of_log(&mut text, figures);
    of_notices(&mut text, figures);
    of_process(&mut text, edge);
    edge.requests.write(&mut text);
    text.into_string()
}

fn of_jobs(text: &mut Text, figures: &Figures) {
    let in_state = |status: Status| {
        figures.jobs.iter().find(|(one, _)| *one == status).map_or(0, |(_, count)| *count)
    };
    let depth = "Exports that wait for a worker";
    text.one("tidegate_queue_depth", Kind::Gauge, depth, in_state(Status::Pending));
    let age = seconds(figures.oldest_wait_micros);
    let help = "How long the oldest export has waited that nothing holds up";
    text.one("tidegate_queue_oldest_seconds", Kind::Gauge, help, age);
    text.head("tidegate_jobs", Kind::Gauge, "Exports by their state");
    for status in Status::ALL {
        text.sample("tidegate_jobs", &[("status", status.slug())], in_state(status));
    }
    let failed = "tidegate_jobs_failed_total";
    text.head(failed, Kind::Counter, "Exports that failed, by reason");
    for (reason, count) in &figures.failures {
        text.sample(failed, &[("reason", reason)], *count);
    }
    let help = "Rows of all files that were made";
    text.one("tidegate_export_rows_total", Kind::Counter, help, figures.rows_out);
    let help = "Bytes of all files that were made";
    text.one("tidegate_export_bytes_total", Kind::Counter, help, figures.bytes_out);
    let help = "Attempts that ended because their worker no longer held the lease";
    text.one("tidegate_leases_lost_total", Kind::Counter, help, figures.leases_lost);
}

fn of_log(text: &mut Text, figures: &Figures) {
    let help = "Entries of the activity log that no checkpoint covers yet";
    text.one("tidegate_audit_entries_unsigned", Kind::Gauge, help, figures.entries_unsigned);
    let age = seconds(figures.checkpoint_age_micros);
    let help = "Time since the last checkpoint of the activity log; 0 before the first";
    text.one("tidegate_audit_checkpoint_age_seconds", Kind::Gauge, help, age);
}

fn of_notices(text: &mut Text, figures: &Figures) {
    let name = "tidegate_deliveries";
    text.head(name, Kind::Gauge, "Notices by mail and to webhooks, by what became of them");
    for &channel in Channel::ALL {
        for &state in DeliveryState::ALL {
            let is_it = |one: &&DeliveryCount| one.channel == channel && one.state == state;
            let count = figures.deliveries.iter().find(is_it).map_or(0, |one| one.count);
            text.sample(name, &[("channel", channel.slug()), ("state", state.slug())], count);
        }
    }
    let age = seconds(figures.oldest_delivery_micros);
    let help = "How long the oldest notice waits that was not delivered yet";
    text.one("tidegate_delivery_oldest_seconds", Kind::Gauge, help, age);
}

fn of_process(text: &mut Text, edge: &Edge) {
    let help = "Streams of events that are open";
    text.one("tidegate_watchers", Kind::Gauge, help, edge.watchers.count());
    let help = "Downloads under way";
    text.one("tidegate_downloads_open", Kind::Gauge, help, edge.downloads.count());
    let help = "Bytes of files that were sent";
    text.one("tidegate_download_bytes_total", Kind::Counter, help, edge.downloads.bytes_sent());
}

#[expect(clippy::cast_precision_loss, reason = "a time to look at")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / MICROS_PER_SECOND
}
