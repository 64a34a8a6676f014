//! The item cache: what is kept, and which of two answers stays.

use std::{sync::Arc, time::Duration};

use backend::Document;
use base::{Chance, Instant};
use foldhash::fast::FixedState;
use model::json::item_from_slice;
use moka::{ops::compute::Op, sync::Cache};

use crate::{
    coherence::{Rule, Rules, Stamp},
    config::Rule as TableRule,
};

/// What an entry costs besides its key and body: moka's bookkeeping, the entry, three allocations.
///
/// Measured as growth of resident memory with a million items (the `memory` benchmark of this room).
const ENTRY_OVERHEAD_BYTES: usize = 480;

/// An item, or its absence, as the origin gave it.
#[derive(Debug)]
pub(crate) struct Entry {
    /// `{"Item":{…}}`, or `{}` for an absent item.
    pub(crate) document: Document,
    pub(crate) stamp: Stamp,
    pub(crate) asked: Asked,
    pub(crate) landed_at: Instant,
    pub(crate) expires_at: Instant,
}

/// How and when the origin was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) strength: Strength,
    pub(crate) at: Instant,
}

/// What came of storing an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// It is in the cache.
    Kept,
    /// A better one is there.
    Needless,
    /// It and the one that was there say different things of the same moment: neither is kept, as nobody
    /// knows which of them is newer.
    Contradicted,
}

/// Whether a read had to reflect every write acknowledged before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    Eventual,
    Strong,
}

/// The body of an answer that there is no such item.
pub(crate) const ABSENT: &[u8] = b"{}";

const ITEM_PREFIX: &[u8] = b"{\"Item\":";

impl Entry {
    pub(crate) fn is_absent(&self) -> bool {
        self.document.body == ABSENT
    }

    /// The JSON of the item alone.
    pub(crate) fn item_json(&self) -> Option<&[u8]> {
        self.document.body.strip_prefix(ITEM_PREFIX)?.strip_suffix(b"}")
    }

    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now < self.expires_at
    }

    /// What becomes of it where another one is.
    fn beside(&self, present: &Entry) -> Stored {
        use Strength::{Eventual, Strong};
        if present.stamp != self.stamp || !present.is_fresh(self.landed_at) {
            return Stored::Kept;
        }
        match (present.asked.strength, self.asked.strength) {
            (Strong, Eventual) => Stored::Needless,
            (Eventual, Strong) => Stored::Kept,
            (Eventual, Eventual) if present.asked.at > self.asked.at => Stored::Needless,
            // Race: two strong reads are under way at once while somebody writes beside this node. Whichever
            // was asked later may still have been answered earlier, and clients have seen both.
            (Strong, Strong) if self.asked.at <= present.landed_at => match self.agrees_with(present) {
                true => Stored::Needless,
                false => Stored::Contradicted,
            },
            (Eventual, Eventual) | (Strong, Strong) => Stored::Kept,
        }
    }

    /// Whether both say the same, be it in another order.
    pub(crate) fn agrees_with(&self, other: &Entry) -> bool {
        let item = |entry: &Entry| entry.item_json().map(|json| item_from_slice(json).ok());
        self.document.body == other.document.body
            || matches!((item(self), item(other)), (Some(Some(one)), Some(Some(two))) if one == two)
    }

    /// How much longer it is fresh.
    pub(crate) fn ttl(&self, now: Instant) -> Duration {
        self.expires_at.saturating_duration_since(now)
    }
}

/// The body that an entry of this item keeps.
pub(crate) fn body_of(item_json: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(ITEM_PREFIX.len() + item_json.len() + 1);
    body.extend_from_slice(ITEM_PREFIX);
    body.extend_from_slice(item_json.as_bytes());
    body.push(b'}');
    body
}

/// When an entry that was asked for then expires: the rule's TTL, shortened at random so that what was stored
/// together does not expire together. What somebody wrote beside this node while the answer was on its way
/// is hidden no longer than what was written later.
pub(crate) fn expiry(
    asked_at: Instant,
    is_absent: bool,
    rule: &TableRule,
    jitter: f64,
    chance: &Chance,
) -> Instant {
    let ttl = if is_absent { rule.negative_ttl } else { rule.ttl };
    asked_at + chance.shorten(ttl, jitter)
}

