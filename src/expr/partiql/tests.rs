use model::AttributeValue;

use super::*;
use crate::testing::{item, message, value};

fn parse(text: &str) -> Statement {
    Statement::parse(text, &[]).unwrap_or_else(|fault| panic!("{fault}: {text}"))
}

fn condition(text: &str) -> Condition {
    match parse(&format!("SELECT * FROM T WHERE {text}")) {
        Statement::Select(select) => select.condition.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn fault(text: &str) -> String {
    message(Statement::parse(text, &[]))
}

#[test]
fn statements_name_their_tables() {
    let cases = [
        ("SELECT * FROM Music", "Music", None),
        ("select a, b.c from \"My.Table\".\"by-x\" where a = 1;", "My.Table", Some("by-x")),
        ("-- a note\nSELECT * /* all */ FROM T", "T", None),
    ];
    for (text, table, index) in cases {
        let Statement::Select(select) = parse(text) else { panic!("{text}") };
        assert_eq!((select.table.as_str(), select.index.as_deref()), (table, index), "{text}");
    }
    for text in [
        "INSERT INTO T VALUE {'a': 1}",
        "UPDATE T SET a = 1 WHERE b = 2",
        "FROM T WHERE b = 2 SET a = 1",
        "DELETE FROM T WHERE b = 2",
        "EXISTS(SELECT * FROM T WHERE b = 2)",
    ] {
        assert_eq!(parse(text).table(), "T", "{text}");
    }
}

#[test]
fn conditions_hold_as_they_read() {
    let stored = item(
        r#"{"a":{"S":"x"},"n":{"N":"5"},"m":{"M":{"b":{"L":[{"N":"1"},{"S":"y"}]}}},
            "s":{"SS":["p","q"]},"z":{"NULL":true}}"#,
    );
    let cases = [
        ("a = 'x'", true),
        ("'x' = a", true),
        ("a <> 'x'", false),
        ("a != 'y'", true),
        ("n > 4 AND n <= 5.0", true),
        ("n BETWEEN 6 AND 7 OR a = 'x' AND n = 5", true),
        ("(n BETWEEN 6 AND 7 OR a = 'x') AND n = 6", false),
        ("NOT n = 5", false),
        ("NOT NOT n = 5", true),
        ("n IN [1, 5]", true),
        ("n IN (1, 5)", true),
        ("n NOT IN (1, 5)", false),
        ("n NOT BETWEEN 6 AND 7", true),
        ("m.b[0] = 1 AND m['b'][1] = 'y'", true),
        ("\"m\".\"b\"[2] IS MISSING", true),
        ("a IS NOT MISSING", true),
        ("z IS NULL", true),
        ("q IS NULL", false),
        ("q IS NOT NULL", true),
        ("n IS NUMERIC AND a IS STRING AND m IS STRUCT", true),
        ("begins_with(a, 'x') AND CONTAINS(s, 'p') AND size(s) = 2", true),
        ("attribute_type(n, 'N')", true),
        ("attribute_exists(a) AND attribute_not_exists(q)", true),
        ("ATTRIBUTE_EXISTS(a) = true AND attribute_exists(q) = false", true),
        ("attribute_exists(a) <> true", false),
        // What is missing is neither equal nor unequal, but not equal.
        ("q = 'x'", false),
        ("q <> 'x'", false),
        ("NOT q = 'x'", true),
        ("s = <<'q', 'p'>>", true),
        ("m = {'b': [1, 'y']}", true),
        ("z = NULL AND a = 'x'", true),
        ("n = 5e0 AND n > -.5", true),
    ];
    for (text, expected) in cases {
        assert_eq!(condition(text).holds(&stored), expected, "{text}");
    }
}

#[test]
fn parameters_are_put_in_by_their_order() {
    let parameters = [value(r#"{"S":"k"}"#), value(r#"{"SS":["a"]}"#)];
    let Ok(Statement::Insert(insert)) =
        Statement::parse("INSERT INTO T VALUE {'pk': ?, 'l': [{'in': ?}], 'q': '?'}", &parameters)
    else {
        panic!("it is an insert")
    };
    let expected = item(r#"{"pk":{"S":"k"},"l":{"L":[{"M":{"in":{"SS":["a"]}}}]},"q":{"S":"?"}}"#);
    assert_eq!(insert.item, expected);
    assert_eq!(
        message(Statement::parse("SELECT * FROM T WHERE a = ? AND b = ? AND c = ?", &parameters)),
        "Number of parameters in request and statement don't match."
    );
}

#[test]
fn updates_write_what_they_say() {
    let old = item(r#"{"k":{"N":"1"},"n":{"N":"5"},"l":{"L":[{"N":"1"},{"N":"2"}]},"s":{"SS":["a","b"]}}"#);
    let cases = [
        ("SET n = n + 1", r#""n":{"N":"6"}"#),
        ("SET n = 7 - n REMOVE l, s", r#""n":{"N":"2"}"#),
        ("SET l = list_append(l, [3])", r#""l":{"L":[{"N":"1"},{"N":"2"},{"N":"3"}]}"#),
        ("SET l[0] = 'x', l[9] = 'y'", r#""l":{"L":[{"S":"x"},{"N":"2"},{"S":"y"}]}"#),
        ("REMOVE l[0]", r#""l":{"L":[{"N":"2"}]}"#),
        ("SET s = set_add(s, <<'c'>>)", r#""s":{"SS":["a","b","c"]}"#),
        ("SET s = set_delete(s, <<'a'>>) SET n = 1", r#""s":{"SS":["b"]}"#),
    ];
    for (changes, expected) in cases {
        let Statement::Update(update) = parse(&format!("UPDATE T {changes} WHERE k = 1")) else { panic!() };
        let new = update.update.apply(Some(&old), &item("{}")).unwrap().unwrap();
        for (name, value) in item(&format!("{{{expected}}}")).iter() {
            assert_eq!(new.get(name), Some(value), "{changes}");
        }
    }
}

#[test]
fn columns_are_named_by_their_last_parts() {
    let Statement::Select(select) = parse("SELECT a, m.k[1], m.z.q FROM T") else { panic!() };
    let selected = select
        .selection
        .unwrap()
        .apply(&item(r#"{"a":{"S":"x"},"b":{"S":"y"},"m":{"M":{"k":{"L":[{"N":"1"},{"N":"2"}]}}}}"#));
    assert_eq!(selected, item(r#"{"a":{"S":"x"},"k[1]":{"N":"2"}}"#));
    assert_eq!(fault("SELECT a.z, b.z FROM T"), "Duplicate identifiers in select clause: z");
}

#[test]
fn keys_are_found_in_conditions() {
    let branches = |text: &str| {
        let found = condition(text).branches(&["p"], &["s"]).unwrap();
        let shown = found.iter().map(|branch| {
            let tests: Vec<&str> = branch.tests.iter().map(|(name, _)| name.as_str()).collect();
            format!(
                "{}/{}{}",
                tests.join(""),
                branch.filters.join(""),
                if branch.excludes { "!" } else { "" }
            )
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    let cases = [
        ("p = 1", "p/"),
        ("p = 1 AND s > 2 AND x = 3", "ps/x"),
        ("p IN [1, 2] AND s BETWEEN 1 AND 2", "ps/ ps/"),
        ("p = 1 OR p = 2 AND x = 1", "p/ p/x"),
        ("p = 1 AND (x = 1 OR y = 2)", "p/yx"),
        ("p = 1 OR x = 2", "p/ /x"),
        ("p > 1", "/p"),
        ("p = 1 AND NOT s = 2", "p/s!"),
        ("p = 1 AND s <> 2", "p/ss!"),
        ("p.x = 1", "/p"),
    ];
    for (text, expected) in cases {
        assert_eq!(branches(text), expected, "{text}");
    }
    let pinned =
        |text: &str| condition(text).pinned("p").into_iter().cloned().collect::<Vec<AttributeValue>>();
    assert_eq!(pinned("p = 1 AND x = 2"), [value(r#"{"N":"1"}"#)]);
    assert_eq!(pinned("p = 1 AND 2 = p").len(), 2);
    assert_eq!(pinned("p IN [1]"), []);
    assert_eq!(pinned("p = 1 OR p = 2"), []);
}

#[test]
fn what_is_wrong_is_said_in_dynamodbs_words() {
    const FORM: &str = "Statement wasn't well formed, can't be processed: ";
    let malformed = [
        ("SELECT * FROM T WHERE p = 1 foo", "Unexpected token after expression"),
        ("SELECT * FROM T WHERE p = 1 e5", "Unexpected token after expression"),
        ("INSERT INTO T VALUE {'p': 1} foo", "Unexpected token after expression"),
        ("INSERT INTO T t VALUE {'p': 1}", "Unexpected token after expression"),
        ("UPDATE T SET a = 9 WHERE p = 1 foo", "Unexpected token after expression"),
        ("DELETE FROM T WHERE p = 1 ORDER BY p", "Unexpected token after expression"),
        ("SELECT * FROM T ORDER BY p WHERE p = 1", "Unexpected token after expression"),
        ("SELECT * FROM T WHERE p = 1)", "Unexpected token after expression"),
        ("FROM T SET c = 1 WHERE p = 1", "Unexpected token after expression"),
        ("SELECTT * FROMM T", "Unexpected token after expression"),
        ("SELECT * FROM T WHERE p = 1e2147483648", ""),
        ("SELECT * FROM T WHERE p = 1.5e-2147483647", ""),
        ("SELECT * FROM T WHERE p = 1 # note", ""),
        ("SELECT * FROM T WHERE p = 1 /* note", ""),
        ("SELECT * FROM \"T", ""),
        ("SELECT * FROM T WHERE", "Unexpected term"),
        ("SELECT * FROM T WHERE;", "Unexpected term"),
        ("UPDATE T SET a = 1 WHERE", "Unexpected term"),
        ("SELECT * FROM T WHERE NOT", "Unexpected term"),
        ("SELECT * FROM T WHERE (", "Unexpected term"),
        ("SELECT * FROM", "Unexpected term"),
        ("SELECT * FROM T WHERE p = 1 AND", "Missing right-hand side expression of infix operator"),
        ("SELECT * FROM T WHERE p = 1 OR", "Missing right-hand side expression of infix operator"),
        ("SELECT * FROM T WHERE ORDER BY p", "Unexpected keyword"),
        ("SELECT * FROM T WHERE IS NULL", "Unexpected operator"),
        ("SELECT * FROM T WHERE p = LIKE", "Unexpected operator"),
        ("SELECT * FROM T WHERE p IS FOO", "Expected type name"),
        ("SELECT * FROM T WHERE pad = 'none'", "Unexpected keyword"),
        ("SELECT * FROM T WHERE m.inner = 1", "Invalid path dot component"),
        ("UPDATE T SET m.inner = 1 WHERE p = 1", "Invalid path dot component"),
        ("DELETE FROM", "Expected identifier for simple path"),
        ("DELETE FROM WHERE p = 1", "Expected identifier for simple path"),
        ("UPDATE Payment-x SET a = 1", "Expected data manipulation"),
        ("SLECT * FROM T", "Expected data manipulation"),
    ];
    for (text, detail) in malformed {
        assert_eq!(fault(text), format!("{FORM}{detail}"), "{text}");
    }
    let deep = format!("SELECT * FROM T WHERE {}a = 1{}", "(".repeat(4000), ")".repeat(4000));
    assert_eq!(fault(&deep), FORM);
    assert_eq!(fault(&format!("SELECT * FROM T WHERE a = {}1", "- ".repeat(4000))), FORM);
    assert_eq!(fault(&format!("SELECT * FROM T WHERE a = 1{}", " + 1".repeat(2000))), FORM);
    assert_eq!(fault(&format!("SELECT * FROM T WHERE {}a = 1", "NOT ".repeat(2000))), "");

    let others = [
        ("SELECT * FROM T t WHERE p = 1", "Aliasing is not supported"),
        ("SELECT * FROM T AS t WHERE p = 1", "Aliasing is not supported"),
        ("UPDATE T t SET a = 3 WHERE p = 1", "Aliasing is not supported"),
        ("SELECT a AS b FROM T", "Aliasing is not supported"),
        ("x IS DOUBLE PRECISION", "Unsupported operation: IsType"),
        ("SELECT id FROM dbimp_page LIMIT 5", "Unsupported clause: LIMIT at 1:33:1"),
        ("SELECT COUNT(*) FROM T", "Unexpected path component at 1:8:5"),
        ("SELECT a, COUNT(b) FROM T", "Unexpected path component at 1:11:5"),
        ("SELECT * FROM \"T\".\"a\".\"b\"", "A path may contain at most 2 components in the FROM clause"),
        ("SELECT * FROM \"\"", "Path component cannot be an empty string"),
        ("UPDATE T.i SET a = 1 WHERE p = 1", "This operation is not supported on an index"),
        (
            "INSERT INTO\n\"abcdefgh\".i VALUE {'p': 1}",
            "FROM clause may only contain a single table name in data manipulation statements at 2:1:10",
        ),
        (
            "SELECT * FROM T WHERE a < NULL",
            "Incorrect operand type for operator or function; operator or function: <, operand type: NULL",
        ),
        (
            "DELETE FROM T WHERE p = 1 RETURNING ALL NEW *",
            "Invalid returning clause: RETURNING ALL NEW *. Only RETURNING ALL OLD * is allowed in DELETE statements.",
        ),
        (
            "SELECT * FROM T WHERE p = 1e126",
            "Number overflow. Attempting to store a number with magnitude larger than supported range under root",
        ),
        (
            "INSERT INTO T VALUE {'p': 1, 'm': {'x': [1, 1e-131]}}",
            "Number underflow. Attempting to store a number with magnitude smaller than supported range under root.x[1]",
        ),
        (
            "INSERT INTO T VALUE 1",
            "Unsupported format in item expression. Please use struct format {...} to express item values for \
             insert statement.",
        ),
        ("INSERT INTO T VALUE {'a': 1, 'a': 2}", "Duplicate keys in tuple. Key: a under root"),
        ("INSERT INTO T VALUE {'a': <<>>}", "Empty bags are not supported"),
        (
            "INSERT INTO T VALUE {'a': <<1, 'b'>>}",
            "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags",
        ),
        (
            "UPDATE T SET a = set_add(b, <<1>>) WHERE p = 1",
            "The first argument to SET_ADD must equal the assignment value at 1:18:7",
        ),
        ("UPDATE T SET a = set_add(a) WHERE p = 1", "SET_ADD must have exactly two arguments at 1:18:7"),
        (
            "UPDATE T SET a = set_delete(a, 'x') WHERE p = 1",
            "The second argument to SET_DELETE must be a value with type SET at 1:29:1",
        ),
        (
            "INSERT INTO T VALUE {'a': set_add(<<'a'>>, <<'b'>>)}",
            "Unsupported data type: set_add under key root at 1:27:7",
        ),
        (
            "SELECT * FROM T WHERE attribute_exists('a')",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "SELECT * FROM T WHERE attribute_exists(a, b)",
            "Incorrect number of operands for operator or function; operator or function: attribute_exists, \
             number of operands: 2",
        ),
        ("SELECT * FROM T WHERE a = MISSING", "MISSING must be compared using IS operator"),
        ("SELECT * FROM T WHERE a", "WHERE clause must contain an expression that resolves to a boolean"),
        ("SELECT * FROM T WHERE a = 1 AND b", "The arguments to AND/OR must be Expressions"),
        ("SELECT * FROM T WHERE foo(a)", "Unrecognized function: foo at 1:23:3"),
        ("SELECT * FROM T WHERE EXISTS(a)", "Unrecognized function: exists at 1:23:6"),
    ];
    for (text, expected) in others {
        assert_eq!(fault(text), expected, "{text}");
    }
}
