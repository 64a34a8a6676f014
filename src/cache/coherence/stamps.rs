//! What reads and writes do with the slots.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, Hasher},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use base::{Chance, Clock};
use foldhash::quality::FixedState;

use super::{AtomicWord, Look, Rule, Rules, Slots, TooManyWrites};

/// Slots for items: 16 MiB when all are touched. With fewer, a write would take along more of its neighbours:
/// with a million cached items it now costs one of them.
const ITEM_SLOTS: usize = 1 << 20;

/// Slots for tables. A node serves tens of tables, sometimes thousands.
const TABLE_SLOTS: usize = 1 << 10;

/// The slot table of a node, with the clock that it is read by.
#[derive(Debug)]
pub(crate) struct Stamps<W: AtomicWord = AtomicU64> {
    items: Slots<W>,
    tables: Slots<W>,
    hash: FixedState,
    clock: Clock,
    settle_millis: u64,
    doubt_millis: u64,
    rules: Rules,
}

/// Where the word of an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemSlot(usize);

/// Where the word of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TableSlot(usize);

/// The words under which an entry counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    item: u64,
    table: u64,
}

/// What a read sees of its slots before it asks the origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sight {
    /// The words.
    pub(crate) stamp: Stamp,
    /// Whether an answer may be stored: no write is in flight or in doubt.
    pub(crate) may_land: bool,
    /// Whether the origin must be asked strongly: a write is in flight, in doubt, or not settled.
    pub(crate) is_unsettled: bool,
}

/// How a guarded write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was applied, or certainly was not and never will be.
    Definite,
    /// It may have been applied, or may yet be.
    Unknown,
}

/// The slots of a write under way. Dropped without a verdict, the write counts as unknown.
#[derive(Debug)]
pub(crate) struct Guard<W: AtomicWord = AtomicU64> {
    stamps: Arc<Stamps<W>>,
    /// Each slot once, however many keys fall into it, with the word that beginning made.
    items: BTreeMap<ItemSlot, Begun>,
    tables: BTreeMap<TableSlot, u64>,
    is_open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    word: u64,
    /// Whether an earlier write of the slot was still in doubt: it may yet overlap this one.
    in_doubt: bool,
}

/// What a closed guard says of one of its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// No other write overlapped: the image of this one is the item, under this word.
    Alone(u64),
    /// Another write overlapped, so nobody knows which came last.
    Overlapped,
}

impl Stamps {
    pub(crate) fn new(
        clock: Clock,
        chance: &Chance,
        settle: Duration,
        doubt: Duration,
        rules: Rules,
    ) -> Stamps {
        let slots = (Slots::new(ITEM_SLOTS), Slots::new(TABLE_SLOTS));
        Stamps::over(slots, clock, chance, (settle, doubt), rules)
    }
}

impl<W: AtomicWord> Stamps<W> {
    /// Stamps over slots that already exist, for items and for tables; how many of each is a power of two.
    pub(crate) fn over(
        (items, tables): (Slots<W>, Slots<W>),
        clock: Clock,
        chance: &Chance,
        (settle, doubt): (Duration, Duration),
        rules: Rules,
    ) -> Stamps<W> {
        assert!(items.count().is_power_of_two() && tables.count().is_power_of_two());
        Stamps {
            items,
            tables,
            hash: FixedState::with_seed(chance.below(u64::MAX)),
            clock,
            settle_millis: millis(settle),
            doubt_millis: millis(doubt),
            rules,
        }
    }

    /// The slot of a table, by its name without account and region: tables of one name in two accounts share
    /// a slot, which costs a miss now and then.
    pub(crate) fn table_slot(&self, bare_name: &str) -> TableSlot {
        TableSlot(self.hash.hash_one(bare_name) as usize & (self.tables.count() - 1))
    }

    /// The slot of an item, by its table's bare name and canonical key.
    pub(crate) fn item_slot(&self, bare_name: &str, key: &[u8]) -> ItemSlot {
        let mut hasher = self.hash.build_hasher();
        hasher.write(bare_name.as_bytes());
        hasher.write_u8(0xff);
        hasher.write(key);
        ItemSlot(hasher.finish() as usize & (self.items.count() - 1))
    }

