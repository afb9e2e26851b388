//! Asks the address that people reach the service by whether it is the service that answers there.

use std::{error::Error, io, time::Duration};

use reqwest::{Client, StatusCode, redirect};

use super::control_plane::Part;

const NAME: &str = "public_url";
/// Time that an answer may take: people do not wait longer either.
const WAIT: Duration = Duration::from_secs(10);
/// What the service answers.
const ANSWER: &str = "ok\n";
/// Bytes of an answer that are looked at.
const ANSWER_BYTES_MAX: u64 = 1 << 10;

/// What keeps people from the service.
#[derive(Debug, thiserror::Error)]
enum Unreachable {
    #[error("`{url}` is not answered: look at DNS, firewall, certificate and proxy")]
    Unanswered {
        url: String,
        #[source]
        cause: reqwest::Error,
    },
    #[error(
        "`{url}` is answered for another host: the proxy must pass `Host` on, or the name belongs \
         under [server] hosts"
    )]
    OtherHost { url: String },
    #[error("`{url}` leads to another address (status {status}): say that one as public_url")]
    Elsewhere { url: String, status: StatusCode },
    #[error("`{url}` is answered by something else (status {status})")]
    SomethingElse { url: String, status: StatusCode },
}

/// Asks. That the service does not run yet is no fault: this is for before it does, too.
pub(super) async fn ask(public_url: &str) -> Part {
    let url = format!("{}/healthz", public_url.trim_end_matches('/'));
    match answered(&url).await {
        Err(Unreachable::Unanswered { cause, .. }) if is_refused(&cause) => not_running(),
        Err(Unreachable::SomethingElse { status, .. }) if is_proxy_alone(status) => not_running(),
        found => Part::new(NAME, found.map(|()| format!("{url} is answered"))),
    }
}

async fn answered(url: &str) -> Result<(), Unreachable> {
    let unanswered = |cause| Unreachable::Unanswered { url: url.to_owned(), cause };
    let client = Client::builder().redirect(redirect::Policy::none()).timeout(WAIT).build();
    let answer = client.map_err(unanswered)?.get(url).send().await.map_err(unanswered)?;
    let (status, url) = (answer.status(), url.to_owned());
    match status {
        StatusCode::OK if answer.content_length() <= Some(ANSWER_BYTES_MAX) => {
            match answer.text().await {
                Ok(text) if text == ANSWER => Ok(()),
                Ok(_) => Err(Unreachable::SomethingElse { url, status }),
                Err(cause) => Err(Unreachable::Unanswered { url, cause }),
            }
        }
        StatusCode::MISDIRECTED_REQUEST => Err(Unreachable::OtherHost { url }),
        status if status.is_redirection() => Err(Unreachable::Elsewhere { url, status }),
        status => Err(Unreachable::SomethingElse { url, status }),
    }
}

/// Whether a proxy answers that nobody is behind it.
fn is_proxy_alone(status: StatusCode) -> bool {
    let alone =
        [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
    alone.contains(&status)
}

/// Whether the machine is there, and nobody listens.
fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

fn not_running() -> Part {
    let said = "as far as it goes: nobody is behind it; check again while `tidegate serve` runs";
    Part { name: NAME.to_owned(), said: said.to_owned(), fault: None, warning: None }
}
