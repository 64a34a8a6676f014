//! What the service takes, and where following ends.

use super::{service::Fault, *};

/// The most moments of a list that lie within one second.
fn busiest_second(moments: &[Instant]) -> usize {
    let within = |start: &Instant| {
        let end = *start + Duration::from_secs(1);
        moments.iter().filter(|moment| (*start..end).contains(*moment)).count()
    };
    moments.iter().map(within).max().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_shard_is_read_at_most_five_times_a_second() {
    let rig = Rig::polling(Duration::from_millis(1), 1);
    rig.service.enable("1", &["a", "b"]);
    rig.follower.follow("Tab").unwrap();
    let faults = [
        None,
        Some(Fault::NoAnswer),
        Some(Fault::Error("ExpiredIteratorException")),
        Some(Fault::Error("ProvisionedThroughputExceededException")),
    ];
    let mut busy = "a".to_owned();
    for round in 0..200_usize {
        rig.service.write(&busy);
        if round % 20 == 19 {
            let child = format!("{busy}a");
            rig.service.split(&busy, &[&child]);
            busy = child;
        }
        match faults[round / 5 % faults.len()] {
            Some(fault) => rig.service.fail("GetRecords", fault),
            None => rig.service.recover(),
        }
        rig.pass(0.3).await;
    }
    rig.service.recover();
    rig.pass(20.0).await;
    let reads = rig.service.kept().reads.clone();
    let busiest: Vec<usize> = reads.values().map(|moments| busiest_second(moments)).collect();
    // As often as that, where nothing is in the way.
    assert!(busiest.len() > 5 && busiest.iter().max() == Some(&5), "{busiest:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_throttled_asks_less_often() {
    let rig = Rig::following(&["a"]).await;
    rig.service.fail("GetRecords", Fault::Error("ProvisionedThroughputExceededException"));
    let before = rig.service.kept().reads["a"].len();
    rig.pass(60.0).await;
    let asked = rig.service.kept().reads["a"].len() - before;
    assert!((6..25).contains(&asked), "{asked}");
    rig.service.recover();
    let written = rig.service.write("a");
    rig.pass(11.0).await;
    assert_eq!(rig.changes(), [written]);
}

#[tokio::test(start_paused = true)]
async fn descriptions_are_at_most_five_a_second_for_all_tables_together() {
    let rig = Rig::new();
    rig.service.enable("1", &["a"]);
    for table in 0..40 {
        rig.follower.follow(&format!("Tab{table}")).unwrap();
    }
    rig.pass(120.0).await;
    let descriptions = rig.service.kept().descriptions.clone();
    assert!(descriptions.len() > 150, "{}", descriptions.len());
    assert!(busiest_second(&descriptions) <= 5);
}

#[tokio::test(start_paused = true)]
async fn a_table_is_followed_once() {
    let rig = Rig::following(&["a"]).await;
    rig.follower.follow("Tab").unwrap();
    assert_eq!(rig.drain.running(), 1);
    let written = rig.service.write("a");
    rig.pass(1.0).await;
    assert_eq!(rig.changes(), [written]);
}

#[tokio::test(start_paused = true)]
async fn tables_and_shards_beyond_the_limits_are_not_followed() {
    let rig = Rig::new();
    let ids: Vec<String> =
        (0..=super::super::walk::SHARDS_MAX).map(|number| format!("{number:05}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    rig.service.enable("1", &ids);
    rig.follower.follow("Tab").unwrap();
    rig.pass(10.0).await;
    assert_eq!(rig.state(), State::Lost(Loss::TooManyShards));
    assert!(rig.service.kept().reads.is_empty());
    for table in 1..TABLES_MAX {
        rig.follower.follow(&format!("Tab{table}")).unwrap();
    }
    assert_eq!(rig.follower.follow("OneMore"), Err(TooManyTables));
    assert_eq!(rig.follower.state("OneMore"), None);
    rig.follower.forget("Tab1");
    assert_eq!(rig.follower.follow("OneMore"), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_forgotten_is_left_alone() {
    let rig = Rig::following(&["a"]).await;
    rig.follower.forget("Tab");
    rig.service.write("a");
    let reads = rig.service.kept().reads["a"].len();
    rig.pass(10.0).await;
    assert_eq!(rig.service.kept().reads["a"].len(), reads);
    assert_eq!((rig.follower.state("Tab"), rig.drain.running()), (None, 0));
    assert_eq!(rig.metric("cache_stream_following"), None);
    assert_eq!(rig.metric("cache_stream_lag_seconds"), None);
    // Followed again, it begins again.
    rig.follower.follow("Tab").unwrap();
    rig.pass(1.0).await;
    assert_eq!((rig.losses(), rig.is_following()), (2, true));
}

#[tokio::test(start_paused = true)]
async fn following_ends_with_the_process() {
    let rig = Rig::following(&["a"]).await;
    // Also while the origin does not answer.
    rig.service.kept().delay = Duration::from_secs(3600);
    rig.pass(1.0).await;
    rig.drain.begin();
    assert_eq!(rig.drain.finished(Duration::from_millis(1)).await, 0);
}
