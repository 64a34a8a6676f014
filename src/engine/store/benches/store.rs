//! What durability costs, each figure beside something measured in the same run.
//!
//! `cargo bench -p linac-store` prints durable commits per second at 1, 16, 64 and 256 concurrent writers against a
//! bare loop that appends as much and syncs on the same disk; bytes on disk for each item of 1 KB; and how long
//! opening takes. `cargo bench -p linac-store -- 1024 /mnt/disk` loads 1,024 MB, in a directory on that disk.
//!
//! Read the ratios: single figures drift with the machine.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

use std::{
    convert::Infallible,
    fs::File,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use base::{Chance, Clock};
use bytes::Bytes;
use store::{Config, Place, Space, Store, SyncPolicy};

/// Rounds of every comparison; odd rounds go in the opposite order.
const ROUNDS: usize = 3;
const SPAN: Duration = Duration::from_secs(1);
const WRITERS: [u64; 4] = [1, 16, 64, 256];
const VALUE_BYTES: usize = 1024;

fn main() {
    // Cargo adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let megabytes = arguments.first().map_or(64, |size| size.parse().unwrap());
    let place = arguments.get(1).map_or_else(std::env::temp_dir, PathBuf::from);
    idle(&place);
    commits(&place);
    load(&place, megabytes);
}

fn open(path: &Path, sync: SyncPolicy) -> Store {
    let config = Config { sync, ..Config::new(Place::Directory(path.to_owned())) };
    Store::open(config, Clock::start()).unwrap().0
}

/// Half random, half repeating.
fn value(chance: &Chance) -> Bytes {
    let mut value = Vec::with_capacity(VALUE_BYTES);
    while value.len() < VALUE_BYTES / 2 {
        value.extend(chance.bits().to_be_bytes());
    }
    value.resize(VALUE_BYTES, b'-');
    value.into()
}

/// An empty store.
fn idle(place: &Path) {
    let clock = Clock::start();
    let before = resident_bytes();
    let directory = tempfile::tempdir_in(place).unwrap();
    let start = clock.now();
    let store = open(directory.path(), SyncPolicy::EachCommit);
    let created = clock.now() - start;
    let resident = resident_bytes().saturating_sub(before);
    let on_disk = store.bytes_on_disk();
    drop(store);
    let start = clock.now();
    drop(open(directory.path(), SyncPolicy::EachCommit));
    let opened = clock.now() - start;
    println!(
        "empty store: made in {created:.1?}, opened and closed in {opened:.1?}, {:.1} MB resident, {} KB on disk",
        resident as f64 / 1e6,
        on_disk / 1024
    );
}

/// Durable commits against the bare disk.
fn commits(place: &Path) {
    let directory = tempfile::tempdir_in(place).unwrap();
    let store = open(&directory.path().join("store"), SyncPolicy::EachCommit);
    for writers in WRITERS {
        let mut rounds = Vec::new();
        for round in 0..ROUNDS {
            let (bare, durable) = if round % 2 == 0 {
                let bare = syncs(directory.path());
                (bare, durable(&store, writers))
            } else {
                let durable = durable(&store, writers);
                (syncs(directory.path()), durable)
            };
            rounds.push((bare, durable, durable / bare));
        }
        rounds.sort_by(|a, b| a.2.total_cmp(&b.2));
        let (bare, durable, ratio) = rounds[ROUNDS / 2];
        println!(
            "{writers:>4} writers: {durable:>7.0} commits/s, bare disk {bare:>6.0} syncs/s: {ratio:>5.2} a sync"
        );
    }
}

/// Appends and syncs.
fn syncs(place: &Path) -> f64 {
    let mut file = File::create(place.join("bare")).unwrap();
    let (clock, record) = (Clock::start(), value(&Chance::real()));
    let (start, mut count) = (clock.now(), 0);
    while clock.now() - start < SPAN {
        file.write_all(&record).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    f64::from(count) / (clock.now() - start).as_secs_f64()
}

fn durable(store: &Store, writers: u64) -> f64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let (clock, chance) = (Clock::start(), Chance::real());
    let start = clock.now();
    let count: u64 = runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..writers {
            let (store, clock, value) = (store.clone(), clock.clone(), value(&chance));
            let chance = chance.clone();
            tasks.spawn(async move {
                let mut count = 0;
                while clock.now() - start < SPAN {
                    put(&store, chance.bits(), value.clone()).await;
                    count += 1;
                }
                count
            });
        }
        tasks.join_all().await.into_iter().sum()
    });
    count as f64 / (clock.now() - start).as_secs_f64()
}

async fn put(store: &Store, key: u64, value: Bytes) {
    let outcome = store.write(move |transaction| {
        transaction.put(Space(0), &key.to_be_bytes(), value);
        Ok::<_, Infallible>(())
    });
    outcome.await.unwrap().unwrap();
}

/// Bytes on disk and the time to open.
fn load(place: &Path, megabytes: u64) {
    let directory = tempfile::tempdir_in(place).unwrap();
    let store = open(directory.path(), SyncPolicy::Never);
    let (clock, chance) = (Clock::start(), Chance::real());
    let items = megabytes * 1024;
    let start = clock.now();
    for first in (0..items).step_by(256) {
        let values: Vec<Bytes> = (0..256).map(|_| value(&chance)).collect();
        let keys: Vec<u64> = (first..first + 256).map(scattered).collect();
        let outcome = store.write_blocking(move |transaction| {
            for (key, value) in keys.iter().zip(values) {
                transaction.put(Space(0), &key.to_be_bytes(), value);
            }
            Ok::<_, Infallible>(())
        });
        outcome.unwrap().unwrap();
    }
    let loaded = clock.now() - start;
    let on_disk = store.bytes_on_disk();
    drop(store);
    let start = clock.now();
    let store = open(directory.path(), SyncPolicy::Never);
    let opened = clock.now() - start;
    println!(
        "{megabytes} MB of items of 1 KB: loaded in {loaded:.1?}, {} bytes on disk for each, opened in {opened:.1?}, \
         {:.0} MB resident",
        on_disk / items,
        resident_bytes() as f64 / 1e6
    );
    drop(store);
}

/// Spreads numbers over all keys, each number once: the multiplier is odd.
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// What of this process lies in memory; 0 where that cannot be told.
fn resident_bytes() -> u64 {
    let figures = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = figures.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
