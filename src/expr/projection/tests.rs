//! What an expression is refused for, and what it selects.

use proptest::prelude::*;

use super::*;
use crate::testing::{item, message, names};

fn parse(expression: &str) -> Result<Projection, ExprError> {
    Projection::parse(expression, &[])
}

#[test]
fn well_formed_paths_are_understood() {
    let cases = [
        "a",
        "a,b",
        " a  ,\tb\r\n",
        "a.b",
        "a . b [ 0 ] , c",
        "a[0][1].b_2",
        "a[4294967294]",
        "a.b, a.c",
        "a[1], a[0]",
        "a.b.c, a.b.d, a.e[1]",
        "A, a",
        "sizes",
    ];
    for expression in cases {
        assert!(parse(expression).is_ok(), "{expression}");
    }
}

#[test]
fn what_dynamodb_refuses_is_an_error() {
    let cases = [
        ("", "The expression can not be empty;"),
        ("a b", "Syntax error; token: \"b\", near: \"a b\""),
        (":a", "Syntax error; token: \":a\", near: \":a\""),
        ("a[4294967295]", "List index is not within the allowable range; index: [4294967295]"),
        ("a[99999999999999]", "List index is not within the allowable range; index: [99999999999999]"),
        ("name", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("a.Name", "Attribute name is a reserved keyword; reserved keyword: Name"),
        ("a[0].SIZE", "Attribute name is a reserved keyword; reserved keyword: SIZE"),
        ("#u, name", "Attribute name is a reserved keyword; reserved keyword: name"),
        ("a.#u", "An expression attribute name used in the document path is not defined; attribute name: #u"),
    ];
    for (expression, expected) in cases {
        assert_eq!(
            message(parse(expression)),
            format!("Invalid ProjectionExpression: {expected}"),
            "{expression}"
        );
    }
}

#[test]
fn paths_must_not_overlap_or_conflict() {
    let cases = [
        ("a, a", "overlap", "[a]", "[a]"),
        ("a.b, a.b", "overlap", "[a, b]", "[a, b]"),
        ("a[1], a[1]", "overlap", "[a, [1]]", "[a, [1]]"),
        ("a, a.b", "overlap", "[a]", "[a, b]"),
        ("a.b, a", "overlap", "[a, b]", "[a]"),
        ("x, a.b, a", "overlap", "[a, b]", "[a]"),
        ("l[0], l", "overlap", "[l, [0]]", "[l]"),
        ("a.b, c, a.b[2].d", "overlap", "[a, b]", "[a, b, [2], d]"),
        ("a.b.d.e, a.b", "overlap", "[a, b, d, e]", "[a, b]"),
        ("a.b, a[0]", "conflict", "[a, b]", "[a, [0]]"),
        ("a.b[0], a.b.c", "conflict", "[a, b, [0]]", "[a, b, c]"),
        ("a.b, a[0], c, c", "overlap", "[c]", "[c]"),
    ];
    for (expression, how, one, two) in cases {
        let expected = format!(
            "Invalid ProjectionExpression: Two document paths {how} with each other; \
             must remove or rewrite one of these paths; path one: {one}, path two: {two}"
        );
        assert_eq!(message(parse(expression)), expected, "{expression}");
    }
}

#[test]
fn placeholders_stand_for_one_name_each_and_are_all_used() {
    let unused = "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b}";
    let overlap = "Invalid ProjectionExpression: Two document paths overlap with each other; \
                   must remove or rewrite one of these paths; path one: [x], path two: [x]";
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 6] = [
        ("#a", &[("#a", "x.y")], ""),
        ("#a.#a", &[("#a", "name")], ""),
        ("a.#1_b[0]", &[("#1_b", "é")], ""),
        ("#a, b", &[("#a", "a"), ("#b", "b")], unused),
        ("#a, #b", &[("#a", "x"), ("#b", "x")], overlap),
        ("#a, #a, b", &[("#a", "x"), ("#b", "b")], overlap),
    ];
    for (expression, pairs, expected) in cases {
        assert_eq!(message(Projection::parse(expression, &names(pairs))), expected, "{expression} {pairs:?}");
    }
}

#[test]
fn depth_is_limited() {
    assert!(parse(&format!("a{}", ".b".repeat(31))).is_ok());
    assert_eq!(
        message(parse(&format!("a{}", ".b".repeat(32)))),
        "Invalid ProjectionExpression: The document path has too many nesting levels; nesting levels: 33"
    );
    assert!(parse(&format!("a{}", "[0]".repeat(1000))).is_err());
}

