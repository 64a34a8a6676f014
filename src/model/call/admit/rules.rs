//! What can be said of a request by itself once its members are what they should be, operation by operation.
//!
//! DynamoDB: the order is that of dynalite, whose tests were recorded from the service; exceptions are
//! marked. Left to whoever knows expressions is what comes after their faults: `check_keys` of a BatchGetItem,
//! `check_select` of a Query or Scan, `check_size` of a transaction's puts. Two things come too late, if a request
//! has several faults: those of placeholders as such and of legacy conditions come after those of all values.

mod streams;

pub(super) use streams::{describe_stream, get_shard_iterator, list_streams};

use std::collections::HashSet;

use super::echo::shown;
use super::tree::Tree;
use super::values::{self, Layer};
use crate::call::TableClass;
use crate::{ApiError, TableRef, table_name_in_arn};

type Checked = Result<(), ApiError>;

fn invalid(fault: impl std::fmt::Display) -> ApiError {
    ApiError::validation(format!("One or more parameter values were invalid: {fault}"))
}

pub(super) fn none(_: &Tree) -> Checked {
    Ok(())
}

pub(super) fn get_item(request: &Tree) -> Checked {
    check_expression_members(Layer::Newer, request, &["ProjectionExpression"], &["AttributesToGet"])?;
    values::check_item(request.get("Key"), Layer::Newer)?;
    check_attributes_to_get(request)
}

pub(super) fn batch_get_item(request: &Tree) -> Checked {
    let tables = request.get("RequestItems").map(Tree::members).unwrap_or_default();
    // DynamoDB: the two may not be mixed across tables either (dynoxide's captures).
    let has = |name: &'static str| tables.iter().any(|(_, wanted)| wanted.has(name));
    if has("ProjectionExpression") && has("AttributesToGet") {
        return Err(ApiError::validation(mixed(&["AttributesToGet"], &["ProjectionExpression"])));
    }
    for (_, wanted) in tables {
        check_expression_members(Layer::Newer, wanted, &["ProjectionExpression"], &["AttributesToGet"])?;
        check_attributes_to_get(wanted)?;
        let keys = wanted.get("Keys").map(Tree::elements).unwrap_or_default();
        keys.iter().try_for_each(|key| values::check_item(Some(key), Layer::Newer))?;
    }
    Ok(())
}

pub(super) fn put_item(request: &Tree) -> Checked {
    check_expression_members(Layer::NewerCounting, request, &["ConditionExpression"], &["Expected"])?;
    values::check_item(request.get("Item"), Layer::NewerCounting)?;
    check_return_values(request)?;
    check_expected(Layer::NewerCounting, request)?;
    values::check_placeholders(request.get("ExpressionAttributeValues"), Layer::NewerCounting)
}

pub(super) fn delete_item(request: &Tree) -> Checked {
    check_expression_members(Layer::NewerCounting, request, &["ConditionExpression"], &["Expected"])?;
    values::check_item(request.get("Key"), Layer::NewerCounting)?;
    check_return_values(request)?;
    check_expected(Layer::NewerCounting, request)?;
    values::check_placeholders(request.get("ExpressionAttributeValues"), Layer::NewerCounting)
}

pub(super) fn update_item(request: &Tree) -> Checked {
    let expressions = ["UpdateExpression", "ConditionExpression"];
    check_expression_members(Layer::NewerCounting, request, &expressions, &["AttributeUpdates", "Expected"])?;
    values::check_item(request.get("Key"), Layer::NewerCounting)?;
    for (name, update) in request.get("AttributeUpdates").map(Tree::members).unwrap_or_default() {
        values::check_name(name)?;
        values::check_value(update.get("Value"), Layer::NewerCounting)?;
    }
    check_expected(Layer::NewerCounting, request)?;
    values::check_placeholders(request.get("ExpressionAttributeValues"), Layer::NewerCounting)
}

pub(super) fn batch_write_item(request: &Tree) -> Checked {
    let tables = request.get("RequestItems").map(Tree::members).unwrap_or_default();
    // DynamoDB: not in the words of the model's constraint, as of BatchGetItem (conformance suite; so in 31 of 33
    // regions on 2026-09-02, pull request 198 of dynoxide).
    if tables.is_empty() {
        return Err(ApiError::validation("The requestItems parameter is required for BatchWriteItem"));
    }
    for (_, writes) in tables {
        // DynamoDB: a write that is neither is called a value of several types, odd as that is.
        if writes.elements().iter().any(|write| write.members().len() != 1) {
            return Err(ApiError::validation(values::SEVERAL));
        }
        for write in writes.elements() {
            let (put, delete) = (write.get("PutRequest"), write.get("DeleteRequest"));
            values::check_item(put.and_then(|put| put.get("Item")), Layer::Older)?;
            values::check_item(delete.and_then(|delete| delete.get("Key")), Layer::Older)?;
        }
    }
    Ok(())
}

