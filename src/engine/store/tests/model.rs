//! Both kinds against a plain map: whatever is done, they show the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    path::PathBuf,
};

use proptest::{collection::vec, prelude::*};

use super::{config_in, open};
use crate::{Config, Direction, Place, Space, Store, Transaction, View};

type Model = BTreeMap<(Space, Vec<u8>), Vec<u8>>;

#[derive(Debug, Clone)]
enum Step {
    Transaction {
        operations: Vec<Operation>,
        fails: bool,
    },
    /// On disk only: what lies in memory is gone then.
    Reopen,
}

#[derive(Debug, Clone)]
enum Operation {
    Put(u8, Vec<u8>, u16),
    Delete(u8, Vec<u8>),
    Get(u8, Vec<u8>),
    Range(u8, Bound<Vec<u8>>, Bound<Vec<u8>>, bool),
    Create,
    Drop(u8),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![Just(0_u8), Just(1), Just(0xFF), any::<u8>()], 0..3)
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![Just(Bound::Unbounded), key().prop_map(Bound::Included), key().prop_map(Bound::Excluded),]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..4_u8, key(), 0..600_u16).prop_map(|(space, key, size)| Operation::Put(space, key, size)),
        3 => (0..4_u8, key()).prop_map(|(space, key)| Operation::Delete(space, key)),
        2 => (0..4_u8, key()).prop_map(|(space, key)| Operation::Get(space, key)),
        3 => (0..4_u8, bound(), bound(), any::<bool>())
            .prop_map(|(space, lower, upper, is_forward)| Operation::Range(space, lower, upper, is_forward)),
        1 => Just(Operation::Create),
        1 => (1..4_u8).prop_map(Operation::Drop),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        9 => (vec(operation(), 1..8), prop::bool::weighted(0.2))
            .prop_map(|(operations, fails)| Step::Transaction { operations, fails }),
        1 => Just(Step::Reopen),
    ]
}

/// What should be there, and which spaces there are.
#[derive(Clone, Default)]
struct World {
    rows: Model,
    spaces: BTreeSet<Space>,
    next_space: u32,
}

impl World {
    /// One of the spaces that exist, or one that does not.
    fn pick(&self, number: u8) -> Option<Space> {
        let all: Vec<Space> = std::iter::once(Space(0)).chain(self.spaces.iter().copied()).collect();
        all.get(usize::from(number)).copied()
    }

    fn range(&self, space: Space, bounds: &(Bound<Vec<u8>>, Bound<Vec<u8>>), direction: Direction) -> Rows {
        let lies_within = |key: &Vec<u8>| {
            let above = match &bounds.0 {
                Bound::Included(lower) => key >= lower,
                Bound::Excluded(lower) => key > lower,
                Bound::Unbounded => true,
            };
            let below = match &bounds.1 {
                Bound::Included(upper) => key <= upper,
                Bound::Excluded(upper) => key < upper,
                Bound::Unbounded => true,
            };
            above && below
        };
        let rows = self.rows.iter().filter(|((found, key), _)| *found == space && lies_within(key));
        let mut rows: Rows = rows.map(|((_, key), value)| (key.clone(), value.clone())).collect();
        if direction == Direction::Backward {
            rows.reverse();
        }
        rows
    }

    /// Does `operation` to both and compares.
    fn apply(&mut self, operation: Operation, transaction: &mut Transaction<'_>) {
        match operation {
            Operation::Put(number, key, size) => {
                let Some(space) = self.pick(number) else { return };
                let value = vec![number; usize::from(size)];
                transaction.put(space, &key, value.clone());
                self.rows.insert((space, key), value);
            }
            Operation::Delete(number, key) => {
                let Some(space) = self.pick(number) else { return };
                transaction.delete(space, &key);
                self.rows.remove(&(space, key));
            }
            Operation::Get(number, key) => {
                let space = self.pick(number).unwrap_or(Space(1_000));
                let found = transaction.get(space, &key).unwrap();
                assert_eq!(found.as_deref(), self.rows.get(&(space, key)).map(Vec::as_slice));
            }
            Operation::Range(number, lower, upper, is_forward) => {
                let space = self.pick(number).unwrap_or(Space(1_000));
                let direction = if is_forward { Direction::Forward } else { Direction::Backward };
                let bounds = (lower, upper);
                let rows = transaction.range(space, borrowed(&bounds), direction);
                assert_eq!(plain(rows), self.range(space, &bounds, direction));
            }
            Operation::Create => {
                if self.spaces.len() >= 3 {
                    return;
                }
                self.next_space += 1;
                transaction.create_space(Space(self.next_space));
                self.spaces.insert(Space(self.next_space));
            }
            Operation::Drop(number) => {
                let Some(space) = self.pick(number) else { return };
                transaction.drop_space(space);
                self.spaces.remove(&space);
                self.rows.retain(|(found, _), _| *found != space);
            }
        }
    }

    fn check(&self, view: &View) {
        for number in 0..=self.next_space {
            let space = Space(number);
            assert_eq!(view.has(space), number == 0 || self.spaces.contains(&space));
            let all = (Bound::Unbounded, Bound::Unbounded);
            for direction in [Direction::Forward, Direction::Backward] {
                assert_eq!(plain(view.range(space, .., direction)), self.range(space, &all, direction));
            }
        }
        for ((space, key), value) in &self.rows {
            assert_eq!(view.get(*space, key).unwrap().unwrap(), value);
        }
    }
}

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn plain(rows: impl Iterator<Item = Result<(bytes::Bytes, bytes::Bytes), crate::StoreError>>) -> Rows {
    rows.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect()
}

fn borrowed(bounds: &(Bound<Vec<u8>>, Bound<Vec<u8>>)) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (bounds.0.as_ref().map(Vec::as_slice), bounds.1.as_ref().map(Vec::as_slice))
}

fn run(store: &Store, world: World, operations: Vec<Operation>, fails: bool) -> World {
    let before = world.clone();
    let outcome = store.write_blocking(move |transaction| {
        let mut world = world;
        for operation in operations {
            world.apply(operation, transaction);
        }
        // The closure's own numbers are used up even if it fails.
        if fails { Err(world.next_space) } else { Ok(world) }
    });
    match outcome.unwrap() {
        Ok(world) => world,
        Err(next_space) => World { next_space, ..before },
    }
}

fn play(steps: Vec<Step>, place: Place) {
    let config = match &place {
        Place::Directory(path) => Config { memtable_bytes: 2 << 10, ..config_in(path) },
        Place::Memory => Config::new(place.clone()),
    };
    let mut store = open(config.clone());
    let mut world = World::default();
    let mut old: Option<(View, World)> = None;
    for step in steps {
        match step {
            Step::Transaction { operations, fails } => world = run(&store, world, operations, fails),
            Step::Reopen if place == Place::Memory => {}
            Step::Reopen => {
                drop(store);
                store = open(config.clone());
            }
        }
        world.check(&store.view());
        if let Some((view, world)) = &old {
            world.check(view);
        }
        if old.is_none() || world.rows.len() % 3 == 0 {
            old = Some((store.view(), world.clone()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn memory_shows_what_the_model_shows(steps in vec(step(), 1..40)) {
        play(steps, Place::Memory);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(48) })]

    #[test]
    fn disk_shows_what_the_model_shows(steps in vec(step(), 1..40)) {
        let directory = tempfile::tempdir().unwrap();
        play(steps, Place::Directory(PathBuf::from(directory.path())));
    }
}
