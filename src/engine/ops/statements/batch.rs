//! `BatchExecuteStatement`: each statement by itself, and each with an ending of its own.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use expr::partiql::Statement;
use futures_util::future::join_all;
use model::{
    ErrorCode, Item, PrimaryKey,
    call::{BatchExecuteStatement, Statement as Asked},
};
use serde::Serialize;
use store::Space;

use super::{is_read, read, told, write};
use crate::{
    Core, EngineError,
    answer::json,
    aside,
    capacity::{Consumed, ConsumedCapacity},
    error::Reason,
    ops::{batch::DUPLICATES, items},
    table::Table,
};

const MIXED: &str = "Read and write requests together in the same batch is not supported.";
const NO_KEY: &str =
    "Select statements within BatchExecuteStatement must specify the primary key in the where clause.";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    responses: Vec<Response>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
}

/// How one statement ended.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<StatementError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    table_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Item>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StatementError {
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Item>,
}

/// What a statement came to that was carried out.
struct Done {
    table: Arc<Table>,
    item: Option<Item>,
    consumed: Consumed,
}

impl Core {
    /// DynamoDB: what is wrong with one statement is its own ending; that reads and writes are mixed, or that
    /// two statements name one item, is everybody's.
    pub(crate) async fn batch_execute_statement(
        self: &Arc<Self>,
        batch: BatchExecuteStatement,
    ) -> Result<Vec<u8>, EngineError> {
        let BatchExecuteStatement { statements, return_consumed_capacity } = batch;
        let read: Vec<Result<Statement, EngineError>> = statements.iter().map(read).collect();
        let well_formed = || read.iter().flatten();
        if well_formed().any(is_read) && !well_formed().all(is_read) {
            return Err(EngineError::validation(MIXED));
        }
        let mut seen = HashSet::new();
        if well_formed().filter_map(|statement| self.target(statement)).any(|item| !seen.insert(item)) {
            return Err(EngineError::validation(DUPLICATES));
        }
        let named: Vec<Option<String>> = read
            .iter()
            .map(|read| read.as_ref().ok().map(|statement| statement.table().to_owned()))
            .collect();
        let carried_out = read.into_iter().zip(statements).map(|(statement, asked)| async move {
            match statement? {
                Statement::Select(select) => {
                    let core = Arc::clone(self);
                    aside(move || core.select_one(&select, &asked)).await
                }
                statement => {
                    let shows_item = items::shows_item(asked.return_values_on_condition_check_failure);
                    let (table, written) = self.carry_out_statement(&statement, shows_item).await?;
                    let item = write::returned(&statement, &written);
                    Ok(Done { table, item, consumed: written.consumed })
                }
            }
        });
        let mut consumed: BTreeMap<String, (Arc<Table>, Consumed)> = BTreeMap::new();
        let mut responses = Vec::with_capacity(named.len());
        for (done, named) in join_all(carried_out).await.into_iter().zip(named) {
            responses.push(match done {
                Ok(done) => {
                    let table_name = Some(done.table.name().to_owned());
                    let sum = consumed.entry(done.table.name().to_owned());
                    sum.or_insert_with(|| (done.table, Consumed::default())).1.add(&done.consumed);
                    Response { table_name, item: done.item, error: None }
                }
                Err(error) => {
                    let error = StatementError::of(error)?;
                    // DynamoDB: the table is named where the statement was carried out, as far as that went.
                    let table_name = named.filter(|_| error.code != VALIDATION_ERROR);
                    Response { error: Some(error), table_name, item: None }
                }
            });
        }
        let told =
            |(table, consumed): &(Arc<Table>, Consumed)| told(table, consumed, return_consumed_capacity);
        let consumed_capacity = consumed.values().filter_map(told).collect();
        Ok(json(&Answer { responses, consumed_capacity }))
    }

    /// The item that a statement names, as far as that can be told.
    fn target(&self, statement: &Statement) -> Option<(Space, PrimaryKey)> {
        let table = self.table(statement.table()).ok()?;
        let key = write::prepare(statement, &table, false).ok()?.key;
        Some((table.space, key))
    }

    fn select_one(
        &self,
        select: &expr::partiql::SelectStatement,
        asked: &Asked,
    ) -> Result<Done, EngineError> {
        let table = self.table(&select.table)?;
        if select.index.is_some() {
            // What PartiQL cannot read at all is said first.
            self.select(select, asked)?;
            return Err(EngineError::validation(NO_KEY));
        }
        write::only_key(&table, select.condition.as_ref()).map_err(|_| EngineError::validation(NO_KEY))?;
        let page = self.select(select, asked)?;
        Ok(Done { table, item: page.items.into_iter().next(), consumed: page.consumed })
    }
}

const VALIDATION_ERROR: &str = "ValidationError";

impl StatementError {
    /// # Errors
    /// What is no statement's own fault: then nobody knows what became of the batch.
    fn of(error: EngineError) -> Result<StatementError, EngineError> {
        // DynamoDB: the same codes as those of the reasons of a cancelled transaction (API reference,
        // BatchStatementError), and one more.
        if let Some(Reason { item, code, message }) = error.reason() {
            return Ok(StatementError { code, message: message.unwrap_or_default(), item });
        }
        match error {
            EngineError::Refused(error) if error.code == ErrorCode::ResourceNotFoundException => {
                Ok(StatementError { code: "ResourceNotFound", message: error.message, item: None })
            }
            other => Err(other),
        }
    }
}
