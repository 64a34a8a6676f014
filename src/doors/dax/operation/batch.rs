//! Batches.

use std::{collections::BTreeMap, sync::Arc};

use backend::Document;
use minicbor::Decoder;
use model::{
    ApiError, ErrorCode, Item, KeySchema, TableDefinition,
    call::{
        BatchGetItem, BatchWriteItem, DeleteRequest, ItemToPut, KeysAndAttributes, PutRequest, Request,
        WriteRequest,
    },
};
use serde::Deserialize;

use crate::reply::{self, Asked};
use dax_wire::{Budget, Malformed, Writer, for_each};

use super::{
    Answered, Operations, Success,
    answers::{self, Capacity, CollectionMetrics, write_capacities},
    arguments::{Arguments, bytes_or_null, primary_key, push, whole_item},
    page::encode_key,
    projection::Wanted,
    refused::{Refused, Unanswerable},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Got {
    responses: BTreeMap<String, Vec<Item>>,
    unprocessed_keys: BTreeMap<String, KeysAndAttributes>,
    consumed_capacity: Vec<Capacity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Written {
    unprocessed_items: BTreeMap<String, Vec<WriteRequest>>,
    item_collection_metrics: BTreeMap<String, Vec<CollectionMetrics>>,
    consumed_capacity: Vec<Capacity>,
}

/// What is asked of one table.
struct Asking<'a> {
    is_strong: bool,
    projection: Option<&'a [u8]>,
    keys: Vec<&'a [u8]>,
}

/// A key, and what is put there; nothing if it is deleted.
type Writing<'a> = (&'a [u8], Option<&'a [u8]>);

impl Operations {
    /// `batchGetItem`.
    pub(super) async fn batch_get_item(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let tables = arguments.by_table(read_asking)?;
        let options = arguments.options()?;
        arguments.end()?;
        let names: Vec<&str> = tables.iter().map(|(table, _)| *table).collect();
        let definitions = self.definitions(&names, asked).await?;
        let schemas = key_schemas(&definitions);
        let mut wanted = Vec::with_capacity(tables.len());
        let mut request_items = Vec::with_capacity(tables.len());
        for ((table, asking), schema) in tables.iter().zip(&schemas) {
            let keys = asking.keys.iter().map(|key| primary_key(schema, key)).collect::<Result<_, _>>()?;
            let of_table = asking.projection.map(|bytes| self.projections.read(bytes)).transpose()?;
            let texts = Wanted::of_items(of_table.as_deref());
            wanted.push(of_table);
            let asked_of_table = KeysAndAttributes {
                keys,
                consistent_read: Some(asking.is_strong),
                projection_expression: texts.printed.projection,
                expression_attribute_names: texts.names,
                attributes_to_get: None,
            };
            request_items.push(((*table).to_owned(), asked_of_table));
        }
        let request = BatchGetItem {
            request_items: request_items.into_iter().collect(),
            return_consumed_capacity: options.capacity,
        };
        let success = self.ask(Request::BatchGetItem(request), &names, asked).await?;
        if let Some(documents) = success.parts() {
            let out = self.batch_of(documents, &tables, &schemas, &wanted).await?;
            return Ok(Answered::new(out, success.outcome));
        }
        let mut got: Got = answers::read(success.body())?;
        let mut out = reply::begin(0);
        out.array(2);
        out.map(names.len());
        for ((table, schema), wanted) in names.iter().zip(&schemas).zip(&wanted) {
            out.text(table);
            let items = got.responses.remove(*table).unwrap_or_default();
            match wanted {
                Some(wanted) => {
                    out.array(items.len());
                    items.iter().for_each(|item| wanted.write(item, &mut out));
                }
                None => {
                    out.array(2 * items.len());
                    for (key, blob) in self.keyed(&items, schema).await? {
                        out.bytes(&key);
                        out.bytes(&blob);
                    }
                }
            }
        }
        // Every table is there: a client fails if none is.
        out.map(names.len());
        for (table, schema) in names.iter().zip(&schemas) {
            out.text(table);
            let unprocessed = got.unprocessed_keys.remove(*table).map_or_else(Vec::new, |left| left.keys);
            out.array(unprocessed.len());
            for key in &unprocessed {
                out.bytes(&encode_key(schema, key)?);
            }
        }
        write_capacities(&got.consumed_capacity, &mut out);
        Ok(Answered::new(out, success.outcome))
    }

    /// The answer to a `batchGetItem` whose items are all kept.
    async fn batch_of(
        &self,
        mut documents: impl Iterator<Item = &Document> + Send,
        tables: &[(&str, Asking<'_>)],
        schemas: &[&KeySchema],
        wanted: &[Option<Arc<Wanted>>],
    ) -> Result<Writer, Refused> {
        let mut out = reply::begin(0);
        out.array(2);
        out.map(tables.len());
        for (((table, asking), schema), wanted) in tables.iter().zip(schemas).zip(wanted) {
            let mut found = Vec::with_capacity(asking.keys.len());
            for (key, document) in asking.keys.iter().zip(documents.by_ref()) {
                let blob = self.blob_of(document, schema).await?;
                if !blob.is_empty() {
                    found.push((*key, blob));
                }
            }
            out.text(table);
            match wanted {
                Some(wanted) => {
                    out.array(found.len());
                    for (key, blob) in found {
                        let budget = &mut Budget::of_request();
                        wanted.write(&whole_item(&self.lists, schema, key, &blob, budget).await?, &mut out);
                    }
                }
                None => {
                    out.array(2 * found.len());
                    for (key, blob) in found {
                        // As items have it that are not kept. Clients write one number in several ways.
                        out.bytes(&encode_key(schema, &primary_key(schema, key)?)?);
                        out.bytes(&blob);
                    }
                }
            }
        }
        out.map(tables.len());
        for (table, _) in tables {
            out.text(table);
            out.array(0);
        }
        write_capacities(&[], &mut out);
        Ok(out)
    }

    /// `batchWriteItem`.
    pub(super) async fn batch_write_item(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let tables = arguments.by_table(read_writings)?;
        let options = arguments.options()?;
        arguments.end()?;
        let names: Vec<&str> = tables.iter().map(|(table, _)| *table).collect();
        let definitions = self.definitions(&names, asked).await?;
        let schemas = key_schemas(&definitions);
        let (mut request_items, mut budget) = (Vec::with_capacity(tables.len()), Budget::of_request());
        for ((table, writings), schema) in tables.iter().zip(&schemas) {
            let mut writes = Vec::with_capacity(writings.len());
            for (key, blob) in writings {
                writes.push(match blob {
                    Some(blob) => {
                        let item = whole_item(&self.lists, schema, key, blob, &mut budget).await?;
                        WriteRequest::Put(PutRequest { item: ItemToPut::new(item) })
                    }
                    None => WriteRequest::Delete(DeleteRequest { key: primary_key(schema, key)? }),
                });
            }
            request_items.push(((*table).to_owned(), writes));
        }
        let request = BatchWriteItem {
            request_items: request_items.into_iter().collect(),
            return_consumed_capacity: options.capacity,
            return_item_collection_metrics: options.metrics,
        };
        let success = self.ask(Request::BatchWriteItem(request), &names, asked).await?;
        Ok(self.batch_written(success, &names, &schemas).await?)
    }

    /// The result of a `batchWriteItem`.
    async fn batch_written(
        &self,
        success: Success,
        names: &[&str],
        schemas: &[&KeySchema],
    ) -> Result<Answered, Unanswerable> {
        let written: Written = answers::read(success.body())?;
        let mut out = reply::begin(0);
        out.map(written.unprocessed_items.len());
        for (table, writes) in &written.unprocessed_items {
            let Some(schema) = schema_of(table, names, schemas) else {
                let error = "The origin's answer is of a table that it was not asked about.";
                return Err(ApiError::upstream(ErrorCode::InternalServerError, error).into());
            };
            out.text(table);
            out.array(2 * writes.len());
            for write in writes {
                match write {
                    WriteRequest::Put(put) => {
                        out.bytes(&encode_key(schema, &put.item.attributes)?);
                        out.bytes(&self.blob(&put.item.attributes, schema).await?);
                    }
                    WriteRequest::Delete(delete) => {
                        out.bytes(&encode_key(schema, &delete.key)?);
                        out.null();
                    }
                }
            }
        }
        write_capacities(&written.consumed_capacity, &mut out);
        write_collections(&written.item_collection_metrics, names, schemas, &mut out);
        Ok(Answered::new(out, success.outcome))
    }

    /// These tables, in their order.
    pub(super) async fn definitions(
        &self,
        names: &[&str],
        asked: &Asked<'_>,
    ) -> Result<Vec<Arc<TableDefinition>>, Refused> {
        let mut definitions = Vec::with_capacity(names.len());
        for name in names {
            definitions.push(self.tables.learn(name, asked.deadline).await?);
        }
        Ok(definitions)
    }
}

pub(super) fn key_schemas(tables: &[Arc<TableDefinition>]) -> Vec<&KeySchema> {
    tables.iter().map(|table| &table.key_schema).collect()
}

/// The keys of a table, if it is one of those that were asked about.
fn schema_of<'s>(table: &str, names: &[&str], schemas: &[&'s KeySchema]) -> Option<&'s KeySchema> {
    names.iter().zip(schemas).find(|(name, _)| **name == table).map(|(_, schema)| *schema)
}

