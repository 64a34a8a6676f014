//! `BatchGetItem` and `BatchWriteItem`: many single operations in one request, not a transaction.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use model::{
    Item,
    call::{BatchGetItem, BatchWriteItem, KeysAndAttributes, ReturnConsumedCapacity, WriteRequest},
    limits::RESPONSE_BYTES_MAX,
};
use serde::Serialize;
use store::Transaction;

use super::{checks, items};
use crate::{
    Core, EngineError,
    answer::{add_member, json, write_list},
    capacity::{Consumed, ConsumedCapacity, Kind, Reading},
    error::key_fault,
    index, keys,
    record::Record,
    table::Table,
    write::{Action, Write, Written},
};

pub(super) const DUPLICATES: &str = "Provided list of item keys contains duplicates";

/// The answer to a `BatchGetItem`, but for the items.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGot<'a> {
    unprocessed_keys: BTreeMap<&'a str, KeysAndAttributes>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
}

/// The answer to a `BatchWriteItem`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct BatchWrote {
    unprocessed_items: BTreeMap<String, ()>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_collection_metrics: Option<BTreeMap<String, Vec<items::ItemCollectionMetrics>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
}

/// What a batch wants of one table.
struct Wanted<'a> {
    name: &'a str,
    table: Arc<Table>,
    request: &'a KeysAndAttributes,
    projection: Option<expr::Projection>,
    places: Vec<Vec<u8>>,
}

/// What a batch consumed, in the order in which it names its tables. It may name one twice: as a name, and as an
/// ARN.
#[derive(Default)]
struct ByTable<'a>(Vec<(&'a Table, Consumed)>);

impl<'a> ByTable<'a> {
    fn add(&mut self, table: &'a Table, consumed: &Consumed) {
        match self.0.iter_mut().find(|(known, _)| known.space == table.space) {
            Some((_, sum)) => sum.add(consumed),
            None => self.0.push((table, consumed.clone())),
        }
    }

    fn told(&self, wanted: Option<ReturnConsumedCapacity>) -> Vec<ConsumedCapacity> {
        self.0
            .iter()
            .filter_map(|(table, consumed)| consumed.told(table.name(), wanted, Kind::Plain))
            .collect()
    }
}

impl Core {
    pub(crate) fn batch_get_item(&self, batch: &BatchGetItem) -> Result<Vec<u8>, EngineError> {
        let wanted = batch
            .request_items
            .iter()
            .map(|(name, request)| Ok((name.as_str(), request, items::projection(request.projecting())?)));
        let wanted = wanted.collect::<Result<Vec<_>, EngineError>>()?;
        batch.check_keys()?;
        let wanted =
            wanted.into_iter().map(|(name, request, projection)| self.wanted(name, request, projection));
        let wanted = wanted.collect::<Result<Vec<_>, EngineError>>()?;
        let view = self.store.view();
        let mut unprocessed_keys = BTreeMap::new();
        let mut found = Vec::with_capacity(wanted.len());
        let mut consumed = ByTable::default();
        let mut bytes_left = RESPONSE_BYTES_MAX;
        for Wanted { name, table, request, places, .. } in &wanted {
            let mut records = Vec::new();
            let mut units = Consumed::default();
            for (number, place) in places.iter().enumerate() {
                let record = view.get(table.space, place)?.map(Record::decode).transpose()?;
                let bytes = record.as_ref().map_or(0, Record::size);
                // DynamoDB: what would make the answer larger than 16 MB is left for another request.
                if bytes > bytes_left {
                    let left = request.of(request.keys[number..].to_vec());
                    unprocessed_keys.insert(*name, left);
                    break;
                }
                bytes_left -= bytes;
                units.add(&Consumed::of_table(Reading::of(request.consistent_read).units(bytes)));
                records.extend(record);
            }
            consumed.add(table, &units);
            found.push(records);
        }
        let mut answer = json(&BatchGot {
            unprocessed_keys,
            consumed_capacity: consumed.told(batch.return_consumed_capacity),
        });
        add_member(&mut answer, "Responses", |out| {
            out.extend_from_slice(b"{}");
            for (wanted, records) in wanted.iter().zip(&found) {
                add_member(out, wanted.name, |out| write_list(out, records, wanted.projection.as_ref()))?;
            }
            Ok(())
        })?;
        Ok(answer)
    }

