//! What the cache room needs to be told.

use std::{collections::HashMap, time::Duration};

/// Checked settings of the cache.
#[derive(Debug, Clone)]
pub struct Config {
    /// What the cache does at all.
    pub mode: Mode,
    /// Memory for entries, their keys and the bookkeeping of both, in bytes.
    pub bytes_max: u64,
    /// What is kept of which table.
    pub rules: RuleBook,
    /// The share by which a TTL may be shortened at random.
    pub jitter: f64,
    /// How long the origin's replicas may lag: for so long after a write its keys are read strongly. Zero says
    /// that the origin has neither replicas nor indexes that lag.
    pub settle: Duration,
    /// How long a write without a definite answer may still be applied; never less than the upstream's
    /// timeout.
    pub doubt: Duration,
    /// Deadline of an internal read (a fill, a description of a table).
    pub fill_timeout: Duration,
    /// Whether a door keeps a form of its own with entries, as the DAX door does. It counts as much as the entry itself,
    /// whether or not anybody asked for it yet.
    pub keeps_forms: bool,
    /// How long a shard of a stream that had nothing new is left alone.
    pub stream_poll: Duration,
}

/// What the cache does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It answers.
    On,
    /// It passes everything through, and tells what it would have answered.
    Shadow,
    /// It passes everything through.
    Off,
}

/// The rules of all tables; they can be exchanged while the node runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleBook {
    /// The rule of tables that have none of their own.
    pub default: TableRule,
    /// Rules by table name.
    pub tables: HashMap<String, TableRule>,
}

/// How a table is cached.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRule {
    /// How the results of its queries and scans are kept right.
    pub coherence: Coherence,
    /// Of its items, as asked for one by one. Writes leave their images by this rule too.
    pub get_item: Rule,
    /// Of its items, as asked for in batches.
    pub batch_get_item: Rule,
    /// Of queries and scans of the table itself, and of indexes without rules of their own.
    pub results: ResultRules,
    /// Of queries and scans of indexes, by index name.
    pub indexes: HashMap<String, ResultRules>,
    /// Whether the pages of a result are kept only as long as its first page, which they were read behind.
    pub consistent_pages: bool,
    /// Whether writes are forwarded such that their answers show what they changed, so that fewer results of
    /// indexes are dropped. Clients see what they asked for.
    pub asks_for_images: bool,
    /// The attribute with the second, since 1970, from which on an item counts as expired: no entry outlives
    /// it.
    pub ttl_attribute: Option<String>,
    /// Memory that only this table uses, out of [`Config::bytes_max`]; zero if it shares.
    pub bytes_reserved: u64,
    /// The share of hits that are compared with a strong read afterwards.
    pub verify: f64,
}

/// How results are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRules {
    /// Of `Query`.
    pub query: Rule,
    /// Of `Scan`.
    pub scan: Rule,
}

/// How the answers of one operation are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// How long an answer is fresh; [`Ttl::Off`] passes the operation by.
    pub ttl: Ttl,
    /// How long the absence of an item, or an empty result, is fresh.
    pub negative_ttl: Ttl,
    /// Answers that take more bytes, their keys and the bookkeeping included, are not kept.
    pub entry_bytes_max: u64,
    /// For so long after it expired an entry may be shown to whom the origin fails; zero is never.
    pub stale_grace: Duration,
    /// An entry that is asked for again in this last share of its life is fetched anew ahead of its end;
    /// zero is never.
    pub refresh_ahead: f64,
}

/// How long something is fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Not at all: it is not kept.
    Off,
    /// For so long.
    For(Duration),
    /// Until a write or its eviction ends it.
    Forever,
}

/// How the results of queries and scans are kept right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coherence {
    /// A write through this node drops the results that it may have changed.
    Write,
    /// They live until they expire, whatever is written, as DAX's do.
    Ttl,
    /// As `Write`, and the table's stream tells what others write.
    Stream,
}

impl Rule {
    /// Answers are fresh for so long, whatever their size, and that is all.
    pub fn new(ttl: Ttl, negative_ttl: Ttl) -> Rule {
        let stale_grace = Duration::ZERO;
        Rule { ttl, negative_ttl, entry_bytes_max: u64::MAX, stale_grace, refresh_ahead: 0.0 }
    }

    /// The same, but nothing is kept.
    #[must_use]
    pub fn off(self) -> Rule {
        Rule { ttl: Ttl::Off, ..self }
    }

    /// Whether answers are kept at all.
    pub fn is_on(&self) -> bool {
        self.ttl != Ttl::Off
    }
}

impl RuleBook {
    /// The rule of a table.
    pub fn of_table(&self, bare_name: &str) -> &TableRule {
        self.tables.get(bare_name).unwrap_or(&self.default)
    }
}

impl TableRule {
    /// One rule for all that is kept by default: items and queries, not scans.
    pub fn new(rule: Rule) -> TableRule {
        TableRule {
            coherence: Coherence::Write,
            results: ResultRules { query: rule.clone(), scan: rule.clone().off() },
            batch_get_item: rule.clone(),
            get_item: rule,
            indexes: HashMap::new(),
            consistent_pages: false,
            asks_for_images: false,
            ttl_attribute: None,
            bytes_reserved: 0,
            verify: 0.0,
        }
    }

    /// The rules of an index, or of the table itself.
    pub fn results_of(&self, index: Option<&str>) -> &ResultRules {
        index.and_then(|index| self.indexes.get(index)).unwrap_or(&self.results)
    }

    /// Whether any scan is kept, of the table or of an index.
    pub fn keeps_scans(&self) -> bool {
        std::iter::once(&self.results).chain(self.indexes.values()).any(|rules| rules.scan.is_on())
    }
}
