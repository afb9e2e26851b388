//! What the program says about itself on stderr: lines for people, or JSON for programs.

use tracing_subscriber::EnvFilter;

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

/// Begins to log. A service logs by itself, other commands only where `RUST_LOG` asks for it.
pub fn begin(command: &Command) {
    let filter = match std::env::var_os(FILTER_VARIABLE) {
        Some(_) => EnvFilter::from_default_env(),
        None if is_service(command) => EnvFilter::new(SERVICE_FILTER),
        None => EnvFilter::new("off"),
    };
    let unsaid = UNSAID.map(|words| words.parse().expect("they are targets and levels"));
    let filter = unsaid.into_iter().fold(filter, EnvFilter::add_directive);
    let to = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second call, in a test, finds the first one's subscriber.
    let _ = match is_json() {
        true => to.json().flatten_event(true).with_current_span(false).try_init(),
        false => to.try_init(),
    };
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
