//! The script: a shop's orders, from the table's making to its end.

use serde_json::{Value, json};

use super::{
    Expected::{self, Holds, Refused},
    Step,
};

fn step(operation: &'static str, body: Value, expected: Expected) -> Step {
    Step { operation, body, expected }
}

fn key(customer: &str, placed: u32) -> Value {
    json!({ "customer": { "S": customer }, "placed": { "N": placed.to_string() } })
}

fn order(customer: &str, placed: u32, state: &str) -> Value {
    let mut order = key(customer, placed);
    order["state"] = json!({ "S": state });
    order["cents"] = json!({ "N": (placed * 10).to_string() });
    order
}

fn keys_of(orders: &[(&str, u32)]) -> Vec<Value> {
    orders.iter().map(|(customer, placed)| key(customer, *placed)).collect()
}

const CLOSED: &str = "ConditionalCheckFailedException";
const INVALID: &str = "ValidationException";

pub(super) fn steps() -> Vec<Step> {
    [
        tables(),
        items(),
        conditions(),
        updates(),
        queries(),
        scans(),
        batches(),
        transactions(),
        settings(),
        end(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn tables() -> Vec<Step> {
    let create = json!({
        "TableName": "Orders",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "customer", "AttributeType": "S" },
            { "AttributeName": "placed", "AttributeType": "N" },
            { "AttributeName": "state", "AttributeType": "S" },
            { "AttributeName": "cents", "AttributeType": "N" },
        ],
        "KeySchema": [
            { "AttributeName": "customer", "KeyType": "HASH" },
            { "AttributeName": "placed", "KeyType": "RANGE" },
        ],
        "LocalSecondaryIndexes": [{
            "IndexName": "by-cents",
            "KeySchema": [
                { "AttributeName": "customer", "KeyType": "HASH" },
                { "AttributeName": "cents", "KeyType": "RANGE" },
            ],
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-state",
            "KeySchema": [
                { "AttributeName": "state", "KeyType": "HASH" },
                { "AttributeName": "placed", "KeyType": "RANGE" },
            ],
            "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"] },
        }],
        "Tags": [{ "Key": "team", "Value": "shop" }],
    });
    let described = json!({ "Table": {
        "TableName": "Orders",
        "TableStatus": "ACTIVE",
        "ItemCount": 0,
        "TableSizeBytes": 0,
        "TableArn": "arn:aws:dynamodb:us-east-1:123456789012:table/Orders",
        "BillingModeSummary": { "BillingMode": "PAY_PER_REQUEST" },
        "DeletionProtectionEnabled": false,
        "LocalSecondaryIndexes": [{ "IndexName": "by-cents", "Projection": { "ProjectionType": "KEYS_ONLY" } }],
        "GlobalSecondaryIndexes": [{ "IndexName": "by-state", "IndexStatus": "ACTIVE" }],
    } });
    vec![
        step("ListTables", json!({}), Holds(json!({ "TableNames": [], "LastEvaluatedTableName": null }))),
        step(
            "CreateTable",
            create.clone(),
            Holds(json!({ "TableDescription": { "TableStatus": "CREATING" } })),
        ),
        step("CreateTable", create, Refused("ResourceInUseException", "Table already exists: Orders")),
        step("DescribeTable", json!({ "TableName": "Orders" }), Holds(described)),
        step(
            "DescribeTable",
            json!({ "TableName": "Nothing" }),
            Refused("ResourceNotFoundException", "Requested resource not found: Table: Nothing not found"),
        ),
        step(
            "CreateTable",
            json!({
                "TableName": "Plain",
                "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "B" }],
                "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
                "ProvisionedThroughput": { "ReadCapacityUnits": 1, "WriteCapacityUnits": 2 },
            }),
            Holds(json!({ "TableDescription": { "ProvisionedThroughput": { "WriteCapacityUnits": 2 } } })),
        ),
        step(
            "ListTables",
            json!({ "Limit": 1 }),
            Holds(json!({ "TableNames": ["Orders"], "LastEvaluatedTableName": "Orders" })),
        ),
        step(
            "ListTables",
            json!({ "ExclusiveStartTableName": "Orders" }),
            Holds(json!({ "TableNames": ["Plain"], "LastEvaluatedTableName": null })),
        ),
    ]
}

