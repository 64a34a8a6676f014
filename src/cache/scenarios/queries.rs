//! Results of queries and scans: what is one question, and which writes end an answer to it.

use super::*;
use crate::Coherence;

/// Tables have the keys `p` (a string) and `s` (a number), a local index on `v`, and global ones: by `w`, by `w`
/// with keys alone, and inverted.
fn described_with_indexes(name: &str) -> Reply {
    let bare = name.rsplit('/').next().unwrap();
    let key = |partition: &str, sort: Option<&str>| {
        let mut key = vec![json!({ "AttributeName": partition, "KeyType": "HASH" })];
        key.extend(sort.map(|sort| json!({ "AttributeName": sort, "KeyType": "RANGE" })));
        key
    };
    let index = |name: &str, key: Vec<Value>, projection: &str| {
        json!({ "IndexName": name, "KeySchema": key, "IndexStatus": "ACTIVE",
            "Projection": { "ProjectionType": projection } })
    };
    let attributes = [("p", "S"), ("s", "N"), ("v", "N"), ("w", "S")]
        .map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }));
    let body = json!({ "Table": {
        "TableName": bare, "TableArn": arn(bare), "TableId": "1", "TableStatus": "ACTIVE",
        "KeySchema": key("p", Some("s")),
        "AttributeDefinitions": attributes,
        "LocalSecondaryIndexes": [index("by-v", key("p", Some("v")), "ALL")],
        "GlobalSecondaryIndexes": [
            index("by-w", key("w", None), "ALL"),
            index("keys", key("w", None), "KEYS_ONLY"),
            index("inverted", key("s", Some("p")), "ALL"),
        ],
    } });
    origin_reply(200, body.to_string())
}

fn rig_of(change: impl FnOnce(&mut Config)) -> Rig {
    let mut config = config();
    change(&mut config);
    Rig::configured(config, described_with_indexes, |asked| match asked.operation {
        "Query" | "Scan" => {
            now(200, json!({ "Items": [{ "v": { "N": "1" } }], "Count": 1, "ScannedCount": 1 }))
        }
        "PutItem" | "DeleteItem" if asked.body["ReturnValues"] == "ALL_OLD" => {
            now(200, json!({ "Attributes": whole("x", "old") }))
        }
        "UpdateItem" if asked.body["ReturnValues"] == "ALL_NEW" => {
            now(200, json!({ "Attributes": whole("x", "here") }))
        }
        "BadItem" => now(400, error("ConditionalCheckFailedException")),
        _ if asked.body["ConditionExpression"] == "attribute_exists(no)" => {
            now(400, error("ConditionalCheckFailedException"))
        }
        _ => now(200, json!({})),
    })
}

fn rig() -> Rig {
    rig_of(|_| {})
}

fn whole(p: &str, w: &str) -> Value {
    json!({ "p": { "S": p }, "s": { "N": "1" }, "v": { "N": "1" }, "w": { "S": w } })
}

fn query(attribute: &str, value: Value) -> Value {
    json!({ "TableName": "Tab", "KeyConditionExpression": format!("{attribute} = :a"),
        "ExpressionAttributeValues": { ":a": value } })
}

fn partition(p: &str) -> Value {
    query("p", json!({ "S": p }))
}

fn of_index(index: &str, attribute: &str, value: Value) -> Value {
    let mut query = query(attribute, value);
    query["IndexName"] = json!(index);
    query
}

