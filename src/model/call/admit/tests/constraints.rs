//! The constraints of the service model.

use super::*;

fn violations(operation: &str, body: Value, expected: &[&str]) {
    let plural = if expected.len() == 1 { "" } else { "s" };
    let message = format!("{} validation error{plural} detected: {}", expected.len(), expected.join("; "));
    refused(operation, body, &message);
}

/// `Value 'value' at 'path' failed to satisfy constraint: Member must rule`.
fn violated(value: &str, path: &str, rule: &str) -> String {
    format!("Value {value} at '{path}' failed to satisfy constraint: Member must {rule}")
}

const NAMELESS: &str =
    "Value at 'TableName' failed to satisfy constraint: Member must have length greater than or equal to 1";
const RETURN_VALUES: &str = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, \
     NONE]";

#[test]
fn tables_are_named_by_names_or_arns() {
    let pattern = "satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
    let long = "a".repeat(256);
    let long_arn = format!("arn:aws:dynamodb:r:1:table/Tab{}", "/".repeat(1024));
    let cases = [
        (json!(null), vec![violated("null", "tableName", "not be null")]),
        (json!(""), vec![NAMELESS.to_owned()]),
        (json!("ab"), vec![violated("'ab'", "tableName", "have length greater than or equal to 3")]),
        (json!("bad table!@#"), vec![violated("'bad table!@#'", "tableName", pattern)]),
        (
            json!(long),
            vec![violated(&format!("'{long}'"), "tableName", "have length less than or equal to 255")],
        ),
        (
            json!("x!"),
            vec![
                violated("'x!'", "tableName", pattern),
                violated("'x!'", "tableName", "have length greater than or equal to 3"),
            ],
        ),
        (
            json!("arn:aws:dynamodb:r:1:table/Tab/index/i"),
            vec![violated("'arn:aws:dynamodb:r:1:table/Tab/index/i'", "tableName", pattern)],
        ),
        (
            json!(long_arn),
            vec![
                violated(&format!("'{long_arn}'"), "tableName", pattern),
                violated(&format!("'{long_arn}'"), "tableName", "have length less than or equal to 1024"),
            ],
        ),
    ];
    for (name, expected) in cases {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        violations("PutItem", with(put(), json!({ "TableName": name })), &expected);
    }
    // Others still quote the name.
    let empty = violated("''", "tableName", "have length greater than or equal to 1");
    violations("GetItem", with(key(), json!({ "TableName": "" })), &[&empty]);
    for name in ["abc", "arn:aws:dynamodb:eu-west-1:123456789012:table/Tab"] {
        admitted("PutItem", with(put(), json!({ "TableName": name })));
    }
}

#[test]
fn what_manages_tables_misses_a_name_in_other_words() {
    for operation in ["CreateTable", "UpdateTable", "DeleteTable", "DescribeTable", "DescribeTimeToLive"] {
        let message = "The parameter 'TableName' is required but was not present in the request";
        refused(operation, json!({}), message);
        refused(operation, json!({ "TableName": null }), message);
    }
    violations(
        "DescribeTable",
        json!({ "TableName": "ab" }),
        &[&violated("'ab'", "tableName", "have length greater than or equal to 3")],
    );
}

#[test]
fn closed_sets_are_listed_in_dynamodb_s_order() {
    let cases = [
        ("PutItem", put(), "ReturnConsumedCapacity", "INDEXES, TOTAL, NONE"),
        ("PutItem", put(), "ReturnItemCollectionMetrics", "SIZE, NONE"),
        ("PutItem", put(), "ConditionalOperator", "OR, AND"),
        ("PutItem", put(), "ReturnValuesOnConditionCheckFailure", "ALL_OLD, NONE"),
        (
            "Query",
            json!({ "TableName": "Tab" }),
            "Select",
            "SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES",
        ),
    ];
    for (operation, body, member, names) in cases {
        let path = format!("{}{}", member[..1].to_lowercase(), &member[1..]);
        let rule = format!("satisfy enum value set: [{names}]");
        violations(operation, with(body, json!({ member: "BAD" })), &[&violated("'BAD'", &path, &rule)]);
    }
}

