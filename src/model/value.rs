//! Attribute values and items.

use std::collections::{BTreeMap, HashSet, btree_map};
use std::hash::Hash;

use bytes::Bytes;

use crate::Number;

/// One value of an attribute. Sets hold no duplicates when they come from `json`, and are sorted, as DynamoDB shows
/// them; for whether two are equal their order means nothing.
#[derive(Clone, Debug)]
pub enum AttributeValue {
    S(String),
    N(Number),
    B(Bytes),
    Bool(bool),
    Null,
    L(Vec<AttributeValue>),
    M(Item),
    Ss(Vec<String>),
    Ns(Vec<Number>),
    Bs(Vec<Bytes>),
}

/// Attributes by name: a whole item, a key, or the inside of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item(BTreeMap<String, AttributeValue>);

impl AttributeValue {
    /// The type's name as DynamoDB JSON writes it.
    pub fn type_name(&self) -> &'static str {
        match self {
            AttributeValue::S(_) => "S",
            AttributeValue::N(_) => "N",
            AttributeValue::B(_) => "B",
            AttributeValue::Bool(_) => "BOOL",
            AttributeValue::Null => "NULL",
            AttributeValue::L(_) => "L",
            AttributeValue::M(_) => "M",
            AttributeValue::Ss(_) => "SS",
            AttributeValue::Ns(_) => "NS",
            AttributeValue::Bs(_) => "BS",
        }
    }

    /// DynamoDB: developer guide, "DynamoDB item sizes and formats".
    pub fn size(&self) -> usize {
        match self {
            AttributeValue::S(text) => text.len(),
            AttributeValue::N(number) => number_size(number),
            AttributeValue::B(bytes) => bytes.len(),
            AttributeValue::Bool(_) | AttributeValue::Null => 1,
            AttributeValue::L(list) => {
                container_size(list.len()) + list.iter().map(Self::size).sum::<usize>()
            }
            AttributeValue::M(map) => container_size(map.len()) + map.size(),
            AttributeValue::Ss(set) => set.iter().map(String::len).sum(),
            AttributeValue::Ns(set) => set.iter().map(number_size).sum(),
            AttributeValue::Bs(set) => set.iter().map(Bytes::len).sum(),
        }
    }
}

/// A byte per two digits and one more, and another for the sign of a negative number.
///
/// DynamoDB: the developer guide says "approximately"; what stands on either side of the decimal point is paired
/// by itself, so 15 has 2 bytes and 1.5 has 3 (nubo-db/dynamodb-conformance, src/item-size.ts, measured in August
/// 2026).
fn number_size(number: &Number) -> usize {
    let (whole, fraction) = number.digits_around_point();
    1 + whole.div_ceil(2) + fraction.div_ceil(2) + usize::from(number.is_negative())
}

/// Three bytes for the list or map itself, one for each of its elements.
fn container_size(elements: usize) -> usize {
    3 + elements
}

impl PartialEq for AttributeValue {
    fn eq(&self, other: &AttributeValue) -> bool {
        match (self, other) {
            (AttributeValue::S(one), AttributeValue::S(two)) => one == two,
            (AttributeValue::N(one), AttributeValue::N(two)) => one == two,
            (AttributeValue::B(one), AttributeValue::B(two)) => one == two,
            (AttributeValue::Bool(one), AttributeValue::Bool(two)) => one == two,
            (AttributeValue::Null, AttributeValue::Null) => true,
            (AttributeValue::L(one), AttributeValue::L(two)) => one == two,
            (AttributeValue::M(one), AttributeValue::M(two)) => one == two,
            (AttributeValue::Ss(one), AttributeValue::Ss(two)) => are_equal_sets(one, two),
            (AttributeValue::Ns(one), AttributeValue::Ns(two)) => are_equal_sets(one, two),
            (AttributeValue::Bs(one), AttributeValue::Bs(two)) => are_equal_sets(one, two),
            _ => false,
        }
    }
}

impl Eq for AttributeValue {}

