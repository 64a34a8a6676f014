//! What is syntax and what is not, and that nothing hostile gets further than that.

use proptest::prelude::*;

use super::*;

/// The token at fault, and what is near it.
fn syntax<T>(parsed: Result<T, Fault>) -> Option<(String, String)> {
    match parsed {
        Err(Fault::Syntax { token, near }) => Some((token, near)),
        _ => None,
    }
}

fn check(parse: impl Fn(&str) -> Option<(String, String)>, cases: &[(&str, &str, &str)]) {
    for &(text, token, near) in cases {
        assert_eq!(parse(text), Some((token.to_owned(), near.to_owned())), "{text}");
    }
}

#[test]
fn an_update_s_syntax_error_shows_the_token_and_its_neighbours() {
    check(
        |text| syntax(update(text)),
        &[
            ("INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"),
            ("ADD hits : incr", ":", "hits : incr"),
            ("SET _123 = :v", "_", "SET _123"),
            ("SET x = _y", "_", "= _y"),
            ("|", "|", "|"),
            ("   |", "|", "   |"),
            ("  RESET x y", "RESET", "  RESET x"),
            ("RESET", "RESET", "RESET"),
            ("SET", "<EOF>", "SET"),
            ("SET|", "|", "SET|"),
            ("SET x|", "|", "x|"),
            ("SET x", "<EOF>", "x"),
            ("SET x =", "<EOF>", "="),
            ("SET x = 3", "3", "= 3"),
            ("SET x = 34", "34", "= 34"),
            ("SET 2", "2", "SET 2"),
            ("SET ) 3", ")", "SET ) 3"),
            ("SET l[ 3", "<EOF>", "3"),
            ("SET l[ 3 ", "<EOF>", "3 "),
            ("SET l[3 )", ")", "3 )"),
            ("SET l[ [2] ] = :v", "[", "[ [2"),
            ("SET l [2 1]. b = :v", "1", "2 1]"),
            ("SET l[01] = :v", "1", "01]"),
            ("SET l[:i] = :v", ":i", "[:i]"),
            ("SET l[#i] = :v", "#i", "[#i]"),
            ("SET x = (:v", "<EOF>", ":v"),
            ("SET x = (:v ", "<EOF>", ":v "),
            ("SET x = (:v + (:w", "<EOF>", ":w"),
            ("SET x = [:v  ", "[", "= [:v"),
            ("SET x = ):v + :w", ")", "= ):v"),
            ("SET x = y + + :v", "+", "+ + :v"),
            ("SET x = y + z + w", "+", "z + w"),
            ("SET x = (y + z) + w", "+", ") + w"),
            ("SET x = y / z", "/", "y / z"),
            ("SET x = (y.z).w + :v", ".", ").w"),
            ("SET x = (y.z)[0] + :v", "[", ")[0"),
            ("SET x = if_not_exists(x, :v+:w)", "+", ":v+:w"),
            ("SET x = if_not_exists(x, 0)", "0", ", 0)"),
            ("SET x = f()", ")", "()"),
            ("SET x = set", "set", "= set"),
            ("SET (x = (y + z))", "(", "SET (x"),
            ("SET f(x) = y", "(", "f(x"),
            ("SET #a a = :v", "a", "#a a ="),
            ("SET :a = b", ":a", "SET :a ="),
            ("SET x = \"eight\"", "\"", "= \"eight"),
            ("SET x = VALUE 1", "1", "VALUE 1"),
            ("REMOVE x + ", "+", "x + "),
            ("REMOVE x = y", "=", "x = y"),
            ("REMOVE if_not_exists(a,b)", "(", "if_not_exists(a"),
            ("REMOVE :x", ":x", "REMOVE :x"),
            ("ADD x y z", "y", "x y z"),
            ("ADD x :v y", "y", ":v y"),
            ("DELETE x y", "y", "x y"),
            ("SET x = :v, ", "<EOF>", ", "),
            ("SET x = :v,, y = :w", ",", ",, y"),
            (" ", "<EOF>", " "),
        ],
    );
}

