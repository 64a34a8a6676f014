//! Short ways to write down what tests are made of.

use model::json::item_from_slice;
use model::{AttributeValue, Item};

use crate::{Bound, ExprError, Expressions};

/// An item, as DynamoDB JSON.
pub(crate) fn item(json: &str) -> Item {
    item_from_slice(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

/// ExpressionAttributeValues, as DynamoDB JSON; an empty text is none.
pub(crate) fn values(json: &str) -> Vec<(String, AttributeValue)> {
    let json = if json.is_empty() { "{}" } else { json };
    item(json).into_iter().collect()
}

pub(crate) fn value(json: &str) -> AttributeValue {
    model::json::value_from_str(json).unwrap()
}

pub(crate) fn names(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(key, name)| (key.to_owned(), name.to_owned())).collect()
}

/// Binds with placeholders that may be missing altogether.
pub(crate) fn bind(
    expressions: Expressions<'_>,
    name_pairs: &[(&str, &str)],
    values_json: &str,
) -> Result<Bound, ExprError> {
    let (names, values) = (names(name_pairs), values(values_json));
    Expressions {
        names: (!names.is_empty()).then_some(&names),
        values: (!values.is_empty()).then_some(&values),
        ..expressions
    }
    .bind()
}

/// The message of a refusal; empty if there is none.
pub(crate) fn message<T>(result: Result<T, impl std::fmt::Display>) -> String {
    result.err().map_or_else(String::new, |error| error.to_string())
}