fn are_equal_sets<T: Eq + Hash>(one: &[T], two: &[T]) -> bool {
    one.len() == two.len() && one.iter().collect::<HashSet<_>>() == two.iter().collect::<HashSet<_>>()
}

impl Item {
    pub fn new() -> Item {
        Item::default()
    }

    pub fn get(&self, name: &str) -> Option<&AttributeValue> {
        self.0.get(name)
    }

    pub fn insert(&mut self, name: impl Into<String>, value: AttributeValue) -> Option<AttributeValue> {
        self.0.insert(name.into(), value)
    }

    pub fn remove(&mut self, name: &str) -> Option<AttributeValue> {
        self.0.remove(name)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order of the names' bytes.
    pub fn iter(&self) -> btree_map::Iter<'_, String, AttributeValue> {
        self.0.iter()
    }

    /// DynamoDB: names count as their UTF-8 bytes; this is what the 400 KB limit and capacity units measure.
    pub fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.size()).sum()
    }
}

impl FromIterator<(String, AttributeValue)> for Item {
    fn from_iter<I: IntoIterator<Item = (String, AttributeValue)>>(attributes: I) -> Item {
        Item(attributes.into_iter().collect())
    }
}

impl IntoIterator for Item {
    type Item = (String, AttributeValue);
    type IntoIter = btree_map::IntoIter<String, AttributeValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Item {
    type Item = (&'a String, &'a AttributeValue);
    type IntoIter = btree_map::Iter<'a, String, AttributeValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn sizes_follow_the_developer_guide() {
        use AttributeValue::*;
        let map = Item::from_iter([("ab".to_owned(), S("cde".to_owned()))]);
        let cases = [
            (S("é".to_owned()), 2),
            (S(String::new()), 0),
            (N(number("0")), 1),
            (N(number("7")), 2),
            (N(number("-7")), 3),
            (N(number("123")), 3),
            (N(number("100")), 2),
            (N(number("0.0000001")), 2),
            (N(number("-1e-130")), 3),
            (N(number("1e125")), 2),
            (N(number("15")), 2),
            (N(number("1.5")), 3),
            (N(number("0.15")), 2),
            (N(number("123456")), 4),
            (N(number("3.14159")), 5),
            (N(number("1010")), 3),
            (N(number("100.5")), 4),
            (N(number("12345678901234567890123456789012345678")), 20),
            (B(Bytes::from_static(b"abc")), 3),
            (Bool(false), 1),
            (Null, 1),
            (L(vec![]), 3),
            (L(vec![Null, Bool(true)]), 7),
            (M(Item::new()), 3),
            (M(map), 9),
            (Ss(vec!["ab".to_owned(), "c".to_owned()]), 3),
            (Ns(vec![number("1"), number("-1")]), 5),
            (Bs(vec![Bytes::from_static(b"ab")]), 2),
        ];
        for (value, expected) in cases {
            assert_eq!(value.size(), expected, "{value:?}");
            assert_eq!(Item::from_iter([("ñ".to_owned(), value)]).size(), expected + 2);
        }
    }

    #[test]
    fn sets_are_equal_in_any_order_and_lists_are_not() {
        use AttributeValue::*;
        let strings = |texts: [&str; 2]| texts.map(str::to_owned).to_vec();
        let numbers = |texts: [&str; 2]| texts.map(number).to_vec();
        let cases = [
            (Ss(strings(["a", "b"])), Ss(strings(["b", "a"])), true),
            (Ss(strings(["a", "b"])), Ss(strings(["a", "c"])), false),
            (Ss(vec!["a".to_owned()]), Ss(strings(["a", "b"])), false),
            (Ns(numbers(["1", "2"])), Ns(numbers(["2.0", "1e0"])), true),
            (L(vec![Null, Bool(true)]), L(vec![Bool(true), Null]), false),
            (N(number("1.0")), N(number("1")), true),
            (S("1".to_owned()), N(number("1")), false),
            (Null, Bool(true), false),
        ];
        for (one, two, expected) in cases {
            assert_eq!(one == two, expected, "{one:?} {two:?}");
            assert_eq!(two == one, expected, "{two:?} {one:?}");
        }
    }
}
