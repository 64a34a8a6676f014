//! Key bytes: canonical, ordered, and refused for what is no key.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;

fn schema(partition: KeyType, sort: Option<KeyType>) -> KeySchema {
    let attribute = |name: &str, key_type| KeyAttribute { name: name.to_owned(), key_type };
    let sort = sort.map(|key_type| attribute("s", key_type)).into_iter().collect();
    KeySchema { partition: vec![attribute("p", partition)], sort }
}

fn item<const N: usize>(attributes: [(&str, AttributeValue); N]) -> Item {
    attributes.map(|(name, value)| (name.to_owned(), value)).into_iter().collect()
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(text: &str) -> AttributeValue {
    AttributeValue::N(Number::parse(text).unwrap())
}

fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Bytes::copy_from_slice(bytes))
}

fn key(value: AttributeValue) -> PrimaryKey {
    let key_type = match value {
        AttributeValue::S(_) => KeyType::S,
        AttributeValue::N(_) => KeyType::N,
        _ => KeyType::B,
    };
    schema(key_type, None).key_of_item(&item([("p", value)])).unwrap()
}

#[test]
fn bytes_are_as_the_plate_says() {
    let cases: [(AttributeValue, &[u8]); 8] = [
        (text("ab"), b"ab\0\0"),
        (text("a\0b"), b"a\0\xFFb\0\0"),
        (binary(&[0, 0, 255]), &[0, 255, 0, 255, 255, 0, 0]),
        (number("0"), &[0x80]),
        (number("1"), &[0x81, 130, 11, 0]),
        (number("-1"), &[0x7E, !130, !11, 255]),
        (number("123.4"), &[0x81, 132, 13, 35, 0]),
        (number("1e-130"), &[0x81, 0, 11, 0]),
    ];
    for (value, expected) in cases {
        assert_eq!(key(value.clone()).as_bytes(), expected, "{value:?}");
    }
}

#[test]
fn equal_numbers_are_one_key() {
    for same in ["1", "1.0", "+1", "1e0", "10e-1", "0.1e1", "0001"] {
        assert_eq!(key(number(same)), key(number("1")), "{same}");
    }
    assert_eq!(key(number("-0")), key(number("0.0")));
}

#[test]
fn all_keys_of_a_partition_and_no_others_begin_with_its_bytes() {
    let schema = schema(KeyType::S, Some(KeyType::N));
    let key = |p, s| schema.key_of_item(&item([("p", text(p)), ("s", number(s))])).unwrap();
    let partition = key("a", "1");
    assert_eq!(partition.partition_bytes(), b"a\0\0");
    for (p, expected) in [("a", true), ("a\0", false), ("ab", false), ("b", false)] {
        assert_eq!(key(p, "-5").as_bytes().starts_with(partition.partition_bytes()), expected, "{p:?}");
    }
}

#[test]
fn a_key_map_has_the_schema_s_attributes_and_no_more() {
    let long = "x".repeat(SORT_KEY_BYTES_MAX + 1);
    let too_long = "x".repeat(PARTITION_KEY_BYTES_MAX + 1);
    let name = |name: &str| name.to_owned();
    let schema = schema(KeyType::S, Some(KeyType::S));
    let cases = [
        (item([("p", text("a")), ("s", text("b"))]), None),
        (item([("p", text(&long)), ("s", text("b"))]), None),
        (item([("p", text("a"))]), Some(KeyError::Missing { name: name("s") })),
        (item([("s", text("a"))]), Some(KeyError::Missing { name: name("p") })),
        (item([]), Some(KeyError::Missing { name: name("p") })),
        (
            item([("p", text("")), ("s", text("b"))]),
            Some(KeyError::Empty { name: name("p"), key_type: KeyType::S }),
        ),
        (
            item([("p", text("a")), ("s", text(""))]),
            Some(KeyError::Empty { name: name("s"), key_type: KeyType::S }),
        ),
        (
            item([("p", text("a")), ("s", text(&long))]),
            Some(KeyError::TooLong { name: name("s"), length: 1025, max: 1024 }),
        ),
        (
            item([("p", text(&too_long)), ("s", text("b"))]),
            Some(KeyError::TooLong { name: name("p"), length: 2049, max: 2048 }),
        ),
        (
            item([("p", number("1")), ("s", text("b"))]),
            Some(KeyError::WrongType { name: name("p"), expected: KeyType::S, found: "N" }),
        ),
        (
            item([("p", text("a")), ("s", text("b")), ("x", text("c"))]),
            Some(KeyError::OtherAttributes { found: 3, expected: 2 }),
        ),
    ];
    for (map, expected) in cases {
        assert_eq!(schema.key_of_key_map(&map).err(), expected, "{:?}", map.size());
    }
}

