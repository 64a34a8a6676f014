use base::Clock;

use super::*;

fn listed(id: &str, parent: Option<&str>, is_open: bool) -> Listed {
    Listed { id: id.into(), parent: parent.map(Into::into), is_open }
}

fn names(ids: &[ShardId]) -> Vec<&str> {
    ids.iter().map(|id| &**id).collect()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn reading_begins_with_the_open_shards() {
    let now = Clock::start().now();
    let shards = [
        listed("a", None, false),
        listed("b", Some("a"), true),
        listed("c", Some("a"), false),
        listed("d", Some("c"), true),
        listed("e", None, true),
    ];
    let (mut lineage, open) = Lineage::begin(&shards, now);
    assert_eq!(names(&open), ["b", "d", "e"]);
    assert!(lineage.due().is_empty() && !lineage.lacks_heirs(now));
}

#[test]
fn a_shard_waits_until_its_parent_is_read() {
    let now = Clock::start().now();
    let (mut lineage, _) = Lineage::begin(&[listed("a", None, true), listed("x", None, false)], now);
    let family = [
        // A grandchild may be listed before its parent, and a parent may be trimmed away.
        listed("0", Some("b"), true),
        listed("a", None, false),
        listed("b", Some("a"), false),
        listed("c", Some("a"), true),
        listed("d", Some("x"), true),
        listed("e", Some("long gone"), true),
    ];
    lineage.learn(&family);
    assert_eq!(names(&lineage.due()), ["d", "e"]);
    assert!(lineage.due().is_empty());
    lineage.finish(&"a".into(), now);
    assert_eq!(names(&lineage.due()), ["b", "c"]);
    lineage.finish(&"b".into(), now);
    assert_eq!(names(&lineage.due()), ["0"]);
}

#[test]
fn what_is_no_longer_listed_is_forgotten_unless_it_is_read() {
    let now = Clock::start().now();
    let (mut lineage, _) = Lineage::begin(&[listed("a", None, true), listed("x", None, false)], now);
    lineage.learn(&[listed("b", Some("a"), true)]);
    assert_eq!(lineage.shards.keys().map(|id| &**id).collect::<Vec<_>>(), ["a", "b"]);
    lineage.finish(&"a".into(), now);
    assert_eq!(names(&lineage.due()), ["b"]);
}

#[test]
fn heirs_are_missed_for_a_while() {
    let now = Clock::start().now();
    let (mut lineage, _) = Lineage::begin(&[listed("a", None, false), listed("b", None, true)], now);
    assert!(lineage.lacks_heirs(now), "a shard that was closed at the beginning has heirs too");
    lineage.finish(&"a".into(), now);
    assert!(lineage.lacks_heirs(now) && lineage.lacks_heirs(now + 59 * SECOND));
    // Shards merge: this one has none.
    assert!(!lineage.lacks_heirs(now + 60 * SECOND));
    lineage.learn(&[listed("a", None, false), listed("b", None, true), listed("c", Some("a"), true)]);
    assert!(!lineage.lacks_heirs(now));
    // Of a stream that is switched on somebody must be alive.
    lineage.finish(&"b".into(), now);
    lineage.due();
    lineage.finish(&"c".into(), now);
    assert!(lineage.lacks_heirs(now + 600 * SECOND));
    assert!(Lineage::begin(&[], now).0.lacks_heirs(now));
}

#[test]
fn the_lag_is_that_of_the_shard_furthest_behind() {
    let began = Clock::start().now();
    let at = |seconds: u32| began + seconds * SECOND;
    let (mut lineage, _) = Lineage::begin(&[listed("a", None, true), listed("b", None, true)], began);
    let lag = |lineage: &Lineage, seconds: u32| lineage.mark(at(seconds)).lag(at(seconds)).as_secs();
    assert_eq!(lag(&lineage, 5), 5);
    lineage.advance(&"a".into(), Mark::at(at(9)), at(10));
    assert_eq!(lag(&lineage, 10), 10);
    lineage.advance(&"b".into(), Mark { asked_at: at(10), behind: 3 * SECOND }, at(10));
    assert_eq!(lag(&lineage, 10), 3);
    // A record's time is no news where a later read found nothing.
    lineage.advance(&"b".into(), Mark::at(at(11)), at(11));
    lineage.advance(&"b".into(), Mark { asked_at: at(12), behind: 3 * SECOND }, at(12));
    lineage.advance(&"a".into(), Mark::at(at(12)), at(12));
    assert_eq!(lag(&lineage, 12), 1);
    // A child that waits is as far behind as its parent was when it was seen, and counts until it is read itself.
    lineage.finish(&"a".into(), at(13));
    lineage.learn(&[listed("a", None, false), listed("b", None, true), listed("c", Some("a"), true)]);
    lineage.advance(&"b".into(), Mark::at(at(20)), at(20));
    assert_eq!(lag(&lineage, 20), 8);
    lineage.due();
    lineage.advance(&"c".into(), Mark::at(at(20)), at(20));
    assert_eq!(lag(&lineage, 20), 0);
    // So does one that ended, while its heirs are not known.
    lineage.finish(&"c".into(), at(21));
    lineage.advance(&"b".into(), Mark::at(at(30)), at(30));
    assert_eq!(lag(&lineage, 30), 10);
}

#[test]
fn shards_that_descend_from_each_other_end_nothing() {
    let now = Clock::start().now();
    let (mut lineage, _) = Lineage::begin(&[listed("a", None, true)], now);
    lineage.learn(&[
        listed("a", None, true),
        listed("b", Some("c"), true),
        listed("c", Some("b"), true),
        listed("d", Some("d"), true),
    ]);
    assert!(lineage.due().is_empty());
    assert_eq!(lineage.mark(now + SECOND).lag(now + SECOND), SECOND);
}
