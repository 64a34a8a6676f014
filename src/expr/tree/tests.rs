//! Trees say what text says.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::testing::{names, value, values};
use crate::{Expressions, Step};

fn path(name: &str) -> Node {
    Node::Path(DocumentPath::new(name.to_owned(), Vec::new()))
}

/// `a=b`, and what is made of several of them.
fn condition(build: impl FnOnce(&mut Tree, &mut dyn FnMut(&mut Tree) -> NodeId) -> Node) -> Tree {
    let mut tree = Tree::default();
    let mut test = |tree: &mut Tree| {
        let operands = vec![tree.add(path("a")), tree.add(path("b"))];
        tree.add(Node::Operation(Operator::Compare(Comparator::Equal), operands))
    };
    let root = build(&mut tree, &mut test);
    tree.add_root(root);
    tree
}

fn printed(condition: Tree) -> String {
    Trees { condition: Some(condition), ..Trees::default() }.print().condition.unwrap()
}

#[test]
fn parentheses_stand_only_where_something_else_would_be_said() {
    use Operator::{And, Compare, Not, Or};
    let nested = |outer: Operator, inner: Operator| {
        printed(condition(|tree, test| {
            let within = vec![test(tree), test(tree)];
            let within = tree.add(Node::Operation(inner, within));
            Node::Operation(outer, vec![test(tree), within])
        }))
    };
    assert_eq!(nested(And, And), "a=b AND a=b AND a=b");
    assert_eq!(nested(Or, Or), "a=b OR a=b OR a=b");
    assert_eq!(nested(Or, And), "a=b OR a=b AND a=b");
    assert_eq!(nested(And, Or), "a=b AND (a=b OR a=b)");
    // No condition at all, for DynamoDB to say so.
    assert_eq!(nested(Compare(Comparator::Less), Or), "(a=b)<(a=b OR a=b)");
    let negated = |inner: Operator| {
        printed(condition(|tree, test| {
            let within = vec![test(tree), test(tree)];
            let within = tree.add(Node::Operation(inner, within));
            let once = tree.add(Node::Operation(Not, vec![within]));
            Node::Operation(Not, vec![once])
        }))
    };
    assert_eq!(negated(And), "NOT NOT (a=b AND a=b)");
    let empty = printed(condition(|tree, _| Node::Operation(Operator::In, vec![tree.add(path("a"))])));
    assert_eq!(empty, "a IN ()");
}

#[test]
fn depth_costs_no_stack() {
    let deep = condition(|tree, test| {
        let mut root = test(tree);
        for _ in 0..100_000 {
            root = tree.add(Node::Operation(Operator::Not, vec![root]));
        }
        Node::Operation(Operator::Not, vec![root])
    });
    assert!(printed(deep).ends_with("NOT a=b"));
}

