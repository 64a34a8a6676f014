//! `Query` and `Scan`: where they read is what they differ in.

use expr::{Condition, Expressions, FilterParameter, KeyCondition, Projection};
use model::{
    Item,
    call::{Query, ReturnConsumedCapacity, Scan, Select},
};
use serde::Serialize;

use super::{asked, items, source::Source};
use crate::{
    Core, EngineError,
    answer::{add_member, json, write_list},
    capacity::{ConsumedCapacity, Kind, Reading},
    keys::Span,
    page::{self, PageRequest},
};

/// The answer, but for the items.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Paged {
    count: usize,
    scanned_count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

/// What Query and Scan have in common.
struct Wanted<'a> {
    source: Source<'a>,
    span: Span,
    start: Option<Vec<u8>>,
    is_forward: bool,
    limit: Option<usize>,
    filter: Option<Condition>,
    projection: Option<Projection>,
    select: Option<Select>,
    reading: Reading,
    capacity: Option<ReturnConsumedCapacity>,
}

impl Core {
    pub(crate) fn query(&self, query: &Query) -> Result<Vec<u8>, EngineError> {
        let bound = Expressions {
            key_condition: query.key_condition_expression.as_deref(),
            filter: query.filter_expression.as_deref(),
            projection: query.projection_expression.as_deref(),
            names: asked::slice(&query.expression_attribute_names),
            values: asked::slice(&query.expression_attribute_values),
            ..Expressions::default()
        }
        .bind()?;
        let key_condition = match bound.key_condition {
            Some(condition) => condition,
            None => KeyCondition::from_conditions(&asked::conditions(&query.key_conditions))?,
        };
        let parameter = match bound.filter {
            Some(_) => FilterParameter::FilterExpression,
            None => FilterParameter::QueryFilter,
        };
        let filter = asked::filter(bound.filter, &query.query_filter, query.conditional_operator)?;
        query.check_select()?;
        let projection = asked::projection(bound.projection, query.attributes_to_get.as_deref())?;
        let table = self.table(&query.table_name)?;
        let source = Source::find(&table, query.index_name.as_deref(), query.consistent_read)?;
        let key = source.key();
        let start = query.exclusive_start_key.as_ref().map(|start| source.start(start)).transpose()?;
        let range = key_condition.for_key(&key.partition, &key.sort)?;
        let span = Span::of_range(&range);
        if let Some(start) = &start
            && !span.contains(start)
        {
            return Err(EngineError::validation(
                match range.sort.is_some() || !range.sort_prefix.is_empty() {
                    true => "The provided starting key does not match the range key predicate",
                    false => {
                        "The provided starting key is outside query boundaries based on provided conditions"
                    }
                },
            ));
        }
        if let Some(filter) = &filter {
            filter.refuse_keys(key.attributes().map(|attribute| attribute.name.as_str()), parameter)?;
        }
        self.page(Wanted {
            source,
            span,
            start,
            is_forward: query.scan_index_forward != Some(false),
            limit: query.limit.map(|limit| limit as usize),
            filter,
            projection,
            select: query.select,
            reading: Reading::of(query.consistent_read),
            capacity: query.return_consumed_capacity,
        })
    }

    pub(crate) fn scan(&self, scan: &Scan) -> Result<Vec<u8>, EngineError> {
        let bound = Expressions {
            filter: scan.filter_expression.as_deref(),
            projection: scan.projection_expression.as_deref(),
            names: asked::slice(&scan.expression_attribute_names),
            values: asked::slice(&scan.expression_attribute_values),
            ..Expressions::default()
        }
        .bind()?;
        let filter = asked::filter(bound.filter, &scan.scan_filter, scan.conditional_operator)?;
        scan.check_select()?;
        let projection = asked::projection(bound.projection, scan.attributes_to_get.as_deref())?;
        let table = self.table(&scan.table_name)?;
        let source = Source::find(&table, scan.index_name.as_deref(), scan.consistent_read)?;
        let span = match (scan.segment, scan.total_segments) {
            (Some(segment), Some(total)) => Span::of_segment(segment, total),
            _ => Span::all(),
        };
        let start = scan.exclusive_start_key.as_ref().map(|start| source.start(start)).transpose()?;
        if let Some(start) = &start
            && !span.contains(start)
        {
            return Err(EngineError::validation(
                "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey \
                 with correct Segment. TotalSegments: "
                    .to_owned()
                    + &format!(
                        "{} Segment: {}",
                        scan.total_segments.unwrap_or_default(),
                        scan.segment.unwrap_or_default()
                    ),
            ));
        }
        self.page(Wanted {
            source,
            span,
            start,
            is_forward: true,
            limit: scan.limit.map(|limit| limit as usize),
            filter,
            projection,
            select: scan.select,
            reading: Reading::of(scan.consistent_read),
            capacity: scan.return_consumed_capacity,
        })
    }

    fn page(&self, wanted: Wanted<'_>) -> Result<Vec<u8>, EngineError> {
        let Wanted { source, span, start, filter, projection, .. } = &wanted;
        asked::check_condition(source.table, filter.as_ref())?;
        items::check_projection(source.table, projection.as_ref())?;
        let fetches = source.must_fetch(wanted.select, projection.iter().flat_map(Projection::attributes))?;
        let view = self.store.view();
        let request = PageRequest {
            space: source.space(),
            span,
            start: start.as_deref(),
            is_forward: wanted.is_forward,
            limit: wanted.limit,
            filter: filter.as_ref(),
            is_counted_only: wanted.select == Some(Select::Count),
            fetch: fetches.then_some(source.table),
        };
        let page = page::read(&view, &request)?;
        let consumed = source.consumed(&page, wanted.reading);
        let mut answer = json(&Paged {
            count: page.count,
            scanned_count: page.scanned,
            last_evaluated_key: page.last.as_ref().map(|item| source.key_item(item)),
            consumed_capacity: consumed.told(source.table.name(), wanted.capacity, Kind::Plain),
        });
        if !request.is_counted_only {
            add_member(&mut answer, "Items", |out| write_list(out, &page.records, projection.as_ref()))?;
        }
        Ok(answer)
    }
}
