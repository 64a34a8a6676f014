//! What administrators call: every operation of the table, and the limits of what tables may be set to.

use model::{Api, OPERATIONS, Operation, Target};
use serde_json::{Value, json};

use super::{ARN, errors::NOT_BUILT, on_every_way, plain, with};
use crate::{
    client::{Answer, Client, request},
    node::over_engine,
};

/// Requests that something may be made of: none, an empty one, and one with what most operations want to know.
fn requests() -> [String; 3] {
    let arn = format!("{ARN}Music");
    let full = json!({
        "TableName": "Music", "ResourceArn": arn, "TableArn": arn, "StreamArn": format!("{arn}/stream/x"),
        "GlobalTableName": "Music", "BackupName": "Backup", "BackupArn": format!("{arn}/backup/0"),
        "Statement": "SELECT * FROM Music", "ShardIterator": "x", "ShardId": "x", "S3Bucket": "bucket",
    });
    [String::new(), "{}".to_owned(), full.to_string()]
}

async fn call(client: &mut Client, operation: &'static Operation, body: &str) -> Answer {
    let mut sent = request(operation.name, body.to_owned());
    sent.headers_mut().insert("x-amz-target", Target::Known(operation).header().parse().unwrap());
    client.send(sent).await
}

fn says_that_it_is_not_built(answer: &Answer) -> bool {
    answer.error() == "UnknownOperationException"
}

#[tokio::test]
async fn every_operation_is_carried_out_or_refused_and_none_fails() {
    let node = over_engine(&[]).await;
    let mut client = Client::connect(node.json).await;
    assert_eq!(client.post("CreateTable", plain("Music").to_string()).await.status, 200);
    for operation in OPERATIONS.iter().filter(|row| row.name != "DeleteTable") {
        for body in requests() {
            let answer = call(&mut client, operation, &body).await;
            let asked = format!("{} {body}: {answer:?}", operation.name);
            assert!([200, 400].contains(&answer.status.as_u16()), "{asked}");
            assert_eq!(answer.status == 200, answer.error().is_empty(), "{asked}");
            // What is no JSON is refused before anybody looks for code.
            if body.is_empty() {
                assert_eq!(answer.error(), "SerializationException", "{asked}");
                continue;
            }
            // SDKs do not retry this one, and show its words.
            let message = format!(
                "{} is not supported by the bundled engine of this version of linac.",
                operation.name
            );
            assert_eq!(
                says_that_it_is_not_built(&answer),
                answer.body.windows(message.len()).any(|words| words == message.as_bytes()),
                "{asked}"
            );
            // Streams are built apart from this.
            let is_left_out = NOT_BUILT.contains(&operation.name) || operation.api == Api::Streams;
            assert!(is_left_out || !says_that_it_is_not_built(&answer), "{asked}");
        }
    }
    // Nothing of it changed what there is.
    let listed = client.post("ListTables", "{}").await.json();
    assert_eq!(listed["TableNames"], json!(["Music"]));
}

fn update(more: Value) -> Value {
    with(&json!({ "TableName": "Music" }), more)
}

