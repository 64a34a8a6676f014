//! What reads and writes do with the slots.

use std::{
    collections::{BTreeMap, BTreeSet},
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

/// Slots for partitions of tables and of indexes: 4 MiB. They are fewer than items, and a write of one of them
/// touches that of its table and up to two of each index.
const PARTITION_SLOTS: usize = 1 << 18;

/// Slots for whole tables and indexes. A node serves tens of them, sometimes thousands.
const TABLE_SLOTS: usize = 1 << 11;

/// The slot table of a node, with the clock that it is read by.
#[derive(Debug)]
pub(crate) struct Stamps<W: AtomicWord = AtomicU64> {
    families: Families<W>,
    hash: FixedState,
    clock: Clock,
    settle_millis: u64,
    doubt_millis: u64,
    rules: Rules,
}

/// The slots: of items, of partitions of tables and indexes, and of whole tables and indexes.
#[derive(Debug)]
pub(crate) struct Families<W: AtomicWord = AtomicU64> {
    pub(crate) items: Slots<W>,
    pub(crate) partitions: Slots<W>,
    pub(crate) tables: Slots<W>,
}

/// Where a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    Item(usize),
    Partition(usize),
    Table(usize),
}

/// The slots under whose words an entry counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The item's or the partition's.
    pub(crate) own: Slot,
    /// The index's that is read, if it is a global one.
    pub(crate) index: Option<Slot>,
    /// The table's.
    pub(crate) table: Slot,
}

/// The words of a [`Place`]. Without an index the second says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    own: u64,
    index: u64,
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
    /// How long an answer may be kept, or be waited for, if it is one of a global index: no longer than the index
    /// has had time to catch up with the last write that it may lack. That bounds its age by twice the index's
    /// lag, whatever that is.
    pub(crate) keeps_for: Option<Duration>,
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
    begun: BTreeMap<Slot, Begun>,
    /// Slots that move only at the end, and only if it is not known by then which others the write touched
    /// instead.
    late: BTreeSet<Slot>,
    is_open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    word: u64,
    /// Whether an earlier write of the slot was still in doubt: it may yet overlap this one.
    in_doubt: bool,
}

/// What a closed guard says of one of its slots.
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
        let families = Families {
            items: Slots::new(ITEM_SLOTS),
            partitions: Slots::new(PARTITION_SLOTS),
            tables: Slots::new(TABLE_SLOTS),
        };
        Stamps::over(families, clock, chance, (settle, doubt), rules)
    }
}

impl<W: AtomicWord> Stamps<W> {
    /// Stamps over slots that already exist; how many of each is a power of two.
    pub(crate) fn over(
        families: Families<W>,
        clock: Clock,
        chance: &Chance,
        (settle, doubt): (Duration, Duration),
        rules: Rules,
    ) -> Stamps<W> {
        let Families { items, partitions, tables } = &families;
        assert!([items, partitions, tables].iter().all(|slots| slots.count().is_power_of_two()));
        Stamps {
            families,
            hash: FixedState::with_seed(chance.below(u64::MAX)),
            clock,
            settle_millis: millis(settle),
            doubt_millis: millis(doubt),
            rules,
        }
    }

    /// The slot of a table, by its name without account and region: tables of one name in two accounts share
    /// a slot, which costs a miss now and then.
    pub(crate) fn table_slot(&self, bare_name: &str) -> Slot {
        Slot::Table(self.hashed(&self.families.tables, &[bare_name.as_bytes()]))
    }

    /// The slot of a global index as a whole.
    pub(crate) fn index_slot(&self, bare_name: &str, index: &str) -> Slot {
        Slot::Table(self.hashed(&self.families.tables, &[bare_name.as_bytes(), index.as_bytes()]))
    }

    /// The slot that every write of a table moves, where its scans are cached.
    pub(crate) fn scan_slot(&self, bare_name: &str) -> Slot {
        // No index has a name of no characters.
        Slot::Table(self.hashed(&self.families.tables, &[bare_name.as_bytes(), b""]))
    }

    /// The slot of an item, by its table's bare name and canonical key.
    pub(crate) fn item_slot(&self, bare_name: &str, key: &[u8]) -> Slot {
        Slot::Item(self.hashed(&self.families.items, &[bare_name.as_bytes(), key]))
    }

    /// The slot of a partition of a table, or of an index of it, by its canonical partition key.
    pub(crate) fn partition_slot(&self, bare_name: &str, index: Option<&str>, key: &[u8]) -> Slot {
        let index = index.unwrap_or_default().as_bytes();
        Slot::Partition(self.hashed(&self.families.partitions, &[bare_name.as_bytes(), index, key]))
    }

