//! What is left after kills, power cuts, damaged journals and full disks.
//!
//! Everything that was acknowledged, no half transaction, no torn value: `workload.rs` writes so that this can be
//! checked. Tests that need what a machine may not offer say on the standard error that they were skipped, and
//! why.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod files;
mod full;
mod journals;
mod kill;
mod mount;
mod power;
mod workload;

use std::{io::Write, path::Path};

use base::Clock;
use store::{Config, Opened, Place, Store};

/// A store that does not mind how full the disk is.
fn config(path: &Path) -> Config {
    Config { reserve_bytes: 0, ..Config::new(Place::Directory(path.to_owned())) }
}

fn open(config: Config) -> (Store, Opened) {
    Store::open(config, Clock::start()).unwrap_or_else(|error| panic!("{}", base::causes(&error)))
}

/// Past the test harness, which keeps to itself what a test prints that passes.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
