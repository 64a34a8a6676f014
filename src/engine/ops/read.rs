//! `Query` and `Scan`: where they read is what they differ in.

use expr::{
    Condition, Projection,
    asked::{self, Reading},
};
use model::{
    Item,
    call::{Query, ReturnConsumedCapacity, Scan, Select},
};
use serde::Serialize;

use super::{checks, items, source::Source};
use crate::{
    Core, EngineError,
    answer::{add_member, json, write_list},
    capacity::{self, ConsumedCapacity, Kind},
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
    reading: capacity::Reading,
    capacity: Option<ReturnConsumedCapacity>,
}

impl Core {
    pub(crate) fn query(&self, query: &Query) -> Result<Vec<u8>, EngineError> {
        let Reading { key_condition, filter, filter_parameter, projection } = asked::query(query)?;
        let key_condition = key_condition.expect("a Query has one");
        query.check_select()?;
        let projection = asked::projection(projection, query.attributes_to_get.as_deref())?;
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
            filter
                .refuse_keys(key.attributes().map(|attribute| attribute.name.as_str()), filter_parameter)?;
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
            reading: capacity::Reading::of(query.consistent_read),
            capacity: query.return_consumed_capacity,
        })
    }

    pub(crate) fn scan(&self, scan: &Scan) -> Result<Vec<u8>, EngineError> {
        let Reading { filter, projection, .. } = asked::scan(scan)?;
        scan.check_select()?;
        let projection = asked::projection(projection, scan.attributes_to_get.as_deref())?;
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
            reading: capacity::Reading::of(scan.consistent_read),
            capacity: scan.return_consumed_capacity,
        })
    }

    fn page(&self, wanted: Wanted<'_>) -> Result<Vec<u8>, EngineError> {
        let Wanted { source, span, start, filter, projection, .. } = &wanted;
        checks::check_condition(source.table, filter.as_ref())?;
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
