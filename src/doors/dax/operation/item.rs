//! Operations on one item.

use backend::Document;
use bytes::Bytes;
use model::{
    Item, KeySchema,
    call::{DeleteItem, GetItem, ItemToPut, PutItem, Request, ReturnValues, UpdateItem},
};
use serde::Deserialize;

use crate::reply::{self, Asked};
use dax_wire::{Budget, Writer, item};

use super::{
    Answered, Operations, Success,
    answers::{self, ATTRIBUTES, CAPACITY, Capacity, CollectionMetrics, ITEM, METRICS},
    arguments::{Arguments, primary_key, whole_item, write_texts},
    projection::Wanted,
    refused::{Refused, Unanswerable},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got {
    item: Option<Item>,
    consumed_capacity: Option<Capacity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    attributes: Option<Item>,
    consumed_capacity: Option<Capacity>,
    item_collection_metrics: Option<CollectionMetrics>,
}

/// What the result of a `getItem` is at most besides the item: a map, a number, and the head of a string.
const AROUND_ITEM_BYTES: usize = 8;

impl Operations {
    /// `getItem`.
    pub(super) async fn get_item(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let (table, key) = (arguments.text_in_bytes()?, arguments.bytes()?);
        let options = arguments.options()?;
        arguments.end()?;
        let definition = self.tables.learn(table, asked.deadline).await?;
        let schema = &definition.key_schema;
        let wanted = options.projection.map(|bytes| self.projections.read(bytes)).transpose()?;
        let wanted = wanted.as_deref();
        let texts = Wanted::of_items(wanted);
        let request = GetItem {
            table_name: table.to_owned(),
            key: primary_key(schema, key)?,
            consistent_read: options.is_strong,
            return_consumed_capacity: options.capacity,
            projection_expression: texts.printed.projection,
            expression_attribute_names: texts.names,
            ..GetItem::default()
        };
        let success = self.ask(Request::GetItem(request), &[table], asked).await?;
        let mut out;
        match success.kept() {
            Some(document) => {
                let blob = self.blob_of(document, schema).await?;
                out = reply::begin(blob.len() + AROUND_ITEM_BYTES);
                out.begin_map();
                if !blob.is_empty() {
                    out.int(ITEM);
                    match wanted {
                        Some(wanted) => {
                            let budget = &mut Budget::of_request();
                            wanted
                                .write(&whole_item(&self.lists, schema, key, &blob, budget).await?, &mut out);
                        }
                        None => out.bytes(&blob),
                    }
                }
            }
            None => {
                let Got { item, consumed_capacity } = answers::read(success.body())?;
                out = reply::begin(0);
                out.begin_map();
                if let Some(item) = &item {
                    out.int(ITEM);
                    match wanted {
                        Some(wanted) => wanted.write(item, &mut out),
                        None => out.bytes(&self.blob(item, schema).await?),
                    }
                }
                write_capacity(consumed_capacity.as_ref(), &mut out);
            }
        }
        out.end();
        Ok(Answered::new(out, success.outcome))
    }

    /// The item that a kept document shows, as it travels, and is kept from now on; empty if there is no item.
    pub(super) async fn blob_of(
        &self,
        document: &Document,
        schema: &KeySchema,
    ) -> Result<Bytes, Unanswerable> {
        if let Some(blob) = document.form() {
            return Ok(blob.clone());
        }
        let Got { item, .. } = answers::read(&document.body)?;
        let blob = match &item {
            Some(item) => Bytes::from(self.blob(item, schema).await?),
            None => Bytes::new(),
        };
        document.give_form(|| blob.clone());
        Ok(blob)
    }

    /// `putItem`.
    pub(super) async fn put_item(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let (table, key, blob) = (arguments.text_in_bytes()?, arguments.bytes()?, arguments.bytes()?);
        let options = arguments.options()?;
        arguments.end()?;
        let definition = self.tables.learn(table, asked.deadline).await?;
        let schema = &definition.key_schema;
        let mut budget = Budget::of_request();
        let texts = write_texts(options.condition, None, &mut budget)?;
        let request = PutItem {
            table_name: table.to_owned(),
            item: ItemToPut::new(whole_item(&self.lists, schema, key, blob, &mut budget).await?),
            return_values: options.values,
            return_consumed_capacity: options.capacity,
            return_item_collection_metrics: options.metrics,
            condition_expression: texts.printed.condition,
            expression_attribute_names: texts.names,
            expression_attribute_values: texts.values,
            ..PutItem::default()
        };
        let success = self.ask(Request::PutItem(request), &[table], asked).await?;
        Ok(self.written(success, schema, options.values).await?)
    }

    /// `updateItem`.
    pub(super) async fn update_item(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let (table, key) = (arguments.text_in_bytes()?, arguments.bytes()?);
        let options = arguments.options()?;
        arguments.end()?;
        let definition = self.tables.learn(table, asked.deadline).await?;
        let schema = &definition.key_schema;
        let texts = write_texts(options.condition, options.update, &mut Budget::of_request())?;
        let request = UpdateItem {
            table_name: table.to_owned(),
            key: primary_key(schema, key)?,
            return_values: options.values,
            return_consumed_capacity: options.capacity,
            return_item_collection_metrics: options.metrics,
            update_expression: texts.printed.update,
            condition_expression: texts.printed.condition,
            expression_attribute_names: texts.names,
            expression_attribute_values: texts.values,
            ..UpdateItem::default()
        };
        let success = self.ask(Request::UpdateItem(request), &[table], asked).await?;
        Ok(self.written(success, schema, options.values).await?)
    }

    /// `deleteItem`.
    pub(super) async fn delete_item(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let (table, key) = (arguments.text_in_bytes()?, arguments.bytes()?);
        let options = arguments.options()?;
        arguments.end()?;
        let definition = self.tables.learn(table, asked.deadline).await?;
        let schema = &definition.key_schema;
        let texts = write_texts(options.condition, None, &mut Budget::of_request())?;
        let request = DeleteItem {
            table_name: table.to_owned(),
            key: primary_key(schema, key)?,
            return_values: options.values,
            return_consumed_capacity: options.capacity,
            return_item_collection_metrics: options.metrics,
            condition_expression: texts.printed.condition,
            expression_attribute_names: texts.names,
            expression_attribute_values: texts.values,
            ..DeleteItem::default()
        };
        let success = self.ask(Request::DeleteItem(request), &[table], asked).await?;
        Ok(self.written(success, schema, options.values).await?)
    }

    /// The result of a write.
    async fn written(
        &self,
        success: Success,
        schema: &KeySchema,
        values: Option<ReturnValues>,
    ) -> Result<Answered, Unanswerable> {
        let written: Written = answers::read(success.body())?;
        // Clients that asked for nothing fail if there is something.
        let attributes = written.attributes.filter(|_| !matches!(values, None | Some(ReturnValues::None)));
        let mut out = reply::begin(0);
        out.begin_map();
        if let Some(attributes) = &attributes {
            let blob = match values {
                Some(ReturnValues::UpdatedNew | ReturnValues::UpdatedOld) => {
                    self.changed(attributes, schema).await?
                }
                _ => self.blob(attributes, schema).await?,
            };
            out.int(ATTRIBUTES);
            out.bytes(&blob);
        }
        write_capacity(written.consumed_capacity.as_ref(), &mut out);
        if let Some(metrics) = &written.item_collection_metrics {
            out.int(METRICS);
            metrics.write(schema, &mut out);
        }
        out.end();
        Ok(Answered::new(out, success.outcome))
    }

    /// What an update changed.
    async fn changed(&self, attributes: &Item, schema: &KeySchema) -> Result<Vec<u8>, Unanswerable> {
        let (names, values): (Vec<&str>, Vec<_>) = item::beside_key(attributes, schema).unzip();
        let list = self.list_of(&names).await?;
        Ok(item::encode_changed(list, values.into_iter().enumerate()))
    }
}

fn write_capacity(capacity: Option<&Capacity>, out: &mut Writer) {
    if let Some(capacity) = capacity {
        out.int(CAPACITY);
        capacity.write(out);
    }
}