#[test]
fn a_condition_s_syntax_error_shows_the_token_and_its_neighbours() {
    check(
        |text| syntax(condition(text)),
        &[
            ("p = :p AND __typename = :t", "_", "AND __"),
            ("([1] = :v)", "[", "([1"),
            ("p = :p AND begins_with(s, G_M#)", "#", "G_M#)"),
            ("contains()", ")", "()"),
            ("x = !! ", "!", "= !!"),
            ("c != :c", "!", "c !="),
            ("things are not", "are", "things are not"),
            ("a > 4", "4", "> 4"),
            ("a", "<EOF>", "a"),
            (":v", "<EOF>", ":v"),
            ("NOT a", "<EOF>", "a"),
            ("(a)", "<EOF>", ")"),
            ("a AND :v", "AND", "a AND :v"),
            ("a = :v OR NOT :v", "<EOF>", ":v"),
            ("a OR b = :v", "OR", "a OR b"),
            ("f(Pic-Rear)", "-", "Pic-Rear"),
            ("f(\"Pic.Rear\")", "\"", "(\"Pic"),
            ("f(Pic..Rear)", ".", "..Rear"),
            ("f(Pi#ctures)", "#ctures", "Pi#ctures)"),
            ("f(x[a])", "a", "[a]"),
            ("a in b, c", "b", "in b,"),
            ("a IN ()", ")", "()"),
            ("a in (b,c,)", ")", ",)"),
            ("a > between", "between", "> between"),
            ("a between b or c", "or", "b or c"),
            ("(a)between(b.(c.d))and(c)", "(", ".(c"),
            ("(a)between(b.c)and((c)", "<EOF>", ")"),
            ("#$.b > a", "#", "#$"),
            ("a > :things.stuff", ".", ":things.stuff"),
            ("b[:a] > a", ":a", "[:a]"),
            ("b[4.5] > a", ".", "4.5"),
            ("ü > a", "ü", "ü >"),
            ("size(a).b > a", ".", ").b"),
            ("(size(a))[0] > a", "[", ")[0"),
            ("(:a).b > a", ".", ").b"),
            ("(a = b) > c", ">", ") > c"),
            ("a = b)", ")", "b)"),
            ("(a = b))", ")", "))"),
            ("((a = b)", "<EOF>", ")"),
            ("a = b c = d", "c", "b c ="),
            ("a = b AND", "<EOF>", "AND"),
            ("AND a = b", "AND", "AND a"),
            ("f(a = b)", "=", "a = b"),
            ("NOT(a) = b AND (NOT) = c", ")", "NOT) ="),
            ("a < b = c", "=", "b = c"),
        ],
    );
}

#[test]
fn a_projection_s_syntax_error_shows_the_token_and_its_neighbours() {
    check(
        |text| syntax(projection(text)),
        &[
            ("!!!", "!", "!!"),
            ("a b", "b", "a b"),
            ("a,", "<EOF>", ","),
            (",a", ",", ",a"),
            ("a,,b", ",", ",,b"),
            ("a.", "<EOF>", "."),
            (".a", ".", ".a"),
            ("a..b", ".", "..b"),
            ("[0]", "[", "[0"),
            ("a.[0]", "[", ".[0"),
            ("a[]", "]", "[]"),
            ("a[-1]", "-", "[-1"),
            ("a[0]b", "b", "]b"),
            ("1a", "1", "1a"),
            ("(a)", "(", "(a"),
            ("size(a)", "(", "size(a"),
        ],
    );
}

#[test]
fn what_is_well_formed_is_understood() {
    let conditions = [
        "a=b",
        " a<>:v ",
        "a.b[1].#c >= :v",
        "NOT NOT NOT a = b",
        "not(a=b)and(not c=d)or e between f and g",
        "a in(b,:c,size(d))",
        "(a)between(((b.c)).d)and(c)",
        "((a))=((b))",
        "((a.b)[0].c) = b",
        "(f(x))",
        "((a = b) AND (c = d))",
        "f((a), (:b), g(h(i)))",
        "in_ = :v AND android = :v AND nothing = :v",
    ];
    for text in conditions {
        assert!(condition(text).is_ok(), "{text}");
    }
    let updates = [
        "set a=:v",
        "  SeT  a . b [ 2 ] = :v ",
        "SET a = b + c REMOVE d, e.f ADD g :h DELETE i :j, k :l",
        "SET a = ((b.c.d)+(e))",
        "SET a = (b - c), b = (:v)",
        "SET a = if_not_exists(b, list_append(:c, d)) - :e",
        "SET and = :v REMOVE between",
        "SET settings = :v, added = :w",
    ];
    for text in updates {
        assert!(update(text).is_ok(), "{text}");
    }
}

#[test]
fn comparisons_bind_before_not_before_and_before_or() {
    let shape = |text: &str| -> String {
        let tree = condition(text).unwrap();
        let mut shapes: Vec<String> = Vec::new();
        for node in &tree.nodes {
            shapes.push(match node {
                crate::ast::Node::Not(inner) => format!("!{}", shapes[*inner]),
                crate::ast::Node::And(one, two) => format!("({}&{})", shapes[*one], shapes[*two]),
                crate::ast::Node::Or(one, two) => format!("({}|{})", shapes[*one], shapes[*two]),
                _ => "t".to_owned(),
            });
        }
        shapes.pop().unwrap()
    };
    let cases = [
        ("a=b", "t"),
        ("a=b or c=d and e=f", "(t|(t&t))"),
        ("a=b and c=d or e=f", "((t&t)|t)"),
        ("a=b and c=d and e=f", "((t&t)&t)"),
        ("a=b and (c=d or e=f)", "(t&(t|t))"),
        ("not a=b and c=d", "(!t&t)"),
        ("not (a=b and c=d)", "!(t&t)"),
        ("not not a=b or not c=d", "(!!t|!t)"),
        ("a between b and c and d=e", "(t&t)"),
        ("a=b or not c in (d) and f(e) or g=h", "((t|(!t&t))|t)"),
        ("(a)=b and ((c)<(d) or f(a))", "(t&(t|t))"),
    ];
    for (text, expected) in cases {
        assert_eq!(shape(text), expected, "{text}");
    }
}

