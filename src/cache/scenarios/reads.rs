//! `GetItem`: hits, misses, flights, and what is passed by.

use backend::FailureKind;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_thousand_readers_of_a_cold_key_ask_the_origin_once() {
    let rig = Rig::new(|_| later(Duration::from_millis(20), now(200, json!({ "Item": item("k", 1) }))));
    let readers: Vec<_> = (0..1000).map(|_| rig.ask_aside("GetItem", get("k"), PATIENCE)).collect();
    let mut words = std::collections::BTreeMap::new();
    for reader in readers {
        let (word, body) = told(&reader.await.unwrap().unwrap());
        assert_eq!(body["Item"], item("k", 1));
        *words.entry(word).or_insert(0) += 1;
    }
    assert_eq!(rig.asked("GetItem").len(), 1);
    assert_eq!(Vec::from_iter(words), [("collapsed", 999), ("miss", 1)]);
    assert_eq!(rig.get("k").await.0, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_fails_fails_everybody_aboard_and_nobody_later() {
    let fails_now = Arc::new(Mutex::new(true));
    let rig = Rig::new({
        let fails_now = Arc::clone(&fails_now);
        move |_| match *fails_now.lock().unwrap() {
            true => later(Duration::from_millis(20), fails(Failure::new(FailureKind::Lost, "cut"))),
            false => now(200, json!({})),
        }
    });
    let readers: Vec<_> = (0..100).map(|_| rig.ask_aside("GetItem", get("k"), PATIENCE)).collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap_err().kind, FailureKind::Lost);
    }
    assert_eq!(rig.asked("GetItem").len(), 1);
    *fails_now.lock().unwrap() = false;
    assert_eq!(rig.get("k").await.0, "miss");
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_origin_is_shared_as_it_is_and_not_kept() {
    let body = error("ProvisionedThroughputExceededException");
    let rig = Rig::new(move |_| later(Duration::from_millis(20), now(400, body.clone())));
    let readers: Vec<_> = (0..10).map(|_| rig.ask_aside("GetItem", get("k"), PATIENCE)).collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap().status().as_u16(), 400);
    }
    assert_eq!(rig.asked("GetItem").len(), 1);
    assert_eq!(rig.get("k").await.0, "miss-not-stored");
}

