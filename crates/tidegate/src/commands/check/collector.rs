//! Asks the collector whether it takes spans. That it does not is a warning: exports need none.

use std::time::Duration;

use http::{
    StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE},
};
use reqwest::{Client, redirect};
use secrecy::ExposeSecret;

use super::control_plane::Part;
use crate::{config::TracesSettings, failure::with_causes};

const NAME: &str = "traces";
/// Time that an answer may take.
const WAIT: Duration = Duration::from_secs(5);
/// How spans are spelled; no bytes of it are no spans.
const PROTOBUF: &str = "application/x-protobuf";

/// What keeps spans from the collector.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("`{url}` does not answer; spans are lost, exports go on")]
    Unanswered {
        url: String,
        #[source]
        cause: reqwest::Error,
    },
    #[error("`{url}` answers with status {status}; spans are lost, exports go on")]
    Status { url: String, status: StatusCode },
}

/// Asks.
pub(super) async fn ask(settings: &TracesSettings) -> Part {
    let (said, warning) = match sent(settings).await {
        Ok(()) => (format!("{} takes spans", settings.url), None),
        Err(refused) => (String::new(), Some(with_causes(&refused))),
    };
    Part { name: NAME.to_owned(), said, fault: None, warning }
}

/// Sends no spans, as any are sent.
async fn sent(settings: &TracesSettings) -> Result<(), Refused> {
    let url = settings.url.to_string();
    let unanswered = |cause: reqwest::Error| Refused::Unanswered {
        url: url.clone(),
        cause: cause.without_url(),
    };
    let client = Client::builder().redirect(redirect::Policy::none()).timeout(WAIT).build();
    let request = client.map_err(unanswered)?.post(settings.url.clone());
    let request = settings
        .headers
        .iter()
        .fold(request, |request, (name, value)| request.header(name, value.expose_secret()));
    let request = request.header(CONTENT_TYPE, PROTOBUF).header(CONTENT_LENGTH, 0);
    let answer = request.send().await.map_err(unanswered)?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(Refused::Status { url, status }),
    }
}
