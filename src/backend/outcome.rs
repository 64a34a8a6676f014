//! What the cache did with a call: one enum for the `Cache-Status` header, the metric label and the log word.

use std::{borrow::Cow, time::Duration};

/// How a reply came about, as seen from the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered from memory, fresh for `ttl` more.
    Hit { ttl: Duration },
    /// Answered from memory that the item does not exist, fresh for `ttl` more.
    NegativeHit { ttl: Duration },
    /// Answered from memory with what expired `age` ago, as the origin was in trouble.
    StaleHit { age: Duration },
    /// A batch of which some keys were answered from memory.
    PartialHit,
    /// Not in memory; the origin was asked, and its answer was kept.
    Miss,
    /// Not in memory; the origin was asked, and its answer could not be kept.
    MissNotStored,
    /// Not in memory; another call was already asking the origin, and shared its answer.
    Collapsed,
    /// The cache was passed by.
    Bypass(Bypass),
}

/// Why the cache was passed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bypass {
    /// The call writes.
    Write,
    /// `ConsistentRead` was asked for.
    StrongRead,
    /// `TransactGetItems`.
    TransactionalRead,
    /// A PartiQL read.
    PartiQl,
    /// A read of a kind that is not cached: descriptions, streams.
    NotCached,
    /// It did not decode, check or bind, or has a member that this version does not know.
    NotUnderstood,
    /// The operation is not in the table of operations; it was guarded like a write.
    UnknownOperation,
    /// The table's key schema is not known (denied, throttled, not active).
    SchemaUnknown,
    /// The cache is off.
    CacheOff,
    /// The rule of this table, or of this operation on it, says that it is not cached.
    TableCacheOff,
    /// A later page of a result whose first page is not in the cache, where all pages must fit together.
    FirstPageUnknown,
    /// The cache is only watched: the origin answers.
    Shadow,
    /// Refused by the process itself, before any backend was asked.
    Refused,
}

impl Outcome {
    /// The member of the `Cache-Status` response header (RFC 9211) that this node adds.
    pub fn cache_status(self) -> Cow<'static, str> {
        match self {
            Outcome::Hit { ttl } => format!("linac; hit; ttl={}", ttl.as_secs()).into(),
            Outcome::NegativeHit { ttl } => {
                format!("linac; hit; ttl={}; detail=negative", ttl.as_secs()).into()
            }
            // RFC 9211: the lifetime that is left is negative if the answer is stale.
            Outcome::StaleHit { age } => format!("linac; hit; ttl=-{}; detail=stale", age.as_secs()).into(),
            Outcome::PartialHit => "linac; fwd=partial".into(),
            Outcome::Miss => "linac; fwd=miss; stored".into(),
            Outcome::MissNotStored => "linac; fwd=miss".into(),
            Outcome::Collapsed => "linac; fwd=miss; collapsed".into(),
            Outcome::Bypass(why) => format!("linac; fwd=bypass; detail={}", why.word()).into(),
        }
    }

    /// The word for metrics and logs.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Hit { .. } => "hit",
            Outcome::NegativeHit { .. } => "negative-hit",
            Outcome::StaleHit { .. } => "stale-hit",
            Outcome::PartialHit => "partial-hit",
            Outcome::Miss => "miss",
            Outcome::MissNotStored => "miss-not-stored",
            Outcome::Collapsed => "collapsed",
            Outcome::Bypass(why) => why.word(),
        }
    }

    /// A small number of its own for every word, for tables of counters.
    pub fn index(self) -> usize {
        match self {
            Outcome::Hit { .. } => 0,
            Outcome::NegativeHit { .. } => 1,
            Outcome::StaleHit { .. } => 2,
            Outcome::PartialHit => 3,
            Outcome::Miss => 4,
            Outcome::MissNotStored => 5,
            Outcome::Collapsed => 6,
            Outcome::Bypass(why) => 7 + why as usize,
        }
    }

    /// One of each, in the order of [`Outcome::index`].
    pub fn all() -> impl Iterator<Item = Outcome> {
        let ttl = Duration::ZERO;
        [
            Outcome::Hit { ttl },
            Outcome::NegativeHit { ttl },
            Outcome::StaleHit { age: ttl },
            Outcome::PartialHit,
            Outcome::Miss,
            Outcome::MissNotStored,
            Outcome::Collapsed,
        ]
        .into_iter()
        .chain(Bypass::ALL.into_iter().map(Outcome::Bypass))
    }
}

impl Bypass {
    /// Every reason, in order.
    pub const ALL: [Bypass; 13] = [
        Bypass::Write,
        Bypass::StrongRead,
        Bypass::TransactionalRead,
        Bypass::PartiQl,
        Bypass::NotCached,
        Bypass::NotUnderstood,
        Bypass::UnknownOperation,
        Bypass::SchemaUnknown,
        Bypass::CacheOff,
        Bypass::TableCacheOff,
        Bypass::FirstPageUnknown,
        Bypass::Shadow,
        Bypass::Refused,
    ];

    /// The word in `detail=`, in metrics and in logs.
    pub fn word(self) -> &'static str {
        match self {
            Bypass::Write => "write",
            Bypass::StrongRead => "strong-read",
            Bypass::TransactionalRead => "transactional-read",
            Bypass::PartiQl => "partiql",
            Bypass::NotCached => "not-cached",
            Bypass::NotUnderstood => "not-understood",
            Bypass::UnknownOperation => "unknown-operation",
            Bypass::SchemaUnknown => "schema-unknown",
            Bypass::CacheOff => "cache-off",
            Bypass::TableCacheOff => "table-cache-off",
            Bypass::FirstPageUnknown => "first-page-unknown",
            Bypass::Shadow => "shadow",
            Bypass::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_word_and_a_place_of_its_own() {
        let words: std::collections::BTreeSet<_> = Outcome::all().map(Outcome::word).collect();
        assert_eq!(words.len(), Outcome::all().count());
        for (place, outcome) in Outcome::all().enumerate() {
            assert_eq!(outcome.index(), place);
        }
    }
}
