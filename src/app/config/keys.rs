//! The table of configuration keys: one row each, read by the file, the environment, the flags, `config
//! show`, and the test of `config/reference.toml`.

/// A row of [`KEYS`].
#[derive(Debug)]
pub(crate) struct Key {
    /// Section and name, as in the file.
    pub(crate) path: &'static str,
    /// How it is written.
    pub(crate) kind: Kind,
    /// What holds when nobody says anything.
    pub(crate) preset: Preset,
    /// The flag of `linac serve`, for the keys that are set most often.
    pub(crate) flag: Option<Flag>,
    /// Whether it is one of the rules, which can be exchanged while a node runs.
    pub(crate) is_rule: bool,
    /// What it is for, in a phrase.
    pub(crate) doc: &'static str,
}

/// How a value is written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In quotes: names, addresses, durations and sizes with their unit.
    Text,
    /// A bare number.
    Number,
    /// `true` or `false`; its flag takes no value.
    Claim,
    /// Several texts in brackets; with commas between them in the environment.
    List,
}

/// Where a value comes from when nobody wrote one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Preset {
    /// This.
    Value(&'static str),
    /// It is found out at start; in words.
    Found(&'static str),
}

/// A flag of the command line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    /// Without the dashes.
    pub(crate) name: &'static str,
    /// The placeholder of its value in the help.
    pub(crate) value: &'static str,
}

impl Key {
    const fn new(path: &'static str, kind: Kind, preset: Preset, doc: &'static str) -> Key {
        Key { path, kind, preset, flag: None, is_rule: false, doc }
    }

    const fn text(path: &'static str, preset: &'static str, doc: &'static str) -> Key {
        Key::new(path, Kind::Text, Preset::Value(preset), doc)
    }

    const fn number(path: &'static str, preset: &'static str, doc: &'static str) -> Key {
        Key::new(path, Kind::Number, Preset::Value(preset), doc)
    }

    const fn claim(path: &'static str, doc: &'static str) -> Key {
        Key::new(path, Kind::Claim, Preset::Value("false"), doc)
    }

    const fn flag(self, name: &'static str, value: &'static str) -> Key {
        Key { flag: Some(Flag { name, value }), ..self }
    }

    const fn rule(self) -> Key {
        Key { is_rule: true, ..self }
    }

    /// The environment variable that sets this key.
    pub(crate) fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.path.to_uppercase().replace('.', "__"))
    }

    /// The row of a path.
    pub(crate) fn find(path: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.path == path)
    }
}

/// Every variable that starts so is a setting, or a mistake.
pub(crate) const VARIABLE_PREFIX: &str = "LINAC__";

