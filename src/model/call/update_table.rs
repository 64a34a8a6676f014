//! `UpdateTable`.

use serde::Deserialize;

use super::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, OnDemandThroughput, Present,
    ProvisionedThroughput, SseSpecification, StreamSpecification, TableClass, WarmThroughput,
};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct UpdateTable {
    /// Name or ARN.
    pub table_name: String,
    /// The types of the key attributes of a new index, at least.
    pub attribute_definitions: Option<Vec<AttributeDefinition>>,
    /// How it is to be paid for.
    pub billing_mode: Option<BillingMode>,
    /// Capacity to set aside.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// Indexes to create, change and drop.
    pub global_secondary_index_updates: Option<Vec<GlobalSecondaryIndexUpdate>>,
    /// Whether it is to have a stream.
    pub stream_specification: Option<StreamSpecification>,
    /// Encryption at rest.
    #[serde(rename = "SSESpecification")]
    pub sse_specification: Option<SseSpecification>,
    /// Its class of storage.
    pub table_class: Option<TableClass>,
    /// Whether DeleteTable is to be refused.
    pub deletion_protection_enabled: Option<bool>,
    /// Bounds of what it may consume.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// What it can take at once.
    pub warm_throughput: Option<WarmThroughput>,
    /// Replicas to create, change and drop.
    #[serde(default)]
    pub replica_updates: Present,
    /// Whether replicas agree before a write is acknowledged.
    #[serde(default)]
    pub multi_region_consistency: Present,
    /// A replica that only votes.
    #[serde(default)]
    pub global_table_witness_updates: Present,
    /// Whether settings follow those of other replicas.
    #[serde(default)]
    pub global_table_settings_replication_mode: Present,
    /// Whether replicas may be parted.
    #[serde(default)]
    pub disassociation_protection_enabled: Present,
    /// Indexes over vectors to create and drop.
    #[serde(default)]
    pub vector_index_updates: Present,
}

/// What to do to one index.
#[derive(Debug, Deserialize)]
pub enum GlobalSecondaryIndexUpdate {
    /// Creates it.
    Create(GlobalSecondaryIndex),
    /// Changes what it may consume.
    Update(UpdateGlobalSecondaryIndex),
    /// Drops it.
    Delete(DeleteGlobalSecondaryIndex),
}

/// A change of what an index may consume.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct UpdateGlobalSecondaryIndex {
    /// Which one.
    pub index_name: String,
    /// Capacity to set aside.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// Bounds of what it may consume.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// What it can take at once.
    pub warm_throughput: Option<WarmThroughput>,
}

/// An index to drop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeleteGlobalSecondaryIndex {
    /// Which one.
    pub index_name: String,
}

impl GlobalSecondaryIndexUpdate {
    /// Which index.
    pub fn index_name(&self) -> &str {
        match self {
            GlobalSecondaryIndexUpdate::Create(index) => &index.index_name,
            GlobalSecondaryIndexUpdate::Update(update) => &update.index_name,
            GlobalSecondaryIndexUpdate::Delete(delete) => &delete.index_name,
        }
    }
}
