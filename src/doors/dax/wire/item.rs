//! What an item has besides its key: the number of a list of names, and the values in the list's order.

use minicbor::{Decoder, data::Type};
use model::{AttributeValue, Item, KeySchema, limits::ITEM_BYTES_MAX};

use super::read::{expect_end, for_each, text};
use super::{Budget, Malformed, Writer, value};

/// The list of no names at all, which nobody has to define.
pub const NO_ATTRIBUTES: i64 = 1;

/// An item without its key, before its list of names has a number.
#[derive(Debug, PartialEq, Eq)]
pub struct Values<'i> {
    /// In the order of their bytes.
    pub names: Vec<&'i str>,
    /// Without the number.
    pub bytes: Vec<u8>,
}

impl<'i> Values<'i> {
    /// Of a whole item, or of one that has no key attributes any more.
    pub fn of(item: &'i Item, schema: &KeySchema) -> Values<'i> {
        let mut names = Vec::new();
        let mut writer = Writer::new();
        for (name, value) in beside_key(item, schema) {
            names.push(name);
            value::encode(value, &mut writer);
        }
        Values { names, bytes: writer.into_bytes() }
    }

    /// The whole, once the list has a number.
    pub fn numbered(&self, list: i64) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.int(list);
        writer.raw(&self.bytes);
        writer.into_bytes()
    }
}

/// What an item has besides its key, in the order of the names' bytes.
pub fn beside_key<'i>(
    item: &'i Item,
    schema: &KeySchema,
) -> impl Iterator<Item = (&'i str, &'i AttributeValue)> {
    let is_key = |name: &str| schema.attributes().any(|attribute| attribute.name == name);
    item.iter().filter(move |(name, _value)| !is_key(name)).map(|(name, value)| (name.as_str(), value))
}

/// Writes a list of names, as [`decode_names`] reads it.
pub fn encode_names<S: AsRef<str>>(names: &[S], out: &mut Writer) {
    out.array(names.len());
    names.iter().for_each(|name| out.text(name.as_ref()));
}

/// A list of names. Each takes more to refer to than a short one takes to be sent, so there are no more of them than
/// bytes in an item.
///
/// # Errors
/// If there are no names, or more.
pub fn decode_names(bytes: &[u8]) -> Result<Vec<&str>, Malformed> {
    let mut decoder = Decoder::new(bytes);
    // DAX: the Java client sends them as a string set.
    if decoder.datatype()? == Type::Tag && decoder.tag()?.as_u64() != value::STRING_SET {
        return Err(Malformed::WrongType);
    }
    let mut names = Vec::new();
    let length = decoder.array()?;
    for_each(&mut decoder, length, |decoder| {
        if names.len() == ITEM_BYTES_MAX {
            return Err(Malformed::TooMany { max: ITEM_BYTES_MAX });
        }
        names.push(text(decoder)?);
        Ok(())
    })?;
    expect_end(&decoder)?;
    Ok(names)
}

/// Takes the number of the list off; the rest is for [`decode`].
///
/// # Errors
/// If there is none.
pub fn split_list(bytes: &[u8]) -> Result<(i64, &[u8]), Malformed> {
    let mut decoder = Decoder::new(bytes);
    let list = decoder.i64()?;
    Ok((list, &bytes[decoder.position()..]))
}

/// # Errors
/// If these are not as many values as the list has names, more than an item may have, or more than the budget has left;
/// or the list has a name twice.
pub fn decode(values: &[u8], names: &[impl AsRef<str>], budget: &mut Budget) -> Result<Item, Malformed> {
    let mut decoder = Decoder::new(values);
    let mut item = Item::new();
    let mut found = 0;
    budget.begin_item();
    while decoder.position() < values.len() {
        let name = names.get(found).map(AsRef::as_ref);
        budget.name(found, name.unwrap_or_default())?;
        let value = value::decode(&mut decoder, budget)?;
        if let Some(name) = name
            && item.insert(name, value).is_some()
        {
            return Err(Malformed::DuplicateAttribute);
        }
        found += 1;
    }
    match found == names.len() {
        true => Ok(item),
        false => Err(Malformed::ValueCount { values: found, names: names.len() }),
    }
}

/// What an update changed: values by their place in a list of names.
pub fn encode_changed<'v>(list: i64, values: impl Iterator<Item = (usize, &'v AttributeValue)>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.int(list);
    // Some clients understand no other length.
    writer.begin_map();
    for (place, value) in values {
        writer.int(place as i64);
        value::encode(value, &mut writer);
    }
    writer.end();
    writer.into_bytes()
}