/// Every key of a fixed name.
pub(crate) static KEYS: &[Key] = &[
    Key::text("json.listen", "127.0.0.1:8000", "Where clients connect; port 0 takes a free one")
        .flag("listen", "ADDR"),
    Key::new(
        "json.cors",
        Kind::List,
        Preset::Value(""),
        "Origin of web pages that may call, such as https://app.example",
    )
    .flag("cors", "ORIGIN"),
    Key::claim("json.allow_remote", "Listen beyond loopback although nobody has to authenticate")
        .flag("allow-remote", ""),
    Key::number("json.connections_max", "10000", "Client connections at once; more wait"),
    Key::number("json.requests_max", "4096", "Requests under way at once; more are refused, clients retry"),
    Key::text("json.request_bytes_max", "256 MiB", "Bytes of request bodies held at once"),
    Key::text("json.read_timeout", "30s", "For the body of a request to arrive"),
    Key::new(
        "dax.listen",
        Kind::Text,
        Preset::Found("the door for dax:// is closed"),
        "Where DAX's clients connect, such as 127.0.0.1:8111",
    )
    .flag("dax", "ADDR"),
    Key::new(
        "dax.tls_listen",
        Kind::Text,
        Preset::Found("the door for daxs:// is closed"),
        "Where DAX's clients connect over TLS, such as 127.0.0.1:9111",
    )
    .flag("daxs", "ADDR"),
    Key::new(
        "dax.tls_certificate",
        Kind::Text,
        Preset::Found("it is for dax.tls_listen, which needs it"),
        "The file of the certificate that clients over TLS see, in PEM",
    ),
    Key::new(
        "dax.tls_key",
        Kind::Text,
        Preset::Found("it is for dax.tls_listen, which needs it"),
        "The file of the certificate's private key, in PEM",
    ),
    Key::new(
        "dax.access_keys",
        Kind::Text,
        Preset::Found("everybody may call who can connect"),
        "The file of the access keys that DAX's clients may sign with",
    ),
    Key::new(
        "dax.advertise",
        Kind::Text,
        Preset::Found("the address that a client has connected to"),
        "Where this node tells DAX's clients to connect",
    ),
    Key::text("dax.role", "leader", "What this node tells DAX's clients to be: leader or replica"),
    Key::text("dax.zone", "local", "The availability zone that this node tells DAX's clients to be in"),
    Key::new("dax.nodes", Kind::List, Preset::Value(""), "The other nodes that DAX's clients are told of"),
    Key::new(
        "dax.state_dir",
        Kind::Text,
        Preset::Found(
            "dax in engine.data_dir; in memory, if that is where the data is or in front of an upstream",
        ),
        "Where the numbers of attribute lists are kept, which clients remember",
    ),
    Key::number("dax.attribute_lists_max", "100000", "Attribute lists at most; new ones are refused then"),
    Key::text("dax.attribute_lists_bytes_max", "64 MiB", "Memory for names in attribute lists at most"),
    Key::number("dax.connections_max", "10000", "Connections of DAX's clients at once; more wait"),
    Key::text("dax.request_bytes_max", "256 MiB", "Bytes of large requests held at once"),
    Key::text("dax.read_timeout", "30s", "For a request to arrive once it has begun"),
    Key::text("dax.leave_time", "10s", "For clients to go elsewhere when the node stops, before it closes"),
    Key::text(
        "admin.listen",
        "127.0.0.1:9464",
        "Where operators and probes connect; port 0 takes a free one",
    )
    .flag("admin", "ADDR"),
    Key::new(
        "upstream.url",
        Kind::Text,
        Preset::Found("the bundled engine is behind this node"),
        "The DynamoDB endpoint behind this node, or \"aws\"",
    )
    .flag("upstream", "URL|aws"),
    Key::new(
        "upstream.region",
        Kind::Text,
        Preset::Found("from the host name in upstream.url, else AWS_REGION, else us-east-1 unless it is AWS"),
        "The region that requests upstream are signed for",
    )
    .flag("region", "REGION"),
    Key::text("upstream.connect_timeout", "3s", "For a connection upstream to be made"),
    Key::text("upstream.timeout", "20s", "For a call upstream, retries included"),
    Key::number("upstream.attempts", "3", "Tries in all of a call that is safe to repeat"),
    Key::text(
        "upstream.breaker",
        "on",
        "Whether an upstream that stopped answering is left alone: on or off",
    ),
    Key::number(
        "upstream.breaker_failure_share",
        "0.5",
        "Share of failed requests at which the breaker opens",
    ),
    Key::number("upstream.breaker_requests_min", "20", "With fewer requests in ten seconds it stays closed"),
    Key::text("upstream.breaker_cool_down", "5s", "How long it is open before it lets requests try"),
    Key::text("upstream.hedge", "off", "When a slow read is sent a second time: off or p95"),
    Key::number("upstream.hedge_budget", "0.02", "Share of the reads that may be sent a second time"),
    Key::text("engine.data_dir", "linac-data", "Where the bundled engine keeps its data")
        .flag("data-dir", "DIR"),
    Key::claim("engine.in_memory", "Keep the bundled engine's data in memory, until the process ends")
        .flag("in-memory", ""),
    Key::text(
        "engine.sync",
        "each-commit",
        "When a write of the bundled engine is acknowledged: each-commit, never, or a duration",
    ),
    Key::text(
        "engine.ttl_sweep",
        "10s",
        "How often the bundled engine looks for items whose time to live is over: a duration, or off",
    ),
    Key::text("engine.block_cache_bytes", "64 MiB", "Memory for what the bundled engine read from disk"),
    Key::text(
        "engine.item_collection_bytes_max",
        "10 GiB",
        "What a table with local indexes may hold under one partition key",
    ),
    Key::text("cache.mode", "on", "Whether the cache answers: on, shadow or off")
        .flag("cache", "on|shadow|off"),
    Key::text("cache.preset", "default", "Whose defaults the rules have: default, or dax").rule(),
    Key::new(
        "cache.bytes_max",
        Kind::Text,
        Preset::Found("half the memory limit"),
        "Memory for what is cached",
    ),
    Key::text("cache.ttl", "5m", "How long an answer is fresh: a duration, off or forever").rule(),
    Key::text("cache.negative_ttl", "10s", "How long the absence of an item, or an empty result, is fresh")
        .rule(),
    Key::new(
        "cache.record_ttl_millis",
        Kind::Number,
        Preset::Found("it is for cache.preset = \"dax\" alone, and cache.ttl holds"),
        "DAX's name for the time to live of items, in milliseconds; 0 is forever",
    )
    .rule(),
    Key::new(
        "cache.query_ttl_millis",
        Kind::Number,
        Preset::Found("it is for cache.preset = \"dax\" alone, and cache.ttl holds"),
        "DAX's name for the time to live of queries and scans, in milliseconds; 0 is not cached",
    )
    .rule(),
    Key::text("cache.entry_bytes_max", "2 MiB", "Answers that take more memory are not kept").rule(),
    Key::text("cache.stale_grace", "off", "How long after its end an entry may stand in for the origin")
        .rule(),
    Key::number("cache.refresh_ahead", "0", "Last share of a life in which a hot entry is fetched anew")
        .rule(),
    Key::text("cache.coherence", "write", "What ends the results of queries and scans: write, ttl or stream")
        .rule(),
    Key::claim("cache.consistent_pages", "Keep later pages of a result only as long as its first").rule(),
    Key::claim("cache.ask_for_images", "Have writes answered with what they change, to drop fewer results")
        .rule(),
    Key::number("cache.verify", "0", "Share of hits that are compared with a strong read afterwards").rule(),
    Key::number("cache.jitter", "0.1", "Share by which a time to live is shortened at random"),
    Key::new(
        "cache.settle",
        Kind::Text,
        Preset::Found("2s in front of an upstream, 0s over the bundled engine"),
        "How long the replicas of the origin may lag behind a write",
    ),
    Key::text(
        "cache.stream_poll",
        "250ms",
        "How long a shard of a stream that had nothing new is left alone",
    ),
    Key::text("cache.doubt", "30s", "How long a write without an answer may still be applied"),
    Key::claim("server.read_only", "Refuse everything that is not known to be a read").flag("read-only", ""),
    Key::text("server.drain_timeout", "30s", "For requests under way to end, once asked to stop"),
    Key::text("log.level", "info", "error, warn, info, debug or trace").flag("log-level", "LEVEL"),
    Key::text("log.format", "auto", "auto (text on a terminal, else JSON), json or text")
        .flag("log-format", "FORMAT"),
];

