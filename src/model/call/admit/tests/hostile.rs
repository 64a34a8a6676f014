//! Requests that mean harm, or mean nothing: they cost what their length costs, and the answer stays small.

use proptest::prelude::*;

use super::*;
use crate::OPERATIONS;

const MIB: usize = 1024 * 1024;

/// The size of the answer, for requests that must be refused.
fn answer(operation: &str, body: &str) -> usize {
    ask(operation, body).unwrap_err().to_json().len()
}

#[test]
fn depth_is_no_danger_anywhere() {
    let open = "[".repeat(MIB / 4);
    let bodies = [
        open.clone(),
        "{\"a\":".repeat(MIB / 8),
        format!("{{\"TableName\":{open}"),
        format!("{{\"Unknown\":{}{},\"TableName\":\"Tab\"}}", "[".repeat(MIB), "]".repeat(MIB)),
        format!("{{\"TableName\":\"Tab\",\"Item\":{}{}}}", "{\"M\":".repeat(MIB), "}".repeat(MIB)),
        format!(
            "{{\"TableName\":\"Tab\",\"Item\":{{\"p\":{}{}}}}}",
            "{\"M\":{\"a\":".repeat(MIB),
            "}}".repeat(MIB)
        ),
        format!(
            "{{\"TableName\":\"Tab\",\"Item\":{{\"p\":{}{}}}}}",
            "{\"L\":[".repeat(MIB),
            "]}".repeat(MIB)
        ),
    ];
    for body in bodies {
        assert!(answer("PutItem", &body) < MIB);
        for operation in OPERATIONS {
            let _ = admit(operation, &body.as_bytes()[..body.len().min(MIB / 16)]);
        }
    }
    let deep_and_unknown = format!(
        r#"{{"Unknown":{}{},"TableName":"Tab","Key":{{"p":{{"S":"x"}}}}}}"#,
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    assert!(ask("GetItem", &deep_and_unknown).is_ok());
}

#[test]
fn length_is_no_danger_anywhere() {
    let commas = |part: &str, bytes: usize| vec![part; bytes / (part.len() + 1)].join(",");
    let numbered = |prefix: &str, suffix: &str, count: usize| -> String {
        (0..count).map(|n| format!("{prefix}{n}{suffix}")).collect::<Vec<_>>().join(",")
    };
    let table = r#""TableName":"Tab""#;
    let definitions = numbered(r#"{"AttributeType":"S","AttributeName":"a"#, r#""}"#, 100_000);
    let long_key = numbered(r#"{"KeyType":"RANGE","AttributeName":"a"#, r#""}"#, 100_000);
    let index =
        format!(r#"{{"IndexName":"one","Projection":{{"ProjectionType":"ALL"}},"KeySchema":[{long_key}]}}"#);
    let small = r#"{"IndexName":"one","Projection":{"ProjectionType":"ALL"},
        "KeySchema":[{"KeyType":"HASH","AttributeName":"a1"}]}"#;
    let cases = [
        // Members given again and again, or without end.
        ("GetItem", format!("{{{}}}", commas(r#""TableName":"T""#, 2 * MIB))),
        ("GetItem", format!("{{{}}}", numbered("\"a", "\":1", 100_000))),
        ("PutItem", format!("{{{table},\"Item\":{{{}}}}}", numbered("\"a", "\":{}", 100_000))),
        (
            "PutItem",
            format!("{{{table},\"Item\":{{\"p\":{{{},\"N\":\"1\"}}}}}}", commas(r#""S":"a""#, 2 * MIB)),
        ),
        // Sets, lists and numbers.
        ("PutItem", format!(r#"{{{table},"Item":{{"p":{{"SS":[{}]}}}}}}"#, commas("\"a\"", 2 * MIB))),
        (
            "PutItem",
            format!(r#"{{{table},"Item":{{"p":{{"NS":[{},"x"]}}}}}}"#, numbered("\"", "\"", 100_000)),
        ),
        ("PutItem", format!(r#"{{{table},"Item":{{"p":{{"N":"{}"}}}}}}"#, "1".repeat(2 * MIB))),
        ("PutItem", format!(r#"{{{table},"Item":{{"p":{{"N":"x{}"}}}}}}"#, "1".repeat(2 * MIB))),
        ("PutItem", format!(r#"{{{table},"Item":{{"p":{{"N":"1e{}"}}}}}}"#, "1".repeat(2 * MIB))),
        ("PutItem", format!(r#"{{{table},"Item":{{"p":{{"L":[{}]}}}}}}"#, commas("{}", 2 * MIB))),
        ("Query", format!("{{{table},\"Limit\":{}}}", "9".repeat(2 * MIB))),
        ("Scan", format!("{{{table},\"Limit\":-{}}}", "9".repeat(400))),
        // What is quoted.
        ("GetItem", format!("{{\"TableName\":\"{}\"}}", "é!".repeat(MIB))),
        ("BatchGetItem", format!("{{\"RequestItems\":{{{}}}}}", numbered("\"!", "\":{}", 100_000))),
        ("BatchWriteItem", format!("{{\"RequestItems\":{{\"Tab\":[{}]}}}}", commas("{}", 2 * MIB))),
        ("TransactWriteItems", format!("{{\"TransactItems\":[{}]}}", commas("{}", 2 * MIB))),
        ("TransactGetItems", format!("{{\"TransactItems\":[{}]}}", commas("null", 2 * MIB))),
        ("CreateTable", format!("{{{table},\"KeySchema\":[{}]}}", commas("{}", 2 * MIB))),
        (
            "UpdateItem",
            format!(
                r#"{{{table},"Key":{{}},"UpdateExpression":"x","ExpressionAttributeValues":{{":{}":{{}}}}}}"#,
                "v".repeat(2 * MIB)
            ),
        ),
        // Keys against definitions.
        (
            "CreateTable",
            format!(
                r#"{{{table},"BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{definitions}],
                "KeySchema":[{{"AttributeName":"a1","KeyType":"HASH"}}],"GlobalSecondaryIndexes":[{index}]}}"#
            ),
        ),
        (
            "CreateTable",
            format!(
                r#"{{{table},"BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{definitions}],
                "KeySchema":[{{"AttributeName":"a1","KeyType":"HASH"}}],"GlobalSecondaryIndexes":[{}]}}"#,
                commas(small, MIB)
            ),
        ),
        ("UpdateTable", format!(r#"{{{table},"GlobalSecondaryIndexUpdates":[{}]}}"#, commas("{}", 2 * MIB))),
        (
            "TagResource",
            format!(
                r#"{{"ResourceArn":"arn:a:table/Tab","Tags":[{}]}}"#,
                numbered(r#"{"Value":"","Key":"k"#, r#""},{"Value":"","Key":""}"#, 100_000)
            ),
        ),
        ("ListTagsOfResource", format!(r#"{{"ResourceArn":"arn:{}"}}"#, "é".repeat(MIB))),
    ];
    for (operation, body) in cases {
        let bytes = body.len();
        assert!(answer(operation, &body) < 4 * MIB, "{operation} of {bytes} bytes");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("TableName"),
        Just("Key"),
        Just("Item"),
        Just("Keys"),
        Just("RequestItems"),
        Just("TransactItems"),
        Just("Put"),
        Just("Get"),
        Just("PutRequest"),
        Just("AttributeDefinitions"),
        Just("KeySchema"),
        Just("AttributeName"),
        Just("AttributeType"),
        Just("KeyType"),
        Just("BillingMode"),
        Just("Expected"),
        Just("Value"),
        Just("S"),
        Just("N"),
        Just("M"),
        Just("L"),
        Just("SS"),
        Just("NS"),
        Just("NULL"),
        Just("Tab"),
        Just("HASH"),
        Just("PAY_PER_REQUEST"),
        Just("Limit"),
        Just("KeyConditions"),
        Just(":v"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        "[0-9]{1,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(word.clone(), inner, 0..5).prop_map(|members| {
                Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What was checked has its type: an admitted request never fails for a reason of ours.
    #[test]
    fn nothing_that_was_checked_fails_afterwards(body in any_json()) {
        for operation in OPERATIONS {
            if let Err(error) = admit(operation, body.to_string().as_bytes()) {
                prop_assert_ne!(error.code, ErrorCode::InternalServerError, "{} {}", operation.name, body);
            }
        }
    }
}
