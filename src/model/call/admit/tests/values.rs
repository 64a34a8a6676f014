//! What attribute values must be.

use super::*;
use crate::AttributeValue;

const EMPTY: &str = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
const NESTED: &str = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels \
                      beyond supported limit";

/// Values that are refused, and why.
fn faults() -> Vec<(Value, String)> {
    let invalid = |fault: &str| format!("One or more parameter values were invalid: {fault}");
    let several = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                   supported datatypes";
    let number = "The parameter cannot be converted to a numeric value";
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    let underflow =
        "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    let digits = "Attempting to store more than 38 significant digits in a Number";
    let cases = [
        (json!({}), EMPTY.to_owned()),
        (json!({ "X": 1 }), EMPTY.to_owned()),
        (json!({ "S": null }), EMPTY.to_owned()),
        (json!(null), EMPTY.to_owned()),
        (json!({ "S": "a", "N": "1" }), several.to_owned()),
        (json!({ "S": "a", "N": "x" }), format!("{number}: x")),
        (json!({ "N": "" }), number.to_owned()),
        (json!({ "N": "abc" }), format!("{number}: abc")),
        (json!({ "N": " 1" }), format!("{number}:  1")),
        (json!({ "N": "NaN" }), format!("{number}: NaN")),
        (json!({ "N": "1e126" }), overflow.to_owned()),
        (json!({ "N": "-1e126" }), overflow.to_owned()),
        (json!({ "N": "1e-131" }), underflow.to_owned()),
        (json!({ "N": "1".repeat(39) }), digits.to_owned()),
        (json!({ "NULL": false }), invalid("Null attribute value types must have the value of true")),
        (json!({ "SS": [] }), invalid("An string set  may not be empty")),
        (json!({ "NS": [] }), invalid("An number set  may not be empty")),
        (json!({ "BS": [] }), invalid("Binary sets should not be empty")),
        (json!({ "SS": ["b", "a", "b"] }), invalid("Input collection [b, a, b] contains duplicates.")),
        (
            json!({ "BS": ["/w==", "AA==", "AA=="] }),
            invalid("Input collection [/w==, AA==, AA==]of type BS contains duplicates."),
        ),
        (json!({ "NS": ["1", "1.0"] }), "Input collection contains duplicates".to_owned()),
        (json!({ "NS": ["1", ""] }), number.to_owned()),
        (json!({ "L": [{ "S": "a" }, {}] }), EMPTY.to_owned()),
        (json!({ "L": [null] }), EMPTY.to_owned()),
        (json!({ "M": { "a": { "SS": [] } } }), invalid("An string set  may not be empty")),
    ];
    cases.into()
}

#[test]
fn values_are_judged_alike_wherever_they_stand() {
    for (value, fault) in faults() {
        let item = json!({ "p": { "S": "x" }, "a": value });
        refused("PutItem", with(put(), json!({ "Item": item })), &fault);
        refused("GetItem", with(key(), json!({ "Key": { "p": value } })), &fault);
        refused("DeleteItem", with(key(), json!({ "Key": { "p": value } })), &fault);
        refused("BatchGetItem", json!({ "RequestItems": { "Tab": { "Keys": [{ "p": value }] } } }), &fault);
        refused(
            "BatchWriteItem",
            json!({ "RequestItems": { "Tab": [{ "PutRequest": { "Item": item } }] } }),
            &fault,
        );
        refused(
            "TransactWriteItems",
            json!({ "TransactItems": [{ "Put": { "TableName": "Tab", "Item": item } }] }),
            &fault,
        );
        refused(
            "TransactGetItems",
            json!({ "TransactItems": [{ "Get": { "TableName": "Tab", "Key": { "p": value } } }] }),
            &fault,
        );
        refused(
            "UpdateItem",
            with(
                key(),
                json!({ "UpdateExpression": "SET a = :v", "ExpressionAttributeValues": { ":v": value } }),
            ),
            &format!("ExpressionAttributeValues contains invalid value: {fault} for key :v"),
        );
        if !value.is_null() {
            refused("PutItem", with(put(), json!({ "Expected": { "a": { "Value": value } } })), &fault);
            let updates = json!({ "AttributeUpdates": { "a": { "Value": value, "Action": "PUT" } } });
            refused("UpdateItem", with(key(), updates), &fault);
        }
        let filter = json!({ "a": { "ComparisonOperator": "EQ", "AttributeValueList": [value] } });
        refused("Scan", json!({ "TableName": "Tab", "ScanFilter": filter }), &fault);
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
        for levels in [32, 33, 40, 48, 49, 50, 60, 63, 64, 100, 1000, 100_000] {
            assert_eq!(put(levels).unwrap_err().message, NESTED, "{levels}");
        }
    }
    let values = format!(r#"{{":v":{}}}"#, nested(r#"{"L":["#, 40, "]}"));
    let body = format!(
        r#"{{"TableName":"Tab","Key":{{}},"UpdateExpression":"x","ExpressionAttributeValues":{values}}}"#
    );
    assert_eq!(
        ask("UpdateItem", &body).unwrap_err().message,
        format!("ExpressionAttributeValues contains invalid value: {NESTED} for key :v")
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
