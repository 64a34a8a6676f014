//! What requests of items must be, and what is said first.

use super::*;
use crate::call::Select;

const EMPTY: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";

#[test]
fn expressions_do_not_go_with_older_members() {
    let mixed = |older: &str, newer: &str| {
        format!(
            "Can not use both expression and non-expression parameters in the same request: Non-expression \
             parameters: {{{older}}} Expression parameters: {{{newer}}}"
        )
    };
    let table = || json!({ "TableName": "Tab" });
    let condition = json!({ "p": { "ComparisonOperator": "EQ", "AttributeValueList": [{ "S": "x" }] } });
    let cases = [
        (
            "GetItem",
            key(),
            json!({ "AttributesToGet": ["a"], "ProjectionExpression": "a" }),
            mixed("AttributesToGet", "ProjectionExpression"),
        ),
        (
            "PutItem",
            put(),
            json!({ "Expected": {}, "ConditionExpression": "" }),
            counted(&mixed("Expected", "ConditionExpression")),
        ),
        (
            "UpdateItem",
            key(),
            json!({ "Expected": {}, "AttributeUpdates": {}, "ConditionExpression": "", "UpdateExpression": "" }),
            counted(&mixed("AttributeUpdates, Expected", "UpdateExpression, ConditionExpression")),
        ),
        (
            "Query",
            table(),
            json!({ "QueryFilter": {}, "KeyConditions": condition, "ConditionalOperator": "OR",
                "KeyConditionExpression": "", "ProjectionExpression": "", "FilterExpression": "" }),
            mixed(
                "QueryFilter, ConditionalOperator, KeyConditions",
                "ProjectionExpression, FilterExpression, KeyConditionExpression",
            ),
        ),
        (
            "Scan",
            table(),
            json!({ "ScanFilter": {}, "ConditionalOperator": "OR", "FilterExpression": "" }),
            mixed("ScanFilter, ConditionalOperator", "FilterExpression"),
        ),
    ];
    for (operation, body, more, message) in cases {
        refused(operation, with(body, more), &message);
    }
    refused(
        "BatchGetItem",
        json!({ "RequestItems": {
            "One": { "Keys": [{ "p": { "S": "x" } }], "AttributesToGet": ["a"] },
            "Two": { "Keys": [{ "p": { "S": "x" } }], "ProjectionExpression": "a" } } }),
        &mixed("AttributesToGet", "ProjectionExpression"),
    );
    // These two go together.
    admitted("Query", with(table(), json!({ "KeyConditions": condition, "FilterExpression": "a = b" })));
}

#[test]
fn placeholders_need_an_expression() {
    let names = json!({ "ExpressionAttributeNames": { "#a": "a" } });
    let values = json!({ "ExpressionAttributeValues": { ":v": {} } });
    let table = || json!({ "TableName": "Tab" });
    let only = "can only be specified when using expressions";
    let cases = [
        ("GetItem", key(), names.clone(), format!("ExpressionAttributeNames {only}")),
        ("PutItem", put(), names.clone(), counted(&format!("ExpressionAttributeNames {only}"))),
        ("Scan", table(), names, format!("ExpressionAttributeNames {only}")),
        ("PutItem", put(), values.clone(), counted(&format!("ExpressionAttributeValues {only}"))),
        ("UpdateItem", key(), values.clone(), counted(&format!("ExpressionAttributeValues {only}"))),
        (
            "Query",
            table(),
            with(values.clone(), json!({ "ProjectionExpression": "a" })),
            format!("ExpressionAttributeValues {only}: FilterExpression and KeyConditionExpression are null"),
        ),
        ("Scan", table(), values, format!("ExpressionAttributeValues {only}: FilterExpression is null")),
    ];
    for (operation, body, more, message) in cases {
        refused(operation, with(body, more), &message);
    }
}

#[test]
fn return_values_suit_the_operation() {
    for value in ["ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"] {
        let returning = json!({ "ReturnValues": value });
        let only = counted("ReturnValues can only be ALL_OLD or NONE");
        refused("PutItem", with(put(), returning.clone()), &only);
        refused("DeleteItem", with(key(), returning.clone()), &only);
        admitted("UpdateItem", with(key(), returning));
    }
}

