//! PartiQL statements: their requests, and what a proxy must tell of them without reading them.

use serde::Deserialize;

use super::{ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure};
use crate::AttributeValue;

/// `ExecuteStatement`, or one statement of the other two operations.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Statement {
    /// The text.
    pub statement: String,
    /// The values of its `?`, in order.
    pub parameters: Option<Vec<AttributeValue>>,
    /// Whether to read the latest.
    pub consistent_read: Option<bool>,
    /// Where the page before ended.
    pub next_token: Option<String>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// How many items to read at most, whether they match or not.
    pub limit: Option<u32>,
    /// Whether to show the item that a condition failed on.
    pub return_values_on_condition_check_failure: Option<ReturnValuesOnConditionCheckFailure>,
    /// What is wrong with its parameters: in a batch, other statements are carried out all the same.
    #[serde(skip)]
    pub parameter_fault: Option<String>,
}

/// `BatchExecuteStatement`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct BatchExecuteStatement {
    /// The statements, in order.
    pub statements: Vec<Statement>,
    /// Whether to say what they consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
}

/// `ExecuteTransaction`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ExecuteTransaction {
    /// The statements, in order.
    pub transact_statements: Vec<Statement>,
    /// What makes two requests one.
    pub client_request_token: Option<String>,
    /// Whether to say what they consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
}

impl Statement {
    /// The values of its `?`.
    pub fn parameters(&self) -> &[AttributeValue] {
        self.parameters.as_deref().unwrap_or_default()
    }
}

/// What a statement may do.
#[derive(Debug, PartialEq, Eq)]
pub enum StatementEffect<'a> {
    /// A `SELECT`, or the condition check of a transaction.
    Reads,
    /// Writes to the table of this name or ARN.
    Writes(&'a str),
    /// May write to any table: it is not one of the forms that this version can read.
    Unclear,
}

impl Statement {
    /// Tells reads from writes by the leading words alone; the rest is the origin's to understand.
    pub fn effect(&self) -> StatementEffect<'_> {
        let (verb, rest) = word(&self.statement);
        let target = match verb.to_ascii_uppercase().as_str() {
            "SELECT" | "EXISTS" => return StatementEffect::Reads,
            "UPDATE" | "FROM" => Some(rest),
            "INSERT" => after(rest, "INTO"),
            "DELETE" => after(rest, "FROM"),
            _ => None,
        };
        match target.and_then(table) {
            Some(name) => StatementEffect::Writes(name),
            None => StatementEffect::Unclear,
        }
    }
}

/// The leading run of letters, and what follows it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len()))
}

fn after<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let (found, rest) = word(text);
    found.eq_ignore_ascii_case(keyword).then_some(rest)
}

/// A table name at the start of `text`, quoted or bare, without the index that may follow it.
fn table(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let name = match text.strip_prefix('"') {
        Some(quoted) => &quoted[..quoted.find('"')?],
        None => {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())]
        }
    };
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_told_apart_by_their_leading_words() {
        let cases = [
            ("SELECT * FROM T", StatementEffect::Reads),
            ("  select a from \"T\".\"i\" where x=1", StatementEffect::Reads),
            ("EXISTS(SELECT * FROM T WHERE a=1)", StatementEffect::Reads),
            ("INSERT INTO \"My.Table\" value {'a':1}", StatementEffect::Writes("My.Table")),
            ("insert\n into T-1 VALUE {}", StatementEffect::Writes("T-1")),
            ("UPDATE T SET a=1 WHERE b=2", StatementEffect::Writes("T")),
            ("UPDATE\"T\"SET a=1", StatementEffect::Writes("T")),
            ("DELETE FROM T WHERE a=1", StatementEffect::Writes("T")),
            ("FROM T WHERE a=1 SET b=2", StatementEffect::Writes("T")),
            ("DELETE T WHERE a=1", StatementEffect::Unclear),
            ("UPSERT INTO T VALUE {}", StatementEffect::Unclear),
            ("REPLACE INTO T VALUE {}", StatementEffect::Unclear),
            ("-- note\nSELECT 1", StatementEffect::Unclear),
            ("UPDATE \"T", StatementEffect::Unclear),
            ("SELECTION", StatementEffect::Unclear),
            ("", StatementEffect::Unclear),
        ];
        for (text, expected) in cases {
            let statement: Statement =
                serde_json::from_value(serde_json::json!({ "Statement": text })).unwrap();
            assert_eq!(statement.effect(), expected, "{text}");
        }
    }
}
