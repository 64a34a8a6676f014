//! What the origin changes by itself, and says so.

use backend::{Ending, OwnChange};
use model::Item;

use super::*;

fn changes(key: &str) -> Vec<OwnChange> {
    let key: Item = serde_json::from_value(json!({ "p": { "S": key } })).unwrap();
    vec![OwnChange { table: "Tab".to_owned(), key }]
}

/// A node over an origin that has version 1 of every item.
fn rig() -> (Rig, Register) {
    let register = Register::default();
    register.set(1);
    let answers = register.clone();
    (Rig::new(move |_| now(200, answers.item())), register)
}

#[tokio::test(start_paused = true)]
async fn an_item_that_the_origin_changes_is_not_read_from_before() {
    let (rig, register) = rig();
    rig.get("k").await;
    rig.get("other").await;
    let announced = rig.origin.feed.begin(&changes("k")).unwrap();
    // From here on the change may be seen, so an entry from before must not be.
    register.set(2);
    for _ in 0..2 {
        assert_eq!(rig.get("k").await, ("miss-not-stored", json!({ "Item": item("k", 2) })));
    }
    announced.end(Ending::Known);
    rig.settle().await;
    assert_eq!(rig.get("k").await.0, "miss");
    assert_eq!(rig.get("k").await, ("hit", json!({ "Item": item("k", 2) })));
    assert_eq!(rig.get("other").await.0, "hit", "just the item that changed is dropped");
}

#[tokio::test(start_paused = true)]
async fn a_fill_from_before_a_change_does_not_land_after_it() {
    let slow = Rig::new(|_| later(Duration::from_secs(1), now(200, json!({ "Item": item("k", 1) }))));
    slow.get("warm").await;
    let flight = slow.ask_aside("GetItem", get("k"), PATIENCE);
    slow.pass(Duration::from_millis(500)).await;
    slow.origin.feed.begin(&changes("k")).unwrap().end(Ending::Known);
    flight.await.unwrap().unwrap();
    slow.settle().await;
    assert_eq!(slow.get("k").await.0, "miss");
}

#[tokio::test(start_paused = true)]
async fn a_change_that_nobody_knows_the_end_of_leaves_doubt() {
    for ending in [Some(Ending::Unknown), None] {
        let (rig, _) = rig();
        rig.get("k").await;
        let announced = rig.origin.feed.begin(&changes("k")).unwrap();
        match ending {
            Some(ending) => announced.end(ending),
            None => drop(announced),
        }
        for _ in 0..2 {
            assert_eq!(rig.get("k").await.0, "miss-not-stored", "{ending:?}");
        }
        rig.pass(DOUBT + SETTLE + Duration::from_millis(2)).await;
        rig.get("k").await;
        assert_eq!(rig.get("k").await.0, "hit");
    }
}