fn items() -> Vec<Step> {
    let get = |customer, placed| json!({ "TableName": "Orders", "Key": key(customer, placed) });
    let mut all_types = order("types", 1, "open");
    all_types["all"] = json!({ "M": {
        "s": { "S": "" }, "n": { "N": "-1.50" }, "b": { "B": "AAE=" }, "yes": { "BOOL": true }, "nil": { "NULL": true },
        "l": { "L": [{ "N": "1" }, { "L": [] }] }, "ss": { "SS": ["a"] }, "ns": { "NS": ["1e2"] }, "bs": { "BS": ["AA=="] },
    } });
    let mut canonical = all_types.clone();
    canonical["all"]["M"]["n"] = json!({ "N": "-1.5" });
    canonical["all"]["M"]["ns"] = json!({ "NS": ["100"] });
    let put = |item: Value| json!({ "TableName": "Orders", "Item": item });
    vec![
        step("GetItem", get("ada", 1), Holds(json!({ "Item": null }))),
        step("PutItem", put(order("ada", 1, "open")), Holds(json!({}))),
        step("GetItem", get("ada", 1), Holds(json!({ "Item": order("ada", 1, "open") }))),
        step("GetItem", get("ada", 1), Holds(json!({ "Item": order("ada", 1, "open") }))),
        step("PutItem", put(all_types), Holds(json!({}))),
        step("GetItem", get("types", 1), Holds(json!({ "Item": canonical }))),
        step(
            "GetItem",
            json!({
                "TableName": "arn:aws:dynamodb:us-east-1:123456789012:table/Orders",
                "Key": key("types", 1),
                "ProjectionExpression": "#all.l[0], placed",
                "ExpressionAttributeNames": { "#all": "all" },
            }),
            Holds(
                json!({ "Item": { "all": { "M": { "l": { "L": [{ "N": "1" }] }, "s": null } }, "customer": null } }),
            ),
        ),
        step(
            "GetItem",
            json!({ "TableName": "Nothing", "Key": key("ada", 1) }),
            Refused("ResourceNotFoundException", ""),
        ),
        step(
            "GetItem",
            json!({ "TableName": "Orders", "Key": { "customer": { "S": "ada" } } }),
            Refused(INVALID, "The provided key element does not match the schema"),
        ),
        step(
            "PutItem",
            put(json!({ "customer": { "S": "ada" } })),
            Refused(INVALID, "One or more parameter values were invalid: Missing the key placed in the item"),
        ),
        step(
            "PutItem",
            put(json!({ "customer": { "S": "ada" }, "placed": { "S": "1" } })),
            Refused(INVALID, "Type mismatch for key placed expected: N actual: S"),
        ),
        step(
            "PutItem",
            put(json!({ "customer": { "S": "" }, "placed": { "N": "1" } })),
            Refused(INVALID, "cannot contain an empty string value. Key: customer"),
        ),
        step(
            "PutItem",
            put(json!({ "customer": { "S": "ada" }, "placed": { "N": "1" }, "state": { "N": "1" } })),
            Refused(INVALID, "Type mismatch for Index Key state Expected: S Actual: N IndexName: by-state"),
        ),
        step(
            "PutItem",
            put(
                json!({ "customer": { "S": "ada" }, "placed": { "N": "1" }, "x": { "S": "x".repeat(409_600) } }),
            ),
            Refused(INVALID, "Item size has exceeded the maximum allowed size"),
        ),
        step(
            "DeleteItem",
            json!({ "TableName": "Orders", "Key": key("types", 1), "ReturnValues": "ALL_OLD",
                "ReturnConsumedCapacity": "INDEXES", "ReturnItemCollectionMetrics": "SIZE" }),
            Holds(json!({
                "Attributes": { "customer": { "S": "types" } },
                "ConsumedCapacity": { "TableName": "Orders", "CapacityUnits": 3.0, "Table": { "CapacityUnits": 1.0 },
                    "LocalSecondaryIndexes": { "by-cents": { "CapacityUnits": 1.0 } },
                    "GlobalSecondaryIndexes": { "by-state": { "CapacityUnits": 1.0 } } },
                "ItemCollectionMetrics": { "ItemCollectionKey": { "customer": { "S": "types" } },
                    "SizeEstimateRangeGB": [0.0, 1.0] },
            })),
        ),
        step("GetItem", get("types", 1), Holds(json!({ "Item": null }))),
    ]
}