#[test]
fn actions_are_grouped_and_keep_their_order() {
    let text = "REMOVE a ADD b :n SET d=:s,e=if_not_exists(e,:n)-:n DELETE c :t";
    let values = values(r#"{":n":{"N":"1"},":s":{"S":"x"},":t":{"SS":["y"]}}"#);
    let expressions = Expressions { update: Some(text), values: Some(&values), ..Expressions::default() };
    let mut tree = expressions.trees().unwrap().update.unwrap();
    assert_eq!(tree.roots().len(), 5);
    tree.roots.swap(2, 0);
    let printed = Trees { update: Some(tree), ..Trees::default() }.print();
    let expected = "SET d=:0,e=if_not_exists(e,:1)-:1 ADD b :1 REMOVE a DELETE c :2";
    assert_eq!(printed.update.as_deref(), Some(expected));
    assert!(printed.expressions().bind().is_ok());
}

#[test]
fn expressions_of_one_request_share_their_placeholders() {
    let names = names(&[("#n", "name")]);
    let values = values(r#"{":a":{"N":"1"}}"#);
    let expressions = Expressions {
        key_condition: Some("lengthy = :a"),
        filter: Some("#n <> :a OR size(lengthy[3].x) > :a"),
        projection: Some("#n, lengthy, l[2].k"),
        names: Some(&names),
        values: Some(&values),
        ..Expressions::default()
    };
    let trees = expressions.trees().unwrap();
    let paths: Vec<_> = trees.projection.iter().flat_map(Tree::paths).cloned().collect();
    let inside = vec![Step::Index(2), Step::Member("k".to_owned())];
    assert_eq!(paths[2], DocumentPath::new("l".to_owned(), inside));
    let printed = trees.print();
    assert_eq!(printed.filter.as_deref(), Some("#0<>:0 OR size(#1[3].x)>:0"));
    assert_eq!(printed.key_condition.as_deref(), Some("#1=:0"));
    assert_eq!(printed.projection.as_deref(), Some("#0,#1,l[2].k"));
    assert_eq!(printed.expressions().bind(), expressions.bind());
}

#[test]
fn what_no_tree_can_say_is_an_error() {
    for (text, expected) in [
        ("a = ", "Syntax error"),
        ("foo(a)", "Invalid function name"),
        ("size(a, b) = a", "Incorrect number of operands"),
        ("a = :b", "not defined"),
        ("name = a", "reserved keyword"),
    ] {
        let error = Expressions { condition: Some(text), ..Expressions::default() }.trees().unwrap_err();
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

/// Text of conditions, some of which bind.
fn any_condition() -> impl Strategy<Value = String> {
    let operand = select(vec!["a", "b.c[1]", ":a", ":b", "size(d)", "lengthy"]);
    let test = (operand.clone(), select(vec!["=", "<>", "<", ">="]), operand.clone())
        .prop_map(|(one, comparator, two)| format!("{one} {comparator} {two}"));
    let function = select(vec![
        "attribute_exists(a)",
        "attribute_type(b, :t)",
        "begins_with(lengthy, :b)",
        "contains(a, :a)",
        "d BETWEEN :a AND b",
        "a IN (:a, :b, c)",
    ]);
    prop_oneof![test, function.prop_map(str::to_owned)].prop_recursive(4, 16, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("NOT ({inner})")),
            vec(inner.clone(), 2..4).prop_map(|inner| inner.join(" AND ")),
            vec(inner, 2).prop_map(|inner| format!("({} OR {})", inner[0], inner[1])),
        ]
    })
}

proptest! {
    #[test]
    fn conditions_keep_their_meaning(text in any_condition()) {
        let values = values(r#"{":a":{"N":"1"},":b":{"S":"x"},":t":{"S":"S"}}"#);
        let used: Vec<_> = values.into_iter().filter(|(key, _)| text.contains(key.as_str())).collect();
        let values = (!used.is_empty()).then_some(used.as_slice());
        let expressions = Expressions { condition: Some(&text), values, ..Expressions::default() };
        if let (Ok(bound), Ok(trees)) = (expressions.bind(), expressions.trees()) {
            let printed = trees.print();
            let again = printed.expressions().trees().unwrap();
            prop_assert_eq!(shape(&again), shape(&trees), "{}", printed.condition.unwrap());
            let again = printed.expressions().bind().unwrap();
            prop_assert_eq!(again.condition.is_some(), bound.condition.is_some());
        }
    }
}

/// What a condition says: that one AND stands in another makes no difference.
fn shape(trees: &Trees) -> String {
    let tree = trees.condition.as_ref().unwrap();
    let mut shape = String::new();
    shape_of(tree, tree.roots()[0], None, &mut shape);
    shape
}

fn shape_of(tree: &Tree, id: NodeId, within: Option<Operator>, shape: &mut String) {
    match tree.node(id) {
        Node::Operation(operator, operands) => {
            let is_part = within == Some(*operator) && matches!(operator, Operator::And | Operator::Or);
            let before = if is_part { String::new() } else { format!("{operator:?}(") };
            shape.push_str(&before);
            operands.iter().for_each(|&operand| shape_of(tree, operand, Some(*operator), shape));
            shape.push_str(if is_part { "" } else { ")" });
        }
        leaf => shape.push_str(&format!("{leaf:?},")),
    }
}

#[test]
fn one_value_has_one_placeholder() {
    let one = Arc::new(value(r#"{"N":"1"}"#));
    let mut tree = Tree::default();
    let operands = [Arc::clone(&one), one, Arc::new(value(r#"{"N":"1"}"#))];
    let operands = operands.map(|value| tree.add(Node::Value(value))).to_vec();
    tree.add_root(Node::Operation(Operator::Between, operands));
    assert_eq!(printed(tree), ":0 BETWEEN :0 AND :1");
}
