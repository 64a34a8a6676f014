//! What the cache room needs to be told.

use std::{collections::HashMap, time::Duration};

/// Checked settings of the cache.
#[derive(Debug, Clone)]
pub struct Config {
    /// Whether anything is cached at all. Off is a plain pass-through.
    pub mode: Mode,
    /// Memory for entries, their keys and the bookkeeping of both, in bytes.
    pub bytes_max: u64,
    /// The rule of tables that have none of their own.
    pub default_rule: Rule,
    /// Rules by table name.
    pub table_rules: HashMap<String, Rule>,
    /// The share by which a TTL may be shortened at random.
    pub jitter: f64,
    /// How long the origin's replicas may lag: for so long after a write its keys are read strongly.
    pub settle: Duration,
    /// How long a write without a definite answer may still be applied; never less than the upstream's
    /// timeout.
    pub doubt: Duration,
    /// Deadline of an internal read (a fill, a description of a table).
    pub fill_timeout: Duration,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Cache.
    On,
    /// Pass through.
    Off,
}

/// How the items of a table are cached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Whether they are.
    pub mode: Mode,
    /// How long an item is fresh.
    pub ttl: Duration,
    /// How long the absence of an item is fresh.
    pub negative_ttl: Duration,
}
