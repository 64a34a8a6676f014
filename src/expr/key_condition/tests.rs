//! Which key conditions are any, and what they mean for a key.

use super::*;
use crate::Expressions;
use crate::testing::{bind, message, value};

fn condition(text: &str, values: &str) -> Result<KeyCondition, ExprError> {
    let expressions = Expressions { key_condition: Some(text), ..Expressions::default() };
    Ok(bind(expressions, &[], values)?.key_condition.unwrap())
}

fn attributes(names: &[(&str, KeyType)]) -> Vec<KeyAttribute> {
    names.iter().map(|&(name, key_type)| KeyAttribute { name: name.to_owned(), key_type }).collect()
}

/// For a key of `p`, a string, and `s`, a number.
fn range(text: &str, values: &str) -> Result<KeyRange, KeyFault> {
    let condition = condition(text, values).unwrap_or_else(|error| panic!("{error}: {text}"));
    condition.for_key(&attributes(&[("p", KeyType::S)]), &attributes(&[("s", KeyType::N)]))
}

fn number(text: &str) -> Arc<AttributeValue> {
    Arc::new(value(&format!(r#"{{"N":"{text}"}}"#)))
}

#[test]
fn most_conditions_are_no_key_conditions() {
    let operator = |name: &str| format!("Invalid operator used in KeyConditionExpression: {name}");
    let condition_fault = |what: &str| format!("Invalid condition in KeyConditionExpression: {what}");
    let first = |name: &str| {
        condition_fault(&format!("{name} operator must have the key attribute as its first operand"))
    };
    let nested_operation =
        "Invalid KeyConditionExpression: KeyConditionExpressions cannot contain nested operations".to_owned();
    let several = condition_fault("Multiple attribute names used in one condition");
    let nested =
        "Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes"
            .to_owned();
    let none = condition_fault("No key attribute specified");
    let twice =
        "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
            .to_owned();
    let one = r#"{":a":{"S":"1"}}"#;
    let both = r#"{":a":{"S":"1"},":b":{"S":"1"}}"#;
    let cases: Vec<(&str, &str, String)> = vec![
        ("a > b and size(b) > c or a > c", "", operator("OR")),
        ("a in (b, size(c), d)", "", operator("IN")),
        ("attribute_exists(a)", "", operator("attribute_exists")),
        ("attribute_not_exists(a)", "", operator("attribute_not_exists")),
        ("attribute_type(a, :a)", r#"{":a":{"S":"N"}}"#, operator("attribute_type")),
        ("contains(a.d, b)", "", operator("contains")),
        ("not a > b", "", operator("NOT")),
        ("p = :a AND NOT s = :a", one, operator("NOT")),
        ("a <> b", "", operator("<>")),
        (":a between size(b) and size(a) and b > :b", both, first("BETWEEN")),
        ("begins_with(:a, b) and a > :b", both, first("begins_with")),
        ("size(b) > a AND a.b > b AND b > c", "", nested_operation.clone()),
        ("a > size(b.d)", "", nested_operation.clone()),
        ("a between size(b) and size(a)", "", nested_operation),
        ("b > a.b", "", several.clone()),
        ("b between c[1] and d", "", several.clone()),
        ("a between b and size(a)", "", several.clone()),
        ("begins_with(a, b)", "", several.clone()),
        ("p = s", "", several),
        ("b.d > a AND c.d > e.f", "", nested.clone()),
        ("a.d > c", "", nested.clone()),
        ("b[0] > a", "", nested.clone()),
        ("p = :a AND begins_with(s.foo, :a)", one, nested.clone()),
        ("p = :a AND s.foo BETWEEN :a AND :b", both, nested.clone()),
        ("p = :a AND :b < s.foo", both, nested),
        (":b > :a AND a < :b", both, none.clone()),
        (":a > b AND :a < :b", both, none),
        ("b > :a AND b < :a and c = :a and d = :a", one, twice.clone()),
        ("(a > :a and b > :a) and (b > :a and c > :a)", one, twice.clone()),
        ("p = :a AND p = :a", one, twice),
    ];
    for (text, values, expected) in cases {
        assert_eq!(message(condition(text, values)), expected, "{text}");
    }
}

#[test]
fn a_key_condition_is_checked_as_a_condition_first() {
    let cases = [
        (
            "data.foo = :v",
            "Invalid KeyConditionExpression: Attribute name is a reserved keyword; reserved keyword: data",
        ),
        (
            "p = :v AND begins_with(s, :n)",
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; \
             operator or function: begins_with, operand type: N",
        ),
        (
            "s between :v and :n",
            "Invalid KeyConditionExpression: The BETWEEN operator requires same data type for lower and \
             upper bounds; lower bound operand: AttributeValue: {S:a}, \
             upper bound operand: AttributeValue: {N:1}",
        ),
        ("p = :v AND dog(s, :n)", "Invalid KeyConditionExpression: Invalid function name; function: dog"),
    ];
    for (text, expected) in cases {
        assert_eq!(message(condition(text, r#"{":v":{"S":"a"},":n":{"N":"1"}}"#)), expected, "{text}");
    }
}

#[test]
fn key_conditions_become_ranges() {
    let all = r#"{":p":{"S":"k"},":l":{"N":"4"},":h":{"N":"7"}}"#;
    let low_too = r#"{":p":{"S":"k"},":l":{"N":"4"}}"#;
    let (low, high) = (number("4"), number("7"));
    let cases = [
        ("p = :p", vec![], None),
        (":p = p", vec![], None),
        ("p = :p AND s = :l", vec![number("4")], None),
        ("s = :l AND p = :p", vec![number("4")], None),
        ("((s=:l) AND (p=:p))", vec![number("4")], None),
        ("p = :p AND s < :l", vec![], Some(KeyTest::Less(low.clone()))),
        ("p = :p AND s <= :l", vec![], Some(KeyTest::AtMost(low.clone()))),
        ("p = :p AND s > :l", vec![], Some(KeyTest::More(low.clone()))),
        ("p = :p AND s >= :l", vec![], Some(KeyTest::AtLeast(low.clone()))),
        ("p = :p AND :l < s", vec![], Some(KeyTest::More(low.clone()))),
        ("p = :p AND :l <= s", vec![], Some(KeyTest::AtLeast(low.clone()))),
        ("p = :p AND :l > s", vec![], Some(KeyTest::Less(low.clone()))),
        ("p = :p AND :l >= s", vec![], Some(KeyTest::AtMost(low.clone()))),
        ("p=:p AnD s BeTwEeN :l aNd :h", vec![], Some(KeyTest::Between(low, high))),
    ];
    for (text, prefix, sort) in cases {
        let values = if text.contains(":l") { low_too } else { r#"{":p":{"S":"k"}}"# };
        let values = if text.contains(":h") { all } else { values };
        let found = range(text, values).unwrap_or_else(|fault| panic!("{fault}: {text}"));
        assert_eq!(found.partition, [value(r#"{"S":"k"}"#)], "{text}");
        assert_eq!(found.sort_prefix, prefix.iter().map(|value| value.as_ref().clone()).collect::<Vec<_>>());
        assert_eq!(found.sort, sort, "{text}");
    }
}

fn too_many(asked: usize, attributes: usize) -> String {
    format!(
        "The number of query conditions ({asked}) exceeds the number of key attributes defined in the schema \
         ({attributes})"
    )
}

#[test]
fn key_conditions_must_suit_the_key() {
    let p = r#"{":p":{"S":"k"}}"#;
    let n = r#"{":n":{"N":"1"}}"#;
    let both = r#"{":p":{"S":"k"},":n":{"N":"1"}}"#;
    let wrong_type =
        "One or more parameter values were invalid: Condition parameter type does not match schema type";
    let empty = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot \
                 contain an empty string value. Key: p";
    let cases = [
        ("s = :n", n, "Query condition missed key schema element: p"),
        ("a = :p", p, "Query condition missed key schema element: p"),
        ("p = :p AND a < :n", both, "Query condition missed key schema element: s"),
        ("p = :p AND s < :n AND a < :n", both, &too_many(3, 2)),
        ("p < :p", p, "Query key condition not supported"),
        ("begins_with(p, :p)", p, "Query key condition not supported"),
        ("p = :n", n, wrong_type),
        ("p < :n", n, wrong_type),
        ("p = :p AND s = :p", p, wrong_type),
        ("p = :p AND begins_with(s, :p)", p, wrong_type),
        ("p = :p AND s = :n", r#"{":p":{"S":""},":n":{"N":"1"}}"#, empty),
    ];
    for (text, values, expected) in cases {
        assert_eq!(message(range(text, values)), expected, "{text}");
    }
    let alone = |text: &str| {
        let condition = condition(text, both).unwrap();
        message(condition.for_key(&attributes(&[("p", KeyType::S)]), &[]))
    };
    assert_eq!(alone("p = :p AND s = :n"), too_many(2, 1));
    let binary = condition("p = :p", r#"{":p":{"B":""}}"#).unwrap();
    let fault = message(binary.for_key(&attributes(&[("p", KeyType::B)]), &[]));
    assert!(fault.contains("cannot contain an empty binary value. Key: p"), "{fault}");
}

#[test]
fn a_key_may_have_several_attributes() {
    let partition = attributes(&[("h", KeyType::S), ("i", KeyType::N)]);
    let sort = attributes(&[("r", KeyType::S), ("s", KeyType::N), ("t", KeyType::B)]);
    let values = r#"{":a":{"S":"a"},":n":{"N":"1"},":b":{"B":"YQ=="}}"#;
    let bind = |text: &str| {
        let used: Vec<_> = crate::testing::values(values)
            .into_iter()
            .filter(|(key, _)| text.contains(key.as_str()))
            .collect();
        let request =
            Expressions { key_condition: Some(text), values: Some(&used), ..Expressions::default() };
        request.bind().unwrap().key_condition.unwrap().for_key(&partition, &sort)
    };
    let good = [
        ("h = :a AND i = :n", 0, false),
        ("i = :n AND r = :a AND h = :a", 1, false),
        ("h = :a AND i = :n AND s = :n AND r = :a", 2, false),
        ("h = :a AND i = :n AND r = :a AND s = :n AND t = :b", 3, false),
        ("h = :a AND i = :n AND r > :a", 0, true),
        ("r > :a AND h = :a AND i = :n", 0, true),
        ("h = :a AND i = :n AND r = :a AND s BETWEEN :n AND :n", 1, true),
        ("h = :a AND i = :n AND r = :a AND s = :n AND begins_with(t, :b)", 2, true),
    ];
    for (text, prefix, is_range) in good {
        let range = bind(text).unwrap_or_else(|fault| panic!("{fault}: {text}"));
        assert_eq!(range.partition, [value(r#"{"S":"a"}"#), value(r#"{"N":"1"}"#)], "{text}");
        assert_eq!((range.sort_prefix.len(), range.sort.is_some()), (prefix, is_range), "{text}");
    }
    let before = |unequal: &str, present: &str| {
        format!(
            "RANGE key attributes {unequal} must have equality conditions specified in the query because a \
             condition is present on key attribute {present}"
        )
    };
    let missed = |name: &str| format!("Query condition missed key schema element: {name}");
    let not_supported = || "Query key condition not supported".to_owned();
    let bad = [
        ("h = :a", missed("i")),
        ("h = :a AND r = :a", missed("i")),
        ("h = :a AND i > :n", not_supported()),
        ("h = :a AND i BETWEEN :n AND :n", not_supported()),
        ("h = :a AND i = :n AND s = :n", before("r", "s")),
        ("h = :a AND i = :n AND t = :b", before("r, s", "t")),
        ("h = :a AND i = :n AND s = :n AND t = :b", before("r", "s")),
        ("h = :a AND i = :n AND r = :a AND t = :b", before("s", "t")),
        ("h = :a AND i = :n AND r = :a AND s > :n AND t = :b", before("s", "t")),
        ("h = :a AND i = :n AND r > :a AND s = :n", before("r", "s")),
        ("h = :a AND i = :n AND begins_with(r, :a) AND s > :n", before("r", "s")),
        ("h = :a AND i = :n AND x = :n", missed("r")),
        ("h = :a AND i = :n AND r = :a AND x = :n", missed("s")),
        ("h = :a AND i = :n AND r = :a AND s = :n AND t = :b AND x = :n", too_many(6, 5)),
    ];
    for (text, expected) in bad {
        assert_eq!(message(bind(text)), expected, "{text}");
    }
}

#[test]
fn a_test_knows_its_values() {
    let text = |text: &str| Arc::new(AttributeValue::S(text.to_owned()));
    let cases = [
        (KeyTest::Equal(text("b")), [false, false, true, false]),
        (KeyTest::Less(text("b")), [true, true, false, false]),
        (KeyTest::AtMost(text("b")), [true, true, true, false]),
        (KeyTest::More(text("b")), [false, false, false, true]),
        (KeyTest::AtLeast(text("b")), [false, false, true, true]),
        (KeyTest::Between(text("aa"), text("b")), [false, true, true, false]),
        (KeyTest::BeginsWith(text("a")), [true, true, false, false]),
    ];
    for (test, expected) in cases {
        assert_eq!(["a", "aa", "b", "c"].map(|value| test.holds(&text(value))), expected, "{test:?}");
    }
}