#[test]
fn redundant_parentheses_are_noticed() {
    let cases = [
        ("a=a and a > ((b))", true),
        ("(a)between(((b.c)).d)and(c)", true),
        ("f((:a), ((b)))", true),
        ("a=a AND ((a=a AND a=a)) AND a=a", true),
        ("a=a OR ((a=a OR (a=a OR a=a)))", true),
        ("((a = b))", true),
        ("((f(a)))", true),
        ("((a)) = b", true),
        ("(a = b)", false),
        ("((a = b) AND (c = d))", false),
        ("(a = b AND (c = d))", false),
        ("((a = b) OR c = d)", false),
        ("((a) = (b))", false),
        ("(NOT (a = b))", false),
        ("((a.b).c) = d", false),
        ("(f((a)))", false),
    ];
    for (text, expected) in cases {
        assert_eq!(condition(text).unwrap().style.has_redundant_parentheses, expected, "{text}");
    }
    let updates = [
        ("SET a = (b)", false),
        ("SET a = ((b)+(c))", false),
        ("SET a = ((b + c))", true),
        ("SET a = ((b)) + c", true),
        ("SET a = b + ((c))", true),
    ];
    for (text, expected) in updates {
        assert_eq!(update(text).unwrap().style.has_redundant_parentheses, expected, "{text}");
    }
}

#[test]
fn nothing_hostile_overflows_a_stack() {
    let deep = |open: &str, middle: &str, close: &str, depth: usize| {
        format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
    };
    let texts = [
        "(".repeat(4096),
        ")".repeat(4096),
        "NOT ".repeat(1024),
        deep("(", "a=b", ")", 2046),
        deep("not ", "a=b", "", 1000),
        deep("a=b and (", "a=b", ")", 400),
        deep("a=b or ", "a=b", "", 580),
        deep("f(", "a", ")", 1300),
        format!("a = {}", deep("(", "b", ")", 2000)),
        format!("a = {}", deep("size(", "b", ")", 680)),
        format!("a{} = b", "[0]".repeat(1300)),
        format!("a{} = b", ".b".repeat(2000)),
        format!("SET a = {}", deep("(", "b", ")", 2000)),
        format!("SET a = {}", deep("if_not_exists(a,", "b", ")", 230)),
        format!("SET a = {}", deep("list_append(a,", "b", ")", 260)),
        "a,".repeat(2048),
        "SET ".repeat(1024),
        "a=b,".repeat(1024),
    ];
    for text in texts {
        assert!(text.len() <= EXPRESSION_BYTES_MAX, "{}", text.len());
        // A thread of this size would not survive recursion.
        let parse = move || {
            drop(condition(&text));
            drop(update(&text));
            drop(projection(&text));
        };
        std::thread::Builder::new().stack_size(128 * 1024).spawn(parse).unwrap().join().unwrap();
    }
}

#[test]
fn length_is_asked_before_anything_else() {
    for text in ["(".repeat(4097), "x".repeat(1_000_000), "é".repeat(2049)] {
        let expected = Some(Fault::TooLong { bytes: text.len() });
        assert_eq!(condition(&text).err(), expected);
        assert_eq!(update(&text).err(), Some(Fault::UpdateTooLong));
        assert_eq!(projection(&text).err(), expected);
    }
    assert!(projection(&"x".repeat(4096)).is_ok());
    assert_eq!(condition("").err(), Some(Fault::Empty));
}

proptest! {
    #[test]
    fn no_text_does_harm(text in "[ab#:_.,\\[\\]()=<>+-0-9 é]{0,60}") {
        let _ = condition(&text);
        let _ = update(&text);
        let _ = projection(&text);
    }

    #[test]
    fn no_words_do_harm(
        words in proptest::collection::vec(
            prop_oneof![
                Just("SET"), Just("REMOVE"), Just("ADD"), Just("AND"), Just("OR"), Just("NOT"),
                Just("BETWEEN"), Just("IN"), Just("("), Just(")"),
                Just(","), Just("="), Just("<"), Just("+"), Just("a"),
                Just("#b"), Just(":c"), Just("f("), Just("size("), Just("[0]"), Just(".d"), Just("!"),
            ],
            0..40,
        ),
    ) {
        let text = words.join(" ");
        let _ = condition(&text);
        let _ = update(&format!("SET a = {text}"));
        let _ = projection(&text);
    }
}
