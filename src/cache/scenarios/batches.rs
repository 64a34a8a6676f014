//! `BatchGetItem`.

use super::*;

/// Answers a batch with every key that it names as an item, or leaves those unprocessed that begin with `u`.
fn answer_batch(asked: &Asked) -> Answer {
    let (mut responses, mut unprocessed) = (json!({}), json!({}));
    for (table, wanted) in asked.body["RequestItems"].as_object().unwrap() {
        let text = |key: &Value| key["p"]["S"].as_str().unwrap().to_owned();
        let (left, done): (Vec<_>, Vec<_>) =
            wanted["Keys"].as_array().unwrap().iter().partition(|key| text(key).starts_with('u'));
        responses[table] =
            done.into_iter().filter(|key| text(key) != "absent").map(|key| item(&text(key), 1)).collect();
        if !left.is_empty() {
            unprocessed[table] = json!({ "Keys": left });
        }
    }
    now(200, json!({ "Responses": responses, "UnprocessedKeys": unprocessed }))
}

fn rig() -> Rig {
    Rig::new(|asked| match asked.operation {
        "BatchGetItem" => answer_batch(&asked),
        "GetItem" => now(200, json!({ "Item": item(asked.body["Key"]["p"]["S"].as_str().unwrap(), 1) })),
        _ => now(200, json!({})),
    })
}

fn keys(keys: &[&str]) -> Value {
    json!({ "Keys": keys.iter().map(|key| json!({ "p": { "S": key } })).collect::<Vec<_>>() })
}

fn batch(table: &str, wanted: &[&str]) -> Value {
    json!({ "RequestItems": { table: keys(wanted) } })
}

#[tokio::test(start_paused = true)]
async fn only_the_keys_that_miss_go_up() {
    let rig = rig();
    rig.settle().await;
    rig.get("a").await;
    let (word, body) = told(&rig.ask("BatchGetItem", batch("Tab", &["a", "b", "absent"])).await);
    assert_eq!(word, "partial-hit");
    assert_eq!(body["Responses"]["Tab"], json!([item("a", 1), item("b", 1)]));
    assert_eq!(body["UnprocessedKeys"], json!({}));
    let asked = &rig.asked("BatchGetItem")[0]["RequestItems"]["Tab"]["Keys"];
    assert_eq!(*asked, keys(&["b", "absent"])["Keys"]);
    // What it brought is kept, absence included.
    assert_eq!(told(&rig.ask("BatchGetItem", batch("Tab", &["absent", "b"])).await).0, "hit");
    assert_eq!(rig.get("absent").await.0, "negative-hit");
}

