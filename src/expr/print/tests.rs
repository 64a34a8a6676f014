//! What is printed is bound to the same again.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::ast::{Comparator, Sign};
use crate::condition::AttributeType;
use crate::path::PathTree;
use crate::testing::{bind, item, value};
use crate::update::Dialect;
use crate::{ComparisonOperator, ConditionalOperator, FilterCondition};

fn printed(bound: &Bound) -> Printed {
    bound.print().unwrap_or_else(|fault| panic!("{fault}: {bound:?}"))
}

#[test]
fn texts_are_short_and_say_the_same() {
    let values = r#"{":a":{"S":"x"},":n":{"N":"1"}}"#;
    let cases = [
        ("a = :a", "a=:0"),
        ("( a = :a )", "a=:0"),
        ("pk<>:a and NOT(b>=:n)", "pk<>:0 AND NOT b>=:1"),
        ("(a = :a OR b = :a) AND c = :a", "(a=:0 OR b=:0) AND c=:0"),
        ("a = :a OR (b = :a AND c = :a)", "a=:0 OR b=:0 AND c=:0"),
        ("(a = :a AND b = :a) AND c = :a", "a=:0 AND b=:0 AND c=:0"),
        ("a = :a AND (b = :a AND c = :a)", "a=:0 AND (b=:0 AND c=:0)"),
        ("a = :a OR (b = :a OR c = :a)", "a=:0 OR (b=:0 OR c=:0)"),
        ("NOT (a = :a AND NOT b = :a)", "NOT (a=:0 AND NOT b=:0)"),
        ("NOT (NOT (a = :a))", "NOT NOT a=:0"),
        ("size(a.b[3].c) BETWEEN :n AND size(b)", "size(a.b[3].c) BETWEEN :0 AND size(b)"),
        ("a IN (:a, b, size(c))", "a IN (:0,b,size(c))"),
        ("begins_with(a, :a) OR contains(:a, b)", "begins_with(a,:0) OR contains(:0,b)"),
        (
            "attribute_exists(lengthy) OR attribute_not_exists(lengthy.lengthy)",
            "attribute_exists(#0) OR attribute_not_exists(#0.#0)",
        ),
    ];
    for (text, expected) in cases {
        let used = crate::testing::values(values).into_iter().filter(|(key, _)| text.contains(key.as_str()));
        let used: Vec<_> = used.collect();
        let values = (!used.is_empty()).then_some(used.as_slice());
        let condition = Some(text);
        let bound = Expressions { condition, values, ..Expressions::default() }.bind().unwrap();
        let printed = printed(&bound);
        assert_eq!(printed.condition.as_deref(), Some(expected));
        assert_eq!(printed.expressions().bind().as_ref(), Ok(&bound), "{text}");
    }
}

#[test]
fn names_are_placeholders_unless_they_are_short() {
    let pairs = [("#a", "a.b"), ("#b", "IN"), ("#c", "_"), ("#d", "é"), ("#e", "name")];
    let request = Expressions { projection: Some("#a[1].#b,#c,#d,#e,x,yes.y"), ..Expressions::default() };
    let bound = bind(request, &pairs, "").unwrap();
    let printed = printed(&bound);
    assert_eq!(printed.projection.as_deref(), Some("#0,#1[1].#2,#3,x,#4.y,#5"));
    let names: Vec<&str> = printed.names.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["_", "a.b", "IN", "name", "yes", "é"]);
    assert_eq!(printed.expressions().bind(), Ok(bound));
}

#[test]
fn placeholders_are_as_short_as_they_can_be() {
    for (place, expected) in
        [(0, ":0"), (9, ":9"), (10, ":A"), (62, ":_"), (63, ":00"), (64, ":01"), (126, ":10")]
    {
        assert_eq!(placeholder(':', place), expected, "{place}");
    }
    let all: Vec<String> = (0..5000).map(|place| placeholder('#', place)).collect();
    let distinct: std::collections::HashSet<&String> = all.iter().collect();
    assert_eq!(distinct.len(), all.len());
    // As many as there are of one and of two characters.
    assert_eq!(all.iter().filter(|placeholder| placeholder.len() <= 3).count(), 63 + 63 * 63);
}

