//! What clients say that DynamoDB would not take from them.

use serde_json::json;

use super::{DAX, tables::TABLES};
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
