//! Pages: `Query` and `Scan`.

use std::sync::Arc;

use backend::Document;
use bytes::Bytes;
use expr::Trees;
use minicbor::Decoder;
use model::{
    ApiError, Item, KeySchema, TableDefinition,
    call::{Query, Request, Scan, Select},
};
use serde::Deserialize;

use crate::reply::{self, Asked};
use dax_wire::{Budget, Writer, expression, item::Values, key};

use super::{
    Answered, Operations, Success,
    answers::{self, CAPACITY, COUNT, Capacity, ITEMS, LAST_KEY, SCANNED_COUNT},
    arguments::{Arguments, Options, Texts, primary_key},
    projection::{Projections, Wanted},
    refused::{Refused, Unanswerable},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    items: Option<Vec<Item>>,
    #[serde(default)]
    count: i64,
    #[serde(default)]
    scanned_count: i64,
    last_evaluated_key: Option<Item>,
    consumed_capacity: Option<Capacity>,
}

/// What of a request matters for its answer.
struct Shape<'a> {
    /// As the client sent it; empty if it wants all there is.
    projection: &'a [u8],
    wanted: Option<Arc<Wanted>>,
    is_of_index: bool,
    counts_only: bool,
}

impl<'a> Shape<'a> {
    fn of(options: &Options<'a>, projections: &Projections) -> Result<Shape<'a>, Refused> {
        Ok(Shape {
            projection: options.projection.unwrap_or_default(),
            wanted: options.projection.map(|bytes| projections.read(bytes)).transpose()?,
            is_of_index: options.index.is_some(),
            counts_only: options.select == Some(Select::Count),
        })
    }

    /// The item that the page before ended with.
    fn start(&self, options: &Options<'_>, schema: &KeySchema) -> Result<Option<Item>, Refused> {
        match options.start {
            None => Ok(None),
            Some(bytes) if self.is_of_index => Ok(Some(key::decode_compound(bytes)?)),
            Some(bytes) => primary_key(schema, bytes).map(Some),
        }
    }

    /// As it is sent down. Whole attributes are asked for where a client asks for parts of them.
    fn texts(&self, key_condition: Option<&[u8]>, options: &Options<'_>) -> Result<Texts, Refused> {
        let mut budget = Budget::of_request();
        let mut condition = |bytes| expression::decode_condition(bytes, &mut budget);
        let trees = Trees {
            key_condition: key_condition.map(&mut condition).transpose()?,
            filter: options.filter.map(&mut condition).transpose()?,
            projection: self.wanted.as_deref().map(Wanted::attributes),
            ..Trees::default()
        };
        Ok(Texts::of(&trees))
    }

    /// The message that a kept page was given, if it is for this request: what a projection makes of an item depends on
    /// the order of its paths, which is no part of what the cache keeps pages by.
    fn message(&self, page: &Document) -> Option<Bytes> {
        let form = page.form()?;
        let mut values = Decoder::new(form);
        let is_same = values.bytes().is_ok_and(|projection| projection == self.projection);
        is_same.then(|| form.slice(values.position()..))
    }

    /// Gives a page a message: behind the projection that it is for.
    fn keep(&self, page: &Document, message: &[u8]) {
        page.give_form(|| {
            let mut form = Writer::with_room(message.len() + self.projection.len() + HEAD_BYTES_MAX);
            form.bytes(self.projection);
            form.raw(message);
            form.into_bytes().into()
        });
    }
}

/// Of a string of bytes: its head.
const HEAD_BYTES_MAX: usize = 9;

impl Operations {
    /// `query`.
    pub(super) async fn query(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let (table, key_condition) = (arguments.text_in_bytes()?, arguments.bytes()?);
        let options = arguments.options()?;
        arguments.end()?;
        let definition = self.tables.learn(table, asked.deadline).await?;
        let schema = &definition.key_schema;
        let shape = Shape::of(&options, &self.projections)?;
        let texts = shape.texts(Some(key_condition), &options)?;
        let request = Query {
            table_name: table.to_owned(),
            exclusive_start_key: shape.start(&options, schema)?,
            select: select(&definition, &options),
            index_name: options.index,
            limit: options.limit,
            consistent_read: options.is_strong,
            scan_index_forward: options.is_forward,
            return_consumed_capacity: options.capacity,
            projection_expression: texts.printed.projection,
            filter_expression: texts.printed.filter,
            key_condition_expression: texts.printed.key_condition,
            expression_attribute_names: texts.names,
            expression_attribute_values: texts.values,
            ..Query::default()
        };
        let success = self.ask(Request::Query(request), &[table], asked).await?;
        Ok(self.page(success, &shape, schema).await?)
    }

