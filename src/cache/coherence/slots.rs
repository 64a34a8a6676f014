//! The slots: one word and one time each.

use std::sync::atomic::{AtomicU64, Ordering};

/// An atomic 64-bit word; the model checker brings its own.
pub trait AtomicWord: Send + Sync {
    /// Loads with acquire ordering.
    fn load(&self) -> u64;

    /// Exchanges if the word is `current`, with acquire and release ordering.
    ///
    /// # Errors
    /// The word found, if it is another one, or by chance even if it is not.
    fn exchange(&self, current: u64, new: u64) -> Result<u64, u64>;

    /// Raises the word to `floor`, with release ordering.
    fn raise(&self, floor: u64);
}

impl AtomicWord for AtomicU64 {
    fn load(&self) -> u64 {
        AtomicU64::load(self, Ordering::Acquire)
    }

    fn exchange(&self, current: u64, new: u64) -> Result<u64, u64> {
        self.compare_exchange_weak(current, new, Ordering::AcqRel, Ordering::Acquire)
    }

    fn raise(&self, floor: u64) {
        self.fetch_max(floor, Ordering::AcqRel);
    }
}

/// The low bits count writes in flight, the high bits versions.
///
/// 2^20 writes at once are more than any node has memory for; 2^44 versions of one slot outlast any process
/// (five centuries at 1,000 writes a second).
const IN_FLIGHT_BITS: u32 = 20;
const IN_FLIGHT_MASK: u64 = (1 << IN_FLIGHT_BITS) - 1;
const ONE_IN_FLIGHT: u64 = 1;
const ONE_VERSION: u64 = 1 << IN_FLIGHT_BITS;

/// A fixed table of slots, each shared by all items, or tables, of one hash value.
#[derive(Debug)]
pub struct Slots<W = AtomicU64> {
    /// A word and a time each, side by side: [`Slots::word`] and [`Slots::written_until`].
    cells: Box<[W]>,
}

/// A slot as a reader finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// The word.
    pub word: u64,
    /// Milliseconds on the node's clock up to which writes may have been applied; in the future while one is
    /// in doubt. Zero, the node's start, if it was never written: after a start every key counts as just
    /// written.
    pub written_until: u64,
}

/// The slot already counts as many writes in flight as it can.
#[derive(Debug, PartialEq, Eq)]
pub struct TooManyWrites;

impl Slots {
    /// A table of `count` slots of 16 bytes. The system lends the memory only as it is touched.
    pub fn new(count: usize) -> Slots {
        Slots { cells: bytemuck::allocation::zeroed_slice_box(count * 2) }
    }
}

impl<W: AtomicWord> Slots<W> {
    /// A table over words that already exist, two to a slot, all zero.
    pub fn over(cells: Box<[W]>) -> Slots<W> {
        Slots { cells }
    }

    /// How many slots there are.
    pub fn count(&self) -> usize {
        self.cells.len() / 2
    }

    fn word(&self, slot: usize) -> &W {
        &self.cells[slot * 2]
    }

    fn written_until(&self, slot: usize) -> &W {
        &self.cells[slot * 2 + 1]
    }

    /// The word alone: all that a hit needs.
    pub fn current(&self, slot: usize) -> u64 {
        self.word(slot).load()
    }

    /// The slot, as a fill must see it before it asks the origin.
    pub fn look(&self, slot: usize) -> Look {
        // Race: `end` sets the time first and the word second. Read in the opposite order, a word that shows
        // a write's end comes with a time no earlier than that write's.
        let word = self.word(slot).load();
        Look { word, written_until: self.written_until(slot).load() }
    }

    /// Begins a write; the word that it made.
    ///
    /// # Errors
    /// [`TooManyWrites`] instead of a wrapped count, which would look like no write in flight.
    pub fn begin(&self, slot: usize) -> Result<u64, TooManyWrites> {
        let mut seen = self.word(slot).load();
        loop {
            if seen & IN_FLIGHT_MASK == IN_FLIGHT_MASK {
                return Err(TooManyWrites);
            }
            let begun = seen.wrapping_add(ONE_VERSION + ONE_IN_FLIGHT);
            match self.word(slot).exchange(seen, begun) {
                Ok(_) => return Ok(begun),
                Err(found) => seen = found,
            }
        }
    }

