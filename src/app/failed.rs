//! How a subcommand ends when it does not end well.

use std::{io, net::SocketAddr};

use crate::config::Mistakes;

/// Why a subcommand did not do as asked; each kind has its exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// It was asked wrongly: by the command line, or by the configuration.
    #[error("{0}")]
    Usage(String),
    /// It was tried.
    #[error("{0}")]
    Other(String),
}

impl Failed {
    /// What the process tells its parent.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failed::Other(_) => 1,
            Failed::Usage(_) => 2,
        }
    }
}

impl From<Mistakes> for Failed {
    fn from(mistakes: Mistakes) -> Failed {
        Failed::Usage(mistakes.to_string())
    }
}

/// Why a node did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be had, mostly because somebody else listens there.
    #[error("cannot listen on {address} ({key}): {cause}")]
    Bind {
        /// The configuration key.
        key: &'static str,
        /// Its value.
        address: SocketAddr,
        /// What the operating system said.
        cause: io::Error,
    },
    /// The upstream's client cannot be set up.
    #[error("cannot set up the upstream: {0}")]
    Upstream(#[from] upstream::SetupError),
    /// The bundled engine's data cannot be had.
    #[error("cannot open the bundled engine: {0}")]
    Engine(#[from] engine::StartError),
    /// The DAX door cannot be opened.
    #[error("cannot open the DAX door: {0}")]
    Dax(#[from] dax_door::DoorError),
    /// Two rooms register the same metric.
    #[error("cannot register metrics: {0}")]
    Metrics(#[from] prometheus::Error),
}

impl From<StartError> for Failed {
    fn from(error: StartError) -> Failed {
        Failed::Other(error.to_string())
    }
}
