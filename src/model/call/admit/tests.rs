//! What is refused, in which words and in which order.

mod constraints;
mod hostile;
mod operations;
mod shapes;
mod streams;
mod tables;
mod values;

use serde_json::{Value, json};

use super::*;
use crate::Target;

fn ask(operation: &str, body: &str) -> Result<Request, ApiError> {
    match admit(Target::of(operation).known().unwrap(), body.as_bytes())? {
        Request::TransactGetItems(TransactGetItems { first_fault: Some(fault), .. })
        | Request::TransactWriteItems(TransactWriteItems { first_fault: Some(fault), .. }) => Err(fault),
        request => Ok(request),
    }
}

fn admitted(operation: &str, body: Value) -> Request {
    ask(operation, &body.to_string()).unwrap_or_else(|error| panic!("{operation} {body}: {error}"))
}

/// The code's name, `: `, the message.
fn refusal(operation: &str, body: &Value) -> String {
    match ask(operation, &body.to_string()) {
        Ok(request) => panic!("{operation} {body} was admitted: {request:?}"),
        Err(error) => error.to_string(),
    }
}

fn refused(operation: &str, body: Value, message: &str) {
    assert_eq!(refusal(operation, &body), format!("ValidationException: {message}"), "{operation} {body}");
}

/// As writes of one item say what is wrong with them.
fn counted(fault: &str) -> String {
    format!("1 validation error detected: {fault}")
}

/// The members of `base`, and those of `more` over them; null takes one away.
fn with(base: Value, more: Value) -> Value {
    let (Value::Object(mut base), Value::Object(more)) = (base, more) else { panic!("two objects") };
    base.extend(more);
    Value::Object(base)
}

fn key() -> Value {
    json!({ "TableName": "Tab", "Key": { "p": { "S": "x" } } })
}

fn put() -> Value {
    json!({ "TableName": "Tab", "Item": { "p": { "S": "x" } } })
}
