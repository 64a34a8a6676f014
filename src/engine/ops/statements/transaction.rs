//! `ExecuteTransaction`: reads of one moment, or writes of which all or none are carried out.

use std::{collections::BTreeMap, sync::Arc};

use expr::partiql::{SelectStatement, Statement};
use model::{
    Item,
    call::{ExecuteTransaction, ReturnConsumedCapacity},
};
use serde::Serialize;
use store::Transaction;

use super::{is_read, read, write};
use crate::{
    Core, EngineError,
    answer::json,
    aside,
    capacity::{Consumed, ConsumedCapacity, Kind, Reading},
    keys,
    ops::{items, transact},
    record::Record,
    table::Table,
    tokens::Token,
};

const MIXED: &str =
    "ExecuteTransaction API does not support both read and write operations in the same request.";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    /// DynamoDB: one for each SELECT, and none at all for writes (conformance suite, responses to writes).
    responses: Vec<Response>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response {
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Item>,
}

impl Core {
    pub(crate) async fn execute_transaction(
        self: &Arc<Self>,
        transaction: ExecuteTransaction,
        body: &[u8],
    ) -> Result<Vec<u8>, EngineError> {
        let statements = transaction.transact_statements.iter().enumerate();
        let statements = statements
            .map(|(place, asked)| {
                let statement = read(asked).map_err(|error| within(place, error))?;
                check(&statement).map_err(|error| within(place, error))?;
                Ok(statement)
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        let wanted = transaction.return_consumed_capacity;
        if statements.iter().any(is_read) {
            let selects = statements.into_iter().map(|statement| match statement {
                Statement::Select(select) => Ok(select),
                _ => Err(EngineError::validation(MIXED)),
            });
            let selects = selects.collect::<Result<Vec<_>, EngineError>>()?;
            let core = Arc::clone(self);
            return aside(move || core.read_statements(&selects, wanted)).await;
        }
        let shows_item: Vec<bool> = transaction
            .transact_statements
            .iter()
            .map(|asked| items::shows_item(asked.return_values_on_condition_check_failure))
            .collect();
        // A token of a TransactWriteItems is another one, also if it is spelled the same.
        let token = transaction.client_request_token.map(|token| {
            Token::new(&format!("statements/{token}"), &transact::what_is_done(body, "TransactStatements"))
        });
        let (tables, ended) = self
            .turn(|| {
                let writes = self.statement_writes(&statements, &shows_item)?;
                let tables: Vec<Arc<Table>> = writes.iter().map(|write| Arc::clone(&write.table)).collect();
                let token = token.clone();
                Ok((tables, move |tx: &mut Transaction<'_>| transact::carry_out(tx, &writes, token)))
            })
            .await?;
        let consumed_capacity = transact::told(&tables, &ended, wanted);
        Ok(json(&Answer { responses: Vec::new(), consumed_capacity }))
    }

    fn statement_writes(
        &self,
        statements: &[Statement],
        shows_item: &[bool],
    ) -> Result<Vec<crate::write::Write>, EngineError> {
        let tables = statements.iter().map(|statement| self.table(statement.table()));
        let tables = tables.collect::<Result<Vec<_>, EngineError>>()?;
        let prepared = statements.iter().zip(&tables).zip(shows_item).enumerate();
        let writes = prepared
            .map(|(place, ((statement, table), shows_item))| {
                if let Statement::Exists(select) = statement {
                    check_exists(select, table).map_err(|error| within(place, error))?;
                }
                write::prepare(statement, table, *shows_item).map_err(|error| within(place, error))
            })
            .collect::<Result<Vec<_>, EngineError>>()?;
        transact::refuse_twice(writes.iter().map(|write| (&write.table, &write.key)))?;
        Ok(writes)
    }

    fn read_statements(
        &self,
        selects: &[SelectStatement],
        wanted: Option<ReturnConsumedCapacity>,
    ) -> Result<Vec<u8>, EngineError> {
        let tables = selects.iter().map(|select| self.table(&select.table));
        let tables = tables.collect::<Result<Vec<_>, EngineError>>()?;
        let mut items = Vec::with_capacity(selects.len());
        for (place, (select, table)) in selects.iter().zip(&tables).enumerate() {
            let key = write::only_key(table, select.condition.as_ref()).map_err(|_| {
                within(
                    place,
                    EngineError::validation(
                        "Select statements within ExecuteTransaction must specify the primary key in the where \
                         clause.",
                    ),
                )
            })?;
            items.push(key);
        }
        transact::refuse_twice(tables.iter().zip(&items))?;
        let view = self.store.view();
        let mut consumed: BTreeMap<String, Consumed> = BTreeMap::new();
        let mut responses = Vec::with_capacity(selects.len());
        for ((select, table), key) in selects.iter().zip(&tables).zip(&items) {
            let record = view.get(table.space, &keys::item_key(key))?.map(Record::decode).transpose()?;
            let bytes = record.as_ref().map_or(0, Record::size);
            let units = Consumed::of_table(Reading::Transactional.units(bytes));
            consumed.entry(table.name().to_owned()).or_default().add(&units);
            let item = record.map(|record| record.item()).transpose()?;
            responses.push(Response { item: item.map(|item| shown(select, item)) });
        }
        let told = |(name, units): (&String, &Consumed)| units.told(name, wanted, Kind::TransactRead);
        let consumed_capacity = consumed.iter().filter_map(told).collect();
        Ok(json(&Answer { responses, consumed_capacity }))
    }
}

/// What a SELECT shows of an item.
fn shown(select: &SelectStatement, item: Item) -> Item {
    match &select.selection {
        None => item,
        Some(selection) => selection.apply(&item),
    }
}

/// What no statement of a transaction may be.
fn check(statement: &Statement) -> Result<(), EngineError> {
    match statement {
        Statement::Select(select) if select.index.is_some() => {
            Err(EngineError::validation("Reads on indices are not supported within transactions."))
        }
        Statement::Exists(select) if select.index.is_some() => {
            Err(EngineError::validation("Operations on indices are not supported in transactions"))
        }
        statement if statement.returning().is_some() => {
            Err(EngineError::validation("RETURNING clause is not supported in ExecuteTransaction."))
        }
        _ => Ok(()),
    }
}

/// DynamoDB: an EXISTS names one item, and asks more of it than that it is there.
fn check_exists(select: &SelectStatement, table: &Table) -> Result<(), EngineError> {
    let named = write::condition_and_key(table, select.condition.as_ref()).ok();
    match named.is_some_and(|(condition, ..)| write::asks_more(table, condition)) {
        true => Ok(()),
        false => {
            Err(EngineError::validation("EXISTS() must contain a single item read with additional condition"))
        }
    }
}

/// DynamoDB: which statement it is; but not of what is wrong with a parameter (conformance suite, numbers).
fn within(place: usize, error: EngineError) -> EngineError {
    match error {
        EngineError::Refused(mut error) if error.code == model::ErrorCode::ValidationException => {
            error.message = format!("Validation failed in TransactStatements[{place}]: {}", error.message);
            error.into()
        }
        other => other,
    }
}
