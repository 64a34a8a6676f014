//! What the cache does, as clients see it by header and operators by metric.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{
    client::{Answer, request},
    dynamo::{Dynamo, get, item, put},
    forwarding::crc32,
    node::{Node, config},
    stub::{self, Ending, Stub},
};

/// A DynamoDB that has `Music/a` with version 1, and a node before it.
async fn music(settings: &[(&str, &str)]) -> (Arc<Dynamo>, Stub, Node) {
    let dynamo = Dynamo::new();
    dynamo.write(("Music".into(), "a".into()), item("a", 1));
    let stub = dynamo.stub();
    let node = Node::with(&stub, settings).await;
    (dynamo, stub, node)
}

impl Node {
    async fn read(&self, key: &str) -> Answer {
        self.post("GetItem", get("Music", key)).await
    }

    async fn outcomes(&self, table: &str, outcome: &str) -> f64 {
        let labels = [&*format!("table=\"{table}\""), &*format!("outcome=\"{outcome}\"")];
        self.metric("linac_cache_outcomes_total", &labels).await
    }
}

fn version(answer: &Answer) -> Option<u64> {
    answer.json()["Item"]["v"]["N"].as_str().map(|v| v.parse().unwrap())
}

#[tokio::test]
async fn the_second_read_is_a_hit_by_header_and_by_metric() {
    let (_dynamo, stub, node) = music(&[]).await;
    let (miss, hit) = (node.read("a").await, node.read("a").await);
    assert_eq!((miss.cache(), stub.count("GetItem")), ("linac; fwd=miss; stored", 1));
    assert_eq!(hit.outcome(), "hit");
    let ttl: u64 = hit.cache().split("ttl=").nth(1).unwrap().parse().unwrap();
    assert!((269..300).contains(&ttl), "300 s, up to a tenth of it less: {ttl}");
    assert_eq!(hit.json(), json!({ "Item": item("a", 1) }));
    assert_eq!(hit.json(), miss.json());
    assert_eq!(hit.header("x-amz-crc32"), crc32(&hit.body).to_string());
    assert_eq!(hit.header("content-type"), "application/x-amz-json-1.0");
    assert_ne!(hit.header("x-amzn-requestid"), miss.header("x-amzn-requestid"));
    assert_eq!((node.outcomes("Music", "hit").await, node.outcomes("Music", "miss").await), (1.0, 1.0));
    let of_door = ["operation=\"GetItem\"", "outcome=\"hit\"", "status=\"2xx\""];
    assert_eq!(node.metric("linac_json_requests_total", &of_door).await, 1.0);
}

#[tokio::test]
async fn absence_is_remembered() {
    let (_dynamo, stub, node) = music(&[]).await;
    let (miss, hit) = (node.read("none").await, node.read("none").await);
    assert_eq!(
        (miss.outcome().as_str(), hit.outcome().as_str()),
        ("fwd=miss; stored", "hit; detail=negative")
    );
    assert_eq!((hit.body.as_ref(), stub.count("GetItem")), (b"{}".as_ref(), 1));
    assert_eq!(node.outcomes("Music", "negative-hit").await, 1.0);
}

#[tokio::test]
async fn a_hit_consumes_nothing_and_says_so() {
    let (_dynamo, _stub, node) = music(&[]).await;
    let read =
        json!({ "TableName": "Music", "Key": { "p": { "S": "a" } }, "ReturnConsumedCapacity": "TOTAL" });
    let consumed = async || {
        let answer = node.post("GetItem", read.to_string()).await;
        (answer.outcome(), answer.json()["ConsumedCapacity"].clone())
    };
    assert_eq!(
        consumed().await,
        ("fwd=miss; stored".into(), json!({ "TableName": "Music", "CapacityUnits": 0.5 }))
    );
    assert_eq!(consumed().await, ("hit".into(), json!({ "TableName": "Music", "CapacityUnits": 0.0 })));
}

#[tokio::test]
async fn a_projection_is_cut_out_of_the_whole_item() {
    let (_dynamo, stub, node) = music(&[]).await;
    node.read("a").await;
    let read = json!({
        "TableName": "Music",
        "Key": { "p": { "S": "a" } },
        "ProjectionExpression": "#v",
        "ExpressionAttributeNames": { "#v": "v" },
    });
    let answer = node.post("GetItem", read.to_string()).await;
    assert_eq!(answer.outcome(), "hit");
    assert_eq!(answer.json(), json!({ "Item": { "v": { "N": "1" } } }));
    assert_eq!(stub.count("GetItem"), 1);
}

#[tokio::test]
async fn a_table_and_its_arn_share_entries() {
    let (_dynamo, stub, node) = music(&[]).await;
    node.read("a").await;
    let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/Music";
    assert_eq!(node.post("GetItem", get(arn, "a")).await.outcome(), "hit");
    assert_eq!(stub.count("GetItem"), 1);
}

