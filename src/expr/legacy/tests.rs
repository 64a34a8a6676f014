//! What the older parameters are refused for, and that they mean what they meant.

use model::{Item, KeyAttribute, KeyType};

use super::*;
use crate::testing::{item, message, value};

const INVALID: &str = "One or more parameter values were invalid: ";

fn list(json: &str) -> Vec<AttributeValue> {
    match value(&format!(r#"{{"L":{json}}}"#)) {
        AttributeValue::L(list) => list,
        _ => unreachable!("a list was written"),
    }
}

fn asks(attribute: &str, operator: &str, values: &str) -> (String, FilterCondition) {
    let operator = ComparisonOperator::parse(operator).unwrap();
    (attribute.to_owned(), FilterCondition { operator, values: list(values) })
}

const TYPES: [(&str, &str); 10] = [
    ("S", r#"[{"S":"a"}]"#),
    ("N", r#"[{"N":"1"}]"#),
    ("B", r#"[{"B":"YQ=="}]"#),
    ("BOOL", r#"[{"BOOL":true}]"#),
    ("NULL", r#"[{"NULL":true}]"#),
    ("L", r#"[{"L":[]}]"#),
    ("M", r#"[{"M":{}}]"#),
    ("SS", r#"[{"SS":["a"]}]"#),
    ("NS", r#"[{"NS":["1"]}]"#),
    ("BS", r#"[{"BS":["YQ=="]}]"#),
];

#[test]
fn operators_have_names() {
    for (operator, name) in ComparisonOperator::NAMES {
        assert_eq!(ComparisonOperator::parse(name), Some(operator));
        assert_eq!(operator.as_str(), name);
    }
    for unknown in ["", "eq", "DOG", "EQ "] {
        assert_eq!(ComparisonOperator::parse(unknown), None);
    }
}

#[test]
fn filters_have_the_right_number_of_values_of_the_right_types() {
    let filter = |conditions: &[(String, FilterCondition)]| message(Condition::from_filter(conditions, None));
    let keys = |conditions: &[(String, FilterCondition)]| message(KeyCondition::from_conditions(conditions));
    let counts: [(&str, &[usize]); 13] = [
        ("EQ", &[1]),
        ("NE", &[1]),
        ("LE", &[1]),
        ("LT", &[1]),
        ("GE", &[1]),
        ("GT", &[1]),
        ("CONTAINS", &[1]),
        ("NOT_CONTAINS", &[1]),
        ("BEGINS_WITH", &[1]),
        ("IN", &[1, 2, 3]),
        ("BETWEEN", &[2]),
        ("NULL", &[0]),
        ("NOT_NULL", &[0]),
    ];
    for (operator, right) in counts {
        for count in 0..4 {
            let values = format!("[{}]", vec![r#"{"S":"a"}"#; count].join(","));
            let asked = [asks("a", operator, &values)];
            let expected = match right.contains(&count) {
                true => String::new(),
                false => {
                    format!("{INVALID}Invalid number of argument(s) for the {operator} ComparisonOperator")
                }
            };
            assert_eq!((filter(&asked), keys(&asked)), (expected.clone(), expected), "{operator} {count}");
        }
    }
    let all = ["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"];
    let types: [(&str, &[&str]); 9] = [
        ("EQ", &all),
        ("NE", &all),
        ("LT", &["S", "N", "B"]),
        ("LE", &["S", "N", "B"]),
        ("GT", &["S", "N", "B"]),
        ("GE", &["S", "N", "B"]),
        ("IN", &["S", "N", "B"]),
        ("CONTAINS", &["S", "N", "B", "BOOL", "NULL"]),
        ("BEGINS_WITH", &["S", "B"]),
    ];
    for (operator, right) in types {
        for (found, values) in TYPES {
            let expected = match right.contains(&found) {
                true => String::new(),
                false => format!(
                    "{INVALID}ComparisonOperator {operator} is not valid for {found} AttributeValue type"
                ),
            };
            assert_eq!(filter(&[asks("a", operator, values)]), expected, "{operator} {found}");
        }
    }
    let mixed = [asks("a", "IN", r#"[{"S":"b"},{"N":"1"}]"#)];
    assert_eq!(
        filter(&mixed),
        format!("{INVALID}AttributeValues inside AttributeValueList must be of same type")
    );
    let reversed = [asks("a", "BETWEEN", r#"[{"N":"10"},{"N":"9"}]"#)];
    assert_eq!(
        filter(&reversed),
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
    );
}

#[test]
fn a_conditional_operator_joins_two_or_more() {
    let one = [asks("a", "NULL", "[]")];
    let two = [asks("a", "NULL", "[]"), asks("b", "NULL", "[]")];
    let and = Some(ConditionalOperator::And);
    let without = "ConditionalOperator cannot be used without Filter or Expected";
    let too_few = "ConditionalOperator can only be used when Filter or Expected has two or more elements";
    assert_eq!(message(Condition::from_filter(&[], and)), without);
    assert_eq!(message(Condition::from_filter(&one, and)), too_few);
    assert_eq!(message(Condition::from_filter(&two, and)), "");
    assert_eq!(message(Condition::from_expected(&[], and)), without);
    assert_eq!(Condition::from_filter(&[], None), Ok(None));
    assert_eq!(Condition::from_expected(&[], None), Ok(None));
}

#[test]
fn filters_ask_what_they_always_asked() {
    let whole = item(
        r#"{"s":{"S":"hello"},"n":{"N":"5"},"l":{"L":[{"N":"2"}]},"ss":{"SS":["a","b"]},"u":{"NULL":true},
            "a.b":{"S":"dot"},"a":{"M":{"b":{"S":"no"}}},"t":{"BOOL":true}}"#,
    );
    let cases = [
        ("n", "EQ", r#"[{"N":"5.0"}]"#, true),
        ("n", "EQ", r#"[{"S":"5"}]"#, false),
        ("ss", "EQ", r#"[{"SS":["b","a"]}]"#, true),
        ("n", "NE", r#"[{"S":"5"}]"#, true),
        ("x", "NE", r#"[{"S":"5"}]"#, true),
        ("n", "NE", r#"[{"N":"5"}]"#, false),
        ("n", "LT", r#"[{"N":"10"}]"#, true),
        ("n", "LE", r#"[{"N":"5"}]"#, true),
        ("n", "GT", r#"[{"N":"5"}]"#, false),
        ("n", "GE", r#"[{"N":"5"}]"#, true),
        ("l", "GE", r#"[{"N":"5"}]"#, false),
        ("n", "BETWEEN", r#"[{"N":"5"},{"N":"6"}]"#, true),
        ("n", "IN", r#"[{"N":"4"},{"N":"5"}]"#, true),
        ("n", "IN", r#"[{"N":"4"}]"#, false),
        ("s", "BEGINS_WITH", r#"[{"S":"hell"}]"#, true),
        ("n", "BEGINS_WITH", r#"[{"S":"5"}]"#, false),
        ("s", "CONTAINS", r#"[{"S":"ell"}]"#, true),
        ("ss", "CONTAINS", r#"[{"S":"a"}]"#, true),
        ("l", "CONTAINS", r#"[{"N":"2"}]"#, true),
        ("x", "CONTAINS", r#"[{"N":"2"}]"#, false),
        ("s", "NOT_CONTAINS", r#"[{"S":"elk"}]"#, true),
        ("s", "NOT_CONTAINS", r#"[{"S":"ell"}]"#, false),
        ("n", "NOT_CONTAINS", r#"[{"N":"5"}]"#, true),
        ("x", "NOT_CONTAINS", r#"[{"N":"2"}]"#, false),
        ("u", "NOT_NULL", "[]", true),
        ("u", "NULL", "[]", false),
        ("x", "NULL", "[]", true),
        ("a.b", "EQ", r#"[{"S":"dot"}]"#, true),
    ];
    for (attribute, operator, values, expected) in cases {
        let filter = Condition::from_filter(&[asks(attribute, operator, values)], None).unwrap().unwrap();
        assert_eq!(filter.holds(&whole), expected, "{attribute} {operator} {values}");
    }
    let mixed =
        [asks("n", "EQ", r#"[{"N":"5"}]"#), asks("s", "EQ", r#"[{"S":"x"}]"#), asks("x", "NULL", "[]")];
    for (operator, expected) in
        [(None, false), (Some(ConditionalOperator::And), false), (Some(ConditionalOperator::Or), true)]
    {
        let filter = Condition::from_filter(&mixed, operator).unwrap().unwrap();
        assert_eq!(filter.holds(&whole), expected, "{operator:?}");
    }
}

#[test]
fn very_many_conditions_are_no_deeper_than_one() {
    let many: Vec<_> = (0..100_000).map(|i| asks(&format!("a{i}"), "NULL", "[]")).collect();
    let filter = Condition::from_filter(&many, None).unwrap().unwrap();
    assert!(filter.holds(&Item::new()));
}

fn expects(
    value: Option<&str>,
    exists: Option<bool>,
    operator: Option<&str>,
    values: Option<&str>,
) -> Expectation {
    Expectation {
        value: value.map(crate::testing::value),
        exists,
        operator: operator.map(|name| ComparisonOperator::parse(name).unwrap()),
        values: values.map(list),
    }
}

#[test]
fn expectations_are_one_thing_or_the_other() {
    let x = Some(r#"{"S":"x"}"#);
    let xs = Some(r#"[{"S":"x"}]"#);
    let cases = [
        (expects(x, None, None, None), ""),
        (expects(x, Some(true), None, None), ""),
        (expects(None, Some(false), None, None), ""),
        (expects(x, None, Some("EQ"), None), ""),
        (expects(None, None, Some("EQ"), xs), ""),
        (expects(None, None, Some("NULL"), None), ""),
        (expects(None, None, Some("NULL"), Some("[]")), ""),
        (expects(x, None, None, xs), "Value and AttributeValueList cannot be used together for Attribute: a"),
        (
            expects(x, Some(true), Some("EQ"), None),
            "Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            expects(None, None, Some("EQ"), None),
            "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: a",
        ),
        (
            expects(None, None, None, xs),
            "AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (expects(None, None, None, None), "Value must be provided when Exists is null for Attribute: a"),
        (
            expects(None, Some(true), None, None),
            "Value must be provided when Exists is true for Attribute: a",
        ),
        (expects(x, Some(false), None, None), "Value cannot be used when Exists is false for Attribute: a"),
        (
            expects(x, None, Some("NULL"), None),
            "Invalid number of argument(s) for the NULL ComparisonOperator",
        ),
        (
            expects(x, None, Some("BETWEEN"), None),
            "Invalid number of argument(s) for the BETWEEN ComparisonOperator",
        ),
        (
            expects(Some(r#"{"L":[]}"#), None, Some("LE"), None),
            "ComparisonOperator LE is not valid for L AttributeValue type",
        ),
    ];
    for (expectation, expected) in cases {
        let expected = if expected.is_empty() { String::new() } else { format!("{INVALID}{expected}") };
        let found = message(Condition::from_expected(&[("a".to_owned(), expectation.clone())], None));
        assert_eq!(found, expected, "{expectation:?}");
    }
}

#[test]
fn expectations_are_met_or_not() {
    let x = Some(r#"{"S":"x"}"#);
    let (there, other, absent) = (item(r#"{"a":{"S":"x"}}"#), item(r#"{"a":{"N":"1"}}"#), Item::new());
    let cases = [
        (expects(x, None, None, None), [true, false, false]),
        (expects(x, Some(true), None, None), [true, false, false]),
        (expects(None, Some(false), None, None), [false, false, true]),
        (expects(x, None, Some("NE"), None), [false, true, true]),
        (expects(None, None, Some("NOT_NULL"), None), [true, true, false]),
    ];
    for (expectation, expected) in cases {
        let condition = [("a".to_owned(), expectation.clone())];
        let condition = Condition::from_expected(&condition, None).unwrap().unwrap();
        assert_eq!([&there, &other, &absent].map(|item| condition.holds(item)), expected, "{expectation:?}");
    }
}

#[test]
fn key_conditions_become_ranges_too() {
    let partition = [KeyAttribute { name: "p".to_owned(), key_type: KeyType::S }];
    let sort = [KeyAttribute { name: "s".to_owned(), key_type: KeyType::N }];
    let range = |conditions: &[(String, FilterCondition)]| {
        KeyCondition::from_conditions(conditions).unwrap().for_key(&partition, &sort)
    };
    let p = asks("p", "EQ", r#"[{"S":"k"}]"#);
    let one = Arc::new(value(r#"{"N":"1"}"#));
    let two = Arc::new(value(r#"{"N":"2"}"#));
    let cases = [
        ("LT", r#"[{"N":"1"}]"#, KeyTest::Less(one.clone())),
        ("LE", r#"[{"N":"1"}]"#, KeyTest::AtMost(one.clone())),
        ("GT", r#"[{"N":"1"}]"#, KeyTest::More(one.clone())),
        ("GE", r#"[{"N":"1"}]"#, KeyTest::AtLeast(one.clone())),
        ("BETWEEN", r#"[{"N":"1"},{"N":"2"}]"#, KeyTest::Between(one, two)),
    ];
    for (operator, values, expected) in cases {
        let found = range(&[asks("s", operator, values), p.clone()]).unwrap();
        assert_eq!(found.sort, Some(expected), "{operator}");
    }
    let not_indexable = "Attempted conditional constraint is not an indexable operation";
    for (operator, values) in [
        ("NULL", "[]"),
        ("NOT_NULL", "[]"),
        ("NE", r#"[{"N":"1"}]"#),
        ("IN", r#"[{"N":"1"}]"#),
        ("CONTAINS", r#"[{"N":"1"}]"#),
        ("NOT_CONTAINS", r#"[{"N":"1"}]"#),
    ] {
        assert_eq!(message(range(&[p.clone(), asks("s", operator, values)])), not_indexable);
        assert_eq!(message(range(&[asks("p", operator, values)])), not_indexable);
    }
    assert_eq!(message(range(&[asks("p", "GT", r#"[{"S":"k"}]"#)])), "Query key condition not supported");
    assert_eq!(message(range(&[])), "Conditions can be of length 1 or 2 only");
    let text = asks("s", "BEGINS_WITH", r#"[{"S":"1"}]"#);
    assert!(message(range(&[p, text])).ends_with("Condition parameter type does not match schema type"));
}

fn updates(pairs: &[(&str, UpdateAction, Option<&str>)]) -> Vec<(String, AttributeUpdate)> {
    let update = |action, text: Option<&str>| AttributeUpdate { action, value: text.map(value) };
    pairs.iter().map(|&(name, action, text)| (name.to_owned(), update(action, text))).collect()
}

#[test]
fn attribute_updates_have_suitable_values() {
    let fault = |action, text| message(Update::from_attribute_updates(updates(&[("a", action, text)])));
    let without = format!("{INVALID}Only DELETE action is allowed when no attribute value is specified");
    assert_eq!(fault(UpdateAction::Put, None), without);
    assert_eq!(fault(UpdateAction::Add, None), without);
    assert_eq!(fault(UpdateAction::Delete, None), "");
    for (found, values) in TYPES {
        let text = Some(values.trim_start_matches('[').strip_suffix(']').unwrap());
        assert_eq!(fault(UpdateAction::Put, text), "");
        let delete = match found {
            "SS" | "NS" | "BS" => String::new(),
            _ => format!("{INVALID}DELETE action with value is not supported for the type {found}"),
        };
        assert_eq!(fault(UpdateAction::Delete, text), delete, "{found}");
        let add = match found {
            "SS" | "NS" | "BS" | "N" | "L" => String::new(),
            _ => format!("{INVALID}ADD action is not supported for the type {found}"),
        };
        assert_eq!(fault(UpdateAction::Add, text), add, "{found}");
    }
}

#[test]
fn attribute_updates_do_what_they_always_did() {
    use UpdateAction::{Add, Delete, Put};
    let key = item(r#"{"p":{"S":"k"}}"#);
    let mismatch = "Type mismatch for attribute to update";
    type Case<'a> = (&'a str, UpdateAction, Option<&'a str>, Result<&'a str, &'a str>);
    let cases: [Case<'_>; 15] = [
        (r#"{"a":{"N":"1"}}"#, Put, Some(r#"{"S":"x"}"#), Ok(r#"{"a":{"S":"x"}}"#)),
        ("{}", Put, Some(r#"{"M":{}}"#), Ok(r#"{"a":{"M":{}}}"#)),
        (r#"{"a":{"N":"7"}}"#, Add, Some(r#"{"N":"-3.5"}"#), Ok(r#"{"a":{"N":"3.5"}}"#)),
        ("{}", Add, Some(r#"{"N":"2"}"#), Ok(r#"{"a":{"N":"2"}}"#)),
        (r#"{"a":{"NS":["1"]}}"#, Add, Some(r#"{"NS":["1","2"]}"#), Ok(r#"{"a":{"NS":["1","2"]}}"#)),
        (
            r#"{"a":{"L":[{"N":"1"}]}}"#,
            Add,
            Some(r#"{"L":[{"N":"1"},{"S":"x"}]}"#),
            Ok(r#"{"a":{"L":[{"N":"1"},{"N":"1"},{"S":"x"}]}}"#),
        ),
        ("{}", Add, Some(r#"{"L":[{"N":"1"}]}"#), Ok(r#"{"a":{"L":[{"N":"1"}]}}"#)),
        (r#"{"a":{"SS":["x"]}}"#, Add, Some(r#"{"N":"2"}"#), Err(mismatch)),
        (r#"{"a":{"L":[]}}"#, Add, Some(r#"{"SS":["x"]}"#), Err(mismatch)),
        (r#"{"a":{"N":"1"}}"#, Delete, None, Ok("{}")),
        ("{}", Delete, None, Ok("{}")),
        (r#"{"a":{"SS":["x","y"]}}"#, Delete, Some(r#"{"SS":["y","z"]}"#), Ok(r#"{"a":{"SS":["x"]}}"#)),
        (r#"{"a":{"SS":["x"]}}"#, Delete, Some(r#"{"SS":["x"]}"#), Ok("{}")),
        (r#"{"a":{"SS":["x"]}}"#, Delete, Some(r#"{"NS":["1"]}"#), Err(mismatch)),
        (r#"{"a":{"M":{}}}"#, Delete, Some(r#"{"NS":["1"]}"#), Err(mismatch)),
    ];
    for (before, action, text, expected) in cases {
        let update = Update::from_attribute_updates(updates(&[("a", action, text)])).unwrap();
        let found = update.apply(Some(&item(before)), &key).map(Option::unwrap);
        match expected {
            Ok(after) => assert_eq!(found, Ok(item(after)), "{before} {action:?} {text:?}"),
            Err(expected) => assert_eq!(message(found), expected, "{before} {action:?} {text:?}"),
        }
    }
}

#[test]
fn attribute_updates_create_items_unless_they_delete() {
    use UpdateAction::{Delete, Put};
    let key = item(r#"{"p":{"S":"k"}}"#);
    let created = |pairs: &[(&str, UpdateAction, Option<&str>)]| {
        Update::from_attribute_updates(updates(pairs)).unwrap().apply(None, &key).unwrap()
    };
    assert_eq!(created(&[]), Some(key.clone()));
    assert_eq!(created(&[("a", Delete, None)]), None);
    assert_eq!(created(&[("a", Delete, Some(r#"{"SS":["x"]}"#))]), None);
    let both = created(&[("a", Delete, None), ("b.c", Put, Some(r#"{"N":"3"}"#))]);
    assert_eq!(both, Some(item(r#"{"p":{"S":"k"},"b.c":{"N":"3"}}"#)));
}
