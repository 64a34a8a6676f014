//! How the origin reads a query.

use serde_json::{Map, Value};

use super::{Direction, KeyTest, Query, Select, Test};
use crate::{
    indexes::index_named,
    keys::{Attributes, canonical, table_named},
};

/// The names and values that placeholders stand for.
struct Placeholders<'a> {
    names: Option<&'a Map<String, Value>>,
    values: Option<&'a Map<String, Value>>,
}

impl Query {
    /// Reads what a request asks for; the reverse of [`Query::ask`], for any spelling.
    pub(crate) fn asked(request: &Value) -> Query {
        let placeholders = Placeholders {
            names: request["ExpressionAttributeNames"].as_object(),
            values: request["ExpressionAttributeValues"].as_object(),
        };
        let table = table_named(request["TableName"].as_str().expect("clients name tables"));
        let select = match (request["Select"].as_str(), request["ProjectionExpression"].as_str()) {
            (Some("COUNT"), _) => Select::Count,
            (_, None) => Select::Whole,
            (_, Some(names)) => {
                Select::Attributes(names.split(',').map(|name| placeholders.name(name.trim())).collect())
            }
        };
        let is_backward = request["ScanIndexForward"] == false;
        let segment = request["Segment"].as_u64().zip(request["TotalSegments"].as_u64());
        let capacity = request["ReturnConsumedCapacity"].as_str();
        Query {
            table,
            index: request["IndexName"].as_str().map(|name| index_named(table, name)),
            keys: request["KeyConditionExpression"].as_str().map_or(vec![], |text| placeholders.tests(text)),
            above: request["FilterExpression"].as_str().map(|text| placeholders.above(text)),
            select,
            limit: request["Limit"].as_u64().map(|limit| limit as usize),
            start: request["ExclusiveStartKey"].as_object().map(canonical_key),
            direction: if is_backward { Direction::Backward } else { Direction::Forward },
            is_strong: request["ConsistentRead"] == true,
            segment,
            capacity: ["TOTAL", "INDEXES"].into_iter().find(|wanted| capacity == Some(wanted)),
        }
    }
}

impl Placeholders<'_> {
    fn name(&self, token: &str) -> &'static str {
        let meant = match token.starts_with('#') {
            true => self.names.and_then(|names| names[token].as_str()).expect("placeholders are defined"),
            false => token,
        };
        let known = ["p", "s", "v", "w", "g"].into_iter().find(|known| *known == meant);
        known.expect("clients ask for these")
    }

    fn value(&self, token: &str) -> Value {
        canonical_value(&self.values.expect("placeholders are defined")[token])
    }

    /// `a = :a AND b BETWEEN :b AND :c`, in either order, with parentheses that change nothing.
    fn tests(&self, text: &str) -> Vec<KeyTest> {
        let tokens = tokens(text);
        let mut tests = Vec::new();
        let mut rest = &tokens[..];
        while let [name, comparator, value, others @ ..] = rest {
            let (value, name) = (self.value(value), self.name(name));
            rest = others;
            let test = match (comparator.to_ascii_uppercase().as_str(), others) {
                ("=", _) => Test::Is(value),
                ("<", _) => Test::Below(value),
                ("BETWEEN", [_and, high, others @ ..]) => {
                    rest = others;
                    Test::Between(value, self.value(high))
                }
                _ => unreachable!("clients do not write {text}"),
            };
            tests.push(KeyTest { name, test });
            rest = rest.split_first().map_or(rest, |(_and, others)| others);
        }
        tests.sort_by_key(|test| test.name);
        tests
    }

    /// `v > :v`.
    fn above(&self, text: &str) -> Value {
        let value = text.split_whitespace().last().expect("a filter has a value");
        self.value(value)
    }
}

/// Words and signs, without parentheses.
fn tokens(text: &str) -> Vec<String> {
    let spaced = text.replace(['(', ')'], " ").replace('=', " = ").replace('<', " < ");
    spaced.split_whitespace().map(str::to_owned).collect()
}

fn canonical_key(key: &Attributes) -> Attributes {
    key.iter().map(|(name, value)| (name.clone(), canonical_value(value))).collect()
}

fn canonical_value(value: &Value) -> Value {
    match value["N"].as_str() {
        Some(number) => serde_json::json!({ "N": canonical(number) }),
        None => value.clone(),
    }
}
