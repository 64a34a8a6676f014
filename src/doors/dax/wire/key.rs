//! Primary keys: one attribute raw, or one that ends by itself and one that has the rest.

use bytes::Bytes;
use minicbor::Decoder;
use model::{AttributeValue, Item, KeyAttribute, KeyError, KeySchema, KeyType};

use super::read::{expect_end, text};
use super::{Budget, Malformed, Writer, lex_decimal, number, value};

/// The key of an item or request in a table of this schema.
///
/// # Errors
/// If it has no such key. How long its attributes are does not matter here.
pub fn encode(schema: &KeySchema, item: &Item) -> Result<Vec<u8>, KeyError> {
    let mut writer = Writer::new();
    match (&schema.partition[0], schema.sort.first()) {
        (only, None) => match key_value(only, item)? {
            AttributeValue::N(number) => number::encode(number, &mut writer),
            other => writer.raw(raw(other)),
        },
        (partition, Some(sort)) => {
            value::encode(key_value(partition, item)?, &mut writer);
            match key_value(sort, item)? {
                AttributeValue::N(number) => writer.raw(&lex_decimal::encode(number)),
                other => writer.raw(raw(other)),
            }
        }
    }
    Ok(writer.into_bytes())
}

/// What suits the schema.
fn key_value<'i>(attribute: &KeyAttribute, item: &'i Item) -> Result<&'i AttributeValue, KeyError> {
    let KeyAttribute { name, key_type } = attribute;
    let value = item.get(name).ok_or_else(|| KeyError::Missing { name: name.clone() })?;
    match (key_type, value) {
        (KeyType::S, AttributeValue::S(_))
        | (KeyType::N, AttributeValue::N(_))
        | (KeyType::B, AttributeValue::B(_)) => Ok(value),
        _ => Err(KeyError::WrongType { name: name.clone(), expected: *key_type, found: value.type_name() }),
    }
}

/// Of a string or binary.
fn raw(value: &AttributeValue) -> &[u8] {
    match value {
        AttributeValue::S(text) => text.as_bytes(),
        AttributeValue::B(bytes) => bytes,
        _ => &[],
    }
}

/// # Errors
/// If this is no key of the schema.
pub fn decode(schema: &KeySchema, bytes: &[u8]) -> Result<Item, Malformed> {
    let (partition, sort) = (&schema.partition[0], schema.sort.first());
    let mut decoder = Decoder::new(bytes);
    let mut key = Item::new();
    let value = match (partition.key_type, sort) {
        (KeyType::N, _) => AttributeValue::N(number::decode(&mut decoder)?),
        (KeyType::S, Some(_)) => AttributeValue::S(text(&mut decoder)?.to_owned()),
        (KeyType::B, Some(_)) => AttributeValue::B(Bytes::copy_from_slice(decoder.bytes()?)),
        (raw_type, None) => {
            decoder.set_position(bytes.len());
            from_raw(raw_type, bytes)?
        }
    };
    key.insert(partition.name.as_str(), value);
    match sort {
        None => expect_end(&decoder)?,
        Some(sort) => {
            let rest = &bytes[decoder.position()..];
            key.insert(sort.name.as_str(), from_raw(sort.key_type, rest)?);
        }
    }
    Ok(key)
}

fn from_raw(key_type: KeyType, bytes: &[u8]) -> Result<AttributeValue, Malformed> {
    Ok(match key_type {
        KeyType::S => AttributeValue::S(str::from_utf8(bytes).map_err(|_| Malformed::NotText)?.to_owned()),
        KeyType::B => AttributeValue::B(Bytes::copy_from_slice(bytes)),
        KeyType::N => AttributeValue::N(lex_decimal::decode(bytes)?),
    })
}

/// The key of a page's last item where an index is read: its attributes by name.
pub fn encode_compound(key: &Item) -> Vec<u8> {
    let mut writer = Writer::new();
    // Some clients understand no other length.
    writer.begin_map();
    value::encode_attributes(key, &mut writer);
    writer.end();
    writer.into_bytes()
}

/// # Errors
/// If these are no attributes by name.
pub fn decode_compound(bytes: &[u8]) -> Result<Item, Malformed> {
    let mut decoder = Decoder::new(bytes);
    let key = value::decode_map(&mut decoder, &mut Budget::of_request())?;
    expect_end(&decoder)?;
    Ok(key)
}

#[cfg(test)]
pub(crate) mod tests {
    use model::json::item_from_slice;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::number::tests::any_number;
    use crate::testing::{hex, unhex};
    use crate::value::tests::any_value;
    use crate::vectors::schema;

    fn item(json: &str) -> Item {
        item_from_slice(json.as_bytes()).unwrap()
    }

