//! What clients say that DynamoDB would not take from them, and items as large as it takes them.

use dax_door::{Layering, client::Client};
use serde_json::{Value, json};

use super::{DAX, create_music, get, refused, tables::TABLES};
use crate::node;

#[tokio::test]
async fn all_attributes_is_no_wish_where_dynamodb_would_refuse_it() {
    let node = node::over_engine(&[DAX]).await;
    let songs = &TABLES[0];
    assert_eq!(node.post("CreateTable", songs.create().to_string()).await.status, 200);
    let mut client = node.dax().await;
    let item = json!({
        "artist": { "S": "a" }, "title": { "S": "t" }, "year": { "N": "1" }, "label": { "B": "AA==" },
        "n": { "N": "7" },
    });
    client.call("PutItem", &json!({ "TableName": songs.name, "Item": item })).await.unwrap();
    // As Go's clients send a query whose caller said nothing of it: beside a projection, and of an index of keys.
    let mut projected = json!({
        "TableName": songs.name, "Select": "ALL_ATTRIBUTES", "ProjectionExpression": "n",
        "KeyConditionExpression": "artist = :a", "ExpressionAttributeValues": { ":a": { "S": "a" } },
    });
    let over_http = node.post("Query", projected.to_string()).await;
    assert_eq!(over_http.error(), "ValidationException", "DynamoDB does not take it");
    let answer = client.call("Query", &projected).await.unwrap();
    assert_eq!(answer["Items"], json!([{ "n": { "N": "7" } }]));
    let of_index = json!({
        "TableName": songs.name, "Select": "ALL_ATTRIBUTES", "IndexName": "Labels",
        "KeyConditionExpression": "label = :l", "ExpressionAttributeValues": { ":l": { "B": "AA==" } },
    });
    let keys = json!([{ "artist": item["artist"], "title": item["title"], "label": item["label"] }]);
    assert_eq!(client.call("Query", &of_index).await.unwrap()["Items"], keys);
    // Of a local index it is more than the default.
    projected.as_object_mut().unwrap().remove("ProjectionExpression");
    projected["IndexName"] = json!("ByYear");
    assert_eq!(client.call("Query", &projected).await.unwrap()["Items"], json!([item]));
}

#[tokio::test]
async fn items_travel_up_to_the_largest_and_a_larger_one_is_refused_as_over_http() {
    // DynamoDB: 400 KB with the names of the attributes.
    const BYTES_MAX: usize = 400 << 10;
    let node = node::over_engine(&[DAX]).await;
    create_music(&node).await;
    let put = |key: &str, bytes: usize| {
        let text = "x".repeat(bytes - "pat".len() - key.len() + 1);
        json!({ "TableName": "Music", "Item": { "p": { "S": key }, "t": { "S": text } } })
    };
    for layering in [Layering::Plain, Layering::Framed] {
        let mut client = Client::connect(node.dax_address(), layering).await.unwrap();
        for key in ["a", "b", "c", "d"] {
            let largest = put(key, BYTES_MAX);
            client.call("PutItem", &largest).await.unwrap();
            // From the origin, and from the cache.
            for _ in 0..2 {
                assert!(client.call("GetItem", &get(key)).await.unwrap()["Item"] == largest["Item"], "{key}");
            }
        }
        // A page ends behind a megabyte.
        let page = client.call("Scan", &json!({ "TableName": "Music" })).await.unwrap();
        let over_http = node.post("Scan", json!({ "TableName": "Music" }).to_string()).await.json();
        assert!(page == over_http && page["LastEvaluatedKey"] != Value::Null);
        let too_large = put("e", BYTES_MAX + 1);
        let error = refused(&mut client, "PutItem", &too_large).await;
        let over_http = node.post("PutItem", too_large.to_string()).await;
        assert_eq!(error.name, Some(over_http.error()));
        assert_eq!(over_http.json()["message"], error.message);
    }
}
