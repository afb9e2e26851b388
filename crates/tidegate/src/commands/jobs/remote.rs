//! Follows an export on a server, by its events: from a machine that has no access to its database.

use std::time::Duration;

use eventsource_stream::Eventsource;
use futures_util::StreamExt;
use reqwest::{Client, StatusCode, header};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::failure::Failure;

/// Time before a stream that broke is asked for again.
const AGAIN_PAUSE: Duration = Duration::from_secs(1);
/// Times that a server which does not answer is asked before that is a failure.
const ASKED_MAX: u32 = 30;

/// Where and what to follow.
pub(super) struct Remote<'a> {
    /// Address of the server.
    pub(super) server: &'a str,
    /// Token to be let in.
    pub(super) token: &'a str,
    /// Number of the export.
    pub(super) id: i64,
    /// Whether events are printed as they are.
    pub(super) is_json: bool,
}

/// What an event says of the export.
#[derive(Debug, Deserialize, Serialize)]
struct Seen {
    export: i64,
    status: String,
    progress: i64,
    rows_done: i64,
    attempt: i64,
}

impl Remote<'_> {
    /// Follows the export until it is over.
    pub(super) async fn watch(&self) -> Result<(), Failure> {
        let address = self.server.trim_end_matches('/');
        let url = format!("{address}/api/v1/exports/{}/events", self.id);
        let client = Client::builder().build();
        let client = client.map_err(|error| Failure::failed("server", &error))?;
        let (mut last_id, mut status, mut failed) = (None, String::new(), 0);
        while failed < ASKED_MAX {
            let mut request = client.get(&url).bearer_auth(self.token);
            request = request.header(header::ACCEPT, "text/event-stream");
            if let Some(id) = &last_id {
                request = request.header("last-event-id", id);
            }
            let answer = match request.send().await {
                Ok(answer) if answer.status().is_server_error() => {
                    failed += 1;
                    sleep(AGAIN_PAUSE).await;
                    continue;
                }
                Ok(answer) => answer,
                Err(error) if failed + 1 == ASKED_MAX => {
                    return Err(Failure::failed("server", &error));
                }
                Err(_) => {
                    failed += 1;
                    sleep(AGAIN_PAUSE).await;
                    continue;
                }
            };
            match answer.status() {
                StatusCode::OK => {}
                // There is nothing behind the last event.
                StatusCode::NO_CONTENT => return ended(&status),
                other => return Err(refused(other, self.id)),
            }
            let mut events = answer.bytes_stream().eventsource();
            // A stream that breaks off is asked for again behind its last event.
            while let Some(Ok(event)) = events.next().await {
                let Ok(seen) = serde_json::from_str::<Seen>(&event.data) else { continue };
                self.print(&seen);
                (last_id, status, failed) = (Some(event.id), seen.status, 0);
            }
        }
        Err(Failure::wrong(format!("{address} does not answer")))
    }

    fn print(&self, seen: &Seen) {
        match self.is_json {
            true => println!("{}", serde_json::json!({ "event": seen })),
            false => println!(
                "{} {}%  {} rows  attempt {}",
                seen.status,
                seen.progress,
                indicatif::HumanCount(seen.rows_done.unsigned_abs()),
                seen.attempt
            ),
        }
    }
}

/// The end of a command whose export has come to this.
fn ended(status: &str) -> Result<(), Failure> {
    match status {
        "ready" => Ok(()),
        other => Err(Failure::refused(format!("the export is {other}"))),
    }
}

fn refused(status: StatusCode, id: i64) -> Failure {
    Failure::refused(match status {
        StatusCode::UNAUTHORIZED => "the server does not know this token".to_owned(),
        StatusCode::NOT_FOUND => format!("there is no export {id} on the server"),
        other => format!("the server answers {other}"),
    })
}
