//! Encoded expressions, theirs and ours.

use expr::{Bound, Expressions, Tree, Trees};
use model::AttributeValue;
use model::json::value_from_str;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::testing::{hex, unhex};
use crate::vectors::{ExpressionVector, vectors};
use crate::{Budget, Malformed};

/// The names and values that an expression of the fixture mentions.
type Pairs<T> = Vec<(String, T)>;

fn placeholders(vector: &ExpressionVector) -> (Pairs<String>, Pairs<AttributeValue>) {
    let value = |(key, json): (&String, &serde_json::Value)| {
        (key.clone(), value_from_str(&json.to_string()).unwrap())
    };
    (vector.names.clone().into_iter().collect(), vector.values.iter().map(value).collect())
}

/// One expression as what it is.
fn asked<'a>(
    kind: &str,
    text: &'a str,
    names: &'a [(String, String)],
    values: &'a [(String, AttributeValue)],
) -> Expressions<'a> {
    let mut expressions = Expressions {
        names: (!names.is_empty()).then_some(names),
        values: (!values.is_empty()).then_some(values),
        ..Expressions::default()
    };
    let place = match kind {
        "condition" => &mut expressions.condition,
        "filter" => &mut expressions.filter,
        "keycond" => &mut expressions.key_condition,
        "update" => &mut expressions.update,
        "projection" => &mut expressions.projection,
        other => panic!("no kind of expressions: {other}"),
    };
    *place = Some(text);
    expressions
}

fn decode_condition(bytes: &[u8]) -> Result<Tree, Malformed> {
    super::decode_condition(bytes, &mut Budget::of_request())
}

fn decode_update(bytes: &[u8]) -> Result<Tree, Malformed> {
    super::decode_update(bytes, &mut Budget::of_request())
}

fn decoded(kind: &str, bytes: &[u8]) -> Result<Trees, Malformed> {
    let mut trees = Trees::default();
    match kind {
        "condition" => trees.condition = Some(decode_condition(bytes)?),
        "filter" => trees.filter = Some(decode_condition(bytes)?),
        "keycond" => trees.key_condition = Some(decode_condition(bytes)?),
        "update" => trees.update = Some(decode_update(bytes)?),
        _ => trees.projection = Some(decode_projection(bytes)?),
    }
    Ok(trees)
}

fn encoded(trees: &Trees) -> Vec<u8> {
    let conditions = [&trees.condition, &trees.filter, &trees.key_condition];
    let condition = conditions.into_iter().flatten().map(encode_condition).next();
    condition
        .or_else(|| trees.update.as_ref().map(encode_update))
        .or_else(|| trees.projection.as_ref().map(encode_projection))
        .expect("there is an expression")
}

#[test]
fn text_becomes_what_clients_make_of_it_and_what_they_send_means_the_text() {
    let vectors = vectors().expressions;
    assert_eq!(vectors.len(), 41);
    for vector in &vectors {
        let (names, values) = placeholders(vector);
        let expressions = asked(&vector.kind, &vector.expression, &names, &values);
        assert_eq!(hex(&encoded(&expressions.trees().unwrap())), vector.encoded, "{}", vector.expression);
        let others = [&vector.python, &vector.js2, &vector.go2].into_iter().flatten();
        for sent in others.chain([&vector.encoded]) {
            let printed = decoded(&vector.kind, &unhex(sent)).unwrap().print();
            // Some are no expression that DynamoDB takes, with their placeholders' types: but both alike.
            assert_eq!(bound(&printed.expressions()), bound(&expressions), "{}: {sent}", vector.expression);
            assert_eq!(hex(&encoded(&printed.expressions().trees().unwrap())), vector.encoded);
        }
    }
}

fn bound(expressions: &Expressions<'_>) -> Result<Bound, String> {
    expressions.bind().map_err(|error| error.to_string())
}

#[test]
fn values_that_are_there_twice_are_one() {
    let trees =
        decoded("keycond", &unhex("83018306830082126161821100840982126162821101821102830101 02")).unwrap();
    let printed = trees.print();
    assert_eq!(printed.key_condition.as_deref(), Some("a=:0 AND b BETWEEN :0 AND :1"));
    assert_eq!(printed.values.len(), 2);
}