#[tokio::test]
async fn bounds_of_what_is_billed_by_the_request_are_changed_one_by_one() {
    on_every_way(async |way| {
        let bounds = |reads: i64, writes: i64| {
            json!({ "OnDemandThroughput": { "MaxReadRequestUnits": reads, "MaxWriteRequestUnits": writes } })
        };
        let described = async || {
            way.active("Music").await;
            let table = way.ok("DescribeTable", json!({ "TableName": "Music" })).await["Table"].clone();
            (table["OnDemandThroughput"].clone(), table["TableStatus"].clone())
        };
        way.ok("CreateTable", with(&plain("Music"), bounds(10, 20))).await;
        assert_eq!(described().await.0, bounds(10, 20)["OnDemandThroughput"]);
        let reads = json!({ "OnDemandThroughput": { "MaxReadRequestUnits": 15 } });
        let changed = way.ok("UpdateTable", update(reads)).await;
        assert_eq!(changed["TableDescription"]["OnDemandThroughput"], bounds(15, 20)["OnDemandThroughput"]);
        assert_eq!(described().await.0, bounds(15, 20)["OnDemandThroughput"]);
        let writes = json!({ "OnDemandThroughput": { "MaxWriteRequestUnits": -1 } });
        let changed = way.ok("UpdateTable", update(writes)).await;
        assert_eq!(changed["TableDescription"]["OnDemandThroughput"], bounds(15, -1)["OnDemandThroughput"]);
        assert_eq!(described().await.0, json!({ "MaxReadRequestUnits": 15 }));
        let units = json!({ "ReadCapacityUnits": 5, "WriteCapacityUnits": 5 });
        let provisioned = json!({ "BillingMode": "PROVISIONED", "ProvisionedThroughput": units });
        way.ok("UpdateTable", update(provisioned)).await;
        assert_eq!(described().await, (Value::Null, json!("ACTIVE")));
        way.invalid(
            "UpdateTable",
            update(bounds(1, 1)),
            "One or more parameter values were invalid: MaxReadRequestUnits for OnDemandThroughput cannot be \
             specified when the table BillingMode is PROVISIONED",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn warm_throughput_only_grows() {
    on_every_way(async |way| {
        let warm = |reads: i64, writes: i64| {
            json!({ "WarmThroughput": { "ReadUnitsPerSecond": reads, "WriteUnitsPerSecond": writes } })
        };
        let described = async || {
            way.active("Music").await;
            let table = way.ok("DescribeTable", json!({ "TableName": "Music" })).await["Table"].clone();
            let warm = &table["WarmThroughput"];
            assert_eq!(warm["Status"], "ACTIVE");
            (warm["ReadUnitsPerSecond"].as_i64().unwrap(), warm["WriteUnitsPerSecond"].as_i64().unwrap())
        };
        let units = |count: u64| json!({ "ReadCapacityUnits": count, "WriteCapacityUnits": count });
        let low = "One or more parameter values were invalid: Requested ReadUnitsPerSecond for WarmThroughput for table \
                   is lower than ";
        let provisioned = with(
            &plain("Music"),
            json!({ "BillingMode": "PROVISIONED", "ProvisionedThroughput": units(10) }),
        );
        way.invalid(
            "CreateTable",
            with(&plain("Music"), warm(11_999, 4000)),
            &format!(
                "{low}initial throughput for OnDemand. See: https://docs.aws.amazon.com/amazondynamodb/latest/\
                 developerguide/on-demand-capacity-mode.html#on-demand-capacity-mode-initial"
            ),
        )
        .await;
        way.invalid(
            "CreateTable",
            with(&provisioned, warm(5, 5)),
            &format!("{low}ReadCapacityUnits of ProvisionedThroughput"),
        )
        .await;
        way.ok("CreateTable", provisioned).await;
        assert_eq!(described().await, (10, 10));
        way.ok("UpdateTable", update(json!({ "ProvisionedThroughput": units(3) }))).await;
        assert_eq!(described().await, (10, 10));
        let lower = format!("{low}current WarmThroughput, decreasing WarmThroughput is not supported");
        way.invalid("UpdateTable", update(warm(9, 9)), &lower).await;
        way.ok("UpdateTable", update(json!({ "WarmThroughput": { "WriteUnitsPerSecond": 50 } }))).await;
        assert_eq!(described().await, (10, 50));
        way.ok("UpdateTable", update(json!({ "BillingMode": "PAY_PER_REQUEST" }))).await;
        assert_eq!(described().await, (12_000, 4_000));
        way.ok("UpdateTable", update(warm(13_000, 4_000))).await;
        assert_eq!(described().await, (13_000, 4_000));
    })
    .await;
}

#[tokio::test]
async fn encryption_that_is_there_already_is_not_set_again() {
    on_every_way(async |way| {
        let sse = |specification: Value| update(json!({ "SSESpecification": specification }));
        let key = json!({ "Enabled": true, "SSEType": "KMS", "KMSMasterKeyId": "alias/mine" });
        way.with_table("Music").await;
        let already = "One or more parameter values were invalid: Table is already encrypted ";
        let off = json!({ "Enabled": false });
        way.invalid("UpdateTable", sse(off.clone()), &format!("{already}by default")).await;
        let described = way.ok("UpdateTable", sse(key.clone())).await;
        assert_eq!(described["TableDescription"]["SSEDescription"]["Status"], "ENABLED");
        way.active("Music").await;
        let given =
            "with given KMSMasterKeyId. Use KMSMasterKeyId parameter if you want to change Master Key";
        way.invalid("UpdateTable", sse(key), &format!("{already}{given}")).await;
        way.ok("UpdateTable", sse(off)).await;
    })
    .await;
}

#[tokio::test]
async fn a_table_that_is_being_deleted_is_told_by_its_name_alone() {
    on_every_way(async |way| {
        way.with_orders().await;
        let deleted =
            way.ok("DeleteTable", json!({ "TableName": "Orders" })).await["TableDescription"].clone();
        assert_eq!((&deleted["TableName"], &deleted["TableStatus"]), (&json!("Orders"), &json!("DELETING")));
        for told in ["TableArn", "TableId", "ProvisionedThroughput", "ItemCount", "TableSizeBytes"] {
            assert!(!deleted[told].is_null(), "{told}");
        }
        for untold in [
            "AttributeDefinitions",
            "CreationDateTime",
            "GlobalSecondaryIndexes",
            "KeySchema",
            "LocalSecondaryIndexes",
        ] {
            assert!(deleted[untold].is_null(), "{untold}");
        }
    })
    .await;
}

#[tokio::test]
async fn tags_have_limits() {
    on_every_way(async |way| {
        let tags = |count: usize| -> Value {
            (0..count).map(|tag| json!({ "Key": format!("tag {tag}"), "Value": "" })).collect()
        };
        let too_many = "Number of Tags exceed the current limit for the provided ResourceArn";
        way.invalid("CreateTable", with(&plain("Music"), json!({ "Tags": tags(51) })), too_many).await;
        way.ok("CreateTable", with(&plain("Music"), json!({ "Tags": tags(49) }))).await;
        let arn = format!("{ARN}Music");
        let tag =
            |key: &str, value: &str| json!({ "ResourceArn": arn, "Tags": [{ "Key": key, "Value": value }] });
        way.ok("TagResource", tag("größe: +-=._:/@", "\u{1E9E} 1")).await;
        way.invalid("TagResource", tag("one more", ""), too_many).await;
        way.invalid("TagResource", tag("hi!", "x"), "The Tag Key provided is invalid, Key: hi!").await;
        way.invalid("TagResource", tag("x", "100%"), "The Tag Value provided is invalid, Value: 100%").await;
    })
    .await;
}

#[tokio::test]
async fn indexes_together_project_at_most_100_attributes_by_name() {
    on_every_way(async |way| {
        let index = |name: &str, count: usize| {
            let names: Vec<String> = (0..count).map(|each| format!("{name}{each}")).collect();
            json!({
                "IndexName": name,
                "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
                "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": names },
            })
        };
        let indexes = |indexes: &[(&str, usize)]| {
            // A single index cannot have more than 20 in the model of the service.
            let each: Vec<Value> = indexes.iter().map(|(name, count)| index(name, *count)).collect();
            with(&plain("Music"), json!({ "GlobalSecondaryIndexes": each }))
        };
        let full = [("one", 20), ("two", 20), ("three", 20), ("four", 20), ("five", 20)];
        let too_many = "One or more parameter values were invalid: Number of projected attributes in all indexes \
                        exceeds limit of 100";
        way.invalid("CreateTable", indexes(&[&full[..], &[("six", 1)]].concat()), too_many).await;
        way.ok("CreateTable", indexes(&full)).await;
        way.active("Music").await;
        let create = json!({
            "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
            "GlobalSecondaryIndexUpdates": [{ "Create": index("six", 1) }],
        });
        way.invalid("UpdateTable", update(create), too_many).await;
    })
    .await;
}

#[tokio::test]
async fn who_asks_for_endpoints_is_sent_back_to_where_it_asked() {
    let node = over_engine(&[]).await;
    let answer = Client::connect(node.json).await.post("DescribeEndpoints", "{}").await;
    assert_eq!(answer.json()["Endpoints"][0]["Address"], "dynamodb.test");
}