    /// Ends a write that may be applied until `written_until`; the word that it made, if no other write was
    /// in flight when it made the word `begun`, and none began since.
    pub fn end(&self, slot: usize, begun: u64, written_until: u64) -> Option<u64> {
        self.written_until(slot).raise(written_until);
        let mut seen = begun;
        loop {
            debug_assert_ne!(seen & IN_FLIGHT_MASK, 0, "a write ends that never began");
            let ended = seen.wrapping_add(ONE_VERSION - ONE_IN_FLIGHT);
            match self.word(slot).exchange(seen, ended) {
                Ok(_) => {
                    let was_alone = seen == begun && ended & IN_FLIGHT_MASK == 0;
                    return was_alone.then_some(ended);
                }
                Err(found) => seen = found,
            }
        }
    }

    /// Moves a slot as a write that is already over does, which may be applied until `written_until`: what
    /// was stored or is being fetched no longer counts.
    pub fn touch(&self, slot: usize, written_until: u64) {
        self.written_until(slot).raise(written_until);
        let mut seen = self.word(slot).load();
        while let Err(found) = self.word(slot).exchange(seen, seen.wrapping_add(ONE_VERSION)) {
            seen = found;
        }
    }
}

impl Look {
    /// Whether a write is in flight.
    pub fn is_in_flight(self) -> bool {
        self.word & IN_FLIGHT_MASK != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_moves_the_word_twice_and_is_counted_between() {
        let slots = Slots::new(4);
        let before = slots.current(2);
        let begun = slots.begin(2).unwrap();
        assert!(slots.look(2).is_in_flight());
        let ended = slots.end(2, begun, 7).unwrap();
        assert_eq!(slots.look(2), Look { word: ended, written_until: 7 });
        assert!(!slots.look(2).is_in_flight());
        assert!(before != begun && begun != ended && before != ended);
        assert_eq!(slots.current(1), 0, "other slots stay");
    }

    #[test]
    fn overlapping_writes_know_of_each_other_whichever_ends_first() {
        for second_ends_first in [false, true] {
            let slots = Slots::new(1);
            let mut words = [slots.begin(0).unwrap(), slots.begin(0).unwrap()];
            if second_ends_first {
                words.reverse();
            }
            // The one that began second and ends first ends from exactly its own word, yet it is not alone.
            assert_eq!(words.map(|word| slots.end(0, word, 1)), [None, None]);
            assert!(!slots.look(0).is_in_flight());
        }
    }

    #[test]
    fn the_count_of_writes_in_flight_refuses_to_wrap() {
        let slots = Slots::new(1);
        let mut last = 0;
        (0..IN_FLIGHT_MASK).for_each(|_| last = slots.begin(0).unwrap());
        assert_eq!(slots.begin(0), Err(TooManyWrites));
        slots.end(0, last, 0);
        assert!(slots.begin(0).is_ok());
    }

    #[test]
    fn a_touch_moves_the_word_and_overlaps_what_is_under_way() {
        let slots = Slots::new(1);
        slots.touch(0, 5);
        let touched = slots.look(0);
        assert!(touched.word != 0 && !touched.is_in_flight() && touched.written_until == 5);
        let begun = slots.begin(0).unwrap();
        slots.touch(0, 6);
        assert!(slots.look(0).is_in_flight());
        assert_eq!(slots.end(0, begun, 7), None, "the write was not alone");
    }

    #[test]
    fn doubt_is_never_shortened() {
        let slots = Slots::new(1);
        let doubtful = slots.begin(0).unwrap();
        slots.end(0, doubtful, 30_000);
        let prompt = slots.begin(0).unwrap();
        slots.end(0, prompt, 10);
        assert_eq!(slots.look(0).written_until, 30_000);
    }
}
