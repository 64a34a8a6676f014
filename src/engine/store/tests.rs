//! What both kinds of store promise.

mod faults;
mod keyspaces;
mod model;

use std::{
    convert::Infallible,
    ops::Bound,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    time::Duration,
};

use base::Clock;
use bytes::Bytes;
use tempfile::TempDir;

use crate::{
    Config, Direction, OpenError, Place, Refusal, Space, Store, StoreError, SyncPolicy, Transaction, View,
};

const ZERO: Space = Space(0);

/// Both kinds, each with what it needs to live.
fn stores() -> Vec<(Store, Option<TempDir>)> {
    let directory = tempfile::tempdir().unwrap();
    vec![(open(config_in(directory.path())), Some(directory)), (open(Config::new(Place::Memory)), None)]
}

pub(crate) fn config_in(path: &Path) -> Config {
    // The machine that runs the tests may have little room left.
    Config { reserve_bytes: 0, ..Config::new(Place::Directory(path.to_owned())) }
}

pub(crate) fn open(config: Config) -> Store {
    Store::open(config, Clock::start()).unwrap().0
}

fn write<T: Send + 'static>(
    store: &Store,
    change: impl FnOnce(&mut Transaction<'_>) -> T + Send + 'static,
) -> Result<T, StoreError> {
    let outcome = store.write_blocking(|transaction| Ok::<_, Infallible>(change(transaction)))?;
    let Ok(value) = outcome;
    Ok(value)
}

fn put(store: &Store, key: &'static [u8], value: &'static [u8]) {
    write(store, move |transaction| transaction.put(ZERO, key, value)).unwrap();
}

fn keys(view: &View, space: Space) -> Vec<Bytes> {
    view.range(space, .., Direction::Forward).map(|row| row.unwrap().0).collect()
}

#[test]
fn a_view_shows_one_moment() {
    for (store, _directory) in stores() {
        put(&store, b"a", b"1");
        let before = store.view();
        put(&store, b"a", b"2");
        write(&store, |transaction| transaction.delete(ZERO, b"a")).unwrap();
        put(&store, b"b", b"3");
        assert_eq!(before.get(ZERO, b"a").unwrap().unwrap(), "1");
        assert_eq!(keys(&before, ZERO), ["a"]);
        assert_eq!(keys(&store.view(), ZERO), ["b"]);
        assert!(before.sequence() < store.view().sequence());
    }
}

#[test]
fn a_failed_change_leaves_no_trace() {
    for (store, _directory) in stores() {
        let outcome = store.write_blocking(|transaction| {
            transaction.put(ZERO, b"a", "1");
            transaction.create_space(Space(7));
            Err::<(), _>("no")
        });
        assert_eq!(outcome.unwrap(), Err("no"));
        assert_eq!(keys(&store.view(), ZERO), [""; 0]);
        assert!(!store.view().has(Space(7)));
    }
}

#[test]
fn a_change_that_panics_is_refused_and_the_next_one_goes_on() {
    for (store, _directory) in stores() {
        let outcome = write(&store, |transaction| {
            transaction.put(ZERO, b"a", "1");
            transaction.put(Space(9), b"a", "a space that does not exist");
        });
        let Err(StoreError::NotApplied(Refusal::Panicked(words))) = outcome else { panic!("{outcome:?}") };
        assert!(words.contains("Space(9) does not exist"), "{words}");
        put(&store, b"b", b"2");
        assert_eq!(keys(&store.view(), ZERO), ["b"]);
    }
}