/// One action of a TransactGetItems.
pub(super) fn transact_get_item(action: &Tree) -> Checked {
    let Some(get) = action.get("Get") else { return Ok(()) };
    check_expression_members(Layer::Newer, get, &["ProjectionExpression"], &[])?;
    values::check_item(get.get("Key"), Layer::Newer)
}

/// One action of a TransactWriteItems.
pub(super) fn transact_write_item(action: &Tree) -> Checked {
    match action.members() {
        [] => Err(ApiError::validation(
            "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request",
        )),
        [(kind, action)] => check_action(kind, action),
        _ => Err(ApiError::validation("TransactItems can only contain one of Check, Put, Update or Delete")),
    }
}

pub(super) fn execute_statement(request: &Tree) -> Checked {
    values::check_parameters(request.get("Parameters")).map_err(ApiError::validation)
}

pub(super) fn execute_transaction(request: &Tree) -> Checked {
    let statements = request.get("TransactStatements").map(Tree::elements).unwrap_or_default();
    statements.iter().try_for_each(execute_statement)
}

fn check_action(kind: &str, action: &Tree) -> Checked {
    let expressions: &[&str] = match kind {
        "Update" => &["UpdateExpression", "ConditionExpression"],
        _ => &["ConditionExpression"],
    };
    check_expression_members(Layer::Newer, action, expressions, &[])?;
    values::check_item(action.get(if kind == "Put" { "Item" } else { "Key" }), Layer::Newer)?;
    values::check_placeholders(action.get("ExpressionAttributeValues"), Layer::Newer)
}

pub(super) fn query(request: &Tree) -> Checked {
    let older: &[&str] = match request.has("KeyConditionExpression") {
        true => &["AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"],
        // DynamoDB: KeyConditions go with a FilterExpression.
        false => &["AttributesToGet", "QueryFilter", "ConditionalOperator"],
    };
    let expressions = ["ProjectionExpression", "FilterExpression", "KeyConditionExpression"];
    check_expression_members(Layer::Newer, request, &expressions, older)?;
    check_conditions(Layer::Newer, request.get("QueryFilter"))?;
    check_attributes_to_get(request)?;
    values::check_start_key(request.get("ExclusiveStartKey"), Layer::Newer)?;
    if !request.has("KeyConditions") && !request.has("KeyConditionExpression") {
        return Err(ApiError::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ));
    }
    values::check_placeholders(request.get("ExpressionAttributeValues"), Layer::Newer)?;
    check_conditions(Layer::Newer, request.get("KeyConditions"))
}

pub(super) fn scan(request: &Tree) -> Checked {
    let older = ["AttributesToGet", "ScanFilter", "ConditionalOperator"];
    check_expression_members(Layer::Older, request, &["ProjectionExpression", "FilterExpression"], &older)?;
    check_attributes_to_get(request)?;
    check_conditions(Layer::Older, request.get("ScanFilter"))?;
    values::check_start_key(request.get("ExclusiveStartKey"), Layer::Older)?;
    check_segments(request)?;
    values::check_placeholders(request.get("ExpressionAttributeValues"), Layer::Older)
}

fn check_segments(request: &Tree) -> Checked {
    let integer = |name| request.get(name).and_then(Tree::integer);
    let fault = match (integer("Segment"), integer("TotalSegments")) {
        (Some(_), None) => "The TotalSegments parameter is required but was not present in the request when \
                            Segment parameter is present"
            .to_owned(),
        (None, Some(_)) => "The Segment parameter is required but was not present in the request when \
                            parameter TotalSegments is present"
            .to_owned(),
        (Some(segment), Some(total)) if segment >= total => format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: \
             {segment} is not less than TotalSegments: {total}"
        ),
        _ => return Ok(()),
    };
    Err(ApiError::validation(fault))
}

pub(super) fn create_table(request: &Tree) -> Checked {
    check_table_class(request)?;
    check_tags(request)
}

