//! What is not of the form of its operation.

use super::*;

/// With `found` in the place of `null` in the body.
fn mistyped(operation: &str, body: &str, found: &str, message: &str) {
    let body = body.replace('@', found);
    let error = ask(operation, &body).unwrap_err();
    assert_eq!(error.code, ErrorCode::SerializationException, "{body}");
    assert_eq!(error.message, message, "{operation} {body}");
}

const CAST: &str = "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class \
                    java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and \
                    java.lang.Class are in module java.base of loader 'bootstrap')";

const STRUCTURE: &str = "Start of structure or map found where not expected";

#[test]
fn what_is_no_object_is_refused_without_a_word() {
    for body in ["", "{", "[]", "null", "1", "\"x\"", "{} {}", "{\"TableName\":\"\\ud800\"}", "{'a':1}"] {
        let error = ask("GetItem", body).unwrap_err();
        assert_eq!((error.code, error.message.as_str()), (ErrorCode::SerializationException, ""), "{body}");
    }
    assert!(ask("GetItem", "{\"TableName\":1e999}").is_err());
}

#[test]
fn scalars_are_told_apart_in_java_s_words() {
    let table = r#"{"TableName":@}"#;
    let cases = [
        ("GetItem", table, "true", "TRUE_VALUE cannot be converted to String"),
        ("GetItem", table, "false", "FALSE_VALUE cannot be converted to String"),
        ("GetItem", table, "23", "NUMBER_VALUE cannot be converted to String"),
        ("GetItem", table, "-2147483648", "NUMBER_VALUE cannot be converted to String"),
        ("GetItem", table, "99999999999999999999", "NUMBER_VALUE cannot be converted to String"),
        ("GetItem", table, "34.56", "DECIMAL_VALUE cannot be converted to String"),
        ("GetItem", table, "[]", "Unrecognized collection type class java.lang.String"),
        ("GetItem", table, "{}", STRUCTURE),
        ("GetItem", r#"{"ConsistentRead":@}"#, "\"23\"", "Unexpected token received from parser"),
        ("GetItem", r#"{"ConsistentRead":@}"#, "23", "NUMBER_VALUE cannot be converted to Boolean"),
        ("GetItem", r#"{"ConsistentRead":@}"#, "34.56", "DECIMAL_VALUE cannot be converted to Boolean"),
        ("GetItem", r#"{"ConsistentRead":@}"#, "[]", "Unrecognized collection type class java.lang.Boolean"),
        ("GetItem", r#"{"ConsistentRead":@}"#, "{}", STRUCTURE),
        ("Query", r#"{"Limit":@}"#, "\"23\"", "STRING_VALUE cannot be converted to Integer"),
        ("Query", r#"{"Limit":@}"#, "true", "TRUE_VALUE cannot be converted to Integer"),
        ("Query", r#"{"Limit":@}"#, "[]", "Unrecognized collection type class java.lang.Integer"),
        (
            "CreateTable",
            r#"{"ProvisionedThroughput":{"ReadCapacityUnits":@}}"#,
            "\"1\"",
            "STRING_VALUE cannot be converted to Long",
        ),
    ];
    for (operation, body, found, message) in cases {
        mistyped(operation, body, found, message);
    }
}

#[test]
fn containers_are_told_apart_by_where_they_stand() {
    let model = "com.amazonaws.dynamodb.v20120810";
    let java_map = |of: &str| format!("Unrecognized collection type java.util.Map<java.lang.String, {of}>");
    let class = |name: &str| format!("Unrecognized collection type class {model}.{name}");
    let cases = [
        ("GetItem", r#"{"AttributesToGet":@}"#, "\"a\"", "Unexpected field type".to_owned()),
        ("GetItem", r#"{"AttributesToGet":@}"#, "{}", STRUCTURE.to_owned()),
        ("GetItem", r#"{"Key":@}"#, "1.5", "Unexpected field type".to_owned()),
        ("GetItem", r#"{"Key":@}"#, "[]", java_map(&format!("{model}.AttributeValue"))),
        ("GetItem", r#"{"ExpressionAttributeNames":@}"#, "[]", java_map("java.lang.String")),
        ("GetItem", r#"{"Key":{"p":@}}"#, "\"x\"", "Unexpected value type in payload".to_owned()),
        ("GetItem", r#"{"Key":{"p":@}}"#, "[]", class("AttributeValue")),
        ("BatchGetItem", r#"{"RequestItems":@}"#, "[]", java_map(&format!("{model}.KeysAndAttributes"))),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"Tab":{"Keys":@}}}"#,
            "true",
            "Unexpected field type".to_owned(),
        ),
        ("BatchGetItem", r#"{"RequestItems":{"Tab":{"Keys":[@]}}}"#, "true", CAST.to_owned()),
        (
            "BatchGetItem",
            r#"{"RequestItems":{"Tab":{"Keys":[@]}}}"#,
            "[]",
            java_map(&format!("{model}.AttributeValue")),
        ),
        (
            "BatchWriteItem",
            r#"{"RequestItems":@}"#,
            "[]",
            java_map(&format!("java.util.List<{model}.WriteRequest>")),
        ),
        ("BatchWriteItem", r#"{"RequestItems":{"Tab":@}}"#, "1", CAST.to_owned()),
        ("BatchWriteItem", r#"{"RequestItems":{"Tab":@}}"#, "{}", STRUCTURE.to_owned()),
        ("BatchWriteItem", r#"{"RequestItems":{"Tab":[@]}}"#, "[]", class("WriteRequest")),
        (
            "BatchWriteItem",
            r#"{"RequestItems":{"Tab":[{"PutRequest":@}]}}"#,
            "\"x\"",
            "Unexpected field type".to_owned(),
        ),
        ("PutItem", r#"{"Expected":{"a":@}}"#, "[]", class("ExpectedAttributeValue")),
        ("PutItem", r#"{"Expected":{"a":{"Value":@}}}"#, "1", "Unexpected field type".to_owned()),
        ("CreateTable", r#"{"KeySchema":[@]}"#, "\"x\"", "Unexpected value type in payload".to_owned()),
        ("CreateTable", r#"{"KeySchema":[@]}"#, "[]", class("KeySchemaElement")),
        ("CreateTable", r#"{"ProvisionedThroughput":@}"#, "[]", class("ProvisionedThroughput")),
    ];
    for (operation, body, found, message) in cases {
        mistyped(operation, body, found, &message);
    }
}

#[test]
fn the_insides_of_values_have_types_too() {
    let value = r#"{"TableName":"Tab","Key":{"p":{@}}}"#;
    let binary = "only base-64-encoded strings are convertible to bytes";
    let cases = [
        (r#""S":1"#, "NUMBER_VALUE cannot be converted to String"),
        (r#""N":1"#, "NUMBER_VALUE cannot be converted to String"),
        (r#""B":1.5"#, binary),
        (r#""B":true"#, binary),
        (r#""B":[]"#, "Unrecognized collection type class java.nio.ByteBuffer"),
        (r#""B":{}"#, STRUCTURE),
        (r#""B":"23456""#, "Base64 encoded length is expected a multiple of 4 bytes but found: 5"),
        (r#""B":"=+/=""#, "Invalid last non-pad Base64 character dectected"),
        (r#""B":"+/+=""#, "Invalid last non-pad Base64 character dectected"),
        (r#""BOOL":"x""#, "Unexpected token received from parser"),
        (r#""NULL":1"#, "NUMBER_VALUE cannot be converted to Boolean"),
        (r#""SS":"a""#, "Unexpected field type"),
        (r#""SS":[1]"#, "NUMBER_VALUE cannot be converted to String"),
        (r#""BS":["a"]"#, "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
        (r#""L":{}"#, STRUCTURE),
        (r#""L":["a"]"#, "Unexpected value type in payload"),
        (
            r#""M":[]"#,
            "Unrecognized collection type java.util.Map<java.lang.String, \
             com.amazonaws.dynamodb.v20120810.AttributeValue>",
        ),
        (r#""M":{"a":1}"#, "Unexpected value type in payload"),
        (r#""M":{"a":{"L":[{"NS":[true]}]}}"#, "TRUE_VALUE cannot be converted to String"),
    ];
    for (found, message) in cases {
        mistyped("GetItem", value, found, message);
    }
}

#[test]
fn form_comes_before_everything_else() {
    mistyped("CreateTable", r#"{"KeySchema":@}"#, "1", "Unexpected field type");
    mistyped("TagResource", r#"{"Tags":@}"#, "1", "Unexpected field type");
}

#[test]
fn what_is_unknown_null_or_given_again_does_no_harm() {
    let body = r#"{"TableName":1,"TableName":"Tab","New":{"a":[1,{}]},"AttributesToGet":null,
        "Key":{"p":{"S":"old","s":1,"X":{},"N":null,"S":"x"},"p":{"S":"y","B":null}},
        "ConsistentRead":"Yes","ReturnConsumedCapacity":"TOTAL"}"#;
    let Request::GetItem(get) = ask("GetItem", body).unwrap() else { panic!("a GetItem") };
    assert_eq!((get.table_name.as_str(), get.consistent_read), ("Tab", Some(true)));
    assert_eq!(get.key.get("p"), Some(&crate::AttributeValue::S("y".to_owned())));
    assert!(get.attributes_to_get.is_none());
}

#[test]
fn a_fraction_is_cut_off() {
    let body = json!({ "TableName": "Tab", "Limit": 2.9, "Segment": "0" });
    assert_eq!(refusal("Scan", &body), "SerializationException: STRING_VALUE cannot be converted to Integer");
    let Request::Scan(scan) = admitted("Scan", json!({ "TableName": "Tab", "Limit": 2.9 })) else { panic!() };
    assert_eq!(scan.limit, Some(2));
    let Request::Scan(scan) = admitted("Scan", json!({ "TableName": "Tab", "Limit": 1e15 })) else {
        panic!()
    };
    assert_eq!(scan.limit, Some(i32::MAX as u32));
}

#[test]
fn what_nobody_reads_yet_is_unread_if_it_is_an_object() {
    assert!(matches!(ask("ListBackups", "{\"Limit\":[]}"), Ok(Request::Unread)));
    assert!(ask("ListBackups", "[]").is_err());
}