#[test]
fn the_attributes_of_a_part_have_one_limit_together() {
    let attribute = |name: &str| KeyAttribute { name: name.to_owned(), key_type: KeyType::S };
    let schema = KeySchema {
        partition: vec![attribute("p"), attribute("q")],
        sort: vec![attribute("s"), attribute("t")],
    };
    let key = |p, q, s, t| {
        let lengths = [("p", p), ("q", q), ("s", s), ("t", t)];
        schema.key_of_key_map(&item(lengths.map(|(name, length)| (name, text(&"x".repeat(length))))))
    };
    assert!(key(1, PARTITION_KEY_BYTES_MAX - 1, SORT_KEY_BYTES_MAX - 1, 1).is_ok());
    for (lengths, name, length, max) in [
        ((1, PARTITION_KEY_BYTES_MAX, 1, 1), "q", PARTITION_KEY_BYTES_MAX + 1, PARTITION_KEY_BYTES_MAX),
        ((1, 1, 2, SORT_KEY_BYTES_MAX), "t", SORT_KEY_BYTES_MAX + 2, SORT_KEY_BYTES_MAX),
    ] {
        let (p, q, s, t) = lengths;
        let too_long = KeyError::TooLong { name: name.to_owned(), length, max };
        assert_eq!(key(p, q, s, t), Err(too_long));
    }
}

#[test]
fn an_item_may_have_more_than_its_key() {
    let schema = schema(KeyType::N, None);
    let whole = item([("p", number("1")), ("x", AttributeValue::Null)]);
    assert_eq!(schema.key_of_item(&whole), schema.key_of_key_map(&item([("p", number("1.0"))])));
}

/// Many with few digits, so that equal and neighbouring ones occur.
fn any_number() -> impl Strategy<Value = Number> {
    let wide = ("-?[0-9]{1,38}", -120i32..87);
    let narrow = ("-?[0-9]{1,3}", -3i32..3);
    prop_oneof![
        wide.prop_map(|(digits, exponent)| Number::parse(&format!("{digits}e{exponent}")).unwrap()),
        narrow.prop_map(|(digits, exponent)| Number::parse(&format!("{digits}e{exponent}")).unwrap()),
    ]
}

proptest! {
    #[test]
    fn bytes_order_like_numbers(one in any_number(), two in any_number()) {
        let (x, y) = (key(AttributeValue::N(one)), key(AttributeValue::N(two)));
        prop_assert_eq!(x.cmp(&y), one.cmp(&two));
        prop_assert_eq!(x == y, one == two);
    }

    #[test]
    fn bytes_order_like_binaries(
        one in proptest::collection::vec(0u8..3, 1..5),
        two in proptest::collection::vec(0u8..3, 1..5),
    ) {
        prop_assert_eq!(key(binary(&one)).cmp(&key(binary(&two))), one.cmp(&two));
    }

    #[test]
    fn sort_keys_order_within_their_partition(
        one in any_number(),
        two in any_number(),
        a in "[\0a]{1,3}",
        b in "[\0a]{1,3}",
    ) {
        let schema = schema(KeyType::N, Some(KeyType::S));
        let key = |p, s: &str| {
            schema.key_of_item(&item([("p", AttributeValue::N(p)), ("s", text(s))])).unwrap()
        };
        prop_assert_eq!(key(one, &a).cmp(&key(two, &b)), one.cmp(&two).then(a.cmp(&b)));
        prop_assert_eq!(key(one, &a).partition_bytes() == key(two, &b).partition_bytes(), one == two);
    }

    #[test]
    fn the_attributes_of_a_part_order_from_left_to_right(
        numbers in proptest::array::uniform2(any_number()),
        texts in proptest::array::uniform2("[\0a]{1,3}"),
        binaries in proptest::array::uniform2(proptest::collection::vec(0u8..3, 1..5)),
    ) {
        let attribute = |name: &str, key_type| KeyAttribute { name: name.to_owned(), key_type };
        let schema = KeySchema {
            partition: vec![attribute("p", KeyType::S), attribute("q", KeyType::B)],
            sort: vec![attribute("s", KeyType::S), attribute("t", KeyType::N), attribute("u", KeyType::B)],
        };
        let key = |place: usize| {
            let (t, u) = (AttributeValue::N(numbers[place]), binary(&binaries[place]));
            let map = item([("p", text("p")), ("q", binary(b"q")), ("s", text(&texts[place])), ("t", t), ("u", u)]);
            schema.key_of_key_map(&map).unwrap()
        };
        let order = texts[0].cmp(&texts[1]).then(numbers[0].cmp(&numbers[1]));
        prop_assert_eq!(key(0).cmp(&key(1)), order.then(binaries[0].cmp(&binaries[1])));
        let key = key(0);
        prop_assert_eq!(key.partition_bytes(), b"p\0\0q\0\0");
    }
}
