//! Values to JSON.

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::{AttributeValue, Item, Number};

pub fn item_to_json(item: &Item, out: &mut Vec<u8>) {
    serde_json::to_writer(out, item).expect("memory takes every write, and the names are strings");
}

pub fn value_to_json(value: &AttributeValue, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("memory takes every write, and the names are strings");
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl Serialize for AttributeValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(1))?;
        let kind = self.type_name();
        match self {
            AttributeValue::S(text) => object.serialize_entry(kind, text)?,
            AttributeValue::N(number) => object.serialize_entry(kind, &Decimal(number))?,
            AttributeValue::B(bytes) => object.serialize_entry(kind, &Base64(bytes))?,
            AttributeValue::Bool(value) => object.serialize_entry(kind, value)?,
            AttributeValue::Null => object.serialize_entry(kind, &true)?,
            AttributeValue::L(list) => object.serialize_entry(kind, list)?,
            AttributeValue::M(map) => object.serialize_entry(kind, map)?,
            AttributeValue::Ss(set) => object.serialize_entry(kind, set)?,
            AttributeValue::Ns(set) => object.serialize_entry(kind, &Elements(set, Decimal))?,
            AttributeValue::Bs(set) => object.serialize_entry(kind, &Elements(set, Base64))?,
        }
        object.end()
    }
}

struct Decimal<'a>(&'a Number);

impl Serialize for Decimal<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self.0)
    }
}

struct Base64<'a>(&'a Bytes);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// A list whose elements are written in the given form.
struct Elements<'a, T, F>(&'a [T], fn(&'a T) -> F);

impl<T, F: Serialize> Serialize for Elements<'_, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}
