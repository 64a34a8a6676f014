//! Attribute values.

use bytes::Bytes;
use minicbor::Decoder;
use minicbor::data::Type;
use model::limits::NESTING_LEVELS_MAX;
use model::{AttributeValue, Item, Number};

use super::read::{for_each, text};
use super::{Budget, Malformed, Writer, number};

/// The tag of a set of strings.
pub const STRING_SET: u64 = 3321;
const NUMBER_SET: u64 = 3322;
const BINARY_SET: u64 = 3323;
/// More than DynamoDB has, so that it is DynamoDB's words that most clients hear.
const LEVELS_MAX: usize = 2 * NESTING_LEVELS_MAX;

/// Sets are sorted, as everywhere in `model`. That one is empty or holds something twice is for others to say.
///
/// # Errors
/// If no attribute value comes next, or the budget does not allow for it.
pub fn decode(decoder: &mut Decoder<'_>, budget: &mut Budget) -> Result<AttributeValue, Malformed> {
    decode_within(decoder, 0, budget)
}

/// `levels` lists and maps are around it.
fn decode_within(
    decoder: &mut Decoder<'_>,
    levels: usize,
    budget: &mut Budget,
) -> Result<AttributeValue, Malformed> {
    let leaf = match decoder.datatype()? {
        Type::String => AttributeValue::S(text(decoder)?.to_owned()),
        Type::Bytes => AttributeValue::B(Bytes::copy_from_slice(decoder.bytes()?)),
        Type::Bool => AttributeValue::Bool(decoder.bool()?),
        Type::Null => {
            decoder.null()?;
            AttributeValue::Null
        }
        Type::Array | Type::ArrayIndef => return decode_list(decoder, one_more(levels)?, budget),
        Type::Map | Type::MapIndef => {
            budget.container()?;
            return Ok(AttributeValue::M(decode_attributes(decoder, one_more(levels)?, budget)?));
        }
        Type::Tag => match decoder.tag()?.as_u64() {
            STRING_SET => {
                let member = |decoder: &mut Decoder<'_>| Ok(text(decoder)?.to_owned());
                return Ok(AttributeValue::Ss(set(decoder, budget, member, String::len)?));
            }
            // A number has a byte at least.
            NUMBER_SET => return Ok(AttributeValue::Ns(set(decoder, budget, number::decode, |_| 1)?)),
            BINARY_SET => {
                let member = |decoder: &mut Decoder<'_>| Ok(Bytes::copy_from_slice(decoder.bytes()?));
                return Ok(AttributeValue::Bs(set(decoder, budget, member, Bytes::len)?));
            }
            tag if number::is_number_tag(tag) => AttributeValue::N(number::decode_tagged(tag, decoder)?),
            _ => return Err(Malformed::WrongType),
        },
        _ => AttributeValue::N(number::decode(decoder)?),
    };
    budget.leaf(&leaf)?;
    Ok(leaf)
}

fn one_more(levels: usize) -> Result<usize, Malformed> {
    match levels {
        LEVELS_MAX.. => Err(Malformed::TooDeep { max: LEVELS_MAX }),
        _ => Ok(levels + 1),
    }
}

fn decode_list(
    decoder: &mut Decoder<'_>,
    levels: usize,
    budget: &mut Budget,
) -> Result<AttributeValue, Malformed> {
    budget.container()?;
    let length = decoder.array()?;
    // No capacity by a length that is merely claimed.
    let mut elements = Vec::new();
    for_each(decoder, length, |decoder| {
        budget.element(elements.len())?;
        elements.push(decode_within(decoder, levels, budget)?);
        Ok(())
    })?;
    Ok(AttributeValue::L(elements))
}

/// A map of attributes by name.
///
/// # Errors
/// If none comes next, or the budget does not allow for it.
pub fn decode_map(decoder: &mut Decoder<'_>, budget: &mut Budget) -> Result<Item, Malformed> {
    decode_attributes(decoder, 0, budget)
}

