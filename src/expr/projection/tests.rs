//! What an expression is refused for, and what it selects.

use model::json::item_from_slice;
use proptest::prelude::*;

use super::*;

fn names(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, name)| (key.to_owned(), name.to_owned())).collect()
}

fn parse(expression: &str) -> Result<Projection, ExprError> {
    Projection::parse(expression, &[])
}

/// An item in short: numbers, lists and maps as one would write them by hand.
fn item(json: &str) -> Item {
    item_from_slice(json.as_bytes()).unwrap()
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
    use ExprError::*;
    let cases = [
        ("", Empty),
        (" ", Syntax { at: 1 }),
        (",", Syntax { at: 0 }),
        ("a,", Syntax { at: 2 }),
        (",a", Syntax { at: 0 }),
        ("a,,b", Syntax { at: 2 }),
        ("a b", Syntax { at: 2 }),
        ("a.", Syntax { at: 2 }),
        (".a", Syntax { at: 0 }),
        ("a..b", Syntax { at: 2 }),
        ("[0]", Syntax { at: 0 }),
        ("a.[0]", Syntax { at: 2 }),
        ("a[", Syntax { at: 2 }),
        ("a[]", Syntax { at: 2 }),
        ("a[0", Syntax { at: 3 }),
        ("a[b]", Syntax { at: 2 }),
        ("a[-1]", Syntax { at: 2 }),
        ("a[00]", Syntax { at: 2 }),
        ("a[0]b", Syntax { at: 4 }),
        ("a]", Syntax { at: 1 }),
        ("1a", Syntax { at: 0 }),
        ("_a", Syntax { at: 0 }),
        ("a-b", Syntax { at: 1 }),
        ("é", Syntax { at: 0 }),
        ("a.é", Syntax { at: 2 }),
        ("#", Syntax { at: 0 }),
        ("#-", Syntax { at: 0 }),
        (":a", Syntax { at: 0 }),
        ("size(a)", Syntax { at: 4 }),
        ("a[4294967295]", IndexOutOfRange { at: 2 }),
        ("a[99999999999999999999]", IndexOutOfRange { at: 2 }),
        ("name", ReservedWord("name".to_owned())),
        ("a.Name", ReservedWord("Name".to_owned())),
        ("a[0].SIZE", ReservedWord("SIZE".to_owned())),
        ("#a", UndefinedName("#a".to_owned())),
        ("a, a", PathsOverlap),
        ("a.b, a.b", PathsOverlap),
        ("a[1], a[1]", PathsOverlap),
        ("a, a.b", PathsOverlap),
        ("a.b, a", PathsOverlap),
        ("a.b, c, a.b[2].d", PathsOverlap),
        ("a.b.d.e, a.b", PathsOverlap),
        ("a.b, a[0]", PathsConflict),
        ("a.b[0], a.b.c", PathsConflict),
    ];
    for (expression, expected) in cases {
        assert_eq!(parse(expression), Err(expected), "{expression}");
    }
}

#[test]
fn placeholders_stand_for_one_name_each_and_are_all_used() {
    use ExprError::*;
    let name = |text: &str| text.to_owned();
    type Case = (&'static str, &'static [(&'static str, &'static str)], Option<ExprError>);
    let cases: [Case; 12] = [
        ("#a", &[("#a", "x.y")], None),
        ("#a.#a", &[("#a", "name")], None),
        ("a.#1_b[0]", &[("#1_b", "é")], None),
        ("#a, b", &[("#a", "a"), ("#b", "b")], Some(UnusedName(name("#b")))),
        ("#a", &[], Some(UndefinedName(name("#a")))),
        ("#a", &[("#A", "a")], Some(UndefinedName(name("#a")))),
        ("a", &[("a", "a")], Some(NotAPlaceholder(name("a")))),
        ("a", &[("#", "a")], Some(NotAPlaceholder(name("#")))),
        ("a", &[("#a-b", "a")], Some(NotAPlaceholder(name("#a-b")))),
        ("#a", &[("#a", "")], Some(EmptyName(name("#a")))),
        ("#a, #b", &[("#a", "x"), ("#b", "x")], Some(PathsOverlap)),
        ("#a, a.b", &[("#a", "a")], Some(PathsOverlap)),
    ];
    for (expression, pairs, expected) in cases {
        assert_eq!(Projection::parse(expression, &names(pairs)).err(), expected, "{expression} {pairs:?}");
    }
}

#[test]
fn length_and_depth_are_limited() {
    let cases = [
        (format!("a{}", ".b".repeat(31)), None),
        (format!("a{}", ".b".repeat(32)), Some(ExprError::PathTooLong)),
        (format!("a{}", "[0]".repeat(1000)), Some(ExprError::PathTooLong)),
        ("a".repeat(4096), None),
        ("a".repeat(4097), Some(ExprError::TooLong)),
        ("a.".repeat(1_000_000), Some(ExprError::TooLong)),
    ];
    for (expression, expected) in cases {
        assert_eq!(parse(&expression).err(), expected, "{}", expression.len());
    }
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
    assert_eq!(attributes(&[]), Err(ExprError::Empty));
    assert_eq!(attributes(&["a", "b", "a"]), Err(ExprError::DuplicateAttribute));
    let many: Vec<String> = (0..256).map(|i| format!("a{i}")).collect();
    assert!(Projection::from_attributes(&many[1..]).is_ok());
    assert_eq!(Projection::from_attributes(&many), Err(ExprError::TooManyAttributes { max: 255 }));
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
