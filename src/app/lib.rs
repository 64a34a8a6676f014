//! The only room that names concrete types: it reads the command line and the configuration, builds the
//! stack, starts it, watches over it and drains it.
//!
//! Start at [`serve`] for the process, at [`start`] for a node inside another process (a test), at [`Config`]
//! for what can be said to either.

mod assemble;
mod cli;
mod config;
mod explain;
mod failed;
mod operate;
mod read_only;
mod reload;
mod report;
mod run;
mod signals;
mod warm;

pub use assemble::Parts;
pub use cli::{
    Cli, Command, ConfigCommand, Env, Explain, Healthcheck, Node, Purge, Reload, Report, Serve, SettingsArgs,
    Shell, Warm,
};
pub use config::{Config, DaxConfig, Mistake, Mistakes, ServerConfig};
pub use failed::{Failed, StartError};
pub use operate::{completions, config, env, explain, healthcheck, purge, reload};
pub use report::report;
pub use run::{Running, serve, start};
pub use warm::warm;
