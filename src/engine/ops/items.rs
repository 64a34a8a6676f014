//! `GetItem`, `PutItem`, `UpdateItem`, `DeleteItem`.

use std::sync::Arc;

use expr::{Condition, Expressions, Projection, asked};
use model::{
    Item, PrimaryKey,
    call::{
        DeleteItem, GetItem, Projecting, PutItem, ReturnConsumedCapacity, ReturnItemCollectionMetrics,
        ReturnValues, ReturnValuesOnConditionCheckFailure, UpdateItem,
    },
};
use serde::Serialize;
use store::Transaction;

use super::checks;
use crate::{
    Core, EngineError,
    answer::{add_member, json, write_shown},
    capacity::{Consumed, ConsumedCapacity, Kind, Reading},
    error::item_key_fault,
    index, keys,
    record::Record,
    table::Table,
    write::{Action, Write, Written, check_updated_size},
};

/// The answer to a `GetItem`, but for the item.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

/// The answer to a write of one item.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wrote {
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_collection_metrics: Option<ItemCollectionMetrics>,
}

/// `ItemCollectionMetrics` in an answer.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ItemCollectionMetrics {
    item_collection_key: Item,
    #[serde(rename = "SizeEstimateRangeGB")]
    size_estimate_range_gb: [f64; 2],
}

impl Core {
    pub(crate) fn get_item(&self, get: &GetItem) -> Result<Vec<u8>, EngineError> {
        let projection = projection(get.projecting())?;
        let table = self.table(&get.table_name)?;
        let key = checks::key(&table, &get.key)?;
        check_projection(&table, projection.as_ref())?;
        let record = self.store.view().get(table.space, &keys::item_key(&key))?;
        let record = record.map(Record::decode).transpose()?;
        let reading = Reading::of(get.consistent_read);
        let consumed = Consumed::of_table(reading.units(record.as_ref().map_or(0, Record::size)));
        let consumed_capacity = consumed.told(table.name(), get.return_consumed_capacity, Kind::Plain);
        let mut answer = json(&Got { consumed_capacity });
        if let Some(record) = record {
            add_member(&mut answer, "Item", |out| write_shown(out, &record, projection.as_ref()))?;
        }
        Ok(answer)
    }

    pub(crate) async fn put_item(&self, put: &PutItem) -> Result<Vec<u8>, EngineError> {
        let bound = Expressions {
            condition: put.condition_expression.as_deref(),
            names: asked::slice(&put.expression_attribute_names),
            values: asked::slice(&put.expression_attribute_values),
            ..Expressions::default()
        }
        .bind()
        .map_err(EngineError::of_write)?;
        let expected =
            asked::expected(&put.expected, put.conditional_operator).map_err(EngineError::of_write)?;
        let condition = bound.condition.or(expected);
        let (table, written) = self
            .write(&put.table_name, |table| {
                let key = table.key.key_of_item(&put.item.attributes).map_err(item_key_fault)?;
                index::check_keys(table, &put.item.attributes, index::Given::Item)?;
                checks::check_condition(table, condition.as_ref())?;
                let shows_item = shows_item(put.return_values_on_condition_check_failure);
                Ok((key, condition.clone(), shows_item, Action::Put(put.item.attributes.clone())))
            })
            .await?;
        let attributes = written.old.clone().filter(|_| put.return_values == Some(ReturnValues::AllOld));
        let metrics =
            collection_metrics(&table, &put.item.attributes, &written, put.return_item_collection_metrics);
        Ok(wrote(&table, &written, attributes, put.return_consumed_capacity, metrics))
    }

    pub(crate) async fn delete_item(&self, delete: &DeleteItem) -> Result<Vec<u8>, EngineError> {
        let bound = Expressions {
            condition: delete.condition_expression.as_deref(),
            names: asked::slice(&delete.expression_attribute_names),
            values: asked::slice(&delete.expression_attribute_values),
            ..Expressions::default()
        }
        .bind()
        .map_err(EngineError::of_write)?;
        let expected =
            asked::expected(&delete.expected, delete.conditional_operator).map_err(EngineError::of_write)?;
        let condition = bound.condition.or(expected);
        let (table, written) = self
            .write(&delete.table_name, |table| {
                let key = checks::key(table, &delete.key)?;
                checks::check_condition(table, condition.as_ref())?;
                let shows_item = shows_item(delete.return_values_on_condition_check_failure);
                Ok((key, condition.clone(), shows_item, Action::Delete))
            })
            .await?;
        let attributes = written.old.clone().filter(|_| delete.return_values == Some(ReturnValues::AllOld));
        let metrics =
            collection_metrics(&table, &delete.key, &written, delete.return_item_collection_metrics);
        Ok(wrote(&table, &written, attributes, delete.return_consumed_capacity, metrics))
    }

