//! Streams that are lost, and found again.

use super::{service::Fault, *};

#[tokio::test(start_paused = true)]
async fn a_follower_that_fell_behind_the_trim_horizon_begins_again() {
    let rig = Rig::following(&["a", "b"]).await;
    rig.service.fail("GetRecords", Fault::NoAnswer);
    rig.pass(1.0).await;
    rig.service.write("a");
    rig.service.trim("a");
    rig.service.recover();
    rig.pass(5.0).await;
    // Once when it was noticed, once when every shard was read again.
    assert_eq!(rig.losses(), 3);
    assert!(rig.is_following() && rig.changes().is_empty());
    let written = rig.service.write("a");
    rig.pass(0.3).await;
    assert_eq!(rig.changes(), [written]);
    assert_eq!(rig.metric("cache_stream_losses_total"), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn an_expired_iterator_is_replaced_behind_the_last_record() {
    let rig = Rig::following(&["a"]).await;
    let mut written = vec![rig.service.write("a")];
    rig.pass(1.0).await;
    rig.service.fail("GetRecords", Fault::NoAnswer);
    rig.pass(5.0).await;
    written.push(rig.service.write("a"));
    rig.pass(service::ITERATORS_LAST.as_secs_f64()).await;
    rig.service.recover();
    rig.pass(12.0).await;
    assert_eq!((rig.losses(), rig.changes()), (1, written));
    assert!(rig.lag() < CAUGHT_UP);
}

#[tokio::test(start_paused = true)]
async fn an_expired_iterator_of_a_shard_without_records_is_a_gap() {
    let rig = Rig::following(&["a"]).await;
    rig.service.fail("GetRecords", Fault::NoAnswer);
    rig.pass(5.0).await;
    rig.service.write("a");
    rig.pass(service::ITERATORS_LAST.as_secs_f64()).await;
    rig.service.recover();
    rig.pass(15.0).await;
    assert_eq!((rig.losses(), rig.is_following()), (3, true));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_switched_off_is_lost_until_there_is_another() {
    let rig = Rig::following(&["a", "b"]).await;
    rig.service.disable();
    rig.pass(1.0).await;
    assert_eq!((rig.losses(), rig.state()), (2, State::Lost(Loss::Disabled)));
    assert_eq!(rig.metric("cache_stream_lag_seconds"), None);
    assert_eq!(rig.metric("cache_stream_following"), Some(0.0));
    rig.pass(200.0).await;
    assert_eq!((rig.losses(), rig.state()), (2, State::Lost(Loss::Disabled)));
    rig.service.enable("2", &["a"]);
    rig.service.write("a");
    rig.pass(61.0).await;
    assert_eq!((rig.losses(), rig.is_following()), (3, true));
    rig.changes();
    let written = rig.service.write("a");
    rig.pass(0.3).await;
    assert_eq!(rig.changes(), [written]);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_made_again_is_followed_by_its_new_stream() {
    let rig = Rig::following(&["a"]).await;
    rig.service.enable("2", &["x", "y"]);
    rig.pass(3.0).await;
    assert_eq!((rig.losses(), rig.is_following()), (3, true));
    let written = rig.service.write("y");
    rig.pass(0.3).await;
    assert_eq!(rig.changes(), [written]);
}

#[tokio::test(start_paused = true)]
async fn a_table_without_a_stream_is_asked_seldom_and_followed_once_it_has_one() {
    let rig = Rig::new();
    rig.follower.follow("Tab").unwrap();
    rig.pass(3600.0).await;
    assert_eq!((rig.losses(), rig.state()), (0, State::Lost(Loss::NoStream)));
    assert_eq!(rig.metric("cache_stream_following"), Some(0.0));
    let asked = rig.service.backend.asked("DescribeTable").len();
    assert!((50..140).contains(&asked), "{asked}");
    rig.service.enable("1", &["a"]);
    rig.pass(61.0).await;
    assert_eq!((rig.losses(), rig.is_following()), (1, true));
}

#[tokio::test(start_paused = true)]
async fn refusals_are_losses_and_passing_trouble_is_not() {
    let cases = [
        ("GetRecords", "AccessDeniedException", Some(Loss::Refused)),
        ("GetRecords", "InternalServerError", None),
        ("GetRecords", "LimitExceededException", None),
        ("GetRecords", "ExpiredTokenException", None),
        ("DescribeStream", "AccessDeniedException", Some(Loss::Refused)),
        ("DescribeStream", "ThrottlingException", None),
        ("DescribeStream", "ResourceNotFoundException", Some(Loss::Gone)),
    ];
    for (operation, code, expected) in cases {
        let rig = Rig::following(&["a"]).await;
        rig.service.fail(operation, Fault::Error(code));
        rig.pass(100.0).await;
        let state = match rig.state() {
            State::Lost(loss) => Some(loss),
            State::Following { .. } => None,
            State::Starting => panic!("{operation} {code}: starts again"),
        };
        assert_eq!(state, expected, "{operation} {code}");
        rig.service.recover();
        rig.pass(61.0).await;
        assert!(rig.is_following(), "{operation} {code}");
        assert_eq!(rig.losses(), if expected.is_some() { 3 } else { 1 }, "{operation} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_is_not_understood_costs_the_table_and_not_the_following() {
    let rig = Rig::following(&["a"]).await;
    let before = rig.service.write("a");
    rig.service.write_unreadable("a");
    rig.pass(1.0).await;
    assert_eq!((rig.losses(), rig.is_following()), (2, true));
    let after = rig.service.write("a");
    rig.pass(0.3).await;
    assert_eq!(rig.changes(), [before, after]);
    assert_eq!(rig.metric("cache_stream_unread_records_total"), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_origin_is_asked_until_it_answers() {
    let rig = Rig::new();
    rig.service.enable("1", &["a"]);
    rig.service.fail("DescribeTable", Fault::NoAnswer);
    rig.follower.follow("Tab").unwrap();
    rig.pass(3600.0).await;
    assert_eq!(rig.state(), State::Starting);
    rig.service.recover();
    rig.pass(61.0).await;
    assert!(rig.is_following());
}