#[test]
fn a_transaction_reads_what_it_wrote_in_both_directions() {
    for (store, _directory) in stores() {
        for key in [b"a", b"c", b"e"] {
            put(&store, key, b"old");
        }
        let seen = write(&store, |transaction| {
            transaction.put(ZERO, b"b", "new");
            transaction.put(ZERO, b"c", "new");
            transaction.delete(ZERO, b"e");
            let read = |direction| -> Vec<(Bytes, Bytes)> {
                transaction.range(ZERO, .., direction).map(Result::unwrap).collect()
            };
            let from_b = (Bound::Excluded(&b"a"[..]), Bound::Excluded(&b"c"[..]));
            let within: Vec<Bytes> =
                transaction.range(ZERO, from_b, Direction::Forward).map(|row| row.unwrap().0).collect();
            (read(Direction::Forward), read(Direction::Backward), within)
        });
        let (forward, mut backward, within) = seen.unwrap();
        backward.reverse();
        assert_eq!(forward, backward);
        let expected = [("a", "old"), ("b", "new"), ("c", "new")];
        assert_eq!(forward, expected.map(|(key, value)| (Bytes::from(key), Bytes::from(value))));
        assert_eq!(within, ["b"]);
    }
}

#[test]
fn a_dropped_space_is_gone_at_once_and_its_rows_soon() {
    for (store, _directory) in stores() {
        let space = Space(3);
        write(&store, move |transaction| {
            transaction.create_space(space);
            (0..5_000_u32).for_each(|key| transaction.put(space, &key.to_be_bytes(), vec![7; 100]));
        })
        .unwrap();
        let before = store.view();
        write(&store, move |transaction| transaction.drop_space(space)).unwrap();
        assert_eq!(keys(&store.view(), space), [""; 0]);
        assert_eq!(keys(&before, space).len(), 5_000);
        let is_swept = || !store.view().spaces.contains_key(&space);
        for _ in 0..1_000 {
            if is_swept() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(is_swept());
        assert_eq!(keys(&before, space).len(), 5_000);
    }
}

#[test]
fn only_known_spaces_are_retained() {
    for (store, _directory) in stores() {
        write(&store, |transaction| [1, 2, 3].map(|number| transaction.create_space(Space(number)))).unwrap();
        assert_eq!(store.retain(&[Space(2)]).unwrap(), [Space(1), Space(3)]);
        let view = store.view();
        assert_eq!([0, 1, 2, 3].map(|number| view.has(Space(number))), [true, false, true, false]);
    }
}

#[test]
fn sequences_and_times_grow_also_across_restarts() {
    let directory = tempfile::tempdir().unwrap();
    let mut last = (0, 0);
    for _ in 0..3 {
        let store = open(config_in(directory.path()));
        for _ in 0..5 {
            let tick = write(&store, |transaction| {
                transaction.put(ZERO, b"a", "1");
                (transaction.sequence(), transaction.commit_time())
            });
            let tick = tick.unwrap();
            assert!(tick.0 > last.0 && tick.1 >= last.1, "{tick:?} after {last:?}");
            last = tick;
        }
    }
    assert!(last.1 > 1_600_000_000_000, "milliseconds since the epoch");
}

#[test]
fn what_waits_is_bounded() {
    let store = open(Config { queue_max: 2, ..Config::new(Place::Memory) });
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let (start, started) = std::sync::mpsc::channel::<()>();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut blocker = Box::pin(store.write(move |_| {
            start.send(()).unwrap();
            Ok::<_, Infallible>(gone.recv().is_ok())
        }));
        let mut context = Context::from_waker(Waker::noop());
        assert!(blocker.as_mut().poll(&mut context).is_pending());
        started.recv().unwrap();
        let mut refused = 0;
        let mut waiting = Vec::new();
        for _ in 0..10 {
            let mut change = Box::pin(store.write(|transaction| {
                transaction.put(ZERO, b"a", "1");
                Ok::<_, Infallible>(true)
            }));
            match change.as_mut().poll(&mut context) {
                Poll::Ready(outcome) => {
                    assert!(matches!(outcome, Err(StoreError::NotApplied(Refusal::QueueFull(2)))));
                    refused += 1;
                }
                Poll::Pending => waiting.push(change),
            }
        }
        assert_eq!(refused, 8);
        // Dropping a future takes nothing back.
        waiting.clear();
        go.send(()).unwrap();
        assert!(blocker.await.unwrap().unwrap());
    });
    put(&store, b"b", b"2");
    assert_eq!(keys(&store.view(), ZERO), ["a", "b"]);
}

