//! Files that are damaged or removed while the store is open, or before.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base::Chance;
use store::{Config, Direction, OpenError, Repair, Space, Store, StoreError, SyncPolicy};

use crate::{
    config,
    journals::copy_tree,
    open, say,
    workload::{Acknowledged, create_spaces, faults, last_of, write},
};

/// A store with some tables, and what was acknowledged.
fn with_tables(path: &Path) -> (Store, Acknowledged) {
    let (store, _) = open(Config { sync: SyncPolicy::Never, ..small(path) });
    create_spaces(&store);
    let mut acknowledged = Acknowledged::default();
    for number in 1..=400 {
        write(&store, 0, number, 1_000).unwrap();
        acknowledged.note(0, number);
    }
    for _ in 0..1_000 {
        if !tables(path).is_empty() {
            return (store, acknowledged);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("no table was written")
}

/// Next to no cache, so that reads go to the disk.
fn small(path: &Path) -> Config {
    Config { memtable_bytes: 128 << 10, cache_bytes: 1, ..config(path) }
}

fn tables(path: &Path) -> Vec<PathBuf> {
    let folder = fs::read_dir(path.join("fjall/keyspaces/1/tables")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_removed_journal_is_noticed_and_nothing_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (store, mut acknowledged) = with_tables(directory.path());
    let before = store.view();
    fs::remove_file(directory.path().join("fjall/0.jnl")).unwrap();
    for number in 401..420 {
        write(&store, 0, number, 100).unwrap();
        acknowledged.note(0, number);
    }
    assert_eq!(last_of(&before, 0), 400);
    assert_eq!(faults(&store.view(), &acknowledged), [""; 0]);
    drop((store, before));
    let (store, opened) = open(config(directory.path()));
    assert_eq!(opened.repairs, []);
    assert_eq!(faults(&store.view(), &acknowledged), [""; 0]);
}

#[test]
fn a_journal_that_was_removed_before_opening_is_told() {
    let directory = tempfile::tempdir().unwrap();
    drop(with_tables(directory.path()));
    fs::remove_file(directory.path().join("fjall/0.jnl")).unwrap();
    let (store, opened) = open(config(directory.path()));
    assert!(matches!(&opened.repairs[..], [Repair::Missing { .. }]), "{opened:?}");
    // What is in tables is there, and what is written now is newer.
    let last = last_of(&store.view(), 0);
    assert!(last > 0);
    write(&store, 0, last + 1, 100).unwrap();
    drop(store);
    assert_eq!(last_of(&open(config(directory.path())).0.view(), 0), last + 1);
}

#[test]
fn a_removed_table_gives_errors_and_never_wrong_rows() {
    let directory = tempfile::tempdir().unwrap();
    drop(with_tables(directory.path()));
    let (store, _) = open(small(directory.path()));
    let before = store.view();
    tables(directory.path()).iter().for_each(|table| fs::remove_file(table).unwrap());
    // Open files still read: that is the operating system's promise. New ones cannot be opened.
    for view in [&before, &store.view()] {
        for number in 1..=400_u64 {
            let key = [&0_u32.to_be_bytes()[..], &number.to_be_bytes()].concat();
            match view.get(Space(1), &key) {
                Ok(value) => assert!(value.is_some(), "{number} is missing without an error"),
                Err(error) => assert!(matches!(error, StoreError::Unreadable { .. }), "{error}"),
            }
        }
    }
    // Upkeep fails sooner or later; then writes are refused, and say so.
    let last = (401..3_000).find_map(|number| write(&store, 0, number, 1_000).err());
    if let Some(error) = last {
        say(&format!("removed tables: {error}"));
    }
    drop((store, before));
    let refused = Store::open(config(directory.path()), base::Clock::start());
    assert!(matches!(refused, Err(OpenError::Unreadable { .. } | OpenError::Io { .. })), "{refused:?}");
}

#[test]
fn a_flipped_bit_gives_an_error_and_never_wrong_rows() {
    let original = tempfile::tempdir().unwrap();
    drop(with_tables(original.path()));
    let (chance, mut seen) = (Chance::real(), [0; 3]);
    let whole = tempfile::tempdir().unwrap();
    copy_tree(original.path(), whole.path());
    assert!(matches!(read_all(whole.path()), Read::Right), "a copy as it was does not read");
    for _ in 0..24 {
        let copy = tempfile::tempdir().unwrap();
        copy_tree(original.path(), copy.path());
        let tables = tables(copy.path());
        let table = &tables[chance.below(tables.len() as u64) as usize];
        let mut bytes = fs::read(table).unwrap();
        let place = chance.below(bytes.len() as u64) as usize;
        bytes[place] ^= 1 << chance.below(8);
        fs::write(table, bytes).unwrap();
        let seen = &mut seen[match read_all(copy.path()) {
            Read::Refused => 0,
            Read::Corrupt => 1,
            Read::Right => 2,
        }];
        *seen += 1;
    }
    say(&format!("flipped bits: {} did not open, {} gave errors, {} did no harm", seen[0], seen[1], seen[2]));
}

enum Read {
    Refused,
    Corrupt,
    Right,
}

fn read_all(path: &Path) -> Read {
    let Ok((store, _)) = Store::open(small(path), base::Clock::start()) else { return Read::Refused };
    let view = store.view();
    let mut acknowledged = Acknowledged::default();
    acknowledged.note(0, 400);
    let spaces = (0..4).map(Space);
    let fails = |space| view.range(space, .., Direction::Forward).any(|row| row.is_err());
    if spaces.into_iter().any(fails) {
        return Read::Corrupt;
    }
    assert_eq!(faults(&view, &acknowledged), [""; 0]);
    Read::Right
}
