use base::Clock;

use super::*;

const INTERVAL: Duration = Duration::from_millis(250);
const SECOND: Duration = Duration::from_secs(1);

fn listed(id: &str, parent: Option<&str>, is_open: bool) -> Listed {
    Listed { id: id.into(), parent: parent.map(Into::into), is_open }
}

fn begin(shards: &[Listed], now: Instant) -> (Walk, Vec<Errand>) {
    Walk::begin(shards, now, INTERVAL, Chance::seeded(1)).unwrap()
}

/// A walk along one shard, `a`, that was read once.
fn under_way(now: Instant) -> Walk {
    let (mut walk, _) = begin(&[listed("a", None, true)], now);
    walk.iterated(&"a".into(), Ok("it".to_owned()), now).unwrap();
    walk.read(&"a".into(), "it".to_owned(), now, Ok(nothing(Some("it"))), now).unwrap();
    assert!(walk.has_begun());
    walk
}

fn nothing(next: Option<&str>) -> Page {
    Page { found: Found::Nothing, next: next.map(str::to_owned) }
}

fn records(last: Option<&str>, behind: Duration) -> Page {
    let last_sequence_number = last.map(str::to_owned);
    Page { found: Found::Records { behind: Some(behind), last_sequence_number }, next: Some("it".to_owned()) }
}

fn only(errands: Vec<Errand>) -> Errand {
    let [errand] = errands.try_into().unwrap();
    errand
}

#[test]
fn a_walk_begins_once_every_shard_was_read_or_ended() {
    let now = Clock::start().now();
    let (mut walk, errands) = begin(&[listed("a", None, true), listed("b", None, true)], now);
    let begins = |errand: &Errand| errand.what == What::Iterator(Place::Latest) && errand.at == now;
    assert!(errands.len() == 2 && errands.iter().all(begins));
    for shard in ["a", "b"] {
        walk.iterated(&shard.into(), Ok("it".to_owned()), now).unwrap();
        assert!(!walk.has_begun());
    }
    walk.read(&"a".into(), "it".to_owned(), now, Ok(nothing(Some("it"))), now).unwrap();
    walk.read(&"b".into(), "it".to_owned(), now, Err(Trouble::Throttled), now).unwrap();
    assert!(!walk.has_begun());
    walk.read(&"b".into(), "it".to_owned(), now, Ok(nothing(None)), now).unwrap();
    assert!(walk.has_begun());
    assert!(begin(&[], now).0.has_begun());
}

#[test]
fn the_next_read_comes_after_the_interval_and_never_too_soon() {
    let now = Clock::start().now();
    for (interval, expected) in [(1, 200..=200), (250, 225..=250), (2000, 1800..=2000)] {
        let interval = Duration::from_millis(interval);
        let shards = [listed("a", None, true)];
        let (mut walk, _) = Walk::begin(&shards, now, interval, Chance::seeded(1)).unwrap();
        let mut wait = |page: Page| {
            // It counts from when it was asked, however long the answer took.
            let errand = walk.read(&"a".into(), "it".to_owned(), now, Ok(page), now + SECOND).unwrap();
            (only(errand).at - now).as_millis()
        };
        let waited = wait(nothing(Some("it")));
        assert!(expected.contains(&waited), "{interval:?}: {waited}");
        assert_eq!(wait(records(Some("7"), SECOND)), 200, "there may be more");
    }
}

#[test]
fn trouble_is_waited_out_or_ends_the_walk() {
    let now = Clock::start().now();
    let with = |trouble| {
        let mut walk = under_way(now);
        walk.read(&"a".into(), "it".to_owned(), now, Err(trouble), now)
    };
    for trouble in [Trouble::Throttled, Trouble::Failed] {
        let again = only(with(trouble).unwrap());
        assert_eq!(again.what, What::Records("it".to_owned()));
        assert!(again.at >= now + BETWEEN_READS && again.at <= now + READS.first);
    }
    for loss in [Loss::Trimmed, Loss::Gone, Loss::Refused] {
        assert_eq!(with(Trouble::Lost(loss)), Err(loss));
    }
    assert_eq!(with(Trouble::Expired), Err(Loss::Expired), "nobody knows where to go on");
}

