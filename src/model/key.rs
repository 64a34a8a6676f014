//! Key schemas, and primary keys as canonical bytes whose order is DynamoDB's order.
//!
//! Components follow each other, each ending by itself, so that no key is a prefix of another:
//! - strings and binaries: their bytes, with 0x00 written as 0x00 0xFF, then 0x00 0x00;
//! - zero: 0x80; a positive number: 0x81, its magnitude, pairs of digits plus one, 0x00;
//! - a negative number: like its absolute value with every byte inverted, first byte 0x7E.
//!
//! A component's type is not written: the table's schema fixes it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::limits::{NUMBER_DIGITS_MAX, NUMBER_MAGNITUDE_MIN, PARTITION_KEY_BYTES_MAX, SORT_KEY_BYTES_MAX};
use crate::{AttributeValue, Item, Number};

/// What a key attribute may be. DynamoDB calls it a scalar attribute type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KeyType {
    S,
    N,
    B,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAttribute {
    pub name: String,
    pub key_type: KeyType,
}

/// The attributes of either part of a key, in their order: of a table or a local index one and at most one, of
/// a global index up to [`INDEX_KEY_ATTRIBUTES_MAX`](crate::limits::INDEX_KEY_ATTRIBUTES_MAX) each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySchema {
    /// At least one. What lies together is equal in all of them.
    pub partition: Vec<KeyAttribute>,
    /// Items are ordered by the first; by the next where that is equal, and so on.
    pub sort: Vec<KeyAttribute>,
}

/// Cheap to clone: guards, flights and cache entries share one.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PrimaryKey {
    bytes: Arc<[u8]>,
    partition_length: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("key attribute {name} is missing")]
    Missing { name: String },
    #[error("key attribute {name} has type {found}, not {expected:?}")]
    WrongType { name: String, expected: KeyType, found: &'static str },
    #[error("key attribute {name} is empty")]
    Empty { name: String, key_type: KeyType },
    #[error("key attribute {name} has {length} bytes, more than {max}")]
    TooLong { name: String, length: usize, max: usize },
    #[error("the key has {found} attributes, its schema {expected}")]
    OtherAttributes { found: usize, expected: usize },
}

impl KeyType {
    /// As DynamoDB JSON writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            KeyType::S => "S",
            KeyType::N => "N",
            KeyType::B => "B",
        }
    }
}

impl KeySchema {
    /// Partition key first.
    pub fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        self.partition.iter().chain(&self.sort)
    }

    /// The key of a whole item: other attributes are welcome.
    pub fn key_of_item(&self, item: &Item) -> Result<PrimaryKey, KeyError> {
        let mut bytes = Vec::new();
        encode_part(&self.partition, PARTITION_KEY_BYTES_MAX, item, &mut bytes)?;
        let partition_length = bytes.len();
        encode_part(&self.sort, SORT_KEY_BYTES_MAX, item, &mut bytes)?;
        Ok(PrimaryKey { bytes: bytes.into(), partition_length })
    }

    /// The key a request names: exactly the attributes of the schema.
    pub fn key_of_key_map(&self, key: &Item) -> Result<PrimaryKey, KeyError> {
        let primary_key = self.key_of_item(key)?;
        let expected = self.partition.len() + self.sort.len();
        match key.len() {
            found if found == expected => Ok(primary_key),
            found => Err(KeyError::OtherAttributes { found, expected }),
        }
    }
}

impl PrimaryKey {
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What all keys of one partition begin with, and no others.
    pub fn partition_bytes(&self) -> &[u8] {
        &self.bytes[..self.partition_length]
    }
}

impl std::fmt::Debug for PrimaryKey {
    /// Key values never reach a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrimaryKey({} bytes)", self.bytes.len())
    }
}

/// One part of a key.
///
/// DynamoDB: where a part has several attributes, the limit is taken to be that of all of them together, as the
/// message of the one for sort keys has it ("Aggregated size of all range keys").
fn encode_part(
    attributes: &[KeyAttribute],
    bytes_max: usize,
    item: &Item,
    out: &mut Vec<u8>,
) -> Result<(), KeyError> {
    let mut length = 0;
    for attribute in attributes {
        let (value, bytes) = checked_value(attribute, item)?;
        length += bytes;
        if length > bytes_max {
            return Err(KeyError::TooLong { name: attribute.name.clone(), length, max: bytes_max });
        }
        encode_component(value, out);
    }
    Ok(())
}

/// A value that suits its attribute, and its length in bytes.
fn checked_value<'a>(
    attribute: &KeyAttribute,
    item: &'a Item,
) -> Result<(&'a AttributeValue, usize), KeyError> {
    let name = || attribute.name.clone();
    let value = item.get(&attribute.name).ok_or_else(|| KeyError::Missing { name: name() })?;
    let length = match (attribute.key_type, value) {
        (KeyType::N, AttributeValue::N(_)) => value.size(),
        (KeyType::S, AttributeValue::S(text)) => text.len(),
        (KeyType::B, AttributeValue::B(bytes)) => bytes.len(),
        (expected, other) => {
            return Err(KeyError::WrongType { name: name(), expected, found: other.type_name() });
        }
    };
    match length {
        0 => Err(KeyError::Empty { name: name(), key_type: attribute.key_type }),
        length => Ok((value, length)),
    }
}

/// Writes one component, as it stands in a key. What is no scalar is no component, and writes nothing.
pub fn encode_component(value: &AttributeValue, out: &mut Vec<u8>) {
    match value {
        AttributeValue::N(number) => encode_number(number, out),
        _ => {
            encode_prefix(value, out);
            out.extend([0, 0]);
        }
    }
}

/// Writes what the components of all strings or binaries that begin with this one begin with.
pub fn encode_prefix(value: &AttributeValue, out: &mut Vec<u8>) {
    let bytes = match value {
        AttributeValue::S(text) => text.as_bytes(),
        AttributeValue::B(bytes) => bytes,
        _ => return,
    };
    for &byte in bytes {
        out.push(byte);
        if byte == 0 {
            out.push(0xFF);
        }
    }
}

fn encode_number(number: &Number, out: &mut Vec<u8>) {
    if number.is_zero() {
        return out.push(0x80);
    }
    let start = out.len();
    out.push(0x81);
    // -130..=125 becomes 0..=255.
    out.push((i64::from(number.magnitude()) - NUMBER_MAGNITUDE_MIN) as u8);
    encode_digit_pairs(number.left_aligned(), out);
    if number.is_negative() {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
}

/// From the most significant pair; plus one, so that the ending 0x00 sorts before any further pair.
fn encode_digit_pairs(mut digits: u128, out: &mut Vec<u8>) {
    let mut unit = 10u128.pow(NUMBER_DIGITS_MAX as u32 - 2);
    while digits > 0 {
        out.push((digits / unit) as u8 + 1);
        digits %= unit;
        unit /= 100;
    }
    out.push(0);
}

#[cfg(test)]
mod tests;
