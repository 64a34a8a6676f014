//! What updates make of items, and when they cannot.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::Expressions;
use crate::testing::{bind, item, message};

fn bound(text: &str, names: &[(&str, &str)], values: &str) -> Update {
    let expressions = Expressions { update: Some(text), ..Expressions::default() };
    bind(expressions, names, values).unwrap_or_else(|error| panic!("{error}: {text}")).update.unwrap()
}

const KEY: &str = r#"{"p":{"S":"k"}}"#;

/// The attributes besides the key, before and after.
fn check(cases: &[(&str, &str, &str, &str)]) {
    for &(before, text, values, after) in cases {
        let with_key = |attributes: &str| {
            let mut whole = item(attributes);
            whole.insert("p", AttributeValue::S("k".to_owned()));
            whole
        };
        let new = bound(text, &[("#p", "p")][usize::from(!text.contains("#p"))..], values)
            .apply(Some(&with_key(before)), &item(KEY))
            .unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(new, Some(with_key(after)), "{text}");
    }
}

#[test]
fn set_assigns_and_reads_what_was() {
    check(&[
        ("{}", "SET a = :v, b = :v", r#"{":v":{"N":"4"}}"#, r#"{"a":{"N":"4"},"b":{"N":"4"}}"#),
        (r#"{"a":{"S":"x"}}"#, "SET b = a", "", r#"{"a":{"S":"x"},"b":{"S":"x"}}"#),
        (r#"{"a":{"S":"x"}}"#, "SET a = a", "", r#"{"a":{"S":"x"}}"#),
        (
            r#"{"a":{"S":"old"}}"#,
            "SET a = :v, b = a",
            r#"{":v":{"S":"new"}}"#,
            r#"{"a":{"S":"new"},"b":{"S":"old"}}"#,
        ),
        (r#"{"a":{"S":"x"}}"#, "REMOVE a SET b = a", "", r#"{"b":{"S":"x"}}"#),
        (r#"{"a":{"N":"1"},"b":{"N":"2"}}"#, "SET a = b, b = a", "", r#"{"a":{"N":"2"},"b":{"N":"1"}}"#),
        ("{}", "SET a = #p", "", r#"{"a":{"S":"k"}}"#),
        (
            r#"{"a":{"M":{"b":{"N":"3"},"c":{"M":{"x":{"N":"7"}}}}}}"#,
            "SET z = a.c.x",
            "",
            r#"{"a":{"M":{"b":{"N":"3"},"c":{"M":{"x":{"N":"7"}}}}},"z":{"N":"7"}}"#,
        ),
    ]);
}

#[test]
fn arithmetic_is_exact() {
    check(&[
        ("{}", "SET a = :v + :w", r#"{":v":{"N":"4"},":w":{"N":"3"}}"#, r#"{"a":{"N":"7"}}"#),
        ("{}", "SET a = :v - :w", r#"{":v":{"N":"4"},":w":{"N":"3.5"}}"#, r#"{"a":{"N":"0.5"}}"#),
        (r#"{"a":{"N":"2"}}"#, "SET a = (a - :v)", r#"{":v":{"N":"3"}}"#, r#"{"a":{"N":"-1"}}"#),
        (
            r#"{"a":{"N":"10000000000000000000000"}}"#,
            "SET a = a + :v",
            r#"{":v":{"N":"1"}}"#,
            r#"{"a":{"N":"10000000000000000000001"}}"#,
        ),
        (
            "{}",
            "SET a = if_not_exists(a, :v) + :w",
            r#"{":v":{"N":"2"},":w":{"N":"3"}}"#,
            r#"{"a":{"N":"5"}}"#,
        ),
        (
            r#"{"m":{"M":{"n":{"N":"10"}}}}"#,
            "SET m.n = m.n + :v",
            r#"{":v":{"N":"5"}}"#,
            r#"{"m":{"M":{"n":{"N":"15"}}}}"#,
        ),
    ]);
}

#[test]
fn functions_give_values() {
    check(&[
        ("{}", "SET a = if_not_exists(a, :v)", r#"{":v":{"N":"2"}}"#, r#"{"a":{"N":"2"}}"#),
        (r#"{"a":{"N":"1"}}"#, "SET a = if_not_exists(a, :v)", r#"{":v":{"N":"2"}}"#, r#"{"a":{"N":"1"}}"#),
        (
            r#"{"a":{"N":"1"}}"#,
            "SET b = if_not_exists(c, if_not_exists(a, :v))",
            r#"{":v":{"N":"2"}}"#,
            r#"{"a":{"N":"1"},"b":{"N":"1"}}"#,
        ),
        (
            r#"{"a":{"NULL":true}}"#,
            "SET b = if_not_exists(a, x)",
            "",
            r#"{"a":{"NULL":true},"b":{"NULL":true}}"#,
        ),
        (
            r#"{"a":{"L":[{"N":"1"}]}}"#,
            "SET a = list_append(a, :v)",
            r#"{":v":{"L":[{"S":"x"}]}}"#,
            r#"{"a":{"L":[{"N":"1"},{"S":"x"}]}}"#,
        ),
        (
            r#"{"a":{"L":[{"N":"1"}]}}"#,
            "SET a = list_append(:v, a)",
            r#"{":v":{"L":[]}}"#,
            r#"{"a":{"L":[{"N":"1"}]}}"#,
        ),
        (
            "{}",
            "SET a = list_append(if_not_exists(a, :v), :w)",
            r#"{":v":{"L":[]},":w":{"L":[{"N":"1"}]}}"#,
            r#"{"a":{"L":[{"N":"1"}]}}"#,
        ),
    ]);
}

#[test]
fn maps_are_written_into() {
    let nested = r#"{"a":{"M":{"b":{"N":"3"},
        "c":{"L":[{"S":"hi"},{"M":{"x":{"M":{"y":{"L":[{"N":"3"},{"N":"5"}]}}}}}]}}}}"#;
    check(&[
        (
            r#"{"a":{"M":{"b":{"N":"3"}}}}"#,
            "SET a.b = :v",
            r#"{":v":{"S":"x"}}"#,
            r#"{"a":{"M":{"b":{"S":"x"}}}}"#,
        ),
        (
            r#"{"a":{"M":{"b":{"N":"3"}}}}"#,
            "SET a.c = :v",
            r#"{":v":{"S":"x"}}"#,
            r#"{"a":{"M":{"b":{"N":"3"},"c":{"S":"x"}}}}"#,
        ),
        (
            nested,
            "SET a.c[1].x.y[1] = :v, a.z = a.c[1].x.y[1] REMOVE a.b",
            r#"{":v":{"N":"9"}}"#,
            r#"{"a":{"M":{"z":{"N":"5"},
                "c":{"L":[{"S":"hi"},{"M":{"x":{"M":{"y":{"L":[{"N":"3"},{"N":"9"}]}}}}}]}}}}"#,
        ),
        (r#"{"a":{"M":{"b":{"N":"3"}}}}"#, "REMOVE a.b", "", r#"{"a":{"M":{}}}"#),
        (r#"{"a":{"M":{"b":{"N":"3"}}}}"#, "REMOVE a.x", "", r#"{"a":{"M":{"b":{"N":"3"}}}}"#),
        (r#"{"a":{"M":{"b":{"N":"3"}}}}"#, "REMOVE x", "", r#"{"a":{"M":{"b":{"N":"3"}}}}"#),
        (
            r#"{"a":{"M":{"x":{"N":"3"},"c":{"M":{"y":{"N":"3"}}}}},
                "b":{"M":{"x":{"N":"1"},"y":{"N":"2"}}}}"#,
            "SET a.b = :v, a.c.d = :v, b.x = :v REMOVE a.x, b.y",
            r#"{":v":{"N":"10"}}"#,
            r#"{"a":{"M":{"b":{"N":"10"},"c":{"M":{"y":{"N":"3"},"d":{"N":"10"}}}}},
                "b":{"M":{"x":{"N":"10"}}}}"#,
        ),
    ]);
}

#[test]
fn positions_in_lists_are_those_before() {
    let list = r#"{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"2"},{"N":"3"}]}}"#;
    let v = r#"{":v":{"S":"v"}}"#;
    let all = r#"{":a":{"S":"a"},":b":{"S":"b"},":c":{"S":"c"}}"#;
    check(&[
        (list, "SET l[1] = :v", v, r#"{"l":{"L":[{"N":"0"},{"S":"v"},{"N":"2"},{"N":"3"}]}}"#),
        (list, "REMOVE l[1] SET l[3] = :v", v, r#"{"l":{"L":[{"N":"0"},{"N":"2"},{"S":"v"}]}}"#),
        (list, "SET l[3] = :v REMOVE l[1]", v, r#"{"l":{"L":[{"N":"0"},{"N":"2"},{"S":"v"}]}}"#),
        (list, "REMOVE l[0], l[2]", "", r#"{"l":{"L":[{"N":"1"},{"N":"3"}]}}"#),
        (list, "REMOVE l[0], l[3], l[2], l[1]", "", r#"{"l":{"L":[]}}"#),
        (list, "REMOVE l[17]", "", list),
        (
            list,
            "SET l[84] = :c, l[7] = :a, l[50] = :b REMOVE l[0], l[1]",
            all,
            r#"{"l":{"L":[{"N":"2"},{"N":"3"},{"S":"a"},{"S":"b"},{"S":"c"}]}}"#,
        ),
        (r#"{"l":{"L":[]}}"#, "SET l[0] = :v", v, r#"{"l":{"L":[{"S":"v"}]}}"#),
        (r#"{"l":{"L":[]}}"#, "SET l[4294967294] = :v", v, r#"{"l":{"L":[{"S":"v"}]}}"#),
        (
            r#"{"l":{"L":[{"L":[{"N":"1"}]},{"N":"2"}]}}"#,
            "SET l[0][5] = :v REMOVE l[1]",
            v,
            r#"{"l":{"L":[{"L":[{"N":"1"},{"S":"v"}]}]}}"#,
        ),
        (
            list,
            "ADD l[2] :v, l[9] :v",
            r#"{":v":{"N":"5"}}"#,
            r#"{"l":{"L":[{"N":"0"},{"N":"1"},{"N":"7"},{"N":"3"},{"N":"5"}]}}"#,
        ),
        (
            r#"{"l":{"L":[{"SS":["a"]},{"SS":["a","b"]},{"N":"1"}]}}"#,
            "DELETE l[0] :v, l[1] :v, l[5] :v",
            r#"{":v":{"SS":["a"]}}"#,
            r#"{"l":{"L":[{"SS":["b"]},{"N":"1"}]}}"#,
        ),
    ]);
}

#[test]
fn add_and_delete_work_on_numbers_and_sets() {
    let v = |value: &str| format!(r#"{{":v":{value}}}"#);
    check(&[
        (r#"{"a":{"N":"3"}}"#, "ADD a :v", &v(r#"{"N":"-4"}"#), r#"{"a":{"N":"-1"}}"#),
        ("{}", "ADD a :v", &v(r#"{"N":"7"}"#), r#"{"a":{"N":"7"}}"#),
        ("{}", "ADD a :v", &v(r#"{"SS":["x"]}"#), r#"{"a":{"SS":["x"]}}"#),
        (r#"{"a":{"SS":["x","y"]}}"#, "ADD a :v", &v(r#"{"SS":["y","z"]}"#), r#"{"a":{"SS":["z","x","y"]}}"#),
        (r#"{"a":{"NS":["1"]}}"#, "ADD a :v", &v(r#"{"NS":["1.0","2"]}"#), r#"{"a":{"NS":["1","2"]}}"#),
        (r#"{"a":{"BS":["YQ=="]}}"#, "ADD a :v", &v(r#"{"BS":["Yg=="]}"#), r#"{"a":{"BS":["YQ==","Yg=="]}}"#),
        (
            r#"{"m":{"M":{"a":{"N":"3"}}}}"#,
            "ADD m.a :v, m.b :v",
            &v(r#"{"N":"1"}"#),
            r#"{"m":{"M":{"a":{"N":"4"},"b":{"N":"1"}}}}"#,
        ),
        (r#"{"a":{"SS":["x","y"]}}"#, "DELETE a :v", &v(r#"{"SS":["y","z"]}"#), r#"{"a":{"SS":["x"]}}"#),
        (r#"{"a":{"NS":["1","2"]}}"#, "DELETE a :v", &v(r#"{"NS":["1","2"]}"#), "{}"),
        (r#"{"a":{"BS":["YQ=="]}}"#, "DELETE a :v", &v(r#"{"BS":["Yg=="]}"#), r#"{"a":{"BS":["YQ=="]}}"#),
        (r#"{"b":{"N":"1"}}"#, "DELETE a :v", &v(r#"{"NS":["1"]}"#), r#"{"b":{"N":"1"}}"#),
    ]);
}

#[test]
fn some_updates_suit_only_some_items() {
    let whole = r#"{"p":{"S":"k"},"s":{"S":"x"},"n":{"N":"1"},"ns":{"NS":["1"]},"l":{"L":[{"S":"a"}]},
        "m":{"M":{"1":{"S":"a"},"ss":{"SS":["1"]}}},"big":{"N":"9E125"},"small":{"N":"1.1E-130"}}"#;
    let path = "The document path provided in the update expression is invalid for update";
    let missing = "The provided expression refers to an attribute that does not exist in the item";
    let operand = "An operand in the update expression has an incorrect data type";
    let overflow = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    let underflow =
        "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    let set = r#"{":v":{"SS":["a"]}}"#;
    let number = r#"{":v":{"N":"1"}}"#;
    let cases = [
        ("SET c = b", "", missing),
        ("SET x = :v, y = x", number, missing),
        ("SET c = list_append(b, c)", "", missing),
        ("SET c = b + n", "", missing),
        ("SET c = if_not_exists(x, y)", "", missing),
        ("SET c = m.x", "", missing),
        ("SET c = l[1]", "", missing),
        ("SET s.a = :v, #1 = :v", set, path),
        ("SET s[1] = :v, #1 = :v", set, path),
        ("SET y.a = :v, #1 = :v", set, path),
        ("SET y[1] = :v, #1 = :v", set, path),
        ("SET m[1] = :v, #1 = :v", set, path),
        ("SET l.#1 = :v", set, path),
        ("SET l[4].a = :v, #1 = :v", set, path),
        ("SET m.x.y = :v, #1 = :v", set, path),
        ("REMOVE s.a SET #1 = :v", set, path),
        ("REMOVE y[1] SET #1 = :v", set, path),
        ("REMOVE m[1] SET #1 = :v", set, path),
        ("REMOVE l.#1 SET n = :v", set, path),
        ("DELETE s.a :v SET #1 = :v", set, path),
        ("DELETE l.#1 :v", set, path),
        ("ADD y.a :v SET #1 = :v", set, path),
        ("ADD l.#1 :v", set, path),
        ("SET y.a = x, #1 = n", "", path),
        ("DELETE ns :v", set, operand),
        ("DELETE m :v", set, operand),
        ("DELETE n :v", set, operand),
        ("DELETE m.ss :v", r#"{":v":{"NS":["1"]}}"#, operand),
        ("ADD m :v", set, operand),
        ("ADD ns :v", number, operand),
        ("ADD s :v", number, operand),
        ("ADD l :v", set, operand),
        ("SET e = s + :v", number, operand),
        ("SET e = m - :v", number, operand),
        ("SET e = list_append(ns, if_not_exists(f, :v))", r#"{":v":{"L":[]}}"#, operand),
        ("SET e = if_not_exists(s, :v) + n", number, operand),
        ("SET e = list_append(l, l) + n", "", operand),
        ("SET e = big + big", "", overflow),
        ("ADD big :v", r#"{":v":{"N":"9E125"}}"#, overflow),
        ("SET e = big + :v", number, overflow),
        ("SET e = small - :v", r#"{":v":{"N":"1E-130"}}"#, underflow),
    ];
    for (text, values, expected) in cases {
        let names = if text.contains('#') { &[("#1", "1")][..] } else { &[] };
        let update = bound(text, names, values);
        assert_eq!(message(update.apply(Some(&item(whole)), &item(KEY))), expected, "{text}");
    }
}

#[test]
fn only_what_writes_creates_an_item() {
    let v = r#"{":v":{"N":"1"}}"#;
    let created = Ok(Some(item(r#"{"p":{"S":"k"},"a":{"N":"1"}}"#)));
    type Case = (&'static str, &'static str, Result<Option<Item>, EvalError>);
    let cases: [Case; 12] = [
        ("SET a = :v", v, created.clone()),
        ("ADD a :v", v, created.clone()),
        ("SET a = :v REMOVE b", v, created),
        ("SET a = p", "", Ok(Some(item(r#"{"p":{"S":"k"},"a":{"S":"k"}}"#)))),
        ("REMOVE a", "", Ok(None)),
        ("REMOVE a.b, c[0]", "", Ok(None)),
        ("DELETE a :v", r#"{":v":{"SS":["x"]}}"#, Ok(None)),
        ("DELETE a.b :v REMOVE c", r#"{":v":{"SS":["x"]}}"#, Ok(None)),
        ("SET a = b", "", Err(EvalError::NoSuchAttribute)),
        ("SET b.a = p", "", Err(EvalError::InvalidPath)),
        ("SET b[1] = p", "", Err(EvalError::InvalidPath)),
        ("ADD b.a :v", v, Err(EvalError::InvalidPath)),
    ];
    for (text, values, expected) in cases {
        assert_eq!(bound(text, &[], values).apply(None, &item(KEY)), expected, "{text}");
    }
}

#[test]
fn what_was_touched_is_shown_in_its_place() {
    let before = r#"{"p":{"S":"k"},"d":{"S":"cat"},
        "a":{"M":{"b":{"S":"hi"},"c":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]}}}}"#;
    let v = r#"{":v":{"N":"8"}}"#;
    let cases = [
        ("SET d = :v", v, r#"{"d":{"S":"cat"}}"#, r#"{"d":{"N":"8"}}"#),
        ("SET x = :v", v, "{}", r#"{"x":{"N":"8"}}"#),
        ("REMOVE d", "", r#"{"d":{"S":"cat"}}"#, "{}"),
        ("REMOVE x", "", "{}", "{}"),
        ("SET a.b = :v", v, r#"{"a":{"M":{"b":{"S":"hi"}}}}"#, r#"{"a":{"M":{"b":{"N":"8"}}}}"#),
        ("SET a.x = :v", v, "{}", r#"{"a":{"M":{"x":{"N":"8"}}}}"#),
        (
            "SET a.c[1] = :v",
            v,
            r#"{"a":{"M":{"c":{"L":[{"N":"2"}]}}}}"#,
            r#"{"a":{"M":{"c":{"L":[{"N":"8"}]}}}}"#,
        ),
        (
            "SET a.c[1] = :v, a.b = d",
            v,
            r#"{"a":{"M":{"b":{"S":"hi"},"c":{"L":[{"N":"2"}]}}}}"#,
            r#"{"a":{"M":{"b":{"S":"cat"},"c":{"L":[{"N":"8"}]}}}}"#,
        ),
        ("SET a.c[100] = :v", v, "{}", "{}"),
        (
            "REMOVE a.c[1], a.c[3]",
            "",
            r#"{"a":{"M":{"c":{"L":[{"N":"2"}]}}}}"#,
            r#"{"a":{"M":{"c":{"L":[{"N":"3"}]}}}}"#,
        ),
    ];
    for (text, values, old, new) in cases {
        let update = bound(text, &[], values);
        let before = item(before);
        let after = update.apply(Some(&before), &item(KEY)).unwrap().unwrap();
        assert_eq!(update.touched(&before), item(old), "{text}");
        assert_eq!(update.touched(&after), item(new), "{text}");
    }
}

#[test]
fn keys_are_neither_written_nor_looked_into() {
    let values = r#"{":v":{"N":"1"}}"#;
    let update = bound("SET a = b + c[1] REMOVE d.e ADD f :v", &[], values);
    for written in ["a", "d", "f"] {
        let expected = format!(
            "One or more parameter values were invalid: Cannot update attribute {written}. \
             This attribute is part of the key"
        );
        assert_eq!(message(update.refuse_key(written)), expected);
    }
    assert_eq!(message(update.refuse_key("b")), "");
    for (attribute, is_nested) in [("a", false), ("b", false), ("c", true), ("d", true), ("f", false)] {
        let refused = update.refuse_nested(attribute, KeyRole::Index);
        assert_eq!(refused.is_err(), is_nested, "{attribute}");
    }
    let nested = bound("SET a = list_append(if_not_exists(b.c, :v), d)", &[], r#"{":v":{"L":[]}}"#);
    assert!(message(nested.refuse_nested("b", KeyRole::Index)).ends_with("are not allowed: IndexKey: b"));
}

#[test]
fn some_types_are_known_beforehand() {
    let values = r#"{":n":{"N":"1"},":s":{"S":"x"},":l":{"L":[]},":ss":{"SS":["x"]}}"#;
    let update = bound(
        "SET a = :s, b = c + :n, d = list_append(c, :l), e = c, f = if_not_exists(c, :n), g.h = :n \
         ADD i :n, j :ss REMOVE k",
        &[],
        values,
    );
    let cases = [
        ("a", Some("S")),
        ("b", Some("N")),
        ("d", Some("L")),
        ("e", None),
        ("f", Some("N")),
        ("g", None),
        ("i", Some("N")),
        ("j", Some("SS")),
        ("k", None),
        ("z", None),
    ];
    for (attribute, expected) in cases {
        assert_eq!(update.assigned_type(attribute), expected, "{attribute}");
        let is_given = update.assigned_value(attribute).is_some();
        assert_eq!(is_given, attribute == "a", "{attribute}");
    }
    assert_eq!(update.assigned_value("a"), Some(&AttributeValue::S("x".to_owned())));
}

#[test]
fn an_update_builds_nothing_too_large_or_too_deep() {
    let large = AttributeValue::S("x".repeat(300_000));
    let values = [(":v".to_owned(), large.clone())];
    let bind = |text: &str| {
        let request = Expressions { update: Some(text), values: Some(&values), ..Expressions::default() };
        request.bind().unwrap().update.unwrap()
    };
    let many: Vec<String> = (0..500).map(|i| format!("a{i}=:v")).collect();
    let many = format!("SET {}", many.join(","));
    assert_eq!(bind(&many).apply(None, &item(KEY)), Err(EvalError::TooLarge));
    assert!(bind("SET a = :v").apply(None, &item(KEY)).is_ok());
    let mut whole = item(KEY);
    whole.insert("l", AttributeValue::L(vec![large]));
    let doubled = "SET l = list_append(l, l), x = :v";
    assert_eq!(bind(doubled).apply(Some(&whole), &item(KEY)), Err(EvalError::TooLarge));
    let nested =
        |depth: usize| (1..depth).fold(AttributeValue::Null, |inner, _| AttributeValue::L(vec![inner]));
    for (depth, expected) in [(32, None), (33, Some(EvalError::TooDeep))] {
        let values = [(":v".to_owned(), nested(depth))];
        let request =
            Expressions { update: Some("SET a = :v"), values: Some(&values), ..Expressions::default() };
        let update = request.bind().unwrap().update.unwrap();
        assert_eq!(update.apply(None, &item(KEY)).err(), expected);
    }
    let mut whole = item(KEY);
    whole.insert("a", nested(31));
    whole.insert("b", AttributeValue::L(vec![AttributeValue::Null]));
    for (text, expected) in [("SET b[0] = a", None), ("SET b[0] = c", Some(EvalError::TooDeep))] {
        whole.insert("c", nested(32));
        assert_eq!(bound(text, &[], "").apply(Some(&whole), &item(KEY)).err(), expected, "{text}");
    }
}

/// A list under one update that sets and removes some of its positions, done by hand.
fn by_hand(length: u8, set: &BTreeSet<u8>, removed: &BTreeSet<u8>) -> Vec<AttributeValue> {
    let number = |n: u8| AttributeValue::N(u64::from(n).into());
    let mut slots: BTreeMap<u8, AttributeValue> = (0..length).map(|i| (i, number(i))).collect();
    slots.extend(set.iter().map(|&i| (i, number(100 + i))));
    slots.retain(|i, _| !removed.contains(i));
    slots.into_values().collect()
}

proptest! {
    #[test]
    fn lists_are_edited_as_by_hand(
        length in 0u8..8,
        set in proptest::collection::btree_set(0u8..12, 1..5),
        removed in proptest::collection::btree_set(0u8..12, 0..5),
    ) {
        let removed: BTreeSet<u8> = removed.difference(&set).copied().collect();
        let assignments: Vec<String> = set.iter().map(|i| format!("l[{i}] = l2[{i}]")).collect();
        let removals: Vec<String> = removed.iter().map(|i| format!("l[{i}]")).collect();
        let mut text = format!("SET {}", assignments.join(", "));
        if !removals.is_empty() {
            text.push_str(&format!(" REMOVE {}", removals.join(", ")));
        }
        let numbers = |count: u8, from: u64| {
            AttributeValue::L((0..count).map(|i| AttributeValue::N((from + u64::from(i)).into())).collect())
        };
        let mut whole = item(KEY);
        whole.insert("l", numbers(length, 0));
        whole.insert("l2", numbers(12, 100));
        let new = bound(&text, &[], "").apply(Some(&whole), &item(KEY)).unwrap().unwrap();
        prop_assert_eq!(new.get("l"), Some(&AttributeValue::L(by_hand(length, &set, &removed))), "{}", text);
    }
}