#[tokio::test]
async fn of_a_batch_only_the_missing_keys_go_up() {
    let (dynamo, stub, node) = music(&[]).await;
    dynamo.write(("Music".into(), "b".into()), item("b", 1));
    node.read("a").await;
    node.read("none").await;
    let keys: Vec<Value> = ["a", "b", "c", "none"].map(|key| json!({ "p": { "S": key } })).into();
    let batch = json!({ "RequestItems": { "Music": { "Keys": keys } } }).to_string();
    let partial = node.post("BatchGetItem", batch.clone()).await;
    assert_eq!(partial.outcome(), "fwd=partial");
    let asked = stub.received().pop().unwrap().json();
    let asked: Vec<_> = asked["RequestItems"]["Music"]["Keys"].as_array().unwrap().clone();
    assert_eq!(asked, [json!({ "p": { "S": "b" } }), json!({ "p": { "S": "c" } })]);
    let hit = node.post("BatchGetItem", batch).await;
    assert_eq!((hit.outcome().as_str(), stub.count("BatchGetItem")), ("hit", 1));
    for answer in [&partial, &hit] {
        let items = &answer.json()["Responses"]["Music"];
        assert_eq!(items, &json!([item("a", 1), item("b", 1)]));
        assert_eq!(answer.json()["UnprocessedKeys"], json!({}));
    }
    assert_eq!(node.metric("linac_cache_batch_keys_total", &["outcome=\"hit\""]).await, 6.0);
    // What a batch brought serves single reads.
    assert_eq!(node.read("b").await.outcome(), "hit");
}

#[tokio::test]
async fn a_strong_read_goes_up_and_corrects_the_cache() {
    let (dynamo, stub, node) = music(&[]).await;
    node.read("a").await;
    dynamo.write(("Music".into(), "a".into()), item("a", 2));
    assert_eq!(version(&node.read("a").await), Some(1), "a write that bypasses the node is not seen at once");
    let strong = json!({ "TableName": "Music", "Key": { "p": { "S": "a" } }, "ConsistentRead": true });
    let answer = node.post("GetItem", strong.to_string()).await;
    assert_eq!((answer.outcome().as_str(), version(&answer)), ("fwd=bypass; detail=strong-read", Some(2)));
    let hit = node.read("a").await;
    assert_eq!((hit.outcome().as_str(), version(&hit)), ("hit", Some(2)));
    assert_eq!(stub.count("GetItem"), 2);
}

#[tokio::test]
async fn a_put_leaves_its_image() {
    let (_dynamo, stub, node) = music(&[]).await;
    node.read("a").await;
    let written = node.post("PutItem", put("Music", "a", 2)).await;
    assert_eq!(written.outcome(), "fwd=bypass; detail=write");
    let hit = node.read("a").await;
    assert_eq!((hit.outcome().as_str(), version(&hit)), ("hit", Some(2)));
    assert_eq!(stub.count("GetItem"), 1);
    assert_eq!(node.metric("linac_cache_images_total", &[]).await, 1.0);
}

#[tokio::test]
async fn every_kind_of_write_makes_the_next_read_fresh() {
    let key = json!({ "p": { "S": "a" } });
    let update = json!({
        "TableName": "Music", "Key": key, "UpdateExpression": "SET v = :v",
        "ExpressionAttributeValues": { ":v": { "N": "2" } },
    });
    let mut all_new = update.clone();
    all_new["ReturnValues"] = json!("ALL_NEW");
    let put_request = json!([{ "PutRequest": { "Item": item("a", 2) } }]);
    let delete_request = json!([{ "DeleteRequest": { "Key": key } }]);
    let transact = json!([{ "Put": { "TableName": "Music", "Item": item("a", 2) } }]);
    let mut strange = json!({ "TableName": "Music", "Item": item("a", 2) });
    strange["MemberOfTheFuture"] = json!(true);
    let cases = [
        ("PutItem", put("Music", "a", 2), Some(2)),
        ("PutItem", strange.to_string(), Some(2)),
        ("PutItem", put("arn:aws:dynamodb:us-east-1:000000000000:table/Music", "a", 2), Some(2)),
        ("UpdateItem", update.to_string(), Some(2)),
        ("UpdateItem", all_new.to_string(), Some(2)),
        ("DeleteItem", get("Music", "a"), None),
        ("BatchWriteItem", json!({ "RequestItems": { "Music": put_request } }).to_string(), Some(2)),
        ("BatchWriteItem", json!({ "RequestItems": { "Music": delete_request } }).to_string(), None),
        ("TransactWriteItems", json!({ "TransactItems": transact }).to_string(), Some(2)),
    ];
    for (operation, body, expected) in cases {
        let (_dynamo, stub, node) = music(&[]).await;
        assert_eq!(version(&node.read("a").await), Some(1));
        assert_eq!(node.read("a").await.outcome(), "hit");
        assert_eq!(node.post(operation, body.clone()).await.status, 200);
        stub.forget();
        let read = node.read("a").await;
        assert_eq!(version(&read), expected, "{operation} {body}");
        assert_eq!(node.read("a").await.json(), read.json());
    }
}