fn decode_attributes(
    decoder: &mut Decoder<'_>,
    levels: usize,
    budget: &mut Budget,
) -> Result<Item, Malformed> {
    let mut attributes = Item::new();
    let length = decoder.map()?;
    for_each(decoder, length, |decoder| {
        let name = text(decoder)?;
        budget.inner_name(attributes.len(), name)?;
        match attributes.insert(name, decode_within(decoder, levels, budget)?) {
            None => Ok(()),
            Some(_) => Err(Malformed::DuplicateAttribute),
        }
    })?;
    Ok(attributes)
}

fn set<T: Ord>(
    decoder: &mut Decoder<'_>,
    budget: &mut Budget,
    member: impl Fn(&mut Decoder<'_>) -> Result<T, Malformed>,
    size: impl Fn(&T) -> usize,
) -> Result<Vec<T>, Malformed> {
    budget.set::<T>()?;
    let length = decoder.array()?;
    let mut members = Vec::new();
    for_each(decoder, length, |decoder| {
        let one = member(decoder)?;
        budget.member::<T>(size(&one))?;
        members.push(one);
        Ok(())
    })?;
    members.sort_unstable();
    Ok(members)
}

/// As deep as the value, which came from somewhere that limits it.
pub fn encode(value: &AttributeValue, writer: &mut Writer) {
    match value {
        AttributeValue::S(text) => writer.text(text),
        AttributeValue::N(number) => number::encode(number, writer),
        AttributeValue::B(bytes) => writer.bytes(bytes),
        AttributeValue::Bool(value) => writer.bool(*value),
        AttributeValue::Null => writer.null(),
        AttributeValue::L(list) => {
            writer.array(list.len());
            list.iter().for_each(|element| encode(element, writer));
        }
        AttributeValue::M(map) => {
            writer.map(map.len());
            encode_attributes(map, writer);
        }
        AttributeValue::Ss(set) => {
            encode_set(STRING_SET, set, writer, |text, writer| writer.text(text));
        }
        AttributeValue::Ns(set) => {
            encode_set(NUMBER_SET, set, writer, |number: &Number, writer| number::encode(number, writer));
        }
        AttributeValue::Bs(set) => {
            encode_set(BINARY_SET, set, writer, |bytes, writer| writer.bytes(bytes));
        }
    }
}

/// Names and values, without what is around them.
pub(super) fn encode_attributes(attributes: &Item, writer: &mut Writer) {
    for (name, value) in attributes {
        writer.text(name);
        encode(value, writer);
    }
}

fn encode_set<T>(tag: u64, set: &[T], writer: &mut Writer, element: impl Fn(&T, &mut Writer)) {
    writer.tag(tag);
    writer.array(set.len());
    set.iter().for_each(|one| element(one, writer));
}

#[cfg(test)]
pub(crate) mod tests {
    use model::json::value_from_str;
    use proptest::collection::{btree_map, btree_set, vec};
    use proptest::prelude::*;

    use super::*;
    use crate::number::tests::any_number;
    use crate::testing::{hex, unhex};

    fn decoded(hex: &str) -> Result<AttributeValue, Malformed> {
        let bytes = unhex(hex);
        let mut decoder = Decoder::new(&bytes);
        let value = decode(&mut decoder, &mut Budget::of_request())?;
        crate::expect_end(&decoder)?;
        Ok(value)
    }

    fn encoded(value: &AttributeValue) -> String {
        let mut writer = Writer::new();
        encode(value, &mut writer);
        hex(&writer.into_bytes())
    }

    #[test]
    fn each_type_has_its_form() {
        let cases = [
            (r#"{"S":"hé"}"#, "6368c3a9"),
            (r#"{"S":""}"#, "60"),
            (r#"{"B":"AAE="}"#, "420001"),
            (r#"{"BOOL":true}"#, "f5"),
            (r#"{"BOOL":false}"#, "f4"),
            (r#"{"NULL":true}"#, "f6"),
            (r#"{"N":"1.5"}"#, "c482200f"),
            (r#"{"L":[{"N":"1"},{"L":[]}]}"#, "820180"),
            (r#"{"M":{"a":{"N":"-1"},"b":{"M":{}}}}"#, "a26161206162a0"),
            (r#"{"SS":["a","b"]}"#, "d90cf98261616162"),
            (r#"{"NS":["1","2.5"]}"#, "d90cfa8201c482201819"),
            (r#"{"BS":["AA==","AQ=="]}"#, "d90cfb8241004101"),
        ];
        for (json, hex) in cases {
            let value = value_from_str(json).unwrap();
            assert_eq!(encoded(&value), hex, "{json}");
            assert_eq!(decoded(hex), Ok(value), "{hex}");
        }
    }

    #[test]
    fn containers_may_end_with_a_break() {
        let list = value_from_str(r#"{"L":[{"N":"1"},{"M":{"a":{"NULL":true}}}]}"#).unwrap();
        assert_eq!(decoded("9f01bf6161f6ffff"), Ok(list));
    }

    #[test]
    fn sets_are_sorted_and_what_is_wrong_with_them_is_left_to_see() {
        let strings =
            |texts: &[&str]| AttributeValue::Ss(texts.iter().map(|&text| text.to_owned()).collect());
        let decoded = |hex| match decoded(hex) {
            Ok(AttributeValue::Ss(set)) => set,
            other => panic!("{other:?}"),
        };
        assert_eq!(AttributeValue::Ss(decoded("d90cf98261626161")), strings(&["a", "b"]));
        assert_eq!(decoded("d90cf98261626161"), ["a", "b"]);
        assert_eq!(decoded("d90cf98261616161"), ["a", "a"]);
        assert!(decoded("d90cf980").is_empty());
    }

    #[test]
    fn what_is_no_value_is_refused() {
        let cases = [
            ("", Malformed::Truncated),
            ("f7", Malformed::WrongType),
            ("f93c00", Malformed::WrongType),
            ("d90cf9820161", Malformed::WrongType),
            ("d90cf961", Malformed::WrongType),
            ("d90cfc01", Malformed::WrongType),
            ("a10101", Malformed::WrongType),
            ("a2616101616102", Malformed::DuplicateAttribute),
            ("61ff", Malformed::NotText),
            ("6261", Malformed::Truncated),
            ("9bffffffffffffffff01", Malformed::Truncated),
            ("bbffffffffffffffff616101", Malformed::Truncated),
            ("5bffffffffffffffff01", Malformed::Truncated),
            ("ff", Malformed::WrongType),
            ("0101", Malformed::Trailing),
        ];
        for (hex, expected) in cases {
            assert_eq!(decoded(hex), Err(expected), "{hex}");
        }
    }

    #[test]
    fn values_are_deep_up_to_a_limit() {
        let nested = |opening: &str, levels| format!("{}01", opening.repeat(levels));
        for opening in ["81", "a16161", "a160"] {
            assert!(decoded(&nested(opening, LEVELS_MAX)).is_ok());
            for levels in [LEVELS_MAX + 1, 100_000] {
                let expected = Err(Malformed::TooDeep { max: LEVELS_MAX });
                assert_eq!(decoded(&nested(opening, levels)), expected, "{opening}");
            }
        }
    }

    pub(crate) fn any_value() -> impl Strategy<Value = AttributeValue> {
        let binary = || vec(any::<u8>(), 0..5).prop_map(Bytes::from);
        let leaf = prop_oneof![
            ".{0,4}".prop_map(AttributeValue::S),
            any_number().prop_map(AttributeValue::N),
            binary().prop_map(AttributeValue::B),
            any::<bool>().prop_map(AttributeValue::Bool),
            Just(AttributeValue::Null),
            btree_set(".{0,4}", 1..4).prop_map(|set| AttributeValue::Ss(set.into_iter().collect())),
            btree_set(any_number(), 1..4).prop_map(|set| AttributeValue::Ns(set.into_iter().collect())),
            btree_set(binary(), 1..4).prop_map(|set| AttributeValue::Bs(set.into_iter().collect())),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(AttributeValue::L),
                btree_map(".{0,4}", inner, 0..4).prop_map(|map| AttributeValue::M(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_come_back(value in any_value()) {
            prop_assert_eq!(decoded(&encoded(&value)), Ok(value));
        }
    }
}