    /// `scan`.
    pub(super) async fn scan(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let table = arguments.text_in_bytes()?;
        let options = arguments.options()?;
        arguments.end()?;
        let definition = self.tables.learn(table, asked.deadline).await?;
        let schema = &definition.key_schema;
        let shape = Shape::of(&options, &self.projections)?;
        let texts = shape.texts(None, &options)?;
        let request = Scan {
            table_name: table.to_owned(),
            exclusive_start_key: shape.start(&options, schema)?,
            select: select(&definition, &options),
            index_name: options.index,
            limit: options.limit,
            consistent_read: options.is_strong,
            segment: options.segment,
            total_segments: options.total_segments,
            return_consumed_capacity: options.capacity,
            projection_expression: texts.printed.projection,
            filter_expression: texts.printed.filter,
            expression_attribute_names: texts.names,
            expression_attribute_values: texts.values,
            ..Scan::default()
        };
        let success = self.ask(Request::Scan(request), &[table], asked).await?;
        Ok(self.page(success, &shape, schema).await?)
    }

    /// The answer to either.
    async fn page(
        &self,
        success: Success,
        shape: &Shape<'_>,
        schema: &KeySchema,
    ) -> Result<Answered, Unanswerable> {
        if let Some(message) = success.kept().and_then(|page| shape.message(page)) {
            return Ok(Answered { message, outcome: Some(success.outcome) });
        }
        let page: Page = answers::read(success.body())?;
        let mut out = reply::begin(0);
        out.begin_map();
        if !shape.counts_only {
            let items = page.items.unwrap_or_default();
            out.int(ITEMS);
            match &shape.wanted {
                Some(wanted) => {
                    out.array(items.len());
                    items.iter().for_each(|item| wanted.write(item, &mut out));
                }
                None => {
                    let items = self.keyed(&items, schema).await?;
                    out.array(items.len());
                    for (key, blob) in items {
                        out.array(2);
                        out.bytes(&key);
                        out.bytes(&blob);
                    }
                }
            }
        }
        out.int(COUNT);
        out.int(page.count);
        if let Some(last) = &page.last_evaluated_key {
            let bytes = match shape.is_of_index {
                true => key::encode_compound(last),
                false => encode_key(schema, last)?,
            };
            out.int(LAST_KEY);
            out.bytes(&bytes);
        }
        out.int(SCANNED_COUNT);
        out.int(page.scanned_count);
        if let Some(capacity) = &page.consumed_capacity {
            out.int(CAPACITY);
            capacity.write(&mut out);
        }
        out.end();
        let answered = Answered::new(out, success.outcome);
        if let Some(page) = success.kept() {
            shape.keep(page, &answered.message);
        }
        Ok(answered)
    }

    /// Whole items as they travel: each with its key before it.
    pub(super) async fn keyed(
        &self,
        items: &[Item],
        schema: &KeySchema,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Unanswerable> {
        let mut keyed = Vec::with_capacity(items.len());
        // Items of one page mostly have the same names.
        let mut last: Option<(Vec<&str>, i64)> = None;
        for item in items {
            let values = Values::of(item, schema);
            let list = match &last {
                Some((names, list)) if *names == values.names => *list,
                _ => self.list_of(&values.names).await?,
            };
            keyed.push((encode_key(schema, item)?, values.numbered(list)));
            last = Some((values.names, list));
        }
        Ok(keyed)
    }
}

fn select(table: &TableDefinition, options: &Options<'_>) -> Option<Select> {
    let is_local = |index: &str| table.local_indexes().any(|local| local.name == index);
    let is_local = options.index.as_deref().is_none_or(is_local);
    meant(options.select, options.projection.is_some(), is_local)
}

/// What a client means that selects so.
///
/// DAX: Go's client of the second SDK says `ALL_ATTRIBUTES` where the application says nothing. Of a local index that
/// is more than is meant, but others who say it would get less; everywhere else the two differ in an error alone.
fn meant(select: Option<Select>, projects: bool, is_local: bool) -> Option<Select> {
    select.filter(|select| *select != Select::AllAttributes || (is_local && !projects))
}

/// # Errors
/// If the item has no key: then the table was made again with other keys since they were learnt.
pub(super) fn encode_key(schema: &KeySchema, item: &Item) -> Result<Vec<u8>, Unanswerable> {
    key::encode(schema, item).map_err(|_| {
        let error = model::ErrorCode::ResourceNotFoundException;
        ApiError::upstream(error, "Requested resource not found: the table has other keys by now").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_attributes_may_mean_nothing() {
        let all = Some(Select::AllAttributes);
        assert_eq!(meant(all, false, true), all);
        assert_eq!(meant(all, true, true), None, "a projection says what is selected");
        assert_eq!(meant(all, false, false), None, "a global index may not have them");
        for other in [None, Some(Select::Count), Some(Select::AllProjectedAttributes)] {
            assert_eq!(meant(other, true, false), other);
        }
    }
}