/// A row of [`RULE_KEYS`].
#[derive(Debug)]
pub(crate) struct RuleKey {
    /// As in the file, behind its section.
    pub(crate) name: &'static str,
    /// How it is written.
    pub(crate) kind: Kind,
    /// Which sections have it.
    pub(crate) reach: Reach,
    /// Whether it can be exchanged while a node runs.
    pub(crate) is_rule: bool,
}

/// Which sections of rules have a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// All: of tables, of indexes, of operations.
    Everything,
    /// Those of whole tables.
    Tables,
}

impl RuleKey {
    const fn new(name: &'static str, kind: Kind, reach: Reach) -> RuleKey {
        RuleKey { name, kind, reach, is_rule: true }
    }
}

/// The keys of the sections of rules: of tables, their indexes, and operations.
pub(crate) static RULE_KEYS: &[RuleKey] = &[
    RuleKey::new("cache", Kind::Text, Reach::Everything),
    RuleKey::new("ttl", Kind::Text, Reach::Everything),
    RuleKey::new("negative_ttl", Kind::Text, Reach::Everything),
    RuleKey::new("entry_bytes_max", Kind::Text, Reach::Everything),
    RuleKey::new("stale_grace", Kind::Text, Reach::Everything),
    RuleKey::new("refresh_ahead", Kind::Number, Reach::Everything),
    RuleKey::new("coherence", Kind::Text, Reach::Tables),
    RuleKey::new("consistent_pages", Kind::Claim, Reach::Tables),
    RuleKey::new("ask_for_images", Kind::Claim, Reach::Tables),
    RuleKey::new("verify", Kind::Number, Reach::Tables),
    RuleKey::new("ttl_attribute", Kind::Text, Reach::Tables),
    // Memory is divided when a node starts.
    RuleKey { is_rule: false, ..RuleKey::new("reserve", Kind::Text, Reach::Tables) },
];

/// The operations that have sections of their own; of indexes the latter two.
pub(crate) static OPERATIONS: [&str; 4] = ["GetItem", "BatchGetItem", "Query", "Scan"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_spell_the_path() {
        let key = Key::find("cache.negative_ttl").unwrap();
        assert_eq!(key.variable(), "LINAC__CACHE__NEGATIVE_TTL");
    }
}
