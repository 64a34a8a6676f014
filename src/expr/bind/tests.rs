//! What DynamoDB says of requests, and in which order.

use model::AttributeValue;

use super::*;
use crate::testing::{bind, message, names, values};

fn filter(text: &str, name_pairs: &[(&str, &str)], values_json: &str) -> String {
    message(bind(Expressions { filter: Some(text), ..Expressions::default() }, name_pairs, values_json))
}

fn update(text: &str, name_pairs: &[(&str, &str)], values_json: &str) -> String {
    message(bind(Expressions { update: Some(text), ..Expressions::default() }, name_pairs, values_json))
}

/// One value of each type.
const EACH_TYPE: [(&str, &str); 10] = [
    ("S", r#"{":a":{"S":"a"}}"#),
    ("N", r#"{":a":{"N":"1"}}"#),
    ("B", r#"{":a":{"B":"YQ=="}}"#),
    ("BOOL", r#"{":a":{"BOOL":true}}"#),
    ("NULL", r#"{":a":{"NULL":true}}"#),
    ("L", r#"{":a":{"L":[]}}"#),
    ("M", r#"{":a":{"M":{}}}"#),
    ("SS", r#"{":a":{"SS":["a"]}}"#),
    ("NS", r#"{":a":{"NS":["1"]}}"#),
    ("BS", r#"{":a":{"BS":["YQ=="]}}"#),
];

#[test]
fn each_kind_of_expression_is_named_in_its_faults() {
    let empty = |expressions: Expressions<'_>| message(expressions.bind());
    let none = Expressions::default();
    for (expressions, kind) in [
        (Expressions { condition: Some(""), ..none }, "ConditionExpression"),
        (Expressions { filter: Some(""), ..none }, "FilterExpression"),
        (Expressions { key_condition: Some(""), ..none }, "KeyConditionExpression"),
        (Expressions { projection: Some(""), ..none }, "ProjectionExpression"),
        (Expressions { update: Some(""), ..none }, "UpdateExpression"),
    ] {
        assert_eq!(empty(expressions), format!("Invalid {kind}: The expression can not be empty;"));
    }
}

#[test]
fn conditions_are_refused_in_dynamodb_s_order() {
    let redundant = "The expression has redundant parentheses;";
    let unknown = |name: &str| format!("Invalid function name; function: {name}");
    let misplaced = |name: &str| {
        format!("The function is not allowed to be used this way in an expression; function: {name}")
    };
    let reserved = |word: &str| format!("Attribute name is a reserved keyword; reserved keyword: {word}");
    let no_name = |name: &str| {
        format!(
            "An expression attribute name used in the document path is not defined; attribute name: {name}"
        )
    };
    let no_value = |name: &str| {
        format!("An expression attribute value used in expression is not defined; attribute value: {name}")
    };
    let operands = |function: &str, count: usize| {
        format!(
            "Incorrect number of operands for operator or function; operator or function: {function}, \
             number of operands: {count}"
        )
    };
    let cases: Vec<(&str, String)> = vec![
        ("a=a and a > ((views))", redundant.to_owned()),
        ("a > whatever((:things), ((a)))", redundant.to_owned()),
        ("a=a and whatever((:things)) > a", unknown("whatever")),
        ("attRIbute_exIsts((views), #a)", unknown("attRIbute_exIsts")),
        ("BEGINS_WITH(a, :v)", unknown("BEGINS_WITH")),
        (
            "if_not_exists(a, b) = :v",
            "The function is not allowed in a condition expression; function: if_not_exists".to_owned(),
        ),
        (
            "list_append(a, b) = :v",
            "The function is not allowed in a condition expression; function: list_append".to_owned(),
        ),
        ("a=a and attribute_exists((views), (#a)) > b", misplaced("attribute_exists")),
        ("attribute_not_exists(things) > b", misplaced("attribute_not_exists")),
        ("attribute_type(things, :a) > b", misplaced("attribute_type")),
        ("begins_with(things, a) > b", misplaced("begins_with")),
        ("contains(:things, c) > b", misplaced("contains")),
        ("size(contains(a, b)) > a", misplaced("contains")),
        ("size(things)", misplaced("size")),
        ("NOT size(things)", misplaced("size")),
        ("a between b and attribute_exists(things)", misplaced("attribute_exists")),
        ("a in (b, attribute_exists(things))", misplaced("attribute_exists")),
        ("attribute_exists(views, #a)", reserved("views")),
        (":a < abOrT", reserved("abOrT")),
        ("a.b.status = :a", reserved("status")),
        ("attribute_exists(#P.RearView, :a) and a=a", no_name("#P")),
        ("begins_with(P.#RearView)", no_name("#RearView")),
        ("(#P between :lo and :hi) and (#PC in (:cat1, :cat2))", no_name("#P")),
        ("#4g > a", no_name("#4g")),
        ("(a)between(b.c[45].#d)and(:a)", no_name("#d")),
        ("begins_with(:hello, #a, #b)", no_value(":hello")),
        (":a < :b", no_value(":a")),
        (":_ > a", no_value(":_")),
        ("attribute_exists(things, a) and a=a", operands("attribute_exists", 2)),
        ("attribute_not_exists(things, b)", operands("attribute_not_exists", 2)),
        ("attribute_type(things)", operands("attribute_type", 1)),
        ("begins_with(things)", operands("begins_with", 1)),
        ("begins_with(things, size(a), b)", operands("begins_with", 3)),
        ("contains(things)", operands("contains", 1)),
        ("size(things, a) > b", operands("size", 2)),
        ("a < size(size(things), b)", operands("size", 2)),
        ("a[4294967295] = b", "List index is not within the allowable range; index: [4294967295]".to_owned()),
        ("#a.b = c OR x", "Syntax error; token: \"<EOF>\", near: \"x\"".to_owned()),
    ];
    for (text, expected) in cases {
        assert_eq!(filter(text, &[], ""), format!("Invalid FilterExpression: {expected}"), "{text}");
    }
}

#[test]
fn first_operands_differ_from_the_rest() {
    let cases = [
        ("a = a AND #a = b AND :views > a", "=", "[a]"),
        ("#a <> a", "<>", "[a]"),
        ("a > #a", ">", "[a]"),
        ("((a=a) OR (a=a))", "=", "[a]"),
        ("contains(ab.bc[1].a, ab.bc[1].#a)", "contains", "[ab, bc, [1], a]"),
        ("attribute_type(ab.bc[1].#a, ab.bc[1].a)", "attribute_type", "[ab, bc, [1], a]"),
        ("begins_with(ab.bc[1].a, ab.bc[1].#a)", "begins_with", "[ab, bc, [1], a]"),
        ("a BETWEEN b AND #a", "BETWEEN", "[a]"),
        ("a IN (b, #a)", "IN", "[a]"),
    ];
    for (text, operator, path) in cases {
        let expected = format!(
            "Invalid FilterExpression: The first operand must be distinct from the remaining operands for \
             this operator or function; operator: {operator}, first operand: {path}"
        );
        assert_eq!(filter(text, &[("#a", "a")], ""), expected, "{text}");
    }
    assert_eq!(filter(":a > :a", &[], r#"{":a":{"N":"1"}}"#), "");
    assert_eq!(filter("size(#a) > a", &[("#a", "a")], ""), "");
}

#[test]
fn conditions_know_the_types_of_values() {
    let expected = |operator: &str, found: &str| {
        format!(
            "Invalid FilterExpression: Incorrect operand type for operator or function; \
             operator or function: {operator}, operand type: {found}"
        )
    };
    let ordered = ["S", "N", "B"];
    let sized = ["S", "B", "SS", "NS", "BS", "L", "M"];
    let cases: [(&str, &str, &[&str]); 15] = [
        ("a < :a", "<", &ordered),
        (":a <= a", "<=", &ordered),
        ("size(a) > :a", ">", &ordered),
        ("a >= :a", ">=", &ordered),
        ("NOT (zzz > :a)", ">", &ordered),
        ("a BETWEEN :a AND b", "BETWEEN", &ordered),
        ("a BETWEEN b AND :a", "BETWEEN", &ordered),
        (":a BETWEEN b AND c", "BETWEEN", &ordered),
        ("begins_with(a, :a)", "begins_with", &["S", "B"]),
        ("begins_with(:a, a)", "begins_with", &["S", "B"]),
        ("size(:a) > a", "size", &sized),
        ("attribute_exists(b) OR size(:a) = c", "size", &sized),
        ("a = :a", "=", &["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]),
        ("contains(a, :a)", "contains", &["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]),
        ("a IN (b, :a)", "IN", &["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]),
    ];
    for (text, operator, right) in cases {
        for (found, values) in EACH_TYPE {
            let expected = if right.contains(&found) { String::new() } else { expected(operator, found) };
            assert_eq!(filter(text, &[], values), expected, "{text} {found}");
        }
    }
    let number = r#"{":a":{"N":"1"}}"#;
    for (text, operator) in [
        ("size(size(a)) > :a", "size"),
        ("attribute_not_exists(size(:a))", "size"),
        ("attribute_type(a, size(a)) and a=a and a=:a", "attribute_type"),
        ("begins_with(a, size(a)) and a=:a", "begins_with"),
    ] {
        assert_eq!(filter(text, &[], number), expected(operator, "N"), "{text}");
    }
}

#[test]
fn functions_that_ask_for_paths_get_none_but_paths() {
    let string = r#"{":a":{"S":"1"}}"#;
    for (text, function) in [
        ("attribute_exists(:a) and a=a", "attribute_exists"),
        ("attribute_not_exists(size(:a))", "attribute_not_exists"),
    ] {
        let expected = format!(
            "Invalid FilterExpression: Operator or function requires a document path; operator or function: \
             {function}"
        );
        assert_eq!(filter(text, &[], string), expected, "{text}");
    }
    assert_eq!(filter("attribute_type(:a, :b)", &[], r#"{":a":{"S":"1"},":b":{"S":"N"}}"#), "");
}

#[test]
fn attribute_types_are_known_and_written_as_values() {
    let unknown = "Invalid FilterExpression: Invalid attribute type name found; type: DOG, \
                   valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}";
    assert_eq!(filter("attribute_type(a, :a)", &[], r#"{":a":{"S":"DOG"}}"#), unknown);
    let wrong = "Invalid FilterExpression: Incorrect operand type for operator or function; \
                 operator or function: attribute_type, operand type: ";
    for (found, values) in EACH_TYPE.into_iter().filter(|(found, _)| *found != "S") {
        assert_eq!(filter("attribute_type(a, :a)", &[], values), format!("{wrong}{found}"));
    }
    let any = format!("{wrong}{{NS,SS,L,BS,N,M,B,BOOL,NULL,S}}");
    assert_eq!(filter("attribute_type(a, b)", &[], ""), any);
    for (name, _) in EACH_TYPE {
        let values = format!(r#"{{":a":{{"S":"{name}"}}}}"#);
        assert_eq!(filter("attribute_type(a, :a)", &[], &values), "");
    }
}

#[test]
fn bounds_are_of_one_type_and_in_order() {
    let one_type = "Invalid FilterExpression: The BETWEEN operator requires same data type for lower and \
                    upper bounds; lower bound operand: AttributeValue: {N:1}, \
                    upper bound operand: AttributeValue: {S:a}";
    let values = r#"{":a":{"S":"a"},":b":{"N":"1"}}"#;
    assert_eq!(filter("a between :b and :a", &[], values), one_type);
    let order = |low: &str, high: &str| {
        format!(
            "Invalid FilterExpression: The BETWEEN operator requires upper bound to be greater than or \
             equal to lower bound; lower bound operand: AttributeValue: {low}, \
             upper bound operand: AttributeValue: {high}"
        )
    };
    let cases = [
        (r#"{":a":{"S":"a"},":b":{"S":"b"}}"#, order("{S:b}", "{S:a}")),
        (r#"{":a":{"N":"9"},":b":{"N":"10"}}"#, order("{N:10}", "{N:9}")),
        (r#"{":a":{"B":"fw=="},":b":{"B":"gA=="}}"#, order("{B:gA==}", "{B:fw==}")),
        (r#"{":a":{"S":"b"},":b":{"S":"b"}}"#, String::new()),
        (r#"{":a":{"N":"10"},":b":{"N":"9"}}"#, String::new()),
    ];
    for (values, expected) in cases {
        assert_eq!(filter("a between :b and :a", &[], values), expected, "{values}");
    }
    assert_eq!(filter("a between size(b) and :a", &[], r#"{":a":{"S":"a"}}"#), "");
}

#[test]
fn in_takes_a_hundred_values() {
    let list = |count: usize| format!("a IN ({})", vec!["b"; count].join(","));
    assert_eq!(filter(&list(100), &[], ""), "");
    assert_eq!(
        filter(&list(101), &[], ""),
        "Invalid FilterExpression: The IN operator is provided with too many operands; \
         number of operands: 101"
    );
}

#[test]
fn operators_are_limited_and_parentheses_are_free() {
    let many = "Invalid FilterExpression: The expression contains too many operators; operator count: 301";
    let nested = |depth: usize| format!("a<b {}{}", "or (a<b ".repeat(depth), ")".repeat(depth));
    let cases = [
        (nested(149), ""),
        (nested(150), many),
        (nested(454), many),
        (format!("{}a<b", "not ".repeat(299)), ""),
        (format!("{}a<b", "not ".repeat(300)), many),
        (format!("a<b{}", " or a<b".repeat(150)), many),
        (
            format!("a < {}b{}", "f(".repeat(1355), ")".repeat(1355)),
            "Invalid FilterExpression: Invalid \
          function name; function: f",
        ),
        (
            format!("{}a<b{}", "(".repeat(2046), ")".repeat(2046)),
            "Invalid FilterExpression: The expression has \
          redundant parentheses;",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(filter(&text, &[], ""), expected, "{}", text.len());
    }
    let sums = |count: usize| {
        let actions: Vec<String> = (0..count).map(|i| format!("a{i}=b+c")).collect();
        format!("SET {}", actions.join(","))
    };
    assert_eq!(update(&sums(300), &[], ""), "");
    assert_eq!(
        update(&sums(301), &[], ""),
        "Invalid UpdateExpression: The expression contains too many operators; operator count: 301"
    );
}

#[test]
fn updates_are_refused_in_dynamodb_s_order() {
    let section =
        |name: &str| format!("The \"{name}\" section can only be used once in an update expression;");
    let no_name = "An expression attribute name used in the document path is not defined; attribute name: ";
    let no_value = "An expression attribute value used in expression is not defined; attribute value: ";
    let no_function = "The function is not allowed in an update expression; function: size";
    let misplaced =
        "The function is not allowed to be used this way in an expression; function: list_append".to_owned();
    let cases: Vec<(&str, String)> = vec![
        (
            " set #c = :c set abOrt = true ",
            "Attribute name is a reserved keyword; reserved keyword: abOrt".into(),
        ),
        (" remove Absolute ", "Attribute name is a reserved keyword; reserved keyword: Absolute".into()),
        ("set a = f(b.Name)", "Attribute name is a reserved keyword; reserved keyword: Name".into()),
        ("set #c = if_not_exist(:c) set c = d", "Invalid function name; function: if_not_exist".into()),
        ("set a = LIST_APPEND(:c, :d)", "Invalid function name; function: LIST_APPEND".into()),
        ("set a = size(b)", no_function.into()),
        ("set a = list_append(list_append(b, c), d)", misplaced.clone()),
        ("set a = list_append(b, list_append(c, d)) set b = c", misplaced),
        ("set a = #c set c = :d", section("SET")),
        ("remove #d set a = b remove e", section("REMOVE")),
        ("add #d :e set a = b add e :f", section("ADD")),
        ("delete #d :e set a = b delete #e :f", section("DELETE")),
        ("set a = b remove c set d = e remove f", section("SET")),
        ("SET #c = if_not_exists(:c)", format!("{no_name}#c")),
        ("SET a = :c, #c = b", format!("{no_name}#c")),
        ("SET a = if_not_exists(:c)", format!("{no_value}:c")),
        ("SET a = b ADD c :d, e :f", format!("{no_value}:d")),
        (
            "set a = if_not_exists(c)",
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, \
             number of operands: 1"
                .into(),
        ),
        (
            "set a = list_append(b, c, d)",
            "Incorrect number of operands for operator or function; operator or function: list_append, \
             number of operands: 3"
                .into(),
        ),
        (
            "set a = if_not_exists(if_not_exists(a, b), c)",
            "Operator or function requires a document path; operator or function: if_not_exists".into(),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(update(text, &[], ""), format!("Invalid UpdateExpression: {expected}"), "{text}");
    }
}

#[test]
fn updated_paths_must_not_overlap_or_conflict() {
    let cases = [
        ("set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)", "overlap", "[c, [1], a]", "[c]"),
        ("set #c[3].#d = a, #c[3] = a", "overlap", "[c, [3], [3]]", "[c, [3]]"),
        ("set #c = a, #d = b remove c", "overlap", "[c]", "[c]"),
        ("set #c[3].#d = a, #c.#d[3] = if_not_exists(a)", "conflict", "[c, [3], [3]]", "[c, [3], [3]]"),
        ("remove a.#c set a[1] = #d", "conflict", "[a, c]", "[a, [1]]"),
        ("set a.b.#c = :v, a.b[2] = #d", "conflict", "[a, b, c]", "[a, b, [2]]"),
    ];
    for (text, how, one, two) in cases {
        let expected = format!(
            "Invalid UpdateExpression: Two document paths {how} with each other; \
             must remove or rewrite one of these paths; path one: {one}, path two: {two}"
        );
        let values = r#"{":v":{"S":"x"}}"#;
        assert_eq!(update(text, &[("#c", "c"), ("#d", "[3]")], values), expected, "{text}");
    }
}

#[test]
fn updates_know_the_types_of_values() {
    let long = |found: &str| match found {
        "S" => "STRING",
        "N" => "NUMBER",
        "B" => "BINARY",
        "BOOL" => "BOOLEAN",
        "L" => "LIST",
        "M" => "MAP",
        other => other.to_owned().leak(),
    };
    let action = |action: &str, found: &str| {
        format!(
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: {action}, \
             operand type: {}, typeSet: ALLOWED_FOR_{action}_OPERAND",
            long(found)
        )
    };
    let operand = |operator: &str, found: &str| {
        format!(
            "Invalid UpdateExpression: Incorrect operand type for operator or function; \
             operator or function: {operator}, operand type: {found}"
        )
    };
    for (found, values) in EACH_TYPE {
        let is = |right: &[&str]| right.contains(&found);
        let expect = |is_right, fault: String| if is_right { String::new() } else { fault };
        let sets = ["SS", "NS", "BS"];
        let cases = [
            ("add a.b :a", expect(is(&["N", "SS", "NS", "BS"]), action("ADD", found))),
            ("set b = if_not_exists(a) add a.b :a", {
                let later = "Invalid UpdateExpression: Incorrect number of operands for operator or \
                             function; operator or function: if_not_exists, number of operands: 1";
                if is(&["N", "SS", "NS", "BS"]) { later.to_owned() } else { action("ADD", found) }
            }),
            ("delete a.b :a", expect(is(&sets), action("DELETE", found))),
            ("set a = list_append(:a, a)", expect(is(&["L"]), operand("list_append", found))),
            ("set a = list_append(a, :a)", expect(is(&["L"]), operand("list_append", found))),
            ("set a = a + :a", expect(is(&["N"]), operand("+", found))),
            ("set a = :a - a", expect(is(&["N"]), operand("-", found))),
            ("set a = if_not_exists(a, :a)", String::new()),
            ("set a = if_not_exists(a, :a) + b", String::new()),
            ("set a = :a", String::new()),
        ];
        for (text, expected) in cases {
            assert_eq!(update(text, &[], values), expected, "{text} {found}");
        }
    }
}

#[test]
fn placeholders_themselves_are_checked_first() {
    let long = format!("#{}", "a".repeat(255));
    let long_value = format!(r#"{{":{}":{{"S":"x"}}}}"#, "a".repeat(255));
    let too_long = "The expression attribute map contains a key that is too long;";
    let large = "x".repeat(65536);
    type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, String);
    let cases: [Case<'_>; 11] = [
        (&[("a", "a")], "", "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"".into()),
        (&[("#", "a")], "", "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#\"".into()),
        (
            &[("#a-b", "a")],
            "",
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a-b\"".into(),
        ),
        (
            &[("#a#", "a")],
            "",
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"#a#\"".into(),
        ),
        (
            &[(&long, "a")],
            "",
            format!("ExpressionAttributeNames contains invalid key: {too_long} size of key: 256"),
        ),
        (
            &[("#a", "")],
            "",
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a".into(),
        ),
        (
            &[("#a", &large)],
            "",
            "ExpressionAttributeNames contains invalid value: Attribute name is too large, \
             must be less than 65536 bytes for key #a"
                .into(),
        ),
        (
            &[],
            r#"{"b":{"S":"a"}}"#,
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \"b\"".into(),
        ),
        (
            &[],
            r#"{":":{"S":"a"}}"#,
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \":\"".into(),
        ),
        (&[], &long_value, format!("ExpressionAttributeValues contains invalid key: {too_long}")),
        (&[("#a", &large[1..])], "", String::new()),
    ];
    for (name_pairs, values, expected) in cases {
        let text = if expected.is_empty() { "attribute_exists(#a)" } else { "" };
        assert_eq!(filter(text, name_pairs, values), expected);
    }
    let empty =
        Expressions { filter: Some(""), names: Some(&[]), values: Some(&[]), ..Expressions::default() };
    assert_eq!(message(empty.bind()), "ExpressionAttributeNames must not be empty");
    let empty = Expressions { names: None, ..empty };
    assert_eq!(message(empty.bind()), "ExpressionAttributeValues must not be empty");
}

#[test]
fn substitutions_are_limited_in_sum() {
    let mib = |count: usize| AttributeValue::S("x".repeat(count * 1024 * 1024 - 10));
    let bind = |first: usize, second: usize| {
        let values = [(":a".to_owned(), mib(first)), (":b".to_owned(), mib(second))];
        let text = Some("a = :a OR a = :b OR #c = :a");
        let names = names(&[("#c", "c")]);
        let names = Some(names.as_slice());
        message(Expressions { filter: text, names, values: Some(&values), ..Expressions::default() }.bind())
    };
    assert_eq!(bind(1, 1), "");
    assert_eq!(bind(1, 2), "ExpressionAttributeValues exceeds max size");
}

#[test]
fn a_request_s_expressions_share_their_placeholders() {
    let all = Expressions {
        condition: Some("#a = :a"),
        filter: Some("#b = :b"),
        key_condition: Some("#c = :c"),
        projection: Some("#d"),
        update: Some("SET #e = :e"),
        ..Expressions::default()
    };
    let name_pairs = [("#a", "a"), ("#b", "b"), ("#c", "c"), ("#d", "d"), ("#e", "e")];
    let values = r#"{":a":{"N":"1"},":b":{"N":"1"},":c":{"N":"1"},":e":{"N":"1"}}"#;
    let bound = bind(all, &name_pairs, values).unwrap();
    assert!(bound.condition.is_some() && bound.filter.is_some() && bound.key_condition.is_some());
    assert!(bound.projection.is_some() && bound.update.is_some());
    let without = |name: &str| -> String {
        let left: Vec<_> = name_pairs.into_iter().filter(|(key, _)| *key != name).collect();
        message(bind(all, &left, values))
    };
    let undefined = |kind: &str, name: &str| {
        format!(
            "Invalid {kind}: An expression attribute name used in the document path is not defined; \
             attribute name: {name}"
        )
    };
    assert_eq!(without("#a"), undefined("ConditionExpression", "#a"));
    assert_eq!(without("#b"), undefined("FilterExpression", "#b"));
    assert_eq!(without("#c"), undefined("KeyConditionExpression", "#c"));
    assert_eq!(without("#d"), undefined("ProjectionExpression", "#d"));
    assert_eq!(without("#e"), undefined("UpdateExpression", "#e"));
}

#[test]
fn what_nobody_uses_is_reported_after_everything_else() {
    let unused_names = "Value provided in ExpressionAttributeNames unused in expressions: keys: ";
    let unused_values = "Value provided in ExpressionAttributeValues unused in expressions: keys: ";
    let both = Expressions { update: Some("remove a"), condition: Some("a = :b"), ..Expressions::default() };
    let values = r#"{":a":{"S":"a"},":b":{"S":"a"},":c":{"S":"a"}}"#;
    assert_eq!(message(bind(both, &[], values)), format!("{unused_values}{{:a, :c}}"));
    let message_with_names = message(bind(both, &[("#a", "a"), ("#b", "b")], values));
    assert_eq!(message_with_names, format!("{unused_names}{{#a, #b}}"));
    let wrong = Expressions { condition: Some("a = :d"), ..both };
    assert!(message(bind(wrong, &[("#a", "a")], values)).contains("attribute value: :d"));
    // Of an OR that need not be looked at further, everything counts as used all the same.
    assert_eq!(filter("a = :a OR #b = :b", &[("#b", "b")], r#"{":a":{"N":"1"},":b":{"N":"1"}}"#), "");
}

#[test]
fn expressions_are_checked_one_after_the_other() {
    let syntax = |kind: &str| format!("Invalid {kind}: Syntax error; token: \"!\", near: \"!\"");
    let wrong = Some("!");
    let mut request = Expressions {
        condition: wrong,
        filter: wrong,
        key_condition: wrong,
        projection: wrong,
        update: wrong,
        ..Expressions::default()
    };
    assert_eq!(message(request.bind()), syntax("UpdateExpression"));
    request.update = None;
    assert_eq!(message(request.bind()), syntax("ConditionExpression"));
    request.condition = None;
    assert_eq!(message(request.bind()), syntax("KeyConditionExpression"));
    // What a key condition is made of is nobody's business before all expressions are understood.
    request.key_condition = Some("NOT a = b");
    assert_eq!(message(request.bind()), syntax("FilterExpression"));
    request.filter = None;
    assert_eq!(message(request.bind()), syntax("ProjectionExpression"));
    request.projection = None;
    assert_eq!(message(request.bind()), "Invalid operator used in KeyConditionExpression: NOT");
    let unused = values(r#"{":a":{"N":"1"}}"#);
    request.values = Some(&unused);
    assert!(message(request.bind()).contains("unused in expressions: keys: {:a}"));
}
