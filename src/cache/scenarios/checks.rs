//! Shadow mode, verification, and the report.

use super::*;

fn report(rig: &Rig) -> Value {
    rig.node.report_action().run(&Value::Null).unwrap()["tables"][0].clone()
}

/// Has the origin's item at the version of a register.
fn rig(mode: Mode, verify: f64, register: &Register) -> Rig {
    let mut config = config();
    config.mode = mode;
    config.rules.default.verify = verify;
    let register = register.clone();
    Rig::configured(config, described, move |asked| match asked.operation {
        "GetItem" => now(200, register.item()),
        "BatchGetItem" => now(200, json!({ "Responses": { "Tab": [item("k", register.version())] } })),
        "Query" => {
            now(200, json!({ "Items": [item("k", register.version())], "Count": 1, "ScannedCount": 1 }))
        }
        _ => now(200, json!({})),
    })
}

#[tokio::test(start_paused = true)]
async fn in_shadow_mode_the_origin_answers_and_the_cache_is_judged() {
    let register = Register::default();
    let rig = rig(Mode::Shadow, 0.0, &register);
    rig.get("k").await;
    rig.settle().await;
    let query = json!({ "TableName": "Tab", "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": { ":p": { "S": "k" } } });
    for version in [1, 1, 2] {
        register.set(version);
        assert_eq!(rig.get("k").await, ("shadow", register.item()));
        let page = told(&rig.ask("Query", query.clone()).await);
        assert_eq!((page.0, &page.1["Items"][0]), ("shadow", &item("k", version)));
    }
    let batch = json!({ "RequestItems": { "Tab": { "Keys": [{ "p": { "S": "k" } }] } } });
    assert_eq!(told(&rig.ask("BatchGetItem", batch).await).0, "shadow");
    let report = report(&rig);
    // What is read before it settled is not kept.
    assert_eq!((report["compared"].as_u64(), report["disagreed"].as_u64()), (Some(4), Some(2)), "{report}");
    assert_eq!(rig.asked("GetItem").len(), 4);
    // What is written through the node is known to it.
    rig.ask("PutItem", put(&item("k", 2))).await;
    rig.get("k").await;
    let after = self::report(&rig);
    assert_eq!(after["disagreed"], report["disagreed"], "{after}");
}

#[tokio::test(start_paused = true)]
async fn verified_hits_that_disagree_are_counted_and_dropped() {
    let register = Register::default();
    let rig = rig(Mode::On, 1.0, &register);
    rig.settle().await;
    rig.get("k").await;
    rig.settle().await;
    assert_eq!(rig.get("k").await.0, "hit");
    rig.pass(Duration::from_secs(1)).await;
    assert_eq!(report(&rig)["compared"], 1);
    register.set(1);
    assert_eq!(rig.get("k").await.0, "hit", "who writes beside the node is not seen");
    rig.pass(Duration::from_secs(1)).await;
    let report = report(&rig);
    assert_eq!((report["compared"].as_u64(), report["disagreed"].as_u64()), (Some(2), Some(1)));
    assert_eq!(rig.get("k").await, ("miss", register.item()));
    assert_eq!(rig.asked("GetItem").iter().filter(|body| body["ConsistentRead"] == true).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn in_shadow_mode_every_key_of_a_batch_is_judged() {
    let register = Register::default();
    let mut config = config();
    config.mode = Mode::Shadow;
    let version = register.clone();
    let rig = Rig::configured(config, described, move |_| {
        // In another order than they are asked for; `gone` is not there, and `late` is not got to.
        let items = [item("two", version.version()), item("one", 0)];
        let left = json!({ "Tab": { "Keys": [{ "p": { "S": "late" } }] } });
        now(200, json!({ "Responses": { "Tab": items }, "UnprocessedKeys": left }))
    });
    let keys = ["one", "two", "gone", "late"].map(|key| json!({ "p": { "S": key } }));
    let batch = json!({ "RequestItems": { "Tab": { "Keys": keys } } });
    rig.ask("BatchGetItem", batch.clone()).await;
    rig.settle().await;
    for (now, expected) in [(0, [0, 0]), (0, [3, 0]), (1, [6, 1]), (1, [8, 1])] {
        register.set(now);
        rig.ask("BatchGetItem", batch.clone()).await;
        let report = report(&rig);
        let counted = ["compared", "disagreed"].map(|name| report[name].as_u64().unwrap());
        assert_eq!(counted, expected, "{report}");
    }
}