#[test]
fn the_expressions_of_a_request_share_their_placeholders() {
    let request = Expressions {
        condition: Some("attribute_exists(tally) AND tally > :n"),
        update: Some("ADD tally :n SET b = if_not_exists(tally, :n) - :n REMOVE c[0] DELETE d :s"),
        ..Expressions::default()
    };
    let bound = bind(request, &[], r#"{":n":{"N":"1"},":s":{"SS":["a"]}}"#).unwrap();
    let printed = printed(&bound);
    assert_eq!(printed.condition.as_deref(), Some("attribute_exists(#0) AND #0>:0"));
    let update = "ADD #0 :0 SET b=if_not_exists(#0,:0)-:0 REMOVE c[0] DELETE d :1";
    assert_eq!(printed.update.as_deref(), Some(update));
    assert_eq!(printed.names, [("#0".to_owned(), "tally".to_owned())]);
    let values = [(":0", r#"{"N":"1"}"#), (":1", r#"{"SS":["a"]}"#)];
    assert_eq!(printed.values, values.map(|(key, json)| (key.to_owned(), value(json))));
    assert_eq!(printed.expressions().bind(), Ok(bound));
}

#[test]
fn what_only_older_parameters_can_ask_is_refused_or_said_otherwise() {
    let asked = |operator, values: Vec<AttributeValue>| FilterCondition { operator, values };
    let text = AttributeValue::S("x".to_owned());
    let filter = Condition::from_filter(
        &[
            ("a.b".to_owned(), asked(ComparisonOperator::NotContains, vec![text.clone()])),
            ("c".to_owned(), asked(ComparisonOperator::Null, vec![])),
            ("d".to_owned(), asked(ComparisonOperator::In, vec![text.clone()])),
        ],
        Some(ConditionalOperator::Or),
    )
    .unwrap();
    let bound = Bound { filter: filter.clone(), ..Bound::default() };
    let printed = printed(&bound);
    let again = printed.expressions().bind().unwrap().filter.unwrap();
    let filter = filter.unwrap();
    for json in [
        r#"{"a.b":{"SS":["x"]},"c":{"N":"1"}}"#,
        r#"{"a.b":{"SS":["y"]},"c":{"N":"1"}}"#,
        r#"{"a.b":{"SS":["x"]}}"#,
        r#"{"a.b":{"SS":["x"]},"c":{"N":"1"},"d":{"S":"x"}}"#,
        "{}",
    ] {
        let item = item(json);
        assert_eq!(again.holds(&item), filter.holds(&item), "{json} {printed:?}");
    }
    let unequal = [("a".to_owned(), asked(ComparisonOperator::NotEqual, vec![text]))];
    let key_condition = KeyCondition::from_conditions(&unequal).ok();
    assert_eq!(Bound { key_condition, ..Bound::default() }.print(), Err(KeyFault::NotIndexable));
    let nothing = Update::from_attribute_updates(Vec::new()).ok();
    assert_eq!(Bound { update: nothing, ..Bound::default() }.print(), Ok(Printed::default()));
}

/// Short and long ones, reserved ones, and such as no expression could name.
fn any_name() -> impl Strategy<Value = String> {
    let odd =
        ["a", "b", "pk", "in", "NOT", "name", "size", "longer", "a.b", "#0", ":0", "_", "é", " ", "a[0]"];
    prop_oneof![select(odd.to_vec()).prop_map(str::to_owned), "[a-zA-Z0-9_.é-]{1,4}"]
}

/// In an attribute of this name, or anywhere.
fn any_path(attribute: Option<&'static str>) -> impl Strategy<Value = DocumentPath> {
    let step = prop_oneof![any_name().prop_map(Step::Member), (0u32..200).prop_map(Step::Index)];
    (any_name(), vec(step, 0..4))
        .prop_map(move |(name, inside)| DocumentPath::new(attribute.map_or(name, str::to_owned), inside))
}

fn any_value() -> impl Strategy<Value = Arc<AttributeValue>> {
    select([r#"{"N":"1"}"#, r#"{"N":"-2.5"}"#, r#"{"N":"1e100"}"#].as_slice())
        .prop_map(|json| Arc::new(value(json)))
}

fn any_source() -> impl Strategy<Value = Source> {
    prop_oneof![any_path(None).prop_map(Source::Path), any_value().prop_map(Source::Value)]
}

fn any_operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        any_source().prop_map(Operand::Source),
        any_path(None).prop_map(|path| Operand::Size(Source::Path(path))),
    ]
}

fn any_test() -> impl Strategy<Value = Test> {
    let comparators = [
        Comparator::Equal,
        Comparator::NotEqual,
        Comparator::Less,
        Comparator::AtMost,
        Comparator::More,
        Comparator::AtLeast,
    ];
    // What is first is in an attribute that the others are not in, for operands have to differ.
    let first = || any_path(Some("first")).prop_map(|path| Operand::Source(Source::Path(path)));
    let path = || any_path(None).prop_map(|path| Operand::Source(Source::Path(path)));
    prop_oneof![
        (select(comparators.to_vec()), first(), any_operand())
            .prop_map(|(comparator, one, two)| Test::Compare(comparator, one, two)),
        (first(), any_operand(), path()).prop_map(|(value, low, high)| Test::Between(value, low, high)),
        (first(), vec(any_operand(), 1..5)).prop_map(|(value, list)| Test::In(value, list)),
        any_path(None).prop_map(Test::Exists),
        any_path(None).prop_map(Test::NotExists),
        (any_operand(), select(["S", "BOOL", "NS"].as_slice()))
            .prop_map(|(operand, name)| Test::Type(operand, AttributeType::parse(name).unwrap())),
        (first(), path()).prop_map(|(text, prefix)| Test::BeginsWith(text, prefix)),
        (first(), any_operand()).prop_map(|(whole, part)| Test::Contains(whole, part)),
    ]
}

/// A condition that is not a list of rules yet.
#[derive(Clone, Debug)]
enum Tree {
    Test(Test),
    Not(Box<Tree>),
    All(Box<[Tree; 2]>),
    Any(Box<[Tree; 2]>),
}

impl Tree {
    /// Adds its rules in the order in which they are complete in a text; where the last one lies.
    fn add_to(self, rules: &mut Vec<Rule>) -> usize {
        let mut both = |both: Box<[Tree; 2]>| both.map(|tree| tree.add_to(rules)).to_vec();
        let rule = match self {
            Tree::Test(test) => Rule::Test(test),
            Tree::All(trees) => Rule::All(both(trees)),
            Tree::Any(trees) => Rule::Any(both(trees)),
            Tree::Not(tree) => Rule::Not(tree.add_to(rules)),
        };
        rules.push(rule);
        rules.len() - 1
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let tree = any_test().prop_map(Tree::Test).prop_recursive(6, 24, 2, |inner| {
        let both = || (inner.clone(), inner.clone()).prop_map(|(one, two)| Box::new([one, two]));
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Not(Box::new(tree))),
            both().prop_map(Tree::All),
            both().prop_map(Tree::Any),
        ]
    });
    tree.prop_map(|tree| {
        let mut rules = Vec::new();
        tree.add_to(&mut rules);
        Condition::new(rules)
    })
}

fn any_assigned() -> impl Strategy<Value = Assigned> {
    let leaf = || prop_oneof![any_path(None).prop_map(Assigned::Path), any_value().prop_map(Assigned::Value)];
    let call = leaf().prop_recursive(4, 8, 1, |inner| {
        (any_path(None), inner).prop_map(|(path, other)| Assigned::IfNotExists(path, Box::new(other)))
    });
    let path = || any_path(None).prop_map(Assigned::Path);
    let both = |one: BoxedStrategy<Assigned>, two: BoxedStrategy<Assigned>| {
        (one, two).prop_map(|(one, two)| Box::new([one, two]))
    };
    let sign = select([Sign::Plus, Sign::Minus].as_slice());
    prop_oneof![
        call.clone(),
        both(path().boxed(), path().boxed()).prop_map(Assigned::Joined),
        (sign, both(call.clone().boxed(), call.boxed())).prop_map(|(sign, both)| Assigned::Sum(sign, both)),
    ]
}

/// Actions of one section, on attributes that no other section has.
fn any_actions(section: Section) -> BoxedStrategy<Vec<(DocumentPath, Action)>> {
    let strings = Arc::new(value(r#"{"SS":["a","b"]}"#));
    let of = |section: &'static str, action: BoxedStrategy<Action>| {
        let inside = vec(any_name().prop_map(Step::Member), 0..3);
        let actions = vec((inside, action), 0..4);
        let named =
            move |(place, (inside, action))| (DocumentPath::new(format!("{section}{place}"), inside), action);
        actions.prop_map(move |actions| actions.into_iter().enumerate().map(named).collect()).boxed()
    };
    match section {
        Section::Set => of("s", any_assigned().prop_map(Action::Set).boxed()),
        Section::Remove => of("remove", Just(Action::Remove).boxed()),
        Section::Add => of("add", any_value().prop_map(Action::Add).boxed()),
        Section::Delete => of("delete", Just(Action::Delete(strings)).boxed()),
    }
}

fn any_update() -> impl Strategy<Value = Option<Update>> {
    let sections = vec![Section::Set, Section::Remove, Section::Add, Section::Delete];
    let order = Just(sections).prop_shuffle();
    let actions = order.prop_flat_map(|sections| sections.into_iter().map(any_actions).collect::<Vec<_>>());
    actions.prop_map(|sections| {
        let actions: Vec<_> = sections.into_iter().flatten().collect();
        let touched =
            PathTree::of(actions.iter().enumerate().map(|(place, (path, _))| (path, place))).unwrap();
        (!actions.is_empty()).then(|| Update::new(Dialect::Expression, actions, touched))
    })
}

fn any_key_condition() -> impl Strategy<Value = KeyCondition> {
    let test = prop_oneof![
        any_value().prop_map(KeyTest::Equal),
        any_value().prop_map(KeyTest::Less),
        any_value().prop_map(KeyTest::AtMost),
        any_value().prop_map(KeyTest::More),
        any_value().prop_map(KeyTest::AtLeast),
        any_value().prop_map(|value| KeyTest::Between(Arc::clone(&value), value)),
        Just(KeyTest::BeginsWith(Arc::new(AttributeValue::S("x".to_owned())))),
    ];
    proptest::collection::btree_map(any_name(), test, 1..8)
        .prop_map(|tests| KeyCondition::new(tests.into_iter().collect()))
}

fn any_projection() -> impl Strategy<Value = Option<Projection>> {
    vec(any_path(None), 1..8).prop_map(|paths| {
        // Paths that clash are no projection.
        let tree = PathTree::of(paths.iter().map(|path| (path, ())));
        tree.ok().map(Projection::new)
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_bound_to_the_same(
        condition in proptest::option::of(any_condition()),
        filter in proptest::option::of(any_condition()),
        key_condition in proptest::option::of(any_key_condition()),
        projection in any_projection(),
        update in any_update(),
    ) {
        let bound = Bound { condition, filter, key_condition, projection, update };
        let printed = bound.print().unwrap();
        prop_assert_eq!(printed.expressions().bind(), Ok(bound), "{:?}", printed);
    }

    /// A condition with a name of its own for each attribute, written as clients do.
    #[test]
    fn what_was_written_gets_no_longer(attributes in vec("[a-z]{1,9}", 2..40)) {
        let written: Vec<String> =
            attributes.iter().enumerate().map(|(place, name)| format!("{name}{place} = :value{place}")).collect();
        let text = written.join(" AND ");
        let values: Vec<_> = (0..attributes.len())
            .map(|place| (format!(":value{place}"), AttributeValue::N((place as u64).into())))
            .collect();
        let request = Expressions { filter: Some(&text), values: Some(&values), ..Expressions::default() };
        let bound = request.bind().unwrap();
        let printed = bound.print().unwrap();
        prop_assert!(printed.filter.as_ref().unwrap().len() <= text.len());
        prop_assert_eq!(printed.expressions().bind(), Ok(bound));
    }
}
