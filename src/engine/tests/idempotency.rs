//! Transactions happen once or not at all.

use serde_json::{Value, json};

use crate::rig::Rig;

async fn rig() -> Rig {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", false).await;
    rig
}

fn key(name: &str) -> Value {
    json!({ "pk": { "S": name } })
}

fn add_one(name: &str) -> Value {
    json!({ "Update": {
        "TableName": "Tab", "Key": key(name), "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": { ":one": { "N": "1" } },
    } })
}

fn put(name: &str, n: &str) -> Value {
    json!({ "Put": { "TableName": "Tab", "Item": { "pk": { "S": name }, "n": { "N": n } } } })
}

async fn n(rig: &Rig, name: &str) -> Option<String> {
    let item = rig.item("Tab", key(name)).await?;
    Some(item["n"]["N"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_token_used_twice_applies_its_transaction_once() {
    let rig = rig().await;
    let body = json!({
        "TransactItems": [add_one("a"), add_one("b")], "ClientRequestToken": "token",
        "ReturnConsumedCapacity": "TOTAL",
    });
    let first = rig.done("TransactWriteItems", body.clone()).await;
    assert_eq!(first["ConsumedCapacity"][0]["WriteCapacityUnits"], 4.0);
    // DynamoDB: the same again is answered like a read of what was written.
    let second = rig.done("TransactWriteItems", body.clone()).await;
    assert_eq!(second["ConsumedCapacity"][0]["ReadCapacityUnits"], 4.0);
    // What is to be told makes no other transaction, nor does the order of members.
    let told_less = json!({ "ClientRequestToken": "token", "TransactItems": body["TransactItems"] });
    rig.done("TransactWriteItems", told_less).await;
    assert_eq!((n(&rig, "a").await, n(&rig, "b").await), (Some("1".to_owned()), Some("1".to_owned())));
    // Without one, or under another one, it is another transaction.
    rig.done("TransactWriteItems", json!({ "TransactItems": body["TransactItems"] })).await;
    let other = json!({ "TransactItems": body["TransactItems"], "ClientRequestToken": "other" });
    rig.done("TransactWriteItems", other).await;
    assert_eq!(n(&rig, "a").await, Some("3".to_owned()));
}

#[tokio::test]
async fn a_token_used_for_something_else_is_refused() {
    let rig = rig().await;
    let first = json!({ "TransactItems": [add_one("a"), add_one("b")], "ClientRequestToken": "token" });
    rig.done("TransactWriteItems", first).await;
    let others = [
        json!([add_one("a")]),
        json!([add_one("b"), add_one("a")]),
        json!([add_one("a"), add_one("b"), add_one("c")]),
        json!([put("c", "1")]),
    ];
    for actions in others {
        let body = json!({ "TransactItems": actions, "ClientRequestToken": "token" });
        let refusal = rig.refused("TransactWriteItems", body).await;
        assert_eq!(refusal.code, "IdempotentParameterMismatchException");
    }
    assert_eq!((n(&rig, "a").await, n(&rig, "c").await), (Some("1".to_owned()), None));
}

#[tokio::test]
async fn tokens_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let body = json!({ "TransactItems": [add_one("a")], "ClientRequestToken": "token" });
    for is_first in [true, false] {
        let rig = Rig::in_directory(directory.path());
        if is_first {
            rig.create_plain_table("Tab", false).await;
        }
        rig.done("TransactWriteItems", body.clone()).await;
        assert_eq!(n(&rig, "a").await, Some("1".to_owned()));
        rig.close().await;
    }
}

#[tokio::test]
async fn many_at_once_with_one_token_are_one_transaction() {
    let rig = rig().await;
    let body = json!({ "TransactItems": [add_one("a")], "ClientRequestToken": "token" });
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (rig, body) = (rig.clone(), body.clone());
            rig.drain.clone().spawn(async move { rig.done("TransactWriteItems", body).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(n(&rig, "a").await, Some("1".to_owned()));
}

/// DynamoDB may answer TransactionInProgressException as well; here whoever comes second waits.
#[tokio::test(flavor = "multi_thread")]
async fn of_different_ones_at_once_with_one_token_one_is_carried_out() {
    const TASKS: usize = 50;
    let rig = rig().await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let rig = rig.clone();
            let action = put(&format!("item-{task}"), "1");
            let body = json!({ "TransactItems": [action], "ClientRequestToken": "token" });
            rig.drain.clone().spawn(async move { rig.ask("TransactWriteItems", body).await })
        })
        .collect();
    let mut refused = Vec::new();
    for task in tasks {
        refused.extend(task.await.unwrap().err().map(|refusal| refusal.code));
    }
    assert_eq!(refused, vec!["IdempotentParameterMismatchException"; TASKS - 1]);
    assert_eq!(rig.scan("Tab", None).await.len(), 1);
}

#[tokio::test]
async fn a_failed_transaction_leaves_no_trace_and_says_why_in_order() {
    let rig = rig().await;
    rig.done("PutItem", json!({ "TableName": "Tab", "Item": { "pk": { "S": "old" }, "n": { "N": "7" } } }))
        .await;
    rig.done("PutItem", json!({ "TableName": "Tab", "Item": { "pk": { "S": "word" }, "n": { "S": "x" } } }))
        .await;
    let actions = json!([
        put("new", "1"),
        { "Delete": {
            "TableName": "Tab", "Key": key("old"), "ConditionExpression": "n = :n",
            "ExpressionAttributeValues": { ":n": { "N": "8" } },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        } },
        add_one("count"),
        // It adds to a text.
        add_one("word"),
        { "ConditionCheck": { "TableName": "Tab", "Key": key("none"), "ConditionExpression": "attribute_exists(pk)" } },
    ]);
    let before = rig.scan("Tab", None).await;
    let counts =
        |description: &Value| [description["ItemCount"].clone(), description["TableSizeBytes"].clone()];
    let described = counts(&rig.describe("Tab").await);
    let body = json!({ "TransactItems": actions, "ClientRequestToken": "token" });
    // A failure is not remembered under its token: it fails of the same reasons again.
    for _ in 0..2 {
        let refusal = rig.refused("TransactWriteItems", body.clone()).await;
        assert_eq!(refusal.code, "TransactionCanceledException");
        let reasons = refusal.body["CancellationReasons"].as_array().unwrap();
        let codes: Vec<&str> = reasons.iter().map(|reason| reason["Code"].as_str().unwrap()).collect();
        let expected =
            ["None", "ConditionalCheckFailed", "None", "ValidationError", "ConditionalCheckFailed"];
        assert_eq!(codes, expected);
        assert_eq!(reasons[1]["Item"], json!({ "pk": { "S": "old" }, "n": { "N": "7" } }));
        assert!([0, 2, 3, 4].iter().all(|&place: &usize| reasons[place]["Item"].is_null()));
        assert_eq!(rig.scan("Tab", None).await, before);
        assert_eq!(counts(&rig.describe("Tab").await), described);
    }
    // And another one may use that token.
    let other = json!({ "TransactItems": [put("new", "1")], "ClientRequestToken": "token" });
    rig.done("TransactWriteItems", other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_increment_of_many_tasks_is_lost() {
    const TASKS: usize = 100;
    const INCREMENTS: usize = 100;
    let rig = rig().await;
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let rig = rig.clone();
            rig.drain.clone().spawn(async move {
                for _ in 0..INCREMENTS {
                    // Half of them alone, half in transactions.
                    let mut update = add_one("a");
                    match task % 2 {
                        0 => rig.done("UpdateItem", update["Update"].take()).await,
                        _ => rig.done("TransactWriteItems", json!({ "TransactItems": [update] })).await,
                    };
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(n(&rig, "a").await, Some((TASKS * INCREMENTS).to_string()));
}
