//! Disks that are full, and free again.

use std::{fs::File, io::Write, time::Duration};

use base::Clock;
use store::{Config, OpenError, Refusal, Store, StoreError};

use crate::{
    config,
    mount::Mount,
    open, say,
    workload::{Acknowledged, create_spaces, faults, last_of, write},
};

/// How long a store may take to notice that there is room again.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn writes_go_on_once_a_full_disk_has_room_again() {
    let Some(disk) = Mount::new("a full disk", &["-t", "tmpfs", "-o", "size=48m", "tmpfs"]) else { return };
    let ballast = disk.path().join("ballast");
    File::create(&ballast).unwrap().write_all(&vec![1; 32 << 20]).unwrap();
    let path = disk.path().join("store");
    let (store, _) = open(Config { memtable_bytes: 1 << 20, ..config(&path) });
    create_spaces(&store);
    let mut acknowledged = Acknowledged::default();
    write(&store, 1, 1, 100).unwrap();
    acknowledged.note(1, 1);
    let old = store.view();
    let (refused, error) = fill(&store, &mut acknowledged);
    say(&format!("full disk: {} acknowledged, then {error}", acknowledged.count()));
    // What may be there may be there.
    assert_eq!(faults(&store.view(), &acknowledged), [""; 0]);
    // Still full: refused, and nothing is in doubt.
    for _ in 0..3 {
        if let Err(error) = write(&store, 0, refused, 50_000) {
            assert!(matches!(error, StoreError::NotApplied(_)) || error.may_be_applied(), "{error}");
        }
        assert_eq!(faults(&store.view(), &acknowledged), [""; 0]);
    }
    std::fs::remove_file(&ballast).unwrap();
    let clock = Clock::start();
    let freed = clock.now();
    let view = loop {
        let next = last_of(&store.view(), 0) + 1;
        match write(&store, 0, next, 5_000) {
            Ok(()) => break store.view(),
            Err(error) => assert!(clock.now() - freed < PATIENCE, "{error}"),
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    say(&format!("full disk: writes went on {} ms after there was room", (clock.now() - freed).as_millis()));
    acknowledged.note(0, last_of(&view, 0));
    for number in last_of(&view, 0) + 1..last_of(&view, 0) + 50 {
        write(&store, 0, number, 5_000).unwrap();
        acknowledged.note(0, number);
    }
    assert_eq!(faults(&store.view(), &acknowledged), [""; 0]);
    // A view from before the failure reads on, and when it goes it does no harm.
    assert_eq!((last_of(&old, 0), last_of(&old, 1)), (0, 1));
    drop(old);
    assert_eq!(faults(&store.view(), &acknowledged), [""; 0]);
    drop((store, view));
    let (store, opened) = open(config(&path));
    assert_eq!(faults(&store.view(), &acknowledged), [""; 0], "{opened:?}");
}

/// Writes until it cannot; which number was refused, and how.
fn fill(store: &Store, acknowledged: &mut Acknowledged) -> (u64, StoreError) {
    for number in 1.. {
        match write(store, 0, number, 50_000) {
            Ok(()) => acknowledged.note(0, number),
            Err(error) => return (number, error),
        }
        assert!(number < 1_000, "the disk does not get full");
    }
    unreachable!("the numbers do not end")
}

#[test]
fn writes_stop_before_a_disk_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = open(config(directory.path()));
    create_spaces(&store);
    write(&store, 0, 1, 100).unwrap();
    drop(store);
    let (store, _) = open(Config { reserve_bytes: u64::MAX, ..config(directory.path()) });
    let refused = write(&store, 0, 2, 100);
    assert!(matches!(refused, Err(StoreError::NotApplied(Refusal::DiskFull { .. }))), "{refused:?}");
    assert_eq!(last_of(&store.view(), 0), 1);
}

#[test]
fn a_directory_that_cannot_be_written_is_told() {
    let Some(disk) = Mount::new("a read-only disk", &["-t", "tmpfs", "-o", "size=16m", "tmpfs"]) else {
        return;
    };
    drop(open(config(disk.path())));
    disk.remount("remount,ro");
    let refused = Store::open(config(disk.path()), Clock::start());
    let Err(OpenError::Io { path, .. }) = &refused else { panic!("{refused:?}") };
    assert!(path.starts_with(disk.path()), "{refused:?}");
    disk.remount("remount,rw");
    open(config(disk.path()));
}
