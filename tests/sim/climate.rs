//! The kinds of world: what goes wrong in each, how the node is set there, and so what it promises.

use std::time::Duration;

use base::Chance;
use cache::{Coherence, Config, Mode, Rule, RuleBook, TableRule, Ttl};

use crate::{
    checker::Promises,
    keys::{TABLES, pick},
    origin::{StreamWeather, Weather},
};

/// What kind of world a run is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Climate {
    /// Little goes wrong, and most calls are reads.
    Calm,
    /// Much goes wrong.
    Stormy,
    /// Some write beside the node.
    Beside,
    /// The cache has room for a few items only.
    Cramped,
    /// The origin has no replicas, as the bundled engine.
    Bundled,
    /// Some write beside the node, which follows the streams of the tables; and streams have troubles too.
    Streamed,
    /// The results of queries live until they expire, as DAX's do, and some write beside the node.
    AsDax,
    /// For seconds on end the origin answers no reads, and the node may show what has expired; some write beside it.
    Faltering,
}

/// All that differs from world to world.
pub(crate) struct Settings {
    pub(crate) config: Config,
    pub(crate) weather: Weather,
    pub(crate) habits: Habits,
    pub(crate) promises: Promises,
    /// How long all must wait until writes have settled and entries expired.
    pub(crate) quiet_time: Duration,
}

/// What clients do.
#[derive(Debug)]
pub(crate) struct Habits {
    pub(crate) think_millis: u64,
    pub(crate) nap_millis: u64,
    pub(crate) patience_millis: u64,
    /// How long after its deadline a call may still be going before it counts as hanging.
    pub(crate) hang: Duration,
    /// Shares of all operations.
    pub(crate) writes: f64,
    pub(crate) opaque_writes: f64,
    pub(crate) table_operations: f64,
    pub(crate) writes_beside: f64,
    pub(crate) indexes_beside: f64,
    pub(crate) stream_troubles: f64,
    pub(crate) outages: f64,
    pub(crate) pauses: f64,
    /// The share of reads that are strong.
    pub(crate) strong_reads: f64,
    /// The share of calls that clients leave.
    pub(crate) leavings: f64,
}

/// What records of a stream may show.
const STREAM_VIEWS: [&str; 4] = ["NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"];

/// How long things last.
#[derive(Debug, Clone, Copy)]
struct Spans {
    settle: Duration,
    doubt: Duration,
    ttl: Duration,
    negative_ttl: Duration,
    grace: Duration,
}

impl Climate {
    pub(crate) const ALL: [Climate; 8] = [
        Climate::Calm,
        Climate::Stormy,
        Climate::Beside,
        Climate::Cramped,
        Climate::Bundled,
        Climate::Streamed,
        Climate::AsDax,
        Climate::Faltering,
    ];

    /// The settings of some world of this climate.
    pub(crate) fn settings(self, chance: &Chance) -> Settings {
        let spans = self.spans(chance);
        // In some worlds the items of one table are not cached, so that of those no more is promised than
        // that they are real.
        let uncached = chance.happens(0.3).then_some(2);
        let is_cramped = self == Climate::Cramped || (self == Climate::Streamed && chance.happens(0.3));
        let config = Config {
            mode: Mode::On,
            bytes_max: if is_cramped { 2_500 + chance.below(4_000) } else { 1 << 24 },
            rules: self.rules(spans, uncached, chance),
            jitter: 0.1,
            settle: spans.settle,
            doubt: spans.doubt,
            fill_timeout: millis(chance, 300, 2_000),
            keeps_forms: false,
            stream_poll: millis(chance, 200, 1_000),
        };
        let weather = self.weather(spans, chance);
        let promises = Promises {
            ttl: spans.ttl + weather.lag,
            negative_ttl: spans.negative_ttl + weather.lag,
            query_ttl: spans.ttl,
            query_negative_ttl: spans.negative_ttl,
            grace: spans.grace,
            writes_end_results: self != Climate::AsDax,
            lag: weather.lag,
            index_lag: weather.index_lag,
            uncached,
            keeps_what_was_shown: !is_cramped,
        };
        let quiet_time = spans.ttl.max(spans.doubt) + spans.settle;
        Settings { config, weather, habits: self.habits(chance), promises, quiet_time }
    }

