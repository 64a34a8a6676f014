//! What the cache does for each table, or would do, and whether the table is worth caching.

use std::{sync::Arc, time::Duration};

use backend::{Bypass, Outcome};
use base::Action;
use serde_json::{Value, json};

use crate::{Core, check::Verdict, metrics::TableMetrics};

/// Tells for each table how often the cache answers, or would have, and how often it was wrong.
pub(crate) struct Report(pub(crate) Arc<Core>);

/// What was seen of a table since the node started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    /// Reads that were, or would have been, answered from the cache, and those that were not.
    hits: u64,
    misses: u64,
    /// Reads that no cache may answer.
    strong_reads: u64,
    writes: u64,
    /// Entries that the origin confirmed later, and that it contradicted.
    agreed: u64,
    disagreed: u64,
}

/// What to do with a table, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Advice {
    TooLittleSeen,
    OthersWrite,
    MostlyStrong,
    MostlyWritten,
    RarelyRead,
    Cache,
}

/// Fewer reads prove nothing.
const READS_MIN: u64 = 1_000;
/// More disagreements than this share of the entries that were compared come from writers beside this node.
const DISAGREEMENTS_MAX: f64 = 0.01;
/// Below this share of hits a cache costs more than it saves.
const HIT_RATIO_MIN: f64 = 0.2;

impl Seen {
    fn of(metrics: &TableMetrics) -> Seen {
        let counted = |outcome| metrics.counted(outcome);
        let ttl = Duration::ZERO;
        let hits = [
            Outcome::Hit { ttl },
            Outcome::NegativeHit { ttl },
            Outcome::StaleHit { age: ttl },
            Outcome::Collapsed,
        ];
        let misses = [Outcome::Miss, Outcome::MissNotStored, Outcome::PartialHit];
        let check = |verdict: Verdict| metrics.checks[verdict as usize].get();
        Seen {
            hits: hits.map(counted).iter().sum::<u64>() + metrics.shadow_hits.get(),
            misses: misses.map(counted).iter().sum::<u64>() + metrics.shadow_misses.get(),
            strong_reads: counted(Outcome::Bypass(Bypass::StrongRead)),
            writes: counted(Outcome::Bypass(Bypass::Write)),
            agreed: check(Verdict::Agrees),
            disagreed: check(Verdict::Disagrees),
        }
    }

    fn advice(self) -> Advice {
        let Seen { hits, misses, strong_reads, writes, agreed, disagreed } = self;
        let reads = hits + misses;
        match () {
            () if reads + strong_reads < READS_MIN => Advice::TooLittleSeen,
            () if share(disagreed, agreed + disagreed) > DISAGREEMENTS_MAX => Advice::OthersWrite,
            () if strong_reads > 9 * reads => Advice::MostlyStrong,
            () if writes > reads => Advice::MostlyWritten,
            () if share(hits, reads) < HIT_RATIO_MIN => Advice::RarelyRead,
            () => Advice::Cache,
        }
    }
}

impl Advice {
    fn words(self) -> &'static str {
        match self {
            Advice::TooLittleSeen => "too little was seen to tell",
            Advice::OthersWrite => {
                "do not cache this table with this TTL: others write it beside this node; follow its stream \
                 (coherence = \"stream\") or shorten the TTL"
            }
            Advice::MostlyStrong => "do not cache this table: nearly all its reads are strongly consistent",
            Advice::MostlyWritten => "do not cache this table: it is written more often than read",
            Advice::RarelyRead => "do not cache this table: few reads ask for what was read before",
            Advice::Cache => "cache this table",
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

impl Action for Report {
    fn name(&self) -> &'static str {
        "report"
    }

    fn run(&self, _request: &Value) -> Result<Value, String> {
        let tables = self.0.catalog.tables().into_iter().map(|table| {
            let seen = Seen::of(&table.metrics);
            json!({
                "table": table.bare_name(),
                "reads": seen.hits + seen.misses,
                "hit_ratio": share(seen.hits, seen.hits + seen.misses),
                "strong_reads": seen.strong_reads,
                "writes": seen.writes,
                "compared": seen.agreed + seen.disagreed,
                "disagreed": seen.disagreed,
                "stream": self.0.following(&table),
                "advice": seen.advice().words(),
            })
        });
        Ok(json!({ "tables": tables.collect::<Vec<_>>() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_follows_what_was_seen() {
        let seen = Seen { hits: 800, misses: 200, writes: 50, ..Seen::default() };
        let cases = [
            (seen, Advice::Cache),
            (Seen { hits: 8, misses: 2, ..seen }, Advice::TooLittleSeen),
            (Seen { agreed: 98, disagreed: 2, ..seen }, Advice::OthersWrite),
            (Seen { agreed: 998, disagreed: 2, ..seen }, Advice::Cache),
            (Seen { strong_reads: 10_000, ..seen }, Advice::MostlyStrong),
            (Seen { writes: 1_001, ..seen }, Advice::MostlyWritten),
            (Seen { hits: 100, misses: 900, ..seen }, Advice::RarelyRead),
        ];
        for (seen, advice) in cases {
            assert_eq!(seen.advice(), advice, "{seen:?}");
        }
    }
}
