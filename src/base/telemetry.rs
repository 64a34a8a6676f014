//! Logs and metrics: set up once by the process, then used from everywhere.

use std::io::{self, IsTerminal};

use prometheus::Registry;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, registry, util::SubscriberInitExt};

/// Before every metric's name.
const METRICS_PREFIX: &str = "linac";

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogConfig {
    /// The least important messages of our own that are written. Of other people's code the log has
    /// warnings and errors only: it does not know what must not reach a log.
    pub level: LevelFilter,
    /// Their form.
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// Sends the log of this process to stderr; `rooms` are the crates whose messages are our own.
///
/// The first call counts: a process has one log.
pub fn start_log(config: LogConfig, rooms: &[&str]) {
    let filter = Targets::new()
        .with_default(config.level.min(LevelFilter::WARN))
        .with_targets(rooms.iter().map(|room| (*room, config.level)));
    let is_terminal = io::stderr().is_terminal();
    // The tests of a process that starts an app twice must not fail over the second log.
    let _already_started = match config.format {
        LogFormat::Text => registry().with(filter).with(text(is_terminal)).try_init(),
        LogFormat::Auto if is_terminal => registry().with(filter).with(text(is_terminal)).try_init(),
        LogFormat::Auto | LogFormat::Json => {
            let lines = fmt::layer().json().flatten_event(true).with_writer(io::stderr);
            registry().with(filter).with(lines).try_init()
        }
    };
}

fn text<S>(is_terminal: bool) -> impl tracing_subscriber::Layer<S>
where
    S: tracing::Subscriber + for<'span> registry::LookupSpan<'span>,
{
    fmt::layer().with_ansi(is_terminal).with_writer(io::stderr)
}

/// Where the rooms register their metrics; every name gets the product's prefix.
pub fn metrics_registry() -> Registry {
    Registry::new_custom(Some(METRICS_PREFIX.to_owned()), None).expect("the prefix is not empty")
}