#[tokio::test]
async fn what_nobody_can_read_guards_what_it_names() {
    // The stub applies these, although the node cannot know how.
    for (operation, body) in [
        ("ExecuteStatement", json!({ "Statement": "UPDATE Music SET v=2 WHERE p='a'" })),
        ("ExecuteStatement", json!({ "Statement": "/* odd */ UPDATE Music SET v=2" })),
        ("BatchExecuteStatement", json!({ "Statements": [{ "Statement": "DELETE FROM \"Music\"" }] })),
        ("ExecuteTransaction", json!({ "TransactStatements": [{ "Statement": "INSERT INTO Music" }] })),
        ("ImportTable", json!({ "TableCreationParameters": { "TableName": "Music" } })),
        ("OperationOfTheFuture", json!({ "TableName": "Music" })),
        ("OperationOfTheFuture", json!({ "Whatever": [1, 2] })),
        ("PutItem", json!("malformed")),
    ] {
        let dynamo = Dynamo::new();
        dynamo.write(("Music".into(), "a".into()), item("a", 1));
        let played = Arc::clone(&dynamo);
        let stub = Stub::start(move |received| {
            let ending = match received.operation() {
                "DescribeTable" | "GetItem" => played.serve(&received),
                _ => {
                    played.write(("Music".into(), "a".into()), item("a", 2));
                    stub::Answer::ok("{}").into()
                }
            };
            std::future::ready(ending)
        });
        let node = Node::before(&stub).await;
        node.read("a").await;
        assert_eq!(node.read("a").await.outcome(), "hit");
        node.post(operation, body.to_string()).await;
        assert_eq!(version(&node.read("a").await), Some(2), "{operation} {body}");
    }
}

#[tokio::test]
async fn a_replica_that_lags_is_not_believed_while_a_write_settles() {
    let dynamo = Dynamo::lagging(Duration::from_millis(500));
    let stub = dynamo.stub();
    let node = Node::with(&stub, &[("cache.settle", "2s")]).await;
    // A transaction leaves no image, so the next read has to ask.
    let transact = json!([{ "Put": { "TableName": "Music", "Item": item("a", 7) } }]);
    node.post("TransactWriteItems", json!({ "TransactItems": transact }).to_string()).await;
    let read = node.read("a").await;
    assert_eq!((read.outcome().as_str(), version(&read)), ("fwd=miss; stored", Some(7)));
    assert_eq!(stub.received().pop().unwrap().json()["ConsistentRead"], true);
    assert_eq!(node.read("a").await.outcome(), "hit");
}

#[tokio::test]
async fn errors_are_passed_on_and_not_kept() {
    let stub = Stub::with_tables(|_| async {
        stub::Answer::error(400, "ProvisionedThroughputExceededException", "slow down").into()
    });
    let node = Node::before(&stub).await;
    for asked in 1..=3 {
        let answer = node.read("a").await;
        assert_eq!(answer.error(), "ProvisionedThroughputExceededException");
        assert_eq!((answer.outcome().as_str(), stub.count("GetItem")), ("fwd=miss", asked));
    }
}

#[tokio::test]
async fn items_expire() {
    let (dynamo, _stub, node) =
        music(&[("cache.ttl", "200ms"), ("cache.negative_ttl", "100ms"), ("cache.jitter", "0")]).await;
    node.read("a").await;
    node.read("b").await;
    dynamo.write(("Music".into(), "a".into()), item("a", 2));
    dynamo.write(("Music".into(), "b".into()), item("b", 2));
    tokio::time::sleep(Duration::from_millis(120)).await;
    assert_eq!(version(&node.read("b").await), Some(2));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(version(&node.read("a").await), Some(2));
}