#[test]
fn the_first_fault_of_several_is_said() {
    let bad = json!({ "p": {} });
    let only = counted("ExpressionAttributeValues can only be specified when using expressions");
    let all = json!({ "Item": bad, "ReturnValues": "ALL_NEW", "Expected": { "a": { "Value": { "NULL": false } } },
        "ExpressionAttributeValues": { ":v": {} } });
    let body = with(put(), all);
    refused("PutItem", body.clone(), &only);
    let body = with(body, json!({ "ExpressionAttributeValues": null }));
    refused("PutItem", body.clone(), EMPTY);
    let body = with(body, json!({ "Item": { "p": { "S": "x" } } }));
    refused("PutItem", body.clone(), &counted("ReturnValues can only be ALL_OLD or NONE"));
    let body = with(body, json!({ "ReturnValues": "NONE" }));
    refused(
        "PutItem",
        body,
        &counted(
            "One or more parameter values were invalid: Null attribute value types must have the value of true",
        ),
    );

    let twice = "One or more parameter values were invalid: Duplicate value in attribute name: a";
    let query = json!({ "TableName": "Tab", "AttributesToGet": ["a", "b", "a"], "ExclusiveStartKey": { "p": {} },
        "QueryFilter": { "a": { "ComparisonOperator": "EQ", "AttributeValueList": [{}] } } });
    refused("Query", query.clone(), EMPTY);
    let query = with(query, json!({ "QueryFilter": null }));
    refused("Query", query.clone(), twice);
    let query = with(query, json!({ "AttributesToGet": null }));
    refused("Query", query.clone(), &format!("The provided starting key is invalid: {EMPTY}"));
    let query = with(query, json!({ "ExclusiveStartKey": null }));
    let neither =
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.";
    refused("Query", query, neither);

    let scan = json!({ "TableName": "Tab", "AttributesToGet": ["a", "a"], "ExclusiveStartKey": { "p": {} },
        "ScanFilter": { "a": { "ComparisonOperator": "EQ", "AttributeValueList": [{}] } }, "Segment": 0 });
    refused("Scan", scan.clone(), twice);
    let scan = with(scan, json!({ "AttributesToGet": null }));
    refused("Scan", scan.clone(), EMPTY);
    let scan = with(scan, json!({ "ScanFilter": null }));
    refused("Scan", scan, &format!("The provided starting key is invalid: {EMPTY}"));
}

#[test]
fn segments_come_in_pairs() {
    let cases = [
        (
            json!({ "Segment": 0 }),
            "The TotalSegments parameter is required but was not present in the request when Segment \
             parameter is present",
        ),
        (
            json!({ "TotalSegments": 4 }),
            "The Segment parameter is required but was not present in the request when parameter \
             TotalSegments is present",
        ),
        (
            json!({ "Segment": 5, "TotalSegments": 5 }),
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 5 is \
             not less than TotalSegments: 5",
        ),
        (
            json!({ "Segment": 0, "TotalSegments": 1_000_001 }),
            "1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy constraint: \
             Member must have value less than or equal to 1000000",
        ),
    ];
    for (segments, message) in cases {
        refused("Scan", with(json!({ "TableName": "Tab" }), segments), message);
    }
    admitted("Scan", json!({ "TableName": "Tab", "Segment": 4, "TotalSegments": 5 }));
}

#[test]
fn batches_are_of_something() {
    let none = json!({ "RequestItems": {} });
    let constraint = "Value at 'RequestItems' failed to satisfy constraint: Member must have length greater than or \
                      equal to 1";
    refused("BatchGetItem", none.clone(), &counted(constraint));
    refused("BatchWriteItem", none, "The requestItems parameter is required for BatchWriteItem");
    let several = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                   supported datatypes";
    let write = json!({ "p": { "S": "x" } });
    for writes in
        [json!([{}]), json!([{ "PutRequest": { "Item": write }, "DeleteRequest": { "Key": write } }])]
    {
        refused("BatchWriteItem", json!({ "RequestItems": { "Tab": writes } }), several);
    }
}

#[test]
fn an_item_has_at_most_400_kb() {
    let large = json!({ "p": { "S": "x".repeat(400 * 1024) } });
    let message = "Item size has exceeded the maximum allowed size";
    refused("PutItem", with(put(), json!({ "Item": large })), message);
    let writes = json!({ "RequestItems": { "Tab": [{ "PutRequest": { "Item": large } }] } });
    refused("BatchWriteItem", writes, message);
    admitted("PutItem", with(put(), json!({ "Item": { "p": { "S": "x".repeat(400 * 1024 - 1) } } })));
}

#[test]
fn an_action_is_one_thing() {
    let several = "TransactItems can only contain one of Check, Put, Update or Delete";
    refused("TransactWriteItems", json!({ "TransactItems": [{ "Put": put(), "Delete": key() }] }), several);
    refused(
        "TransactWriteItems",
        json!({ "TransactItems": [{}] }),
        "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request",
    );
    // The first action that has a fault has the word.
    let faulty = with(put(), json!({ "Item": { "": { "S": "x" } } }));
    let first = with(put(), json!({ "Item": { "p": {} } }));
    let body = json!({ "TransactItems": [{ "Put": first }, { "Put": faulty }] });
    refused("TransactWriteItems", body, EMPTY);
    let actions = json!([
        { "Put": put() }, { "Delete": key() },
        { "Update": with(key(), json!({ "UpdateExpression": "SET a = :a" })) },
        { "ConditionCheck": with(key(), json!({ "ConditionExpression": "attribute_exists(p)" })) },
    ]);
    let Request::TransactWriteItems(transaction) =
        admitted("TransactWriteItems", json!({ "TransactItems": actions }))
    else {
        panic!()
    };
    assert_eq!(transaction.transact_items.len(), 4);
}

