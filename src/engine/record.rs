//! An item as the store keeps it: its size by DynamoDB's rule, then its DynamoDB JSON.
//!
//! JSON, since that is what nearly every reader sends on as it stands; the size, since every reader is charged
//! by it.

use bytes::Bytes;
use model::{
    Item,
    json::{item_from_slice, item_to_json},
};

use crate::EngineError;

/// The first byte of every record; another form of record gets another one.
const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 5;

/// A stored item, not looked into.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    bytes: Bytes,
}

impl Record {
    /// What to store of an item.
    pub(crate) fn encode(item: &Item) -> Vec<u8> {
        let size = u32::try_from(item.size()).expect("items have at most 400 KB");
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&size.to_be_bytes());
        item_to_json(item, &mut bytes);
        bytes
    }

    /// # Errors
    /// If it is none that this version wrote.
    pub(crate) fn decode(bytes: Bytes) -> Result<Record, EngineError> {
        match bytes.first() {
            Some(&FORMAT) if bytes.len() > HEAD_BYTES => Ok(Record { bytes }),
            _ => Err(EngineError::CorruptRecord),
        }
    }

    /// In bytes, by DynamoDB's rule.
    pub(crate) fn size(&self) -> usize {
        let size = self.bytes[1..HEAD_BYTES].try_into().expect("four bytes are four bytes");
        u32::from_be_bytes(size) as usize
    }

    pub(crate) fn json(&self) -> &[u8] {
        &self.bytes[HEAD_BYTES..]
    }

    /// # Errors
    /// If it holds no item.
    pub(crate) fn item(&self) -> Result<Item, EngineError> {
        item_from_slice(self.json()).map_err(|_| EngineError::CorruptRecord)
    }
}
