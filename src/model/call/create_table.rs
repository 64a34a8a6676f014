//! `CreateTable`.

use serde::Deserialize;

use super::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, LocalSecondaryIndex,
    OnDemandThroughput, Present, ProvisionedThroughput, SseSpecification, StreamSpecification, TableClass,
    Tag, WarmThroughput,
};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct CreateTable {
    /// Name or ARN.
    pub table_name: String,
    /// The types of all key attributes, the indexes' included.
    #[serde(default)]
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// The primary key.
    #[serde(default)]
    pub key_schema: Vec<KeySchemaElement>,
    /// Indexes within a partition.
    pub local_secondary_indexes: Option<Vec<LocalSecondaryIndex>>,
    /// Indexes over all partitions.
    pub global_secondary_indexes: Option<Vec<GlobalSecondaryIndex>>,
    /// How it is paid for. DynamoDB: `PROVISIONED` if it is not said.
    pub billing_mode: Option<BillingMode>,
    /// Capacity set aside; an admitted request that is not billed by the request has it.
    pub provisioned_throughput: Option<ProvisionedThroughput>,
    /// Whether it has a stream.
    pub stream_specification: Option<StreamSpecification>,
    /// Encryption at rest.
    #[serde(rename = "SSESpecification")]
    pub sse_specification: Option<SseSpecification>,
    /// Labels.
    pub tags: Option<Vec<Tag>>,
    /// Its class of storage.
    pub table_class: Option<TableClass>,
    /// Whether DeleteTable is refused.
    pub deletion_protection_enabled: Option<bool>,
    /// What it can take at once.
    pub warm_throughput: Option<WarmThroughput>,
    /// Who else may use it: a policy in JSON.
    pub resource_policy: Option<String>,
    /// Bounds of what it may consume.
    pub on_demand_throughput: Option<OnDemandThroughput>,
    /// A table of another account to be the replica of.
    #[serde(default)]
    pub global_table_source_arn: Present,
    /// Whether settings follow those of other replicas.
    #[serde(default)]
    pub global_table_settings_replication_mode: Present,
    /// Indexes over vectors.
    #[serde(default)]
    pub vector_indexes: Present,
}
