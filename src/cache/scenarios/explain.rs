//! What an operator is told of a request.

use super::*;

/// What would become of a request: by whom it would be answered and why, and all that is told.
fn explained(rig: &Rig, operation: &str, request: &Value) -> ([String; 2], Value) {
    let asked = json!({ "operation": operation, "request": request });
    let told = rig.node.explain_action().run(&asked).unwrap();
    let text = |member: &str| told[member].as_str().unwrap_or_default().to_owned();
    ([text("answered_by"), text("why")], told)
}

#[tokio::test(start_paused = true)]
async fn an_item_is_explained_through_its_life() {
    let rig = Rig::with_item(item("k", 1));
    let told = |request: &Value| explained(&rig, "GetItem", request);
    let (words, first) = told(&get("k"));
    assert_eq!(words, ["origin", "schema-unknown"]);
    assert_eq!(first["ask_again"], true);
    rig.settle().await;
    assert_eq!(told(&get("k")).0, ["origin", "not-held"]);
    rig.get("k").await;
    rig.pass(Duration::from_secs(5)).await;
    let rule = json!({
        "ttl": "5m", "negative_ttl": "10s", "entry_bytes_max": "none", "stale_grace": "off",
        "refresh_ahead": 0.0, "coherence": "write", "consistent_pages": false, "ask_for_images": false,
        "ttl_attribute": null, "verify": 0.0,
    });
    let expected = json!({
        "operation": "GetItem", "table": "Tab", "index": null, "rule": rule,
        "key": { "item": { "p": { "S": "k" } } },
        "answered_by": "cache", "why": "hit",
        "because": "it is held, fresh, and nothing has moved its stamp",
        "entry": {
            "age": "5s", "fresh_for": "4m 55s", "may_stand_in_for": "0s", "bytes": 38,
            "origin_was_asked": "eventually",
        },
    });
    assert_eq!(told(&get("k")).1, expected);
    assert_eq!(rig.asked("GetItem").len(), 1, "it asks nobody");
    rig.pass(TTL).await;
    let (words, expired) = told(&get("k"));
    assert_eq!(words, ["origin", "expired"]);
    assert_eq!(
        (&expired["origin_is_asked"], &expired["answer_may_be_kept"]),
        (&json!("eventually"), &json!(true))
    );
    rig.ask("DeleteItem", get("k")).await;
    let (words, absent) = told(&get("k"));
    assert_eq!(words, ["cache", "negative-hit"], "{absent}");
    rig.ask("UpdateItem", get("k")).await;
    let (words, written) = told(&get("k"));
    assert_eq!(words, ["origin", "written-since"]);
    assert_eq!(written["origin_is_asked"], "strongly");
}

#[tokio::test(start_paused = true)]
async fn what_passes_by_is_explained() {
    let rig = Rig::with_item(item("k", 1));
    rig.get("k").await;
    rig.ask("GetItem", json!({ "TableName": "Uncached", "Key": { "p": { "S": "k" } } })).await;
    let key = json!({ "p": { "S": "k" } });
    let cases = [
        ("GetItem", json!({ "TableName": "Tab", "Key": key, "ConsistentRead": true }), "strong-read"),
        ("GetItem", json!({ "TableName": "Tab", "Key": { "q": { "S": "k" } } }), "not-understood"),
        (
            "GetItem",
            json!({ "TableName": "Tab", "Key": key, "ProjectionExpression": "a..b" }),
            "not-understood",
        ),
        ("GetItem", json!({ "TableName": "Uncached", "Key": key }), "table-cache-off"),
        ("Scan", json!({ "TableName": "Tab" }), "table-cache-off"),
        ("PutItem", put(&item("k", 1)), "write"),
        ("ListTables", json!({}), "not-cached"),
        ("Frobnicate", json!({}), "unknown-operation"),
    ];
    for (operation, request, why) in cases {
        let (words, told) = explained(&rig, operation, &request);
        assert_eq!(words, ["origin", why], "{operation} {request}");
        assert!(told["because"].as_str().is_some_and(|because| !because.is_empty()));
    }
    let action = rig.node.explain_action();
    for wrong in [json!({}), json!({ "operation": "GetItem" }), json!({ "request": {} })] {
        assert!(action.run(&wrong).is_err(), "{wrong}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_is_off_says_so() {
    let rig = Rig::with_item(item("k", 1));
    let off = crate::explain::Explain { core: Arc::clone(&rig.node.core), mode: Mode::Off };
    let told = base::Action::run(&off, &json!({ "operation": "GetItem", "request": get("k") })).unwrap();
    assert_eq!((&told["answered_by"], &told["why"]), (&json!("origin"), &json!("cache-off")));
    let shadow = crate::explain::Explain { core: Arc::clone(&rig.node.core), mode: Mode::Shadow };
    let told = base::Action::run(&shadow, &json!({ "operation": "GetItem", "request": get("k") })).unwrap();
    assert_eq!((&told["shadow"], &told["why"]), (&json!(true), &json!("schema-unknown")));
}

#[tokio::test(start_paused = true)]
async fn queries_that_mean_the_same_have_one_key() {
    let rig = Rig::new(|_| now(200, json!({ "Items": [item("k", 1)], "Count": 1, "ScannedCount": 1 })));
    let query = |condition: &str, name: &str| {
        json!({
            "TableName": "Tab", "KeyConditionExpression": condition, "Limit": 3,
            "ExpressionAttributeValues": { name: { "S": "k" } },
        })
    };
    let (one, same) = (query("p = :p", ":p"), query(" (p=:other) ", ":other"));
    explained(&rig, "Query", &one);
    rig.settle().await;
    assert_eq!(explained(&rig, "Query", &one).0, ["origin", "not-held"]);
    rig.ask("Query", one.clone()).await;
    let (words, told) = explained(&rig, "Query", &same);
    assert_eq!(words, ["cache", "hit"]);
    let key = json!({
        "range": { "partition": [{ "S": "k" }], "sort_prefix": [], "sort": null },
        "asked": {
            "filter": null, "projection": null, "names": [], "values": [], "select": "ALL_ATTRIBUTES",
            "limit": 3, "is_forward": true, "segment": null,
        },
        "start": null,
    });
    assert_eq!(told["key"], key);
    assert_eq!(explained(&rig, "Query", &one).1["key"], key);
    rig.ask("PutItem", put(&item("k", 2))).await;
    assert_eq!(explained(&rig, "Query", &same).0, ["origin", "written-since"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_explained_key_by_key() {
    let rig = Rig::with_item(item("k", 1));
    rig.get("k").await;
    let keys = json!([{ "p": { "S": "k" } }, { "p": { "S": "l" } }]);
    let (_, told) = explained(&rig, "BatchGetItem", &json!({ "RequestItems": { "Tab": { "Keys": keys } } }));
    let tables = told["tables"].as_array().unwrap();
    assert_eq!((tables.len(), &tables[0]["table"]), (1, &json!("Tab")));
    let told = |n: usize| (&tables[0]["keys"][n]["key"]["item"], &tables[0]["keys"][n]["why"]);
    assert_eq!(told(0), (&keys[0], &json!("hit")));
    assert_eq!(told(1), (&keys[1], &json!("not-held")));
}
