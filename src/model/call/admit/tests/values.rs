//! What attribute values must be.

use super::*;
use crate::AttributeValue;

const EMPTY: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const NESTED: &str = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels \
                      beyond supported limit";

/// A value that is refused, and why.
struct Faulty {
    value: Value,
    older: String,
    newer: String,
    /// Of no type, or of several: said alike by both layers.
    is_of_form: bool,
}

fn faults() -> Vec<Faulty> {
    let invalid = |fault: &str| format!("One or more parameter values were invalid: {fault}");
    let several = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                   supported datatypes";
    let number = "The parameter cannot be converted to a numeric value";
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    let underflow =
        "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    let digits = "Attempting to store more than 38 significant digits in a Number";
    let form = |value, fault: &str| Faulty {
        value,
        older: fault.to_owned(),
        newer: fault.to_owned(),
        is_of_form: true,
    };
    let two = |value, older: String, newer: String| Faulty { value, older, newer, is_of_form: false };
    let one = |value, fault: String| two(value, fault.clone(), fault);
    let duplicates = |elements: &str| invalid(&format!("Input collection {elements} contains duplicates."));
    let duplicate_binaries =
        |elements: &str| invalid(&format!("Input collection {elements}of type BS contains duplicates."));
    vec![
        form(json!({}), EMPTY),
        form(json!({ "X": 1 }), EMPTY),
        form(json!({ "S": null }), EMPTY),
        form(json!(null), EMPTY),
        form(json!({ "S": "a", "N": "1" }), several),
        form(json!({ "L": [{ "S": "a" }, {}] }), EMPTY),
        form(json!({ "L": [null] }), EMPTY),
        one(json!({ "S": "a", "N": "x" }), format!("{number}: x")),
        two(json!({ "N": "" }), number.to_owned(), format!("{number}: ")),
        one(json!({ "N": "abc" }), format!("{number}: abc")),
        one(json!({ "N": " 1" }), format!("{number}:  1")),
        one(json!({ "N": "NaN" }), format!("{number}: NaN")),
        one(json!({ "N": "1e126" }), overflow.to_owned()),
        two(json!({ "N": "1e2147483647" }), underflow.to_owned(), overflow.to_owned()),
        two(json!({ "N": "1e99999999999" }), format!("{number}: 1e99999999999"), overflow.to_owned()),
        one(json!({ "N": "-1e126" }), overflow.to_owned()),
        one(json!({ "N": "1e-131" }), underflow.to_owned()),
        one(json!({ "N": "1".repeat(39) }), digits.to_owned()),
        one(json!({ "NULL": false }), invalid("Null attribute value types must have the value of true")),
        one(json!({ "SS": [] }), invalid("An string set  may not be empty")),
        one(json!({ "NS": [] }), invalid("An number set  may not be empty")),
        one(json!({ "BS": [] }), invalid("Binary sets should not be empty")),
        one(json!({ "M": { "a": { "SS": [] } } }), invalid("An string set  may not be empty")),
        two(json!({ "SS": ["b", "a", "b"] }), duplicates("[b, a, b]"), duplicates(r#"["a", "b", "b"]"#)),
        two(
            json!({ "SS": ["c", "b", "b", "c", "a"] }),
            duplicates("[c, b, b, c, a]"),
            duplicates(r#"["b", "c", "b", "c", "a"]"#),
        ),
        two(
            json!({ "BS": ["/w==", "AA==", "AA=="] }),
            duplicate_binaries("[/w==, AA==, AA==]"),
            duplicate_binaries(r#"["AA==","/w==","AA=="]"#),
        ),
        two(
            json!({ "NS": ["1", "1.0"] }),
            "Input collection contains duplicates".to_owned(),
            invalid("Input collection contains duplicates."),
        ),
        two(json!({ "NS": ["1", ""] }), number.to_owned(), format!("{number}: ")),
    ]
}

#[test]
fn values_are_judged_alike_wherever_they_stand() {
    for Faulty { value, older, newer, is_of_form } in faults() {
        let in_write = if is_of_form { newer.clone() } else { counted(&newer) };
        let placeholder =
            |fault: &str| format!("ExpressionAttributeValues contains invalid value: {fault} for key :v");
        let item = json!({ "p": { "S": "x" }, "a": value });
        refused("PutItem", with(put(), json!({ "Item": item })), &in_write);
        refused("DeleteItem", with(key(), json!({ "Key": { "p": value } })), &in_write);
        refused("GetItem", with(key(), json!({ "Key": { "p": value } })), &newer);
        refused("BatchGetItem", json!({ "RequestItems": { "Tab": { "Keys": [{ "p": value }] } } }), &newer);
        refused(
            "TransactWriteItems",
            json!({ "TransactItems": [{ "Put": { "TableName": "Tab", "Item": item } }] }),
            &newer,
        );
        refused(
            "TransactGetItems",
            json!({ "TransactItems": [{ "Get": { "TableName": "Tab", "Key": { "p": value } } }] }),
            &newer,
        );
        refused(
            "BatchWriteItem",
            json!({ "RequestItems": { "Tab": [{ "PutRequest": { "Item": item } }] } }),
            &older,
        );
        let values = json!({ "ExpressionAttributeValues": { ":v": value } });
        let update = with(with(key(), json!({ "UpdateExpression": "SET a = :v" })), values.clone());
        refused("UpdateItem", update, &if is_of_form { placeholder(&newer) } else { in_write.clone() });
        let query = json!({ "TableName": "Tab", "KeyConditionExpression": "p = :v" });
        refused(
            "Query",
            with(query, values.clone()),
            &if is_of_form { placeholder(&newer) } else { newer.clone() },
        );
        let scan = json!({ "TableName": "Tab", "FilterExpression": "p = :v" });
        refused("Scan", with(scan, values), &placeholder(&older));
        if !value.is_null() {
            refused("PutItem", with(put(), json!({ "Expected": { "a": { "Value": value } } })), &in_write);
            let updates = json!({ "AttributeUpdates": { "a": { "Value": value, "Action": "PUT" } } });
            refused("UpdateItem", with(key(), updates), &in_write);
        }
        let filter = json!({ "a": { "ComparisonOperator": "EQ", "AttributeValueList": [value] } });
        refused("Scan", json!({ "TableName": "Tab", "ScanFilter": filter }), &older);
    }
}

#[test]
fn a_starting_key_is_blamed_for_some_faults() {
    let cases = [
        (json!({}), format!("The provided starting key is invalid: {EMPTY}")),
        (json!({ "N": "" }), "The parameter cannot be converted to a numeric value".to_owned()),
        (json!({ "NS": ["1", "1"] }), "Input collection contains duplicates".to_owned()),
        (
            json!({ "NULL": false }),
            "The provided starting key is invalid: One or more parameter values were invalid: Null attribute \
             value types must have the value of true"
                .to_owned(),
        ),
    ];
    for (value, message) in cases {
        refused("Scan", json!({ "TableName": "Tab", "ExclusiveStartKey": { "p": value } }), &message);
    }
}

#[test]
fn names_of_attributes_have_lengths() {
    let long = "a".repeat(65536);
    let item = |name: &str| with(put(), json!({ "Item": { "p": {}, name: { "S": "x" } } }));
    refused("PutItem", item(""), "Empty attribute name");
    refused("PutItem", item(&long), "Attribute name is too large, must be less than 65536 bytes");
}

fn nested(open: &str, levels: usize, close: &str) -> String {
    format!(r#"{}{{"S":"x"}}{}"#, open.repeat(levels), close.repeat(levels))
}

#[test]
fn a_value_may_be_inside_of_31_lists_and_maps() {
    for (open, close) in [(r#"{"L":["#, "]}"), (r#"{"M":{"a":"#, "}}")] {
        let put = |levels| {
            ask(
                "PutItem",
                &format!(r#"{{"TableName":"Tab","Item":{{"p":{}}}}}"#, nested(open, levels, close)),
            )
        };
        assert!(put(31).is_ok());
        for levels in [32, 33, 40, 48, 49, 50, 60, 61] {
            assert_eq!(put(levels).unwrap_err().message, counted(NESTED), "{levels}");
        }
        for levels in [63, 64, 65, 100, 1000, 100_000] {
            assert_eq!(put(levels).unwrap_err().message, NESTED, "{levels}");
        }
        let named = format!("ExpressionAttributeValues contains invalid value: {NESTED} for key :v");
        for levels in [32, 60, 61, 63, 100] {
            let values = format!(r#"{{":v":{}}}"#, nested(open, levels, close));
            let action = format!(
                r#"{{"TableName":"Tab","Key":{{}},"UpdateExpression":"x","ExpressionAttributeValues":{values}}}"#
            );
            let expected = if levels < 63 { counted(NESTED) } else { named.clone() };
            assert_eq!(ask("UpdateItem", &action).unwrap_err().message, expected, "{levels}");
            let transaction = format!(r#"{{"TransactItems":[{{"Update":{action}}}]}}"#);
            let expected = if levels < 61 { NESTED } else { &named };
            assert_eq!(ask("TransactWriteItems", &transaction).unwrap_err().message, expected, "{levels}");
        }
    }
}

/// What nobody of the newer layer reads is refused in the older words.
#[test]
fn far_too_deep_requests_are_refused_in_older_words() {
    let deep: Value = serde_json::from_str(&nested(r#"{"M":{"a":"#, 63, "}}")).unwrap();
    let condition = json!({ "ConditionExpression": "a = :v", "ExpressionAttributeValues": { ":v": deep } });
    let returning = |value: &str| with(with(key(), condition.clone()), json!({ "ReturnValues": value }));
    refused(
        "DeleteItem",
        returning("BOGUS"),
        &counted(
            "Value 'BOGUS' at 'returnValues' failed to satisfy constraint: Member must satisfy enum value set: \
             [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]",
        ),
    );
    refused("DeleteItem", returning("UPDATED_NEW"), "ReturnValues can only be ALL_OLD or NONE");
    let expected = json!({ "Expected": { "a": { "Value": deep }, "b": { "Exists": false } },
        "ConditionalOperator": "XOR" });
    refused(
        "PutItem",
        with(put(), expected),
        &counted(
            "Value 'XOR' at 'conditionalOperator' failed to satisfy constraint: Member must satisfy enum value set: \
             [OR, AND]",
        ),
    );
}

#[test]
fn every_kind_of_value_is_read() {
    let item = json!({
        "s": { "S": "" }, "n": { "N": "-01.50e1" }, "b": { "B": "" }, "t": { "BOOL": "true" },
        "z": { "NULL": true }, "l": { "L": [] }, "m": { "M": { "": { "S": "x" } } },
        "ss": { "SS": ["", "a"] }, "ns": { "NS": ["2", "1"] }, "bs": { "BS": ["AA==", ""] },
    });
    let Request::PutItem(put) = admitted("PutItem", with(put(), json!({ "Item": item }))) else { panic!() };
    let item = &put.item.attributes;
    assert_eq!(item.len(), 10);
    assert_eq!(item.get("t"), Some(&AttributeValue::Bool(true)));
    assert_eq!(item.get("n").unwrap(), &AttributeValue::N(crate::Number::parse("-15").unwrap()));
    assert!(put.item.text.is_none());
}

#[test]
fn parameters_of_statements_are_read_as_java_reads_decimals() {
    let cases = [
        ("1e99999999999", "The parameter cannot be converted to a numeric value: 1e99999999999"),
        ("1e-2147483648", "The parameter cannot be converted to a numeric value: 1e-2147483648"),
        ("1e2147483648", "The parameter cannot be converted to a numeric value: 1e2147483648"),
        (
            "1e2147483647",
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
        ("", "The parameter cannot be converted to a numeric value"),
        ("5", ""),
    ];
    for (text, expected) in cases {
        let statement =
            json!({ "Statement": "SELECT * FROM T WHERE a = ?", "Parameters": [{ "L": [{ "N": text }] }] });
        let refused = ask("ExecuteStatement", &statement.to_string()).err();
        assert_eq!(refused.map(|error| error.message).unwrap_or_default(), expected, "{text}");
        // In a batch that is nobody else's business.
        let batch = json!({ "Statements": [statement, { "Statement": "SELECT * FROM T" }] });
        let Request::BatchExecuteStatement(batch) = admitted("BatchExecuteStatement", batch) else {
            panic!()
        };
        let faults: Vec<_> =
            batch.statements.into_iter().map(|statement| statement.parameter_fault).collect();
        assert_eq!(faults, [Some(expected.to_owned()).filter(|fault| !fault.is_empty()), None], "{text}");
    }
}