pub(super) fn update_table(request: &Tree) -> Checked {
    check_table_class(request)?;
    let updates = request.get("GlobalSecondaryIndexUpdates").map(Tree::elements).unwrap_or_default();
    updates.iter().try_for_each(|update| match update.members().len() {
        1 => Ok(()),
        0 => Err(invalid(
            "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, \
             GlobalSecondaryIndexUpdate.Delete must not be null",
        )),
        _ => Err(invalid(
            "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate object",
        )),
    })
}

fn check_table_class(request: &Tree) -> Checked {
    match request.get("TableClass").and_then(Tree::text) {
        Some(class) if !TableClass::NAMES.contains(&class) => Err(ApiError::validation(format!(
            "Invalid table-class parameter provided. Please try again with a valid table-class value: [{}].",
            TableClass::NAMES.join(", ")
        ))),
        _ => Ok(()),
    }
}

/// The forms of tags and that no key comes twice; how many a resource may have is for whoever has it.
fn check_tags(request: &Tree) -> Checked {
    let mut seen = HashSet::new();
    for tag in request.get("Tags").map(Tree::elements).unwrap_or_default() {
        let key = tag.get("Key").and_then(Tree::text);
        check_tag_key(key)?;
        let value = tag.get("Value").and_then(Tree::text);
        if value.is_none_or(|value| value.chars().count() > TAG_VALUE_LENGTH_MAX || !is_of_tags(value)) {
            let value = value.map_or("null", shown);
            return Err(ApiError::validation(format!("The Tag Value provided is invalid, Value: {value}")));
        }
        if let Some(key) = key.filter(|key| !seen.insert(*key)) {
            return Err(ApiError::validation(format!(
                "Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}"
            )));
        }
    }
    Ok(())
}

const TAG_KEY_LENGTH_MAX: usize = 128;
const TAG_VALUE_LENGTH_MAX: usize = 256;

/// DynamoDB: "letters, white space, and numbers, plus … + - = . _ : /" (developer guide, "Tagging restrictions in
/// DynamoDB"); AWS's guide to tags has the at sign as well.
fn is_of_tags(text: &str) -> bool {
    text.chars().all(|each| each.is_alphanumeric() || each.is_whitespace() || "+-=._:/@".contains(each))
}

fn check_tag_key(key: Option<&str>) -> Checked {
    match key {
        Some(key) if key.starts_with("aws:") => {
            Err(ApiError::validation(format!("Tag Key cannot be prefixed with aws:, Key: {}", shown(key))))
        }
        Some(key) if (1..=TAG_KEY_LENGTH_MAX).contains(&key.chars().count()) && is_of_tags(key) => Ok(()),
        key => Err(ApiError::validation(format!(
            "The Tag Key provided is invalid, Key: {}",
            key.map_or("null", shown)
        ))),
    }
}

/// DynamoDB: what manages tables says so before it looks at any constraint (conformance suite, CreateTable).
pub(super) fn table_is_named(request: &Tree) -> Checked {
    match request.has("TableName") {
        true => Ok(()),
        false => Err(ApiError::validation(
            "The parameter 'TableName' is required but was not present in the request",
        )),
    }
}

/// DynamoDB: before the constraints.
pub(super) fn resource_is_named(request: &Tree) -> Checked {
    match request.get("ResourceArn").and_then(Tree::text) {
        None | Some("") => Err(ApiError::validation("Invalid TableArn")),
        Some(_) => Ok(()),
    }
}

pub(super) fn list_tags_of_resource(request: &Tree) -> Checked {
    check_resource(request)
}

/// DynamoDB: "Atleast" is one word.
pub(super) fn tag_resource(request: &Tree) -> Checked {
    check_resource(request)?;
    check_some(request, "Tags", "Atleast one Tag needs to be provided as Input.")?;
    check_tags(request)
}

pub(super) fn untag_resource(request: &Tree) -> Checked {
    check_resource(request)?;
    check_some(request, "TagKeys", "Atleast one Tag Key needs to be provided as Input.")?;
    let keys = request.get("TagKeys").map(Tree::elements).unwrap_or_default();
    keys.iter().try_for_each(|key| check_tag_key(key.text()))
}

fn check_some(request: &Tree, list: &str, fault: &str) -> Checked {
    match request.get(list).is_some_and(|list| !list.elements().is_empty()) {
        true => Ok(()),
        false => Err(ApiError::validation(fault)),
    }
}

