//! What the requests of `model` ask for, in expressions or in the parameters from before there were any.

use model::{
    UniqueMap,
    call::{self, AttributeAction, ExpectedAttributeValue, Query, Scan, UpdateItem},
};

use crate::{
    AttributeUpdate, ComparisonOperator, Condition, ConditionalOperator, Expectation, ExprError, Expressions,
    FilterCondition, FilterParameter, KeyCondition, Projection, Update, UpdateAction,
};

/// What a Query or a Scan asks for; a Scan has no key condition.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Which partition, and which part of it.
    pub key_condition: Option<KeyCondition>,
    /// Which of the items to return.
    pub filter: Option<Condition>,
    /// Which parameter the filter was in.
    pub filter_parameter: FilterParameter,
    /// Which parts of the items to return, if an expression says so.
    pub projection: Option<Projection>,
}

/// What a Query asks for.
///
/// # Errors
/// The one fault that DynamoDB reports.
pub fn query(query: &Query) -> Result<Reading, ExprError> {
    let bound = Expressions {
        key_condition: query.key_condition_expression.as_deref(),
        filter: query.filter_expression.as_deref(),
        projection: query.projection_expression.as_deref(),
        names: slice(&query.expression_attribute_names),
        values: slice(&query.expression_attribute_values),
        ..Expressions::default()
    }
    .bind()?;
    let key_condition = match bound.key_condition {
        Some(condition) => condition,
        None => KeyCondition::from_conditions(&conditions(&query.key_conditions))?,
    };
    let filter_parameter = match bound.filter {
        Some(_) => FilterParameter::FilterExpression,
        None => FilterParameter::QueryFilter,
    };
    let filter = filter(bound.filter, &query.query_filter, query.conditional_operator)?;
    Ok(Reading { key_condition: Some(key_condition), filter, filter_parameter, projection: bound.projection })
}

/// What a Scan asks for.
///
/// # Errors
/// The one fault that DynamoDB reports.
pub fn scan(scan: &Scan) -> Result<Reading, ExprError> {
    let bound = Expressions {
        filter: scan.filter_expression.as_deref(),
        projection: scan.projection_expression.as_deref(),
        names: slice(&scan.expression_attribute_names),
        values: slice(&scan.expression_attribute_values),
        ..Expressions::default()
    }
    .bind()?;
    let filter_parameter = FilterParameter::FilterExpression;
    let filter = filter(bound.filter, &scan.scan_filter, scan.conditional_operator)?;
    Ok(Reading { key_condition: None, filter, filter_parameter, projection: bound.projection })
}

/// What an UpdateItem changes.
///
/// # Errors
/// The one fault that DynamoDB reports.
pub fn update(asked: &UpdateItem) -> Result<(Update, Option<Condition>), ExprError> {
    let bound = Expressions {
        update: asked.update_expression.as_deref(),
        condition: asked.condition_expression.as_deref(),
        names: slice(&asked.expression_attribute_names),
        values: slice(&asked.expression_attribute_values),
        ..Expressions::default()
    }
    .bind()?;
    let condition = bound.condition.or(expected(&asked.expected, asked.conditional_operator)?);
    let update = bound.update.map_or_else(|| attribute_updates(&asked.attribute_updates), Ok)?;
    Ok((update, condition))
}

/// The placeholders of a request, as `expr` takes them.
pub fn slice<V>(map: &Option<UniqueMap<V>>) -> Option<&[(String, V)]> {
    map.as_ref().map(UniqueMap::as_slice)
}

/// `Expected`.
pub fn expected(
    expected: &Option<UniqueMap<ExpectedAttributeValue>>,
    operator: Option<call::ConditionalOperator>,
) -> Result<Option<Condition>, ExprError> {
    let Some(expected) = expected else {
        return Condition::from_expected(&[], operator.map(conditional));
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
    Condition::from_expected(&expectations, operator.map(conditional))
}

/// `QueryFilter`, `ScanFilter` or `KeyConditions`.
pub fn conditions(conditions: &Option<UniqueMap<call::Condition>>) -> Vec<(String, FilterCondition)> {
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
pub fn filter(
    bound: Option<Condition>,
    legacy: &Option<UniqueMap<call::Condition>>,
    operator: Option<call::ConditionalOperator>,
) -> Result<Option<Condition>, ExprError> {
    match bound {
        Some(filter) => Ok(Some(filter)),
        None => Condition::from_filter(&conditions(legacy), operator.map(conditional)),
    }
}

/// A projection as an expression, or as `AttributesToGet`.
pub fn projection(
    bound: Option<Projection>,
    attributes: Option<&[String]>,
) -> Result<Option<Projection>, ExprError> {
    match (bound, attributes) {
        (None, Some(attributes)) => Ok(Some(Projection::from_attributes(attributes)?)),
        (projection, _) => Ok(projection),
    }
}

/// `AttributeUpdates`; without any, an update that leaves everything as it is.
pub fn attribute_updates(
    updates: &Option<UniqueMap<call::AttributeValueUpdate>>,
) -> Result<Update, ExprError> {
    let updates = updates.iter().flat_map(UniqueMap::iter).map(|(name, asked)| {
        let action = match asked.action {
            None | Some(AttributeAction::Put) => UpdateAction::Put,
            Some(AttributeAction::Add) => UpdateAction::Add,
            Some(AttributeAction::Delete) => UpdateAction::Delete,
        };
        (name.clone(), AttributeUpdate { action, value: asked.value.clone() })
    });
    Update::from_attribute_updates(updates.collect())
}

fn conditional(operator: call::ConditionalOperator) -> ConditionalOperator {
    match operator {
        call::ConditionalOperator::And => ConditionalOperator::And,
        call::ConditionalOperator::Or => ConditionalOperator::Or,
    }
}
