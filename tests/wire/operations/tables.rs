//! Tables come, change and go.

use serde_json::{Value, json};

use super::{ARN, Way, n, on_every_way, order, order_key, orders, plain, s, schema, with};

fn named(name: &str) -> Value {
    json!({ "TableName": name })
}

/// The names of members, in their order.
fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_table_is_described_in_full() {
    on_every_way(async |way| {
        let created = way.ok("CreateTable", orders()).await;
        let created = &created["TableDescription"];
        assert_eq!(created["TableStatus"], "CREATING");
        assert_eq!(created["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING");
        way.active("Orders").await;
        for number in 0..3 {
            way.ok("PutItem", json!({ "TableName": "Orders", "Item": order("ada", number) })).await;
        }
        let table = way.ok("DescribeTable", named("Orders")).await["Table"].clone();
        let asked = orders();
        for member in ["TableName", "AttributeDefinitions", "KeySchema"] {
            assert_eq!(table[member], asked[member]);
        }
        assert_eq!(
            members(&table),
            [
                "AttributeDefinitions",
                "BillingModeSummary",
                "CreationDateTime",
                "DeletionProtectionEnabled",
                "GlobalSecondaryIndexes",
                "ItemCount",
                "KeySchema",
                "LocalSecondaryIndexes",
                "ProvisionedThroughput",
                "TableArn",
                "TableId",
                "TableName",
                "TableSizeBytes",
                "TableStatus",
                "TableThroughputModeSummary",
                "WarmThroughput",
            ]
        );
        assert_eq!(table["TableStatus"], "ACTIVE");
        assert_eq!(table["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST");
        assert_eq!(
            table["ProvisionedThroughput"],
            json!({ "NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0 })
        );
        assert_eq!((&table["ItemCount"], &table["DeletionProtectionEnabled"]), (&json!(3), &json!(false)));
        assert!(table["TableSizeBytes"].as_u64().unwrap() > 100);
        assert_eq!(table["TableArn"], format!("{ARN}Orders"));
        assert_eq!(table["TableId"].as_str().unwrap().len(), 36);
        let created_at = table["CreationDateTime"].as_f64().unwrap();
        assert!(created_at > 1.6e9 && created_at < 1e11, "seconds: {created_at}");

        let (local, global) = (&table["LocalSecondaryIndexes"][0], &table["GlobalSecondaryIndexes"][0]);
        for (index, asked, count) in
            [(local, &asked["LocalSecondaryIndexes"][0], 3), (global, &asked["GlobalSecondaryIndexes"][0], 3)]
        {
            for member in ["IndexName", "KeySchema", "Projection"] {
                assert_eq!(index[member], asked[member]);
            }
            let name = index["IndexName"].as_str().unwrap();
            assert_eq!(index["IndexArn"], format!("{ARN}Orders/index/{name}"));
            assert_eq!(index["ItemCount"], count);
        }
        assert!(local["IndexStatus"].is_null() && local["ProvisionedThroughput"].is_null());
        assert_eq!(global["IndexStatus"], "ACTIVE");
        assert_eq!(global["ProvisionedThroughput"]["ReadCapacityUnits"], 0);
    })
    .await;
}

#[tokio::test]
async fn provisioned_throughput_is_kept_and_changed() {
    on_every_way(async |way| {
        let mut table = plain("Music");
        table.as_object_mut().unwrap().remove("BillingMode");
        let units = |reads, writes| json!({ "ReadCapacityUnits": reads, "WriteCapacityUnits": writes });
        let table = with(&table, json!({ "ProvisionedThroughput": units(5, 4) }));
        way.ok("CreateTable", table).await;
        way.active("Music").await;
        let described = async || {
            let table = way.ok("DescribeTable", named("Music")).await["Table"].clone();
            let now = &table["ProvisionedThroughput"];
            let mode = table["BillingModeSummary"]["BillingMode"].as_str().unwrap_or("PROVISIONED").to_owned();
            (now["ReadCapacityUnits"].as_u64(), now["WriteCapacityUnits"].as_u64(), mode)
        };
        let update = async |more| {
            way.ok("UpdateTable", with(&named("Music"), more)).await;
            way.active("Music").await;
        };
        assert_eq!(described().await, (Some(5), Some(4), "PROVISIONED".into()));
        update(json!({ "ProvisionedThroughput": units(7, 8) })).await;
        assert_eq!(described().await, (Some(7), Some(8), "PROVISIONED".into()));
        way.invalid(
            "UpdateTable",
            with(&named("Music"), json!({ "ProvisionedThroughput": units(7, 8) })),
            "The provisioned throughput for the table will not change. The requested value equals the current value. \
             Current ReadCapacityUnits provisioned for the table: 7. Requested ReadCapacityUnits: 7. Current \
             WriteCapacityUnits provisioned for the table: 8. Requested WriteCapacityUnits: 8. Refer to the Amazon \
             DynamoDB Developer Guide for current limits and how to request higher limits.",
        )
        .await;
        update(json!({ "BillingMode": "PAY_PER_REQUEST" })).await;
        assert_eq!(described().await, (Some(0), Some(0), "PAY_PER_REQUEST".into()));
        update(json!({ "BillingMode": "PROVISIONED", "ProvisionedThroughput": units(1, 2) })).await;
        assert_eq!(described().await, (Some(1), Some(2), "PROVISIONED".into()));
    })
    .await;
}

#[tokio::test]
async fn tables_are_listed_by_name_and_in_pages() {
    on_every_way(async |way| {
        assert_eq!(way.ok("ListTables", json!({})).await, json!({ "TableNames": [] }));
        for name in ["delta", "Beta", "alpha", "a-b", "a.c"] {
            way.with_table(name).await;
        }
        // In the order of their bytes.
        let sorted = ["Beta", "a-b", "a.c", "alpha", "delta"];
        assert_eq!(way.ok("ListTables", json!({})).await, json!({ "TableNames": sorted }));
        let (mut listed, mut request) = (Vec::new(), json!({ "Limit": 2 }));
        for pages in 1.. {
            let page = way.ok("ListTables", request.clone()).await;
            listed.extend(
                page["TableNames"].as_array().unwrap().iter().map(|n| n.as_str().unwrap().to_owned()),
            );
            match page.get("LastEvaluatedTableName") {
                Some(last) => request["ExclusiveStartTableName"] = last.clone(),
                None => {
                    assert_eq!(pages, 3);
                    break;
                }
            }
        }
        assert_eq!(listed, sorted);
        let after = way.ok("ListTables", json!({ "ExclusiveStartTableName": "aardvark" })).await;
        assert_eq!(after["TableNames"], json!(["alpha", "delta"]), "of a table that never was");
    })
    .await;
}

#[tokio::test]
async fn an_arn_is_a_name_too() {
    on_every_way(async |way| {
        way.with_orders().await;
        let arn = format!("{ARN}Orders");
        way.ok("PutItem", json!({ "TableName": arn, "Item": order("ada", 1) })).await;
        assert_eq!(way.item("Orders", order_key("ada", 1)).await, order("ada", 1));
        assert_eq!(way.item(&arn, order_key("ada", 1)).await, order("ada", 1));
        // What is written by one name is read by the other.
        way.ok("DeleteItem", json!({ "TableName": "Orders", "Key": order_key("ada", 1) })).await;
        assert!(way.item(&arn, order_key("ada", 1)).await.is_null());
        let actions = json!([{ "Put": { "TableName": arn, "Item": order("ada", 2) } }]);
        way.ok("TransactWriteItems", json!({ "TransactItems": actions })).await;
        assert_eq!(way.item("Orders", order_key("ada", 2)).await, order("ada", 2));
        let mut keys = json!({});
        keys[&arn] = json!({ "Keys": [order_key("ada", 2)] });
        let found = way.ok("BatchGetItem", json!({ "RequestItems": keys })).await;
        assert_eq!(found["Responses"][&arn], json!([order("ada", 2)]), "{found}");
        assert_eq!(way.ok("Scan", json!({ "TableName": arn, "Select": "COUNT" })).await["Count"], 1);
        assert_eq!(
            way.ok("DescribeTable", json!({ "TableName": arn })).await["Table"]["TableName"],
            "Orders"
        );
        way.ok("DeleteTable", json!({ "TableName": arn })).await;
        assert_eq!(way.ok("ListTables", json!({})).await["TableNames"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn a_table_made_again_knows_nothing_of_the_first() {
    on_every_way(async |way| {
        way.with_orders().await;
        way.ok("PutItem", json!({ "TableName": "Orders", "Item": order("ada", 1) })).await;
        assert_eq!(way.item("Orders", order_key("ada", 1)).await, order("ada", 1));
        assert!(way.item("Orders", order_key("ada", 2)).await.is_null());
        let deleted = way.ok("DeleteTable", named("Orders")).await;
        assert_eq!(deleted["TableDescription"]["TableStatus"], "DELETING");
        let get = json!({ "TableName": "Orders", "Key": order_key("ada", 1) });
        way.refused("GetItem", get.clone(), "ResourceNotFoundException", "Requested resource not found")
            .await;
        way.with_orders().await;
        assert!(way.item("Orders", order_key("ada", 1)).await.is_null());
        for index in [json!({}), json!({ "IndexName": "by-cost" }), json!({ "IndexName": "by-state" })] {
            assert_eq!(way.ok("Scan", with(&named("Orders"), index)).await["Count"], 0);
        }
        // And it may have another key.
        way.ok("DeleteTable", named("Orders")).await;
        way.with_table("Orders").await;
        way.invalid("GetItem", get, "The provided key element does not match the schema").await;
        let item = json!({ "p": s("a"), "customer": s("ada"), "number": n(1) });
        way.ok("PutItem", json!({ "TableName": "Orders", "Item": item })).await;
        assert_eq!(way.item("Orders", json!({ "p": s("a") })).await, item);
    })
    .await;
}

#[tokio::test]
async fn a_global_index_is_added_filled_and_dropped() {
    on_every_way(async |way| {
        way.with_orders().await;
        for number in 0..40 {
            way.ok("PutItem", json!({ "TableName": "Orders", "Item": order("ada", number) })).await;
        }
        // Sparse: one order has no size, and one has a size that is no number.
        for (number, size) in [(40, None), (41, Some(s("large")))] {
            let mut item = order("ada", number);
            item.as_object_mut().unwrap().remove("size");
            if let Some(size) = size {
                item["size"] = size;
            }
            way.ok("PutItem", json!({ "TableName": "Orders", "Item": item })).await;
        }
        let create = json!({ "Create": {
            "IndexName": "by-size",
            "KeySchema": schema("size", "cost"),
            "Projection": { "ProjectionType": "ALL" },
        } });
        let sizes = json!([
            { "AttributeName": "size", "AttributeType": "N" },
            { "AttributeName": "cost", "AttributeType": "N" },
        ]);
        let update = json!({
            "TableName": "Orders", "AttributeDefinitions": sizes, "GlobalSecondaryIndexUpdates": [create],
        });
        let updated = way.node.post("UpdateTable", update.to_string()).await.json();
        let updated = &updated["TableDescription"];
        assert_eq!(updated["TableStatus"], "UPDATING");
        let index = |table: &Value| {
            let mut indexes = table["GlobalSecondaryIndexes"].as_array().unwrap().iter();
            indexes.find(|index| index["IndexName"] == "by-size").cloned()
        };
        assert_eq!(index(updated).unwrap()["IndexStatus"], "CREATING");
        way.active("Orders").await;
        let described = way.ok("DescribeTable", named("Orders")).await["Table"].clone();
        let added = index(&described).unwrap();
        assert_eq!((&added["ItemCount"], &added["Backfilling"]), (&json!(40), &Value::Null));
        assert_eq!(described["AttributeDefinitions"].as_array().unwrap().len(), 5);

        let query = json!({
            "TableName": "Orders", "IndexName": "by-size", "KeyConditionExpression": "#z = :s",
            "ExpressionAttributeNames": { "#z": "size" },
            "ExpressionAttributeValues": { ":s": n(1) },
        });
        let found = async || {
            let answer = way.ok("Query", query.clone()).await;
            let numbers = answer["Items"].as_array().unwrap().iter();
            numbers.map(|item| item["number"]["N"].as_str().unwrap().parse().unwrap()).collect::<Vec<u32>>()
        };
        // By cost, which falls while the number rises.
        let filled: Vec<u32> = (0..40).filter(|number| number % 3 == 1).rev().collect();
        assert_eq!(found().await, filled);
        way.ok("DeleteItem", json!({ "TableName": "Orders", "Key": order_key("ada", 1) })).await;
        way.ok("PutItem", json!({ "TableName": "Orders", "Item": order("ada", 100) })).await;
        let kept = [&[100], &filled[..filled.len() - 1]].concat();
        assert_eq!(found().await, kept, "it is kept from then on");
        // From now on an attribute of its key has to be of its type.
        let wrong = with(&order("ada", 101), json!({ "size": s("large") }));
        way.invalid(
            "PutItem",
            json!({ "TableName": "Orders", "Item": wrong }),
            "One or more parameter values were invalid: Type mismatch for Index Key size Expected: N Actual: S \
             IndexName: by-size",
        )
        .await;

        let delete = |name: &str| json!({ "GlobalSecondaryIndexUpdates": [{ "Delete": { "IndexName": name } }] });
        way.ok("UpdateTable", with(&named("Orders"), delete("by-size"))).await;
        way.active("Orders").await;
        let described = way.ok("DescribeTable", named("Orders")).await["Table"].clone();
        assert!(index(&described).is_none(), "{described}");
        assert_eq!(described["AttributeDefinitions"].as_array().unwrap().len(), 4, "size is of no key now");
        way.invalid("Query", query, "The table does not have the specified index: by-size").await;
        way.ok("PutItem", json!({ "TableName": "Orders", "Item": wrong })).await;
    })
    .await;
}

#[tokio::test]
async fn a_protected_table_stays() {
    on_every_way(async |way| {
        way.ok("CreateTable", with(&plain("Music"), json!({ "DeletionProtectionEnabled": true }))).await;
        way.active("Music").await;
        way.invalid(
            "DeleteTable",
            named("Music"),
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
             first.",
        )
        .await;
        way.ok("UpdateTable", with(&named("Music"), json!({ "DeletionProtectionEnabled": false }))).await;
        way.active("Music").await;
        way.ok("DeleteTable", named("Music")).await;
    })
    .await;
}

#[tokio::test]
async fn what_is_no_table_is_refused() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        way.refused("CreateTable", plain("Music"), "ResourceInUseException", "Table already exists: Music")
            .await;
        missing(way).await;
        for (change, message) in wrong_schemas() {
            way.invalid("CreateTable", with(&plain("Odd"), change), message).await;
        }
        assert_eq!(way.ok("ListTables", json!({})).await["TableNames"], json!(["Music"]));
    })
    .await;
}

async fn missing(way: &Way) {
    let not_found = "ResourceNotFoundException";
    let message = "Requested resource not found: Table: Nowhere not found";
    for operation in ["DescribeTable", "DeleteTable", "DescribeTimeToLive"] {
        way.refused(operation, named("Nowhere"), not_found, message).await;
    }
    let update = with(&named("Nowhere"), json!({ "BillingMode": "PAY_PER_REQUEST" }));
    way.refused("UpdateTable", update, not_found, message).await;
    let (key, item) = (json!({ "p": s("a") }), json!({ "p": s("a") }));
    let update = json!({ "TableName": "Nowhere", "Key": key, "UpdateExpression": "SET v = p" });
    let query = json!({
        "TableName": "Nowhere", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": { ":p": s("a") },
    });
    for (operation, request) in [
        ("GetItem", json!({ "TableName": "Nowhere", "Key": key })),
        ("PutItem", json!({ "TableName": "Nowhere", "Item": item })),
        ("UpdateItem", update),
        ("DeleteItem", json!({ "TableName": "Nowhere", "Key": key })),
        ("Query", query),
        ("Scan", named("Nowhere")),
        ("BatchGetItem", json!({ "RequestItems": { "Nowhere": { "Keys": [key] } } })),
        ("BatchWriteItem", json!({ "RequestItems": { "Nowhere": [{ "PutRequest": { "Item": item } }] } })),
        ("TransactGetItems", json!({ "TransactItems": [{ "Get": { "TableName": "Nowhere", "Key": key } }] })),
        (
            "TransactWriteItems",
            json!({ "TransactItems": [{ "Put": { "TableName": "Nowhere", "Item": item } }] }),
        ),
    ] {
        way.refused(operation, request, not_found, "Requested resource not found").await;
    }
}

/// Changes to a request that make no table of it.
fn wrong_schemas() -> Vec<(Value, &'static str)> {
    let all = json!({ "ProjectionType": "ALL" });
    let index = |schema: Value| json!([{ "IndexName": "index", "KeySchema": schema, "Projection": all }]);
    let hash = |name: &str| json!([{ "AttributeName": name, "KeyType": "HASH" }]);
    vec![
        (
            json!({ "KeySchema": hash("q") }),
            "One or more parameter values were invalid: Some index key attributes are not defined in \
             AttributeDefinitions. Keys: [q], AttributeDefinitions: [p]",
        ),
        (
            json!({ "AttributeDefinitions": [
                { "AttributeName": "p", "AttributeType": "S" }, { "AttributeName": "q", "AttributeType": "S" },
            ] }),
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match \
             number of attributes defined in AttributeDefinitions",
        ),
        (
            json!({ "KeySchema": schema("p", "p"), "AttributeDefinitions": [
                { "AttributeName": "p", "AttributeType": "S" }, { "AttributeName": "q", "AttributeType": "S" },
            ] }),
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        ),
        (
            json!({ "KeySchema": [{ "AttributeName": "p", "KeyType": "RANGE" }] }),
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        ),
        (
            json!({ "LocalSecondaryIndexes": index(schema("p", "p")) }),
            "One or more parameter values were invalid: Table KeySchema does not have a range key, which is required \
             when specifying a LocalSecondaryIndex",
        ),
        (
            json!({ "GlobalSecondaryIndexes": [] }),
            "One or more parameter values were invalid: List of GlobalSecondaryIndexes is empty",
        ),
        (
            json!({ "ProvisionedThroughput": { "ReadCapacityUnits": 1, "WriteCapacityUnits": 1 } }),
            "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be \
             specified when BillingMode is PAY_PER_REQUEST",
        ),
    ]
}