/// DynamoDB: the words are those of a catalogue of live errors of October 2026. dynalite has an
/// AccessDeniedException for what is no ARN at all; the conformance suite too has a ValidationException.
fn check_resource(request: &Tree) -> Checked {
    let arn = request.get("ResourceArn").and_then(Tree::text).unwrap_or_default();
    let fault = match TableRef::parse(arn) {
        Some(TableRef::Arn { .. }) => return Ok(()),
        _ if !arn.starts_with("arn:") => "ARNs must start with 'arn:':",
        _ if table_name_in_arn(arn).is_some() => {
            "Invalid resource arn provided, only table or stream is accepted. Provided resource arn:"
        }
        _ => "Provided Arn is not a DynamoDB resource arn:",
    };
    Err(invalid(format_args!("{fault} {}", shown(arn))))
}

fn mixed(older: &[&str], expressions: &[&str]) -> String {
    format!(
        "Can not use both expression and non-expression parameters in the same request: Non-expression \
         parameters: {{{}}} Expression parameters: {{{}}}",
        older.join(", "),
        expressions.join(", ")
    )
}

/// Expressions do not go with the older members, nor their placeholders with none of them.
///
/// DynamoDB: what writes one item does not say which expressions are null (parity suite of DynamoDB,
/// `deleteItem.test.ts`, captured on 2026-10-09).
fn check_expression_members(layer: Layer, request: &Tree, expressions: &[&str], older: &[&str]) -> Checked {
    let given: Vec<&str> = expressions.iter().copied().filter(|name| request.has(name)).collect();
    let older: Vec<&str> = older.iter().copied().filter(|name| request.has(name)).collect();
    if !given.is_empty() && !older.is_empty() {
        return Err(layer.refuses(mixed(&older, &given)));
    }
    if request.has("ExpressionAttributeNames") && given.is_empty() {
        return Err(layer.refuses("ExpressionAttributeNames can only be specified when using expressions"));
    }
    let with_values: Vec<&str> =
        expressions.iter().copied().filter(|name| *name != "ProjectionExpression").collect();
    let has_use = with_values.is_empty() || with_values.iter().any(|name| request.has(name));
    if request.has("ExpressionAttributeValues") && !has_use {
        let fault = "ExpressionAttributeValues can only be specified when using expressions";
        let which = with_values.join(" and ");
        let are = if with_values.len() > 1 { "are" } else { "is" };
        return Err(match layer {
            Layer::NewerCounting => layer.refuses(fault),
            Layer::Newer | Layer::Older => layer.refuses(format!("{fault}: {which} {are} null")),
        });
    }
    Ok(())
}

fn check_attributes_to_get(request: &Tree) -> Checked {
    let mut seen = HashSet::new();
    let names = request.get("AttributesToGet").map(Tree::elements).unwrap_or_default();
    names.iter().filter_map(Tree::text).try_for_each(values::check_name)?;
    match names.iter().filter_map(Tree::text).find(|name| !seen.insert(*name)) {
        Some(twice) => Err(invalid(format_args!("Duplicate value in attribute name: {}", shown(twice)))),
        None => Ok(()),
    }
}

/// DynamoDB: what puts or deletes a whole item has no updated attributes.
fn check_return_values(request: &Tree) -> Checked {
    match request.get("ReturnValues").and_then(Tree::text) {
        None | Some("ALL_OLD" | "NONE") => Ok(()),
        Some(_) => {
            let layer = if request.is_cut_off() { Layer::Older } else { Layer::NewerCounting };
            Err(layer.refuses("ReturnValues can only be ALL_OLD or NONE"))
        }
    }
}

fn check_expected(layer: Layer, request: &Tree) -> Checked {
    for (_, expected) in request.get("Expected").map(Tree::members).unwrap_or_default() {
        values::check_value(expected.get("Value"), layer)?;
        check_list(layer, expected)?;
    }
    Ok(())
}

fn check_conditions(layer: Layer, conditions: Option<&Tree>) -> Checked {
    conditions.map(Tree::members).unwrap_or_default().iter().try_for_each(|(_, each)| check_list(layer, each))
}

fn check_list(layer: Layer, condition: &Tree) -> Checked {
    let values = condition.get("AttributeValueList").map(Tree::elements).unwrap_or_default();
    values.iter().try_for_each(|value| values::check_value(Some(value), layer))
}
