//! What both kinds of store promise.

mod model;

use std::{
    convert::Infallible,
    ops::Bound,
    path::Path,
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