    /// The words as they are now.
    pub(crate) fn current(&self, item: ItemSlot, table: TableSlot) -> Stamp {
        Stamp { item: self.items.current(item.0), table: self.tables.current(table.0) }
    }

    /// The word of an item as it is now.
    pub(crate) fn current_item(&self, item: ItemSlot) -> u64 {
        self.items.current(item.0)
    }

    /// Whether a write of the item is in flight.
    pub(crate) fn is_in_flight(&self, item: ItemSlot) -> bool {
        self.items.look(item.0).is_in_flight()
    }

    /// What a read must remember before it asks the origin.
    pub(crate) fn sight(&self, item: ItemSlot, table: TableSlot) -> Sight {
        self.judge(self.items.look(item.0), self.tables.look(table.0))
    }

    /// The same for a read of which only the table is known.
    pub(crate) fn sight_of_table(&self, table: TableSlot) -> Sight {
        let look = self.tables.look(table.0);
        self.judge(look, look)
    }

    fn judge(&self, item: Look, table: Look) -> Sight {
        let now = self.clock.millis_since_origin();
        let is_quiet = |look: Look| !look.is_in_flight() && look.written_until <= now;
        let written_until = item.written_until.max(table.written_until);
        let may_land = is_quiet(item) && is_quiet(table);
        // Both times are cut to milliseconds, so that up to one more may have to pass.
        let is_unsettled = !may_land || now <= written_until.saturating_add(self.settle_millis);
        Sight {
            stamp: Stamp { item: item.word, table: table.word },
            may_land,
            is_unsettled: is_unsettled && self.settle_millis > 0 && self.rules.hold(Rule::WritesSettle),
        }
    }

    /// Begins a write on these items and tables.
    ///
    /// # Errors
    /// [`TooManyWrites`]; whatever was begun by then is ended again.
    pub(crate) fn guard(
        self: &Arc<Self>,
        items: impl IntoIterator<Item = ItemSlot>,
        tables: impl IntoIterator<Item = TableSlot>,
    ) -> Result<Guard<W>, TooManyWrites> {
        let mut guard = Guard {
            stamps: Arc::clone(self),
            items: BTreeMap::new(),
            tables: BTreeMap::new(),
            is_open: true,
        };
        let begun = items
            .into_iter()
            .try_for_each(|slot| guard.begin_item(slot))
            .and_then(|()| tables.into_iter().try_for_each(|slot| guard.begin_table(slot)));
        match begun {
            Ok(()) => Ok(guard),
            Err(too_many) => {
                guard.close(Verdict::Definite);
                Err(too_many)
            }
        }
    }

    /// Every table slot, for a write that may go anywhere.
    pub(crate) fn every_table(&self) -> impl Iterator<Item = TableSlot> + use<W> {
        (0..self.tables.count()).map(TableSlot)
    }

    /// Moves slots as a write that is already over does: what was stored or is being fetched no longer
    /// counts.
    pub(crate) fn touch(
        self: &Arc<Self>,
        items: impl IntoIterator<Item = ItemSlot>,
        tables: impl IntoIterator<Item = TableSlot>,
    ) {
        // Too many writes in flight: then nothing counts anyway until they end, and their end moves the slot.
        if let Ok(guard) = self.guard(items, tables) {
            guard.close(Verdict::Definite);
        }
    }
}

impl<W: AtomicWord> Guard<W> {
    fn begin_item(&mut self, slot: ItemSlot) -> Result<(), TooManyWrites> {
        if !self.items.contains_key(&slot) {
            let word = self.stamps.items.begin(slot.0)?;
            let now = self.stamps.clock.millis_since_origin();
            let in_doubt = self.stamps.items.look(slot.0).written_until > now;
            self.items.insert(slot, Begun { word, in_doubt });
        }
        Ok(())
    }

    fn begin_table(&mut self, slot: TableSlot) -> Result<(), TooManyWrites> {
        if !self.tables.contains_key(&slot) {
            let word = self.stamps.tables.begin(slot.0)?;
            self.tables.insert(slot, word);
        }
        Ok(())
    }

    /// Ends the write; says of each of its items whether the write was alone.
    pub(crate) fn close(mut self, verdict: Verdict) -> BTreeMap<ItemSlot, Closed> {
        self.end(verdict)
    }