#[tokio::test(start_paused = true)]
async fn unprocessed_keys_come_back_as_they_were_asked_for_and_are_not_absent() {
    let rig = rig();
    rig.get("a").await;
    let mut request = batch("Tab", &["a", "unready"]);
    request["RequestItems"]["Tab"]["AttributesToGet"] = json!(["p"]);
    let (_, body) = told(&rig.ask("BatchGetItem", request).await);
    assert_eq!(body["Responses"]["Tab"], json!([{ "p": { "S": "a" } }]));
    let left = json!({ "Tab": { "Keys": [{ "p": { "S": "unready" } }], "AttributesToGet": ["p"] } });
    assert_eq!(body["UnprocessedKeys"], left);
    assert_eq!(rig.get("unready").await.0, "miss");
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_unsettled_are_asked_for_strongly_and_by_themselves() {
    let rig = rig();
    rig.settle().await;
    rig.get("other").await;
    rig.ask("DeleteItem", get("a")).await;
    rig.ask("DeleteItem", get("a")).await;
    // The second delete left that it is absent; a purge drops that.
    rig.node.purge_action().run(&json!({ "table": "Tab", "key": { "p": { "S": "a" } } })).unwrap();
    rig.ask("BatchGetItem", batch("Tab", &["a", "b"])).await;
    let asked: Vec<Value> =
        rig.asked("BatchGetItem").into_iter().map(|asked| asked["RequestItems"]["Tab"].clone()).collect();
    let with = |strong: bool, key: &str| {
        let mut keys = keys(&[key]);
        keys["ConsistentRead"] = json!(strong);
        keys
    };
    assert_eq!(asked, [with(false, "b"), with(true, "a")]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_the_origin_would_refuse_is_forwarded_as_it_came() {
    let rig = rig();
    rig.get("a").await;
    let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for wanted in [&many[..], &["a", "a"], &[]] {
        let request = batch("Tab", wanted);
        assert_eq!(told(&rig.ask("BatchGetItem", request.clone()).await).0, "not-understood");
        assert_eq!(rig.asked("BatchGetItem").last().unwrap(), &request);
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_cannot_be_answered_here_still_shows_what_was_written() {
    let rig = rig();
    for name in ["Tab", "Uncached", &arn("Tab")] {
        rig.ask("GetItem", json!({ "TableName": name, "Key": { "p": { "S": "x" } } })).await;
    }
    rig.settle().await;
    rig.ask("DeleteItem", get("a")).await;
    let mixed = json!({ "RequestItems": { "Tab": keys(&["a"]), "Uncached": keys(&["a"]) } });
    let cases =
        [(mixed, "table-cache-off", "Tab"), (batch(&arn("Tab"), &["a"]), "not-understood", &arn("Tab"))];
    for (request, word, name) in cases {
        assert_eq!(told(&rig.ask("BatchGetItem", request.clone()).await).0, word);
        let mut strong = request.clone();
        strong["RequestItems"][name]["ConsistentRead"] = json!(true);
        assert_eq!(rig.asked("BatchGetItem").last().unwrap(), &strong);
        rig.settle().await;
        rig.ask("BatchGetItem", request.clone()).await;
        assert_eq!(rig.asked("BatchGetItem").last().unwrap(), &request, "settled by now");
        rig.ask("DeleteItem", get("a")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_strong_batch_goes_up_as_it_came_and_refreshes_what_is_kept() {
    let rig = rig();
    rig.get("b").await;
    let mut request = batch("Tab", &["a", "b"]);
    request["RequestItems"]["Tab"]["ConsistentRead"] = json!(true);
    assert_eq!(told(&rig.ask("BatchGetItem", request.clone()).await).0, "strong-read");
    assert_eq!(rig.asked("BatchGetItem"), [request]);
    assert_eq!(rig.get("a").await.0, "hit");
}

/// The same origin, that takes a second for every answer.
fn slow_rig() -> Rig {
    Rig::new(|asked| {
        let answer = match asked.operation {
            "BatchGetItem" if asked.body["RequestItems"].get("Gone").is_some() => {
                now(400, error("ResourceNotFoundException"))
            }
            "BatchGetItem" => answer_batch(&asked),
            _ => now(200, json!({ "Item": item(asked.body["Key"]["p"]["S"].as_str().unwrap(), 1) })),
        };
        later(Duration::from_secs(1), answer)
    })
}

/// After the start, settled, with the table known.
async fn ready(rig: &Rig) {
    rig.get("first").await;
    rig.settle().await;
}

#[tokio::test(start_paused = true)]
async fn batches_and_single_reads_of_a_key_share_one_read_of_the_origin() {
    let rig = slow_rig();
    ready(&rig).await;
    let batches = [
        rig.ask_aside("BatchGetItem", batch("Tab", &["a", "b"]), PATIENCE),
        rig.ask_aside("BatchGetItem", batch("Tab", &["b", "a"]), PATIENCE),
        rig.ask_aside("BatchGetItem", batch("Tab", &["b", "c"]), PATIENCE),
    ];
    rig.pass(Duration::from_millis(100)).await;
    assert_eq!(rig.get("a").await.0, "collapsed");
    for batch in batches {
        let (_, body) = told(&batch.await.unwrap().unwrap());
        assert_eq!(body["Responses"]["Tab"].as_array().unwrap().len(), 2, "{body}");
    }
    let asked: Vec<Value> =
        rig.asked("BatchGetItem").iter().map(|body| body["RequestItems"]["Tab"]["Keys"].clone()).collect();
    assert_eq!(asked, [keys(&["a", "b"])["Keys"].clone(), keys(&["c"])["Keys"].clone()]);

    let single = rig.ask_aside("GetItem", get("d"), PATIENCE);
    rig.pass(Duration::from_millis(100)).await;
    let (word, body) = told(&rig.ask("BatchGetItem", batch("Tab", &["d"])).await);
    assert_eq!((word, &body["Responses"]["Tab"]), ("miss", &json!([item("d", 1)])));
    assert_eq!(told(&single.await.unwrap().unwrap()).0, "miss");
    assert_eq!(rig.asked("BatchGetItem").len(), 2, "the batch followed the single read");
}

#[tokio::test(start_paused = true)]
async fn who_shares_a_batch_outlives_its_reader_and_not_its_errors() {
    let rig = slow_rig();
    ready(&rig).await;
    let impatient = rig.ask_aside("BatchGetItem", batch("Tab", &["a"]), Duration::from_millis(200));
    rig.pass(Duration::from_millis(100)).await;
    assert_eq!(rig.get("a").await.0, "collapsed");
    assert!(impatient.await.unwrap().is_err());

    // The origin refuses the whole batch for its other table.
    let mut request = batch("Tab", &["b"]);
    request["RequestItems"]["Gone"] = keys(&["x"]);
    let refused = rig.ask_aside("BatchGetItem", request, PATIENCE);
    rig.pass(Duration::from_millis(100)).await;
    assert_eq!(rig.get("b").await.1, json!({ "Item": item("b", 1) }));
    assert!(refused.await.unwrap().unwrap().success().is_none());

    // A key that the batch left unprocessed is asked for once more by whoever waited for it.
    let left = rig.ask_aside("BatchGetItem", batch("Tab", &["unready"]), PATIENCE);
    rig.pass(Duration::from_millis(100)).await;
    assert_eq!(rig.get("unready").await.1, json!({ "Item": item("unready", 1) }));
    left.await.unwrap().unwrap();
    assert_eq!(rig.get("unready").await.0, "miss", "it passed by without a flight");
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_expired_items_is_shown_where_the_origin_is_in_trouble() {
    let ill = Register::default();
    let state = ill.clone();
    let mut config = config();
    let rules = &mut config.rules.default;
    (rules.get_item.stale_grace, rules.batch_get_item.stale_grace) = (TTL, TTL);
    let rig = Rig::configured(config, described, move |asked| match state.version() {
        0 => answer_batch(&asked),
        _ => now(400, error("ThrottlingException")),
    });
    rig.settle().await;
    rig.ask("BatchGetItem", batch("Tab", &["a", "b"])).await;
    rig.pass(TTL + Duration::from_secs(1)).await;
    ill.set(1);
    let (word, body) = told(&rig.ask("BatchGetItem", batch("Tab", &["a", "b"])).await);
    assert_eq!(word, "stale-hit");
    assert_eq!(body["Responses"]["Tab"], json!([item("a", 1), item("b", 1)]));
    let reply = rig.ask("BatchGetItem", batch("Tab", &["a", "c"])).await;
    assert!(reply.success().is_none(), "of one nothing is known");
}