fn conditions() -> Vec<Step> {
    let put = |condition: &str| json!({ "TableName": "Orders", "Item": order("ada", 1, "paid"), "ConditionExpression": condition });
    let mut shows = put("attribute_not_exists(customer)");
    shows["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    vec![
        step(
            "PutItem",
            put("attribute_not_exists(customer)"),
            Refused(CLOSED, "The conditional request failed"),
        ),
        step("PutItem", shows, Refused(CLOSED, "The conditional request failed")),
        step("PutItem", put("attribute_exists(customer) AND attribute_exists(cents)"), Holds(json!({}))),
        step(
            "PutItem",
            put("attribute_exists(customer"),
            Refused(INVALID, "Invalid ConditionExpression: Syntax error"),
        ),
        step("PutItem", put("size(:v) > :v"), Refused(INVALID, "attribute value: :v")),
        step(
            "PutItem",
            json!({ "TableName": "Orders", "Item": order("ada", 1, "paid"),
                "Expected": { "state": { "Value": { "S": "open" } } } }),
            Refused(CLOSED, ""),
        ),
        step(
            "DeleteItem",
            json!({ "TableName": "Orders", "Key": key("nobody", 1), "ConditionExpression": "attribute_exists(customer)" }),
            Refused(CLOSED, ""),
        ),
        step(
            "GetItem",
            json!({ "TableName": "Orders", "Key": key("ada", 1) }),
            Holds(json!({ "Item": order("ada", 1, "paid") })),
        ),
    ]
}

fn updates() -> Vec<Step> {
    let update = |expression: &str, values: Value, returns: &str| {
        let mut body = json!({ "TableName": "Orders", "Key": key("ada", 2), "UpdateExpression": expression,
            "ReturnValues": returns });
        if !values.is_null() {
            body["ExpressionAttributeValues"] = values;
        }
        body
    };
    let one = || json!({ ":one": { "N": "1" } });
    vec![
        step("UpdateItem", update("ADD visits :one", one(), "ALL_OLD"), Holds(json!({ "Attributes": null }))),
        step(
            "UpdateItem",
            update("ADD visits :one", one(), "UPDATED_NEW"),
            Holds(json!({ "Attributes": { "visits": { "N": "2" }, "customer": null } })),
        ),
        step(
            "UpdateItem",
            update("SET visits = visits + :one, note = if_not_exists(note, :one)", one(), "UPDATED_OLD"),
            Holds(json!({ "Attributes": { "visits": { "N": "2" }, "note": null } })),
        ),
        step(
            "UpdateItem",
            update(
                "SET tags = list_append(:l, :l) REMOVE note",
                json!({ ":l": { "L": [{ "S": "x" }] } }),
                "ALL_NEW",
            ),
            Holds(json!({ "Attributes": { "tags": { "L": [{ "S": "x" }, { "S": "x" }] }, "note": null } })),
        ),
        step(
            "GetItem",
            json!({ "TableName": "Orders", "Key": key("ada", 2) }),
            Holds(json!({ "Item": { "visits": { "N": "3" } } })),
        ),
        step(
            "UpdateItem",
            update("SET placed = :one", one(), "NONE"),
            Refused(INVALID, "Cannot update attribute placed. This attribute is part of the key"),
        ),
        step(
            "UpdateItem",
            update("SET visits = tags + :one", one(), "NONE"),
            Refused(INVALID, "An operand in the update expression has an incorrect data type"),
        ),
        step(
            "UpdateItem",
            update("SET visits = nothing1", Value::Null, "NONE"),
            Refused(
                INVALID,
                "The provided expression refers to an attribute that does not exist in the item",
            ),
        ),
        step(
            "UpdateItem",
            json!({ "TableName": "Orders", "Key": key("ada", 2),
                "AttributeUpdates": { "visits": { "Action": "ADD", "Value": { "N": "-3" } } }, "ReturnValues": "ALL_NEW" }),
            Holds(json!({ "Attributes": { "visits": { "N": "0" } } })),
        ),
        step("DeleteItem", json!({ "TableName": "Orders", "Key": key("ada", 2) }), Holds(json!({}))),
    ]
}

