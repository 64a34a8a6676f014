//! Entries: what is kept of an answer, and which of two answers stays.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use backend::Document;
use base::{Chance, Instant};
use foldhash::fast::FixedState;
use model::json::item_from_slice;
use moka::{ops::compute::Op, sync::Cache};
use serde_json::Value;

use crate::{
    coherence::{Rule, Rules, Stamp},
    freshness::Life,
};

/// What an entry costs besides its key and body: moka's bookkeeping, the entry, three allocations.
///
/// Measured under churn (the `memory` benchmark of this room): 425 to 505 bytes that the allocator handed out for
/// an entry besides, by the kind of answer. With this number its total is within 10 % of the budget for all
/// of them, at the worst moment too, when evicted entries are not freed yet. What the allocator needs for
/// itself, and holes, come on top.
const ENTRY_OVERHEAD_BYTES: usize = 480;

/// An answer, as the origin gave it, but for what it says of consumed capacity.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Of an item `{"Item":{…}}`, or `{}` if there is none; of a query or scan the whole page.
    pub(crate) document: Document,
    /// Whether it shows that there is nothing: no item, or none on the last page.
    pub(crate) is_negative: bool,
    pub(crate) stamp: Stamp,
    pub(crate) asked: Asked,
    pub(crate) landed_at: Instant,
    pub(crate) life: Life,
    /// Whether a write through this node left it, and not a read.
    pub(crate) is_image: bool,
    /// Tells it from all other entries that ever were.
    pub(crate) serial: u64,
    /// How often it was asked for when its end was near.
    asked_for_late: AtomicU8,
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
    /// It takes more room than its rule allows.
    TooLarge,
}

/// Whether a read had to reflect every write acknowledged before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    Eventual,
    Strong,
}

/// What a door's form of an answer costs besides its bytes: the cell, and two allocations.
const FORM_OVERHEAD_BYTES: usize = 128;

/// The body of an answer that there is no such item.
pub(crate) const ABSENT: &[u8] = b"{}";

const ITEM_PREFIX: &[u8] = b"{\"Item\":";

/// The JSON of the item alone, of the answer to a `GetItem`.
pub(crate) fn item_json(document: &Document) -> Option<&[u8]> {
    document.body.strip_prefix(ITEM_PREFIX)?.strip_suffix(b"}")
}

/// An entry that is asked for so often when its end is near is a hot one.
const HOT: u8 = 2;

impl Entry {
    pub(crate) fn new(
        (document, is_negative): (Document, bool),
        (stamp, asked, landed_at): (Stamp, Asked, Instant),
        life: Life,
        is_image: bool,
        serial: u64,
    ) -> Entry {
        let asked_for_late = AtomicU8::new(0);
        Entry { document, is_negative, stamp, asked, landed_at, life, is_image, serial, asked_for_late }
    }

    /// The JSON of the item alone.
    pub(crate) fn item_json(&self) -> Option<&[u8]> {
        item_json(&self.document)
    }

    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now < self.life.expires_at
    }

    /// Notes that it was asked for; true once in its life, if that is often when its end is near.
    pub(crate) fn becomes_due(&self, now: Instant) -> bool {
        now >= self.life.refresh_from
            && self.asked_for_late.load(Ordering::Relaxed) < HOT
            && self.asked_for_late.fetch_add(1, Ordering::Relaxed) + 1 == HOT
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
        let page = |entry: &Entry| serde_json::from_slice::<Value>(&entry.document.body).ok();
        self.document.body == other.document.body
            || match (item(self), item(other)) {
                (Some(Some(one)), Some(Some(two))) => one == two,
                (None, None) => page(self).is_some_and(|shown| Some(shown) == page(other)),
                _ => false,
            }
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

/// What an entry takes of the budget.
#[expect(clippy::borrowed_box, reason = "the cache hands out references to its keys")]
fn weigh(key: &Box<[u8]>, entry: &Arc<Entry>) -> u32 {
    u32::try_from(weight(key, entry)).unwrap_or(u32::MAX)
}

fn weight(key: &[u8], entry: &Entry) -> usize {
    let body = entry.document.body.len();
    // No form of an answer is longer than its JSON.
    let form = if entry.document.has_form() { body + FORM_OVERHEAD_BYTES } else { 0 };
    key.len() + body + form + ENTRY_OVERHEAD_BYTES
}

/// Entries under one byte budget. Clones are one shelf.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    entries: Cache<Box<[u8]>, Arc<Entry>, FixedState>,
    rules: Rules,
}

