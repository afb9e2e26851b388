//! Sends spans to a collector, where the configuration names one, and never at an export's expense.
//!
//! Spans wait in a queue of a fixed length; a thread of its own sends them. What does not fit, and
//! what the collector does not take at once, is dropped.

mod collector;
mod share;

use std::{borrow::Cow, collections::HashMap, time::Duration};

use opentelemetry::{KeyValue, trace::TracerProvider};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider},
};
use secrecy::ExposeSecret;

use self::{collector::Collector, share::Share};
use crate::{
    cli::{Cli, Command},
    config::{Site, TracesSettings},
    wire,
};

/// Spans that wait at most, some hundred bytes each: hundreds of requests, or dozens of exports.
const QUEUE_SPANS_MAX: usize = 2_048;
/// Spans that are sent at a time.
const BATCH_SPANS_MAX: usize = 512;
/// Time between two batches.
const BATCH_PAUSE: Duration = Duration::from_secs(1);
/// Time that a collector has to take a batch.
const SEND_WAIT: Duration = Duration::from_secs(5);
/// Time that the last batch has when the program ends.
const END_WAIT: Duration = Duration::from_secs(2);
/// Variable by which a site names the service, as OpenTelemetry specifies it.
const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// The way to the collector; none where spans are not sent.
pub struct Traces(Option<SdkTracerProvider>);

/// There is no way to the collector.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    /// Of the client.
    #[error("no client for the collector can be made")]
    Client(#[from] reqwest::Error),
    /// Of the exporter: a variable of OpenTelemetry's may say what we cannot do.
    #[error("no exporter for the collector can be made")]
    Exporter(#[from] ExporterBuildError),
}

impl Traces {
    /// Begins, for commands that have to do with exports. What is wrong with the configuration is
    /// told by the command itself.
    ///
    /// # Errors
    ///
    /// If the way to the collector cannot be made; the command goes on without.
    pub fn begin(cli: &Cli) -> Result<Self, TracesError> {
        let site = has_exports(&cli.command).then(|| Site::load(&cli.config, &wire::environment()));
        match site.and_then(Result::ok).and_then(|site| site.traces) {
            None => Ok(Self(None)),
            Some(settings) => Ok(Self(Some(provider(&settings)?))),
        }
    }

    /// Nothing is sent.
    pub fn off() -> Self {
        Self(None)
    }

    /// What makes spans.
    pub fn tracer(&self) -> Option<SdkTracer> {
        self.0.as_ref().map(|provider| provider.tracer(env!("CARGO_PKG_NAME")))
    }

    /// Sends what is left, for a moment at most.
    pub fn end(self) {
        if let Some(provider) = self.0 {
            // What could not be sent is lost; that was said when it could not.
            drop(provider.shutdown_with_timeout(END_WAIT));
        }
    }
}

/// Whether a command makes exports or builds them.
fn has_exports(command: &Command) -> bool {
    match command {
        Command::Serve | Command::Worker | Command::Jobs(_) | Command::Schedules(_) => true,
        Command::Export(args) => args.source.is_none(),
        Command::Init(_)
        | Command::Check
        | Command::Demo(_)
        | Command::Operators(_)
        | Command::Roles(_)
        | Command::SyncActions(_)
        | Command::Tokens(_)
        | Command::Pause(_)
        | Command::Approvals(_)
        | Command::Resume(_)
        | Command::Manifest(_)
        | Command::Keys(_)
        | Command::Audit(_)
        | Command::Artifacts(_)
        | Command::Backup(_) => false,
    }
}

fn provider(settings: &TracesSettings) -> Result<SdkTracerProvider, TracesError> {
    let headers: HashMap<String, String> = settings
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.expose_secret().to_owned()))
        .collect();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Collector::new(SEND_WAIT)?)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(settings.url.as_str())
        .with_timeout(SEND_WAIT)
        .with_headers(headers)
        .with_retry_policy(RetryPolicy::disabled())
        .build()?;
    let batches = BatchConfigBuilder::default()
        .with_max_queue_size(QUEUE_SPANS_MAX)
        .with_max_export_batch_size(BATCH_SPANS_MAX)
        .with_scheduled_delay(BATCH_PAUSE);
    let processor =
        BatchSpanProcessor::builder(exporter).with_batch_config(batches.build()).build();
    Ok(SdkTracerProvider::builder()
        .with_sampler(Share::new(settings.sample_ratio))
        .with_span_processor(processor)
        .with_resource(resource())
        .build())
}

/// What sends the spans; `OTEL_RESOURCE_ATTRIBUTES` may say more.
fn resource() -> Resource {
    let (host, process) = (wire::host(), std::process::id());
    let instance = format!("{host}-{process}");
    let known = Resource::builder().with_attributes([
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", instance),
        KeyValue::new("host.name", host),
        KeyValue::new("process.pid", i64::from(process)),
    ]);
    match std::env::var_os(SERVICE_NAME) {
        Some(_) => known.build(),
        None => known.with_service_name(Cow::Borrowed("tidegate")).build(),
    }
}
