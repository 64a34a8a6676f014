//! Sort keys lie in the order that numbers, UTF-8 texts and binaries have elsewhere.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use model::{AttributeValue, Number, encode_component};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use crate::{rig::Rig, scalar::Scalar};

const CASES: u32 = 2_000;

fn stored(scalar: &Scalar) -> Vec<u8> {
    let value = match scalar {
        Scalar::S(text) => AttributeValue::S(text.clone()),
        Scalar::N(number) => AttributeValue::N(Number::parse(&number.to_string()).unwrap()),
        Scalar::B(bytes) => AttributeValue::B(bytes.clone().into()),
    };
    let mut bytes = Vec::new();
    encode_component(&value, &mut bytes);
    bytes
}

/// Up to 38 digits, with as many zeros around them as DynamoDB lets a number have.
fn number() -> impl Strategy<Value = Scalar> {
    let digits = prop_oneof!["[0-9]{1,3}", "[0-9]{1,38}", "[19]{1,3}0{0,20}[0-9]{1,3}"];
    // The leading digit stands for at most 1E125, the last one for at least 1E-130.
    let exponent = prop_oneof![-3..=3_i32, -130..=88_i32, Just(-130), Just(88)];
    (any::<bool>(), digits, exponent).prop_map(|(is_negative, digits, exponent)| {
        let sign = if is_negative { "-" } else { "" };
        Scalar::number(&format!("{sign}{digits}e{exponent}"))
    })
}

/// Few characters, so that one text often begins another; of every length in UTF-8, since UTF-16 orders the
/// longest before some shorter ones.
fn text() -> impl Strategy<Value = Scalar> {
    let characters = prop_oneof![
        Just('\0'),
        Just('\u{1}'),
        Just('a'),
        Just('b'),
        Just('\u{7f}'),
        Just('é'),
        Just('\u{d7ff}'),
        Just('\u{e000}'),
        Just('\u{ffff}'),
        Just('\u{10000}'),
        any::<char>()
    ];
    vec(characters, 1..6).prop_map(|characters| Scalar::S(characters.into_iter().collect()))
}

fn binary() -> impl Strategy<Value = Scalar> {
    let bytes = prop_oneof![Just(0), Just(1), Just(0xFE), Just(0xFF), any::<u8>()];
    vec(bytes, 1..6).prop_map(Scalar::B)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(CASES) })]

    #[test]
    fn stored_numbers_lie_as_decimals_do(one in number(), two in number()) {
        prop_assert_eq!(stored(&one).cmp(&stored(&two)), one.cmp(&two));
    }

    #[test]
    fn stored_texts_lie_as_their_utf8_does(one in text(), two in text()) {
        prop_assert_eq!(stored(&one).cmp(&stored(&two)), one.cmp(&two));
    }

    #[test]
    fn stored_binaries_lie_as_bytes_do(one in binary(), two in binary()) {
        prop_assert_eq!(stored(&one).cmp(&stored(&two)), one.cmp(&two));
    }
}

/// Puts the keys into one partition and has a Query hand them back, both ways.
async fn check_query(type_name: &str, sorted: &[Value]) {
    let rig = Rig::in_memory();
    rig.done(
        "CreateTable",
        json!({
            "TableName": "Order", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }, { "AttributeName": "s", "KeyType": "RANGE" }],
            "AttributeDefinitions": [
                { "AttributeName": "p", "AttributeType": "S" },
                { "AttributeName": "s", "AttributeType": type_name },
            ],
        }),
    )
    .await;
    // Last ones first: what comes back sorted was not put in that way.
    for key in sorted.iter().rev() {
        let item = json!({ "p": { "S": "p" }, "s": { type_name: key } });
        rig.done("PutItem", json!({ "TableName": "Order", "Item": item })).await;
    }
    for is_forward in [true, false] {
        let body = json!({
            "TableName": "Order", "KeyConditionExpression": "p = :p", "ScanIndexForward": is_forward,
            "ExpressionAttributeValues": { ":p": { "S": "p" } },
        });
        let page = rig.done("Query", body).await;
        let mut found: Vec<&Value> =
            page["Items"].as_array().unwrap().iter().map(|item| &item["s"][type_name]).collect();
        if !is_forward {
            found.reverse();
        }
        assert_eq!(found, sorted.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_query_hands_out_numbers_in_their_order() {
    let sorted = [
        "-999999999999999999999999999999999999990000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
        "-10",
        "-9.5",
        "-9",
        "-1",
        "-0.1",
        "-0.01",
        "0",
        "0.01",
        "0.0100000001",
        "0.1",
        "1",
        "1.5",
        "2",
        "9",
        "10",
        "11",
        "100",
        "12345678901234567890123456789012345678",
    ];
    check_query("N", &sorted.map(Value::from)).await;
}

#[tokio::test]
async fn a_query_hands_out_texts_in_the_order_of_their_utf8() {
    let sorted = [
        "\0",
        "\0\0",
        "\0a",
        "\u{1}",
        "A",
        "B",
        "a",
        "a\0",
        "a\0\u{1}",
        "a\u{1}",
        "aa",
        "b",
        "é",
        "\u{e000}",
        "\u{ffff}",
        "\u{10000}",
    ];
    check_query("S", &sorted.map(Value::from)).await;
}

#[tokio::test]
async fn a_query_hands_out_binaries_in_the_order_of_unsigned_bytes() {
    let sorted: [&[u8]; 10] =
        [&[0], &[0, 0], &[0, 1], &[0, 0xFF], &[1], &[0x7F], &[0x80], &[0xFF], &[0xFF, 0], &[0xFF, 0xFF]];
    check_query("B", &sorted.map(|bytes| Value::from(BASE64_STANDARD.encode(bytes)))).await;
}

#[tokio::test]
async fn sets_are_shown_in_order_however_they_came_to_be() {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", false).await;
    let key = json!({ "pk": { "S": "k" } });
    let item = json!({
        "pk": { "S": "k" }, "s": { "SS": ["c", "", "a"] }, "n": { "NS": ["10", "9", "-1"] },
        "m": { "M": { "b": { "BS": ["/w==", "AA==", ""] } } },
    });
    rig.done("PutItem", json!({ "TableName": "Tab", "Item": item })).await;
    let sorted = json!({
        "pk": { "S": "k" }, "s": { "SS": ["", "a", "c"] }, "n": { "NS": ["-1", "9", "10"] },
        "m": { "M": { "b": { "BS": ["", "AA==", "/w=="] } } },
    });
    assert_eq!(rig.item("Tab", key.clone()).await, Some(sorted));
    let update = json!({
        "TableName": "Tab", "Key": key, "UpdateExpression": "ADD s :s, n :n REMOVE m",
        "ExpressionAttributeValues": { ":s": { "SS": ["d", "b", "a"] }, ":n": { "NS": ["9.5", "-2"] } },
        "ReturnValues": "ALL_NEW",
    });
    let merged = json!({
        "pk": { "S": "k" }, "s": { "SS": ["", "a", "b", "c", "d"] }, "n": { "NS": ["-2", "-1", "9", "9.5", "10"] },
    });
    assert_eq!(rig.done("UpdateItem", update).await["Attributes"], merged);
    let statement =
        json!({ "Statement": "UPDATE Tab SET n = <<3, -3, 2>> SET s = <<'y', 'x'>> WHERE pk = 'k'" });
    rig.done("ExecuteStatement", statement).await;
    let literal = json!({ "pk": { "S": "k" }, "s": { "SS": ["x", "y"] }, "n": { "NS": ["-3", "2", "3"] } });
    assert_eq!(rig.item("Tab", key).await, Some(literal));
}