#[test]
fn violations_come_together_in_the_order_of_members() {
    let enums = |names: &str| format!("satisfy enum value set: [{names}]");
    let consumed = violated("'BAD'", "returnConsumedCapacity", &enums("INDEXES, TOTAL, NONE"));
    let bad = json!({ "ReturnConsumedCapacity": "BAD", "ReturnValues": "BAD" });
    // Three writes, three ways.
    let metrics = violated("'BAD'", "returnItemCollectionMetrics", &enums("SIZE, NONE"));
    let bad_metrics = with(bad.clone(), json!({ "ReturnItemCollectionMetrics": "BAD" }));
    violations("PutItem", with(put(), bad_metrics), &[&consumed, RETURN_VALUES, &metrics]);
    violations("DeleteItem", with(key(), bad.clone()), &[&consumed, RETURN_VALUES]);
    violations("UpdateItem", with(key(), bad.clone()), &[RETURN_VALUES]);
    // And alike, if there is no name; unless more is missing, which the older layer says.
    let returned =
        violated("'BAD'", "returnValues", &enums("ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW"));
    let nameless = violated("''", "tableName", "have length greater than or equal to 1");
    let bad_and_nameless = with(json!({ "TableName": "" }), bad.clone());
    for (operation, body) in [("PutItem", put()), ("DeleteItem", key()), ("UpdateItem", key())] {
        violations(operation, with(body, bad_and_nameless.clone()), &[NAMELESS]);
    }
    violations(
        "UpdateItem",
        bad_and_nameless,
        &[&consumed, &nameless, &returned, &violated("null", "key", "not be null")],
    );
    violations(
        "UpdateItem",
        json!({ "TableName": "Tab", "ConditionalOperator": "XOR" }),
        &[
            &violated("'XOR'", "conditionalOperator", &enums("OR, AND")),
            &violated("null", "key", "not be null"),
        ],
    );
    let several = json!({ "a": { "Exists": false }, "b": { "Exists": false } });
    let joined =
        json!({ "Expected": several, "ConditionalOperator": "XOR", "ReturnConsumedCapacity": "BAD" });
    let unjoined = "Failed to satisfy constraint: Member must satisfy enum value set: [ALL, OR]";
    for (operation, body) in [("PutItem", put()), ("DeleteItem", key()), ("UpdateItem", key())] {
        violations(operation, with(body, joined.clone()), &[unjoined]);
    }
    let is_null = json!({ "ComparisonOperator": "NULL" });
    let query = json!({ "TableName": "Tab", "QueryFilter": { "a": is_null, "b": is_null },
        "ConditionalOperator": "XOR", "Select": "BAD" });
    refused("Query", query, unjoined);
    violations(
        "TransactWriteItems",
        json!({ "ReturnConsumedCapacity": "BAD", "ReturnItemCollectionMetrics": "BAD",
            "ClientRequestToken": "x".repeat(37), "TransactItems": [{ "Put": put() }] }),
        &[
            &violated(
                &format!("'{}'", "x".repeat(37)),
                "clientRequestToken",
                "have length less than or equal to 36",
            ),
            &consumed,
            &violated("'BAD'", "returnItemCollectionMetrics", &enums("SIZE, NONE")),
        ],
    );
}

#[test]
fn no_more_than_ten_are_reported() {
    let actions: Vec<Value> = (0..100).map(|_| json!({ "Put": {} })).collect();
    let message = refusal("TransactWriteItems", &json!({ "TransactItems": actions }));
    assert!(message.starts_with("ValidationException: 10 validation errors detected: "), "{message}");
    let tenth = "Value null at 'transactItems.5.member.put.item' failed to satisfy constraint: Member must not \
                 be null";
    assert!(message.ends_with(tenth), "{message}");
}

#[test]
fn a_limit_is_refused_in_two_ways() {
    violations(
        "Query",
        json!({ "TableName": "Tab", "KeyConditionExpression": "p = :p", "Limit": 0 }),
        &["Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1"],
    );
    violations(
        "Scan",
        json!({ "TableName": "Tab", "Limit": 0 }),
        &[&violated("'0'", "limit", "have value greater than or equal to 1")],
    );
    violations(
        "ListTables",
        json!({ "Limit": 101, "ExclusiveStartTableName": "" }),
        &[
            &violated("'101'", "limit", "have value less than or equal to 100"),
            &violated("''", "exclusiveStartTableName", "satisfy regular expression pattern: [a-zA-Z0-9_.-]+"),
            &violated("''", "exclusiveStartTableName", "have length greater than or equal to 3"),
        ],
    );
}

