//! Brings batches of spans to the collector, and says once when that does not work.

use std::{
    io::Read,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::{blocking::Client, redirect};

/// Bytes of an answer that are read: it says little.
const ANSWER_BYTES_MAX: u64 = 64 << 10;

/// The collector, as one asks it. It is made and used outside of a runtime.
#[derive(Debug)]
pub(super) struct Collector {
    client: Client,
    is_away: AtomicBool,
}

impl Collector {
    /// A collector that has so long to answer.
    pub(super) fn new(wait: Duration) -> Result<Self, reqwest::Error> {
        let client = Client::builder().redirect(redirect::Policy::none()).timeout(wait).build()?;
        Ok(Self { client, is_away: AtomicBool::new(false) })
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.client.execute(request.try_into()?);
        let answer = sent.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        let mut body = Vec::new();
        answer.take(ANSWER_BYTES_MAX).read_to_end(&mut body)?;
        Ok(Response::builder().status(status).body(body.into())?)
    }

    /// Says when it begins and when it ends that spans are lost; not for each batch of them.
    fn note(&self, fault: Option<&dyn std::fmt::Display>) {
        match (fault, self.is_away.swap(fault.is_some(), Ordering::Relaxed)) {
            (Some(fault), false) => {
                tracing::warn!(%fault, "the collector takes no spans: they are lost");
            }
            (None, true) => tracing::info!("the collector takes spans again"),
            (Some(_), true) | (None, false) => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    /// It waits: the thread that sends does nothing else.
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answered = self.send(request);
        match &answered {
            Ok(answer) if answer.status().is_success() => self.note(None),
            Ok(answer) => self.note(Some(&answer.status())),
            Err(error) => self.note(Some(error)),
        }
        answered
    }
}
