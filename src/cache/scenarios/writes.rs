//! Writes: what they leave, what they drop, and what they leave in doubt.

use backend::FailureKind;

use super::*;

/// An origin that answers every write with success and every read with version 9 of the item.
fn rig() -> Rig {
    Rig::new(|asked| match asked.operation {
        "GetItem" => now(200, json!({ "Item": item("k", 9) })),
        "UpdateItem" if asked.body["ReturnValues"] == "ALL_NEW" => {
            now(200, json!({ "Attributes": item("k", 5) }))
        }
        _ => now(200, json!({})),
    })
}

/// What is read after a write, and how.
async fn read_after(operation: &str, body: Value) -> (&'static str, Value) {
    let rig = rig();
    rig.get("k").await;
    rig.ask(operation, body).await;
    rig.get("k").await
}

#[tokio::test(start_paused = true)]
async fn a_write_leaves_what_it_is_known_to_leave() {
    let written = item("k", 1);
    let update = |values: &str| {
        let mut update = get("k");
        update["ReturnValues"] = json!(values);
        update
    };
    let in_batch = |writes: Value| json!({ "RequestItems": { "Tab": writes } });
    let kept = |version| ("hit", json!({ "Item": item("k", version) }));
    let asked_for = ("miss", json!({ "Item": item("k", 9) }));
    let cases = [
        ("PutItem", put(&written), kept(1)),
        ("UpdateItem", update("ALL_NEW"), kept(5)),
        ("UpdateItem", update("UPDATED_NEW"), asked_for.clone()),
        ("DeleteItem", get("k"), ("negative-hit", json!({}))),
        ("BatchWriteItem", in_batch(json!([{ "PutRequest": { "Item": written } }])), kept(1)),
        (
            "BatchWriteItem",
            in_batch(json!([{ "DeleteRequest": { "Key": { "p": { "S": "k" } } } }])),
            ("negative-hit", json!({})),
        ),
        // Which of the two comes last is the origin's choice, if it takes them at all.
        (
            "BatchWriteItem",
            in_batch(json!([
                { "PutRequest": { "Item": written } },
                { "DeleteRequest": { "Key": { "p": { "S": "k" } } } },
            ])),
            asked_for.clone(),
        ),
        // A repeated token answers success without writing.
        ("TransactWriteItems", json!({ "TransactItems": [{ "Put": put(&written) }] }), asked_for.clone()),
        ("ExecuteStatement", json!({ "Statement": "UPDATE \"Tab\" SET v=1 WHERE p='k'" }), asked_for.clone()),
        ("ExecuteStatement", json!({ "Statement": "UPSERT something" }), asked_for.clone()),
        ("Frobnicate", json!({ "TableName": "Tab" }), asked_for.clone()),
        ("Frobnicate", json!({ "Anything": 1 }), asked_for),
    ];
    for (operation, body, expected) in cases {
        assert_eq!(read_after(operation, body.clone()).await, expected, "{operation} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_items_in_settled_form_are_left_by_a_put() {
    let attributes = [
        (json!({ "N": "1" }), "hit"),
        (json!({ "N": "1.0" }), "miss"),
        (json!({ "N": "1e3" }), "miss"),
        (json!({ "SS": ["b", "a"] }), "miss"),
        (json!({ "SS": ["a"] }), "hit"),
        (json!({ "M": { "x": { "N": "01" } } }), "miss"),
    ];
    for (value, word) in attributes {
        let item = json!({ "p": { "S": "k" }, "a": value });
        assert_eq!(read_after("PutItem", put(&item)).await.0, word, "{item}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_write_drops_the_entry_and_leaves_no_doubt() {
    let rig = Rig::new(|asked| match asked.operation {
        "GetItem" => now(200, json!({ "Item": item("k", 9) })),
        _ => now(400, error("ConditionalCheckFailedException")),
    });
    rig.get("k").await;
    assert_eq!(rig.ask("PutItem", put(&item("k", 1))).await.status().as_u16(), 400);
    assert_eq!(rig.get("k").await, ("miss", json!({ "Item": item("k", 9) })));
    assert_eq!(rig.get("k").await.0, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_write_without_a_definite_answer_is_in_doubt_for_a_while() {
    let answers: [fn() -> Answer; 5] = [
        || fails(Failure::new(FailureKind::Lost, "cut")),
        || fails(Failure::deadline()),
        || now(500, error("InternalServerError")),
        || now(400, error("TransactionInProgressException")),
        || now(400, json!({ "__type": "com.amazonaws#SomethingNew" })),
    ];
    for answer in answers {
        let rig = Rig::new(move |asked| match asked.operation {
            "GetItem" => now(200, json!({ "Item": item("k", 9) })),
            _ => answer(),
        });
        rig.get("k").await;
        rig.settle().await;
        drop(rig.try_ask(rig.call("PutItem", &put(&item("k", 1)), PATIENCE)).await);
        for _ in 0..2 {
            assert_eq!(rig.get("k").await.0, "miss-not-stored");
            assert_eq!(rig.asked("GetItem").last().unwrap()["ConsistentRead"], true);
        }
        // A write that begins in doubt may be overtaken by the one in doubt.
        rig.pass(DOUBT - Duration::from_millis(1)).await;
        assert_eq!(rig.get("k").await.0, "miss-not-stored");
        rig.pass(Duration::from_millis(2)).await;
        assert_eq!(rig.get("k").await.0, "miss");
        assert_eq!(rig.get("k").await.0, "hit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_never_answered_is_given_up_in_the_end() {
    let rig = Rig::new(|asked| match asked.operation {
        "GetItem" => now(200, json!({})),
        _ => never(),
    });
    rig.get("k").await;
    let write = rig.ask_aside("PutItem", put(&item("k", 1)), Duration::from_secs(1));
    assert_eq!(write.await.unwrap().unwrap_err().kind, FailureKind::TimedOut);
    assert_eq!(rig.drain.running(), 1, "the write itself goes on");
    rig.pass(DOUBT * 2 + Duration::from_millis(2)).await;
    assert_eq!(rig.drain.running(), 0);
    assert_eq!(rig.get("k").await.0, "miss");
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clients_that_hang_up_in_mid_write_leave_no_stale_entry() {
    let register = Register::default();
    let rig = Rig::new({
        let register = register.clone();
        move |asked| {
            let register = register.clone();
            Box::pin(async move {
                if asked.operation == "PutItem" {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    register.set(asked.body["Item"]["v"]["N"].as_str().unwrap().parse().unwrap());
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    return now(200, json!({})).await;
                }
                now(200, register.item()).await
            })
        }
    });
    rig.get("k").await;
    for version in 1..=1000 {
        let client = rig.ask_aside("PutItem", put(&item("k", version)), PATIENCE);
        rig.pass(Duration::from_millis(5)).await;
        client.abort();
    }
    rig.pass(Duration::from_millis(20)).await;
    assert_eq!(register.version(), 1000, "hanging up cancels nothing");
    for _ in 0..2 {
        assert_eq!(rig.get("k").await.1, register.item());
    }
    assert_eq!(rig.get("k").await.0, "hit");
}

#[tokio::test(start_paused = true)]
async fn overlapping_writes_leave_no_image() {
    let rig = Rig::new(|asked| match asked.operation {
        "GetItem" => now(200, json!({ "Item": item("k", 9) })),
        // The one that begins second ends first.
        _ if asked.body["Item"]["v"]["N"] == "1" => later(Duration::from_millis(30), now(200, json!({}))),
        _ => later(Duration::from_millis(5), now(200, json!({}))),
    });
    rig.get("k").await;
    let first = rig.ask_aside("PutItem", put(&item("k", 1)), PATIENCE);
    rig.pass(Duration::from_millis(10)).await;
    rig.ask("PutItem", put(&item("k", 2))).await;
    // The first may have been applied after the second, so nothing is known to be there.
    assert_eq!(rig.get("k").await, ("miss-not-stored", json!({ "Item": item("k", 9) })));
    first.await.unwrap().unwrap();
    assert_eq!(rig.get("k").await, ("miss", json!({ "Item": item("k", 9) })));
}

#[tokio::test(start_paused = true)]
async fn a_fill_that_a_write_overtakes_is_not_kept() {
    let rig = Rig::new(|asked| match asked.operation {
        "GetItem" => later(Duration::from_millis(30), now(200, json!({ "Item": item("k", 1) }))),
        _ => now(200, json!({})),
    });
    rig.ask("DeleteItem", get("other")).await;
    let reader = rig.ask_aside("GetItem", get("k"), PATIENCE);
    rig.pass(Duration::from_millis(5)).await;
    rig.ask("PutItem", put(&item("k", 2))).await;
    assert_eq!(rig.get("k").await, ("hit", json!({ "Item": item("k", 2) })));
    assert_eq!(told(&reader.await.unwrap().unwrap()).0, "miss-not-stored");
    assert_eq!(rig.get("k").await, ("hit", json!({ "Item": item("k", 2) })));
}

#[tokio::test(start_paused = true)]
async fn a_reader_never_shares_a_read_that_may_have_missed_what_was_applied() {
    let register = Register::default();
    let rig = Rig::new({
        let register = register.clone();
        move |asked| match asked.operation {
            "GetItem" => later(Duration::from_millis(20), now(200, register.item())),
            _ => never(),
        }
    });
    rig.get("k").await;
    let write = rig.ask_aside("PutItem", put(&item("k", 1)), PATIENCE);
    rig.pass(Duration::from_millis(1)).await;
    // It asks before the write is applied, and the others come afterwards.
    let early = rig.ask_aside("GetItem", get("k"), PATIENCE);
    rig.pass(Duration::from_millis(1)).await;
    register.set(1);
    let late: Vec<_> = (0..100).map(|_| rig.ask_aside("GetItem", get("k"), PATIENCE)).collect();
    assert_eq!(told(&early.await.unwrap().unwrap()).1["Item"], item("k", 0));
    for reader in late {
        assert_eq!(told(&reader.await.unwrap().unwrap()).1["Item"], item("k", 1));
    }
    assert_eq!(rig.asked("GetItem").len(), 3, "those who came too late went together");
    write.abort();
}

#[tokio::test(start_paused = true)]
async fn writes_that_are_not_understood_go_up_as_they_came_and_leave_nothing() {
    let requests = [
        r#"{ "TableName":"Tab","Item":{"p":{"S":"k"},"v":{"N":"1"}},"NewMember":1}"#,
        r#"{"TableName":"Tab","Item":{"p":{"S":"k"},"p":{"S":"k"}}}"#,
        r#"{"TableName":"Tab","Item":{"v":{"N":"1"}}}"#,
        r#"{"Item":{"p":{"S":"k"}}}"#,
        "not even json",
    ];
    for request in requests {
        let rig = rig();
        rig.get("k").await;
        rig.try_ask(rig.call_as_written("PutItem", request, PATIENCE)).await.unwrap();
        assert_eq!(rig.origin.asked("PutItem"), [request]);
        assert_eq!(rig.get("k").await, ("miss", json!({ "Item": item("k", 9) })), "{request}");
    }
}
