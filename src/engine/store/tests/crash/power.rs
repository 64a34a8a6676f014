//! Power cuts: what only the page cache knows is gone.
//!
//! The store lies in a file system in a file. The writer is killed, and the file is copied at once: what the file
//! system had not written to its device is not in the copy. A kill alone proves nothing about syncs; that this
//! does is shown by a store that never syncs, which must fail.

use std::{path::Path, process::Command, time::Duration};

use base::Chance;

use crate::{
    config,
    kill::{From, NEVER_SYNCED, SMALL, run_and_kill, start},
    mount::{Mount, image, run},
    open, say,
    workload::{Acknowledged, faults},
};

/// What a power cut left of the store in a fresh file system, or `None` if there can be none here.
fn cut(test: &str, kind: &str, span: Duration) -> Option<(Vec<String>, Acknowledged)> {
    let folder = tempfile::tempdir().unwrap();
    let image = image(test, folder.path())?;
    let mounted = Mount::new(test, &["-o", "loop", image.to_str().unwrap()])?;
    let mut acknowledged = Acknowledged::default();
    // The store is there before the cut: that is another test.
    drop(open(config(&mounted.path().join("store"))));
    run_and_kill(start(&mounted.path().join("store"), kind), From::FirstWrite, span, &mut acknowledged);
    let copy = folder.path().join("copy");
    run(Command::new("cp").args(["--sparse=always"]).args([&image, &copy])).unwrap();
    drop(mounted);
    let mounted = Mount::new(test, &["-o", "loop", copy.to_str().unwrap()])?;
    Some((look(&mounted.path().join("store"), &acknowledged), acknowledged))
}

fn look(path: &Path, acknowledged: &Acknowledged) -> Vec<String> {
    let (store, opened) = open(config(path));
    let mut faults = faults(&store.view(), acknowledged);
    faults.extend(opened.repairs.iter().filter(|repair| repair.may_have_lost()).map(ToString::to_string));
    faults
}

#[test]
fn nothing_acknowledged_is_lost_when_the_power_is_cut() {
    let chance = Chance::real();
    let mut count = 0;
    let rounds = 8;
    for round in 0..rounds {
        let span = Duration::from_millis(50 + chance.below(500));
        let Some((faults, acknowledged)) = cut("power cuts", SMALL, span) else { return };
        assert_eq!(faults, [""; 0], "round {round}");
        count += acknowledged.count();
    }
    say(&format!("power cuts: {rounds} rounds, {count} acknowledged"));
    assert!(count > rounds, "hardly anything was written");
}

#[test]
fn a_power_cut_shows_that_a_store_does_not_sync() {
    for _ in 0..5 {
        let span = Duration::from_millis(400);
        let Some((faults, acknowledged)) = cut("a store that never syncs", NEVER_SYNCED, span) else {
            return;
        };
        if !faults.is_empty() {
            say(&format!(
                "power cuts: without syncs, of {} acknowledged: {}",
                acknowledged.count(),
                faults[0]
            ));
            return;
        }
    }
    panic!("five power cuts in a row did not show that nothing was synced");
}
