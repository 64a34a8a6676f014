//! Journals that are cut or zeroed at any page open again, with everything that was synced before that page.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use store::Repair;
use tempfile::TempDir;

use crate::{
    config, open, say,
    workload::{Acknowledged, create_spaces, faults, last_of, write},
};

const PAGE: u64 = 4096;

/// A store with one journal, and where in it each transaction ends.
struct Written {
    directory: TempDir,
    /// `ends[n]` is where transaction `n` ends.
    ends: Vec<u64>,
    len: u64,
}

fn journal(path: &Path) -> PathBuf {
    path.join("fjall/0.jnl")
}

/// Where the zeros begin that a journal ends with.
fn data_end(path: &Path, from: u64) -> u64 {
    let mut file = File::open(path).unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    let mut bytes = vec![0; 16 << 20];
    let read = file.read(&mut bytes).unwrap();
    bytes[..read].iter().rposition(|byte| *byte != 0).map_or(from, |last| from + last as u64 + 1)
}

fn written(sizes: &[usize]) -> Written {
    let directory = folder();
    let (store, _) = open(config(directory.path()));
    create_spaces(&store);
    let journal = journal(directory.path());
    let mut ends = vec![data_end(&journal, 0)];
    for (number, size) in (1..).zip(sizes) {
        write(&store, 0, number, *size).unwrap();
        ends.push(data_end(&journal, ends[ends.len() - 1]));
    }
    // As a crash leaves it: dropping the store would not change the journal either.
    drop(store);
    let len = *ends.last().unwrap();
    Written { directory, ends, len }
}

/// In memory, if that can be had: every case opens a store of its own, and syncs take most of the time.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A copy of the store, whose journal ends where its data ends.
fn copy(written: &Written) -> TempDir {
    let target = folder();
    copy_tree(written.directory.path(), target.path());
    target
}

/// Copies a store. Its journals are copied as far as they hold data, and are as long as before.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else if target.extension().is_some_and(|extension| extension == "jnl") {
            let len = entry.metadata().unwrap().len();
            let source = File::open(entry.path()).unwrap();
            let mut target = File::create(&target).unwrap();
            std::io::copy(&mut source.take(data_end(&entry.path(), 0)), &mut target).unwrap();
            target.set_len(len).unwrap();
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Damage {
    /// The file ends at the page.
    Cut,
    /// The page and all that follows is zeros.
    ZeroedFrom,
    /// The page is zeros, what follows is whole.
    ZeroedPage,
    /// The page is noise.
    Noise,
}

fn damage(journal: &Path, damage: Damage, page: u64) {
    let mut file = File::options().write(true).open(journal).unwrap();
    let len = file.metadata().unwrap().len();
    let mut overwrite = |byte| {
        file.seek(SeekFrom::Start(page)).unwrap();
        file.write_all(&[byte; PAGE as usize]).unwrap();
    };
    match damage {
        Damage::Cut => file.set_len(page).unwrap(),
        Damage::ZeroedFrom => {
            file.set_len(page).unwrap();
            file.set_len(len).unwrap();
        }
        Damage::ZeroedPage => overwrite(0),
        Damage::Noise => overwrite(1),
    }
}

/// Damages a copy at `page` and opens it.
fn check(written: &Written, kind: Damage, page: u64) {
    let copy = copy(written);
    damage(&journal(copy.path()), kind, page);
    let (store, opened) = open(config(copy.path()));
    let kept = written.ends.iter().rposition(|end| *end <= page).map_or(0, |last| last as u64);
    let mut synced = Acknowledged::default();
    synced.note(0, kept);
    let place = format!("{kind:?} at {page} of {:?}", written.ends);
    assert_eq!(faults(&store.view(), &synced), [""; 0], "{place}");
    assert_eq!(last_of(&store.view(), 0), kept, "{place}");
    // All that follows the damaged transaction is whole, if only one page is hit.
    let hit = written.ends.iter().filter(|end| **end > page && **end < page + PAGE).count() as u64;
    let whole = written.ends.len() as u64 - 1 - kept - (1 + hit).min(written.ends.len() as u64 - 1 - kept);
    let has_lost = opened.repairs.iter().any(Repair::may_have_lost);
    match kind {
        Damage::Cut | Damage::ZeroedFrom => assert!(!has_lost, "{place}: {opened:?}"),
        Damage::ZeroedPage | Damage::Noise => assert_eq!(has_lost, whole > 0, "{place}: {opened:?}"),
    }
    // It can be written, and what is written stays.
    create_spaces(&store);
    write(&store, 0, kept + 1, 100).unwrap();
    drop(store);
    let (store, opened) = open(config(copy.path()));
    assert_eq!(opened.repairs, [], "{place}");
    assert_eq!(last_of(&store.view(), 0), kept + 1, "{place}");
}

fn check_pages(written: &Written, pages: impl Iterator<Item = u64>) -> usize {
    let mut cases = 0;
    for page in pages {
        for kind in [Damage::Cut, Damage::ZeroedFrom, Damage::ZeroedPage, Damage::Noise] {
            check(written, kind, page * PAGE);
            cases += 1;
        }
    }
    cases
}

#[test]
fn small_values_before_any_damaged_page_are_there() {
    let written = written(&[300; 60]);
    let cases = check_pages(&written, 1..written.len.div_ceil(PAGE));
    say(&format!("journals: {cases} damages to {} bytes of small values", written.len));
}

#[test]
fn large_values_before_any_damaged_page_are_there() {
    // A transaction puts its value four times.
    let written = written(&[100, 400_000, 100, 100_000, 400_000]);
    // Every page takes long: the ends of transactions and of rows are what differs.
    let ends: Vec<u64> = written.ends.iter().map(|end| end / PAGE).collect();
    let is_near = |page: u64| ends.iter().any(|end| page.abs_diff(*end) <= 2);
    let pages = (1..written.len.div_ceil(PAGE)).filter(|page| is_near(*page) || page % 29 == 0);
    let cases = check_pages(&written, pages);
    say(&format!("journals: {cases} damages to {} bytes of large values", written.len));
}
