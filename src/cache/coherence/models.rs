//! Models of the slots and of what fills and writes do with them, checked by `loom` in every interleaving and
//! under every reordering that the memory model allows.
//!
//! Real are the slots and the stamps; played are the origin (a version that writes count up), the cache (one
//! entry behind a lock), and the few lines of `Core` that land and look up. For each model there is one with
//! a rule broken, which must fail.

use std::{sync::Arc, time::Duration};

use base::{Chance, Clock};
use loom::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering::*},
    },
    thread,
};

use super::{AtomicWord, Closed, Place, Rule, Rules, Slots, Stamp, Stamps, Verdict, stamps::Families};

/// A word whose every access is a step of the model.
#[derive(Debug, Clone)]
struct Word(Arc<Steps>);

#[derive(Debug)]
struct Steps {
    word: AtomicU64,
    /// Taken at every access. `loom` remembers only the last access of a word: where one thread loads a word
    /// and then exchanges it, it would not try that exchange before the loads of others. That both take
    /// turns, without ordering anything else, makes it try.
    turn: AtomicU64,
}

impl Word {
    fn new() -> Word {
        Word(Arc::new(Steps { word: AtomicU64::new(0), turn: AtomicU64::new(0) }))
    }

    fn step(&self) -> &AtomicU64 {
        self.0.turn.fetch_add(1, Relaxed);
        &self.0.word
    }
}

impl AtomicWord for Word {
    fn load(&self) -> u64 {
        self.step().load(Acquire)
    }

    fn exchange(&self, current: u64, new: u64) -> Result<u64, u64> {
        self.step().compare_exchange_weak(current, new, AcqRel, Acquire)
    }

    fn raise(&self, floor: u64) {
        self.step().fetch_max(floor, AcqRel);
    }
}

fn words() -> Box<[Word]> {
    [Word::new(), Word::new()].into()
}

/// What a model breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Nothing,
    /// Fills carry the stamp that they find when they land.
    FillsAreStampedLate,
    /// Writes leave images whether or not others overlapped.
    ImagesAlways,
    /// A write begins only when it was applied.
    WritesBeginLate,
    /// What a write touched besides is not moved at its end.
    LateSlotsStay,
    /// One of the rules that the stamps themselves keep.
    Rule(Rule),
}

/// One item of one table, or one partition of an index, behind one node.
struct Node {
    stamps: Arc<Stamps<Word>>,
    place: Place,
    /// The version of the item. Relaxed: that somebody heard from the origin orders nothing.
    origin: AtomicU64,
    entry: Mutex<Option<Entry>>,
    broken: Broken,
}

#[derive(Clone, Copy)]
struct Entry {
    version: u64,
    stamp: Stamp,
}

/// Long enough to never end within a model.
const EVER: Duration = Duration::from_secs(3600);

impl Node {
    fn new(broken: Broken) -> Arc<Node> {
        let rules = match broken {
            Broken::Rule(rule) => Rules::without(Some(rule)),
            _ => Rules::default(),
        };
        let slots = || Slots::over(words());
        let families = Families { items: slots(), partitions: slots(), tables: slots() };
        let stamps =
            Stamps::over(families, Clock::start(), &Chance::seeded(1), (Duration::ZERO, EVER), rules);
        Arc::new(Node {
            place: Place {
                own: stamps.item_slot("Table", b"key"),
                index: None,
                table: stamps.table_slot("Table"),
            },
            stamps: Arc::new(stamps),
            origin: AtomicU64::new(0),
            entry: Mutex::new(None),
            broken,
        })
    }

    /// As `Core::lookup` does.
    fn lookup(&self) -> Option<u64> {
        let entry = (*self.entry.lock().unwrap())?;
        (entry.stamp == self.stamps.current(&self.place)).then_some(entry.version)
    }

    /// As `Core::take_off` and `Core::land` do.
    fn fill(&self) {
        let sight = self.stamps.sight(&self.place);
        let version = self.origin.load(Relaxed);
        let current = self.stamps.current(&self.place);
        match self.broken {
            Broken::FillsAreStampedLate => self.store(Entry { version, stamp: current }),
            _ if sight.may_land && sight.stamp == current => {
                self.store(Entry { version, stamp: sight.stamp })
            }
            _ => {}
        }
    }