    fn spans(self, chance: &Chance) -> Spans {
        let is_faltering = self == Climate::Faltering;
        let settle = if self == Climate::Bundled { Duration::ZERO } else { millis(chance, 200, 2_000) };
        Spans {
            settle,
            doubt: millis(chance, 1_500, 6_000),
            // Short where it is to be outlived.
            ttl: settle.mul_f64(1.2)
                + if is_faltering { millis(chance, 200, 3_000) } else { millis(chance, 3_000, 20_000) },
            negative_ttl: settle * 2 + millis(chance, 2_000, 4_000),
            grace: if is_faltering { millis(chance, 500, 4_000) } else { Duration::ZERO },
        }
    }

    fn rules(self, spans: Spans, uncached: Option<usize>, chance: &Chance) -> RuleBook {
        let mut kept = Rule::new(Ttl::For(spans.ttl), Ttl::For(spans.negative_ttl));
        kept.refresh_ahead = *pick(chance, &[0.0, 0.3]);
        kept.stale_grace = spans.grace;
        let mut rule = TableRule::new(kept.clone());
        rule.consistent_pages = chance.happens(0.3);
        rule.asks_for_images = chance.happens(0.5);
        rule.coherence = match self {
            Climate::Streamed => Coherence::Stream,
            Climate::AsDax => Coherence::Ttl,
            _ => Coherence::Write,
        };
        if chance.happens(0.5) {
            rule.results.scan = kept;
        }
        let off = TableRule::new(Rule::new(Ttl::Off, Ttl::Off));
        let tables = uncached.map(|table| (TABLES[table].name.to_owned(), off)).into_iter().collect();
        RuleBook { default: rule, tables }
    }

    fn weather(self, spans: Spans, chance: &Chance) -> Weather {
        let stormy = self == Climate::Stormy;
        Weather {
            way_millis: *pick(chance, &[1, 5, 30]),
            slow: if stormy { 0.02 } else { 0.003 },
            slow_millis: 1_000,
            breaks: if stormy { *pick(chance, &[0.01, 0.03, 0.1]) } else { *pick(chance, &[0.0, 0.01]) },
            refusals: if stormy { 0.05 } else { 0.01 },
            // As much as the contract allows, up to a nanosecond.
            lag: spans.settle.saturating_sub(Duration::from_nanos(1)),
            // Longer than what settles, or shorter; in the bundled engine not at all.
            index_lag: if self == Climate::Bundled { Duration::ZERO } else { millis(chance, 50, 3_000) },
            index_making: millis(chance, 10, 2_000),
            late: spans.doubt.saturating_sub(Duration::from_millis(20)),
            identities: chance.happens(0.5),
            streams: StreamWeather {
                view: pick::<&str>(chance, &STREAM_VIEWS),
                lag: millis(chance, 0, 500),
                spoiled: *pick(chance, &[0.0, 0.02]),
                iterators_live: millis(chance, 5_000, 30_000),
            },
            // Somewhat longer than the grace, or than iterators live.
            outage: if self == Climate::Faltering {
                millis(chance, 500, 8_000)
            } else {
                millis(chance, 1_000, 20_000)
            },
        }
    }

    fn habits(self, chance: &Chance) -> Habits {
        let has_others =
            !matches!(self, Climate::Calm | Climate::Stormy | Climate::Cramped | Climate::Bundled);
        Habits {
            think_millis: *pick(chance, &[5, 50, 300]),
            nap_millis: 3_000,
            patience_millis: *pick(chance, &[400, 2_000]),
            hang: Duration::from_millis(1),
            writes: match self {
                Climate::Stormy => 0.2,
                // What is written is not shown once it expired.
                Climate::Faltering => 0.03,
                _ => *pick(chance, &[0.02, 0.06, 0.2]),
            },
            opaque_writes: if self == Climate::Stormy { 0.001 } else { 0.005 },
            table_operations: 0.002,
            writes_beside: match self {
                Climate::Faltering => 0.03,
                _ if has_others => 0.08,
                _ => 0.0,
            },
            // Who follows a stream has its table described too, and tells nobody of indexes: what the node was
            // told could not be told from outside.
            indexes_beside: if has_others && self != Climate::Streamed { 0.002 } else { 0.0 },
            stream_troubles: if self == Climate::Streamed { *pick(chance, &[0.0, 0.002, 0.01]) } else { 0.0 },
            outages: if self == Climate::Faltering { 0.005 } else { 0.0 },
            pauses: 0.0005,
            strong_reads: if self == Climate::Beside { 0.25 } else { 0.03 },
            leavings: 0.03,
        }
    }
}

fn millis(chance: &Chance, from: u64, to: u64) -> Duration {
    Duration::from_millis(from + chance.below(to - from))
}
