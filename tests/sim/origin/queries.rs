//! How the origin answers queries and scans: of the table and its local indexes from a replica that lags as
//! for items, of global indexes with a lag of their own.

use std::sync::Arc;

use base::Instant;
use model::ErrorCode;
use serde_json::{Value, json};

use super::Origin;
use crate::{
    indexes::{Design, INDEXES, Kind, only},
    keys::{Attributes, TABLES, keys_of},
    query::{Direction, Query, Row, Select},
    truth::{Content, Truth},
};

impl Origin {
    pub(super) fn query(&self, request: &Value) -> Result<Value, ErrorCode> {
        let query = Query::asked(request);
        let truth = self.truth();
        truth.tables[query.table].ok_or(ErrorCode::ResourceNotFoundException)?;
        let (design, made_at) = self.asked_design(&truth, &query)?;
        if !query.fits(&design) {
            return Err(ErrorCode::ValidationException);
        }
        let mut rows = self.rows(&truth, &query, &design, made_at);
        rows.sort_by(|(one, _), (other, _)| match query.direction {
            Direction::Forward => one.position.cmp(&other.position),
            Direction::Backward => other.position.cmp(&one.position),
        });
        Ok(page(&query, &design, &rows))
    }

    /// What is asked: the table, or an index as it is now and when it was made.
    fn asked_design(&self, truth: &Truth, query: &Query) -> Result<(Design, Option<Instant>), ErrorCode> {
        let Some(index) = query.index else { return Ok((Design::of_table(query.table), None)) };
        let state = truth.newest_index(index);
        match state.design {
            // DynamoDB: global indexes have no strong reads, and none at all before they are filled.
            Some(_) if query.is_strong && query.is_global() => Err(ErrorCode::ValidationException),
            Some(design) if state.active_at <= self.clock.now() => Ok((*design, Some(state.applied_at))),
            _ => Err(ErrorCode::ValidationException),
        }
    }

    /// All rows that the query comes across, each with its item.
    fn rows(
        &self,
        truth: &Truth,
        query: &Query,
        design: &Design,
        made_at: Option<Instant>,
    ) -> Vec<(Row, Arc<Attributes>)> {
        let as_of = match (query.is_strong, made_at.filter(|_| query.is_global())) {
            (true, _) => self.clock.now(),
            (false, None) => self.lagging(self.weather.lag),
            // Nothing is in an index as it was before the index was made.
            (false, Some(made_at)) => self.lagging(self.weather.index_lag).max(made_at),
        };
        let rows = keys_of(query.table).filter_map(|key| {
            let life = &truth.lives[key];
            match &life.states[life.seen_by_replica(as_of)].content {
                Content::Item(item) => Some((query.row(design, item)?, Arc::clone(item))),
                Content::NoTable | Content::Absent => None,
            }
        });
        rows.collect()
    }
}

/// As much of the rows as one page holds, as an answer.
fn page(query: &Query, design: &Design, rows: &[(Row, Arc<Attributes>)]) -> Value {
    let scanned = &rows[..rows.len().min(query.limit.unwrap_or(usize::MAX))];
    let passing = || scanned.iter().filter(|(row, _)| row.passes).map(|(_, item)| item);
    let mut body = json!({ "Count": passing().count(), "ScannedCount": scanned.len() });
    if query.select != Select::Count {
        body["Items"] = passing().map(|item| Value::Object(query.show(design, item))).collect();
    }
    // DynamoDB: who stops at the limit does not look whether that was the last row.
    if let Some((_, last)) = scanned.last().filter(|_| query.limit == Some(scanned.len())) {
        let key = only(last, design.ordering(query.table).into_iter());
        body["LastEvaluatedKey"] = Value::Object(key);
    }
    if let Some(capacity) = query.capacity {
        body["ConsumedCapacity"] = consumed(query, capacity);
    }
    body
}

fn consumed(query: &Query, wanted: &str) -> Value {
    let mut consumed = json!({ "TableName": TABLES[query.table].name, "CapacityUnits": 0.5 });
    if wanted == "INDEXES" {
        let units = |units: f64| json!({ "CapacityUnits": units });
        consumed["Table"] = units(if query.index.is_none() { 0.5 } else { 0.0 });
        if let Some(index) = query.index.map(|index| &INDEXES[index]) {
            let member = match index.kind {
                Kind::Local => "LocalSecondaryIndexes",
                Kind::Global => "GlobalSecondaryIndexes",
            };
            consumed[member] = json!({ index.name: units(0.5) });
        }
    }
    consumed
}