    pub(crate) async fn update_item(&self, update_item: &UpdateItem) -> Result<Vec<u8>, EngineError> {
        let (update, condition) = asked::update(update_item).map_err(EngineError::of_write)?;
        let (table, written) = self
            .write(&update_item.table_name, |table| {
                let key = checks::key(table, &update_item.key)?;
                check_update(table, &update)?;
                checks::check_condition(table, condition.as_ref())?;
                let shows_item = shows_item(update_item.return_values_on_condition_check_failure);
                let action = Action::Update { update: update.clone(), key: update_item.key.clone() };
                Ok((key, condition.clone(), shows_item, action))
            })
            .await?;
        let touched = |item: &Option<Item>| {
            let touched = item.as_ref().map(|item| update.touched(item));
            touched.filter(|attributes| !attributes.is_empty())
        };
        let attributes = match update_item.return_values {
            None | Some(ReturnValues::None) => None,
            Some(ReturnValues::AllOld) => written.old.clone(),
            Some(ReturnValues::AllNew) => written.new.clone(),
            Some(ReturnValues::UpdatedOld) => touched(&written.old),
            Some(ReturnValues::UpdatedNew) => touched(&written.new),
        };
        let metrics = collection_metrics(
            &table,
            &update_item.key,
            &written,
            update_item.return_item_collection_metrics,
        );
        Ok(wrote(&table, &written, attributes, update_item.return_consumed_capacity, metrics))
    }
}

fn wrote(
    table: &Table,
    written: &Written,
    attributes: Option<Item>,
    wanted: Option<ReturnConsumedCapacity>,
    item_collection_metrics: Option<ItemCollectionMetrics>,
) -> Vec<u8> {
    let consumed_capacity = written.consumed.told(table.name(), wanted, Kind::Plain);
    json(&Wrote { attributes, consumed_capacity, item_collection_metrics })
}

/// What of its items a read wants.
pub(crate) fn projection(wanted: Projecting<'_>) -> Result<Option<Projection>, EngineError> {
    let bound = Expressions {
        projection: wanted.expression,
        names: wanted.names.map(model::UniqueMap::as_slice),
        ..Expressions::default()
    }
    .bind()?;
    Ok(asked::projection(bound.projection, wanted.attributes)?)
}

/// Key attributes are scalars: no projection looks into one.
pub(crate) fn check_projection(table: &Table, projection: Option<&Projection>) -> Result<(), EngineError> {
    let Some(projection) = projection else { return Ok(()) };
    for (attribute, role) in checks::key_attributes(table) {
        projection.refuse_nested(&attribute.name, role)?;
    }
    Ok(())
}

/// Whether a failed condition shows the item that it failed on.
pub(crate) fn shows_item(wanted: Option<ReturnValuesOnConditionCheckFailure>) -> bool {
    wanted == Some(ReturnValuesOnConditionCheckFailure::AllOld)
}

/// What of an update can be told to be wrong from the table alone.
pub(crate) fn check_update(table: &Table, update: &expr::Update) -> Result<(), EngineError> {
    for attribute in table.key.attributes() {
        update.refuse_key(&attribute.name)?;
    }
    for (attribute, role) in checks::key_attributes(table) {
        update.refuse_nested(&attribute.name, role)?;
    }
    index::check_update(table, update)
}

/// DynamoDB: only tables with a local index have item collections.
pub(crate) fn collection_metrics(
    table: &Table,
    item: &Item,
    written: &Written,
    wanted: Option<ReturnItemCollectionMetrics>,
) -> Option<ItemCollectionMetrics> {
    if wanted != Some(ReturnItemCollectionMetrics::Size) {
        return None;
    }
    let whole_gigabytes = (written.collection_bytes? >> 30) as f64;
    Some(ItemCollectionMetrics {
        item_collection_key: crate::table::key_item(table.key.partition.iter(), item),
        size_estimate_range_gb: [whole_gigabytes, whole_gigabytes + 1.0],
    })
}

/// Of a write: its key, its condition, whether that shows the item if it fails, and what to do.
type Prepared = (PrimaryKey, Option<Condition>, bool, Action);

impl Core {
    /// Writes one item: `prepare` checks what can be checked before its turn comes.
    async fn write(
        &self,
        table_name: &str,
        prepare: impl Fn(&Table) -> Result<Prepared, EngineError>,
    ) -> Result<(Arc<Table>, Written), EngineError> {
        self.turn(|| {
            let table = self.table(table_name)?;
            let (key, condition, shows_item, action) = prepare(&table)?;
            let write = Write { table: Arc::clone(&table), key, condition, shows_item, action };
            Ok((table, move |tx: &mut Transaction<'_>| alone(&write, tx)))
        })
        .await
    }
}

/// Carries out a write that is a request by itself.
fn alone(write: &Write, tx: &mut Transaction<'_>) -> Result<Written, EngineError> {
    let written = write.apply(tx)?;
    if let (Action::Update { update, .. }, Some(new)) = (&write.action, &written.new) {
        check_updated_size(update.measure(new))?;
    }
    Ok(written)
}
