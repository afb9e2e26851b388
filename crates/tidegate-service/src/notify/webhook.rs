//! Sends a notice to a webhook, signed as Standard Webhooks say, to an address that was looked at.

use reqwest::Url;

use super::settings::NotifySettings;
use crate::{
    outbound::{self, OutboundError, Way, address::AddressFault},
    signed,
};

/// What a signature begins with: its scheme.
pub const SIGNATURE_SCHEME: &str = signed::VERSION;
/// What a secret begins with, as it is shown.
pub(super) const SECRET_PREFIX: &str = "whsec_";
/// Characters of an address at most.
const URL_CHARS_MAX: usize = 2_000;

/// A webhook could not be told.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Its address is of no kind that is sent to.
    #[error("{0}")]
    Address(String),
    /// It is where nothing is sent to.
    #[error(transparent)]
    Inside(#[from] AddressFault),
    /// It was not reached.
    #[error("the webhook cannot be reached: {0}")]
    Unreachable(String),
    /// It did not take it.
    #[error("the webhook answered {0}")]
    Refused(u16),
    /// It was switched off by itself.
    #[error("it is off, as {0}")]
    Off(String),
    /// Nobody answers for it: it is switched off as soon as there is something to tell it.
    #[error("{0}: somebody else has to save it")]
    Unanswered(&'static str),
    /// It was sent, and what became of it is not known.
    #[error("the webhook broke off: {0}")]
    BrokenOff(String),
}

impl WebhookError {
    /// Whether the recipient is known not to have it.
    pub(crate) fn is_refused(&self) -> bool {
        match self {
            Self::Address(_)
            | Self::Inside(_)
            | Self::Unreachable(_)
            | Self::Refused(_)
            | Self::Off(_)
            | Self::Unanswered(_) => true,
            Self::BrokenOff(_) => false,
        }
    }
}

impl From<OutboundError> for WebhookError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Address(detail) => Self::Address(detail.to_owned()),
            OutboundError::Inside(fault) => Self::Inside(fault),
            OutboundError::Unreachable(detail) => Self::Unreachable(detail),
            OutboundError::BrokenOff(detail) => Self::BrokenOff(detail),
        }
    }
}

/// A request to a webhook, before it is sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) url: &'a str,
    /// Name under which it goes.
    pub(crate) message: &'a str,
    /// Seconds since 1970.
    pub(crate) at: i64,
    pub(crate) body: String,
    /// Secrets that it is signed with, each.
    pub(crate) secrets: Vec<Vec<u8>>,
}

/// The signature of a message: HMAC-SHA256 of name, time and body.
pub fn signature(secret: &[u8], message: &str, at: i64, body: &str) -> String {
    signed::sign(secret, message, at, body.as_bytes())
}

/// An address as somebody gives it: what it is, if it is of a kind that is sent to. Where it leads
/// is looked at each time that something is sent.
///
/// # Errors
///
/// With what is wrong.
pub(super) fn read_url(text: &str, settings: &NotifySettings) -> Result<Url, WebhookError> {
    let refuse = |detail: &str| Err(WebhookError::Address(detail.to_owned()));
    if text.len() > URL_CHARS_MAX {
        return refuse("the address is too long");
    }
    let Ok(url) = Url::parse(text) else {
        return refuse("it is no address such as https://example.com/hooks/tidegate");
    };
    match url.scheme() {
        "https" => {}
        // What goes to this very host passes nobody.
        "http" if !settings.webhook_networks.is_empty() => {}
        "http" => return refuse("a webhook is at https://, so that nobody between reads it"),
        _ => return refuse("a webhook is at https://"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("a name or a password in the address would stand in logs: leave them out");
    }
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => refuse("the address has no host"),
    }
}

/// Sends it.
///
/// # Errors
///
/// If it was not taken, or it is not known whether it was.
pub(crate) async fn send(
    settings: &NotifySettings,
    outgoing: Outgoing<'_>,
) -> Result<(), WebhookError> {
    let url = read_url(outgoing.url, settings)?;
    let client = outbound::client_to(&url, way(settings)).await?;
    let Outgoing { message, at, body, secrets, .. } = outgoing;
    let signed: Vec<String> =
        secrets.iter().map(|secret| signature(secret, message, at, &body)).collect();
    let request = client
        .post(url)
        .header("content-type", "application/json")
        .header("webhook-id", message)
        .header("webhook-timestamp", at.to_string())
        .header("webhook-signature", signed.join(" "))
        .body(body);
    match outbound::answer_to(request).await? {
        200..=299 => Ok(()),
        status => Err(WebhookError::Refused(status)),
    }
}

/// Sees whether a webhook can be reached, without sending anything to it.
///
/// # Errors
///
/// If it cannot.
pub(crate) async fn prove(text: &str, settings: &NotifySettings) -> Result<(), WebhookError> {
    let url = read_url(text, settings)?;
    let client = outbound::client_to(&url, way(settings)).await?;
    // To be told that there is no such method is to have been reached, by TLS and by name.
    match outbound::answer_to(client.head(url)).await {
        Err(OutboundError::BrokenOff(detail)) => Err(WebhookError::Unreachable(detail)),
        proven => Ok(proven.map(drop)?),
    }
}

fn way(settings: &NotifySettings) -> Way<'_> {
    Way {
        meant: &settings.webhook_networks,
        timeout: settings.timeout(),
        ca_file: settings.ca_file.as_deref(),
    }
}