#[test]
fn only_what_was_asked_for_is_selected() {
    let whole = item(
        r#"{"p":{"S":"k"},"a.b":{"S":"dot"},"s":{"SS":["x"]},
            "a":{"M":{"c":{"N":"5"},
                      "b":{"L":[{"N":"2"},{"N":"4"},{"M":{"x":{"S":"hi"},"y":{"S":"yo"}}}]}}}}"#,
    );
    let cases = [
        ("p", r#"{"p":{"S":"k"}}"#),
        ("p, s, nothing", r#"{"p":{"S":"k"},"s":{"SS":["x"]}}"#),
        ("#dotted", r#"{"a.b":{"S":"dot"}}"#),
        ("a.c", r#"{"a":{"M":{"c":{"N":"5"}}}}"#),
        ("a.b[0]", r#"{"a":{"M":{"b":{"L":[{"N":"2"}]}}}}"#),
        ("a.b[1], a.b[0]", r#"{"a":{"M":{"b":{"L":[{"N":"2"},{"N":"4"}]}}}}"#),
        (
            "a.b[2].y, a.b[0], a.c",
            r#"{"a":{"M":{"b":{"L":[{"N":"2"},{"M":{"y":{"S":"yo"}}}]},"c":{"N":"5"}}}}"#,
        ),
        ("a.b[10], a.b[2]", r#"{"a":{"M":{"b":{"L":[{"M":{"x":{"S":"hi"},"y":{"S":"yo"}}}]}}}}"#),
        ("x", "{}"),
        ("a.x", "{}"),
        ("a.x.y", "{}"),
        ("a[0]", "{}"),
        ("a.b[3]", "{}"),
        ("a.b[3].x", "{}"),
        ("a.b.x", "{}"),
        ("a.b[0].x", "{}"),
        ("a.b[0][0]", "{}"),
        ("a.b[2].z", "{}"),
        ("p.x", "{}"),
        ("s[0]", "{}"),
        ("a.x, a.b[0], x, a.b[3].x", r#"{"a":{"M":{"b":{"L":[{"N":"2"}]}}}}"#),
    ];
    for (expression, expected) in cases {
        let names = if expression.contains('#') { names(&[("#dotted", "a.b")]) } else { vec![] };
        let projection = Projection::parse(expression, &names).unwrap();
        assert_eq!(projection.apply(&whole), item(expected), "{expression}");
    }
}

#[test]
fn attributes_to_get_are_names_and_not_paths() {
    let attributes = |names: &[&str]| {
        Projection::from_attributes(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
    };
    let whole =
        item(r#"{"a.b":{"S":"dot"},"a":{"M":{"b":{"N":"1"}}},"name":{"S":"reserved"},"c":{"N":"1"}}"#);
    let selected = attributes(&["a.b", "name", "nothing"]).unwrap().apply(&whole);
    assert_eq!(selected, item(r#"{"a.b":{"S":"dot"},"name":{"S":"reserved"}}"#));
    let invalid = "One or more parameter values were invalid: ";
    assert_eq!(
        message(attributes(&["a", "b", "a"])),
        format!("{invalid}Duplicate value in attribute name: a")
    );
    assert!(attributes(&[]).is_err());
    assert_eq!(message(attributes(&["a", ""])), "Empty attribute name");
    let long = "a".repeat(65536);
    assert!(attributes(&[&long[1..]]).is_ok());
    let too_large = "Attribute name is too large, must be less than 65536 bytes";
    assert_eq!(message(attributes(&[&long])), too_large);
    let many: Vec<String> = (0..256).map(|i| format!("a{i}")).collect();
    assert!(Projection::from_attributes(&many[1..]).is_ok());
    assert!(Projection::from_attributes(&many).is_err());
}

#[test]
fn key_attributes_are_not_looked_into() {
    let projection = parse("a.b, c, d[0]").unwrap();
    let not_scalar = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not \
                      allowed: ";
    let cases = [
        ("a", KeyRole::Table, format!("{not_scalar}Key: a")),
        ("d", KeyRole::Index, format!("{not_scalar}IndexKey: d")),
        ("c", KeyRole::Table, String::new()),
        ("e", KeyRole::Table, String::new()),
    ];
    for (attribute, role, expected) in cases {
        assert_eq!(message(projection.refuse_nested(attribute, role)), expected, "{attribute}");
    }
}

/// The check by pairs that the tree replaces.
fn are_compatible(one: &[&str], two: &[&str]) -> bool {
    for (x, y) in one.iter().zip(two) {
        if x.starts_with('[') != y.starts_with('[') {
            return false;
        }
        if x != y {
            return true;
        }
    }
    false
}

proptest! {
    #[test]
    fn no_text_does_harm(text in "[ab#_.,\\[\\]0-9 é]{0,40}") {
        let _ = Projection::parse(&text, &names(&[("#a", "x"), ("#b", "y")]));
    }

    #[test]
    fn the_tree_refuses_what_a_check_by_pairs_refuses(
        paths in proptest::collection::vec(
            ("[ab]", proptest::collection::vec(prop_oneof!["\\.[ab]", "\\[[01]\\]"], 0..4)),
            1..4,
        ),
    ) {
        let written: Vec<String> =
            paths.iter().map(|(head, tail)| format!("{head}{}", tail.concat())).collect();
        let steps: Vec<Vec<&str>> = paths
            .iter()
            .map(|(head, tail)| std::iter::once(head).chain(tail).map(String::as_str).collect())
            .collect();
        let is_fine = steps
            .iter()
            .enumerate()
            .all(|(i, one)| steps[..i].iter().all(|two| are_compatible(one, two)));
        prop_assert_eq!(parse(&written.join(", ")).is_ok(), is_fine);
    }
}