/// What an entry takes of the budget.
#[expect(clippy::borrowed_box, reason = "the cache hands out references to its keys")]
fn weigh(key: &Box<[u8]>, entry: &Arc<Entry>) -> u32 {
    let bytes = key.len() + entry.document.body.len() + ENTRY_OVERHEAD_BYTES;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The entries of all tables under one byte budget.
#[derive(Debug)]
pub(crate) struct ItemCache {
    entries: Cache<Box<[u8]>, Arc<Entry>, FixedState>,
    rules: Rules,
}

impl ItemCache {
    pub(crate) fn new(bytes_max: u64, chance: &Chance, rules: Rules) -> ItemCache {
        let entries = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(weigh)
            .build_with_hasher(FixedState::with_seed(chance.below(u64::MAX)));
        ItemCache { entries, rules }
    }

    /// The entry of a key, whether or not it still counts.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    /// Stores an entry, unless one under the same stamp is there that was asked later or more strongly.
    pub(crate) fn store(&self, key: &[u8], entry: Arc<Entry>) -> Stored {
        let mut stored = Stored::Kept;
        self.entries.entry(Box::from(key)).and_compute_with(|present| {
            let present = present.as_ref().map(|present| &**present.value());
            stored = match present {
                Some(present) if self.rules.hold(Rule::LaterFillsStay) => entry.beside(present),
                _ => Stored::Kept,
            };
            match stored {
                Stored::Kept => Op::Put(entry),
                Stored::Needless => Op::Nop,
                Stored::Contradicted => Op::Remove,
            }
        });
        stored
    }

    /// Entries held, whether or not they still count.
    pub(crate) fn count(&self) -> u64 {
        self.entries.entry_count()
    }

    /// Bytes held, as the budget counts them.
    pub(crate) fn bytes(&self) -> u64 {
        self.entries.weighted_size()
    }
}

#[cfg(test)]
mod tests {
    use base::Clock;
    use bytes::Bytes;

    use super::*;

    fn entry(body: &'static str, strength: Strength, at: Instant, landed_at: Instant) -> Arc<Entry> {
        Arc::new(Entry {
            document: Document::new(Bytes::from_static(body.as_bytes())),
            stamp: Stamp::of_image(1, 1),
            asked: Asked { strength, at },
            landed_at,
            expires_at: at + Duration::from_secs(60),
        })
    }

    #[test]
    fn of_two_answers_under_one_stamp_the_later_or_stronger_stays() {
        use Strength::{Eventual, Strong};
        let start = Clock::start().now();
        let at = |millis| start + Duration::from_millis(millis);
        // Each was asked at the one time and landed at the other.
        let cases = [
            ((Eventual, 0, 5), (Eventual, 1, 6), Some("new")),
            ((Eventual, 1, 5), (Eventual, 0, 6), Some("old")),
            ((Strong, 0, 5), (Eventual, 6, 7), Some("old")),
            ((Eventual, 1, 5), (Strong, 0, 6), Some("new")),
            ((Strong, 0, 5), (Strong, 6, 7), Some("new")),
            // They overlap, so neither is known to be newer.
            ((Strong, 0, 5), (Strong, 1, 6), None),
            ((Strong, 1, 5), (Strong, 0, 6), None),
            // The old one has expired.
            ((Strong, 0, 5), (Eventual, 60_000, 60_001), Some("new")),
        ];
        for (old, new, expected) in cases {
            let cache = ItemCache::new(1 << 20, &Chance::seeded(1), Rules::default());
            cache.store(b"k", entry("old", old.0, at(old.1), at(old.2)));
            cache.store(b"k", entry("new", new.0, at(new.1), at(new.2)));
            let kept = cache.get(b"k").map(|entry| entry.document.body.clone());
            assert_eq!(kept.as_deref(), expected.map(str::as_bytes), "{old:?} {new:?}");
        }
    }

    #[test]
    fn overlapping_strong_answers_that_agree_are_kept() {
        let now = Clock::start().now();
        let one = r#"{"Item":{"a":{"S":"x"},"b":{"N":"1"}}}"#;
        for same in [one, r#"{"Item":{"b":{"N":"1"},"a":{"S":"x"}}}"#] {
            let cache = ItemCache::new(1 << 20, &Chance::seeded(1), Rules::default());
            cache.store(b"k", entry(one, Strength::Strong, now, now));
            assert_eq!(cache.store(b"k", entry(same, Strength::Strong, now, now)), Stored::Needless);
            assert!(cache.get(b"k").is_some());
        }
    }

    #[test]
    fn an_entry_gives_back_the_item_alone() {
        let now = Clock::start().now();
        assert_eq!(body_of(r#"{"a":{"S":"}"}}"#), br#"{"Item":{"a":{"S":"}"}}}"#);
        let present = entry(r#"{"Item":{"a":{"S":"}"}}}"#, Strength::Strong, now, now);
        assert_eq!(present.item_json(), Some(&br#"{"a":{"S":"}"}}"#[..]));
        let absent = entry("{}", Strength::Strong, now, now);
        assert!(absent.is_absent() && absent.item_json().is_none());
    }
}
