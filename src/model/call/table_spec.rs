//! What a table is made of, as requests ask for it and descriptions give it back.

use serde::{Deserialize, Serialize};

use super::{KeyRole, ProjectionType, SseType, StreamViewType};
use crate::KeyType;

/// One attribute of a key, in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeySchemaElement {
    /// Which attribute.
    pub attribute_name: String,
    /// Of which part of the key it is.
    #[serde(rename = "KeyType")]
    pub role: KeyRole,
}

/// The type of an attribute that some key consists of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeDefinition {
    /// Which attribute.
    pub attribute_name: String,
    /// Its type.
    pub attribute_type: KeyType,
}

/// Which attributes an index holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Projection {
    /// All, some, or keys alone. Requests that were admitted have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub projection_type: Option<ProjectionType>,
    /// The named ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_key_attributes: Option<Vec<String>>,
}

/// A local secondary index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LocalSecondaryIndex {
    /// Its name.
    pub index_name: String,
    /// Its key: the table's partition key, and a sort key of its own.
    pub key_schema: Vec<KeySchemaElement>,
    /// What it holds.
    pub projection: Projection,
}

/// A global secondary index, or the request to create one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GlobalSecondaryIndex {
    /// Its name.
    pub index_name: String,
    /// Its key. DynamoDB: up to four attributes in either part, since November 2025.
    pub key_schema: Vec<KeySchemaElement>,
    /// What it holds.
    pub projection: Projection,
    /// Capacity set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// Bounds of what it may consume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// What it can take at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm_throughput: Option<WarmThroughput>,
}

/// Capacity set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProvisionedThroughput {
    /// For reads.
    pub read_capacity_units: u64,
    /// For writes.
    pub write_capacity_units: u64,
}

/// Bounds of what a table that is billed by the request may consume; -1 takes a bound away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OnDemandThroughput {
    /// Of reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_read_request_units: Option<i64>,
    /// Of writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_write_request_units: Option<i64>,
}

impl OnDemandThroughput {
    /// These bounds, or those of `newer` where it has some.
    #[must_use]
    pub fn with(self, newer: OnDemandThroughput) -> OnDemandThroughput {
        OnDemandThroughput {
            max_read_request_units: newer.max_read_request_units.or(self.max_read_request_units),
            max_write_request_units: newer.max_write_request_units.or(self.max_write_request_units),
        }
    }

    /// The bounds that are left once those of -1 are taken away.
    #[must_use]
    pub fn without_removed(self) -> OnDemandThroughput {
        let left = |bound: Option<i64>| bound.filter(|bound| *bound > 0);
        OnDemandThroughput {
            max_read_request_units: left(self.max_read_request_units),
            max_write_request_units: left(self.max_write_request_units),
        }
    }
}

/// What a table can take at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct WarmThroughput {
    /// Of reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_units_per_second: Option<i64>,
    /// Of writes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_units_per_second: Option<i64>,
}

/// Whether a table has a stream, and of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamSpecification {
    /// Whether there is one.
    pub stream_enabled: bool,
    /// What its records carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_view_type: Option<StreamViewType>,
}

/// Encryption at rest by a key of the customer's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SseSpecification {
    /// Whether by a key of the account's instead of the service's.
    #[serde(rename = "Enabled", skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// By what.
    #[serde(rename = "SSEType", skip_serializing_if = "Option::is_none")]
    pub sse_type: Option<SseType>,
    /// By which key.
    #[serde(rename = "KMSMasterKeyId", skip_serializing_if = "Option::is_none")]
    pub kms_master_key_id: Option<String>,
}

/// A label on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}