#[test]
fn pauses_grow_while_a_shard_fails_and_are_short_again_after() {
    let now = Clock::start().now();
    let mut walk = under_way(now);
    let fail = |walk: &mut Walk| {
        let errands = walk.read(&"a".into(), "it".to_owned(), now, Err(Trouble::Failed), now).unwrap();
        only(errands).at - now
    };
    let longest = (0..10).map(|_| fail(&mut walk)).max();
    assert!(longest >= Some(READS.longest / 2), "{longest:?}");
    walk.read(&"a".into(), "it".to_owned(), now, Ok(nothing(Some("it"))), now).unwrap();
    assert!(fail(&mut walk) <= READS.first);
}

#[test]
fn reading_goes_on_behind_the_last_record_that_was_read() {
    let now = Clock::start().now();
    let expire = |walk: &mut Walk| walk.read(&"a".into(), "it".to_owned(), now, Err(Trouble::Expired), now);
    let mut walk = under_way(now);
    for page in [records(Some("7"), SECOND), records(Some("8"), SECOND), nothing(Some("it"))] {
        walk.read(&"a".into(), "it".to_owned(), now, Ok(page), now).unwrap();
    }
    let again = only(expire(&mut walk).unwrap());
    assert_eq!(again.what, What::Iterator(Place::After("8".to_owned())));
    assert!(again.at >= now + BETWEEN_READS);
    // Neither may the new iterator be had at once.
    let once_more = only(walk.iterated(&"a".into(), Err(Trouble::Failed), now).unwrap());
    assert_eq!(once_more.what, again.what);
    walk.read(&"a".into(), "it".to_owned(), now, Ok(records(None, SECOND)), now).unwrap();
    assert_eq!(expire(&mut walk), Err(Loss::Expired), "its last record was not readable");
}

#[test]
fn shards_are_listed_when_heirs_are_missing_and_else_seldom() {
    let now = Clock::start().now();
    let mut walk = under_way(now);
    assert_eq!(walk.listing_due(), Some(now + LIST_EVERY));
    let at = now + SECOND;
    walk.read(&"a".into(), "it".to_owned(), at, Ok(nothing(None)), at).unwrap();
    assert_eq!(walk.listing_due(), Some(at));
    walk.list();
    assert_eq!(walk.listing_due(), None);
    let parent = listed("a", None, false);
    assert!(walk.listed(Ok(vec![parent.clone()]), at).unwrap().is_empty());
    let pause = walk.listing_due().unwrap() - at;
    assert!(pause >= LISTINGS.first / 2 && pause <= LISTINGS.first, "{pause:?}");
    let child = only(walk.listed(Ok(vec![parent, listed("b", Some("a"), true)]), at).unwrap());
    assert_eq!((&*child.shard, child.what), ("b", What::Iterator(Place::TrimHorizon)));
    assert_eq!(walk.listing_due(), Some(at + LIST_EVERY));
    for (failures, trouble) in [(1, Trouble::Throttled), (2, Trouble::Failed)] {
        walk.list();
        assert!(walk.listed(Err(trouble), at).unwrap().is_empty());
        assert!(walk.listing_due().unwrap() - at <= failures * LISTINGS.first);
    }
    assert_eq!(walk.listed(Err(Trouble::Lost(Loss::Disabled)), at), Err(Loss::Disabled));
}

#[test]
fn whoever_is_a_day_behind_has_missed_something() {
    let now = Clock::start().now();
    let walk = under_way(now);
    let day = 24 * 60 * 60 * SECOND;
    assert!(walk.mark(now + day - SECOND).is_ok());
    assert_eq!(walk.mark(now + day), Err(Loss::Trimmed));
}

#[test]
fn no_more_shards_are_read_than_there_may_be() {
    let now = Clock::start().now();
    let shards: Vec<Listed> =
        (0..SHARDS_MAX).map(|number| listed(&format!("{number:04}"), None, true)).collect();
    let (mut walk, errands) = begin(&shards, now);
    assert_eq!((errands.len(), walk.shards()), (SHARDS_MAX, SHARDS_MAX));
    let one_more = [shards, vec![listed("x", None, true)]].concat();
    assert_eq!(walk.listed(Ok(one_more.clone()), now), Err(Loss::TooManyShards));
    let begun = Walk::begin(&one_more, now, INTERVAL, Chance::seeded(1));
    assert_eq!(begun.err(), Some(Loss::TooManyShards));
}

#[test]
fn news_of_a_shard_that_is_no_longer_read_is_passed_over() {
    let now = Clock::start().now();
    let mut walk = under_way(now);
    assert_eq!(walk.iterated(&"x".into(), Ok("it".to_owned()), now), Ok(vec![]));
    assert_eq!(walk.read(&"x".into(), "it".to_owned(), now, Ok(nothing(None)), now), Ok(vec![]));
}
