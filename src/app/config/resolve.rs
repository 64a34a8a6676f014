//! From what was written to checked values: every mistake is found in one go.

use std::{net::SocketAddr, time::Duration};

use base::{telemetry::LogConfig, units};

use super::{
    Config, Mistake, Origin, ServerConfig, dax,
    keys::{Key, Preset},
    parse,
    raw::{Layers, Written},
    rules,
};

/// The upstream's own timeout tells the client more, so it comes first.
const CALL_MARGIN: Duration = Duration::from_secs(1);
/// Less holds no working set worth the name, and is likely a forgotten unit.
const CACHE_BYTES_MIN: u64 = 1 << 20;
/// Beyond any machine's reach: a cap for numbers, so that they add up without overflow.
pub(super) const COUNT_MAX: usize = 10_000_000;
/// A call that fails so often fails for a reason that more tries do not mend.
const ATTEMPTS_MAX: u32 = 10;
/// Of less than this a single failure may be more, and none opens a breaker.
const FAILURE_SHARE_MIN: f64 = 0.01;
/// The account that ARNs of the bundled engine name: the one in the examples of AWS's documentation.
const ACCOUNT: &str = "123456789012";

/// The checked configuration. It counts only if no mistake was added.
pub(super) fn resolve(layers: &Layers, mistakes: &mut Vec<Mistake>) -> Config {
    let mut reader = Reader { layers, mistakes };
    let timeout = reader.read("upstream.timeout", parse::timeout);
    let region = reader.read_or("upstream.region", String::new(), parse::region);
    let origin = origin(&mut reader, timeout, &region);
    let drain_timeout = reader.read("server.drain_timeout", parse::span);
    let config = Config {
        json_listen: reader.read("json.listen", parse::address),
        json: json(&mut reader, timeout, &region),
        dax: dax::resolve(&mut reader, timeout + CALL_MARGIN, drain_timeout, &region),
        admin_listen: reader.read("admin.listen", parse::address),
        cache: cache(&mut reader, timeout),
        server: ServerConfig { read_only: reader.read("server.read_only", parse::claim), drain_timeout },
        log: LogConfig {
            level: reader.read("log.level", parse::level),
            format: reader.read("log.format", parse::format),
        },
        origin,
        region,
    };
    reader.check_reach("json.listen", config.json_listen);
    reader.check_reach("admin.listen", config.admin_listen);
    if config.cache.doubt < timeout {
        reader.reject(
            "cache.doubt",
            "must not be less than upstream.timeout: a write may be applied until then",
        );
    }
    config
}

fn origin(reader: &mut Reader<'_>, timeout: Duration, region: &str) -> Origin {
    let engine = engine(reader, region);
    let upstream = upstream(reader, timeout, region);
    match upstream {
        None => Origin::Bundled(engine),
        Some(upstream) => {
            for path in ["engine.data_dir", "engine.in_memory"] {
                reader.reject_if_written(
                    path,
                    "is for the bundled engine, and upstream.url names another origin",
                );
            }
            Origin::Remote(upstream)
        }
    }
}

fn upstream(reader: &mut Reader<'_>, timeout: Duration, region: &str) -> Option<upstream::Config> {
    let connect_timeout = reader.read("upstream.connect_timeout", parse::timeout);
    let attempts = reader.read("upstream.attempts", |text| parse::number(text, 1..=ATTEMPTS_MAX));
    let breaker = breaker(reader);
    let hedge = hedge(reader);
    reader.layers.value("upstream.url")?;
    let origin = reader.read_or("upstream.url", upstream::Origin::Aws, parse::upstream);
    let region = region.to_owned();
    Some(upstream::Config { origin, region, connect_timeout, timeout, attempts, breaker, hedge })
}

fn breaker(reader: &mut Reader<'_>) -> Option<upstream::BreakerConfig> {
    let is_on = reader.read("upstream.breaker", parse::switch);
    let config = upstream::BreakerConfig {
        failure_share: reader
            .read("upstream.breaker_failure_share", |text| parse::number(text, FAILURE_SHARE_MIN..=1.0)),
        requests_min: reader
            .read("upstream.breaker_requests_min", |text| parse::number(text, 1..=COUNT_MAX as u32)),
        cool_down: reader.read("upstream.breaker_cool_down", parse::timeout),
    };
    is_on.then_some(config)
}

fn hedge(reader: &mut Reader<'_>) -> Option<upstream::HedgeConfig> {
    let is_on = reader.read("upstream.hedge", parse::hedge);
    let budget = reader.read("upstream.hedge_budget", |text| parse::number(text, 0.0..=1.0));
    is_on.then_some(upstream::HedgeConfig { budget })
}

fn engine(reader: &mut Reader<'_>, region: &str) -> engine::Config {
    let directory = reader.read("engine.data_dir", parse::directory);
    let is_in_memory = reader.read("engine.in_memory", parse::claim);
    if is_in_memory {
        reader.reject_if_written("engine.data_dir", "names a directory, and engine.in_memory wants none");
    }
    let place = if is_in_memory { engine::Place::Memory } else { engine::Place::Directory(directory) };
    let store = engine::StoreConfig {
        sync: reader.read("engine.sync", parse::sync),
        cache_bytes: reader.read("engine.block_cache_bytes", |text| parse::bytes(text, 0)),
        ..engine::StoreConfig::new(place)
    };
    engine::Config {
        store,
        ttl_sweep: reader.read("engine.ttl_sweep", parse::ttl_sweep),
        region: region.to_owned(),
        account: ACCOUNT.to_owned(),
        item_collection_bytes_max: reader
            .read("engine.item_collection_bytes_max", |text| parse::bytes(text, 0)),
    }
}

