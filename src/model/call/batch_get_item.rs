//! `BatchGetItem`.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Projecting, ReturnConsumedCapacity};
use crate::limits::BATCH_GET_KEYS_MAX;
use crate::{ApiError, Item, UniqueMap, json};

/// The request.
#[skip_serializing_none]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct BatchGetItem {
    /// Keys by table name or ARN.
    pub request_items: UniqueMap<KeysAndAttributes>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
}

impl BatchGetItem {
    /// That no key is asked for twice, and how many there are over all tables; to be asked once the
    /// projections are parsed, and before the tables are looked up.
    ///
    /// DynamoDB: both are said of keys as they are written, whatever the schema (dynalite).
    ///
    /// # Errors
    /// The first of both faults.
    pub fn check_keys(&self) -> Result<(), ApiError> {
        let mut count = 0;
        for (_, wanted) in &self.request_items {
            let mut seen: HashSet<Vec<u8>> = HashSet::new();
            for key in &wanted.keys {
                let mut written = Vec::new();
                json::item_to_json(key, &mut written);
                if !seen.insert(written) {
                    return Err(ApiError::validation("Provided list of item keys contains duplicates"));
                }
                count += 1;
                if count > BATCH_GET_KEYS_MAX {
                    return Err(ApiError::validation("Too many items requested for the BatchGetItem call"));
                }
            }
        }
        Ok(())
    }
}

/// What is wanted of one table, or is left to be asked for again.
#[skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct KeysAndAttributes {
    /// Whole primary keys.
    pub keys: Vec<Item>,
    /// Whether the answer must reflect every write acknowledged before.
    pub consistent_read: Option<bool>,
    /// Which parts of the items to return.
    pub projection_expression: Option<String>,
    /// Placeholders of the projection.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// The older way to name top-level attributes.
    pub attributes_to_get: Option<Vec<String>>,
}

impl KeysAndAttributes {
    /// Whether a strongly consistent read was asked for.
    pub fn is_strong(&self) -> bool {
        self.consistent_read == Some(true)
    }

    /// The same of other items.
    #[must_use]
    pub fn of(&self, keys: Vec<Item>) -> KeysAndAttributes {
        KeysAndAttributes { keys, ..self.clone() }
    }

    /// What it wants of the items.
    pub fn projecting(&self) -> Projecting<'_> {
        Projecting {
            expression: self.projection_expression.as_deref(),
            names: self.expression_attribute_names.as_ref(),
            attributes: self.attributes_to_get.as_deref(),
        }
    }
}