/// Metrics of item collections by table.
pub(super) fn write_collections(
    metrics: &BTreeMap<String, Vec<CollectionMetrics>>,
    names: &[&str],
    schemas: &[&KeySchema],
    out: &mut Writer,
) {
    let known: Vec<_> = metrics
        .iter()
        .filter_map(|(table, metrics)| Some((table, schema_of(table, names, schemas)?, metrics)))
        .collect();
    out.map(known.len());
    for (table, schema, metrics) in known {
        out.text(table);
        out.array(metrics.len());
        metrics.iter().for_each(|metrics| metrics.write(schema, out));
    }
}

fn read_asking<'a>(decoder: &mut Decoder<'a>) -> Result<Asking<'a>, Malformed> {
    if decoder.array()? != Some(3) {
        return Err(Malformed::WrongType);
    }
    let (is_strong, projection) = (decoder.bool()?, bytes_or_null(decoder)?);
    let mut keys = Vec::new();
    let length = decoder.array()?;
    for_each(decoder, length, |decoder| push(&mut keys, decoder.bytes()?))?;
    Ok(Asking { is_strong, projection, keys })
}

fn read_writings<'a>(decoder: &mut Decoder<'a>) -> Result<Vec<Writing<'a>>, Malformed> {
    let mut flat = Vec::new();
    let length = decoder.array()?;
    for_each(decoder, length, |decoder| push(&mut flat, bytes_or_null(decoder)?))?;
    let (pairs, rest) = flat.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Malformed::Truncated);
    }
    pairs.iter().map(|[key, blob]| Ok((key.ok_or(Malformed::WrongType)?, *blob))).collect()
}