/// All shelves: one that tables share, and those that tables have to themselves.
#[derive(Debug)]
pub(crate) struct Shelves {
    shared: Shelf,
    reserved: HashMap<String, Shelf>,
}

impl Shelves {
    /// Shelves of so many bytes in all, some of which are reserved by table.
    pub(crate) fn new(
        bytes_max: u64,
        reserved: impl Iterator<Item = (String, u64)>,
        chance: &Chance,
        rules: Rules,
    ) -> Shelves {
        let reserved: Vec<_> = reserved.filter(|(_, bytes)| *bytes > 0).collect();
        let left = bytes_max.saturating_sub(reserved.iter().map(|(_, bytes)| bytes).sum());
        Shelves {
            shared: Shelf::new(left, chance, rules),
            reserved: reserved
                .into_iter()
                .map(|(table, bytes)| (table, Shelf::new(bytes, chance, rules)))
                .collect(),
        }
    }

    /// The shelf of a table.
    pub(crate) fn of_table(&self, bare_name: &str) -> Shelf {
        self.reserved.get(bare_name).unwrap_or(&self.shared).clone()
    }

    fn all(&self) -> impl Iterator<Item = &Shelf> {
        std::iter::once(&self.shared).chain(self.reserved.values())
    }

    /// Removes everything; how many entries there were.
    pub(crate) fn clear(&self) -> usize {
        self.all().map(|shelf| shelf.remove_all(&[vec![]])).sum()
    }

    /// Entries held, whether or not they still count.
    pub(crate) fn count(&self) -> u64 {
        self.all().map(|shelf| shelf.entries.entry_count()).sum()
    }

    /// Bytes held, as the budget counts them.
    pub(crate) fn bytes(&self) -> u64 {
        self.all().map(|shelf| shelf.entries.weighted_size()).sum()
    }
}

impl Shelf {
    fn new(bytes_max: u64, chance: &Chance, rules: Rules) -> Shelf {
        let entries = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(weigh)
            .build_with_hasher(FixedState::with_seed(chance.below(u64::MAX)));
        Shelf { entries, rules }
    }