fn queries() -> Vec<Step> {
    let fill = (1..=6).map(|placed| {
        let state = if placed % 2 == 0 { "open" } else { "paid" };
        let put = json!({ "TableName": "Orders", "Item": order("bob", placed, state) });
        step("PutItem", put, Holds(json!({})))
    });
    let query = |condition: &str, values: Value, more: Value| {
        let mut body = json!({ "TableName": "Orders", "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values });
        more.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        body
    };
    let bob = || json!({ ":c": { "S": "bob" } });
    let open = || json!({ ":s": { "S": "open" } });
    let names = json!({ "#s": "state" });
    let all = vec![
        step(
            "Query",
            query("customer = :c", bob(), json!({})),
            Holds(json!({ "Count": 6, "ScannedCount": 6, "LastEvaluatedKey": null })),
        ),
        step(
            "Query",
            query("customer = :c", bob(), json!({ "Limit": 2, "ScanIndexForward": false })),
            Holds(json!({ "Count": 2, "Items": [order("bob", 6, "open"), order("bob", 5, "paid")],
                "LastEvaluatedKey": key("bob", 5) })),
        ),
        step(
            "Query",
            query(
                "customer = :c",
                bob(),
                json!({ "ExclusiveStartKey": key("bob", 5), "ProjectionExpression": "placed" }),
            ),
            Holds(
                json!({ "Items": [{ "placed": { "N": "6" }, "customer": null }], "LastEvaluatedKey": null }),
            ),
        ),
        step(
            "Query",
            query(
                "customer = :c AND placed BETWEEN :l AND :h",
                json!({ ":c": { "S": "bob" }, ":l": { "N": "2" }, ":h": { "N": "4.0" }, ":s": { "S": "paid" } }),
                json!({ "FilterExpression": "#s = :s", "ExpressionAttributeNames": { "#s": "state" }, "Select": "COUNT" }),
            ),
            Holds(json!({ "Count": 1, "ScannedCount": 3, "Items": null })),
        ),
        step(
            "Query",
            query(
                "#s = :s",
                open(),
                json!({ "IndexName": "by-state", "ExpressionAttributeNames": names.clone(), "Limit": 1,
                "ReturnConsumedCapacity": "INDEXES" }),
            ),
            Holds(json!({
                "Items": [{ "customer": { "S": "bob" }, "placed": { "N": "2" }, "state": { "S": "open" }, "cents": null }],
                "LastEvaluatedKey": { "customer": { "S": "bob" }, "placed": { "N": "2" }, "state": { "S": "open" } },
                "ConsumedCapacity": { "CapacityUnits": 0.5, "GlobalSecondaryIndexes": { "by-state": { "CapacityUnits": 0.5 } } },
            })),
        ),
        step(
            "Query",
            query(
                "customer = :c AND cents > :l",
                json!({ ":c": { "S": "bob" }, ":l": { "N": "40" } }),
                json!({ "IndexName": "by-cents", "Select": "ALL_ATTRIBUTES", "ConsistentRead": true }),
            ),
            Holds(json!({ "Items": [order("bob", 5, "paid"), order("bob", 6, "open")] })),
        ),
        step(
            "Query",
            query(
                "#s = :s",
                open(),
                json!({ "IndexName": "by-state", "ExpressionAttributeNames": names.clone(), "ConsistentRead": true }),
            ),
            Refused(INVALID, "Consistent reads are not supported on global secondary indexes"),
        ),
        step(
            "Query",
            query(
                "#s = :s",
                open(),
                json!({ "IndexName": "by-nothing", "ExpressionAttributeNames": names.clone() }),
            ),
            Refused(INVALID, "The table does not have the specified index: by-nothing"),
        ),
        step(
            "Query",
            query("placed = :c", json!({ ":c": { "N": "1" } }), json!({})),
            Refused(INVALID, "Query condition missed key schema element: customer"),
        ),
        step(
            "Query",
            query("customer = :c", bob(), json!({ "FilterExpression": "placed > :c" })),
            Refused(INVALID, "Primary key attribute: placed"),
        ),
        step(
            "Query",
            query("customer = :c", bob(), json!({ "ExclusiveStartKey": key("eve", 1) })),
            Refused(
                INVALID,
                "The provided starting key is outside query boundaries based on provided conditions",
            ),
        ),
        step(
            "Query",
            json!({ "TableName": "Orders" }),
            Refused(
                INVALID,
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            ),
        ),
    ];
    fill.chain(all).collect()
}

fn scans() -> Vec<Step> {
    vec![
        step("Scan", json!({ "TableName": "Orders" }), Holds(json!({ "Count": 7, "ScannedCount": 7 }))),
        step(
            "Scan",
            json!({ "TableName": "Orders", "IndexName": "by-state", "Select": "COUNT" }),
            Holds(json!({ "Count": 7 })),
        ),
        step(
            "Scan",
            json!({ "TableName": "Orders", "ScanFilter": { "cents": { "ComparisonOperator": "GE", "AttributeValueList": [{ "N": "50" }] } } }),
            Holds(json!({ "Count": 2, "ScannedCount": 7 })),
        ),
        step(
            "Scan",
            json!({ "TableName": "Orders", "Segment": 3, "TotalSegments": 3 }),
            Refused(
                INVALID,
                "The Segment parameter is zero-based and must be less than parameter TotalSegments",
            ),
        ),
    ]
}

fn batches() -> Vec<Step> {
    let put = |item: Value| json!({ "PutRequest": { "Item": item } });
    let delete = |key: Value| json!({ "DeleteRequest": { "Key": key } });
    let get = |keys: Vec<Value>| json!({ "RequestItems": { "Orders": { "Keys": keys } }, "ReturnConsumedCapacity": "TOTAL" });
    vec![
        step(
            "BatchWriteItem",
            json!({ "RequestItems": { "Orders": [put(order("eve", 1, "open")), delete(key("bob", 6))] } }),
            Holds(json!({ "UnprocessedItems": {} })),
        ),
        step(
            "BatchGetItem",
            json!({ "RequestItems": { "Orders": { "Keys": keys_of(&[("eve", 1)]) } } }),
            Holds(json!({ "Responses": { "Orders": [order("eve", 1, "open")] }, "UnprocessedKeys": {} })),
        ),
        step(
            "BatchGetItem",
            json!({ "RequestItems": { "Orders": { "Keys": keys_of(&[("bob", 6), ("nobody", 1)]) } } }),
            Holds(json!({ "Responses": { "Orders": [] } })),
        ),
        step(
            "BatchWriteItem",
            json!({ "RequestItems": { "Orders": [put(order("eve", 1, "open")), delete(key("eve", 1))] } }),
            Refused(INVALID, "Provided list of item keys contains duplicates"),
        ),
        step(
            "BatchGetItem",
            get(keys_of(&[("eve", 1), ("eve", 1)])),
            Refused(INVALID, "Provided list of item keys contains duplicates"),
        ),
        step(
            "BatchWriteItem",
            json!({ "RequestItems": { "Nothing": [delete(key("eve", 1))] } }),
            Refused("ResourceNotFoundException", "Requested resource not found"),
        ),
        step("BatchWriteItem", json!({ "RequestItems": {} }), Refused(INVALID, "")),
    ]
}

fn transactions() -> Vec<Step> {
    let write = |actions: Value| json!({ "TransactItems": actions });
    let put = |item: Value| json!({ "Put": { "TableName": "Orders", "Item": item } });
    let check = json!({ "ConditionCheck": { "TableName": "Orders", "Key": key("eve", 1), "ConditionExpression": "attribute_not_exists(customer)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD" } });
    let update = json!({ "Update": { "TableName": "Orders", "Key": key("eve", 2), "UpdateExpression": "SET cents = :c",
        "ExpressionAttributeValues": { ":c": { "N": "5" } } } });
    let with_token = |item: Value| {
        let mut body = write(json!([put(item)]));
        body["ClientRequestToken"] = json!("a-token");
        body
    };
    vec![
        step(
            "TransactWriteItems",
            write(json!([put(order("eve", 3, "open")), check, update.clone()])),
            Refused("TransactionCanceledException", "specific reasons [None, ConditionalCheckFailed, None]"),
        ),
        step(
            "GetItem",
            json!({ "TableName": "Orders", "Key": key("eve", 3) }),
            Holds(json!({ "Item": null })),
        ),
        step("TransactWriteItems", write(json!([put(order("eve", 3, "open")), update])), Holds(json!({}))),
        step(
            "TransactGetItems",
            json!({ "TransactItems": [
                { "Get": { "TableName": "Orders", "Key": key("eve", 2), "ProjectionExpression": "cents" } },
                { "Get": { "TableName": "Orders", "Key": key("nobody", 2) } },
            ], "ReturnConsumedCapacity": "TOTAL" }),
            Holds(
                json!({ "Responses": [{ "Item": { "cents": { "N": "5" }, "placed": null } }, { "Item": null }],
                "ConsumedCapacity": [{ "TableName": "Orders", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0 }] }),
            ),
        ),
        step("TransactWriteItems", with_token(order("eve", 4, "open")), Holds(json!({}))),
        step("DeleteItem", json!({ "TableName": "Orders", "Key": key("eve", 4) }), Holds(json!({}))),
        step("TransactWriteItems", with_token(order("eve", 4, "open")), Holds(json!({}))),
        step(
            "GetItem",
            json!({ "TableName": "Orders", "Key": key("eve", 4) }),
            Holds(json!({ "Item": null })),
        ),
        step(
            "TransactWriteItems",
            with_token(order("eve", 5, "open")),
            Refused("IdempotentParameterMismatchException", ""),
        ),
        step(
            "TransactWriteItems",
            write(json!([put(order("eve", 1, "open")), put(order("eve", 1, "paid"))])),
            Refused(INVALID, "Transaction request cannot include multiple operations on one item"),
        ),
    ]
}

fn settings() -> Vec<Step> {
    let arn = "arn:aws:dynamodb:us-east-1:123456789012:table/Orders";
    let ttl = |enabled: bool| json!({ "TableName": "Orders", "TimeToLiveSpecification": { "Enabled": enabled, "AttributeName": "gone" } });
    let by_note = json!({ "TableName": "Orders",
        "AttributeDefinitions": [{ "AttributeName": "note", "AttributeType": "S" }],
        "GlobalSecondaryIndexUpdates": [{ "Create": { "IndexName": "by-note",
            "KeySchema": [{ "AttributeName": "note", "KeyType": "HASH" }], "Projection": { "ProjectionType": "ALL" } } }] });
    vec![
        step(
            "ListTagsOfResource",
            json!({ "ResourceArn": arn }),
            Holds(json!({ "Tags": [{ "Key": "team", "Value": "shop" }] })),
        ),
        step(
            "TagResource",
            json!({ "ResourceArn": arn, "Tags": [{ "Key": "team", "Value": "till" }] }),
            Holds(Value::Null),
        ),
        step(
            "ListTagsOfResource",
            json!({ "ResourceArn": arn }),
            Holds(json!({ "Tags": [{ "Key": "team", "Value": "till" }] })),
        ),
        step("UntagResource", json!({ "ResourceArn": arn, "TagKeys": ["team"] }), Holds(Value::Null)),
        step("UpdateTimeToLive", ttl(true), Holds(json!({ "TimeToLiveSpecification": { "Enabled": true } }))),
        step("UpdateTimeToLive", ttl(true), Refused(INVALID, "TimeToLive is already enabled")),
        step(
            "DescribeTimeToLive",
            json!({ "TableName": "Orders" }),
            Holds(
                json!({ "TimeToLiveDescription": { "TimeToLiveStatus": "ENABLED", "AttributeName": "gone" } }),
            ),
        ),
        step("UpdateTable", by_note, Holds(json!({ "TableDescription": { "TableStatus": "UPDATING" } }))),
        step("DescribeLimits", json!({}), Holds(json!({}))),
        step(
            "CreateBackup",
            json!({ "TableName": "Orders", "BackupName": "one" }),
            Refused("UnknownOperationException", "CreateBackup is not supported"),
        ),
        step(
            "ExecuteStatement",
            json!({ "Statement": "SELECT * FROM Orders" }),
            Refused("UnknownOperationException", "ExecuteStatement is not supported"),
        ),
    ]
}

fn end() -> Vec<Step> {
    let orders = json!({ "TableName": "Orders" });
    vec![
        step(
            "DeleteTable",
            orders.clone(),
            Holds(json!({ "TableDescription": { "TableStatus": "DELETING" } })),
        ),
        step(
            "DeleteTable",
            orders.clone(),
            Refused("ResourceNotFoundException", "Requested resource not found: Table: Orders not found"),
        ),
        step(
            "GetItem",
            json!({ "TableName": "Orders", "Key": key("ada", 1) }),
            Refused("ResourceNotFoundException", ""),
        ),
        step(
            "CreateTable",
            json!({
                "TableName": "Orders",
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{ "AttributeName": "customer", "AttributeType": "S" }, { "AttributeName": "placed", "AttributeType": "N" }],
                "KeySchema": [{ "AttributeName": "customer", "KeyType": "HASH" }, { "AttributeName": "placed", "KeyType": "RANGE" }],
            }),
            Holds(json!({})),
        ),
        step(
            "GetItem",
            json!({ "TableName": "Orders", "Key": key("ada", 1) }),
            Holds(json!({ "Item": null })),
        ),
    ]
}
