//! Strict both ways.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::{AttributeValue, Item, Number};

fn nested(open: &str, levels: usize, close: &str) -> String {
    format!(r#"{}{{"S":"x"}}{}"#, open.repeat(levels), close.repeat(levels))
}

#[test]
fn every_type_comes_back_as_it_was_written() {
    let cases = [
        r#"{"S":""}"#,
        r#"{"S":"a\"\\\n\u0000é😀"}"#,
        r#"{"N":"-12.5"}"#,
        r#"{"B":""}"#,
        r#"{"B":"AP8="}"#,
        r#"{"BOOL":false}"#,
        r#"{"NULL":true}"#,
        r#"{"L":[]}"#,
        r#"{"L":[{"S":"a"},{"L":[{"NULL":true}]}]}"#,
        r#"{"M":{}}"#,
        r#"{"M":{"a":{"S":"b"},"c":{"M":{"d":{"N":"1"}}}}}"#,
        r#"{"SS":["a","b"]}"#,
        r#"{"NS":["1","2"]}"#,
        r#"{"BS":["YQ==","Yg=="]}"#,
    ];
    for json in cases {
        let value = value_from_str(json).unwrap();
        let mut out = Vec::new();
        value_to_json(&value, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), json);
        let item = format!(r#"{{"k":{json}}}"#);
        let mut out = Vec::new();
        item_to_json(&item_from_slice(item.as_bytes()).unwrap(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), item);
    }
}

#[test]
fn what_is_written_otherwise_is_read_as_the_same_value() {
    let cases = [
        (r#" { "S" : "\u0061" } "#, r#"{"S":"a"}"#),
        (r#"{"\u0053":"a"}"#, r#"{"S":"a"}"#),
        (r#"{"N":"1.50e1"}"#, r#"{"N":"15"}"#),
        (r#"{"NS":["\u0031"]}"#, r#"{"NS":["1"]}"#),
        (r#"{"B":"YQ\u003d="}"#, r#"{"B":"YQ=="}"#),
        (r#"{"M":{"b":{"S":"2"},"a":{"S":"1"}}}"#, r#"{"M":{"a":{"S":"1"},"b":{"S":"2"}}}"#),
    ];
    for (json, expected) in cases {
        assert_eq!(value_from_str(json), value_from_str(expected), "{json}");
        assert!(value_from_str(json).is_ok(), "{json}");
    }
}

#[test]
fn whatever_is_off_is_refused() {
    let cases = [
        "",
        "{}",
        "[]",
        "null",
        r#""S""#,
        r#"["S","a"]"#,
        r#"{"S":"a"} x"#,
        r#"{"S":"a","S":"a"}"#,
        r#"{"S":"a","N":"1"}"#,
        r#"{"S":"a","N":null}"#,
        r#"{"s":"a"}"#,
        r#"{"X":"a"}"#,
        r#"{"Bool":true}"#,
        r#"{"S":null}"#,
        r#"{"S":1}"#,
        r#"{"S":"\ud800"}"#,
        r#"{"N":1}"#,
        r#"{"N":""}"#,
        r#"{"N":"x"}"#,
        r#"{"N":"1e126"}"#,
        r#"{"B":"YQ"}"#,
        r#"{"B":"YR=="}"#,
        r#"{"B":"YQ==\n"}"#,
        r#"{"B":"_-8="}"#,
        r#"{"B":[1,2]}"#,
        r#"{"BOOL":"true"}"#,
        r#"{"BOOL":1}"#,
        r#"{"NULL":false}"#,
        r#"{"NULL":null}"#,
        r#"{"L":{}}"#,
        r#"{"L":null}"#,
        r#"{"L":["a"]}"#,
        r#"{"M":[]}"#,
        r#"{"M":{"a":{"S":"1"},"a":{"S":"1"}}}"#,
        r#"{"M":{"a":{"S":"1"},"\u0061":{"S":"1"}}}"#,
        r#"{"M":{"a":"b"}}"#,
        r#"{"SS":[]}"#,
        r#"{"NS":[]}"#,
        r#"{"BS":[]}"#,
        r#"{"SS":["a","a"]}"#,
        r#"{"SS":["a",null]}"#,
        r#"{"NS":["1","1.0"]}"#,
        r#"{"NS":[1]}"#,
        r#"{"BS":["YQ==","YQ=="]}"#,
        r#"{"BS":["YQ"]}"#,
    ];
    for json in cases {
        assert!(value_from_str(json).is_err(), "{json}");
        assert!(item_from_slice(format!(r#"{{"k":{json}}}"#).as_bytes()).is_err(), "{json}");
    }
    for json in [r#"{"a":{"S":"1"},"a":{"N":"1"}}"#, "[]", "null", r#"{"a":{"S":"1"}} {}"#] {
        assert!(item_from_slice(json.as_bytes()).is_err(), "{json}");
    }
    assert!(item_from_slice(b"{\"a\":{\"S\":\"\xFF\"}}").is_err());
}

#[test]
fn a_value_may_be_inside_of_31_lists_and_maps() {
    for (open, close) in [(r#"{"L":["#, "]}"), (r#"{"M":{"a":"#, "}}")] {
        assert!(value_from_str(&nested(open, 31, close)).is_ok());
        assert!(value_from_str(&nested(open, 32, close)).is_err());
        assert!(value_from_str(&nested(open, 100_000, close)).is_err());
        assert!(value_from_str(&open.repeat(100_000)).is_err());
        assert!(item_from_slice(format!(r#"{{"k":{}}}"#, nested(open, 31, close)).as_bytes()).is_ok());
    }
    assert!(value_from_str(&"[".repeat(100_000)).is_err());
}

#[test]
fn errors_keep_the_item_s_text_to_themselves() {
    let error = value_from_str(r#"{"N":"secret"}"#).unwrap_err();
    assert_eq!(error.to_string(), "not strict DynamoDB JSON at line 1, column 14");
}

#[test]
fn only_what_every_origin_gives_back_is_settled() {
    let cases = [
        (r#"{"S":"a"}"#, true),
        (r#"{"S":"\u0061"}"#, true),
        (r#"{"N":"0"}"#, true),
        (r#"{"N":"-1.5"}"#, true),
        (r#"{"N":"100"}"#, true),
        (r#"{"N":"0.000001"}"#, true),
        (r#"{"N":"12345678901234567890123456789012345678"}"#, true),
        (r#"{"N":"0.0000001"}"#, false),
        (r#"{"N":"100000000000000000000000000000000000000"}"#, false),
        (r#"{"N":"1.0"}"#, false),
        (r#"{"N":"01"}"#, false),
        (r#"{"N":"+1"}"#, false),
        (r#"{"N":"1e2"}"#, false),
        (r#"{"N":"-0"}"#, false),
        (r#"{"N":".5"}"#, false),
        (r#"{"B":"AP8="}"#, true),
        (r#"{"B":"AP9="}"#, false),
        (r#"{"SS":["a"]}"#, true),
        (r#"{"SS":["a","b"]}"#, false),
        (r#"{"NS":["1"]}"#, true),
        (r#"{"NS":["1.0"]}"#, false),
        (r#"{"NS":["1","2"]}"#, false),
        (r#"{"BS":["YQ=="]}"#, true),
        (r#"{"BS":["YQ==","Yg=="]}"#, false),
        (r#"{"L":[{"N":"1"},{"M":{"a":{"N":"1"}}}]}"#, true),
        (r#"{"L":[{"N":"1"},{"M":{"a":{"N":"1.0"}}}]}"#, false),
        (r#"{"L":[{"N":"1.0"},{"N":"1"}]}"#, false),
        (r#"{"S":1}"#, false),
    ];
    for (json, expected) in cases {
        assert_eq!(is_settled_form(&format!(r#"{{"k":{json}}}"#)), expected, "{json}");
    }
    for (json, expected) in [("{}", true), (" {} ", true), ("{} {}", false), ("", false), ("[]", false)] {
        assert_eq!(is_settled_form(json), expected, "{json}");
    }
}

#[test]
fn sets_are_put_in_order() {
    for (written, read) in [
        (r#"{"SS":["b","","a","B","é"]}"#, r#"{"SS":["","B","a","b","é"]}"#),
        (r#"{"NS":["10","9","-1","1.5"]}"#, r#"{"NS":["-1","1.5","9","10"]}"#),
        (r#"{"BS":["/w==","","AAE=","AA=="]}"#, r#"{"BS":["","AA==","AAE=","/w=="]}"#),
        (r#"{"L":[{"M":{"a":{"SS":["y","x"]}}}]}"#, r#"{"L":[{"M":{"a":{"SS":["x","y"]}}}]}"#),
    ] {
        let mut json = Vec::new();
        value_to_json(&value_from_str(written).unwrap(), &mut json);
        assert_eq!(String::from_utf8(json).unwrap(), read);
    }
}

#[test]
fn a_unique_map_keeps_order_and_refuses_duplicates() {
    let map: UniqueMap<u8> = serde_json::from_str(r#"{"b":1,"a":2}"#).unwrap();
    assert_eq!(map.as_slice(), [("b".to_owned(), 1), ("a".to_owned(), 2)]);
    assert_eq!((map.get("a"), map.get("c"), map.len()), (Some(&2), None, 2));
    assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"b":1,"a":2}"#);
    for json in [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":1,"\u0061":1}"#, "[]", "null", r#"{"a":""}"#] {
        assert!(serde_json::from_str::<UniqueMap<u8>>(json).is_err(), "{json}");
    }
}

fn any_value() -> impl Strategy<Value = AttributeValue> {
    let number = ("-?[0-9]{1,38}", -120i32..80)
        .prop_map(|(digits, exponent)| Number::parse(&format!("{digits}e{exponent}")).unwrap());
    let bytes = proptest::collection::vec(any::<u8>(), 0..9).prop_map(Bytes::from);
    let leaf = prop_oneof![
        any::<String>().prop_map(AttributeValue::S),
        number.clone().prop_map(AttributeValue::N),
        bytes.clone().prop_map(AttributeValue::B),
        any::<bool>().prop_map(AttributeValue::Bool),
        Just(AttributeValue::Null),
        proptest::collection::hash_set(".{0,4}", 1..4)
            .prop_map(|s| AttributeValue::Ss(s.into_iter().collect())),
        proptest::collection::hash_set(number, 1..4)
            .prop_map(|s| AttributeValue::Ns(s.into_iter().collect())),
        proptest::collection::hash_set(bytes, 1..4).prop_map(|s| AttributeValue::Bs(s.into_iter().collect())),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(AttributeValue::L),
            proptest::collection::btree_map(".{0,4}", inner, 0..5)
                .prop_map(|map| AttributeValue::M(Item::from_iter(map))),
        ]
    })
}

/// DynamoDB JSON as another library has it.
fn described(value: &AttributeValue) -> serde_json::Value {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use serde_json::json;
    let base64 = |bytes: &Bytes| BASE64_STANDARD.encode(bytes);
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number.to_text() }),
        AttributeValue::B(bytes) => json!({ "B": base64(bytes) }),
        AttributeValue::Bool(claim) => json!({ "BOOL": claim }),
        AttributeValue::Null => json!({ "NULL": true }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(described).collect::<Vec<_>>() }),
        AttributeValue::M(map) => {
            let members = map.iter().map(|(name, value)| (name.clone(), described(value)));
            json!({ "M": members.collect::<serde_json::Map<_, _>>() })
        }
        AttributeValue::Ss(set) => json!({ "SS": set }),
        AttributeValue::Ns(set) => json!({ "NS": set.iter().map(Number::to_text).collect::<Vec<_>>() }),
        AttributeValue::Bs(set) => json!({ "BS": set.iter().map(base64).collect::<Vec<_>>() }),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_by_others_as_it_was_meant(value in any_value()) {
        let mut json = Vec::new();
        value_to_json(&value, &mut json);
        prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&json).unwrap(), described(&value));
        // And the other way round, with the spaces that others write.
        let pretty = serde_json::to_string_pretty(&described(&value)).unwrap();
        prop_assert_eq!(value_from_str(&pretty), Ok(value));
    }

    #[test]
    fn what_is_written_can_be_read(value in any_value()) {
        let mut json = Vec::new();
        value_to_json(&value, &mut json);
        prop_assert_eq!(value_from_str(std::str::from_utf8(&json).unwrap()), Ok(value));
    }

    #[test]
    fn a_settled_item_is_written_as_it_came(value in any_value()) {
        let mut json = Vec::new();
        item_to_json(&Item::from_iter([("k".to_owned(), value)]), &mut json);
        let text = std::str::from_utf8(&json).unwrap();
        if is_settled_form(text) {
            let mut again = Vec::new();
            item_to_json(&item_from_slice(&json).unwrap(), &mut again);
            prop_assert_eq!(again, json);
        }
    }
}
