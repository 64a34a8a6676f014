//! Tables as `DescribeTable` and the like describe them.

use model::call::{
    AttributeDefinition, BillingMode, KeySchemaElement, OnDemandThroughput, Projection, StreamSpecification,
    TableClass, WarmThroughput,
};
use serde::Serialize;
use store::View;

use crate::{
    EngineError,
    statistics::{self, Statistics},
    table::{Index, IndexDefinition, IndexKind, Table, Throughput},
    warm,
};

/// `TableDescription`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableDescription<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    attribute_definitions: Option<&'a [AttributeDefinition]>,
    table_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_schema: Option<&'a [KeySchemaElement]>,
    table_status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    creation_date_time: Option<f64>,
    provisioned_throughput: ThroughputDescription,
    table_size_bytes: i64,
    item_count: i64,
    table_arn: &'a str,
    table_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_mode_summary: Option<BillingModeSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_throughput_mode_summary: Option<ThroughputModeSummary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    local_secondary_indexes: Vec<IndexDescription<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    global_secondary_indexes: Vec<IndexDescription<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_specification: Option<&'a StreamSpecification>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_stream_label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest_stream_arn: Option<String>,
    #[serde(rename = "SSEDescription", skip_serializing_if = "Option::is_none")]
    sse_description: Option<SseDescription<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_class_summary: Option<TableClassSummary>,
    deletion_protection_enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_demand_throughput: Option<OnDemandThroughput>,
    warm_throughput: WarmThroughputDescription,
}