#[test]
fn what_is_no_expression_is_refused() {
    use Malformed::*;
    let cases = [
        ("", Truncated),
        ("80", Expression),
        ("8201820b82126161", Expression),
        ("8302820b8212616180", Expression),
        ("9f01820b8212616180ff", Expression),
        ("8301820b82126161", Truncated),
        ("8301820b821261618000", Trailing),
        ("830182181b8212616180", Opcode(27)),
        ("8301822082126161 80", Opcode(-1)),
        ("8301830b821261618212616180", Arity { opcode: 11, found: 2 }),
        ("830181 00 80", Arity { opcode: 0, found: 0 }),
        ("8301811280", Arity { opcode: 18, found: 0 }),
        ("83018311000080", Arity { opcode: 17, found: 2 }),
        ("8301820b82110180", ValueIndex { index: 1, values: 0 }),
        ("8301820b8211208101", WrongType),
        ("8301820b616180", WrongType),
        ("8301820b8212d90cfc0080", WrongType),
        ("8301820b83126161d90cfc2080", WrongType),
        ("8301820b8312616101 80", WrongType),
        ("8301830a821261618211008101", WrongType),
        ("8301820b8212616181f7", WrongType),
    ];
    for (bytes, expected) in cases {
        assert_eq!(decode_condition(&unhex(bytes)), Err(expected), "{bytes}");
    }
    assert_eq!(decode_projection(&unhex("8201818212616180")), Err(Trailing));
    assert_eq!(decode_projection(&unhex("83018182126161 80")), Err(Expression));
}

#[test]
fn what_dynamodb_refuses_is_let_pass_for_it_to_say() {
    let cases = [
        // A condition that compares conditions, an empty list, a function that is no condition, a path alone.
        ("83018300 8208820b82126161 820b82126161 80", "(NOT attribute_exists(a))=attribute_exists(a)"),
        ("8301830a821261618080", "a IN ()"),
        ("830182108212616180", "size(a)"),
        ("8301821261 6180", "a"),
        ("8301820b83126161d90cfc1b000000010000000080", "attribute_exists(a[4294967295])"),
    ];
    for (bytes, expected) in cases {
        let printed = decoded("condition", &unhex(bytes)).unwrap().print();
        assert_eq!(printed.condition.as_deref(), Some(expected));
        assert!(printed.expressions().bind().is_err(), "{printed:?}");
    }
}

#[test]
fn depth_and_width_have_a_limit_and_cost_no_stack() {
    let nested = |levels: usize| unhex(&format!("8301{}820b8212616180", "8208".repeat(levels)));
    let trees = decoded("condition", &nested(8000)).unwrap();
    assert!(trees.print().condition.unwrap().ends_with("NOT attribute_exists(a)"));
    assert_eq!(encoded(&trees), nested(8000));
    let expected = Err(Malformed::TooManyNodes { max: 8192 });
    assert_eq!(decode_condition(&nested(8192)), expected);
    let path = format!("8301820b99ffff126161{}80", "d90cfc00".repeat(65533));
    assert_eq!(decode_condition(&unhex(&path)), expected);
    let claims = [
        "8301830a821261619bffffffffffffffff",
        "83019bffffffffffffffff",
        "8301820b9bffffffffffffffff1261618080",
    ];
    for claim in claims {
        assert!(decode_condition(&unhex(claim)).is_err());
        assert!(decode_update(&unhex(claim)).is_err());
    }
}

#[test]
fn the_expressions_of_a_request_share_names() {
    let condition = decode_condition(&unhex("8301820b8212676d792e6e616d6580")).unwrap();
    let update = decode_update(&unhex("83018183138212676d792e6e616d658211008101")).unwrap();
    let trees = Trees { condition: Some(condition), update: Some(update), ..Trees::default() };
    let printed = trees.print();
    assert_eq!(printed.condition.as_deref(), Some("attribute_exists(#0)"));
    assert_eq!(printed.update.as_deref(), Some("SET #0=:0"));
    assert_eq!(printed.names, [("#0".to_owned(), "my.name".to_owned())]);
}

#[test]
fn a_projection_knows_its_paths() {
    let tree = decode_projection(&unhex("82018282126270 6b8412616cd90cfc02616b")).unwrap();
    let item =
        model::json::item_from_slice(br#"{"l":{"L":[{"N":"0"},{"N":"1"},{"M":{"k":{"S":"x"}}}]}}"#).unwrap();
    let found: Vec<_> = tree.paths().map(|path| path.find(&item).cloned()).collect();
    assert_eq!(found, [None, Some(AttributeValue::S("x".to_owned()))]);
}

proptest! {
    #[test]
    fn any_bytes_are_an_expression_or_none(bytes in vec(prop_oneof![0u8..27, 0x80u8..0x85, Just(0x61)], 0..40)) {
        let bytes = [&[0x83, 0x01][..], &bytes].concat();
        for read in [decode_condition, decode_update] {
            if let Ok(tree) = read(&bytes) {
                let _: String = Trees { condition: Some(tree), ..Trees::default() }.print().condition.unwrap();
            }
        }
    }
}