/// A table whose replicas and indexes had time to catch up.
async fn quiet(rig: &Rig) {
    rig.ask("GetItem", json!({ "TableName": "Tab", "Key": { "p": { "S": "z" }, "s": { "N": "9" } } })).await;
    rig.pass(Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn what_means_the_same_is_asked_once() {
    let rig = rig();
    quiet(&rig).await;
    let spelled = json!({ "TableName": arn("Tab"), "KeyConditionExpression": "#p=:x",
        "ExpressionAttributeNames": { "#p": "p" }, "ExpressionAttributeValues": { ":x": { "S": "x" } },
        "ScanIndexForward": true, "ConsistentRead": false });
    assert_eq!(told(&rig.ask("Query", partition("x")).await).0, "miss");
    assert_eq!(told(&rig.ask("Query", partition("x")).await).0, "hit");
    assert_eq!(told(&rig.ask("Query", spelled).await).0, "hit");
    assert_eq!(told(&rig.ask("Query", partition("y")).await).0, "miss");
    let mut strong = partition("x");
    strong["ConsistentRead"] = json!(true);
    assert_eq!(told(&rig.ask("Query", strong).await).0, "strong-read");
    assert_eq!(told(&rig.ask("Scan", json!({ "TableName": "Tab" })).await).0, "table-cache-off");
}

#[tokio::test(start_paused = true)]
async fn a_hit_consumed_nothing_and_says_so() {
    let rig = rig();
    quiet(&rig).await;
    let mut asking = of_index("by-w", "w", json!({ "S": "x" }));
    asking["ReturnConsumedCapacity"] = json!("INDEXES");
    rig.ask("Query", asking.clone()).await;
    let (outcome, body) = told(&rig.ask("Query", asking).await);
    assert_eq!(outcome, "hit");
    let nothing = json!({ "CapacityUnits": 0.0 });
    let expected = json!({ "TableName": "Tab", "CapacityUnits": 0.0, "Table": nothing,
        "GlobalSecondaryIndexes": { "by-w": nothing } });
    assert_eq!(body["ConsumedCapacity"], expected);
}

/// How a question is answered that was answered before a write, and is asked again after it.
async fn after(rig: &Rig, question: &Value, operation: &str, write: Value) -> &'static str {
    let asking = if question.get("KeyConditionExpression").is_some() { "Query" } else { "Scan" };
    quiet(rig).await;
    rig.ask(asking, question.clone()).await;
    assert_eq!(told(&rig.ask(asking, question.clone()).await).0, "hit", "{question}");
    rig.ask(operation, write).await;
    told(&rig.ask(asking, question.clone()).await).0
}

#[tokio::test(start_paused = true)]
async fn a_write_ends_the_results_that_it_may_have_changed_and_no_others() {
    let s = |text: &str| json!({ "S": text });
    let put = |p: &str, w: &str| ("PutItem", json!({ "TableName": "Tab", "Item": whole(p, w) }));
    let put_told = |p: &str, w: &str| {
        ("PutItem", json!({ "TableName": "Tab", "Item": whole(p, w), "ReturnValues": "ALL_OLD" }))
    };
    let key = json!({ "p": { "S": "x" }, "s": { "N": "1" } });
    let update = |set: &str, values: &str| {
        let mut body = json!({ "TableName": "Tab", "Key": key, "UpdateExpression": set,
            "ExpressionAttributeValues": { ":n": { "N": "2" } } });
        if !values.is_empty() {
            body["ReturnValues"] = json!(values);
        }
        ("UpdateItem", body)
    };
    let refused = (
        "PutItem",
        json!({ "TableName": "Tab", "Item": whole("x", "here"),
        "ConditionExpression": "attribute_exists(no)" }),
    );
    let batch = (
        "BatchWriteItem",
        json!({ "RequestItems": { "Tab": [
        { "PutRequest": { "Item": whole("x", "here") } } ] } }),
    );
    let statement = ("ExecuteStatement", json!({ "Statement": "DELETE FROM Tab WHERE p='z' AND s=1" }));
    let of_v = of_index("by-v", "p", s("x"));
    let (here, there) = (of_index("by-w", "w", s("here")), of_index("by-w", "w", s("there")));
    let old = of_index("by-w", "w", s("old"));
    let keys = of_index("keys", "w", s("here"));
    let (one, two) =
        (of_index("inverted", "s", json!({ "N": "1" })), of_index("inverted", "s", json!({ "N": "2" })));
    let cases = [
        (&partition("x"), put("x", "here"), "miss"),
        (&partition("x"), put("y", "here"), "hit"),
        // Maybe it was applied, as far as this table is concerned: partitions move before the origin is asked.
        (&partition("x"), refused.clone(), "miss"),
        (&of_v, put("x", "here"), "miss"),
        (&of_v, put("y", "here"), "hit"),
        (&one, put("y", "here"), "miss-not-stored"),
        (&two, put("y", "here"), "hit"),
        // What the item was before is not known.
        (&there, put("y", "here"), "miss-not-stored"),
        (&there, refused.clone(), "hit"),
        (&here, put_told("x", "here"), "miss-not-stored"),
        (&old, put_told("x", "here"), "miss-not-stored"),
        (&there, put_told("x", "here"), "hit"),
        (&there, update("SET v = :n", ""), "miss-not-stored"),
        (&there, update("SET v = :n", "ALL_NEW"), "hit"),
        (&here, update("SET v = :n", "ALL_NEW"), "miss-not-stored"),
        (&there, update("SET w = :n", "ALL_NEW"), "miss-not-stored"),
        (&keys, update("SET v = :n", ""), "hit"),
        (&keys, update("SET w = :n", ""), "miss-not-stored"),
        (&partition("x"), batch.clone(), "miss"),
        (&there, batch.clone(), "miss-not-stored"),
        (&partition("x"), statement.clone(), "miss"),
        (&here, statement.clone(), "miss-not-stored"),
    ];
    for (question, (operation, write), expected) in cases {
        assert_eq!(after(&rig(), question, operation, write.clone()).await, expected, "{question} {write}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_a_write_overtakes_is_not_stored() {
    let rig = Rig::configured(config(), described_with_indexes, |asked| match asked.operation {
        "Query" => {
            later(Duration::from_secs(1), now(200, json!({ "Items": [], "Count": 0, "ScannedCount": 0 })))
        }
        _ => now(200, json!({})),
    });
    quiet(&rig).await;
    for question in [partition("x"), of_index("by-w", "w", json!({ "S": "here" }))] {
        let reading = rig.ask_aside("Query", question.clone(), PATIENCE);
        rig.pass(Duration::from_millis(500)).await;
        rig.ask("PutItem", json!({ "TableName": "Tab", "Item": whole("x", "here") })).await;
        assert_eq!(told(&reading.await.unwrap().unwrap()).0, "miss-not-stored");
        assert_ne!(told(&rig.ask("Query", question).await).0, "hit");
    }
}

#[tokio::test(start_paused = true)]
async fn a_fill_after_a_write_is_asked_strongly_where_that_can_be() {
    let rig = rig();
    quiet(&rig).await;
    rig.ask("PutItem", json!({ "TableName": "Tab", "Item": whole("x", "here") })).await;
    for (question, is_strong) in [
        (partition("x"), true),
        (of_index("by-v", "p", json!({ "S": "x" })), true),
        (of_index("by-w", "w", json!({ "S": "x" })), false),
        (partition("y"), false),
    ] {
        rig.ask("Query", question.clone()).await;
        let asked = rig.asked("Query");
        assert_eq!(asked.last().unwrap()["ConsistentRead"] == true, is_strong, "{question}");
    }
    rig.settle().await;
    rig.ask("PutItem", json!({ "TableName": "Tab", "Item": whole("z", "here") })).await;
    rig.settle().await;
    rig.ask("Query", partition("z")).await;
    assert_ne!(rig.asked("Query").last().unwrap()["ConsistentRead"], true);
}

#[tokio::test(start_paused = true)]
async fn a_result_of_an_index_is_kept_no_longer_than_the_index_had_to_catch_up() {
    let rig = rig();
    quiet(&rig).await;
    let question = of_index("by-w", "w", json!({ "S": "here" }));
    rig.ask("PutItem", json!({ "TableName": "Tab", "Item": whole("x", "here") })).await;
    rig.pass(Duration::from_millis(1_500)).await;
    assert_eq!(told(&rig.ask("Query", question.clone()).await).0, "miss");
    rig.pass(Duration::from_millis(1_400)).await;
    assert_eq!(told(&rig.ask("Query", question.clone()).await).0, "hit");
    rig.pass(Duration::from_millis(200)).await;
    assert_eq!(told(&rig.ask("Query", question.clone()).await).0, "miss");
    rig.pass(Duration::from_millis(2_900)).await;
    assert_eq!(told(&rig.ask("Query", question).await).0, "hit", "asked later, kept longer");
}

#[tokio::test(start_paused = true)]
async fn an_index_that_is_replaced_begins_anew() {
    let rig = rig();
    let question = of_index("by-w", "w", json!({ "S": "here" }));
    let delete = json!({ "TableName": "Tab",
        "GlobalSecondaryIndexUpdates": [{ "Delete": { "IndexName": "by-w" } }] });
    assert_eq!(after(&rig, &question, "UpdateTable", delete.clone()).await, "miss-not-stored");
    for untouched in [partition("x"), of_index("keys", "w", json!({ "S": "x" }))] {
        assert_eq!(after(&rig, &untouched, "UpdateTable", delete.clone()).await, "hit", "{untouched}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_index_that_is_not_known_is_passed_by_and_looked_for_again() {
    let rig = rig();
    quiet(&rig).await;
    let question = of_index("by-x", "x", json!({ "S": "here" }));
    rig.ask("Query", question.clone()).await;
    rig.pass(Duration::from_millis(1)).await;
    let described = rig.asked("DescribeTable").len();
    rig.pass(Duration::from_secs(5)).await;
    assert_eq!(told(&rig.ask("Query", question.clone()).await).0, "schema-unknown");
    assert_eq!(told(&rig.ask("Query", question).await).0, "schema-unknown");
    rig.pass(Duration::from_millis(1)).await;
    assert_eq!(rig.asked("DescribeTable").len(), described + 1);
}

#[tokio::test(start_paused = true)]
async fn where_time_alone_ends_results_writes_do_not() {
    let rig = rig_of(|config| config.rules.default.coherence = Coherence::Ttl);
    let put = json!({ "TableName": "Tab", "Item": whole("x", "here") });
    for question in [partition("x"), of_index("by-w", "w", json!({ "S": "here" }))] {
        assert_eq!(after(&rig, &question, "PutItem", put.clone()).await, "hit", "{question}");
        assert_eq!(after(&rig, &question, "DeleteTable", json!({ "TableName": "Tab" })).await, "miss");
    }
}

#[tokio::test(start_paused = true)]
async fn scans_are_kept_where_a_rule_says_so_and_end_with_any_write() {
    let rig = rig_of(|config| {
        let rules = &mut config.rules.default;
        rules.results.scan = rules.results.query.clone();
    });
    let put = json!({ "TableName": "Tab", "Item": whole("x", "here") });
    let scan = json!({ "TableName": "Tab" });
    assert_eq!(after(&rig, &scan, "PutItem", put.clone()).await, "miss");
    let other = json!({ "TableName": "Other", "Item": whole("x", "here") });
    assert_eq!(after(&rig, &scan, "PutItem", other).await, "hit");
    let of_index = json!({ "TableName": "Tab", "IndexName": "by-w" });
    assert_eq!(after(&rig, &of_index, "PutItem", put).await, "miss-not-stored");
}

#[tokio::test(start_paused = true)]
async fn later_pages_live_as_long_as_the_first_where_they_must_fit() {
    let rig = rig_of(|config| config.rules.default.consistent_pages = true);
    quiet(&rig).await;
    let mut second = partition("x");
    second["ExclusiveStartKey"] = json!({ "p": { "S": "x" }, "s": { "N": "1" } });
    assert_eq!(told(&rig.ask("Query", second.clone()).await).0, "first-page-unknown");
    rig.ask("Query", partition("x")).await;
    rig.pass(TTL / 2).await;
    assert_eq!(told(&rig.ask("Query", second.clone()).await).0, "miss");
    assert_eq!(told(&rig.ask("Query", second.clone()).await).0, "hit");
    rig.pass(TTL / 2).await;
    assert_eq!(told(&rig.ask("Query", second.clone()).await).0, "first-page-unknown");
    rig.ask("Query", partition("x")).await;
    assert_eq!(told(&rig.ask("Query", second).await).0, "miss", "it was read behind another first page");
}

#[tokio::test(start_paused = true)]
async fn writes_are_answered_as_asked_though_the_node_asked_for_more() {
    let rig = rig_of(|config| config.rules.default.asks_for_images = true);
    let put = json!({ "TableName": "Tab", "Item": whole("x", "here") });
    let there = of_index("by-w", "w", json!({ "S": "there" }));
    let old = of_index("by-w", "w", json!({ "S": "old" }));
    assert_eq!(after(&rig, &there, "PutItem", put.clone()).await, "hit");
    assert_eq!(after(&rig, &old, "PutItem", put.clone()).await, "miss-not-stored");
    let (_, body) = told(&rig.ask("PutItem", put.clone()).await);
    assert_eq!(body, json!({}));
    assert_eq!(rig.asked("PutItem").last().unwrap()["ReturnValues"], "ALL_OLD");
    // An update that asks for the whole image leaves it.
    let key = json!({ "p": { "S": "x" }, "s": { "N": "1" } });
    let update = json!({ "TableName": "Tab", "Key": key, "UpdateExpression": "SET v = :n",
        "ExpressionAttributeValues": { ":n": { "N": "1" } } });
    assert_eq!(told(&rig.ask("UpdateItem", update).await).1, json!({}));
    let get = json!({ "TableName": "Tab", "Key": key });
    assert_eq!(told(&rig.ask("GetItem", get).await).0, "hit");
}