    #[test]
    fn keys_are_as_short_as_their_schema_allows() {
        let cases = [
            ("S", r#"{"h":{"S":"a"}}"#, "61"),
            ("S", r#"{"h":{"S":""}}"#, ""),
            ("N", r#"{"h":{"N":"42"}}"#, "182a"),
            ("B", r#"{"h":{"B":"AAE="}}"#, "0001"),
            ("SS", r#"{"h":{"S":"p"},"r":{"S":"s/1"}}"#, "6170732f31"),
            ("SN", r#"{"h":{"S":"q"},"r":{"N":"1"}}"#, "6171c11c0000"),
            ("SB", r#"{"h":{"S":"q"},"r":{"B":"AP8="}}"#, "617100ff"),
            ("NN", r#"{"h":{"N":"5"},"r":{"N":"1700000000"}}"#, "05ca2d80c0300c0000"),
            ("BN", r#"{"h":{"B":"AA=="},"r":{"N":"0"}}"#, "410080"),
            ("NS", r#"{"h":{"N":"-1.5"},"r":{"S":"é"}}"#, "c482202ec3a9"),
        ];
        for (types, json, expected) in cases {
            let (schema, key) = (schema(types), item(json));
            assert_eq!(encode(&schema, &key).map(|key| hex(&key)), Ok(expected.to_owned()), "{json}");
            assert_eq!(decode(&schema, &unhex(expected)), Ok(key), "{json}");
        }
    }

    #[test]
    fn other_attributes_do_not_matter_and_wrong_ones_are_named() {
        let whole = item(r#"{"h":{"S":"p"},"r":{"N":"1"},"x":{"S":"x"}}"#);
        assert_eq!(hex(&encode(&schema("SN"), &whole).unwrap()), "6170c11c0000");
        assert!(matches!(encode(&schema("SB"), &whole), Err(KeyError::WrongType { found: "N", .. })));
        assert!(matches!(encode(&schema("SN"), &item(r#"{"h":{"S":"p"}}"#)), Err(KeyError::Missing { .. })));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let cases = [
            ("S", "ff", Malformed::NotText),
            ("N", "", Malformed::Truncated),
            ("N", "0101", Malformed::Trailing),
            ("N", "6131", Malformed::WrongType),
            ("SS", "01", Malformed::WrongType),
            ("SS", "6261", Malformed::Truncated),
            ("SS", "6161ff", Malformed::NotText),
            ("SN", "6161", Malformed::Truncated),
            ("SN", "6161ff", Malformed::LexDecimal),
            ("BS", "6161", Malformed::WrongType),
        ];
        for (types, bytes, expected) in cases {
            assert_eq!(decode(&schema(types), &unhex(bytes)), Err(expected), "{types} {bytes}");
        }
    }

    #[test]
    fn compound_keys_are_read_with_and_without_length() {
        let key = item(r#"{"a":{"S":"x"},"b":{"N":"1"}}"#);
        assert_eq!(hex(&encode_compound(&key)), "bf61616178616201ff");
        for bytes in ["bf61616178616201ff", "a261616178616201"] {
            assert_eq!(decode_compound(&unhex(bytes)), Ok(key.clone()));
        }
        assert_eq!(decode_compound(&unhex("a000")), Err(Malformed::Trailing));
        assert_eq!(decode_compound(&unhex("bf6161")), Err(Malformed::Truncated));
    }

    fn any_key_value() -> impl Strategy<Value = (&'static str, AttributeValue)> {
        prop_oneof![
            ".{0,6}".prop_map(|text| ("S", AttributeValue::S(text))),
            any_number().prop_map(|number| ("N", AttributeValue::N(number))),
            vec(any::<u8>(), 0..6).prop_map(|bytes| ("B", AttributeValue::B(bytes.into()))),
        ]
    }

    proptest! {
        #[test]
        fn keys_come_back(partition in any_key_value(), sort in proptest::option::of(any_key_value())) {
            let types = format!("{}{}", partition.0, sort.as_ref().map_or("", |sort| sort.0));
            let schema = schema(&types);
            let mut key = Item::new();
            key.insert("h", partition.1);
            if let Some((_type, sort)) = sort {
                key.insert("r", sort);
            }
            let bytes = encode(&schema, &key).unwrap();
            prop_assert_eq!(decode(&schema, &bytes), Ok(key));
        }

        #[test]
        fn compound_keys_come_back(one in any_value(), two in any_value()) {
            let key = Item::from_iter([("one".to_owned(), one), ("two".to_owned(), two)]);
            prop_assert_eq!(decode_compound(&encode_compound(&key)), Ok(key));
        }
    }
}