#[tokio::test(start_paused = true)]
async fn a_flight_that_times_out_hangs_nobody() {
    let rig = Rig::new(|_| never());
    let began = rig.clock.now();
    let readers: Vec<_> = (0..100).map(|_| rig.ask_aside("GetItem", get("k"), PATIENCE)).collect();
    for reader in readers {
        assert_eq!(reader.await.unwrap().unwrap_err().kind, FailureKind::TimedOut);
    }
    assert_eq!(rig.clock.now() - began, FILL_TIMEOUT);
    assert_eq!(rig.drain.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_flight_goes_on_when_its_first_reader_leaves() {
    let rig = Rig::new(|_| later(Duration::from_millis(20), now(200, json!({ "Item": item("k", 1) }))));
    let first = rig.ask_aside("GetItem", get("k"), PATIENCE);
    rig.pass(Duration::from_millis(5)).await;
    let second = rig.ask_aside("GetItem", get("k"), PATIENCE);
    rig.pass(Duration::from_millis(5)).await;
    first.abort();
    assert_eq!(told(&second.await.unwrap().unwrap()).0, "collapsed");
    assert_eq!(rig.asked("GetItem").len(), 1);
    assert_eq!(rig.get("k").await.0, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_follower_leaves_by_its_own_deadline() {
    let rig = Rig::new(|_| later(Duration::from_secs(1), now(200, json!({}))));
    let patient = rig.ask_aside("GetItem", get("k"), PATIENCE);
    let hasty = rig.ask_aside("GetItem", get("k"), Duration::from_millis(100));
    let began = rig.clock.now();
    assert_eq!(hasty.await.unwrap().unwrap_err().kind, FailureKind::TimedOut);
    assert_eq!(rig.clock.now() - began, Duration::from_millis(100));
    assert_eq!(told(&patient.await.unwrap().unwrap()).1, json!({}));
    assert_eq!(rig.asked("GetItem").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn items_and_their_absence_are_fresh_for_their_own_ttl() {
    let rig = Rig::new(|asked| match asked.body["Key"]["p"]["S"] == "absent" {
        true => now(200, json!({})),
        false => now(200, json!({ "Item": item("k", 1) })),
    });
    for (key, word, ttl) in [("k", "hit", TTL), ("absent", "negative-hit", NEGATIVE_TTL)] {
        assert_eq!(rig.get(key).await.0, "miss");
        rig.pass(ttl - Duration::from_millis(1)).await;
        assert_eq!(rig.get(key).await.0, word);
        rig.pass(Duration::from_millis(1)).await;
        assert_eq!(rig.get(key).await.0, "miss");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ttl_counts_from_when_the_origin_was_asked() {
    let rig = Rig::new(|_| later(Duration::from_secs(1), now(200, json!({}))));
    rig.get("k").await;
    rig.pass(NEGATIVE_TTL - Duration::from_millis(1001)).await;
    assert_eq!(rig.get("k").await.0, "negative-hit");
    rig.pass(Duration::from_millis(1)).await;
    assert_eq!(rig.get("k").await.0, "miss");
}

#[tokio::test(start_paused = true)]
async fn after_the_start_and_after_a_write_a_fill_asks_strongly_until_all_has_settled() {
    let rig = Rig::with_item(item("k", 1));
    // The image of a write would make fills needless, and one in another than the settled form leaves none.
    let unsettled = put(&json!({ "p": { "S": "k" }, "v": { "N": "1.0" } }));
    let asked_strongly = async || {
        rig.get("k").await;
        rig.asked("GetItem").last().unwrap()["ConsistentRead"] == true
    };
    rig.pass(SETTLE).await;
    assert!(asked_strongly().await, "as just after the start");
    rig.ask("PutItem", unsettled.clone()).await;
    rig.settle().await;
    assert!(!asked_strongly().await);
    rig.ask("PutItem", unsettled).await;
    rig.pass(SETTLE).await;
    assert!(asked_strongly().await);
}

#[tokio::test(start_paused = true)]
async fn parts_are_shown_from_the_whole_item_as_the_origin_would_show_them() {
    let whole = json!({
        "p": { "S": "k" }, "a": { "N": "1" }, "size": { "S": "x" },
        "m": { "M": { "x": { "N": "1" }, "y": { "N": "2" } } }, "l": { "L": [{ "N": "0" }, { "N": "1" }] },
    });
    let rig = Rig::with_item(whole.clone());
    let cases = [
        (
            json!({ "ProjectionExpression": "a, m.x, l[1]" }),
            json!({ "a": { "N": "1" }, "m": { "M": { "x": { "N": "1" } } }, "l": { "L": [{ "N": "1" }] } }),
        ),
        (
            json!({ "ProjectionExpression": "#s", "ExpressionAttributeNames": { "#s": "size" } }),
            json!({ "size": { "S": "x" } }),
        ),
        (json!({ "AttributesToGet": ["size", "p"] }), json!({ "p": { "S": "k" }, "size": { "S": "x" } })),
        (json!({ "ProjectionExpression": "gone" }), json!({})),
    ];
    // The first is a miss, which asks for the whole item too.
    for (parts, expected) in cases {
        let mut request = get("k");
        request.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        assert_eq!(told(&rig.ask("GetItem", request).await).1, json!({ "Item": expected }));
    }
    assert_eq!(rig.get("k").await, ("hit", json!({ "Item": whole })));
    assert_eq!(rig.asked("GetItem").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hit_says_that_it_consumed_nothing() {
    let rig = Rig::with_item(item("k", 1));
    rig.get("k").await;
    let cases = [
        ("NONE", Value::Null),
        ("TOTAL", json!({ "TableName": "Tab", "CapacityUnits": 0.0 })),
        ("INDEXES", json!({ "TableName": "Tab", "CapacityUnits": 0.0, "Table": { "CapacityUnits": 0.0 } })),
    ];
    for (asked, expected) in cases {
        let mut request = get("k");
        request["ReturnConsumedCapacity"] = json!(asked);
        let (word, body) = told(&rig.ask("GetItem", request).await);
        assert_eq!((word, &body["ConsumedCapacity"]), ("hit", &expected));
        assert_eq!(body["Item"], item("k", 1));
    }
}

#[tokio::test(start_paused = true)]
async fn equal_numbers_are_one_key_and_a_name_and_its_arn_one_table() {
    let rig = Rig::with_item(json!({ "p": { "N": "1" } }));
    let mut words = Vec::new();
    for (name, key) in
        [("Numbers", "1"), ("Numbers", "1.0"), (&arn("Numbers"), "1e0"), (&arn("Numbers"), "+01")]
    {
        let request = json!({ "TableName": name, "Key": { "p": { "N": key } } });
        words.push(told(&rig.ask("GetItem", request).await).0);
    }
    assert_eq!(words, ["miss", "hit", "hit", "hit"]);
    let other = json!({ "TableName": "Numbers", "Key": { "p": { "N": "10" } } });
    assert_eq!(told(&rig.ask("GetItem", other).await).0, "miss");
}

#[tokio::test(start_paused = true)]
async fn a_table_whose_cache_is_off_is_passed_by() {
    let rig = Rig::with_item(item("k", 1));
    let request = json!({ "TableName": "Uncached", "Key": { "p": { "S": "k" } } });
    for _ in 0..2 {
        assert_eq!(told(&rig.ask("GetItem", request.clone()).await).0, "table-cache-off");
    }
    assert_eq!(rig.asked("GetItem"), [request.clone(), request]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_is_forwarded_byte_for_byte_and_not_kept() {
    let rig = Rig::with_item(item("k", 1));
    rig.get("k").await;
    let requests = [
        r#"{ "TableName":"Tab", "Key":{"p":{"S":"k"}}, "NewMember":1 }"#,
        r#"{"TableName":"Tab","TableName":"Tab","Key":{"p":{"S":"k"}}}"#,
        r#"{"Key":{"p":{"S":"k"}},"TableName":"Tab","ProjectionExpression":"a,"}"#,
        r#"{"Key":{"p":{"S":"k"}},"TableName":"Tab","AttributesToGet":["a"],"ExpressionAttributeNames":{}}"#,
        r#"{"Key":{"p":{"N":"1"}},"TableName":"Tab"}"#,
        r#"{"Key":{"p":{"S":"k"},"q":{"S":"k"}},"TableName":"Tab"}"#,
        r#"{"Key":{"p":{"S":"k"}},"TableName":"Tab","ConsistentRead":"no"}"#,
        "not even json",
    ];
    for request in requests {
        let reply = rig.try_ask(rig.call_as_written("GetItem", request, PATIENCE)).await.unwrap();
        assert_eq!(reply.outcome.word(), "not-understood", "{request}");
        assert_eq!(rig.origin.asked("GetItem").last().unwrap(), request);
    }
    assert_eq!(rig.get("k").await.0, "hit");
}

#[tokio::test(start_paused = true)]
async fn reads_that_must_be_strong_always_go_up_and_refresh_what_is_kept() {
    let register = Register::default();
    let rig = Rig::new({
        let register = register.clone();
        move |_| now(200, register.item())
    });
    rig.settle().await;
    rig.get("k").await;
    let strong = |parts: Value| {
        let mut request = get("k");
        request["ConsistentRead"] = json!(true);
        request.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
        request
    };
    // Somebody writes beside the node.
    register.set(1);
    assert_eq!(rig.get("k").await.1["Item"], item("k", 0), "stale for at most its TTL");
    assert_eq!(told(&rig.ask("GetItem", strong(json!({}))).await), ("strong-read", register.item()));
    assert_eq!(rig.get("k").await, ("hit", register.item()));
    // A part cannot replace the entry, so it drops what it contradicts.
    register.set(2);
    rig.ask("GetItem", strong(json!({ "ProjectionExpression": "v" }))).await;
    assert_eq!(rig.get("k").await, ("miss", register.item()));
    // So does an answer for a table that is not known by this name yet.
    register.set(3);
    let mut by_arn = strong(json!({}));
    by_arn["TableName"] = json!(arn("Tab"));
    rig.ask("GetItem", by_arn).await;
    assert_eq!(rig.get("k").await, ("miss", register.item()));
}

#[tokio::test(start_paused = true)]
async fn of_two_strong_answers_under_way_at_once_that_differ_neither_is_kept() {
    let rig = Rig::new(|asked| match asked.body["ReturnConsumedCapacity"] == "TOTAL" {
        // It may have been answered before the other, and arrives last.
        true => later(Duration::from_millis(50), now(200, json!({ "Item": item("k", 1) }))),
        false => later(Duration::from_millis(10), now(200, json!({ "Item": item("k", 2) }))),
    });
    rig.get("other").await;
    rig.settle().await;
    let strong = |capacity: &str| {
        let mut request = get("k");
        request["ConsistentRead"] = json!(true);
        request["ReturnConsumedCapacity"] = json!(capacity);
        rig.ask_aside("GetItem", request, PATIENCE)
    };
    let answers = [strong("TOTAL"), strong("NONE")];
    for answer in answers {
        answer.await.unwrap().unwrap();
    }
    assert_eq!(rig.get("k").await.0, "miss");
    assert_eq!(rig.asked("GetItem").last().unwrap()["ConsistentRead"], true);
}

#[tokio::test(start_paused = true)]
async fn nothing_older_lands_after_a_strong_answer_that_a_write_overtook() {
    let rig = Rig::new(|asked| match asked.operation {
        "PutItem" => now(400, error("ConditionalCheckFailedException")),
        // The first strong read shows what somebody wrote beside the node; the fill that begins after it was
        // answered before that, and arrives last.
        _ if asked.body["ReturnConsumedCapacity"] == "TOTAL" => {
            later(Duration::from_millis(50), now(200, json!({ "Item": item("k", 2) })))
        }
        _ => later(Duration::from_millis(60), now(200, json!({ "Item": item("k", 1) }))),
    });
    rig.get("other").await;
    rig.settle().await;
    let mut strong = get("k");
    strong["ConsistentRead"] = json!(true);
    strong["ReturnConsumedCapacity"] = json!("TOTAL");
    let strong = rig.ask_aside("GetItem", strong, PATIENCE);
    rig.pass(Duration::from_millis(5)).await;
    // It moves the slot, so that the strong answer cannot be kept.
    rig.ask("PutItem", put(&item("k", 7))).await;
    let fill = rig.ask_aside("GetItem", get("k"), PATIENCE);
    strong.await.unwrap().unwrap();
    assert_eq!(told(&fill.await.unwrap().unwrap()).0, "miss-not-stored");
    assert_ne!(rig.get("k").await.0, "hit");
}
