//! An item as a request puts it.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::limits::ITEM_BYTES_MAX;
use crate::{ApiError, Item, json};

/// An item to be put.
#[derive(Debug, Default)]
pub struct ItemToPut {
    /// What it consists of.
    pub attributes: Item,
    /// As the client wrote it, when a proxy decoded the request; the engine has no use for it.
    pub text: Option<Box<RawValue>>,
}

impl ItemToPut {
    /// An item that no client wrote in JSON; what is written of it is as DynamoDB would write it.
    pub fn new(attributes: Item) -> ItemToPut {
        let mut text = Vec::new();
        json::item_to_json(&attributes, &mut text);
        let text = String::from_utf8(text).ok().and_then(|text| RawValue::from_string(text).ok());
        ItemToPut { attributes, text }
    }

    /// DynamoDB: said before any condition is looked at. [`admit`](super::admit) asks, except for the puts of
    /// a transaction, whose turn comes after its expressions.
    ///
    /// # Errors
    /// That the item is too large.
    pub fn check_size(&self) -> Result<(), ApiError> {
        match self.attributes.size() <= ITEM_BYTES_MAX {
            true => Ok(()),
            false => Err(ApiError::validation("Item size has exceeded the maximum allowed size")),
        }
    }
}

/// From JSON, which is what a proxy decodes, with its text; from the engine's own form of a request without.
impl<'de> Deserialize<'de> for ItemToPut {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<ItemToPut, D::Error> {
        if !json.is_human_readable() {
            return Ok(ItemToPut { attributes: Item::deserialize(json)?, text: None });
        }
        let text = Box::<RawValue>::deserialize(json)?;
        let attributes = json::item_from_slice(text.get().as_bytes()).map_err(D::Error::custom)?;
        Ok(ItemToPut { attributes, text: Some(text) })
    }
}

/// As the client wrote it.
impl Serialize for ItemToPut {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.text {
            Some(text) => text.serialize(serializer),
            None => self.attributes.serialize(serializer),
        }
    }
}