/// What [`encode_changed`] writes behind the list's number.
///
/// # Errors
/// If this is something else, or the list has no such place.
pub fn decode_changed(bytes: &[u8], names: &[impl AsRef<str>]) -> Result<Item, Malformed> {
    let mut decoder = Decoder::new(bytes);
    let mut item = Item::new();
    let mut budget = Budget::of_request();
    let length = decoder.map()?;
    for_each(&mut decoder, length, |decoder| {
        let place = usize::try_from(decoder.u64()?).unwrap_or(usize::MAX);
        let value = value::decode(decoder, &mut budget)?;
        let out_of_range = Malformed::ValueCount { values: place.saturating_add(1), names: names.len() };
        item.insert(names.get(place).ok_or(out_of_range)?.as_ref(), value);
        Ok(())
    })?;
    expect_end(&decoder)?;
    Ok(item)
}

#[cfg(test)]
mod tests {
    use model::json::item_from_slice;
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{hex, unhex};
    use crate::value::tests::any_value;
    use crate::vectors::schema;

    fn item(json: &str) -> Item {
        item_from_slice(json.as_bytes()).unwrap()
    }

    #[test]
    fn keys_are_left_out_and_names_sorted_by_their_bytes() {
        let item = item(r#"{"h":{"S":"p"},"r":{"N":"1"},"é":{"N":"1"},"z":{"S":"a"},"B":{"NULL":true}}"#);
        let values = Values::of(&item, &schema("SN"));
        assert_eq!(values.names, ["B", "z", "é"]);
        assert_eq!(hex(&values.numbered(300)), "19012cf6616101");
        let keys = Item::from_iter([("h".to_owned(), item.get("h").unwrap().clone())]);
        let values = Values::of(&keys, &schema("SN"));
        assert_eq!((values.names.len(), hex(&values.numbered(NO_ATTRIBUTES))), (0, "01".to_owned()));
    }

    #[test]
    fn there_are_as_many_values_as_names() {
        let bytes = unhex("04 6161 01");
        let (list, values) = split_list(&bytes).unwrap();
        assert_eq!(list, 4);
        assert_eq!(
            decode(values, &["v", "w"], &mut Budget::of_request()),
            Ok(item(r#"{"v":{"S":"a"},"w":{"N":"1"}}"#))
        );
        for names in [&["v"][..], &["v", "w", "x"], &[]] {
            let expected = Err(Malformed::ValueCount { values: 2, names: names.len() });
            assert_eq!(decode(values, names, &mut Budget::of_request()), expected);
        }
        let twice = decode(values, &["v", "v"], &mut Budget::of_request());
        assert_eq!(twice, Err(Malformed::DuplicateAttribute));
        assert_eq!(decode(&values[..1], &["v"], &mut Budget::of_request()), Err(Malformed::Truncated));
        assert_eq!(decode(&[], &[""; 0], &mut Budget::of_request()), Ok(Item::new()));
        assert_eq!(split_list(&[]), Err(Malformed::Truncated));
        assert_eq!(split_list(b"\x61a"), Err(Malformed::WrongType));
    }

    #[test]
    fn names_are_an_array_or_a_set() {
        let mut written = Writer::new();
        encode_names(&["a", "é"], &mut written);
        assert_eq!(hex(&written.into_bytes()), "82616162c3a9");
        for bytes in ["82 6161 62c3a9", "9f 6161 62c3a9 ff", "d90cf9 82 6161 62c3a9"] {
            assert_eq!(decode_names(&unhex(bytes)), Ok(vec!["a", "é"]), "{bytes}");
        }
        let cases = [
            ("6161", Malformed::WrongType),
            ("8101", Malformed::WrongType),
            ("d90cfa80", Malformed::WrongType),
            ("8161ff", Malformed::NotText),
            ("826161", Malformed::Truncated),
            ("8000", Malformed::Trailing),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode_names(&unhex(bytes)), Err(expected), "{bytes}");
        }
        let many = [&[0x9a, 0, 6, 0x40, 1][..], &[0x60; ITEM_BYTES_MAX + 1]].concat();
        assert_eq!(decode_names(&many), Err(Malformed::TooMany { max: ITEM_BYTES_MAX }));
    }

    #[test]
    fn changes_are_known_by_their_place() {
        let changed = item(r#"{"a":{"N":"1"},"c":{"N":"2"}}"#);
        let values = [(0, changed.get("a").unwrap()), (2, changed.get("c").unwrap())];
        let bytes = encode_changed(6, values.into_iter());
        assert_eq!(hex(&bytes), "06bf00010202ff");
        assert_eq!(decode_changed(&bytes[1..], &["a", "b", "c"]), Ok(changed));
        let expected = Err(Malformed::ValueCount { values: 3, names: 2 });
        assert_eq!(decode_changed(&bytes[1..], &["a", "b"]), expected);
    }

    proptest! {
        #[test]
        fn items_come_back(attributes in btree_map(".{1,4}", any_value(), 0..5)) {
            let item: Item = attributes.into_iter().collect();
            let values = Values::of(&item, &schema("SN"));
            let mut expected = item.clone();
            expected.remove("h");
            expected.remove("r");
            prop_assert_eq!(decode(&values.bytes, &values.names, &mut Budget::of_request()), Ok(expected));
        }
    }
}
