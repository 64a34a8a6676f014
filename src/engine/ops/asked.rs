//! What a request asks for in expressions, or in the parameters from before there were any.

use expr::{
    AttributeUpdate, ComparisonOperator, Condition, ConditionalOperator, Expectation, FilterCondition,
    KeyRole, Projection, Update, UpdateAction,
};
use model::{
    Item, KeyAttribute, PrimaryKey, UniqueMap,
    call::{self, AttributeAction, ExpectedAttributeValue},
};

use crate::{EngineError, error::key_fault, table::Table};

/// The placeholders of a request, as `expr` takes them.
pub(crate) fn slice<V>(map: &Option<UniqueMap<V>>) -> Option<&[(String, V)]> {
    map.as_ref().map(UniqueMap::as_slice)
}

/// `Expected`.
pub(crate) fn expected(
    expected: &Option<UniqueMap<ExpectedAttributeValue>>,
    operator: Option<call::ConditionalOperator>,
) -> Result<Option<Condition>, EngineError> {
    let Some(expected) = expected else {
        return Ok(Condition::from_expected(&[], operator.map(conditional))?);
    };
    let expectations: Vec<(String, Expectation)> = expected
        .iter()
        .map(|(name, asked)| {
            let expectation = Expectation {
                value: asked.value.clone(),
                exists: asked.exists,
                operator: asked.comparison_operator.as_deref().and_then(ComparisonOperator::parse),
                values: asked.attribute_value_list.clone(),
            };
            (name.clone(), expectation)
        })
        .collect();
    Ok(Condition::from_expected(&expectations, operator.map(conditional))?)
}

/// `QueryFilter`, `ScanFilter` or `KeyConditions`.
pub(crate) fn conditions(conditions: &Option<UniqueMap<call::Condition>>) -> Vec<(String, FilterCondition)> {
    let conditions = conditions.iter().flat_map(UniqueMap::iter);
    conditions
        .filter_map(|(name, asked)| {
            let operator = ComparisonOperator::parse(&asked.comparison_operator)?;
            let values = asked.attribute_value_list.clone().unwrap_or_default();
            Some((name.clone(), FilterCondition { operator, values }))
        })
        .collect()
}

/// A filter as an expression, or as `QueryFilter` or `ScanFilter`.
pub(crate) fn filter(
    bound: Option<Condition>,
    legacy: &Option<UniqueMap<call::Condition>>,
    operator: Option<call::ConditionalOperator>,
) -> Result<Option<Condition>, EngineError> {
    match bound {
        Some(filter) => Ok(Some(filter)),
        None => Ok(Condition::from_filter(&conditions(legacy), operator.map(conditional))?),
    }
}

/// A projection as an expression, or as `AttributesToGet`.
pub(crate) fn projection(
    bound: Option<Projection>,
    attributes: Option<&[String]>,
) -> Result<Option<Projection>, EngineError> {
    match (bound, attributes) {
        (None, Some(attributes)) => Ok(Some(Projection::from_attributes(attributes)?)),
        (projection, _) => Ok(projection),
    }
}

/// `AttributeUpdates`; without any, an update that leaves everything as it is.
pub(crate) fn attribute_updates(
    updates: &Option<UniqueMap<call::AttributeValueUpdate>>,
) -> Result<Update, EngineError> {
    let updates = updates.iter().flat_map(UniqueMap::iter).map(|(name, asked)| {
        let action = match asked.action {
            None | Some(AttributeAction::Put) => UpdateAction::Put,
            Some(AttributeAction::Add) => UpdateAction::Add,
            Some(AttributeAction::Delete) => UpdateAction::Delete,
        };
        (name.clone(), AttributeUpdate { action, value: asked.value.clone() })
    });
    Ok(Update::from_attribute_updates(updates.collect())?)
}

fn conditional(operator: call::ConditionalOperator) -> ConditionalOperator {
    match operator {
        call::ConditionalOperator::And => ConditionalOperator::And,
        call::ConditionalOperator::Or => ConditionalOperator::Or,
    }
}

/// The primary key that a request names.
pub(crate) fn key(table: &Table, key: &Item) -> Result<PrimaryKey, EngineError> {
    table.key.key_of_key_map(key).map_err(key_fault)
}

/// Key attributes are scalars: no condition looks into one.
pub(crate) fn check_condition(table: &Table, condition: Option<&Condition>) -> Result<(), EngineError> {
    let Some(condition) = condition else { return Ok(()) };
    for (attribute, role) in key_attributes(table) {
        condition.refuse_nested(&attribute.name, role)?;
    }
    Ok(())
}

/// The attributes of all keys of a table, its own first.
pub(crate) fn key_attributes(table: &Table) -> impl Iterator<Item = (&KeyAttribute, KeyRole)> {
    let own = table.key.attributes().map(|attribute| (attribute, KeyRole::Table));
    let indexes = table.indexes.iter().flat_map(|index| index.key.attributes());
    own.chain(indexes.map(|attribute| (attribute, KeyRole::Index)))
}