#[tokio::test]
async fn what_is_not_cached_says_why() {
    let (_dynamo, stub, node) = music(&[]).await;
    for (operation, body, why) in [
        ("Query", json!({ "TableName": "Music" }), "not-understood"),
        ("ListTables", json!({}), "not-cached"),
        ("DescribeTable", json!({ "TableName": "Music" }), "not-cached"),
        ("TransactGetItems", json!({ "TransactItems": [] }), "transactional-read"),
        ("ExecuteStatement", json!({ "Statement": "SELECT * FROM Music" }), "partiql"),
        ("GetItem", json!({ "TableName": "Music", "Key": {} }), "not-understood"),
        ("Frobnicate", json!({}), "unknown-operation"),
        ("PutItem", json!({}), "write"),
    ] {
        for _ in 0..2 {
            stub.forget();
            let answer = node.post(operation, body.to_string()).await;
            assert_eq!(answer.outcome(), format!("fwd=bypass; detail={why}"), "{operation}");
            assert_eq!(stub.received().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_table_that_cannot_be_described_is_passed_by() {
    let dynamo = Dynamo::new();
    let played = Arc::clone(&dynamo);
    let stub = Stub::start(move |received| {
        let ending = match received.operation() {
            "DescribeTable" => stub::Answer::error(400, "AccessDeniedException", "no").into(),
            _ => played.serve(&received),
        };
        std::future::ready(ending)
    });
    let node = Node::before(&stub).await;
    for v in 1..=3 {
        node.post("PutItem", put("Music", "a", v)).await;
        let read = node.read("a").await;
        assert_eq!(read.outcome(), "fwd=bypass; detail=schema-unknown");
        assert_eq!(version(&read), Some(v));
    }
}

#[tokio::test]
async fn the_cache_can_be_off() {
    let (_dynamo, stub, node) = music(&[("cache.mode", "off")]).await;
    for asked in 1..=3 {
        assert_eq!(node.read("a").await.outcome(), "fwd=bypass; detail=cache-off");
        assert_eq!((stub.count("GetItem"), stub.count("DescribeTable")), (asked, 0));
    }
    assert_eq!(node.post("PutItem", put("Music", "a", 2)).await.outcome(), "fwd=bypass; detail=cache-off");
}

#[tokio::test]
async fn a_table_s_rule_can_switch_it_off() {
    let dynamo = Dynamo::new();
    let stub = dynamo.stub();
    let mut config = config(&stub.url(), &[]);
    let rule = config.cache.rules.default.get_item.clone().off();
    config.cache.rules.tables.insert("AuditLog".into(), cache::TableRule::new(rule));
    let node = Node::start(config).await;
    for (table, outcome) in [("AuditLog", "fwd=bypass; detail=table-cache-off"), ("Music", "hit")] {
        node.post("PutItem", put(table, "a", 1)).await;
        node.post("GetItem", get(table, "a")).await;
        assert_eq!(node.post("GetItem", get(table, "a")).await.outcome(), outcome, "{table}");
    }
}

#[tokio::test]
async fn a_purge_drops_a_key_a_table_or_all() {
    let (_dynamo, _stub, node) = music(&[]).await;
    let hits = async || {
        let mut hits = Vec::new();
        for (table, key) in [("Music", "a"), ("Music", "b"), ("Other", "a")] {
            let answer = node.post("GetItem", get(table, key)).await;
            hits.push(answer.outcome().starts_with("hit"));
        }
        hits
    };
    let purge = async |what: Value| {
        let mut purge = request("", what.to_string());
        *purge.uri_mut() = "/actions/purge".parse().unwrap();
        let answer = crate::client::Client::connect(node.admin).await.send(purge).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let key = json!({ "p": { "S": "a" } });
    for (what, kept) in [
        (json!({ "table": "Music", "key": key }), [false, true, true]),
        (json!({ "table": "Music" }), [false, false, true]),
        (json!({ "table": "arn:aws:dynamodb:us-east-1:000000000000:table/Music" }), [false, false, true]),
        (json!({ "all": true }), [false, false, false]),
        (json!({ "table": "Unheard" }), [true, true, true]),
    ] {
        hits().await;
        assert_eq!(hits().await, [true; 3]);
        purge(what.clone()).await;
        assert_eq!(hits().await, kept, "{what}");
    }
}

#[tokio::test]
async fn a_write_without_an_answer_leaves_its_key_in_doubt() {
    let dynamo = Dynamo::new();
    let played = Arc::clone(&dynamo);
    // The write is applied half a second after its connection broke.
    let stub = Stub::start(move |received| {
        let played = Arc::clone(&played);
        async move {
            if received.operation() == "PutItem" {
                base::Drain::new().spawn(async move {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    played.serve(&received);
                });
                return Ending::Close;
            }
            played.serve(&received)
        }
    });
    let node = Node::before(&stub).await;
    assert_eq!(node.read("a").await.outcome(), "fwd=miss; stored");
    let lost = node.post("PutItem", put("Music", "a", 1)).await;
    assert_eq!((lost.status.as_u16(), lost.error().as_str()), (500, "InternalServerError"));
    for _ in 0..3 {
        assert_eq!(node.read("a").await.outcome(), "fwd=miss", "asked, and not kept");
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(version(&node.read("a").await), Some(1));
    assert_eq!(node.metric("linac_cache_doubtful_writes_total", &[]).await, 1.0);
}