#[test]
fn paths_lead_through_lists_and_maps() {
    let cases = [
        (
            "TransactGetItems",
            json!({ "TransactItems": [{ "Get": key() }, {}] }),
            violated("null", "transactItems.2.member.get", "not be null"),
        ),
        (
            "TransactGetItems",
            json!({ "TransactItems": [{ "Get": key() }, null] }),
            violated("null", "transactItems.2.member", "not be null"),
        ),
        (
            "BatchGetItem",
            json!({ "RequestItems": { "Tab.x": { "Keys": [], "AttributesToGet": ["a"] } } }),
            violated("'[]'", "requestItems.Tab.x.member.keys", "have length greater than or equal to 1"),
        ),
        (
            "BatchWriteItem",
            json!({ "RequestItems": { "Tab": [{ "DeleteRequest": {} }] } }),
            violated("null", "requestItems.Tab.member.1.member.deleteRequest.key", "not be null"),
        ),
        (
            "UpdateItem",
            with(key(), json!({ "AttributeUpdates": { "a": { "Action": "SET" } } })),
            violated(
                "'SET'",
                "attributeUpdates.a.member.action",
                "satisfy enum value set: [ADD, DELETE, PUT]",
            ),
        ),
        (
            "UpdateTimeToLive",
            json!({ "TableName": "Tab", "TimeToLiveSpecification": { "Enabled": true, "AttributeName": "" } }),
            violated("''", "timeToLiveSpecification.attributeName", "have length greater than or equal to 1"),
        ),
    ];
    for (operation, body, expected) in cases {
        violations(operation, body, &[&expected]);
    }
}

#[test]
fn batches_quote_what_they_were_asked() {
    let keys_must = "failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length \
                     less than or equal to 255, Member must have length greater than or equal to 3, Member must \
                     satisfy regular expression pattern: [a-zA-Z0-9_.-]+]";
    let consumed =
        violated("'BAD'", "returnConsumedCapacity", "satisfy enum value set: [INDEXES, TOTAL, NONE]");
    let get = json!({ "RequestItems": { "bad!name": { "Keys": [{ "pk": { "S": "a" } }] } },
        "ReturnConsumedCapacity": "BAD" });
    let quoted = r#"Value '{"bad!name":{"Keys":[{"pk":{"S":"a"}}]}}' at 'requestItems'"#;
    violations("BatchGetItem", get, &[&format!("{quoted} {keys_must}"), &consumed]);

    let writes = json!({ "bad!name": [{ "PutRequest": { "Item": { "pk": { "S": "x" } } } }] });
    let quoted = "Value '{bad!name=[WriteRequest(putRequest=PutRequest(item={pk=AttributeValue(s=x)}))]}' at \
                  'requestItems'";
    let write = json!({ "RequestItems": writes });
    violations("BatchWriteItem", write.clone(), &[&format!("{quoted} {keys_must}")]);
    violations("BatchWriteItem", with(write, json!({ "ReturnConsumedCapacity": "BAD" })), &[&consumed]);

    let lengths = "failed to satisfy constraint: Map value must satisfy constraint: [Member must have length \
                   less than or equal to 25, Member must have length greater than or equal to 1]";
    let none = json!({ "RequestItems": { "Tab": [] } });
    violations("BatchWriteItem", none, &[&format!("Value '{{Tab=[]}}' at 'requestItems' {lengths}")]);
    let many: Vec<Value> =
        (0..26).map(|n| json!({ "DeleteRequest": { "Key": { "p": { "N": n.to_string() } } } })).collect();
    let message = refusal("BatchWriteItem", &json!({ "RequestItems": { "Tab": many } }));
    assert!(message.contains("Value '{Tab=[WriteRequest(deleteRequest=DeleteRequest(key={p="), "{message}");
    assert!(message.ends_with(&format!("]}}' at 'requestItems' {lengths}")), "{message}");

    let keys: Vec<Value> = (0..101).map(|n| json!({ "p": { "N": n.to_string() } })).collect();
    violations(
        "BatchGetItem",
        json!({ "RequestItems": { "Tab": { "Keys": keys } } }),
        &[
            "Value at 'RequestItems.Tab.member.Keys' failed to satisfy constraint: Member must have length less \
           than or equal to 100",
        ],
    );
}

#[test]
fn transactions_have_1_to_100_actions() {
    for operation in ["TransactGetItems", "TransactWriteItems"] {
        violations(
            operation,
            json!({ "TransactItems": [] }),
            &[&violated("'[]'", "transactItems", "have length greater than or equal to 1")],
        );
        let kind = if operation == "TransactGetItems" { "Get" } else { "Delete" };
        let actions: Vec<Value> = (0..101).map(|_| json!({ kind: key() })).collect();
        let message = refusal(operation, &json!({ "TransactItems": actions }));
        assert!(
            message.starts_with("ValidationException: 1 validation error detected: Value '["),
            "{message}"
        );
        assert!(
            message.ends_with(
                "]' at 'transactItems' failed to satisfy constraint: Member must have length less than or \
                 equal to 100"
            ),
            "{message}"
        );
    }
}
