//! Which items meet which conditions.

use proptest::prelude::*;

use super::*;
use crate::testing::{bind, item, message};
use crate::{Bound, Expressions};

const ITEM: &str = r#"{
    "s":{"S":"hello"},"n":{"N":"5"},"five":{"N":"5.0"},"seven":{"N":"7"},"b":{"B":"aGkgdGhlcmU="},
    "t":{"BOOL":true},"u":{"NULL":true},"e":{"S":""},
    "l":{"L":[{"N":"2"},{"S":"dog"},{"L":[{"N":"3"}]},{"SS":["x","y"]},{"NULL":true}]},
    "m":{"M":{"x":{"N":"1"},"y":{"M":{"z":{"L":[{"N":"-1"},{"N":"2"}]}}}}},
    "ss":{"SS":["a","b","c"]},"sameSet":{"SS":["c","a","b"]},"ns":{"NS":["1","2.50"]},
    "bs":{"BS":["YQ==","Yg=="]},
    "and":{"N":"1"},"utf":{"S":"é𝄞"}}"#;

fn holds(text: &str, values: &str, whole: &Item) -> bool {
    let expressions = Expressions { condition: Some(text), ..Expressions::default() };
    let Bound { condition, .. } =
        bind(expressions, &[], values).unwrap_or_else(|error| panic!("{error}: {text}"));
    condition.unwrap().holds(whole)
}

