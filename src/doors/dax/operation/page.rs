//! Pages: `Query` and `Scan`.

use expr::Trees;
use model::{
    ApiError, Item, KeySchema,
    call::{Query, Request, ReturnConsumedCapacity, Scan, Select},
};
use serde::Deserialize;

use crate::reply::Asked;
use dax_wire::{Writer, expression, item::Values, key};

use super::{
    Answered, Operations, Success,
    answers::{self, CAPACITY, COUNT, Capacity, ITEMS, LAST_KEY, SCANNED_COUNT},
    arguments::{Arguments, Options, Texts, primary_key},
    projection::Wanted,
    refused::Refused,
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

/// What of a request matters for its result.
struct Form {
    wanted: Option<Wanted>,
    is_of_index: bool,
    counts_only: bool,
    /// Whether nothing of capacity is asked for.
    is_bare: bool,
}

impl Form {
    fn of(options: &Options<'_>) -> Result<Form, Refused> {
        Ok(Form {
            wanted: options.projection.map(Wanted::read).transpose()?,
            is_of_index: options.index.is_some(),
            counts_only: options.select == Some(Select::Count),
            is_bare: matches!(options.capacity, None | Some(ReturnConsumedCapacity::None)),
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
        let trees = Trees {
            key_condition: key_condition.map(expression::decode_condition).transpose()?,
            filter: options.filter.map(expression::decode_condition).transpose()?,
            projection: self.wanted.as_ref().map(Wanted::attributes),
            ..Trees::default()
        };
        Ok(Texts::of(&trees))
    }
}

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
        let schema = self.tables.learn(table, asked.deadline).await?;
        let form = Form::of(&options)?;
        let texts = form.texts(Some(key_condition), &options)?;
        let request = Query {
            table_name: table.to_owned(),
            exclusive_start_key: form.start(&options, &schema)?,
            select: self.select(table, &options),
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
        self.page(success, &form, &schema).await
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
        let schema = self.tables.learn(table, asked.deadline).await?;
        let form = Form::of(&options)?;
        let texts = form.texts(None, &options)?;
        let request = Scan {
            table_name: table.to_owned(),
            exclusive_start_key: form.start(&options, &schema)?,
            select: self.select(table, &options),
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
        self.page(success, &form, &schema).await
    }

    /// What the client wants to be selected.
    ///
    /// DAX: Go's clients say that they want all attributes whenever their caller says nothing of it, beside a projection and
    /// of a global index too, where DynamoDB refuses that. What it means where DynamoDB takes it is its default for
    /// tables; of a local index it is more than the default, and somebody may have meant it.
    fn select(&self, table: &str, options: &Options<'_>) -> Option<Select> {
        let is_meant = |index: &String| self.tables.has_local_index(table, index);
        match options.select {
            Some(Select::AllAttributes) => {
                let of_index = options.index.as_ref().filter(|_| options.projection.is_none());
                of_index.is_some_and(is_meant).then_some(Select::AllAttributes)
            }
            other => other,
        }
    }

    /// The result of either.
    async fn page(&self, success: Success, form: &Form, schema: &KeySchema) -> Result<Answered, Refused> {
        // What a projection makes of an item depends on the order of its paths, which is no part of what is kept.
        let keeps_form = form.wanted.is_none() && form.is_bare;
        if let Some(result) = success.form().filter(|_| keeps_form) {
            return Ok(Answered { result: result.to_vec(), outcome: success.outcome });
        }
        let page: Page = answers::read(success.body())?;
        let mut out = Writer::new();
        out.begin_map();
        if !form.counts_only {
            let items = page.items.unwrap_or_default();
            out.int(ITEMS);
            match &form.wanted {
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
            let bytes = match form.is_of_index {
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
        let result = out.into_bytes();
        if keeps_form {
            success.keep_form(&result);
        }
        Ok(Answered { result, outcome: success.outcome })
    }

    /// Whole items as they travel: each with its key before it.
    pub(super) async fn keyed(
        &self,
        items: &[Item],
        schema: &KeySchema,
    ) -> Result<Vec<(Vec<u8>, Vec<u8>)>, Refused> {
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

/// # Errors
/// If the item has no key: then the table was made again with other keys since they were learnt.
pub(super) fn encode_key(schema: &KeySchema, item: &Item) -> Result<Vec<u8>, Refused> {
    key::encode(schema, item).map_err(|_| {
        let error = model::ErrorCode::ResourceNotFoundException;
        ApiError::upstream(error, "Requested resource not found: the table has other keys by now").into()
    })
}