    fn wanted<'a>(
        &self,
        name: &'a str,
        request: &'a KeysAndAttributes,
        projection: Option<expr::Projection>,
    ) -> Result<Wanted<'a>, EngineError> {
        let table = self.table(name)?;
        items::check_projection(&table, projection.as_ref())?;
        let mut seen = HashSet::new();
        let mut places = Vec::with_capacity(request.keys.len());
        for key in &request.keys {
            let place = keys::item_key(&checks::key(&table, key)?);
            if !seen.insert(place.clone()) {
                return Err(EngineError::validation(DUPLICATES));
            }
            places.push(place);
        }
        Ok(Wanted { name, table, request, projection, places })
    }

    pub(crate) async fn batch_write_item(&self, batch: &BatchWriteItem) -> Result<Vec<u8>, EngineError> {
        let (tables, written) = self
            .turn(|| {
                let (tables, writes) = self.batch_writes(batch)?;
                let apply = move |tx: &mut Transaction<'_>| -> Result<Vec<Written>, EngineError> {
                    writes.iter().map(|write| write.apply(tx)).collect()
                };
                Ok((tables, apply))
            })
            .await?;
        let mut written = written.into_iter();
        let mut consumed = ByTable::default();
        let mut metrics: BTreeMap<String, Vec<items::ItemCollectionMetrics>> = BTreeMap::new();
        for ((name, requests), table) in batch.request_items.iter().zip(&tables) {
            for (request, written) in requests.iter().zip(&mut written) {
                consumed.add(table, &written.consumed);
                let of = items::collection_metrics(
                    table,
                    key_or_item(request),
                    &written,
                    batch.return_item_collection_metrics,
                );
                if let Some(of) = of {
                    metrics.entry(name.clone()).or_default().push(of);
                }
            }
        }
        Ok(json(&BatchWrote {
            // Nothing is ever left over: the engine throttles nobody.
            unprocessed_items: BTreeMap::new(),
            item_collection_metrics: (!metrics.is_empty()).then_some(metrics),
            consumed_capacity: consumed.told(batch.return_consumed_capacity),
        }))
    }

    /// The tables of a batch, and its writes in the order of the request.
    fn batch_writes(&self, batch: &BatchWriteItem) -> Result<(Vec<Arc<Table>>, Vec<Write>), EngineError> {
        let tables = batch.request_items.iter().map(|(name, _)| self.table(name));
        let tables = tables.collect::<Result<Vec<_>, EngineError>>()?;
        batch.check_count()?;
        let mut writes = Vec::new();
        let mut seen = HashSet::new();
        for (table, (_name, requests)) in tables.iter().zip(&batch.request_items) {
            for request in requests {
                let key = match put(request) {
                    Some(item) => {
                        // DynamoDB: not in PutItem's words (conformance suite, "BatchWriteItem — exact error
                        // messages"; dynalite's tests).
                        let key = table.key.key_of_item(item).map_err(key_fault)?;
                        index::check_keys(table, item, index::Given::Item)?;
                        key
                    }
                    None => checks::key(table, key_or_item(request))?,
                };
                if !seen.insert((table.space, key.clone())) {
                    return Err(EngineError::validation(DUPLICATES));
                }
                let action = put(request).map_or(Action::Delete, |item| Action::Put(item.clone()));
                let table = Arc::clone(table);
                writes.push(Write { table, key, condition: None, shows_item: false, action });
            }
        }
        Ok((tables, writes))
    }
}

/// The item that a request puts, if it puts one.
fn put(request: &WriteRequest) -> Option<&Item> {
    match request {
        WriteRequest::Put(put) => Some(&put.item.attributes),
        WriteRequest::Delete(_) => None,
    }
}

fn key_or_item(request: &WriteRequest) -> &Item {
    match request {
        WriteRequest::Put(put) => &put.item.attributes,
        WriteRequest::Delete(delete) => &delete.key,
    }
}
