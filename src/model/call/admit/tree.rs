//! A request's JSON, between its bytes and its type.

use std::collections::HashMap;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};

/// What lies deeper is skipped, not kept; serde_json itself would refuse one level more. The deepest value that any
/// request may have, inside of 32 lists or maps, lies far less deep.
///
/// DynamoDB: where what it says of values changes: an item's may still be inside of 61 maps, a transaction's inside of
/// 60 (conformance suite, "Nesting depth").
const LEVELS_MAX: usize = 127;

/// A JSON value. Within an object, names are unique.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Null,
    Bool(bool),
    Integer(i64),
    Decimal(f64),
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
    /// It was there, but too deep to be kept.
    TooDeep,
}

impl Tree {
    /// `None` if it is not JSON.
    pub(super) fn parse(body: &[u8]) -> Option<Tree> {
        let mut json = serde_json::Deserializer::from_slice(body);
        let tree = AtLevel(0).deserialize(&mut json).ok()?;
        json.end().is_ok().then_some(tree)
    }

    /// A member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Tree> {
        self.members().iter().find(|(each, _)| each == name).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Tree> {
        match self {
            Tree::Object(members) => {
                members.iter_mut().find(|(each, _)| each == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Tree::Object(members) = self {
            members.retain(|(each, _)| each != name);
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Of an object; none if it is none.
    pub(super) fn members(&self) -> &[(String, Tree)] {
        match self {
            Tree::Object(members) => members,
            _ => &[],
        }
    }

    /// Of a list; none if it is none.
    pub(super) fn elements(&self) -> &[Tree] {
        match self {
            Tree::List(elements) => elements,
            _ => &[],
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn integer(&self) -> Option<i64> {
        match self {
            Tree::Integer(integer) => Some(*integer),
            _ => None,
        }
    }
}

impl Tree {
    /// Whether something of it was too deep to be kept.
    pub(super) fn is_cut_off(&self) -> bool {
        match self {
            Tree::TooDeep => true,
            Tree::List(elements) => elements.iter().any(Tree::is_cut_off),
            Tree::Object(members) => members.iter().any(|(_, member)| member.is_cut_off()),
            _ => false,
        }
    }
}

struct AtLevel(usize);

impl<'de> DeserializeSeed<'de> for AtLevel {
    type Value = Tree;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Tree, D::Error> {
        match self.0 {
            // serde_json skips without recursion, however deep it gets.
            LEVELS_MAX => IgnoredAny::deserialize(json).map(|_| Tree::TooDeep),
            _ => json.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for AtLevel {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(i64::try_from(value).map_or(Tree::Decimal(value as f64), Tree::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(Tree::Decimal(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Tree, E> {
        Ok(Tree::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Tree, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(AtLevel(self.0 + 1))? {
            elements.push(element);
        }
        Ok(Tree::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Tree, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = object.next_key::<String>()? {
            members.push((name, object.next_value_seed(AtLevel(self.0 + 1))?));
        }
        Ok(Tree::Object(last_of_each(members)))
    }
}

/// Of members of one name the last, as a parser that fills in an object leaves it.
fn last_of_each(members: Vec<(String, Tree)>) -> Vec<(String, Tree)> {
    /// Up to here, comparing all with all is cheaper than hashing.
    const FEW: usize = 8;
    let has_duplicates = match members.len() {
        0..=FEW => (1..members.len()).any(|at| members[..at].iter().any(|one| one.0 == members[at].0)),
        _ => {
            let mut seen = std::collections::HashSet::new();
            !members.iter().all(|(name, _)| seen.insert(name))
        }
    };
    if !has_duplicates {
        return members;
    }
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut unique: Vec<(String, Tree)> = Vec::new();
    for (name, value) in members {
        match places.get(&name) {
            Some(&place) => unique[place].1 = value,
            None => {
                places.insert(name.clone(), unique.len());
                unique.push((name, value));
            }
        }
    }
    unique
}

/// That a tree does not have the type it was checked for.
pub(super) type TreeError = serde::de::value::Error;

impl<'de> IntoDeserializer<'de, TreeError> for Tree {
    type Deserializer = Tree;

    fn into_deserializer(self) -> Tree {
        self
    }
}

impl<'de> Deserializer<'de> for Tree {
    type Error = TreeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(value),
            Tree::Integer(value) => visitor.visit_i64(value),
            Tree::Decimal(value) => visitor.visit_f64(value),
            Tree::Text(text) => visitor.visit_string(text),
            Tree::List(elements) => visitor.visit_seq(SeqDeserializer::new(elements.into_iter())),
            Tree::Object(members) => visitor.visit_map(MapDeserializer::new(members.into_iter())),
            Tree::TooDeep => Err(TreeError::custom("nested too deeply")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        match self {
            Tree::Null => visitor.visit_none(),
            tree => visitor.visit_some(tree),
        }
    }

    /// A word of a closed set, or an object of one member that is named like a variant.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        match self {
            Tree::Text(text) => visitor.visit_enum(text.into_deserializer()),
            Tree::Object(members) if members.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(MapDeserializer::new(members.into_iter())))
            }
            _ => Err(TreeError::custom("not one of several")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, TreeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TreeError> {
        visitor.visit_unit()
    }

    /// A tree has no text of its own; see `ItemToPut`.
    fn is_human_readable(&self) -> bool {
        false
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier
    }
}
