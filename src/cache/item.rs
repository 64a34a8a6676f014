//! The item cache: what is kept, and which of two answers stays.

use std::{sync::Arc, time::Duration};

use backend::Document;
use base::{Chance, Instant};
use foldhash::fast::FixedState;
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
    pub(crate) expires_at: Instant,
}

/// How and when the origin was asked: of two answers under equal stamps the greater one stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    pub(crate) strength: Strength,
    pub(crate) at: Instant,
}

/// Whether a read had to reflect every write acknowledged before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// When an entry that is stored now expires: the rule's TTL, shortened at random so that what was stored
/// together does not expire together.
pub(crate) fn expiry(
    now: Instant,
    is_absent: bool,
    rule: &TableRule,
    jitter: f64,
    chance: &Chance,
) -> Instant {
    let ttl = if is_absent { rule.negative_ttl } else { rule.ttl };
    now + chance.shorten(ttl, jitter)
}

/// The entries of all tables under one byte budget.
#[derive(Debug)]
pub(crate) struct ItemCache {
    entries: Cache<Box<[u8]>, Arc<Entry>, FixedState>,
    rules: Rules,
}

impl ItemCache {
    pub(crate) fn new(bytes_max: u64, chance: &Chance, rules: Rules) -> ItemCache {
        let weigh = |key: &Box<[u8]>, entry: &Arc<Entry>| {
            let bytes = key.len() + entry.document.body.len() + ENTRY_OVERHEAD_BYTES;
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
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
    pub(crate) fn store(&self, key: &[u8], entry: Arc<Entry>, now: Instant) {
        let key = Box::<[u8]>::from(key);
        self.entries.entry(key).and_compute_with(|present| {
            let stays = present.is_some_and(|present| {
                let present = present.value();
                present.stamp == entry.stamp && present.is_fresh(now) && present.asked > entry.asked
            });
            match stays && self.rules.hold(Rule::LaterFillsStay) {
                true => Op::Nop,
                false => Op::Put(entry),
            }
        });
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

    fn entry(body: &'static str, strength: Strength, at: Instant) -> Arc<Entry> {
        Arc::new(Entry {
            document: Document::new(Bytes::from_static(body.as_bytes())),
            stamp: Stamp::of_image(1, 1),
            asked: Asked { strength, at },
            expires_at: at + Duration::from_secs(60),
        })
    }

    #[test]
    fn of_two_answers_under_one_stamp_the_later_or_stronger_stays() {
        use Strength::{Eventual, Strong};
        let now = Clock::start().now();
        let (early, late) = (now, now + Duration::from_millis(1));
        let cases = [
            ((Eventual, early), (Eventual, late), "new"),
            ((Eventual, late), (Eventual, early), "old"),
            ((Strong, early), (Eventual, late), "old"),
            ((Eventual, late), (Strong, early), "new"),
            ((Strong, late), (Strong, early), "old"),
        ];
        for (old, new, expected) in cases {
            let cache = ItemCache::new(1 << 20, &Chance::seeded(1), Rules::default());
            cache.store(b"k", entry("old", old.0, old.1), now);
            cache.store(b"k", entry("new", new.0, new.1), now);
            let kept = cache.get(b"k").unwrap();
            assert_eq!(&kept.document.body[..], expected.as_bytes(), "{old:?} {new:?}");
        }
    }

    #[test]
    fn an_entry_gives_back_the_item_alone() {
        let now = Clock::start().now();
        assert_eq!(body_of(r#"{"a":{"S":"}"}}"#), br#"{"Item":{"a":{"S":"}"}}}"#);
        let present = entry(r#"{"Item":{"a":{"S":"}"}}}"#, Strength::Strong, now);
        assert_eq!(present.item_json(), Some(&br#"{"a":{"S":"}"}}"#[..]));
        let absent = entry("{}", Strength::Strong, now);
        assert!(absent.is_absent() && absent.item_json().is_none());
    }
}
