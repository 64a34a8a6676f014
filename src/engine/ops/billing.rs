//! What `UpdateTable` changes of capacity and its bounds, of tables and of their global indexes.

use model::call::{
    BillingMode, OnDemandThroughput, ProvisionedThroughput, UpdateGlobalSecondaryIndex, UpdateTable,
};

use crate::{
    EngineError,
    table::{Definition, IndexDefinition, IndexKind, Throughput},
    warm,
};

/// Bounds that were changed one by one; `None` if nothing is bounded any more.
pub(super) fn bounded(
    known: Option<OnDemandThroughput>,
    wanted: OnDemandThroughput,
) -> Option<OnDemandThroughput> {
    let bounds = known.unwrap_or_default().with(wanted).without_removed();
    (bounds != OnDemandThroughput::default()).then_some(bounds)
}

/// What was reached before a change is not lost by it.
pub(super) fn keep_warm(definition: &mut Definition) {
    let mode = definition.billing_mode;
    let reached = |warm, throughput: &Throughput| Some(warm::reached(warm, mode, throughput.provisioned));
    definition.warm_throughput = reached(definition.warm_throughput, &definition.throughput);
    for index in definition.indexes.iter_mut().filter(|index| index.kind == IndexKind::Global) {
        index.warm_throughput = reached(index.warm_throughput, &index.throughput);
    }
}

/// How the table is billed, and for what.
pub(super) fn change_billing(
    definition: &mut Definition,
    now: u64,
    update: &UpdateTable,
) -> Result<(), EngineError> {
    let mode = update.billing_mode.unwrap_or(definition.billing_mode);
    let changes_mode = mode != definition.billing_mode;
    match (mode, update.provisioned_throughput) {
        (BillingMode::PayPerRequest, Some(_)) => {
            return Err(EngineError::validation(
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be \
                 specified when BillingMode is PAY_PER_REQUEST",
            ));
        }
        (BillingMode::PayPerRequest, None) if changes_mode => {
            definition.on_demand_since = Some(now);
            definition.throughput = Throughput::of(None);
            for index in &mut definition.indexes {
                index.throughput = Throughput::of(None);
            }
        }
        (BillingMode::Provisioned, None) if changes_mode => {
            return Err(EngineError::validation(
                "One or more parameter values were invalid: ProvisionedThroughput must be specified when \
                 BillingMode is PROVISIONED",
            ));
        }
        (BillingMode::Provisioned, Some(wanted)) => {
            let current = definition.throughput.provisioned;
            if current == wanted {
                return Err(unchanged(current, "the table", "the table"));
            }
            definition.throughput.set(wanted, now);
        }
        (_, None) => {}
    }
    // DynamoDB: the bounds of what was billed by the request go with it (dynoxide, captured in July 2026).
    if changes_mode && mode == BillingMode::Provisioned {
        definition.on_demand_throughput = None;
        definition.indexes.iter_mut().for_each(|index| index.on_demand_throughput = None);
    }
    definition.billing_mode = mode;
    Ok(())
}

/// DynamoDB: asking for what there is already is refused; `of` is `the table` or `the index NAME`.
fn unchanged(current: ProvisionedThroughput, of: &str, what: &str) -> EngineError {
    let ProvisionedThroughput { read_capacity_units: reads, write_capacity_units: writes } = current;
    EngineError::validation(format!(
        "The provisioned throughput for {of} will not change. The requested value equals the current value. Current \
         ReadCapacityUnits provisioned for {what}: {reads}. Requested ReadCapacityUnits: {reads}. Current \
         WriteCapacityUnits provisioned for {what}: {writes}. Requested WriteCapacityUnits: {writes}. Refer to the \
         Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
    ))
}

/// The capacity of a global index, in a table that is billed in `mode`.
pub(super) fn change_index(
    index: &mut IndexDefinition,
    mode: BillingMode,
    now: u64,
    update: &UpdateGlobalSecondaryIndex,
) -> Result<(), EngineError> {
    let name = &update.index_name;
    if let Some(wanted) = update.provisioned_throughput {
        if index.throughput.provisioned == wanted {
            return Err(unchanged(wanted, &format!("the index {name}"), "the index"));
        }
        index.throughput.set(wanted, now);
    }
    if let Some(bounds) = update.on_demand_throughput {
        bounds.check_billing(mode)?;
        bounds.check_update(&format!("index : {name}"))?;
        index.on_demand_throughput = bounded(index.on_demand_throughput, bounds);
    }
    let reached = warm::reached(index.warm_throughput, mode, index.throughput.provisioned);
    let raise = |wanted| warm::raise(reached, wanted, &format!("index {name}"));
    index.warm_throughput = Some(update.warm_throughput.map_or(Ok(reached), raise)?);
    Ok(())
}