    /// The entry of a key, whether or not it still counts.
    ///
    /// The policy keeps what is asked for often, and takes each of these for a question, as it does storing. A
    /// miss looks three times and then stores: counted four times, what was asked for once would push out
    /// what is asked for again and again (the `hit_ratio` benchmark of this room). So it is counted once, by
    /// storing it.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Arc<Entry>> {
        if !self.entries.contains_key(key) {
            return None;
        }
        self.entries.get(key)
    }

    /// Removes the entry of a key; whether there was one.
    pub(crate) fn remove(&self, key: &[u8]) -> bool {
        self.entries.remove(key).is_some()
    }

    /// Removes the entries whose keys begin in one of these ways; how many there were.
    pub(crate) fn remove_all(&self, beginnings: &[Vec<u8>]) -> usize {
        let is_meant = |key: &[u8]| beginnings.iter().any(|beginning| key.starts_with(beginning));
        let meant = self.entries.iter().filter(|(key, _)| is_meant(key));
        let count = meant.filter(|(key, _)| self.remove(key)).count();
        self.entries.run_pending_tasks();
        count
    }

    /// Stores an entry, unless one under the same stamp is there that was asked later or more strongly.
    pub(crate) fn store(&self, key: &[u8], entry: Arc<Entry>, bytes_max: u64) -> Stored {
        if weight(key, &entry) as u64 > bytes_max {
            return Stored::TooLarge;
        }
        let mut stored = Stored::Kept;
        self.entries.entry(Box::from(key)).and_compute_with(|present| {
            let present = present.as_ref().map(|present| &**present.value());
            stored = match present {
                Some(present) if self.rules.hold(Rule::LaterFillsStay) => entry.beside(present),
                _ => Stored::Kept,
            };
            match stored {
                Stored::Kept => Op::Put(entry),
                Stored::Needless | Stored::TooLarge => Op::Nop,
                Stored::Contradicted => Op::Remove,
            }
        });
        stored
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base::Clock;
    use bytes::Bytes;

    use super::*;

    fn entry(body: &'static str, strength: Strength, at: Instant, landed_at: Instant) -> Arc<Entry> {
        let document = Document::new(Bytes::from_static(body.as_bytes()));
        let expires_at = at + Duration::from_secs(60);
        let life = Life { refresh_from: expires_at, expires_at, stale_until: expires_at };
        let asked = Asked { strength, at };
        Arc::new(Entry::new(
            (document, body == "{}"),
            (Stamp::of_image(1, 1), asked, landed_at),
            life,
            false,
            1,
        ))
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
            let cache = Shelf::new(1 << 20, &Chance::seeded(1), Rules::default());
            cache.store(b"k", entry("old", old.0, at(old.1), at(old.2)), 1 << 20);
            cache.store(b"k", entry("new", new.0, at(new.1), at(new.2)), 1 << 20);
            let kept = cache.get(b"k").map(|entry| entry.document.body.clone());
            assert_eq!(kept.as_deref(), expected.map(str::as_bytes), "{old:?} {new:?}");
        }
    }

    #[test]
    fn overlapping_strong_answers_that_agree_are_kept() {
        let now = Clock::start().now();
        let one = r#"{"Item":{"a":{"S":"x"},"b":{"N":"1"}}}"#;
        for same in [one, r#"{"Item":{"b":{"N":"1"},"a":{"S":"x"}}}"#] {
            let cache = Shelf::new(1 << 20, &Chance::seeded(1), Rules::default());
            cache.store(b"k", entry(one, Strength::Strong, now, now), 1 << 20);
            assert_eq!(cache.store(b"k", entry(same, Strength::Strong, now, now), 1 << 20), Stored::Needless);
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
        assert!(absent.is_negative && absent.item_json().is_none());
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let shelf = Shelf::new(1 << 20, &Chance::seeded(1), Rules::default());
        let now = Clock::start().now();
        let stored = shelf.store(b"k", entry("{}", Strength::Eventual, now, now), 100);
        assert!(stored == Stored::TooLarge && shelf.get(b"k").is_none());
    }

    #[test]
    fn a_table_with_a_reserve_has_a_shelf_of_its_own() {
        let reserved = [("Mine".to_owned(), 10_000), ("Ours".to_owned(), 0)];
        let shelves = Shelves::new(20_000, reserved.into_iter(), &Chance::seeded(1), Rules::default());
        let now = Clock::start().now();
        shelves.of_table("Mine").store(b"k", entry("{}", Strength::Eventual, now, now), 10_000);
        assert!(shelves.of_table("Mine").get(b"k").is_some());
        for crowd in 0..10_000_u32 {
            let key = crowd.to_le_bytes();
            shelves.of_table("Ours").store(&key, entry("{}", Strength::Eventual, now, now), 10_000);
        }
        shelves.all().for_each(|shelf| shelf.entries.run_pending_tasks());
        assert!(shelves.of_table("Mine").get(b"k").is_some(), "others do not evict it");
        assert!(shelves.shared.entries.weighted_size() <= 10_000);
        assert!(shelves.of_table("Other").get(b"k").is_none());
    }
}
