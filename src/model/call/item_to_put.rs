//! An item as a request puts it.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::value::RawValue;

use crate::{Item, json};

/// An item to be put.
#[derive(Debug)]
pub struct ItemToPut {
    /// What it consists of.
    pub attributes: Item,
    /// As the client wrote it, when a proxy decoded the request; the engine has no use for it.
    pub text: Option<Box<RawValue>>,
}

/// The proxy's reading, which keeps the text.
impl<'de> Deserialize<'de> for ItemToPut {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<ItemToPut, D::Error> {
        let text = Box::<RawValue>::deserialize(json)?;
        let attributes = json::item_from_slice(text.get().as_bytes()).map_err(D::Error::custom)?;
        Ok(ItemToPut { attributes, text: Some(text) })
    }
}
