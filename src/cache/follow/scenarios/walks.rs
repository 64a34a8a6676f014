//! Shards that are read in order, split, and hide.

use super::*;

#[tokio::test(start_paused = true)]
async fn changes_are_told_in_the_order_of_their_shard_and_soon() {
    let rig = Rig::following(&["a", "b"]).await;
    let before = rig.service.write("a");
    rig.pass(0.3).await;
    assert_eq!(rig.changes(), [before]);
    rig.service.kept().page = 2;
    let written: Vec<String> = (0..5).map(|_| rig.service.write("b")).collect();
    rig.pass(1.0).await;
    assert_eq!(rig.changes(), written);
    assert_eq!(rig.metric("cache_stream_records_total"), Some(6.0));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_trusted_until_every_shard_was_read_once() {
    use service::Fault::Error;
    for operation in ["GetShardIterator", "GetRecords"] {
        let rig = Rig::new();
        rig.service.enable("1", &["a", "b", "c"]);
        rig.service.fail(operation, Error("ProvisionedThroughputExceededException"));
        rig.follower.follow("Tab").unwrap();
        rig.service.write("a");
        rig.pass(60.0).await;
        assert_eq!((rig.state(), rig.losses()), (State::Starting, 0), "{operation}");
        assert_eq!(rig.metric("cache_stream_following"), Some(0.0));
        assert_eq!(rig.metric("cache_stream_lag_seconds"), None);
        rig.service.recover();
        rig.pass(11.0).await;
        assert_eq!(rig.losses(), 1, "{operation}");
        assert!(rig.is_following() && rig.lag() < CAUGHT_UP, "{operation}: {:?}", rig.state());
        rig.changes();
        let written = rig.service.write("c");
        rig.pass(0.3).await;
        assert_eq!(rig.changes(), [written], "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn children_are_read_after_their_parents_and_from_their_start() {
    let rig = Rig::following(&["a", "b"]).await;
    rig.service.kept().page = 1;
    let mut written: Vec<String> = (0..3).map(|_| rig.service.write("a")).collect();
    rig.service.split("a", &["c", "d"]);
    written.extend((0..3).map(|_| rig.service.write("c")));
    rig.service.split("c", &["e"]);
    written.push(rig.service.write("e"));
    rig.pass(5.0).await;
    assert_eq!(rig.changes(), written);
    let last = rig.service.write("d");
    rig.pass(0.3).await;
    assert_eq!(rig.changes(), [last]);
    assert!(rig.lag() < CAUGHT_UP, "{:?}", rig.state());
}

#[tokio::test(start_paused = true)]
async fn closed_shards_are_left_alone_and_their_children_are_followed() {
    let rig = Rig::new();
    rig.service.enable("1", &["a"]);
    rig.service.write("a");
    rig.service.split("a", &["b"]);
    rig.service.write("b");
    rig.follower.follow("Tab").unwrap();
    rig.pass(1.0).await;
    let written = rig.service.write("b");
    rig.pass(0.3).await;
    assert_eq!(rig.changes(), [written]);
    let shards: Vec<String> = rig.service.kept().reads.keys().cloned().collect();
    assert_eq!(shards, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn shards_that_are_listed_late_are_read_from_their_start() {
    // One whose parent was read, and one whose parent was closed before anything began.
    for begins_with in ["parent", "child"] {
        let rig = Rig::new();
        rig.service.enable("1", &["a", "z"]);
        if begins_with == "parent" {
            rig.follower.follow("Tab").unwrap();
            rig.pass(1.0).await;
        }
        rig.service.split("a", &["b"]);
        rig.service.hide("b", true);
        if begins_with == "child" {
            rig.follower.follow("Tab").unwrap();
        }
        rig.pass(20.0).await;
        let lag = rig.lag();
        // Of the heirs of a shard that ended nothing is known: that shows.
        assert!(lag > 19.0, "{begins_with}: {lag}");
        let written = rig.service.write("b");
        rig.service.hide("b", false);
        rig.pass(31.0).await;
        assert_eq!((rig.losses(), rig.changes()), (1, vec![written]), "{begins_with}");
        assert!(rig.lag() < CAUGHT_UP);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_shards_is_followed_once_it_has_some() {
    let rig = Rig::new();
    rig.service.enable("1", &["a"]);
    rig.service.hide("a", true);
    rig.follower.follow("Tab").unwrap();
    rig.pass(1.0).await;
    let written = rig.service.write("a");
    rig.service.hide("a", false);
    rig.pass(3.0).await;
    assert_eq!((rig.losses(), rig.changes()), (1, vec![written]));
}

#[tokio::test(start_paused = true)]
async fn shards_are_listed_page_by_page() {
    let rig = Rig::new();
    rig.service.kept().page = 2;
    rig.service.enable("1", &["a", "b", "c", "d", "e"]);
    rig.follower.follow("Tab").unwrap();
    rig.pass(2.0).await;
    let written = rig.service.write("e");
    rig.pass(0.3).await;
    assert_eq!(rig.changes(), [written]);
}

#[tokio::test(start_paused = true)]
async fn the_lag_is_the_age_of_the_last_read_that_found_nothing_or_of_the_last_record() {
    use service::Fault::NoAnswer;
    let rig = Rig::following(&["a", "b"]).await;
    rig.pass(100.0).await;
    assert!(rig.lag() < CAUGHT_UP, "{}", rig.lag());
    assert_eq!(rig.metric("cache_stream_following"), Some(1.0));
    rig.service.fail("GetRecords", NoAnswer);
    rig.pass(100.0).await;
    let lag = rig.lag();
    assert!((99.0..102.0).contains(&lag), "{lag}");
    let shown = rig.metric("cache_stream_lag_seconds").unwrap();
    assert!((lag - shown).abs() < 0.3, "{lag} {shown}");
    // Writes of a minute ago are waiting, and are read one by one.
    rig.service.kept().page = 1;
    (0..20).for_each(|_| drop(rig.service.write_aged("b", Duration::from_secs(60))));
    rig.service.recover();
    while rig.lag() > 90.0 {
        rig.pass(0.1).await;
    }
    let lag = rig.lag();
    assert!((59.0..72.0).contains(&lag), "{lag}");
    rig.pass(5.0).await;
    assert!(rig.lag() < CAUGHT_UP, "{}", rig.lag());
}