/// `TableStatus` and `IndexStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Active,
    Creating,
    Deleting,
    Updating,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct IndexDescription<'a> {
    index_name: &'a str,
    key_schema: &'a [KeySchemaElement],
    projection: &'a Projection,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    backfilling: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioned_throughput: Option<ThroughputDescription>,
    index_size_bytes: i64,
    item_count: i64,
    index_arn: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_demand_throughput: Option<OnDemandThroughput>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warm_throughput: Option<WarmThroughputDescription>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ThroughputDescription {
    #[serde(skip_serializing_if = "Option::is_none")]
    last_increase_date_time: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_decrease_date_time: Option<f64>,
    number_of_decreases_today: u32,
    read_capacity_units: u64,
    write_capacity_units: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct BillingModeSummary {
    billing_mode: BillingMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_update_to_pay_per_request_date_time: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ThroughputModeSummary {
    table_throughput_mode: BillingMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_update_to_pay_per_request_date_time: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct SseDescription<'a> {
    status: &'static str,
    #[serde(rename = "SSEType")]
    sse_type: &'static str,
    #[serde(rename = "KMSMasterKeyArn", skip_serializing_if = "Option::is_none")]
    kms_master_key_arn: Option<&'a str>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct TableClassSummary {
    table_class: TableClass,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct WarmThroughputDescription {
    #[serde(flatten)]
    warm: WarmThroughput,
    status: Status,
}

/// A moment as the service writes it: seconds since the epoch, with milliseconds.
pub(crate) fn seconds(millis: u64) -> f64 {
    millis as f64 / 1000.0
}

/// Describes a table as it is; `status` is what it is said to be, `now` is in milliseconds since the epoch.
pub(crate) fn describe<'a>(
    view: &View,
    table: &'a Table,
    status: Status,
    now: u64,
) -> Result<TableDescription<'a>, EngineError> {
    let definition = &table.definition;
    let Statistics { items, bytes } = statistics::of(view, table.space)?;
    let is_on_demand = definition.billing_mode == BillingMode::PayPerRequest;
    let on_demand_since = definition.on_demand_since.map(seconds);
    let mut indexes = [Vec::new(), Vec::new()];
    // DynamoDB: of a table that is being deleted neither its form nor its indexes are told (ScyllaDB's
    // `test_delete_table_description`, which runs against the service as well).
    let is_told = status != Status::Deleting;
    for (index, of) in table.indexes.iter().zip(&definition.indexes).filter(|_| is_told) {
        let list = usize::from(index.kind == IndexKind::Global);
        indexes[list].push(describe_index(view, table, (index, of), status, now)?);
    }
    let [local_secondary_indexes, global_secondary_indexes] = indexes;
    let stream = definition.stream.as_ref();
    let enabled = stream.map(|stream| &stream.specification).filter(|stream| stream.stream_enabled);
    let is_encrypted = definition.sse.as_ref().filter(|sse| sse.enabled == Some(true));
    Ok(TableDescription {
        attribute_definitions: is_told.then_some(&definition.attribute_definitions),
        table_name: &definition.name,
        key_schema: is_told.then_some(&definition.key_schema),
        table_status: status,
        creation_date_time: is_told.then_some(seconds(definition.created_at)),
        provisioned_throughput: throughput(&definition.throughput, now),
        table_size_bytes: bytes,
        item_count: items,
        table_arn: &table.arn,
        table_id: &definition.id,
        // DynamoDB: said only of tables that are, or once were, billed by the request.
        billing_mode_summary: (is_on_demand || on_demand_since.is_some()).then_some(BillingModeSummary {
            billing_mode: definition.billing_mode,
            last_update_to_pay_per_request_date_time: on_demand_since,
        }),
        table_throughput_mode_summary: is_on_demand.then_some(ThroughputModeSummary {
            table_throughput_mode: definition.billing_mode,
            last_update_to_pay_per_request_date_time: on_demand_since,
        }),
        local_secondary_indexes,
        global_secondary_indexes,
        stream_specification: enabled,
        latest_stream_label: stream.map(|stream| stream.label.as_str()),
        latest_stream_arn: stream.map(|stream| format!("{}/stream/{}", table.arn, stream.label)),
        sse_description: is_encrypted.map(|sse| SseDescription {
            status: "ENABLED",
            sse_type: "KMS",
            kms_master_key_arn: sse.kms_master_key_id.as_deref(),
        }),
        table_class_summary: definition.class.map(|table_class| TableClassSummary { table_class }),
        deletion_protection_enabled: definition.is_protected,
        on_demand_throughput: bounds(definition.on_demand_throughput),
        warm_throughput: warm(definition.warm_throughput, definition.billing_mode, &definition.throughput),
    })
}

fn describe_index<'a>(
    view: &View,
    table: &'a Table,
    (index, definition): (&'a Index, &'a IndexDefinition),
    table_status: Status,
    now: u64,
) -> Result<IndexDescription<'a>, EngineError> {
    let Statistics { items, bytes } = statistics::of(view, index.space)?;
    let is_global = index.kind == IndexKind::Global;
    let status = match table_status {
        Status::Creating | Status::Deleting => table_status,
        Status::Active | Status::Updating if index.is_filled => Status::Active,
        Status::Active | Status::Updating => Status::Creating,
    };
    Ok(IndexDescription {
        index_name: &index.name,
        key_schema: &definition.key_schema,
        projection: &definition.projection,
        index_status: is_global.then_some(status),
        backfilling: (!index.is_filled).then_some(true),
        provisioned_throughput: is_global.then(|| throughput(&definition.throughput, now)),
        index_size_bytes: bytes,
        item_count: items,
        index_arn: format!("{}/index/{}", table.arn, index.name),
        on_demand_throughput: bounds(definition.on_demand_throughput),
        warm_throughput: is_global
            .then(|| warm(definition.warm_throughput, table.definition.billing_mode, &definition.throughput)),
    })
}

fn throughput(throughput: &Throughput, now: u64) -> ThroughputDescription {
    ThroughputDescription {
        last_increase_date_time: throughput.increased_at.map(seconds),
        last_decrease_date_time: throughput.decreased_at.map(seconds),
        number_of_decreases_today: throughput.decreases_today(now),
        read_capacity_units: throughput.provisioned.read_capacity_units,
        write_capacity_units: throughput.provisioned.write_capacity_units,
    }
}

/// DynamoDB: an object without members is as none.
fn bounds(bounds: Option<OnDemandThroughput>) -> Option<OnDemandThroughput> {
    bounds.filter(|bounds| *bounds != OnDemandThroughput::default())
}

fn warm(
    reached: Option<WarmThroughput>,
    mode: BillingMode,
    throughput: &Throughput,
) -> WarmThroughputDescription {
    let warm = warm::reached(reached, mode, throughput.provisioned);
    WarmThroughputDescription { warm, status: Status::Active }
}