    /// As `Core::perform` and `Core::keep_images` do; the version that it made.
    fn write(&self, image: Image) -> u64 {
        let begin = || self.stamps.guard([self.place.own], []).unwrap();
        let guard = (self.broken != Broken::WritesBeginLate).then(begin);
        let sight = self.stamps.sight_of_table(self.place.table);
        let version = self.apply();
        // Who reads now reads what was applied, although nobody has acknowledged it.
        self.check_not_older(version);
        let guard = guard.unwrap_or_else(begin);
        let closed = guard.close(Verdict::Definite, [])[&self.place.own];
        let word = match closed {
            Closed::Alone(word) => Some(word),
            Closed::Overlapped => {
                (self.broken == Broken::ImagesAlways).then(|| self.stamps.word(self.place.own))
            }
        };
        if let (Some(word), Image::Kept) = (word, image) {
            let stamp = Stamp::of_image(word, sight.stamp.table());
            if sight.may_land && stamp == self.stamps.current(&self.place) {
                self.store(Entry { version, stamp });
            }
        }
        version
    }

    /// A write of which only its end tells that it touches the slot, as of partitions of an index.
    fn write_late(&self) -> u64 {
        let guard = self.stamps.guard([], [self.place.own]).unwrap();
        let version = self.apply();
        match self.broken {
            Broken::LateSlotsStay => guard.close(Verdict::Definite, []),
            _ => guard.close(Verdict::Definite, [self.place.own]),
        };
        version
    }

    /// A write that the origin applies only after the node gave up on it.
    fn write_in_doubt(&self) {
        self.stamps.guard([self.place.own], []).unwrap().close(Verdict::Unknown, []);
        self.apply();
    }

    fn apply(&self) -> u64 {
        self.origin.fetch_add(1, Relaxed) + 1
    }

    fn store(&self, entry: Entry) {
        *self.entry.lock().unwrap() = Some(entry);
    }

    fn check_not_older(&self, version: u64) {
        if let Some(found) = self.lookup() {
            assert!(found >= version, "version {found} is found after version {version} was applied");
        }
    }

    /// When all is over: whatever is found is the newest.
    fn check_at_rest(&self) {
        self.check_not_older(self.origin.load(Relaxed));
    }
}

/// Whether a write knows what it leaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Image {
    Kept,
    NotKnown,
}

/// Checks a model in every interleaving with at most three switches away from a thread that could go on: the
/// breaches that are known need two.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// Runs parts of a model side by side.
fn explore(broken: Broken, parts: &[fn(&Node)]) {
    let parts = parts.to_vec();
    check(move || {
        let node = Node::new(broken);
        let run = |part: &fn(&Node)| {
            let (node, part) = (Arc::clone(&node), *part);
            thread::spawn(move || part(&node))
        };
        let threads: Vec<_> = parts[1..].iter().map(run).collect();
        parts[0](&node);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        node.check_at_rest();
    });
}

// A fill and a write.

fn fill_and_write(broken: Broken) {
    explore(
        broken,
        &[Node::fill, |node| {
            let version = node.write(Image::NotKnown);
            // Acknowledged: whoever wrote reads it.
            node.check_not_older(version);
        }],
    );
}

#[test]
fn a_fill_that_a_write_overtakes_is_never_found() {
    fill_and_write(Broken::Nothing);
}

#[test]
#[should_panic(expected = "is found after")]
fn a_fill_stamped_when_it_lands_is_noticed() {
    fill_and_write(Broken::FillsAreStampedLate);
}

#[test]
#[should_panic(expected = "is found after")]
fn a_write_that_begins_after_it_was_applied_is_noticed() {
    fill_and_write(Broken::WritesBeginLate);
}

// A fill and a write that moves the slot at its end.

fn fill_and_late_write(broken: Broken) {
    explore(
        broken,
        &[Node::fill, |node| {
            let version = node.write_late();
            node.check_not_older(version);
        }],
    );
}

#[test]
fn a_fill_that_a_late_slot_overtakes_is_never_found_once_the_write_is_acknowledged() {
    fill_and_late_write(Broken::Nothing);
}

#[test]
#[should_panic(expected = "is found after")]
fn a_late_slot_that_stays_is_noticed() {
    fill_and_late_write(Broken::LateSlotsStay);
}

