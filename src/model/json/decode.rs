//! JSON to values.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::limits::NESTING_LEVELS_MAX;
use crate::{AttributeValue, Item, Number};

/// Says where, not what: the text of an item never reaches a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not strict DynamoDB JSON at line {line}, column {column}")]
pub struct JsonError {
    line: usize,
    column: usize,
}

pub fn item_from_slice(json: &[u8]) -> Result<Item, JsonError> {
    Ok(serde_json::from_slice(json)?)
}

pub fn value_from_str(json: &str) -> Result<AttributeValue, JsonError> {
    Ok(serde_json::from_str(json)?)
}

/// Would every origin give this item back just as it is written here? Only then may a PutItem leave its image
/// in the cache. Not settled are numbers in another than their canonical form, or so large or small that an
/// origin may prefer an exponent, and sets with an order to lose.
pub fn is_settled_form(item: &str) -> bool {
    let settled = Cell::new(true);
    let mut deserializer = serde_json::Deserializer::from_str(item);
    let read = Reading { settled: Some(&settled), ..Reading::START }.item(&mut deserializer);
    read.and_then(|_item| deserializer.end()).is_ok() && settled.get()
}

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> JsonError {
        JsonError { line: error.line(), column: error.column() }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Item, D::Error> {
        Reading::START.item(deserializer)
    }
}

impl<'de> Deserialize<'de> for AttributeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AttributeValue, D::Error> {
        Reading::START.deserialize(deserializer)
    }
}

/// Where a reader stands.
#[derive(Clone, Copy)]
struct Reading<'a> {
    /// An attribute's value is at level 1, what is in a list or map one below it.
    level: usize,
    /// If somebody wants to know: was all that was read so far in settled form?
    settled: Option<&'a Cell<bool>>,
}

#[derive(serde::Deserialize)]
#[serde(field_identifier, rename_all = "UPPERCASE")]
enum Kind {
    S,
    N,
    B,
    Bool,
    Null,
    L,
    M,
    Ss,
    Ns,
    Bs,
}

/// Borrowed from the input unless it was written with escapes.
#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Reading<'_> {
    const START: Self = Reading { level: 1, settled: None };

    fn item<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        deserializer.deserialize_map(ItemVisitor(self))
    }

    /// Keeps hostile documents off the stack, well before serde_json's own limit of 128 JSON levels.
    ///
    /// DynamoDB: a value inside of 31 maps was seen accepted, one inside of 32 refused.
    fn inside<E: Error>(self) -> Result<Self, E> {
        match self.level {
            NESTING_LEVELS_MAX => Err(E::custom("nested too deeply")),
            level => Ok(Reading { level: level + 1, ..self }),
        }
    }

    fn member<'de, A: MapAccess<'de>>(self, object: &mut A, kind: Kind) -> Result<AttributeValue, A::Error> {
        Ok(match kind {
            Kind::S => AttributeValue::S(object.next_value()?),
            Kind::N => AttributeValue::N(self.number(object.next_value()?)?),
            Kind::B => AttributeValue::B(binary(object.next_value()?)?),
            Kind::Bool => AttributeValue::Bool(object.next_value()?),
            Kind::Null => match object.next_value()? {
                true => AttributeValue::Null,
                false => return Err(A::Error::custom("NULL must be true")),
            },
            Kind::L => AttributeValue::L(object.next_value_seed(ListSeed(self.inside()?))?),
            Kind::M => AttributeValue::M(object.next_value_seed(ItemSeed(self.inside()?))?),
            Kind::Ss => AttributeValue::Ss(self.set(object.next_value::<Vec<String>>()?, Ok)?),
            Kind::Ns => AttributeValue::Ns(self.set(object.next_value()?, |text| self.number(text))?),
            Kind::Bs => AttributeValue::Bs(self.set(object.next_value()?, binary)?),
        })
    }

    fn number<E: Error>(self, Text(text): Text<'_>) -> Result<Number, E> {
        let number = Number::parse(&text).map_err(E::custom)?;
        // Java's BigDecimal, which DynamoDB local is made of, writes an exponent below 1E-6.
        self.settle(|| (-6..38).contains(&number.magnitude()) && number.to_text() == text);
        Ok(number)
    }

    /// DynamoDB: keeps sets in an order of its own, whatever order they came in: strings and binaries by their bytes,
    /// numbers by value (conformance suite, "UpdateItem — ADD", October 2026).
    fn set<T, U: Ord, E: Error>(
        self,
        elements: Vec<T>,
        read: impl FnMut(T) -> Result<U, E>,
    ) -> Result<Vec<U>, E> {
        let mut elements = elements.into_iter().map(read).collect::<Result<Vec<U>, E>>()?;
        if elements.is_empty() {
            return Err(E::custom("empty set"));
        }
        elements.sort_unstable();
        if elements.windows(2).any(|two| two[0] == two[1]) {
            return Err(E::custom("duplicates in a set"));
        }
        self.settle(|| elements.len() == 1);
        Ok(elements)
    }

    fn settle(self, is_settled: impl FnOnce() -> bool) {
        if let Some(settled) = self.settled {
            settled.set(settled.get() && is_settled());
        }
    }
}

/// Padded and canonical: the engine refuses stray bits in the last character.
fn binary<E: Error>(Text(text): Text<'_>) -> Result<Bytes, E> {
    STANDARD.decode(text.as_bytes()).map(Bytes::from).map_err(|_| E::custom("not base64"))
}

impl<'de> DeserializeSeed<'de> for Reading<'_> {
    type Value = AttributeValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<AttributeValue, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reading<'_> {
    type Value = AttributeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an attribute value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<AttributeValue, A::Error> {
        let kind = object.next_key()?.ok_or_else(|| A::Error::custom("an attribute value without a type"))?;
        let value = self.member(&mut object, kind)?;
        match object.next_key::<Kind>()? {
            None => Ok(value),
            Some(_) => Err(A::Error::custom("an attribute value of two types")),
        }
    }
}

struct ItemSeed<'a>(Reading<'a>);

impl<'de> DeserializeSeed<'de> for ItemSeed<'_> {
    type Value = Item;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Item, D::Error> {
        self.0.item(deserializer)
    }
}

struct ItemVisitor<'a>(Reading<'a>);

impl<'de> Visitor<'de> for ItemVisitor<'_> {
    type Value = Item;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of attribute values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Item, A::Error> {
        let mut item = Item::new();
        while let Some(name) = object.next_key::<String>()? {
            if item.insert(name, object.next_value_seed(self.0)?).is_some() {
                return Err(A::Error::custom("duplicate attribute"));
            }
        }
        Ok(item)
    }
}

struct ListSeed<'a>(Reading<'a>);

impl<'de> DeserializeSeed<'de> for ListSeed<'_> {
    type Value = Vec<AttributeValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ListSeed<'_> {
    type Value = Vec<AttributeValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of attribute values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = sequence.next_element_seed(self.0)? {
            list.push(value);
        }
        Ok(list)
    }
}