fn json(reader: &mut Reader<'_>, timeout: Duration, region: &str) -> json_door::Config {
    let count = |text: &str| parse::number(text, 1..=COUNT_MAX);
    json_door::Config {
        cors: reader.read("json.cors", parse::web_origins),
        connections_max: reader.read("json.connections_max", count),
        requests_max: reader.read("json.requests_max", count),
        request_bytes_max: reader.read("json.request_bytes_max", parse::request_bytes),
        read_timeout: reader.read("json.read_timeout", parse::timeout),
        call_timeout: timeout + CALL_MARGIN,
        // DynamoDB: `GET /` answers `healthy: dynamodb.<region>.amazonaws.com`.
        healthy_name: format!("dynamodb.{region}.amazonaws.com"),
    }
}

fn cache(reader: &mut Reader<'_>, timeout: Duration) -> cache::Config {
    let bytes_max = reader.read_or("cache.bytes_max", 0, |text| parse::bytes(text, CACHE_BYTES_MIN));
    let rules = rules::book(reader);
    let reserved = rules.tables.values().map(|rule| rule.bytes_reserved).fold(0, u64::saturating_add);
    if reserved > 0 && bytes_max.saturating_sub(reserved) < CACHE_BYTES_MIN {
        let (reserved, left) = (units::print_bytes(reserved), units::print_bytes(CACHE_BYTES_MIN));
        let wrong = format!("tables reserve {reserved} of it, and {left} must be left for all others");
        reader.reject("cache.bytes_max", &wrong);
    }
    cache::Config {
        mode: reader.read("cache.mode", parse::mode),
        bytes_max,
        rules,
        jitter: reader.read("cache.jitter", |text| parse::number(text, 0.0..=1.0)),
        settle: reader.read_or("cache.settle", Duration::ZERO, parse::span),
        doubt: reader.read("cache.doubt", parse::span),
        fill_timeout: timeout,
        keeps_forms: ["dax.listen", "dax.tls_listen"].iter().any(|key| reader.layers.value(key).is_some()),
        stream_poll: reader.read("cache.stream_poll", parse::stream_poll),
    }
}

/// Reads values, and goes on behind a mistake with a value that would do.
pub(super) struct Reader<'a> {
    pub(super) layers: &'a Layers,
    pub(super) mistakes: &'a mut Vec<Mistake>,
}

impl Reader<'_> {
    /// A key that has a default.
    pub(super) fn read<T>(&mut self, path: &str, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let written = self.layers.value(path).expect("a key with a default always has a value");
        self.parsed(path, written, &parse).unwrap_or_else(|| {
            let Some(Key { preset: Preset::Value(text), .. }) = Key::find(path) else {
                unreachable!("{path} has a default")
            };
            parse(text).expect("defaults are right, as a test shows")
        })
    }

    /// A key that may be unset, which is a mistake.
    fn read_or<T>(&mut self, path: &str, fallback: T, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let Some(written) = self.layers.value(path) else {
            self.mistakes.push(Mistake::missing(path));
            return fallback;
        };
        self.parsed(path, written, &parse).unwrap_or(fallback)
    }

    /// A key that need not be set.
    pub(super) fn read_if_set<T>(
        &mut self,
        path: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let written = self.layers.value(path)?;
        self.parsed(path, written, &parse)
    }

    /// A value, unless it is a mistake. What holds at several places is read as often, and reported once.
    pub(super) fn parsed<T>(
        &mut self,
        path: &str,
        written: &Written,
        parse: &impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let wrong = match parse(written.text.trim()) {
            Ok(value) => return Some(value),
            Err(wrong) => Mistake::new(path, &written.source, &wrong),
        };
        if !self.mistakes.contains(&wrong) {
            self.mistakes.push(wrong);
        }
        None
    }

    /// A key that others need, and nobody set.
    pub(super) fn miss(&mut self, path: &str) {
        if self.layers.value(path).is_none() {
            self.mistakes.push(Mistake::missing(path));
        }
    }

    pub(super) fn check_reach(&mut self, path: &str, address: SocketAddr) {
        let is_allowed =
            self.layers.value("json.allow_remote").is_some_and(|allowed| allowed.text.trim() == "true");
        if !is_allowed && !address.ip().to_canonical().is_loopback() {
            let wrong = "can be reached from beyond this machine, and nobody has to authenticate: if that is \
                meant, add --allow-remote or json.allow_remote = true";
            self.reject(path, wrong);
        }
    }

    /// A key that nobody may write beside others.
    fn reject_if_written(&mut self, path: &str, wrong: &str) {
        let written = self.layers.value(path).expect("only what was read is rejected");
        let preset = Key::find(path).expect("only keys are read").preset;
        // What a shown configuration spells out is nobody's wish.
        if !matches!(preset, Preset::Value(text) if text == written.text) {
            self.reject(path, wrong);
        }
    }

    pub(super) fn reject(&mut self, path: &str, wrong: &str) {
        let written = self.layers.value(path).expect("only what was read is rejected");
        self.mistakes.push(Mistake::new(path, &written.source, wrong));
    }
}
