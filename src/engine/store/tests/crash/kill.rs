//! A process that writes is killed at a random moment, again and again, over the same directory.

use std::{
    io::{BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::channel,
    time::Duration,
};

use base::{Chance, Clock};
use store::{Config, SyncPolicy};

use crate::{
    config, open, say,
    workload::{Acknowledged, acknowledge, create_spaces, faults, last_of, write},
};

/// What a child writes, and how.
pub(crate) const SMALL: &str = "small";
/// So much that journals are closed and removed.
const LARGE: &str = "large";
pub(crate) const NEVER_SYNCED: &str = "never-synced";

const WRITERS: u32 = 8;
const ROUNDS: u32 = 50;
/// However slow the machine: the rest of the rounds is left out then, which is said.
const TIME_MAX: Duration = Duration::from_secs(40);

/// Not a test, but the process that is killed. It is told where to write on its standard input.
#[test]
#[ignore = "the tests start it themselves"]
fn child() {
    let mut order = String::new();
    std::io::stdin().read_line(&mut order).unwrap();
    let (kind, path) = order.trim_end().split_once(' ').unwrap();
    let sync = if kind == NEVER_SYNCED { SyncPolicy::Never } else { SyncPolicy::EachCommit };
    let large_share = if kind == LARGE { 0.7 } else { 0.02 };
    // Small memtables: kills should hit flushes and compactions too.
    let (store, _) = open(Config { sync, memtable_bytes: 256 << 10, ..config(Path::new(path)) });
    create_spaces(&store);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = &store;
            scope.spawn(move || {
                let chance = Chance::real();
                for number in last_of(&store.view(), writer) + 1.. {
                    let size = if chance.happens(large_share) { 40_000 } else { chance.below(600) as usize };
                    write(store, writer, number, size).unwrap();
                    acknowledge(writer, number);
                }
            });
        }
    });
}

/// Starts the child.
pub(crate) fn start(path: &Path, kind: &str) -> Child {
    let binary = std::env::current_exe().unwrap();
    let mut child = Command::new(binary)
        .args(["--exact", "kill::child", "--ignored", "--nocapture"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{kind} {}", path.display()).unwrap();
    child
}

/// When the time that a child has begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    /// When it is started, so that opening is hit too.
    Start,
    /// When it has acknowledged something.
    FirstWrite,
}

/// Lets the child write for a while, kills it, and notes what it had acknowledged.
pub(crate) fn run_and_kill(mut child: Child, from: From, span: Duration, acknowledged: &mut Acknowledged) {
    let mut output = child.stdout.take().unwrap();
    let (begin, begun) = channel();
    let reader = std::thread::spawn(move || {
        let (mut bytes, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            let read = output.read(&mut chunk).unwrap();
            bytes.extend(&chunk[..read]);
            if bytes.windows(4).any(|word| word == b"ack ") || read == 0 {
                begin.send(()).unwrap();
                output.read_to_end(&mut bytes).unwrap();
                return bytes;
            }
        }
    });
    if from == From::FirstWrite {
        begun.recv_timeout(Duration::from_secs(30)).expect("the child writes nothing");
    }
    std::thread::sleep(span);
    let ended = child.try_wait().unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let bytes = reader.join().unwrap();
    if ended.is_some() {
        let mut words = String::new();
        child.stderr.take().unwrap().read_to_string(&mut words).unwrap();
        panic!("the child ended by itself: {}\n{words}", String::from_utf8_lossy(&bytes));
    }
    acknowledged.read(BufReader::new(&bytes[..]));
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let (clock, chance) = (Clock::start(), Chance::real());
    let start_time = clock.now();
    let mut acknowledged = Acknowledged::default();
    let (mut rounds, mut repairs) = (0, 0);
    while rounds < ROUNDS && clock.now() - start_time < TIME_MAX {
        rounds += 1;
        let (from, millis) = if chance.happens(0.2) { (From::Start, 100) } else { (From::FirstWrite, 300) };
        let span = Duration::from_millis(chance.below(millis));
        run_and_kill(start(directory.path(), SMALL), from, span, &mut acknowledged);
        let (store, opened) = open(config(directory.path()));
        assert!(!opened.repairs.iter().any(store::Repair::may_have_lost), "{:?}", opened.repairs);
        repairs += opened.repairs.len();
        assert_eq!(faults(&store.view(), &acknowledged), [""; 0], "round {rounds}");
    }
    let count = acknowledged.count();
    say(&format!("kill: {rounds} of {ROUNDS} rounds, {count} acknowledged, {repairs} torn tails mended"));
    assert!(count > u64::from(rounds), "hardly anything was written: {acknowledged:?}");
}

#[test]
fn nothing_acknowledged_is_lost_when_journals_are_closed_and_removed_meanwhile() {
    let directory = tempfile::tempdir().unwrap();
    let (clock, chance) = (Clock::start(), Chance::real());
    let start_time = clock.now();
    let mut acknowledged = Acknowledged::default();
    let mut journals = Vec::new();
    let mut rounds = 0;
    while rounds < 8 && clock.now() - start_time < TIME_MAX / 2 {
        rounds += 1;
        let span = Duration::from_millis(500 + chance.below(1_000));
        run_and_kill(start(directory.path(), LARGE), From::FirstWrite, span, &mut acknowledged);
        let (store, opened) = open(config(directory.path()));
        assert!(!opened.repairs.iter().any(store::Repair::may_have_lost), "{:?}", opened.repairs);
        assert_eq!(faults(&store.view(), &acknowledged), [""; 0], "round {rounds}");
        journals.push(newest_journal(directory.path()));
    }
    let count = acknowledged.count();
    say(&format!(
        "kill with large values: {rounds} rounds, {count} acknowledged, newest journals {journals:?}"
    ));
}

fn newest_journal(path: &Path) -> u64 {
    let names = std::fs::read_dir(path.join("fjall")).unwrap().map(|entry| entry.unwrap().file_name());
    let numbers = names.filter_map(|name| name.to_str()?.strip_suffix(".jnl")?.parse().ok());
    numbers.max().unwrap()
}