#[test]
fn the_store_lives_as_long_as_a_change_that_holds_it() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(config_in(directory.path()));
    let held = store.clone();
    drop(store.write_blocking(move |transaction| {
        transaction.put(ZERO, b"a", "1");
        drop(held);
        Ok::<_, Infallible>(())
    }));
    drop(store);
    assert_eq!(keys(&open(config_in(directory.path())).view(), ZERO), ["a"]);
}

#[test]
fn a_second_opening_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(config_in(directory.path()));
    let second = Store::open(config_in(directory.path()), Clock::start());
    let Err(OpenError::InUse(path)) = second else { panic!("{second:?}") };
    assert_eq!(path, directory.path());
    drop(store);
    open(config_in(directory.path()));
}

#[test]
fn a_view_outlives_its_store() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(config_in(directory.path()));
    put(&store, b"a", b"1");
    let view = store.view();
    drop(store);
    assert_eq!(view.get(ZERO, b"a").unwrap().unwrap(), "1");
    // And does not keep anybody from opening it again.
    let store = open(config_in(directory.path()));
    put(&store, b"a", b"2");
    assert_eq!(view.get(ZERO, b"a").unwrap().unwrap(), "1");
}

#[test]
fn without_syncs_all_works_the_same() {
    for sync in [SyncPolicy::Never, SyncPolicy::Every(Duration::from_millis(5))] {
        let directory = tempfile::tempdir().unwrap();
        let store = open(Config { sync, ..config_in(directory.path()) });
        put(&store, b"a", b"1");
        std::thread::sleep(Duration::from_millis(20));
        put(&store, b"b", b"2");
        drop(store);
        assert_eq!(keys(&open(config_in(directory.path())).view(), ZERO), ["a", "b"]);
    }
}

#[test]
fn keys_may_be_empty_and_long_but_not_too_long() {
    for (store, _directory) in stores() {
        let long = vec![b'k'; crate::KEY_BYTES_MAX];
        let key = long.clone();
        write(&store, move |transaction| {
            transaction.put(ZERO, b"", "empty");
            transaction.put(ZERO, &key, vec![1; 400 << 10]);
        })
        .unwrap();
        assert_eq!(store.view().get(ZERO, b"").unwrap().unwrap(), "empty");
        assert_eq!(store.view().get(ZERO, &long).unwrap().unwrap().len(), 400 << 10);
        let too_long = vec![b'k'; crate::KEY_BYTES_MAX + 1];
        assert!(write(&store, move |transaction| transaction.put(ZERO, &too_long, "")).is_err());
    }
}

#[test]
fn a_strange_directory_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("thesis.txt"), "of great value").unwrap();
    let Err(OpenError::NotAStore { found, .. }) = Store::open(config_in(directory.path()), Clock::start())
    else {
        panic!("it was taken for a store")
    };
    assert_eq!(found, "thesis.txt");
}

#[test]
fn another_format_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(config_in(directory.path())));
    for strange in ["linac store, format 2\n", "something else"] {
        std::fs::write(directory.path().join("format"), strange).unwrap();
        let refused = Store::open(config_in(directory.path()), Clock::start());
        assert!(matches!(refused, Err(OpenError::UnknownFormat { known: 1, .. })), "{refused:?}");
    }
}

#[test]
fn a_creation_that_did_not_end_is_begun_anew() {
    let directory = tempfile::tempdir().unwrap();
    drop(open(config_in(directory.path())));
    std::fs::remove_file(directory.path().join("format")).unwrap();
    std::fs::remove_file(directory.path().join("fjall/version")).unwrap();
    let (store, opened) = Store::open(config_in(directory.path()), Clock::start()).unwrap();
    assert!(matches!(&opened.repairs[..], [crate::Repair::Unfinished { aside }] if aside.exists()));
    put(&store, b"a", b"1");
}