// Two writes that overlap, and leave images.

fn two_writes(broken: Broken) {
    let write = |node: &Node| {
        node.write(Image::Kept);
    };
    explore(broken, &[write, write]);
}

#[test]
fn of_two_overlapping_writes_no_older_image_is_found() {
    two_writes(Broken::Nothing);
}

#[test]
#[should_panic(expected = "is found after")]
fn images_of_overlapping_writes_are_noticed() {
    two_writes(Broken::ImagesAlways);
}

// A write in doubt, with a fill or with another write that leaves an image.

fn fill_in_doubt(broken: Broken) {
    explore(broken, &[Node::fill, Node::write_in_doubt]);
}

fn image_in_doubt(broken: Broken) {
    explore(
        broken,
        &[
            |node| {
                node.write(Image::Kept);
            },
            Node::write_in_doubt,
        ],
    );
}

#[test]
fn nothing_lands_while_a_write_is_in_doubt() {
    fill_in_doubt(Broken::Nothing);
    image_in_doubt(Broken::Nothing);
}

#[test]
#[should_panic(expected = "is found after")]
fn a_fill_that_lands_in_doubt_is_noticed() {
    fill_in_doubt(Broken::Rule(Rule::DoubtLasts));
}

#[test]
#[should_panic(expected = "is found after")]
fn an_image_that_lands_in_doubt_is_noticed() {
    image_in_doubt(Broken::Rule(Rule::DoubtLasts));
}

// A reader who hears of the acknowledgement from somebody else.

fn reader_after_acknowledgement(broken: Broken) {
    check(move || {
        let node = Node::new(broken);
        let acknowledged = Arc::new(AtomicBool::new(false));
        let writer = {
            let (node, acknowledged) = (Arc::clone(&node), Arc::clone(&acknowledged));
            thread::spawn(move || {
                node.write(Image::NotKnown);
                acknowledged.store(true, Release);
            })
        };
        let filler = {
            let node = Arc::clone(&node);
            thread::spawn(move || node.fill())
        };
        if acknowledged.load(Acquire) {
            node.check_not_older(1);
        }
        writer.join().unwrap();
        filler.join().unwrap();
    });
}

#[test]
fn a_reader_who_heard_of_the_acknowledgement_finds_nothing_older() {
    reader_after_acknowledgement(Broken::Nothing);
}

#[test]
#[should_panic(expected = "is found after")]
fn a_reader_who_finds_what_is_older_is_noticed() {
    reader_after_acknowledgement(Broken::FillsAreStampedLate);
}

// The word and the time of one slot.

/// How a reader takes in a slot.
type Looking = fn(&Slots<Word>, &[Word]) -> (u64, u64);

fn word_and_time(look: Looking) {
    check(move || {
        let cells = words();
        let slots = Arc::new(Slots::over(cells.clone()));
        let begun = slots.begin(0).unwrap();
        let ending = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || slots.end(0, begun, 7).unwrap())
        };
        let (word, written_until) = look(&slots, &cells);
        let ended = ending.join().unwrap();
        assert!(word != ended || written_until == 7, "the end of a write shows without its time");
    });
}

#[test]
fn the_end_of_a_write_never_shows_without_its_time() {
    word_and_time(|slots, _| {
        let look = slots.look(0);
        (look.word, look.written_until)
    });
}

#[test]
#[should_panic(expected = "shows without its time")]
fn reading_the_time_before_the_word_is_noticed() {
    word_and_time(|_, cells| {
        let written_until = cells[1].load();
        (cells[0].load(), written_until)
    });
}

#[test]
fn no_write_is_lost_from_the_count() {
    check(|| {
        let slots = Arc::new(Slots::over(words()));
        let write = |slots: &Slots<Word>| slots.end(0, slots.begin(0).unwrap(), 1).is_some();
        let other = {
            let slots = Arc::clone(&slots);
            thread::spawn(move || write(&slots))
        };
        let before = slots.look(0);
        let alone = write(&slots);
        let other_alone = other.join().unwrap();
        let look = slots.look(0);
        assert!(!look.is_in_flight() && look.word > before.word);
        // Both may have been alone, one after the other; then two beginnings and two ends moved the word.
        assert!(look.word == slots.current(0) && (alone || other_alone || look.written_until == 1));
    });
}