#[test]
fn keys_of_a_batch_are_counted_after_its_projections() {
    let batch = |body: Value| match admitted("BatchGetItem", json!({ "RequestItems": body })) {
        Request::BatchGetItem(batch) => batch.check_keys().map_err(|error| error.message),
        other => panic!("{other:?}"),
    };
    let keys =
        |count: usize| -> Vec<Value> { (0..count).map(|n| json!({ "p": { "N": n.to_string() } })).collect() };
    assert_eq!(batch(json!({ "One": { "Keys": keys(50) }, "Two": { "Keys": keys(50) } })), Ok(()));
    assert_eq!(
        batch(json!({ "One": { "Keys": keys(51) }, "Two": { "Keys": keys(50) } })),
        Err("Too many items requested for the BatchGetItem call".to_owned())
    );
    assert_eq!(
        batch(json!({ "One": { "Keys": [{ "p": { "N": "1" } }, { "p": { "N": "1.0" } }] } })),
        Err("Provided list of item keys contains duplicates".to_owned())
    );
}

#[test]
fn what_is_selected_suits_what_is_projected() {
    let specific =
        "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES";
    let cases = [
        (json!({}), None),
        (json!({ "ProjectionExpression": "a" }), None),
        (json!({ "Select": "SPECIFIC_ATTRIBUTES", "AttributesToGet": ["a"] }), None),
        (json!({ "Select": "SPECIFIC_ATTRIBUTES" }), Some(specific)),
        (
            json!({ "Select": "COUNT", "ProjectionExpression": "a" }),
            Some("Cannot specify the ProjectionExpression when choosing to get only the Count"),
        ),
        (
            json!({ "Select": "ALL_PROJECTED_ATTRIBUTES", "AttributesToGet": ["a"] }),
            Some("Cannot specify the AttributesToGet when choosing to get ALL_PROJECTED_ATTRIBUTES"),
        ),
        (
            json!({ "Select": "ALL_PROJECTED_ATTRIBUTES" }),
            Some("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"),
        ),
        (json!({ "Select": "ALL_PROJECTED_ATTRIBUTES", "IndexName": "index" }), None),
    ];
    for (members, expected) in cases {
        let body = with(json!({ "TableName": "Tab" }), members);
        let Request::Scan(scan) = admitted("Scan", body.clone()) else { panic!() };
        assert_eq!(scan.check_select().err().map(|error| error.message).as_deref(), expected, "{body}");
        let body = with(body, json!({ "KeyConditions": {} }));
        let Request::Query(query) = admitted("Query", body.clone()) else { panic!() };
        let expected = expected.map(|fault| format!("1 validation error detected: {fault}"));
        assert_eq!(query.check_select().err().map(|error| error.message), expected, "{body}");
    }
}

#[test]
fn every_member_arrives() {
    let body = json!({
        "TableName": "Tab", "IndexName": "index", "Select": "COUNT", "Limit": 7, "ConsistentRead": true,
        "ScanIndexForward": false, "ConditionalOperator": "OR", "ReturnConsumedCapacity": "INDEXES",
        "ExclusiveStartKey": { "p": { "S": "x" } },
        "KeyConditions": { "z": { "ComparisonOperator": "EQ", "AttributeValueList": [{ "S": "x" }] },
            "a": { "ComparisonOperator": "GT", "AttributeValueList": [{ "N": "1" }] } },
        "QueryFilter": { "b": { "ComparisonOperator": "NULL" } },
    });
    let Request::Query(query) = admitted("Query", body) else { panic!() };
    assert_eq!((query.index_name.as_deref(), query.select), (Some("index"), Some(Select::Count)));
    assert_eq!((query.limit, query.scan_index_forward), (Some(7), Some(false)));
    assert!(query.is_strong() && query.exclusive_start_key.is_some());
    assert_eq!(query.key_conditions.as_ref().unwrap().len(), 2);
    assert_eq!(query.query_filter.as_ref().unwrap().get("b").unwrap().comparison_operator, "NULL");

    let expected = json!({ "a": { "Exists": false },
        "b": { "ComparisonOperator": "IN", "AttributeValueList": [{ "S": "x" }] } });
    let updates = json!({ "c": { "Action": "ADD", "Value": { "N": "1" } }, "d": { "Action": "DELETE" } });
    let body = with(
        key(),
        json!({ "Expected": expected, "AttributeUpdates": updates, "ConditionalOperator": "AND" }),
    );
    let Request::UpdateItem(update) = admitted("UpdateItem", body) else { panic!() };
    assert_eq!(update.expected.unwrap().get("a").unwrap().exists, Some(false));
    assert!(update.attribute_updates.unwrap().get("d").unwrap().value.is_none());

    let names = r##"{"TableName":"Tab","FilterExpression":"x",
        "ExpressionAttributeNames":{"#z":"1","#a":"2","#z":"3"}}"##;
    let Request::Scan(scan) = ask("Scan", names).unwrap() else { panic!() };
    let names = scan.expression_attribute_names.unwrap();
    assert_eq!(names.as_slice(), [("#z".to_owned(), "3".to_owned()), ("#a".to_owned(), "2".to_owned())]);
}