    fn end(&mut self, verdict: Verdict) -> BTreeMap<ItemSlot, Closed> {
        if !std::mem::take(&mut self.is_open) {
            return BTreeMap::new();
        }
        let stamps = &self.stamps;
        let now = stamps.clock.millis_since_origin();
        // A doubt's end is rounded up, as the present was cut to milliseconds.
        let written_until = match verdict {
            Verdict::Unknown if !stamps.rules.hold(Rule::UnknownIsAWrite) => 0,
            Verdict::Unknown if stamps.rules.hold(Rule::DoubtLasts) => {
                now.saturating_add(stamps.doubt_millis).saturating_add(1)
            }
            Verdict::Unknown | Verdict::Definite => now,
        };
        for (slot, begun) in &self.tables {
            stamps.tables.end(slot.0, *begun, written_until);
        }
        let close = |(slot, begun): (&ItemSlot, &Begun)| {
            let closed = match stamps.items.end(slot.0, begun.word, written_until) {
                Some(word) if !begun.in_doubt => Closed::Alone(word),
                _ => Closed::Overlapped,
            };
            (*slot, closed)
        };
        self.items.iter().map(close).collect()
    }
}

impl<W: AtomicWord> Drop for Guard<W> {
    fn drop(&mut self) {
        self.end(Verdict::Unknown);
    }
}

impl Stamp {
    /// The stamp of an image that a write leaves.
    pub(crate) fn of_image(item: u64, table: u64) -> Stamp {
        Stamp { item, table }
    }

    pub(crate) fn table(self) -> u64 {
        self.table
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_secs(2);
    const DOUBT: Duration = Duration::from_secs(30);

    fn stamps() -> (Arc<Stamps>, ItemSlot, TableSlot) {
        let stamps = Stamps::new(Clock::start(), &Chance::seeded(1), SETTLE, DOUBT, Rules::default());
        let (item, table) = (stamps.item_slot("Tab", b"k"), stamps.table_slot("Tab"));
        (Arc::new(stamps), item, table)
    }

    async fn pass(span: Duration) {
        tokio::time::advance(span).await;
    }

    #[tokio::test(start_paused = true)]
    async fn settling_and_doubt_last_as_long_as_they_should_to_the_last_microsecond() {
        const INSTANT: Duration = Duration::from_micros(1);
        for (verdict, span) in [(Verdict::Definite, SETTLE), (Verdict::Unknown, DOUBT + SETTLE)] {
            let (stamps, item, table) = stamps();
            pass(SETTLE * 2 + Duration::from_micros(900)).await;
            stamps.guard([item], []).unwrap().close(verdict);
            pass(span - INSTANT).await;
            assert!(stamps.sight(item, table).is_unsettled, "{verdict:?}");
            pass(Duration::from_millis(3)).await;
            assert!(!stamps.sight(item, table).is_unsettled, "{verdict:?}");
        }
        let (stamps, item, table) = stamps();
        pass(Duration::from_micros(900)).await;
        stamps.guard([item], []).unwrap().close(Verdict::Unknown);
        pass(DOUBT - INSTANT).await;
        assert!(!stamps.sight(item, table).may_land);
        pass(Duration::from_millis(2)).await;
        assert!(stamps.sight(item, table).may_land);
    }

    #[tokio::test(start_paused = true)]
    async fn a_guard_holds_a_slot_once_however_many_keys_fall_into_it() {
        let (stamps, item, table) = stamps();
        let closed = stamps.guard([item, item], [table, table]).unwrap().close(Verdict::Definite);
        assert!(matches!(closed[&item], Closed::Alone(_)));
        assert!(stamps.sight(item, table).may_land);
    }

    #[tokio::test(start_paused = true)]
    async fn a_guard_that_is_dropped_leaves_its_items_in_doubt() {
        let (stamps, item, table) = stamps();
        drop(stamps.guard([item], []).unwrap());
        assert!(!stamps.sight(item, table).may_land && !stamps.is_in_flight(item));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_begins_in_doubt_is_not_alone() {
        let (stamps, item, _) = stamps();
        let write = |verdict| stamps.guard([item], []).unwrap().close(verdict)[&item];
        write(Verdict::Unknown);
        assert_eq!(write(Verdict::Definite), Closed::Overlapped);
        pass(DOUBT + Duration::from_millis(1)).await;
        assert!(matches!(write(Verdict::Definite), Closed::Alone(_)));
    }
}
