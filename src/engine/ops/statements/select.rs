//! A page of a SELECT.

use std::collections::VecDeque;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use expr::{
    Condition,
    partiql::{SelectStatement, Selection},
};
use model::{
    Item,
    call::{ReturnConsumedCapacity, Statement as Asked},
    limits::PAGE_BYTES_MAX,
};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::{Executed, OTHER_TOKEN, plan::Plan, told};
use crate::{
    Core, EngineError,
    answer::json,
    capacity::{Consumed, Reading},
    keys::Span,
    ops::{checks, source::Source},
    page::{self, PageRequest},
    table::{IndexKind, Table},
};

/// DynamoDB: developer guide, "PartiQL operators": the results of an IN come "in pages of up to 10 items".
const READS_MAX: usize = 10;

/// What was read.
pub(super) struct SelectPage {
    pub(super) table: std::sync::Arc<Table>,
    pub(super) items: Vec<Item>,
    pub(super) consumed: Consumed,
    next: Option<Position>,
    /// Of the statement that a next page is of.
    digest: String,
}

/// Where a page ended.
#[derive(Clone, Serialize, Deserialize)]
struct Position {
    /// Which of the statement's ranges to go on with.
    range: usize,
    /// The item to go on behind, by its key; none to begin at the range's beginning.
    behind: Option<Item>,
}

/// `NextToken`, before it is made opaque.
#[derive(Serialize, Deserialize)]
struct Token {
    digest: String,
    #[serde(flatten)]
    position: Position,
}

impl SelectPage {
    pub(super) fn answer(self, wanted: Option<ReturnConsumedCapacity>) -> Vec<u8> {
        let last_evaluated_key = self.next.as_ref().and_then(|position| position.behind.clone());
        let digest = self.digest;
        let next_token = self.next.map(|position| STANDARD.encode(json(&Token { digest, position })));
        json(&Executed {
            items: self.items,
            next_token,
            last_evaluated_key,
            consumed_capacity: told(&self.table, &self.consumed, wanted),
        })
    }
}

impl Core {
    pub(super) fn select(&self, select: &SelectStatement, asked: &Asked) -> Result<SelectPage, EngineError> {
        let digest = digest(asked);
        let position = asked.next_token.as_deref().map(|token| position(token, &digest)).transpose()?;
        let table = self.table(&select.table)?;
        let source = find(&table, select.index.as_deref(), asked.consistent_read)?;
        let plan = Plan::of(select, &source)?;
        checks::check_condition(&table, select.condition.as_ref())?;
        let wanted = select.selection.iter().flat_map(Selection::attributes);
        let fetches = source.must_fetch(None, wanted)?;
        let position = position.unwrap_or(Position { range: 0, behind: None });
        let reader = Reader {
            source,
            condition: select.condition.as_ref(),
            selection: select.selection.as_ref(),
            is_forward: plan.is_forward,
            fetches,
            reading: Reading::of(asked.consistent_read),
        };
        let limit = asked.limit.map(|limit| limit as usize);
        let (items, consumed, next) = reader.read(self, &plan.spans, position, limit)?;
        Ok(SelectPage { table: std::sync::Arc::clone(&table), items, consumed, next, digest })
    }
}

/// DynamoDB: other words than those of a Query (conformance suite, PartiQL error messages).
fn find<'a>(
    table: &'a Table,
    index_name: Option<&str>,
    consistent_read: Option<bool>,
) -> Result<Source<'a>, EngineError> {
    let Some(name) = index_name else { return Ok(Source { table, index: None }) };
    match table.index(name) {
        None => Err(EngineError::validation("The table does not have the specified index")),
        Some(index) if index.kind == IndexKind::Global && consistent_read == Some(true) => Err(
            EngineError::validation("Strongly consistent read is not supported on Global Secondary Indexes"),
        ),
        Some(_) => Source::find(table, index_name, consistent_read),
    }
}

/// How ranges are read.
struct Reader<'a> {
    source: Source<'a>,
    condition: Option<&'a Condition>,
    selection: Option<&'a Selection>,
    is_forward: bool,
    fetches: bool,
    reading: Reading,
}

impl Reader<'_> {
    /// Range after range, until enough was read. Items are held against the whole condition, so a range may be
    /// wider than it has to be.
    fn read(
        &self,
        core: &Core,
        spans: &[Span],
        from: Position,
        limit: Option<usize>,
    ) -> Result<(Vec<Item>, Consumed, Option<Position>), EngineError> {
        let view = core.store.view();
        let (mut items, mut consumed) = (Vec::new(), Consumed::default());
        let (mut limit, mut bytes) = (limit, 0);
        let mut behind = from.behind;
        let mut ranges: VecDeque<usize> = (from.range..spans.len()).collect();
        for _ in 0..READS_MAX {
            let Some(range) = ranges.pop_front() else { break };
            let span = &spans[range];
            let start = behind.take().map(|key| self.source.start(&key)).transpose().map_err(invalid)?;
            if start.as_ref().is_some_and(|start| !span.contains(start)) {
                return Err(invalid(()));
            }
            let page = page::read(
                &view,
                &PageRequest {
                    space: self.source.space(),
                    span,
                    start: start.as_deref(),
                    is_forward: self.is_forward,
                    limit,
                    filter: self.condition,
                    is_counted_only: false,
                    fetch: self.fetches.then_some(self.source.table),
                },
            )?;
            consumed.add(&self.source.consumed(&page, self.reading));
            for record in &page.records {
                let item = record.item()?;
                items.push(self.selection.map_or_else(|| item.clone(), |selection| selection.apply(&item)));
            }
            if let Some(last) = &page.last {
                let behind = Some(self.source.key_item(last));
                return Ok((items, consumed, Some(Position { range, behind })));
            }
            limit = limit.map(|limit| limit - page.scanned);
            bytes += page.bytes;
            if bytes > PAGE_BYTES_MAX {
                break;
            }
        }
        let next = ranges.pop_front().map(|range| Position { range, behind: None });
        Ok((items, consumed, next))
    }
}

/// What a token belongs to: a statement and its parameters, not how much of it is read at once.
fn digest(asked: &Asked) -> String {
    let statement = json(&(&asked.statement, asked.parameters()));
    format!("{:032x}", xxh3_128(&statement))
}

/// DynamoDB: a token that cannot be read, and one of another statement, have words of their own (dynoxide's
/// captures).
fn position(token: &str, digest: &str) -> Result<Position, EngineError> {
    let decoded = STANDARD.decode(token).map_err(invalid)?;
    let token: Token = serde_json::from_slice(&decoded).map_err(invalid)?;
    match token.digest == digest {
        true => Ok(token.position),
        false => Err(EngineError::validation(OTHER_TOKEN)),
    }
}

fn invalid<E>(_: E) -> EngineError {
    EngineError::validation("Invalid NextToken")
}
