//! Transactions.

use std::{collections::BTreeMap, sync::Arc};

use expr::Trees;
use model::{
    ErrorCode, Item, KeySchema,
    call::{
        ItemToPut, Request, TransactConditionCheck, TransactDelete, TransactGet, TransactGetItem,
        TransactGetItems, TransactPut, TransactUpdate, TransactWriteItem, TransactWriteItems,
    },
};
use serde::Deserialize;

use crate::{
    error::Reason,
    reply::{self, Asked},
};
use dax_wire::{Budget, Malformed, Writer};

use super::{
    Answered, Operations, Success,
    answers::{self, Capacity, CollectionMetrics},
    arguments::{
        Arguments, Texts, bytes_or_null, on_failure, primary_key, text_in_bytes, whole_item, write_texts,
    },
    batch::{key_schemas, write_collections},
    projection::Wanted,
    refused::{CancellationReason, Refused, Unanswerable},
};

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Got {
    responses: Vec<Response>,
    consumed_capacity: Vec<Capacity>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Response {
    item: Option<Item>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Written {
    item_collection_metrics: BTreeMap<String, Vec<CollectionMetrics>>,
    consumed_capacity: Vec<Capacity>,
}

/// What an action does, by number.
const PUT: i64 = 2;
const DELETE: i64 = 7;
const UPDATE: i64 = 9;
const CONDITION_CHECK: i64 = 12;

impl Operations {
    /// `transactGetItems`.
    pub(super) async fn transact_get_items(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let tables = arguments.array(text_in_bytes)?;
        let keys = arguments.array(|decoder| Ok(decoder.bytes()?))?;
        let projections = filled(arguments.array(bytes_or_null)?, tables.len())?;
        let options = arguments.options()?;
        arguments.end()?;
        if keys.len() != tables.len() {
            return Err(Malformed::WrongType.into());
        }
        let definitions = self.definitions(&tables, asked).await?;
        let schemas = key_schemas(&definitions);
        let wanted: Vec<Option<Arc<Wanted>>> = projections
            .into_iter()
            .map(|projection| projection.map(|bytes| self.projections.read(bytes)).transpose())
            .collect::<Result<_, _>>()?;
        let get = |place: usize| {
            let trees =
                Trees { projection: wanted[place].as_deref().map(Wanted::attributes), ..Trees::default() };
            let texts = Texts::of(&trees);
            let get = TransactGet {
                table_name: tables[place].to_owned(),
                key: primary_key(schemas[place], keys[place])?,
                projection_expression: texts.printed.projection,
                expression_attribute_names: texts.names,
            };
            Ok(TransactGetItem { get })
        };
        let request = TransactGetItems {
            transact_items: (0..tables.len()).map(get).collect::<Result<_, Refused>>()?,
            return_consumed_capacity: options.capacity,
            first_fault: None,
        };
        let answer = self.ask(Request::TransactGetItems(request), &tables, asked).await;
        let success = match answer {
            Err(refused) => return Err(self.with_reasons(refused, &schemas).await),
            Ok(success) => success,
        };
        let got: Got = answers::read(success.body())?;
        let mut out = reply::begin(0);
        out.array(2);
        out.array(tables.len());
        let mut responses = got.responses.iter();
        for (wanted, schema) in wanted.iter().zip(&schemas) {
            match (responses.next().and_then(|response| response.item.as_ref()), wanted) {
                (None, _) => out.null(),
                (Some(item), Some(wanted)) => wanted.write(item, &mut out),
                (Some(item), None) => out.bytes(&self.blob(item, schema).await?),
            }
        }
        write_extended(&got.consumed_capacity, &mut out);
        Ok(Answered::new(out, success.outcome))
    }

    /// `transactWriteItems`.
    pub(super) async fn transact_write_items(
        &self,
        mut arguments: Arguments<'_>,
        asked: &Asked<'_>,
    ) -> Result<Answered, Refused> {
        let kinds = arguments.array(|decoder| Ok(decoder.i64()?))?;
        let tables = arguments.array(text_in_bytes)?;
        let keys = arguments.array(|decoder| Ok(decoder.bytes()?))?;
        let count = kinds.len();
        let blobs = filled(arguments.array(bytes_or_null)?, count)?;
        let _return_values = arguments.array(|decoder| Ok(decoder.skip()?))?;
        let on_failures = filled(arguments.array(on_failure)?, count)?;
        let conditions = filled(arguments.array(bytes_or_null)?, count)?;
        let updates = filled(arguments.array(bytes_or_null)?, count)?;
        let options = arguments.options()?;
        arguments.end()?;
        if tables.len() != count || keys.len() != count {
            return Err(Malformed::WrongType.into());
        }
        let definitions = self.definitions(&tables, asked).await?;
        let schemas = key_schemas(&definitions);
        let (mut transact_items, mut budget) = (Vec::with_capacity(count), Budget::of_request());
        for place in 0..count {
            let schema = schemas[place];
            let texts = write_texts(conditions[place], updates[place], &mut budget)?;
            let (table_name, condition) = (tables[place].to_owned(), texts.printed.condition);
            let (names, values, on_failure) = (texts.names, texts.values, on_failures[place]);
            let key = || primary_key(schema, keys[place]);
            transact_items.push(match kinds[place] {
                PUT => TransactWriteItem::Put(TransactPut {
                    table_name,
                    item: ItemToPut::new(
                        whole_item(
                            &self.lists,
                            schema,
                            keys[place],
                            blobs[place].ok_or(Malformed::WrongType)?,
                            &mut budget,
                        )
                        .await?,
                    ),
                    condition_expression: condition,
                    expression_attribute_names: names,
                    expression_attribute_values: values,
                    return_values_on_condition_check_failure: on_failure,
                }),
                UPDATE => TransactWriteItem::Update(TransactUpdate {
                    table_name,
                    key: key()?,
                    update_expression: texts.printed.update.unwrap_or_default(),
                    condition_expression: condition,
                    expression_attribute_names: names,
                    expression_attribute_values: values,
                    return_values_on_condition_check_failure: on_failure,
                }),
                DELETE => TransactWriteItem::Delete(TransactDelete {
                    table_name,
                    key: key()?,
                    condition_expression: condition,
                    expression_attribute_names: names,
                    expression_attribute_values: values,
                    return_values_on_condition_check_failure: on_failure,
                }),
                CONDITION_CHECK => TransactWriteItem::ConditionCheck(TransactConditionCheck {
                    table_name,
                    key: key()?,
                    condition_expression: condition.unwrap_or_default(),
                    expression_attribute_names: names,
                    expression_attribute_values: values,
                    return_values_on_condition_check_failure: on_failure,
                }),
                _ => return Err(Malformed::WrongType.into()),
            });
        }
        let request = TransactWriteItems {
            transact_items,
            return_consumed_capacity: options.capacity,
            return_item_collection_metrics: options.metrics,
            client_request_token: options.token,
            first_fault: None,
        };
        match self.ask(Request::TransactWriteItems(request), &tables, asked).await {
            Err(refused) => Err(self.with_reasons(refused, &schemas).await),
            Ok(success) => Ok(transact_written(&success, &tables, &schemas)?),
        }
    }

    /// A cancelled transaction says of each of its actions why; clients fail if it does not.
    async fn with_reasons(&self, refused: Refused, schemas: &[&KeySchema]) -> Refused {
        let mut answer = match refused {
            Refused::Error(answer) if answer.error.code == ErrorCode::TransactionCanceledException => answer,
            other => return other,
        };
        let mut given = std::mem::take(&mut answer.reasons).into_iter();
        let mut reasons = Vec::with_capacity(schemas.len());
        for schema in schemas {
            let CancellationReason { code, message, item } =
                given.next().unwrap_or(CancellationReason { code: None, message: None, item: None });
            // That nothing was done is worth more than the item.
            let item = match item {
                Some(item) => self.blob(&item, schema).await.ok(),
                None => None,
            };
            reasons.push(Reason { code: Some(code.unwrap_or_else(|| "None".to_owned())), message, item });
        }
        Refused::Cancelled(answer, reasons)
    }
}

/// The result of a `transactWriteItems`.
fn transact_written(
    success: &Success,
    tables: &[&str],
    schemas: &[&KeySchema],
) -> Result<Answered, Unanswerable> {
    let written: Written = answers::read(success.body())?;
    let mut out = reply::begin(0);
    out.array(3);
    // Of what the actions return nothing is ever asked for.
    out.array(0);
    write_extended(&written.consumed_capacity, &mut out);
    write_collections(&written.item_collection_metrics, tables, schemas, &mut out);
    Ok(Answered::new(out, success.outcome))
}

/// As many as there are actions; all absent, if the whole array was.
fn filled<T>(mut given: Vec<Option<T>>, count: usize) -> Result<Vec<Option<T>>, Malformed> {
    if given.is_empty() {
        given.resize_with(count, || None);
    }
    if given.len() == count { Ok(given) } else { Err(Malformed::WrongType) }
}

fn write_extended(capacities: &[Capacity], out: &mut Writer) {
    out.array(capacities.len());
    capacities.iter().for_each(|capacity| capacity.write_extended(out));
}
