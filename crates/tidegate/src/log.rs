//! What the program says about itself on stderr: lines for people, or JSON for programs.

use opentelemetry_sdk::trace::SdkTracer;
use tidegate_pipeline::TRACE_TARGET;
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, LevelFilter, filter_fn},
    fmt,
    layer::SubscriberExt,
    registry,
    util::SubscriberInitExt,
};

use crate::cli::Command;

/// Variable that says how: `text` or `json`.
const VARIABLE: &str = "TIDEGATE_LOG";
/// Variable that says what, in the words of `tracing_subscriber`.
const FILTER_VARIABLE: &str = "RUST_LOG";
/// What a service says unless it is asked for something else: begin and end of what it does, and
/// the surprises of the libraries below.
const SERVICE_FILTER: &str = "warn,tidegate=info";

/// What is not said however much is asked for: drivers tell the values of the statements that they
/// send.
const UNSAID: [&str; 3] = ["tokio_postgres=info", "mysql_async=info", "mysql_common=info"];

/// Begins to log, and to make spans where a collector wants them. A service logs by itself, other
/// commands only where `RUST_LOG` asks for it.
pub fn begin(command: &Command, tracer: Option<SdkTracer>) {
    let filter = match std::env::var_os(FILTER_VARIABLE) {
        Some(_) => EnvFilter::from_default_env(),
        None if is_service(command) => EnvFilter::new(SERVICE_FILTER),
        None => EnvFilter::new("off"),
    };
    let unsaid = UNSAID.map(|words| words.parse().expect("they are targets and levels"));
    let filter = unsaid.into_iter().fold(filter, EnvFilter::add_directive);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match is_json() {
        true => lines.json().flatten_event(true).with_current_span(false).boxed(),
        false => lines.boxed(),
    };
    // Spans of traces leave the process, those of the log stay: neither shows the other's.
    let lines = lines.with_filter(filter.and(filter_fn(|one| one.target() != TRACE_TARGET)));
    let spans = tracer.map(|tracer| {
        let only_ours = filter_fn(|one| one.is_span() && one.target() == TRACE_TARGET)
            .with_max_level_hint(LevelFilter::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(only_ours)
    });
    // A second call, in a test, finds the first one's subscriber.
    drop(registry().with(spans).with(lines).try_init());
}

/// Says how a service is: as a line, or as an event where nothing but JSON is expected.
pub fn say(text: &str) {
    match is_json() {
        true => tracing::info!("{text}"),
        false => eprintln!("tidegate: {text}"),
    }
}

fn is_service(command: &Command) -> bool {
    matches!(command, Command::Serve | Command::Worker)
}

fn is_json() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|value| value == "json")
}
