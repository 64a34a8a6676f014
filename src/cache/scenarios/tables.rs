//! Tables: how they are learnt, made again, and purged.

use backend::FailureKind;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_table_that_cannot_be_described_is_passed_by_and_strongly_while_unsettled() {
    let denied = |_: &str| origin_reply(400, error("AccessDeniedException").to_string());
    let rig = Rig::describing(denied, |_| now(200, json!({})));
    let asked_strongly = async || {
        assert_eq!(rig.get("k").await.0, "schema-unknown");
        rig.asked("GetItem").last().unwrap()["ConsistentRead"] == true
    };
    assert!(asked_strongly().await, "just after the start");
    rig.settle().await;
    assert!(!asked_strongly().await);
    rig.ask("PutItem", put(&item("k", 1))).await;
    assert!(asked_strongly().await, "the write guards the whole table");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_understood_goes_up_as_it_came_while_its_table_is_unknown_and_unsettled() {
    let denied = |_: &str| origin_reply(400, error("AccessDeniedException").to_string());
    let rig = Rig::describing(denied, |_| now(400, error("ValidationException")));
    let key = json!({ "p": { "S": "k" } });
    let cases = [
        ("GetItem", json!({ "TableName": "Tab", "Key": key, "ProjectionExpression": "a..b" })),
        (
            "BatchGetItem",
            json!({ "RequestItems": { "Tab": { "Keys": [key], "ProjectionExpression": "a..b" } } }),
        ),
        ("BatchGetItem", json!({ "RequestItems": { "Tab": { "Keys": [] } } })),
    ];
    for (operation, body) in cases {
        let reply = rig.ask(operation, body.clone()).await;
        assert_eq!(reply.outcome.word(), "not-understood", "{body}");
        assert_eq!(rig.asked(operation).last(), Some(&body));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_names_a_table_in_a_new_way_reads_what_was_written() {
    let only_by_name = |name: &str| match name.starts_with("arn:") {
        true => origin_reply(400, error("AccessDeniedException").to_string()),
        false => described(name),
    };
    let rig = Rig::describing(only_by_name, |_| now(200, json!({})));
    rig.get("k").await;
    rig.settle().await;
    // It guards the item alone, since the table is known by this name.
    rig.ask("PutItem", put(&item("k", 1))).await;
    let mut request = get("k");
    request["TableName"] = json!(arn("Tab"));
    assert_eq!(told(&rig.ask("GetItem", request).await).0, "schema-unknown");
    assert_eq!(rig.asked("GetItem").last().unwrap()["ConsistentRead"], true);
}

#[tokio::test(start_paused = true)]
async fn a_table_is_learnt_however_busily_it_is_written() {
    let rig = Rig::new(|asked| match asked.operation {
        "GetItem" => now(200, json!({ "Item": item("k", 1) })),
        // One of these is always in flight, and none is ever sure.
        _ => later(Duration::from_millis(10), fails(Failure::new(FailureKind::Lost, "cut"))),
    });
    let writers: Vec<_> =
        (0..10).map(|version| rig.ask_aside("PutItem", put(&item("w", version)), PATIENCE)).collect();
    rig.pass(Duration::from_millis(1)).await;
    assert_eq!(rig.get("k").await.0, "miss-not-stored");
    for writer in writers {
        drop(writer.await.unwrap());
    }
    rig.pass(DOUBT + Duration::from_millis(1)).await;
    assert_eq!(rig.get("k").await.0, "miss");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_made_again_begins_a_new_life() {
    for operation in ["DeleteTable", "CreateTable", "RestoreTableToPointInTime"] {
        let rig = Rig::with_item(item("k", 1));
        rig.get("k").await;
        rig.ask(operation, json!({ "TableName": "Tab", "TargetTableName": "Tab" })).await;
        assert_eq!(rig.get("k").await.0, "miss", "{operation}");
        assert_eq!(rig.asked("DescribeTable").len(), 2, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_table_id_begins_a_new_life_by_whatever_name_the_table_is_known() {
    for known_as in ["Tab".to_owned(), arn("Tab")] {
        let id = Register::default();
        let rig = {
            let (id, seen) = (id.clone(), id.clone());
            Rig::describing(
                move |_| description("Tab", &id.version().to_string()),
                move |asked| match asked.operation {
                    "DescribeTable" => {
                        let reply = description("Tab", &seen.version().to_string());
                        Box::pin(async move { Ok(reply) })
                    }
                    _ => now(200, json!({ "Item": item("k", 1) })),
                },
            )
        };
        let mut request = get("k");
        request["TableName"] = json!(known_as);
        let read = async || told(&rig.ask("GetItem", request.clone()).await).0;
        assert_eq!([read().await, read().await], ["miss", "hit"]);
        rig.ask("DescribeTable", json!({ "TableName": "Tab" })).await;
        assert_eq!(read().await, "hit", "nothing has changed");
        id.set(2);
        rig.ask("DescribeTable", json!({ "TableName": "Tab" })).await;
        assert_eq!(read().await, "miss");
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_gone_is_forgotten() {
    let rig = Rig::new(|asked| match asked.operation {
        "Query" => now(400, error("ResourceNotFoundException")),
        _ => now(200, json!({ "Item": item("k", 1) })),
    });
    rig.get("k").await;
    rig.ask("Query", json!({ "TableName": "Tab" })).await;
    assert_eq!(rig.get("k").await.0, "miss");
}

#[tokio::test(start_paused = true)]
async fn an_operator_purges_a_key_a_table_or_all() {
    for known_as in ["Tab".to_owned(), arn("Tab")] {
        let rig = Rig::with_item(item("k", 1));
        let read = async |name: &str, key: &str| {
            let request = json!({ "TableName": name, "Key": { "p": { "S": key } } });
            told(&rig.ask("GetItem", request).await).0
        };
        let cases = [
            (json!({ "table": "Tab", "key": { "p": { "S": "k" } } }), ["miss", "hit", "hit"]),
            (json!({ "table": "Tab", "key": { "p": { "S": "none" } } }), ["hit", "hit", "hit"]),
            (json!({ "table": "Tab" }), ["miss", "miss", "hit"]),
            (json!({ "table": arn("Tab") }), ["miss", "miss", "hit"]),
            (json!({ "table": "Unheard" }), ["hit", "hit", "hit"]),
            (json!({ "all": true }), ["miss", "miss", "miss"]),
        ];
        for (request, expected) in cases {
            let words =
                async || [read(&known_as, "k").await, read(&known_as, "l").await, read("Two", "k").await];
            words().await;
            assert_eq!(words().await, ["hit"; 3]);
            let answer = rig.node.purge_action().run(&request).unwrap();
            assert_eq!(
                answer["entries"],
                expected.iter().filter(|word| **word == "miss").count(),
                "{request}"
            );
            assert_eq!(words().await, expected, "{request}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_purges_an_index_and_nothing_else() {
    let with_indexes = |name: &str| {
        let mut body: Value = serde_json::from_slice(described(name).body()).unwrap();
        let index = |name: &str| {
            json!({
                "IndexName": name, "IndexStatus": "ACTIVE", "Projection": { "ProjectionType": "ALL" },
                "KeySchema": [{ "AttributeName": "g", "KeyType": "HASH" }],
            })
        };
        body["Table"]["GlobalSecondaryIndexes"] = json!([index("ByG"), index("Other")]);
        let attribute = json!({ "AttributeName": "g", "AttributeType": "S" });
        body["Table"]["AttributeDefinitions"].as_array_mut().unwrap().push(attribute);
        origin_reply(200, body.to_string())
    };
    let rig = Rig::describing(with_indexes, |asked| match asked.operation {
        "Query" => now(200, json!({ "Items": [item("k", 1)], "Count": 1, "ScannedCount": 1 })),
        _ => now(200, json!({ "Item": item("k", 1) })),
    });
    let query = async |index: Option<&str>, of: &str| {
        let attribute = if index.is_some() { "g" } else { "p" };
        let mut body = json!({
            "TableName": "Tab", "KeyConditionExpression": format!("{attribute} = :v"),
            "ExpressionAttributeValues": { ":v": { "S": of } },
        });
        if let Some(index) = index {
            body["IndexName"] = json!(index);
        }
        rig.ask("Query", body).await.outcome.word()
    };
    let words = async || {
        let item = rig.get("k").await.0;
        let table = query(None, "k").await;
        [
            item,
            table,
            query(Some("ByG"), "x").await,
            query(Some("ByG"), "y").await,
            query(Some("Other"), "x").await,
        ]
    };
    words().await;
    rig.settle().await;
    rig.settle().await;
    words().await;
    assert_eq!(words().await, ["hit"; 5]);
    let purge = json!({ "table": "Tab", "index": "ByG" });
    let answer = rig.node.purge_action().run(&purge).unwrap();
    assert_eq!(answer, json!({ "purged": "Tab", "entries": 2 }));
    // An index that may just have changed is given time to catch up.
    let not_stored = "miss-not-stored";
    assert_eq!(words().await, ["hit", "hit", not_stored, not_stored, "hit"]);
    let all = rig.node.purge_action().run(&json!({ "table": "Tab" })).unwrap();
    assert_eq!(all["entries"], 3);
}

#[tokio::test(start_paused = true)]
async fn a_purge_that_cannot_be_meant_is_refused_with_words() {
    let rig = Rig::with_item(item("k", 1));
    rig.get("k").await;
    let requests = [
        json!({}),
        json!({ "all": true, "table": "Tab" }),
        json!({ "key": { "p": { "S": "k" } } }),
        json!({ "table": "a b" }),
        json!({ "table": "Tab", "key": { "q": { "S": "k" } } }),
        json!({ "tables": "Tab" }),
        json!({ "table": "Tab", "index": "None" }),
        json!({ "table": "Tab", "index": "None", "key": { "p": { "S": "k" } } }),
        json!({ "index": "None" }),
    ];
    for request in requests {
        assert!(rig.node.purge_action().run(&request).is_err(), "{request}");
    }
    assert_eq!(rig.get("k").await.0, "hit");
}

#[tokio::test(start_paused = true)]
async fn a_strong_answer_counts_while_its_table_is_being_learnt_again() {
    let register = Register::default();
    let shown = register.clone();
    let rig = Rig::new(move |asked| match asked.operation {
        "GetItem" => now(200, shown.item()),
        _ => now(200, json!({})),
    });
    rig.get("k").await;
    rig.settle().await;
    // The table is learnt again, and as nothing about it changed its entries count again then.
    rig.ask("UpdateTable", json!({ "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST" })).await;
    register.set(1);
    let mut strong = get("k");
    strong["ConsistentRead"] = json!(true);
    assert_eq!(told(&rig.ask("GetItem", strong).await).1, register.item());
    assert_eq!(rig.get("k").await.1, register.item());
}

#[tokio::test(start_paused = true)]
async fn an_index_that_was_replaced_beside_the_node_is_noticed_under_all_names_of_its_table() {
    let sort = Arc::new(Mutex::new("h"));
    let described_by = Arc::clone(&sort);
    let describe = move |name: &str| {
        let sort = *described_by.lock().unwrap();
        let mut body: Value = serde_json::from_slice(described(name).body()).unwrap();
        body["Table"]["GlobalSecondaryIndexes"] = json!([{
            "IndexName": "ByIt", "IndexStatus": "ACTIVE", "Projection": { "ProjectionType": "ALL" },
            "KeySchema": [
                { "AttributeName": "g", "KeyType": "HASH" },
                { "AttributeName": sort, "KeyType": "RANGE" },
            ],
        }]);
        for name in ["g", "h", "i"] {
            let attribute = json!({ "AttributeName": name, "AttributeType": "S" });
            body["Table"]["AttributeDefinitions"].as_array_mut().unwrap().push(attribute);
        }
        origin_reply(200, body.to_string())
    };
    let rig = Rig::describing(describe, |asked| match asked.operation {
        "Query" => now(200, json!({ "Items": [item("k", 1)], "Count": 1, "ScannedCount": 1 })),
        _ => now(200, json!({ "Item": item("k", 1) })),
    });
    let query = async || {
        let body = json!({
            "TableName": "Tab", "IndexName": "ByIt", "KeyConditionExpression": "g = :v",
            "ExpressionAttributeValues": { ":v": { "S": "x" } },
        });
        rig.ask("Query", body).await.outcome.word()
    };
    query().await;
    rig.settle().await;
    rig.settle().await;
    query().await;
    assert_eq!(query().await, "hit");
    *sort.lock().unwrap() = "i";
    // Nobody has asked by this name before, so the table is described.
    rig.ask("GetItem", json!({ "TableName": arn("Tab"), "Key": { "p": { "S": "k" } } })).await;
    assert_ne!(query().await, "hit", "by its other name it is the same table");
}
