//! What a table's stream tells of writes beside the node.

use super::*;
use crate::{
    Coherence,
    follow::{Change, Event, Image},
};

fn rig(register: &Register) -> Rig {
    let mut config = config();
    config.rules.default.coherence = Coherence::Stream;
    let register = register.clone();
    Rig::configured(config, described, move |asked| match asked.operation {
        "GetItem" => now(200, register.item()),
        _ => now(200, json!({})),
    })
}

/// The stream tells that the item came to this version.
fn hears(rig: &Rig, version: u32) {
    let key = json!({ "p": { "S": "k" } });
    let change = Change {
        event: Event::Modify,
        key: serde_json::from_value(key).unwrap(),
        old: Image::Hidden,
        new: Image::Item(serde_json::from_value(item("k", version)).unwrap()),
        sequence_number: version.to_string(),
        created_at: None,
    };
    rig.node.core.hear("Tab", &change);
}

#[tokio::test(start_paused = true)]
async fn what_a_read_brought_is_dropped_by_its_record_and_asked_for_strongly() {
    let register = Register::default();
    let rig = rig(&register);
    rig.settle().await;
    for (version, told) in [(1, 1), (1, 2)] {
        register.set(version);
        rig.get("k").await;
        hears(&rig, told);
        // An eviction would bring it to light, had the record left the entry alone because it shows the same.
        rig.node.core.shelves.clear();
        assert_eq!(rig.get("k").await.0, "miss");
        assert_eq!(rig.asked("GetItem").last().unwrap()["ConsistentRead"], true, "{version} {told}");
        rig.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_write_through_the_node_leaves_its_image_alone() {
    let rig = rig(&Register::default());
    rig.get("k").await;
    rig.ask("PutItem", put(&item("k", 1))).await;
    hears(&rig, 1);
    assert_eq!(rig.get("k").await, ("hit", json!({ "Item": item("k", 1) })));
    hears(&rig, 2);
    assert_eq!(rig.get("k").await.0, "miss");
}