    fn hashed(&self, slots: &Slots<W>, parts: &[&[u8]]) -> usize {
        let mut hasher = self.hash.build_hasher();
        for part in parts {
            hasher.write(part);
            hasher.write_u8(0xff);
        }
        hasher.finish() as usize & (slots.count() - 1)
    }

    fn find(&self, slot: Slot) -> (&Slots<W>, usize) {
        let Families { items, partitions, tables } = &self.families;
        match slot {
            Slot::Item(place) => (items, place),
            Slot::Partition(place) => (partitions, place),
            Slot::Table(place) => (tables, place),
        }
    }

    /// The words as they are now.
    pub(crate) fn current(&self, place: &Place) -> Stamp {
        Stamp {
            own: self.word(place.own),
            index: place.index.map_or(0, |index| self.word(index)),
            table: self.word(place.table),
        }
    }

    /// The word of a slot as it is now.
    pub(crate) fn word(&self, slot: Slot) -> u64 {
        let (slots, place) = self.find(slot);
        slots.current(place)
    }

    fn look(&self, slot: Slot) -> Look {
        let (slots, place) = self.find(slot);
        slots.look(place)
    }

    /// Whether a write of the slot is in flight.
    pub(crate) fn is_in_flight(&self, slot: Slot) -> bool {
        self.look(slot).is_in_flight()
    }

    /// What a read must remember before it asks the origin.
    pub(crate) fn sight(&self, place: &Place) -> Sight {
        let (own, table) = (self.look(place.own), self.look(place.table));
        let index = place.index.map(|index| self.look(index));
        let stamp = Stamp { own: own.word, index: index.map_or(0, |index| index.word), table: table.word };
        let (sight, quiet) = self.judge(stamp, [own, table, index.unwrap_or(table)]);
        let lags = index.is_some() && self.settle_millis > 0 && self.rules.hold(Rule::IndexesCatchUp);
        Sight { keeps_for: lags.then_some(quiet), ..sight }
    }

    /// The same for a read of which only the table is known.
    pub(crate) fn sight_of_table(&self, table: Slot) -> Sight {
        self.sight(&Place { own: table, index: None, table })
    }

    /// What slots tell, and how long ago the last write may have been applied.
    fn judge(&self, stamp: Stamp, looks: [Look; 3]) -> (Sight, Duration) {
        let now = self.clock.millis_since_origin();
        let may_land = looks.iter().all(|look| !look.is_in_flight() && look.written_until <= now);
        let written_until = looks.iter().map(|look| look.written_until).max().unwrap_or_default();
        // Both times are cut to milliseconds, so that up to one more may have to pass.
        let is_unsettled = !may_land || now <= written_until.saturating_add(self.settle_millis);
        let quiet = now.saturating_sub(written_until.saturating_add(1));
        let is_unsettled = is_unsettled && self.settle_millis > 0 && self.rules.hold(Rule::WritesSettle);
        let quiet = Duration::from_millis(if may_land { quiet } else { 0 });
        (Sight { stamp, may_land, is_unsettled, keeps_for: None }, quiet)
    }

    /// Begins a write on these slots; `late` are those of which only its end will tell whether it touches
    /// them.
    ///
    /// # Errors
    /// [`TooManyWrites`]; whatever was begun by then is ended again.
    pub(crate) fn guard(
        self: &Arc<Self>,
        slots: impl IntoIterator<Item = Slot>,
        late: impl IntoIterator<Item = Slot>,
    ) -> Result<Guard<W>, TooManyWrites> {
        let mut guard =
            Guard { stamps: Arc::clone(self), begun: BTreeMap::new(), late: BTreeSet::new(), is_open: true };
        match slots.into_iter().try_for_each(|slot| guard.begin(slot)) {
            Ok(()) => {
                guard.late = late.into_iter().collect();
                Ok(guard)
            }
            Err(too_many) => {
                guard.close(Verdict::Definite, []);
                Err(too_many)
            }
        }
    }

    /// Every table slot, for a write that may go anywhere.
    pub(crate) fn every_table(&self) -> impl Iterator<Item = Slot> + use<W> {
        (0..self.families.tables.count()).map(Slot::Table)
    }

    /// Moves slots as a write that is already over does: what was stored or is being fetched no longer
    /// counts.
    pub(crate) fn touch(&self, slots: impl IntoIterator<Item = Slot>) {
        let now = self.clock.millis_since_origin();
        slots.into_iter().for_each(|slot| self.touch_until(slot, now));
    }

    fn touch_until(&self, slot: Slot, written_until: u64) {
        let (slots, place) = self.find(slot);
        slots.touch(place, written_until);
    }
}

impl<W: AtomicWord> Guard<W> {
    fn begin(&mut self, slot: Slot) -> Result<(), TooManyWrites> {
        if !self.begun.contains_key(&slot) {
            let (slots, place) = self.stamps.find(slot);
            let word = slots.begin(place)?;
            let now = self.stamps.clock.millis_since_origin();
            let in_doubt = slots.look(place).written_until > now;
            self.begun.insert(slot, Begun { word, in_doubt });
        }
        Ok(())
    }