/// fjall's own snapshots are not: a flush moves what they show past a commit that is under way.
#[test]
fn views_are_whole_and_stay_the_same_while_flushes_run() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config { sync: SyncPolicy::Never, memtable_bytes: 20 << 10, ..config_in(directory.path()) };
    let store = open(config);
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    let view = store.view();
                    let ends = || [0_u8, 99].map(|key| view.get(ZERO, &[key]).unwrap());
                    let seen = ends();
                    assert_eq!(seen[0], seen[1]);
                    assert_eq!(ends(), seen);
                }
            });
        }
        for number in 0..3_000_u32 {
            write(&store, move |transaction| {
                (0..100_u8).for_each(|key| transaction.put(ZERO, &[key], number.to_be_bytes().to_vec()));
            })
            .unwrap();
        }
        is_done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn spaces_that_come_and_go_leave_the_others_alone() {
    let directory = tempfile::tempdir().unwrap();
    let config =
        || Config { sync: SyncPolicy::Never, memtable_bytes: 64 << 10, ..config_in(directory.path()) };
    let mut live: Vec<u32> = Vec::new();
    for round in 0..20_u32 {
        let store = open(config());
        for number in round * 30 + 1..round * 30 + 31 {
            write(&store, move |transaction| {
                transaction.create_space(Space(number));
                (0..20_u32).for_each(|key| transaction.put(Space(number), &key.to_be_bytes(), vec![1; 100]));
            })
            .unwrap();
            if number % 10 == 0 {
                live.push(number);
            } else {
                write(&store, move |transaction| transaction.drop_space(Space(number))).unwrap();
            }
        }
        let view = store.view();
        assert!(live.iter().all(|space| keys(&view, Space(*space)).len() == 20), "round {round}");
    }
}

#[test]
fn a_store_of_format_1_opens() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1");
    let directory = tempfile::tempdir().unwrap();
    copy_tree(&fixture, directory.path());
    let (store, opened) = Store::open(config_in(directory.path()), Clock::start()).unwrap();
    assert_eq!(opened.repairs, []);
    let view = store.view();
    fixture_rows(|space, key, value| assert_eq!(view.get(space, key).unwrap().as_deref(), value));
    assert_eq!([0, 1, 2, 3].map(|number| view.has(Space(number))), [true, true, false, true]);
    assert_eq!(view.sequence(), 11);
    put(&store, b"new", b"row");
}

/// Makes the fixture of the present format. Run it once for every new format, and keep the old ones.
#[test]
#[ignore = "writes into the source"]
fn make_fixture() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1");
    let directory = tempfile::tempdir().unwrap();
    // Small, so that there are tables as well as a journal.
    let store = open(Config { memtable_bytes: 4 << 10, ..config_in(directory.path()) });
    write(&store, |transaction| [1, 2, 3].map(|number| transaction.create_space(Space(number)))).unwrap();
    for number in 0..8_u8 {
        write(&store, move |transaction| {
            fixture_rows(|space, key, value| match value {
                Some(value) => transaction.put(space, key, value.to_vec()),
                None => transaction.put(space, key, vec![number; 300]),
            });
        })
        .unwrap();
        std::thread::sleep(Duration::from_millis(100));
    }
    write(&store, |transaction| transaction.drop_space(Space(2))).unwrap();
    write(&store, |transaction| {
        fixture_rows(|space, key, value| match value {
            Some(value) => transaction.put(space, key, value.to_vec()),
            None if space == Space(2) => {}
            None => transaction.delete(space, key),
        });
    })
    .unwrap();
    std::thread::sleep(Duration::from_millis(500));
    drop(store);
    drop(std::fs::remove_dir_all(&fixture));
    copy_tree(directory.path(), &fixture);
    // The zeros that a journal is filled up with are not worth keeping.
    let journal = fixture.join("fjall/0.jnl");
    let bytes = std::fs::read(&journal).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    std::fs::File::options().write(true).open(journal).unwrap().set_len(end as u64).unwrap();
}

/// What is in the fixture, and some of what is not.
fn fixture_rows(mut row: impl FnMut(Space, &[u8], Option<&[u8]>)) {
    row(ZERO, b"", Some(b"the empty key"));
    row(ZERO, b"a", Some(b""));
    row(Space(1), b"long", Some(&[b'x'; 5_000]));
    row(Space(1), b"gone", None);
    row(Space(2), b"in a dropped space", None);
    row(Space(3), &[0xFF; 300], Some(b"the last space"));
}

fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