fn check(cases: &[(&str, &str, bool)]) {
    let whole = item(ITEM);
    for &(text, value, expected) in cases {
        let values = if value.is_empty() { String::new() } else { format!(r#"{{":v":{value}}}"#) };
        assert_eq!(holds(text, &values, &whole), expected, "{text} {value}");
    }
}

#[test]
fn equality_is_of_values_of_one_type() {
    check(&[
        ("n = :v", r#"{"N":"5.000"}"#, true),
        ("n = :v", r#"{"S":"5"}"#, false),
        ("n <> :v", r#"{"S":"5"}"#, true),
        ("n = five", "", true),
        ("n <> five", "", false),
        ("s = :v", r#"{"S":"hello"}"#, true),
        ("s = :v", r#"{"S":"Hello"}"#, false),
        ("ss = sameSet", "", true),
        ("ss <> sameSet", "", false),
        ("ss <> :v", r#"{"SS":["a","b","d"]}"#, true),
        ("ns = :v", r#"{"NS":["2.5","1.0"]}"#, true),
        ("l[3] = :v", r#"{"SS":["y","x"]}"#, true),
        ("t = :v", r#"{"BOOL":true}"#, true),
        ("t = :v", r#"{"BOOL":false}"#, false),
        ("u = :v", r#"{"NULL":true}"#, true),
        ("u = l[4]", "", true),
        ("m.y.z = :v", r#"{"L":[{"N":"-1"},{"N":"2.0"}]}"#, true),
        ("m.y.z = :v", r#"{"L":[{"N":"2"},{"N":"-1"}]}"#, false),
        ("m.y = :v", r#"{"M":{"z":{"L":[{"N":"-1"},{"N":"2"}]}}}"#, true),
    ]);
}

#[test]
fn what_does_not_exist_is_unlike_everything() {
    check(&[
        ("x = :v", r#"{"N":"5"}"#, false),
        ("x <> :v", r#"{"N":"5"}"#, true),
        ("x = y", "", false),
        ("x <> y", "", true),
        ("x < y", "", false),
        ("x >= y", "", false),
        ("x < :v", r#"{"N":"5"}"#, false),
        (":v < x", r#"{"N":"5"}"#, false),
        ("NOT x < :v", r#"{"N":"5"}"#, true),
        ("x BETWEEN y AND z", "", false),
        ("n BETWEEN x AND seven", "", false),
        ("x IN (y, z)", "", false),
        ("begins_with(x, s)", "", false),
        ("contains(x, s)", "", false),
        ("contains(s, x)", "", false),
        ("attribute_type(x, :v)", r#"{"S":"S"}"#, false),
        ("size(x) >= :v", r#"{"N":"0"}"#, false),
        ("size(x) <> :v", r#"{"N":"0"}"#, true),
        ("m.a.b = :v", r#"{"N":"5"}"#, false),
        ("l[7] = :v", r#"{"N":"5"}"#, false),
        ("m[0] <> :v", r#"{"N":"5"}"#, true),
    ]);
}

#[test]
fn order_is_of_strings_numbers_and_binaries() {
    check(&[
        ("n < :v", r#"{"N":"10"}"#, true),
        ("n <= :v", r#"{"N":"5"}"#, true),
        ("n > :v", r#"{"N":"5"}"#, false),
        ("n >= :v", r#"{"N":"5"}"#, true),
        ("n < :v", r#"{"S":"9"}"#, false),
        ("n >= :v", r#"{"S":"9"}"#, false),
        ("s > :v", r#"{"S":"hell"}"#, true),
        ("s < :v", r#"{"S":"é"}"#, true),
        ("b < :v", r#"{"B":"gA=="}"#, true),
        (":v > b", r#"{"B":"gA=="}"#, true),
        ("m.x < m.y.z[1]", "", true),
        ("m.x < m.y.z[0]", "", false),
        ("l < l[0]", "", false),
        ("t > n", "", false),
        ("ss >= sameSet", "", false),
        ("u <= l[4]", "", false),
        ("n BETWEEN :v AND seven", r#"{"N":"5"}"#, true),
        ("n BETWEEN :v AND seven", r#"{"N":"5.1"}"#, false),
        ("n BETWEEN seven AND :v", r#"{"N":"1"}"#, false),
        ("n BETWEEN :v AND s", r#"{"N":"1"}"#, false),
        ("l BETWEEN l[0] AND m", "", false),
        ("n BETWEEN m.x AND seven AND s = :v", r#"{"S":"hello"}"#, true),
    ]);
}

#[test]
fn in_compares_with_each_of_a_list() {
    check(&[
        ("n IN (:v)", r#"{"N":"5.0"}"#, true),
        ("n IN (s, x, five)", "", true),
        ("n IN (s, x)", "", false),
        ("NOT n IN (:v)", r#"{"N":"6"}"#, true),
        ("l[2] IN (:v)", r#"{"L":[{"N":"3"}]}"#, true),
        ("ss IN (s, sameSet)", "", true),
        ("size(s) IN (seven, five)", "", true),
    ]);
}

#[test]
fn functions_follow_their_own_types() {
    check(&[
        ("attribute_exists(u)", "", true),
        ("attribute_exists(m.y.z[1])", "", true),
        ("attribute_exists(m.y.z[2])", "", false),
        ("attribute_not_exists(x)", "", true),
        ("attribute_not_exists(u)", "", false),
        ("attribute_type(l, :v)", r#"{"S":"L"}"#, true),
        ("attribute_type(l, :v)", r#"{"S":"M"}"#, false),
        ("attribute_type(u, :v)", r#"{"S":"NULL"}"#, true),
        ("attribute_type(:v, :v)", r#"{"S":"S"}"#, true),
        ("attribute_type(size(l), :v)", r#"{"S":"N"}"#, true),
        ("begins_with(s, :v)", r#"{"S":"hell"}"#, true),
        ("begins_with(s, :v)", r#"{"S":""}"#, true),
        ("begins_with(s, :v)", r#"{"S":"ello"}"#, false),
        ("begins_with(s, :v)", r#"{"B":"aGVsbA=="}"#, false),
        ("begins_with(b, :v)", r#"{"B":"aGk="}"#, true),
        ("begins_with(:v, s)", r#"{"S":"hello you"}"#, true),
        ("begins_with(n, :v)", r#"{"S":"5"}"#, false),
        ("begins_with(ss, :v)", r#"{"S":"a"}"#, false),
    ]);
}

#[test]
fn containers_contain_parts_or_elements() {
    check(&[
        ("contains(s, :v)", r#"{"S":"ell"}"#, true),
        ("contains(s, :v)", r#"{"S":"elk"}"#, false),
        ("contains(s, :v)", r#"{"S":""}"#, true),
        ("contains(s, :v)", r#"{"N":"1"}"#, false),
        ("contains(b, :v)", r#"{"B":"aGVyZQ=="}"#, true),
        ("contains(b, :v)", r#"{"B":"ZG9n"}"#, false),
        ("contains(b, :v)", r#"{"S":"there"}"#, false),
        ("contains(ss, :v)", r#"{"S":"b"}"#, true),
        ("contains(ss, :v)", r#"{"S":"ab"}"#, false),
        ("contains(ss, :v)", r#"{"SS":["a"]}"#, false),
        ("contains(ss, sameSet)", "", false),
        ("contains(ns, :v)", r#"{"N":"2.5"}"#, true),
        ("contains(ns, :v)", r#"{"S":"1"}"#, false),
        ("contains(bs, :v)", r#"{"B":"Yg=="}"#, true),
        ("contains(l, :v)", r#"{"N":"2.0"}"#, true),
        ("contains(l, :v)", r#"{"L":[{"N":"3"}]}"#, true),
        ("contains(l, :v)", r#"{"SS":["y","x"]}"#, true),
        ("contains(l, :v)", r#"{"N":"3"}"#, false),
        ("contains(m, :v)", r#"{"S":"x"}"#, false),
        ("contains(n, :v)", r#"{"N":"5"}"#, false),
        ("contains(t, :v)", r#"{"BOOL":true}"#, false),
        ("contains(:v, s)", r#"{"S":"say hello"}"#, true),
        ("contains(l, s)", "", false),
    ]);
}

#[test]
fn sizes_are_of_what_has_one() {
    check(&[
        ("size(s) = :v", r#"{"N":"5"}"#, true),
        ("size(e) = :v", r#"{"N":"0"}"#, true),
        ("size(utf) = :v", r#"{"N":"3"}"#, true),
        ("size(b) = :v", r#"{"N":"8"}"#, true),
        ("size(l) = :v", r#"{"N":"5"}"#, true),
        ("size(m) = :v", r#"{"N":"2"}"#, true),
        ("size(ss) = :v", r#"{"N":"3"}"#, true),
        ("size(ns) < :v", r#"{"N":"3"}"#, true),
        ("size(bs) BETWEEN m.x AND :v", r#"{"N":"3"}"#, true),
        ("size(s) = n", "", true),
        ("size(:v) = size(s)", r#"{"S":"12345"}"#, true),
        ("size(n) >= :v", r#"{"N":"0"}"#, false),
        ("size(n) < :v", r#"{"N":"9"}"#, false),
        ("size(n) <> :v", r#"{"N":"0"}"#, true),
        ("size(t) = :v", r#"{"N":"1"}"#, false),
        ("size(u) = :v", r#"{"N":"1"}"#, false),
        ("size(s) = :v", r#"{"S":"5"}"#, false),
    ]);
}

#[test]
fn an_item_that_does_not_exist_is_an_empty_one() {
    let nothing = Item::new();
    assert!(holds("attribute_not_exists(p)", "", &nothing));
    assert!(!holds("attribute_exists(p)", "", &nothing));
    assert!(holds("p <> :v", r#"{":v":{"N":"1"}}"#, &nothing));
}

#[test]
fn filters_keep_away_from_keys() {
    let filter =
        Expressions { filter: Some("a = :v AND (b.c < d[1] OR size(e) = f)"), ..Expressions::default() };
    let filter = bind(filter, &[], r#"{":v":{"N":"1"}}"#).unwrap().filter.unwrap();
    let refuse =
        |keys: &[&'static str], parameter| message(filter.refuse_keys(keys.iter().copied(), parameter));
    assert_eq!(refuse(&["p", "s"], FilterParameter::FilterExpression), "");
    assert_eq!(
        refuse(&["p", "e"], FilterParameter::FilterExpression),
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: e"
    );
    assert_eq!(
        refuse(&["d", "a"], FilterParameter::QueryFilter),
        "QueryFilter can only contain non-primary key attributes: Primary key attribute: d"
    );
    let nested = |attribute| message(filter.refuse_nested(attribute, KeyRole::Table));
    assert!(nested("b").ends_with("are not allowed: Key: b"));
    assert_eq!(nested("a"), "");
    assert_eq!(nested("e"), "");
}

#[test]
fn searching_binaries_takes_linear_time() {
    let mut whole = vec![b'a'; 400_000];
    let mut part = vec![b'a'; 200_000];
    part.push(b'b');
    assert!(!contains_bytes(&whole, &part));
    whole[300_000] = b'b';
    assert!(contains_bytes(&whole, &part));
}

/// A condition as text, and whether it holds for an item whose `t` is true and whose `f` is not.
#[derive(Clone, Debug)]
struct Known {
    text: String,
    holds: bool,
    strength: u8,
}

impl Known {
    fn at_least(&self, strength: u8) -> String {
        if self.strength >= strength { self.text.clone() } else { format!("({})", self.text) }
    }
}

fn known() -> impl Strategy<Value = Known> {
    let leaf = prop_oneof![
        Just(("t = :t", true)),
        Just(("f = :t", false)),
        Just(("attribute_exists(t)", true)),
        Just(("attribute_exists(x)", false)),
        Just(("t IN (f, :t)", true)),
        Just(("one BETWEEN two AND three", false)),
        Just(("two BETWEEN one AND three", true)),
    ];
    let leaf = leaf.prop_map(|(text, holds)| Known { text: text.to_owned(), holds, strength: 3 });
    leaf.prop_recursive(6, 40, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| Known {
                text: format!("NOT {}", one.at_least(2)),
                holds: !one.holds,
                strength: 2,
            }),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| Known {
                text: format!("{} and {}", one.at_least(1), two.at_least(2)),
                holds: one.holds && two.holds,
                strength: 1,
            }),
            (inner.clone(), inner).prop_map(|(one, two)| Known {
                text: format!("{} Or {}", one.at_least(0), two.at_least(1)),
                holds: one.holds || two.holds,
                strength: 0,
            }),
        ]
    })
}

proptest! {
    #[test]
    fn conditions_mean_what_they_say(known in known()) {
        let whole = item(
            r#"{"t":{"BOOL":true},"f":{"BOOL":false},"one":{"N":"1"},"two":{"N":"2"},"three":{"N":"3"}}"#,
        );
        prop_assume!(known.text.len() < 4000);
        let values = if known.text.contains(":t") { r#"{":t":{"BOOL":true}}"# } else { "" };
        prop_assert_eq!(holds(&known.text, values, &whole), known.holds, "{}", known.text);
    }

    #[test]
    fn bytes_are_found_like_text(whole in "[ab]{0,12}", part in "[ab]{0,5}") {
        prop_assert_eq!(contains_bytes(whole.as_bytes(), part.as_bytes()), whole.contains(&part));
    }
}