    /// Adds slots that move at the end.
    pub(crate) fn late(&mut self, slots: impl IntoIterator<Item = Slot>) {
        self.late.extend(slots);
    }

    /// Ends the write; says of each of its slots whether the write was alone. Of a write with a definite end
    /// it is known which slots it `touched` besides.
    pub(crate) fn close(
        mut self,
        verdict: Verdict,
        touched: impl IntoIterator<Item = Slot>,
    ) -> BTreeMap<Slot, Closed> {
        if verdict == Verdict::Definite {
            self.late = touched.into_iter().collect();
        }
        self.end(verdict)
    }

    fn end(&mut self, verdict: Verdict) -> BTreeMap<Slot, Closed> {
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
        self.late.iter().for_each(|slot| stamps.touch_until(*slot, written_until));
        let close = |(slot, begun): (&Slot, &Begun)| {
            let (slots, place) = stamps.find(*slot);
            let closed = match slots.end(place, begun.word, written_until) {
                Some(word) if !begun.in_doubt => Closed::Alone(word),
                _ => Closed::Overlapped,
            };
            (*slot, closed)
        };
        self.begun.iter().map(close).collect()
    }
}

impl<W: AtomicWord> Drop for Guard<W> {
    fn drop(&mut self) {
        self.end(Verdict::Unknown);
    }
}

impl Stamp {
    /// The stamp of an image that a write leaves of an item.
    pub(crate) fn of_image(item: u64, table: u64) -> Stamp {
        Stamp { own: item, index: 0, table }
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

    fn stamps() -> (Arc<Stamps>, Slot, Slot) {
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
            stamps.guard([item], []).unwrap().close(verdict, []);
            pass(span - INSTANT).await;
            assert!(stamps.sight(&Place { own: item, index: None, table }).is_unsettled, "{verdict:?}");
            pass(Duration::from_millis(3)).await;
            assert!(!stamps.sight(&Place { own: item, index: None, table }).is_unsettled, "{verdict:?}");
        }
        let (stamps, item, table) = stamps();
        pass(Duration::from_micros(900)).await;
        stamps.guard([item], []).unwrap().close(Verdict::Unknown, []);
        pass(DOUBT - INSTANT).await;
        assert!(!stamps.sight(&Place { own: item, index: None, table }).may_land);
        pass(Duration::from_millis(2)).await;
        assert!(stamps.sight(&Place { own: item, index: None, table }).may_land);
    }

    #[tokio::test(start_paused = true)]
    async fn a_guard_holds_a_slot_once_however_many_keys_fall_into_it() {
        let (stamps, item, table) = stamps();
        let closed = stamps.guard([item, item, table, table], []).unwrap().close(Verdict::Definite, []);
        assert!(matches!(closed[&item], Closed::Alone(_)));
        assert!(stamps.sight(&Place { own: item, index: None, table }).may_land);
    }

    #[tokio::test(start_paused = true)]
    async fn a_guard_that_is_dropped_leaves_its_items_in_doubt() {
        let (stamps, item, table) = stamps();
        drop(stamps.guard([item], []).unwrap());
        assert!(
            !stamps.sight(&Place { own: item, index: None, table }).may_land && !stamps.is_in_flight(item)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_slot_moves_at_the_end_unless_it_is_known_that_others_were_touched() {
        let (stamps, item, _) = stamps();
        let (index, partition) =
            (stamps.index_slot("Tab", "i"), stamps.partition_slot("Tab", Some("i"), b"k"));
        let words = || [stamps.word(index), stamps.word(partition)];
        let guard = || stamps.guard([item], [index]).unwrap();
        let before = words();
        let open = guard();
        assert_eq!(words(), before);
        open.close(Verdict::Definite, [partition]);
        let touched = words();
        assert!(touched[0] == before[0] && touched[1] != before[1]);
        guard().close(Verdict::Unknown, [partition]);
        assert!(words()[0] != touched[0] && words()[1] == touched[1]);
        assert!(!stamps.sight_of_table(index).may_land, "it is in doubt");
        let dropped = words();
        drop(guard());
        assert!(words()[0] != dropped[0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_begins_in_doubt_is_not_alone() {
        let (stamps, item, _) = stamps();
        let write = |verdict| stamps.guard([item], []).unwrap().close(verdict, [])[&item];
        write(Verdict::Unknown);
        assert_eq!(write(Verdict::Definite), Closed::Overlapped);
        pass(DOUBT + Duration::from_millis(1)).await;
        assert!(matches!(write(Verdict::Definite), Closed::Alone(_)));
    }
}
