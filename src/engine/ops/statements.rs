//! `ExecuteStatement`, `BatchExecuteStatement` and `ExecuteTransaction`: PartiQL, as another way to ask for the
//! same reads and writes.
//!
//! A statement is read by `expr::partiql`; `plan` finds the key ranges that a SELECT reads, `select` reads them
//! page by page, `write` makes a write of any other statement.

mod batch;
mod plan;
mod select;
mod transaction;
mod write;

use std::sync::Arc;

use expr::partiql::{self, StatementFault};
use model::{
    Item,
    call::{ReturnConsumedCapacity, Statement as Asked},
};
use serde::Serialize;

use crate::{
    Core, EngineError,
    answer::json,
    aside,
    capacity::{Consumed, ConsumedCapacity, Kind},
    table::Table,
};

const OTHER_TOKEN: &str = "NextToken does not match request";

/// The answer to an `ExecuteStatement`.
///
/// DynamoDB: a write answers with a list too, an empty one (recorded from the service).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Executed {
    items: Vec<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_key: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumed_capacity: Option<ConsumedCapacity>,
}

impl From<StatementFault> for EngineError {
    fn from(fault: StatementFault) -> EngineError {
        EngineError::validation(fault.to_string())
    }
}

impl Core {
    pub(crate) async fn execute_statement(self: &Arc<Self>, asked: Asked) -> Result<Vec<u8>, EngineError> {
        let statement = read(&asked)?;
        match statement {
            partiql::Statement::Select(select) => {
                let core = Arc::clone(self);
                aside(move || {
                    let page = core.select(&select, &asked)?;
                    Ok(page.answer(asked.return_consumed_capacity))
                })
                .await
            }
            partiql::Statement::Exists(_) => {
                Err(EngineError::validation("EXISTS can only be used in ExecuteTransaction write requests."))
            }
            write => {
                if asked.next_token.is_some() {
                    return Err(EngineError::validation(OTHER_TOKEN));
                }
                let shows_item = super::items::shows_item(asked.return_values_on_condition_check_failure);
                let (table, written) = self.carry_out_statement(&write, shows_item).await?;
                Ok(json(&Executed {
                    items: write::returned(&write, &written).into_iter().collect(),
                    next_token: None,
                    last_evaluated_key: None,
                    consumed_capacity: told(&table, &written.consumed, asked.return_consumed_capacity),
                }))
            }
        }
    }
}

/// Reads a statement, its parameters put in.
fn read(asked: &Asked) -> Result<partiql::Statement, EngineError> {
    if let Some(fault) = &asked.parameter_fault {
        return Err(EngineError::validation(fault));
    }
    Ok(partiql::Statement::parse(&asked.statement, asked.parameters())?)
}

fn key_mismatch(attribute: &str) -> EngineError {
    EngineError::validation(format!(
        "Key attribute's data type should match its data type in table's schema: Key {attribute}"
    ))
}

fn is_read(statement: &partiql::Statement) -> bool {
    matches!(statement, partiql::Statement::Select(_))
}

fn told(
    table: &Table,
    consumed: &Consumed,
    wanted: Option<ReturnConsumedCapacity>,
) -> Option<ConsumedCapacity> {
    consumed.told(table.name(), wanted, Kind::Plain)
}
